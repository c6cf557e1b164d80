"""How `reviewbot serve` starts its processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_its_processes_share_its_session_and_not_its_group(tmp_path: Path) -> None:
    """Niceness counts among the processes of one session; the terminal's Ctrl-C goes to one group."""
    command = [sys.executable, "-m", "reviewbot", "serve", "--port", "0"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "REVIEWBOT_DATA_DIR": str(tmp_path)}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE) as process:
        try:
            child = first_child(process.pid)
            assert os.getsid(child) == os.getsid(process.pid)
            assert os.getpgid(child) == child
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def first_child(pid: int) -> int:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        if found and b"--role" in Path(f"/proc/{found[0]}/cmdline").read_bytes():
            return int(found[0])
        time.sleep(0.05)
    raise AssertionError("It started nothing.")
