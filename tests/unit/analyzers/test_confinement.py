"""A planted program, run as an analyzer is, tries to do what an analyzer may not.

What it may not depends on the kernel; a test says what is missing where it cannot hold. The attempts are made by bash,
whose built-in words need no other program.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import anyio
import pytest

from reviewbot.analyzers import launch
from reviewbot.analyzers.run import confined, confinements, lay_out

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux" or not Path("/bin/bash").exists(), reason="for Linux, with bash"),
]
BASH = Path("/bin/bash").resolve() if Path("/bin/bash").exists() else Path()
SECRET = "a-key-of-the-provider-4711"


@pytest.fixture(scope="module")
def holds() -> Mapping[str, str]:
    return anyio.run(confinements)


def need(holds: Mapping[str, str], *names: str) -> None:
    """One of them is enough."""
    if not any(holds[name] == "" for name in names):
        pytest.skip("; ".join(f"{name}: {holds[name]}" for name in names))


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    room = tmp_path / "room"
    room.mkdir()
    lay_out(room, {"given.txt": b"given"}, {"own.txt": "own"})
    return room


async def tries(scratch: Path, script: str) -> str:
    """What the script says. Built-in errors are thrown away: only success speaks."""
    _, output = await confined(scratch, BASH, ["-c", f"exec 2>/dev/null; {script}"])
    return output.decode()


async def test_what_it_may_do(scratch: Path, holds: Mapping[str, str]) -> None:
    """Else the other tests would prove nothing."""
    script = (
        'echo "$(<given.txt) $(<../own/own.txt)"; echo x > ../tmp/x; echo "$(<../tmp/x)"; echo > /dev/null && echo y'
    )
    assert await tries(scratch, script) == "given own\nx\ny\n"
    assert holds["limits"] == holds["no new privileges"] == ""


async def test_its_environment_holds_nothing_of_ours(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWBOT_API_KEY", SECRET)
    said = await tries(scratch, "export -p; echo; echo $(</proc/self/environ)")
    names = {row.removeprefix("declare -x ").partition("=")[0] for row in said.split("\n") if row.startswith("declare")}
    assert names <= {"HOME", "TMPDIR", "LC_ALL", "RAYON_NUM_THREADS", "GOMAXPROCS", "OLDPWD", "PWD", "SHLVL", "_"}
    assert SECRET not in said
    assert os.environ.get("HOME", "") not in said


PARENT = """
import os, pathlib, subprocess, sys
import anyio
from reviewbot.analyzers import run
from reviewbot.analyzers.launch import hide_from_children
room = pathlib.Path(sys.argv[1])
script = f"exec 2>/dev/null; echo $(</proc/{os.getpid()}/environ)"
if sys.argv[2] == "hidden":
    hide_from_children()
if sys.argv[3] == "confined":
    print(anyio.run(run.confined, room, pathlib.Path("/bin/bash").resolve(), ["-c", script])[1].decode())
else:
    print(subprocess.run(["/bin/bash", "-c", script], cwd=room / "files", capture_output=True, env={}).stdout.decode())
