"""Pure: pieces of a diff -> the text that the model reads, and the outline of a whole change for its other chunks.

The text is an ordinary unified diff without line numbers in its lines: the model quotes, it does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from reviewbot.core.change.diff import FilePatch, FileStatus, Hunk, Line, LineKind
from reviewbot.core.context.chunking import Chunk, Piece
from reviewbot.core.context.symbols import definitions, language_of
from reviewbot.core.context.tokens import upper_bound

MOST_OUTLINE = 16_000  # bytes, and so tokens at most
_NO_NEWLINE = "\n\\ No newline at end of file"
_HEADS_PER_FILE, _HEAD_CHARS = 10, 200
# Controls, line ends and marks of direction. Other odd characters stay: the path must be known when it comes back.
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_HEAD = re.compile(
    r"\s*(?:(?:export|default|async|pub|pub\(\w+\)|public|private|protected|internal|static|final|abstract|override"
    r"|open|sealed|data|const|suspend)\s+){0,4}"
    r"(?:def|class|func|fun|fn|function|interface|struct|trait|enum|record|module|protocol|object|impl)\s+[\w$(*&<]"
)


def render_chunk(chunk: Chunk, sources: Mapping[str, bytes]) -> str:
    """The diff text of a chunk: each file once under its header, each piece under a hunk header of its own."""
    parts: list[str] = []
    path = None
    for piece in chunk.pieces:
        if piece.file.path != path:
            path = piece.file.path
            parts.append(file_header(piece.file))
        parts.append(render_piece(piece, sources.get(piece.file.path)))
    return "\n".join(parts)


def file_header(file: FilePatch) -> str:
    """``=== src/a.py (modified)``; a renamed or copied file tells where from."""
    said = file.status.value
    if file.status in (FileStatus.RENAMED, FileStatus.COPIED):
        said = f"{said} from {printable(file.old_path)}"
    return f"=== {printable(file.path)} ({said})"


def printable(path: str) -> str:
    """A path on one line, whatever is in it."""
    return _UNSHOWN.sub(lambda odd: odd[0].encode("unicode_escape").decode("ascii"), path)


def render_piece(piece: Piece, source: bytes | None) -> str:
    """One hunk header and its lines, widened by unchanged lines of the head file where the piece says so."""
    hunk = piece.file.hunks[piece.hunk]
    lines = hunk.lines()
    first = max(0, piece.start - piece.lead)
    before = _head_lines(source, piece.before)
    after = _head_lines(source, piece.after)
    shown = lines[first : piece.stop]
    old_next, new_next = _numbers_at(hunk, lines[:first])
    old = sum(line.kind is not LineKind.ADDED for line in shown) + len(before) + len(after)
    new = sum(line.kind is not LineKind.REMOVED for line in shown) + len(before) + len(after)
    # An empty side stands behind the line that its number names.
    old_start, new_start = old_next - len(before) - (not old), new_next - len(before) - (not new)
    head = f"@@ -{old_start},{old} +{new_start},{new} @@ {hunk.section}".rstrip()
    body = [f"{line.kind}{line.text}{'' if line.newline else _NO_NEWLINE}" for line in shown]
    return "\n".join([head, *(f" {text}" for text in before), *body, *(f" {text}" for text in after)])


def _head_lines(source: bytes | None, span: tuple[int, int] | None) -> list[str]:
    if source is None or span is None:
        return []
    return [row.decode("utf-8", "replace") for row in source.split(b"\n")[span[0] - 1 : span[1]]]


def _numbers_at(hunk: Hunk, seen: Sequence[Line]) -> tuple[int, int]:
    """The old and new line numbers that come next after the ``seen`` lines of a hunk."""
    old = sum(line.kind is not LineKind.ADDED for line in seen)
    new = sum(line.kind is not LineKind.REMOVED for line in seen)
    return hunk.old_start + old + (not hunk.old_count), hunk.new_start + new + (not hunk.new_count)


def outline(files: Iterable[FilePatch], sources: Mapping[str, bytes], most: int = MOST_OUTLINE) -> str:
    """All changed files, a line each, with the heads of definitions that were removed or written: what a chunk must
    know of the others.

    At most ``most`` bytes, and 100 for the last line, which counts the files that no longer fit.
    """
    rows: list[str] = []
    room = max(most, 100) - 100
    left_out = 0
    for file in files:
        head = f"{printable(file.path)} ({file.status.value}, +{file.added} -{file.removed})"
        if upper_bound(head) < room:
            entry = "\n".join([head, *_changed_heads(file, sources.get(file.path))])
            rows.append(entry if upper_bound(entry) < room else head)
            room -= upper_bound(rows[-1]) + 1
        else:
            left_out += 1
    if left_out:
        rows.append(f"(and {left_out} more changed files)")
    return "\n".join(rows)


def _changed_heads(file: FilePatch, source: bytes | None) -> list[str]:
    """``- def old(a)`` from the removed lines, ``+ def new(a, b)`` from the head file (or, without it, from the
    added lines), indented."""
    if language_of(file.path) is None:
        return []
    lines = [line for hunk in file.hunks for line in hunk.lines()]
    gone, here = (
        dict.fromkeys(
            " ".join(line.text.split())[:_HEAD_CHARS] for line in lines if line.kind is kind and _is_head(line)
        )
        for kind in (LineKind.REMOVED, LineKind.ADDED)
    )
    written = {line.new for line in lines if line.kind is LineKind.ADDED}
    parsed = definitions(file.path, source) if source is not None else ()
    new = [found.signature for found in parsed if not written.isdisjoint(range(found.first, found.head + 1))] or list(
        here
    )
    heads = [*(f"    - {text}" for text in gone if text not in here), *(f"    + {text}" for text in new)]
    return heads[:_HEADS_PER_FILE]


def _is_head(line: Line) -> bool:
    return _HEAD.match(line.text) is not None
