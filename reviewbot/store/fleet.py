"""What the processes of one server know of each other: who is there, and whose turn it is to do what one does for all.

Also what the status page shows of deliveries and runs, which is read from the same database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio.to_thread import run_sync

from reviewbot.board import DeliveryLine, RunLine
from reviewbot.store.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

_T = TypeVar("_T")
SEEN_WITHIN = timedelta(seconds=30)
_FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ProcessLine:
    """A process as it last told of itself. ``detail`` says what is wrong there, and is empty when nothing is."""

    id: str
    role: str
    version: str
    started_at: datetime
    seen_at: datetime
    detail: str = ""

    def is_there(self, now: datetime) -> bool:
        return now - self.seen_at < SEEN_WITHIN


class Fleet:
    """``url`` is SQLAlchemy's; ``now`` gives the time in UTC. Every method raises StoreError."""

    def __init__(self, url: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.url = url
        self._now = now
        self._database = Database(url, "database of the server")
        self._threads = anyio.CapacityLimiter(4)  # own, so that a page never waits for the threads of reviews

    async def beat(self, process_id: str, role: str, version: str, started_at: datetime, detail: str) -> None:
        """Say that this process is there, and how it is; those not seen for a day are forgotten."""

        def write(connection: Connection) -> None:
            from reviewbot.store.tables import processes as table

            stamp = self._stamp()
            values = {"role": role, "version": version, "detail": detail[:2000], "seen_at": stamp}
            values["started_at"] = _plain(started_at)
            known = connection.execute(table.update().where(table.c.id == process_id).values(values)).rowcount
            if not known:
                connection.execute(table.insert().values(id=process_id, **values))
            connection.execute(table.delete().where(table.c.seen_at < stamp - _FORGOTTEN_AFTER))

        await self._do(write)

    async def leave(self, process_id: str) -> None:
        """Say that this process ends, as it was told to."""

        def write(connection: Connection) -> None:
            from reviewbot.store.tables import processes as table

            connection.execute(table.delete().where(table.c.id == process_id))

        await self._do(write)

    async def processes(self) -> list[ProcessLine]:
        """Those of the last day, by role and name."""

        def read(connection: Connection) -> list[ProcessLine]:
            from reviewbot.store.tables import processes as table

            rows = connection.execute(table.select().order_by(table.c.role, table.c.id)).mappings()
            return [
                ProcessLine(r["id"], r["role"], r["version"], _utc(r["started_at"]), _utc(r["seen_at"]), r["detail"])
                for r in rows
            ]

        return await self._do(read)

    async def lease(self, name: str, seconds: float) -> bool:
        """Whether this process has the turn to do ``name``; nobody else has for so long."""

        def write(connection: Connection) -> bool:
            from sqlalchemy.exc import IntegrityError

            from reviewbot.store.tables import leases as table

            stamp = self._stamp()
            ends = stamp + timedelta(seconds=seconds)
            mine = table.update().where(table.c.name == name, table.c.ends_at <= stamp).values(ends_at=ends)
            if connection.execute(mine).rowcount:
                return True
            try:
                with connection.begin_nested():
                    connection.execute(table.insert().values(name=name, ends_at=ends))
            except IntegrityError:
                return False
            return True

        return await self._do(write)

    async def runs(self, limit: int, *, running: bool) -> list[RunLine]:
        """The newest runs, those under way or those that ended."""

        def read(connection: Connection) -> list[RunLine]:
            from sqlalchemy import func, select

            from reviewbot.store.tables import findings, runs

            told = findings.c.decision.in_(("posted", "kept"))
            count = select(func.count()).where(findings.c.run_id == runs.c.id, told).scalar_subquery()
            state = runs.c.status == "running" if running else runs.c.status != "running"
            query = select(runs, count.label("told")).where(state).order_by(runs.c.started_at.desc()).limit(limit)
            return [_run_line(dict(row)) for row in connection.execute(query).mappings()]

        return await self._do(read)

    async def deliveries(self, limit: int) -> list[DeliveryLine]:
        """The newest deliveries that were kept."""

        def read(connection: Connection) -> list[DeliveryLine]:
            from reviewbot.store.tables import deliveries as table

            query = table.select().order_by(table.c.received_at.desc()).limit(limit)
            return [
                DeliveryLine(
                    r["id"], r["event"], r["action"], r["repository"], r["number"], _utc(r["received_at"]), r["note"]
                )
                for r in connection.execute(query).mappings()
            ]

        return await self._do(read)

    def _stamp(self) -> datetime:
        return _plain(self._now())

    async def _do(self, work: Callable[[Connection], _T]) -> _T:
        return await run_sync(self._database.run, work, abandon_on_cancel=True, limiter=self._threads)


def _run_line(row: dict[str, Any]) -> RunLine:
    ended = row["finished_at"]
    return RunLine(
        id=row["id"],
        target=row["target"],
        url=row["url"] or "",
        head_sha=row["head_sha"],
        status=row["status"],
        started_at=_utc(row["started_at"]),
        finished_at=_utc(ended) if ended else None,
        verdict=row["verdict"] or "",
        stage=row["stage"] or "",
        done=row["done"] or 0,
        total=row["total"] or 0,
        findings=row["told"],
        cost_usd=row["cost_usd"],
        review_url=row["review_url"] or "",
        error=row["error"] or row["note"] or "",
    )


def _plain(moment: datetime) -> datetime:
    """The moment as the database keeps it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
