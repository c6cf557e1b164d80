"""Pure: open threads of ours x the code then and now -> which points may be met, and what is to be shown of them.

A thread is looked at when the code of its point changed since the head that was reviewed last: its enclosing
definition, or the lines near it. What did not change is not asked about again, so that the cost of a push grows with
what is new. Without a question a point is met only when there is nothing to judge: its code is gone with its file, or
the change is the very one that we suggested.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from reviewbot.core.change.diff import FilePatch, FileStatus, Run, Side
from reviewbot.core.change.pull_request import ReviewThread
from reviewbot.core.context.symbols import definitions
from reviewbot.core.findings.comment_head import read_head
from reviewbot.core.findings.finding import Severity
from reviewbot.core.findings.identity import LEAST_CODE, SAME_CODE, points_of
from reviewbot.core.findings.memory import Answer
from reviewbot.core.findings.sketch import Sketch, digest
from reviewbot.core.findings.whereabouts import Clue, Pair, Span, Text, find, round_of, share_in, stands

MOST_THREADS: Final = 20  # asked about in one run
_SUGGESTION: Final = re.compile(r"^(`{3,})suggestion[ \t]*\n", re.MULTILINE)


class Look(StrEnum):
    """What a look at the code of a thread comes to."""

    ASK = "ask"
    SAME = "same"  # nothing changed since it was looked at last
    MET = "met"
    UNKNOWN = "unknown"  # the place cannot be told


@dataclass(frozen=True, slots=True)
class Seen:
    """``why`` says in words why a point is met; ``old`` and ``new`` are the code to ask about, ``old`` empty when it is
    not known any more."""

    look: Look
    why: str = ""
    path: str = ""
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the change now; ``since`` is it beside what it was at the head reviewed last, None when that is not
    known. ``fresh`` are the runs that are new since, empty when that is not known either."""

    patch: FilePatch
    new: Text
    since: Pair | None = None
    fresh: tuple[Run, ...] = ()


class _Places(NamedTuple):
    old: Span | None
    new: Span | None
    exact: bool = False  # ``old`` are the very lines of the point


def open_threads(threads: Iterable[ReviewThread], answers: Mapping[str, Answer]) -> tuple[ReviewThread, ...]:
    """The threads with a finding of ours that nobody with rights has closed or dismissed, the most severe first."""
    found = [
        thread
        for thread in threads
        if thread.ours and thread.fingerprints and thread.path and not _closed(thread, answers.get(thread.id))
    ]
    return tuple(sorted(found, key=lambda thread: (severity(thread).rank, thread.path, thread.line or 0)))


def _closed(thread: ReviewThread, answer: Answer | None) -> bool:
    return answer.binding if answer else thread.resolved


def severity(thread: ReviewThread) -> Severity:
    """As our comment says it; minor when it does not say it any more."""
    head = read_head(thread.body)
    return head.severity if head else Severity.MINOR


def joined(thread: ReviewThread) -> bool:
    """Whether a person has written in a thread, or may have: of a long one not all comments are known."""
    if thread.replies + 1 > max(len(thread.comments), 1):
        return True
    return any(not comment.ours and not comment.is_bot for comment in thread.comments)


def clue_of(thread: ReviewThread) -> Clue:
    """What the thread's marker keeps of its code."""
    points = points_of(thread)
    return Clue(points[0].code, points[0].symbols) if points else Clue()


def home(thread: ReviewThread, files: Iterable[Text]) -> str:
    """The one file that holds the code of a thread whose own file has long had another name; empty when none is sure
    to."""
    clue = clue_of(thread)
    code = clue.code if clue.code.length >= LEAST_CODE else Sketch()
    holding = [text.path for text in files if find(text, Clue(code, clue.symbols))[0]]
    return holding[0] if len(holding) == 1 else ""


def look(thread: ReviewThread, file: File, *, full: bool = False) -> Seen:
    """Whether the code of a thread changed, and how. With ``full`` also what did not change is asked about."""
    pair = file.since
    if pair is None:
        return _without_old(thread, file, full=full)
    places = _places(thread, file, pair)
    if places.old is None or places.new is None:
        changed = pair.changed()
        if changed is None:
            return Seen(Look.UNKNOWN if full else Look.SAME)
        return _ask(file, *changed)
    was, now = round_of(pair.old, places.old), round_of(pair.new, places.new)
    if pair.old.cut(was) == pair.new.cut(now) and not full:
        return Seen(Look.SAME)
    if places.exact and _as_suggested(thread, pair, places.old, was):
        return Seen(Look.MET, "the suggested change was made", file.new.path)
    return _ask(file, places.old, places.new)


