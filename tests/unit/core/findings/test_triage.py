"""Triage: every finding ends in exactly one place, with a reason, in an order that does not depend on the input's."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.core.change.diff import Run, Side
from reviewbot.core.change.pull_request import ReviewThread, ThreadComment
from reviewbot.core.config import ReviewSettings
from reviewbot.core.findings.finding import (
    Finding,
    Location,
    PlacedFinding,
    RejectReason,
    Severity,
    Step,
    fingerprint,
)
from reviewbot.core.findings.identity import Renames, code_digest
from reviewbot.core.findings.memory import answers
from reviewbot.core.findings.triage import Past, Triage, triage
from reviewbot.core.marker import finding_marker
from reviewbot.core.report.rendering import comment_body

REVIEW = ReviewSettings()


def placed(
    title: str = "Total is wrong",
    *,
    path: str = "a.py",
    quote: str = "",
    line: int | None = 5,
    start: int | None = None,
    side: Side = Side.RIGHT,
    step: Step | None = None,
    severity: Severity = Severity.MAJOR,
    confidence: float = 0.9,
    body: str = "Because.",
) -> PlacedFinding:
    quote = quote or f"code of {title}"
    finding = Finding(path, side, quote, "", title, body, "bug", severity, confidence)
    rung = step or (Step.FILE if line is None else Step.RANGE if start else Step.LINE)
    location = Location(path, side, start, line, rung)
    return PlacedFinding(finding, location, fingerprint(path, "", quote, "bug"))


def thread(*marks: str, ours: bool = True, resolved: bool = False) -> ReviewThread:
    return ReviewThread("T1", "a.py", Side.RIGHT, 5, resolved, outdated=False, ours=ours, body="", fingerprints=marks)


def reasons(result: Triage) -> list[tuple[str, RejectReason]]:
    return [(rejected.placed.finding.title, rejected.reason) for rejected in result.rejected]


def titles(findings: tuple[PlacedFinding, ...]) -> list[str]:
    return [finding.finding.title for finding in findings]


def test_the_order_is_severity_confidence_path_line() -> None:
    findings = [
        placed("e", line=9, severity=Severity.MINOR),
        placed("d", path="b.py", line=1),
        placed("c", line=7),
        placed("b", line=3),
        placed("a", path="z.py", line=80, confidence=0.95),
        placed("first", path="z.py", line=90, severity=Severity.CRITICAL, confidence=0.4),
    ]
    assert titles(triage(findings, (), REVIEW).post) == ["first", "a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("finding", "reason", "detail"),
    [
        (placed(confidence=0.29), RejectReason.LOW_CONFIDENCE, "confidence 0.29 is below 0.30"),
        (placed(severity=Severity.NIT), RejectReason.BELOW_SEVERITY, "nit is below minor"),
        (placed(quote=" ", body="\n"), RejectReason.EMPTY, "neither a quote nor a text"),
    ],
)
def test_unfit_findings_are_rejected(finding: PlacedFinding, reason: RejectReason, detail: str) -> None:
    result = triage([finding], (), REVIEW)
    assert (result.post, result.summary) == ((), ())
    assert [(one.reason, one.detail) for one in result.rejected] == [(reason, detail)]


def test_a_body_or_a_quote_is_enough() -> None:
    assert len(triage([placed("a", quote=" "), placed("b", line=90, body="")], (), REVIEW).post) == 2


def test_findings_without_a_place_go_to_the_summary_and_do_not_count_as_comments() -> None:
    findings = [placed("lost", path="no.py", line=None, step=Step.SUMMARY, severity=Severity.CRITICAL), placed("here")]
    result = triage(findings, (), ReviewSettings(max_comments=1))
    assert titles(result.summary) == ["lost"]
    assert titles(result.post) == ["here"]


@pytest.mark.parametrize("resolved", [True, False])
def test_what_we_posted_is_not_posted_again(*, resolved: bool) -> None:
    finding = placed()
    result = triage([finding], [thread("0" * 16, finding.fingerprint, resolved=resolved)], REVIEW)
    assert reasons(result) == [("Total is wrong", RejectReason.ALREADY_POSTED)]


def test_a_marker_in_somebody_elses_thread_hides_nothing() -> None:
    finding = placed()
    assert triage([finding], [thread(finding.fingerprint, ours=False)], REVIEW).post == (finding,)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (placed("A leak", quote="code of Total is wrong", line=40), False),
        (placed("A leak", quote="code of Total is wrong"), False),
        (placed("The total is wrong"), True),
        (placed("total is WRONG!", line=7, start=4), True),
        (placed("Total is wrong", line=7, start=6), False),
        (placed("Total is wrong", side=Side.LEFT), False),
        (placed("Total is wrong", path="b.py"), False),
        (placed("Division by zero when the list is empty"), False),
        (placed("Total is wrong", line=None), True),
    ],
)
def test_like_findings_in_one_place_are_merged(other: PlacedFinding, *, same: bool) -> None:
    other = replace(other, finding=replace(other.finding, confidence=0.5))
    result = triage([other, placed()], (), REVIEW)
    assert result.post[0] == placed()
    if same:
        assert reasons(result) == [(other.finding.title, RejectReason.DUPLICATE)]
        assert result.rejected[0].detail == "says the same as 'Total is wrong'"
    else:
        assert len(result.post) == 2


def test_file_comments_are_merged_only_when_their_titles_are_nearly_equal() -> None:
    findings = [
        placed("Missing check for null in foo", line=None, confidence=0.9),
        placed("Missing check for null in bar", line=None, confidence=0.8),
        placed("missing check for null in foo.", line=None, confidence=0.7),
    ]
    result = triage(findings, (), REVIEW)
    assert titles(result.post) == ["Missing check for null in foo", "Missing check for null in bar"]


def test_an_unfit_twin_does_not_hide_a_fit_one() -> None:
    unsure = placed("Total is wrong", severity=Severity.CRITICAL, confidence=0.1)
    result = triage([unsure, placed()], (), REVIEW)
    assert result.post == (placed(),)
    assert reasons(result) == [("Total is wrong", RejectReason.LOW_CONFIDENCE)]


def test_the_lightest_are_over_the_limit() -> None:
    findings = [placed(f"Point {number}", line=number * 10, confidence=0.5 + number / 100) for number in range(1, 6)]
    result = triage(findings, (), ReviewSettings(max_comments=2))
    assert titles(result.post) == ["Point 5", "Point 4"]
    assert {reason for _, reason in reasons(result)} == {RejectReason.OVER_LIMIT}
    assert triage(findings, (), ReviewSettings(max_comments=0)).post == ()


def test_what_stands_already_counts_for_the_limit_so_that_reruns_do_not_drip() -> None:
    findings = [placed(f"Point {number}", line=number * 10, confidence=0.5 + number / 100) for number in range(1, 6)]
    review = ReviewSettings(max_comments=2)
    first = triage(findings, (), review)
    threads = [thread(item.fingerprint) for item in first.post]
    assert triage(findings, threads, review).post == ()
    worse = placed("Data is lost", line=90, severity=Severity.CRITICAL)
    assert titles(triage([*findings, worse], threads, review).post) == ["Data is lost"]


# ---- what people say, and what was read before -----------------------------------------------------------------------

WRITER = ThreadComment("ann", False, False, "MEMBER", "Hm.")
TITLES = ("Total is wrong", "The computed total is wrong")


def standing_thread(finding: PlacedFinding, *said: str, **other: Any) -> ReviewThread:
    """Our thread on a finding, as GitHub gives it back, with what a member of the project said there."""
    comments = tuple(replace(WRITER, body=text) for text in said)
    at = finding.location
    body = f"{comment_body(finding)}\n\n{finding_marker(finding.fingerprint)}"
    digests = ((finding.fingerprint, code_digest(finding)),)
    thread = ReviewThread("T1", at.path, at.side, at.line, False, False, True, body, (finding.fingerprint,))
    return replace(thread, comments=comments, digests=digests, **other)


def in_code(title: str, code: str, **other: Any) -> PlacedFinding:
    found = placed(title, quote=code, **other)
    return replace(found, code=code, enclosing=f"def total(items):\n    {code}\n", symbols=("total",))


OLD = in_code(TITLES[0], "return sum(items) + 1")
AGAIN = in_code(TITLES[1], "return sum(items) + 1")
CHANGED = in_code(TITLES[1], "return sum(items) + 1 - tax(items)")
VIEWER: dict[str, Any] = {"resolved": True, "resolved_by": "reviewbot[bot]"}
BY_ANN: dict[str, Any] = {"resolved": True, "resolved_by": "ann"}


@pytest.mark.parametrize(
    ("finding", "thread", "reason", "detail"),
    [
        (AGAIN, standing_thread(OLD), RejectReason.ALREADY_POSTED, "says the same as 'Total is wrong'"),
        (CHANGED, standing_thread(OLD), RejectReason.ALREADY_POSTED, "says the same as 'Total is wrong'"),
        (AGAIN, standing_thread(OLD, **BY_ANN), RejectReason.DISMISSED, "resolved by ann; its code is unchanged"),
        (
            AGAIN,
            standing_thread(OLD, "Won't fix, see the issue."),
            RejectReason.DISMISSED,
            "answered by ann: Won't fix",
        ),
        (AGAIN, standing_thread(OLD, "/reviewbot dismiss tax is added later"), RejectReason.DISMISSED, "tax is added"),
        (AGAIN, standing_thread(OLD, **VIEWER), RejectReason.ALREADY_POSTED, "resolved as fixed"),
        (CHANGED, standing_thread(OLD, **VIEWER), None, "since it was resolved as fixed"),
        (CHANGED, standing_thread(OLD, **BY_ANN), None, "since it was dismissed (resolved by ann)"),
        (CHANGED, standing_thread(OLD, "This is not a bug."), None, "dismissed (answered by ann: This is not a bug.)"),
    ],
)
def test_what_people_answered(
    finding: PlacedFinding, thread: ReviewThread, reason: RejectReason | None, detail: str
) -> None:
    past = Past(memory=answers([thread], viewer="reviewbot"))
    result = triage([finding], [thread], REVIEW, past=past)
    if reason is None:
        assert detail in result.post[0].note
        assert result.post[0].fingerprint != OLD.fingerprint
    else:
        assert [each.reason for each in result.rejected] == [reason]
        assert detail in result.rejected[0].detail
        assert result.rejected[0].placed.fingerprint == OLD.fingerprint


def test_the_author_without_rights_may_quieten_but_not_dismiss() -> None:
    thread = standing_thread(OLD, resolved=True, resolved_by="eve")
    past = Past(memory=answers([thread], viewer="reviewbot", author="eve"))
    (rejected,) = triage([AGAIN], [thread], REVIEW, past=past).rejected
    assert rejected.reason is RejectReason.ALREADY_POSTED
    assert "eve, who may not dismiss it" in rejected.detail


def test_what_was_dismissed_comes_back_once() -> None:
    first = standing_thread(OLD, **BY_ANN)
    (raised,) = triage([CHANGED], [first], REVIEW).post
    again = replace(CHANGED, code="return sum(items) + 1 - 2 * tax(items)", enclosing="")
    again = replace(again, finding=replace(again.finding, quote=again.code), fingerprint="e" * 16)
    opened = replace(standing_thread(raised), id="T2")
    assert [each.reason for each in triage([again], [first, opened], REVIEW).rejected] == [RejectReason.ALREADY_POSTED]
    refused = replace(opened, **BY_ANN)
    assert [each.reason for each in triage([again], [first, refused], REVIEW).rejected] == [RejectReason.DISMISSED]
    assert triage([again], [first, refused], REVIEW).dismissed == (
        (first.fingerprints[0], "bug", "a.py"),
        (refused.fingerprints[0], "bug", "a.py"),
    )


def test_a_longer_quote_of_the_same_code_is_no_change() -> None:
    longer = in_code(TITLES[0], "items = list(items)\n    return sum(items) + 1")
    thread = standing_thread(longer, **BY_ANN)
    again = replace(AGAIN, enclosing=f"def total(items):\n    {longer.code}\n")
    assert [each.reason for each in triage([again], [thread], REVIEW).rejected] == [RejectReason.DISMISSED]


@pytest.mark.parametrize(
    ("new", "severity", "late", "reason"),
    [
        (None, Severity.MINOR, False, None),
        ({"a.py": [Run(Side.RIGHT, 4, 5)]}, Severity.MINOR, False, None),
        ({"a.py": [Run(Side.RIGHT, 6, 9)]}, Severity.MINOR, False, RejectReason.OLD_CODE),
        ({"a.py": [Run(Side.LEFT, 1, 9)]}, Severity.MINOR, False, RejectReason.OLD_CODE),
        ({}, Severity.MINOR, False, RejectReason.OLD_CODE),
        ({}, Severity.MAJOR, True, None),
        ({}, Severity.CRITICAL, True, None),
    ],
)
def test_findings_on_old_code(new: Any, severity: Severity, late: bool, reason: RejectReason | None) -> None:
    result = triage([placed(severity=severity)], (), REVIEW, past=Past(new_lines=new))
    assert [each.reason for each in result.rejected] == ([reason] if reason else [])
    assert [each.late for each in result.post] == ([] if reason else [late])


def test_a_finding_on_a_file_is_new_when_any_line_of_it_is() -> None:
    whole = placed(line=None, severity=Severity.MINOR)
    assert triage([whole], (), REVIEW, past=Past(new_lines={"a.py": [Run(Side.LEFT, 1, 1)]})).post == (whole,)
    assert triage([whole], (), REVIEW, past=Past(new_lines={"b.py": [Run(Side.LEFT, 1, 1)]})).post == ()


@pytest.mark.parametrize(
    ("comment", "other", "discussed"),
    [
        (WRITER, {}, True),
        (replace(WRITER, is_bot=True), {}, False),
        (replace(WRITER, association="NONE"), {}, False),
        (WRITER, {"resolved": True}, False),
        (WRITER, {"line": 6}, False),
        (WRITER, {"line": None}, False),
        (WRITER, {"side": Side.LEFT}, False),
        (WRITER, {"path": "b.py"}, False),
        (WRITER, {"path": "old.py"}, True),
    ],
)
def test_the_bot_stays_out_of_a_talk(comment: ThreadComment, other: dict[str, Any], *, discussed: bool) -> None:
    talk = replace(thread(ours=False), comments=(comment,), **other)
    result = triage([placed()], [talk], REVIEW, past=Past(renames=Renames({"old.py": "a.py"})))
    assert [each.reason for each in result.rejected] == ([RejectReason.DISCUSSED] if discussed else [])


def test_two_defects_on_one_line_are_two_and_keep_marks_of_their_own() -> None:
    leak = in_code("File handle is never closed", "handle = open(path)")
    encoding = in_code("No encoding is given", "handle = open(path)", confidence=0.8)
    assert leak.fingerprint == encoding.fingerprint
    first = triage([encoding, leak], (), REVIEW)
    assert titles(first.post) == ["File handle is never closed", "No encoding is given"]
    assert len({one.fingerprint for one in first.post}) == 2
    threads = [replace(standing_thread(one), id=f"T{n}") for n, one in enumerate(first.post)]
    second = triage([encoding, leak], threads, REVIEW)
    assert second.post == ()
    assert {one.placed.fingerprint for one in second.rejected} == {one.fingerprint for one in first.post}


def test_what_cannot_be_compared_is_said() -> None:
    result = triage([placed()], [thread("0" * 16)], REVIEW, frozenset({"1" * 16}))
    assert result.doubts == (
        "The words of 2 earlier findings could not be read: only exact repeats of them are known.",
    )


some_placed = st.builds(
    placed,
    st.sampled_from(["Total is wrong", "The total is wrong", "Leak", "Race in the cache", "x"]),
    path=st.sampled_from(["a.py", "b.py"]),
    quote=st.sampled_from(["x = 1", "y = 2", " ", "z"]),
    line=st.none() | st.integers(1, 12),
    side=st.sampled_from(Side),
    step=st.sampled_from([None, None, Step.SUMMARY]),
    severity=st.sampled_from(Severity),
    confidence=st.floats(0, 1),
    body=st.sampled_from(["", "text"]),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(some_placed, max_size=14),
    st.integers(0, 4),
    st.sampled_from(["critical", "major", "minor", "nit"]),
    st.integers(),
)
def test_every_finding_ends_in_exactly_one_place_whatever_the_order(
    findings: list[PlacedFinding], limit: int, least: Any, seed: int
) -> None:
    review = ReviewSettings(max_comments=limit, min_severity=least)
    threads = [thread(findings[0].fingerprint)] if findings and seed % 2 else []
    result = triage(findings, threads, review)
    ended = [*result.post, *result.summary, *(rejected.placed for rejected in result.rejected)]
    assert Counter(one.finding for one in ended) == Counter(one.finding for one in findings)
    assert len(result.post) <= limit
    assert all(one.location.step is not Step.SUMMARY for one in result.post)
    assert all(one.location.step is Step.SUMMARY for one in result.summary)
    shuffled = random.Random(seed).sample(findings, len(findings))
    assert triage(shuffled, threads, review) == result
    marks = [one.fingerprint for one in (*result.post, *result.summary)]
    assert len({(one.location.path, one.fingerprint) for one in (*result.post, *result.summary)}) == len(marks)
