"""The identity of a finding, and the plain forms that make it."""

from __future__ import annotations

import re

import pytest

from reviewbot.core.findings.finding import Severity, fingerprint, folded, squeezed

QUOTE = "    if total > limit:\n        return total - limit"


def test_a_fingerprint_is_sixteen_hex_digits_and_the_same_on_every_machine() -> None:
    mark = fingerprint("src/a.py", "charge", QUOTE, "bug")
    assert re.fullmatch("[0-9a-f]{16}", mark)
    assert mark == "986977d6de71a3a2"


@pytest.mark.parametrize(
    "spelling",
    [
        "if total > limit:\nreturn total - limit",
        "\tif total > limit:\r\n\t\treturn total - limit\r\n",
        "if  total>limit: return total \u2013 limit",
        "    if total > limit:\n\n        return total\u200b -\u00a0limit   ",
    ],
)
def test_white_space_and_look_alikes_do_not_change_it(spelling: str) -> None:
    assert fingerprint("src/a.py", "charge", spelling, "bug") == fingerprint("src/a.py", "charge", QUOTE, "bug")


@pytest.mark.parametrize(
    "other",
    [
        ("src/b.py", "charge", QUOTE, "bug"),
        ("src/a.py", "refund", QUOTE, "bug"),
        ("src/a.py", "charge", QUOTE.replace("limit", "amount"), "bug"),
        ("src/a.py", "charge", QUOTE, "security"),
        ("src/a.pycharge", "", QUOTE, "bug"),
    ],
)
def test_place_code_and_kind_change_it(other: tuple[str, str, str, str]) -> None:
    assert fingerprint(*other) != fingerprint("src/a.py", "charge", QUOTE, "bug")


def test_folding_keeps_letters_and_plain_text() -> None:
    assert folded("naïve “quote”…") == 'naïve "quote"...'
    assert folded("e\u0301") == "é"
    assert squeezed(" a\tb\u2003c\n") == "abc"


def test_a_lone_surrogate_does_not_break_it() -> None:
    assert len(fingerprint("a\ud800", "", "x\udfff", "bug")) == 16


@pytest.mark.parametrize(("priority", "word"), [(-5, "critical"), (0, "critical"), (2, "minor"), (99, "nit")])
def test_priorities_out_of_range_count_as_the_nearest(priority: int, word: str) -> None:
    assert Severity.of_priority(priority) == word


@pytest.mark.parametrize(
    ("severity", "threshold", "reaches"),
    [("critical", "critical", True), ("major", "critical", False), ("nit", "nit", True), ("critical", "never", False)],
)
def test_reaching_a_threshold(severity: str, threshold: str, *, reaches: bool) -> None:
    assert Severity(severity).reaches(threshold) is reaches
