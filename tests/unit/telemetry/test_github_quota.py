"""The client tells the quota of each answer, and nothing when an answer does not say it in numbers."""

from __future__ import annotations

from typing import Any

import pytest

from reviewbot.github.client import GitHubClient, _quota_of
from reviewbot.telemetry.metrics import Metrics

FULL = {
    "X-RateLimit-Resource": "core",
    "X-RateLimit-Remaining": "41",
    "X-RateLimit-Limit": "5000",
    "X-RateLimit-Reset": "1700000000",
}


async def told(receiver: Any, headers: dict[str, str]) -> list[tuple[str, int, int, int]]:
    seen: list[tuple[str, int, int, int]] = []
    receiver.headers = headers
    client = GitHubClient("token", api_url=receiver.url, on_quota=lambda *quota: seen.append(quota))
    await client.get("/zen")
    await client.aclose()
    return seen


@pytest.mark.anyio
async def test_the_quota_of_an_answer_is_told(receiver: Any) -> None:
    assert await told(receiver, FULL) == [("core", 41, 5000, 1_700_000_000)]


@pytest.mark.anyio
@pytest.mark.parametrize("value", ["-1", "1e9", "41.0"])
async def test_what_is_no_count_is_not(receiver: Any, value: str) -> None:
    assert await told(receiver, {**FULL, "X-RateLimit-Remaining": value}) == []
    assert await told(receiver, {}) == []


@pytest.mark.parametrize("value", ["", " ", "many", "9" * 400, "\u0661", "\u00b2", "1_0"])
@pytest.mark.parametrize("name", ["remaining", "limit", "reset"])
def test_no_header_can_be_a_number_that_is_none(name: str, value: str) -> None:
    headers = {key.lower(): number for key, number in FULL.items()}
    assert _quota_of(headers) == ("core", 41, 5000, 1_700_000_000)
    assert _quota_of({**headers, f"x-ratelimit-{name}": value}) is None


@pytest.mark.anyio
async def test_metrics_take_it_as_it_comes(receiver: Any) -> None:
    metrics = Metrics()
    receiver.headers = {**FULL, "X-RateLimit-Resource": "<x>"}
    client = GitHubClient("token", api_url=receiver.url, on_quota=metrics.github_quota)
    await client.get("/zen")
    await client.aclose()
    assert b'reviewbot_github_quota_remaining{resource="other"} 41.0' in metrics.render(None)
