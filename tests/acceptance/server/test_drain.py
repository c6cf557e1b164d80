"""SIGTERM while reviews run: what can end in time ends and is posted; the rest is booked, and done after the start."""

from __future__ import annotations

import time
from pathlib import Path

import anyio
import pytest

from reviewbot.sandbox.responses.faults import Fault, FaultKind
from reviewbot.store.runs import SqlRunStore
from tests.acceptance.server.conftest import Server, until
from tests.acceptance.server.judge import (
    FILES,
    SMALL,
    assert_reviewed_once,
    is_reviewed,
    make_parts,
    open_parts,
    two_for_each_file,
    under_way,
)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    return make_parts(tmp_path / "parts", 3).path


@pytest.mark.long
@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
def test_a_server_that_is_told_to_stop_drains_and_what_does_not_fit_is_done_later(server: Server) -> None:
    """One review ends within ``drain_seconds``: it is posted before the process ends, with exit code 0. Another does
    not: it is stopped, its money is booked as an interrupted run, and it is made after the next start, without paying
    for what was answered."""
    server.configure(**SMALL, server={"drain_seconds": 8, "per_installation": 2})
    server.model._read, server.model.latency = two_for_each_file, 1.0
    process = server.start()
    server.ready()
    server.model.faults.add(Fault(FaultKind.SLOW, request=2, seconds=60.0))
    (stays,) = open_parts(server, [1])
    slow = until(lambda: [e for e in under_way(server) if e.fault], 30, server.log)[0]
    time.sleep(2.0)  # the answers that are not slow come
    (ends,) = open_parts(server, [0])
    until(lambda: len(under_way(server)) > 1, 30, server.log)
    begun = time.monotonic()
    assert server.stop(process) == 0
    assert slow.disconnected
    assert is_reviewed(server, ends), "what could end was posted"
    assert not is_reviewed(server, stays)
    assert not server.ours(), "nothing of it runs any more"
    assert time.monotonic() - begun < 40
    answers = len([entry for entry in server.model.answered if entry.output_tokens])
    second = server.start()
    server.ready()
    until(lambda: is_reviewed(server, stays), 60, server.log)
    server.quiet()
    assert_reviewed_once(server, [ends, stays], file_comments=FILES)
    assert len([entry for entry in server.model.answered if entry.output_tokens]) == answers + 1
    (run,) = server.runs(stays)
    assert run["status"] == "finished"
    assert run["cost_usd"] > 2 * server.runs(ends)[0]["cost_usd"] / 3, "what was spent before the stop is counted"
    assert server.stop(second) == 0


def test_a_review_that_is_stopped_is_booked_before_the_process_ends(server: Server) -> None:
    """With no time to drain at all: the run is failed, as interrupted, with the cost of the answers that had come."""
    server.configure(**SMALL, server={"drain_seconds": 0})
    server.model._read = two_for_each_file
    process = server.start()
    server.ready()
    server.model.faults.add(Fault(FaultKind.SLOW, request=2, seconds=60.0))
    open_parts(server, [2])
    until(lambda: [e for e in under_way(server) if e.fault], 30, server.log)
    time.sleep(2.0)
    assert server.stop(process) == 0
    (run,) = anyio.run(SqlRunStore(f"sqlite:///{server.room}/data/runs.sqlite").list_runs, 5)
    assert (run["status"], run["error"]) == ("failed", "interrupted")
    assert run["cost_usd"] > 0
