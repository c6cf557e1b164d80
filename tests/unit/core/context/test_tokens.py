"""Counts are o200k_base's own, offline, and the cheap bound is never too low."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.core.context import tokens
from reviewbot.core.context.tokens import count_tokens, upper_bound
from reviewbot.errors import ReviewbotError


# Counts of an independent encoder with the same vocabulary.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("hello world", 2),
        ("tiktoken is great!", 6),
        ("def total(items):\n    return sum(item.price for item in items)\n", 14),
        ("日本語のテキスト", 6),
        ("👩‍👩‍👧‍👦", 11),
        ("\t\t\tif (a && b) {\r\n", 8),
        ("a" * 24, 3),
        (" " * 80, 2),
        ("1234567890", 4),
    ],
)
def test_counts_are_those_of_the_vocabulary(text: str, expected: int) -> None:
    assert count_tokens(text) == expected


def test_names_of_special_tokens_are_ordinary_text() -> None:
    assert count_tokens("<|endoftext|>") > 1


def test_long_texts_are_counted_in_blocks_within_a_thousandth() -> None:
    text = "".join(f"    value_{n} = compute({n}, key='k{n}')  # row\n\n" for n in range(4000))
    whole = len(tokens._encoding().encode_ordinary(text))
    assert whole <= count_tokens(text) <= whole * 1.001


@pytest.mark.parametrize("text", ["a", " ", "é", "{}", "\n", "^"])
def test_a_line_without_end_is_counted_in_linear_time(text: str) -> None:
    assert 0 < count_tokens(text * 300_000) <= upper_bound(text * 300_000)


@given(st.text(st.characters(exclude_categories=()), max_size=200))
@settings(deadline=None)
def test_bytes_are_an_upper_bound(text: str) -> None:
    assert count_tokens(text) <= upper_bound(text)


def test_a_damaged_vocabulary_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_SHA256", "0" * 64)
    tokens._encoding.cache_clear()
    with pytest.raises(ReviewbotError, match="Install reviewbot again"):
        count_tokens("a")


def test_imports_load_neither_the_vocabulary_nor_a_grammar() -> None:
    code = (
        "import sys, reviewbot.core.context.prompt as prompt, reviewbot.core.context.tokens as tokens;"
        "assert tokens.upper_bound('a') == 1 and tokens._encoding.cache_info().currsize == 0;"
        "print([name for name in sys.modules if name.startswith(('tiktoken', 'tree_sitter'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
