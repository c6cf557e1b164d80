"""No secret leaves in a line, however it is written, and no text can hang the reader of it."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reviewbot.telemetry.masking import MARK, Mask, forms

SECRETS = st.text(min_size=6, max_size=40).filter(lambda text: len(text.strip()) >= 6)
WORDS = st.text(max_size=60)
KEY = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "\n".join(f"MIIEow{row:02d}BAAKCAQEA7bq5fXk0q2mP9sVtYwZ1uL3nR6hJ8dKcGxTzQyWvEoAbNp" for row in range(20))
    + "\n-----END RSA PRIVATE KEY-----\n"
)


def written(secret: str) -> dict[str, str]:
    """The encodings that are promised, made here by other means than the code's own list."""
    data = secret.encode("utf-8", "surrogatepass")
    code = base64.b64encode(data).decode()
    return {
        "raw": secret,
        "url": quote(data, safe=""),
        "path": quote(data),
        "form": quote_plus(data),
        "base64": code,
        "base64url": base64.urlsafe_b64encode(data).decode(),
        "json": json.dumps(secret)[1:-1],
        "json, not ASCII": json.dumps(secret, ensure_ascii=False)[1:-1],
        "repr": repr(secret)[1:-1],
    }


@given(SECRETS, WORDS, WORDS)
def test_no_secret_survives_in_any_encoding(secret: str, before: str, after: str) -> None:
    mask = Mask([secret])
    for name, form in written(secret).items():
        masked = mask.masked(f"{before}{form}{after}")
        assert form not in masked, name
        assert not mask.knows(masked), name
        assert mask.masked(masked) == masked, name


@given(st.lists(SECRETS, min_size=1, max_size=4), st.lists(st.one_of(WORDS, st.integers(0, 3)), max_size=8))
def test_masking_twice_is_masking_once(secrets: list[str], parts: list[str | int]) -> None:
    mask = Mask(secrets)
    text = "".join(secrets[part % len(secrets)] if isinstance(part, int) else part for part in parts)
    once = mask.masked(text)
    assert mask.masked(once) == once
    assert not any(secret in once for secret in secrets)


SHAPED = [
    "ghp_" + "a1B2c3D4" * 5,
    "gho_" + "a1B2c3D4" * 5,
    "ghs_" + "12345_eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0.c2lnbmF0dXJl-x_y",
    "ghu_" + "a1B2c3D4" * 5,
    "ghr_" + "a1B2c3D4" * 5,
    "github_pat_" + "11ABCDEFG0" * 5,
    "sk-" + "abcdefghijklmnopqrst",
    "sk-proj-" + "abCD12_-" * 8,
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjMifQ.c2lnbmF0dXJl",
    "AKIAABCDEFGHIJKLMNOP",
]


@pytest.mark.parametrize("secret", SHAPED)
@pytest.mark.parametrize("line", ["{}", "token {}.", '{{"key": "{}"}}', "at ?x={}&y", "a\n{}\nb"])
def test_what_looks_like_a_credential_goes_unknown_as_it_is(secret: str, line: str) -> None:
    masked = Mask(()).masked(line.format(secret))
    assert secret not in masked
    assert secret[4:16] not in masked
    assert MARK in masked


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("authorization='Basic dXNlcjpwYXNz'", "authorization='Basic ***'"),
        ("bearer%20abcdef123", "bearer%20***"),
        ("postgresql://bot:hunter2@db/reviews", "postgresql://bot:***@db/reviews"),
        ("https://bot:p@host/x", "https://bot:***@host/x"),
        ("https://0123456789abcdef@host/x", "https://***@host/x"),
        ("GET /setup?code=a1b2c3d4&state=x", "GET /setup?code=***&state=x"),
        ("GET /?access_token=abcd1234 HTTP/1.1", "GET /?access_token=*** HTTP/1.1"),
        ("nothing: POST /repos/o/r/pulls/1 at 12:30", "nothing: POST /repos/o/r/pulls/1 at 12:30"),
        (
            "delivery 72d3162e-cc78-11e3-81ab-4c9367dc0958 stored",
            "delivery 72d3162e-cc78-11e3-81ab-4c9367dc0958 stored",
        ),
        ("head 6dcb09b5b57875f334f61aebed695e2e4193db5e", "head 6dcb09b5b57875f334f61aebed695e2e4193db5e"),
        ("git@github.com:o/r, ssh://git@github.com/o/r", "git@github.com:o/r, ssh://git@github.com/o/r"),
        ("the disk-space-of-this-very-machine", "the disk-space-of-this-very-machine"),
    ],
)
def test_shapes(line: str, masked: str) -> None:
    assert Mask(()).masked(line) == masked
    assert Mask(()).masked(masked) == masked


@pytest.mark.parametrize("text", [KEY, KEY.replace("\n", "\\n"), KEY[:400], f"error: {KEY}!"])
def test_private_keys_go_whole_or_cut(text: str) -> None:
    masked = Mask(()).masked(text)
    assert "MIIEow" not in masked
    assert "xTzQy" not in masked


def test_of_a_known_key_each_row_is_a_secret() -> None:
    assert Mask([KEY]).masked("row " + KEY.split("\n")[5][:70]) == "row ***"


def test_a_secret_inside_a_longer_base64_text_is_found_wherever_it_begins() -> None:
    secret = "s3cret-value-of-the-hook"
    mask = Mask([secret])
    for pad in range(9):
        masked = mask.masked(base64.b64encode(b"u" * pad + secret.encode() + b":tail").decode())
        assert MARK in masked
        assert len(masked.replace(MARK, "").rstrip("=")) <= -(-pad * 8 // 6) + -(-5 * 8 // 6) + 1


def test_overlapping_secrets_leave_no_rest() -> None:
    assert Mask(["abcdef", "defghi"]).masked("x abcdefghi y") == "x *** y"


def test_short_values_are_no_secrets_and_none_shows_in_repr() -> None:
    assert forms("abc") == forms("") == forms("  abcde  ") == frozenset()
    assert Mask(["abc", ""]).masked("abc is a word") == "abc is a word"
    assert "hunter" not in repr(Mask(["hunter2000"]))


@given(SECRETS, st.integers(0, 60))
@example("secret", 3)
def test_a_cut_does_not_leave_half_a_secret(secret: str, limit: int) -> None:
    text = "x" * 30 + secret + "y" * 10_000
    short = Mask([secret]).shortened(text, limit)
    assert short.endswith(f"({len(text) - limit:,} characters cut)")
    kept = short.rpartition("… (")[0]
    assert set(kept.replace(MARK, "")) <= {"x", "y"}


def test_a_short_text_is_not_cut() -> None:
    assert Mask(()).shortened("abc", 3) == "abc"


HOSTILE = {
    "one letter": "a" * 1_000_000,
    "token heads": "ghp_" * 250_000,
    "token dots": "ghp_" + "." * 1_000_000,
    "half tokens": "eyJ-" * 250_000,
    "addresses": "://a:" * 200_000,
    "colons": "://::::" * 140_000,
    "key heads": "-----BEGIN PRIVATE KEY-----" * 37_000,
    "names": "password=" * 110_000,
    "lines": "\n" * 1_000_000,
    "a cascade": ("AIza" + "a" * 35) * 26_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_is_read_up_to_the_bound(name: str) -> None:
    """About 0.1 s; the bound leaves room for a busy machine, and a pattern that is not linear takes hours."""
    started = time.monotonic()
    short = Mask(["a" * 40, "secret-value"]).shortened(HOSTILE[name], 16_384)
    assert time.monotonic() - started < 20
    assert len(short) < 16_384 * 2
