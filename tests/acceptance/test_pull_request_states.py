"""Closed, merged, draft, empty, forked, moved: each state of a pull request has its stated behaviour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import NAME, Git, World, finding, reply


@pytest.mark.parametrize(("merged", "word"), [(False, "closed"), (True, "merged")])
def test_closed_and_merged_ones_are_left_alone(world: World, merged: bool, word: str) -> None:
    url = world.open("vouchers")
    world.github.close_pull_request(NAME, 1, merged=merged)
    done = world.review(url)
    assert done.code == 0
    assert f"Not reviewed: the pull request is {word}" in done.out
    assert (world.asked, world.writes) == (0, [])


def test_an_empty_one_is_left_alone(world: World) -> None:
    done = world.review(world.open("empty"))
    assert done.code == 0
    assert "Not reviewed: the pull request changes no file" in done.out
    assert (world.asked, world.writes) == (0, [])


def test_a_skipped_one_is_said_in_json_too(world: World) -> None:
    summary = world.review(world.open("empty"), "--format", "json").json["summary"]
    assert summary["verdict"] == "skipped"
    assert summary["skip_reason"] == "the pull request changes no file"


def test_a_draft_is_reviewed_when_asked_for_by_hand(world: World) -> None:
    assert world.review(world.open("vouchers", draft=True)).code == 0
    assert len(world.comments) == 10


def test_a_body_of_null_and_an_odd_title_are_fine(world: World) -> None:
    url = world.open("vouchers", body=None, title="Ünïcode ☃ \u202e and `ticks` | bars")
    assert world.review(url).code == 0


class TestFork:
    @pytest.fixture
    def fork(self, tmp_path: Path, repository: Git) -> Git:
        Git(repository.path)("clone", "-q", "--branch", "main", str(repository.path), str(tmp_path / "fork"))
        git = Git(tmp_path / "fork")
        git("switch", "-q", "-c", "work")
        git.commit("Rates", {"shop/money.py": "RATE = eval(input())\n"})
        return git

    @pytest.fixture
    def url(self, world: World, fork: Git) -> str:
        world.github.add_repository("guest/shop", fork.path, fork_of=NAME)
        return world.open("work", head_repo="guest/shop", author="guest")

    def test_a_fork_is_reviewed(self, world: World, url: str) -> None:
        assert world.review(url).code == 0
        assert [comment.path for comment in world.comments] == ["shop/money.py"]

    def test_also_when_the_fork_is_gone(self, world: World, url: str) -> None:
        """``head.repo`` is null; the commits are still there under refs/pull."""
        world.github.delete_repository("guest/shop")
        assert world.review(url).code == 0
        assert [comment.path for comment in world.comments] == ["shop/money.py"]

    def test_also_when_the_diff_must_come_from_git(self, world: World, url: str) -> None:
        world.github.delete_repository("guest/shop")
        world.github.faults.add(r"^GET /repos/octo/shop/pulls/1$", "status:406", passing=1)
        assert world.review(url).code == 0
        assert world.fetches
        assert [comment.path for comment in world.comments] == ["shop/money.py"]


class TestDeletedBranch:
    @pytest.fixture
    def own(self, tmp_path: Path) -> Git:
        git = Git(tmp_path / "own").init({"app.py": "A = 1\n"})
        git.branch("work", {"app.py": "A = eval('1')\n"})
        git("switch", "-q", "main")
        return git

    @pytest.fixture
    def served(self, own: Git) -> Path:
        return own.path

    def test_it_is_reviewed_by_its_commit(self, world: World, own: Git) -> None:
        url = world.open("work")
        own("branch", "-q", "-D", "work")
        assert world.review(url).code == 0
        assert len(world.comments) == 1


class TestHeadMoved:
    @pytest.fixture
    def own(self, tmp_path: Path) -> Git:
        git = Git(tmp_path / "own").init({"app.py": "def size(items):\n    return len(items)\n"})
        git.branch("work", {"app.py": "def size(items):\n    if items == None: return 0\n    return len(items)\n"})
        return git

    @pytest.fixture
    def served(self, own: Git) -> Path:
        return own.path

    def test_while_the_model_thinks(self, world: World, own: Git) -> None:
        """Nothing is posted for a head that is gone; the next run reviews the new one."""
        url = world.open("work")
        first = own("rev-parse", "work")

        def read(prompt: str) -> Any:
            if own("rev-parse", "work") == first:
                own.commit(
                    "More", {"app.py": "def size(items):\n    if items == None: return 1\n    return len(items)\n"}
                )
            return reply(finding(path="app.py", quote="if items == None"))

        world.answers(read)
        done = world.review(url)
        assert done.code == 3
        assert "Superseded" in done.out
        assert "run the same command again" in done.out
        assert f"the head moved from {first[:12]} to {own('rev-parse', 'work')[:12]}" in done.out
        assert (world.writes, world.reviews, world.summaries, world.checks) == ([], [], [], [])
        assert world.review(url).code == 0
        assert {review.commit_id for review in world.reviews} == {own("rev-parse", "work")}

    def test_after_the_last_look(self, world: World, own: Git) -> None:
        """A force-push between the last look and the write: GitHub refuses the lost commit, and we say why."""
        url = world.open("work")

        def push(sent: Any) -> None:
            if sent.method == "POST" and sent.path.endswith("/reviews") and not own("log", "--grep=Again", "--oneline"):
                own("reset", "-q", "--hard", "main")
                own.commit("Again", {"app.py": "def size(items):\n    return 0 if items == None else 1\n"})

        world.stage.on_request = push
        done = world.review(url)
        assert done.code == 4
        assert "The head moved" in done.err
        assert world.reviews == []
