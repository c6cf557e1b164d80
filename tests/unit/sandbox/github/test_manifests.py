"""Registering an App from a manifest, as a person does it in a browser; and the life of an installation."""

from __future__ import annotations

import json
import re
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest

REPO = "/repos/octo/shop"
MANIFEST: dict[str, Any] = {
    "name": "My Bot",
    "url": "https://bot.example",
    "hook_attributes": {"url": "https://bot.example/hook"},
    "redirect_url": "https://bot.example/back?x=1",
    "default_permissions": {"checks": "write", "issues": "read"},
    "default_events": ["check_run", "issue_comment"],
}


def submit(client: Any, path: str, **fields: str) -> Any:
    return client("POST", path, urlencode(fields).encode(), content_type="application/x-www-form-urlencoded")


def code_of(client: Any, manifest: dict[str, Any], **more: str) -> str:
    page = submit(client, "/settings/apps/new?state=s+1", manifest=json.dumps(manifest))
    assert page.status == 200
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.body.decode().replace("&quot;", "'")))
    assert fields["state"] == "s 1"
    done = submit(
        client, "/settings/apps/create", **(fields | {"manifest": json.dumps(manifest)} | {"name": "Bot"} | more)
    )
    assert done.status == 302
    target = urlsplit(done.headers["location"])
    assert (target.netloc, target.path) == ("bot.example", "/back")
    query = parse_qs(target.query)
    assert (query["x"], query["state"]) == (["1"], ["s 1"])
    return query["code"][0]


def test_the_flow(github: Any, client: Any) -> None:
    github.add_installation("octo")
    anybody = client()
    code = code_of(anybody, MANIFEST, name="Our Bot!")
    done = anybody("POST", f"/app-manifests/{code}/conversions")
    assert done.status == 201
    made = done.json
    assert (made["name"], made["slug"], made["permissions"]) == (
        "Our Bot!",
        "our-bot",
        {"metadata": "read", "checks": "write", "issues": "read"},
    )
    assert made["webhook_secret"] == github.app.webhook_secret
    assert github.app.hook_url == "https://bot.example/hook"
    assert github.installations == {}
    now = int(time.time())
    for issuer in (str(made["id"]), made["client_id"]):
        token = jwt.encode({"iss": issuer, "iat": now - 60, "exp": now + 540}, made["pem"], algorithm="RS256")
        assert client(token).get("/app")["slug"] == "our-bot"
    other = jwt.encode({"iss": made["slug"], "iat": now - 60, "exp": now + 540}, made["pem"], algorithm="RS256")
    assert client(other)("GET", "/app").status == 404
    assert anybody("POST", f"/app-manifests/{code}/conversions").status == 404, "once"


def test_a_code_is_good_for_an_hour(github: Any, client: Any) -> None:
    code = code_of(client(), MANIFEST)
    now = time.time()
    github.clock = lambda: now + 3_601
    assert client()("POST", f"/app-manifests/{code}/conversions").status == 404
    assert client()("POST", "/app-manifests/none/conversions").status == 404


def test_an_organisation_owns_what_it_registers(github: Any, client: Any) -> None:
    page = submit(client(), "/organizations/acme/settings/apps/new", manifest=json.dumps(MANIFEST))
    assert b"Create GitHub App for acme" in page.body
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": None}, "&quot;url&quot; wasn&#x27;t supplied."),
        ({"hook_attributes": {"active": False}}, "&quot;url&quot; wasn&#x27;t supplied."),
        ({"redirect_url": "back"}, "&quot;redirect_url&quot; wasn&#x27;t supplied."),
        ({"name": "x" * 35}, "Name is too long"),
        ({"default_events": ["installation", "check_run"]}, "Default events unsupported: installation"),
        ({"default_events": ["pull_request"]}, "Default events are not supported by permissions: pull_request"),
        ({"default_permissions": {"emails_and_more": "read"}, "default_events": []}, "not included in the list"),
        ({"default_permissions": {"checks": "admin"}, "default_events": []}, "not included in the list"),
    ],
)
def test_one_mistake_and_there_is_no_app(client: Any, change: dict[str, Any], said: str) -> None:
    manifest = json.dumps({**MANIFEST, **change})
    page = submit(client(), "/settings/apps/new", manifest=manifest)
    assert page.status == 422
    assert said in page.body.decode()
    assert submit(client(), "/settings/apps/create", manifest=manifest, name="x" * 40).status == 422


@pytest.mark.parametrize("text", ["", "{", "[]", "7"])
def test_what_is_no_manifest(client: Any, text: str) -> None:
    assert b"valid GitHub App manifest" in submit(client(), "/settings/apps/new", manifest=text).body


def unsigned(github: Any, iat: float = -60, exp: int = 540) -> str:
    """A JWT; no public key is known here, so any signature will do."""
    now = int(github.clock())
    parts = [{"alg": "RS256"}, {"iss": str(github.app.id), "iat": now + iat, "exp": now + exp}]
    return ".".join(jwt.utils.base64url_encode(json.dumps(part).encode()).decode() for part in parts) + ".x"


def test_suspended_and_removed(github: Any, client: Any) -> None:
    number = github.add_installation("octo")
    app, url = client(unsigned(github)), f"/app/installations/{number}"
    token = client(app.post(f"{url}/access_tokens", {}).json["token"])
    assert app("PUT", f"{url}/suspended").status == 204
    assert app.get(url)["suspended_at"]
    for refused in (token("GET", REPO), app.post(f"{url}/access_tokens", {})):
        assert (refused.status, refused.json["message"]) == (403, "This installation has been suspended")
    assert app.get(f"{REPO}/installation")["id"] == number, "it is still there"
    assert app("DELETE", f"{url}/suspended").status == 204
    assert app.get(url)["suspended_at"] is None
    assert token("GET", REPO).status == 200
    assert app("DELETE", url).status == 204
    assert token("GET", REPO).status == 401
    assert app.post(f"{url}/access_tokens", {}).status == 404
    assert app("PUT", f"{url}/suspended").status == 404


def test_revoking_a_token(github: Any, client: Any) -> None:
    number = github.add_installation("octo")
    app = client(unsigned(github))
    token = client(app.post(f"/app/installations/{number}/access_tokens", {}).json["token"])
    assert token("DELETE", "/installation/token").status == 204
    assert token("DELETE", "/installation/token").status == 401
    person = client(github.add_token("ann"))
    assert person("DELETE", "/installation/token").status == 403
    assert person("GET", "/user").status == 200


def test_the_clock_of_this_github_is_told(github: Any, client: Any) -> None:
    github.clock = lambda: 1_800_000_000.5
    for path in ("/rate_limit", "/nowhere"):
        assert client("wrong")("GET", path).headers["date"] == "Fri, 15 Jan 2027 08:00:00 GMT"


@pytest.mark.parametrize(("iat", "exp", "status"), [
    (0, 600, 200), (-60, 600, 200), (1, 60, 401), (-60, 601, 401), (-600, 1, 200), (-60, 0, 401), (0.5, 60, 401),
])  # fmt: skip
def test_the_times_of_a_jwt_are_taken_to_the_second(
    github: Any, client: Any, iat: float, exp: int, status: int
) -> None:
    github.clock = lambda: 1_800_000_000
    assert client(unsigned(github, iat, exp))("GET", "/app").status == status


def test_asking_for_tokens_is_not_creating_content(github: Any, client: Any) -> None:
    number = github.add_installation("octo")
    app = client(unsigned(github))
    assert {app.post(f"/app/installations/{number}/access_tokens", {}).status for _ in range(90)} == {201}
