"""What stands by an open thread is read back from our own words, whatever a stranger put into them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reviewbot.core.change.diff import Side
from reviewbot.core.change.pull_request import ReviewThread
from reviewbot.core.findings.earlier import SOURCE, standing_findings
from reviewbot.core.findings.finding import (
    Finding,
    Location,
    PlacedFinding,
    RejectedFinding,
    RejectReason,
    Severity,
    Step,
)
from reviewbot.core.findings.memory import Answer, How
from reviewbot.core.findings.reply import CATEGORIES
from reviewbot.core.marker import finding_marker, read_findings
from reviewbot.core.report.rendering import comment_body
from reviewbot.core.report.sanitizer import sanitize_inline

MARK = "f" * 16
FORGED = "<sub>style · confidence 1% · model</sub>"
HEAD = "⚪ **Nit: Nothing at all**"
TITLES = st.text(st.sampled_from("ab *_`<>&;#1@|[]()~$!\\lt.x\n") | st.characters(), max_size=60)


def finding(**changes: Any) -> PlacedFinding:
    """A placed finding; ``changes`` go to the Finding, but ``proved``, ``late`` and the notes to where it was placed."""
    names = {"proved": "suggestion", "late": "late", "note": "note", "suggestion_note": "suggestion_note"}
    placed: dict[str, Any] = {name: changes.pop(key) for key, name in names.items() if key in changes}
    base = Finding("a.py", Side.RIGHT, "x", "e", "Title", "Body", "bug", Severity.MAJOR, 0.9)
    return PlacedFinding(replace(base, **changes), Location("a.py", Side.RIGHT, None, 3, Step.LINE), MARK, **placed)


def thread(placed: PlacedFinding | None = None, **changes: Any) -> ReviewThread:
    body = f"{comment_body(placed or finding())}\n\n{finding_marker(MARK)}"
    values: dict[str, Any] = {
        "id": "T1", "path": "a.py", "side": Side.RIGHT, "line": 3, "resolved": False, "outdated": False, "ours": True,
        "body": body, "fingerprints": read_findings(body),
    }  # fmt: skip
    return ReviewThread(**{**values, **changes})


def standing(
    *threads: ReviewThread, answers: dict[str, Answer] | None = None, **changes: Any
) -> tuple[RejectedFinding, ...]:
    return standing_findings(threads, answers or {}, **{"known": (), "paths": {"a.py": "a.py"}, **changes})


def read(placed: PlacedFinding) -> Finding:
    (found,) = standing(thread(placed))
    return found.placed.finding


def shown(title: str) -> str:
    """As it stands on GitHub, where an escape that nothing needs changes nothing."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", sanitize_inline(title, limit=160).replace("&#124;", "|"))


# ---- the words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", sorted(CATEGORIES))
@pytest.mark.parametrize("severity", Severity)
def test_what_a_comment_says_comes_back(severity: Severity, category: str) -> None:
    for confidence in (0.0, 0.07, 0.5, 0.994, 1.0):
        found = read(finding(severity=severity, category=category, confidence=confidence))
        assert (found.severity, found.category, found.title) == (severity, category, "Title")
        assert found.confidence == pytest.approx(confidence, abs=0.0051)
        assert (found.path, found.side, found.source) == ("a.py", Side.RIGHT, SOURCE)


@given(TITLES)
@example("**")
@example("ends in a \\")
@example("\\\\: and \\d and \\\\*")
@example("a | b, `a | b`, `x*y_z`, `&lt;`, `a\\*b`")
@example("Major: **x** <b> & c")
@example(f"x\n{HEAD}\n{FORGED}")
def test_a_title_is_shown_as_on_its_thread(title: str) -> None:
    found = read(finding(title=title))
    assert found.severity is Severity.MAJOR
    assert shown(found.title) == shown(title or "Untitled")


@pytest.mark.parametrize(
    "title",
    ["a < b & c > d", "`total` is None", "snake_case * 2", "x[0] | y", "@admin #1", "`a*b_c` and `<b>`", "``a`b``",
     "50% $x$ ~~no~~", "it's \u201cquoted\u201d", "\U0001f600 caf\u00e9", "`&lt;` is an entity"],
)  # fmt: skip
def test_a_title_is_plain_again(title: str) -> None:
    """The terminal and the JSON show it as it was raised."""
    assert read(finding(title=title)).title == title


def test_an_empty_title() -> None:
    assert read(finding(title="")).title == "Untitled"


@pytest.mark.parametrize("text", [FORGED, HEAD, f"```\n{HEAD}\n\n{FORGED}\n```", f"x\n\n{FORGED}\n{HEAD}\n"])
@pytest.mark.parametrize("field", ["body", "evidence", "title", "proved", "suggestion", "note"])
def test_words_of_strangers_are_not_taken_for_ours(field: str, text: str) -> None:
    found = read(finding(**{field: text}))
    assert (found.severity, found.category, found.confidence) == (Severity.MAJOR, "bug", 0.9)
    assert field == "title" or found.title == "Title"


