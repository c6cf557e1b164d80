"""Pure: files in scope + token budget -> Chunks: related files together, cut between hunks, nothing lost or doubled.

A change that fits is one chunk. Otherwise files are put in an order in which related ones are neighbours
(`kinship.py`), and chunks are filled in that order. A hunk that is itself too large is cut between lines, and the next
part shows the last lines of the one before again. What room is left goes to the definitions round the hunks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reviewbot.core.change.diff import FilePatch, FileStatus, Hunk, Side
from reviewbot.core.config import ChunkSettings
from reviewbot.core.context.kinship import families, risk_of
from reviewbot.core.context.symbols import Definition, enclosing_definition
from reviewbot.core.context.tokens import count_tokens, upper_bound

_MOST_WIDENING = 120  # lines on each side of a hunk
_LEAST_WIDENING = 100  # tokens of room below which nothing is widened
_HEADER = 22  # tokens of a hunk header at most, without its section: four numbers of three tokens, and the signs
_FILE_HEADER = 14  # tokens of a file header at most, without its paths
_NO_NEWLINE = 30  # bytes and tokens of git's words for a last line without a line end
_LEAST_BUDGET = 500
_STRIPPED = re.compile(r"^(?=\r?\n)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of one hunk's lines: ``hunk.lines()[start:stop]`` belong to this piece and to no other.

    ``lead`` lines before ``start`` are shown again as overlap (only inside a cut hunk). ``before`` and ``after`` are
    unchanged head-file line numbers [first, last] shown around it to reach the enclosing definition, or None.
    """

    file: FilePatch
    hunk: int
    start: int
    stop: int
    lead: int = 0
    before: tuple[int, int] | None = None
    after: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one request shows. ``tokens`` is the count of its rendered diff text (never too low); ``risk`` orders
    chunks when money is short, highest first."""

    number: int
    pieces: tuple[Piece, ...]
    tokens: int
    risk: int = 0

    @property
    def paths(self) -> tuple[str, ...]:
        """The files in it, in order, each once."""
        return tuple(dict.fromkeys(piece.file.path for piece in self.pieces))


Size = Callable[[str], int]
_Sized = tuple[Piece, int]


def cut(
    files: Sequence[FilePatch],
    sources: Mapping[str, bytes],
    settings: ChunkSettings,
    budget_tokens: int,
    offered: Sequence[Piece] | None = None,
) -> tuple[Chunk, ...]:
    """Cut ``files`` into chunks of at most the target size or ``budget_tokens``, whichever is smaller.

    ``offered`` are the pieces of them that are to be read (`narrow` makes them), None stands for all of every file.
    ``sources`` are head texts and may lack any file. The same input gives the same chunks. A single line that is over
    the limit makes a chunk of its own that is too large: it must be seen, and then be reported, not dropped here.
    The vocabulary is loaded only when the number of bytes does not already show that everything fits.
    """
    limit = max(_LEAST_BUDGET, min(settings.target_tokens, budget_tokens))
    pieces = {id(file): _hunk_pieces(file) if offered is None else [] for file in files}
    for piece in offered or ():
        pieces[id(piece.file)].append(piece)
    files = [file for file in files if pieces[id(file)]]
    whole = [(piece, _body_bound(piece) + _HEADER) for file in files for piece in pieces[id(file)]]
    size: Size = upper_bound
    names = {file.path: size(_names(file)) + _FILE_HEADER for file in files}
    groups = [whole] if whole else []
    if sum(need for _, need in whole) + sum(names.values()) > limit:
        size = _count
        names = {file.path: size(_names(file)) + _FILE_HEADER for file in files}
        groups = _packed(families(files, sources), pieces, names, limit, settings.overlap_lines)
    chunks = [_chunk(number, group, names) for number, group in enumerate(groups, start=1)]
    return tuple(_widened(chunk, sources, limit, size) for chunk in chunks) if settings.widen else tuple(chunks)


def split_chunk(chunk: Chunk, overlap: int = 8) -> tuple[Chunk, ...]:
    """Two halves of a chunk that was too much for the model: between files, else between hunks, else between lines.

    Widening is given up; a single line that had some comes back alone. Returns () when there is nothing to give up.
    """
    plain = [replace(piece, before=None, after=None) for piece in chunk.pieces]
    piece = plain[0]
    if len(plain) > 1:
        middle = _middle(plain)
        halves = [plain[:middle], plain[middle:]]
    elif piece.stop - piece.start > 1:
        at = (piece.start + piece.stop) // 2
        # Never more overlap than new lines, so that every half is smaller than the whole.
        rest = replace(piece, start=at, lead=min(overlap, (at - piece.start) // 2))
        halves = [[replace(piece, stop=at)], [rest]]
    else:
        bare = replace(piece, lead=0)
        halves = [] if bare == chunk.pieces[0] else [[bare]]
    return tuple(Chunk(chunk.number, tuple(half), _bound(half), chunk.risk) for half in halves)


def _bound(pieces: Sequence[Piece]) -> int:
    names = {piece.file.path: upper_bound(_names(piece.file)) + _FILE_HEADER for piece in pieces}
    return sum(_body_bound(piece) + _HEADER for piece in pieces) + sum(names.values())


def _middle(pieces: Sequence[Piece]) -> int:
    """Where to halve: at a border between files if there is one, the nearest to the middle by bytes."""
    sizes = [_body_bound(piece) for piece in pieces]
    half, seen, scores = sum(sizes) / 2, 0, []
    for index in range(1, len(pieces)):
        seen += sizes[index - 1]
        same_file = pieces[index].file.path == pieces[index - 1].file.path
        scores.append((same_file, abs(seen - half), index))
    return min(scores)[2]


def _hunk_pieces(file: FilePatch) -> list[Piece]:
    return [Piece(file, number, 0, len(hunk.marks())) for number, hunk in enumerate(file.hunks)]


def _body_bound(piece: Piece) -> int:
    """Bytes of the piece's share of its hunk as it is shown, and so tokens at most."""
    hunk = piece.file.hunks[piece.hunk]
    if piece.start == 0 and piece.stop >= len(hunk.marks()):
        return upper_bound(_shown_body(hunk)) + upper_bound(hunk.section)
    lines = hunk.lines()[max(0, piece.start - piece.lead) : piece.stop]
    return sum(upper_bound(line.text) + 2 for line in lines) + upper_bound(hunk.section) + _NO_NEWLINE * 2


