"""Scripted git histories: a real repository in a folder of its own, and what is new in it as (path, side, text)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reviewbot.core.change.comparison import increment
from reviewbot.core.change.diff import Diff, LineKind, Side
from reviewbot.core.change.increment import Increment, Missed
from reviewbot.core.change.patch import parse_diff
from reviewbot.git import DIFF

Lines = set[tuple[str, str, str]]  # path, "-" or "+", text
GIT = (
    "git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "core.autocrlf=false", "-c", "gc.auto=0",
    "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", "-c", "rerere.enabled=false",
    "-c", "init.defaultBranch=main", "-c", "advice.detachedHead=false", "-c", "merge.conflictStyle=merge",
)  # fmt: skip


class History:
    """A repository with a base branch ``main`` and the pull request's branch ``pr``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q", ".")

    def git(self, *args: str) -> str:
        made = subprocess.run([*GIT, *args], cwd=self.root, capture_output=True, check=True)
        return made.stdout.decode("utf-8", "replace").strip()

    def commit(self, files: dict[str, str | bytes | None], message: str = "m") -> str:
        """Write (or, for None, remove) files and commit; the commit's id."""
        for name, text in files.items():
            path = self.root / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def on(self, branch: str, start: str = "") -> None:
        self.git("checkout", "-q", *(["-B", branch, start] if start else [branch]))

    def patch(self, base: str, head: str, context: int = 3) -> Diff:
        """The pull request's patch, from the merge base, as the checkout makes it."""
        fork = self.git("merge-base", base, head)
        options = [f"-U{context}" if each == "-U3" else each for each in DIFF]
        made = subprocess.run([*GIT, *options, fork, head], cwd=self.root, capture_output=True, check=True)
        return parse_diff(made.stdout)

    def numbered(
        self, old: tuple[str, str], now: tuple[str, str], missed: Missed | None = None
    ) -> list[tuple[str, str, int, str]]:
        """What is offered of ``now`` (base, head) when ``old`` was reviewed last; the same with any context shown."""
        found = []
        for context in (3, 0, 10):
            before, after = self.patch(*old, context), self.patch(*now, context)
            found.append(offered(after, increment(before, after, missed or Missed())))
        assert found[0] == found[1] == found[2]
        return found[0]

    def since(self, old: tuple[str, str], now: tuple[str, str], missed: Missed | None = None) -> Lines:
        """The same without numbers: precision and recall are 1.0 when it equals the truth."""
        return {(path, side, text) for path, side, _, text in self.numbered(old, now, missed)}


def offered(diff: Diff, made: Increment) -> list[tuple[str, str, int, str]]:
    """Every offered line with its number and text; fails when one is no changed line of the diff."""
    changed: dict[tuple[str, Side, int], str] = {}
    for file in diff.files:
        for hunk in file.hunks:
            for line in hunk.lines():
                if line.kind is not LineKind.CONTEXT:
                    side = Side.RIGHT if line.kind is LineKind.ADDED else Side.LEFT
                    changed[file.path, side, line.new or line.old or 0] = line.text
    out = []
    for entry in made.files:
        for run in (*entry.fresh, *entry.owed):
            for at in range(run.first, run.last + 1):
                text = changed[entry.path, run.side, at]
                out.append((entry.path, "+" if run.side is Side.RIGHT else "-", at, text))
    assert len(out) == len(set(out))
    total = sum(entry.offered_lines + entry.earlier_lines for entry in made.files)
    assert total == diff.changed_lines
    return sorted(out)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)
