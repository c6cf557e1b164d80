"""Processes of a server are killed at random moments, and nothing is lost, posted twice, or paid again.

`make proof` runs the same test with thirty kills.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from reviewbot.sandbox.github.hooks import Delivery
from tests.acceptance.server.conftest import Server, until
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

FEW, MANY = 6, 30
SEED = 11
VICTIMS = ("worker", "supervisor", "poster", "worker", "receiver", "worker")  # in turn, then shuffled
_SHARE = 2  # pull requests opened before each kill


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def served(tmp_path: Path, kills: int) -> Path:
    return make_parts(tmp_path / "parts", _SHARE * kills + 2).path


class Killer:
    """Kills processes of one `reviewbot serve`, which it starts again itself when that was the supervisor."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.kills: list[Kill] = []  # of those that ask the model
        self.process = server.start()
        server.ready()

    def kill(self, victim: str) -> None:
        if victim == "supervisor":
            orphans = set(self.server.ours()) - {self.process.pid}
            begun = time.monotonic()
            self.process.kill()
            self.process.wait()
            until(lambda: not orphans & set(self.server.ours()), 10, lambda: "orphans live on")
            self.kills.append(Kill(begun, time.monotonic()))
            self.process = self.server.start()
            return
        (pid,) = until(lambda: self.server.children(victim), 60, self.server.log)
        begun = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        if victim == "worker":
            self.kills.append(Kill(begun, time.monotonic()))

    def asking(self) -> bool:
        return bool(under_way(self.server))


def ten_minutes_later(server: Server) -> int:
    """The sweep asks GitHub at once for what failed, and ten minutes later for what failed again. Those ten minutes are
    not waited for here: what failed twice is delivered now, as the sweep would have asked."""
    tries: dict[str, list[int]] = {}
    last: dict[str, Delivery] = {}
    for delivery in server.github.hooks.log():
        tries.setdefault(delivery.message.guid, []).append(delivery.status_code)
        last.setdefault(delivery.message.guid, delivery)
    waiting = {message.guid for message in server.github.hooks.waiting()}
    failed = [g for g, codes in tries.items() if len(codes) > 1 and not any(200 <= code < 300 for code in codes)]
    for guid in set(failed) - waiting:
        server.github.hooks.send_again(last[guid])
    return len(failed)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)], indirect=True)
@pytest.mark.parametrize("kills", [FEW, pytest.param(MANY, marks=pytest.mark.long)], indirect=True)
def test_killed_at_random_moments_nothing_is_lost_doubled_or_paid_again(
    server: Server, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Worker, poster, receiver and supervisor are killed while reviews are under way. It proves that

    - no job is lost: each pull request ends with one summary and one review, for its head; a delivery that nobody could
      answer is found by the sweep;
    - nothing is doubled: no review, no finding, no comment on a file, no check run;
    - no answer is paid for again that was in the store: each second answer to a question is explained by a kill that
      came while the first was under way, or within half a second of its end. The allowance is computed from the times of
      the kills and of the answers.
    """
    server.configure(**SMALL, model={"concurrency": 1}, server={"sweep_minutes": 0.05})
    server.model._read, server.model.latency = two_for_each_file, 0.8  # a review takes some seconds, and kills find it
    dice = random.Random(SEED)
    victims = [VICTIMS[turn % len(VICTIMS)] for turn in range(kills)]
    dice.shuffle(victims)
    killer = Killer(server)
    begun, numbers, busy = time.monotonic(), list[int](), 0
    for turn, victim in enumerate(victims):
        numbers += open_parts(server, range(_SHARE * turn, _SHARE * turn + _SHARE))
        until(killer.asking, 90, server.log)
        time.sleep(dice.uniform(0.2, 2.4))
        busy += killer.asking()
        killer.kill(victim)
    numbers += open_parts(server, range(_SHARE * kills, _SHARE * kills + 2))
    found_later = 0

    def done() -> bool:
        nonlocal found_later
        found_later = max(found_later, ten_minutes_later(server))
        time.sleep(0.5)
        return all(is_reviewed(server, number) for number in numbers)

    until(done, 120, server.log)
    server.quiet()
    assert server.status()["parked"] == server.status()["troubles"] == []
    assert_reviewed_once(server, numbers, file_comments=FILES)
    spent = paid(server, killer.kills)
    failed = sum(not 200 <= delivery.status_code < 300 for delivery in server.github.hooks.log())
    with capsys.disabled():
        print(
            f"\n{kills} kills ({busy} while the model was asked), {len(numbers)} pull requests, "
            f"{time.monotonic() - begun:.0f} s: 0 lost, 0 doubled; {spent.answers} answers to {spent.questions} "
            f"questions, {spent.again} paid again, {spent.explained} of them in the window of a kill, {spent.saved} saved; "
            f"{failed} deliveries failed, {found_later} of them twice"
        )
    assert spent.questions == len(numbers) * FILES
    assert spent.saved, "a kill came between the answers of a review"
    assert spent.again == spent.explained, "an answer that was in the store was paid for again"
    with suppress(httpx.TransportError, subprocess.TimeoutExpired):
        assert server.stop(killer.process) == 0
