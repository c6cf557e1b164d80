"""What DBOS runs: a review turn holds a place of its installation, and its run a place of its pull request.

The turn is the outer one. The other way round, parents would wait in any number, and those of one busy installation
would hold every place. Nothing here knows what the work is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TypedDict
from weakref import WeakValueDictionary

from reviewbot.errors import ReviewbotError
from reviewbot.jobs.job import (
    Attempt,
    Ending,
    Job,
    JobSettings,
    Verdict,
    after_error,
    after_fault,
    family,
    is_replaced,
)

if TYPE_CHECKING:
    from dbos import WorkflowStatus

Work = Callable[[Job], Awaitable[None]]
Turn = Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]
VERSION = "jobs-1"  # changes only when an attempt that was begun before could not be ended by this code
TURN, RUN = "review_turn", "review_run"
TURNS, RUNS = "installations", "pull_requests"  # queues
ACTIVE = ["DELAYED", "ENQUEUED", "PENDING"]
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_GRACE = 60.0  # seconds after which anybody ends a run that its own process failed to end
_log = logging.getLogger(__name__)


class _Place(TypedDict):
    queue_partition_key: str
    priority: int
    delay_seconds: float | None


class StoredError(Exception):
    """An error read back from the database; ``kind`` names its class."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class JobParked(Exception):
    """Ends the turn of a job that a person has to look at."""


def enqueue(turn: Turn, job: Job, delay: float | None) -> None:
    """Ask for this attempt; a second time is nothing. Every attempt has a priority: without one it would be first."""
    from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

    with SetWorkflowID(job.attempt_id), SetEnqueueOptions(**_place(job, delay)):
        DBOS.enqueue_workflow(TURNS, turn, job.to_data())


def attempts_of(pr_key: str) -> list[Attempt]:
    """Every kept attempt of the pull request."""
    from dbos import DBOS

    rows = DBOS.list_workflows(workflow_id_prefix=family(pr_key), name=TURN, load_output=False)
    return [Attempt(job_of(row), row.status in ACTIVE) for row in rows]


def job_of(row: WorkflowStatus) -> Job:
    return Job.from_data((row.input or {"args": ({},)})["args"][0])


def register(work: Work, settings: JobSettings, alive: set[str]) -> Turn:
    """Make the workflows known to DBOS, once for each start of it; the turn is what is enqueued.

    ``alive`` holds the ids of those that this process is in the middle of.
    """
    from dbos import DBOS, SetEnqueueOptions, SetWorkflowID, SetWorkflowTimeout
    from dbos import error as errors

    turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @DBOS.step(name="work", preemptible=True)
    async def work_step(data: dict[str, Any]) -> dict[str, Any]:
        job = Job.from_data(data)
        lock = turns.setdefault(job.pr_key, asyncio.Lock())
        async with lock:  # who was cancelled may still be closing its stream
            if job.newest_wins and is_replaced(job, await asyncio.to_thread(attempts_of, job.pr_key)):
                return asdict(Verdict(Ending.REPLACED))
            return asdict(await run_attempt(work, job, settings))

    @DBOS.workflow(name=RUN, max_recovery_attempts=settings.deaths)
    async def review_run(data: dict[str, Any]) -> dict[str, Any]:
        with _noted(alive, DBOS.workflow_id):
            return await work_step(data)

    async def turn(data: dict[str, Any]) -> dict[str, Any]:
        job = Job.from_data(data)
        with (
            SetWorkflowID(f"{job.attempt_id}|run"),
            SetWorkflowTimeout(settings.deadline + _GRACE),
            SetEnqueueOptions(queue_partition_key=job.pr_key, priority=job.priority),
        ):
            run = await DBOS.enqueue_workflow_async(RUNS, review_run, data)
        try:
            verdict = verdict_of(await run.get_result(polling_interval_sec=settings.poll))
        except (errors.DBOSException, StoredError) as error:
            verdict = verdict_after_loss(error, job, settings)
        if verdict.ending is Ending.PARKED:
            raise JobParked(verdict.error)
        if verdict.ending is Ending.AGAIN:
            following = replace(job, attempt=job.attempt + 1, tries=job.tries + 1)
            with SetWorkflowID(following.attempt_id), SetEnqueueOptions(**_place(following, verdict.pause)):
                await DBOS.enqueue_workflow_async(TURNS, review_turn, {**data, **following.to_data()})
        return asdict(verdict)

    @DBOS.workflow(name=TURN, max_recovery_attempts=10 * settings.deaths)
    async def review_turn(data: dict[str, Any]) -> dict[str, Any]:
        with _noted(alive, DBOS.workflow_id):
            return await turn(data)

    return review_turn


@contextmanager
def _noted(alive: set[str], workflow_id: str | None) -> Iterator[None]:
    alive.add(workflow_id or "")
    try:
        yield
    finally:
        alive.discard(workflow_id or "")


def verdict_of(data: dict[str, Any]) -> Verdict:
    return Verdict(Ending(data["ending"]), data["error"], data["pause"])


async def run_attempt(work: Work, job: Job, settings: JobSettings) -> Verdict:
    """Do the work and judge how it ended. Cancelling this cancels the work and waits for its end."""
    try:
        async with asyncio.timeout(settings.deadline):
            (failure,) = await asyncio.gather(_awaited(work, job), return_exceptions=True)
    except TimeoutError:
        return Verdict(Ending.PARKED, f"It did not end within {settings.deadline:.0f} seconds.")
    if failure is None:
        return Verdict(Ending.DONE)
    verdict = after_error(failure, job.tries, settings)
    ours = isinstance(failure, ReviewbotError)
    _log.warning("job %s, attempt %d: %s", job.id, job.attempt, verdict.error, exc_info=None if ours else failure)
    return verdict


async def _awaited(work: Work, job: Job) -> None:
    await work(job)


def verdict_after_loss(error: Exception, job: Job, settings: JobSettings) -> Verdict:
    """What follows when the run ended without a verdict: its processes died, or one of them stood still."""
    kind = error.kind if isinstance(error, StoredError) else type(error).__name__
    if kind == "DBOSAwaitedWorkflowMaxRecoveryAttemptsExceeded":
        return Verdict(Ending.PARKED, f"{settings.deaths} processes died while they ran it.")
    if kind == "DBOSAwaitedWorkflowCancelledError":
        return after_fault("Its process did not end it in time.", job.tries, settings)
    return Verdict(Ending.PARKED, f"{kind}: {error}")


def _place(job: Job, delay: float | None) -> _Place:
    place = str(job.installation_id or 0)
    return {"queue_partition_key": place, "priority": job.priority, "delay_seconds": delay}
