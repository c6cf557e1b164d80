"""What one run writes on GitHub: comments, review body, check run."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from markdown_it import MarkdownIt

from reviewbot.core.change.diff import Side
from reviewbot.core.config import Config, PostSettings, ReviewSettings
from reviewbot.core.cost import Usage
from reviewbot.core.findings.finding import Severity, Step
from reviewbot.core.marker import has_review, read_findings
from reviewbot.core.report.rendering import comment_body, render_draft

CONFIG = Config()
LIMIT = 65_536


def with_fail_on(threshold: Any) -> Config:
    return Config(review=ReviewSettings(fail_on=threshold))


def test_a_comment_has_title_body_evidence_suggestion_and_footer(reviews: Any) -> None:
    assert comment_body(reviews.outcome.findings[0]) == (
        "🔴 **Critical: Division by zero in `total`**\n\n"
        "Every call of `Cart.total` raises `ZeroDivisionError`:\n\n```py\nCart([]).total()\n```\n\n"
        "<details>\n<summary>Evidence</summary>\n\n`/ 0` divides by zero whatever the discount is.\n\n</details>\n\n"
        "```suggestion\n        return total - total * discount / 100\n```\n\n"
        "<sub>bug · confidence 95% · model</sub>"
    )


def test_an_unproved_suggestion_is_prose_with_its_reason(reviews: Any) -> None:
    body = comment_body(reviews.outcome.findings[1])
    assert "(not offered as a one-click suggestion because it would drop the last line):" in body
    assert "```py\nself.items.insert(0, item)\n```" in body
    assert "```suggestion" not in body


@pytest.mark.parametrize("proved", ["a\u202eb", "/merge", "x" * 20_001])
def test_a_proved_suggestion_that_may_not_be_posted_unchanged_is_prose(reviews: Any, proved: str) -> None:
    body = comment_body(reviews.finding(suggestion=proved, proved=proved))
    assert "```suggestion" not in body
    assert "not offered as a one-click suggestion" in body


def test_suggestions_can_be_switched_off(reviews: Any) -> None:
    draft = render_draft(reviews.outcome, Config(review=ReviewSettings(suggestions=False)), key="k")
    assert all("```suggestion" not in comment.body for comment in draft.comments)
    assert "suggestions are switched off" in draft.comments[0].body


def test_comments_stand_where_the_findings_do(reviews: Any) -> None:
    draft = render_draft(reviews.outcome, CONFIG, key="k1")
    assert [(c.path, c.side, c.start_line, c.line) for c in draft.comments] == [
        ("shop/cart.py", Side.RIGHT, None, 8),
        ("shop/db.py", Side.LEFT, 11, 12),
        ("shop/cart.py", Side.RIGHT, 11, 13),
        ("docs/new name.md", Side.RIGHT, None, None),
    ]
    for comment in draft.comments:
        assert read_findings(comment.body) == (comment.fingerprint,)
    assert draft.commit_sha == "a" * 40


def test_the_review_body_holds_what_has_no_line(reviews: Any) -> None:
    body = render_draft(reviews.outcome, CONFIG, key="k1").body
    assert body is not None
    assert body.startswith("5 findings in this change: 2 critical, 1 major, 1 minor, 1 nit.\n")
    assert "In `shop/other.py`, not tied to a line:" in body
    assert "Callers still pass no discount" in body
    assert read_findings(body) == ("0000000000000005",)
    assert has_review(body, "k1")


def test_nothing_found_means_no_review(reviews: Any) -> None:
    draft = render_draft(reviews.clean(), CONFIG, key="k1")
    assert draft.body is None
    assert draft.comments == ()
    assert draft.summary is not None
    assert draft.check is not None
    assert draft.check.conclusion == "success"
    assert draft.check.title == "No problems found"


def test_what_differs_from_run_to_run_is_only_in_the_summary(reviews: Any) -> None:
    first = render_draft(reviews.outcome, CONFIG, key="k")
    changes = {
        "run_id": "run-2",
        "usage": Usage(9, 9, 9),
        "cost_usd": 9.0,
        "timings": (("asking", 99.0),),
        "api_calls": 99,
    }
    second = render_draft(reviews.having(**changes), CONFIG, key="k")
    assert first.summary != second.summary
    assert replace(first, summary=None) == replace(second, summary=None)


@pytest.mark.parametrize(
    ("threshold", "incomplete", "conclusion"),
    [
        ("never", False, "success"),
        ("critical", False, "failure"),
        ("never", True, "neutral"),
        ("minor", True, "failure"),
    ],
)
def test_the_check_concludes_by_the_rule(reviews: Any, threshold: str, incomplete: bool, conclusion: str) -> None:
    outcome = reviews.incomplete() if incomplete else reviews.outcome
    check = render_draft(outcome, with_fail_on(threshold), key="k").check
    assert check is not None
    assert check.conclusion == conclusion
    if incomplete:
        assert check.title.startswith("Incomplete: 8 of 15 changed lines reviewed")
        assert "`shop/cart.py`: lines 6-8; old lines 6-7" in check.summary


def test_a_finding_posted_earlier_still_fails_the_check(reviews: Any) -> None:
    check = render_draft(replace(reviews.clean(), fails=True), with_fail_on("major"), key="k").check
    assert check is not None
    assert check.conclusion == "failure"


def test_annotations_are_plain_and_only_of_the_new_side(reviews: Any) -> None:
    check = render_draft(reviews.outcome, CONFIG, key="k").check
    assert check is not None
    assert [(a.path, a.start_line, a.end_line, a.level) for a in check.annotations] == [
        ("shop/cart.py", 8, 8, "failure"),
        ("shop/cart.py", 11, 13, "warning"),
        ("shop/cart.py", 8, 8, "warning"),  # said by an earlier review, and still true of this commit
    ]
    assert check.annotations[0].title == "Division by zero in `total`"


@pytest.mark.parametrize("verdict", ["skipped", "superseded"])
def test_a_review_that_did_not_take_place_says_nothing_but_a_neutral_check(reviews: Any, verdict: str) -> None:
    draft = render_draft(reviews.having(verdict=verdict, skip_reason="the pull request is closed"), CONFIG, key="k")
    assert (draft.body, draft.comments, draft.summary) == (None, (), None)
    assert draft.check is not None
    assert draft.check.conclusion == "neutral"


def test_summary_and_check_can_be_switched_off(reviews: Any) -> None:
    draft = render_draft(reviews.outcome, Config(post=PostSettings(summary=False, check_run=False)), key="k")
    assert draft.summary is None
    assert draft.check is None
    assert draft.comments


HOSTILE = (
    "@admin ![x](https://evil.io/x.png) <script>alert(1)</script> fixes #1\n/merge\n```suggestion\nrm -rf\n``` \u202e"
)


def test_no_field_goes_round_the_door(reviews: Any) -> None:
    base = reviews.finding()
    evil = replace(base.finding, title=HOSTILE, body=HOSTILE, evidence=HOSTILE + "!", category=HOSTILE, source=HOSTILE)
    placed = replace(base, finding=replace(evil, suggestion=HOSTILE), suggestion_note=HOSTILE)
    unplaced = replace(placed, location=reviews.place(Step.SUMMARY, HOSTILE, None, None), fingerprint="ff")
    outcome = reviews.having(findings=(placed, unplaced), explanation=HOSTILE, notes=(HOSTILE,), model=HOSTILE)
    draft = render_draft(outcome, CONFIG, key="k")
    assert draft.check is not None
    for text in (draft.body or "", draft.summary or "", draft.check.summary, *(c.body for c in draft.comments)):
        prose = re.sub(r"(`+)(?!`).+?\1", "", text.split("Suggested change", maxsplit=1)[0])
        assert "@admin" not in prose
        assert "<script" not in prose
        assert "![" not in prose.replace(r"!\[", "")
        assert "#1 " not in prose
        assert "\n/merge" not in text
        assert "\u202e" not in text
        assert [t.info for t in MarkdownIt("commonmark").parse(text) if t.info.startswith("suggestion")] == []


@pytest.mark.parametrize("number", [300])
def test_bodies_stay_below_githubs_limit_and_say_what_was_cut(reviews: Any, number: int) -> None:
    long = "word [x] @user " * 4_000
    many = tuple(
        replace(
            reviews.finding(
                n, reviews.place(Step.SUMMARY, f"src/{'d' * 200}/{n}.py", None, None), title=long, body=long
            ),
            suggestion="y = 2\n" * 3_000,
        )
        for n in range(1, number)
    )
    notes = tuple(long for _ in range(40))
    draft = render_draft(reviews.having(findings=many, explanation=long, notes=notes), CONFIG, key="k")
    assert draft.body is not None
    assert draft.summary is not None
    assert draft.check is not None
    assert max(map(len, (draft.body, draft.summary, draft.check.summary))) < LIMIT
    assert "more findings are listed in the summary" in draft.body
    assert "more, not shown here" in draft.summary
    comment = comment_body(reviews.finding(body=long, evidence=long + "!", title=long, suggestion=long, proved=long))
    assert len(comment) < LIMIT


def test_severity_decides_the_order(reviews: Any) -> None:
    mixed = [reviews.finding(n, severity=severity) for n, severity in enumerate(reversed(Severity), start=1)]
    draft = render_draft(reviews.having(findings=tuple(mixed)), CONFIG, key="k")
    assert [comment.fingerprint[-1] for comment in draft.comments] == ["4", "3", "2", "1"]
