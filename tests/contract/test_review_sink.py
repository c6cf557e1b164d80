"""One suite over every ReviewSink: GitHub (played by the sandbox) and the fake. What stands where is asked of both."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from reviewbot.core.change.diff import Side
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef
from reviewbot.core.report.draft import CheckDraft, InlineComment, ReviewDraft
from reviewbot.core.report.marker import finding_marker, has_review, summary_marker
from reviewbot.github.client import GitHubClient
from reviewbot.github.fake import FakeSink
from reviewbot.github.pull_requests import GitHubSource
from reviewbot.github.reviews import GitHubSink
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
        client = GitHubClient(github.add_token(kind="app"), api_url=url)  # check runs are for apps alone
        source = GitHubSource(client, PullRequestRef("github.com", "octo", "shop", number))
        pull = await source.pull_request()
        if request.param == "github":
            hosted = github.hosted("octo/shop")
            yield Case(GitHubSink(client, source), pull, lambda: _in_sandbox(hosted))
        else:
            fake = FakeSink(await source.diff(pull))
            yield Case(fake, pull, lambda: _in_fake(fake))


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
