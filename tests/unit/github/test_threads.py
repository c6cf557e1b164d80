"""What GitHubConversation sends, and what it makes of answers that the sandbox does not give."""

from __future__ import annotations

from typing import Any

import pytest

from reviewbot.conversation import Closed, Subject
from reviewbot.core.change.pull_request import PullRequestRef
from reviewbot.core.commands import Place
from reviewbot.core.marker import answer_marker
from reviewbot.core.report.status import with_answer
from reviewbot.errors import GitHubForbidden, GitHubNotFound, GitHubRejected, GitHubUnreachable
from reviewbot.github.threads import GitHubConversation

pytestmark = pytest.mark.anyio
REF = PullRequestRef("github.com", "o", "r", 7)
REPLIES, TALK = "/repos/o/r/pulls/7/comments/5/replies", "/repos/o/r/issues/7/comments"


def thread(answer: Any, *nodes: dict[str, Any], more: str | None = None) -> Any:
    page = {"hasNextPage": more is not None, "endCursor": more}
    return answer({"data": {"node": {"comments": {"pageInfo": page, "nodes": list(nodes)}}}})


def comment(number: int, body: str = "x", *, ours: bool = False) -> dict[str, Any]:
    url = f"https://github.com/o/r/pull/7#discussion_r{number}"
    return {"url": url, "body": body, "viewerDidAuthor": ours, "author": {"__typename": "User", "login": "ann"}}


def talk_of(answer: Any, *bodies: str) -> Any:
    nodes = [
        {"url": f"https://github.com/o/r/pull/7#issuecomment-{number}", "body": body, "viewerDidAuthor": True}
        for number, body in enumerate(bodies, 40)
    ]
    page = {"hasNextPage": False, "endCursor": None}
    early = {"totalCount": len(nodes), "pageInfo": page, "nodes": nodes}
    return answer({"data": {"repository": {"pullRequest": {"early": early, "late": {**early, "nodes": []}}}}})


def forbidden(answer: Any) -> Any:
    return answer({"data": None, "errors": [{"type": "FORBIDDEN", "message": "Resource not accessible"}]})


async def test_a_reply_that_stands_is_not_sent(hub: Any, answer: Any) -> None:
    known = comment(6, f"Because.\n\n{answer_marker('11')}\r\n", ours=True)
    hub.on("POST", "/graphql", thread(answer, comment(5), more="c"), thread(answer, known))
    address = await GitHubConversation(hub.client(), REF).reply("T", 5, "Because.", "11")
    assert address == "https://github.com/o/r/pull/7#discussion_r6"
    assert [asked.json["variables"] for asked in hub.asked] == [{"id": "T", "after": None}, {"id": "T", "after": "c"}]


async def test_a_reply_whose_answer_was_lost_is_looked_for(hub: Any, answer: Any) -> None:
    before, after = thread(answer, comment(5)), comment(6, answer_marker("11"), ours=True)
    hub.on("POST", "/graphql", before, before, thread(answer, comment(5), after))
    hub.on("POST", REPLIES, answer(drop=True))
    address = await GitHubConversation(hub.client(), REF).reply("T", 5, "Because.", "11")
    assert address.endswith("#discussion_r6")
    assert [asked.json for asked in hub.sent("POST", REPLIES)] == [{"body": f"Because.\n\n{answer_marker('11')}"}]
    assert len(hub.slept) == 2


async def test_when_nobody_can_look_it_is_not_sent_again(hub: Any, answer: Any) -> None:
    hub.on("POST", "/graphql", thread(answer, comment(5)), answer(status=502))
    hub.on("POST", REPLIES, answer(status=502))
    with pytest.raises(GitHubUnreachable):
        await GitHubConversation(hub.client(attempts=1), REF).reply("T", 5, "Because.", "11")
    assert len(hub.sent("POST", REPLIES)) == 1


async def test_a_review_under_way_is_in_the_way_of_a_reply(hub: Any, answer: Any) -> None:
    hub.on("POST", "/graphql", thread(answer, comment(5)))
    words = {"field": "user_id", "message": "user_id can only have one pending review per pull request"}
    hub.on("POST", REPLIES, answer({"message": "Validation Failed", "errors": [words]}, 422))
    with pytest.raises(GitHubRejected, match="the next review removes it"):
        await GitHubConversation(hub.client(), REF).reply("T", 5, "Because.", "11")
    hub.on("POST", REPLIES, answer({"message": "Validation Failed", "errors": ["no"]}, 422))
    with pytest.raises(GitHubRejected, match="no"):
        await GitHubConversation(hub.client(), REF).reply("T", 5, "Because.", "11")


