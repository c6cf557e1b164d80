"""Two runs on one head: what one posts while the other thinks is not posted again."""

from __future__ import annotations

from typing import Any

from .conftest import World, finding, reply


def test_a_run_that_ends_while_another_thinks_has_said_it_already(world: World) -> None:
    url = world.open("vouchers")
    runs: list[int] = []

    def read(_: str) -> Any:
        if not runs:
            runs.append(0)  # the second run asks too, and must not start a third
            runs.append(world.process("review", url, "--full").code)
        return reply(finding())

    world.answers(read)
    done = world.process("review", url)
    assert (done.code, runs) == (0, [0, 0])
    assert world.asked == 2
    assert len(world.reviews) == 1
    assert len(world.comments) == 1
    assert len(world.summaries) == 1
    assert "already posted" in done.out