def _shown_body(hunk: Hunk) -> str:
    """The lines of a hunk as they are shown: with the blank of empty lines that an editor stripped of it."""
    return _STRIPPED.sub(" ", hunk.body.decode("utf-8", "replace"))


def _names(file: FilePatch) -> str:
    """What a file header shows of the paths, at its longest: with odd characters escaped."""
    return ascii(file.path) if file.old_path == file.path else ascii((file.path, file.old_path))


def _count(text: str) -> int:
    """Tokens of a text wherever it stands: long ones are counted in blocks, which may fall otherwise there."""
    return count_tokens(text) + len(text) // 8_000


def _packed(
    families: Iterable[Sequence[FilePatch]],
    pieces: Mapping[int, Sequence[Piece]],
    names: Mapping[str, int],
    limit: int,
    overlap: int,
) -> list[list[_Sized]]:
    """Fill chunks in the given order. A family, and a file, is not torn while it fits into a chunk of its own."""
    groups: list[list[_Sized]] = [[]]
    room = limit
    for family in families:
        sized = [
            [item for piece in pieces[id(file)] for item in _sized(piece, limit - names[file.path], overlap)]
            for file in family
        ]
        totals = [sum(size for _, size in items) + names[file.path] for file, items in zip(family, sized, strict=True)]
        together = sum(totals)
        for file, items, total in zip(family, sized, totals, strict=True):
            need = together if together <= limit else total
            if groups[-1] and need > room and (need <= limit or room < limit // 4):
                groups.append([])
                room = limit
            together -= total
            room -= names[file.path]
            for piece, size in items:
                if size > room and groups[-1]:
                    groups.append([])
                    room = limit - names[file.path]
                groups[-1].append((piece, size))
                room -= size
    return [group for group in groups if group]


def _sized(piece: Piece, limit: int, overlap: int) -> list[_Sized]:
    """A hunk, or a part of one, with its tokens, cut between lines when it is over the limit."""
    hunk = piece.file.hunks[piece.hunk]
    frame = _HEADER + _count(hunk.section)
    if piece.start == 0 and piece.stop >= len(hunk.marks()):
        size = frame + _count(_shown_body(hunk))
        if size <= limit:
            return [(piece, size)]
    lines = hunk.lines()[piece.start : piece.stop]
    costs = [_count(f"{line.kind}{line.text}\n") + (0 if line.newline else _NO_NEWLINE) for line in lines]
    parts: list[_Sized] = []
    start, lead, used = 0, 0, frame
    for index, cost in enumerate(costs):
        if used + cost > limit and index > start:
            parts.append((_part(piece, start, index, lead), used))
            lead = _lead(costs, index, overlap, limit - frame)
            start, used = index, frame + sum(costs[index - lead : index])
        used += cost
    parts.append((_part(piece, start, len(costs), lead), used))
    return parts


def _part(piece: Piece, start: int, stop: int, lead: int) -> Piece:
    """Lines of a piece, counted from its first."""
    return replace(piece, start=piece.start + start, stop=piece.start + stop, lead=lead)


def _lead(costs: Sequence[int], index: int, overlap: int, room: int) -> int:
    """How many lines before ``index`` may be shown again: in a quarter of the room, if the line itself then fits."""
    lead = min(overlap, index)
    while lead and sum(costs[index - lead : index]) > min(room // 4, room - costs[index]):
        lead -= 1
    return lead


def _chunk(number: int, group: Sequence[_Sized], names: Mapping[str, int]) -> Chunk:
    pieces = tuple(piece for piece, _ in group)
    headers = sum(names[path] for path in {piece.file.path for piece in pieces})
    risk = max(risk_of(file) for file in {piece.file.path: piece.file for piece in pieces}.values())
    return Chunk(number, pieces, sum(size for _, size in group) + headers, risk)


def _widened(chunk: Chunk, sources: Mapping[str, bytes], limit: int, size: Size) -> Chunk:
    """Show the enclosing definitions of whole hunks, in order, as long as there is room."""
    tokens = chunk.tokens
    pieces: list[Piece] = []
    for piece in chunk.pieces:
        source = sources.get(piece.file.path)
        if source is not None and tokens + _LEAST_WIDENING <= limit:
            wider = _wider(piece, source, pieces[-1] if pieces else None)
            extra = sum(size(_text(source, span)) + 2 for span in (wider.before, wider.after) if span)
            if tokens + extra <= limit:
                tokens += extra
                pieces.append(wider)
                continue
        pieces.append(piece)
    return replace(chunk, pieces=tuple(pieces), tokens=tokens)


def _text(source: bytes, span: tuple[int, int]) -> str:
    return " " + "\n ".join(row.decode("utf-8", "replace") for row in source.split(b"\n")[span[0] - 1 : span[1]])


def _wider(piece: Piece, source: bytes, previous: Piece | None) -> Piece:
    """The piece with the lines of its enclosing definition that its neighbours in the file do not show."""
    hunks = piece.file.hunks
    hunk = hunks[piece.hunk]
    if piece.start or piece.stop < len(hunk.marks()) or piece.file.status is FileStatus.CHANGED or not hunk.new_count:
        return piece
    first, last = _changed_ends(hunk)
    end = hunk.new_start + hunk.new_count - 1
    floor = _end(hunks[piece.hunk - 1]) + 1 if piece.hunk else 1
    if previous is not None and previous.after is not None and previous.file is piece.file:
        floor = previous.after[1] + 1
    lines = source.count(b"\n") + (not source.endswith(b"\n"))
    ceiling = hunks[piece.hunk + 1].new_start - 1 if piece.hunk + 1 < len(hunks) else lines
    opening = _shown_definition(piece.file.path, source, first)
    closing = opening if last == first else _shown_definition(piece.file.path, source, last)
    top = max(opening.first if opening else hunk.new_start, floor, hunk.new_start - _MOST_WIDENING)
    bottom = min(closing.last if closing else end, ceiling, end + _MOST_WIDENING)
    before = (top, hunk.new_start - 1) if top < hunk.new_start else None
    return replace(piece, before=before, after=(end + 1, bottom) if bottom > end else None)


def _shown_definition(path: str, source: bytes, line: int) -> Definition | None:
    """The definition that a changed line needs round it. Of a large type, the line's neighbours tell enough."""
    found = enclosing_definition(path, source, line)
    large = found is not None and found.kind == "type" and found.last - found.first >= _MOST_WIDENING
    return None if large else found


def _end(hunk: Hunk) -> int:
    """The last new-side line that a hunk shows; of an empty side, the line that it stands behind."""
    return hunk.new_start + max(hunk.new_count - 1, 0)


def _changed_ends(hunk: Hunk) -> tuple[int, int]:
    """The first and last changed lines of the new side, or the shown ones where lines were only removed."""
    runs = [run for run in hunk.changed_runs() if run.side is Side.RIGHT]
    shown = hunk.shown(Side.RIGHT)
    return (runs[0].first, runs[-1].last) if runs else (shown[len(shown) // 2], shown[len(shown) // 2])
