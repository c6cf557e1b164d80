"""Pure: findings x changed lines -> Siblings: places elsewhere in the change that look like the code of a finding.

A defect that was written once is often written again: copied, or made after the same pattern. What is compared is the
form of the code (`code_form.py`), line by line. A sibling is a hint where to look, never a finding.

The cost is bounded however many lines are alike: a finding looks at places that share its rarest grams, at so many of
each, and measures so many of the best.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from reviewbot.core.change.diff import FilePatch, Line, LineKind, Run, Side
from reviewbot.core.context.chunking import Chunk, Piece
from reviewbot.core.findings.code_form import Gram, grams, telling, weight
from reviewbot.core.findings.finding import PlacedFinding

MOST_PLACES: Final = 12
MOST_PER_FINDING: Final = 3
MARGIN: Final = 8  # lines of the hunk on each side of a place
LEAST_LIKENESS: Final = 0.6

_SEEN_TOGETHER: Final = 0.1  # the model that had both before it is less likely to have overlooked the second
_MOST_ROWS, _MOST_CODE_ROWS = 100_000, 12
_RAREST, _MOST_HITS, _MOST_MEASURED = 12, 150, 30
_FEWEST_GRAMS = 5  # less is no ground to say that two pieces of code are alike

_Code = tuple[tuple[Gram, ...], ...]  # the grams of each line
_Shown = Mapping[tuple[int, str, int], Sequence[tuple[int, int]]]
_Taken = Mapping[tuple[str, Side], frozenset[int]]


@dataclass(frozen=True, slots=True)
class Sibling:
    """``piece`` shows the place with a few lines of its hunk round it, ``place`` are the lines that look like the code
    of ``finding``, and ``likeness`` says how much, up to 1."""

    piece: Piece
    finding: PlacedFinding
    likeness: float
    place: Run


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of one side that is neither blank nor a remark; ``at`` is its position in the hunk's lines. A finding
    stands on it if it is ``taken``."""

    at: int
    number: int
    changed: bool
    taken: bool
    grams: tuple[Gram, ...]


