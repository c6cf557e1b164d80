"""`reviewbot serve`: one process of a role, or one of each on this machine, started again when they die.

Roles are processes of their own because each holds other secrets. The port is opened here and handed on, so that a
receiver that is started again refuses nobody meanwhile: who comes waits.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import anyio

from reviewbot.admin_token import keep_admin_token
from reviewbot.core.resolution import resolve
from reviewbot.errors import GitHubError, UsageError
from reviewbot.roles import Role, environment_for
from reviewbot.settings import Settings, read_settings
from reviewbot.telemetry.logs import configure
from reviewbot.wiring import deployment_layers

_log = logging.getLogger(__name__)
_BACKLOG = 2048
_RESTART = 75  # a process that ends so wants to be started again, with new settings
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_LIVED = 60.0  # seconds after which a process is taken for one that had started well
_LOOK = 0.1
_KILL_AFTER = 30.0  # seconds more than jobs may take to drain
# What answers at once comes before what takes minutes anyhow; a poster gives workers their tokens, so it comes between.
_NICENESS = {Role.RECEIVER: 0, Role.POSTER: 5, Role.WORKER: 10}


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket. Raises UsageError when the address cannot be used."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # With the protocol named, asyncio sets TCP_NODELAY on what it accepts.
        opened = socket.socket(family[0], socket.SOCK_STREAM, socket.IPPROTO_TCP)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(family[4])
        opened.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"Port {port} of {host} cannot be listened on: {said}.", remedy="Choose another --host or --port."
        ) from error
    return opened


def run_role(role: Role, host: str, port: int, *, as_json: bool) -> int:
    """Become a process of this role; it looks after itself no more than that, which its supervisor (systemd, a
    container's runtime) does."""
    words = [*_command(role), "--host", host, "--port", str(port), *(["--json"] if as_json else [])]
    os.execve(sys.executable, words, environment_for(role, os_environ()))  # noqa: S606 - no shell; words are ours


def os_environ() -> Mapping[str, str]:
    """The environment as the settings saw it."""
    return read_settings().environ


def run_all(host: str, port: int, *, as_json: bool) -> int:
    """One process of each role until SIGTERM or SIGINT; the exit code. Raises ConfigError, UsageError."""
    settings = read_settings()
    configure(as_json=as_json, secrets=settings.secrets)
    if settings.app_id or settings.webhook_secrets:
        settings.require_app()
        settings.require_webhook_secrets()
        settings.require_api_key()
    drain_seconds = resolve(deployment_layers(settings)).config.server.drain_seconds
    opened = open_socket(host, port)
    with opened, tempfile.TemporaryDirectory(prefix="reviewbot-") as folder:
        supervisor = Supervisor(Path(folder), opened, as_json=as_json, drain_seconds=drain_seconds)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, supervisor.stop)
        _greet(settings, opened)
        return supervisor.run()


def _greet(settings: Settings, opened: socket.socket) -> None:
    host, port = opened.getsockname()[:2]
    address = settings.public_url or f"http://{'localhost' if host in ('0.0.0.0', '::') else host}:{port}"  # noqa: S104
    ready = bool(settings.app_id)
    _log.info("reviewbot serves at %s, where its status page is, too", address)
    if not settings.admin_token:
        file = keep_admin_token(settings.data_dir)[0]
        _log.info("The admin token, which opens the pages, is in %s.", file)
    if not ready:
        _log.info("There is no GitHub App yet: open %s/setup to make one.", address)


@dataclass(slots=True)
class _Child:
    role: Role
    process: subprocess.Popen[bytes]
    begun: float = field(default_factory=time.monotonic)


