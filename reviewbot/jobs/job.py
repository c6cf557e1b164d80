"""Pure: what a job is, how its attempts are named and ordered, and what follows when one fails.

delayed ──> queued ──> running ──> done
              ^           ├──────> replaced    a newer job of the same pull request came
              │           ├──────> parked      for a person to see; `retry` starts it again
              └──delayed──┘                    an error that may pass
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from reviewbot.errors import InstallationError, ReviewbotError, UsageError

_BAR = "|"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """How many run at once and how patient the engine is; times in seconds.

    ``debounce`` is how long a push waits for the next. ``deadline`` bounds the work of one attempt, ``posting`` what
    is posted for it, ``posts_wait`` how long that may wait for its turn. ``attempts`` are the tries after errors that
    may pass, ``deaths`` how many processes an attempt may take with it. A worker that did not answer for ``dead_after``
    is dead. ``poll`` is how often queues are looked at.
    """

    per_process: int = 10
    per_installation: int = 5
    overall: int = 200
    debounce: float = 3.0
    deadline: float = 1800.0
    posting: float = 300.0
    posts_wait: float = 3600.0
    attempts: int = 8
    deaths: int = 20
    first_pause: float = 10.0
    longest_pause: float = 900.0
    dead_after: float = 10.0
    poll: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be done for one pull request; ``id`` is never used for another.

    A job with ``newest_wins`` replaces the earlier ones of its pull request that have it too; the others, commands say,
    take turns. ``head_sha`` is a hint and ``payload`` the caller's own. ``priority`` 1 is the most urgent. ``tries``
    counts the attempts since somebody asked for it, ``attempt`` all of them. ``asked`` is when it was first handed in,
    in microseconds; the engine says it.
    """

    id: str
    pr_key: str
    installation_id: int | None
    head_sha: str
    priority: int
    payload: str
    newest_wins: bool = True
    attempt: int = 1
    tries: int = 1
    asked: int = 0

    def __post_init__(self) -> None:
        if _BAR in self.id + self.pr_key or not self.id or not self.pr_key or self.priority < 1:
            raise UsageError(f"No job can have the id {self.id!r}, key {self.pr_key!r} and priority {self.priority}.")

    @property
    def attempt_id(self) -> str:
        return _BAR.join((self.pr_key, self.id, str(self.attempt)))

    def to_data(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Job:
        """The job, without what a later version added to its data."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})


def family(pr_key: str) -> str:
    """What all attempt ids of a pull request begin with."""
    return pr_key + _BAR


def names(attempt_id: str) -> tuple[str, str, int]:
    """Pull request, job and attempt of an `attempt_id`, or of the id of its run, which has one part more."""
    pr_key, job_id, attempt = attempt_id.split(_BAR)[:3]
    return pr_key, job_id, int(attempt)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as the database has it, under way or ended."""

    job: Job
    active: bool


def is_replaced(job: Job, attempts: Iterable[Attempt]) -> bool:
    """Whether a later job of the pull request does this one's work."""
    return any(_replaces(attempt.job, job) for attempt in attempts)


def to_replace(job: Job, attempts: Sequence[Attempt]) -> list[str]:
    """Ids of the attempts under way that this job takes the place of.

    What counts is when jobs were first handed in, so one that is handed in again replaces nothing that came after it.
    The database's own time is not enough: in SQLite it is told in whole seconds.
    """
    kept = next((attempt.job for attempt in attempts if attempt.job.id == job.id), job)
    return [a.job.attempt_id for a in attempts if a.active and _replaces(kept, a.job)]


def _replaces(later: Job, job: Job) -> bool:
    both = later.newest_wins and job.newest_wins and later.id != job.id
    return both and (later.asked, later.id) > (job.asked, job.id)


class Ending(StrEnum):
    """How an attempt ends."""

    DONE = "done"
    REPLACED = "replaced"
    AGAIN = "again"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an attempt ended; ``pause`` seconds pass before the next, ``error`` is for people. ``barred`` says that the
    App may not work there, which is no fault of the job's."""

    ending: Ending
    error: str = ""
    pause: float = 0.0
    barred: bool = False


def after_error(error: BaseException, tries: int, settings: JobSettings) -> Verdict:
    """Again, after a pause, when the error may pass and tries are left; else parked.

    The pause doubles with each try, and is never shorter than what the provider asks for.
    """
    if not isinstance(error, ReviewbotError):
        return Verdict(Ending.PARKED, f"{type(error).__name__}: {error}")
    if not error.retryable:
        return Verdict(Ending.PARKED, str(error), barred=isinstance(error, InstallationError))
    return after_fault(str(error), tries, settings, at_least=float(getattr(error, "retry_after", 0.0)))


def after_fault(error: str, tries: int, settings: JobSettings, *, at_least: float = 0.0) -> Verdict:
    """The same for what is known to pass."""
    if tries >= settings.attempts:
        return Verdict(Ending.PARKED, f"{error} It was tried {tries} times.")
    pause = min(settings.longest_pause, settings.first_pause * 2.0 ** (tries - 1))
    return Verdict(Ending.AGAIN, error, max(pause, at_least))


class JobState(StrEnum):
    DELAYED = "delayed"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REPLACED = "replaced"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One line of a status page; ``error`` is the last attempt's, or the one before it while it is tried again. A
    parked job that is ``barred`` ended because the App may not work there."""

    id: str
    pr_key: str
    state: JobState
    since: datetime
    attempt: int
    error: str = ""
    barred: bool = False
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Gauges:
    """Jobs by state now, and for how many seconds the oldest has been queued."""

    delayed: int
    queued: int
    running: int
    parked: int
    oldest: float
