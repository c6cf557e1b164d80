"""One suite over every ReviewSink: GitHub (played by the sandbox) and the fake. What stands where is asked of both."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from reviewbot.core.change.diff import Side
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef, ReviewThread, Surroundings
from reviewbot.core.change.state import ReviewedState, read_state, state_marker
from reviewbot.core.marker import finding_marker, has_answer, has_review, is_status, is_summary, summary_marker
from reviewbot.core.report.acts import Orders, Reply, Resolve, StatusAnswer
from reviewbot.core.report.continuation import orders_in, with_orders
from reviewbot.core.report.draft import CheckDraft, InlineComment, Posted, ReviewDraft
from reviewbot.errors import GitHubError
from reviewbot.github.client import GitHubClient
from reviewbot.github.dry_run import DryRunSink
from reviewbot.github.fake import FakeSink
from reviewbot.github.pull_requests import GitHubSource
from reviewbot.github.reviews import GitHubSink
from reviewbot.github.threads import GitHubConversation
from reviewbot.ports import ReviewSink

pytestmark = pytest.mark.anyio
ENVIRON = {
    "PATH": os.environ["PATH"], "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What a reader of the pull request finds: bodies of reviews, lines of inline comments, and so on."""

    reviews: list[str]
    lines: list[tuple[str, int | None]]
    summaries: list[str]
    checks: int


@dataclass(frozen=True)
class Case:
    sink: ReviewSink
    pull: PullRequest
    seen: Callable[[], Seen]
    read: Callable[[], Awaitable[Surroundings]]
    order: Callable[[Orders], Awaitable[object]]


