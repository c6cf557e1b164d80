"""What a process says of itself over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import httpx
import pytest

from reviewbot.board import HealthLine
from webhooks.app import bare_app
from webhooks.health import Health, Operations, add_health

pytestmark = pytest.mark.anyio
ADMIN = "admin-token-of-the-tests"


def saying(*lines: HealthLine) -> Health:
    async def health() -> Sequence[HealthLine]:
        return lines

    return health


async def metrics(ready: bool) -> bytes:
    return f"reviewbot_ready {int(ready)}\n".encode()


def client(health: Health, *, admin_token: str = "") -> httpx.AsyncClient:
    app = bare_app()
    add_health(app, Operations(health, metrics, admin_token))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_what_is_wrong_is_named() -> None:
    async with client(saying(HealthLine("database", ok=True), HealthLine("provider", ok=False, detail="open"))) as web:
        answer = await web.get("/readyz")
        assert (answer.status_code, answer.json()) == (
            503,
            {"status": "not ready", "database": "ok", "provider": "open"},
        )
        assert (await web.get("/healthz")).status_code == 200


async def test_what_is_worth_a_word_is_no_reason_to_be_unready() -> None:
    async with client(saying(HealthLine("worker", ok=True, detail="a worker is missing"))) as web:
        answer = await web.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok", "worker": "a worker is missing"})


async def test_a_database_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhooks.health._READY_SECONDS", 0.05)

    async def hangs() -> Sequence[HealthLine]:
        await anyio.sleep(60)
        raise AssertionError

    async with client(hangs) as web:
        assert (await web.get("/readyz")).status_code == 503


async def test_metrics_are_for_who_shows_the_admin_token() -> None:
    async with client(saying(), admin_token=ADMIN) as web:
        for shown in ("", "Bearer wrong", ADMIN, "Bearer caf\u00e9"):
            answer = await web.get("/metrics", headers={"Authorization": shown.encode()})  # type: ignore[dict-item]
            assert answer.status_code == 401
        answer = await web.get("/metrics", headers={"Authorization": f"Bearer {ADMIN}"})
        assert (answer.status_code, answer.text) == (200, "reviewbot_ready 1\n")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    async with client(saying(HealthLine("database", ok=False))) as web:
        assert (await web.get("/metrics")).text == "reviewbot_ready 0\n"
