"""JobEngine: durable jobs in a SQLite file, or on Postgres for many processes, run by DBOS.

Handing a job in twice is handing it in once. Its work is done at least once and ended once: a process that dies in the
middle leaves it to be begun again, so what the work pays for and writes must be found again by keys of its own.
"""

from __future__ import annotations

import json
import logging
import socket
import sqlite3
import time
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TextIO, TypeVar

import anyio
from anyio.to_thread import run_sync

from reviewbot.errors import StoreError, UsageError
from reviewbot.inbox import REDELIVERABLE
from reviewbot.jobs.file_lock import hold_file
from reviewbot.jobs.job import Gauges, Job, JobSettings, JobStatus, to_replace
from reviewbot.jobs.listing import gauges, parked, statuses
from reviewbot.jobs.liveness import Liveness
from reviewbot.jobs.retention import delete_ended
from reviewbot.jobs.workflows import (
    POST,
    POSTS,
    RUN,
    RUNS,
    TURN,
    TURNS,
    VERSION,
    Ended,
    JobBarred,
    JobParked,
    Notice,
    Post,
    Seen,
    StoredError,
    Tasks,
    Work,
    Workflows,
    attempts_of,
    enqueue,
    enqueue_seen,
    job_of,
    register,
)

if TYPE_CHECKING:
    from dbos import DBOSConfig

_P = ParamSpec("_P")
_T = TypeVar("_T")
WORK, POSTING = "work", "posting"
WORK_AND_POSTS = (WORK, POSTING)
_PATIENCE = 60.0  # seconds for a predecessor with our id to drain
_REMEDY = "Look at the disk and at the address of the job database; `reviewbot doctor` tries it."


async def _nothing_to_post(job: Job, posting: str) -> None:
    raise UsageError(f"Job {job.id} has something to post, and nobody was named to post it.")


