"""How the App proves who it is: a JWT that it signs itself, tolerant of a clock that is wrong."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast

import jwt

from reviewbot.errors import ConfigError
from reviewbot.github.faults import Reply

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_ALGORITHM = "RS256"
_BACKDATED = 60  # seconds, as GitHub advises against clocks that run ahead
_LIVES = 540  # seconds; GitHub refuses a second more than 600, by its own clock
_WORTH_LEARNING = 5.0  # seconds; a smaller difference is the way of the request
_TIME_CLAIMS = ("('iat')", "('exp')")
_APP_ID = re.compile(r"[0-9]{1,20}|Iv[0-9A-Za-z.]{6,60}")


class AppIdentity:
    """A TokenProvider that speaks as the App. ``app_id`` is its number or its client id, ``private_key`` its PEM.

    Raises ConfigError for a key or an id that cannot be one. No error and no repr holds the key.
    https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
    """

    def __init__(self, app_id: str, private_key: str, *, clock: Callable[[], float] = time.time) -> None:
        if not _APP_ID.fullmatch(app_id):
            raise ConfigError(
                f"{app_id!r} is not the id of a GitHub App.", remedy="Set REVIEWBOT_APP_ID to its App ID, a number."
            )
        self._app_id, self._key = app_id, _signing_key(private_key)
        self._clock, self._offset = clock, 0.0

    def __repr__(self) -> str:
        return f"AppIdentity({self._app_id})"

    def now(self) -> float:
        """Seconds since 1970 by GitHub's clock, as far as it is known."""
        return self._clock() + self._offset

    async def token(self) -> str:
        """A JWT for the next nine minutes."""
        now = int(self.now())
        claims = {"iat": now - _BACKDATED, "exp": now + _LIVES, "iss": self._app_id}
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    async def refused(self, token: str, reply: Reply) -> bool:
        """Whether GitHub found the times of this JWT wrong and its ``Date`` explains why: then its clock is followed
        from now on. A JWT whose times fit that clock is refused for something else."""
        if reply.status != 401 or not any(claim in reply.text for claim in _TIME_CLAIMS):
            return False
        try:
            theirs = parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
        except (TypeError, ValueError):
            return False
        issued = jwt.decode(token, options={"verify_signature": False})["iat"]
        if abs(issued + _BACKDATED - theirs) < _WORTH_LEARNING:
            return False
        self._offset = theirs - self._clock()
        return True


def _signing_key(pem: str) -> RSAPrivateKey:
    """Read once, because checking a private key takes longer than signing with it."""
    try:
        key = jwt.get_algorithm_by_name(_ALGORITHM).prepare_key(pem)
    except (jwt.InvalidKeyError, ValueError, TypeError):
        key = None
    if not hasattr(key, "sign"):  # a public key can be read, too
        raise ConfigError(
            "The App's private key cannot be read: it is not an RSA private key in PEM, or it has a passphrase.",
            remedy="Generate a private key on the App's settings page and use that file as it is.",
        )
    return cast("RSAPrivateKey", key)
