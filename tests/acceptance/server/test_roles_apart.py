"""Roles as processes of their own, each with its own secrets only, on one Postgres: as on many machines."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from reviewbot.sandbox.github import running
from reviewbot.sandbox.github.tokens import credential
from tests.acceptance.server.conftest import ADMIN, KEY, SECRET, Server, free_port, until
from tests.acceptance.server.judge import (
    FILES,
    SMALL,
    Kill,
    assert_reviewed_once,
    is_reviewed,
    make_parts,
    open_parts,
    paid,
    two_for_each_file,
    under_way,
)

TOKEN_SECRET = "word-of-workers-that-no-one-may-see"
pytestmark = pytest.mark.parametrize("database", ["postgres"], indirect=True)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    return make_parts(tmp_path / "parts", 24).path


class Witness:
    """An ASGI application before another: what each request's token may do, as GitHub knows it at that moment."""

    def __init__(self, app: Any, tokens: Mapping[str, Any]) -> None:
        self.app, self.tokens = app, tokens
        self.seen: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {key.decode().lower(): value.decode() for key, value in scope["headers"]}
            token = self.tokens.get(credential(headers))
            self.seen.append((f"{scope['method']} {scope['path']}", dict(token.permissions) if token else {}))
        await self.app(scope, receive, send)


class Fleet:
    """A receiver, a poster, and workers that reach GitHub's API by an address of their own."""

    def __init__(self, server: Server, for_workers: str, for_poster: str) -> None:
        self.server, self.tokens = server, free_port()
        given = server.environ
        names = ["PATH", "HOME", "GITHUB_API_URL", "GITHUB_SERVER_URL", "REVIEWBOT_DATA_DIR", "REVIEWBOT_DATABASE_URL"]
        names += ["REVIEWBOT_SETTINGS_FILE", "PYTHONPATH"]
        plain = {name: given[name] for name in names if name in given} | {"REVIEWBOT_ADMIN_TOKEN": ADMIN}
        words = {"REVIEWBOT_TOKEN_SECRET": TOKEN_SECRET}
        self.environs = {
            "receiver": {**plain, "REVIEWBOT_WEBHOOK_SECRET": SECRET, "REVIEWBOT_APP_SLUG": "reviewbot"},
            "worker": {
                **plain,
                **words,
                "REVIEWBOT_TOKEN_URL": f"http://127.0.0.1:{self.tokens}",
                "REVIEWBOT_API_KEY": KEY,
                "REVIEWBOT_API_BASE": given["REVIEWBOT_API_BASE"],
                "GITHUB_API_URL": for_workers,
            },
            "poster": {
                **plain,
                **words,
                "REVIEWBOT_APP_ID": given["REVIEWBOT_APP_ID"],
                "REVIEWBOT_PRIVATE_KEY": given["REVIEWBOT_PRIVATE_KEY"],
                "REVIEWBOT_API_BASE": f"{for_poster}/v1",
            },
        }

    def start(self, role: str, name: str, port: int | None = None) -> tuple[Any, int]:
        """The process, and its port."""
        port = port or free_port()
        process = self.server.start("--role", role, port=port, environ=self.environs[role], REVIEWBOT_WORKER_ID=name)
        return process, port


@pytest.fixture
def witnesses(server: Server, stages: Any) -> Iterator[tuple[Witness, str, Witness, str]]:
    """Before GitHub's API as workers reach it, and before a model that nobody but the poster could ask."""
    at_github = Witness(stages[0], server.github.tokens)
    at_model = Witness(stages[2], {})
    with running(at_github) as github_url, running(at_model) as model_url:
        yield at_github, github_url, at_model, model_url


@pytest.mark.timeout(240)
def test_roles_apart_hold_their_own_secrets_and_outlive_each_other(
    server: Server, witnesses: tuple[Witness, str, Witness, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A worker without the App's key, a poster without the provider's key, a receiver with neither. It proves that

    - they do a review together; no token that a worker shows GitHub may write anything, and the poster asks no model;
    - the jobs of a worker that is killed for good are taken over by another, and begun within 30 s;
    - a second set of processes takes over while the first drains, as in a rolling update: nothing is lost or doubled.
    """
    at_github, github_url, at_model, model_url = witnesses
    server.configure(**SMALL, server={"per_process": 3, "per_installation": 6})
    server.model._read, server.model.latency = two_for_each_file, 0.3
    fleet = Fleet(server, github_url, model_url)
    receiver, _ = fleet.start("receiver", "r1", server.port)
    poster, _ = fleet.start("poster", "p1", fleet.tokens)
    doomed, _ = fleet.start("worker", "w1")
    server.ready()
    numbers = open_parts(server, range(2))
    until(lambda: all(is_reviewed(server, number) for number in numbers), 60, server.log)

    server.model.latency = 8.0
    numbers += open_parts(server, range(2, 5))
    held = until(lambda: len(under_way(server)) >= 3 and under_way(server), 60, server.log)
    other, _ = fleet.start("worker", "w2")
    until(lambda: "2 are there" in str(server.status().get("health")), 60, server.log)
    server.model.latency = 0.3
    begun, asked = time.monotonic(), len(server.model.answered)
    os.kill(doomed.pid, signal.SIGKILL)
    kill = Kill(begun, time.monotonic())
    until(lambda: len(server.model.answered) >= asked + len(held), 60, server.log)
    seconds = time.monotonic() - begun
    until(lambda: all(is_reviewed(server, number) for number in numbers), 60, server.log)

    numbers += open_parts(server, range(5, 10))
    until(lambda: under_way(server), 60, server.log)
    new_poster, _ = fleet.start("poster", "p2", free_port())
    new_worker, _ = fleet.start("worker", "w3")
    until(lambda: str(server.status().get("health")).count("2 are there") == 2, 60, server.log)
    numbers += open_parts(server, range(10, 13))
    assert server.stop(other) == 0
    numbers += open_parts(server, range(13, 16))
    until(lambda: all(is_reviewed(server, number) for number in numbers), 90, server.log)
    server.quiet()
    assert server.stop(poster) == 0
    assert_reviewed_once(server, numbers, file_comments=FILES)
    spent = paid(server, [kill])
    assert spent.again == spent.explained
    with capsys.disabled():
        print(f"\nthe {len(held)} jobs of a dead worker were under way elsewhere {seconds:.1f} s after its death")
    assert seconds < 30

    shown = [(call, permissions) for call, permissions in at_github.seen if permissions]
    assert len(shown) > 20
    assert not [call for call, permissions in shown if "write" in permissions.values()]
    assert not at_model.seen, "the poster asks no model"
    assert TOKEN_SECRET not in server.log()
    for process in (new_worker, new_poster, receiver):
        assert server.stop(process) == 0
