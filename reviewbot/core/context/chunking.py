"""Pure: Scope + TokenBudget -> Chunks: related files together, cut between hunks, nothing lost or doubled."""

from __future__ import annotations

from dataclasses import dataclass

from reviewbot.core.change.diff import FilePatch


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
