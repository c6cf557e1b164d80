"""Runs an ASGI application on a port of this machine: by uvicorn, in a thread for as long as a ``with`` block."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from reviewbot.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

_START_SECONDS = 10.0


class _Connection(H11Protocol):
    """Hands the application its transport, so that a fault can cut the connection as a broken network would."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def bind(port: int = 0) -> socket.socket:
    """A listening socket on the loopback address; port 0 takes a free one. Raises UsageError when it is taken."""
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts: without it every answer takes 40 ms more.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise UsageError(f"Port {port} cannot be used: {error.strerror}.", remedy="Choose another --port.") from error
    listener.listen(128)
    return listener


def make_server(app: ASGIApp, tls: tuple[Path, Path] | None = None) -> uvicorn.Server:
    """A quiet server for this application; run it with ``server.run(sockets=[bind()])``. ``tls`` are the files of a
    certificate and of its key, in PEM: it speaks https then."""
    config = uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,  # a sandbox says itself what time it is there
        timeout_graceful_shutdown=1,
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )
    return uvicorn.Server(config)


@contextmanager
def running(app: ASGIApp, port: int = 0, *, tls: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Serve in a thread for as long as the block runs; yields ``http://127.0.0.1:PORT``, or https with ``tls``."""
    listener = bind(port)
    server = make_server(app, tls)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    ready = threading.Event()
    startup = server.startup

    async def announced(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        ready.set()

    server.startup = announced  # type: ignore[method-assign]  # uvicorn has no callback for "now listening"
    thread.start()
    try:
        if not ready.wait(_START_SECONDS):
            raise UsageError("The sandbox did not start.", remedy="Try again with another --port.")
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True  # nobody waits for an answer any more
        thread.join(_START_SECONDS)
        listener.close()