@dataclass(frozen=True, slots=True)
class _Strip:
    """The rows of one side of a hunk."""

    file: FilePatch
    hunk: int
    side: Side
    rows: tuple[_Row, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Consecutive rows of a strip, ``start`` and ``stop`` as in a slice."""

    strip: int
    start: int
    stop: int


_Found = tuple[PlacedFinding, _Place, float]


@dataclass(frozen=True, slots=True)
class _Ground:
    """Where siblings are looked for. ``hits`` are the rows in which a wanted gram stands."""

    strips: Sequence[_Strip]
    shown: _Shown
    hits: Mapping[Gram, Sequence[tuple[int, int]]]

    def rows(self, place: _Place) -> tuple[_Row, ...]:
        return self.strips[place.strip].rows[place.start : place.stop]

    def place(self, number: int, start: int, size: int) -> _Place:
        """As many rows as the code has, moved into the strip where they would stand out of it."""
        rows = len(self.strips[number].rows)
        start = max(0, min(start, rows - size))
        return _Place(number, start, min(start + size, rows))

    def span(self, place: _Place) -> tuple[tuple[int, int], int, int]:
        """Which hunk, and the positions of the first and the last line in it."""
        strip, rows = self.strips[place.strip], self.rows(place)
        return (id(strip.file), strip.hunk), rows[0].at, rows[-1].at

    def overlap(self, one: _Place, other: _Place) -> bool:
        (there, first, last), (here, other_first, other_last) = self.span(one), self.span(other)
        return there == here and first <= other_last and other_first <= last

    def shows(self, one: _Place, other: _Place) -> bool:
        """Whether ``one`` with its margin shows all of the other."""
        (there, first, last), (here, other_first, other_last) = self.span(one), self.span(other)
        return there == here and first - MARGIN <= other_first and other_last <= last + MARGIN

    def together(self, chunk: int, place: _Place) -> bool:
        """Whether the chunk, in which a finding was raised, showed this place too."""
        strip, at = self.strips[place.strip], self.rows(place)[0].at
        return any(start <= at < stop for start, stop in self.shown.get((chunk, strip.file.path, strip.hunk), ()))


def find_siblings(
    placed: Sequence[PlacedFinding], files: Sequence[FilePatch], shown: Iterable[Chunk] = ()
) -> tuple[Sibling, ...]:
    """The places that look most like the code of one of ``placed``, best first: at most MOST_PLACES, and for each
    finding MOST_PER_FINDING, each with a changed line, none where a finding stands. No two pieces overlap.

    ``files`` are the files in scope, ``shown`` the chunks that the findings come from: of two places that are as much
    alike, the one that was not in the same chunk as the finding comes first. The same input gives the same places.
    """
    codes = [(each, _code(each)) for each in placed if each.location.line is not None]
    codes = [(each, code) for each, code in codes if _is_pattern(code)]
    if not codes:
        return ()
    strips = tuple(_strips(files, {each.location.side for each, _ in codes}, _taken(placed)))
    wanted = {gram for _, code in codes for row in code for gram in row}
    ground = _Ground(strips, _spans(shown), _hits(strips, wanted))
    found = [
        (likeness - _SEEN_TOGETHER * ground.together(each.finding.chunk, place), number, place, likeness)
        for number, (each, code) in enumerate(codes)
        for place, likeness in _alike(code, each.location.side, ground)
    ]
    found.sort(key=lambda item: (-item[0], item[1], item[2].strip, item[2].start))
    return tuple(_chosen(((codes[number][0], place, likeness) for _, number, place, likeness in found), ground))


def pieces_of(siblings: Iterable[Sibling], files: Sequence[FilePatch]) -> tuple[Piece, ...]:
    """The pieces to show, in the order of ``files`` and of their lines, as `cut` wants them."""
    order = {id(file): number for number, file in enumerate(files)}
    pieces = (each.piece for each in siblings)
    return tuple(sorted(pieces, key=lambda piece: (order[id(piece.file)], piece.hunk, piece.start)))


def _code(placed: PlacedFinding) -> _Code:
    rows = (grams(line) for line in islice(placed.code.split("\n"), 4 * _MOST_CODE_ROWS))
    return tuple(islice((row for row in rows if row), _MOST_CODE_ROWS))


def _is_pattern(code: _Code) -> bool:
    """Whether the code says enough to be known again."""
    mine = {gram for row in code for gram in row}
    return len(mine) >= _FEWEST_GRAMS and bool(telling(mine))


def _taken(placed: Iterable[PlacedFinding]) -> _Taken:
    taken: defaultdict[tuple[str, Side], set[int]] = defaultdict(set)
    for each in placed:
        at = each.location
        if at.line is not None:
            taken[at.path, at.side].update(range(at.start_line or at.line, at.line + 1))
    return {key: frozenset(numbers) for key, numbers in taken.items()}


def _spans(shown: Iterable[Chunk]) -> _Shown:
    spans: defaultdict[tuple[int, str, int], list[tuple[int, int]]] = defaultdict(list)
    for chunk in shown:
        for piece in chunk.pieces:
            spans[chunk.number, piece.file.path, piece.hunk].append((piece.start - piece.lead, piece.stop))
    return spans


def _strips(files: Iterable[FilePatch], sides: Iterable[Side], taken: _Taken) -> Iterator[_Strip]:
    """The rows of all hunks with a changed one, until so many rows are looked at."""
    left = _MOST_ROWS
    for file in files:
        for number, hunk in enumerate(file.hunks):
            if left <= 0:
                return
            lines = hunk.lines()
            for side in sorted(sides):
                rows = tuple(_rows(lines, side, taken.get((file.path, side), frozenset())))
                left -= len(rows)
                if any(row.changed for row in rows):
                    yield _Strip(file, number, side, rows)


def _rows(lines: Iterable[Line], side: Side, taken: frozenset[int]) -> Iterator[_Row]:
    for at, line in enumerate(lines):
        number = line.old if side is Side.LEFT else line.new
        form = grams(line.text) if number is not None else ()
        if number is not None and form:
            yield _Row(at, number, line.kind is not LineKind.CONTEXT, number in taken, form)


def _hits(strips: Iterable[_Strip], wanted: set[Gram]) -> Mapping[Gram, Sequence[tuple[int, int]]]:
    hits: defaultdict[Gram, list[tuple[int, int]]] = defaultdict(list)
    for number, strip in enumerate(strips):
        for at, row in enumerate(strip.rows):
            for gram in wanted.intersection(row.grams):
                hits[gram].append((number, at))
    return hits


def _alike(code: _Code, side: Side, ground: _Ground) -> Iterator[tuple[_Place, float]]:
    """The places that are alike enough, measured."""
    offsets = {gram: offset for offset, row in reversed(tuple(enumerate(code))) for gram in row}
    mine = offsets.keys()
    free = (
        place
        for place in _likely(offsets, len(code), ground)
        if ground.strips[place.strip].side is side and _is_free(ground.rows(place))
    )
    whole, signs = weight(mine), telling(mine)
    for place in islice(free, _MOST_MEASURED):
        there = {gram for row in ground.rows(place) for gram in row.grams}
        shared = mine & there
        likeness = 2 * weight(shared) / (whole + weight(there))
        if likeness >= LEAST_LIKENESS and signs & telling(shared):
            yield place, round(likeness, 3)


def _likely(offsets: Mapping[Gram, int], size: int, ground: _Ground) -> Iterable[_Place]:
    """Places that share the rarest grams, those with the most of them first. Each gram, which stands first in the row
    ``offsets`` says, votes for the places that would have it in that row."""
    known = [(len(ground.hits[gram]), gram) for gram in offsets if gram in ground.hits]
    votes: Counter[tuple[int, int]] = Counter()
    for _, gram in sorted(known)[:_RAREST]:
        votes.update((number, at - offsets[gram]) for number, at in ground.hits[gram][:_MOST_HITS])
    best = sorted(votes, key=lambda key: (-votes[key], key))
    return dict.fromkeys(ground.place(number, start, size) for number, start in best)


def _is_free(rows: Sequence[_Row]) -> bool:
    """Something changed there, and no finding stands on it."""
    return any(row.changed for row in rows) and not any(row.taken for row in rows)


def _chosen(found: Iterable[_Found], ground: _Ground) -> Iterator[Sibling]:
    """The first ones within the limits, none in the lines of another; what the margin of one shows is not asked twice
    for one finding."""
    chosen: list[_Found] = []
    for each, place, likeness in found:
        mine = [other for finding, other, _ in chosen if finding is each]
        if len(chosen) == MOST_PLACES:
            break
        if len(mine) == MOST_PER_FINDING or any(ground.shows(other, place) for other in mine):
            continue
        if not any(ground.overlap(place, other) for _, other, _ in chosen):
            chosen.append((each, place, likeness))
    for each, place, likeness in chosen:
        strip, rows = ground.strips[place.strip], ground.rows(place)
        run = Run(strip.side, rows[0].number, rows[-1].number)
        yield Sibling(_piece(place, [other for _, other, _ in chosen], ground), each, likeness, run)


def _piece(place: _Place, chosen: Iterable[_Place], ground: _Ground) -> Piece:
    """The place with its margin, as far as the lines of the others in its hunk, or the margin of the one before."""
    key, first, last = ground.span(place)
    strip = ground.strips[place.strip]
    start, stop = max(0, first - MARGIN), min(last + 1 + MARGIN, len(strip.file.hunks[strip.hunk].marks()))
    for there, other_first, other_last in map(ground.span, chosen):
        if there == key and other_last < first:
            start = max(start, min(other_last + 1 + MARGIN, first))
        elif there == key and other_first > last:
            stop = min(stop, other_first)
    return Piece(strip.file, strip.hunk, start, stop)
