"""Pure: code -> Sketch: so much of it, in numbers, as is needed to know it again, whole or in part, without its text.

A sketch is small enough to stand in the hidden marker of a comment. White space, line breaks, indentation and
look-alike characters make no difference; a longer or shorter quote of the same lines is a part of the other.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from reviewbot.core.findings.finding import folded, squeezed

MOST_PAIRS: Final = 32
LONGEST_CODE: Final = 20_000
FEWEST_PAIRS: Final = 3  # less is no ground to say that two pieces of code are one
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")
_WRITTEN: Final = re.compile(r"(\d{1,6})\.([0-9a-f]{8})\.((?:[0-9a-f]{6}){0,32})")


@dataclass(frozen=True, slots=True)
class Sketch:
    """``length`` and ``whole`` are those of the squeezed code; ``pairs`` are hashes of neighbouring tokens, of which
    the smallest are kept: so two sketches keep the same pairs of what they share (bottom-k sampling)."""

    length: int = 0
    whole: str = ""
    pairs: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.length}.{self.whole}.{''.join(sorted(self.pairs))}" if self.length else ""

    @classmethod
    def read(cls, text: str) -> Sketch:
        """What `str` wrote; an empty sketch for anything else."""
        found = _WRITTEN.fullmatch(text)
        if not found:
            return cls()
        pairs = found[3]
        return cls(int(found[1]), found[2], frozenset(pairs[at : at + 6] for at in range(0, len(pairs), 6)))

    @classmethod
    def of(cls, code: str) -> Sketch:
        code = code[:LONGEST_CODE]
        plain = squeezed(code)
        if not plain:
            return cls()
        tokens = _TOKEN.findall(folded(code))
        pairs = {digest(f"{a} {b}", 6) for a, b in pairwise(tokens)}
        return cls(len(plain), digest(plain, 8), frozenset(sorted(pairs)[:MOST_PAIRS]))

    def shared(self, other: Sketch) -> float:
        """How much of the smaller piece of code is in the other, 0 to 1; 0 when there is too little to tell by."""
        if not self.length or not other.length:
            return 0.0
        if self.whole == other.whole and self.length == other.length:
            return 1.0
        # A sketch that is full knows nothing of hashes above its largest.
        mine, others = self._below(other._reach()), other._below(self._reach())
        least = min(len(mine), len(others))
        return len(mine & others) / least if least >= FEWEST_PAIRS else 0.0

    def likeness(self, other: Sketch) -> float:
        """How much the two pieces of code are one, 0 to 1: what is shared, of all that is in either."""
        if self.whole == other.whole and self.length == other.length:
            return 1.0
        mine, others = self._below(other._reach()), other._below(self._reach())
        both = mine | others
        return len(mine & others) / len(both) if both else 0.0

    def stands_in(self, text: str) -> bool:
        """Whether the code stands unchanged in ``text``, as whole lines."""
        if not self.length:
            return False
        lines = [plain for line in text[: LONGEST_CODE * 10].split("\n") if (plain := squeezed(line))]
        ends = list(accumulate(map(len, lines)))
        whole, known = "".join(lines), set(ends)
        starts = (start for start in (0, *ends) if start + self.length in known)
        return any(digest(whole[start : start + self.length], 8) == self.whole for start in starts)

    def _reach(self) -> str:
        return max(self.pairs, default="") if len(self.pairs) == MOST_PAIRS else "g"

    def _below(self, reach: str) -> frozenset[str]:
        return frozenset(pair for pair in self.pairs if pair <= reach)


def digest(text: str, digits: int) -> str:
    """So many hex digits of a hash: to know a text again, not to guard it."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:digits]
