"""``POST /webhooks/github``: one delivery in, one answer out, at once; the work is a job in the inbox.

The order matters: what headers say costs nothing, the signature is checked over the raw bytes before anything reads
them, and 202 is answered only when delivery and job are kept. Log lines and answers hold no word of a payload but
names that were held to an alphabet.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from anyio.to_thread import run_sync
from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from reviewbot.core.config import TriggerSettings
from reviewbot.core.triggers import Event, JobRequest, Skip, SkipReason, decide
from reviewbot.errors import ConfigError, StoreError
from reviewbot.inbox import Delivery, Inbox
from reviewbot.payloads import read_event
from webhooks.signature import is_signed

_log = logging.getLogger(__name__)
_HEADERS = ("X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256")
_EVENT = re.compile(r"[a-z0-9_]{1,64}")
_DELIVERY = re.compile(r"[A-Za-z0-9-]{1,64}")
Watch = Callable[[str, int, float], None]
_LARGE = 256 * 1024  # bytes; hashing more would hold up the other requests


def unwatched(_event: str, _status: int, _seconds: float) -> None:
    """For a receiver that nobody watches."""


class Refused(Exception):
    """A delivery that is not taken: the status and the sentence that GitHub shows beside it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Receiver:
    """Takes deliveries for the App whose account is ``bot_login``, about repositories on ``host``.

    Any of ``secrets`` may have signed, so that a secret can be changed without losing a delivery. Raises ConfigError
    when there is none: unsigned deliveries are never taken. ``watch`` is told the event, the status and the seconds of
    each delivery; the event is what a stranger may have written until the status is a good one.
    """

    inbox: Inbox
    secrets: Sequence[bytes] = field(repr=False)
    bot_login: str
    triggers: TriggerSettings
    host: str
    watch: Watch = unwatched

    def __post_init__(self) -> None:
        if not self.secrets or not all(secret.strip() for secret in self.secrets):
            raise ConfigError(
                "There is no webhook secret, or an empty one.",
                remedy="Set REVIEWBOT_WEBHOOK_SECRET to the secret in the settings of your GitHub App.",
            )

    async def __call__(self, request: Request) -> JSONResponse:
        begun = time.perf_counter()
        answer = await self._answered(request)
        self.watch(request.headers.get("X-GitHub-Event", ""), answer.status_code, time.perf_counter() - begun)
        return answer

    async def _answered(self, request: Request) -> JSONResponse:
        try:
            kind, delivery_id, signature = _read_headers(request.headers)
            body = await request.body()
            await self._verify(delivery_id, body, signature)
            return await self._take(kind, delivery_id, _read(kind, delivery_id, body, self.host))
        except Refused as refused:
            return JSONResponse({"error": refused.reason}, refused.status)
        except ClientDisconnect:
            return JSONResponse({"error": "The body was cut."}, 400)

    async def _verify(self, delivery_id: str, body: bytes, signature: str) -> None:
        if len(body) > _LARGE:
            signed = await run_sync(is_signed, body, signature, self.secrets)
        else:
            signed = is_signed(body, signature, self.secrets)
        if not signed:
            _log.warning("delivery %s refused: bad signature", delivery_id, extra={"delivery_id": delivery_id})
            raise Refused(401, "The signature is not of a secret that is known here.")

    async def _take(self, kind: str, delivery_id: str, event: Event | None) -> JSONResponse:
        """Decide and keep. What has nothing to do with reviews is not kept: most deliveries are of that kind."""
        if event is None:
            return _said(200, "ignored", delivery_id, kind, "Deliveries of this event are not read.")
        decision = decide(event, self.triggers, self.bot_login)
        job = decision if isinstance(decision, JobRequest) else None
        if isinstance(decision, Skip) and not decision.worth_keeping:
            return _said(200, "ignored", delivery_id, kind, decision.text)
        try:
            taken = await self.inbox.take(_delivery(event, decision), job)
        except StoreError as error:
            _log.error("delivery %s not kept: %s", delivery_id, error.message, extra={"delivery_id": delivery_id})
            raise Refused(503, "The delivery could not be kept; deliver it again later.") from error
        if not taken.new:
            return _said(200, "ignored", delivery_id, kind, taken.reason)
        if isinstance(decision, Skip) and decision.reason is not SkipReason.INSTALLATION:
            return _said(200, "ignored", delivery_id, kind, decision.text)
        return _said(202, "stored", delivery_id, kind, decision.text if isinstance(decision, Skip) else "")


def _read_headers(headers: Mapping[str, str]) -> tuple[str, str, str]:
    """Event, delivery id and signature. Raises Refused."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise Refused(415, "Set the webhook's content type to application/json.")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refused(415, "The body must not be compressed.")
    missing = [name for name in _HEADERS if not headers.get(name)]
    if missing:
        raise Refused(400, f"Missing: {', '.join(missing)}. GitHub signs a delivery when the webhook has a secret.")
    kind, delivery_id, signature = (headers[name] for name in _HEADERS)
    if not _EVENT.fullmatch(kind) or not _DELIVERY.fullmatch(delivery_id):
        raise Refused(400, "X-GitHub-Event or X-GitHub-Delivery is not one of GitHub's.")
    return kind, delivery_id, signature


def _read(kind: str, delivery_id: str, body: bytes, host: str) -> Event | None:
    """The Event, None for a kind that is not read. Raises Refused with the place of a fault, not what stands there."""
    try:
        return read_event(kind, delivery_id, body, host=host)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the body"
        said = "delivery %s refused: %s of %s: %s"
        _log.warning(said, delivery_id, place, kind, first["type"], extra={"delivery_id": delivery_id})
        raise Refused(400, f"This is not a payload of {kind}: {place}: {first['type']}.") from error


def _delivery(event: Event, decision: JobRequest | Skip) -> Delivery:
    ref = event.pull_request
    return Delivery(
        id=event.delivery_id,
        event=event.kind,
        action=event.action,
        installation_id=event.installation_id,
        repository=event.repository,
        number=ref.number if ref else 0,
        head_sha=event.head_sha,
        note=f"{decision.reason}: {decision.text}" if isinstance(decision, Skip) else "",
    )


def _said(status: int, state: str, delivery_id: str, kind: str, reason: str) -> JSONResponse:
    _log.info("delivery %s %s: %s %s", delivery_id, state, kind, reason, extra={"delivery_id": delivery_id})
    return JSONResponse({"status": state, "delivery": delivery_id, "reason": reason}, status)
