"""No request is built that the model refuses; the end of a model is said in time."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from reviewbot.core.cost import Price
from reviewbot.errors import ConfigError
from reviewbot.model.catalogue import adapt, end_of_life, facts_for, provider_of
from reviewbot.model.wire import Reasoning, ResponseRequest, TextFormat, TextOptions

CODEX = "gpt-5.1-codex"
RESELLER = "openai/gpt-5-1-codex"


def test_the_facts_of_the_model_the_project_is_for() -> None:
    facts = facts_for(CODEX)
    assert (facts.context_window, facts.input_limit, facts.output_limit) == (400_000, 272_000, 128_000)
    assert (facts.efforts, facts.default_effort) == (("low", "medium", "high"), "medium")
    assert facts.price == Price(1.25, 0.125, 10.0)
    assert facts.successor == "gpt-5.6-sol"
    assert facts.known


@pytest.mark.parametrize(
    ("asked", "same_as"),
    [
        (RESELLER, CODEX),
        ("openai/gpt-5.1-codex", CODEX),
        ("GPT-5.1-Codex", CODEX),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("gpt-5-1-2025-11-13", "gpt-5.1"),
        ("gpt-5-codex", "gpt-5-codex"),
        ("gpt-5.6", "gpt-5.6-sol"),
    ],
)
def test_a_model_is_known_by_its_other_names_and_keeps_the_one_asked_for(asked: str, same_as: str) -> None:
    facts = facts_for(asked)
    assert facts.id == asked
    assert facts.known
    assert (facts.price, facts.shutdown, facts.efforts) == (
        facts_for(same_as).price,
        facts_for(same_as).shutdown,
        facts_for(same_as).efforts,
    )


def test_an_unknown_model_gets_guesses_on_the_safe_side() -> None:
    facts = facts_for("qwen3-coder")
    assert not facts.known
    assert facts.price is None
    assert facts.input_limit < facts.context_window <= 128_000
    assert end_of_life(facts, date(2030, 1, 1)) is None
    request = ResponseRequest(model="qwen3-coder", max_output_tokens=60_000, temperature=0.1)
    assert adapt(request, facts) == request


@pytest.mark.parametrize(
    ("model", "today", "provider", "words"),
    [
        (CODEX, date(2026, 7, 22), "openai", ["will be shut down at OpenAI on 2026-07-23", "gpt-5.6-sol"]),
        (CODEX, date(2026, 7, 23), "openai", ["was shut down at OpenAI on 2026-07-23", "gpt-5.6-sol"]),
        (RESELLER, date(2026, 11, 1), "aimlapi", ["was shut down at OpenAI", "Other providers may still serve it"]),
        ("gpt-5", date(2026, 11, 1), "openai", ["will be shut down at OpenAI on 2026-12-11"]),
    ],
)
def test_the_end_is_said_with_its_date_and_the_successor(
    model: str, today: date, provider: str, words: list[str]
) -> None:
    said = end_of_life(facts_for(model), today, provider)
    assert said is not None
    assert [word for word in words if word not in said] == []


def test_a_model_without_an_announced_end_has_none() -> None:
    assert end_of_life(facts_for("gpt-5.6-sol"), date(2026, 11, 1)) is None


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://api.aimlapi.com/v1", "aimlapi"),
        ("https://mine.openai.azure.com/openai/v1/", "azure"),
        ("https://openai.azure.com.evil.example/v1", "other"),
        ("http://127.0.0.1:8000/v1", "other"),
    ],
)
def test_the_provider_is_told_by_the_host(url: str, provider: str) -> None:
    assert provider_of(url) == provider


# parameter, value, what becomes of it at: OpenAI's codex / a reseller's codex / gpt-5.6-sol / an unknown model
KEPT, LEFT_OUT, ERROR = "kept", "left out", "error"
MATRIX: list[tuple[str, Any, str, str, str, str]] = [
    ("temperature", 0.2, LEFT_OUT, LEFT_OUT, LEFT_OUT, KEPT),
    ("top_p", 0.9, LEFT_OUT, LEFT_OUT, LEFT_OUT, KEPT),
    ("top_logprobs", 3, LEFT_OUT, LEFT_OUT, LEFT_OUT, KEPT),
    ("prompt_cache_key", "k", KEPT, LEFT_OUT, KEPT, KEPT),
    ("prompt_cache_retention", "24h", KEPT, LEFT_OUT, KEPT, KEPT),
    ("safety_identifier", "s", KEPT, LEFT_OUT, KEPT, KEPT),
    ("background", True, KEPT, LEFT_OUT, KEPT, KEPT),
    ("include", ("reasoning.encrypted_content",), KEPT, LEFT_OUT, KEPT, KEPT),
    ("conversation", "conv", KEPT, ERROR, KEPT, KEPT),
    ("moderation", {"model": "m"}, KEPT, ERROR, KEPT, KEPT),
    ("max_tool_calls", 2, KEPT, ERROR, KEPT, KEPT),
    ("instructions", "i", KEPT, KEPT, KEPT, KEPT),
    ("metadata", {"a": "b"}, KEPT, KEPT, KEPT, KEPT),
    ("previous_response_id", "r", KEPT, KEPT, KEPT, KEPT),
    ("store", False, KEPT, KEPT, KEPT, KEPT),
    ("stream", True, KEPT, KEPT, KEPT, KEPT),
    ("truncation", "disabled", KEPT, KEPT, KEPT, KEPT),
    ("tool_choice", "none", KEPT, KEPT, KEPT, KEPT),
    ("parallel_tool_calls", True, KEPT, KEPT, KEPT, KEPT),
    ("service_tier", "flex", KEPT, KEPT, KEPT, KEPT),
]


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: row[0])
def test_no_request_is_built_that_the_model_refuses(row: tuple[str, Any, str, str, str, str]) -> None:
    name, value, *fates = row
    for model, fate in zip((CODEX, RESELLER, "gpt-5.6-sol", "unheard-of"), fates, strict=True):
        request = ResponseRequest.model_validate({"model": model, "input": "x", name: value})
        if fate == ERROR:
            with pytest.raises(ConfigError, match=name):
                adapt(request, facts_for(model))
            continue
        sent = adapt(request, facts_for(model)).payload()
        assert (name in sent) == (fate == KEPT), model


def test_verbosity_is_left_out_for_codex_without_losing_the_format() -> None:
    text = TextOptions(format=TextFormat(type="json_object"), verbosity="low")
    request = ResponseRequest(model=CODEX, text=text)
    assert adapt(request, facts_for(CODEX)).payload()["text"] == {"format": {"type": "json_object"}}
    assert adapt(request, facts_for("gpt-5.6-sol")).payload()["text"]["verbosity"] == "low"


@pytest.mark.parametrize(
    ("model", "allowed"),
    [
        (CODEX, {"low", "medium", "high"}),
        (RESELLER, {"low", "medium", "high"}),
        ("gpt-5.1-codex-max", {"low", "medium", "high", "xhigh"}),
        ("gpt-5", {"minimal", "low", "medium", "high"}),
        ("gpt-5.1", {"none", "low", "medium", "high"}),
        ("gpt-5.6-sol", {"none", "low", "medium", "high", "xhigh", "max"}),
        ("unheard-of", {"low", "medium", "high"}),
    ],
)
def test_an_effort_that_is_not_allowed_is_an_error_that_names_the_allowed(model: str, allowed: set[str]) -> None:
    facts = facts_for(model)
    for effort in ("none", "minimal", "low", "medium", "high", "xhigh", "max"):
        request = ResponseRequest.model_validate({"model": model, "reasoning": {"effort": effort}})
        if effort in allowed:
            assert adapt(request, facts).reasoning == Reasoning.model_validate({"effort": effort})
        else:
            with pytest.raises(ConfigError) as caught:
                adapt(request, facts)
            assert all(name in caught.value.remedy for name in allowed)


def test_a_known_output_limit_is_kept() -> None:
    request = ResponseRequest(model=CODEX, max_output_tokens=500_000)
    assert adapt(request, facts_for(CODEX)).max_output_tokens == 128_000
