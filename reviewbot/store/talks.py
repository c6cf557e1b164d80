"""Talks in a SQL database, and in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from anyio.to_thread import run_sync

from reviewbot.store.database import Database
from reviewbot.talks import Exchange, bounded

if TYPE_CHECKING:
    from sqlalchemy import Connection

_T = TypeVar("_T")
_MOST_COLLISIONS = 4
_WIDTHS = {"thread": 400, "key": 64, "login": 100, "head_sha": 64, "response_id": 200}


class SqlTalks:
    """``url`` is SQLAlchemy's; ``now`` gives the time in UTC."""

    def __init__(self, url: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.url = url
        self._now = now
        self._database = Database(url, "database of talks")

    async def exchanges(self, thread: str) -> tuple[Exchange, ...]:
        def read(connection: Connection) -> tuple[Exchange, ...]:
            from reviewbot.store.tables import talks as table

            wanted = table.c.thread == _cut("thread", thread)
            rows = connection.execute(table.select().where(wanted).order_by(table.c.number)).mappings()
            return tuple(_exchange(dict(row)) for row in rows)

        return await self._do(read)

    async def add(self, exchange: Exchange) -> None:
        stamp = _utc(self._now())

        def write(connection: Connection) -> None:
            from sqlalchemy import func, select

            from reviewbot.store.tables import talks as table

            row = _row(exchange, stamp)
            here = table.c.thread == row["thread"]
            if connection.execute(select(table.c.number).where(here, table.c.key == row["key"])).first():
                return
            last = connection.execute(select(func.max(table.c.number)).where(here)).scalar() or 0
            connection.execute(table.insert().values(**row, number=last + 1))

        await self._do(write)

    async def answers_to(self, login: str, since: datetime) -> int:
        def read(connection: Connection) -> int:
            from sqlalchemy import func, select

            from reviewbot.store.tables import talks as table

            theirs = (table.c.login == _cut("login", login.casefold()), table.c.created_at >= _utc(since))
            return connection.execute(select(func.count()).select_from(table).where(*theirs)).scalar() or 0

        return await self._do(read)

    async def _do(self, work: Callable[[Connection], _T]) -> _T:
        return await run_sync(lambda: self._database.run(work, collisions=_MOST_COLLISIONS))


class MemoryTalks:
    """For tests and embedding. ``kept`` are the exchanges with the times at which they came; it may be looked at."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.kept: list[tuple[datetime, Exchange]] = []
        self._now = now

    async def exchanges(self, thread: str) -> tuple[Exchange, ...]:
        return tuple(exchange for _, exchange in self.kept if exchange.thread == thread)

    async def add(self, exchange: Exchange) -> None:
        there = await self.exchanges(exchange.thread)
        if all(other.key != exchange.key for other in there):
            whole = replace(
                exchange, login=exchange.login.casefold(), items=bounded(exchange.items), number=len(there) + 1
            )
            self.kept.append((_utc(self._now()), whole))

    async def answers_to(self, login: str, since: datetime) -> int:
        return sum(exchange.login == login.casefold() and at >= _utc(since) for at, exchange in self.kept)


def _row(exchange: Exchange, stamp: datetime) -> dict[str, Any]:
    """The exchange as the database keeps it; JSON in ASCII holds no character that a database would refuse."""
    texts = {name: _cut(name, getattr(exchange, name)) for name in _WIDTHS}
    return {
        **texts,
        "login": _cut("login", exchange.login.casefold()),
        "items": json.dumps(bounded(exchange.items)),
        "input_tokens": exchange.input_tokens,
        "output_tokens": exchange.output_tokens,
        "created_at": stamp,
    }


def _exchange(row: dict[str, Any]) -> Exchange:
    row.pop("created_at")
    return Exchange(**{**row, "items": tuple(json.loads(row["items"]))})


def _cut(name: str, text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")[: _WIDTHS[name]]


def _utc(moment: datetime) -> datetime:
    """The moment as the database keeps it."""
    return moment.astimezone(UTC).replace(tzinfo=None)
