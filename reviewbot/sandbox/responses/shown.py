"""Pure: the text of a prompt -> the files, hunks and lines that it shows.

The change stands between ``<change data="NONCE">`` and its end; there each code line keeps its ' ', '+' or '-', so that
headers (``=== path (status)`` and ``@@ ...``) cannot be confused with code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NONCE = re.compile(r'^<pull_request data="([^"\n]*)">$', re.MULTILINE)
_FILE = re.compile(r"^=== (?P<path>.+?) \((?:(?:renamed|copied) from .+|[a-z][a-z0-9 ,;-]*)\)$")


@dataclass(frozen=True, slots=True)
class ShownHunk:
    """Consecutive lines, each a mark (' ', '+' or '-') and its text."""

    lines: tuple[tuple[str, str], ...]

    def side(self, unwanted: str) -> tuple[tuple[bool, str], ...]:
        """One side's lines as (changed, text): without '-' for the new side, without '+' for the old."""
        return tuple((mark != " ", text) for mark, text in self.lines if mark != unwanted)

    @property
    def new(self) -> tuple[tuple[bool, str], ...]:
        return self.side("-")

    @property
    def old(self) -> tuple[tuple[bool, str], ...]:
        return self.side("+")


@dataclass(frozen=True, slots=True)
class ShownFile:
    path: str
    hunks: tuple[ShownHunk, ...]

    @property
    def added(self) -> int:
        return sum(mark == "+" for hunk in self.hunks for mark, _ in hunk.lines)


def parse_prompt(prompt: str) -> tuple[ShownFile, ...]:
    """The files of the change block, in order; empty when there is no such block."""
    files: list[ShownFile] = []
    path, hunks, lines = "", list[ShownHunk](), list[tuple[str, str]]()

    def close_hunk() -> None:
        if lines:
            hunks.append(ShownHunk(tuple(lines)))
            lines.clear()

    def close_file() -> None:
        close_hunk()
        if path:
            files.append(ShownFile(path, tuple(hunks)))
        hunks.clear()

    for row in _change_block(prompt).split("\n"):
        header = _FILE.match(row)
        if header:
            close_file()
            path = header["path"]
        elif row[:1] in (" ", "+", "-"):
            lines.append((row[0], row[1:]))
        elif row == "" and lines:
            lines.append((" ", ""))  # an empty context line whose blank was trimmed on the way
        elif not row.startswith("\\"):
            close_hunk()  # a hunk header, or words such as "12 lines not shown": what follows is another fragment
    close_file()
    return tuple(files)


def _change_block(prompt: str) -> str:
    """The text between the tags. The nonce is the pull request's, which its author could not know; without one the
    last block counts."""
    nonce = _NONCE.search(prompt)
    name = re.escape(nonce[1]) if nonce else '[^"\\n]*'
    openings = list(re.finditer(rf'^<change data="({name})">\n', prompt, re.MULTILINE))
    if not openings:
        return ""
    opening = openings[0 if nonce else -1]
    end = prompt.find(f'\n</change data="{opening[1]}">', opening.end() - 1)
    return prompt[opening.end() : end if end >= 0 else len(prompt)]
