"""One world for the acceptance tests: a sandbox GitHub and a sandbox model, real HTTP, real git, a real database.

The two servers run once for all tests; what they serve is new for each test. Commands run in this process (``run``) or
as a process of their own (``process``, ``start``), with an environment that holds nothing else of this machine.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reviewbot import cli
from reviewbot.sandbox.github import Limits, SandboxGitHub, create_app, running
from reviewbot.sandbox.github.records import CheckRun, IssueComment, Review, ReviewComment
from reviewbot.sandbox.responses.app import ResponsesSandbox
from reviewbot.sandbox.responses.faults import Fault, FaultKind
from reviewbot.sandbox.responses.reader import answer_text
from reviewbot.sandbox.scenario import make_scenario

NAME = "octo/shop"
KEY = "key-that-no-one-may-see-7fK2"
TOKEN = "ghs_TokenThatNoOneMaySee" + "a1B2" * 6  # no real token, but in the form of one
DATES = {"GIT_AUTHOR_DATE": "2026-01-05T10:00:00Z", "GIT_COMMITTER_DATE": "2026-01-05T10:00:00Z"}
PEOPLE = {f"GIT_{who}_{what}": "dev@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
PLAIN_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **DATES, **PEOPLE}
NOTHING_FOUND = json.dumps({"findings": [], "explanation": "Nothing.", "verdict": "correct"})


class Git:
    """git in a work tree, with a fixed author and clock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, *words: str) -> str:
        env = {"PATH": os.environ["PATH"], **PLAIN_GIT}
        done = subprocess.run(["git", *words], cwd=self.path, env=env, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def init(self, files: dict[str, str | bytes]) -> Git:
        self.path.mkdir(parents=True, exist_ok=True)
        self("init", "-q", "-b", "main", "--template=")
        self.commit("First", files)
        return self

    def commit(self, message: str, files: dict[str, str | bytes | None]) -> str:
        """Write the files (None removes one), commit them, and return the commit."""
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "-m", message)
        return self("rev-parse", "HEAD")

    def branch(self, name: str, files: dict[str, str | bytes | None], message: str = "Change") -> str:
        """A new branch from main with one commit; its name."""
        self("switch", "-q", "-c", name, "main")
        self.commit(message, files)
        return name


