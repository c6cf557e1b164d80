"""Inbox in a SQL database, and one in memory.

A commit costs milliseconds however much it holds, so deliveries that arrive while one is under way are written together
by the next. Nobody is answered before the own one is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio.to_thread import run_sync

from reviewbot.core.triggers import JobRequest
from reviewbot.errors import StoreError
from reviewbot.inbox import REDELIVERABLE, SEEN_DELIVERY, SEEN_JOB, Delivery, Taken
from reviewbot.store.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

_T = TypeVar("_T")
_MOST_TOGETHER = 500  # rows of one commit, and ids in one statement
_MOST_COLLISIONS = 4
_FIRST_PAUSE = 0.1  # seconds before the first new attempt; doubled after each


class _Waiting:
    """A delivery whose caller waits for its commit."""

    def __init__(self, delivery: Delivery, job: JobRequest | None, stamp: datetime, give_up: float) -> None:
        self.delivery = delivery
        self.job = job
        self.stamp = stamp
        self.give_up = give_up
        self.outcome: Taken | StoreError | None = None


class SqlInbox:
    """``url`` is SQLAlchemy's; ``now`` gives the time in UTC. A database that is away for less than ``patience``
    seconds delays deliveries but refuses none. One instance belongs to one event loop."""

    def __init__(
        self, url: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC), patience: float = 7.0
    ) -> None:
        self.url = url
        self._now = now
        self._patience = patience
        self._database = Database(url, "database of deliveries")
        self._turn = anyio.Lock()
        self._writer = anyio.CapacityLimiter(1)  # own, so that deliveries never wait for the threads of reviews
        self._others = anyio.CapacityLimiter(4)  # nor for a probe that hangs
        self._queue: list[_Waiting] = []

    async def take(self, delivery: Delivery, job: JobRequest | None) -> Taken:
        waiting = _Waiting(delivery, job, self._stamp(), anyio.current_time() + self._patience)
        self._queue.append(waiting)
        async with self._turn:
            while waiting.outcome is None:  # who had the turn before may have written it too
                await self._settle(self._queue[:_MOST_TOGETHER])
        if isinstance(waiting.outcome, StoreError):
            raise waiting.outcome
        return waiting.outcome

    async def waiting(self, limit: int) -> list[JobRequest]:
        return await run_sync(
            self._in_thread, lambda c: _waiting_jobs(c, limit), abandon_on_cancel=True, limiter=self._others
        )

    async def mark_dispatched(self, delivery_ids: Collection[str]) -> None:
        ids = list(delivery_ids)
        await run_sync(self._in_thread, lambda c: _mark_dispatched(c, ids, self._stamp()), limiter=self._others)

    async def prune(self, before: datetime) -> int:
        line = min(_utc(before), self._stamp() - REDELIVERABLE)
        return await run_sync(self._in_thread, lambda c: _prune(c, line), limiter=self._others)

    async def _settle(self, group: Sequence[_Waiting]) -> None:
        """Each of the group gets its outcome: written or, when the oldest has waited too long, the fault. It leaves the
        queue then and not before, so that whoever is cancelled here takes nothing with him."""
        pause = _FIRST_PAUSE
        outcomes: Sequence[Taken | StoreError] = ()
        while not outcomes:
            try:
                outcomes = await run_sync(self._in_thread, lambda c: _write(c, group), limiter=self._writer)
            except StoreError as error:
                if anyio.current_time() + pause > group[0].give_up:
                    outcomes = [error] * len(group)
                else:
                    await anyio.sleep(pause)
                    pause *= 2
        for waiting, outcome in zip(group, outcomes, strict=True):
            waiting.outcome = outcome
        del self._queue[: len(group)]

    def _in_thread(self, work: Callable[[Connection], _T]) -> _T:
        return self._database.run(work, collisions=_MOST_COLLISIONS)

    def _stamp(self) -> datetime:
        return _utc(self._now())


class MemoryInbox:
    """For tests and embedding. ``deliveries`` and ``jobs``, both by delivery id, may be looked at."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.deliveries: dict[str, Delivery] = {}
        self.jobs: dict[str, JobRequest] = {}
        self._now = now
        self._received: dict[str, datetime] = {}
        self._dispatched: set[str] = set()

    async def take(self, delivery: Delivery, job: JobRequest | None) -> Taken:
        if delivery.id in self.deliveries:
            return SEEN_DELIVERY
        self._received[delivery.id] = _utc(self._now())
        if job and any(job.key == other.key for other in self.jobs.values()):
            self.deliveries[delivery.id] = replace(delivery, note=SEEN_JOB.reason)
            return SEEN_JOB
        self.deliveries[delivery.id] = delivery
        if job:
            self.jobs[delivery.id] = job
        return Taken(new=True)

    async def waiting(self, limit: int) -> list[JobRequest]:
        undone = [job for delivery_id, job in self.jobs.items() if delivery_id not in self._dispatched]
        return sorted(undone, key=lambda job: job.priority)[:limit]

    async def mark_dispatched(self, delivery_ids: Collection[str]) -> None:
        self._dispatched |= self.jobs.keys() & set(delivery_ids)

    async def prune(self, before: datetime) -> int:
        line = min(_utc(before), _utc(self._now()) - REDELIVERABLE)
        undone = self.jobs.keys() - self._dispatched
        old = [key for key, received in self._received.items() if received < line and key not in undone]
        for key in old:
            del self.deliveries[key], self._received[key]
            self.jobs.pop(key, None)
        return len(old)


