"""Pure: a suggestion x the head file -> Proof: it is applied in memory, its borders checked, the result parsed.

GitHub replaces exactly the commented lines by a suggestion, so what would break the file when somebody commits it must
be found here. What cannot be proved is shown as prose, with the note that says why.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
import tomllib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from reviewbot.core.change.diff import Diff, Side
from reviewbot.core.context.symbols import parses as parses_by_grammar
from reviewbot.core.findings.finding import Finding, Location, Proof, Step, squeezed
from reviewbot.core.findings.quotes import left_out, readings, telling

MAX_HEAD: Final = 1_000_000
_PROTECTED_NAMES: Final = ("codeowners", ".reviewbot.toml")
_BY_INDENTATION: Final = (".py", ".pyi", ".yml", ".yaml")
_HIDDEN: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_COMMENT: Final = re.compile(r"\s*(?:#|//|/\*|--|<!--)")
_OTHERS: Final = re.compile(r"\b(?:existing|rest|remaining|unchanged|same|omitted)\b", re.IGNORECASE)

Parses = Callable[[str, bytes], bool | None]


@dataclass(frozen=True, slots=True)
class _Target:
    """The head file round the lines to be replaced; texts are without line ends."""

    rows: Sequence[bytes]
    start: int
    stop: int

    @property
    def old(self) -> list[str]:
        return self._texts(self.start, self.stop)

    def before(self, count: int) -> list[str]:
        return self._texts(max(self.start - count, 0), self.start)

    def after(self, count: int) -> list[str]:
        return self._texts(self.stop, self.stop + count)

    @property
    def line_end(self) -> str:
        """What stands before LF in the replaced lines; the file's last row has no LF and says nothing."""
        rows = self.rows[self.start : min(self.stop, len(self.rows) - 1)] or self.rows[:1]
        return "\r" if sum(row.endswith(b"\r") for row in rows) * 2 >= len(rows) else ""

    def replaced(self, lines: Sequence[str]) -> bytes:
        """The whole file with the new lines in place of the old."""
        new = [(line + self.line_end).encode("utf-8", "replace") for line in lines]
        if self.stop == len(self.rows) and new:
            new[-1] = new[-1].removesuffix(b"\r")
        return b"\n".join([*self.rows[: self.start], *new, *self.rows[self.stop :]])

    def _texts(self, start: int, stop: int) -> list[str]:
        return [row.decode("utf-8", "replace").removesuffix("\r") for row in self.rows[start:stop]]


def prove_suggestion(
    finding: Finding, location: Location, diff: Diff, head: bytes | None, *, parses: Parses = parses_by_grammar
) -> Proof:
    """Whether the finding's suggestion may be offered at its location; ``head`` is the file at the head commit.

    ``parses`` says whether a source has no syntax errors (None: no grammar). Never raises.
    """
    if finding.suggestion is None:
        return Proof(None)
    target = _target(location, diff, head)
    note = _unsuitable(finding, location) or (target if isinstance(target, str) else "")
    if note or isinstance(target, str) or head is None:
        return Proof(None, note)
    if not _covers(finding.quote, target.old):
        return Proof(None, "the comment does not stand on all of the lines that the suggestion replaces")
    given = _unwrapped(finding.suggestion, target.old)
    for lines in _indented(given, target.old):
        note = _border_fault(given, lines, target, location.path)
        note = note or _syntax_fault(location.path, head, target.replaced(lines), parses)
        if not note:
            return Proof((target.line_end + "\n").join(lines))
    return Proof(None, note)


def _unsuitable(finding: Finding, location: Location) -> str:
    """Why no suggestion may be made here, whatever the file holds; empty when one may."""
    suggestion, path = finding.suggestion or "", location.path.lower()
    if location.side is not Side.RIGHT or location.step not in (Step.RANGE, Step.LINE):
        return "only lines of the new side can be replaced"
    if path.startswith(".github/workflows/") or PurePosixPath(path).name in _PROTECTED_NAMES:
        return "no suggestions are made in files that grant rights"
    if "[REDACTED-" in suggestion:
        return "it holds a redacted secret"
    if not suggestion.strip():
        return "it is empty"
    if _HIDDEN.search(suggestion.replace("\r\n", "\n")):
        return "it holds hidden characters"
    return ""


def _target(location: Location, diff: Diff, head: bytes | None) -> _Target | str:
    """The lines to be replaced, or why they cannot be: the diff and the head file must agree on them."""
    if head is None or len(head) > MAX_HEAD:
        return "the file at the head was not read" if head is None else "the file is too large to check"
    if location.line is None:
        return "the finding stands on no line"
    first, last = location.start_line or location.line, location.line
    target = _Target(head.split(b"\n"), first - 1, last)
    for hunk in (hunk for file in diff.files if file.path == location.path for hunk in file.hunks):
        if hunk.new_start <= first <= last < hunk.new_start + hunk.new_count:
            shown = [line.text for line in hunk.lines() if line.new and first <= line.new <= last]
            agrees = [text.removesuffix("\r") for text in shown] == target.old
            return target if agrees else "the head file differs from the diff"
    return "the lines do not stand in one hunk"


def _covers(quote: str, old: Sequence[str]) -> bool:
    """Whether the quote is all of the lines (it may carry diff prefixes), not only the beginning of a longer one."""
    wanted = squeezed("".join(old))
    quoted = readings(quote)
    bare = [[line[1:] for line in lines] for lines in quoted if all(line[:1] in ("+", " ", "") for line in lines)]
    return any(squeezed("".join(lines)) == wanted for lines in (*quoted, *bare))


