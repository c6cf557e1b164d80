"""The middleware by itself: what is counted, what is not read, what is answered."""

from __future__ import annotations

import json
from collections.abc import MutableMapping, Sequence
from typing import Any

import anyio
import pytest

from webhooks.body_limit import BodyLimit, Receive, Scope, Send

pytestmark = pytest.mark.anyio
Message = MutableMapping[str, Any]


class Client:
    """Sends its chunks one after the other, each after ``pause`` seconds, and keeps what it is answered."""

    def __init__(self, chunks: Sequence[bytes], pause: float = 0.0) -> None:
        self.chunks = list(chunks)
        self.pause = pause
        self.read = 0
        self.answers: list[Message] = []

    async def receive(self) -> Message:
        await anyio.sleep(self.pause)
        if self.read == len(self.chunks):
            return {"type": "http.disconnect"}
        chunk = self.chunks[self.read]
        self.read += 1
        return {"type": "http.request", "body": chunk, "more_body": self.read < len(self.chunks)}

    async def send(self, message: Message) -> None:
        self.answers.append(message)

    @property
    def status(self) -> int:
        return int(self.answers[0]["status"])


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def limited(app: Any = echo, *, in_all: int = 1_000, seconds: float = 5.0) -> BodyLimit:
    return BodyLimit(app, most_bytes=100, seconds=seconds, most_bytes_in_all=in_all)


async def call(app: BodyLimit, client: Client, *, length: bytes | None = None) -> Client:
    headers = [] if length is None else [(b"content-length", length)]
    await app({"type": "http", "headers": headers}, client.receive, client.send)
    return client


@pytest.mark.parametrize("chunks", [[b"x" * 100], [b"x"] * 100, [b"", b"x" * 100, b""]])
async def test_what_is_within_the_limit_passes_whole(chunks: list[bytes]) -> None:
    client = await call(limited(), Client(chunks))
    assert client.status == 200
    assert client.answers[1]["body"] == b"100"


async def test_an_announced_length_is_refused_unread() -> None:
    client = await call(limited(), Client([b"x" * 101]), length=b"101")
    assert (client.status, client.read) == (413, 0)
    assert (b"connection", b"close") in client.answers[0]["headers"]
    assert json.loads(client.answers[1]["body"]) == {"error": "The body is over 100 bytes."}


@pytest.mark.parametrize("length", [None, b"5", b"-1", b"0", b"9" * 5_000, b"1e9", "٣".encode()])
async def test_chunks_are_counted_whatever_was_announced(length: bytes | None) -> None:
    client = await call(limited(), Client([b"x" * 40] * 1_000), length=length)
    assert (client.status, client.read) == (413, 3)


async def test_a_slow_body_is_given_up() -> None:
    with anyio.fail_after(5):
        client = await call(limited(seconds=0.05), Client([b"x"] * 1_000, pause=0.02))
    assert client.status == 408
    assert client.read < 10


async def test_waiting_after_the_body_is_not_bounded() -> None:
    async def patient(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.start", "status": 200, "headers": []})

    client = await call(limited(patient, seconds=0.03), Client([b"x"], pause=0.02))
    assert client.status == 200


async def test_all_bodies_together_are_bounded_and_given_back() -> None:
    app = limited(in_all=150)
    first, second = Client([b"x" * 90, b"x"], pause=0.05), Client([b"x" * 90, b"x"], pause=0.05)
    async with anyio.create_task_group() as group:
        group.start_soon(call, app, first)
        group.start_soon(call, app, second)
    assert sorted([first.status, second.status]) == [200, 503]
    assert (await call(app, Client([b"x" * 90]))).status == 200


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await echo(scope, receive, send)

    client = Client([b"x" * 101])
    with pytest.raises(Exception, match="over 100 bytes"):
        await call(limited(hasty), client)
    assert [message["type"] for message in client.answers] == ["http.response.start"]


async def test_other_protocols_pass() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    client = Client([])
    await limited(app)({"type": "lifespan"}, client.receive, client.send)
    assert seen == ["lifespan"]
