"""``POST /tokens``: a poster gives workers tokens that read one repository, if they show the shared secret."""

from __future__ import annotations

import hmac
import logging
from typing import Annotated

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reviewbot.errors import ConfigError, GitHubError
from reviewbot.github.app_auth import AppAuth
from reviewbot.github.installations import READER
from reviewbot.github.token_broker import TOKENS_PATH, fault_body

_MOST_BYTES = 4_096
_log = logging.getLogger(__name__)


class TokenRequest(BaseModel):
    """Which repository, by which installation of the App."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    installation_id: Annotated[int, Field(ge=0, le=2**63 - 1)]
    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}$")]


def add_tokens(app: FastAPI, auth: AppAuth, secret: str) -> None:
    """Serve tokens to workers that know the ``secret``. Raises ConfigError when there is none: then nobody may ask."""
    if not secret:
        raise ConfigError(
            "REVIEWBOT_TOKEN_SECRET is not set.", remedy="Set it to the same long random word on posters and workers."
        )
    expected = f"Bearer {secret}".encode()

    async def tokens(request: Request) -> JSONResponse:
        shown = request.headers.get("authorization", "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(shown, expected):
            return JSONResponse({"error": "This is for workers of this server."}, 401)
        try:
            asked = TokenRequest.model_validate_json((await request.body())[:_MOST_BYTES])
        except ValidationError:
            return JSONResponse({"error": "Ask with installation_id and repository."}, 400)
        try:
            found = await auth.token_for(asked.installation_id, asked.repository, READER)
        except GitHubError as error:
            _log.warning("no token for %s: %s", asked.repository, error.message)
            return JSONResponse(fault_body(error), 502)
        return JSONResponse({"token": found.token, "expires_at": found.expires_at})

    app.add_route(TOKENS_PATH, tokens, methods=["POST"])
