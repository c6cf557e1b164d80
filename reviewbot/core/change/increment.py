"""Pure values of an incremental review: Missed, FileIncrement, Increment, Since. `comparison.py` makes an Increment.

A changed line of the patch now is one of three: ``fresh`` (not in the patch that was reviewed last), ``owed`` (in it,
but not read then), or reviewed earlier. Fresh and owed lines together are ``offered`` for review.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reviewbot.core.change.diff import Diff, FilePatch, Hunk, Run, Side


class News(StrEnum):
    """How much of a file's patch is fresh."""

    NEW = "new"
    PARTLY = "partly-new"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Missed:
    """What of a patch was not read: over budget, failed, or skipped by a rule that may no longer hold.

    ``lines`` are changed lines by the new path of their file; ``whole`` names files, and folders by a ``/`` at the end.
    Naming too much costs a second look, naming too little loses lines: so what is unsure belongs in here.
    """

    lines: Mapping[str, tuple[Run, ...]] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    everything: bool = False

    def names(self, path: str) -> bool:
        """Whether the file is named as a whole, by itself or by a folder above it."""
        if self.everything or path in self.whole:
            return True
        ends = (at + 1 for at, char in enumerate(path) if char == "/")
        return any(path[:end] in self.whole for end in ends)


NOTHING_MISSED = Missed()


@dataclass(frozen=True, slots=True)
class FileIncrement:
    """What is new in one file of the patch now, in runs of line numbers of that patch, in order, LEFT first.

    ``earlier_path`` is the file's path in the patch reviewed last, empty if it was not in it. ``reason`` says in words
    why the whole file is taken for new, or what besides its lines changed (mode, name, binary content).
    """

    path: str
    news: News
    fresh: tuple[Run, ...] = ()
    owed: tuple[Run, ...] = ()
    earlier_lines: int = 0
    earlier_path: str = ""
    reason: str = ""

    @property
    def offered_lines(self) -> int:
        return count_lines(self.fresh) + count_lines(self.owed)

    def offers(self, hunk: Hunk) -> bytes:
        """One byte for each line of ``hunk.lines()``: 1 where the line is offered for review."""
        marks = hunk.marks()
        out = bytearray(len(marks))
        for side, mark, other, start in (
            (Side.LEFT, ord("-"), ord("+"), hunk.old_start),
            (Side.RIGHT, ord("+"), ord("-"), hunk.new_start),
        ):
            runs = sorted((run.first, run.last) for run in (*self.fresh, *self.owed) if run.side is side)
            at = max(bisect_right(runs, (start, start)) - 1, 0)
            number = start
            for index, found in enumerate(marks):
                if at >= len(runs):
                    break
                if found == other:
                    continue
                if found == mark and runs[at][0] <= number <= runs[at][1]:
                    out[index] = 1
                number += 1
                while at < len(runs) and runs[at][1] < number:
                    at += 1
        return bytes(out)


@dataclass(frozen=True, slots=True)
class Increment:
    """What is new in a patch since an earlier one: an entry for each file of the patch now, in its order.

    ``gone`` are paths of the earlier patch whose file is no longer in it. ``reason`` is given when the two could not be
    compared and everything is offered.
    """

    files: tuple[FileIncrement, ...]
    gone: tuple[str, ...] = ()
    reason: str = ""

    @property
    def fresh_lines(self) -> int:
        return sum(count_lines(file.fresh) for file in self.files)

    @property
    def owed_lines(self) -> int:
        return sum(count_lines(file.owed) for file in self.files)

    @property
    def earlier_lines(self) -> int:
        return sum(file.earlier_lines for file in self.files)

    @property
    def empty(self) -> bool:
        """Nothing is offered: there is no line to ask the model about."""
        return all(not file.fresh and not file.owed for file in self.files)

    def by_path(self) -> dict[str, FileIncrement]:
        """The entries by the path of the patch now. A path that a faulty diff has twice is new both times."""
        return {file.path: file for file in self.files}


@dataclass(frozen=True, slots=True)
class Since:
    """What earlier reviews of the pull request leave to this one. Without an ``increment`` everything is read: there
    was no review to build on (``reason`` says why in a clause, empty when there was none), or ``full`` was asked for.

    ``head_sha`` is the head that the last one read, empty when there was none. ``rounds`` and ``late_findings`` count
    the reviews so far, and their findings on code that an earlier one had read.
    """

    increment: Increment | None = None
    head_sha: str = ""
    rounds: int = 0
    late_findings: int = 0
    full: bool = False
    reason: str = ""


def count_lines(runs: tuple[Run, ...]) -> int:
    return sum(run.last - run.first + 1 for run in runs)


def all_new(file: FilePatch, reason: str) -> FileIncrement:
    """The file with every changed line fresh."""
    runs = sorted((run for hunk in file.hunks for run in hunk.changed_runs()), key=lambda run: (run.side, run.first))
    return FileIncrement(file.path, News.NEW, tuple(runs), reason=reason)


def everything(diff: Diff, reason: str) -> Increment:
    """Every changed line, for a review that cannot build on an earlier one."""
    return Increment(tuple(all_new(file, reason) for file in diff.files), reason=reason)
