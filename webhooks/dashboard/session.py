"""Pure: who knows the admin token, the cookie that remembers it, and the word that proves a form to be ours.

A cookie says when the session ends, holds a random word, and is signed with a key made from the admin token, so nothing
is stored and a new token ends all sessions. The word in forms is made from the cookie: no other session has it.
"""

from __future__ import annotations

import hashlib
import hmac

SESSION_SECONDS = 12 * 60 * 60
_MOST_CHARACTERS = 200  # of a cookie; ours have about 100


def as_bytes(text: str) -> bytes:
    """Any text at all: lone surrogates, which stand for bytes that were no UTF-8, too."""
    return text.encode("utf-8", "surrogatepass")


class Sessions:
    """Sessions of those who know ``admin_token``. Comparisons take a time that does not depend on what is given."""

    def __init__(self, admin_token: str) -> None:
        token = as_bytes(admin_token)
        self._token = hashlib.sha256(token).digest()
        self._cookies = hmac.digest(token, b"reviewbot status page: cookies", "sha256")
        self._forms = hmac.digest(token, b"reviewbot status page: forms", "sha256")

    def is_token(self, given: bytes) -> bool:
        """Digests are compared: they are of one length, and of bytes, for text that is not ASCII would raise."""
        return hmac.compare_digest(hashlib.sha256(given).digest(), self._token)

    def begin(self, now: float, word: str) -> str:
        """A cookie that is good for `SESSION_SECONDS`; ``word`` is random and has no dots."""
        facts = f"{int(now) + SESSION_SECONDS}.{word}"
        return f"{facts}.{_mark(self._cookies, facts)}"

    def end(self, cookie: str, now: float) -> float | None:
        """When the session of a cookie ends, in seconds since 1970; None when it is over or the cookie is not ours."""
        facts, _, mark = cookie[:_MOST_CHARACTERS].rpartition(".")
        if not hmac.compare_digest(as_bytes(_mark(self._cookies, facts)), as_bytes(mark)):
            return None
        end = float(facts.partition(".")[0])  # signed by us, so a number
        return end if now < end <= now + SESSION_SECONDS else None

    def form_word(self, cookie: str) -> str:
        return _mark(self._forms, cookie)

    def is_form_word(self, cookie: str, given: str) -> bool:
        return hmac.compare_digest(as_bytes(self.form_word(cookie)), as_bytes(given))


def _mark(key: bytes, text: str) -> str:
    return hmac.digest(key, as_bytes(text), "sha256").hex()
