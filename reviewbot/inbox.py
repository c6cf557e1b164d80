"""The seam between whoever receives webhook deliveries and whoever keeps them: Delivery, Taken, Inbox.

Beside `ports.py` and not in it, because a review can be understood without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from reviewbot.core.triggers import JobRequest

# GitHub's documentation, "Redelivering webhooks": for as long, what was kept makes a delivery known again.
REDELIVERABLE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook delivery, without its payload. ``id`` is GitHub's and the same when it is delivered again; ``note``
    says why there is no job. ``repository`` is ``owner/name``, or empty; ``number`` the pull request's, or 0."""

    id: str
    event: str
    action: str = ""
    installation_id: int | None = None
    repository: str = ""
    number: int = 0
    head_sha: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a delivery. ``new`` is false when it adds nothing to what is known; ``reason`` then says why."""

    new: bool
    reason: str = ""


SEEN_DELIVERY = Taken(new=False, reason="This delivery was taken before.")
SEEN_JOB = Taken(new=False, reason="There is a job for the same action on the same head already.")


class Inbox(Protocol):
    """Keeps deliveries and the jobs they ask for, until somebody takes the jobs over.

    Every method raises StoreError when the storage cannot be used.
    """

    async def take(self, delivery: Delivery, job: JobRequest | None) -> Taken:
        """Keep both or neither, for good when this returns. A delivery id is kept once, and a job's key has one job:
        a delivery that would make a second is kept without it."""
        ...

    async def waiting(self, limit: int) -> list[JobRequest]:
        """Jobs that nobody took over, the most urgent first and of those the oldest."""
        ...

    async def mark_dispatched(self, delivery_ids: Collection[str]) -> None:
        """The jobs of these deliveries were taken over; unknown ids are nothing."""
        ...

    async def prune(self, before: datetime) -> int:
        """Delete what was received before, and say how many. Jobs that wait are kept, and so is what GitHub may deliver
        again."""
        ...
