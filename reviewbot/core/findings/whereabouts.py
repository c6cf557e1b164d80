"""Pure: where the code of an earlier finding stands in a text, and where the same place is in another text of the file.

A comment keeps a sketch of its code and hashes of the definitions round it (`identity.code_digest`); GitHub moves its
line as long as it can. Between two texts a place is followed by the name of its definition, else by the lines that both
have (`core/change/alignment.py`). Nothing is guessed: what could be in several places is in none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from reviewbot.core.change.alignment import align
from reviewbot.core.context.symbols import Definition, definitions, enclosing_definition
from reviewbot.core.findings.finding import folded, squeezed
from reviewbot.core.findings.sketch import FEWEST_PAIRS, LONGEST_CODE, Sketch, digest

ROUND: Final = 15  # lines on each side of a place that belong to it
MOST_LINES: Final = 160  # of a place that is looked at
_LONGEST_TEXT: Final = 50 * LONGEST_CODE
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")  # as in `sketch.py`


class Span(NamedTuple):
    """Lines of a text, numbered from 1, both ends included."""

    first: int
    last: int

    def joined(self, other: Span) -> Span:
        return Span(min(self.first, other.first), max(self.last, other.last))


@dataclass(frozen=True, slots=True)
class Clue:
    """What a comment keeps of where its code stood."""

    code: Sketch = field(default_factory=Sketch)
    symbols: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a file. ``rows`` are its lines without blanks at their ends."""

    path: str
    source: bytes
    rows: tuple[str, ...]

    @classmethod
    def of(cls, path: str, source: bytes) -> Text:
        return cls(path, source, tuple(row.rstrip() for row in source.decode("utf-8", "replace").split("\n")))

    def cut(self, span: Span) -> tuple[str, ...]:
        return self.rows[span.first - 1 : span.last]


def find(text: Text, clue: Clue) -> tuple[Span | None, bool]:
    """Where the code is, and whether these are its very lines; else the one definition that it was in, if that has no
    namesake."""
    named = [each for each in definitions(text.path, text.source) if digest(each.name, 6) in clue.symbols]
    spans = stands(clue.code, text)
    inside = [span for span in spans if any(each.first <= span.first <= each.last for each in named)]
    if len(inside) == 1 or (not inside and len(spans) == 1):
        return (inside or spans)[0], True
    if len(named) == 1:
        return Span(named[0].first, named[0].last), False
    return None, False


def stands(code: Sketch, text: Text) -> list[Span]:
    """Every place where the code stands unchanged, as whole lines."""
    if not code.length:
        return []
    lines = [(number, plain) for number, row in enumerate(text.rows, 1) if (plain := squeezed(row))]
    ends = list(accumulate(len(plain) for _, plain in lines))
    whole = "".join(plain for _, plain in lines)[:_LONGEST_TEXT]
    at = {end: number for end, (number, _) in zip(ends, lines, strict=True)}
    begins = zip((0, *ends), lines, strict=False)
    return [
        Span(number, at[start + code.length])
        for start, (number, _) in begins
        if start + code.length in at and digest(whole[start : start + code.length], 8) == code.whole
    ]


def round_of(text: Text, span: Span) -> Span:
    """What belongs to a place: its enclosing definition and some lines round it; of a long one the part near it."""
    span = Span(span.first, min(span.last, span.first + MOST_LINES // 2))
    wide = Span(span.first - ROUND, span.last + ROUND)
    holding = enclosing_definition(text.path, text.source, span.first)
    if holding:
        wide = wide.joined(Span(holding.first, holding.last))
    room = (MOST_LINES - (span.last - span.first + 1)) // 2
    return Span(max(wide.first, span.first - room, 1), min(wide.last, span.last + room, len(text.rows)))


class Pair:
    """Two texts of one file, earlier and now, and which line of the one is which of the other."""

    def __init__(self, old: Text, new: Text) -> None:
        self.old, self.new = old, new
        partners = align([*map(_bytes, old.rows)], [*map(_bytes, new.rows)])
        self._old_of = {now + 1: was + 1 for now, was in enumerate(partners) if was >= 0}
        self._new_of = {was: now for now, was in self._old_of.items()}

    def forward(self, span: Span) -> Span:
        """The place of the old text in the new one."""
        return _followed(self.old, self.new, span, self._new_of)

    def back(self, span: Span) -> Span:
        """The place of the new text in the old one."""
        return _followed(self.new, self.old, span, self._old_of)

    def new_line(self, line: int) -> int | None:
        """The line of the new text that this line of the old one is."""
        return self._new_of.get(line)

    def changed(self) -> tuple[Span, Span] | None:
        """Everything from the first line that differs to the last, on both sides; None when nothing does."""
        was, now = _unpaired(self.old, self._new_of), _unpaired(self.new, self._old_of)
        if was is None:
            return (self.back(now), now) if now else None
        return was, self.forward(was).joined(now) if now else self.forward(was)


def _followed(here: Text, there: Text, span: Span, partners: Mapping[int, int]) -> Span:
    mapped = _mapped(span, partners, len(here.rows), len(there.rows))
    holding = enclosing_definition(here.path, here.source, span.first)
    if holding is None:
        return mapped
    namesakes = [each for each in definitions(there.path, there.source) if each.name == holding.name]
    if len(namesakes) == 1 and not _holds(namesakes[0], mapped):
        return Span(namesakes[0].first, namesakes[0].last)
    return mapped


def _holds(definition: Definition, span: Span) -> bool:
    return definition.first <= span.first <= definition.last


def _mapped(span: Span, partners: Mapping[int, int], here: int, there: int) -> Span:
    """The lines between the nearest ones, on each side, that both texts have."""
    above = next((n for n in range(span.first, 0, -1) if n in partners), 0)
    below = next((n for n in range(span.last, here + 1) if n in partners), here + 1)
    first = partners[above] + (above < span.first) if above else 1
    last = partners[below] - (below > span.last) if below <= here else there
    first = min(max(first, 1), there)
    return Span(first, min(max(last, first), there))


def _unpaired(text: Text, partners: Mapping[int, int]) -> Span | None:
    odd = [number for number in range(1, len(text.rows) + 1) if number not in partners]
    return Span(odd[0], odd[-1]) if odd else None


def share_in(code: Sketch, rows: Iterable[str]) -> float:
    """How much of the code is in the lines, in any order, 0 to 1; 0 when there is too little to tell by."""
    if len(code.pairs) < FEWEST_PAIRS:
        return 0.0
    tokens = _TOKEN.findall(folded("\n".join(rows)[:_LONGEST_TEXT]))
    found = {digest(f"{a} {b}", 6) for a, b in set(pairwise(tokens))}
    return len(code.pairs & found) / len(code.pairs)


def _bytes(row: str) -> bytes:
    return row.encode("utf-8", "replace")
