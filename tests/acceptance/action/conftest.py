"""The world of the acceptance tests with a machine that runs action.yml in it."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reviewbot.sandbox.github import payloads, payloads_actions, payloads_pulls, people
from reviewbot.sandbox.github.payloads import Links
from tests.acceptance.action.runner import ROOT, Composite, Ended
from tests.acceptance.conftest import KEY, NAME, TOKEN, World

READS = {"contents": "read", "pull_requests": "read", "issues": "read", "checks": "read"}
FIRST = {"contents": "read", "pull_requests": "read"}  # what the two workflows for forks may do
SECOND = {"actions": "read", "contents": "read", "pull_requests": "write", "checks": "write"}
RUN = 4711


class _Pipe(io.RawIOBase):
    """A file that cannot be gone back in: what is written to it is written as actions/upload-artifact does."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


def zipped(files: dict[str, bytes]) -> bytes:
    """An archive of regular files."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 5, 10, 0, 0))
            entry.external_attr, entry.compress_type = 0o100644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
    return bytes(pipe.data)


@dataclass
class Workflow:
    """A workflow with one step, and the events that start it."""

    world: World
    machine: Composite
    token: str = TOKEN

    def run(
        self,
        event: str,
        payload: dict[str, Any],
        meanwhile: Callable[[subprocess.Popen[str]], None] | None = None,
        **inputs: str,
    ) -> Ended:
        """The step for one event; inputs with underscores. The key of the model is given unless ``api_key`` is."""
        file = self.machine.temp / "event.json"
        file.write_text(json.dumps(payload))
        environ = {**self.machine.environ, "GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": str(file)}
        machine = Composite(**{**vars(self.machine), "environ": environ})
        given = {"api_key": KEY, "api_base": self.world.api_base, **inputs}
        ended = machine.run({name.replace("_", "-"): value for name, value in given.items()}, self.token, meanwhile)
        self.world.said += [ended.log.text, ended.summary, *(each.text for each in ended.log.taken)]
        return ended

    # Events

    def pull_request(self, number: int = 1, action: str = "opened", **inputs: str) -> Ended:
        return self.run("pull_request", self.of_pull(number, action), **inputs)

    def comment(self, body: str, by: str = "maria", number: int = 1, action: str = "created", **inputs: str) -> Ended:
        hosted, github = self.world.hosted, self.world.github
        made = hosted.comments[github.comment(NAME, number, by, body, association="COLLABORATOR")]
        shown = payloads_pulls.issue_comment(self.links, hosted, made)
        issue = payloads_pulls.issue(self.links, hosted, hosted.issues[number])
        return self.run("issue_comment", {**self._of(action, by), "issue": issue, "comment": shown}, **inputs)

    def collect(self, number: int = 1, action: str = "opened", **inputs: str) -> Ended:
        """The first of two workflows: no key, and a token that may only read."""
        token, self.token = self.token, self.world.github.add_token(kind="actions", permissions=FIRST)
        try:
            return self.pull_request(number, action, **{"mode": "bundle", "api_key": "", "api_base": "", **inputs})
        finally:
            self.token = token

    def upload(self, data: bytes | Path, number: int = 1, name: str = "reviewbot-bundle", **fields: Any) -> None:
        """actions/upload-artifact, in the run of the first workflow."""
        if isinstance(data, Path):
            data = zipped({file.name: file.read_bytes() for file in sorted(data.iterdir())})
        self.world.github.add_artifact(NAME, RUN, name, data, number=number, **fields)

    def handed_over(self, payload: dict[str, Any] | None = None, permissions: Any = None, **inputs: str) -> Ended:
        """The second of the two."""
        self.token = self.world.github.add_token(kind="actions", permissions=permissions or SECOND)
        return self.run("workflow_run", payload or self.of_run(), **inputs)

    def of_run(self, number: int = 1, conclusion: str = "success") -> dict[str, Any]:
        """What GitHub says when the first workflow, started by this pull request, has ended."""
        github, hosted = self.world.github, self.world.hosted
        pull = hosted.issues[number]
        run = payloads_actions.workflow_run(self.links, github, hosted, pull, RUN, conclusion)
        return {**self._of("completed", pull.author.login), "workflow_run": run}

    def reply(self, to: int, body: str, by: str = "maria", **inputs: str) -> Ended:
        """An answer in the thread of a comment in the diff."""
        hosted = self.world.hosted
        made = hosted.review_comments[people.reply(self.world.github, NAME, to, by, body)]
        shown = payloads_pulls.review_comment(self.links, hosted, made)
        pull = payloads_pulls.pull(self.links, self.world.github, hosted, hosted.issues[made.number], full=True)
        event = {**self._of("created", by), "comment": shown, "pull_request": pull}
        return self.run("pull_request_review_comment", event, **inputs)

    def of_pull(self, number: int, action: str) -> dict[str, Any]:
        hosted = self.world.hosted
        pull = hosted.issues[number]
        shown = payloads_pulls.pull(self.links, self.world.github, hosted, pull, full=True)
        return {**self._of(action, pull.author.login), "number": number, "pull_request": shown}

    def _of(self, action: str, by: str) -> dict[str, Any]:
        account = self.world.github.account(by)
        repository = payloads.repository(self.links, self.world.hosted)
        return {"action": action, "repository": repository, "sender": payloads.user(self.links, account)}

    @property
    def links(self) -> Links:
        return Links(self.world.web, self.world.web)


@pytest.fixture
def workflow(world: World, tmp_path: Path) -> Workflow:
    """Uses the libraries of the test instead of a network; `test_install.py` has the true way."""
    return Workflow(world, machine_of(world, tmp_path))


def machine_of(world: World, tmp_path: Path, action: Path = ROOT) -> Composite:
    folders = {name: tmp_path / name for name in ("temp", "workspace", "cache")}
    for folder in folders.values():
        folder.mkdir()
    environ = {
        "PATH": world.environ["PATH"],
        "HOME": str(tmp_path),
        "GITHUB_API_URL": world.web,
        "GITHUB_SERVER_URL": world.web,
        "GITHUB_REPOSITORY": NAME,
        "GITHUB_RUN_ID": "77",
    }
    return Composite(action, environ=environ, **folders)
