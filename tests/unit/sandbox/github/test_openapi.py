"""Every answer has the shape of GitHub's own OpenAPI description (origin and licence: tests/data)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

SUBSET = json.loads((Path(__file__).parents[3] / "data" / "github-openapi-subset.json").read_text(encoding="utf-8"))
REPO = "/repos/octo/shop"
PULL = f"{REPO}/pulls/2"


def check(value: Any, name: str) -> None:
    """``value`` is a ``name``, or a list of them when the name ends with ``[]``."""
    reference: dict[str, Any] = {"$ref": f"#/$defs/{name.removesuffix('[]')}"}
    schema = {"type": "array", "minItems": 1, "items": reference} if name.endswith("[]") else reference
    validator = jsonschema.Draft202012Validator({**SUBSET, **schema})
    errors = [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]
    assert not errors, (name, errors)


def test_the_schemas_refuse() -> None:
    with pytest.raises(AssertionError, match="is a required property"):
        check({}, "pull-request")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/user", "private-user"),
        ("/rate_limit", "rate-limit-overview"),
        (REPO, "full-repository"),
        (f"{REPO}/collaborators/octo/permission", "repository-collaborator-permission"),
        (f"{REPO}/branches", "short-branch[]"),
        (f"{REPO}/branches/main", "branch-with-protection"),
        (f"{REPO}/git/ref/heads/main", "git-ref"),
        (f"{REPO}/commits/main", "commit"),
        (f"{REPO}/git/trees/main?recursive=1", "git-tree"),
        (f"{REPO}/contents/a.py", "content-file"),
        (f"{REPO}/contents/docs", "content-directory"),
        (f"{REPO}/contents/lib", "content-submodule"),
        (f"{REPO}/compare/main...feature/cards", "commit-comparison"),
        (f"{REPO}/pulls", "pull-request-simple[]"),
        (PULL, "pull-request"),
        (f"{PULL}/files", "diff-entry[]"),
        (f"{PULL}/commits", "commit[]"),
        (f"{PULL}/requested_reviewers", "pull-request-review-request"),
        (f"{REPO}/issues/1", "issue"),
        (f"{REPO}/issues/2", "issue"),
    ],
)
def test_reading(api: Any, url: str, name: str) -> None:
    check(api.get(url), name)


def test_blob_and_symlink(api: Any, git: Any) -> None:
    sha = api.get(f"{REPO}/contents/a.py")["sha"]
    check(api.get(f"{REPO}/git/blobs/{sha}"), "blob")
    (git.path / "dangling").symlink_to("nowhere")
    git.commit("Link", {})
    check(api.get(f"{REPO}/contents/dangling"), "content-symlink")


def test_a_deleted_fork(github: Any, api: Any) -> None:
    """GitHub's description says that ``head.repo`` is an object; since forks can go away it is null then. The rest is
    checked with the base's repository in its place."""
    github.hosted("octo/shop").pull(2).head_repo = None
    found = api.get(PULL)
    assert found["head"]["repo"] is None
    check(found | {"head": found["head"] | {"repo": found["base"]["repo"]}}, "pull-request")


def test_writing(api: Any, bot: Any, git: Any) -> None:
    line = {"path": "a.py", "line": 10, "body": "x"}
    review = api.post(f"{PULL}/reviews", {"event": "COMMENT", "body": "x", "comments": [line]}).json
    check(review, "pull-request-review")
    check(api.post(f"{PULL}/reviews", {"comments": [line]}).json, "pull-request-review")
    check(api.get(f"{PULL}/reviews"), "pull-request-review[]")
    check(api.get(f"{PULL}/reviews/{review['id']}/comments"), "review-comment[]")
    head = git("rev-parse", "feature/cards")
    comment = api.post(f"{PULL}/comments", line | {"commit_id": head}).json
    check(comment, "pull-request-review-comment")
    file = {"path": "logo.bin", "subject_type": "file", "body": "x", "commit_id": head}
    check(api.post(f"{PULL}/comments", file).json, "pull-request-review-comment")
    reply = api.post(f"{PULL}/comments", {"in_reply_to": comment["id"], "body": "x"}).json
    check(reply, "pull-request-review-comment")
    said = api.post(f"{REPO}/issues/2/comments", {"body": "x"}).json
    check(said, "issue-comment")
    check(api.post(f"{REPO}/issues/comments/{said['id']}/reactions", {"content": "eyes"}).json, "reaction")
    check(api.post(f"{REPO}/issues/2/labels", {"labels": ["bug"]}).json, "label[]")
    check(api.post(f"{REPO}/statuses/{head}", {"state": "success"}).json, "status")
    check(api.get(PULL), "pull-request")
    note = {"path": "a.py", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
    output = {"title": "T", "summary": "S", "annotations": [note]}
    run = bot.post(f"{REPO}/check-runs", {"name": "x", "head_sha": head, "output": output}).json
    check(run, "check-run")
    check(bot.get(f"{REPO}/check-runs/{run['id']}/annotations"), "check-annotation[]")
    check(bot.get(f"{REPO}/commits/{head}/check-suites")["check_suites"], "check-suite[]")


def test_apps(github: Any, client: Any) -> None:
    now = int(time.time())
    number = github.add_installation("octo")
    claims = {"iss": str(github.app.id), "iat": now - 60, "exp": now + 540}
    # No public key is known here, so any signature will do.
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    app = client(jwt.encode(claims, key, algorithm="RS256"))
    check(app.get("/app"), "integration")
    check(app.get("/app/installations"), "installation[]")
    check(app.post(f"/app/installations/{number}/access_tokens", {}).json, "installation-token")
    github.use_app(hook_url="https://bot.example/hook", webhook_secret="x")
    github.comment("octo/shop", 2, "ann", "Hello")
    github.hooks.drain()
    check(app.get("/app/hook/config"), "webhook-config")
    check(app.get("/app/hook/deliveries"), "hook-delivery-item[]")
    check(app.get("/app/hook/deliveries/1"), "hook-delivery")


def test_a_delivery_that_was_answered(hooked: Any, receiver: Any) -> None:
    from reviewbot.sandbox.github.payloads_apps import delivery_detail, delivery_item

    hooked.open_pull_request("octo/shop", base="main", head="feature/cards")
    hooked.hooks.drain()
    check([delivery_item(row) for row in hooked.hooks.log()], "hook-delivery-item[]")
    check(delivery_detail(hooked.hooks.log()[0]), "hook-delivery")


def test_errors(api: Any) -> None:
    check(api("GET", f"{REPO}/pulls/9").json, "basic-error")
    check(api.post(f"{PULL}/reviews", {"event": "COMMENT"}).json, "validation-error-simple")
    line = {"path": "a.py", "line": 30, "body": "x", "commit_id": api.get(PULL)["head"]["sha"]}
    check(api.post(f"{PULL}/comments", line).json, "validation-error")
