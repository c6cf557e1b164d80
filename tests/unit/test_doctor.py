"""What doctor says of a GitHub that answers in its own way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reviewbot.analyzers.catalogue import TOOLS
from reviewbot.cli import Format, doctor
from reviewbot.doctor import Check, _analyzers, _github, confinement_checks
from reviewbot.errors import UsageError
from reviewbot.settings import Settings


class _Door(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"message": "Rate limiting is not enabled."}'
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def enterprise() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Door)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.anyio
async def test_an_enterprise_server_without_limits_is_no_problem(enterprise: str) -> None:
    settings = Settings(github_token="t", github_server_url=enterprise)
    checks = [check async for check in _github(settings, None)]
    assert checks == [Check("GitHub token", "ok", "accepted; this server does not limit calls")]


@pytest.mark.anyio
async def test_each_analyzer_and_each_confinement_has_a_line() -> None:
    checks = await _analyzers()
    names = [check.name for check in checks]
    assert names[: len(TOOLS)] == [f"analyzer {tool.name}" for tool in TOOLS]
    assert {name.split()[0] for name in names[len(TOOLS) :]} == {"confinement"}
    assert {check.state for check in checks} <= {"ok", "warning"}


@pytest.mark.parametrize(
    ("missing", "warned"),
    [
        ([], []),
        (["namespaces"], []),
        (["system call filter"], []),
        (["namespaces", "system call filter"], ["namespaces", "system call filter"]),
        (["landlock"], ["landlock"]),
        (["limits"], []),
        (["all"], ["all"]),
    ],
)
def test_what_is_unguarded_is_a_warning(missing: list[str], warned: list[str]) -> None:
    holds = dict.fromkeys(["limits", "namespaces", "landlock", "system call filter"], "")
    checks = confinement_checks(holds | dict.fromkeys(missing, "the kernel says no"))
    assert [check.name.removeprefix("confinement ") for check in checks if check.state == "warning"] == warned
    assert all(("the kernel says no" in check.detail) == bool(check.remedy) for check in checks)


@pytest.mark.parametrize("form", ["html", "sarif", "markdown"])
def test_a_form_that_it_does_not_have(form: str) -> None:
    with pytest.raises(UsageError, match="--format json"):
        doctor(output_format=Format(form))
