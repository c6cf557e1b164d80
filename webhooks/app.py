"""The receiver as an application: ``create_app(inbox, secrets, bot_login=...)`` for uvicorn or any ASGI server."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI

from reviewbot.board import HealthLine
from reviewbot.core.config import TriggerSettings
from reviewbot.errors import StoreError
from reviewbot.inbox import Inbox
from webhooks.body_limit import BodyLimit
from webhooks.health import Health, Operations, add_health
from webhooks.receiver import Receiver, Watch, unwatched

MOST_BYTES = 25 * 1024 * 1024  # GitHub's own limit for a payload
_MOST_BYTES_IN_ALL = 10 * MOST_BYTES
_BODY_SECONDS = 10.0  # GitHub gives up on a delivery after as many


def create_app(  # noqa: PLR0913 - by keyword only: what a deployment chooses
    inbox: Inbox,
    secrets: str | Sequence[str],
    *,
    bot_login: str,
    triggers: TriggerSettings | None = None,
    host: str = "github.com",
    most_bytes: int = MOST_BYTES,
    body_seconds: float = _BODY_SECONDS,
    operations: Operations | None = None,
    watch: Watch = unwatched,
) -> FastAPI:
    """``POST /webhooks/github``, ``GET /healthz``, ``GET /readyz``, ``GET /metrics``. Raises ConfigError without a
    secret.

    A delivery may be signed with any of the ``secrets``, so that one can be changed without losing deliveries.
    ``bot_login`` is the App's account (``name[bot]``); ``host`` where its repositories are, as people see it.
    ``body_seconds`` bounds how long one body may take to arrive; GitHub Enterprise Server waits up to 30. ``watch``
    is told event, status and seconds of each delivery.
    """
    keys = tuple(secret.encode() for secret in ([secrets] if isinstance(secrets, str) else secrets))
    receiver = Receiver(inbox, keys, bot_login, triggers or TriggerSettings(), host, watch)
    app = bare_app(most_bytes=most_bytes, body_seconds=body_seconds)
    app.add_route("/webhooks/github", receiver.__call__, methods=["POST"])
    add_health(app, operations or Operations(_of_inbox(inbox)))
    return app


def bare_app(*, most_bytes: int = MOST_BYTES, body_seconds: float = _BODY_SECONDS) -> FastAPI:
    """An application without a route, that no body can flood."""
    app = FastAPI(title="reviewbot", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(
        BodyLimit, most_bytes=most_bytes, seconds=body_seconds, most_bytes_in_all=max(_MOST_BYTES_IN_ALL, most_bytes)
    )
    return app


def _of_inbox(inbox: Inbox) -> Health:
    async def health() -> Sequence[HealthLine]:
        """Whether a delivery could be kept now."""
        try:
            await inbox.waiting(1)
        except StoreError:
            return (HealthLine("database", ok=False, detail="it does not answer"),)
        return (HealthLine("database", ok=True),)

    return health
