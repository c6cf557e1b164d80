"""Pure: the lines of the diff round a finding, for outputs that show code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewbot.core.change.diff import Line, Side
from reviewbot.core.report.sanitizer import sanitize_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbot.core.change.diff import Diff, Hunk
    from reviewbot.core.findings.finding import Location

MOST_LINES = 14


def number_on(line: Line, side: Side) -> int | None:
    """The line's number on ``side``, or None when it is not there."""
    return line.new if side is Side.RIGHT else line.old


def hunk_of(diff: Diff, location: Location) -> Hunk | None:
    """The hunk that holds the last line of ``location``, or None."""
    file = diff.file(location.path)
    if file is None or location.line is None:
        return None
    for hunk in file.hunks:
        start = hunk.new_start if location.side is Side.RIGHT else hunk.old_start
        count = hunk.new_count if location.side is Side.RIGHT else hunk.old_count
        if start <= location.line < start + count:
            return hunk
    return None


def excerpt(diff: Diff, location: Location, *, context: int = 2) -> tuple[Line, ...]:
    """The lines of ``location`` with ``context`` lines before and after, from its hunk; at most `MOST_LINES`, the last
    ones of the location. Empty when it has no line or the diff does not hold it."""
    hunk = hunk_of(diff, location)
    if hunk is None or location.line is None:
        return ()
    lines = hunk.lines()
    first = location.start_line if location.start_line is not None else location.line
    inside = [at for at, line in enumerate(lines) if first <= (number_on(line, location.side) or -1) <= location.line]
    if not inside:
        return ()
    stop = min(inside[-1] + context + 1, len(lines))
    return lines[max(inside[0] - context, stop - MOST_LINES, 0) : stop]


def shown_texts(lines: Sequence[Line]) -> list[str]:
    """The texts of ``lines``, one for each, ready to be shown: hidden characters visible, secrets masked (also those
    that go over several lines), tabs expanded, carriage returns dropped."""
    return shown_code("\n".join(line.text.replace("\r", "") for line in lines)) if lines else []


def shown_code(text: str) -> list[str]:
    """The lines of ``text`` ready to be shown. If masking it whole would change their number, each is masked alone."""
    size = 2 * len(text) + 1_000_000
    lines = text.split("\n")
    shown = sanitize_plain(text, limit=size).split("\n")
    if len(shown) != len(lines):
        shown = [sanitize_plain(line, limit=size) for line in lines]
    return [line.expandtabs(4) for line in shown]
