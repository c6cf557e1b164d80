"""The sentences that all outputs share, and the sticky comment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reviewbot.core.change.diff import Side
from reviewbot.core.marker import is_summary
from reviewbot.core.report.outcome import Coverage, FileCoverage, FileState, LineRun
from reviewbot.core.report.summary import (
    counted,
    coverage_sentence,
    headline,
    missed_runs,
    money,
    own_page,
    render_summary,
    usage_sentence,
)


def test_a_clean_summary_is_short(reviews: Any) -> None:
    text = render_summary(
        replace(reviews.clean(), coverage=Coverage((FileCoverage("a.py", FileState.REVIEWED, 9, 9),)))
    )
    assert text == (
        "### No problems found\n\n"
        "All 9 changed lines in 1 file were reviewed.\n\n"
        "<sub>gpt-5.1-codex · 12,345 input (3,000 cached) and 1,200 output (800 reasoning) tokens · 2 requests · "
        "\\$0.0242 · 12.5 s · commit aaaaaaaaaaaa · run run-1</sub>\n\n"
        "<!-- reviewbot:summary -->"
    )


def test_a_summary_tells_all_of_it(reviews: Any) -> None:
    text = render_summary(reviews.outcome)
    assert text.startswith("### 6 findings (2 critical, 2 major, 1 minor, 1 nit), 5 of them new\n")
    assert "| 🔴 critical | [`shop/cart.py:8`](https://github.com/acme/shop/pull/12/files#diff-" in text
    assert "Posted before *(already posted)* |" in text
    assert "13 of 15 changed lines in 3 files were reviewed; 2 skipped by rule (lock-file 1)." in text
    assert "| `uv.lock` | 2 | lock-file: uv.lock is a lock file |" in text
    assert "- **low confidence** · critical · `shop/cart.py:8`: A guess (0.20 is below 0.30)" in text
    assert "- settings come from the base commit" in text
    assert is_summary(text)


def test_what_was_not_read_comes_first(reviews: Any) -> None:
    lines = render_summary(reviews.incomplete()).split("\n")
    assert lines[0].startswith("### Incomplete: 8 of 15 changed lines reviewed, 6 findings")
    assert lines[2] == "> [!WARNING]"
    assert lines[3].startswith("> **5 changed lines not reviewed.**")
    assert lines[5].startswith("> - `shop/cart.py`: lines 6-8; old lines 6-7 (the model's answer was cut")


def test_a_faulty_diff_is_incomplete_too(reviews: Any) -> None:
    outcome = replace(reviews.clean(), coverage=replace(reviews.outcome.coverage, problems=("a hunk is cut short",)))
    assert headline(outcome) == "Incomplete: 13 of 15 changed lines reviewed, no problems found"
    assert "> - a hunk is cut short" in render_summary(outcome)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ((), "There are no changed lines to review."),
        ((FileCoverage("a", FileState.REVIEWED, 1, 1),), "The one changed line in 1 file was reviewed."),
        ((FileCoverage("a", FileState.REVIEWED, 1_200, 1_200),), "All 1,200 changed lines in 1 file were reviewed."),
        (
            (FileCoverage("a", FileState.PARTLY, 9, 4, 0, 3, 2), FileCoverage("b", FileState.SKIPPED, 5, 0, 5)),
            "4 of 14 changed lines in 1 file were reviewed; 5 skipped by rule (unnamed 1), 5 not reviewed.",
        ),
    ],
)
def test_coverage_in_a_sentence(files: tuple[FileCoverage, ...], sentence: str) -> None:
    assert coverage_sentence(Coverage(files)) == sentence


def test_runs_of_lines_in_words() -> None:
    assert missed_runs(()) == ""
    assert missed_runs([LineRun(Side.RIGHT, 4, 4), LineRun(Side.LEFT, 2, 9)]) == "lines 4; old lines 2-9"
    many = [LineRun(Side.RIGHT, n, n) for n in range(1, 40, 2)]
    assert missed_runs(many).endswith("23 and 8 more ranges")


@pytest.mark.parametrize(
    ("usd", "words"),
    [(None, "cost unknown"), (0, "$0.00"), (0.0242, "$0.0242"), (12.345, "$12.35"), (1234, "$1,234.00")],
)
def test_money(usd: float | None, words: str) -> None:
    assert money(usd) == words


def test_unknown_parts_of_the_usage_are_left_out(reviews: Any) -> None:
    usage = replace(reviews.outcome.usage, cached_input_tokens=None, reasoning_tokens=None, requests=1)
    words = usage_sentence(reviews.having(usage=usage, timings=(), saved_usd=0.5, model=""))
    assert words == "12,345 input and 1,200 output tokens · 1 request · $0.0242 · $0.5000 saved by stored answers"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://github.com/acme/shop/pull/12#pullrequestreview-1", True),
        ("https://github.com.evil.io/acme/shop/pull/12", False),
        ("https://evil.io/github.com/", False),
        ("javascript://github.com/%0aalert(1)", False),
        ("https://github.com/a)[x](https://evil.io", False),
        ("", False),
    ],
)
def test_only_pages_of_the_pull_requests_host_are_linked(reviews: Any, url: str, kept: bool) -> None:
    assert own_page(reviews.pull, url) == (url if kept else "")
    assert own_page(replace(reviews.pull, ref=None), url) == ""


def test_small_words() -> None:
    assert counted(1, "finding") == "1 finding"
    assert counted(2_000, "file") == "2,000 files"
