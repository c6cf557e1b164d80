from __future__ import annotations

from typing import Any

import pytest

from reviewbot.sandbox.github import Limits

PULL = "/repos/octo/shop/pulls/2"
DIFF = "application/vnd.github.v3.diff"


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(diff_files=7), "Sorry, the diff exceeded the maximum number of files (7). Consider using"),
        (Limits(diff_lines=20), "Sorry, the diff exceeded the maximum number of lines (20)"),
        (Limits(diff_bytes=200), "Sorry, the diff exceeded the maximum size"),
    ],
)
def test_406(api: Any, said: str) -> None:
    for media in (DIFF, "application/vnd.github.patch"):
        done = api("GET", PULL, accept=media)
        assert done.status == 406
        assert done.json["message"].startswith(said)
        assert done.json["errors"] == [{"resource": "PullRequest", "field": "diff", "code": "too_large"}]
    assert api.get(PULL)["changed_files"] == 8


def test_media_types(api: Any) -> None:
    diff = api("GET", PULL, accept=DIFF)
    assert diff.headers["content-type"].startswith("application/vnd.github.diff")
    assert diff.body.startswith(b"diff --git a/a.py b/a.py\n")
    assert b"\nSubject: [PATCH] Take cards\n" in api("GET", PULL, accept="application/vnd.github.patch").body


def test_pages_of_files(api: Any) -> None:
    names = [row["filename"] for row in api.get(f"{PULL}/files")]
    paged = [api.get(f"{PULL}/files?per_page=3&page={page}") for page in (1, 2, 3, 4)]
    assert [len(page) for page in paged] == [3, 3, 2, 0]
    assert [row["filename"] for page in paged for row in page] == names


@pytest.mark.parametrize("limits", [Limits(listed_files=3, listed_commits=0)])
def test_lists_end(api: Any) -> None:
    assert len(api.get(f"{PULL}/files?per_page=100")) == 3
    assert api.get(f"{PULL}/commits") == []


@pytest.mark.parametrize("limits", [Limits(listed_patch_lines=20)])
def test_unmarked_truncation(api: Any) -> None:
    files = {row["filename"]: row for row in api.get(f"{PULL}/files")}
    assert "patch" in files["a.py"]
    cut = files["docs/é.md"]
    assert "patch" not in cut
    assert (cut["additions"], cut["deletions"], cut["changes"]) == (0, 0, 0)
    assert api.get(PULL)["additions"] == 5, "the pull request's own counters stay right"


def test_patchless_files_keep_their_counts(api: Any) -> None:
    files = {row["filename"]: row for row in api.get(f"{PULL}/files")}
    assert {name for name, row in files.items() if "patch" not in row} == {"logo.bin", "new name.txt", "run.sh"}
    assert files["new name.txt"]["previous_filename"] == "old name.txt"


@pytest.mark.parametrize("limits", [Limits(requests_per_hour=3)])
def test_primary_limit(github: Any, api: Any) -> None:
    left = [int(api("GET", PULL).headers["x-ratelimit-remaining"]) for _ in range(3)]
    assert left == [2, 1, 0]
    done = api("GET", PULL)
    assert done.status == 403
    assert done.json["message"].startswith("API rate limit exceeded for user ID")
    assert done.headers["x-ratelimit-remaining"] == "0"
    assert api.get("/rate_limit")["rate"]["remaining"] == 0, "asking is free"
    reset = int(done.headers["x-ratelimit-reset"])
    github.clock = lambda: float(reset)
    assert api("GET", PULL).status == 200
    assert api.graphql("{viewer{login}}")["data"], "GraphQL has a limit of its own"


@pytest.mark.parametrize("limits", [Limits(content_per_minute=2)])
def test_secondary_limit(github: Any, api: Any) -> None:
    now = 1_800_000_000.0
    github.clock = lambda: now
    for _ in range(2):
        assert api.post("/repos/octo/shop/issues/2/comments", {"body": "x"}).status == 201
    done = api.post("/repos/octo/shop/issues/2/comments", {"body": "x"})
    assert (done.status, done.headers["retry-after"]) == (403, "61")
    assert "secondary rate limit" in done.json["message"]
    github.clock = lambda: now + 61
    assert api.post("/repos/octo/shop/issues/2/comments", {"body": "x"}).status == 201


def test_errors(api: Any) -> None:
    assert api("GET", "/repos/octo/shop/pulls/99").json == {
        "message": "Not Found",
        "documentation_url": "https://docs.github.com/rest",
        "status": "404",
    }
    assert api("GET", "/repos/octo/shop/pulls/1").status == 404, "an issue is no pull request"
    assert api("GET", "/repos/octo/shop/pulls/x").status == 404
    assert api("GET", "/nope").status == 404
    assert api("POST", "/repos/octo/shop/issues/2/comments", b"{").json["message"] == "Problems parsing JSON"
    assert api("POST", "/repos/octo/shop/issues/2/comments", b"[]").status == 400
