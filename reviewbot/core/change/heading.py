"""Pure: the header lines of one file's section of a diff -> its paths, status and modes.

Rules of the format: git's diff-generate-patch documentation ("Generating patch text with -p").
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reviewbot.core.change.diff import FilePatch, FileStatus, Hunk
from reviewbot.core.change.quoting import unquote

FACT = re.compile(
    rb"(old mode|new mode|deleted file mode|new file mode|copy from|copy to|rename from|rename to|similarity index"
    rb"|dissimilarity index|index|---|\+\+\+|Binary files|GIT binary patch)(?: (.*))?"
)
_INDEX_MODE = re.compile(rb"[0-9a-f]+\.\.[0-9a-f]+ ([0-7]{6})")
_PERCENT = re.compile(rb"(\d{1,3})%")
_PREFIX = re.compile(rb"[abciow12]/.")
_TWO_QUOTED = re.compile(rb'("(?:[^"\\]|\\.)*") ("(?:[^"\\]|\\.)*")')


def read_heading(names: bytes, facts: Mapping[bytes, bytes], hunks: tuple[Hunk, ...]) -> FilePatch:
    """A file as far as its header tells: paths, status, modes, similarity, binary. ``path`` is empty if unknown.

    ``names`` is the rest of the ``diff --git`` line (empty in a plain diff), ``facts`` are the lines that FACT matched.
    """
    old, new = _paths(names, facts)
    index = _INDEX_MODE.fullmatch(facts.get(b"index", b""))
    one_sided = b"new file mode" in facts or b"deleted file mode" in facts
    kept = index[1] if index and not one_sided else b""
    old_mode = facts.get(b"old mode") or facts.get(b"deleted file mode") or kept
    new_mode = facts.get(b"new mode") or facts.get(b"new file mode") or kept
    percent = _PERCENT.fullmatch(facts.get(b"similarity index", b""))
    return FilePatch(
        path=_text(new),
        old_path=_text(old),
        status=_status(facts, hunks),
        hunks=hunks,
        old_mode=_text(old_mode) or None,
        new_mode=_text(new_mode) or None,
        similarity=int(percent[1]) if percent else None,
        binary=b"Binary files" in facts or b"GIT binary patch" in facts,
    )


def _status(facts: Mapping[bytes, bytes], hunks: tuple[Hunk, ...]) -> FileStatus:
    if b"rename from" in facts or b"rename to" in facts:
        return FileStatus.RENAMED
    if b"copy from" in facts or b"copy to" in facts:
        return FileStatus.COPIED
    if b"new file mode" in facts or facts.get(b"---", b"").startswith(b"/dev/null"):
        return FileStatus.ADDED
    if b"deleted file mode" in facts or facts.get(b"+++", b"").startswith(b"/dev/null"):
        return FileStatus.REMOVED
    mode_only = b"new mode" in facts and not hunks and b"index" not in facts
    return FileStatus.CHANGED if mode_only else FileStatus.MODIFIED


def _paths(names: bytes, facts: Mapping[bytes, bytes]) -> tuple[bytes, bytes]:
    """Old and new path: from the rename or copy lines, else the ``diff --git`` line, else ``---`` and ``+++``.

    The first two are never ambiguous: git's line repeats one name unless rename or copy lines follow.
    """
    old = facts.get(b"rename from", facts.get(b"copy from"))
    new = facts.get(b"rename to", facts.get(b"copy to"))
    if old and new:
        return unquote(old), unquote(new)
    name = _same_name(names)
    if name is None:
        before, after = (unquote(facts.get(mark, b"").partition(b"\t")[0]) for mark in (b"---", b"+++"))
        name = _bare(before, after) if after in {b"", b"/dev/null"} else _bare(after, before)
    return name or names, name or names


def _same_name(names: bytes) -> bytes | None:
    """The one name in ``a/NAME b/NAME`` (any prefix of one part, or none), or None when there are two."""
    quoted = _TWO_QUOTED.fullmatch(names)
    half = len(names) // 2
    if quoted:
        old, new = unquote(quoted[1]), unquote(quoted[2])
    elif names[half : half + 1] == b" ":
        old, new = names[:half], names[half + 1 :]
    else:
        return None
    if old == new:
        return old
    rest = new.partition(b"/")[2]
    return rest if rest and rest == old.partition(b"/")[2] else None


def _bare(name: bytes, other: bytes) -> bytes:
    """``name`` without git's prefix, when it has one: not when both names agree, as they do under --no-prefix."""
    return name[2:] if _PREFIX.match(name) and name != other else name


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
