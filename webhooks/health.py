"""``/healthz`` (the process), ``/readyz`` (what it needs) and ``/metrics``, the same for every role."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from reviewbot.board import HealthLine
from reviewbot.telemetry.metrics import CONTENT_TYPE

_READY_SECONDS = 5.0
Health = Callable[[], Awaitable[Sequence[HealthLine]]]


@dataclass(frozen=True, slots=True)
class Operations:
    """``health`` says how each thing is that this process needs, ``metrics`` what Prometheus reads, told whether the
    process is ready. Where there is an admin token, metrics are for whoever shows it as a bearer token."""

    health: Health
    metrics: Callable[[bool], Awaitable[bytes]] | None = None
    admin_token: str = field(default="", repr=False)


def add_health(app: FastAPI, operations: Operations) -> None:
    """The three routes; the answer of ``health`` is waited for five seconds."""

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        """Whether the process answers."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """Whether it can do its work now; what it cannot is named."""
        lines = await _asked(operations.health)
        ready = _is_ready(lines)
        state = {line.name: "ok" if line.ok and not line.detail else line.detail or "not ok" for line in lines}
        return JSONResponse({"status": "ok" if ready else "not ready", **state}, 200 if ready else 503)

    metrics, admin_token = operations.metrics, operations.admin_token
    if metrics is None:
        return
    expected = f"Bearer {admin_token}".encode()

    @app.get("/metrics")
    async def told(request: Request) -> Response:
        """What Prometheus reads."""
        shown = request.headers.get("authorization", "").encode("utf-8", "surrogatepass")
        if admin_token and not hmac.compare_digest(shown, expected):
            return Response("Show the admin token as a bearer token.\n", 401, {"WWW-Authenticate": "Bearer"})
        return Response(await metrics(_is_ready(await _asked(operations.health))), media_type=CONTENT_TYPE)


async def _asked(health: Health) -> Sequence[HealthLine]:
    try:
        with anyio.fail_after(_READY_SECONDS):
            return await health()
    except TimeoutError:
        return (HealthLine("database", ok=False, detail="it does not answer"),)


def _is_ready(lines: Sequence[HealthLine]) -> bool:
    return all(line.ok for line in lines)
