"""Pull requests follow the branches; forks come and go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reviewbot.errors import UsageError
from reviewbot.sandbox.github import SandboxGitHub

NAME, PULL = "octo/shop", "/repos/octo/shop/pulls/2"


def test_a_push_moves_the_head(git: Any, api: Any) -> None:
    before = api.get(PULL)
    git("switch", "-q", "feature/cards")
    sha = git.commit("Push", {"pushed.py": "x\n"})
    after = api.get(PULL)
    assert before["head"]["sha"] != sha == after["head"]["sha"]
    assert after["changed_files"] == before["changed_files"] + 1
    assert [row["sha"] for row in api.get(f"{PULL}/commits")] == [before["head"]["sha"], sha]
    assert api.get(f"/repos/{NAME}/git/ref/pull/2/head")["object"]["sha"] == sha


def test_a_deleted_branch_keeps_the_head(git: Any, api: Any) -> None:
    before = api.get(PULL)
    git("branch", "-q", "-D", "feature/cards")
    assert api.get(PULL)["head"] == before["head"]
    assert len(api.get(f"{PULL}/files")) == 8


def test_closed_and_merged(git: Any, github: SandboxGitHub, api: Any) -> None:
    head = api.get(PULL)["head"]["sha"]
    github.close_pull_request(NAME, 2, merged=True)
    git("switch", "-q", "feature/cards")
    git.commit("Too late", {"late.py": "x\n"})
    found = api.get(PULL)
    assert (found["state"], found["merged"], found["head"]["sha"]) == ("closed", True, head)
    assert found["merged_at"]
    assert api.get(f"/repos/{NAME}/pulls") == []
    assert len(api.get(f"/repos/{NAME}/pulls?state=all")) == 1


def test_a_fork(git: Any, github: SandboxGitHub, api: Any, tmp_path: Path) -> None:
    git("clone", "-q", str(git.path), str(tmp_path / "fork"))
    fork = type(git)(tmp_path / "fork")
    fork("switch", "-q", "-c", "mine")
    sha = fork.commit("Forked", {"fork.py": "x\n"})
    github.add_repository("ann/shop", fork.path, fork_of=NAME)
    number = github.open_pull_request(NAME, base="main", head="mine", head_repo="ann/shop", author="ann", draft=True)
    found = api.get(f"/repos/{NAME}/pulls/{number}")
    assert (found["head"]["label"], found["head"]["sha"], found["draft"]) == ("ann:mine", sha, True)
    assert found["head"]["repo"]["full_name"] == "ann/shop"
    assert found["title"] == "Forked"
    assert [row["filename"] for row in api.get(f"/repos/{NAME}/pulls/{number}/files")] == ["fork.py"]
    assert api.get(f"/repos/{NAME}/compare/main...ann:mine")["ahead_by"] == 1
    github.delete_repository("ann/shop")
    found = api.get(f"/repos/{NAME}/pulls/{number}")
    assert (found["head"]["repo"], found["head"]["sha"]) == (None, sha)
    assert len(api.get(f"/repos/{NAME}/pulls/{number}/files")) == 1


def test_commits_may_stand_for_branches(git: Any, github: SandboxGitHub, api: Any) -> None:
    number = github.open_pull_request(NAME, base=git("rev-parse", "main~1"), head="feature/cards~0")
    assert api.get(f"/repos/{NAME}/pulls/{number}")["changed_files"] == 8


def test_what_cannot_be_opened(git: Any, github: SandboxGitHub) -> None:
    with pytest.raises(UsageError, match="no branch or commit 'nope'"):
        github.open_pull_request(NAME, base="main", head="nope")
    git("switch", "-q", "--orphan", "alone")
    git.commit("Alone", {"alone.py": "x\n"})
    with pytest.raises(UsageError, match="no history in common"):
        github.open_pull_request(NAME, base="main", head="alone")
    for name in ("shop", "octo/shop", "-x/y", "a/b/c"):
        with pytest.raises(UsageError):
            github.add_repository(name, git.path)


def test_an_empty_pull_request(git: Any, github: SandboxGitHub, api: Any) -> None:
    git("branch", "-q", "same", "main")
    number = github.open_pull_request(NAME, base="main", head="same", title="Nothing")
    found = api.get(f"/repos/{NAME}/pulls/{number}")
    assert (found["changed_files"], found["commits"], found["additions"]) == (0, 0, 0)
    assert api("GET", f"/repos/{NAME}/pulls/{number}", accept="application/vnd.github.diff").body == b""
