"""Changes that are hard to read: odd names, odd line ends, renames, links, submodules; every line is accounted for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from .conftest import NOTHING_FOUND, Git, World, finding, reply

LONG = "".join(f"line {n}\n" for n in range(1, 41))
BASE: dict[str, str | bytes] = {
    "plain.py": "A = 1\nB = 2\n",
    "old name.py": LONG,
    "crlf.py": b"A = 1\r\nB = 2\r\n",
    "no_newline.py": b"A = 1\nB = 2",
    "gone.py": "G = 1\nH = 2\n",
    "picture.bin": b"\0\1\2",
    "run.sh": "echo\n",
    "headers.txt": "--- a\n+++ b\n@@ -1 +1 @@\ndiff --git a/x b/x\n",
    "latin.txt": "caf\xe9\n".encode("latin-1"),
    "kind.txt": "a file\n",
}
CHANGED: dict[str, str | bytes | None] = {
    "plain.py": "A = 1\nB = 3\n",
    "crlf.py": b"A = 1\r\nB = 3\r\n",
    "no_newline.py": b"A = 1\nB = 3",
    "gone.py": None,
    "picture.bin": b"\0\3",
    "headers.txt": "--- c\n+++ d\n@@ -2 +2 @@\ndiff --git a/y b/y\n",
    "latin.txt": "caf\xe9s\n".encode("latin-1"),
    "ünï cödé ☃.py": "U = 1\n",
    'quo"ted\\.py': "Q = 1\n",
    "-dash.py": "D = 1\n",
    "tab\tbed.py": "T = 1\n",
    "line\u2028end.py": "L = '\u2028'\nM = 1\n",
    "empty.py": "",
    "bom.py": "\ufeffX = 1\n",
    "a b/c d/e.py": "E = 1\n",
}


@pytest.fixture
def own(tmp_path: Path) -> Git:
    git = Git(tmp_path / "own").init(BASE)
    git("switch", "-q", "-c", "odd")
    git("mv", "old name.py", "new name.py")
    (git.path / "new name.py").write_text(LONG.replace("line 20\n", "line twenty\n"))
    os.chmod(git.path / "run.sh", 0o755)
    (git.path / "kind.txt").unlink()
    (git.path / "kind.txt").symlink_to("plain.py")
    (git.path / "link.py").symlink_to("plain.py")
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},library")
    (git.path / "library").mkdir()
    git.commit("Odd", CHANGED)
    git("switch", "-q", "main")
    for number in range(3):
        git.commit(f"Meanwhile {number}", {"plain.py": f"A = {number}\nB = 2\n", f"later{number}.py": "x\n"})
    return git


@pytest.fixture
def served(own: Git) -> Path:
    return own.path


def lines_by_git(git: Git) -> dict[str, int]:
    """Changed lines of each path since the merge base, as git counts them."""
    out = git("diff", "--numstat", "-z", "--find-renames", "main...odd").split("\0")
    counts, fields = {}, iter(out)
    for row in fields:
        if not row:
            continue
        added, removed, path = row.split("\t", 2)
        if not path:
            next(fields)
            path = next(fields)
        counts[path] = 0 if added == "-" else int(added) + int(removed)
    return counts


@pytest.mark.parametrize("by_git", [False, True])
def test_every_line_is_accounted_for(world: World, own: Git, by_git: bool) -> None:
    """By GitHub's diff and by git alike."""
    world.answers(lambda _: NOTHING_FOUND)
    if by_git:
        world.github.faults.add("^GET /repos/octo/shop/pulls/1$", "status:406", passing=1)
    done = world.review(world.open("odd"), "--format", "json")
    assert done.code == 0
    coverage = done.json["coverage"]
    counted: dict[str, int] = {}
    for file in coverage["files"]:  # a file that became a link has two entries, as in the diff
        counted[file["path"]] = counted.get(file["path"], 0) + file["changed_lines"]
        assert file["status"] in ("reviewed", "skipped")
    assert counted == lines_by_git(own)
    assert coverage["complete"] is True
    assert world.fetches or not by_git
    assert "later0.py" not in counted


