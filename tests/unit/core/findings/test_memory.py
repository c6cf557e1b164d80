"""Who may answer a finding, in which words, and what is suggested after many of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reviewbot.core.change.diff import Side
from reviewbot.core.change.pull_request import ReviewThread, ThreadComment
from reviewbot.core.config import Config
from reviewbot.core.findings.memory import Answer, How, answers, suggestions
from reviewbot.core.marker import answer_marker
from reviewbot.core.resolution import parse_toml

ANN = ThreadComment("ann", False, False, "MEMBER", "", "2026-01-02T00:00:00Z")
THREAD = ReviewThread("T1", "a.py", Side.RIGHT, 5, False, False, True, "", ("0" * 16,))


def answer(*comments: ThreadComment, **other: Any) -> Answer | None:
    thread = replace(THREAD, comments=comments, **other)
    return answers([thread], viewer="reviewbot", author="eve", trusted={"Tom"}).answers.get("T1")


@pytest.mark.parametrize(
    "words",
    [
        "Won't fix.",
        "wont fix, it is dead code",
        "We will not fix this here",
        "This is not a bug: the list is never empty.",
        "It's not an issue",
        "False positive",
        "That is by design.",
        "Works as intended\n\nSee the docs.",
        "> The list may be empty.\n\nNot a bug.",
        "It won\u2019t fix itself, and we won\u2019t fix it",
    ],
)
def test_words_that_refuse(words: str) -> None:
    given = answer(replace(ANN, body=words))
    assert given is not None
    assert (given.how, given.who, given.binding) == (How.WORDS, "ann", True)


@pytest.mark.parametrize(
    "words",
    [
        "Is this not a bug?",
        "I am not sure this is by design.",
        "Why is it by design",
        "I don't think it is a false positive.",
        "> won't fix",
        "`won't fix` is the label",
        "Good catch, will be fixed.",
        "Fixed in abc123",
        "",
        "/reviewbot",
        "/reviewbot dismissed",
    ],
)
def test_words_that_do_not(words: str) -> None:
    assert answer(replace(ANN, body=words)) is None


@pytest.mark.parametrize(
    "change",
    [{"association": "NONE"}, {"association": "CONTRIBUTOR"}, {"is_bot": True}, {"ours": True}, {"author": ""}],
)
def test_only_people_with_rights_dismiss_in_words(change: dict[str, Any]) -> None:
    assert answer(replace(ANN, body="/reviewbot dismiss no", **change)) is None


def test_a_command_gives_its_reason_and_the_last_word_counts() -> None:
    asked = replace(ANN, body="/reviewbot dismiss: covered by   a test\nand more")
    assert answer(asked) == Answer(How.COMMAND, "ann", "covered by a test")
    later = replace(ANN, body="Good catch after all, I'll fix it", created_at="2026-01-03T00:00:00Z")
    assert answer(later, asked) is None
    assert answer(replace(asked, created_at="2026-01-04T00:00:00Z"), later) == answer(asked)


@pytest.mark.parametrize(
    ("words", "dismisses"),
    [
        ("@reviewbot dismiss", True),
        ("@reviewbot[bot], dismiss", True),
        ("See below.\n\n/Reviewbot Dismiss", True),
        ("/reviewbot explain why it is by design", False),
        ("```\n/reviewbot dismiss\n```", False),
        ("> /reviewbot dismiss", False),
        ("    /reviewbot dismiss", False),
        ("`/reviewbot dismiss`", False),
        ("<!--\n/reviewbot dismiss\n-->", False),
        ("Please /reviewbot dismiss", False),
        ("/reviewbots dismiss", False),
    ],
)
def test_a_dismissal_is_what_a_command_is(words: str, *, dismisses: bool) -> None:
    found = answer(replace(ANN, body=words))
    assert (found.how if found else None) == (How.COMMAND if dismisses else None)


def test_a_dismissal_that_we_answered_counts_whatever_github_calls_its_author() -> None:
    """GitHub was asked for the right to write before it was answered. A mark in anybody else's comment is nothing."""
    asked = replace(ANN, association="CONTRIBUTOR", body="/reviewbot dismiss known", id=41)
    ours = ThreadComment("reviewbot", True, True, "NONE", f"Dismissed.\n\n{answer_marker('41')}")
    assert answer(asked) is None
    assert answer(asked, ours) == Answer(How.COMMAND, "ann", "known")
    assert answer(asked, replace(ours, body=answer_marker("42"))) is None
    assert answer(asked, replace(ours, ours=False)) is None
    assert answer(replace(asked, is_bot=True), ours) is None
    assert answer(replace(asked, body="won't fix"), ours) is None, "words count from those with rights only"


@pytest.mark.parametrize(
    ("reactions", "who"),
    [
        ((("tom", "THUMBS_DOWN"),), "tom"),
        ((("stranger", "THUMBS_DOWN"),), None),
        ((("tom", "THUMBS_UP"),), None),
        ((("ann", "THUMBS_DOWN"), ("stranger", "THUMBS_DOWN")), "ann"),
    ],
)
def test_a_thumbs_down_counts_from_people_with_rights(reactions: tuple[tuple[str, str], ...], who: str | None) -> None:
    given = answer(replace(ANN, body="Hm."), reactions=reactions)
    assert given == (Answer(How.THUMBS_DOWN, who) if who else None)


@pytest.mark.parametrize(
    ("resolver", "how", "binding"),
    [
        ("ann", How.RESOLVED, True),
        ("eve", How.RESOLVED, False),
        ("reviewbot", How.FIXED, True),
        ("reviewbot[bot]", How.FIXED, True),
    ],
)
def test_who_resolved_it(resolver: str, how: How, *, binding: bool) -> None:
    assert answer(resolved=True, resolved_by=resolver) == Answer(how, resolver, binding=binding)


def test_what_is_not_known_or_not_ours_is_no_answer() -> None:
    assert answer(resolved=True) is None
    assert answer(resolved_by="ann") is None
    assert answer(ours=False, resolved=True, resolved_by="ann") is None


def test_repeated_dismissals_become_a_text_for_the_settings_file() -> None:
    history = [("docs", "src/a [1]/x.py")] * 3 + [("docs", "y.py")] * 2 + [("bug", "z.py")] * 4 + [("", "q.py")] * 9
    first, second = suggestions(history)
    assert (first.category, first.folder, first.times) == ("bug", "", 4)
    assert (second.category, second.folder, second.times) == ("docs", "src/a [1]", 3)
    for suggestion in (first, second):
        Config.model_validate(parse_toml(suggestion.text, "suggestion"))
    assert "docs findings" in second.text


def test_hostile_words_take_linear_time_and_are_cut() -> None:
    for text in ("won't fix " * 50_000, "> " * 50_000, "`" * 50_000, "is not " * 50_000, "a" * 500_000):
        given = answer(replace(ANN, body=text))
        assert given is None or len(given.words) <= 200
