"""The whole receiver over ASGI, and where only a real server will do over HTTP, with the inbox in memory."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import anyio
import httpx
import pytest
import uvicorn

from reviewbot.core.config import TriggerSettings
from reviewbot.core.triggers import JobRequest
from reviewbot.errors import ConfigError, StoreError
from reviewbot.inbox import Delivery, Taken
from reviewbot.store.deliveries import MemoryInbox
from webhooks.app import create_app
from webhooks.signature import sign

pytestmark = pytest.mark.anyio
PATH = "/webhooks/github"
SECRETS = ["new secret", "old sécret"]
ANN = {"login": "ann", "id": 1, "type": "User"}
PAYLOAD: dict[str, Any] = {
    "action": "opened",
    "pull_request": {
        "number": 7,
        "state": "open",
        "title": "CANARY title",
        "body": "CANARY body",
        "user": ANN,
        "head": {"ref": "CANARY-branch", "sha": "a" * 40},
        "base": {"ref": "main", "sha": "b" * 40},
    },
    "repository": {"full_name": "octo/orders"},
    "sender": ANN,
    "installation": {"id": 5},
}


class BrokenInbox:
    """An inbox whose database is gone."""

    async def take(self, delivery: Delivery, job: JobRequest | None) -> Taken:
        raise StoreError("The database of deliveries failed: disk full.")

    async def waiting(self, limit: int) -> list[JobRequest]:
        raise StoreError("The database of deliveries failed: disk full.")

    async def mark_dispatched(self, delivery_ids: Collection[str]) -> None:
        raise StoreError("gone")

    async def prune(self, before: datetime) -> int:
        raise StoreError("gone")


@pytest.fixture
def inbox() -> MemoryInbox:
    return MemoryInbox()


@pytest.fixture
async def client(inbox: MemoryInbox) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(inbox, SECRETS, bot_login="reviewbot[bot]", most_bytes=100_000)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as made:
        yield made


def headers(
    body: bytes, *, kind: str = "pull_request", delivery: str = "d-1", secret: str = SECRETS[0]
) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": kind,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": sign(secret.encode(), body),
    }


def encoded(**changes: Any) -> bytes:
    return json.dumps(PAYLOAD | changes).encode()


async def test_a_delivery_is_kept_with_its_job(client: httpx.AsyncClient, inbox: MemoryInbox) -> None:
    body = encoded()
    answer = await client.post(PATH, content=body, headers=headers(body))
    assert answer.status_code == 202
    assert answer.json() == {"status": "stored", "delivery": "d-1", "reason": ""}
    [job] = await inbox.waiting(10)
    assert (str(job.ref), job.ref.host, job.trigger, job.installation_id) == (
        "octo/orders#7",
        "github.com",
        "opened",
        5,
    )
    assert inbox.deliveries["d-1"] == Delivery("d-1", "pull_request", "opened", 5, "octo/orders", 7, "a" * 40)


async def test_the_same_delivery_and_the_same_act_make_no_second_job(
    client: httpx.AsyncClient, inbox: MemoryInbox
) -> None:
    body = encoded()
    answers = [await client.post(PATH, content=body, headers=headers(body, delivery=d)) for d in ("d-1", "d-1", "d-2")]
    assert [answer.status_code for answer in answers] == [202, 200, 200]
    assert "was taken before" in answers[1].json()["reason"]
    assert "same action on the same head" in answers[2].json()["reason"]
    assert len(await inbox.waiting(10)) == 1
    assert set(inbox.deliveries) == {"d-1", "d-2"}


@pytest.mark.parametrize("secret", SECRETS)
async def test_every_secret_is_taken(client: httpx.AsyncClient, secret: str) -> None:
    body = encoded()
    assert (await client.post(PATH, content=body, headers=headers(body, secret=secret))).status_code == 202


@pytest.mark.parametrize(
    ("kind", "changes", "status", "kept", "reason"),
    [
        ("push", {"action": None}, 200, False, "Deliveries of this event are not read."),
        ("ping", {"action": None}, 200, False, "ping starts nothing."),
        ("pull_request", {"action": "assigned"}, 200, False, "pull_request.assigned starts nothing."),
        ("pull_request", {"action": "closed"}, 200, True, "The pull request was closed."),
        ("pull_request", {"sender": {"login": "x[bot]"}}, 200, True, "The bot behind it is not in triggers.bots."),
        (
            "installation",
            {"action": "suspend"},
            202,
            True,
            "installation.suspend is noted; there is nothing to review.",
        ),
    ],
)
async def test_what_starts_no_job_is_answered_with_the_reason(
    client: httpx.AsyncClient,
    inbox: MemoryInbox,
    kind: str,
    changes: dict[str, Any],
    status: int,
    kept: bool,
    reason: str,
) -> None:
    body = encoded(**changes)
    answer = await client.post(PATH, content=body, headers=headers(body, kind=kind))
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert ("d-1" in inbox.deliveries) == kept
    assert await inbox.waiting(10) == []


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "application/json"),
        ({"Content-Type": ""}, 415, "application/json"),
        ({"Content-Encoding": "gzip"}, 415, "compressed"),
        ({"X-GitHub-Event": ""}, 400, "Missing: X-GitHub-Event"),
        ({"X-GitHub-Delivery": ""}, 400, "Missing: X-GitHub-Delivery"),
        ({"X-Hub-Signature-256": ""}, 400, "Missing: X-Hub-Signature-256"),
        ({"X-GitHub-Event": "pull request"}, 400, "not one of GitHub's"),
        ({"X-GitHub-Delivery": "x" * 65}, 400, "not one of GitHub's"),
        ({"X-Hub-Signature-256": "sha256=" + "0" * 64}, 401, "signature"),
        ({"X-Hub-Signature-256": "sha256=é"}, 401, "signature"),
        ({"X-Hub-Signature-256": "sha1=x"}, 401, "signature"),
    ],
)
async def test_what_headers_are_refused(
    client: httpx.AsyncClient, inbox: MemoryInbox, change: dict[str, str], status: int, said: str
) -> None:
    body = encoded()
    sent = {name: value.encode() for name, value in (headers(body) | change).items() if value}
    answer = await client.post(PATH, content=body, headers=sent)
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert inbox.deliveries == {}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "the body"),
        (b"{not json", "the body"),
        (b"[" * 90_000, "the body"),
        (b'{"a":' * 15_000, "the body"),
        (b'{"action": ' + b"9" * 50_000 + b"}", "the body"),
        (b'{"action": 9}', "action"),
        (encoded(pull_request={"number": 7}), "pull_request.head"),
    ],
)
async def test_signed_nonsense_is_refused_by_its_place(client: httpx.AsyncClient, body: bytes, place: str) -> None:
    answer = await client.post(PATH, content=body, headers=headers(body))
    assert answer.status_code == 400
    assert f": {place}: " in answer.json()["error"]


async def test_the_signature_comes_before_the_json(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, content=b"{not json", headers=headers(b"other"))
    assert answer.status_code == 401


async def test_a_large_signed_body_is_taken_and_a_larger_one_not(client: httpx.AsyncClient) -> None:
    app = create_app(MemoryInbox(), SECRETS, bot_login="reviewbot[bot]")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as roomy:
        body = encoded(padding="x" * 3_000_000)
        assert (await roomy.post(PATH, content=body, headers=headers(body))).status_code == 202
        assert (await client.post(PATH, content=body, headers=headers(body))).status_code == 413


async def test_other_paths_and_methods(client: httpx.AsyncClient) -> None:
    assert (await client.get(PATH)).status_code == 405
    assert [(await client.get(path)).status_code for path in ("/", "/docs", "/openapi.json")] == [404, 404, 404]
    answers = [(await client.get(path)).json() for path in ("/healthz", "/readyz")]
    assert answers == [{"status": "ok"}, {"status": "ok", "database": "ok"}]


async def test_a_database_that_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(BrokenInbox(), SECRETS, bot_login="reviewbot[bot]")
    body = encoded()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.post(PATH, content=body, headers=headers(body))
        assert answer.status_code == 503
        assert "disk" not in answer.text
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
    assert "delivery d-1 not kept: The database of deliveries failed: disk full." in caplog.messages


async def test_no_word_of_a_payload_and_no_secret_in_the_log(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bodies = [encoded(), encoded(pull_request={"number": "CANARY"}), b'{"CANARY', encoded(action="CANARY")]
    answers = [await client.post(PATH, content=body, headers=headers(body)) for body in bodies]
    answers.append(await client.post(PATH, content=encoded(), headers=headers(b"", secret="CANARY")))
    assert [answer.status_code for answer in answers] == [202, 400, 400, 400, 401]
    written = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records if record.name.startswith("web")]
    assert len(written) == 5
    assert all("'delivery_id': 'd-1'" in line for line in written)
    assert not [text for text in (*written, *(a.text for a in answers)) if "CANARY" in text or "secret'" in text]


@pytest.mark.parametrize("secrets", [[], "", [""], ["good", " "], ["\n"]])
def test_no_start_without_a_secret(secrets: list[str] | str) -> None:
    with pytest.raises(ConfigError, match="REVIEWBOT_WEBHOOK_SECRET"):
        create_app(MemoryInbox(), secrets, bot_login="reviewbot[bot]")


async def test_settings_and_host_of_the_deployment(inbox: MemoryInbox) -> None:
    quiet = TriggerSettings(events=("reopened",))
    app = create_app(inbox, "one", bot_login="reviewbot[bot]", triggers=quiet, host="ghe.example.org")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        for delivery, action in (("d-1", "opened"), ("d-2", "reopened")):
            body = encoded(action=action)
            await client.post(PATH, content=body, headers=headers(body, delivery=delivery, secret="one"))
    [job] = await inbox.waiting(10)
    assert (job.trigger, job.ref.host) == ("reopened", "ghe.example.org")
    assert inbox.deliveries["d-1"].note == "turned-off: triggers.events leaves out opened."


@pytest.fixture
def port(inbox: MemoryInbox) -> Iterator[int]:
    """The receiver behind a real server."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    app = create_app(inbox, SECRETS, bot_login="reviewbot[bot]", most_bytes=1_000_000, body_seconds=0.5)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(10)
    listener.close()


