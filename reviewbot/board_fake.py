"""A Board in memory, and a view that fills every section: for tests, and to look at the page without a server."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from reviewbot.board import BoardView, DeliveryLine, HealthLine, RunLine
from reviewbot.errors import StoreError, UsageError
from reviewbot.jobs.job import Gauges, JobState, JobStatus

_HOST = "https://github.com"


class FakeBoard:
    """Shows ``current``, which may be set anew, or raises ``fault``. A job that is retried waits again."""

    def __init__(self, current: BoardView) -> None:
        self.current = current
        self.fault: StoreError | None = None
        self.retried: list[str] = []

    async def view(self) -> BoardView:
        if self.fault:
            raise self.fault
        return self.current

    async def retry(self, job_id: str) -> None:
        if self.fault:
            raise self.fault
        view = self.current
        job = next((job for job in view.parked if job.id == job_id), None)
        if job is None:
            raise UsageError(f"The job {job_id!r} is not parked.")
        self.retried.append(job_id)
        again = replace(job, state=JobState.QUEUED, since=view.now, attempt=job.attempt + 1)
        parked = tuple(each for each in view.parked if each is not job)
        gauges = replace(view.gauges, queued=view.gauges.queued + 1, parked=len(parked))
        self.current = replace(view, gauges=gauges, jobs=(again, *view.jobs), parked=parked)


def empty_view(now: datetime) -> BoardView:
    """A server that has done nothing yet."""
    return BoardView(now, Gauges(0, 0, 0, 0, 0.0))


def full_view(now: datetime) -> BoardView:
    """A server in the middle of its work."""
    jobs = (
        _job(1, "octo/shop#42", JobState.RUNNING, now - timedelta(seconds=71)),
        _job(2, "octo/shop#44", JobState.RUNNING, now - timedelta(seconds=2)),
        _job(3, "octo/api-gateway#7", JobState.QUEUED, now - timedelta(seconds=95)),
        _job(4, "octo/mobile#118", JobState.DELAYED, now - timedelta(seconds=12), 2, "The provider is busy."),
    )
    asking = _run(1, "octo/shop#42", "running", now - timedelta(seconds=71), cost_usd=0.0812)
    quota = "The account has no credit left. Add credit at your provider, then retry."
    suspended = "The installation is suspended. Ask the owner of the account to unsuspend it on GitHub."
    missing = "The installation was not granted checks: write. Its owner must accept the new permissions."
    return BoardView(
        now,
        Gauges(delayed=1, queued=1, running=2, parked=1, oldest=95.0),
        health=(
            HealthLine("Database", ok=True, detail="answers in 2 ms"),
            HealthLine("GitHub", ok=True, detail="4,812 of 5,000 requests left"),
            HealthLine("Model provider", ok=False, detail="429: the last three requests were refused"),
        ),
        jobs=jobs,
        running=(replace(asking, stage="asking", done=3, total=12),),
        recent=_recent(now),
        parked=(_job(5, "octo/billing#3", JobState.PARKED, now - timedelta(hours=3), 8, quota),),
        troubles=(
            _job(6, "acme/site#9", JobState.PARKED, now - timedelta(days=1, hours=2), 1, suspended),
            _job(7, "hooli/search#210", JobState.PARKED, now - timedelta(days=4), 1, missing),
        ),
        deliveries=_deliveries(now),
    )


def _recent(now: datetime) -> tuple[RunLine, ...]:
    def ended(number: int, target: str, minutes: int, seconds: int, verdict: str, **facts: object) -> RunLine:
        start = now - timedelta(minutes=minutes)
        run = _run(number, target, "finished", start, finished_at=start + timedelta(seconds=seconds), verdict=verdict)
        return replace(run, **facts)  # type: ignore[arg-type]  # fields of RunLine, by name

    review = f"{_HOST}/octo/shop/pull/41#pullrequestreview-90"
    lost = "The provider did not answer within 600 seconds."
    return (
        ended(11, "octo/shop#41", 9, 84, "findings", findings=10, cost_usd=0.3127, review_url=review),
        ended(12, "octo/api-gateway#6", 31, 22, "clean", cost_usd=0.0204, review_url=review.replace("41", "6")),
        ended(13, "octo/mobile#117", 48, 402, "incomplete", findings=3, cost_usd=1.92, review_url=review),
        ended(14, "octo/shop#40", 75, 600, "", status="failed", cost_usd=0.05, error=lost),
        ended(15, "octo/shop#39", 130, 1, "skipped", cost_usd=0.0),
        ended(16, "octo/an-uncommonly-long-name-for-a-repository#1201", 300, 41, "superseded", cost_usd=None),
    )


def _deliveries(now: datetime) -> tuple[DeliveryLine, ...]:
    rows = [
        (2, "pull_request", "opened", "octo/shop", 44, ""),
        (12, "pull_request", "synchronize", "octo/mobile", 118, ""),
        (40, "pull_request", "opened", "octo/docs", 12, "draft: The pull request is a draft."),
        (95, "issue_comment", "created", "octo/api-gateway", 7, ""),
        (700, "issue_comment", "created", "octo/shop", 41, "outsider: Who comments is not among triggers.commenters."),
        (90_000, "installation", "suspend", "", 0, "installation: The installation was suspended."),
    ]
    return tuple(
        DeliveryLine(f"0f5c6{seconds:06}-8cd1-11ef", event, action, repository, number, _before(now, seconds), note)
        for seconds, event, action, repository, number, note in rows
    )


def _before(now: datetime, seconds: int) -> datetime:
    return now - timedelta(seconds=seconds)


def _job(number: int, target: str, state: JobState, since: datetime, attempt: int = 1, error: str = "") -> JobStatus:
    return JobStatus(f"{number:040x}", f"github.com/{target}", state, since, attempt, error)


def _run(
    number: int,
    target: str,
    status: str,
    started_at: datetime,
    *,
    finished_at: datetime | None = None,
    verdict: str = "",
    cost_usd: float | None = None,
) -> RunLine:
    url = f"{_HOST}/{target.replace('#', '/pull/')}"
    sha = f"{number * 0x9E3779B1:040x}"[::-1]
    return RunLine(
        f"run-{number}", target, url, sha, status, started_at, finished_at, verdict=verdict, cost_usd=cost_usd
    )
