from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewbot.sandbox.github.changes import ChangedFile, Changes
from reviewbot.sandbox.github.limits import Limits
from reviewbot.sandbox.github.repository import Repository


@pytest.fixture
def changes(github: Any) -> Changes:
    hosted = github.hosted("octo/shop")
    found: Changes = hosted.changes(hosted.pull(2))
    return found


def file(changes: Changes, path: str) -> ChangedFile:
    found = changes.file(path)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("path", "status", "added", "removed", "hunks"),
    [
        ("a.py", "modified", 2, 2, 2),
        ("gone.py", "removed", 0, 1, 1),
        ("new name.txt", "renamed", 0, 0, 0),
        ("logo.bin", "modified", 0, 0, 0),
        ("docs/é.md", "modified", 1, 1, 1),
        ("kind", "changed", 1, 1, 2),
        ("run.sh", "changed", 0, 0, 0),
        ("new.py", "added", 1, 0, 1),
    ],
)
def test_facts(changes: Changes, path: str, status: str, added: int, removed: int, hunks: int) -> None:
    found = file(changes, path)
    assert (found.status, found.added, found.removed, len(found.hunks)) == (status, added, removed, hunks)
    assert (found.patch is None) == (hunks == 0)


def test_only_the_branch_counts(changes: Changes) -> None:
    assert changes.file("other.txt") is None, "what main did since the merge base is no part of the change"
    assert len(changes.files) == 8
    assert changes.diff.startswith(b"diff --git a/a.py b/a.py\n")


def test_positions(changes: Changes) -> None:
    found = file(changes, "a.py")
    assert [hunk.position for hunk in found.hunks] == [0, 10]
    assert found.position("RIGHT", 7) == 1
    assert found.position("LEFT", 10) == 4
    assert found.position("RIGHT", 10) == 5
    assert found.at_position(5) == ("RIGHT", 10)
    assert found.at_position(4) == ("LEFT", 10)
    assert found.at_position(10) is None, "a hunk header takes no comment"
    assert found.position("RIGHT", 30) is None
    assert found.excerpt("RIGHT", 10).split("\n")[1:] == [
        " line 7",
        " line 8",
        " line 9",
        "-line 10",
        "+line ten",
    ]


def test_moved(changes: Changes) -> None:
    found = file(changes, "a.py")
    assert [found.moved(line) for line in (1, 9, 10, 11, 30, 49, 50, 60)] == [1, 9, None, 12, 31, 50, None, 60]


def test_too_large_a_file_is_not_shown(git: Any) -> None:
    repository = Repository(git.path, limits=Limits(file_diff_lines=5))
    found = repository.changes(git("rev-parse", "main~1"), git("rev-parse", "feature/cards")).file("a.py")
    repository.close()
    assert found is not None
    assert (found.patch, found.hunks, found.added) == (None, (), 2)


LINES = st.lists(
    st.sampled_from(["a", "b", "", "-x", "+y", "--- q", "@@ -1 +1 @@", "\\ no", "diff --git a b", "\r", "é"])
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=LINES, new=LINES, end=st.booleans())
def test_agrees_with_git(tmp_path: Path, git: Any, old: list[str], new: list[str], *, end: bool) -> None:
    def text(lines: list[str]) -> bytes:
        return ("\n".join(lines) + ("\n" if end and lines else "")).encode()

    def blob(data: bytes) -> str:
        command = ["git", "-C", str(git.path), "hash-object", "-w", "--stdin"]
        return subprocess.run(command, input=data, check=True, capture_output=True).stdout.decode().strip()

    def commit(data: bytes) -> str:
        command = ["git", "-C", str(git.path), "mktree"]
        row = f"100644 blob {blob(data)}\tf\n".encode()
        tree = subprocess.run(command, input=row, check=True, capture_output=True).stdout.decode().strip()
        return str(git("commit-tree", "-m", "x", tree))

    first, second = commit(text(old)), commit(text(new))
    repository = Repository(git.path, limits=Limits())
    found = repository.changes(first, second).files
    repository.close()
    listed = git("diff-tree", "--numstat", "-r", first, second).split()
    assert [(str(row.added), str(row.removed)) for row in found] == ([tuple(listed[:2])] if listed else [])
    for row in found:
        for hunk in row.hunks:
            rows = list(hunk.rows())
            assert [old_line for _, old_line, _ in rows if old_line is not None] == list(hunk.old)
            assert [new_line for _, _, new_line in rows if new_line is not None] == list(hunk.new)
            for position, old_line, new_line in rows:
                side = "RIGHT" if new_line is not None else "LEFT"
                assert row.at_position(position) == (side, new_line if new_line is not None else old_line)