def _write(connection: Connection, group: Sequence[_Waiting]) -> list[Taken]:
    from sqlalchemy import select

    from reviewbot.store.tables import deliveries as table

    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        connection.exec_driver_sql("PRAGMA synchronous=FULL")  # 202 is a promise that outlives a power cut
    asked = [waiting.delivery.id for waiting in group]
    wanted = [waiting.job.key for waiting in group if waiting.job]
    either = table.c.id.in_(asked) | table.c.job_key.in_(wanted)  # one question: each is a way to the database and back
    known = connection.execute(select(table.c.id, table.c.job_key).where(either)).all()
    ids, keys = {row.id for row in known}, {row.job_key for row in known}
    rows, outcomes = [], []
    for waiting in group:
        if waiting.delivery.id in ids:
            outcomes.append(SEEN_DELIVERY)
            continue
        job = waiting.job if waiting.job and waiting.job.key not in keys else None
        outcomes.append(SEEN_JOB if waiting.job and not job else Taken(new=True))
        rows.append(_row(waiting, job, outcomes[-1].reason))
        ids.add(waiting.delivery.id)
        keys |= {job.key} if job else set()
    if rows:
        # RETURNING makes it one statement; else psycopg pipelines many, and complains on stderr when one collides.
        insert = table.insert() if sqlite else table.insert().returning(table.c.id)
        connection.execute(insert, rows)
    return outcomes


def _row(waiting: _Waiting, job: JobRequest | None, seen: str) -> dict[str, Any]:
    delivery = waiting.delivery
    return {
        "id": delivery.id,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.installation_id,
        "repository": delivery.repository,
        "number": delivery.number,
        "head_sha": delivery.head_sha,
        "note": seen or delivery.note,
        "received_at": waiting.stamp,
        "job_key": job.key if job else None,
        "priority": int(job.priority) if job else None,
        "job": job.to_json() if job else None,
        "dispatched_at": None,
    }


def _waiting_jobs(connection: Connection, limit: int) -> list[JobRequest]:
    from sqlalchemy import select

    from reviewbot.store.tables import deliveries as table

    undone = (table.c.job.is_not(None), table.c.dispatched_at.is_(None))
    query = select(table.c.job).where(*undone).order_by(table.c.priority, table.c.received_at).limit(limit)
    return [JobRequest.from_json(text) for text in connection.scalars(query)]


def _mark_dispatched(connection: Connection, ids: Sequence[str], stamp: datetime) -> None:
    from reviewbot.store.tables import deliveries as table

    for start in range(0, len(ids), _MOST_TOGETHER):
        these = (table.c.id.in_(ids[start : start + _MOST_TOGETHER]), table.c.dispatched_at.is_(None))
        connection.execute(table.update().where(*these).values(dispatched_at=stamp))


def _prune(connection: Connection, line: datetime) -> int:
    from reviewbot.store.tables import deliveries as table

    done = table.c.job.is_(None) | table.c.dispatched_at.is_not(None)
    return connection.execute(table.delete().where(table.c.received_at < line, done)).rowcount


def _utc(moment: datetime) -> datetime:
    """The moment as the database keeps it."""
    return moment.astimezone(UTC).replace(tzinfo=None)
