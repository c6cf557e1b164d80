"""The world of the acceptance tests with a machine that runs action.yml in it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reviewbot.sandbox.github import payloads, payloads_pulls
from reviewbot.sandbox.github.payloads import Links
from tests.acceptance.action.runner import ROOT, Composite, Ended
from tests.acceptance.conftest import KEY, NAME, TOKEN, World

READS = {"contents": "read", "pull_requests": "read", "issues": "read", "checks": "read"}


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
