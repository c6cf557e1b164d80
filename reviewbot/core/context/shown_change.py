"""Pure: pieces of a diff -> the text that the model reads, and the outline of a whole change for its other chunks.

The text is an ordinary unified diff without line numbers in its lines: the model quotes, it does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reviewbot.core.change.diff import FilePatch, FileStatus, Hunk, Line, LineKind, Side
from reviewbot.core.context.chunking import Chunk, Piece
from reviewbot.core.context.symbols import definitions

MOST_OUTLINE = 16_000  # bytes, and so tokens at most
_SIGNATURES_PER_FILE = 8


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
    return path if path.isprintable() else path.encode("unicode_escape").decode("ascii")


def render_piece(piece: Piece, source: bytes | None) -> str:
    """One hunk header and its lines, widened by unchanged lines of the head file where the piece says so."""
    hunk = piece.file.hunks[piece.hunk]
    lines = hunk.lines()
    first = max(0, piece.start - piece.lead)
    before = _head_lines(source, piece.before)
    after = _head_lines(source, piece.after)
    shown = lines[first : piece.stop]
    old_start, new_start = _numbers_at(hunk, lines, first)
    old = sum(line.kind is not LineKind.ADDED for line in shown) + len(before) + len(after)
    new = sum(line.kind is not LineKind.REMOVED for line in shown) + len(before) + len(after)
    section = f" {hunk.section}" if hunk.section else ""
    head = f"@@ -{old_start - len(before)},{old} +{new_start - len(before)},{new} @@{section}"
    body = [*(f" {text}" for text in before), *(f"{line.kind}{line.text}" for line in shown)]
    return "\n".join([head, *body, *(f" {text}" for text in after)])


def _head_lines(source: bytes | None, span: tuple[int, int] | None) -> list[str]:
    if source is None or span is None:
        return []
    return [row.decode("utf-8", "replace") for row in source.split(b"\n")[span[0] - 1 : span[1]]]


def _numbers_at(hunk: Hunk, lines: Sequence[Line], index: int) -> tuple[int, int]:
    """The old and new line numbers that come next before ``lines[index]``."""
    seen = lines[:index]
    old = sum(line.kind is not LineKind.ADDED for line in seen)
    new = sum(line.kind is not LineKind.REMOVED for line in seen)
    return hunk.old_start + old, hunk.new_start + new


def outline(files: Iterable[FilePatch], sources: Mapping[str, bytes]) -> str:
    """All changed files, a line each, with the definitions whose heads changed: what a chunk must know of the others.

    At most 16,000 bytes; files that no longer fit are counted in the last line.
    """
    rows: list[str] = []
    room = MOST_OUTLINE - 100  # for the last line
    left_out = 0
    for file in files:
        entry = _outline_entry(file, sources.get(file.path))
        size = len(entry.encode("utf-8", "replace")) + 1
        if size > room:
            left_out += 1
            continue
        rows.append(entry)
        room -= size
    if left_out:
        rows.append(f"(and {left_out} more changed files)")
    return "\n".join(rows)


def _outline_entry(file: FilePatch, source: bytes | None) -> str:
    head = f"{printable(file.path)} ({file.status.value}, +{file.added} -{file.removed})"
    if source is None:
        return head
    added = [run for hunk in file.hunks for run in hunk.changed_runs() if run.side is Side.RIGHT]
    changed = [
        found.signature
        for found in definitions(file.path, source)
        if any(run.first <= found.first + 1 and found.first <= run.last for run in added)
    ]
    return "\n".join([head, *(f"    {signature}" for signature in changed[:_SIGNATURES_PER_FILE])])
