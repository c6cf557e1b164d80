"""Who may do what: personal, app and workflow tokens, Apps and their installations."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

REPO = "/repos/octo/shop"
PULL = f"{REPO}/pulls/2"
COMMENT = {"event": "COMMENT", "body": "x"}


def test_no_token_is_401(client: Any) -> None:
    done = client()("GET", PULL)
    assert (done.status, done.json["message"], done.json["status"]) == (401, "Requires authentication", "401")
    assert done.json["documentation_url"].startswith("https://docs.github.com/")
    wrong = client("ghp_wrong")("GET", PULL)
    assert (wrong.status, wrong.json["message"]) == (401, "Bad credentials")
    assert client()("POST", "/graphql", {"query": "{viewer{login}}"}).status == 401


def test_schemes(github: Any, client: Any) -> None:
    token = github.add_token("ann")
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    for header in (f"Bearer {token}", f"token {token}", f"Basic {basic}"):
        assert client()("GET", "/user", authorization=header).json["login"] == "ann"
    assert client()("GET", "/user", authorization="Basic ~").status == 401


def test_expiry(github: Any, client: Any) -> None:
    token = github.add_token(expires_in=3_600)
    assert client(token)("GET", PULL).status == 200
    now = time.time()
    github.clock = lambda: now + 3_601
    assert client(token)("GET", PULL).status == 401


@pytest.mark.parametrize(
    ("permissions", "reading", "review", "comment", "check"),
    [
        ({}, 403, 403, 403, 403),
        ({"pull_requests": "read"}, 200, 403, 403, 403),
        ({"pull_requests": "write"}, 200, 200, 201, 403),
        ({"issues": "write"}, 403, 403, 201, 403),
        ({"checks": "write"}, 403, 403, 403, 201),
    ],
)
def test_permissions(
    git: Any,
    github: Any,
    client: Any,
    permissions: dict[str, str],
    reading: int,
    review: int,
    comment: int,
    check: int,
) -> None:
    app = client(github.add_token(kind="app", permissions=permissions))
    head = git("rev-parse", "feature/cards")
    assert app("GET", PULL).status == reading
    done = app.post(f"{PULL}/reviews", COMMENT)
    assert done.status == review
    if review == 403:
        assert done.json["message"] == "Resource not accessible by integration"
    assert app.post(f"{REPO}/issues/2/comments", {"body": "x"}).status == comment
    assert app.post(f"{REPO}/check-runs", {"name": "x", "head_sha": head}).status == check
    assert app("GET", f"{REPO}/contents/a.py").status == 403
    assert app("GET", REPO).status == 200


def test_read_only_personal_token(github: Any, client: Any) -> None:
    reader = client(github.add_token("ann", permissions={"pull_requests": "read"}))
    done = reader.post(f"{PULL}/reviews", COMMENT)
    assert (done.status, done.json["message"]) == (403, "Resource not accessible by personal access token")


def test_private_and_narrowed(git: Any, github: Any, client: Any) -> None:
    github.add_repository("octo/secret", git.path, private=True)
    narrow = client(github.add_token(kind="app", repositories=["octo/shop"]))
    assert narrow("GET", "/repos/octo/secret").status == 404
    other = client(github.add_token(kind="app", repositories=["octo/secret"]))
    assert other("GET", "/repos/octo/secret").status == 200
    assert other.post(f"{PULL}/reviews", COMMENT).status == 403, "public, but not given to this token"


def test_an_installation_is_no_user(bot: Any) -> None:
    assert bot("GET", "/user").status == 403
    assert bot.get("/installation/repositories")["total_count"] == 1


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)


def claims(github: Any, **more: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": str(github.app.id), "iat": now - 60, "exp": now + 540, **more}


def signed(github: Any, key: Any = KEY, **more: Any) -> str:
    return jwt.encode({name: value for name, value in claims(github, **more).items() if value}, key, algorithm="RS256")


def test_app(github: Any, client: Any) -> None:
    github.use_app(app_id=77, slug="my-bot", public_key=PUBLIC)
    number = github.add_installation("octo", permissions={"pull_requests": "write", "contents": "read"})
    app = client(signed(github))
    assert app.get("/app")["slug"] == "my-bot"
    assert [row["id"] for row in app.get("/app/installations")] == [number]
    assert app.get(f"{REPO}/installation")["id"] == number
    assert app.get("/app/hook/deliveries") == []
    made = app.post(f"/app/installations/{number}/access_tokens", {})
    assert made.status == 201
    token = client(made.json["token"])
    assert token.post(f"{PULL}/reviews", COMMENT).json["user"]["login"] == "my-bot[bot]"
    assert token.post(f"{REPO}/check-runs", {"name": "x", "head_sha": "x"}).status == 403
    now = time.time()
    github.clock = lambda: now + 3_601
    assert token("GET", PULL).status == 401, "after one hour"


def test_narrowed_tokens(git: Any, github: Any, client: Any) -> None:
    github.add_repository("octo/other", git.path, private=True)
    number = github.add_installation("octo", permissions={"pull_requests": "write"})
    app, url = client(signed(github)), f"/app/installations/{number}/access_tokens"
    made = app.post(url, {"repositories": ["other"], "permissions": {"pull_requests": "read"}}).json
    assert made["repository_selection"] == "selected"
    assert made["permissions"] == {"metadata": "read", "pull_requests": "read"}
    token = client(made["token"])
    assert token("GET", "/repos/octo/other/pulls").status == 200
    assert token.post(f"{PULL}/reviews", COMMENT).status == 403
    assert app.post(url, {"permissions": {"checks": "write"}}).status == 422, "never widened"
    assert app.post(url, {"repositories": ["nope"]}).status == 422
    assert app.post("/app/installations/1/access_tokens", {}).status == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"exp": 3_000}, "too far in the future"),  # seconds from now
        ({"exp": -10}, "Expiration time"),
        ({"iat": 300}, "Issued at"),
        ({"iat": None}, "Issued at"),
        ({"iss": "1"}, "Integration not found"),
    ],
)
def test_bad_claims(github: Any, client: Any, change: dict[str, Any], said: str) -> None:
    change = {name: int(time.time()) + value if isinstance(value, int) else value for name, value in change.items()}
    done = client(signed(github, **change))("GET", "/app")
    assert done.status in (401, 404)
    assert said in done.json["message"]


def test_bad_signatures(github: Any, client: Any) -> None:
    github.use_app(public_key=PUBLIC)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    unsigned = f"{head}.{signed(github).split('.')[1]}."
    for value in (signed(github, other), unsigned, "a.b.c", "no"):
        assert client(value)("GET", "/app").json["message"] == "A JSON web token could not be decoded"
