"""What a server does by itself, now and then: say that it is there, find failed deliveries, delete what is old.

Each is a plain loop that goes on after a failure; what only one process may do at a time is done under a lease.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta

import anyio

from reviewbot import __version__
from reviewbot.errors import ReviewbotError
from reviewbot.github.app_auth import AppAuth
from reviewbot.github.hook_deliveries import sweep
from reviewbot.inbox import Inbox
from reviewbot.jobs.engine import JobEngine
from reviewbot.store.fleet import Fleet
from reviewbot.store.runs import SqlRunStore

BEAT_SECONDS = 5.0
_PRUNE_SECONDS = 3600.0
_log = logging.getLogger(__name__)


async def repeat(name: str, seconds: float, deed: Callable[[], Awaitable[None]]) -> None:
    """Do it every so often, until cancelled. What goes wrong is logged, and it is tried again next time."""
    while True:
        try:
            await deed()
        except ReviewbotError as error:
            _log.warning("%s: %s", name, error)
        await anyio.sleep(seconds)


def beat(fleet: Fleet, process_id: str, role: str, detail: Callable[[], str]) -> Callable[[], Awaitable[None]]:
    """Tells the other processes of this one."""
    started_at = datetime.now(UTC)

    async def deed() -> None:
        await fleet.beat(process_id, role, __version__, started_at, detail())

    return deed


def redeliver(fleet: Fleet, auth: AppAuth, events: Collection[str], seconds: float) -> Callable[[], Awaitable[None]]:
    """Asks GitHub to deliver again what this server did not take. GitHub does not do so by itself.

    https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
    """

    async def deed() -> None:
        if not await fleet.lease("sweep", seconds * 0.9):
            return
        swept = await sweep(auth.client, datetime.now(UTC), events=events)
        if swept.failed:
            _log.info("%d deliveries had failed; asked GitHub for %d again", swept.failed, swept.redelivered)

    return deed


def prune(
    fleet: Fleet, inbox: Inbox, engine: JobEngine, store: SqlRunStore, kept: timedelta
) -> Callable[[], Awaitable[None]]:
    """Deletes what is older than the deployment wants to keep."""

    async def deed() -> None:
        if not await fleet.lease("prune", _PRUNE_SECONDS * 0.9):
            return
        line = datetime.now(UTC) - kept
        jobs, deliveries, runs = await engine.prune(line), await inbox.prune(line), await store.prune(line)
        if jobs or deliveries or runs:
            _log.info("deleted what was old: %d jobs, %d deliveries, %d runs", jobs, deliveries, runs)

    return deed
