"""Many pull requests at once: all are reviewed, each once. `make proof` does it with a thousand and prints the rate."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.acceptance.server.conftest import NAME, Server, until
from tests.acceptance.server.judge import assert_reviewed_once, is_reviewed, make_parts, paid, two_for_each_file

SOME, MANY = 12, 1000


@pytest.fixture
def pulls(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def served(tmp_path: Path, pulls: int) -> Path:
    return make_parts(tmp_path / "parts", pulls, files=1, lines=5).path


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)], indirect=True)
@pytest.mark.parametrize("pulls", [SOME, pytest.param(MANY, marks=pytest.mark.long)], indirect=True)
def test_a_backlog_is_drained(server: Server, pulls: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Pull requests are opened as fast as GitHub can tell of them. Nothing is lost or doubled, and each question is
    paid for once."""
    server.configure(server={"per_process": 20, "per_installation": 20})
    server.model._read, server.model.latency = two_for_each_file, 0.05
    process = server.start()
    server.ready()
    begun = time.monotonic()
    numbers = [server.github.open_pull_request(NAME, base="main", head=f"part-{n}") for n in range(pulls)]
    server.github.hooks.drain(600)
    queued = time.monotonic() - begun
    left = set(numbers)

    def drained() -> bool:
        done = {check.head_sha for check in server.checks if check.status == "completed"}
        left.difference_update({n for n in left if server.hosted.pull(n).head_sha in done})
        time.sleep(0.2)
        return not left

    until(drained, 60 + 2 * pulls, server.log)
    seconds = time.monotonic() - begun
    with capsys.disabled():
        print(
            f"\n{pulls} pull requests on {server.environ.get('REVIEWBOT_DATABASE_URL', 'sqlite').partition(':')[0]}: "
            f"all told of in {queued:.0f} s, all reviewed in {seconds:.0f} s, {pulls / seconds:.1f} jobs/s"
        )
    server.quiet(120)
    assert all(is_reviewed(server, number) for number in numbers)
    assert_reviewed_once(server, numbers, file_comments=1)
    assert paid(server, []).again == 0
    assert server.stop(process) == 0
