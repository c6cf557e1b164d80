from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewbot.core.change.diff import Diff, FilePatch, Side
from reviewbot.core.change.patch import parse_diff, parse_fragment
from reviewbot.core.change.scope import Scope, decide_scope
from reviewbot.core.config import ScopeSettings
from reviewbot.core.context.chunking import Piece
from reviewbot.core.report.coverage import Fate, PieceFate, build_coverage
from reviewbot.core.report.outcome import Coverage, FileCoverage, FileState, LineRun

#        index:            0    1    2    3    4    5    6      lines 3..
PATCH = "@@ -3,5 +3,5 @@\n a\n-b\n-c\n+B\n+C\n d\n e\n@@ -20,2 +20,3 @@\n x\n+y\n z"


def ledger(file: FilePatch, *fates: PieceFate) -> FileCoverage:
    coverage = build_coverage(Diff((file,)), Scope((file,), ()), fates)
    assert len(coverage.files) == 1
    entry = coverage.files[0]
    parts = (entry.reviewed_lines, entry.skipped_lines, entry.over_budget_lines, entry.failed_lines)
    assert sum(parts) == entry.changed_lines == file.changed_lines
    assert sum(run.count for run in entry.missed) == entry.over_budget_lines + entry.failed_lines
    return entry


@pytest.fixture
def file() -> FilePatch:
    return parse_fragment("a.py", PATCH)


def fate(file: FilePatch, hunk: int, start: int, stop: int, end: Fate = "reviewed", reason: str = "") -> PieceFate:
    return PieceFate(Piece(file, hunk, start, stop), end, reason)


def test_a_file_read_in_full(file: FilePatch) -> None:
    entry = ledger(file, fate(file, 0, 0, 7), fate(file, 1, 0, 3))
    assert entry == FileCoverage("a.py", FileState.REVIEWED, 5, reviewed_lines=5)


def test_lines_that_no_piece_covers_have_failed(file: FilePatch) -> None:
    entry = ledger(file, fate(file, 0, 0, 3))
    assert (entry.state, entry.reviewed_lines, entry.failed_lines) == (FileState.PARTLY, 2, 3)
    assert entry.reason == "not shown to the model"
    assert entry.missed == (LineRun(Side.RIGHT, 4, 5), LineRun(Side.RIGHT, 21, 21))
    assert ledger(file).state is FileState.FAILED


def test_what_was_missed_is_named_by_line_and_side(file: FilePatch) -> None:
    entry = ledger(
        file,
        fate(file, 0, 0, 2),
        fate(file, 0, 2, 4, "over-budget", "the limit of 1 dollar is reached"),
        fate(file, 0, 4, 7, "failed", "the model's answer was cut"),
        fate(file, 1, 0, 3, "over-budget", "the limit of 1 dollar is reached"),
    )
    assert (entry.reviewed_lines, entry.over_budget_lines, entry.failed_lines) == (1, 3, 1)
    assert entry.missed == (LineRun(Side.LEFT, 5, 5), LineRun(Side.RIGHT, 4, 5), LineRun(Side.RIGHT, 21, 21))
    assert entry.reason == "the limit of 1 dollar is reached; the model's answer was cut"
    assert entry.state is FileState.PARTLY


def test_states_of_a_file_that_was_not_read(file: FilePatch) -> None:
    over = ledger(file, fate(file, 0, 0, 7, "over-budget"), fate(file, 1, 0, 3, "over-budget"))
    assert (over.state, over.reason) == (FileState.OVER_BUDGET, "over-budget")
    mixed = ledger(file, fate(file, 0, 0, 7, "over-budget"), fate(file, 1, 0, 3, "failed", "x"))
    assert mixed.state is FileState.FAILED


def test_a_piece_that_was_asked_again_has_the_better_fate(file: FilePatch) -> None:
    again = (fate(file, 0, 0, 4), fate(file, 0, 4, 7), fate(file, 0, 0, 7, "failed", "too long"), fate(file, 1, 0, 99))
    for fates in (again, again[::-1]):
        assert ledger(file, *fates) == FileCoverage("a.py", FileState.REVIEWED, 5, reviewed_lines=5)


def test_lines_alternating_between_the_sides_make_one_run_each() -> None:
    file = parse_fragment("a.py", "@@ -1,2 +1,2 @@\n-a\n+A\n-b\n+B")
    assert ledger(file).missed == (LineRun(Side.LEFT, 1, 2), LineRun(Side.RIGHT, 1, 2))


