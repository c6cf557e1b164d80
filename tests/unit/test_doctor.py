"""What doctor says of a GitHub that answers in its own way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reviewbot.doctor import Check, _github
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
