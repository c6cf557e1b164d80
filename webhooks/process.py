"""One process of a server, by its role: what it serves over HTTP, what runs beside that, and how it ends.

A receiver stores deliveries and shows pages; a worker asks the model; a poster writes on GitHub, and gives workers
tokens that read. Each drops the secrets of the others as it starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import anyio
import uvicorn
from fastapi import FastAPI

from reviewbot.errors import ReviewbotError
from reviewbot.roles import Role
from reviewbot.serve import open_socket
from reviewbot.settings import read_settings
from reviewbot.telemetry.logs import bound, configure
from reviewbot.telemetry.traces import configure_traces, shutdown_traces
from webhooks.roles import build_parts

RESTART = 75  # the exit code of a process that wants to be started again; sysexits.h: a temporary failure
_DRAINING_CONNECTIONS = 10  # seconds
_LOOK = 0.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a process listens: an open socket that it was handed, a path, or host and port. ``niceness`` is what it
    gives way by, to the processes that answer at once. ``parent`` is the process that it ends with, if there is one."""

    host: str = "127.0.0.1"
    port: int = 8080
    fd: int | None = None
    uds: str = ""
    niceness: int = 0
    parent: int = 0


def run(role: Role, listening: Listening, *, as_json: bool) -> int:
    """Be that process until it is told to end; its exit code. Errors become one sentence here."""
    try:
        if listening.niceness:
            os.nice(listening.niceness)
        configure(as_json=as_json, secrets=())
        settings = read_settings()
        configure(as_json=as_json, secrets=settings.secrets)
        configure_traces(f"reviewbot-{role}", settings.environ)
        with bound(role=str(role)):
            return asyncio.run(_serve(role, listening))
    except ReviewbotError as error:
        _log.critical("%s", error)
        return error.exit_code
    finally:
        shutdown_traces()


async def _serve(role: Role, listening: Listening) -> int:
    """Serve until SIGTERM or SIGINT, or until a part of the process fails for good."""
    # Whole, and before there are threads: two that import it at once, by different ways, can be given half of it.
    import sqlalchemy  # noqa: F401

    settings = read_settings().for_role(role)
    end = _End()
    parts = build_parts(role, settings, end.restart)
    server = _Server(_uvicorn_config(parts.app, listening))
    end.server = server
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.stop)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(parts.running())
        gc.collect()
        gc.freeze()  # going through all imported modules again is a pause of 60 ms
        loops = [_started(deed, end) for deed in parts.loops]
        if listening.parent:
            loops.append(_started(partial(_end_with, listening.parent), end))
        with _socket(listening) as sockets:
            _log.info("%s serves", role)
            await server.serve(sockets=sockets)
        _log.info("%s ends", role)
        for loop in loops:
            loop.scope.cancel()  # not the task: what it waits for in a thread comes to its end first
        await asyncio.gather(*(loop.task for loop in loops), return_exceptions=True)
    return end.code


@dataclass(slots=True)
class _End:
    """How and why the process ends."""

    code: int = 0
    server: uvicorn.Server | None = None

    def stop(self) -> None:
        if self.server:
            self.server.should_exit = True

    def restart(self) -> None:
        self.code = RESTART
        self.stop()


@dataclass(frozen=True, slots=True)
class _Loop:
    task: asyncio.Task[None]
    scope: anyio.CancelScope


def _started(deed: Callable[[], Awaitable[None]], end: _End) -> _Loop:
    """A loop that ends by an error nobody thought of takes the process with it: half a server is worse than none."""
    scope = anyio.CancelScope()

    async def run() -> None:
        with scope:
            await deed()

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.critical("a part of the process failed", exc_info=fault)
            end.code = 1
            end.stop()

    task = asyncio.create_task(run())
    task.add_done_callback(ended)
    return _Loop(task, scope)


async def _end_with(parent: int) -> None:
    """End at once when the supervisor was killed: whoever starts the server again needs our port and our id. A drain
    would keep them, and what dies here is done again all the same."""
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(_LOOK)
    _log.critical("the process that started this one is gone")
    os._exit(1)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers, which would end the process before its jobs were drained."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _uvicorn_config(app: FastAPI, listening: Listening) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        uds=listening.uds or None,
        log_config=None,
        access_log=False,
        ws="none",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=_DRAINING_CONNECTIONS,
    )


@contextlib.contextmanager
def _socket(listening: Listening) -> Iterator[list[socket.socket] | None]:
    """The sockets to serve on; None for a path, which uvicorn makes itself."""
    if listening.uds:
        yield None
        return
    if listening.fd is not None:
        opened = socket.socket(fileno=listening.fd)
    else:
        opened = open_socket(listening.host, listening.port)
    with contextlib.closing(opened):
        yield [opened]
