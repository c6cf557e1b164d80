"""What differs between two commits: files, the hunks that GitHub shows of them, and which lines take a comment.

Read straight from git's own output (``--raw -z`` for the facts, the patch for the hunks), on purpose not with the
product's diff parser: the sandbox is to catch that parser's mistakes, not to repeat them.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewbot.sandbox.github.limits import Limits
    from reviewbot.sandbox.github.records import Side

_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


@dataclass(frozen=True, slots=True)
class ShownHunk:
    """``position`` is GitHub's count of lines below the file's first hunk header; ``text`` includes the header."""

    old: range
    new: range
    position: int
    text: bytes

    def rows(self) -> Iterator[tuple[int, int | None, int | None]]:
        """(position, old line, new line) of each line of the body."""
        old, new, position = self.old.start, self.new.start, self.position
        for line in self.text.split(b"\n")[1:]:
            position += 1
            mark = line[:1]
            if mark == b"+":
                yield position, None, new
                new += 1
            elif mark == b"-":
                yield position, old, None
                old += 1
            elif mark != b"\\":
                yield position, old, new
                old, new = old + 1, new + 1


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """``patch`` is what the file list shows (hunks only), None when the file is binary, too large or has no hunks."""

    path: str
    old_path: str
    status: str
    old_sha: str
    new_sha: str
    old_mode: str
    new_mode: str
    added: int
    removed: int
    patch: bytes | None
    hunks: tuple[ShownHunk, ...]

    @property
    def sha(self) -> str:
        """The blob to show: the old one when the file is gone."""
        return self.old_sha if self.status == "removed" else self.new_sha

    def hunk(self, side: Side, line: int) -> ShownHunk | None:
        """The shown hunk that has this line on this side."""
        return next((hunk for hunk in self.hunks if line in (hunk.old if side == "LEFT" else hunk.new)), None)

    def position(self, side: Side, line: int) -> int | None:
        """The line as the older ``position`` counts it."""
        hunk = self.hunk(side, line)
        if hunk is None:
            return None
        wanted = ((row[1] if side == "LEFT" else row[2], row[0]) for row in hunk.rows())
        return next((position for number, position in wanted if number == line), None)

    def at_position(self, position: int) -> tuple[Side, int] | None:
        """The side and line of a ``position``."""
        for hunk in self.hunks:
            for found, old, new in hunk.rows():
                if found == position:
                    return ("RIGHT", new) if new is not None else ("LEFT", old or 0)
        return None

    def excerpt(self, side: Side, line: int) -> str:
        """``diff_hunk``: the hunk from its header down to the line."""
        hunk, position = self.hunk(side, line), self.position(side, line)
        if hunk is None or position is None:
            return ""
        lines = hunk.text.split(b"\n")[: position - hunk.position + 1]
        return b"\n".join(lines).decode("utf-8", "replace")

    def moved(self, line: int) -> int | None:
        """Where a line of the old text is in the new one; None when it was changed or removed."""
        shift = 0
        for hunk in self.hunks:
            if line < hunk.old.start:
                break
            if line in hunk.old:
                return next((new for _, old, new in hunk.rows() if old == line), None)
            shift = hunk.new.stop - hunk.old.stop
        return line + shift


@dataclass(frozen=True, slots=True)
class Changes:
    """The whole diff as text, and its files in the same order. ``lines`` counts the text's lines."""

    diff: bytes
    files: tuple[ChangedFile, ...]
    lines: int

    @property
    def added(self) -> int:
        return sum(file.added for file in self.files)

    @property
    def removed(self) -> int:
        return sum(file.removed for file in self.files)

    def file(self, path: str) -> ChangedFile | None:
        return next((file for file in self.files if file.path == path), None)


def read_changes(facts: bytes, text: bytes, limits: Limits) -> Changes:
    """Put git's two answers together: ``facts`` from ``--raw -z``, ``text`` the patch, files in the same order."""
    sections = _sections(text)
    files = [_file(raw, sections, limits) for raw in _raw(facts)]
    return Changes(text, tuple(files), text.count(b"\n"))


@dataclass(frozen=True, slots=True)
class _Raw:
    old_mode: str
    new_mode: str
    old_sha: str
    new_sha: str
    letter: str
    old_path: str
    path: str


def _raw(facts: bytes) -> Iterator[_Raw]:
    fields = iter(facts.split(b"\0"))
    for head in fields:
        if not head:
            continue
        old_mode, new_mode, old_sha, new_sha, status = head.decode("ascii").lstrip(":").split(" ")
        old_path = path = next(fields).decode("utf-8", "surrogateescape")
        if status[0] in "RC":
            path = next(fields).decode("utf-8", "surrogateescape")
        yield _Raw(old_mode, new_mode, old_sha, new_sha, status[0], old_path, path)


def _sections(text: bytes) -> Iterator[bytes]:
    """One piece per ``diff --git``: no line of a hunk begins with a ``d``, so the cut is safe."""
    if not text:
        return
    starts = [0, *(found.start() + 1 for found in re.finditer(rb"\ndiff --git ", text)), len(text)]
    for start, end in itertools.pairwise(starts):
        yield text[start:end]


def _file(raw: _Raw, sections: Iterator[bytes], limits: Limits) -> ChangedFile:
    # git writes a change of type (file to symlink, say) as a removal and an addition: two sections for one entry.
    pieces = [next(sections) for _ in range(2 if raw.letter == "T" else 1)]
    shown = [_hunks_of(piece) for piece in pieces]
    added = sum(_marked(piece, b"\n+") for piece in shown)
    removed = sum(_marked(piece, b"\n-") for piece in shown)
    patch = b"\n".join(piece.rstrip(b"\n") for piece in shown if piece) or None
    if patch and (patch.count(b"\n") >= limits.file_diff_lines or len(patch) > limits.file_diff_bytes):
        patch = None
    same = raw.old_sha == raw.new_sha and raw.letter == "M"
    return ChangedFile(
        path=_clean(raw.path),
        old_path=_clean(raw.old_path),
        status="changed" if same else _STATUS.get(raw.letter, "changed"),
        old_sha=raw.old_sha,
        new_sha=raw.new_sha,
        old_mode=raw.old_mode,
        new_mode=raw.new_mode,
        added=added,
        removed=removed,
        patch=patch,
        hunks=tuple(_shown_hunks(patch)) if patch else (),
    )


def _clean(path: str) -> str:
    """JSON has no place for bytes that are not UTF-8: GitHub shows U+FFFD."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _hunks_of(piece: bytes) -> bytes:
    """The section from its first hunk on; empty for binary files, pure renames and changes of mode."""
    found = _HUNK.search(piece)
    return piece[found.start() :] if found else b""


def _marked(hunks: bytes, mark: bytes) -> int:
    """Lines of the hunks that begin with the mark: every header is gone, so each is an addition or a removal."""
    return hunks.count(mark)


def _shown_hunks(patch: bytes) -> Iterator[ShownHunk]:
    # A line of a hunk begins with a blank, a sign or a backslash, so every "@@" at a line's start is a header.
    found = list(_HUNK.finditer(patch))
    position = 0
    for index, header in enumerate(found):
        end = found[index + 1].start() if index + 1 < len(found) else len(patch)
        text = patch[header.start() : end].rstrip(b"\n")
        old, old_count, new, new_count = (1 if group is None else int(group) for group in header.groups())
        yield ShownHunk(range(old, old + old_count), range(new, new + new_count), position, text)
        position += text.count(b"\n") + 1
