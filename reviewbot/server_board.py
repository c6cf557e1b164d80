"""Board over the databases of a running server, and what is to be said of its health."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from reviewbot.board import BoardView, HealthLine
from reviewbot.errors import StoreError
from reviewbot.jobs.engine import JobEngine
from reviewbot.jobs.job import JobState
from reviewbot.store.fleet import Fleet, ProcessLine

_RUNS, _JOBS, _DELIVERIES = 30, 200, 30
_UNDER_WAY = (JobState.DELAYED, JobState.QUEUED, JobState.RUNNING)
_WORDS = {"worker": "a worker", "poster": "a poster"}


class ServerBoard:
    """What the status page shows, read from wherever the server keeps it."""

    def __init__(self, fleet: Fleet, engine: JobEngine) -> None:
        self._fleet, self._engine = fleet, engine

    async def view(self) -> BoardView:
        """The state now. Raises StoreError when a database does not answer."""
        parked = await self._engine.parked()
        jobs = await self._engine.jobs(_JOBS)
        now = datetime.now(UTC)
        return BoardView(
            now=now,
            gauges=await self._engine.gauges(),
            health=tuple(fleet_health(await self._fleet.processes(), now)),
            jobs=tuple(job for job in jobs if job.state in _UNDER_WAY),
            running=tuple(await self._fleet.runs(_RUNS, running=True)),
            recent=tuple(await self._fleet.runs(_RUNS, running=False)),
            parked=tuple(job for job in parked if not job.barred),
            troubles=tuple(job for job in parked if job.barred),
            deliveries=tuple(await self._fleet.deliveries(_DELIVERIES)),
        )

    async def retry(self, job_id: str) -> None:
        """Give a parked job a new round of tries. Raises UsageError when it is not parked, StoreError as above."""
        await self._engine.retry(job_id)


async def receiver_health(fleet: Fleet) -> Sequence[HealthLine]:
    """What a receiver needs to answer for: its database. That nobody works is said, but deliveries are taken all the
    same and wait, so it is no reason to send them elsewhere."""
    try:
        processes = await fleet.processes()
    except StoreError as error:
        return (HealthLine("database", ok=False, detail=error.message),)
    others = fleet_health(processes, datetime.now(UTC))
    return (HealthLine("database", ok=True), *(HealthLine(line.name, ok=True, detail=line.detail) for line in others))


def fleet_health(processes: Sequence[ProcessLine], now: datetime) -> list[HealthLine]:
    """One line a role: how many are there, and what is wrong with them."""
    lines = []
    for role in ("receiver", "worker", "poster"):
        there = [p for p in processes if p.role == role and p.is_there(now)]
        troubles = [p.detail for p in there if p.detail]
        if troubles:
            lines.append(HealthLine(role, ok=False, detail=troubles[0]))
        elif not there and role in _WORDS:
            lines.append(HealthLine(role, ok=False, detail=f"{_WORDS[role]} is missing: start one"))
        elif there:
            lines.append(HealthLine(role, ok=True, detail="" if len(there) == 1 else f"{len(there)} are there"))
    return lines
