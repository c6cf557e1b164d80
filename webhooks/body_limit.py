"""ASGI middleware that bounds what a stranger can make the process read: bytes of a body, its time, bytes in all.

Bytes are counted as they come, since a chunked body announces no length. What is over a limit is answered and the
connection closed, without reading the rest.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class _BodyRefused(Exception):
    """Leaves the application through its ``receive``."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class BodyLimit:
    """Wraps ``app``. 413 for a body of over ``most_bytes``, 408 for one that takes over ``seconds``, 503 when the
    bodies of all requests together would be over ``most_bytes_in_all``."""

    def __init__(self, app: App, *, most_bytes: int, seconds: float, most_bytes_in_all: int) -> None:
        self.app = app
        self.most_bytes = most_bytes
        self.seconds = seconds
        self.most_bytes_in_all = most_bytes_in_all
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(self, receive, anyio.current_time() + self.seconds)
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            if _announced(scope) > self.most_bytes:
                raise self.too_large()
            await self.app(scope, body.receive, watched)
        except _BodyRefused as refused:
            if started:
                raise
            await _answer(send, refused)
        finally:
            self._held -= body.size

    def hold(self, size: int) -> None:
        """Count bytes that are kept in memory until their request ends."""
        self._held += size
        if self._held > self.most_bytes_in_all:
            raise _BodyRefused(503, "Too many large bodies are being received; deliver again later.")

    def too_large(self) -> _BodyRefused:
        return _BodyRefused(413, f"The body is over {self.most_bytes:,} bytes.")


class _Body:
    """One request's body as it comes in."""

    def __init__(self, limit: BodyLimit, receive: Receive, deadline: float) -> None:
        self.size = 0
        self._limit = limit
        self._receive = receive
        self._deadline = deadline
        self._complete = False

    async def receive(self) -> Message:
        if self._complete:  # what is awaited now is the client's leaving, which takes as long as it takes
            return await self._receive()
        with anyio.CancelScope(deadline=self._deadline) as scope:
            message = await self._receive()
        if scope.cancelled_caught:
            raise _BodyRefused(408, f"The body did not arrive within {self._limit.seconds:g} seconds.")
        if message["type"] == "http.request":
            more = len(message.get("body", b""))
            self.size += more
            self._limit.hold(more)
            if self.size > self._limit.most_bytes:
                raise self._limit.too_large()
        self._complete = not message.get("more_body", False)
        return message


def _announced(scope: Scope) -> int:
    """The Content-Length; 0 when there is none or it is no number, which the counting then settles."""
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(value) if value.isdigit() and len(value) < 20 else 0


async def _answer(send: Send, refused: _BodyRefused) -> None:
    body = json.dumps({"error": refused.reason}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # or the server would read on to find the next request
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
