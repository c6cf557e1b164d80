"""Pure: BoardView -> what the template fills in, as text, and -> what /status.json says, as data.

Everything that came from outside has passed `clean` or `web_link` here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from reviewbot.board import BoardView, DeliveryLine, RunLine
from reviewbot.core.report.summary import counted, money
from reviewbot.jobs.job import JobState, JobStatus
from webhooks.dashboard.words import clean, lasted, time_of, utc, web_link

_STAGES = {
    "": "Starting",
    "collecting": "Collecting the change",
    "asking": "Asking the model",
    "placing": "Placing the findings",
    "posting": "Posting",
    "done": "Done",
}
_MOST_OF_A_WORD = 30
_KINDS = {"clean": "good", "findings": "bad", "failed": "bad", "incomplete": "warn"}


def as_text(view: BoardView) -> dict[str, Any]:
    """The page's values, by section."""
    addresses = {run.target.lower(): web_link(run.url) for run in (*view.recent, *view.running)}

    def jobs(those: Iterable[JobStatus]) -> list[dict[str, Any]]:
        return [_job(job, view.now, addresses) for job in those]

    return {
        "now": time_of(view.now, view.now),
        "tally": _tally(view),
        "gauges": _gauges(view),
        "health": [{"name": clean(h.name), "ok": h.ok, "detail": clean(h.detail)} for h in view.health],
        "running": [_running(run, view.now) for run in view.running],
        "starting": jobs(_starting(view)),
        "waiting": jobs(job for job in view.jobs if job.state is not JobState.RUNNING),
        "parked": jobs(view.parked),
        "troubles": jobs(view.troubles),
        "recent": [_recent(run, view.now) for run in view.recent],
        "deliveries": [_delivery(line, view.now) for line in view.deliveries],
    }


def as_data(value: Any) -> Any:
    """The view as JSON has it: times in ISO 8601 and UTC, text cleaned."""
    if is_dataclass(value):
        return {field.name: as_data(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return utc(value).isoformat()
    if isinstance(value, str):
        return clean(value)
    return [as_data(each) for each in value] if isinstance(value, tuple | list) else value


def _tally(view: BoardView) -> str:
    """The state in one sentence; it changes only when something happened, so it can be read aloud."""
    gauges = view.gauges
    parts = [f"{gauges.running} running", f"{gauges.delayed + gauges.queued} waiting"]
    parts += [f"{gauges.parked} parked"] if gauges.parked else []
    parts += [counted(len(view.troubles), "trouble")] if view.troubles else []
    ill = [clean(line.name) for line in view.health if not line.ok]
    return ", ".join(parts) + "." + (f" Not well: {', '.join(ill)}." if ill else "")


def _gauges(view: BoardView) -> list[dict[str, str]]:
    gauges = view.gauges
    rows = [
        ("delayed", f"{gauges.delayed:,}", "wait for the next push or try", ""),
        ("queued", f"{gauges.queued:,}", "wait for a free worker", ""),
        ("running", f"{gauges.running:,}", "are worked on", ""),
        ("parked", f"{gauges.parked:,}", "wait for a person", "bad" if gauges.parked else ""),
        ("oldest", lasted(gauges.oldest) if gauges.queued else "none", "in the queue until now", ""),
    ]
    return [dict(zip(("name", "value", "text", "kind"), row, strict=True)) for row in rows]


def _starting(view: BoardView) -> list[JobStatus]:
    """Jobs that run, but of which no run is told yet."""
    told = [run.target.lower() for run in view.running]
    return [
        job for job in view.jobs if job.state is JobState.RUNNING and not any(_is_same(job.pr_key, t) for t in told)
    ]


def _is_same(pr_key: str, target: str) -> bool:
    """Whether a job's key, which may begin with the host, and a run's target are one pull request."""
    key = pr_key.lower()
    return key == target or key.endswith(f"/{target}")


def _running(run: RunLine, now: datetime) -> dict[str, Any]:
    total = max(0, run.total)
    done = min(max(0, run.done), total)
    return {
        **_run(run, now),
        "stage": _STAGES.get(run.stage) or clean(run.stage),
        "done": done,
        "total": total,
        "parts": f"{done:,} of {total:,} parts" if total else "parts not counted yet",
        "since": lasted((utc(now) - utc(run.started_at)).total_seconds()),
    }


def _recent(run: RunLine, now: datetime) -> dict[str, Any]:
    verdict = "failed" if run.status == "failed" else run.verdict or run.status
    end = run.finished_at
    return {
        **_run(run, now),
        "verdict": clean(verdict)[:_MOST_OF_A_WORD] or "unknown",
        "kind": _KINDS.get(verdict, "idle"),
        "error": clean(run.error),
        "findings": f"{run.findings:,}",
        "review": web_link(run.review_url),
        "took": lasted((utc(end) - utc(run.started_at)).total_seconds()) if end else "",
        "at": time_of(end or run.started_at, now),
    }


def _run(run: RunLine, now: datetime) -> dict[str, Any]:
    return {
        "id": clean(run.id),
        "name": clean(run.target) or "unnamed",
        "url": web_link(run.url),
        "head": clean(run.head_sha[:7]),
        "cost": money(run.cost_usd),
        "started": time_of(run.started_at, now),
    }


def _job(job: JobStatus, now: datetime, addresses: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": clean(job.id),
        "name": clean(job.pr_key) or "unnamed",
        "url": next((url for target, url in addresses.items() if _is_same(job.pr_key, target)), ""),
        "state": job.state.value,
        "since": time_of(job.since, now),
        "attempt": job.attempt,
        "error": clean(job.error),
        "retry": f"/jobs/{quote(job.id, safe='', errors='replace')}/retry",
    }


def _delivery(line: DeliveryLine, now: datetime) -> dict[str, Any]:
    number = f"#{line.number}" if line.number else ""
    return {
        "id": clean(line.id),
        "event": clean(f"{line.event}.{line.action}" if line.action else line.event),
        "where": clean(f"{line.repository}{number}"),
        "at": time_of(line.received_at, now),
        "note": clean(line.note),
    }
