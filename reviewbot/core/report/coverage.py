"""Pure: the coverage ledger: every changed line of the diff ends as reviewed, skipped, over budget or failed, or was
reviewed earlier and did not change since.

The ledger starts from the diff, not from what was asked: a line that no piece showed is found and counts as failed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from reviewbot.core.change.diff import Diff, FilePatch, Hunk, Run, Side
from reviewbot.core.change.increment import FileIncrement, Increment, Missed
from reviewbot.core.change.scope import Scope, SkippedFile
from reviewbot.core.context.chunking import Piece
from reviewbot.core.report.outcome import Coverage, FileCoverage, FileState, LineRun

Fate = Literal["reviewed", "over-budget", "failed"]

# One byte for each line of a hunk. A line with two fates (a chunk that was split and asked again) has the better one.
_UNSHOWN, _FAILED, _OVER_BUDGET, _REVIEWED, _EARLIER = range(5)
_CODES: dict[Fate, int] = {"failed": _FAILED, "over-budget": _OVER_BUDGET, "reviewed": _REVIEWED}
_NOT_SHOWN = "not shown to the model"


@dataclass(frozen=True, slots=True)
class PieceFate:
    """What became of a piece; ``reason`` says why it was not reviewed."""

    piece: Piece
    fate: Fate
    reason: str = ""


@dataclass(slots=True)
class _Count:
    """A file's lines while they are counted, by fate."""

    lines: list[int] = field(default_factory=lambda: [0] * 5)
    missed: list[LineRun] = field(default_factory=list)


def build_coverage(
    diff: Diff, scope: Scope, fates: Sequence[PieceFate], increment: Increment | None = None
) -> Coverage:
    """Account for every changed line of ``diff``: skipped with its file, or as the pieces that hold it ended.

    With an ``increment``, a line that it does not offer was reviewed earlier, whatever became of a piece that shows it
    again. A file that the increment does not know is offered.

    The changed lines are those that ``git diff --numstat`` counts. Files stand in the diff's order; problems of the
    diff and of its files are named, a file's with its path.
    """
    skips: defaultdict[str, list[SkippedFile]] = defaultdict(list)
    for skip in scope.skipped:
        skips[skip.file.path].append(skip)
    shown: defaultdict[str, list[PieceFate]] = defaultdict(list)
    for fate in fates:
        shown[fate.piece.file.path].append(fate)
    since = increment.by_path() if increment is not None else {}
    files: list[FileCoverage] = []
    for file in diff.files:
        # Two entries of one path occur only in a diff that is at fault; each takes what is its own.
        reason = next((skip.reason for skip in skips[file.path] if skip.file == file), None)
        mine = [fate for fate in shown[file.path] if fate.piece.file == file]
        files.append(_scoped(file, mine, since.get(file.path)) if reason is None else _skipped(file, reason))
    own = (f"{file.path}: {problem}" for file in diff.files for problem in file.problems)
    return Coverage(tuple(files), (*diff.problems, *own))


def _skipped(file: FilePatch, reason: str) -> FileCoverage:
    changed = file.changed_lines
    return FileCoverage(file.path, FileState.SKIPPED, changed, skipped_lines=changed, reason=reason)


def missed_of(coverage: Coverage) -> Missed:
    """What the next review must still read: the lines missed, and whole files that a rule left out, since the rule may
    not hold then. Only files with changed lines are named."""
    lines: dict[str, tuple[Run, ...]] = {}
    for file in coverage.files:
        runs = tuple(Run(run.side, run.first, run.last) for run in file.missed)
        if runs:
            lines[file.path] = lines.get(file.path, ()) + runs
    return Missed(lines, frozenset(file.path for file in coverage.files if file.skipped_lines))


def _scoped(file: FilePatch, fates: Sequence[PieceFate], since: FileIncrement | None) -> FileCoverage:
    by_hunk: defaultdict[int, list[PieceFate]] = defaultdict(list)
    for fate in fates:
        by_hunk[fate.piece.hunk].append(fate)
    count = _Count()
    for number, hunk in enumerate(file.hunks):
        _count_hunk(hunk, by_hunk.get(number, ()), count, since)
    reviewed, over, unshown = count.lines[_REVIEWED], count.lines[_OVER_BUDGET], count.lines[_UNSHOWN]
    failed, earlier = count.lines[_FAILED] + unshown, count.lines[_EARLIER]
    reasons = [fate.reason or fate.fate for fate in fates if fate.fate != "reviewed"] if over or failed else []
    if unshown:
        reasons.append(_NOT_SHOWN)
    return FileCoverage(
        path=file.path,
        state=_state(reviewed + earlier, over, failed),
        changed_lines=file.changed_lines,
        reviewed_lines=reviewed,
        over_budget_lines=over,
        failed_lines=failed,
        reason="; ".join(dict.fromkeys(reasons)),
        missed=tuple(count.missed),
        earlier_lines=earlier,
    )


def _state(reviewed: int, over: int, failed: int) -> FileState:
    if not over and not failed:
        return FileState.REVIEWED
    if reviewed:
        return FileState.PARTLY
    return FileState.FAILED if failed else FileState.OVER_BUDGET


def _count_hunk(hunk: Hunk, fates: Sequence[PieceFate], count: _Count, since: FileIncrement | None) -> None:
    marks = hunk.marks()
    ends = bytearray(len(marks))
    for fate in sorted(fates, key=lambda fate: _CODES[fate.fate]):
        start, stop = fate.piece.start, min(fate.piece.stop, len(marks))
        ends[start:stop] = bytes([_CODES[fate.fate]]) * (stop - start)
    if since is not None:
        ends = bytearray(end if new else _EARLIER for end, new in zip(ends, since.offers(hunk), strict=True))
    for mark, end in zip(marks, ends, strict=True):
        if mark != ord(" "):
            count.lines[end] += 1
    for side in Side:
        count.missed += _missed(hunk, side, marks, ends)


def _missed(hunk: Hunk, side: Side, marks: bytes, ends: bytearray) -> Iterator[LineRun]:
    """The changed lines of one side that were not reviewed, as runs of consecutive numbers."""
    changed, other = (ord("-"), ord("+")) if side is Side.LEFT else (ord("+"), ord("-"))
    number = hunk.old_start if side is Side.LEFT else hunk.new_start
    first = number
    for mark, end in zip(marks, ends, strict=True):
        if mark == other:
            continue
        if mark != changed or end >= _REVIEWED:
            if first < number:
                yield LineRun(side, first, number - 1)
            first = number + 1
        number += 1
    if first < number:
        yield LineRun(side, first, number - 1)
