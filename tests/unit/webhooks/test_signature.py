"""GitHub's published vector, and what an attacker may put into the header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.signature import is_signed, sign

SECRET, BODY = b"It's a Secret to Everybody", b"Hello, World!"
PUBLISHED = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_the_published_vector() -> None:
    assert sign(SECRET, BODY) == PUBLISHED
    assert is_signed(BODY, PUBLISHED, [SECRET])


@pytest.mark.parametrize("secrets", [[b"old", SECRET], [SECRET, b"new"], [b"a", SECRET, b"b"]])
def test_any_secret_may_have_signed(secrets: list[bytes]) -> None:
    assert is_signed(BODY, PUBLISHED, secrets)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha256=",
        PUBLISHED[:-1],
        PUBLISHED + "0",
        PUBLISHED.upper(),
        PUBLISHED.removeprefix("sha256="),
        "sha1=757107ea0eb2509fc211221cce984b8a",
        "sha256=\xe9" + "0" * 63,
        "sha256=\ud800",
        "\0",
    ],
)
def test_wrong_signatures_are_no_more_than_wrong(signature: str) -> None:
    assert not is_signed(BODY, signature, [SECRET])


def test_no_secret_signs_nothing() -> None:
    assert not is_signed(BODY, sign(b"", BODY), [])


@given(st.binary(max_size=200), st.binary(max_size=80), st.binary(max_size=80))
def test_a_signature_holds_for_its_body_and_secret_only(body: bytes, secret: bytes, other: bytes) -> None:
    signature = sign(secret, body)
    assert is_signed(body, signature, [secret])
    assert not is_signed(body + b"x", signature, [secret])
    # HMAC pads short keys with zeros, so two keys that differ only in those are one.
    assert is_signed(body, signature, [other]) == (secret.rstrip(b"\0") == other.rstrip(b"\0") or secret == other)
