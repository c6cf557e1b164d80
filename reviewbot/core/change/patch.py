"""Pure: unified diff bytes -> Diff, GitHub's header-less fragment -> FilePatch, and back to the same bytes.

A hunk's lines are counted by its header, never recognised by their looks: content that looks like a diff is safe. Text
is cut at LF only. Nothing is dropped: what cannot be read stays in the raw bytes and is named in ``problems``.

    diff --git a/x b/x     a section begins; its header lines are facts: modes, rename, binary, ---/+++
    @@ -1,2 +1,3 @@        a hunk: as many lines as it counts
    (anything else)        kept behind the hunk or header before it; a problem unless it is known to mean nothing

Rules of the format: git's diff-generate-patch documentation ("Generating patch text with -p").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reviewbot.core.change.diff import Diff, FilePatch, FileStatus, Hunk
from reviewbot.core.change.heading import FACT, read_heading
from reviewbot.errors import CombinedDiffError, DiffError

# Nine digits: more is no line number, and Python refuses to convert thousands of digits.
_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.*)")
_COMBINED = re.compile(rb"diff --(?:cc|combined) |@@@+ -\d")
_BASE85 = re.compile(rb"(?:literal|delta) \d+|[A-Za-z][0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]+")
_SUBPROJECT = re.compile(rb"[-+ ]Subproject commit [0-9a-f]{40,64}(?:-dirty)?")
_MEANINGLESS = (b"Index: ", b"=====", b"diff -")  # Subversion's separators and GNU diff's command line
_SIGNATURE = b"-- "  # a mail's signature: what stands below it is the mail's, up to the next file


def parse_diff(data: bytes) -> Diff:
    """Read a whole diff: git's, a format-patch mail, or plain ``---``/``+++`` sections. Empty text is an empty diff.

    Raises CombinedDiffError for a merge's combined diff and DiffError for text that holds no diff at all. Wrong counts,
    cut-short hunks and unknown lines do not raise: they are in ``problems`` of the file, or of the diff.
    """
    reader = _Reader(data)
    reader.read()
    if not reader.sections and data.strip():
        raise DiffError(
            f"The text is not a diff: it begins with {_excerpt(data.lstrip())}.",
            remedy="Give the output of `git diff` or of GitHub's .diff address.",
        )
    files = _merge_type_changes([_file(section, data) for section in reader.sections])
    twice = [path for path, times in Counter(file.path for file in files).items() if times > 1]
    problems = [*reader.problems, *(f"{path} appears more than once: its line numbers may be wrong" for path in twice)]
    return Diff(tuple(files), tuple(problems), preamble=reader.preamble)


def parse_fragment(
    path: str,
    patch: bytes | str,
    *,
    old_path: str | None = None,
    status: FileStatus = FileStatus.MODIFIED,
) -> FilePatch:
    """Read the ``patch`` field of GitHub's list of files: hunks without a header; ``""`` has no hunks.

    GitHub tells no modes there; a patch of nothing but ``Subproject commit`` lines is taken for a submodule. Raises
    CombinedDiffError.
    """
    data = patch.encode("utf-8", "replace") if isinstance(patch, str) else patch
    section = _Section(start=0, end=0, plain=False)
    reader = _Reader(data, section)
    reader.read()
    if len(reader.sections) > 1:
        section.problems.append("the fragment holds more than one file; only the first is read")
    lines = [line for hunk in section.hunks for line in hunk.body.split(b"\n") if line and line[:1] != b"\\"]
    mode = "160000" if lines and all(_SUBPROJECT.fullmatch(line) for line in lines) else None
    return FilePatch(
        path=path,
        old_path=old_path or path,
        status=status,
        hunks=tuple(section.hunks),
        old_mode=None if status is FileStatus.ADDED else mode,
        new_mode=None if status is FileStatus.REMOVED else mode,
        added=section.added,
        removed=section.removed,
        header=data[: section.end],
        problems=tuple(section.problems),
    )


def render_diff(diff: Diff) -> bytes:
    """The very bytes that ``parse_diff`` read."""
    parts = [diff.preamble]
    for file in diff.files:
        parts.append(file.header)
        for hunk in file.hunks:
            parts += (hunk.header, hunk.body, hunk.tail)
    return b"".join(parts)


@dataclass(slots=True)
class _Section:
    """One file while it is read: ``data[start:end]`` is its header, ``plain`` that it has no ``diff --git`` line."""

    start: int
    end: int
    plain: bool
    names: bytes = b""
    facts: dict[bytes, bytes] = field(default_factory=dict)
    hunks: list[Hunk] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    added: int = 0
    removed: int = 0


@dataclass(slots=True)
class _Walk:
    """Where the lines of a hunk end, how many of its counted lines were not there, and what was."""

    end: int
    old_left: int
    new_left: int
    added: int = 0
    removed: int = 0


class _Reader:
    """A cursor over the text that collects sections."""

    def __init__(self, data: bytes, section: _Section | None = None) -> None:
        self.data = data
        self.pos = 0
        self.sections: list[_Section] = [section] if section else []
        self.problems: list[str] = []
        self.preamble = b""

    def read(self) -> None:
        while self.pos < len(self.data):
            line, _ = self._line(self.pos)
            hunk = _HUNK.fullmatch(line) if self.sections else None
            if hunk:
                self._read_hunk(self.sections[-1], hunk)
            elif line.startswith(b"diff --git "):
                self._read_header(plain=False)
            elif self._is_plain_header(self.pos):
                self._read_header(plain=True)
            elif _COMBINED.match(line):
                raise CombinedDiffError(
                    f"This is a merge's combined diff ({_excerpt(line)}), which has no single old side.",
                    remedy="Make the diff against one parent: `git diff -m --first-parent`, or `git diff BASE...HEAD`.",
                )
            else:
                self._read_stray()

    def _line(self, pos: int) -> tuple[bytes, int]:
        """The line at ``pos`` without its LF, and where the next one begins."""
        end = self.data.find(b"\n", pos)
        return (self.data[pos:], len(self.data)) if end < 0 else (self.data[pos:end], end + 1)

    def _is_plain_header(self, pos: int) -> bool:
        """``---``, ``+++`` and a hunk below each other."""
        if not self.data.startswith(b"--- ", pos):
            return False
        _, second = self._line(pos)
        _, third = self._line(second)
        return self.data.startswith(b"+++ ", second) and self.data.startswith(b"@@ -", third)

    def _read_header(self, *, plain: bool) -> None:
        start = self.pos
        last = self.sections[-1] if self.sections else None
        if plain and last and not last.plain and not last.hunks and b"---" not in last.facts:
            section = last  # git's own header, torn apart by lines that do not belong there
        else:
            section = _Section(start=start, end=start, plain=plain)
            self.sections.append(section)
        if not plain:
            line, self.pos = self._line(start)
            section.names = line[len(b"diff --git ") :].removesuffix(b"\r")
        while self.pos < len(self.data):
            line, after = self._line(self.pos)
            fact = FACT.fullmatch(line.removesuffix(b"\r"))
            if not fact:
                break
            section.facts[fact[1]] = fact[2] or b""
            self.pos = after
            if fact[1] == b"GIT binary patch":
                self._skip_base85(section)
        section.end = self.pos

    def _skip_base85(self, section: _Section) -> None:
        """Pass one or two blocks of base85 lines (new content, and old), each closed by an empty line."""
        blocks, closed = 0, True
        while self.pos < len(self.data):
            line, after = self._line(self.pos)
            if not line.removesuffix(b"\r"):
                blocks, closed = blocks + 1, True
            elif _BASE85.fullmatch(line.removesuffix(b"\r")) and (
                not closed or line.startswith((b"literal", b"delta"))
            ):
                closed = False
            else:
                break
            self.pos = after
        if not closed or not blocks:
            section.problems.append("the binary patch is cut short")

    def _read_stray(self) -> None:
        """Keep what is neither header nor hunk behind what stands before it, and say so unless it means nothing."""
        start, mail, unknown, first = self.pos, False, 0, b""
        while self.pos < len(self.data):
            line, after = self._line(self.pos)
            if self.pos > start and self._begins_something(line):
                break
            bare = line.removesuffix(b"\r")
            mail = mail or bare == _SIGNATURE
            if not mail and bare.strip() and not bare.startswith(_MEANINGLESS):
                unknown, first = unknown + 1, first or bare
            self.pos = after
        span = self.data[start : self.pos]
        if not self.sections:
            self.preamble += span
            if re.search(rb"^@@ -\d", span, re.MULTILINE):
                self.problems.append("hunks stand before any file's header; they are not read")
            return
        section = self.sections[-1]
        where = "in the header"
        if section.hunks:
            section.hunks[-1] = replace(section.hunks[-1], tail=section.hunks[-1].tail + span)
            where = f"after hunk {len(section.hunks)}"
        else:
            section.end = self.pos
        if unknown:
            section.problems.append(f"unknown text {where}, {unknown} lines from {_excerpt(first)}")

    def _begins_something(self, line: bytes) -> bool:
        if line[:1] not in (b"d", b"@", b"-"):
            return False
        return (
            line.startswith(b"diff --git ")
            or _COMBINED.match(line) is not None
            or (bool(self.sections) and _HUNK.fullmatch(line) is not None)
            or self._is_plain_header(self.pos)
        )

    def _read_hunk(self, section: _Section, match: re.Match[bytes]) -> None:
        _, body = self._line(self.pos)
        old, new = (1 if count is None else int(count) for count in (match[2], match[4]))
        walk = _walk(self.data, body, old, new)
        if walk.old_left > 0 or walk.new_left > 0:
            if section.plain:
                self._give_back_header(walk, body)
        else:
            self._take_surplus(walk)
        hunk = Hunk(
            old_start=int(match[1]),
            old_count=old - walk.old_left,
            new_start=int(match[3]),
            new_count=new - walk.new_left,
            section=match[5].strip().decode("utf-8", "replace"),
            header=self.data[self.pos : body],
            body=self.data[body : walk.end],
        )
        section.hunks.append(hunk)
        section.added += walk.added
        section.removed += walk.removed
        if walk.old_left or walk.new_left:
            section.problems.append(
                f"hunk {len(section.hunks)} counts {old} old and {new} new lines, "
                f"the text has {hunk.old_count} and {hunk.new_count}"
            )
        self.pos = walk.end

    def _give_back_header(self, walk: _Walk, body: int) -> None:
        """In a plain diff a hunk that is cut short eats the next file's ``---`` and ``+++``: hand them back."""
        second = self.data.rfind(b"\n", body, walk.end - 1) + 1
        first = self.data.rfind(b"\n", body - 1, max(second - 1, body)) + 1
        if first >= body and self._is_plain_header(first):
            walk.end = first
            walk.old_left, walk.removed = walk.old_left + 1, walk.removed - 1
            walk.new_left, walk.added = walk.new_left + 1, walk.added - 1

    def _take_surplus(self, walk: _Walk) -> None:
        """Lines beyond the header's count are still the hunk's, unless they begin a file or a mail's signature."""
        while walk.end < len(self.data) and self.data[walk.end] in b" +-\\":
            line, after = self._line(walk.end)
            if line.removesuffix(b"\r") == _SIGNATURE or self._is_plain_header(walk.end):
                return
            walk.old_left -= line[:1] in b" -"
            walk.new_left -= line[:1] in b" +"
            walk.removed += line[:1] == b"-"
            walk.added += line[:1] == b"+"
            walk.end = after


