"""Pure values of a diff: Side, Line, Hunk, FilePatch, Diff. `patch.py` makes them from bytes.

A hunk keeps its body as one bytes object and cuts lines when asked: a diff of 175,000 lines stays small.

    @@ -3,2 +3,3 @@ def total(items):     Hunk(old_start=3, old_count=2, new_start=3, new_count=3, section="def total…")
         a = 1                             Line(CONTEXT, old=3, new=3)    RIGHT or LEFT
    -    b = 2                             Line(REMOVED, old=4, new=None) LEFT
    +    b = 3                             Line(ADDED,   old=None, new=4) RIGHT
    +    c = 4                             Line(ADDED,   old=None, new=5) RIGHT
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

_SAME_MARKS = re.compile(rb" +|\++|-+")


class Side(StrEnum):
    """GitHub's names for the two sides of a diff: LEFT is the old text, RIGHT the new."""

    LEFT = "LEFT"
    RIGHT = "RIGHT"


class LineKind(StrEnum):
    CONTEXT = " "
    ADDED = "+"
    REMOVED = "-"


class FileStatus(StrEnum):
    """What happened to a file; GitHub's own words, ``changed`` being a change of type or mode alone."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"
    RENAMED = "renamed"
    COPIED = "copied"
    CHANGED = "changed"


class Line(NamedTuple):
    """One line of a hunk. ``text`` has no prefix and no LF; a CR before the LF is kept."""

    kind: LineKind
    old: int | None
    new: int | None
    text: str
    newline: bool = True


class Run(NamedTuple):
    """Consecutive changed line numbers of one side, both ends included."""

    side: Side
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Hunk:
    """A run of lines with their numbers: the counts are those of the text, also where the header counts wrongly.

    ``header`` (the ``@@`` line), ``body`` (the lines, prefixes included) and ``tail`` (what follows and belongs to no
    line: a mail's signature, say) are raw bytes with their line ends; one after the other they are the source text.
    """

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str
    header: bytes
    body: bytes
    tail: bytes = b""

    def lines(self) -> tuple[Line, ...]:
        """The lines in order, numbered from the header. Bytes that are not UTF-8 become U+FFFD."""
        out: list[Line] = []
        old, new = self.old_start, self.new_start
        for row in self._rows():
            mark = row[:1]
            if mark == b"+":
                out.append(Line(LineKind.ADDED, None, new, row[1:].decode("utf-8", "replace")))
                new += 1
            elif mark == b"-":
                out.append(Line(LineKind.REMOVED, old, None, row[1:].decode("utf-8", "replace")))
                old += 1
            elif mark != b"\\":
                # An editor that strips trailing blanks leaves an empty context line without even its prefix.
                text = row[1:] if mark == b" " else row
                out.append(Line(LineKind.CONTEXT, old, new, text.decode("utf-8", "replace")))
                old += 1
                new += 1
            elif out:
                out[-1] = out[-1]._replace(newline=False)
        return tuple(out)

    def marks(self) -> bytes:
        """The prefix of each line of ``lines()``, one byte a line: ``b" -++ "``. Far cheaper than the lines."""
        first = bytes([row[0] if row else 32 for row in self._rows()])
        return first.translate(None, b"\\").replace(b"\r", b" ")

    def changed_runs(self) -> tuple[Run, ...]:
        """The removed and added lines as runs of numbers, in the order of the text."""
        out: list[Run] = []
        old, new = self.old_start, self.new_start
        for match in _SAME_MARKS.finditer(self.marks()):
            size = match.end() - match.start()
            if match[0][:1] == b"+":
                out.append(Run(Side.RIGHT, new, new + size - 1))
                new += size
            elif match[0][:1] == b"-":
                out.append(Run(Side.LEFT, old, old + size - 1))
                old += size
            else:
                old += size
                new += size
        return tuple(out)

    def shown(self, side: Side) -> range:
        """The line numbers of one side that the hunk shows: where GitHub takes a comment. Empty for an empty side."""
        if side is Side.LEFT:
            return range(self.old_start, self.old_start + self.old_count)
        return range(self.new_start, self.new_start + self.new_count)

    def _rows(self) -> list[bytes]:
        rows = self.body.split(b"\n")
        if not rows[-1]:
            rows.pop()
        return rows


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What a diff says of one file. ``problems`` are faults found while reading it, in words.

    ``path`` is the new path, or the only one; ``old_path`` differs from it only in a rename or copy. Bytes of a path
    that are not UTF-8 become U+FFFD. A mode is None where the file does not exist or the text does not tell. A change
    of type (a file becomes a symlink, say) is two sections in git's text and one entry here: status CHANGED, the hunks
    of the old file, then those of the new. ``header`` is the raw text up to the first hunk.
    """

    path: str
    old_path: str
    status: FileStatus
    hunks: tuple[Hunk, ...] = ()
    old_mode: str | None = None
    new_mode: str | None = None
    similarity: int | None = None
    binary: bool = False
    added: int = 0
    removed: int = 0
    header: bytes = b""
    problems: tuple[str, ...] = ()

    @property
    def changed_lines(self) -> int:
        """Added plus removed lines, as git counts them."""
        return self.added + self.removed

    @property
    def submodule(self) -> bool:
        """The file is a submodule now, or was one when it was removed."""
        return (self.new_mode or self.old_mode) == "160000"

    @property
    def symlink(self) -> bool:
        return "120000" in (self.old_mode, self.new_mode)


@dataclass(frozen=True, slots=True)
class Diff:
    """A whole diff, in the order of its text. ``preamble`` is the raw text before the first file (a mail's, say)."""

    files: tuple[FilePatch, ...]
    problems: tuple[str, ...] = ()
    preamble: bytes = b""

    @property
    def added(self) -> int:
        return sum(file.added for file in self.files)

    @property
    def removed(self) -> int:
        return sum(file.removed for file in self.files)

    @property
    def changed_lines(self) -> int:
        return self.added + self.removed

    def file(self, path: str) -> FilePatch | None:
        """The file whose new path (or old path, when it was removed) is ``path``."""
        return next((file for file in self.files if file.path == path), None)
