from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import Any

import httpx
import pytest

from reviewbot.errors import UsageError
from reviewbot.sandbox.github import create_app, running


def test_running(github: Any) -> None:
    with running(create_app(github)) as url:
        assert httpx.get(f"{url}/octo/shop/pull/2").status_code == 200
        with (
            pytest.raises(UsageError, match="cannot be used"),
            running(create_app(github), int(url.rpartition(":")[2])),
        ):
            pass
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_no_forty_milliseconds(github: Any) -> None:
    """Without TCP_NODELAY the second request on a connection waits for a delayed acknowledgement."""
    headers = {"authorization": f"Bearer {github.add_token()}"}
    with running(create_app(github)) as url, httpx.Client(base_url=url, headers=headers) as client:
        times = []
        for _ in range(9):
            started = time.perf_counter()
            client.get("/rate_limit")
            times.append(time.perf_counter() - started)
    assert sorted(times)[4] < 0.035


def test_as_a_process(git: Any) -> None:
    command = [sys.executable, "-m", "reviewbot.sandbox.github", "--repo", str(git.path), "--head", "feature/cards"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        headers = {"authorization": f"Bearer {ready['token']}"}
        url = f"{ready['api_url']}/repos/{ready['repository']}/pulls/{ready['pulls'][0]}"
        assert httpx.get(url, headers=headers).json()["changed_files"] == 8
        actions = {"authorization": f"Bearer {ready['tokens']['actions']}"}
        sha = git("rev-parse", "feature/cards")
        done = httpx.post(
            f"{ready['api_url']}/repos/{ready['repository']}/check-runs",
            headers=actions,
            json={"name": "x", "head_sha": sha},
        )
        assert done.status_code == 201
        process.send_signal(signal.SIGINT)
        assert process.wait(10) in (0, -signal.SIGINT)


def test_a_wrong_path_says_so(tmp_path: Any) -> None:
    command = [sys.executable, "-m", "reviewbot.sandbox.github", "--repo", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "is not a git repository" in done.stderr
    assert "Traceback" not in done.stderr
