"""Pure: FilePatch -> its changed lines as two sequences, LEFT and RIGHT, and the blocks that they stand in.

A block is a run of changed lines with no unchanged line in it, so how much context a diff shows makes no difference.
Lines are compared as raw bytes with their prefix; whether a last line ends in LF is part of them.

    -a        block: gap 0 (old lines before it), end 1 (and with its own removed lines)
    +A
     b
    +c        block: gap 2, end 2
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reviewbot.core.change.diff import FilePatch, Hunk, Side

_INDEX = re.compile(rb"^index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: [0-7]{6})?\r?$", re.MULTILINE)
_NOT_WORDS = bytes(code for code in range(128) if not chr(code).isalnum())
_LEAST_WORDS = 20  # letters and digits below which equal lines say little; git's --color-moved has the same figure
_NO_NEWLINE = b"\n\\"  # no line holds LF, so no line can pass for one with this mark


@dataclass(frozen=True, slots=True)
class Block:
    """``left`` and ``right`` are its lines as indexes into the file's sequences."""

    gap: int
    end: int
    left: range
    right: range

    def of(self, side: Side) -> range:
        return self.left if side is Side.LEFT else self.right


@dataclass(frozen=True, slots=True)
class ChangedLines:
    """A file's changed lines by side: ``keys`` is what is compared, ``numbers`` the line numbers beside them."""

    keys: Mapping[Side, Sequence[bytes]]
    numbers: Mapping[Side, Sequence[int]]
    blocks: tuple[Block, ...]

    def text(self, block: Block) -> tuple[bytes, ...]:
        left, right = self.keys[Side.LEFT], self.keys[Side.RIGHT]
        return (*left[block.left.start : block.left.stop], *right[block.right.start : block.right.stop])


def changed_lines(file: FilePatch) -> ChangedLines:
    """Read the changed lines of a file's hunks."""
    reader = _Reader()
    for hunk in file.hunks:
        reader.read(hunk)
    keys = {Side.LEFT: reader.left, Side.RIGHT: reader.right}
    numbers = {Side.LEFT: reader.left_numbers, Side.RIGHT: reader.right_numbers}
    return ChangedLines(keys, numbers, tuple(reader.blocks))


def tells_enough(keys: Sequence[bytes]) -> bool:
    """Whether lines hold enough letters and digits to be known again elsewhere; ``}`` and ``return None`` do not."""
    left = _LEAST_WORDS
    for key in keys:
        left -= len(key.translate(None, _NOT_WORDS))
        if left <= 0:
            return True
    return False


def blob_ids(file: FilePatch) -> tuple[bytes, bytes]:
    """The old and new object ids of a file's header, abbreviated as they may be; empty when it does not tell.

    A change of type has two headers and is not asked.
    """
    found = _INDEX.findall(file.header)
    return (found[0][0], found[0][1]) if len(found) == 1 else (b"", b"")


def same_blob(one: bytes, other: bytes) -> bool:
    """Whether two ids that may be abbreviated name one object; unknown ones never do."""
    size = min(len(one), len(other))
    return size >= 4 and one[:size] == other[:size]


class _Reader:
    """Collects the sequences over all hunks. The hot loop of a comparison."""

    def __init__(self) -> None:
        self.left: list[bytes] = []
        self.right: list[bytes] = []
        self.left_numbers: list[int] = []
        self.right_numbers: list[int] = []
        self.blocks: list[Block] = []

    def read(self, hunk: Hunk) -> None:
        # An empty side is numbered by the line that it stands behind.
        old, new = hunk.old_start + (not hunk.old_count), hunk.new_start + (not hunk.new_count)
        rows = hunk.body.split(b"\n")
        if not rows[-1]:
            rows.pop()
        begun: tuple[int, int, int] | None = None
        last: list[bytes] | None = None
        for row in rows:
            mark = row[:1]
            if mark == b"\\":
                if last:
                    last[-1] += _NO_NEWLINE
                continue
            if mark in (b"+", b"-"):
                if begun is None:
                    begun = (old - 1, len(self.left), len(self.right))
                if mark == b"+":
                    last = self.right
                    self.right_numbers.append(new)
                    new += 1
                else:
                    last = self.left
                    self.left_numbers.append(old)
                    old += 1
                last.append(row)
                continue
            if begun is not None:
                self._close(begun, old)
                begun = None
            last = None
            old += 1
            new += 1
        if begun is not None:
            self._close(begun, old)

    def _close(self, begun: tuple[int, int, int], old: int) -> None:
        gap, left, right = begun
        self.blocks.append(Block(gap, old - 1, range(left, len(self.left)), range(right, len(self.right))))
