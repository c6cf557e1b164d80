from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from reviewbot.errors import WorkspaceError
from reviewbot.sandbox.github.limits import Limits
from reviewbot.sandbox.github.repository import Repository


def _snapshot(path: Path) -> dict[str, str]:
    found = sorted(file for file in path.rglob("*") if file.is_file() and not file.is_symlink())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in found}


def test_the_real_repository_is_only_read(git: Any, github: Any, api: Any) -> None:
    before = _snapshot(git.path)
    api.get("/repos/octo/shop/pulls/2/files")
    api.post("/repos/octo/shop/pulls/2/reviews", {"event": "COMMENT", "body": "x"})
    api("GET", "/octo/shop.git/info/refs?service=git-upload-pack")
    assert _snapshot(git.path) == before


def test_bare_and_worktree(git: Any, tmp_path: Path) -> None:
    git("clone", "-q", "--bare", str(git.path), str(tmp_path / "bare.git"))
    git("worktree", "add", "-q", str(tmp_path / "tree"), "feature/cards")
    for path in (tmp_path / "bare.git", tmp_path / "tree", git.path):
        repository = Repository(path, limits=Limits())
        assert sorted(repository.branches) == ["feature/cards", "main"]
        assert repository.default_branch == "main"
        repository.close()


def test_shallow(git: Any, tmp_path: Path) -> None:
    git("clone", "-q", "--depth=1", f"file://{git.path}", str(tmp_path / "shallow"))
    repository = Repository(tmp_path / "shallow", limits=Limits())
    assert [commit.message for commit in repository.commits(repository.branches["main"])] == ["Meanwhile"]
    repository.close()


def test_not_a_repository(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="not a git repository"):
        Repository(tmp_path, limits=Limits())
    with pytest.raises(WorkspaceError):
        Repository(tmp_path / "nothing", limits=Limits())


def test_commits(git: Any) -> None:
    repository = Repository(git.path, limits=Limits())
    (commit,) = repository.commits(git("rev-parse", "feature/cards"), without=git("rev-parse", "main"))
    assert commit.message == "Take cards\n\nWith a body."
    assert commit.author.email == "dev@example.org"
    assert commit.parents == (git("rev-parse", "main~1"),)
    assert repository.merge_base(git("rev-parse", "feature/cards"), git("rev-parse", "main")) == commit.parents[0]
    assert repository.commit_sha("v1") == commit.parents[0]
    assert repository.commit_sha("--help") is None
    assert repository.commit_sha("main\nHEAD") is None
    assert repository.read("0" * 40) is None
    repository.close()


def test_an_empty_message(git: Any) -> None:
    git("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "")
    repository = Repository(git.path, limits=Limits())
    last, first = git("rev-parse", "HEAD"), git("rev-parse", "HEAD~1")
    assert [commit.message for commit in repository.commits(last, without=first)] == [""]
    found = repository.commit(first)
    assert found is not None
    assert found.message == "Meanwhile"
    repository.close()


def test_nobodys_configuration_has_a_say(git: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    git("config", "diff.noprefix", "true")
    git("config", "diff.context", "0")
    (tmp_path / "config").write_text("[diff]\n\tmnemonicPrefix = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    repository = Repository(git.path, limits=Limits())
    diff = repository.changes(repository.branches["main"], repository.branches["feature/cards"]).diff
    repository.close()
    assert diff.startswith(b"diff --git a/a.py b/a.py\n")
    assert b"\n@@ -7,7 +7,8 @@" in diff