class JobEngine:
    """Runs ``work`` for each job, and ``post`` for what it returned; one engine to a process. ``url`` is
    ``sqlite:///FILE`` or ``postgresql://…``.

    Both run on an event loop of the engine's own, are cancelled when their job is replaced, and say by a
    ReviewbotError whether it is worth another try. ``queues`` are those that this process takes work from: WORK, POSTS,
    both, or none for a process that only hands jobs in. ``seen`` makes what is posted when a job is handed in, without
    waiting for its turn, and ``notice`` what is posted when it was given up. ``worker_id`` is the process's own among
    all that take work, and the same after a restart; the host's name when empty, or ``local`` for a file.

    All methods raise StoreError when the database cannot be used; while it is away they wait for it.
    """

    def __init__(  # noqa: PLR0913 - by keyword only: what a job can bring about
        self,
        url: str,
        work: Work,
        settings: JobSettings | None = None,
        *,
        post: Post = _nothing_to_post,
        notice: Notice = lambda _job, _error: None,
        ended: Ended = lambda _job, _verdict: None,
        seen: Seen = lambda _job: None,
        worker_id: str = "",
        queues: Collection[str] = WORK_AND_POSTS,
    ) -> None:
        self._url = _plain(url)
        self._sqlite = self._url.startswith("sqlite")
        self._tasks = Tasks(work, post, notice, ended, seen)
        self._settings = settings or JobSettings()
        self._queues = [name for queue in queues for name in {WORK: (TURNS, RUNS), POSTING: (POSTS,)}[queue]]
        self._id = worker_id or ("local" if self._sqlite else socket.gethostname())
        self._liveness: Liveness | None = None
        self._lock: TextIO | None = None
        self._workflows: Workflows | None = None
        self._alive: set[str] = set()
        self._orphans: set[str] = set()
        self._threads = anyio.CapacityLimiter(4)  # own, so that jobs are handed in while reviews use all others
        self._lookers = anyio.CapacityLimiter(4)

    async def start(self) -> None:
        """Take up what was left and begin. Raises StoreError too when another worker has our id."""
        await self._in_thread(self._launch)

    async def stop(self, drain_seconds: float = 0.0) -> None:
        """Begin nothing more, let what runs go on for so long, then cancel it; the rest is done after the next start,
        or by other workers."""
        await self._in_thread(self._halt, drain_seconds)

    async def submit(self, job: Job, *, delay: float | None = None) -> bool:
        """Keep the job for good, and say whether it is new.

        With ``newest_wins`` it waits for ``debounce`` seconds, if not told otherwise, and earlier jobs of its pull
        request are replaced: those that wait at once, one that runs within 2 seconds.
        """
        return await self._in_thread(self._submit, job, delay)

    async def jobs(self, limit: int = 200) -> list[JobStatus]:
        """The jobs of the latest ``limit`` attempts, the latest first."""
        return await self._look(lambda: statuses(limit=limit))

    async def parked(self) -> list[JobStatus]:
        """Jobs that failed for good, with their errors, the latest first."""
        return await self._look(parked)

    async def retry(self, job_id: str) -> None:
        """Give a parked job a new round of tries. Raises UsageError when it is not parked."""
        await self._in_thread(self._retry, job_id)

    async def gauges(self) -> Gauges:
        return await self._look(gauges)

    async def prune(self, before: datetime) -> int:
        """Delete jobs that ended before, and say how many attempts that were. None is deleted while GitHub may deliver
        its webhook again, for the job itself is what tells that it was done."""
        return await self._in_thread(delete_ended, min(before.astimezone(UTC), datetime.now(UTC) - REDELIVERABLE))

    async def _look(self, call: Callable[[], _T]) -> _T:
        """A page or a probe that gives up leaves the thread to itself, which may wait for a database that is away."""
        return await run_sync(lambda: _answered(call), limiter=self._lookers, abandon_on_cancel=True)

    async def _in_thread(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """DBOS's own asynchronous calls would change the thread pool of the caller's loop."""
        return await run_sync(lambda: _answered(call, *args, **kwargs), limiter=self._threads)

    def _launch(self) -> None:
        from dbos import DBOS

        if self._sqlite:
            _prepare_file(self._url)
            self._lock = hold_file(_file_of(self._url), self._id, _PATIENCE) if self._queues else None
        DBOS(config=self._config())
        logging.getLogger("dbos").addFilter(_is_news)
        self._workflows = register(self._tasks, self._settings, self._alive)
        DBOS.listen_queues(self._queues)
        if self._queues and not self._sqlite:
            self._liveness = Liveness(
                self._url,
                self._id,
                owners=_owners,
                take_over=_take_over,
                mend=self._mend,
                dead_after=self._settings.dead_after,
            )
            self._liveness.hold(_PATIENCE)
        DBOS.launch()
        self._open_queues()
        if not self._sqlite:
            _index(self._url)
        if self._liveness:
            self._liveness.start()

    def _open_queues(self) -> None:
        from dbos import DBOS

        s = self._settings
        shared: dict[str, Any] = {
            "worker_concurrency": min(s.per_process, s.overall),
            "polling_interval_sec": s.poll,
            "on_conflict": "always_update",
        }
        each = min(s.per_installation, s.overall)
        DBOS.register_queue(TURNS, partition_concurrency=each, global_concurrency=s.overall, **shared)
        DBOS.register_queue(RUNS, partition_concurrency=1, **shared)
        DBOS.register_queue(POSTS, partition_concurrency=1, **shared)

    def _config(self) -> DBOSConfig:
        return {
            "name": "reviewbot",
            "system_database_url": self._url,
            "application_version": VERSION,
            "executor_id": self._id if self._queues else f"{self._id} receiver",
            "serializer": _json_serializer(),
            "sys_db_pool_size": min(20, 4 + self._settings.per_process // 2) if self._queues else 4,
            "enable_otlp": False,
            "log_level": "ERROR",
        }

    def _halt(self, drain_seconds: float) -> None:
        from dbos import DBOS

        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=round(drain_seconds))
        if self._liveness:
            self._liveness.stop()
            self._liveness = None
        if self._lock:
            self._lock.close()
            self._lock = None
        self._workflows = None

    def _submit(self, job: Job, delay: float | None) -> bool:
        from dbos import DBOS

        new = DBOS.get_workflow_status(job.attempt_id) is None
        if delay is None and job.newest_wins:
            delay = self._settings.debounce
        job, workflows = replace(job, asked=time.time_ns() // 1000), self._started()
        seen = self._tasks.seen(job)
        if seen is not None:
            enqueue_seen(workflows.post, job, seen, self._settings)
        enqueue(workflows.turn, job, delay or None)
        replaced = to_replace(job, attempts_of(job.pr_key)) if job.newest_wins else []
        if replaced:
            DBOS.cancel_workflows(replaced, cancel_children=True)
        return new

    def _retry(self, job_id: str) -> None:
        from dbos import DBOS

        status = next((s for s in parked() if s.id == job_id), None)
        if status is None:
            raise UsageError(f"No parked job has the id {job_id}.", remedy="The status page lists them.")
        last = f"{status.pr_key}|{job_id}|{status.attempt}"
        (row,) = DBOS.list_workflows(workflow_ids=[last], load_output=False)
        enqueue(self._started().turn, replace(job_of(row), attempt=status.attempt + 1, tries=1), None)

    def _mend(self) -> None:
        """Begin again what is under way here by the database's account, but not by ours, twice in a row: while the
        database is away, DBOS can drop what it could not write down, and it would keep its place for ever."""
        from dbos import DBOS

        rows = _answered(DBOS.list_workflows, status="PENDING", executor_id=self._id, load_input=False)
        orphans = {row.workflow_id: row.name for row in rows if row.workflow_id not in self._alive}
        for name, queue in ((POST, POSTS), (RUN, RUNS), (TURN, TURNS)):
            ids = [key for key in self._orphans & orphans.keys() if orphans[key] == name]
            if ids:
                _answered(DBOS.resume_workflows, ids, queue_name=queue)
        self._orphans = orphans.keys() - self._orphans

    def _started(self) -> Workflows:
        if self._workflows is None:
            raise StoreError("The job engine is not running.", remedy="Start it first.")
        return self._workflows


def _owners() -> Collection[str]:
    from dbos import DBOS

    rows = _answered(DBOS.list_workflows, status="PENDING", load_input=False, load_output=False)
    return {row.executor_id for row in rows if row.executor_id}


def _take_over(worker_id: str) -> int:
    """Private in DBOS 3.4, so a contract test watches it. `resume_workflows` is public, but forgets how often a job has
    killed its worker, and revives jobs that were cancelled meanwhile."""
    from dbos import DBOS

    return len(_answered(DBOS._recover_pending_workflows, [worker_id]))


def _answered(call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """The call, with the database's errors told as ours."""
    from dbos import error as errors
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return call(*args, **kwargs)
    except (SQLAlchemyError, errors.DBOSException, sqlite3.Error, OSError) as error:
        said = str(getattr(error, "orig", error)).splitlines()[0]
        raise StoreError(f"The job database failed: {said}.", remedy=_REMEDY) from error


def _index(url: str) -> None:
    """Attempts are found by how their ids begin; DBOS's own index on them serves that in one kind of database only."""
    import psycopg

    try:
        with psycopg.connect(url) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(727110516)")
            connection.execute(
                "CREATE INDEX IF NOT EXISTS reviewbot_attempts ON dbos.workflow_status (workflow_uuid text_pattern_ops)"
            )
    except psycopg.Error as error:
        raise StoreError(f"The job database failed: {error}.", remedy=_REMEDY) from error


def _is_news(record: logging.LogRecord) -> bool:
    """Whether DBOS tells something that we did not cause: it prints a traceback for each job parked or replaced."""
    from dbos import error as errors

    kind = record.exc_info[0] if record.exc_info else None
    return kind not in (JobParked, JobBarred, errors.DBOSAwaitedWorkflowCancelledError)


def _plain(url: str) -> str:
    """The address without the driver's name; it is DBOS's to choose."""
    scheme, colon, rest = url.partition("://")
    name = {"postgres": "postgresql"}.get(scheme.split("+")[0], scheme.split("+")[0])
    if not colon or name not in ("sqlite", "postgresql"):
        raise UsageError("The address of the job database is not one.", remedy="Write sqlite:///FILE or postgresql://…")
    return f"{name}://{rest}"


def _prepare_file(url: str) -> None:
    """A file only we can read, with a write-ahead log, which DBOS does not ask for and which stays in the file."""
    path = _file_of(url)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _json_serializer() -> Any:
    """DBOS's own writes pickles: whoever can write to the database could run code."""
    from dbos import Serializer

    class JsonSerializer(Serializer):
        def name(self) -> str:
            return "reviewbot-json"

        def serialize(self, data: Any) -> str:
            if isinstance(data, BaseException):
                return json.dumps({"error": [type(data).__name__, str(data)]})
            return json.dumps({"value": data})

        def deserialize(self, serialized_data: str) -> Any:
            found = json.loads(serialized_data)
            return StoredError(*found["error"]) if "error" in found else found["value"]

    return JsonSerializer()
