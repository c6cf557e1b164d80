"""The ledger of a later review: each changed line is reviewed, reviewed earlier, skipped, over budget or failed."""

from __future__ import annotations

from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.core.change.comparison import increment
from reviewbot.core.change.diff import Diff, FilePatch, Run, Side
from reviewbot.core.change.increment import FileIncrement, Increment, Missed, News
from reviewbot.core.change.patch import parse_diff, parse_fragment
from reviewbot.core.change.scope import Scope, decide_scope
from reviewbot.core.config import ScopeSettings
from reviewbot.core.context.chunking import Piece
from reviewbot.core.context.narrowing import narrow
from reviewbot.core.report.coverage import Fate, PieceFate, build_coverage, missed_of
from reviewbot.core.report.outcome import FileCoverage, FileState, LineRun

#        index:            0    1    2    3    4    5    6      lines 3..
PATCH = "@@ -3,5 +3,5 @@\n a\n-b\n-c\n+B\n+C\n d\n e\n@@ -20,2 +20,3 @@\n x\n+y\n z"
FILE = parse_fragment("a.py", PATCH)
SINCE = Increment((FileIncrement("a.py", News.PARTLY, (Run(Side.LEFT, 5, 5), Run(Side.RIGHT, 4, 4)), earlier_lines=3),))


def ledger(*fates: PieceFate, since: Increment | None = SINCE) -> FileCoverage:
    return build_coverage(Diff((FILE,)), Scope((FILE,), ()), fates, since).files[0]


def test_lines_that_are_not_offered_were_reviewed_earlier() -> None:
    entry = ledger(PieceFate(Piece(FILE, 0, 0, 7), "reviewed"))
    assert entry == FileCoverage("a.py", FileState.REVIEWED, 5, reviewed_lines=2, earlier_lines=3)
    coverage = build_coverage(Diff((FILE,)), Scope((FILE,), ()), [PieceFate(Piece(FILE, 0, 0, 7), "reviewed")], SINCE)
    assert coverage.complete
    assert (coverage.earlier_lines, coverage.reviewed_lines, coverage.missed_lines) == (3, 2, 0)


def test_only_offered_lines_can_be_missed() -> None:
    for fate, words in ((PieceFate(Piece(FILE, 0, 0, 7), "over-budget", "r"), (2, 0)), (None, (0, 2))):
        entry = ledger(*([fate] if fate else []))
        assert (entry.over_budget_lines, entry.failed_lines) == words
        assert entry.missed == (LineRun(Side.LEFT, 5, 5), LineRun(Side.RIGHT, 4, 4))
        assert (entry.state, entry.earlier_lines) == (FileState.PARTLY, 3)


def test_without_an_increment_or_for_a_file_it_does_not_know_nothing_was_earlier() -> None:
    for since in (None, Increment(())):
        entry = ledger(since=since)
        assert (entry.failed_lines, entry.earlier_lines, entry.state) == (5, 0, FileState.FAILED)


def test_what_is_missed_is_handed_to_the_next_review() -> None:
    diff = parse_diff(
        b"diff --git a/uv.lock b/uv.lock\nindex 1..2 100644\n--- a/uv.lock\n+++ b/uv.lock\n@@ -1 +1 @@\n-a\n+b\n"
        b"diff --git a/a.py b/a.py\nindex 1..2 100644\n--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n-a\n+b\n+c\n"
        b"diff --git a/p.png b/p.png\nindex 1..2 100644\nBinary files a/p.png and b/p.png differ\n"
    )
    scope = decide_scope(diff, ScopeSettings())
    coverage = build_coverage(diff, scope, [PieceFate(Piece(scope.files[0], 0, 0, 2), "reviewed")])
    missed = missed_of(coverage)
    assert missed == Missed({"a.py": (Run(Side.RIGHT, 2, 2),)}, frozenset({"uv.lock"}))
    since = increment(diff, diff, missed)
    assert (since.owed_lines, since.earlier_lines) == (3, 2)


@st.composite
def rounds(draw: st.DrawFn) -> list[list[FilePatch]]:
    """One pull request at several heads: a text that is added and grows and shrinks."""
    lines, out = [f"line_number_{at}()" for at in range(draw(st.integers(1, 120)))], []
    for number in range(draw(st.integers(2, 4))):
        body = "".join(f"+{line}\n" for line in lines)
        out.append([parse_fragment("a.py", f"@@ -0,0 +1,{len(lines)} @@\n{body}")])
        at, size = draw(st.integers(0, len(lines))), draw(st.integers(0, 30))
        lines[at : at + size] = [f"pushed_{number}_{n}()" for n in range(draw(st.integers(1, 30)))]
    return out


@settings(max_examples=150)
@given(rounds(), st.data())
def test_over_several_rounds_every_line_is_read_once_or_stays_to_be_read(
    heads: list[list[FilePatch]], data: st.DataObject
) -> None:
    """Pieces fail at random; after a last round without faults every line of the patch was read in some round."""
    old, missed, read = Diff(()), Missed(), set[str]()
    for number, files in enumerate([*heads, heads[-1]]):
        now, scope = Diff(tuple(files)), Scope(tuple(files), ())
        since = increment(old, now, missed)
        fates = [
            PieceFate(piece, "reviewed" if number == len(heads) else data.draw(st.sampled_from(get_args(Fate))), "r")
            for piece in narrow(files, since, 3)
        ]
        for fate in fates:
            if fate.fate == "reviewed":
                lines = fate.piece.file.hunks[fate.piece.hunk].lines()
                read |= {line.text for line in lines[fate.piece.start : fate.piece.stop]}
        coverage = build_coverage(now, scope, fates, since)
        for entry in coverage.files:
            counts = (
                entry.reviewed_lines,
                entry.earlier_lines,
                entry.skipped_lines,
                entry.over_budget_lines,
                entry.failed_lines,
            )
            assert sum(counts) == entry.changed_lines
            assert entry.failed_lines + entry.over_budget_lines == sum(run.count for run in entry.missed)
        old, missed = now, missed_of(coverage)
    assert coverage.complete
    assert {line.text for file in heads[-1] for hunk in file.hunks for line in hunk.lines()} <= read
