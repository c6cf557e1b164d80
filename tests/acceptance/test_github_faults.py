"""What can go wrong at GitHub, and what is stated for it: nothing is lost, nothing is written twice."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from reviewbot.sandbox.github import Limits

from .conftest import NOTHING_FOUND, Git, World, finding, reply

PULL, REVIEWS = r"^GET /repos/octo/shop/pulls/1$", r"^POST /repos/octo/shop/pulls/1/reviews$"
COMMENTS, CHECKS = r"^POST /repos/octo/shop/issues/1/comments$", r"^POST /repos/octo/shop/check-runs$"
pytestmark = pytest.mark.usefixtures("quick")


def posted_once(world: World) -> None:
    assert len(world.reviews) == len(world.summaries) == len(world.checks) == 1
    assert len(world.comments) == 10
    assert world.reviews[0].state == "COMMENTED"


@pytest.mark.parametrize("pattern", [PULL, "^POST /graphql"])
@pytest.mark.parametrize("behaviour", ["status:502", "status:500", "drop-before-write", "drop-after-write"])
def test_reads_are_tried_again(world: World, pattern: str, behaviour: str) -> None:
    url = world.open("vouchers")
    world.github.faults.add(pattern, behaviour, times=2)
    assert world.review(url).code == 0
    posted_once(world)


def test_an_outage_is_said_and_nothing_is_spent(world: World) -> None:
    url = world.open("vouchers")
    world.github.faults.add(PULL, "status:503", times=99)
    done = world.review(url)
    assert done.code == 4
    assert "503" in done.err
    assert world.asked == 0


@pytest.mark.parametrize("pattern", [REVIEWS, COMMENTS, CHECKS])
@pytest.mark.parametrize("behaviour", ["drop-after-write", "status-after-write:502", "drop-before-write", "status:502"])
def test_a_write_whose_answer_is_lost_is_looked_for(world: World, pattern: str, behaviour: str) -> None:
    url = world.open("vouchers")
    world.github.faults.add(pattern, behaviour)
    assert world.review(url).code == 0
    posted_once(world)
    world.review(url)
    assert len(world.reviews) == len(world.summaries) == 1


def test_the_edit_of_a_summary_may_be_repeated(world: World) -> None:
    url = world.open("vouchers")
    world.review(url)
    world.github.faults.add("^PATCH /repos/octo/shop/issues/comments", "drop-after-write")
    assert world.review(url).code == 0
    assert len(world.summaries) == 1


@pytest.mark.parametrize("pattern", [REVIEWS, COMMENTS, CHECKS])
def test_a_run_that_dies_between_two_writes_goes_on_where_it_was(world: World, pattern: str) -> None:
    url = world.open("vouchers")
    world.github.faults.add(pattern, "drop-after-write", times=1)
    world.github.faults.add("^(GET|POST /graphql|POST /repos)", "status:502", times=40)
    assert world.review(url).code == 4 or pattern == CHECKS
    world.github.faults.clear()
    assert world.review(url).code == 0
    assert len(world.reviews) == len(world.summaries) == 1
    assert len(world.comments) == 10
    assert world.asked == 1, "the answer was paid once"


@pytest.mark.parametrize("pattern", [PULL, REVIEWS, COMMENTS, CHECKS])
def test_a_secondary_limit_is_obeyed(world: World, pattern: str) -> None:
    url = world.open("vouchers")
    world.github.faults.add(pattern, "secondary-limit:1")
    assert world.review(url).code == 0
    posted_once(world)
    limited = next(entry for entry in world.github.log if entry.status == 403)
    assert limited is not world.github.log[-1]


def test_a_limit_of_an_hour_is_not_waited_for(world: World) -> None:
    url = world.open("vouchers")
    world.github.faults.add(PULL, "primary-limit:3600")
    done = world.review(url)
    assert done.code == 4
    assert "rate limit" in done.err
    assert "nothing is written twice" in done.err


class TestRefusedComment:
    """GitHub takes no line comment on a file whose diff it finds too large, and refuses the whole review for it."""

    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(content_per_minute=None, file_diff_bytes=900)  # shop/orders.py has more

    def test_it_moves_into_the_body_and_the_others_stay_inline(self, world: World) -> None:
        url = world.open("vouchers")
        done = world.review(url, "--format", "json")
        assert done.code == 0
        assert len(done.json["findings"]) == 10
        (review,) = world.reviews
        assert review.state == "COMMENTED"
        assert len(world.comments) == 8
        assert {c.path for c in world.comments} == {"shop/db.py", "shop/payments.py", "web/checkout.js"}
        for words in ("`shop/orders.py`, line 7:", "A mutable default", "`shop/orders.py`, line 35:", "A bare except"):
            assert words in review.body
        world.review(url)
        assert len(world.reviews) == 1, "what was moved into the body is known there"


class TestManyRefusedComments:
    """More culprits than are looked for one by one: then all findings are told in the review's body."""

    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(content_per_minute=None, file_diff_lines=30)

    def test_nothing_is_lost(self, world: World) -> None:
        url = world.open("vouchers")
        found = world.review(url, "--format", "json").json["findings"]
        (review,) = world.reviews
        told = review.body + "".join(comment.body for comment in world.comments)
        assert len(found) == 10
        assert all(told.count(f"reviewbot:finding:{item['fingerprint']} ") == 1 for item in found)
        world.review(url)
        assert len(world.reviews) == 1


