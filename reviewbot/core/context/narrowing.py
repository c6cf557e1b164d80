"""Pure: files in scope + Increment -> the pieces of their hunks that hold something to read, with a little round it.

A piece holds all of a small hunk, which reads better whole and can be widened to its definition; of a large one it
holds the offered lines and ``margin_lines`` of the patch on each side. Pieces do not overlap, so each offered line
stands in exactly one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reviewbot.core.change.diff import FilePatch
from reviewbot.core.change.increment import Increment
from reviewbot.core.context.chunking import Piece

_SMALL_HUNK = 40  # lines
_MOST_SPANS = 32  # of a hunk: each piece reads the hunk's lines anew, in the chunks and in the prompt


def narrow(files: Sequence[FilePatch], increment: Increment, margin_lines: int = 8) -> tuple[Piece, ...]:
    """What `cut` should show, in the order of ``files``. A file that the increment does not know is shown whole."""
    since = increment.by_path()
    out: list[Piece] = []
    for file in files:
        known = since.get(file.path)
        for number, hunk in enumerate(file.hunks):
            size = len(hunk.marks())
            if known is None:
                out.append(Piece(file, number, 0, size))
                continue
            offered = known.offers(hunk)
            spans = [(0, size)] if size <= _SMALL_HUNK and 1 in offered else _few_spans(offered, margin_lines)
            out += [Piece(file, number, start, stop) for start, stop in spans]
    return tuple(out)


def _few_spans(offered: bytes, margin: int) -> list[tuple[int, int]]:
    """The spans, with a wider margin where there would be too many."""
    spans = list(_spans(offered, margin))
    while len(spans) > _MOST_SPANS:
        margin = 2 * margin + 1
        spans = list(_spans(offered, margin))
    return spans


def _spans(offered: bytes, margin: int) -> Iterator[tuple[int, int]]:
    """The places of the ones with a margin on each side; spans that touch are one."""
    start = stop = -1
    at = offered.find(1)
    while at >= 0:
        end = offered.find(0, at)
        end = len(offered) if end < 0 else end
        if start >= 0 and at - margin <= stop:
            stop = min(end + margin, len(offered))
        else:
            if start >= 0:
                yield start, stop
            start, stop = max(0, at - margin), min(end + margin, len(offered))
        at = offered.find(1, end)
    if start >= 0:
        yield start, stop
