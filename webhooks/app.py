"""The receiver as an application: ``create_app(inbox, secrets, bot_login=...)`` for uvicorn or any ASGI server."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from reviewbot.core.config import TriggerSettings
from reviewbot.errors import StoreError
from reviewbot.inbox import Inbox
from webhooks.body_limit import BodyLimit
from webhooks.receiver import Receiver

MOST_BYTES = 25 * 1024 * 1024  # GitHub's own limit for a payload
_MOST_BYTES_IN_ALL = 10 * MOST_BYTES
_BODY_SECONDS = 10.0  # GitHub gives up on a delivery after as many
_READY_SECONDS = 5.0


def create_app(
    inbox: Inbox,
    secrets: str | Sequence[str],
    *,
    bot_login: str,
    triggers: TriggerSettings | None = None,
    host: str = "github.com",
    most_bytes: int = MOST_BYTES,
    body_seconds: float = _BODY_SECONDS,
) -> FastAPI:
    """``POST /webhooks/github``, ``GET /healthz``, ``GET /readyz``. Raises ConfigError without a secret.

    A delivery may be signed with any of the ``secrets``, so that one can be changed without losing deliveries.
    ``bot_login`` is the App's account (``name[bot]``); ``host`` where its repositories are, as people see it.
    ``body_seconds`` bounds how long one body may take to arrive; GitHub Enterprise Server waits up to 30.
    """
    keys = tuple(secret.encode() for secret in ([secrets] if isinstance(secrets, str) else secrets))
    receiver = Receiver(inbox, keys, bot_login, triggers or TriggerSettings(), host)
    app = FastAPI(title="reviewbot", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(
        BodyLimit, most_bytes=most_bytes, seconds=body_seconds, most_bytes_in_all=max(_MOST_BYTES_IN_ALL, most_bytes)
    )
    app.add_route("/webhooks/github", receiver.__call__, methods=["POST"])

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        """Whether the process answers."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """Whether a delivery could be kept now."""
        try:
            with anyio.fail_after(_READY_SECONDS):
                await inbox.waiting(1)
        except (StoreError, TimeoutError):
            return JSONResponse({"status": "the database does not answer"}, 503)
        return JSONResponse({"status": "ok"})

    return app
