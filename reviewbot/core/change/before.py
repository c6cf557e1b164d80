"""Pure: a file at the head and its patch -> the file as it was before the change."""

from __future__ import annotations

from reviewbot.core.change.diff import FilePatch


def text_before(file: FilePatch, head: bytes) -> bytes | None:
    """The old text of a file, by undoing its hunks; whether its last line has an end is that of the head. None when the
    new side of the patch is not what stands in ``head``."""
    now = head.split(b"\n")
    old: list[bytes] = []
    at = 0
    for hunk in file.hunks:
        # Of a side without lines the header names the line before it.
        start = hunk.new_start - 1 if hunk.new_count else hunk.new_start
        if not at <= start <= len(now):
            return None
        old += now[at:start]
        at = start
        rows = hunk.body.split(b"\n")
        for row in rows if rows[-1] else rows[:-1]:
            mark, text = row[:1], row[1:]
            if mark == b"\\":
                continue
            if mark != b"-":
                if now[at : at + 1] != [text]:
                    return None
                at += 1
            if mark != b"+":
                old.append(text)
    return b"\n".join([*old, *now[at:]])