@dataclass(frozen=True)
class Sent:
    """One request as it came over the wire to GitHub."""

    method: str
    path: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Stage:
    """An ASGI application that stands for the one of the running test, and keeps what was sent to it."""

    def __init__(self) -> None:
        self.app: Any = None
        self.sent: list[Sent] = []
        self.on_request: Callable[[Sent], None] = lambda _: None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        pieces, more = [], True
        while more:
            message = await receive()
            pieces.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"".join(pieces)
        sent = Sent(scope["method"], scope["path"], body)
        self.sent.append(sent)
        self.on_request(sent)
        given = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Any:
            return given.pop() if given else await receive()

        await self.app(scope, again, send)


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class World:
    """GitHub, the model, and a command line between them."""

    github: SandboxGitHub
    model: ResponsesSandbox
    stage: Stage
    web: str
    api_base: str
    room: Path
    environ: dict[str, str]
    said: list[str] = field(default_factory=list)
    name: str = NAME

    # Doing

    def open(self, head: str, *, base: str = "main", **fields: Any) -> str:
        """Open a pull request; its URL."""
        number = self.github.open_pull_request(self.name, base=base, head=head, **fields)
        return f"{self.web}/{self.name}/pull/{number}"

    def run(self, *words: str | Path, **environ: str) -> Done:
        """One command in this process."""
        out, err = io.StringIO(), io.StringIO()
        changed = {**self.environ, **environ}
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(changed)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = cli.run([str(word) for word in words])
        finally:
            os.environ.clear()
            os.environ.update(before)
        return self._said(Done(code, out.getvalue(), err.getvalue()))

    def review(self, *words: str | Path, **environ: str) -> Done:
        return self.run("review", *words, **environ)

    def process(self, *words: str | Path, timeout: float = 60, **environ: str) -> Done:
        """The same command as a process of its own."""
        started = self.start(*words, **environ)
        out, err = started.communicate(timeout=timeout)
        return self._said(Done(started.returncode, out, err))

    def start(self, *words: str | Path, cwd: Path | None = None, **environ: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "reviewbot", *(str(word) for word in words)]
        env = {**self.environ, **environ}
        return subprocess.Popen(
            command, env=env, cwd=cwd or self.room, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def _said(self, done: Done) -> Done:
        self.said += [done.out, done.err]
        assert "Traceback" not in done.err
        return done

    def fault(self, kind: FaultKind, **fields: Any) -> None:
        self.model.faults.add(Fault(kind, **fields))

    def answers(self, read: Callable[[str], str | dict[str, Any]]) -> None:
        """Let the model answer by ``read`` instead of by its rules."""

        def reader(text: str, _schema: Any) -> str:
            said = read(text)
            return said if isinstance(said, str) else json.dumps(said)

        self.model._read = reader

    # Looking

    @property
    def hosted(self) -> Any:
        return self.github.repositories[self.name.lower()]

    @property
    def reviews(self) -> list[Review]:
        return list(self.hosted.reviews.values())

    @property
    def comments(self) -> list[ReviewComment]:
        return list(self.hosted.review_comments.values())

    @property
    def summaries(self) -> list[IssueComment]:
        return list(self.hosted.comments.values())

    @property
    def checks(self) -> list[CheckRun]:
        return list(self.hosted.check_runs.values())

    @property
    def posted(self) -> str:
        """Every text that stands on GitHub now."""
        texts = [item.body for item in (*self.reviews, *self.comments, *self.summaries)]
        texts += [json.dumps([check.output, check.annotations], ensure_ascii=False) for check in self.checks]
        return "\n".join(texts)

    @property
    def writes(self) -> list[Sent]:
        """What was written to GitHub; GraphQL queries and git are reads."""
        reads = ("/graphql", "/git-upload-pack")
        return [sent for sent in self.stage.sent if sent.method != "GET" and not sent.path.endswith(reads)]

    @property
    def reads(self) -> list[Sent]:
        """Calls of the API that only read."""
        return [s for s in self.stage.sent if s not in self.writes and ".git/" not in s.path]

    @property
    def fetches(self) -> list[Sent]:
        return [sent for sent in self.stage.sent if ".git/" in sent.path]

    @property
    def asked(self) -> int:
        """How many questions reached the model."""
        return len(self.model.answered)

    @property
    def prompts(self) -> list[str]:
        return [entry.body["input"][0]["content"][0]["text"] for entry in self.model.answered]

    @property
    def database(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted((self.room / "data").glob("runs.sqlite*")))

    def everything(self) -> str:
        """All that left: outputs of commands, requests to both servers, texts on GitHub, the database."""
        parts = [*self.said, self.posted, self.database.decode("latin-1")]
        parts += [f"{sent.method} {sent.path} {sent.body.decode('latin-1')}" for sent in self.stage.sent]
        parts += [json.dumps(entry.body) for entry in self.model.requests]
        return "\n".join(parts)


@pytest.fixture(scope="session")
def stages() -> Iterator[tuple[Stage, str, Stage, str]]:
    """The two servers; what they serve is put on stage by each test."""
    github, model = Stage(), Stage()
    with running(github) as web, running(model) as api:
        yield github, web, model, api


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Git:
    """The demo's shop with the branch ``vouchers`` and others beside it. Tests only read it."""
    path = tmp_path_factory.mktemp("repositories") / "shop"
    make_scenario(path)
    git = Git(path)
    git.branch("wide", dict(wide_files(6)), "Six modules")
    git.branch("clean", {"shop/money.py": "RATE = 3\n"}, "A rate")
    git("branch", "empty", "main")
    git("switch", "-q", "main")
    return git


def module(number: int, lines: int = 60) -> str:
    """A harmless Python file of some 20 tokens a line."""
    rows = [f'"""Part {number} of the catalogue."""', "", "", f"def part_{number}(items):"]
    rows += [
        f"    total_{row} = sum(item.amount_{row} for item in items if item.part == {number})" for row in range(lines)
    ]
    return "\n".join([*rows, f"    return total_0 + {number}", ""])


def wide_files(count: int, lines: int = 60) -> Iterator[tuple[str, str]]:
    for number in range(1, count + 1):
        yield f"parts/part_{number}.py", module(number, lines)


@pytest.fixture
def limits() -> Limits:
    return Limits(content_per_minute=None)


@pytest.fixture
def served(repository: Git) -> Path:
    """The repository that GitHub serves; a test that changes it gives its own."""
    return repository.path


@pytest.fixture
def world(stages: tuple[Stage, str, Stage, str], served: Path, limits: Limits, tmp_path: Path) -> Iterator[World]:
    """GitHub with the repository ``octo/shop`` and a token that may everything, and a model that answers by rules."""
    stage, web, model_stage, api = stages
    github = SandboxGitHub({NAME: served}, limits=limits)
    github.add_token(login="reviewbot[bot]", kind="app", value=TOKEN)
    model = ResponsesSandbox(key=KEY, read=answer_text)
    stage.app, model_stage.app = create_app(github), model.app
    settings = tmp_path / "deployment.toml"
    settings.write_text('[analyzers]\nonly = ["ruff"]\n')  # test_analyzers.py has them all
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "REVIEWBOT_SETTINGS_FILE": str(settings),
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_API_URL": web,
        "GITHUB_SERVER_URL": web,
        "REVIEWBOT_API_BASE": f"{api}/v1",
        "REVIEWBOT_API_KEY": KEY,
        "REVIEWBOT_DATA_DIR": str(tmp_path / "data"),
    }
    made = World(github, model, stage, web, f"{api}/v1", tmp_path, environ)
    try:
        yield made
        left = made.everything()
        assert KEY not in left, "the model's key left its header"
        assert TOKEN not in left, "the token left its header"
    finally:
        github.close()
        stage.sent.clear()
        stage.on_request = lambda _: None


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub on this machine is never late: looking for a lost write, and trying again, need no pauses."""
    monkeypatch.setattr("reviewbot.github.once._LOOK_AFTER", (0.01, 0.01, 0.01))
    monkeypatch.setattr("reviewbot.github.check_runs._LOOK_AFTER", 0.01)
    monkeypatch.setattr("reviewbot.github.client._FIRST_PAUSE", 0.01)


def finding(**changes: Any) -> dict[str, Any]:
    """A finding as a model writes it, on the line of the demo that compares with None."""
    return {
        "path": "shop/db.py",
        "side": "new",
        "quote": "    if state != None:",
        "evidence": "It is compared by value.",
        "title": "None is compared by value",
        "body": "A class may define its own comparison.",
        "category": "bug",
        "suggestion": None,
        "priority": 1,
        "confidence": 0.9,
        **changes,
    }


def reply(*findings: dict[str, Any], explanation: str = "Looked at.") -> dict[str, Any]:
    return {"findings": list(findings), "explanation": explanation, "verdict": "incorrect" if findings else "correct"}


def shown_paths(prompt: str) -> list[str]:
    """The files whose change a prompt shows."""
    return re.findall(r"^=== (.+?) \(\w+", prompt, re.MULTILINE)
