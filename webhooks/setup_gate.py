"""Who may set the App up: the word that opens /setup, how often it may be tried, and what proves that it was known.

Nothing is stored. What proves it is signed with keys made from the word, so that it outlives a restart of the server
and is good in every process of it. Times are in seconds since 1970.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable

from reviewbot.github.manifest import state_matches

SECONDS = 3_600
_TRIES = 10
_TRIES_SECONDS = 60.0
_MOST_CHARACTERS = 200


class Gate:
    """Opens by ``word``; never, when that is empty.

    A pass is the cookie of a browser whose user knew the word. A state goes to GitHub and comes back with the code: it
    proves that the registration was begun by somebody with a pass, also where the cookie does not come along because
    /setup was opened under another name of this server. Both are good for an hour.
    """

    def __init__(self, word: str, *, clock: Callable[[], float] = time.time) -> None:
        self.exists = bool(word)
        key = _bytes(word)
        self._word = hashlib.sha256(key).digest()
        self._passes = hmac.digest(key, b"reviewbot setup: passes", "sha256")
        self._states = hmac.digest(key, b"reviewbot setup: states", "sha256")
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=_TRIES)

    def wait(self) -> float:
        """For how many seconds no word is looked at: ten wrong ones a minute, of the whole world together, since an
        address is cheap to change. 0 when one may be tried."""
        now = self._clock()
        recent = [at for at in self._failures if 0 <= now - at < _TRIES_SECONDS]
        return recent[0] + _TRIES_SECONDS - now if len(recent) == _TRIES else 0.0

    def opens(self, given: str) -> bool:
        """Whether this is the word; a wrong one counts. Takes the same time for every wrong one."""
        good = hmac.compare_digest(hashlib.sha256(_bytes(given)).digest(), self._word) and self.exists
        if not good:
            self._failures.append(self._clock())
        return good

    def new_pass(self) -> str:
        return self._new(self._passes)

    def is_pass(self, given: str) -> bool:
        return self.exists and self._is_good(self._passes, given)

    def new_state(self) -> str:
        return self._new(self._states)

    def is_state(self, given: str) -> bool:
        return self.exists and self._is_good(self._states, given)

    def _new(self, key: bytes) -> str:
        facts = f"{int(self._clock()) + SECONDS}.{secrets.token_hex(16)}"
        return f"{facts}.{_mark(key, facts)}"

    def _is_good(self, key: bytes, given: str) -> bool:
        facts, _, mark = given[:_MOST_CHARACTERS].rpartition(".")
        if not state_matches(_mark(key, facts), mark):
            return False
        end, now = float(facts.partition(".")[0]), self._clock()  # signed by us, so a number
        return now < end <= now + SECONDS


def _mark(key: bytes, text: str) -> str:
    return hmac.digest(key, _bytes(text), "sha256").hex()


def _bytes(text: str) -> bytes:
    """Any text at all: lone surrogates, which stand for bytes that were no UTF-8, too."""
    return text.encode("utf-8", "surrogatepass")