def _walk(data: bytes, pos: int, old: int, new: int) -> _Walk:
    """Step over the counted lines of a hunk, and the ``\\`` line behind them. The hot loop of the parser."""
    added = removed = 0
    size, find = len(data), data.find
    while (old > 0 or new > 0) and pos < size:
        mark = data[pos]
        if mark == 32:
            old -= 1
            new -= 1
        elif mark == 43:
            new -= 1
            added += 1
        elif mark == 45:
            old -= 1
            removed += 1
        elif mark == 10 or data.startswith(b"\r\n", pos):  # context that lost its blank
            old -= 1
            new -= 1
        elif mark != 92:
            break
        pos = find(b"\n", pos) + 1 or size
    while pos < size and data[pos] == 92:
        pos = find(b"\n", pos) + 1 or size
    return _Walk(pos, old, new, added, removed)


def _file(section: _Section, data: bytes) -> FilePatch:
    file = read_heading(section.names, section.facts, tuple(section.hunks))
    return replace(
        file,
        added=section.added,
        removed=section.removed,
        header=data[section.start : section.end],
        problems=(*section.problems, *(() if file.path else ("the header names no path",))),
    )


def _merge_type_changes(files: Sequence[FilePatch]) -> list[FilePatch]:
    """Join git's two sections of a change of type (delete, then add, one path, another kind of mode) into one file."""
    out: list[FilePatch] = []
    for file in files:
        before = out[-1] if out else None
        if before and _is_type_change(before, file):
            header, hunks = before.header, before.hunks
            if hunks:
                hunks = (*hunks[:-1], replace(hunks[-1], tail=hunks[-1].tail + file.header))
            else:
                header += file.header
            out[-1] = replace(
                before,
                status=FileStatus.CHANGED,
                hunks=hunks + file.hunks,
                new_mode=file.new_mode,
                binary=before.binary or file.binary,
                added=before.added + file.added,
                removed=before.removed + file.removed,
                header=header,
                problems=before.problems + file.problems,
            )
        else:
            out.append(file)
    return out


def _is_type_change(before: FilePatch, after: FilePatch) -> bool:
    return (
        before.path == after.path
        and before.status is FileStatus.REMOVED
        and after.status is FileStatus.ADDED
        and (before.old_mode or "")[:3] != (after.new_mode or "")[:3]
    )


def _excerpt(line: bytes) -> str:
    return repr(line.split(b"\n", 1)[0][:60].decode("utf-8", "replace"))
