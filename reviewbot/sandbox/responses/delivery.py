"""How an answer goes over the wire: whole or as a stream, complete or broken off on purpose."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import anyio
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

Body = Callable[[], AsyncIterator[bytes]]


class Cut(Exception):
    """Raised by a body where the connection is to break."""


class Delivery(Response):
    """A response whose body is made while it is sent. When the client goes away the work stops and ``on_gone`` is
    called; when the body raises `Cut`, the connection breaks with what was sent so far."""

    def __init__(
        self,
        body: Body,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        media_type: str = "application/json",
        on_gone: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(status_code=status, headers=headers, media_type=media_type)
        self._body, self._on_gone = body, on_gone
        self.raw_headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                self._on_gone()
                group.cancel_scope.cancel()

            group.start_soon(watch)
            await self._send(send)
            group.cancel_scope.cancel()

    async def _send(self, send: Send) -> None:
        begun = False
        try:
            async for piece in self._body():
                if not begun:
                    begun = True
                    await self._begin(send)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            if not begun:
                await self._begin(send)
        except Cut:
            if not begun:
                await self._begin(send)
                await send({"type": "http.response.body", "body": b"", "more_body": True})
            await anyio.sleep(0.02)  # so that the client reads what was sent before the connection breaks
            return  # the body is not finished: the server closes the connection
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})


def whole(make: Callable[[], Awaitable[dict[str, Any]]], *, cut: bool = False, at_once: bool = False) -> Body:
    """A body that is one JSON document, or its first half."""

    async def body() -> AsyncIterator[bytes]:
        if at_once:
            raise Cut
        data = json.dumps(await make(), ensure_ascii=False).encode()
        yield data[: len(data) // 2] if cut else data
        if cut:
            raise Cut

    return body
