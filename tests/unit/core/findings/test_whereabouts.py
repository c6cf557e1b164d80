"""Where code is found again, and where the same place is in another text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.findings.sketch import Sketch, digest
from reviewbot.core.findings.whereabouts import MOST_LINES, Clue, Pair, Span, Text, find, round_of, share_in, stands


def text(source: str, path: str = "app.py") -> Text:
    return Text.of(path, source.encode())


def clue(code: str, *symbols: str) -> Clue:
    return Clue(Sketch.of(code), frozenset(digest(name, 6) for name in symbols))


TWO = "def one(a):\n    x = a.pop()\n    return x\n\n\ndef two(a):\n    x = a.pop()\n    return x\n"


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        (clue("x = a.pop()", "two"), (Span(7, 7), True)),
        (clue("    x = a.pop()\n    return x", "one"), (Span(2, 3), True)),
        (clue("x = a.pop()"), (None, False)),  # twice, and no name
        (clue("def two(a):\n    x = a.pop()"), (Span(6, 7), True)),  # once
        (clue("x = b.pop()", "two"), (Span(6, 8), False)),  # changed: its definition
        (clue("x = b.pop()", "three"), (None, False)),
        (clue(""), (None, False)),
    ],
)
def test_code_is_found_by_its_lines_then_by_its_definition(known: Clue, wanted: tuple[Span | None, bool]) -> None:
    assert find(text(TWO), known) == wanted


def test_of_two_namesakes_none_is_taken() -> None:
    twice = "class A:\n    def go(self):\n        return 1\n\n\nclass B:\n    def go(self):\n        return 2\n"
    assert find(text(twice), clue("return 3", "go")) == (None, False)


def test_code_stands_as_whole_lines_in_any_spacing() -> None:
    rows = text("a\n\n  b  c\nd\n")
    assert stands(Sketch.of("a\nbc"), rows) == [Span(1, 3)]
    assert stands(Sketch.of("b"), rows) == []
    assert stands(Sketch(), rows) == []


def test_what_belongs_to_a_place_is_its_definition_and_the_lines_near_by() -> None:
    body = "".join(f"    a = {n}\n" for n in range(40))
    remarks = "#\n" * 50
    source = text(f"{remarks}def f():\n{body}{remarks}")
    assert round_of(source, Span(60, 60)) == Span(45, 91)
    assert round_of(source, Span(1, 1)) == Span(1, 16)
    long = text("def f():\n" + "    a = 1\n" * 1000)
    near = round_of(long, Span(500, 500))
    assert near.last - near.first + 1 <= MOST_LINES
    assert near.first < 500 < near.last
    whole = round_of(long, Span(1, 1001))
    assert whole.last - whole.first + 1 <= MOST_LINES


def test_a_place_is_followed_by_lines_and_through_a_moved_definition() -> None:
    assert Pair(text("a\nb\nc\n"), text("x\na\nB\nc\n")).forward(Span(2, 2)) == Span(3, 3)
    assert Pair(text("a\nb\nc\n"), text("a\nc\n")).forward(Span(2, 2)) == Span(2, 2)
    assert Pair(text("a\nb\nc\n"), text("a\nx\ny\nc\n")).forward(Span(2, 2)) == Span(2, 3)
    assert Pair(text("a\nb\nc\n"), text("x\na\nB\nc\n")).back(Span(3, 3)) == Span(2, 2)
    big = "def big():\n" + "".join(f"    v{n} = {n}\n" for n in range(30)) + "\n\n"
    small = "def small(a):\n    return a / 2\n\n\n"
    moved = small.replace("/ 2", "/ 3") + big
    assert Pair(text(big + small), text(moved)).forward(Span(35, 35)) in (Span(1, 2), Span(2, 2))


def test_what_changed_is_told_on_both_sides() -> None:
    assert Pair(text("a\nb\n"), text("a\nb\n")).changed() is None
    assert Pair(text("a\nb\nc\n"), text("a\nc\n")).changed() == (Span(2, 2), Span(2, 2))
    assert Pair(text("a\nc\n"), text("a\nb\nc\n")).changed() == (Span(2, 2), Span(2, 2))
    assert Pair(text("a\nb\nc\n"), text("a\nx\nc\n")).changed() == (Span(2, 2), Span(2, 2))


def test_how_much_of_some_code_is_in_lines() -> None:
    code = Sketch.of("return compute(first, second) / len(third)")
    assert share_in(code, ["y = 1", "return compute(first,  second) / len(fourth)"]) > 0.6
    assert share_in(code, ["import os"]) == 0
    assert share_in(Sketch.of("a"), ["a"]) == 0


lines = st.lists(
    st.sampled_from(["", "def f(a):", "def g(a):", "    return a", "    a += 1", "}", "x = 1"]), max_size=30
)


@given(lines, lines, st.integers(1, 30), st.integers(0, 5))
def test_any_place_has_a_place_in_any_other_text(one: list[str], other: list[str], first: int, size: int) -> None:
    pair = Pair(text("\n".join(one)), text("\n".join(other)))
    first = min(first, len(pair.old.rows))
    span = Span(first, min(first + size, len(pair.old.rows)))
    found = pair.forward(span)
    assert 1 <= found.first <= found.last <= len(pair.new.rows)
    near = round_of(pair.new, found)
    assert 1 <= near.first <= near.last <= len(pair.new.rows)
    if one == other:
        assert found == span
        assert pair.changed() is None
    elif pair.old.rows != pair.new.rows:
        assert pair.changed() is not None
