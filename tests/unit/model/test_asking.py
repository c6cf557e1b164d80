"""What is sent for a prompt, what comes back as an Answer, and who is asked when a model is gone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from reviewbot import errors
from reviewbot.core.config import ModelSettings
from reviewbot.core.context.prompt import Answer, Prompt
from reviewbot.core.cost import Price, Usage
from reviewbot.model.asking import FallbackModel, ResponsesModel, build_prompt_request
from reviewbot.model.catalogue import facts_for
from reviewbot.model.responses import ResponsesClient
from reviewbot.model.scripted import ScriptedModel

CODEX = facts_for("gpt-5.1-codex")
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
PROMPT = Prompt("Be exact.", "<change>+x</change>", "review", SCHEMA, "pr-1", (("run", "r1"),))

Document = Callable[..., dict[str, Any]]


def test_the_request_of_a_prompt() -> None:
    assert build_prompt_request(PROMPT, ModelSettings(), CODEX, 9000).payload() == {
        "model": "gpt-5.1-codex",
        "instructions": "Be exact.",
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<change>+x</change>"}]}
        ],
        "max_output_tokens": 9000,
        "reasoning": {"effort": "medium"},
        "text": {"format": {"type": "json_schema", "name": "review", "schema": SCHEMA, "strict": True}},
        "truncation": "disabled",
        "store": False,
        "stream": True,
        "prompt_cache_key": "pr-1",
        "metadata": {"run": "r1"},
    }


def test_settings_reach_the_request() -> None:
    settings = ModelSettings(
        effort="high", truncation="auto", stream=False, store=True, service_tier="flex", background=False
    )
    sent = build_prompt_request(PROMPT, settings, CODEX, 9000).payload()
    assert sent["reasoning"] == {"effort": "high"}
    assert (sent["truncation"], sent["stream"], sent["store"], sent["service_tier"]) == ("auto", False, True, "flex")


def test_background_answers_are_kept_until_read_and_not_streamed() -> None:
    sent = build_prompt_request(PROMPT, ModelSettings(background=True), CODEX, 9000).payload()
    assert (sent["background"], sent["store"], "stream" in sent) == (True, True, False)


def test_a_reseller_is_sent_only_what_it_documents() -> None:
    facts = facts_for("openai/gpt-5-1-codex")
    sent = build_prompt_request(PROMPT, ModelSettings(background=True), facts, 9000).payload()
    assert {"prompt_cache_key", "background"}.isdisjoint(sent)
    assert (sent["stream"], sent["store"]) == (True, False)


def test_a_model_without_efforts_is_not_sent_one() -> None:
    facts = dataclasses.replace(CODEX, efforts=())
    assert "reasoning" not in build_prompt_request(PROMPT, ModelSettings(), facts, 9000).payload()


def model_of(url: str = "http://127.0.0.1:9/v1", name: str = "gpt-5.1-codex", **settings: Any) -> ResponsesModel:
    return ResponsesModel(ResponsesClient(url, "sk-test"), ModelSettings(**settings), facts_for(name))


def test_the_key_depends_on_what_is_asked_and_not_on_how_it_is_delivered() -> None:
    key = model_of().request_key(PROMPT, 9000)
    assert len(key) == 64
    same = [
        model_of(stream=False).request_key(PROMPT, 9000),
        model_of(store=True).request_key(PROMPT, 9000),
        model_of(background=True).request_key(PROMPT, 9000),
        model_of(service_tier="flex").request_key(PROMPT, 9000),
        model_of().request_key(dataclasses.replace(PROMPT, cache_key="other", metadata=()), 9000),
    ]
    assert set(same) == {key}
    different = [
        model_of(effort="low").request_key(PROMPT, 9000),
        model_of(name="gpt-5").request_key(PROMPT, 9000),
        model_of(truncation="auto").request_key(PROMPT, 9000),
        model_of().request_key(PROMPT, 9001),
        model_of().request_key(dataclasses.replace(PROMPT, text="x"), 9000),
        model_of().request_key(dataclasses.replace(PROMPT, instructions="x"), 9000),
        model_of().request_key(dataclasses.replace(PROMPT, schema={**SCHEMA, "required": ["a"]}), 9000),
    ]
    assert len({key, *different}) == len(different) + 1


@pytest.mark.anyio
async def test_an_answer_says_what_it_cost(provider: Any, reply: Any, document: Document) -> None:
    provider.says(reply.json(document('{"findings": []}', model="gpt-5.1-codex-2025-11-13")))
    answer = await model_of(provider.url, stream=False).answer(PROMPT, 9000)
    assert (answer.text, answer.model) == ('{"findings": []}', "gpt-5.1-codex-2025-11-13")
    assert answer.usage == Usage(1, 100, 20, 40, 5)
    assert answer.cost_usd == pytest.approx((60 * 1.25 + 40 * 0.125 + 20 * 10) / 1e6)
    assert (answer.response_id, answer.reused, answer.notes) == ("resp_1", False, ())
    assert answer.seconds > 0


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("over", "note"), [({"usage": None}, "did not report"), ({"service_tier": "priority"}, "tier priority")]
)
async def test_what_makes_the_cost_uncertain_is_noted(
    provider: Any, reply: Any, document: Document, over: dict[str, Any], note: str
) -> None:
    provider.says(reply.json(document(**over)))
    answer = await model_of(provider.url, stream=False).answer(PROMPT, 9000)
    assert note in answer.notes[0]
    assert (answer.cost_usd is None) == ("usage" in over)


@pytest.mark.anyio
@pytest.mark.parametrize("output", [None, [], [{"type": "reasoning", "summary": []}]])
async def test_an_answer_without_text_is_an_error_that_was_paid_for(
    provider: Any, reply: Any, document: Document, output: Any
) -> None:
    provider.says(reply.json(document(output=output)))
    with pytest.raises(errors.ReplyError) as caught:
        await model_of(provider.url, stream=False).answer(PROMPT, 9000)
    assert caught.value.usage == Usage(1, 100, 20, 40, 5)


@pytest.mark.anyio
@pytest.mark.parametrize("status", ["completed", "incomplete"])
async def test_a_background_answer_is_forgotten_by_the_provider_once_read(
    provider: Any, reply: Any, document: Document, status: str
) -> None:
    provider.answers(lambda asked: reply.json({} if asked.method == "DELETE" else document(status=status)))
    if status == "completed":
        assert (await model_of(provider.url, background=True).answer(PROMPT, 9000)).notes == ()
    else:
        with pytest.raises(errors.ModelIncomplete):
            await model_of(provider.url, background=True).answer(PROMPT, 9000)
    assert [asked.method for asked in provider.asked] == ["POST", "DELETE"]


@pytest.mark.anyio
async def test_a_background_answer_that_stays_there_is_noted_and_a_wanted_one_is_kept(
    provider: Any, reply: Any, document: Document
) -> None:
    provider.answers(lambda asked: reply.json({}, 403) if asked.method == "DELETE" else reply.json(document()))
    assert "still keeps" in (await model_of(provider.url, background=True).answer(PROMPT, 9000)).notes[0]
    assert (await model_of(provider.url, background=True, store=True).answer(PROMPT, 9000)).notes == ()


# ---- the chain -------------------------------------------------------------------------------------------------------

GONE = errors.ModelNotFound("The provider does not serve it.", remedy="Set another.")


def scripted(name: str, *said: str | errors.ModelError, window: int = 1000) -> ScriptedModel:
    return ScriptedModel(said, model_id=name, window=window, price=Price(1, 1, 1))


@pytest.mark.anyio
async def test_the_chain_passes_over_a_model_that_is_gone_and_remembers_it() -> None:
    first, second = scripted("first", GONE, window=500), scripted("second", "a", "b")
    chain = FallbackModel([first, second])
    assert (chain.id, chain.window) == ("first", 500)
    key = chain.request_key(PROMPT, 9000)
    answers = [await chain.answer(PROMPT, 9000) for _number in range(2)]
    assert [answer.text for answer in answers] == ["a", "b"]
    assert all("does not serve first" in answer.notes[0] for answer in answers)
    assert (first.calls, second.calls, chain.id, chain.window) == (1, 2, "second", 500)
    assert chain.request_key(PROMPT, 9000) == key


@pytest.mark.anyio
async def test_the_chain_does_not_hide_any_other_error() -> None:
    second = scripted("second", "a")
    chain = FallbackModel([scripted("first", errors.ModelUnauthorized("wrong key"), "fine"), second])
    with pytest.raises(errors.ModelUnauthorized):
        await chain.answer(PROMPT, 9000)
    assert (await chain.answer(PROMPT, 9000)).notes == ()
    assert second.calls == 0


@pytest.mark.anyio
async def test_a_chain_of_models_that_are_all_gone_names_them_and_the_remedy() -> None:
    chain = FallbackModel([scripted("first", GONE), scripted("second", GONE, GONE)])
    for _number in range(2):
        with pytest.raises(errors.ModelNotFound, match="none of first, second") as caught:
            await chain.answer(PROMPT, 9000)
        assert caught.value.remedy == "Set another."


def test_a_chain_costs_what_its_dearest_may_cost() -> None:
    """A limit must hold whichever answers; one unknown price makes that impossible."""
    first, second = ScriptedModel([], price=Price(1, 0.1, 10)), ScriptedModel([], price=Price(5, 0.01, 2))
    assert FallbackModel([first, second]).price == Price(5, 0.1, 10)
    assert FallbackModel([first, ScriptedModel([])]).price is None


def test_a_chain_of_one_is_that_one_and_a_chain_of_none_is_an_error() -> None:
    one = scripted("one", "a")
    assert FallbackModel([one]).request_key(PROMPT, 1) == one.request_key(PROMPT, 1)
    with pytest.raises(errors.ConfigError):
        FallbackModel([])


# ---- the shipped fake ------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_scripted_model_takes_a_list_a_function_or_an_error() -> None:
    listed = ScriptedModel(["one", Answer("two", "m", Usage(), 0.5)])
    assert [(await listed.answer(PROMPT, 1)).text for _number in range(2)] == ["one", "two"]
    with pytest.raises(errors.ModelFailed, match="call 3"):
        await listed.answer(PROMPT, 1)
    asked = ScriptedModel(lambda prompt: prompt.text.upper())
    assert (await asked.answer(PROMPT, 1)).text == "<CHANGE>+X</CHANGE>"
    assert (asked.calls, asked.prompts) == (1, [PROMPT])
