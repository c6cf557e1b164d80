"""The words of answers: what strangers wrote stays harmless, and nothing of the server's machine is told."""

from __future__ import annotations

from typing import Any

import pytest

from reviewbot.core.change.pull_request import PullRequestRef
from reviewbot.core.commands import FORMS, Fault, Misused, Unknown, Verb
from reviewbot.core.config import Config, Resolved
from reviewbot.core.report import command_answers as words
from reviewbot.core.report.acts import StatusAnswer
from reviewbot.core.resolution import Layer, resolve
from reviewbot.core.triggers import JobRequest, Kind, Priority


def request(**changes: Any) -> JobRequest:
    asked: dict[str, Any] = {
        "ref": PullRequestRef("github.com", "octo", "shop", 7),
        "installation_id": 5,
        "kind": Kind.COMMAND,
        "trigger": "command",
        "head_sha": "",
        "priority": Priority.ASKED,
        "delivery_id": "d",
        "requested_by": "maria",
        "key": "k",
        "comment_id": 90,
        "comment_kind": "issue_comment",
        "words": "config",
    }
    return JobRequest(**{**asked, **changes})


def test_help_lists_every_form_once() -> None:
    text = words.help_text("/reviewbot")
    for verb, form in FORMS.items():
        assert text.count(f"| `/reviewbot {verb}") == 1
        assert form.does in text
    assert "`/reviewbot ask <question>`" in text
    one = words.help_text("/reviewbot", " Dismiss")
    assert "`/reviewbot dismiss [reason]`" in one
    assert "Only in the thread of a finding." in one
    assert "/reviewbot ask" not in one
    assert words.help_text("/reviewbot", "dance") == text


def test_the_settings_that_differ_with_their_source() -> None:
    layers = [
        Layer(".reviewbot.toml", {"review": {"min_severity": "major", "instructions": "x" * 900}}, repository=True),
        Layer("/srv/secret place/deployment.toml", {"limits": {"max_cost_usd": 2.0}, "server": {"per_process": 3}}),
        Layer("environment", {"model": {"id": "gpt-5.6-sol"}}),
    ]
    text = words.config_text(resolve(layers))
    assert 'review.min_severity = "major"  # .reviewbot.toml' in text
    assert "limits.max_cost_usd = 2.0  # this server" in text
    assert 'model.id = "gpt-5.6-sol"  # this server' in text
    assert "(cut)" in text
    assert len(text) < 1_000
    for kept in ("secret place", "server.", "review.language"):
        assert kept not in text


def test_a_setting_of_the_repository_is_harmless_and_its_notes_are_told() -> None:
    hostile = "```\n@everyone <!-- reviewbot:status -->\n/merge now AKIAIOSFODNN7EXAMPLE"
    layers = [
        Layer(".reviewbot.toml", {"review": {"instructions": hostile}, "model": {"id": "dear"}}, repository=True),
    ]
    text = words.config_text(resolve(layers))
    assert "model.id" in text.partition("What was left out:")[2]
    assert "AKIAIOSFODNN7EXAMPLE" not in text
    assert "<!-- reviewbot" not in text
    assert text.count("\n```") == 2
    assert "All settings have their defaults" in words.config_text(Resolved(Config()))


def test_a_pattern_that_was_asked_for_here_is_a_source() -> None:
    config = Config.model_validate({"scope": {"exclude": ["a", "b"]}})
    for source, said in (
        (".reviewbot.toml and `ignore` here", ".reviewbot.toml and ignore"),
        ("default and `ignore` here", "ignore"),
        ("/srv/x.toml and `ignore` here", "this server and ignore"),
    ):
        text = words.config_text(Resolved(config, {"scope.exclude": source}))
        assert f'scope.exclude = ["a", "b"]  # {said}\n' in text


@pytest.mark.parametrize("login", ["@maria", "<b>maria</b>", "[x](https://evil.example)"])
def test_a_heading_calls_nobody(login: str) -> None:
    text = words.heading(request(requested_by=login, words="@all <i>"), "https://github.com/octo/shop/pull/7")
    assert "@maria" not in text
    assert "<b>" not in text
    assert "](https://evil" not in text
    assert "[`@all`](https://github.com/octo/shop/pull/7#issuecomment-90)" in text


def test_unknown_and_misused_say_how_it_is_written() -> None:
    assert "Did you mean `!look pause`?" in words.unknown(Unknown("puase", Verb.PAUSE, "puase"), "!look")
    assert words.misused(Misused(Verb.ASK, Fault.MISSING), "!look").endswith("It is written `!look ask <question>`.")


def test_what_was_given_up_is_told_to_whoever_asked() -> None:
    told = words.not_done(request(), "The provider @is <b>away</b>. " + "x" * 5_000)
    assert isinstance(told, StatusAnswer)
    assert told.key == "90"
    assert "This was not done. The provider" in told.text
    assert "@is" not in told.text
    assert "<b>" not in told.text
    assert len(told.text) < 3_000
    assert words.not_done(request(trigger="reply"), "x") is None, "the thread may be nobody's business of ours"
    assert words.not_done(request(comment_id=None), "x") is None