def test_skipped_files_and_problems_are_stated() -> None:
    diff = parse_diff(
        b"diff --git a/uv.lock b/uv.lock\nindex 1..2 100644\n--- a/uv.lock\n+++ b/uv.lock\n@@ -1 +1 @@\n-a\n+b\n"
        b"diff --git a/a.py b/a.py\nindex 1..2 100644\n--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n-a\n+b\n"
    )
    scope = decide_scope(diff, ScopeSettings())
    coverage = build_coverage(diff, scope, [fate(scope.files[0], 0, 0, 2)])
    lock, code = coverage.files
    assert (lock.state, lock.skipped_lines) == (FileState.SKIPPED, 2)
    assert lock.reason == "lock-file: uv.lock is written by a package manager"
    assert code.state is FileState.REVIEWED
    assert coverage.problems == ("a.py: hunk 1 counts 3 old and 3 new lines, the text has 1 and 1",)
    assert not coverage.complete
    assert (coverage.changed_lines, coverage.reviewed_lines, coverage.skipped_lines, coverage.missed_lines) == (
        4,
        2,
        2,
        0,
    )


def test_the_same_file_read_twice_from_text_is_the_same_file(file: FilePatch) -> None:
    """Pieces and skips are matched by value: they may have been stored and read back."""
    assert ledger(file, fate(parse_fragment("a.py", PATCH), 0, 0, 7)).reviewed_lines == 4


GIT = ["git", "-c", "core.autocrlf=false", "-c", "user.name=t", "-c", "user.email=t@t"]
TEXTS = st.lists(st.sampled_from(["", "a", "b", "-", "+", "x\r", "@@"]), max_size=30).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
NAMES = st.sampled_from(["a.py", "uv.lock", "d/e f.py", "ü.py", "vendor/x.go", "b.min.js", ".env"])
TREES = st.dictionaries(NAMES, TEXTS | st.just("\0"), max_size=6)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("coverage")
    subprocess.run([*GIT, "init", "-q", str(path)], check=True)
    return path


def write_tree(root: Path, files: dict[str, str]) -> str:
    subprocess.run([*GIT, "read-tree", "--empty"], cwd=root, check=True)
    entries = b""
    for name, text in files.items():
        command = [*GIT, "hash-object", "-w", "--stdin"]
        made = subprocess.run(command, cwd=root, input=text.encode(), capture_output=True, check=True)
        entries += b"100644 " + made.stdout.strip() + b"\t" + name.encode() + b"\0"
    subprocess.run([*GIT, "update-index", "-z", "--index-info"], cwd=root, input=entries, check=True)
    return subprocess.run([*GIT, "write-tree"], cwd=root, capture_output=True, check=True, text=True).stdout.strip()


def numstat(root: Path, before: str, after: str) -> list[int]:
    """Changed lines of each file, in git's order; binary files count nothing."""
    command = [*GIT, "diff", "--numstat", before, after]
    raw = subprocess.run(command, cwd=root, capture_output=True, check=True, text=True).stdout
    rows = [line.split("\t") for line in raw.splitlines()]
    return [0 if row[0] == "-" else int(row[0]) + int(row[1]) for row in rows]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(TREES, TREES, st.data())
def test_the_ledger_counts_what_git_counts(
    repo: Path, before: dict[str, str], after: dict[str, str], data: st.DataObject
) -> None:
    trees = write_tree(repo, before), write_tree(repo, after)
    raw = subprocess.run([*GIT, "diff", *trees], cwd=repo, capture_output=True, check=True).stdout
    diff = parse_diff(raw)
    scope = decide_scope(diff, ScopeSettings(exclude=("d/",) if data.draw(st.booleans()) else ()))
    coverage = build_coverage(diff, scope, data.draw(fates_of(scope)))
    assert [entry.changed_lines for entry in coverage.files] == numstat(repo, *trees)
    check(coverage, diff)


@st.composite
def fates_of(draw: st.DrawFn, scope: Scope) -> list[PieceFate]:
    """Cuts of the hunks in scope into pieces, most of them with some fate, some lost."""
    out = []
    for file in scope.files:
        for number, hunk in enumerate(file.hunks):
            size = len(hunk.marks())
            cuts = sorted({0, size, *draw(st.lists(st.integers(0, size), max_size=3))})
            for start, stop in pairwise(cuts):
                end = draw(st.sampled_from([*get_args(Fate), None]))
                if end:
                    out.append(fate(file, number, start, stop, end, "r"))
    return out


def check(coverage: Coverage, diff: Diff) -> None:
    assert [entry.path for entry in coverage.files] == [file.path for file in diff.files]
    for entry, file in zip(coverage.files, diff.files, strict=True):
        missed = entry.over_budget_lines + entry.failed_lines
        assert entry.reviewed_lines + entry.skipped_lines + missed == entry.changed_lines
        assert sum(run.count for run in entry.missed) == missed
        changed = {
            (run.side, at)
            for hunk in file.hunks
            for run in hunk.changed_runs()
            for at in range(run.first, run.last + 1)
        }
        named = [(run.side, at) for run in entry.missed for at in range(run.first, run.last + 1)]
        assert len(named) == len(set(named))
        assert set(named) <= changed
        assert bool(entry.reason) == (entry.state is not FileState.REVIEWED)
