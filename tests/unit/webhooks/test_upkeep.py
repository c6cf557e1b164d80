"""What a server does by itself, now and then."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from reviewbot.errors import GitHubUnreachable
from reviewbot.inbox import Delivery
from reviewbot.store.deliveries import MemoryInbox
from reviewbot.store.fleet import Fleet
from reviewbot.store.runs import SqlRunStore
from webhooks.upkeep import beat, prune, repeat

pytestmark = pytest.mark.anyio


async def test_a_deed_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    async def deed() -> None:
        done.append(1)
        if len(done) < 3:
            raise GitHubUnreachable("GitHub is away.")

    with anyio.move_on_after(5) as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(repeat, "redelivery", 0.01, deed)
            while len(done) < 4:
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()
    assert not scope.cancelled_caught
    assert [record.message for record in caplog.records] == ["redelivery: GitHub is away."] * 2


async def test_an_error_that_nobody_thought_of_ends_it() -> None:
    async def deed() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await repeat("x", 0.01, deed)


async def test_a_process_tells_how_it_is(tmp_path: Path) -> None:
    fleet, trouble = Fleet(f"sqlite:///{tmp_path}/runs.sqlite"), ["", "the provider is down"]
    deed = beat(fleet, "h worker", "worker", lambda: trouble.pop(0))
    await deed()
    await deed()
    (line,) = await fleet.processes()
    assert (line.id, line.detail) == ("h worker", "the provider is down")


async def test_what_is_old_is_deleted_by_one_process_at_a_time(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/runs.sqlite"
    lines: list[Any] = []

    class Engine:
        async def prune(self, before: Any) -> int:
            lines.append(before)
            return 1

    inbox, store = MemoryInbox(), SqlRunStore(url)
    await inbox.take(Delivery("d", "pull_request"), None)
    deeds = [
        prune(Fleet(url), inbox, Engine(), store, timedelta(days=30))
        for _ in range(3)  # type: ignore[arg-type]
    ]
    for deed in deeds:
        await deed()
    assert len(lines) == 1
    assert inbox.deliveries, "what is young stays"