class Supervisor:
    """Starts a process of each role and starts again what dies; ends them in the order in which they need each other.

    ``folder`` is for sockets and shared metrics; ``opened`` is what the receiver listens on.
    """

    def __init__(self, folder: Path, opened: socket.socket, *, as_json: bool, drain_seconds: float) -> None:
        self._folder, self._opened = folder, opened
        self._as_json, self._drain_seconds = as_json, drain_seconds
        self._token_secret = secrets.token_hex(32)
        self._children: dict[Role, _Child] = {}
        self._due: dict[Role, float] = {}
        self._pause: dict[Role, float] = {}
        self._ending = threading.Event()
        (folder / "metrics").mkdir(mode=0o700)

    def stop(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """End all; `run` returns then. May be called by a signal."""
        self._ending.set()

    def run(self) -> int:
        """Until `stop`; 0 when every process ended well."""
        self._begin()
        while not self._ending.wait(_LOOK):
            self._look()
        return self._end()

    def _begin(self) -> None:
        """Start what the settings allow: without an App only the receiver, for its set-up page."""
        settings = read_settings()
        ready = bool(settings.app_id and settings.private_key)
        asks = ready and bool(settings.api_key)
        if ready and not asks:
            _log.error("No review is made: no key for a model provider is set. Set one and start again.")
        environment = self._environment(settings)
        for role in (Role.POSTER, Role.WORKER, Role.RECEIVER):
            if role is Role.RECEIVER or (ready if role is Role.POSTER else asks):
                self._start(role, environment)

    def _start(self, role: Role, environment: Mapping[str, str] | None = None) -> None:
        environ = environment or self._environment(read_settings())
        place = (*self._place(role), "--parent", str(os.getpid()))
        words = [*_command(role), *place, *(["--json"] if self._as_json else [])]
        handed = (self._opened.fileno(),) if role is Role.RECEIVER else ()
        # A group of its own keeps the terminal's Ctrl-C from it; a session would, too, but Linux shares the processor
        # out among sessions first, so that niceness would count for nothing between them (sched(7), autogroups).
        process = subprocess.Popen(words, env=environment_for(role, environ), pass_fds=handed, process_group=0)
        self._children[role] = _Child(role, process)

    def _place(self, role: Role) -> Sequence[str]:
        if role is Role.RECEIVER:
            return ("--fd", str(self._opened.fileno()))
        return ("--uds", str(self._socket(role)), "--nice", str(_NICENESS[role]))

    def _socket(self, role: Role) -> Path:
        return self._folder / f"{role}.sock"

    def _environment(self, settings: Settings) -> dict[str, str]:
        admin = settings.admin_token or keep_admin_token(settings.data_dir)[1]
        poster = f"unix:{self._socket(Role.POSTER)}"
        return {
            **settings.environ,
            "REVIEWBOT_ADMIN_TOKEN": admin,
            "REVIEWBOT_APP_SLUG": settings.app_slug or _ask_slug(settings),
            "REVIEWBOT_TOKEN_URL": poster,
            "REVIEWBOT_TOKEN_SECRET": self._token_secret,
            "PROMETHEUS_MULTIPROC_DIR": str(self._folder / "metrics"),
        }

    def _look(self) -> None:
        """Note who has died, and start who is due."""
        for role, child in list(self._children.items()):
            code = child.process.poll()
            if code is None:
                continue
            del self._children[role]
            if code == _RESTART:
                self._end()
                self._begin()
                return
            lived = time.monotonic() - child.begun
            pause = _FIRST_PAUSE if lived > _LIVED else min(_LONGEST_PAUSE, 2 * self._pause.get(role, _FIRST_PAUSE))
            self._pause[role] = pause
            self._due[role] = time.monotonic() + pause
            _log.warning("The %s ended with %d; it is started again in %g s.", role, code, pause)
        for role in [role for role, due in self._due.items() if due <= time.monotonic()]:
            del self._due[role]
            self._start(role)

    def _end(self) -> int:
        """Tell all to end. The poster is last, because workers that drain have something to post."""
        self._due.clear()
        codes = self._wait((Role.RECEIVER, Role.WORKER)) + self._wait((Role.POSTER,))
        return max(codes, default=0)

    def _wait(self, roles: Sequence[Role]) -> list[int]:
        children = [self._children.pop(role) for role in roles if role in self._children]
        for child in children:
            child.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + self._drain_seconds + _KILL_AFTER
        codes = []
        for child in children:
            try:
                codes.append(abs(child.process.wait(max(0.1, until - time.monotonic()))))
            except subprocess.TimeoutExpired:
                child.process.kill()
                codes.append(abs(child.process.wait()))
        return codes


def _command(role: Role) -> list[str]:
    return [sys.executable, "-m", "webhooks", "--role", str(role)]


def _ask_slug(settings: Settings) -> str:
    """The App's name, which its deliveries and comments bear; empty when there is no App yet."""
    if not settings.private_key:
        return ""
    from reviewbot.github.app_auth import AppAuth

    async def ask() -> str:
        app = AppAuth(*settings.require_app(), api_url=settings.api_url_for(settings.default_host))
        try:
            return str((await app.client.get("/app"))["slug"])
        finally:
            await app.aclose()

    try:
        return anyio.run(ask)
    except GitHubError as error:
        error.remedy = f"{error.remedy} Set REVIEWBOT_APP_SLUG to start without asking."
        raise
