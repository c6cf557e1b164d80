"""Pushes that come fast, and deliveries that come in disorder: one review, for the newest head."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from reviewbot.sandbox.responses.faults import Fault, FaultKind
from tests.acceptance.conftest import Git
from tests.acceptance.server.conftest import NAME, SECRET, Server, deployed, new_database, until
from tests.acceptance.server.judge import (
    SMALL,
    assert_reviewed_once,
    is_reviewed,
    make_parts,
    open_parts,
    part_path,
    part_text,
    two_for_each_file,
    under_way,
)


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Git:
    return make_parts(tmp_path_factory.mktemp("pushes") / "parts", 12)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.long)])
def running(
    request: pytest.FixtureRequest,
    stages: Any,
    app_key: tuple[str, str],
    git: Git,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """One server for all tests of a database; each uses a branch of its own."""
    url = new_database(request.getfixturevalue("postgres")) if request.param == "postgres" else ""
    with deployed(stages, {NAME: Path(git.path)}, app_key, tmp_path_factory.mktemp("room"), url) as made:
        made.configure(**SMALL)
        made.model._read = two_for_each_file
        made.start()
        made.ready()
        yield made
        assert made.stop() == 0


@pytest.fixture(autouse=True)
def _well(running: Server) -> Iterator[None]:
    running.model.latency = 0.2
    yield
    running.model.faults.clear()
    running.github.hooks.double(on=False)
    running.github.hooks.release()


ON_FILE = pytest.mark.parametrize("running", ["sqlite"], indirect=True)  # these ask nothing of the database itself


def part(running: Server, base: int) -> int:
    """A branch that no test of this database has used."""
    return base + (0 if "REVIEWBOT_DATABASE_URL" not in running.environ else 6)


def push(running: Server, git: Git, branch: int, text: str) -> str:
    """A commit on the branch, seen by GitHub at once."""
    git("switch", "-q", f"part-{branch}")
    path = part_path(branch, 0)
    head = git.commit("More", {path: f"{part_text(branch, 0)}\n\n# {text}\n"})
    git("switch", "-q", "main")
    running.github.notice(NAME)
    return head


def test_ten_pushes_in_five_seconds_give_one_review_of_the_newest_head(running: Server, git: Git) -> None:
    """What a review says is about the newest head, and earlier heads are reviewed by nobody, although each push comes
    after the debounce of the one before and so finds a review that has begun."""
    running.model.latency = 4.0  # longer than a pause of this thread: no review can end between two pushes
    branch = part(running, 0)
    (number,) = open_parts(running, [branch])
    for turn in range(10):
        time.sleep(0.5)
        head = push(running, git, branch, f"Push {turn}")
    running.github.hooks.drain()
    running.model.latency = 0.2
    until(lambda: is_reviewed(running, number), 60, running.log)
    running.quiet()
    assert running.hosted.pull(number).head_sha == head
    assert_reviewed_once(running, [number])
    assert [run["status"] for run in running.runs(number)].count("finished") == 1


def test_a_push_stops_the_review_that_runs_and_what_that_spent_is_booked(
    running: Server, git: Git, capsys: pytest.CaptureFixture[str]
) -> None:
    """The model sees its connection closed, so the spending ends; the answer that was complete by then is in the books
    of the run, which failed as interrupted; the newest head has the one review."""
    branch = part(running, 1)
    asked = len(running.model.answered)
    running.model.faults.add(Fault(FaultKind.SLOW, request=asked + 2, seconds=60.0))
    (number,) = open_parts(running, [branch])
    slow = until(lambda: [e for e in under_way(running) if e.fault == "slow"], 30, running.log)[0]
    time.sleep(1.5)  # the other two answers come
    push(running, git, branch, "Newer")
    running.github.hooks.drain()
    pushed = time.monotonic()
    until(lambda: slow.disconnected, 20, running.log)
    seconds = slow.ended - pushed
    with capsys.disabled():
        print(f"\nthe model's connection was closed {seconds:.2f} s after the push was taken")
    assert seconds < 6.0  # 2 s is the promise; the rest is what two busy cores may add
    until(lambda: is_reviewed(running, number), 60, running.log)
    running.quiet()
    assert_reviewed_once(running, [number])
    newest, stopped = running.runs(number)
    assert (newest["status"], stopped["status"], stopped["error"]) == ("finished", "failed", "interrupted")
    assert stopped["cost_usd"] > 0, "the answers that came before are paid for"


def test_deliveries_out_of_order_and_doubled_start_one_review(running: Server, git: Git) -> None:
    """The order of three events is changed and each is told twice: one review stands, of the newest head."""
    branch = part(running, 2)
    running.github.hooks.double()
    running.github.hooks.hold()
    (number,) = open_parts(running, [branch])
    for turn in range(3):
        push(running, git, branch, f"Turn {turn}")
    running.github.hooks.shuffle(43)
    order = [(m.payload["action"], m.payload.get("after", "")) for m in running.github.hooks.waiting()]
    assert len(order) == 8
    assert len(set(order)) == 4
    assert order[0][1] == running.hosted.pull(number).head_sha, "the newest comes first"
    assert order[-1][0] == "opened", "and the oldest last"
    running.github.hooks.release()
    until(lambda: is_reviewed(running, number), 60, running.log)
    running.quiet()
    assert_reviewed_once(running, [number])


@ON_FILE
def test_a_delivery_that_is_replayed_or_redelivered_starts_nothing(running: Server, git: Git) -> None:
    """The same event under a new delivery id, correctly signed, and GitHub's own redelivery of it: both are known
    again, the model is not asked, and no second run is booked."""
    (number,) = open_parts(running, [part(running, 3)])
    until(lambda: is_reviewed(running, number), 60, running.log)
    running.quiet()
    asked = len(running.model.answered)
    (first,) = [
        delivery
        for delivery in running.github.hooks.log()
        if delivery.message.action == "opened" and delivery.message.payload["number"] == number
    ]
    body = json.dumps(first.message.payload).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {**first.headers, "X-GitHub-Delivery": str(uuid.uuid4()), "X-Hub-Signature-256": f"sha256={signature}"}
    answer = httpx.post(f"{running.url}/webhooks/github", content=body, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (200, "ignored")
    assert "same action on the same head" in answer.json()["reason"]
    running.github.hooks.send_again(first)
    running.github.hooks.drain()
    again = running.github.hooks.log()[0]
    assert again.message.redelivery
    assert "taken before" in (again.response_text or "")
    running.quiet()
    assert len(running.model.answered) == asked
    assert len(running.runs(number)) == 1
    assert_reviewed_once(running, [number])
