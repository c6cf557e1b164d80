"""Pure values: what static analyzers say of a change. They are shown to the model, and some are told by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from reviewbot.core.change.diff import Run, Side

Level = Literal["error", "warning", "note"]
MOST_IN_A_FILE: Final = 30
MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What one analyzer says of lines of one file at the head. ``message`` is one line of plain text of at most 500
    characters, ``category`` one of the model's, ``title`` at most 80 characters. ``certain`` ones are so sure and so
    weighty that they are told even when the model is silent. The lines of a ``secret`` are never repeated."""

    analyzer: str
    rule: str
    path: str
    line: int
    end_line: int
    message: str
    level: Level
    certain: bool
    category: str
    title: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it. ``ran`` are the analyzers that looked at something, ``notes`` sentences on what failed or was cut."""

    diagnostics: tuple[Diagnostic, ...] = ()
    ran: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def touching(diagnostics: Sequence[Diagnostic], lines: Mapping[str, Sequence[Run]]) -> tuple[Diagnostic, ...]:
    """Those that touch a line of ``lines``, new side, by path."""
    return tuple(each for each in diagnostics if _touches(each, lines.get(each.path, ())))


def introduced(
    candidates: Sequence[Diagnostic], now: Sequence[Diagnostic], before: Sequence[Diagnostic]
) -> tuple[Diagnostic, ...]:
    """Of the ``candidates``, which are among those of ``now``, as many as the files did not have ``before``: of the
    same file, rule and words. A line that was changed and keeps its fault is no news."""
    new = Counter(map(_what, now))
    new.subtract(Counter(map(_what, before)))
    out: list[Diagnostic] = []
    for each in candidates:
        if new[_what(each)] > 0:
            new[_what(each)] -= 1
            out.append(each)
    return tuple(out)


def bounded(evidence: Evidence) -> Evidence:
    """At most MOST_IN_A_FILE of a file and MOST in all, certain ones first, and a note on how many that leaves out. The
    order is kept."""
    all_of_it = evidence.diagnostics
    kept: set[int] = set()
    of_file: Counter[str] = Counter()
    for index in sorted(range(len(all_of_it)), key=lambda at: not all_of_it[at].certain):
        path = all_of_it[index].path
        if len(kept) < MOST and of_file[path] < MOST_IN_A_FILE:
            kept.add(index)
            of_file[path] += 1
    cut = len(all_of_it) - len(kept)
    note = f"{cut:,} diagnostics of static analyzers were left out: there were too many"
    shown = tuple(all_of_it[index] for index in sorted(kept))
    return replace(evidence, diagnostics=shown, notes=(*evidence.notes, note) if cut else evidence.notes)


def _what(diagnostic: Diagnostic) -> tuple[str, str, str, str]:
    return diagnostic.analyzer, diagnostic.path, diagnostic.rule, diagnostic.message


def _touches(diagnostic: Diagnostic, runs: Sequence[Run]) -> bool:
    return any(
        run.side is Side.RIGHT and run.first <= diagnostic.end_line and diagnostic.line <= run.last for run in runs
    )
