"""Pure: the signature of a webhook delivery.

Source: GitHub's documentation, "Validating webhook deliveries".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

_PREFIX = b"sha256="


def sign(secret: bytes, body: bytes) -> str:
    """The value of ``X-Hub-Signature-256`` for the raw body."""
    return (_PREFIX + hmac.new(secret, body, hashlib.sha256).hexdigest().encode()).decode()


def is_signed(body: bytes, signature: str, secrets: Iterable[bytes]) -> bool:
    """Whether any of the secrets made the signature. Every secret is tried, in a time that depends on none of them.

    The comparison is of bytes: of text, ``hmac.compare_digest`` raises for anything but ASCII.
    """
    given = signature.encode("utf-8", "replace")
    matches = [hmac.compare_digest(sign(secret, body).encode(), given) for secret in secrets]
    return any(matches)
