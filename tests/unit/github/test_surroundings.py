"""What is read of conversations: whose words, whose reactions, who resolved what, and in how many calls."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from typing import Any

import pytest

from reviewbot.core.change.pull_request import PullRequest, PullRequestRef, ThreadComment
from reviewbot.core.marker import digest_marker, finding_marker
from reviewbot.github.client import GitHubClient
from reviewbot.github.payloads import read_comments, read_pull, read_thread
from reviewbot.github.surroundings import find_own_comment, read_surroundings, read_whole_thread
from reviewbot.sandbox import github as sandbox


def comment(body: str = "x", **changes: Any) -> dict[str, Any]:
    return {
        "url": "https://github.com/o/r/pull/7#discussion_r55",
        "body": body,
        "createdAt": "2026-01-01T00:00:00Z",
        "author": {"__typename": "User", "login": "ann"},
        "authorAssociation": "MEMBER",
        "viewerDidAuthor": False,
        "isMinimized": False,
        "minimizedReason": None,
        "pullRequestReview": {"state": "COMMENTED"},
        **changes,
    }


OURS = {"author": {"__typename": "Bot", "login": "reviewbot"}, "viewerDidAuthor": True}


def thread(*comments: dict[str, Any], reactions: Any = (), **changes: Any) -> dict[str, Any]:
    return {
        "id": "T",
        "path": "a.py",
        "line": 3,
        "diffSide": "RIGHT",
        "isResolved": False,
        "isOutdated": False,
        "resolvedBy": None,
        "opening": {"nodes": [{"reactions": {"nodes": list(reactions)}}]},
        "comments": {"totalCount": len(comments), "nodes": list(comments)},
        **changes,
    }


def test_who_said_what() -> None:
    first = comment("Bug.", **OURS)
    reply = comment("Why?", url="https://github.com/o/r/pull/7#discussion_r9876543210")
    found = read_thread(thread(first, reply))
    assert found.comments == (
        ThreadComment("reviewbot[bot]", True, True, "MEMBER", "Bug.", "2026-01-01T00:00:00Z", 55),
        ThreadComment("ann", False, False, "MEMBER", "Why?", "2026-01-01T00:00:00Z", 9_876_543_210),
    )
    assert (found.comment_id, found.replies, found.ours) == (55, 1, True)


@pytest.mark.parametrize(
    ("author", "login", "is_bot"),
    [
        (None, "ghost", False),
        ({"__typename": "Bot", "login": "reviewbot"}, "reviewbot[bot]", True),
        ({"__typename": "Bot", "login": "reviewbot[bot]"}, "reviewbot[bot]", True),
        ({"__typename": "User", "login": "reviewbot"}, "reviewbot", False),
        ({"__typename": "Mannequin", "login": "old"}, "old", False),
        ({"login": "ann"}, "ann", False),
    ],
)
def test_authors(author: dict[str, str] | None, login: str, *, is_bot: bool) -> None:
    (found,) = read_comments([comment(author=author)])
    assert (found.author, found.is_bot) == (login, is_bot)


def test_what_nobody_else_sees_was_not_said() -> None:
    probe = comment("x", pullRequestReview={"state": "PENDING"}, **OURS)
    assert read_comments([comment("a"), probe]) == read_comments([comment("a")])
    found = read_thread(thread(probe))
    assert (found.ours, found.comments) == (False, ())


def test_what_github_leaves_out_is_nothing() -> None:
    bare = {"id": "T", "path": "a.py", "isResolved": False, "isOutdated": False}
    found = read_thread({**bare, "comments": {"totalCount": 0, "nodes": []}})
    assert (found.comments, found.reactions, found.resolved_by, found.comment_id) == ((), (), "", 0)
    (said,) = read_comments([{"body": None}])
    assert said == ThreadComment("ghost", False, False, "NONE", "")


def test_reactions_to_our_first_comment_with_those_who_gave_them() -> None:
    given = [{"content": "THUMBS_DOWN", "user": {"login": "ann"}}, {"content": "EYES", "user": None}, None]
    assert read_thread(thread(comment(**OURS), reactions=given)).reactions == (("ann", "THUMBS_DOWN"),)
    assert read_thread(thread(comment(), reactions=given)).reactions == (), "of others' comments they say nothing to us"


@pytest.mark.parametrize(
    ("first", "changes", "resolved", "by"),
    [
        (OURS, {}, False, ""),
        (OURS, {"isResolved": True, "resolvedBy": {"login": "ann"}}, True, "ann"),
        (OURS, {"isResolved": True}, True, ""),
        ({**OURS, "isMinimized": True, "minimizedReason": "resolved"}, {}, True, "reviewbot"),
        ({**OURS, "isMinimized": True, "minimizedReason": "outdated"}, {}, False, ""),
        ({"isMinimized": True, "minimizedReason": "resolved"}, {}, False, ""),
        (
            {**OURS, "isMinimized": True, "minimizedReason": "resolved"},
            {"isResolved": True, "resolvedBy": {"login": "ann"}},
            True,
            "ann",
        ),
    ],
)
def test_what_is_resolved_and_by_whom(
    first: dict[str, Any], changes: dict[str, Any], by: str, *, resolved: bool
) -> None:
    found = read_thread(thread(comment(**first), **changes))
    assert (found.resolved, found.resolved_by) == (resolved, by)


def test_marks_count_in_our_comments_only() -> None:
    body = f"Bug.\n\n{finding_marker('abc')}\n{digest_marker('abc', 'a1.b2')}"
    ours, theirs = read_thread(thread(comment(body, **OURS))), read_thread(thread(comment(body)))
    assert (ours.fingerprints, ours.digests) == (("abc",), (("abc", "a1.b2"),))
    assert (theirs.fingerprints, theirs.digests) == ((), ())


@pytest.mark.anyio
class TestCalls:
    """Against the sandbox's schema, over HTTP."""

    async def test_one_call_for_an_ordinary_pull_request(self, stage: Any) -> None:
        client, pull = stage
        before = client.reads
        seen = await read_surroundings(client, pull, pull.ref, ())
        assert client.reads == before + 1
        ours, long = seen.threads
        assert ours.reactions == (("ann", "THUMBS_DOWN"),)
        assert [each.author for each in ours.comments] == ["reviewbot-sandbox[bot]", "ann"]
        assert (len(long.comments), long.replies) == (30, 34)

    async def test_a_long_thread_is_read_whole_when_it_is_asked_for(self, stage: Any) -> None:
        client, pull = stage
        long = (await read_surroundings(client, pull, pull.ref, ())).threads[1]
        before = client.reads
        whole = await read_whole_thread(client, long.id)
        assert (len(whole), client.reads) == (35, before + 1)
        assert whole[:30] == long.comments

    async def test_our_own_comment_is_found_by_what_it_says(self, stage: Any) -> None:
        client, pull = stage
        assert await find_own_comment(client, pull.ref, lambda body: body == "mine") is None
        written = await client.write("POST", "/repos/octo/shop/issues/1/comments", {"body": "mine"})
        assert await find_own_comment(client, pull.ref, lambda body: body == "mine") == (written["id"], "mine")


