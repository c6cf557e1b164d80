"""A provider on this machine that does exactly what a test tells it, down to where the bytes stop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Reply:
    """``framing``: chunked, length (of all pieces) or close. ``end``: proper, cut (the connection is dropped where the
    framing promises more) or hang (nothing more comes until the client goes away)."""

    pieces: tuple[bytes, ...] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    framing: str = "chunked"
    end: str = "proper"

    @staticmethod
    def json(document: Any, status: int = 200, **headers: str) -> Reply:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return Reply((json.dumps(document).encode(),), status, {"content-type": "application/json", **fields}, "length")

    @staticmethod
    def events(*events: dict[str, Any] | bytes, framing: str = "chunked", end: str = "proper") -> Reply:
        pieces = tuple(
            event if isinstance(event, bytes) else f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
            for event in events
        )
        return Reply(pieces, headers={"content-type": "text/event-stream"}, framing=framing, end=end)


Script = Callable[[Asked], Reply] | Sequence[Reply]


class Provider:
    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.left = asyncio.Event()
        self.url = ""
        self._script: Script = ()

    def says(self, *replies: Reply) -> None:
        """Answer the requests in this order; the last reply is repeated."""
        self._script = replies

    def answers(self, script: Callable[[Asked], Reply]) -> None:
        self._script = script

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (asked := await self._read(reader)) is not None:
                self.asked.append(asked)
                if callable(self._script):
                    reply = self._script(asked)
                else:
                    reply = self._script[min(len(self.asked), len(self._script)) - 1]
                if not await self._write(reply, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Asked | None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        method, path, _version = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Asked(method, path, headers, json.loads(body) if body else None)

    async def _write(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        headers = dict(reply.headers)
        if reply.framing == "chunked":
            headers["transfer-encoding"] = "chunked"
        elif reply.framing == "length":
            headers["content-length"] = str(sum(map(len, reply.pieces)) + (10 if reply.end == "cut" else 0))
        else:
            headers["connection"] = "close"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {reply.status} Whatever\r\n{lines}\r\n".encode())
        for piece in reply.pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if reply.framing == "chunked" else piece)
            await writer.drain()
        if reply.end == "hang":
            await reader.read()  # returns when the client closes its side
            self.left.set()
            return False
        if reply.end == "proper" and reply.framing == "chunked":
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return reply.end == "proper" and reply.framing != "close"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    one = Provider()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    yield one
    server.close()


@pytest.fixture
def reply() -> type[Reply]:
    return Reply


def _document(text: str = "hello", **over: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 40},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 120,
    }
    document = {"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5.1-codex", "error": None}
    return {**document, "output": [message], "usage": usage, **over}


@pytest.fixture
def document() -> Callable[..., dict[str, Any]]:
    """Builds a Response document that is complete unless the test says otherwise."""
    return _document
