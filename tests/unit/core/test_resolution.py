"""Layers of settings: who wins, who may not, and what a fault says."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from reviewbot.core.config import Config
from reviewbot.core.resolution import (
    REPOSITORY_MAY_LOWER,
    REPOSITORY_MAY_NOT,
    Layer,
    flatten_config,
    json_schema,
    parse_toml,
    resolve,
    rows,
)
from reviewbot.errors import ConfigError

FILE = ".reviewbot.toml"


def repository(values: dict[str, Any]) -> Layer:
    return Layer(FILE, values, repository=True)


def test_later_layers_win_and_each_value_knows_its_source() -> None:
    found = resolve(
        [
            repository({"review": {"min_severity": "nit", "max_comments": 3}}),
            Layer("command line", {"review": {"max_comments": 5}}),
        ]
    )
    assert (found.config.review.min_severity, found.config.review.max_comments) == ("nit", 5)
    assert found.sources["review.min_severity"] == FILE
    assert found.sources["review.max_comments"] == "command line"
    assert found.sources["model.id"] == "default"
    assert set(found.sources) == {name for name, _ in flatten_config(Config())}


@pytest.mark.parametrize("name", sorted(REPOSITORY_MAY_NOT))
def test_a_repository_may_not_choose_who_is_asked_or_how_hard(name: str) -> None:
    table, _, key = name.partition(".")
    value = {"fallbacks": ["x"], "id": "x", "service_tier": "priority"}.get(key, 7 if key != "store" else True)
    found = resolve([repository({table: {key: value}})])
    assert found.config == Config()
    assert name in found.notes[0]


@pytest.mark.parametrize(
    ("deployment", "wanted", "result", "noted"),
    [(1.0, 0.5, 0.5, False), (1.0, 2.0, 1.0, True), (None, 2.0, 2.0, False), (1.0, 1.0, 1.0, False)],
)
def test_a_repository_may_only_lower_the_cost(
    deployment: float | None, wanted: float, result: float, noted: bool
) -> None:
    own = Layer("environment", {"limits": {"max_cost_usd": deployment}} if deployment is not None else {})
    # The repository's layer comes below the deployment's, so its lower value must still be the one in force.
    found = resolve([own, repository({"limits": {"max_cost_usd": wanted}})])
    assert found.config.limits.max_cost_usd == result
    assert bool(found.notes) is noted
    assert "limits.max_cost_usd" in REPOSITORY_MAY_LOWER


@pytest.mark.parametrize("name", ["answers_per_thread", "answers_per_person", "max_output_tokens"])
def test_a_repository_may_only_lower_what_talks_cost(name: str) -> None:
    default = getattr(Config().chat, name)
    raised = resolve([repository({"chat": {name: default + 1}})])
    assert getattr(raised.config.chat, name) == default
    assert raised.notes == (f"{FILE} may not raise chat.{name} above {default}",)
    lower = max(default // 2, 1_000 if name == "max_output_tokens" else 0)
    lowered = resolve([repository({"chat": {name: lower}})])
    assert (getattr(lowered.config.chat, name), lowered.notes) == (lower, ())


def test_a_repository_may_switch_talks_off_but_not_on() -> None:
    off, on = {"chat": {"enabled": False}}, {"chat": {"enabled": True}}
    assert not resolve([repository(off)]).config.chat.enabled
    assert not resolve([repository(on), Layer("deployment", off)]).config.chat.enabled


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"review": {"min_sevrity": "nit"}}, ["review.min_sevrity", "Did you mean 'review.min_severity'?"]),
        ({"scop": {}}, ["'scop'", "'scope'"]),
        ({"review": {"max_comments": 1000}}, ["review.max_comments = 1000", FILE, "100"]),
        ({"review": {"fail_on": "always"}}, ["review.fail_on", '"always"', "'critical'"]),
        ({"review": 3}, ["review is a table"]),
        ({"paths": [{"pattern": "x"}]}, ["paths.0.instructions", "required"]),
        ({"chunks": {"overlap_lines": "many"}}, ["chunks.overlap_lines", "integer"]),
    ],
)
def test_a_fault_names_the_setting_the_file_and_the_remedy(values: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve([repository(values)])
    for word in words:
        assert word in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a = 1\nb =\n", "line 2"),
        ("x = '" + "y" * 70_000 + "'", "64 kB"),
        ("a.b.c.d.e.f.g = 1", "nested"),
        ("x = " + "[" * 5000 + "]" * 5000, "nested"),
    ],
)
def test_a_file_that_is_no_settings_file_is_refused_in_one_sentence(text: str, word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_toml(text, FILE)
    assert word in str(caught.value)


def test_the_schema_takes_what_is_right_and_refuses_what_is_not() -> None:
    schema = json_schema()
    jsonschema.validate({"review": {"max_comments": 5}, "paths": [{"pattern": "a", "instructions": "b"}]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"review": {"max_coments": 5}}, schema)


def test_every_setting_is_described() -> None:
    for name, default, kind, meaning in rows():
        assert meaning, name
        assert kind, name
        assert default, name