WHERE = [
    ({"path": "ünï cödé ☃.py", "quote": "U = 1"}, ("ünï cödé ☃.py", "RIGHT", 1)),
    ({"path": 'quo"ted\\.py', "quote": "Q = 1"}, ('quo"ted\\.py', "RIGHT", 1)),
    ({"path": "-dash.py", "quote": "D = 1"}, ("-dash.py", "RIGHT", 1)),
    ({"path": "a b/c d/e.py", "quote": "E = 1"}, ("a b/c d/e.py", "RIGHT", 1)),
    ({"path": "crlf.py", "quote": "B = 3"}, ("crlf.py", "RIGHT", 2)),
    ({"path": "crlf.py", "quote": "B = 2", "side": "old"}, ("crlf.py", "LEFT", 2)),
    ({"path": "no_newline.py", "quote": "B = 3"}, ("no_newline.py", "RIGHT", 2)),
    ({"path": "gone.py", "quote": "H = 2", "side": "old"}, ("gone.py", "LEFT", 2)),
    ({"path": "new name.py", "quote": "line twenty"}, ("new name.py", "RIGHT", 20)),
    ({"path": "old name.py", "quote": "line 20", "side": "old"}, ("new name.py", "LEFT", 20)),
    ({"path": "headers.txt", "quote": "++ d"}, ("headers.txt", None, None)),
    ({"path": "headers.txt", "quote": "@@ -2 +2 @@"}, ("headers.txt", "RIGHT", 3)),
    ({"path": "bom.py", "quote": "X = 1"}, ("bom.py", "RIGHT", 1)),
    ({"path": "line\u2028end.py", "quote": "M = 1"}, ("line\u2028end.py", "RIGHT", 2)),
    ({"path": "plain.py", "quote": "A = 1\nB = 3"}, ("plain.py", "RIGHT", 2)),
]


def test_comments_stand_where_they_belong(world: World) -> None:
    """All in one review, which GitHub would refuse whole for one wrong line."""
    said = [finding(**where, title=f"Point {n}", suggestion=None) for n, (where, _) in enumerate(WHERE)]
    world.answers(lambda _: reply(*said))
    assert world.review(world.open("odd")).code == 0
    stand: dict[str, Any] = {}
    for comment in world.comments:
        number = next(n for n in range(len(WHERE)) if f"Point {n}**" in comment.body)
        stand[str(number)] = (comment.path, comment.side, comment.line)
    for number, (where, (path, side, line)) in enumerate(WHERE):
        if line is not None:
            assert stand[str(number)] == (path, side, line), where
    assert all("moved" not in review.body for review in world.reviews)
    told = "".join(item.body for item in (*world.comments, *world.reviews))
    assert all(f"Point {n}**" in told for n in range(len(WHERE))), "none is lost"


def test_a_long_history_is_fetched_as_deep_as_needed(world: World, own: Git) -> None:
    """The branch left main more commits ago than git fetches at first; the merge base is right all the same."""
    own("switch", "-q", "-c", "deep", "main~3")
    own("commit", "-q", "--allow-empty", "-m", "Begin")
    for number in range(60):
        own("commit", "-q", "--allow-empty", "-m", f"Step {number}")
    own.commit("End", {"plain.py": "A = 1\nB = 4\n"})
    own("switch", "-q", "main")
    world.answers(lambda _: NOTHING_FOUND)
    world.github.faults.add("^GET /repos/octo/shop/pulls/1$", "status:406", passing=1)
    done = world.review(world.open("deep"), "--format", "json")
    assert done.code == 0
    assert [(f["path"], f["changed_lines"]) for f in done.json["coverage"]["files"]] == [("plain.py", 2)]


def test_a_change_of_only_what_is_skipped_is_said_not_praised(world: World, own: Git) -> None:
    own.branch("locks", {"uv.lock": "version = 2\n"})
    own("switch", "-q", "main")
    done = world.review(world.open("locks"))
    assert done.code == 0
    assert world.asked == 0
    assert "lock-file" in done.out
    assert all(check.conclusion != "success" for check in world.checks)