class TestTooLargeForTheApi:
    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(content_per_minute=None, diff_files=2)

    def test_git_takes_over_at_406(self, world: World) -> None:
        done = world.review(world.open("vouchers"), "--format", "json")
        assert done.code == 0
        assert world.fetches
        assert done.json["coverage"]["reviewed_lines"] == 72
        posted_once(world)


class TestManyFiles:
    @pytest.fixture
    def served(self, tmp_path: Path) -> Path:
        git = Git(tmp_path / "own").init({"README.md": "Many.\n"})
        git.branch("many", {f"src/m{n:03}.py": f"VALUE_{n} = {n}\n" for n in range(310)})
        big = "".join(f"row {n}\n" for n in range(10_050))
        git.branch("long", {"a.txt": big, "b.txt": big})
        git("switch", "-q", "main")
        return git.path

    def test_over_300_files(self, world: World) -> None:
        """GitHub would show 300 of them; git shows all."""
        world.answers(lambda _: NOTHING_FOUND)
        done = world.review(world.open("many"), "--format", "json")
        assert done.code == 0
        assert world.fetches
        coverage = done.json["coverage"]
        assert (coverage["complete"], coverage["reviewed_lines"], len(coverage["files"])) == (True, 310, 310)
        read = "\n".join(world.prompts)
        assert all(f"+VALUE_{n} = {n}\n" in read for n in range(310))
        assert len(world.reads) <= 6

    def test_over_20000_lines(self, world: World) -> None:
        world.answers(lambda _: NOTHING_FOUND)
        words = ("--set", "chunks.target_tokens=250000", "--format", "json")
        done = world.review(world.open("long"), *words)
        assert done.code == 0
        assert done.json["coverage"]["reviewed_lines"] == 20_100
        assert sum(prompt.count("\n+row ") for prompt in world.prompts) == 20_100


def test_file_lists_that_are_cut_unmarked_do_not_matter(world: World) -> None:
    """Patches come from the diff itself, whose lines are counted against what GitHub reports."""
    url = world.open("vouchers")
    world.github.faults.add("/files", "truncate-patches:5", times=99)
    assert world.review(url, "--format", "json").json["coverage"]["reviewed_lines"] == 72


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.0])
def test_a_diff_that_arrives_cut_is_read_from_git(world: World, keep: float) -> None:
    """A 200 whose body ends early: the counters do not agree with it."""
    url = world.open("vouchers")
    served = world.hosted.changes(world.hosted.pull(1))
    cut = dataclasses.replace(served, diff=served.diff[: int(len(served.diff) * keep)])
    real = type(world.hosted).changes

    class Cut(type(world.hosted)):  # type: ignore[misc]  # the sandbox's repository, with a fault of its own
        __slots__ = ()
        left = [cut]

        def changes(self, pull):  # type: ignore[no-untyped-def]
            changes = real(self, pull)
            return dataclasses.replace(changes, diff=cut.diff)

    world.hosted.__class__ = Cut
    done = world.review(url, "--format", "json")
    assert done.json["coverage"]["reviewed_lines"] == 72
    assert world.fetches
    posted_once(world)


