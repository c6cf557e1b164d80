"""What a status page and the metrics say of the jobs, read from the attempts that the database keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reviewbot.jobs.job import Ending, Gauges, JobState, JobStatus, names
from reviewbot.jobs.workflows import ACTIVE, RUN, TURN, JobBarred, StoredError, verdict_of

if TYPE_CHECKING:
    from dbos import WorkflowStatus


def statuses(**query: Any) -> list[JobStatus]:
    """The last attempt of each job among those rows, the latest first."""
    from dbos import DBOS

    rows = DBOS.list_workflows(name=TURN, sort_desc=True, load_input=False, **query)
    waiting = {names(row.workflow_id) for row in _in_state("ENQUEUED", RUN)}
    errors = {names(row.workflow_id): _error(row) for row in rows}
    statuses: dict[str, JobStatus] = {}
    for row in rows:
        pr_key, job_id, attempt = name = names(row.workflow_id)
        if job_id in statuses and statuses[job_id].attempt > attempt:
            continue
        state = JobState.QUEUED if row.status == "PENDING" and name in waiting else _state(row)
        error = errors[name] or errors.get((pr_key, job_id, attempt - 1), "")
        since = datetime.fromtimestamp((row.updated_at or 0) / 1000, UTC)
        error = "" if state is JobState.DONE else error
        statuses[job_id] = JobStatus(job_id, pr_key, state, since, attempt, error, _barred(row), row.priority or 0)
    return list(statuses.values())


def parked() -> list[JobStatus]:
    """A job that was retried has a later attempt than the one that was parked, whatever became of it."""
    from dbos import DBOS

    failed = statuses(status=["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"])
    following = {s.id: f"{s.pr_key}|{s.id}|{s.attempt + 1}" for s in failed}
    if not following:
        return []
    rows = DBOS.list_workflows(workflow_ids=list(following.values()), load_input=False, load_output=False)
    retried = {row.workflow_id for row in rows}
    return [s for s in failed if following[s.id] not in retried]


def gauges() -> Gauges:
    delayed, queued, running = (_in_state(status, TURN) for status in ACTIVE)
    turns = {names(row.workflow_id) for row in running}
    blocked = [row for row in _in_state("ENQUEUED", RUN) if names(row.workflow_id) in turns]
    waiting = queued + blocked
    now = datetime.now(UTC).timestamp()
    ages = [now - max(row.created_at or 0, row.delay_until_epoch_ms or 0) / 1000 for row in waiting]
    return Gauges(len(delayed), len(waiting), len(running) - len(blocked), len(parked()), max([0.0, *ages]))


def _in_state(status: str, name: str) -> list[WorkflowStatus]:
    from dbos import DBOS

    return DBOS.list_workflows(status=status, name=name, load_input=False, load_output=False)


def _state(row: WorkflowStatus) -> JobState:
    if row.status == "SUCCESS" and row.output is not None:
        replaced = verdict_of(row.output).ending is Ending.REPLACED
        return JobState.REPLACED if replaced else JobState.DONE
    return {
        "DELAYED": JobState.DELAYED,
        "ENQUEUED": JobState.QUEUED,
        "PENDING": JobState.RUNNING,
        "CANCELLED": JobState.REPLACED,
    }.get(row.status, JobState.PARKED)


def _barred(row: WorkflowStatus) -> bool:
    return isinstance(row.error, StoredError) and row.error.kind == JobBarred.__name__


def _error(row: WorkflowStatus) -> str:
    if row.status == "SUCCESS" and row.output is not None:
        return verdict_of(row.output).error
    if row.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        return "Too many processes died while they ran it."
    return str(row.error) if row.error else ""
