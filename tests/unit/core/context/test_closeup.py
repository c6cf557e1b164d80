"""The code round a line, and the hunks that words are about, whatever the files hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.change.diff import FilePatch, Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.context.closeup import (
    MOST_CHARS,
    MOST_LINES,
    about,
    code_round,
    head_line,
    hunk_text,
    nearest_hunk,
)
from reviewbot.core.context.tokens import count_tokens

PATCH = b"""\
diff --git a/cart.py b/cart.py
--- a/cart.py
+++ b/cart.py
@@ -1,2 +1,3 @@
 def price():
+    discount = 1
     pass
@@ -50,3 +51,1 @@
 def weight():
-    kilograms = 2
-    pass
"""


def file_of(patch: bytes) -> FilePatch:
    return parse_diff(patch).files[0]


def test_the_enclosing_definition_is_shown_with_numbers() -> None:
    source = b"import os\n\ndef one():\n    a = 1\n    return a\n\ndef two():\n    pass\n"
    shown = code_round("a.py", source, 4)
    assert shown.split("\n") == [
        "=== a.py, lines 3 to 5 at the head",
        "    3  def one():",
        "    4      a = 1",
        "    5      return a",
    ]


def test_lines_round_it_where_nothing_encloses() -> None:
    source = b"\n".join(b"row %d" % n for n in range(1, 201))
    assert "lines 75 to 125 at" in code_round("a.txt", source, 100)
    assert "lines 1 to 26 at" in code_round("a.txt", source, 1)


def test_of_a_long_definition_the_part_near_the_line() -> None:
    source = b"def big():\n" + b"    x = 1\n" * 5_000
    shown = code_round("a.py", source, 2_500)
    assert shown.count("\n") <= MOST_LINES
    assert " 2500  " in shown


def test_a_line_that_is_not_there() -> None:
    assert code_round("a.py", b"x\n", 9) == code_round("a.py", b"x\n", 0) == ""


@given(st.binary(max_size=400), st.integers(-5, 40), st.text(max_size=20))
def test_any_source_is_within_bounds(source: bytes, line: int, name: str) -> None:
    shown = code_round(f"{name}.py", source * 50, line)
    assert len(shown) < MOST_CHARS + 100


def test_the_hunk_that_shows_the_line() -> None:
    file = file_of(PATCH)
    assert nearest_hunk(file, Side.RIGHT, 2, "") == 0
    assert nearest_hunk(file, Side.LEFT, 51, "") == 1
    assert nearest_hunk(file, Side.RIGHT, None, "why kilograms?") == 1
    assert nearest_hunk(file, Side.RIGHT, 999, "the discount") == 0
    assert nearest_hunk(FilePatch("a", "a", file.status), Side.RIGHT, 1, "") is None


def test_a_line_of_the_head_for_each_hunk() -> None:
    file = file_of(PATCH)
    assert [head_line(file, number) for number in (0, 1)] == [2, 51]
    assert "+    discount = 1" in hunk_text(file, 0)
    assert hunk_text(file, 0).startswith("=== cart.py (modified)\n@@ ")


def test_a_small_change_is_shown_whole_and_in_order() -> None:
    files = parse_diff(PATCH).files
    excerpt = about(files, "kilograms", 10_000)
    assert excerpt.whole
    assert (excerpt.shown, excerpt.changed) == (3, 3)
    assert excerpt.text.index("discount") < excerpt.text.index("kilograms")


def big(count: int, rows: int) -> bytes:
    parts = []
    for number in range(count):
        lines = b"".join(b"+value_%d_%d = compute(%d)\n" % (number, row, row) for row in range(rows))
        name = b"file_%d.py" % number
        parts.append(b"diff --git a/%b b/%b\nnew file mode 100644\n--- /dev/null\n+++ b/%b\n" % (name, name, name))
        parts.append(b"@@ -0,0 +1,%d @@\n%b" % (rows, lines))
    return b"".join(parts)


def test_of_a_large_change_what_the_words_name() -> None:
    files = parse_diff(big(20, 400)).files
    excerpt = about(files, "What is value_13_390 in file_13?", 6_000)
    assert "value_13_390" in excerpt.text
    assert count_tokens(excerpt.text) <= 6_100
    assert not excerpt.whole
    assert excerpt.changed == 8_000


def test_a_huge_hunk_is_cut() -> None:
    files = parse_diff(big(1, 6_000)).files
    excerpt = about(files, "value_0_5990", 5_000)
    assert "value_0_5990 " in excerpt.text
    assert 0 < excerpt.shown < 1_000


@given(st.text(max_size=100), st.integers(0, 3_000))
def test_what_is_shown_is_within_its_tokens(words: str, most: int) -> None:
    excerpt = about(parse_diff(big(3, 60)).files, words, most)
    assert count_tokens(excerpt.text) <= most
    assert excerpt.shown <= excerpt.changed == 180


def test_no_files() -> None:
    excerpt = about((), "what?", 1_000)
    assert (excerpt.text, excerpt.whole) == ("", True)