def test_a_token_without_checks_permission_is_a_note(world: World) -> None:
    rights = {"contents": "read", "pull_requests": "write", "issues": "write"}
    token = world.github.add_token("reviewer", permissions=rights)
    done = world.review(world.open("vouchers"), GITHUB_TOKEN=token)
    assert done.code == 0
    assert len(world.reviews) == len(world.summaries) == 1
    assert world.checks == []
    assert "Note: no check run: GitHub answered 403" in " ".join(done.out.split())


def test_a_token_that_may_not_comment_on_issues_is_a_note(world: World) -> None:
    rights = {"contents": "read", "pull_requests": "write", "checks": "write"}
    token = world.github.add_token("reviewer", permissions=rights)
    done = world.review(world.open("vouchers"), GITHUB_TOKEN=token)
    assert done.code == 0
    assert len(world.reviews) == 1
    assert world.summaries == [] or "no summary comment" not in done.out


def test_a_person_with_a_pending_review_is_told_so(world: World) -> None:
    url = world.open("vouchers")
    account = world.github.tokens[world.environ["GITHUB_TOKEN"]].account
    from reviewbot.sandbox.github.rest_reviews import add_review

    pull = world.hosted.pull(1)
    mine = add_review(world.github, world.hosted, pull, account, pull.head_sha, "My own notes", "PENDING")
    done = world.review(url)
    assert done.code == 4
    assert "submit or discard it" in done.err
    assert world.hosted.reviews[mine.id].body == "My own notes", "it is left alone"


def test_a_locked_conversation_is_told(world: World) -> None:
    url = world.open("vouchers")
    world.hosted.pull(1).locked = True
    done = world.review(url)
    assert done.code in (0, 4)


def test_annotations_go_50_at_a_time(world: World) -> None:
    world.answers(
        lambda p: reply(
            *(
                finding(
                    path=f"parts/part_{n}.py",
                    quote=f"    total_{row} = sum(item.amount_{row} for item in items if item.part == {n})",
                    title=f"Amount {row} of part {n} is odd",
                )
                for n in range(1, 7)
                for row in range(10)
            )
        )
    )
    words = ("--set", "review.max_comments=100", "--set", "chunks.target_tokens=250000")
    assert world.review(world.open("wide"), *words).code == 0
    (check,) = world.checks
    assert len(check.annotations) == len(world.comments) > 50 - 1


@pytest.mark.parametrize("behaviour", ["drop-after-write", "status-after-write:502", "drop-before-write", "status:502"])
def test_a_comment_on_a_file_is_written_once_too(world: World, behaviour: str) -> None:
    """GitHub takes it only by itself, and its answer may be lost like any other."""
    world.answers(lambda _: reply(finding(quote="not in the file", title="Somewhere in here"), finding()))
    url = world.open("vouchers")
    world.github.faults.add(r"^POST /repos/octo/shop/pulls/1/comments$", behaviour)
    assert world.review(url).code == 0
    assert [comment.line for comment in world.comments if "Somewhere in here" in comment.body] == [None]
    assert len(world.comments) == 2
    world.review(url)
    assert len(world.comments) == 2


class TestProbes:
    """A refused review is searched by pending reviews, which nobody else sees; none of them stays."""

    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(content_per_minute=None, file_diff_bytes=900)

    @pytest.mark.parametrize("behaviour", ["drop-after-write", "status:502", "drop-before-write", "secondary-limit:1"])
    @pytest.mark.parametrize("passing", [1, 2, 3])
    def test_a_lost_answer_to_a_probe(self, world: World, behaviour: str, passing: int) -> None:
        url = world.open("vouchers")
        world.github.faults.add(REVIEWS, behaviour, passing=passing)
        assert world.review(url).code == 0
        assert [review.state for review in world.reviews] == ["COMMENTED"]
        assert len(world.comments) == 8

    def test_a_lost_answer_to_its_removal(self, world: World) -> None:
        url = world.open("vouchers")
        world.github.faults.add("^DELETE ", "drop-after-write", times=2)
        assert world.review(url).code == 0
        assert [review.state for review in world.reviews] == ["COMMENTED"]

    def test_a_probe_that_a_dead_run_left_is_removed(self, world: World) -> None:
        url = world.open("vouchers")
        world.github.faults.add("^DELETE ", "status:502", times=99)
        assert world.review(url).code == 4
        assert [review.state for review in world.reviews] == ["PENDING"]
        world.github.faults.clear()
        assert world.review(url).code == 0
        assert [review.state for review in world.reviews] == ["COMMENTED"]
        assert len(world.comments) == 8
