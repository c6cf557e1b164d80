"""What DBOS runs: a review turn holds a place of its installation, its run a place of its pull request.

What the run made is posted by a workflow of its own, so that it can happen in a process that holds other secrets.

The turn is the outer one. The other way round, parents would wait in any number, and those of one busy installation
would hold every place. Nothing here knows what the work is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
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

Work = Callable[[Job], Awaitable[str | None]]
Post = Callable[[Job, str], Awaitable[None]]
Notice = Callable[[Job, str], str | None]
Seen = Callable[[Job], str | None]
Ended = Callable[[Job, Verdict], None]
Turn = Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]
VERSION = "jobs-1"  # changes only when an attempt that was begun before could not be ended by this code
TURN, RUN, POST = "review_turn", "review_run", "review_post"
TURNS, RUNS, POSTS = "installations", "pull_requests", "posts"  # queues
ACTIVE = ["DELAYED", "ENQUEUED", "PENDING"]
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_GRACE = 60.0  # seconds after which anybody ends a run that its own process failed to end
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tasks:
    """What the engine is for. ``work`` returns the text that ``post`` is to be given, in whatever process posts, or
    None; ``notice`` turns the error of a parked job into such a text, or into None, and ``seen`` a job that was just
    handed in. ``ended`` is told how each attempt ended that was not stopped."""

    work: Work
    post: Post
    notice: Notice
    ended: Ended
    seen: Seen = lambda _job: None


@dataclass(frozen=True, slots=True)
class Workflows:
    """What can be enqueued: a turn, and a posting of its own."""

    turn: Turn
    post: Any


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


class JobBarred(JobParked):
    """The same where the App may not work: its owner on GitHub has to act."""


def enqueue(turn: Turn, job: Job, delay: float | None) -> None:
    """Ask for this attempt; a second time is nothing. Every attempt has a priority: without one it would be first."""
    from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

    with SetWorkflowID(job.attempt_id), SetEnqueueOptions(**_place(job, delay)):
        DBOS.enqueue_workflow(TURNS, turn, job.to_data())


def enqueue_seen(post: Any, job: Job, posting: str, settings: JobSettings) -> None:
    """Ask for the sign that a job was taken, which does not wait for its turn; a second time is nothing. What comes of
    it nobody waits for. It has no priority, so it is first, also before its own job's post of the same second."""
    from dbos import DBOS

    with _place_of_post(seen_id(job.attempt_id), job, settings, priority=None):
        DBOS.enqueue_workflow(POSTS, post, {**job.to_data(), "newest_wins": False}, posting)


def seen_id(attempt_id: str) -> str:
    return f"{attempt_id}|seen"


def attempts_of(pr_key: str) -> list[Attempt]:
    """Every kept attempt of the pull request."""
    from dbos import DBOS

    rows = DBOS.list_workflows(workflow_id_prefix=family(pr_key), name=TURN, load_output=False)
    return [Attempt(job_of(row), row.status in ACTIVE) for row in rows]


def job_of(row: WorkflowStatus) -> Job:
    return Job.from_data((row.input or {"args": ({},)})["args"][0])


def register(tasks: Tasks, settings: JobSettings, alive: set[str]) -> Workflows:
    """Make the workflows known to DBOS, once for each start of it.

    ``alive`` holds the ids of those that this process is in the middle of.
    """
    from dbos import DBOS

    post = _register_post(tasks, settings, alive)
    run = _register_run(tasks, post, settings, alive)

    @DBOS.workflow(name=TURN, max_recovery_attempts=10 * settings.deaths)
    async def review_turn(data: dict[str, Any]) -> dict[str, Any]:
        with _noted(alive, DBOS.workflow_id):
            return await turn(data)

    async def turn(data: dict[str, Any]) -> dict[str, Any]:
        job = Job.from_data(data)
        verdict = await _run_of(job, data, run, settings)
        tasks.ended(job, verdict)
        if verdict.ending is Ending.PARKED:
            notice = None if verdict.barred else tasks.notice(job, verdict.error)
            if notice is not None:
                await _enqueue_post(post, f"{job.attempt_id}|notice", {**data, "newest_wins": False}, notice, settings)
            raise (JobBarred if verdict.barred else JobParked)(verdict.error)
        if verdict.ending is Ending.AGAIN:
            await _enqueue_next(review_turn, job, data, verdict.pause)
        return asdict(verdict)

    return Workflows(review_turn, post)


def _register_post(tasks: Tasks, settings: JobSettings, alive: set[str]) -> Any:
    from dbos import DBOS

    locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @DBOS.step(name="post", preemptible=True)
    async def post_step(data: dict[str, Any], posting: str) -> dict[str, Any]:
        job = Job.from_data(data)
        lock = locks.setdefault(job.pr_key, asyncio.Lock())
        async with lock:
            if await _was_replaced(job):
                return asdict(Verdict(Ending.REPLACED))
            verdict, _ = await run_attempt(lambda: tasks.post(job, posting), job, settings, settings.posting)
            return asdict(verdict)

    @DBOS.workflow(name=POST, max_recovery_attempts=settings.deaths)
    async def review_post(data: dict[str, Any], posting: str) -> dict[str, Any]:
        with _noted(alive, DBOS.workflow_id):
            return await post_step(data, posting)

    return review_post


