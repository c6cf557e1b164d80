"""What is kept of what analyzers say."""

from __future__ import annotations

from dataclasses import replace

from reviewbot.core.change.diff import Run, Side
from reviewbot.core.context.evidence import (
    MOST,
    MOST_IN_A_FILE,
    Diagnostic,
    Evidence,
    bounded,
    introduced,
    touching,
)

SAID = Diagnostic("ruff", "F821", "a.py", 5, 7, "Undefined name `x`", "error", False, "bug", "Undefined name `x`")


def kept(*said: Diagnostic, runs: tuple[Run, ...]) -> list[int]:
    return [each.line for each in touching(said, {"a.py": runs})]


def test_only_what_touches_an_added_line_is_kept() -> None:
    assert kept(SAID, runs=(Run(Side.RIGHT, 7, 9),)) == [5]
    assert kept(SAID, runs=(Run(Side.RIGHT, 1, 5),)) == [5]
    assert kept(SAID, runs=(Run(Side.RIGHT, 6, 6),)) == [5]
    assert kept(SAID, runs=(Run(Side.RIGHT, 1, 4), Run(Side.RIGHT, 8, 9))) == []
    assert kept(SAID, runs=(Run(Side.LEFT, 5, 7),)) == []
    assert touching((SAID,), {"b.py": (Run(Side.RIGHT, 1, 99),)}) == ()


def test_what_was_so_before_is_not_introduced() -> None:
    first, second = replace(SAID, line=1), replace(SAID, line=9)
    assert introduced([first], [first], [replace(SAID, line=4)]) == ()
    assert introduced([first], [first, second], [replace(SAID, line=4)]) == (first,)
    assert introduced([first, second], [first, second], [replace(SAID, line=4)]) == (first,)
    assert introduced([first, second], [first, second], []) == (first, second)


def test_another_rule_file_or_word_is_another_thing() -> None:
    for other in (
        replace(SAID, rule="F823"),
        replace(SAID, path="b.py"),
        replace(SAID, message="Undefined name `y`"),
        replace(SAID, analyzer="other"),
    ):
        assert introduced([SAID], [SAID], [other]) == (SAID,)


def test_too_many_are_cut_the_certain_ones_last_and_a_note_says_how_many() -> None:
    one_file = tuple(replace(SAID, path="1.py", line=n, end_line=n) for n in range(1, 51))
    found = bounded(Evidence((*one_file[:-1], replace(one_file[-1], certain=True)), ("ruff",), ("before",)))
    assert [each.line for each in found.diagnostics] == [*range(1, MOST_IN_A_FILE), 50]
    assert found.ran == ("ruff",)
    assert found.notes == ("before", "20 diagnostics of static analyzers were left out: there were too many")
    many = tuple(replace(SAID, path=f"{n % 20}.py", line=n, end_line=n) for n in range(1, 500))
    assert len(bounded(Evidence(many)).diagnostics) == MOST
    assert bounded(Evidence((SAID,))) == Evidence((SAID,))
