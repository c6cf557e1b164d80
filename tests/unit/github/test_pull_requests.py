"""GitHubSource: how many calls, where the diff comes from, and texts that are the file's own bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from reviewbot import errors
from reviewbot.core.change.patch import render_diff
from reviewbot.core.change.pull_request import PullRequestRef
from reviewbot.core.marker import review_marker, summary_marker
from reviewbot.github.pull_requests import GitHubSource

pytestmark = pytest.mark.anyio
REF = PullRequestRef("github.com", "o", "r", 7)
FROM_GIT = b"diff --git a/g.py b/g.py\nindex 1..2 100644\n--- a/g.py\n+++ b/g.py\n@@ -1 +1 @@\n-a\n+b\n"
PULL = "/repos/o/r/pulls/7"
PATCH = b"diff --git a/a.py b/a.py\nindex 1..2 100644\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-caf\xe9\n+caf\xe9!\n"


class Shelf:
    """A Workspace of two values that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def diff(self, base: str, head: str) -> bytes:
        self.asked.append(("diff", base, head))
        return FROM_GIT

    async def texts(self, sha: str, paths: Sequence[str]) -> dict[str, bytes]:
        self.asked.append(("texts", sha, *paths))
        return dict.fromkeys(paths, FROM_GIT)


def serve(hub: Any, answer: Any, pull: dict[str, Any], diff: Any) -> None:
    def get(asked: Any) -> Any:
        return diff if "diff" in asked.headers["accept"] else answer(pull)

    hub.on("GET", PULL, get)


def blobs(answer: Any, files: dict[str, bytes | None], **changes: Any) -> Any:
    """A GraphQL answer for every alias in the query; the variables are looked up in ``files``."""

    def reply(asked: Any) -> Any:
        variables = asked.json["variables"]
        nodes: dict[str, Any] = {"commit": {"oid": variables["sha"]}}
        for name, expression in variables.items():
            if name in ("owner", "name", "sha"):
                continue
            data = files.get(expression.split(":", 1)[1])
            nodes[name] = data if data is None else {
                "oid": expression, "text": data.decode("utf-8", "replace"), "isBinary": False, "isTruncated": False,
                "byteSize": len(data), **changes,
            }  # fmt: skip
        return answer({"data": {"repository": nodes}})

    return reply


async def test_facts_survive_nulls(hub: Any, answer: Any, pull_json: Any) -> None:
    head = {"ref": "topic", "sha": "a" * 40, "repo": None}
    hub.on("GET", PULL, answer(pull_json(head=head, user=None)))
    source = GitHubSource(hub.client(), REF)
    pull = await source.pull_request()
    assert (pull.head_repo, pull.author, pull.body, pull.from_fork) == (None, "ghost", "", False)
    assert (pull.label, pull.base_repo, pull.labels, source.calls) == ("o/r#7", "o/r", ("x",), 1)


async def test_a_diff_that_agrees_with_the_counters_is_taken_byte_for_byte(
    hub: Any, answer: Any, pull_json: Any
) -> None:
    serve(hub, answer, pull_json(), answer(PATCH))
    shelf = Shelf()
    source = GitHubSource(hub.client(), REF, shelf)
    pull = await source.pull_request()
    assert render_diff(await source.diff(pull)) == PATCH
    assert (shelf.asked, source.calls, source.git_reason) == ([], 2, "")


UNMARKED = b"diff --git a/a.py b/a.py\nindex 1..2 100644\n--- a/a.py\n+++ b/a.py\n"


@pytest.mark.parametrize(
    ("changes", "status", "body", "why"),
    [
        ({"changed_files": 301}, 200, PATCH, "301 files"),
        ({"additions": 19_999, "deletions": 2}, 200, PATCH, "20001 changed lines"),
        ({"additions": 2}, 200, PATCH, "GitHub counts 1, [+]2 -1"),
        ({"changed_files": 2}, 200, PATCH, "GitHub counts 2,"),
        ({"additions": 0, "deletions": 0}, 200, UNMARKED, "came without its patch"),
        ({}, 406, {"message": "Sorry, the diff exceeded the maximum number of lines (20000)"}, "maximum number"),
        ({}, 422, {"message": "Sorry, this diff is taking too long to generate."}, "too long"),
        ({}, 500, {"message": "Server Error: Sorry, this diff is temporarily unavailable"}, "unavailable"),
        ({}, 200, PATCH[:-8], "hunk|counts"),
    ],
)
async def test_what_github_would_cut_comes_from_git_or_is_an_error(
    hub: Any, answer: Any, pull_json: Any, changes: Any, status: int, body: Any, why: str
) -> None:
    serve(hub, answer, pull_json(**changes), answer(body, status))
    shelf = Shelf()
    source = GitHubSource(hub.client(), REF, shelf)
    pull = await source.pull_request()
    assert render_diff(await source.diff(pull)) == FROM_GIT
    assert shelf.asked == [("diff", "b" * 40, "a" * 40)]
    assert re.search(why, source.git_reason)
    alone = GitHubSource(hub.client(), REF)
    with pytest.raises(errors.GitHubError):
        await alone.diff(pull)


