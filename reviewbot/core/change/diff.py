"""Pure values of a diff: Side, Line, Hunk, FilePatch, Diff. `patch.py` makes them from bytes.

A hunk keeps its body as one bytes object and cuts lines when asked: a diff of 175,000 lines stays small.

    @@ -3,2 +3,3 @@ def total(items):     Hunk(old_start=3, old_count=2, new_start=3, new_count=3, section="def total…")
         a = 1                             Line(CONTEXT, old=3, new=3)    RIGHT or LEFT
    -    b = 2                             Line(REMOVED, old=4, new=None) LEFT
    +    b = 3                             Line(ADDED,   old=None, new=4) RIGHT
    +    c = 4                             Line(ADDED,   old=None, new=5) RIGHT
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


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


@dataclass(frozen=True, slots=True)
class Hunk:
    """A run of lines with the numbers of its header; ``body`` is the raw text below the header, prefixes included."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: str
    header: bytes
    body: bytes

    def lines(self) -> tuple[Line, ...]:
        """The lines in order, numbered from the header. Bytes that are not UTF-8 become U+FFFD."""
        out: list[Line] = []
        old, new = self.old_start, self.new_start
        for raw in self.body.split(b"\n"):
            mark = raw[:1]
            if mark == b"\\":
                if out:
                    out[-1] = out[-1]._replace(newline=False)
                continue
            text = raw[1:].decode("utf-8", "replace")
            if mark == b"+":
                out.append(Line(LineKind.ADDED, None, new, text))
                new += 1
            elif mark == b"-":
                out.append(Line(LineKind.REMOVED, old, None, text))
                old += 1
            elif mark == b" " or (raw == b"" and old < self.old_start + self.old_count):
                out.append(Line(LineKind.CONTEXT, old, new, text))
                old += 1
                new += 1
        return tuple(out)


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What a diff says of one file. ``problems`` are faults found while reading it, in words."""

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
        return "160000" in (self.old_mode, self.new_mode)

    @property
    def symlink(self) -> bool:
        return "120000" in (self.old_mode, self.new_mode)


@dataclass(frozen=True, slots=True)
class Diff:
    """A whole diff, in the order of its text."""

    files: tuple[FilePatch, ...]
    problems: tuple[str, ...] = ()

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
