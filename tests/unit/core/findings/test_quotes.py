"""Quotes are hostile input: a repetition loop of the model may not cost minutes."""

from __future__ import annotations

import time

import pytest

from reviewbot.core.change.diff import Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.findings.finding import Finding, Severity
from reviewbot.core.findings.placement import place
from reviewbot.core.findings.quotes import left_out, readings

DIFF = parse_diff(b"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a = 1\n+a = 2\n")


@pytest.mark.parametrize(
    "line",
    ["." * 20_000 + "a", "." * 20_000, "#" + "..." * 6_600, " " * 19_999 + "x", "…" * 19_999 + "x", "`" * 20_000],
)
def test_long_runs_of_one_character_cost_no_time(line: str) -> None:
    started = time.process_time()
    for quote in (line, f"{line}\n...\n{line}", f"{line}...b"):
        place(Finding("a.py", Side.RIGHT, quote, "", "t", "b", "bug", Severity.MAJOR, 0.9), DIFF)
    assert time.process_time() - started < 2, "it was six minutes for the first of these lines"


@pytest.mark.parametrize(
    ("line", "is_mark"),
    [
        ("...", True),
        ("    # ...", True),
        ("// … //", True),
        ("  [....]  ", True),
        ("..", False),
        ("x ...", False),
        ("...rest", False),
        ("", False),
    ],
)
def test_a_mark_that_something_was_left_out(line: str, is_mark: bool) -> None:
    assert left_out(line) is is_mark


def test_blank_lines_fences_and_headers_round_a_quote() -> None:
    assert readings(" \n```python\n@@ -1 +1 @@\n=== a.py (modified)\n  a = 1\n\n```\n\t") == [
        ["```python", "@@ -1 +1 @@", "=== a.py (modified)", "  a = 1", "", "```"],
        ["  a = 1"],
    ]