"""


def parent(scratch: Path, *words: str) -> str:
    """A process with a key in its environment, and what a child of it finds there."""
    environ = {"KEY": SECRET, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", PARENT, str(scratch), *words], env=environ, capture_output=True, check=True, timeout=60
    )
    return done.stdout.decode()


def test_the_environment_of_its_parent_is_out_of_reach(scratch: Path, holds: Mapping[str, str]) -> None:
    assert SECRET in parent(scratch, "open", "free"), "the attempt itself works"
    need(holds, "landlock", "namespaces")
    assert SECRET not in parent(scratch, "open", "confined"), "by the confinement alone"
    assert SECRET not in parent(scratch, "hidden", "confined")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read what is hidden; the confinement takes its rights away")
def test_a_hidden_process_is_out_of_reach_without_any_confinement(scratch: Path) -> None:
    assert SECRET not in parent(scratch, "hidden", "free")


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_it_reaches_no_network(scratch: Path, holds: Mapping[str, str], listening: int) -> None:
    script = f"exec 3<>/dev/tcp/127.0.0.1/{listening} && echo connected; exec 4<>/dev/udp/127.0.0.1/53 && echo sent"
    done = subprocess.run([str(BASH), "-c", script], capture_output=True, check=False)
    assert done.stdout == b"connected\nsent\n", "the attempt itself works"
    need(holds, "namespaces", "system call filter")
    assert await tries(scratch, script) == ""


async def test_it_reads_no_file_outside(scratch: Path, tmp_path: Path, holds: Mapping[str, str]) -> None:
    need(holds, "landlock")
    (tmp_path / "outside").write_text(SECRET)
    (scratch / "tmp" / "link").symlink_to(tmp_path / "outside")
    for path in (tmp_path / "outside", "../../outside", "../tmp/link", "/etc/passwd", "/proc/1/cmdline"):
        assert await tries(scratch, f"echo $(<{path})") == "\n"
    assert await tries(scratch, f"echo {tmp_path}/*; echo /proc/*; echo /home/*") == f"{tmp_path}/*\n/proc/*\n/home/*\n"


async def test_it_writes_nothing_outside(scratch: Path, tmp_path: Path, holds: Mapping[str, str]) -> None:
    need(holds, "landlock")
    (tmp_path / "outside").write_text("old")
    script = "".join(
        f"echo new > {path} && echo written;"
        for path in (tmp_path / "outside", tmp_path / "new", "given.txt", "new", "../own/own.txt", "../new", "/tmp/new")
    )
    assert await tries(scratch, script) == ""
    assert (tmp_path / "outside").read_text() == "old"
    assert (scratch / "files" / "given.txt").read_text() == "given"
    assert sorted(path.name for path in scratch.iterdir()) == ["files", "own", "tmp"]


async def test_it_starts_no_other_program(scratch: Path, holds: Mapping[str, str]) -> None:
    need(holds, "landlock")
    mine = scratch / "tmp" / "mine"
    mine.write_text("#!/bin/sh\necho started\n")
    mine.chmod(0o755)
    assert await tries(scratch, "/usr/bin/env echo started; ../tmp/mine; /bin/ls") == ""


async def test_it_ends_nobody_else(scratch: Path, holds: Mapping[str, str]) -> None:
    need(holds, "landlock", "namespaces")
    other = subprocess.Popen(["sleep", "60"])
    try:
        assert await tries(scratch, f"kill -9 {other.pid} && echo ended") == ""
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


async def test_it_ends_at_its_limits(scratch: Path) -> None:
    wanted = {"-t": 20, "-d": (2 << 30) // 1024, "-v": (16 << 30) // 1024, "-n": 512, "-c": 0}
    said = await tries(scratch, "".join(f"ulimit -H {flag}; " for flag in wanted))
    assert [int(row) for row in said.split()] == list(wanted.values())
    code, _ = await confined(scratch, BASH, ["-c", "while :; do printf %0100000d 1; done > ../tmp/x"])
    assert code == -signal.SIGXFSZ
    assert (scratch / "tmp" / "x").stat().st_size <= launch.LIMITS["RLIMIT_FSIZE"]
    code, _ = await confined(scratch, BASH, ["-c", "ulimit -St 1; while :; do :; done"])
    assert code in (-signal.SIGXCPU, -signal.SIGKILL)


async def test_each_confinement_is_reported(holds: Mapping[str, str]) -> None:
    assert list(holds) == [
        "no new privileges", "ends with its parent", "limits", "namespaces", "landlock", "system call filter",
    ]  # fmt: skip


def test_one_that_does_not_hold_says_why_and_leaves_the_others() -> None:
    """In a process of its own, since a process that has confined itself stays so."""
    code = (
        "import json, platform, sys; sys.path.insert(0, sys.argv[1]); import launch; platform.machine = lambda: 'pdp11'"
    )
    code += "; print(json.dumps(launch.confine(sys.argv[2], sys.executable)))"
    folder = str(Path(launch.__file__).parent)
    done = subprocess.run([sys.executable, "-c", code, folder, "/nowhere"], capture_output=True, check=True)
    found = json.loads(done.stdout)
    assert found["system call filter"] == "'pdp11'"
    assert found["limits"] == ""


IN_A_CONTAINER = """
import json, socket, sys
sys.path.insert(0, sys.argv[1])
import launch
launch._prctl(launch._SET_NO_NEW_PRIVS, 1)
launch._filter_calls()  # refuses new namespaces, as container engines do
found = launch.confine(sys.argv[2], sys.executable)
done = {}
for name, attempt in {
    "socket": lambda: socket.socket().close(),
    "passwords": lambda: open("/etc/passwd").close(),
    "written": lambda: open(sys.argv[2] + "/files/new", "w").close(),
}.items():
    try:
        attempt()
        done[name] = True
    except OSError:
        done[name] = False
print(json.dumps([found, done]))
"""


def test_where_namespaces_are_forbidden_the_others_hold(scratch: Path, holds: Mapping[str, str]) -> None:
    need(holds, "system call filter")
    need(holds, "landlock")
    folder = str(Path(launch.__file__).parent)
    words = [sys.executable, "-c", IN_A_CONTAINER, folder, str(scratch)]
    found, done = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    assert [name for name, reason in found.items() if reason] == ["namespaces"]
    assert done == {"socket": False, "passwords": False, "written": False}