async def test_the_status_is_not_written_when_it_says_so_already(hub: Any, answer: Any) -> None:
    body = with_answer("", "11", "It is\npaused.").replace("\n", "\r\n")
    hub.on("POST", "/graphql", talk_of(answer, "Summary", body))
    address = await GitHubConversation(hub.client(), REF).answer("11", "It is\npaused.")
    assert address == "https://github.com/o/r/pull/7#issuecomment-41"
    assert len(hub.asked) == 1


async def test_a_status_that_somebody_deleted_is_written_anew(hub: Any, answer: Any) -> None:
    hub.on("POST", "/graphql", talk_of(answer, with_answer("", "10", "Old.")))
    hub.on("PATCH", "/repos/o/r/issues/comments/40", answer({"message": "Not Found"}, 404))
    hub.on("POST", TALK, answer({"html_url": "https://x/new"}, 201))
    assert await GitHubConversation(hub.client(), REF).answer("11", "New.") == "https://x/new"
    assert hub.sent("POST", TALK)[0].json == {"body": with_answer("", "11", "New.")}


async def test_what_was_refused_once_is_not_asked_for_again(hub: Any, answer: Any) -> None:
    opening = answer({"data": {"node": {"comments": {"nodes": [{"id": "C", "viewerDidAuthor": True}]}}}})
    done = answer({"data": {"minimizeComment": {"minimizedComment": {"isMinimized": True}}}})
    hub.on("POST", "/graphql", forbidden(answer), opening, done, opening, done)
    talk = GitHubConversation(hub.client(), REF)
    assert [await talk.resolve("T"), await talk.resolve("T")] == [Closed.HIDDEN, Closed.HIDDEN]
    assert sum("resolveReviewThread" in asked.json["query"] for asked in hub.asked) == 1
    assert [asked.json["variables"]["id"] for asked in hub.asked] == ["T", "T", "C", "T", "C"]


async def test_nobody_elses_comment_is_hidden(hub: Any, answer: Any) -> None:
    opening = answer({"data": {"node": {"comments": {"nodes": [{"id": "C", "viewerDidAuthor": False}]}}}})
    hub.on("POST", "/graphql", forbidden(answer), opening, opening)
    talk = GitHubConversation(hub.client(), REF)
    for _ in range(2):
        with pytest.raises(GitHubForbidden):
            await talk.resolve("T")
    assert not any("minimizeComment" in asked.json["query"] for asked in hub.asked)


@pytest.mark.parametrize("node", [None, {}, {"comments": {"nodes": []}}])
async def test_what_is_no_thread_is_not_found(hub: Any, answer: Any, node: Any) -> None:
    hub.on("POST", "/graphql", forbidden(answer), answer({"data": {"node": node}}))
    with pytest.raises(GitHubNotFound):
        await GitHubConversation(hub.client(), REF).resolve("T")
    if not node:
        with pytest.raises(GitHubNotFound):
            await GitHubConversation(hub.client(), REF).comments("T")


async def test_where_reactions_and_edits_go(hub: Any, answer: Any) -> None:
    root = "/repos/o/r"
    for path in (f"{root}/issues/comments/1", f"{root}/pulls/comments/2"):
        hub.on("POST", f"{path}/reactions", answer({"id": 1}, 201))
        hub.on("PATCH", path, answer({"html_url": path}))
    hub.on("GET", f"{root}/pulls/7/reviews/3", answer({"node_id": "PRR_3"}))
    hub.on("PUT", f"{root}/pulls/7/reviews/3", answer({"html_url": "review"}))
    hub.on("POST", "/graphql", answer({"data": {"addReaction": {"reaction": {"content": "THUMBS_DOWN"}}}}))
    talk = GitHubConversation(hub.client(), REF)
    said = [Subject(Place.CONVERSATION, 1), Subject(Place.THREAD, 2), Subject(Place.REVIEW, 3)]
    for subject in said:
        await talk.react(subject, "-1")
    assert [asked.json for asked in hub.asked[:2]] == [{"content": "-1"}, {"content": "-1"}]
    assert hub.asked[-1].json["variables"] == {"id": "PRR_3", "content": "THUMBS_DOWN"}
    edited = [await talk.edit_comment(subject, "New.") for subject in said]
    assert edited == [f"{root}/issues/comments/1", f"{root}/pulls/comments/2", "review"]
