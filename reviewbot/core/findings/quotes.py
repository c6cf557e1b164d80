"""Pure: a quote x lines of code -> Hit: every place where the quote can stand, and how much had to be ignored.

Quotes come back from a model altered: white space, line ends, look-alike characters, blank lines lost, something left
out (`...`), the first or last line cut. Each kind has its own search here; none of them goes by likeness.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from reviewbot.core.change.diff import Line, LineKind
from reviewbot.core.findings.finding import folded, squeezed

LONGEST_ELISION: Final = 80
MOST_PAIRS: Final = 2_000

# Stands between hunks. git calls a file with a NUL binary, so no line of a diff is equal to it.
_GAP: Final = "\0"
_ELLIPSIS: Final = re.compile(r"\.{3,}")
_BLANK: Final = re.compile("")
_WRAPPING: Final = re.compile(r"(?:(?:```|~~~).*|@@ -\d.*|=== \S.*\))?")
_WORD: Final = re.compile(r"\w{3,}")

Match = tuple[Line, ...]
Run = tuple[int, int]
_Normal = Callable[[str], str]


def _unspaced(text: str) -> str:
    return "".join(text.split())


def _collapsed(text: str) -> str:
    return " ".join(folded(text).split())


_STEPS: Final[tuple[tuple[_Normal, str], ...]] = (
    (str, ""),
    (str.rstrip, "white space at line ends ignored"),
    (str.strip, "indentation ignored"),
    (_unspaced, "white space ignored"),
    (squeezed, "look-alike characters folded"),
)

INDENTATION_IGNORED: Final = 2  # the step from which on code of another depth is equal


class Hit(NamedTuple):
    """The matches of a quote: only those that touch a changed line, when there are such. One match is a sure place.

    ``looseness`` is 0 for an exact match and grows with what was ignored; ``note`` says what that was. ``places`` also
    counts the matches that were passed over because they touch no changed line.
    """

    matches: Sequence[Match]
    looseness: int
    note: str
    places: int = 1


def readings(quote: str) -> list[list[str]]:
    """The lines of a quote without blank ones round it; then, if different, without fences and headers round it."""
    lines = quote.replace(_GAP, "").split("\n")
    plain = _trimmed(lines, _BLANK)
    bare = _trimmed(lines, _WRAPPING)
    return [reading for reading in (plain, bare if bare != plain else []) if reading]


def telling(text: str, characters: int) -> bool:
    """Whether the text has so many characters besides white space, and a word among them."""
    return len(squeezed(text)) >= characters and bool(_WORD.search(text))


def touches_change(match: Match) -> bool:
    return any(line.kind is not LineKind.CONTEXT for line in match)


def left_out(line: str) -> bool:
    """Whether the line is nothing but a mark that something was left out. One pattern for it would take cubic time."""
    return ("..." in line or "…" in line) and not re.search(r"\w", line)


class CodeText:
    """Lines to be searched, with None between hunks. Normal forms are made when asked for and kept.

    ``raw`` is what to compare instead of the lines' own text (lines with diff prefixes, say).
    """

    def __init__(self, lines: Sequence[Line | None], raw: Sequence[str] | None = None) -> None:
        self.lines = lines
        self.raw = [_GAP if line is None else line.text for line in lines] if raw is None else raw
        self._joined: dict[_Normal, str] = {}

    @classmethod
    def prefixed(cls, lines: Sequence[Line | None]) -> CodeText:
        """Lines as the diff prints them, with their prefix character."""
        return cls(lines, [_GAP if line is None else line.kind.value + line.text for line in lines])

    def verbatim(self, quote: Sequence[str]) -> Hit | None:
        """Whole lines equal to the quote, at the tightest step that has any."""
        matches = self._dense.find([line for line in quote if line.strip()], squeezed)
        if not matches:  # the loosest form is not there, so no tighter one is
            return None
        for looseness, (normal, note) in enumerate(_STEPS):
            tight = self.find(quote, normal)
            if tight:
                return _hit(tight, looseness, note)
        return _hit(matches, len(_STEPS), "blank lines ignored")

    def elided(self, quote: Sequence[str]) -> Hit | None:
        """The place of a quote from which something was left out: its first and last part, near in one hunk."""
        parts = _parts(quote)
        if not parts:
            return None
        heads = self._dense.search(_part_pattern(parts[0]), len(parts[0]))
        tails = self._dense.search(_part_pattern(parts[-1]), len(parts[-1]))
        runs = heads
        if len(parts) > 1 and len(heads) * len(tails) <= MOST_PAIRS:
            pairs = [(head, tail) for head in heads for tail in tails if self._dense.near(head, tail)]
            runs = _surest(pairs, parts)
        # What was left out is no evidence, so lines changed there do not prefer one place to another.
        matches = [self._dense.match(*run) for run in runs]
        return Hit(matches, len(_STEPS) + 1, "elided quote", len(matches)) if matches else None

    def crossing(self, quote: Sequence[str]) -> Hit | None:
        """The lines of a quote that leaps from the end of one hunk to the start of the next."""
        lines = [line for line in quote if line.strip()]
        borders = range(1, len(lines)) if None in self.lines else ()
        matches = [found for at in borders for found in self._dense.find([*lines[:at], _GAP, *lines[at:]], squeezed)]
        return _hit(matches, len(_STEPS) + 1, "the quote leaves its hunk")

    def partial(self, quote: Sequence[str]) -> Hit | None:
        """The place of a quote whose first line lacks its beginning, or whose last line lacks its end."""
        lines = [line for line in quote if line.strip()]
        if not telling("".join(lines), 12):
            return None
        code = "\n".join(map(_collapsed, lines))
        runs = self._dense.search(rf"(?<!\w)(?={re.escape(code)}(?!\w))", len(lines))
        return _hit([self._dense.match(*run) for run in runs], len(_STEPS) + 2, "part of a line quoted")

    def find(self, quote: Sequence[str], normal: _Normal) -> list[Match]:
        """Every run of lines that equals the quote in this normal form."""
        needle = "\n" + "\n".join(map(normal, quote)) + "\n"
        text, starts = self._text(normal), []
        at = text.find(needle)
        while at >= 0:
            starts.append(at)
            at = text.find(needle, at + 1)
        return [self.match(first, first + len(quote)) for first in _line_indexes(text, starts)]

    def search(self, pattern: str, count: int) -> list[Run]:
        """The runs of ``count`` lines at whose first line the pattern matches in collapsed text."""
        text = self._text(_collapsed)
        starts = [text.rindex("\n", 0, found.start()) for found in re.finditer(pattern, text, re.MULTILINE)]
        return [(first, first + count) for first in dict.fromkeys(_line_indexes(text, starts))]

    def near(self, head: Run, tail: Run) -> bool:
        """Whether one run follows the other in the same hunk, not too far away."""
        close = head[1] <= tail[0] and tail[1] - head[0] <= LONGEST_ELISION
        return close and None not in self.lines[head[0] : tail[1]]

    def match(self, first: int, stop: int) -> Match:
        return tuple(line for line in self.lines[first:stop] if line is not None)

    @cached_property
    def _dense(self) -> CodeText:
        """The same without blank lines."""
        kept = [number for number, raw in enumerate(self.raw) if raw.strip()]
        return CodeText([self.lines[number] for number in kept], [self.raw[number] for number in kept])

    def _text(self, normal: _Normal) -> str:
        """All lines in a normal form, each between two LF."""
        if normal not in self._joined:
            self._joined[normal] = "\n" + "\n".join(map(normal, self.raw)) + "\n"
        return self._joined[normal]


def _hit(matches: list[Match], looseness: int, note: str) -> Hit | None:
    changed = [match for match in matches if touches_change(match)]
    return Hit(changed or matches, looseness, note, len(matches)) if matches else None


def _trimmed(lines: list[str], wrapping: re.Pattern[str]) -> list[str]:
    kept = [number for number, line in enumerate(lines) if not wrapping.fullmatch(line.strip())]
    return lines[kept[0] : kept[-1] + 1] if kept else []


def _line_indexes(text: str, starts: Sequence[int]) -> list[int]:
    """For positions of LF in ascending order, how many LF stand before each: the index of the line that follows."""
    indexes, line, counted = [], 0, 0
    for start in starts:
        line += text.count("\n", counted, start)
        counted = start
        indexes.append(line)
    return indexes


def _parts(quote: Sequence[str]) -> list[list[str]]:
    """The lines between elisions; empty when nothing was left out, or when too little was kept."""
    parts: list[list[str]] = [[]]
    for line in quote:
        if left_out(line):
            parts.append([])
        elif line.strip():
            parts[-1].append(_collapsed(line))
    filled = [part for part in parts if part]
    text = "".join(map("".join, filled))
    elided = len(parts) > 1 or _ELLIPSIS.search(text)
    return filled if elided and telling(_ELLIPSIS.sub("", text), 8) else []


def _part_pattern(lines: Sequence[str]) -> str:
    """Matches at the start of these collapsed lines; an ellipsis within a line stands for anything in that line."""
    patterns = []
    for line in lines:
        head, *middle = _ELLIPSIS.split(line)
        patterns.append(re.escape(head.rstrip()) + (f".*{re.escape(middle[-1].lstrip())}" if middle else ""))
    return rf"^(?={chr(10).join(patterns)}$)"


def _surest(pairs: Sequence[tuple[Run, Run]], parts: Sequence[Sequence[str]]) -> list[Run]:
    """From first part to last part if only one such pair exists, else the part that is the same in all pairs."""
    heads, tails = {head for head, _ in pairs}, {tail for _, tail in pairs}
    if len(pairs) > 1 and len(heads) == 1 and telling("".join(parts[0]), 8):
        return list(heads)
    if len(pairs) > 1 and len(tails) == 1 and telling("".join(parts[-1]), 8):
        return list(tails)
    return [(head[0], tail[1]) for head, tail in pairs]