def _unwrapped(suggestion: str, old: Sequence[str]) -> list[str]:
    """The lines of a suggestion without blank lines, a Markdown fence or diff prefixes round them."""
    lines = suggestion.replace("\r\n", "\n").strip("\n").split("\n")
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```" and "```" not in old[0]:
        lines = lines[1:-1]
    while len(lines) > 1 and not lines[-1].strip():
        lines = lines[:-1]
    if all(line.startswith("+") for line in lines) and not old[0].startswith("+"):
        lines = [line[1:] for line in lines]
    return lines


def _indented(lines: list[str], old: Sequence[str]) -> list[list[str]]:
    """The readings of a suggestion whose first line has lost its indentation, likeliest first: that of the first line
    alone is lost, or that of the whole block."""
    want = _indent(next(line for line in old if line.strip()))
    if not want or not lines[0].strip() or _indent(lines[0]):
        return [lines]
    block = [want + line if line.strip() else line for line in lines]
    depths = {_indent(line) for line in old}

    def likeness(candidate: list[str]) -> tuple[int, int]:
        return sum(line in old for line in candidate), sum(_indent(line) in depths for line in candidate)

    return sorted([block, [want + lines[0], *lines[1:]]], key=likeness, reverse=True)


def _border_fault(given: Sequence[str], lines: Sequence[str], target: _Target, path: str) -> str:
    """What is wrong where the new lines (as given, and as indented) meet the old ones; empty when nothing is."""
    old = target.old
    bare = [line.rstrip() for line in lines]
    if bare == [line.rstrip() for line in old]:
        return "it changes nothing"
    if _indent(lines[0]) != _indent(old[0]) and path.lower().endswith(_BY_INDENTATION):
        return "it moves the first line to another depth"
    if any(_leaves_out(line) for line in lines if line not in old):
        return "it leaves out code (...)"
    after, before = target.after(len(lines)), target.before(len(lines))
    if any(_repeats(new[::-1], after, old[::-1]) or _repeats(new, before[::-1], old) for new in (given, bare)):
        return "it repeats lines that stand next to the replaced ones"
    if _copies_a_part(bare, [line.rstrip() for line in old]):
        return "it changes one part of the lines and loses the others"
    return ""


def _leaves_out(line: str) -> bool:
    """Whether a line stands for code: an ellipsis alone, or a comment such as ``# ... the rest as before``."""
    comment = _COMMENT.match(line)
    said = line[comment.end() :] if comment else ""
    return left_out(line) or (("..." in said or "…" in said) and bool(_OTHERS.search(said)))


def _repeats(edge_first: Sequence[str], neighbours: Sequence[str], old_edge_first: Sequence[str]) -> bool:
    """Whether the outermost new lines are the neighbouring lines again, which the old lines were not.

    All three start at the border and go away from it: new and old inwards, neighbours outwards.
    """
    for count in range(1, min(len(edge_first), len(neighbours)) + 1):
        new, near = edge_first[:count], [line.rstrip() for line in neighbours[:count]][::-1]
        bare = [line.strip() for line in near]
        if not any(bare) or [line.strip() for line in old_edge_first[:count]] == bare:
            continue
        # A like line that stands deeper is part of a block of its own; two or more telling ones are not.
        deeper = count == 1 and len(_indent(new[0])) > len(_indent(near[0]))
        like = [line.strip() for line in new] == bare and telling("".join(bare), 4) and not deeper
        if list(new) == near or like:
            return True
    return False


def _copies_a_part(lines: Sequence[str], old: Sequence[str]) -> bool:
    """Whether the lines are some consecutive old lines, a little changed, so that the other old lines would be lost.

    Lines taken over unchanged do not count: then leaving out the others is what is suggested.
    """
    for start in range(len(old) - len(lines) + 1 if len(lines) < len(old) else 0):
        window = old[start : start + len(lines)]
        lost = [*old[:start], *old[start + len(lines) :]]
        if all(map(_alike, lines, window)) and any(telling(line, 4) for line in lost):
            taken_over = [squeezed(line) for line in lines] == [squeezed(line) for line in window]
            return not taken_over
    return False


def _alike(left: str, right: str) -> bool:
    left, right = squeezed(left), squeezed(right)
    if left == right or max(len(left), len(right)) > 1_000:
        return left == right
    return difflib.SequenceMatcher(None, left, right, autojunk=False).ratio() >= 0.75


def _syntax_fault(path: str, head: bytes, new: bytes, parses: Parses) -> str:
    """Why the result is no good source; empty when it is, or when nothing here can read such a file."""
    reader = _READERS.get(PurePosixPath(path.lower()).suffix)
    if reader and reader(new):
        return ""
    if reader and (reader is not _reads_python or reader(head)):
        return "the result does not parse" if reader(head) else "the file does not parse, so the result is not checked"
    return "the result does not parse" if parses(path, new) is False else ""


def _reads_json(source: bytes) -> bool:
    try:
        json.loads(source)
    except (ValueError, RecursionError):
        return False
    return True


def _reads_toml(source: bytes) -> bool:
    try:
        tomllib.loads(source.decode())
    except (ValueError, RecursionError):
        return False
    return True


def _reads_python(source: bytes) -> bool:
    """By Python's own parser: the grammar is blind to wrong indentation. False for newer or older Python too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    except SystemError:  # CPython before 3.12.1, when two threads happen to parse at once (gh-106905)
        return _reads_python(source)
    return True


_READERS: Final[dict[str, Callable[[bytes], bool]]] = {
    ".json": _reads_json,
    ".toml": _reads_toml,
    ".py": _reads_python,
    ".pyi": _reads_python,
}


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
