"""A diagnostic as a finding: on the right line or none, and not beside one that says the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reviewbot.core.change.diff import Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.context.evidence import Diagnostic
from reviewbot.core.findings.finding import PlacedFinding, Severity, Step
from reviewbot.core.findings.told_by_analyzer import MOST_FILES, as_finding, by_rule, first_files, said_by

DIFF_TEXT = b"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,4 @@\n def f():\n+    x = 1\n+    return y\n     return y\n"
DIFF = parse_diff(DIFF_TEXT)
HEADS = {"a.py": b"def f():\n    x = 1\n    return y\n    return y\n"}
SAID = Diagnostic("ruff", "F821", "a.py", 3, 3, "Undefined name `y`", "error", True, "bug", "Undefined name `y`")


def made(said: Diagnostic = SAID) -> PlacedFinding:
    finding = as_finding([said], DIFF, HEADS)
    assert finding is not None
    return finding


def test_it_stands_on_its_line_even_where_the_code_is_there_twice() -> None:
    found = made()
    assert (found.location.line, found.location.side, found.location.step) == (3, Side.RIGHT, Step.LINE)
    assert found.code == "    return y"
    assert found.symbols == ("f",)
    assert found.finding.source == "ruff"
    assert found.finding.severity is Severity.MAJOR
    assert "F821" in found.finding.body


def test_a_range_stands_on_its_first_added_line() -> None:
    assert made(replace(SAID, line=1, end_line=4)).location.line == 2


@pytest.mark.parametrize(
    "said", [replace(SAID, line=1, end_line=1), replace(SAID, line=4, end_line=4), replace(SAID, path="b.py")]
)
def test_without_an_added_line_it_is_no_finding(said: Diagnostic) -> None:
    assert as_finding([said], DIFF, HEADS) is None


def test_without_its_text_it_is_no_finding() -> None:
    assert as_finding([SAID], DIFF, {}) is None


@pytest.mark.parametrize(
    ("level", "category", "severity"),
    [
        ("error", "security", Severity.CRITICAL),
        ("error", "bug", Severity.MAJOR),
        ("warning", "security", Severity.MINOR),
        ("note", "bug", Severity.NIT),
    ],
)
def test_severity(level: str, category: str, severity: Severity) -> None:
    assert made(replace(SAID, level=level, category=category)).finding.severity is severity  # type: ignore[arg-type]


def test_what_the_model_says_of_the_line_is_enough() -> None:
    ours = made()
    weighty = replace(ours, finding=replace(ours.finding, source="model", severity=Severity.MINOR, confidence=0.6))
    assert said_by(ours, [weighty])
    assert said_by(ours, [replace(weighty, location=replace(ours.location, start_line=1, line=2))])
    assert not said_by(ours, [replace(weighty, location=replace(ours.location, line=5))])
    assert not said_by(ours, [replace(weighty, location=replace(ours.location, path="b.py"))])
    assert not said_by(ours, [replace(weighty, location=replace(ours.location, side=Side.LEFT))])
    assert not said_by(ours, [replace(weighty, location=replace(ours.location, line=None))])
    assert not said_by(ours, [])


@pytest.mark.parametrize("changes", [{"confidence": 0.1}, {"severity": Severity.NIT}])
def test_a_faint_word_of_the_model_does_not_silence_an_analyzer(changes: dict[str, object]) -> None:
    ours = made()
    faint = replace(ours, finding=replace(ours.finding, source="model", **changes))  # type: ignore[arg-type]
    assert not said_by(ours, [faint])


def test_one_finding_for_all_that_a_rule_says_of_a_file() -> None:
    second, third = replace(SAID, line=4, end_line=4, title="Undefined name `z`"), replace(SAID, line=9, end_line=9)
    groups = by_rule([SAID, second, replace(SAID, rule="F823"), third, replace(SAID, path="b.py")])
    assert [len(group) for group in groups] == [3, 1, 1]
    found = as_finding(groups[0], DIFF, HEADS)
    assert found is not None
    assert found.location.line == 3
    assert "The same rule holds at lines 4, 9." in found.finding.body
    many = as_finding([SAID, *(replace(SAID, line=n) for n in range(20))], DIFF, HEADS)
    assert many is not None
    assert "and 10 more places" in many.finding.body


def test_the_line_of_a_secret_is_not_quoted() -> None:
    found = as_finding([replace(SAID, secret=True)], DIFF, HEADS)
    assert found is not None
    assert found.finding.quote == ""
    assert found.location.line == 3


def test_of_a_rule_that_holds_in_many_files_the_first_are_told() -> None:
    groups = by_rule([replace(SAID, path=f"{n:02}.py") for n in range(10)] + [replace(SAID, rule="F823", path="z.py")])
    kept, notes = first_files(groups)
    assert [each[0].path for each in kept] == [*(f"{n:02}.py" for n in range(MOST_FILES)), "z.py"]
    assert notes == ("ruff says the same by its rule F821 of 7 more files: 03.py, 04.py, 05.py, 06.py, 07.py, …",)
    assert first_files(groups[:MOST_FILES]) == (groups[:MOST_FILES], ())


@pytest.mark.parametrize(
    ("path", "severity"),
    [("tests/cassettes/a.yaml", Severity.MINOR), ("src/contest/a.py", Severity.CRITICAL), ("a.py", Severity.CRITICAL)],
)
def test_a_secret_in_a_sample_weighs_less(path: str, severity: Severity) -> None:
    diff = parse_diff(DIFF_TEXT.replace(b"a.py", path.encode()))
    said = replace(SAID, path=path, secret=True, category="security")
    found = as_finding([said], diff, {path: HEADS["a.py"]})
    assert found is not None
    assert found.finding.severity is severity
