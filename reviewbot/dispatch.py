"""From the inbox to the job engine: what was stored is handed in, once as far as anybody can tell.

A process may die between handing a job in and marking it; it is handed in again then, which the engine knows by the
job's id. So nothing is lost and nothing done twice, whoever dies when.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import anyio

from reviewbot.core.triggers import JobRequest, Kind
from reviewbot.errors import StoreError
from reviewbot.inbox import Inbox
from reviewbot.jobs.job import Job

_MOST_TOGETHER = 50
_LONGEST_PAUSE = 10.0
_log = logging.getLogger(__name__)


def job_of(request: JobRequest) -> Job:
    """The job that an engine is handed for a request. A review of what is new gives way to the next; a review of
    everything, or a command, was asked for by somebody and takes its turn."""
    ref = request.ref
    return Job(
        id=request.key,
        pr_key=f"{ref.host}/{ref}".lower(),
        installation_id=request.installation_id,
        head_sha=request.head_sha,
        priority=int(request.priority),
        payload=request.to_json(),
        newest_wins=request.kind is Kind.REVIEW,
    )


def run_id_of(job: Job) -> str:
    """The name of the run that does a job, the same for every attempt."""
    return f"app-{job.id}"


class Dispatcher:
    """Hands jobs of ``inbox`` to ``submit`` (`JobEngine.submit`), looking every ``poll`` seconds."""

    def __init__(self, inbox: Inbox, submit: Callable[[Job], Awaitable[bool]], *, poll: float = 0.5) -> None:
        self._inbox, self._submit, self._poll = inbox, submit, poll

    async def run(self) -> None:
        """Until it is cancelled. A database that is away is waited for."""
        pause = self._poll
        while True:
            try:
                handed = await self.once()
                pause = self._poll
            except StoreError as error:
                _log.warning("jobs wait to be dispatched: %s", error.message)
                handed, pause = 0, min(_LONGEST_PAUSE, 2 * pause)
            if handed < _MOST_TOGETHER:
                await anyio.sleep(pause)

    async def once(self) -> int:
        """Hand in what waits now, up to fifty; how many. Raises StoreError.

        They are marked together: each mark is a commit, for which a receiver on the same file would have to wait.
        """
        waiting = await self._inbox.waiting(_MOST_TOGETHER)
        handed: list[str] = []
        try:
            for request in waiting:
                await self._submit(job_of(request))
                handed.append(request.delivery_id)
        finally:
            if handed:
                await self._inbox.mark_dispatched(handed)
        return len(waiting)
