"""What becomes of a program that does not end, writes too much, fails, or is not there."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from reviewbot.analyzers import run
from reviewbot.analyzers.catalogue import TOOLS
from reviewbot.analyzers.run import Installed, confined, installed, lay_out, program_of
from reviewbot.errors import AnalyzerError

pytestmark = pytest.mark.anyio
RUFF = next(tool for tool in TOOLS if tool.name == "ruff")
SHELL = Path("/bin/sh").resolve()


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    lay_out(tmp_path, {}, {})
    return tmp_path


async def shell(scratch: Path, script: str, seconds: float = 20.0, most: int = 1_000) -> tuple[int, bytes]:
    return await confined(scratch, SHELL, ["-c", script], seconds, most)


async def test_a_program_that_does_not_end_is_killed_with_what_it_started(scratch: Path) -> None:
    """Its pipe stays open as long as one process of the group lives."""
    began = time.monotonic()
    with pytest.raises(AnalyzerError, match=r"took more than 0\.5 s"):
        await shell(scratch, "while :; do :; done & echo $! > ../tmp/child; while :; do :; done", seconds=0.5)
    assert time.monotonic() - began < 15
    child = int((scratch / "tmp" / "child").read_text())
    with anyio.fail_after(10):
        while is_alive(child):
            await anyio.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Zombies are dead: in a container nobody may be there to reap them."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def test_what_is_left_behind_is_killed_though_the_program_ended(scratch: Path) -> None:
    code, _ = await shell(scratch, "(while :; do :; done) >&- 2>&- & echo $! > ../tmp/child")
    assert code == 0
    child = int((scratch / "tmp" / "child").read_text())
    with anyio.fail_after(10):
        while is_alive(child):
            await anyio.sleep(0.05)


async def test_it_is_killed_when_the_review_is_cancelled(scratch: Path) -> None:
    with anyio.move_on_after(0.5) as scope:
        await shell(scratch, "echo $$ > ../tmp/child; while :; do :; done")
    assert scope.cancelled_caught
    child = int((scratch / "tmp" / "child").read_text())
    with anyio.fail_after(10):
        while is_alive(child):
            await anyio.sleep(0.05)


async def test_a_program_that_writes_too_much_is_stopped(scratch: Path) -> None:
    with pytest.raises(AnalyzerError, match="more than 1,000 bytes"):
        await shell(scratch, "while :; do echo 0123456789; done")


async def test_output_and_exit_code_come_back(scratch: Path) -> None:
    assert await shell(scratch, "echo words; echo others >&2; exit 3") == (3, b"words\n")


async def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    gone = Installed(RUFF, tmp_path / "gone")
    with pytest.raises(AnalyzerError, match="cannot be started"):
        await gone.analyze({"a.py": b""})


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 2", "failed with 2"),
        ("kill -9 $$", "was ended by SIGKILL"),
        ("echo no json", "cannot be read"),
        ("exit 0", ""),
    ],
)
async def test_a_tool_that_fails_is_an_error(script: str, said: str) -> None:
    broken = Installed(replace(RUFF, arguments=("-c", script)), SHELL)
    if not said:
        assert await broken.analyze({"a.py": b"x"}) == ()
        return
    with pytest.raises(AnalyzerError, match=said):
        await broken.analyze({"a.py": b"x"})


async def test_too_much_to_look_at_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MOST_READ", 10)
    with pytest.raises(AnalyzerError, match="more than"):
        await Installed(RUFF, SHELL).analyze({"a.py": b"x" * 11})


async def test_nothing_is_left_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    words = ("-c", "mkdir -p ../tmp/a/b 2>/dev/null; echo x > ../tmp/x; echo nothing")
    with pytest.raises(AnalyzerError):
        await Installed(replace(RUFF, arguments=words), SHELL).analyze({"a.py": b"x"})
    assert list(tmp_path.iterdir()) == []


def test_programs_are_those_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program on the PATH or in the working folder is a stranger's."""
    for tool in TOOLS:
        file = tmp_path / tool.inside / tool.name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for tool in TOOLS:
        program = program_of(tool)
        assert program is None or tmp_path not in program.parents
    assert "ruff" in [each.name for each in installed()]
    assert [each.name for each in installed(["ruff", "other"])] == ["ruff"]
    assert installed([]) == ()
    assert os.access(program_of(RUFF) or "", os.X_OK)
    assert sys.executable