@pytest.fixture
async def stage(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A client of the App, and a pull request with a thread of ours and a long one of Ann's."""
    path = tmp_path_factory.mktemp("shop")
    who = {
        f"GIT_{each}": "a@example.org" for each in ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")
    }
    env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for words in ("init -q -b main", "commit -q --allow-empty -m one", "switch -q -c topic"):
        subprocess.run(["git", "-C", str(path), *words.split()], env=env, check=True, capture_output=True)
    (path / "a.py").write_text("one\n")
    for words in ("add -A", "commit -q -m two"):
        subprocess.run(["git", "-C", str(path), *words.split()], env=env, check=True, capture_output=True)
    with ExitStack() as stack:
        github = sandbox.SandboxGitHub({"octo/shop": path})
        stack.callback(github.close)
        github.open_pull_request("octo/shop", base="main", head="topic")
        url = stack.enter_context(sandbox.running(sandbox.create_app(github)))
        client = GitHubClient(github.add_token(kind="app"), api_url=url)
        ann = GitHubClient(github.add_token("ann"), api_url=url)
        root = "/repos/octo/shop/pulls/1"
        head = (await client.get(root))["head"]["sha"]
        for speaker, replies in ((client, 1), (ann, 34)):
            said = {"path": "a.py", "line": 1, "commit_id": head, "body": "x"}
            first = (await speaker.write("POST", f"{root}/comments", said))["id"]
            for number in range(replies):
                await ann.write("POST", f"{root}/comments/{first}/replies", {"body": f"y {number}"})
            await ann.write("POST", f"/repos/octo/shop/pulls/comments/{first}/reactions", {"content": "-1"})
        pull: PullRequest = read_pull(await client.get(root), PullRequestRef("github.com", "octo", "shop", 1))
        yield client, pull
        await ann.aclose()
        await client.aclose()
