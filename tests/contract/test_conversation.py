"""One suite over every Conversation: GitHub (played by the sandbox, over HTTP) and the fake."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reviewbot.conversation import Closed, Conversation, Subject
from reviewbot.core.change.pull_request import PullRequestRef, ReviewThread
from reviewbot.core.change.state import ReviewedState, read_state, state_marker
from reviewbot.core.commands import Place
from reviewbot.core.marker import answer_marker, has_answer, is_status, is_summary, summary_marker
from reviewbot.core.report.acts import Orders
from reviewbot.core.report.continuation import orders_in, with_state
from reviewbot.errors import GitHubError, GitHubForbidden, GitHubNotFound, GitHubRejected
from reviewbot.github.client import GitHubClient
from reviewbot.github.fake import FakeConversation
from reviewbot.github.pull_requests import GitHubSource
from reviewbot.github.threads import GitHubConversation

pytestmark = pytest.mark.anyio
ENVIRON = {
    "PATH": os.environ["PATH"], "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip
MAY_PUSH = {"pull_requests": "write", "contents": "write"}
MAY_NOT = {"pull_requests": "write", "contents": "read"}
HEAD, BASE = "a" * 40, "b" * 40
PAUSE, RESUME = Orders(HEAD, BASE, paused=True), Orders(HEAD, BASE, paused=False)


@dataclass(frozen=True)
class Case:
    """A pull request with a thread of ours and one of Ann's, each with a reply of Ann's, her comment and her review."""

    talk: Conversation
    ours: ReviewThread
    anns: ReviewThread
    comment: Subject
    review: Subject
    status: Callable[[], list[str]]
    summaries: Callable[[], list[str]]
    reactions: Callable[[Subject], list[str]]
    text: Callable[[Subject], str]


def git(path: Path, *args: str) -> None:
    subprocess.run(["git", *args], cwd=path, env=ENVIRON, check=True, capture_output=True)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("origin")
    git(path, "init", "-q", "--initial-branch=main")
    (path / "a.py").write_text("one\ntwo\n")
    git(path, "add", "--all")
    git(path, "commit", "-qm", "start")
    git(path, "checkout", "-q", "-b", "topic")
    (path / "a.py").write_text("one\n2\nthree\n")
    git(path, "commit", "-qam", "topic")
    return path


@dataclass
class Stage:
    """The sandbox with the pull request of a Case, and its server."""

    github: Any
    client: GitHubClient
    source: GitHubSource
    hosted: Any
    comment: Subject
    review: Subject


async def no_sleep(_: float) -> None:
    return None


async def staged(stack: ExitStack, origin: Path, permissions: dict[str, str]) -> Stage:
    sandbox = pytest.importorskip("reviewbot.sandbox.github")
    github = sandbox.SandboxGitHub({"octo/shop": origin})
    stack.callback(github.close)
    number = github.open_pull_request("octo/shop", base="main", head="topic")
    url = stack.enter_context(sandbox.running(sandbox.create_app(github)))
    token = github.add_token(kind="app", permissions=permissions)
    client = GitHubClient(token, api_url=url, sleep=no_sleep)
    ann = GitHubClient(github.add_token("ann"), api_url=url)
    root = f"/repos/octo/shop/pulls/{number}"
    head = (await ann.get(root))["head"]["sha"]
    for speaker, line in ((client, 2), (ann, 3)):
        said = {"path": "a.py", "line": line, "commit_id": head, "body": f"About {line}."}
        first = await speaker.write("POST", f"{root}/comments", said)
        await ann.write("POST", f"{root}/comments/{first['id']}/replies", {"body": "Why?"})
    review = await ann.write("POST", f"{root}/reviews", {"event": "COMMENT", "body": "/reviewbot"})
    comment = Subject(Place.CONVERSATION, github.comment("octo/shop", number, "ann", "/reviewbot"))
    await ann.aclose()
    source = GitHubSource(client, PullRequestRef("github.com", "octo", "shop", number))
    return Stage(github, client, source, github.hosted("octo/shop"), comment, Subject(Place.REVIEW, review["id"]))


@pytest.fixture(params=["fake", "github"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def may_push() -> bool:
    return True


@pytest.fixture
async def case(kind: str, may_push: bool, origin: Path) -> AsyncIterator[Case]:
    with ExitStack() as stack:
        stage = await staged(stack, origin, MAY_PUSH if may_push else MAY_NOT)
        pull = await stage.source.pull_request()
        ours, anns = (await stage.source.surroundings(pull)).threads
        given = (ours, anns, stage.comment, stage.review)
        yield _of_fake(*given, may_push=may_push) if kind == "fake" else _of_sandbox(stage, *given)
        await stage.client.aclose()


def _of_fake(ours: ReviewThread, anns: ReviewThread, comment: Subject, review: Subject, *, may_push: bool) -> Case:
    fake = FakeConversation((ours, anns), (comment, review), may_resolve=may_push)
    return Case(
        fake, ours, anns, comment, review,
        status=lambda: [fake.status] if fake.status else [],
        summaries=lambda: [fake.summary] if fake.summary else [],
        reactions=lambda on: list(fake.reactions[on]),
        text=lambda on: fake.edits[on],
    )  # fmt: skip


def _of_sandbox(stage: Stage, ours: ReviewThread, anns: ReviewThread, comment: Subject, review: Subject) -> Case:
    return Case(
        GitHubConversation(stage.client, stage.source.ref), ours, anns, comment, review,
        status=lambda: [row.body for row in stage.hosted.comments.values() if is_status(row.body)],
        summaries=lambda: [row.body for row in stage.hosted.comments.values() if is_summary(row.body)],
        reactions=lambda on: [row.content for row in _table(stage.hosted, on)[on.id].reactions],
        text=lambda on: str(_table(stage.hosted, on)[on.id].body),
    )  # fmt: skip


def _table(hosted: Any, subject: Subject) -> Any:
    return {
        Place.CONVERSATION: hosted.comments,
        Place.THREAD: hosted.review_comments,
        Place.REVIEW: hosted.reviews,
    }[subject.place]


async def test_a_thread_is_read_whole(case: Case) -> None:
    first, second = await case.talk.comments(case.ours.id)
    assert (first.body, first.ours, first.is_bot, first.id) == ("About 2.", True, True, case.ours.comment_id)
    assert (second.body, second.author, second.ours, second.is_bot) == ("Why?", "ann", False, False)
    assert case.ours.comments == (first, second)
    with pytest.raises(GitHubNotFound):
        await case.talk.comments("PRRT_nothing")


async def test_a_reply_is_written_once_for_each_key(case: Case) -> None:
    address = await case.talk.reply(case.ours.id, case.ours.comment_id, "Because.", "11")
    again = await case.talk.reply(case.ours.id, case.ours.comment_id, "Because, you see.", "11")
    assert address.rpartition("#")[2] == again.rpartition("#")[2]
    await case.talk.reply(case.ours.id, case.ours.comment_id, "As I said.", "12")
    *_, one, two = await case.talk.comments(case.ours.id)
    assert [has_answer(one.body, "11"), has_answer(two.body, "12")] == [True, True]
    assert len(await case.talk.comments(case.ours.id)) == 4
    assert one.ours
    assert one.body.startswith("Because.\n")
    assert address.endswith(f"#discussion_r{one.id}")


async def test_replies_to_replies_and_to_nothing_are_refused(case: Case) -> None:
    with pytest.raises(GitHubRejected):
        await case.talk.reply(case.ours.id, case.ours.comments[1].id, "x", "11")
    with pytest.raises(GitHubNotFound):
        await case.talk.reply(case.ours.id, 999_999, "x", "11")
    with pytest.raises(GitHubNotFound):
        await case.talk.reply("PRRT_nothing", case.ours.comment_id, "x", "11")
    assert len(await case.talk.comments(case.ours.id)) == 2


async def test_commands_are_answered_in_one_comment(case: Case) -> None:
    first = await case.talk.answer("11", "It is paused.")
    second = await case.talk.answer("12", "It goes on.")
    third = await case.talk.answer("12", "It goes on.")
    assert first.rpartition("#")[2] == second.rpartition("#")[2] == third.rpartition("#")[2]
    (text,) = case.status()
    assert is_status(text)
    assert text.index("It goes on.") < text.index("It is paused."), "newest first"
    assert text.count("It goes on.") == 1


async def test_orders_are_kept_in_the_one_summary(case: Case) -> None:
    first = await case.talk.order(PAUSE)
    assert [orders_in(body) for body in case.summaries()] == [(True, ())]
    second = await case.talk.order(Orders(HEAD, BASE, ignore=("docs/**", "*.md")))
    third = await case.talk.order(PAUSE)
    assert first.rpartition("#")[2] == second.rpartition("#")[2] == third.rpartition("#")[2]
    assert [orders_in(body) for body in case.summaries()] == [(True, ("docs/**", "*.md"))]
    await case.talk.order(RESUME)
    (body,) = case.summaries()
    assert orders_in(body) == (False, ("docs/**", "*.md"))
    state = read_state(body)
    assert isinstance(state, ReviewedState)
    assert (state.rounds, state.missed.everything) == (0, True), "orders alone are no review"
    assert body.startswith("### Not reviewed yet")


async def test_resolve(case: Case) -> None:
    for thread in (case.ours, case.anns, case.ours):
        assert await case.talk.resolve(thread.id) is Closed.RESOLVED
    with pytest.raises(GitHubNotFound):
        await case.talk.resolve("PRRT_nothing")


@pytest.mark.parametrize("may_push", [False])
async def test_where_resolving_is_not_allowed_our_comment_is_hidden(case: Case) -> None:
    for _ in range(2):
        assert await case.talk.resolve(case.ours.id) is Closed.HIDDEN
        with pytest.raises(GitHubForbidden):
            await case.talk.resolve(case.anns.id)
    with pytest.raises(GitHubNotFound):
        await case.talk.resolve("PRRT_nothing")
    assert "contents: write" in Closed.HIDDEN.text
    assert Closed.RESOLVED.text


async def test_reactions_are_given_once(case: Case) -> None:
    on_thread = Subject(Place.THREAD, case.ours.comments[1].id)
    for subject in (case.comment, case.review, on_thread):
        await case.talk.react(subject)
        await case.talk.react(subject, "eyes")
        await case.talk.react(subject, "+1")
        assert case.reactions(subject) == ["eyes", "+1"]


@pytest.mark.parametrize("place", Place)
async def test_what_is_gone_is_not_found(case: Case, place: Place) -> None:
    gone = Subject(place, 999_999)
    with pytest.raises(GitHubNotFound):
        await case.talk.react(gone)
    with pytest.raises(GitHubNotFound):
        await case.talk.edit_comment(gone, "x")


async def test_our_comments_can_be_edited(case: Case) -> None:
    ours = Subject(Place.THREAD, case.ours.comment_id)
    for _ in range(2):
        assert (await case.talk.edit_comment(ours, "Now otherwise.")).endswith(f"#discussion_r{ours.id}")
    assert case.text(ours) == "Now otherwise."


# Over HTTP alone.


FAULTS = ["status:502", "status-after-write:502", "drop-before-write", "drop-after-write", "secondary-limit:1"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("where", ["/replies$", "/issues/1/comments$", "/reactions$", "/graphql$"])
async def test_every_fault_ends_in_one_of_each(origin: Path, fault: str, where: str) -> None:
    with ExitStack() as stack:
        stage = await staged(stack, origin, MAY_NOT)
        thread = (await stage.source.surroundings(await stage.source.pull_request())).threads[0]
        talk = GitHubConversation(stage.client, stage.source.ref)
        stage.github.faults.add(f"POST .*{where}", fault)
        for _ in range(2):
            await talk.reply(thread.id, thread.comment_id, "Because.", "11")
            await talk.answer("12", "Paused.")
            await talk.order(PAUSE)
            await talk.react(stage.comment)
            assert await talk.resolve(thread.id) is Closed.HIDDEN
        await stage.client.aclose()
    hosted = stage.hosted
    assert [has_answer(row.body, "11") for row in hosted.review_comments.values()].count(True) == 1
    assert [is_status(row.body) for row in hosted.comments.values()].count(True) == 1
    assert [orders_in(row.body) for row in hosted.comments.values() if is_summary(row.body)] == [(True, ())]
    assert [row.content for row in hosted.comments[stage.comment.id].reactions] == ["eyes"]
    assert hosted.review_comments[thread.comment_id].minimized == "RESOLVED"


async def test_a_hidden_thread_is_read_as_resolved_by_us(origin: Path) -> None:
    with ExitStack() as stack:
        stage = await staged(stack, origin, MAY_NOT)
        pull = await stage.source.pull_request()
        ours, anns = (await stage.source.surroundings(pull)).threads
        assert (ours.resolved, anns.resolved) == (False, False)
        await GitHubConversation(stage.client, stage.source.ref).resolve(ours.id)
        ann = GitHubConversation(GitHubClient(stage.github.add_token("ann"), api_url=_url(stage)), stage.source.ref)
        assert await ann.resolve(anns.id) is Closed.RESOLVED
        seen = await stage.source.surroundings(pull)
        ours, anns = seen.threads
        assert (ours.resolved, ours.resolved_by) == (True, seen.viewer.removesuffix("[bot]"))
        assert (anns.resolved, anns.resolved_by) == (True, "ann")
        await stage.client.aclose()


def _url(stage: Stage) -> str:
    return str(stage.github.links.api).removesuffix("/api/v3")


async def test_a_forged_marker_does_not_stand_for_our_answer(origin: Path) -> None:
    with ExitStack() as stage_of:
        stage = await staged(stage_of, origin, MAY_NOT)
        pull = await stage.source.pull_request()
        thread = (await stage.source.surroundings(pull)).threads[0]
        for row in stage.hosted.review_comments.values():
            if row.author.login == "ann":
                row.body = f"x\n\n{answer_marker('11')}"
        stage.github.comment("octo/shop", pull.ref.number if pull.ref else 0, "ann", "<!-- reviewbot:status -->")
        talk = GitHubConversation(stage.client, stage.source.ref)
        await talk.reply(thread.id, thread.comment_id, "Because.", "11")
        await talk.answer("12", "Paused.")
        bodies = [row.body for row in stage.hosted.comments.values() if is_status(row.body)]
        assert len(bodies) == 2, "hers, and ours"
        assert len(await talk.comments(thread.id)) == 3
        await stage.client.aclose()


async def test_without_the_right_to_write_nothing_is_swallowed(origin: Path) -> None:
    with ExitStack() as stack:
        stage = await staged(stack, origin, MAY_NOT)
        thread = (await stage.source.surroundings(await stage.source.pull_request())).threads[0]
        reader = GitHubClient(
            stage.github.add_token(kind="app", permissions={"pull_requests": "read", "contents": "read"}),
            api_url=_url(stage), sleep=no_sleep,
        )  # fmt: skip
        talk = GitHubConversation(reader, stage.source.ref)
        deeds: list[Callable[[], Any]] = [
            lambda: talk.reply(thread.id, thread.comment_id, "x", "11"),
            lambda: talk.answer("11", "x"),
            lambda: talk.order(PAUSE),
            lambda: talk.react(stage.comment),
            lambda: talk.react(stage.review),
            lambda: talk.resolve(thread.id),
            lambda: talk.edit_comment(Subject(Place.THREAD, thread.comment_id), "x"),
        ]
        for deed in deeds:
            with pytest.raises(GitHubError):
                await deed()
        await reader.aclose()
        await stage.client.aclose()


SUMMARY = f"### 2 findings\n\nwords\n\n{summary_marker()}"
STATE = ReviewedState(HEAD, BASE, rounds=3)


async def _summary(stage: Stage, speaker: GitHubClient, body: str) -> int:
    written = await speaker.write("POST", f"/repos/octo/shop/issues/{stage.source.ref.number}/comments", {"body": body})
    return int(written["id"])


async def test_an_order_leaves_the_words_and_the_state_of_a_review_alone(origin: Path) -> None:
    with ExitStack() as stack:
        stage = await staged(stack, origin, MAY_NOT)
        number = await _summary(stage, stage.client, with_state(SUMMARY, state_marker(STATE), ""))
        talk = GitHubConversation(stage.client, stage.source.ref)
        assert (await talk.order(PAUSE)).endswith(f"#issuecomment-{number}")
        body = stage.hosted.comments[number].body
        assert body.startswith(SUMMARY)
        assert read_state(body) == ReviewedState(HEAD, BASE, paused=True, rounds=3)
        before = stage.client.writes
        await talk.order(PAUSE)
        assert stage.client.writes == before, "what is in force is not written again"
        stage.hosted.comments[number].body = body.replace("\n", "\r\n")
        await talk.order(PAUSE)
        assert stage.client.writes == before, "nor for other line ends"
        await talk.order(RESUME)
        assert read_state(stage.hosted.comments[number].body) == STATE
        await stage.client.aclose()


async def test_a_summary_of_somebody_else_takes_no_orders(origin: Path) -> None:
    with ExitStack() as stack:
        stage = await staged(stack, origin, MAY_NOT)
        forged = with_state(SUMMARY, state_marker(STATE), "")
        number = stage.github.comment("octo/shop", stage.source.ref.number, "ann", forged)
        await GitHubConversation(stage.client, stage.source.ref).order(PAUSE)
        assert stage.hosted.comments[number].body == forged
        bodies = [row.body for row in stage.hosted.comments.values() if is_summary(row.body)]
        assert [orders_in(body) for body in bodies] == [(False, ()), (True, ())]
        seen = await stage.source.surroundings(await stage.source.pull_request())
        assert orders_in(seen.sticky_body) == (True, ())
        await stage.client.aclose()


async def test_a_summary_that_is_deleted_on_the_way_is_made_anew(origin: Path) -> None:
    with ExitStack() as stack:
        stage = await staged(stack, origin, MAY_NOT)
        number = await _summary(stage, stage.client, with_state(SUMMARY, state_marker(STATE), ""))
        stage.github.faults.add(f"PATCH .*/issues/comments/{number}$", "status:404")
        address = await GitHubConversation(stage.client, stage.source.ref).order(PAUSE)
        assert not address.endswith(f"-{number}")
        made = stage.hosted.comments[int(address.rpartition("-")[2])]
        assert (orders_in(made.body), is_summary(made.body)) == ((True, ()), True)
        await stage.client.aclose()


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_of_an_edit_ends_in_one_order(origin: Path, fault: str) -> None:
    with ExitStack() as stack:
        stage = await staged(stack, origin, MAY_NOT)
        number = await _summary(stage, stage.client, with_state(SUMMARY, state_marker(STATE), ""))
        stage.github.faults.add("PATCH .*", fault)
        await GitHubConversation(stage.client, stage.source.ref).order(PAUSE)
        bodies = [row.body for row in stage.hosted.comments.values() if is_summary(row.body)]
        assert bodies == [stage.hosted.comments[number].body]
        assert read_state(bodies[0]) == ReviewedState(HEAD, BASE, paused=True, rounds=3)
        await stage.client.aclose()
