"""Layers of settings that go wrong in less usual ways; the usual ones are in test_resolution.py."""

from __future__ import annotations

import pytest

from reviewbot.core.config import Config
from reviewbot.core.resolution import Layer, parse_toml, resolve, rows
from reviewbot.errors import ConfigError


def settled(text: str, *, repository: bool = True) -> Config:
    return resolve([Layer("f.toml", parse_toml(text, "f.toml"), repository=repository)]).config


@pytest.mark.parametrize(
    "text",
    [
        ".".join("a" * 400) + " = 1",
        "a = " + "[" * 5_000 + "]" * 5_000,
        f"[chunks]\ntarget_tokens = {'9' * 5_000}",
        "x = 1\nx = 2",
        "x = '\ud800'",
        "#" * 70_000,
    ],
)
def test_hostile_files_are_one_clear_error(text: str) -> None:
    with pytest.raises(ConfigError, match=r"f\.toml"):
        settled(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[model]\nconcurrency = true", "model.concurrency = true is wrong"),
        ("[limits]\nmax_cost_usd = inf", "limits.max_cost_usd"),
        ("[limits]\nmax_cost_usd = nan", "limits.max_cost_usd"),
        ("[review]\nmin_confidence = nan", "review.min_confidence"),
        ('[[paths]]\npattern = "a"\ninstruction = "b"', r"Did you mean 'paths\.0\.instructions'"),
    ],
)
def test_values_that_python_would_take(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        settled(text, repository=False)


def test_switches_stay_switches() -> None:
    assert settled("[model]\nstream = false", repository=False).model.stream is False


def test_every_setting_says_what_it_means() -> None:
    assert all(meaning.endswith((".", "`")) for _, _, _, meaning in rows())