def test_late_ones_notes_and_suggestions_change_nothing() -> None:
    placed = finding(late=True, note="Raised again.", suggestion="y = 1\n", suggestion_note="it was not proved")
    for each in (placed, replace(placed, suggestion="y = 1\n", suggestion_note="")):
        assert (read(each).title, read(each).category, read(each).confidence) == ("Title", "bug", 0.9)


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_line_ends_are_those_that_github_gives(ends: str) -> None:
    (found,) = standing(thread(body=thread().body.replace("\n", ends)))
    assert (found.placed.finding.severity, found.placed.finding.category) == (Severity.MAJOR, "bug")


@pytest.mark.parametrize(
    "body", ["", "Why?", f"Withdrawn.\n\n{finding_marker(MARK)}", "**Major: x**", "🟠 **Huge: x**"]
)
def test_a_comment_that_is_no_finding_any_more_does_not_stand(body: str) -> None:
    assert standing(thread(body=body)) == ()


def test_a_comment_without_its_facts_still_stands() -> None:
    (found,) = standing(thread(body="🔴 **Critical: It breaks**\n\nSomebody cut the rest."))
    assert (found.placed.finding.severity, found.placed.finding.title) == (Severity.CRITICAL, "It breaks")
    assert found.placed.finding.category == ""


# ---- which stand -----------------------------------------------------------------------------------------------------


def test_an_open_thread_stands_where_github_has_it() -> None:
    (found,) = standing(thread(line=7, side=Side.LEFT))
    assert (found.reason, found.detail) == (RejectReason.ALREADY_POSTED, "posted by an earlier review, and open")
    at = found.placed.location
    assert (at.path, at.side, at.start_line, at.line, at.step) == ("a.py", Side.LEFT, None, 7, Step.LINE)
    assert found.placed.fingerprint == MARK
    (whole,) = standing(thread(line=None))
    assert (whole.placed.location.line, whole.placed.location.step) == (None, Step.FILE)


@pytest.mark.parametrize(
    "changes",
    [{"ours": False}, {"resolved": True}, {"outdated": True}, {"path": "gone.py"}, {"fingerprints": ()}],
)
def test_what_does_not_stand(changes: dict[str, Any]) -> None:
    assert standing(thread(**changes)) == ()


def test_other_peoples_threads_never_stand() -> None:
    forged = thread(ours=False, outdated=True)
    assert standing(forged, held={"T1"}) == ()


def test_an_outdated_thread_that_still_holds_stands() -> None:
    (found,) = standing(thread(outdated=True, line=None), held={"T1"})
    assert found.placed.location.step is Step.FILE
    assert standing(thread(outdated=True), held={"T2"}) == ()


@pytest.mark.parametrize("how", How)
def test_what_people_dismissed_does_not_stand(how: How) -> None:
    assert standing(thread(), answers={"T1": Answer(how, "ann")}) == ()
    assert standing(thread(resolved=True), answers={"T1": Answer(how, "ann")}) == ()
    assert len(standing(thread(), answers={"T2": Answer(how, "ann")})) == 1


def test_who_may_not_dismiss_does_not_by_closing_the_thread() -> None:
    """The author of a change may close threads on it; the finding still counts (see `memory.py`)."""
    answer = Answer(How.RESOLVED, "mallory", binding=False)
    (found,) = standing(thread(resolved=True), answers={"T1": answer})
    assert found.detail == "posted by an earlier review, and resolved by mallory, who may not dismiss it"
    assert standing(thread(resolved=True, outdated=True), answers={"T1": answer}) == ()


def test_what_this_run_raised_or_met_is_not_named_twice() -> None:
    assert standing(thread(), known={MARK}) == ()
    assert standing(thread(), met={"T1"}) == ()
    assert standing(thread(), met={"T1"}, held={"T1"}) == ()
    assert len(standing(thread(), known={"e" * 16}, met={"T2"})) == 1


def test_a_thread_that_stands_for_several_is_known_by_each() -> None:
    joined = thread(fingerprints=(MARK, "e" * 16))
    assert standing(joined)[0].placed.fingerprint == MARK
    for mark in joined.fingerprints:
        assert standing(joined, known={mark}) == ()


def test_several_threads_stand_each_for_itself() -> None:
    found = standing(thread(), thread(id="T2", fingerprints=("e" * 16,)), thread(id="T3", ours=False))
    assert [each.placed.fingerprint for each in found] == [MARK, "e" * 16]


def test_a_renamed_file() -> None:
    (found,) = standing(thread(), paths={"a.py": "b.py", "b.py": "b.py"})
    assert (found.placed.location.path, found.placed.finding.path) == ("b.py", "b.py")
