"""The seam between a running server and the page that shows it: BoardView and what it is made of, Board.

Beside `ports.py` and not in it, because a review can be understood without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from reviewbot.jobs.job import Gauges, JobStatus


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run of a review. ``status`` is running, finished or failed, ``verdict`` its one word; while it runs, ``done``
    of ``total`` parts were answered. ``url`` is the pull request's page. Times are in UTC."""

    id: str
    target: str
    url: str
    head_sha: str
    status: str
    started_at: datetime
    finished_at: datetime | None = None
    verdict: str = ""
    stage: str = ""
    done: int = 0
    total: int = 0
    findings: int = 0
    cost_usd: float | None = None
    review_url: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One webhook delivery; ``note`` says why it started no job, and is empty when it did."""

    id: str
    event: str
    action: str
    repository: str
    number: int
    received_at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One thing that the server needs, and how it is."""

    name: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class BoardView:
    """Everything that the status page shows, at one moment.

    ``jobs`` are those that wait or run; ``parked`` failed for good and can be retried; ``troubles`` ended because the
    App may not work there (suspended, removed, a permission missing), which only somebody on GitHub can change.
    """

    now: datetime
    gauges: Gauges
    health: tuple[HealthLine, ...] = ()
    jobs: tuple[JobStatus, ...] = ()
    running: tuple[RunLine, ...] = ()
    recent: tuple[RunLine, ...] = ()
    parked: tuple[JobStatus, ...] = ()
    troubles: tuple[JobStatus, ...] = ()
    deliveries: tuple[DeliveryLine, ...] = ()


class Board(Protocol):
    """What the page asks of the server."""

    async def view(self) -> BoardView:
        """The state now. Raises StoreError when a database does not answer."""
        ...

    async def retry(self, job_id: str) -> None:
        """Give a parked job a new round of tries. Raises UsageError when it is not parked, StoreError as above."""
        ...