async def test_texts_cost_one_call_and_are_exact(hub: Any, answer: Any) -> None:
    files = {"a.py": b"one\r\n", 'sp ace"\n.py': "caf\u00e9".encode(), "empty": b"", "dir": None}
    hub.on("POST", "/graphql", blobs(answer, files))
    source = GitHubSource(hub.client(), REF, Shelf())
    found = await source.texts("a" * 40, [*files, "gone"])
    assert found == {"a.py": b"one\r\n", 'sp ace"\n.py': "caf\u00e9".encode(), "empty": b""}
    assert source.calls == 1
    assert '"\n.py' not in hub.asked[0].json["query"]


@pytest.mark.parametrize("changes", [{"isTruncated": True}, {"isBinary": True, "text": None}, {"byteSize": 99}])
async def test_a_text_that_graphql_cut_or_recoded_is_read_again(hub: Any, answer: Any, changes: Any) -> None:
    hub.on("POST", "/graphql", blobs(answer, {"a.py": b"cut"}, **changes))
    hub.on("GET", "/repos/o/r/git/blobs/.*", answer(b"whole \xff"))
    assert await GitHubSource(hub.client(), REF).texts("a" * 40, ["a.py"]) == {"a.py": b"whole \xff"}
    shelf = Shelf()
    assert await GitHubSource(hub.client(), REF, shelf).texts("a" * 40, ["a.py"]) == {"a.py": FROM_GIT}


async def test_many_texts_come_from_git_or_in_batches(hub: Any, answer: Any) -> None:
    files = {f"f{n}": b"x" for n in range(130)}
    hub.on("POST", "/graphql", blobs(answer, dict(files)))
    shelf = Shelf()
    source = GitHubSource(hub.client(), REF, shelf)
    assert len(await source.texts("a" * 40, list(files))) == 130
    assert (source.calls, len(shelf.asked)) == (0, 1)
    alone = GitHubSource(hub.client(), REF)
    assert await alone.texts("a" * 40, list(files)) == files
    assert alone.calls == 3


async def test_a_commit_that_is_gone_is_an_error(hub: Any, answer: Any) -> None:
    hub.on("POST", "/graphql", answer({"data": {"repository": {"commit": None, "f0": None}}}))
    with pytest.raises(errors.GitHubNotFound, match="no commit"):
        await GitHubSource(hub.client(), REF).texts("a" * 40, ["x"])


async def test_a_query_that_github_cannot_finish_goes_to_git(hub: Any, answer: Any) -> None:
    hub.on("POST", "/graphql", answer({}, 502))
    assert await GitHubSource(hub.client(), REF, Shelf()).texts("a" * 40, ["x"]) == {"x": FROM_GIT}
    with pytest.raises(errors.GitHubUnreachable):
        await GitHubSource(hub.client(), REF).texts("a" * 40, ["x"])


def around(**changes: Any) -> dict[str, Any]:
    page = {"hasNextPage": False, "endCursor": None}
    empty = {"totalCount": 0, "pageInfo": page, "nodes": []}
    return {
        "commits": {"nodes": [{"commit": {"message": "one"}}]},
        "headRefOid": "a" * 40,
        "closingIssuesReferences": None,
        "reviewThreads": empty, "reviews": {"nodes": []}, "early": empty, "late": empty, **changes,
    }  # fmt: skip