def _without_old(thread: ReviewThread, file: File, *, full: bool) -> Seen:
    """By the patches alone: the code as it was is known by its digest only."""
    clue = clue_of(thread)
    place = _now(thread, file) or find(file.new, clue)[0]
    near = round_of(file.new, place) if place else None
    fresh = near is not None and any(
        run.side is Side.RIGHT and run.first <= near.last and run.last >= near.first for run in file.fresh
    )
    here = bool(stands(clue.code, file.new)) if clue.code.length else not thread.outdated
    if not (full or fresh or (thread.side is Side.RIGHT and not here)):
        return Seen(Look.SAME)
    return _ask(file, None, place) if place else Seen(Look.UNKNOWN)


def _places(thread: ReviewThread, file: File, pair: Pair) -> _Places:
    now = _now(thread, file)
    if now is not None:
        return _Places(pair.back(now), now)
    clue = clue_of(thread)
    was, exact = find(pair.old, clue)
    if was is not None:
        return _Places(was, pair.forward(was), exact)
    now = find(pair.new, clue)[0]
    return _Places(pair.back(now) if now else None, now)


def _now(thread: ReviewThread, file: File) -> Span | None:
    """Where GitHub shows the thread, as a line of the head."""
    if thread.line is None or thread.outdated:
        return None
    line = thread.line if thread.side is Side.RIGHT else _across(file.patch, thread.line)
    return Span(line, line) if line and line <= len(file.new.rows) else None


def _across(patch: FilePatch, old: int) -> int | None:
    """The line of the head that stands where an old line stood."""
    for hunk in patch.hunks:
        if old in hunk.shown(Side.LEFT):
            new = hunk.new_start
            for line in hunk.lines():
                new = line.new if line.new is not None else new
                if line.old == old:
                    return max(new, 1)
    return None


def _as_suggested(thread: ReviewThread, pair: Pair, code: Span, was: Span) -> bool:
    """Whether the place is now, line by line, what it was with our suggestion in the place of its code."""
    rows, begin = _suggested(thread.body.replace("\r\n", "\n")), pair.new_line(was.first)
    if rows is None or begin is None or thread.side is not Side.RIGHT:
        return False
    wanted = (*pair.old.rows[was.first - 1 : code.first - 1], *rows, *pair.old.rows[code.last : was.last])
    return wanted != pair.old.cut(was) and pair.new.rows[begin - 1 : begin - 1 + len(wanted)] == wanted


def _suggested(body: str) -> tuple[str, ...] | None:
    """The lines of the first suggestion block of a comment, without blanks at their ends."""
    fence = _SUGGESTION.search(body)
    rows = [row.rstrip() for row in body[fence.end() :].split("\n")] if fence else []
    return tuple(rows[: rows.index(fence[1])]) if fence and fence[1] in rows else None


def _ask(file: File, old: Span | None, new: Span | None) -> Seen:
    was = _shown(file.since.old, old) if file.since and old else ""
    return Seen(Look.ASK, "", file.new.path, was, _shown(file.new, new) if new else "")


def _shown(text: Text, span: Span) -> str:
    return "\n".join(text.cut(round_of(text, span)))


def without_file(
    thread: ReviewThread, patch: FilePatch | None, head: Text | None, others: Sequence[tuple[Text, tuple[Run, ...]]]
) -> Seen:
    """A thread whose file was removed with the last push, or is no longer part of the change; ``head`` is its text now,
    if there is one. Its point is met when its code is nowhere: ``others`` are the files of the change with the runs
    that are new in them."""
    removed = patch is not None and patch.status is FileStatus.REMOVED
    if thread.side is Side.LEFT:  # what it asks for is that removed code comes back
        return Seen(Look.MET, "the removed code is back", thread.path) if head and not patch else Seen(Look.UNKNOWN)
    clue = clue_of(thread)
    if head is not None and (not clue.code.length or stands(clue.code, head)):
        return Seen(Look.UNKNOWN)
    if any(_may_hold(clue, text, fresh) for text, fresh in others):
        return Seen(Look.UNKNOWN)
    if removed or head is None:
        return Seen(Look.MET, "the file is no longer there", thread.path)
    return Seen(Look.MET, "the code is no longer there, and its file no longer part of this change", thread.path)


def _may_hold(clue: Clue, text: Text, fresh: Iterable[Run]) -> bool:
    """Whether code may have moved into the new lines of a file; of code that is not known nothing else can be said."""
    runs = [Span(run.first, run.last) for run in fresh if run.side is Side.RIGHT]
    rows = [row for run in runs for row in text.cut(run)]
    if not rows or not clue.code.length:
        return bool(rows)
    named = (each for each in definitions(text.path, text.source) if digest(each.name, 6) in clue.symbols)
    if any(run.first <= each.last and run.last >= each.first for each in named for run in runs):
        return True
    return bool(stands(clue.code, Text(text.path, b"", tuple(rows)))) or share_in(clue.code, rows) >= SAME_CODE