def git(path: Path, *args: str) -> bytes:
    return subprocess.run(["git", *args], cwd=path, env=ENVIRON, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("origin")
    git(path, "init", "-q", "--initial-branch=main")
    (path / "a.py").write_text("".join(f"line {n}\n" for n in range(1, 41)))
    git(path, "add", "--all")
    git(path, "commit", "-qm", "start")
    git(path, "checkout", "-q", "-b", "topic")
    text = (path / "a.py").read_text().replace("line 10\n", "ten\n").replace("line 30\n", "thirty\n")
    (path / "a.py").write_text(text)
    git(path, "commit", "-qam", "topic")
    return path


@pytest.fixture(params=["fake", "github"])
async def case(request: pytest.FixtureRequest, origin: Path) -> AsyncIterator[Case]:
    sandbox = pytest.importorskip("reviewbot.sandbox.github")
    with ExitStack() as stack:
        github = sandbox.SandboxGitHub({"octo/shop": origin})
        number = github.open_pull_request("octo/shop", base="main", head="topic")
        url = stack.enter_context(sandbox.running(sandbox.create_app(github)))
        token = github.add_token(kind="app")  # check runs are for apps alone
        client = GitHubClient(token, api_url=url)
        source = GitHubSource(client, PullRequestRef("github.com", "octo", "shop", number))
        pull = await source.pull_request()
        if request.param == "github":
            hosted = github.hosted("octo/shop")
            other = GitHubConversation(GitHubClient(token, api_url=url), source.ref)
            sink = GitHubSink(client, source)
            yield Case(sink, pull, lambda: _in_sandbox(hosted), lambda: source.surroundings(pull), other.order)
        else:
            fake = FakeSink(await source.diff(pull))

            async def order(orders: Orders) -> None:
                fake.summary = with_orders(fake.summary or "", orders)

            yield Case(fake, pull, lambda: _in_fake(fake), lambda: source.surroundings(pull), order)


def _in_sandbox(hosted: object) -> Seen:
    reviews = [review for review in hosted.reviews.values() if review.body]  # type: ignore[attr-defined]
    comments = hosted.review_comments.values()  # type: ignore[attr-defined]
    return Seen(
        [review.body for review in reviews],
        sorted(((comment.path, comment.line) for comment in comments), key=str),
        [comment.body for comment in hosted.comments.values()],  # type: ignore[attr-defined]
        len(hosted.check_runs),  # type: ignore[attr-defined]
    )


def _in_fake(fake: FakeSink) -> Seen:
    lines = [(comment["path"], comment["line"]) for review in fake.reviews for comment in review["comments"]]
    return Seen(
        [review["body"] for review in fake.reviews],
        sorted(lines + [(item.path, None) for item in fake.file_comments], key=str),
        [fake.summary] if fake.summary is not None else [],
        len(fake.checks),
    )


def comment(name: str, line: int | None, *, start: int | None = None, path: str = "a.py") -> InlineComment:
    return InlineComment(path, Side.RIGHT, start, line, f"About {name}.\n\n{finding_marker(name)}", name)


def draft(pull: PullRequest, *comments: InlineComment, key: str = "run1") -> ReviewDraft:
    check = CheckDraft("reviewbot", "success", "All read", "Nothing.")
    return ReviewDraft(key, pull.head_sha, "Read.", comments, f"Summary of {key}.\n\n{summary_marker()}", check)


async def test_one_review_one_summary_one_check(case: Case) -> None:
    posted = await case.sink.post(case.pull, draft(case.pull, comment("one", 10), comment("range", 31, start=29)))
    seen = case.seen()
    assert len(seen.reviews) == 1
    assert has_review(seen.reviews[0], "run1")
    assert seen.lines == [("a.py", 10), ("a.py", 31)]
    assert (len(seen.summaries), seen.checks) == (1, 1)
    assert posted.review_url
    assert posted.summary_url
    assert posted.check_url
    assert (posted.moved, posted.notes) == ((), ())
    assert case.sink.calls == 3


async def test_the_same_key_is_written_once(case: Case) -> None:
    written = draft(case.pull, comment("one", 10))
    assert await case.sink.post(case.pull, written) == await case.sink.post(case.pull, written)
    seen = case.seen()
    assert (len(seen.reviews), seen.lines, len(seen.summaries), seen.checks) == (1, [("a.py", 10)], 1, 1)


async def test_a_comment_that_can_not_stand_moves_into_the_body(case: Case) -> None:
    outside, across = comment("outside", 20), comment("across", 30, start=10)
    elsewhere = comment("elsewhere", 1, path="no.py")
    inside = [comment(f"in{n}", n) for n in (8, 10, 12, 28, 30)]
    posted = await case.sink.post(case.pull, draft(case.pull, *inside, outside, across, elsewhere))
    seen = case.seen()
    assert set(posted.moved) == {"outside", "across", "elsewhere"}
    assert {line for _, line in seen.lines} == {8, 10, 12, 28, 30}
    assert len(seen.lines) == 5
    assert len(seen.reviews) == 1
    assert all(item.body in seen.reviews[0] for item in (outside, across, elsewhere))


async def test_a_comment_on_a_file(case: Case) -> None:
    written = draft(case.pull, comment("file", None), comment("gone", None, path="no.py"))
    posted = await case.sink.post(case.pull, written)
    seen = case.seen()
    assert posted.moved == ("gone",)
    assert seen.lines == [("a.py", None)]
    assert "About gone." in seen.reviews[0]


async def test_the_next_run_edits_the_summary(case: Case) -> None:
    await case.sink.post(case.pull, draft(case.pull, key="run1"))
    await case.sink.post(case.pull, draft(case.pull, key="run2"))
    assert [text.split("\n")[0] for text in case.seen().summaries] == ["Summary of run2."]


HEAD, BASE = "a" * 40, "b" * 40
PAUSE, RESUME = Orders(HEAD, BASE, paused=True, ignore=("docs/",)), Orders(HEAD, BASE, paused=False)


def stating(pull: PullRequest, rounds: int, *comments: InlineComment, **changes: Any) -> ReviewDraft:
    """A draft with the state of the review number ``rounds``."""
    marker = state_marker(ReviewedState(HEAD, BASE, rounds=rounds))
    return replace(draft(pull, *comments, key=f"run{rounds}"), **{"state": marker, **changes})


def state_in(seen: Seen) -> ReviewedState:
    (summary,) = seen.summaries
    found = read_state(summary)
    assert isinstance(found, ReviewedState), found
    return found


async def test_the_state_goes_into_the_summary(case: Case) -> None:
    for rounds in (1, 2):
        await case.sink.post(case.pull, stating(case.pull, rounds, comment("one", 10)))
        assert state_in(case.seen()) == ReviewedState(HEAD, BASE, rounds=rounds)
    assert case.seen().summaries[0].startswith("Summary of run2.")
    await case.sink.post(case.pull, draft(case.pull, key="without"))
    assert case.seen().summaries[0].startswith("Summary of without.")
    assert state_in(case.seen()).rounds == 2


async def test_an_order_between_two_reviews_stays_in_force(case: Case) -> None:
    await case.sink.post(case.pull, stating(case.pull, 1))
    await case.order(PAUSE)
    await case.sink.post(case.pull, stating(case.pull, 2))
    assert state_in(case.seen()) == ReviewedState(HEAD, BASE, paused=True, ignored=("docs/",), rounds=2)
    await case.order(RESUME)
    await case.sink.post(case.pull, stating(case.pull, 3))
    assert state_in(case.seen()) == ReviewedState(HEAD, BASE, ignored=("docs/",), rounds=3)


@pytest.mark.parametrize("reviewed", [True, False])
async def test_an_order_since_the_pull_request_was_read_stays_in_force(case: Case, reviewed: bool) -> None:
    """Also when it was the order that made the summary: there is one comment, with both."""
    if reviewed:
        await case.sink.post(case.pull, stating(case.pull, 1))
    await case.read()
    await case.order(PAUSE)
    await case.sink.post(case.pull, stating(case.pull, 2, comment("one", 10)))
    assert state_in(case.seen()) == ReviewedState(HEAD, BASE, paused=True, ignored=("docs/",), rounds=2)
    assert case.seen().summaries[0].startswith("Summary of run2.")


@pytest.mark.parametrize(
    "fault",
    [
        "status:502", "status-after-write:502", "drop-before-write", "drop-after-write", "secondary-limit:1",
        "primary-limit:1", "status:500",
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["/reviews$", "/pulls/1/comments$", "/issues/1/comments$", "/check-runs$"])
async def test_every_fault_of_a_write_ends_in_one_of_each(origin: Path, fault: str, where: str) -> None:
    sandbox = pytest.importorskip("reviewbot.sandbox.github")

    async def no_sleep(_: float) -> None:
        return None

    with ExitStack() as stack:
        github = sandbox.SandboxGitHub({"octo/shop": origin})
        number = github.open_pull_request("octo/shop", base="main", head="topic")
        url = stack.enter_context(sandbox.running(sandbox.create_app(github)))
        client = GitHubClient(github.add_token(kind="app"), api_url=url, sleep=no_sleep)
        source = GitHubSource(client, PullRequestRef("github.com", "octo", "shop", number))
        pull = await source.pull_request()
        github.faults.add(f"POST .*{where}", fault)
        posted = await GitHubSink(client, source).post(
            pull, draft(pull, comment("one", 10), comment("bad", 20), comment("file", None))
        )
        hosted = github.hosted("octo/shop")
    seen = _in_sandbox(hosted)
    assert [review.state for review in hosted.reviews.values() if review.body] == ["COMMENTED"]
    assert (len(seen.reviews), len(seen.lines), len(seen.summaries), seen.checks) == (1, 2, 1, 1)
    assert (posted.moved, posted.notes) == (("bad",), ())


# Over HTTP alone: what follows a review, and what happens between its writes.


@dataclass(frozen=True)
class Stage:
    """A pull request with a thread of ours and a comment of Ann's, and whatever writes there."""

    github: Any
    hosted: Any
    url: str
    token: str
    ref: PullRequestRef
    pull: PullRequest
    thread: ReviewThread

    def sink(self, kind: type[GitHubClient] = GitHubClient, **options: Any) -> GitHubSink:
        """A new one, as a process that begins anew has it."""
        client = kind(self.token, api_url=self.url, **{"sleep": no_sleep, **options})
        return GitHubSink(client, GitHubSource(client, self.ref))

    def bodies(self) -> list[str]:
        return [row.body for row in self.hosted.comments.values()]

    @property
    def replies(self) -> list[str]:
        return [row.body for row in self.hosted.review_comments.values() if has_answer(row.body, "k1")]


async def no_sleep(_: float) -> None:
    return None


@pytest.fixture
async def stage(origin: Path) -> AsyncIterator[Stage]:
    sandbox = pytest.importorskip("reviewbot.sandbox.github")
    with ExitStack() as stack:
        github = sandbox.SandboxGitHub({"octo/shop": origin})
        stack.callback(github.close)
        ref = PullRequestRef(
            "github.com", "octo", "shop", github.open_pull_request("octo/shop", base="main", head="topic")
        )
        url = stack.enter_context(sandbox.running(sandbox.create_app(github)))
        token = github.add_token(kind="app")
        client = GitHubClient(token, api_url=url)
        source = GitHubSource(client, ref)
        pull = await source.pull_request()
        said = {"path": "a.py", "line": 10, "commit_id": pull.head_sha, "body": "About 10."}
        await client.write("POST", f"/repos/octo/shop/pulls/{ref.number}/comments", said)
        (thread,) = (await source.surroundings(pull)).threads
        await client.aclose()
        yield Stage(github, github.hosted("octo/shop"), url, token, ref, pull, thread)


def acting(stage: Stage, **changes: Any) -> ReviewDraft:
    first = stage.thread
    acts = (Reply(first.id, first.comment_id, "Fixed now.", "k1"), Resolve(first.id), StatusAnswer("21", "It is done."))
    return stating(stage.pull, 1, comment("one", 30), **{"acts": acts, **changes})


def deeds(stage: Stage) -> tuple[int, int, int, int]:
    """Replies, answers, reviews and summaries."""
    bodies = stage.bodies()
    reviews = [row for row in stage.hosted.reviews.values() if row.body]
    answers = sum(body.count("It is done.") for body in bodies if is_status(body))
    return len(stage.replies), answers, len(reviews), sum(map(is_summary, bodies))


async def test_what_follows_a_review_is_done_once(stage: Stage) -> None:
    sink = stage.sink()
    posted = await sink.post(stage.pull, acting(stage))
    assert (posted.notes, deeds(stage)) == ((), (1, 1, 1, 1))
    assert await sink.post(stage.pull, acting(stage)) == posted
    later = await stage.sink().post(stage.pull, acting(stage))
    assert (later.review_url, later.summary_url, later.notes) == (posted.review_url, posted.summary_url, ())
    assert deeds(stage) == (1, 1, 1, 1)
    assert (
        (await GitHubSource(GitHubClient(stage.token, api_url=stage.url), stage.ref).surroundings(stage.pull))
        .threads[0]
        .resolved
    )


async def test_without_a_review_they_are_done_too(stage: Stage) -> None:
    quiet = acting(stage, comments=(), body=None, summary=None, check=None, state="")
    assert await stage.sink().post(stage.pull, quiet) == Posted()
    assert deeds(stage) == (1, 1, 0, 0)


async def test_they_come_after_the_review(stage: Stage) -> None:
    asked: list[str] = []

    class Noting(GitHubClient):
        async def write(self, verb: str, path: str, payload: Any, *, repeatable: bool = False) -> Any:
            asked.append(path.rpartition("/")[2])
            return await super().write(verb, path, payload, repeatable=repeatable)

    await stage.sink(Noting).post(stage.pull, acting(stage))
    assert asked == ["reviews", "comments", "check-runs", "replies", "comments"]


async def test_after_a_review_that_was_refused_nothing_follows(stage: Stage) -> None:
    stage.github.faults.add("POST .*/reviews$", "status:403", times=9)
    with pytest.raises(GitHubError):
        await stage.sink().post(stage.pull, acting(stage))
    assert deeds(stage) == (0, 0, 0, 0)


async def test_an_act_that_is_refused_is_a_note_and_keeps_none_back(stage: Stage) -> None:
    first = stage.thread
    refused = (Reply(first.id, 999_999, "x", "k2"), Resolve("PRRT_nothing"))
    posted = await stage.sink().post(stage.pull, acting(stage, acts=(*refused, *acting(stage).acts)))
    assert [note.split(":")[0] for note in posted.notes] == ["not done (reply)", "not done (resolve)"]
    assert posted.review_url
    assert deeds(stage) == (1, 1, 1, 1)


@pytest.mark.parametrize("where", ["/replies$", "/issues/[0-9]+/comments$"])
async def test_after_an_outage_among_them_all_may_be_posted_again(stage: Stage, where: str) -> None:
    """The outage is longer than one attempt; the next one finds what the first has written."""
    sink = stage.sink(attempts=1)
    await sink.post(stage.pull, stating(stage.pull, 0))
    stage.github.faults.add(f"POST .*{where}", "status-after-write:502")
    stage.github.faults.add("POST .*/graphql$", "status:502", times=99, passing=3 if "replies" in where else 5)
    with pytest.raises(GitHubError):
        await sink.post(stage.pull, acting(stage))
    assert deeds(stage) == (1, int("issues" in where), 2, 1)
    stage.github.faults.active.clear()
    for again in (sink, stage.sink()):
        assert (await again.post(stage.pull, acting(stage))).notes == ()
        assert deeds(stage) == (1, 1, 2, 1)


@pytest.mark.parametrize("fault", ["status-after-write:502", "drop-after-write", "status:502", "drop-before-write"])
@pytest.mark.parametrize(
    "where", ["POST .*/replies$", "POST .*/issues/[0-9]+/comments$", "PATCH .*", "POST .*/graphql$"]
)
async def test_every_fault_of_what_follows_ends_in_one_of_each(stage: Stage, fault: str, where: str) -> None:
    stage.github.faults.add(where, fault, passing=1 if "issues" in where or "graphql" in where else 0)
    for sink in (stage.sink(), stage.sink()):
        assert (await sink.post(stage.pull, acting(stage))).notes == ()
    assert deeds(stage) == (1, 1, 1, 1)


@pytest.mark.parametrize("reviewed", [True, False])
async def test_an_order_while_the_review_is_written_stays_in_force(stage: Stage, reviewed: bool) -> None:
    if reviewed:
        await stage.sink().post(stage.pull, stating(stage.pull, 1))

    class Interrupted(GitHubClient):
        async def write(self, verb: str, path: str, payload: Any, *, repeatable: bool = False) -> Any:
            if path.endswith("/reviews"):
                await GitHubConversation(GitHubClient(stage.token, api_url=stage.url), stage.ref).order(PAUSE)
            return await super().write(verb, path, payload, repeatable=repeatable)

    await stage.sink(Interrupted).post(stage.pull, stating(stage.pull, 2, comment("one", 10)))
    (body,) = [body for body in stage.bodies() if is_summary(body)]
    assert read_state(body) == ReviewedState(HEAD, BASE, paused=True, ignored=("docs/",), rounds=2)


async def test_a_summary_that_was_deleted_since_is_made_anew(stage: Stage) -> None:
    first = await stage.sink().post(stage.pull, stating(stage.pull, 1))
    stage.github.faults.add("PATCH .*/issues/comments/", "status:404")
    second = await stage.sink().post(stage.pull, stating(stage.pull, 2))
    assert first.summary_url != second.summary_url
    assert read_state(stage.bodies()[-1]) == ReviewedState(HEAD, BASE, rounds=2)


async def test_a_newer_versions_state_and_a_strangers_are_left_alone(stage: Stage) -> None:
    newer = "<!-- reviewbot:state:9:00000000:of-a-later-version -->"
    forged = f"{summary_marker()}\n{state_marker(ReviewedState(HEAD, BASE, paused=True, rounds=9))}"
    stage.github.comment("octo/shop", stage.ref.number, "ann", forged)
    await stage.sink().post(stage.pull, stating(stage.pull, 1))
    hers, ours = (row for row in stage.hosted.comments.values())
    assert (hers.body, orders_in(ours.body)) == (forged, (False, ()))
    ours.body = f"{ours.body.rpartition(chr(10))[0]}\n{newer}"
    await stage.sink().post(stage.pull, stating(stage.pull, 2))
    assert (ours.body.split("\n")[0], ours.body.split("\n")[-1]) == ("Summary of run2.", newer)


async def test_a_dry_run_shows_the_summary_as_it_would_be_written(stage: Stage) -> None:
    await stage.sink().post(stage.pull, stating(stage.pull, 1))
    talk = GitHubConversation(GitHubClient(stage.token, api_url=stage.url), stage.ref)
    await talk.order(PAUSE)
    source = GitHubSource(GitHubClient(stage.token, api_url=stage.url), stage.ref)
    await source.surroundings(stage.pull)
    dry = DryRunSink(lambda: source.seen)
    written = stating(stage.pull, 2)
    assert await dry.post(stage.pull, written) == Posted()
    assert dry.draft is written, "a poster that comes later puts in what stands by then"
    (edit,) = [write for write in dry.payloads if write.verb == "PATCH"]
    await stage.sink().post(stage.pull, written)
    assert stage.bodies() == [edit.payload["body"]]
    assert orders_in(edit.payload["body"]) == (True, ("docs/",))