def _register_run(tasks: Tasks, post: Any, settings: JobSettings, alive: set[str]) -> Any:
    from dbos import DBOS

    locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @DBOS.step(name="work", preemptible=True)
    async def work_step(data: dict[str, Any]) -> dict[str, Any]:
        job = Job.from_data(data)
        lock = locks.setdefault(job.pr_key, asyncio.Lock())
        async with lock:  # who was cancelled may still be closing its stream
            if await _was_replaced(job):
                return {"verdict": asdict(Verdict(Ending.REPLACED)), "posting": None}
            verdict, posting = await run_attempt(lambda: tasks.work(job), job, settings, settings.deadline)
            return {"verdict": asdict(verdict), "posting": posting}

    @DBOS.workflow(name=RUN, max_recovery_attempts=settings.deaths)
    async def review_run(data: dict[str, Any]) -> dict[str, Any]:
        with _noted(alive, DBOS.workflow_id):
            made = await work_step(data)
            if made["posting"] is None:
                return dict(made["verdict"])
            posted = await _enqueue_post(post, f"{attempt_of(data)}|post", data, made["posting"], settings)
            return dict(await posted.get_result(polling_interval_sec=settings.poll))

    return review_run


def attempt_of(data: Mapping[str, Any]) -> str:
    return Job.from_data(data).attempt_id


async def _was_replaced(job: Job) -> bool:
    return job.newest_wins and is_replaced(job, await asyncio.to_thread(attempts_of, job.pr_key))


async def _run_of(job: Job, data: dict[str, Any], run: Any, settings: JobSettings) -> Verdict:
    """Wait for the pull request's turn and then for the run."""
    from dbos import DBOS, SetEnqueueOptions, SetWorkflowID, SetWorkflowTimeout
    from dbos import error as errors

    with (
        SetWorkflowID(f"{job.attempt_id}|run"),
        SetWorkflowTimeout(settings.deadline + settings.posts_wait + _GRACE),
        SetEnqueueOptions(queue_partition_key=job.pr_key, priority=job.priority),
    ):
        handle = await DBOS.enqueue_workflow_async(RUNS, run, data)
    try:
        return verdict_of(await handle.get_result(polling_interval_sec=settings.poll))
    except (errors.DBOSException, StoredError) as error:
        return verdict_after_loss(error, job, settings)


async def _enqueue_post(post: Any, workflow_id: str, data: dict[str, Any], posting: str, settings: JobSettings) -> Any:
    from dbos import DBOS

    job = Job.from_data(data)
    with _place_of_post(workflow_id, job, settings, priority=job.priority):
        return await DBOS.enqueue_workflow_async(POSTS, post, data, posting)


@contextmanager
def _place_of_post(workflow_id: str, job: Job, settings: JobSettings, *, priority: int | None) -> Iterator[None]:
    """One writer to an installation at a time, as GitHub asks: "Best practices for using the REST API"."""
    from dbos import SetEnqueueOptions, SetWorkflowID, SetWorkflowTimeout

    place = str(job.installation_id or 0)
    with (
        SetWorkflowID(workflow_id),
        SetWorkflowTimeout(settings.posting + _GRACE),
        SetEnqueueOptions(queue_partition_key=place, priority=priority),
    ):
        yield


async def _enqueue_next(turn: Turn, job: Job, data: dict[str, Any], pause: float) -> None:
    from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

    following = replace(job, attempt=job.attempt + 1, tries=job.tries + 1)
    with SetWorkflowID(following.attempt_id), SetEnqueueOptions(**_place(following, pause)):
        await DBOS.enqueue_workflow_async(TURNS, turn, {**data, **following.to_data()})


@contextmanager
def _noted(alive: set[str], workflow_id: str | None) -> Iterator[None]:
    alive.add(workflow_id or "")
    try:
        yield
    finally:
        alive.discard(workflow_id or "")


def verdict_of(data: Mapping[str, Any]) -> Verdict:
    return Verdict(Ending(data["ending"]), data["error"], data["pause"], data.get("barred", False))


async def run_attempt(
    work: Callable[[], Awaitable[str | None]] | Callable[[], Awaitable[None]],
    job: Job,
    settings: JobSettings,
    deadline: float,
) -> tuple[Verdict, str | None]:
    """Do the work and judge how it ended; what it returned comes with it. Cancelling this cancels the work and waits
    for its end."""
    try:
        async with asyncio.timeout(deadline):
            (ended,) = await asyncio.gather(_awaited(work), return_exceptions=True)
    except TimeoutError:
        return Verdict(Ending.PARKED, f"It did not end within {deadline:.0f} seconds."), None
    if not isinstance(ended, BaseException):
        return Verdict(Ending.DONE), ended
    verdict = after_error(ended, job.tries, settings)
    ours = isinstance(ended, ReviewbotError)
    _log.warning("job %s, attempt %d: %s", job.id, job.attempt, verdict.error, exc_info=None if ours else ended)
    return verdict, None


async def _awaited(work: Callable[[], Awaitable[str | None]] | Callable[[], Awaitable[None]]) -> str | None:
    return await work()


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
