"""A small repository with every kind of change, and a client that calls the application without a socket."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from reviewbot.sandbox.github import Limits, SandboxApp, SandboxGitHub, create_app, running

NAME = "octo/shop"
PULL = f"/repos/{NAME}/pulls/2"


class Git:
    """git in a work tree, with a fixed author and clock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, *arguments: str) -> str:
        people = {
            f"GIT_{who}_{what}": "dev@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        dates = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
        config = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        env = {**os.environ, **people, **dates, **config}
        return subprocess.run(
            ["git", "-C", str(self.path), *arguments], env=env, check=True, capture_output=True, text=True
        ).stdout.strip()

    def write(self, files: dict[str, str | bytes | None]) -> None:
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, message: str, files: dict[str, str | bytes | None]) -> str:
        self.write(files)
        self("add", "-A")
        self("commit", "-q", "-m", message)
        return self("rev-parse", "HEAD")


def numbered(first: int, last: int) -> str:
    return "".join(f"line {number}\n" for number in range(first, last + 1))


def build(path: Path) -> None:
    path.mkdir()
    git = Git(path)
    git("init", "-q", "-b", "main", "--template=")
    base: dict[str, str | bytes | None] = {
        "a.py": numbered(1, 60),
        "gone.py": "bye\n",
        "old name.txt": numbered(1, 20),
        "logo.bin": b"\0\1\2",
        "docs/é.md": "one\n",
        "run.sh": "echo\n",
    }
    git.write(base)
    (path / "link").symlink_to("a.py")
    (path / "kind").symlink_to("a.py")
    git("add", "-A")
    (path / "lib").mkdir()
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib")
    git.write({".gitmodules": '[submodule "lib"]\n\tpath = lib\n\turl = https://example.org/lib.git\n'})
    git("add", ".gitmodules")
    git("commit", "-q", "-m", "First")
    git("tag", "v1")
    git("switch", "-q", "-c", "feature/cards")
    changed = numbered(1, 60).replace("line 10\n", "line ten\nmore\n").replace("line 50\n", "")
    git("mv", "old name.txt", "new name.txt")
    (path / "kind").unlink()
    os.chmod(path / "run.sh", 0o755)
    git.commit(
        "Take cards\n\nWith a body.",
        {
            "a.py": changed,
            "gone.py": None,
            "logo.bin": b"\0\3",
            "docs/é.md": "two\n",
            "kind": "a file\n",
            "new.py": "x",
        },
    )
    git("switch", "-q", "main")
    git.commit("Meanwhile", {"other.txt": "not in the change\n"})


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "shop"
    build(path)
    return path


@pytest.fixture
def git(_template: Path, tmp_path: Path) -> Git:
    """A fresh copy of the repository."""
    shutil.copytree(_template, tmp_path / "shop", symlinks=True)
    return Git(tmp_path / "shop")


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
def github(git: Git, limits: Limits) -> Iterator[SandboxGitHub]:
    """octo/shop with issue 1 and pull request 2 from feature/cards."""
    github = SandboxGitHub({NAME: git.path}, limits=limits)
    github.add_issue(NAME, "Cards", "Take cards, please")
    github.open_pull_request(NAME, base="main", head="feature/cards", body="Fixes #1")
    yield github
    github.close()


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """Calls the application as a server would, with a token unless told otherwise."""

    def __init__(self, github: SandboxGitHub, token: str | None = None, **headers: str) -> None:
        self.app: SandboxApp = create_app(github)
        self.headers = {"host": "sandbox.test", **headers}
        if token:
            self.headers["authorization"] = f"Bearer {token}"

    def __call__(self, method: str, url: str, data: Any = None, **headers: str) -> Reply:
        parts = urlsplit(url)
        body = b"" if data is None else data if isinstance(data, bytes) else json.dumps(data).encode()
        own = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": parts.path,
            "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in own.items()],
            "server": ("sandbox.test", 80),
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Reply(sent[0]["status"], head, b"".join(message.get("body", b"") for message in sent[1:]))

    def get(self, url: str, **headers: str) -> Any:
        reply = self("GET", url, **headers)
        assert reply.status == 200, reply.body
        return reply.json

    def post(self, url: str, data: Any) -> Reply:
        return self("POST", url, data)

    def graphql(self, query: str, **variables: Any) -> Any:
        reply = self("POST", "/graphql", {"query": query, "variables": variables})
        assert reply.status == 200, reply.body
        return reply.json


@pytest.fixture
def api(github: SandboxGitHub) -> Api:
    """A person with write access."""
    return Api(github, github.add_token("reviewer"))


@pytest.fixture
def bot(github: SandboxGitHub) -> Api:
    """An App's installation."""
    return Api(github, github.add_token(kind="app"))


@pytest.fixture
def client(github: SandboxGitHub) -> Callable[..., Api]:
    """Anybody: ``client(token)``, or ``client()`` without one."""
    return lambda token=None: Api(github, token)


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def name(self) -> str:
        """``event.action``."""
        action = self.json.get("action")
        return self.headers["x-github-event"] + (f".{action}" if action else "")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Takes deliveries as a server of the App would; ``statuses`` are the answers, 202 when there are no more."""

    def __init__(self) -> None:
        self.taken: list[Received] = []
        self.statuses: list[int] = []
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.taken.append(Received(headers, body))
        status = self.statuses.pop(0) if self.statuses else 202
        said = [(b"content-type", b"text/plain"), (b"location", b"/elsewhere")]
        await send({"type": "http.response.start", "status": status, "headers": said})
        await send({"type": "http.response.body", "body": b"said"})

    def names(self) -> list[str]:
        return [each.name for each in self.taken]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    with running(receiver) as url:
        receiver.url = f"{url}/webhooks/github"
        yield receiver


@pytest.fixture
def hooked(git: Git, receiver: Receiver) -> Iterator[SandboxGitHub]:
    """octo/shop with the App installed on it and its webhook at the receiver; nothing has happened there yet."""
    github = SandboxGitHub({NAME: git.path})
    github.add_installation("octo", repositories=[NAME])
    github.use_app(hook_url=receiver.url, webhook_secret="hook secret")
    yield github
    github.close()


@pytest.fixture
def with_token() -> Callable[[SandboxGitHub, str], Api]:
    return Api


@pytest.fixture
def api_of() -> Callable[..., Api]:
    """``api_of(github, login)`` with a new token of theirs, ``api_of(github)`` without one."""

    def made(github: SandboxGitHub, login: str | None = None, **more: Any) -> Api:
        return Api(github) if login is None else Api(github, github.add_token(login or None, **more))

    return made
