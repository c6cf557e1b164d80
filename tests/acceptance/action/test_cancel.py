"""A run that is cancelled, as `concurrency` does it: SIGINT, then SIGTERM; nothing is posted by half."""

from __future__ import annotations

import signal
import subprocess
import threading

from tests.acceptance.action.conftest import Workflow
from tests.acceptance.conftest import Sent, World
from tests.acceptance.test_interrupts import wait_for


def test_while_the_model_thinks(world: World, workflow: Workflow) -> None:
    world.open("vouchers")
    world.model.latency = 60.0

    def cancel(process: subprocess.Popen[str]) -> None:
        wait_for(lambda: world.asked == 1, 40)
        process.send_signal(signal.SIGINT)  # to this process alone, as the runner does it
        process.send_signal(signal.SIGTERM)

    ended = workflow.run("pull_request", workflow.of_pull(1, "opened"), cancel)
    assert (ended.code, ended.outputs["verdict"]) == (130, "stopped")
    assert world.writes == []
    assert "Stopped" in ended.log.of("notice")[-1].text
    wait_for(lambda: world.model.answered[-1].disconnected)


def test_while_it_posts(world: World, workflow: Workflow) -> None:
    """What was begun is finished: review, summary and check run, or none of them."""
    world.open("vouchers")
    held = threading.Event()

    def hold(sent: Sent) -> None:
        if sent.path.endswith("/pulls/1/reviews") and sent.method == "POST" and not held.is_set():
            started[0].send_signal(signal.SIGINT)
            started[0].send_signal(signal.SIGTERM)
            held.set()

    started: list[subprocess.Popen[str]] = []
    world.stage.on_request = hold
    ended = workflow.run("pull_request", workflow.of_pull(1, "opened"), started.append)
    assert held.is_set()
    assert (ended.code, ended.outputs["verdict"]) == (130, "stopped")
    assert len(world.reviews) == len(world.summaries) == len(world.checks) == 1
    world.stage.on_request = lambda _: None
    assert workflow.pull_request(action="synchronize").code == 0
    assert len(world.reviews) == len(world.summaries) == 1
    assert len(world.comments) == 10
