"""From the inbox to the engine: nothing lost, nothing done twice, whoever dies when."""

from __future__ import annotations

import itertools
from typing import Any

import anyio
import pytest

from reviewbot.core.change.pull_request import PullRequestRef
from reviewbot.core.triggers import JobRequest, Kind, Priority
from reviewbot.dispatch import Dispatcher, job_of, run_id_of
from reviewbot.errors import StoreError
from reviewbot.inbox import Delivery
from reviewbot.jobs.job import Job
from reviewbot.store.deliveries import MemoryInbox

pytestmark = pytest.mark.anyio
_numbers = itertools.count(1)


def request(**changes: Any) -> JobRequest:
    number = next(_numbers)
    asked: dict[str, Any] = {
        "ref": PullRequestRef("github.com", "Octo", "Shop", number),
        "installation_id": 5,
        "kind": Kind.REVIEW,
        "trigger": "opened",
        "head_sha": "a" * 40,
        "priority": Priority.PUSHED,
        "delivery_id": f"d{number}",
        "requested_by": "jo",
        "key": f"k{number}",
    }
    return JobRequest(**{**asked, **changes})


class Engine:
    """Knows a job by its id, as the real one does; ``fails`` submissions are refused first."""

    def __init__(self, fails: int = 0) -> None:
        self.jobs: dict[str, Job] = {}
        self.fails = fails

    async def submit(self, job: Job) -> bool:
        if self.fails:
            self.fails -= 1
            raise StoreError("The job database failed.")
        return self.jobs.setdefault(job.id, job) is job


async def put(inbox: MemoryInbox, *requests: JobRequest) -> None:
    for each in requests:
        await inbox.take(Delivery(each.delivery_id, "pull_request"), each)


def test_a_job_is_named_by_the_ask_and_its_pull_request() -> None:
    asked = request(kind=Kind.REVIEW, priority=Priority.ASKED)
    job = job_of(asked)
    assert (job.id, job.priority, job.newest_wins) == (asked.key, 1, True)
    assert job.pr_key == f"github.com/octo/shop#{asked.ref.number}"
    assert JobRequest.from_json(job.payload) == asked
    assert run_id_of(job) == run_id_of(job_of(asked))
    assert not job_of(request(kind=Kind.FULL)).newest_wins
    assert not job_of(request(kind=Kind.COMMAND)).newest_wins


async def test_what_waits_is_handed_in_the_most_urgent_first_and_once() -> None:
    inbox, engine = MemoryInbox(), Engine()
    pushed, asked = request(), request(priority=Priority.ASKED)
    await put(inbox, pushed, asked)
    dispatcher = Dispatcher(inbox, engine.submit)
    assert await dispatcher.once() == 2
    assert list(engine.jobs) == [asked.key, pushed.key]
    assert await dispatcher.once() == 0


async def test_a_dispatcher_that_died_before_its_mark_is_followed_without_harm() -> None:
    inbox, engine = MemoryInbox(), Engine()
    await put(inbox, request())
    (waiting,) = await inbox.waiting(10)
    await engine.submit(job_of(waiting))  # and then the process died
    await Dispatcher(inbox, engine.submit).once()
    assert len(engine.jobs) == 1
    assert await inbox.waiting(10) == []


async def test_what_was_handed_in_before_a_failure_is_marked() -> None:
    inbox, engine = MemoryInbox(), Engine()
    first, second = request(priority=Priority.ASKED), request()
    await put(inbox, first, second)

    async def submit(job: Job) -> bool:
        if engine.jobs:
            raise StoreError("The job database failed.")
        return await engine.submit(job)

    with pytest.raises(StoreError):
        await Dispatcher(inbox, submit).once()
    assert await inbox.waiting(10) == [second]


async def test_a_database_that_is_away_is_waited_for() -> None:
    inbox, engine = MemoryInbox(), Engine(fails=2)
    await put(inbox, *(request() for _ in range(60)))
    async with anyio.create_task_group() as group:
        group.start_soon(Dispatcher(inbox, engine.submit, poll=0.01).run)
        with anyio.fail_after(10):
            while await inbox.waiting(1):
                await anyio.sleep(0.01)
        group.cancel_scope.cancel()
    assert len(engine.jobs) == 60
