"""A run that is killed or stopped: no answer is paid twice, no review is posted twice, and the spending stops."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from reviewbot.sandbox.responses.faults import FaultKind

from .conftest import NOTHING_FOUND, Sent, World, finding, reply, shown_paths

CHUNKS = ("--set", "chunks.target_tokens=2500", "--set", "model.concurrency=1")


def wait_for(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


def finished(world: World) -> int:
    """Answers that were made and taken by the client: the next question was asked after them."""
    return max(0, world.asked - 1)


def kill(started: subprocess.Popen[str]) -> None:
    started.send_signal(signal.SIGKILL)
    started.communicate(timeout=20)


def test_a_killed_run_does_not_pay_again(world: World) -> None:
    """SIGKILL in the middle: what was answered is stored, and the same command asks only for the rest."""
    world.answers(lambda _: NOTHING_FOUND)
    world.model.latency = 0.15
    url = world.open("wide")
    started = world.start("review", url, *CHUNKS)
    wait_for(lambda: world.asked >= 4)
    kill(started)
    before = [shown_paths(prompt)[0] for prompt in world.prompts[: finished(world)]]
    assert len(before) >= 3
    world.model.latency = 0.0
    asked = world.asked
    done = world.review(url, *CHUNKS, "--format", "json")
    assert done.code == 0
    again = [shown_paths(prompt)[0] for prompt in world.prompts[asked:]]
    assert set(again).isdisjoint(before)
    assert len(again) == 6 - len(before)
    assert done.json["usage"]["requests"] == len(again)
    assert done.json["usage"]["saved_usd"] > 0
    assert len(world.summaries) == 1


@pytest.mark.parametrize("after", ["/pulls/1/reviews", "/issues/1/comments", "/check-runs"])
def test_a_run_killed_between_two_writes_posts_nothing_twice(world: World, after: str) -> None:
    world.answers(lambda _: reply(finding(path="parts/part_1.py", quote="    return total_0 + 1")))
    url = world.open("wide")
    world.github.faults.add(f"^POST .*{after}$", "delay:1.5")
    seen: list[Sent] = []
    world.stage.on_request = lambda sent: seen.append(sent) if sent.path.endswith(after) else None
    started = world.start("review", url)
    wait_for(lambda: bool(seen))
    kill(started)
    wait_for(lambda: any(entry.path.endswith(after) for entry in world.github.log))
    assert world.review(url).code == 0
    assert len(world.reviews) == len(world.summaries) == 1
    assert len(world.comments) == 1
    assert world.asked == 2, "the change, and places like that of the finding; never again"


def test_ctrl_c_says_what_was_spent_and_stops_the_spending(world: World) -> None:
    world.answers(lambda _: NOTHING_FOUND)
    url = world.open("wide")
    world.fault(FaultKind.SLOW, contains="=== parts/part_3.py", seconds=60)
    started = world.start("review", url, *CHUNKS)
    wait_for(lambda: any(entry.fault for entry in world.model.answered))
    stopped = time.monotonic()
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=20)
    assert time.monotonic() - stopped < 5
    assert started.returncode == 130
    assert "Traceback" not in err
    said = re.search(r"stopped\. Spent \$(\d+\.\d{4}) in (\d+) answers", err)
    assert said
    paid = [entry for entry in world.model.answered if entry.output_tokens]
    assert int(said[2]) == len(paid)
    assert float(said[1]) > 0
    assert "the same command goes on from there" in err
    slow = world.model.answered[-1]
    wait_for(lambda: slow.disconnected)  # the stream was closed, so the model stops
    assert world.writes == []
    assert out == ""
    asked = world.asked
    assert world.review(url, *CHUNKS).code == 0
    assert world.asked - asked == 6 - len(paid)


def test_ctrl_c_cancels_an_answer_in_the_background(world: World) -> None:
    world.model.latency = 60.0
    started = world.start("review", world.open("vouchers"), "--set", "model.background=true")
    wait_for(lambda: world.asked == 1)
    wait_for(lambda: any(entry.method == "GET" for entry in world.model.requests))
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=20)
    assert started.returncode == 130
    assert "stopped. Spent $0.0000" in err
    assert world.model.requests[-1].path.endswith("/cancel")


def test_a_stopped_run_is_in_the_list(world: World) -> None:
    world.model.latency = 60.0
    started = world.start("review", world.open("vouchers"))
    wait_for(lambda: world.asked == 1)
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=20)
    assert started.returncode == 130
    listed = world.run("runs", "list").out
    assert "octo/shop#1" in listed
