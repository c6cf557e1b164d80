"""`demo` and `sandbox`: the whole main job on this machine, with no key and no network."""

from __future__ import annotations

import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Git, World

HONEST = "The sandbox's model is a rule-based stand-in: it shows how reviewbot works, not how a model reviews."


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment with nothing set: no token, no key, no address."""
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}


def run(environ: dict[str, str], cwd: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reviewbot", *map(str, words)]
    return subprocess.run(command, env=environ, cwd=cwd, check=False, capture_output=True, text=True, timeout=60)


def test_demo(bare: dict[str, str], tmp_path: Path) -> None:
    """No key, no network: a page, a review, an honest word; and the same a second time."""
    done = run(bare, tmp_path, "demo")
    assert done.returncode == 0, done.stderr
    page = tmp_path / "reviewbot-demo" / "review.html"
    text = page.read_text(encoding="utf-8")
    for words in ("10 findings (5 critical, 3 major, 2 minor)", "demo/shop#1", HONEST, "reviewbot-demo/review.html"):
        assert words in done.stdout
    assert re.search(r"Posted: http://127\.0\.0\.1:\d+/demo/shop/pull/1#pullrequestreview-\d+", done.stdout)
    assert "rule-based stand-in" in text
    assert text.count("SQL is built from text") >= 1
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reviewbot-demo"], "nothing else is left behind"
    before = page.stat().st_mtime_ns
    assert run(bare, tmp_path, "demo").returncode == 0
    assert page.stat().st_mtime_ns > before


def test_demo_with_a_key_set_still_uses_the_stand_in(world: World, tmp_path: Path) -> None:
    """A real key and token in the environment are not used unless --live says so."""
    done = world.run("demo", "--folder", tmp_path / "page", OPENAI_API_KEY="sk-not-to-be-used-1234567890")
    assert done.code == 0
    assert HONEST in done.out
    assert world.asked == 0
    assert world.stage.sent == []


def test_demo_live_asks_the_real_model(world: World, tmp_path: Path) -> None:
    """ "Real" is whatever the environment names: here the sandbox's own."""
    done = world.run("demo", "--live", "--folder", tmp_path / "page")
    assert done.code == 0
    assert world.asked == 1
    assert HONEST not in done.out
    without = world.run("demo", "--live", "--folder", tmp_path / "page", REVIEWBOT_API_KEY="")
    assert without.code == 2
    assert "OPENAI_API_KEY" in without.err


class TestOwnRepository:
    @pytest.fixture
    def git(self, tmp_path: Path) -> Git:
        git = Git(tmp_path / "my project").init({"main.go": "package main\n\nfunc main() {}\n"})
        git.branch(
            "feature/x", {"main.go": "package main\n\nfunc main() {\n\tfor i := 0; i <= len(rows); i++ {\n\t}\n}\n"}
        )
        git.branch("later", {"app.py": "A = eval(input())\n"})
        return git

    def test_demo(self, world: World, git: Git, tmp_path: Path) -> None:
        words = ("--repo", git.path, "--base", "main", "--head", "feature/x", "--folder", tmp_path / "page")
        before = git("for-each-ref")
        done = world.run("demo", *words)
        assert done.code == 0, done.err
        assert "The loop runs one step past the end" in done.out
        assert "main.go:4" in done.out
        assert (tmp_path / "page" / "review.html").is_file()
        assert git("for-each-ref") == before, "the repository is only read"
        assert git("status", "--porcelain") == ""

    def test_demo_of_two_commits(self, world: World, git: Git, tmp_path: Path) -> None:
        words = ("--base", git("rev-parse", "main"), "--head", git("rev-parse", "later"), "--folder", tmp_path / "page")
        done = world.run("demo", "--repo", git.path, *words)
        assert done.code == 0
        assert "app.py:1" in done.out

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--base", "nowhere"], "nowhere"),
            (["--head", "nowhere"], "nowhere"),
            (["--base", "later", "--head", "later"], "later"),
        ],
    )
    def test_wrong_branches_are_one_sentence(self, world: World, git: Git, words: list[str], said: str) -> None:
        done = world.run("demo", "--repo", git.path, *words)
        assert done.code == 2
        assert said in done.err

    def test_the_sandbox_s_own_commands_work(self, world: World, git: Git, tmp_path: Path) -> None:
        """What it prints is pasted into a shell, with nothing else set."""
        started = world.start("sandbox", "--repo", git.path)
        try:
            told = read_until(started, "reviewbot review http")
            exports = re.findall(r"(?m)^  export (.+)$", told)
            (command,) = re.findall(r"(?m)^  (reviewbot review .+)$", told)
            pairs = [word.partition("=") for line in exports for word in shlex.split(line)]
            environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **{name: value for name, _, value in pairs}}
            done = run(environ, tmp_path, *shlex.split(command)[1:])
            assert done.returncode == 0, done.stderr
            assert "Posted: http" in done.stdout
            again = run(environ, tmp_path, *shlex.split(command)[1:], "--dry-run")
            assert '"PATCH"' in again.stdout
        finally:
            started.send_signal(signal.SIGINT)
            _, err = started.communicate(timeout=20)
        assert "Traceback" not in err
        assert started.returncode in (0, 130)


def read_until(started: subprocess.Popen[str], words: str) -> str:
    """What a process wrote, up to and with the line that holds the words."""
    assert started.stdout
    told, end = "", time.monotonic() + 20
    while words not in told or not told.endswith("\n"):
        assert time.monotonic() < end, told
        if select.select([started.stdout], [], [], 0.2)[0]:
            piece = os.read(started.stdout.fileno(), 65_536).decode()
            assert piece, f"it ended: {told}"
            told += piece
    return told
