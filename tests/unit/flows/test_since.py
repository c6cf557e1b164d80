"""What a run may leave out because an earlier one has read it; and where anything is unsure, it leaves out nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reviewbot import errors
from reviewbot.core.change.diff import Diff, Run, Side
from reviewbot.core.change.increment import Missed, News, Since
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef, Surroundings
from reviewbot.core.change.state import ReviewedState, state_marker
from reviewbot.core.config import Config, Resolved
from reviewbot.core.findings.finding import (
    Finding,
    Location,
    PlacedFinding,
    RejectedFinding,
    RejectReason,
    Severity,
    Step,
)
from reviewbot.core.marker import summary_marker
from reviewbot.core.report.acts import Orders
from reviewbot.core.report.continuation import state_after, with_orders, with_state
from reviewbot.core.report.draft import Posted, ReviewDraft
from reviewbot.core.report.outcome import Coverage, FileCoverage, FileState, LineRun, ReviewOutcome
from reviewbot.flows.collection import Collected, collect
from reviewbot.flows.since import build_on
from reviewbot.github.fake import FakeSource
from reviewbot.store.memory import MemoryRunStore

pytestmark = pytest.mark.anyio
HEAD, EARLIER, BASE, OLD_BASE = "a" * 40, "c" * 40, "b" * 40, "d" * 40
PULL = PullRequest(
    PullRequestRef("github.com", "octo", "shop", 7), "", "", "jo", "open", False, "main", BASE, "work", HEAD,
    "octo/shop", "octo/shop", changed_files=2, additions=6, deletions=0, commits=1,
    html_url="https://github.com/octo/shop/pull/7",
)  # fmt: skip


def new_file(path: str, *lines: str) -> bytes:
    head = (
        f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{len(lines)} @@\n"
    )
    return (head + "".join(f"+{line}\n" for line in lines)).encode()


BEFORE = new_file("a.py", "one = 1", "two = 2", "three = 3")
NOW = new_file("a.py", "one = 1", "two = 2", "three = 3") + new_file("b.py", "four = 4", "five = 5", "six = 6")
BROKEN = b"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,9 +1,9 @@\n x\n"
STATE = ReviewedState(EARLIER, BASE, rounds=2, late_findings=1)
SUMMARY = f"### No problems found\n\n{summary_marker()}"


def source_of(
    earlier: bytes | None = BEFORE, *, body: str = "", pull: PullRequest = PULL, kind: type[FakeSource] = FakeSource
) -> FakeSource:
    files: dict[str, dict[str, bytes]] = {BASE: {}, OLD_BASE: {}, HEAD: {}}
    patches = {} if earlier is None else {EARLIER: earlier}
    return kind(pull, NOW, files, Surroundings(sticky_body=body), patches)


async def collected(source: FakeSource) -> Collected:
    found = await collect(source, source.pull, lambda _: Resolved(Config()))
    source.calls = 0
    return found


async def built(
    source: FakeSource, *, store: MemoryRunStore | None = None, full: bool = False
) -> tuple[Since, Collected]:
    found = await build_on(store or MemoryRunStore(), source, await collected(source), full)
    return found.since, found


def body_of(state: ReviewedState) -> str:
    return with_state(SUMMARY, state_marker(state), "")


def offered(found: Collected) -> dict[str, int]:
    assert found.since.increment is not None
    return {file.path: file.offered_lines for file in found.since.increment.files if file.offered_lines}


# ---- nothing to build on ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("full", [True, False])
async def test_a_work_tree_has_no_earlier_reviews(full: bool) -> None:
    since, found = await built(source_of(body=body_of(STATE), pull=replace(PULL, ref=None)), full=full)
    assert since == Since(full=full)
    assert found.offered is None


async def test_a_first_review_reads_all_and_says_nothing_of_it() -> None:
    for body in ("", SUMMARY):
        source = source_of(body=body)
        since, found = await built(source)
        assert (since, found.offered, source.calls) == (Since(), None, 0)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (state_marker(STATE)[:-9], "cut short or was changed"),
        (f"{state_marker(STATE)}\n{state_marker(STATE)}", "more than one"),
        (state_marker(STATE).replace("state:1:", "state:0:"), "no longer read"),
        ("<!-- reviewbot:state:7:00000000:x -->", "newer reviewbot"),
    ],
)
async def test_a_state_that_cannot_be_read_means_a_full_review_and_says_why(line: str, words: str) -> None:
    source = source_of(body=f"{SUMMARY}\n{line}")
    since, found = await built(source)
    assert words in since.reason
    assert (replace(since, reason=""), found.offered, source.calls) == (Since(), None, 0)


async def test_orders_alone_are_no_review() -> None:
    body = with_orders(SUMMARY, Orders(EARLIER, BASE, paused=True, ignore=("docs/",)))
    for full in (True, False):
        source = source_of(body=body)
        since, found = await built(source, full=full)
        assert (since, found.offered, source.calls) == (Since(full=full), None, 0)


async def test_all_is_read_again_where_that_is_asked() -> None:
    source = source_of(body=body_of(STATE))
    since, found = await built(source, full=True)
    assert since == Since(None, EARLIER, 2, 1, full=True)
    assert (found.offered, source.calls) == (None, 0)


# ---- something to build on -------------------------------------------------------------------------------------------


async def test_only_what_is_new_is_offered() -> None:
    source = source_of(body=body_of(STATE))
    since, found = await built(source)
    assert (since.head_sha, since.rounds, since.late_findings, since.full, since.reason) == (EARLIER, 2, 1, False, "")
    assert offered(found) == {"b.py": 3}
    assert found.offered is not None
    assert [piece.file.path for piece in found.offered] == ["b.py"]
    assert source.calls == 1


async def test_the_same_head_and_base_are_not_asked_for_again() -> None:
    source = source_of(body=body_of(replace(STATE, head_sha=HEAD)))
    since, found = await built(source)
    assert source.calls == 0
    assert found.offered == ()
    assert since.increment is not None
    assert [file.news for file in since.increment.files] == [News.UNCHANGED] * 2


async def test_another_base_is_asked_for() -> None:
    source = source_of(body=body_of(replace(STATE, head_sha=HEAD, base_sha=OLD_BASE)))
    _, found = await built(source)
    assert (source.calls, found.offered) == (1, ())


async def test_what_was_missed_is_offered_again() -> None:
    missed = Missed({"a.py": (Run(Side.RIGHT, 2, 3),)})
    _, found = await built(source_of(body=body_of(replace(STATE, missed=missed))))
    assert offered(found) == {"a.py": 2, "b.py": 3}
    assert found.offered is not None
    assert [piece.file.path for piece in found.offered] == ["a.py", "b.py"]


async def test_what_was_over_the_limit_is_offered_again() -> None:
    """A finding that was not posted is not lost: its lines are read again, and where it has none its file."""
    finding = Finding("a.py", Side.RIGHT, "x", "e", "Title", "Body", "bug", Severity.MAJOR, 0.9)
    on_line = PlacedFinding(finding, Location("a.py", Side.RIGHT, None, 2, Step.LINE), "f" * 16)
    on_file = PlacedFinding(finding, Location("a.py", Side.RIGHT, None, None, Step.FILE), "e" * 16)
    coverage = Coverage((FileCoverage("a.py", FileState.REVIEWED, 3, 3),))
    for placed, lines in ((on_line, 1), (on_file, 3)):
        earlier = ReviewOutcome(
            "r", replace(PULL, head_sha=EARLIER), "findings", coverage, Diff(()),
            rejected=(RejectedFinding(placed, RejectReason.OVER_LIMIT),),
        )  # fmt: skip
        _, found = await built(source_of(body=with_state(SUMMARY, state_after(earlier), "")))
        assert offered(found) == {"a.py": lines, "b.py": 3}


async def test_lines_that_failed_are_offered_again() -> None:
    part = FileCoverage("a.py", FileState.PARTLY, 3, 2, failed_lines=1, missed=(LineRun(Side.RIGHT, 3, 3),))
    earlier = ReviewOutcome("r", replace(PULL, head_sha=EARLIER), "incomplete", Coverage((part,)), Diff(()))
    _, found = await built(source_of(body=with_state(SUMMARY, state_after(earlier), "")))
    assert offered(found) == {"a.py": 1, "b.py": 3}


async def test_after_an_order_the_review_goes_on_where_it_was() -> None:
    body = with_orders(body_of(STATE), Orders(HEAD, BASE, paused=False, ignore=("docs/",)))
    _, found = await built(source_of(body=body))
    assert offered(found) == {"b.py": 3}


# ---- the database ----------------------------------------------------------------------------------------------------


async def kept(state: ReviewedState, *, posted: Posted | None = None, pull: PullRequest = PULL) -> MemoryRunStore:
    store = MemoryRunStore()
    draft = ReviewDraft("k", state.head_sha, None, (), SUMMARY, state=state_marker(state))
    posted = Posted(summary_url="https://x") if posted is None else posted
    await store.finish_run(ReviewOutcome("r", pull, "clean", Coverage(()), Diff(()), draft=draft, posted=posted))
    return store


async def test_the_later_state_counts_wherever_it_stands() -> None:
    later, sooner = replace(STATE, rounds=9), replace(STATE, head_sha=HEAD, rounds=1)
    since, _ = await built(source_of(body=body_of(sooner)), store=await kept(later))
    assert (since.head_sha, since.rounds) == (EARLIER, 9)
    since, _ = await built(source_of(body=body_of(later)), store=await kept(sooner))
    assert (since.head_sha, since.rounds) == (EARLIER, 9)


@pytest.mark.parametrize(
    "body", ["", SUMMARY, f"{SUMMARY}\n<!-- reviewbot:state:1:", with_orders(SUMMARY, Orders(HEAD, BASE, True))]
)
async def test_without_a_state_in_the_comment_that_of_the_database_counts(body: str) -> None:  # fmt: skip
    _, found = await built(source_of(body=body), store=await kept(STATE))
    assert offered(found) == {"b.py": 3}


async def test_what_was_not_posted_is_not_built_on() -> None:
    since, found = await built(source_of(), store=await kept(STATE, posted=Posted()))
    assert (since, found.offered) == (Since(), None)


async def test_another_pull_request_is_none_of_ours() -> None:
    elsewhere = replace(PULL, html_url="https://ghe.example.com/octo/shop/pull/7")
    since, _ = await built(source_of(), store=await kept(STATE, pull=elsewhere))
    assert since == Since()


async def test_a_database_that_is_away_is_said() -> None:
    class Away(MemoryRunStore):
        async def reviewed_state(self, pull: PullRequest) -> str:
            raise errors.StoreError("The run database does not answer.")

    with pytest.raises(errors.StoreError):
        await built(source_of(body=body_of(STATE)), store=Away())


# ---- what cannot be had ----------------------------------------------------------------------------------------------


async def test_a_commit_that_is_gone_means_a_full_review_and_says_why() -> None:
    since, found = await built(source_of(None, body=body_of(STATE)))
    assert since.reason.startswith(f"what was read at commit {EARLIER[:12]} cannot be compared any more (")
    assert (replace(since, reason=""), found.offered) == (Since(None, EARLIER, 2, 1), None)


async def test_a_patch_with_faults_leaves_nothing_of_its_file_out() -> None:
    _, found = await built(source_of(BROKEN, body=body_of(STATE)))
    assert offered(found) == {"a.py": 3, "b.py": 3}


async def test_what_is_no_patch_means_a_full_review_and_says_why() -> None:
    since, found = await built(source_of(b"Not found.\n", body=body_of(STATE)))
    assert "not a diff" in since.reason
    assert (since.increment, since.rounds, found.offered) == (None, 2, None)


async def test_where_nothing_is_known_of_the_earlier_one_all_is_read() -> None:
    since, found = await built(source_of(body=body_of(replace(STATE, missed=Missed(everything=True)))))
    assert since.reason
    assert (since.increment, found.offered) == (None, None)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (errors.GitHubNotFound("gone"), False), (errors.GitHubRejected("no"), False),
        (errors.GitHubDiffTooLarge("large"), False), (errors.WorkspaceError("git"), False), (errors.DiffError("odd"), False),
        (errors.GitHubUnreachable("away"), True), (errors.GitHubUnauthorized("who"), True),
        (errors.GitHubForbidden("no"), True), (errors.GitHubRateLimited("slow"), True),
    ],
)  # fmt: skip
async def test_what_may_pass_is_an_error_and_what_stays_so_is_a_reason(
    error: errors.ReviewbotError, passes: bool
) -> None:
    class Failing(FakeSource):
        async def diff_between(self, base: str, head: str) -> Diff:
            raise error

    source = source_of(body=body_of(STATE), kind=Failing)
    if passes:
        with pytest.raises(type(error)):
            await built(source)
    else:
        since, found = await built(source)
        assert error.message in since.reason
        assert (since.increment, found.offered) == (None, None)