async def test_surroundings_are_one_query_with_rules_from_the_base(hub: Any, answer: Any, pull_json: Any) -> None:
    hub.on("GET", PULL, answer(pull_json()))

    def reply(asked: Any) -> Any:
        texts = {f"{'b' * 40}:.reviewbot.toml": "x = 1", f"{'b' * 40}:src/CLAUDE.md": "Strict.",
                 f"{'b' * 40}:CLAUDE.md": "AGENTS.md"}  # fmt: skip
        found = {name: {"text": texts[value], "isBinary": False}
                 for name, value in asked.json["variables"].items() if value in texts}  # fmt: skip
        comment = {"totalCount": 3, "nodes": [{"body": "hi", "viewerDidAuthor": False}]}
        thread = {"id": "T1", "path": "a.py", "line": 3, "diffSide": "LEFT", "isResolved": True, "isOutdated": False,
                  "comments": comment}  # fmt: skip
        page = {"hasNextPage": False, "endCursor": None}
        nodes = [
            {"url": "https://h/o/r/pull/7#issuecomment-1", "body": summary_marker(), "viewerDidAuthor": False},
            {"url": "https://h/o/r/pull/7#issuecomment-5000000002", "body": summary_marker(), "viewerDidAuthor": True},
        ]
        ours = {"url": "U1", "body": f"x\n\n{review_marker('abc123')}", "viewerDidAuthor": True}
        reviews = [
            {**ours, "state": "COMMENTED"},
            {**ours, "state": "PENDING", "url": "U2"},
            {**ours, "viewerDidAuthor": False, "body": review_marker("forged"), "state": "COMMENTED"},
        ]
        pull = around(
            reviewThreads={"pageInfo": page, "nodes": [thread]},
            early={"totalCount": 2, "pageInfo": page, "nodes": nodes},
            reviews={"nodes": reviews},
        )
        refused = {"type": "FORBIDDEN", "path": ["repository", "pullRequest", "closingIssuesReferences"]}
        data = {"viewer": {"login": "bot[bot]"}, "repository": {"pullRequest": pull, **found}}
        return answer({"data": data, "errors": [refused]})

    hub.on("POST", "/graphql", reply)
    source = GitHubSource(hub.client(), REF)
    seen = await source.surroundings(await source.pull_request(), ["src"])
    assert seen is source.seen
    assert source.calls == 2
    assert seen.viewer == "bot[bot]"
    assert seen.rules == {".reviewbot.toml": "x = 1", "src/CLAUDE.md": "Strict."}
    assert seen.commit_messages == ("one",)
    assert (seen.sticky_comment_id, seen.sticky_body) == (5_000_000_002, summary_marker())
    assert seen.review_urls == {"abc123": "U1"}
    thread = seen.threads[0]
    assert (thread.id, thread.side, thread.line, thread.resolved, thread.ours) == ("T1", "LEFT", 3, True, False)
    assert (thread.replies, thread.fingerprints) == (2, ())


async def test_further_pages_are_read_where_they_matter(hub: Any, answer: Any, pull_json: Any) -> None:
    hub.on("GET", PULL, answer(pull_json()))
    thread = {"id": "T", "path": "a", "line": None, "diffSide": "RIGHT", "isResolved": False, "isOutdated": True,
              "comments": {"totalCount": 0, "nodes": []}}  # fmt: skip
    more = {"hasNextPage": True, "endCursor": "c1"}
    last = {"hasNextPage": False, "endCursor": None}
    other = {"url": "u#issuecomment-1", "body": "hello", "viewerDidAuthor": True}
    sticky = {"url": "u#issuecomment-44", "body": summary_marker(), "viewerDidAuthor": True}
    pull = around(
        reviewThreads={"pageInfo": more, "nodes": [thread]},
        early={"totalCount": 200, "pageInfo": more, "nodes": [other]},
        late={"totalCount": 200, "pageInfo": last, "nodes": [other]},
    )

    def page(nodes: list[Any]) -> Any:
        return answer({"data": {"repository": {"pullRequest": {"page": {"pageInfo": last, "nodes": nodes}}}}})

    first = answer({"data": {"viewer": {"login": "me"}, "repository": {"pullRequest": pull}}})
    hub.on("POST", "/graphql", first, page([thread, thread]), page([other, sticky]))
    source = GitHubSource(hub.client(), REF)
    seen = await source.surroundings(await source.pull_request())
    assert len(seen.threads) == 3
    assert seen.sticky_comment_id == 44
    assert [asked.json["variables"].get("after") for asked in hub.sent("POST", "/graphql")] == [None, "c1", "c1"]


async def test_what_the_token_may_not_see_is_an_error_not_emptiness(hub: Any, answer: Any, pull_json: Any) -> None:
    hub.on("GET", PULL, answer(pull_json()))
    hub.on("POST", "/graphql", answer({"data": {"viewer": {"login": "me"}, "repository": {"pullRequest": None}}}))
    source = GitHubSource(hub.client(), REF)
    pull = await source.pull_request()
    with pytest.raises(errors.GitHubNotFound):
        await source.surroundings(pull)
    refused = {"type": "FORBIDDEN", "path": ["repository", "pullRequest", "reviewThreads"], "message": "no"}
    hub.on("POST", "/graphql", answer({"data": {"repository": {}}, "errors": [refused]}))
    with pytest.raises(errors.GitHubForbidden):
        await source.surroundings(pull)
