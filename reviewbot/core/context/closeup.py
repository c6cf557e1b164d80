"""Pure: what the model is shown of a change to answer people: the code round a line, the hunks that words are about.

What is shown is bounded in lines, characters and tokens, whatever the files hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reviewbot.core.change.diff import FilePatch, Side
from reviewbot.core.config import ChunkSettings
from reviewbot.core.context.chunking import Chunk, Piece, cut
from reviewbot.core.context.shown_change import file_header, printable, render_chunk, render_piece
from reviewbot.core.context.symbols import enclosing_definition
from reviewbot.core.context.tokens import count_tokens, upper_bound

MOST_LINES = 160
MOST_CHARS = 16_000
_ROUND = 25  # lines on each side of a line that no definition encloses
_LINE_CHARS = 400
_PIECE_TOKENS = 3_000
_MOST_WORDS = 40
_WORD = re.compile(r"[^\W\d]\w{2,60}")
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "the and for are but not you all any can was with this that what why how does did has have from which when "
        "where who will would should could there here they them then than its into about change code",
    )
)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a change as text; ``shown`` and ``changed`` count changed lines in it and in all of the change."""

    text: str
    shown: int
    changed: int

    @property
    def whole(self) -> bool:
        return self.shown >= self.changed


def code_round(path: str, source: bytes, line: int) -> str:
    """The lines round ``line``, numbered: its enclosing definition, of a long one the part near it. Empty when the file
    has no such line."""
    rows = source.decode("utf-8", "replace").split("\n")
    if not 1 <= line <= len(rows):
        return ""
    found = enclosing_definition(path, source, line)
    first, last = (found.first, found.last) if found else (line - _ROUND, line + _ROUND)
    first, last = max(first, line - MOST_LINES // 2, 1), min(last, line + MOST_LINES // 2 - 1, len(rows))
    shown = [f"{number:>5}  {rows[number - 1][:_LINE_CHARS]}" for number in range(first, last + 1)]
    return _capped("\n".join([f"=== {printable(path)}, lines {first} to {last} at the head", *shown]))


def nearest_hunk(file: FilePatch, side: Side, line: int | None, words: str) -> int | None:
    """The number of the hunk that shows the line or, where none does, that has most in common with the words."""
    if not file.hunks:
        return None
    showing = (number for number, hunk in enumerate(file.hunks) if line is not None and line in hunk.shown(side))
    return next(showing, _ranked([_whole(file, number) for number in range(len(file.hunks))], words)[0].hunk)


def hunk_text(file: FilePatch, number: int) -> str:
    """One hunk under its file's header."""
    return _capped(f"{file_header(file)}\n{render_piece(_whole(file, number), None)}")


def head_line(file: FilePatch, number: int) -> int:
    """A line of the head that the hunk is about: the first written one or, where lines were only removed, its first."""
    hunk = file.hunks[number]
    return next((run.first for run in hunk.changed_runs() if run.side is Side.RIGHT), max(hunk.new_start, 1))


def about(files: Sequence[FilePatch], words: str, most_tokens: int) -> Excerpt:
    """As many hunks as fit into ``most_tokens``, those first that have most in common with the words, told in the order
    of the change. A large hunk is cut, and its parts are chosen one by one."""
    changed = sum(file.changed_lines for file in files)
    pieces = _pieces(files, words, most_tokens)
    chosen: list[Piece] = []
    for piece in _ranked(pieces, words):
        text = f"{file_header(piece.file)}\n{render_piece(piece, None)}\n"
        need = upper_bound(text)
        need = need if need <= most_tokens // 8 else count_tokens(text)
        if need <= most_tokens:
            chosen.append(piece)
            most_tokens -= need
    order = {id(file): number for number, file in enumerate(files)}
    chosen.sort(key=lambda piece: (order[id(piece.file)], piece.hunk, piece.start))
    return Excerpt(render_chunk(Chunk(1, tuple(chosen), 0), {}), sum(map(_changed, chosen)), changed)


def _pieces(files: Sequence[FilePatch], words: str, most_tokens: int) -> list[Piece]:
    """The hunks of the likeliest files, cut into parts of a bounded size. Of a huge change the other files are not even
    cut: a token has at least a byte, and few have over eight."""
    named = _words(words)
    ranked = sorted(
        files, key=lambda file: -max((_score(_whole(file, n), named) for n in range(len(file.hunks))), default=0)
    )
    near: list[FilePatch] = []
    room = most_tokens * 8
    for file in ranked:
        if room > 0:
            near.append(file)
            room -= sum(len(hunk.body) for hunk in file.hunks)
    settings = ChunkSettings(target_tokens=_PIECE_TOKENS, overlap_lines=0, widen=False)
    return [piece for chunk in cut(near, {}, settings, _PIECE_TOKENS) for piece in chunk.pieces]


def _ranked(pieces: Sequence[Piece], words: str) -> list[Piece]:
    """Those first that have most in common with the words; else in their order."""
    named = _words(words)
    return sorted(pieces, key=lambda piece: -_score(piece, named))


def _score(piece: Piece, named: Iterable[str]) -> int:
    """How many of the words stand in a piece; one in its path counts for three."""
    hunk = piece.file.hunks[piece.hunk]
    text = hunk.body.decode("utf-8", "replace")
    if piece.start or piece.stop < len(hunk.marks()):
        text = "\n".join(line.text for line in hunk.lines()[piece.start : piece.stop])
    text, path = f"{hunk.section}\n{text}".lower(), piece.file.path.lower()
    return sum((word in text) + 3 * (word in path) for word in named)


def _words(text: str) -> tuple[str, ...]:
    found = dict.fromkeys(word.lower() for word in _WORD.findall(text[:MOST_CHARS]))
    return tuple(word for word in found if word not in _EMPTY)[:_MOST_WORDS]


def _whole(file: FilePatch, number: int) -> Piece:
    return Piece(file, number, 0, len(file.hunks[number].marks()))


def _changed(piece: Piece) -> int:
    marks = piece.file.hunks[piece.hunk].marks()[piece.start : piece.stop]
    return len(marks) - marks.count(b" ")


def _capped(text: str) -> str:
    """The text within its bounds, cut between lines where it can be."""
    rows = text.split("\n")
    kept = "\n".join(row[:_LINE_CHARS] for row in rows[: MOST_LINES + 2])[:MOST_CHARS]
    cut_off = len(rows) - kept.count("\n") - 1
    return f"{kept}\n[cut: {cut_off} more lines]" if cut_off else kept
