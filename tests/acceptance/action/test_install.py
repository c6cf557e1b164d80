"""The steps as they are on a runner: libraries from the lock file, an environment of their own, and how long it takes.

Long, and the one test that needs a package index: `make proof`. What pip is told on this machine holds here too.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from tests.acceptance.action.conftest import Workflow, machine_of
from tests.acceptance.action.runner import ROOT, Composite
from tests.acceptance.conftest import World

_PASSED = ("PIP_", "HTTP", "HTTPS", "NO_PROXY", "http", "https", "no_proxy", "SSL_CERT", "REQUESTS_CA")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_fresh_runner_then_a_warm_one_then_a_spoilt_cache(world: World, tmp_path: Path) -> None:
    checkout = tmp_path / "_actions" / "octo" / "reviewbot" / "v1"
    shutil.copytree(ROOT / "reviewbot", checkout / "reviewbot", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("action.yml", "requirements.lock"):
        shutil.copy(ROOT / name, checkout / name)
    world.open("vouchers")
    machine = machine_of(world, tmp_path, checkout)
    passed = {name: value for name, value in os.environ.items() if name.startswith(_PASSED)}
    machine = Composite(
        **{**vars(machine), "prepared": False, "seconds": 600, "environ": {**machine.environ, **passed}}
    )
    workflow = Workflow(world, machine)

    took = {"fresh": reviewed(workflow, world)}
    took["warm"] = reviewed(workflow, world)
    wheel = next(machine.cache.glob("*/pydantic_core-*.whl"))
    wheel.write_bytes(wheel.read_bytes() + b"more")
    took["spoilt"] = reviewed(workflow, world, "downloaded again")
    assert machine.hits == [False, True, True]
    print({name: f"{seconds:.1f} s from the first step to the first question" for name, seconds in took.items()})


def reviewed(workflow: Workflow, world: World, warning: str = "") -> float:
    """One job on a machine whose folder for temporary files is empty; seconds until the model was asked."""
    shutil.rmtree(workflow.machine.temp)
    workflow.machine.temp.mkdir()
    asked: list[float] = []

    def read(text: str) -> str:
        asked.append(time.perf_counter())
        return '{"findings": [], "explanation": "Nothing.", "verdict": "correct"}'

    world.answers(read)
    begun = time.perf_counter()
    ended = workflow.pull_request(action="synchronize", full="true")
    assert ended.code == 0, ended.log.text
    assert [each.text for each in ended.log.of("warning") if warning not in each.text] == []
    assert bool(ended.log.of("warning")) == bool(warning)
    return asked[0] - begun
