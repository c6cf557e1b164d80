"""A webhook in, a posted review out: the whole way through the processes of a server."""

from __future__ import annotations

import pytest

from tests.acceptance.server.conftest import NAME, Server, until  # type: ignore[import-not-found]

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


def test_a_pull_request_that_is_opened_is_reviewed(server: Server) -> None:
    process = server.start()
    server.ready()
    number = server.github.open_pull_request(NAME, base="main", head="vouchers")
    until(lambda: server.summaries(number), 60, server.log)
    until(lambda: server.checks, 20, server.log)
    assert len(server.reviews) == 1
    assert server.comments
    assert server.reviews[0].author.login == "reviewbot[bot]"
    assert "with ruff" in server.summaries(number)[0].body, "no analyzer ran in the worker"
    assert server.stop(process) == 0
