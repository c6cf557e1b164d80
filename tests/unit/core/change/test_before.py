"""Undoing a patch gives the text before it."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.change.before import text_before
from reviewbot.core.change.patch import parse_fragment

LINES = st.lists(st.sampled_from([b"a", b"b", b"", b"  c", b"-x", b"+y", b"\\ z", b"d\r", b"\xff"]), max_size=14)


def patch(old: list[bytes], new: list[bytes], context: int) -> str:
    rows = [[line.decode("latin-1") + "\n" for line in side] for side in (old, new)]
    made = list(difflib.unified_diff(*rows, n=context))
    return "".join(made[2:])


@given(LINES, LINES, st.integers(0, 3))
def test_undone(old: list[bytes], new: list[bytes], context: int) -> None:
    text = patch(old, new, context)
    if not text:
        return
    file = parse_fragment("a.py", text.encode("latin-1"))
    head = b"".join(line + b"\n" for line in new)
    assert text_before(file, head) == b"".join(line + b"\n" for line in old)


@pytest.mark.parametrize("head", [b"", b"a\n", b"other\nb\n", b"a\nother\n"])
def test_a_text_that_is_not_the_new_side(head: bytes) -> None:
    assert text_before(parse_fragment("a.py", "@@ -1 +1,2 @@\n a\n+b\n"), head) is None


def test_a_new_file_was_empty() -> None:
    assert text_before(parse_fragment("a.py", "@@ -0,0 +1,2 @@\n+a\n+b\n"), b"a\nb\n") == b""


def test_a_last_line_without_an_end() -> None:
    fragment = "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"
    assert text_before(parse_fragment("a.py", fragment), b"a\nc") == b"a\nb"
