"""How one attempt ends, without a database."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from reviewbot.errors import ModelUnreachable, NotInstalled
from reviewbot.jobs.job import Ending, Job, JobSettings, Verdict
from reviewbot.jobs.workflows import StoredError, run_attempt, verdict_after_loss

JOB = Job(id="d", pr_key="octo/repo#1", installation_id=None, head_sha="", priority=1, payload="")
SETTINGS = JobSettings(attempts=2, first_pause=3.0, deaths=7)


@pytest.mark.anyio
async def test_an_attempt_that_passes_its_deadline_is_cancelled_and_parked() -> None:
    ends: list[str] = []

    async def work() -> None:
        try:
            await anyio.sleep(60)
        finally:
            ends.append("ended")

    found = await run_attempt(work, JOB, SETTINGS, 0.05)
    assert found == (Verdict(Ending.PARKED, "It did not end within 0 seconds."), None)
    assert ends == ["ended"]


@pytest.mark.anyio
async def test_cancelling_an_attempt_waits_for_the_end_of_its_work() -> None:
    ends: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            ends.append("ended")

    task = asyncio.create_task(run_attempt(work, JOB, SETTINGS, 60.0))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ends == ["ended"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ModelUnreachable("away."), Verdict(Ending.AGAIN, "away.", 3.0)),
        (NotInstalled("gone."), Verdict(Ending.PARKED, "gone.", barred=True)),
        (TimeoutError("of its own"), Verdict(Ending.PARKED, "TimeoutError: of its own")),
        (asyncio.CancelledError("stray"), Verdict(Ending.PARKED, "CancelledError: ")),
    ],
)
async def test_an_attempt_ends_with_a_verdict(error: BaseException, verdict: Verdict) -> None:
    async def work() -> None:
        raise error

    assert await run_attempt(work, JOB, SETTINGS, 60.0) == (verdict, None)


@pytest.mark.anyio
async def test_what_the_work_returns_is_what_is_posted() -> None:
    async def work() -> str:
        return "a draft"

    assert await run_attempt(work, JOB, SETTINGS, 60.0) == (Verdict(Ending.DONE), "a draft")


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        (
            "DBOSAwaitedWorkflowMaxRecoveryAttemptsExceeded",
            Verdict(Ending.PARKED, "7 processes died while they ran it."),
        ),
        ("DBOSAwaitedWorkflowCancelledError", Verdict(Ending.AGAIN, "Its process did not end it in time.", 3.0)),
        ("Other", Verdict(Ending.PARKED, "Other: said")),
    ],
)
def test_what_follows_a_run_that_was_lost(kind: str, verdict: Verdict) -> None:
    assert verdict_after_loss(StoredError(kind, "said"), JOB, SETTINGS) == verdict
