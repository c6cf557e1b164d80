"""Who is speaking: tokens by Bearer, ``token`` or basic auth, an App's JWT, and what each may do."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from reviewbot.sandbox.github.calls import Refusal, forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reviewbot.sandbox.github.records import Installation, Token
    from reviewbot.sandbox.github.state import SandboxGitHub

#: docs.github.com, "Generating a JSON Web Token for a GitHub App": at most ten minutes ahead. Observed: by GitHub's own
#: clock and to the second (github.com/Link-/gh-token/issues/17), which is why ``iat`` is to be back-dated.
_JWT_SECONDS = 600


def credential(headers: Mapping[str, str]) -> str:
    """The secret of the ``Authorization`` header, ``""`` when there is none."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return value.strip()
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "malformed"
    return password if password not in ("", "x-oauth-basic") else name


def authenticate(github: SandboxGitHub, headers: Mapping[str, str]) -> Token | None:
    """The token of a request, None without a header. Raises Refusal 401 for one that is unknown or over its time, 403
    for one whose installation is suspended."""
    value = credential(headers)
    if not value:
        return None
    token = github.tokens.get(value)
    if token is None or (token.expires_at is not None and github.clock() >= token.expires_at):
        raise Refusal(401, "Bad credentials")
    refuse_suspended(github.installations.get(token.installation) if token.installation else None)
    return token


def refuse_suspended(installation: Installation | None) -> None:
    """Raises Refusal 403 in GitHub's words."""
    if installation is not None and installation.suspended_at:
        raise Refusal(403, "This installation has been suspended")


def authorize(token: Token | None, needs: str) -> None:
    """Refuse with 401 when there is no token, with 403 when it may not do what ``needs`` says."""
    if token is None:
        raise Refusal(401, "Requires authentication")
    permissions, _, level = needs.partition(":")
    if needs and not any(token.allows(permission, level) for permission in permissions.split("|")):
        raise forbidden(token)


def verify_app(github: SandboxGitHub, headers: Mapping[str, str]) -> None:
    """Check an App's JWT as GitHub does: issuer, times and, when the public key is known, the RS256 signature.

    Raises Refusal 401 with GitHub's words for what is wrong.
    """
    value = credential(headers)
    if value.count(".") != 2:
        raise Refusal(401, "A JSON web token could not be decoded")
    header, claims = _part(value, 0), _part(value, 1)
    if header.get("alg") != "RS256" or not _signed(value, github.app.public_key):
        raise Refusal(401, "A JSON web token could not be decoded")
    issued, expires, now = claims.get("iat"), claims.get("exp"), github.clock()
    if not isinstance(issued, int) or issued > now:
        raise Refusal(
            401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        )
    if not isinstance(expires, int | float) or expires <= now:
        raise Refusal(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time at "
                           "which the assertion expires")  # fmt: skip
    if expires > now + _JWT_SECONDS:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
    if str(claims.get("iss")) not in (str(github.app.id), github.app.client_id):
        raise Refusal(404, "Integration not found")


def _part(value: str, index: int) -> dict[str, Any]:
    text = value.split(".")[index]
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refusal(401, "A JSON web token could not be decoded")
    return found


def _signed(value: str, public_key: str | None) -> bool:
    if public_key is None:
        return True
    # Imported here: it loads cryptography, which only an App with a known key needs.
    import jwt

    try:
        jwt.decode(value, public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
    except jwt.InvalidTokenError:
        return False
    return True
