"""What is said of a review that read only what is new, or that read everything again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reviewbot.core.change.increment import Since
from reviewbot.core.config import Config, PostSettings
from reviewbot.core.cost import Usage
from reviewbot.core.findings.finding import RejectReason
from reviewbot.core.report.outcome import Coverage, FileCoverage, FileState
from reviewbot.core.report.outputs import annotations, html, markdown, text
from reviewbot.core.report.rendering import render_draft
from reviewbot.core.report.summary import coverage_sentence, headline, render_summary, since_sentences

COMMIT = "the last review (commit cccccccccccc)"
CASES: dict[str, tuple[tuple[FileCoverage, ...], dict[str, int], str]] = {
    "some are new": (
        (
            FileCoverage("a", FileState.REVIEWED, 10, 7, earlier_lines=3),
            FileCoverage("shop/db.py", FileState.REVIEWED, 5, 5),
            FileCoverage("c", FileState.REVIEWED, 9_985, earlier_lines=9_985),
        ),
        {"fresh": 12},
        f"All 12 new changed lines in 2 files were reviewed; 9,988 unchanged since {COMMIT} were reviewed then.",
    ),
    "one is new": (
        (FileCoverage("a", FileState.REVIEWED, 2, 1, earlier_lines=1),),
        {"fresh": 1},
        f"The one new changed line in 1 file was reviewed; 1 unchanged since {COMMIT} was reviewed then.",
    ),
    "all are new": (
        (FileCoverage("a", FileState.REVIEWED, 12, 12),),
        {"fresh": 12},
        "All 12 new changed lines in 1 file were reviewed.",
    ),
    "none is new": (
        (FileCoverage("a", FileState.REVIEWED, 10_000, earlier_lines=10_000),),
        {},
        f"No changed line is new since {COMMIT}; all 10,000 were reviewed then.",
    ),
    "the only one is not new": (
        (FileCoverage("a", FileState.REVIEWED, 1, earlier_lines=1),),
        {},
        f"No changed line is new since {COMMIT}; the one there is was reviewed then.",
    ),
    "none to read is new": (
        (
            FileCoverage("a", FileState.REVIEWED, 9, earlier_lines=9),
            FileCoverage("uv.lock", FileState.SKIPPED, 5, 0, 5, reason="lock-file: x"),
        ),
        {},
        f"No changed line to read is new since {COMMIT}; 9 were reviewed then; 5 skipped by rule (lock-file 1).",
    ),
    "all are skipped": (
        (FileCoverage("uv.lock", FileState.SKIPPED, 5, 0, 5, reason="lock-file: x"),),
        {},
        "There are no changed lines to review; 5 skipped by rule (lock-file 1).",
    ),
    "some are missed": (
        (
            FileCoverage("a", FileState.PARTLY, 16, 3, 0, 4, 5, earlier_lines=4),
            FileCoverage("uv.lock", FileState.SKIPPED, 5, 0, 5, reason="lock-file: x"),
        ),
        {"fresh": 12},
        "3 of 12 new changed lines in 1 file were reviewed; 5 skipped by rule (lock-file 1), 9 not reviewed; "
        f"4 unchanged since {COMMIT} were reviewed then.",
    ),
    "all are missed": (
        (FileCoverage("a", FileState.PARTLY, 16, 0, 0, 12, earlier_lines=4),),
        {"fresh": 12},
        "None of the 12 new changed lines was reviewed; 12 not reviewed; "
        f"4 unchanged since {COMMIT} were reviewed then.",
    ),
    "some are left over": (
        (FileCoverage("shop/db.py", FileState.REVIEWED, 5, 5),),
        {"fresh": 2, "owed": 3},
        "All 5 new or left-over changed lines in 1 file were reviewed.",
    ),
    "what a rule skips is not left over": (
        (
            FileCoverage("a", FileState.REVIEWED, 5, 5),
            FileCoverage("shop/db.py", FileState.SKIPPED, 3, 0, 3, reason="excluded: x"),
        ),
        {"owed": 3},
        "All 5 new changed lines in 1 file were reviewed; 3 skipped by rule (excluded 1).",
    ),
}


@pytest.mark.parametrize(("files", "lines", "sentence"), CASES.values(), ids=CASES)
def test_coverage_in_a_sentence(reviews: Any, files: Any, lines: dict[str, int], sentence: str) -> None:
    assert coverage_sentence(Coverage(files), reviews.since(**lines)) == sentence
    assert "0 of" not in sentence.replace("10 of", "")


def test_a_full_review_after_others_reads_as_a_first_one(reviews: Any) -> None:
    again = Since(None, "c" * 40, 3, full=True)
    assert coverage_sentence(reviews.outcome.coverage, again) == coverage_sentence(reviews.outcome.coverage)


def test_the_headline_counts_all_and_says_how_many_are_new(reviews: Any) -> None:
    later = reviews.later()
    assert headline(later) == "3 findings (1 critical, 2 major), 1 of them new"
    assert headline(replace(later, findings=())) == "2 findings (2 major), none of them new"
    assert headline(replace(later, findings=(), rejected=later.rejected[:1])) == "1 finding (1 major), not new"
    assert headline(replace(later, findings=(), rejected=())) == "No new problems found"
    assert headline(reviews.clean()) == "No problems found"
    over = replace(later.rejected[0], reason=RejectReason.OVER_LIMIT)
    assert headline(replace(later, rejected=(over,))) == "2 findings (1 critical, 1 major)"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (FileCoverage("a", FileState.PARTLY, 16, 3, 0, 9, earlier_lines=4), "3 of 12 new changed lines reviewed"),
        (FileCoverage("a", FileState.PARTLY, 5, 0, 0, 1, earlier_lines=4), "none of 1 new changed line reviewed"),
        (FileCoverage("a", FileState.REVIEWED, 4, earlier_lines=4), "the diff could not be read in full"),
    ],
)
def test_an_incomplete_headline_speaks_of_the_new_lines(reviews: Any, file: FileCoverage, words: str) -> None:
    coverage = Coverage((file,), () if file.over_budget_lines else ("a hunk is cut short",))
    assert headline(replace(reviews.later(), coverage=coverage, findings=(), rejected=())) == (
        f"Incomplete: {words}, no new problems found"
    )


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (Since(), []),
        (Since(full=True), []),
        (Since(None, "c" * 40, 3), []),
        (Since(None, "c" * 40, 3, full=True), ["Everything was read again, as asked."]),
        (Since(full=True, reason="the state is broken"), ["Everything was read again, as asked."]),
        (Since(reason="the state is broken. "), ["Everything was read again: the state is broken."]),
    ],
)
def test_a_review_that_read_everything_again_says_why(reviews: Any, since: Since, said: list[str]) -> None:
    outcome = replace(reviews.clean(), since=since)
    assert since_sentences(outcome) == said
    assert since_sentences(replace(outcome, verdict="skipped")) == []
    for shown in (render_summary(outcome), text.render(outcome, width=200), html.render(outcome)):
        assert [each for each in said if each not in shown] == []
        assert ("read again" in shown) == bool(said)


def test_the_reason_is_not_trusted(reviews: Any) -> None:
    evil = "gone (<script>x</script> @admin \x1b[31m\u202e)"
    outcome = replace(reviews.clean(), since=Since(reason=evil))
    for shown in (render_summary(outcome), html.render(outcome), text.render(outcome, width=200)):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    assert "<script" not in render_summary(outcome) + html.render(outcome)


def test_late_findings_are_counted(reviews: Any) -> None:
    assert since_sentences(reviews.later()) == []
    late = reviews.later(late=True)
    assert since_sentences(late) == [
        "1 finding is on code that an earlier review had read and missed (2 so far in this pull request)."
    ]
    two = replace(late, findings=(late.findings[0], reviews.finding(9)), since=reviews.since(fresh=4, late_findings=0))
    two = replace(two, findings=tuple(replace(each, late=True) for each in two.findings))
    assert since_sentences(two) == ["2 findings are on code that an earlier review had read and missed."]
    summary = render_summary(late)
    assert "1 finding is on code that an earlier review had read and missed (2 so far in this pull request)." in summary
    assert "is gone *(missed by an earlier review)* |" in summary


def test_every_output_says_what_was_read_before(reviews: Any) -> None:
    outcome = reviews.later(late=True)
    sentence = (
        f"All 4 new changed lines in 2 files were reviewed; 2 skipped by rule (lock-file 1); 9 unchanged since {COMMIT} "
        "were reviewed then."
    )
    late = "1 finding is on code that an earlier review had read and missed (2 so far in this pull request)."
    for shown in (text.render(outcome, width=240), html.render(outcome), markdown.render(outcome)):
        assert sentence in shown
        assert late in shown
        assert "Said on its thread" in shown
        assert "confidence 0%" not in shown
        assert "0% confidence" not in shown


def test_the_terminal_lists_what_stands_besides(reviews: Any) -> None:
    shown = text.render(reviews.later(), width=120)
    assert "Standing besides:\n   MAJOR  shop/cart.py:8  Posted before (already posted)\n" in shown
    assert "   MAJOR  shop/cart.py:12  Said on its thread (already posted)\n" in shown
    assert "Standing besides" not in text.render(reviews.clean())
    many = tuple(replace(reviews.outcome.rejected[0], placed=reviews.finding(n)) for n in range(50))
    assert "  and 10 more (all of them with --format json)" in text.render(reviews.having(rejected=many))


def test_lines_read_earlier_are_not_left_out(reviews: Any) -> None:
    coverage = Coverage((FileCoverage("a", FileState.REVIEWED, 4, earlier_lines=4),))
    skipped = replace(reviews.later(), verdict="skipped", coverage=coverage)
    assert "[scope]" not in text.render(skipped)
    assert "[scope]" in text.render(
        replace(skipped, coverage=Coverage((FileCoverage("a", FileState.SKIPPED, 4, 0, 4),)))
    )


def test_the_page_counts_them_as_read(reviews: Any) -> None:
    source = html.render(reviews.later())
    assert "<b>86%</b>" in source
    assert '<progress value="13" max="15">' in source
    assert source.count(">reviewed earlier</span>") == 1
    assert "<footer>posted by an earlier review</footer>" in source
    gone = reviews.later().rejected[1]
    away = replace(gone, placed=replace(gone.placed, location=replace(gone.placed.location, line=900)))
    assert '<span class="place">on shop/cart.py:900</span>' in html.render(reviews.having(rejected=(away,)))


def test_workflow_commands_have_a_text_without_a_body(reviews: Any) -> None:
    lines = annotations.render(reviews.later()).splitlines()
    assert (
        lines[-1]
        == "::warning file=shop/cart.py,line=12,endLine=12,title=Major%3A Said on its thread::Said on its thread"
    )


def test_what_is_posted_holds_no_figure_over_all_reviews(reviews: Any) -> None:
    outcome = reviews.later(late=True)
    config = Config(post=PostSettings(summary=False))
    first = render_draft(outcome, config, key="k")
    other = replace(outcome.since, rounds=9, late_findings=8)
    again = replace(outcome, since=other, run_id="other", usage=Usage(1, 1, 1), timings=())
    assert render_draft(again, config, key="k") == first
    assert first.body is not None
    assert first.body.startswith("1 new finding in this change: 1 critical.")
    assert first.check is not None
    assert first.check.title == "3 findings (1 critical, 2 major), 1 of them new"
    assert "All 4 new changed lines" in first.check.summary
    assert "Said on its thread *(already posted)*" in first.check.summary
