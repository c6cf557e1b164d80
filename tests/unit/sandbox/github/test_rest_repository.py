from __future__ import annotations

import base64
from typing import Any

import pytest

from reviewbot.sandbox.github import Limits

REPO = "/repos/octo/shop"
RAW = "application/vnd.github.raw+json"


def test_contents(api: Any) -> None:
    found = api.get(f"{REPO}/contents/a.py?ref=feature/cards")
    assert (found["type"], found["encoding"]) == ("file", "base64")
    assert b"line ten\n" in base64.b64decode(found["content"])
    raw = api("GET", f"{REPO}/contents/docs/é.md", accept=RAW)
    assert raw.body == b"one\n"
    assert api("GET", f"{REPO}/contents/nope").status == 404
    assert api("GET", f"{REPO}/contents/a.py?ref=nope").status == 404
    assert api("GET", f"{REPO}/contents/docs/../a.py").status == 404


def test_directory_symlink_submodule(api: Any, git: Any) -> None:
    kinds = {row["name"]: row["type"] for row in api.get(f"{REPO}/contents")}
    assert kinds["docs"] == "dir"
    assert kinds["link"] == "symlink"
    assert kinds["lib"] == "file", "GitHub calls a submodule a file in lists"
    submodule = api.get(f"{REPO}/contents/lib")
    assert (submodule["type"], submodule["sha"]) == ("submodule", "1" * 40)
    assert submodule["submodule_git_url"] == "https://example.org/lib.git"
    followed = api.get(f"{REPO}/contents/link")
    assert (followed["type"], followed["path"]) == ("file", "link")
    assert base64.b64decode(followed["content"]).startswith(b"line 1\n")
    (git.path / "out").symlink_to("/etc/passwd")
    git.commit("Out", {})
    out = api.get(f"{REPO}/contents/out")
    assert (out["type"], out["target"]) == ("symlink", "/etc/passwd")


@pytest.mark.parametrize("limits", [Limits(contents_bytes=100, raw_bytes=500)])
def test_large_files(api: Any, git: Any) -> None:
    found = api.get(f"{REPO}/contents/a.py")
    assert (found["encoding"], found["content"], found["size"]) == ("none", "", 471)
    assert len(api("GET", f"{REPO}/contents/a.py", accept=RAW).body) == 471
    git.commit("Huge", {"huge.txt": "x" * 501})
    huge = api("GET", f"{REPO}/contents/huge.txt", accept=RAW)
    assert (huge.status, huge.json["errors"][0]["code"]) == (403, "too_large")


def test_trees_and_blobs(api: Any) -> None:
    flat = api.get(f"{REPO}/git/trees/main")
    deep = api.get(f"{REPO}/git/trees/main?recursive=1")
    assert {row["path"] for row in deep["tree"]} - {row["path"] for row in flat["tree"]} == {"docs/é.md"}
    assert deep["truncated"] is False
    entry = next(row for row in deep["tree"] if row["path"] == "docs/é.md")
    blob = api.get(f"{REPO}/git/blobs/{entry['sha']}")
    assert (base64.b64decode(blob["content"]), blob["size"]) == (b"one\n", 4)
    assert api("GET", f"{REPO}/git/blobs/{entry['sha']}", accept=RAW).body == b"one\n"
    assert api("GET", f"{REPO}/git/trees/{'0' * 40}").status == 404
    assert api("GET", f"{REPO}/git/blobs/main").status == 404


@pytest.mark.parametrize("limits", [Limits(tree_entries=2)])
def test_a_large_tree_is_marked(api: Any) -> None:
    found = api.get(f"{REPO}/git/trees/main?recursive=1")
    assert (len(found["tree"]), found["truncated"]) == (2, True)


def test_refs_and_commits(api: Any, git: Any) -> None:
    head = git("rev-parse", "feature/cards")
    assert api.get(f"{REPO}/branches/feature/cards")["commit"]["sha"] == head
    assert api("GET", f"{REPO}/branches/nope").json["message"] == "Branch not found"
    assert [row["name"] for row in api.get(f"{REPO}/branches")] == ["feature/cards", "main"]
    assert api.get(f"{REPO}/git/ref/heads/feature/cards")["object"] == {
        "sha": head,
        "type": "commit",
        "url": f"http://sandbox.test{REPO}/git/commits/{head}",
    }
    assert api("GET", f"{REPO}/git/ref/heads/nope").status == 404
    commit = api.get(f"{REPO}/commits/feature/cards")
    assert (commit["sha"], commit["stats"]["total"], len(commit["files"])) == (head, 10, 8)
    assert api.get(f"{REPO}/commits/v1")["files"], "a first commit is compared with nothing"
    assert api("GET", f"{REPO}/commits/nope").status == 422
    assert api("GET", f"{REPO}/commits/{head}", accept="application/vnd.github.diff").body.startswith(b"diff --git")


def test_compare(api: Any, git: Any) -> None:
    found = api.get(f"{REPO}/compare/main...feature/cards")
    assert (found["status"], found["ahead_by"], found["behind_by"]) == ("diverged", 1, 1)
    assert found["merge_base_commit"]["sha"] == git("rev-parse", "v1^{commit}")
    assert len(found["files"]) == 8
    diff = api("GET", f"{REPO}/compare/main...feature/cards", accept="application/vnd.github.diff")
    assert diff.body == api("GET", f"{REPO}/pulls/2", accept="application/vnd.github.diff").body
    assert api.get(f"{REPO}/compare/main...main")["status"] == "identical"
    assert api("GET", f"{REPO}/compare/main...nope").status == 404
    assert api("GET", f"{REPO}/compare/main").status == 404


def test_repository_and_people(api: Any, github: Any) -> None:
    assert api.get("/user")["login"] == "reviewer"
    found = api.get(REPO)
    assert (found["default_branch"], found["clone_url"]) == ("main", "http://sandbox.test/octo/shop.git")
    github.hosted("octo/shop").collaborators["reviewer"] = "maintain"
    assert api.get(f"{REPO}/collaborators/reviewer/permission")["permission"] == "write"
    assert api.get(f"{REPO}/collaborators/octo/permission")["role_name"] == "admin"
    assert api.get(f"{REPO}/collaborators/contributor/permission")["permission"] == "read"
    assert api("GET", f"{REPO}/collaborators/nobody/permission").status == 404
    assert api("GET", "/repos/octo/other").status == 404


def test_enterprise_prefix(api: Any) -> None:
    found = api.get("/api/v3/repos/octo/shop/pulls/2")
    assert found["url"] == "http://sandbox.test/api/v3/repos/octo/shop/pulls/2"
    assert found["html_url"] == "http://sandbox.test/octo/shop/pull/2"
    assert api("POST", "/api/graphql", {"query": "{viewer{login}}"}).json == {"data": {"viewer": {"login": "reviewer"}}}


def test_etag(api: Any) -> None:
    first = api("GET", f"{REPO}/pulls/2")
    used = int(first.headers["x-ratelimit-used"])
    again = api("GET", f"{REPO}/pulls/2", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert int(again.headers["x-ratelimit-used"]) == used, "a 304 is free"
    api.post(f"{REPO}/issues/2/labels", {"labels": ["bug"]})
    assert api("GET", f"{REPO}/pulls/2", if_none_match=first.headers["etag"]).status == 200
