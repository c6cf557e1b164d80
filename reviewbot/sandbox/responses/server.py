"""Running an ASGI application on this machine: in a thread, for as long as a ``with`` block."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reviewbot.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_START_SECONDS = 10.0


@contextmanager
def serve(app: ASGIApp | Any, *, port: int = 0) -> Iterator[str]:
    """Serve on the loopback address; gives the base URL (``http://127.0.0.1:PORT``) once it answers, port 0 being any
    free one. Raises UsageError when the port is taken."""
    import uvicorn  # here, because it costs 0.1 s that only those who serve should pay

    listener = _listen(port)
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="sandbox-server")
    thread.start()
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise UsageError("The sandbox server did not start.", remedy="Try another --port.")
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(_START_SECONDS)
        listener.close()


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY; without it every answer takes 40 ms more.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise UsageError(f"Port {port} cannot be used: {error}.", remedy="Choose another --port.") from error
    listener.listen(128)
    return listener
