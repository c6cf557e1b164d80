"""The App's webhook and the log of its deliveries, over the API."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from reviewbot.sandbox.github import SandboxGitHub
from webhooks.signature import is_signed

NAME = "octo/shop"
URL = "/app/hook/deliveries"


@pytest.fixture
def app(hooked: SandboxGitHub, with_token: Any) -> Any:
    """The App itself. No public key is known here, so any signature will do."""
    now = int(hooked.clock())
    parts = [{"alg": "RS256"}, {"iss": str(hooked.app.id), "iat": now - 60, "exp": now + 540}]
    token = ".".join(jwt.utils.base64url_encode(json.dumps(part).encode()).decode() for part in parts) + ".x"
    return with_token(hooked, token)


def say(github: SandboxGitHub, count: int) -> None:
    github.add_issue(NAME, "Cards")
    for number in range(count):
        github.comment(NAME, 1, "ann", str(number))
    github.hooks.drain()


def ids(rows: list[Any]) -> list[int]:
    return [row["id"] for row in rows]


def links(reply: Any) -> dict[str, str]:
    return {name: url for url, name in re.findall(r'<([^>]+)>; rel="(\w+)"', reply.headers.get("link", ""))}


def below(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def test_only_the_app_itself(hooked: SandboxGitHub, api_of: Any) -> None:
    person = api_of(hooked, "ann")
    assert person("GET", URL).status == 401
    assert api_of(hooked)("GET", "/app/hook/config").status == 401


def test_config(hooked: SandboxGitHub, receiver: Any, app: Any) -> None:
    shown = {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": receiver.url}
    assert app.get("/app/hook/config") == shown
    other = receiver.url + "2"
    changed = app("PATCH", "/app/hook/config", {"url": other, "secret": "new"})
    assert (changed.status, changed.json) == (200, shown | {"url": other})
    assert (hooked.app.hook_url, hooked.app.webhook_secret) == (other, "new")
    for wrong in ({"url": "nowhere"}, {"secret": 7}, {"content_type": "form"}):
        assert app("PATCH", "/app/hook/config", wrong).status == 422
    assert hooked.app.hook_url == other


def test_paging(hooked: SandboxGitHub, app: Any) -> None:
    say(hooked, 70)
    first = app("GET", URL)
    assert ids(first.json) == list(range(70, 40, -1))
    assert set(links(first)) == {"next"}
    hooked.comment(NAME, 1, "ann", "meanwhile")
    hooked.hooks.drain()
    second = app("GET", below(links(first)["next"]))
    assert ids(second.json) == list(range(40, 10, -1)), "a new one shifts nothing"
    assert set(links(second)) == {"next", "prev"}
    last = app("GET", below(links(second)["next"]))
    assert ids(last.json) == list(range(10, 0, -1))
    assert set(links(last)) == {"prev"}
    assert ids(app("GET", below(links(second)["prev"])).json) == list(range(70, 40, -1))
    assert len(app.get(f"{URL}?per_page=500")) == 71
    assert len(app.get(f"{URL}?per_page=2")) == 2
    assert app("GET", f"{URL}?cursor=v1_9999").status == 422
    assert app("GET", f"{URL}?status=lost").status == 422


def test_filtering(hooked: SandboxGitHub, receiver: Any, app: Any) -> None:
    hooked.hooks.lose(1)
    receiver.statuses = [500, 302, 404]
    say(hooked, 5)
    assert [row["status_code"] for row in app.get(URL)] == [202, 404, 302, 500, 0]
    assert [row["status_code"] for row in app.get(f"{URL}?status=success")] == [202, 302]
    assert [row["status_code"] for row in app.get(f"{URL}?status=failure")] == [404, 500]


def test_one_delivery(hooked: SandboxGitHub, receiver: Any, app: Any) -> None:
    say(hooked, 1)
    found = app.get(f"{URL}/1")
    assert (found["url"], found["event"], found["action"]) == (receiver.url, "issue_comment", "created")
    assert found["request"]["payload"] == receiver.taken[0].json
    assert found["request"]["headers"]["X-GitHub-Delivery"] == found["guid"]
    assert found["response"]["payload"] == "said"
    assert "hook secret" not in json.dumps(found)
    assert app("GET", f"{URL}/9").status == app("GET", f"{URL}/x").status == 404


def test_redelivery(hooked: SandboxGitHub, receiver: Any, app: Any) -> None:
    hooked.hooks.lose(1)
    say(hooked, 1)
    assert receiver.taken == []
    app("PATCH", "/app/hook/config", {"secret": "new"})
    asked = app("POST", f"{URL}/1/attempts")
    assert (asked.status, asked.json) == (202, {})
    hooked.hooks.drain()
    (taken,) = receiver.taken
    assert is_signed(taken.body, taken.headers["x-hub-signature-256"], [b"new"])
    again, first = app.get(URL)
    assert (first["redelivery"], again["redelivery"]) == (False, True)
    assert first["guid"] == again["guid"] == taken.headers["x-github-delivery"]
    assert (first["id"], again["id"]) == (1, 2)
    assert (first["status"], again["status"]) == ("failed to connect", "OK")