HEAD = (
    b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-GitHub-Event: pull_request\r\n"
    b"X-GitHub-Delivery: d-1\r\nX-Hub-Signature-256: sha256=00\r\n"
)


async def test_chunks_without_end_are_cut_off_over_http(port: int) -> None:
    sent = 0
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        with anyio.fail_after(10), suppress(anyio.BrokenResourceError):
            while sent < 50_000_000:
                await stream.send(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
                sent += 65_536
    assert sent < 20_000_000  # what the sockets hold comes on top of the million that is read


async def test_an_announced_giant_is_answered_before_it_comes(port: int) -> None:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(HEAD + b"Content-Length: 26214401\r\n\r\n")
        with anyio.fail_after(5):
            assert (await stream.receive()).startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_drips_is_given_up_over_http(port: int) -> None:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(HEAD + b"Content-Length: 100\r\n\r\n{")
        with anyio.fail_after(5):
            assert (await stream.receive()).startswith(b"HTTP/1.1 408 ")


async def test_a_client_that_leaves_in_the_middle_leaves_nothing(
    port: int, inbox: MemoryInbox, caplog: pytest.LogCaptureFixture
) -> None:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(HEAD + b"Content-Length: 100\r\n\r\n{")
    body = encoded()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answer = await client.post(PATH, content=body, headers=headers(body, delivery="d-2"))
    assert answer.status_code == 202
    assert set(inbox.deliveries) == {"d-2"}
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
