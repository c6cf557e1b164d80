"""Entries that fit, and the others counted."""

from __future__ import annotations

from reviewbot.core.context.appendix import within


def test_what_fits_is_shown_and_the_rest_counted() -> None:
    assert within(["one", "two"], 100, "\n", "things") == "one\ntwo"
    text = within(["word"] * 50, 60, "\n", "things")
    assert len(text) <= 60
    shown = text.split("\n")[:-1]
    assert shown == ["word"] * len(shown) != []
    assert text.endswith(f"\n[cut: {50 - len(shown)} more things]")
    assert within([], 10, "\n", "things") == ""
