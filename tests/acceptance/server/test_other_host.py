"""A server for a GitHub Enterprise Server that is behind a proxy, with a certificate of the company's own authority."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reviewbot.sandbox.github import running
from tests.acceptance.server.conftest import NAME, Server, until  # type: ignore[import-not-found]
from tests.acceptance.tls import forward_proxy, make_authority  # type: ignore[import-not-found]

GITHUB, MODELS = "ghe.example.com", "models.example.com"


def test_a_server_for_github_enterprise(server: Server, stages: Any, tmp_path: Path) -> None:
    """Every role learns of the proxy and of the authority from the environment of the whole server."""
    authority = make_authority(tmp_path / "authority", GITHUB, MODELS)
    stage, _, model, _ = stages
    with running(stage, tls=authority.server) as github, running(model, tls=authority.server) as api:
        routes = {GITHUB: urlsplit(github).port or 0, MODELS: urlsplit(api).port or 0}
        with forward_proxy(routes) as proxy:
            server.environ.update(
                GITHUB_SERVER_URL=f"https://{GITHUB}",
                GITHUB_API_URL="",
                REVIEWBOT_API_BASE=f"https://{MODELS}/v1",
                HTTPS_PROXY=proxy.url,
                SSL_CERT_FILE=str(authority.bundle),
            )
            process = server.start()
            server.ready()
            number = server.github.open_pull_request(NAME, base="main", head="vouchers")
            until(lambda: server.summaries(number), 60, server.log)
            until(lambda: server.checks, 20, server.log)
            assert server.stop(process) == 0
            assert set(proxy.asked) == {f"{GITHUB}:443", f"{MODELS}:443"}
    assert len(server.reviews) == 1
    calls = [sent.path for sent in stage.sent if ".git/" not in sent.path]
    assert "/api/graphql" in calls
    assert any(path.startswith("/api/v3/app/") for path in calls)
    assert all(path.startswith("/api/") for path in calls), calls
