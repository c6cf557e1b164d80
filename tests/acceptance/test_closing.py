"""Threads that close themselves: a push that mends a point is told so, and one that does not is told nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Git, World

pytestmark = pytest.mark.usefixtures("quick")
BAD = "def size(items):\n    if items == None: return 0\n    return len(items)\n"
GOOD = BAD.replace("== None", "is None").replace("return 0", "return -1")  # other than what was suggested
SPARE = "".join(f"value_{n} = {n}\n" for n in range(40))


@pytest.fixture
def git(tmp_path: Path, request: pytest.FixtureRequest) -> Git:
    made: Git = type(request.getfixturevalue("repository"))(tmp_path / "served")
    made.init({"app.py": SPARE})
    made.branch("work", {"app.py": BAD + SPARE})
    made("switch", "-q", "main")
    return made


@pytest.fixture
def served(git: Git) -> Path:
    return git.path


def push(git: Git, files: dict[str, str | bytes | None]) -> str:
    git("switch", "-q", "work")
    sha = git.commit("More", files)
    git("switch", "-q", "main")
    return sha


def first(world: World) -> str:
    url = world.open("work")
    assert world.review(url, "--fail-on", "minor").code == 1
    assert len(world.comments) == 1
    return url


def questions(world: World) -> int:
    """How often it was asked whether points are met."""
    return sum(prompt.startswith("<point id=") for prompt in world.prompts)


def test_a_point_that_a_push_mends_is_closed_with_the_commit(world: World, git: Git) -> None:
    url = first(world)
    sha = push(git, {"app.py": GOOD + SPARE})
    done = world.review(url, "--fail-on", "minor", "--format", "json")
    root, answer = world.comments
    assert answer.root == root.id
    assert answer.body.startswith("Met by [`" + sha[:12])
    assert root.id in world.hosted.resolved
    assert (done.code, done.json["summary"]["verdict"]) == (0, "clean")
    assert (questions(world), world.asked) == (1, 3)
    push(git, {"other.py": "x = 1\n"})
    assert world.review(url).code == 0
    assert (questions(world), len(world.comments)) == (1, 2)


def test_a_point_that_a_push_does_not_mend_stays_open_and_counts(world: World, git: Git) -> None:
    url = first(world)
    push(git, {"app.py": BAD.replace("size(items)", "size(items, more)") + SPARE})
    for files in ({}, {"other.py": "x = 1\n"}):
        if files:
            push(git, files)
        done = world.review(url, "--fail-on", "minor", "--format", "json")
        assert (done.code, len(world.comments), world.hosted.resolved) == (1, 1, {})
        assert questions(world) == 1


def test_a_dry_run_shows_what_would_be_said_and_says_nothing(world: World, git: Git) -> None:
    url = first(world)
    push(git, {"app.py": GOOD + SPARE})
    done = world.review(url, "--dry-run")
    (root,) = world.comments
    assert f"/pulls/1/comments/{root.id}/replies" in done.out
    assert "resolveReviewThread" in done.out
    assert world.hosted.resolved == {}


def test_a_push_elsewhere_asks_nothing(world: World, git: Git) -> None:
    url = first(world)
    push(git, {"app.py": BAD + SPARE + "value_40 = 40\n"})
    assert world.review(url, "--fail-on", "minor").code == 1
    assert questions(world) == 0


def test_the_suggestion_committed_needs_no_question(world: World, git: Git) -> None:
    url = first(world)
    assert "```suggestion\n    if items is None: return 0\n" in world.comments[0].body
    push(git, {"app.py": BAD.replace("== None", "is None") + SPARE})
    assert world.review(url, "--fail-on", "minor").code == 0
    assert "the suggested change was made" in world.comments[1].body
    assert (questions(world), len(world.hosted.resolved)) == (0, 1)


def test_a_thread_that_a_person_joined_is_answered_once_and_left_open(world: World, git: Git) -> None:
    url = first(world)
    (root,) = world.comments
    world.hosted.review_comments[900_001] = replace(
        root, id=900_001, author=world.github.account("ann"), body="Are you sure?", reactions=[]
    )
    push(git, {"app.py": GOOD + SPARE})
    done = world.review(url, "--fail-on", "minor")
    assert done.code == 0
    assert "Not resolved, because people talk here" in world.comments[-1].body
    assert world.hosted.resolved == {}
    push(git, {"app.py": GOOD + SPARE + "value_40 = 40\n"})
    assert world.review(url, "--fail-on", "minor").code == 0
    assert (len(world.comments), questions(world)) == (3, 1)
    push(git, {"app.py": GOOD.replace("-1", "-2") + SPARE + "value_40 = 40\n"})
    assert world.review(url, "--set", "review.close_joined=true").code == 0
    assert (len(world.comments), world.hosted.resolved) == (3, {})  # no rule of the stand-in can tell any more


def test_without_the_file_the_point_is_gone(world: World, git: Git) -> None:
    url = world.open("work")
    push(git, {"new.py": BAD})
    assert world.review(url).code == 0
    on_new = [comment.id for comment in world.comments if comment.path == "new.py"]
    assert len(on_new) == 1
    push(git, {"new.py": None})
    assert world.review(url).code == 0
    assert set(world.hosted.resolved) == set(on_new)
    assert questions(world) == 0
    assert "the file is no longer there" in world.comments[-1].body


def test_switched_off_nothing_closes(world: World, git: Git) -> None:
    url = first(world)
    push(git, {"app.py": GOOD + SPARE})
    assert world.review(url, "--set", "review.close_threads=false").code == 0
    assert (len(world.comments), world.hosted.resolved, questions(world)) == (1, {}, 0)
