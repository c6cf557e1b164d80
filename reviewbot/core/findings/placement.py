"""Pure: Finding x Diff -> Location: the right line or no line.

A model quotes code; this module finds the quote among the lines that the diff shows. The ladder:

    range     the quoted lines, both ends inside one hunk, on one side
    line      a single quoted line (or the first changed one, when the range is too long or leaves the hunk)
    file      the file is known, the line is not: not found, found in several places, outside the diff
    summary   the file itself is not part of the diff

A match must be the only one, or the only one that touches a changed line. Nothing is placed by nearness or likeness.
The named side comes first, then the other. Lines of the head file outside the diff are looked at too, so that a quote
of them is not taken for a like line inside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Final

from reviewbot.core.change.diff import Diff, FilePatch, FileStatus, Line, LineKind, Side
from reviewbot.core.findings.finding import Finding, Location, Step
from reviewbot.core.findings.quotes import INDENTATION_IGNORED, CodeText, Hit, Match, readings, telling, touches_change

LONGEST_RANGE: Final = 40
_NO_HEADS: Final[Mapping[str, bytes]] = MappingProxyType({})
_STATUS_AFTER_PATH: Final = re.compile(r" \([a-z]+(?: from .*)?\)$")
_LONG_WORD: Final = re.compile(r"[A-Za-z0-9_]{4,}")

_Search = Callable[[CodeText], Hit | None]


def place(finding: Finding, diff: Diff, heads: Mapping[str, bytes] = _NO_HEADS) -> Location:
    """Where one finding stands. For several findings on one diff use a Placer, which keeps its index."""
    return Placer(diff, heads).place(finding)


class Placer:
    """Places findings on one diff; a file's lines are indexed when a finding first needs them.

    ``heads`` are files at the head commit, by path. They are not needed, but with them a quote from outside the hunks
    is known as such.
    """

    def __init__(self, diff: Diff, heads: Mapping[str, bytes] = _NO_HEADS) -> None:
        files: dict[str, list[FilePatch]] = {}
        for file in diff.files:
            files.setdefault(file.path, []).append(file)
        self._files = {path: _ShownFile(path, parts, heads.get(path)) for path, parts in files.items()}
        self._renamed = {file.old_path: file.path for file in diff.files if file.status is FileStatus.RENAMED}

    def place(self, finding: Finding) -> Location:
        """The finding's place, always: the ladder's last rung takes what no other can. ``reason`` says why so far."""
        quotes = readings(finding.quote)
        path, sure = self._resolve(finding.path)
        file = self._files.get(path)
        found = file.place(finding.side, quotes) if file else None
        if found and (sure or found.line):
            return found if path == finding.path else _because(found, f"the path was given as {finding.path!r}")
        if found is None and (file is None or not sure or file.certainly_without(quotes)):
            foreign = self._elsewhere(finding.side, quotes, path)
            if foreign:
                return _because(foreign, f"the quote was said to be from {finding.path!r}")
        if not sure:
            return Location(finding.path, finding.side, None, None, Step.SUMMARY, "the file is not part of the diff")
        reason = "the quote is not in this file's diff" if quotes else "there is no quote"
        return Location(path, finding.side, None, None, Step.FILE, reason)

    def code(self, location: Location) -> str:
        """The shown lines that a location covers, joined by LF; empty when it has none."""
        file, last = self._files.get(location.path), location.line
        return file.code(location.side, location.start_line or last, last) if file and last else ""

    def _resolve(self, path: str) -> tuple[str, bool]:
        """The path in the diff that is meant, and whether that is sure (a like ending alone is not)."""
        plain = _STATUS_AFTER_PATH.sub("", path.strip().strip("`'\"")).replace("\\", "/").lstrip("/")
        while plain.startswith("./"):
            plain = plain[2:]
        for form in (path, plain, plain[2:] if plain.startswith(("a/", "b/")) else plain):
            for known in (form, self._renamed.get(form, form)):
                if known in self._files:
                    return known, True
        ends = [known for known in self._files if known.endswith(f"/{plain}") or plain.endswith(f"/{known}")]
        return (ends[0] if len(ends) == 1 else path), False

    def _elsewhere(self, side: Side, quotes: Sequence[Sequence[str]], path: str) -> Location | None:
        """The place of a telling quote that stands word for word in exactly one of the other files."""
        code = "\n".join(quotes[-1]) if quotes else ""
        words = [word.encode() for word in sorted(set(_LONG_WORD.findall(code)), key=len, reverse=True)]
        if not words or not telling(code, 16):
            return None
        others = [file for file in self._files.values() if file.path != path and file.holds(words)]
        found = [location for file in others if (location := file.place_foreign(side, quotes))]
        return found[0] if len(found) == 1 and found[0].line else None


class _ShownFile:
    """What the diff shows of one path, and the file at the head when it was given."""

    def __init__(self, path: str, parts: Sequence[FilePatch], head: bytes | None) -> None:
        self.path = path
        self._parts = parts
        self._head_bytes = head
        self._texts: dict[tuple[Side | None, bool], CodeText] = {}

    def place(self, side: Side, quotes: Sequence[Sequence[str]]) -> Location | None:
        """The first rung of the ladder that holds the quote in this file; None when no rung does."""
        found = (location for quote in quotes for location in self._attempts(side, quote) if location)
        return next(found, None)

    def place_foreign(self, side: Side, quotes: Sequence[Sequence[str]]) -> Location | None:
        """The place of a whole quote that was said to be from elsewhere; a file comment unless it stands here once."""
        for quote in quotes:
            for which in (side, _other(side)):
                hit = self._text(which).verbatim(quote)
                if hit and hit.places > 1:
                    return self._ambiguous(which, hit.places)
                if hit:
                    return self._locate(which, self._text(which), partial(CodeText.verbatim, quote=quote))
        return None

    def code(self, side: Side, first: int, last: int) -> str:
        lines = self._text(side).lines
        return "\n".join(line.text for line in lines if line and first <= _number(line, side) <= last)

    def certainly_without(self, quotes: Sequence[Sequence[str]]) -> bool:
        """Whether the head file is known and does not hold the quote."""
        head = self._head
        return head is not None and not any(head.verbatim(quote) for quote in quotes)

    def holds(self, words: Sequence[bytes]) -> bool:
        """Whether every word stands somewhere in the hunks: a cheap filter before anything is indexed."""
        bodies = [hunk.body for part in self._parts for hunk in part.hunks]
        return all(any(word in body for body in bodies) for word in words)

    def _attempts(self, side: Side, quote: Sequence[str]) -> Iterator[Location | None]:
        sides = (side, _other(side))
        named, other = (self._text(which).verbatim(quote) for which in sides)
        if named and other and named.looseness >= INDENTATION_IGNORED > other.looseness:
            yield Location(self.path, side, None, None, Step.FILE, "the quote fits both sides of the diff")
        for which in sides:
            yield self._locate(which, self._text(which), partial(CodeText.verbatim, quote=quote))
            if which is Side.RIGHT and self._head:
                yield self._in_head(self._head.verbatim(quote))
        for mixed, prefixed in ((side, True), (_other(side), True), (None, True), (None, False)):
            text = self._text(mixed, prefixed=prefixed)
            yield self._locate(mixed or side, text, partial(CodeText.verbatim, quote=quote))
        for which in sides:
            yield self._locate(which, self._text(which), partial(CodeText.elided, quote=quote))
        for which in sides:
            yield self._first_line(which, self._text(which).crossing(quote))
        for which in sides:
            yield self._locate(which, self._text(which), partial(CodeText.partial, quote=quote))

    def _locate(self, side: Side, text: CodeText, search: _Search) -> Location | None:
        """The place of the only match; a file comment when there are several; None when it is none or not the one."""
        hit = search(text)
        if hit is None:
            return None
        if len(hit.matches) > 1:
            return self._ambiguous(side, len(hit.matches))
        match = hit.matches[0]
        if self._head and (hit.looseness or not touches_change(match)):
            whole = search(self._head)
            if whole and self._contradicts(whole, hit):
                return self._in_head(whole) if side is Side.RIGHT else self._ambiguous(side, len(whole.matches) + 1)
        return _location(self.path, side, match, hit.note)

    @staticmethod
    def _contradicts(whole: Hit, hit: Hit) -> bool:
        """Whether the whole head file shows that the match in the diff is not the one that was meant."""
        if touches_change(hit.matches[0]):
            return whole.looseness < hit.looseness
        return len(whole.matches) > 1 or whole.matches[0][0].new != hit.matches[0][0].new

    def _in_head(self, hit: Hit | None) -> Location | None:
        """The place of a quote that the head file holds, but that the diff does not show as a whole."""
        if hit is None:
            return None
        if len(hit.matches) > 1:
            return self._ambiguous(Side.RIGHT, len(hit.matches))
        numbers = [line.new for line in hit.matches[0] if line.new]
        shown = tuple(line for line in self._text(Side.RIGHT).lines if line and line.new in numbers)
        if shown:
            return self._first_line(Side.RIGHT, Hit([shown], 0, "only a part of the quote is in the diff"))
        reason = f"the quoted lines ({numbers[0]}-{numbers[-1]}) are outside the diff"
        return Location(self.path, Side.RIGHT, None, None, Step.FILE, reason)

    def _first_line(self, side: Side, hit: Hit | None) -> Location | None:
        """The first changed line of the only match, told apart from lines such as a lone brace where possible."""
        if hit is None:
            return None
        if len(hit.matches) > 1:
            return self._ambiguous(side, len(hit.matches))
        match = hit.matches[0]
        changed = tuple(line for line in match if line.kind is not LineKind.CONTEXT) or match
        best = next((line for line in changed if telling(line.text, 4)), changed[0])
        return _location(self.path, side, (best,), hit.note)

    def _ambiguous(self, side: Side, places: int) -> Location:
        return Location(self.path, side, None, None, Step.FILE, f"the quote is ambiguous ({places} places)")

    def _text(self, side: Side | None, *, prefixed: bool = False) -> CodeText:
        """The lines of one side, or of both as the diff mixes them."""
        key = (side, prefixed)
        if key not in self._texts:
            lines = [line for line in self._lines if line is None or side is None or _number(line, side)]
            self._texts[key] = CodeText.prefixed(lines) if prefixed else CodeText(lines)
        return self._texts[key]

    @cached_property
    def _lines(self) -> list[Line | None]:
        lines: list[Line | None] = []
        for part in self._parts:
            for hunk in part.hunks:
                lines += [*hunk.lines(), None]
        return lines[:-1]

    @cached_property
    def _head(self) -> CodeText | None:
        if self._head_bytes is None:
            return None
        rows = self._head_bytes.decode("utf-8", "replace").split("\n")
        return CodeText([Line(LineKind.CONTEXT, None, number, row) for number, row in enumerate(rows, 1)])


def _location(path: str, side: Side, match: Match, reason: str) -> Location:
    """The lines of one side that a match covers; the other side's when it covers none of this one."""
    if not any(_number(line, side) for line in match):
        side = _other(side)
    lines = [line for line in match if _number(line, side)]
    first, last = _number(lines[0], side), _number(lines[-1], side)
    if last - first >= LONGEST_RANGE:
        changed = next((line for line in lines if line.kind is not LineKind.CONTEXT), lines[0])
        first = last = _number(changed, side)
        reason = f"the quote is longer than {LONGEST_RANGE} lines" + (f"; {reason}" if reason else "")
    if first == last:
        return Location(path, side, None, last, Step.LINE, reason)
    return Location(path, side, first, last, Step.RANGE, reason)


def _number(line: Line, side: Side) -> int:
    """The line's number on a side, 0 when it is not there."""
    return (line.new if side is Side.RIGHT else line.old) or 0


def _other(side: Side) -> Side:
    return Side.LEFT if side is Side.RIGHT else Side.RIGHT


def _because(location: Location, reason: str) -> Location:
    return replace(location, reason=f"{reason}; {location.reason}" if location.reason else reason)
