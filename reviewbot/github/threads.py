"""Conversation over GitHub: replies and answers written once, threads closed, reactions, edits.

GitHub lets an App call ``resolveReviewThread`` only with ``contents: write`` (github.com/orgs/community/discussions/
44650), which reviewbot does not ask for: who may write there may push. Without it our own comment is hidden as
resolved, which `payloads.read_thread` reads as what it means. Mutations go out as queries do: each may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from reviewbot.conversation import Closed, Reaction, Subject
from reviewbot.core.change.pull_request import PullRequestRef, ThreadComment
from reviewbot.core.commands import Place
from reviewbot.core.marker import answer_marker, has_answer, is_status, is_summary
from reviewbot.core.report.acts import Act, Orders, Reply, Resolve
from reviewbot.core.report.continuation import with_orders
from reviewbot.core.report.status import with_answer
from reviewbot.errors import GitHubForbidden, GitHubNotFound, GitHubRejected
from reviewbot.github.client import GitHubClient
from reviewbot.github.once import write_once
from reviewbot.github.payloads import Write, summary_write
from reviewbot.github.surroundings import find_own_comment, read_whole_thread

_RESOLVE = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
_OPENING = """query($id: ID!) { node(id: $id) { ... on PullRequestReviewThread {
  comments(first: 1) { nodes { id viewerDidAuthor } }
} } }"""
_HIDE = """mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: RESOLVED}) {
  minimizedComment { isMinimized }
} }"""
_REACT = """mutation($id: ID!, $content: ReactionContent!) { addReaction(input: {subjectId: $id, content: $content}) {
  reaction { content }
} }"""
_IN_GRAPHQL: dict[Reaction, str] = {
    "+1": "THUMBS_UP",
    "-1": "THUMBS_DOWN",
    "laugh": "LAUGH",
    "confused": "CONFUSED",
    "heart": "HEART",
    "hooray": "HOORAY",
    "rocket": "ROCKET",
    "eyes": "EYES",
}


def act_writes(ref: PullRequestRef, acts: Sequence[Act]) -> tuple[Write, ...]:
    """The requests that acts of a review send when GitHub accepts them all: replies, and threads that are closed."""
    replies = f"/repos/{ref.full_name}/pulls/{ref.number}/comments"
    found: list[Write] = []
    for act in acts:
        if isinstance(act, Reply):
            body = {"body": f"{act.text}\n\n{answer_marker(act.key)}"}
            found.append(Write("POST", f"{replies}/{act.comment_id}/replies", body))
        elif isinstance(act, Resolve):
            found.append(Write("POST", "/graphql", {"query": _RESOLVE, "variables": {"id": act.thread_id}}))
    return tuple(found)


class GitHubConversation:
    """Talks through ``client``, which writes, on the pull request ``ref``."""

    def __init__(self, client: GitHubClient, ref: PullRequestRef) -> None:
        self._client, self._ref = client, ref
        self._root = f"/repos/{ref.full_name}"
        self._page = f"https://{ref.host}/{ref.full_name}/pull/{ref.number}"
        self._may_resolve = True

    async def comments(self, thread_id: str) -> tuple[ThreadComment, ...]:
        """All comments of a thread: one call for a hundred."""
        return await read_whole_thread(self._client, thread_id)

    async def reply(self, thread_id: str, comment_id: int, body: str, key: str) -> str:
        """The thread is read before it is written to, and again where it is not clear what became of the reply."""

        async def landed() -> str:
            own = (each for each in await self.comments(thread_id) if each.ours and has_answer(each.body, key))
            return next((f"{self._page}#discussion_r{each.id}" for each in own), "")

        known = await landed()
        if known:
            return known
        path = f"{self._root}/pulls/{self._ref.number}/comments/{comment_id}/replies"
        try:
            return await write_once(
                self._client, Write("POST", path, {"body": f"{body}\n\n{answer_marker(key)}"}), landed
            )
        except GitHubRejected as refusal:
            raise _explained(refusal) from refusal

    async def answer(self, key: str, text: str) -> str:
        """One call to find the status comment, one to write it."""
        return await self._rewrite(is_status, lambda body: with_answer(body, key, text))

    async def order(self, orders: Orders) -> str:
        """One call to find the summary comment, one to write it."""
        return await self._rewrite(is_summary, lambda body: with_orders(body, orders))

    async def _rewrite(self, wanted: Callable[[str], bool], written: Callable[[str], str]) -> str:
        """Edit the one comment of ours that is ``wanted``, or make it out of an empty text; its address."""

        async def landed() -> str:
            found = await find_own_comment(self._client, self._ref, wanted)
            return f"{self._page}#issuecomment-{found[0]}" if found else ""

        known = await find_own_comment(self._client, self._ref, wanted)
        if known is not None:
            body = written(known[1])
            if known[1].split() == body.split():  # GitHub may give a body back with other line ends
                return f"{self._page}#issuecomment-{known[0]}"
            try:
                return await self.edit_comment(Subject(Place.CONVERSATION, known[0]), body)
            except GitHubNotFound:
                pass  # somebody deleted it since it was seen
        first = summary_write(self._root, self._ref.number, written(""), None)
        return await write_once(self._client, first, landed)

    async def resolve(self, thread_id: str) -> Closed:
        """One call; where GitHub refuses the first time, two more, and from then on two."""
        refusal: GitHubForbidden | None = None
        if self._may_resolve:
            try:
                await self._client.graphql(_RESOLVE, {"id": thread_id})
            except GitHubForbidden as error:
                refusal, self._may_resolve = error, False
            else:
                return Closed.RESOLVED
        first = await self._first_comment(thread_id)
        if not first["viewerDidAuthor"]:
            raise refusal or GitHubForbidden("GitHub does not let this token resolve threads.", status=403)
        await self._client.graphql(_HIDE, {"id": first["id"]})
        return Closed.HIDDEN

    async def react(self, subject: Subject, content: Reaction = "eyes") -> None:
        """One call; two for a review, to which only GraphQL can react."""
        if subject.place is Place.REVIEW:
            path = f"{self._root}/pulls/{self._ref.number}/reviews/{subject.id}"
            node_id = (await self._client.get(path))["node_id"]
            await self._client.graphql(_REACT, {"id": node_id, "content": _IN_GRAPHQL[content]})
            return
        path = f"{self._comment(subject)}/reactions"
        await self._client.write("POST", path, {"content": content}, repeatable=True)

    async def edit_comment(self, subject: Subject, body: str) -> str:
        """One call, which may be repeated."""
        if subject.place is Place.REVIEW:
            path = f"{self._root}/pulls/{self._ref.number}/reviews/{subject.id}"
            return str((await self._client.write("PUT", path, {"body": body}, repeatable=True))["html_url"])
        written = await self._client.write("PATCH", self._comment(subject), {"body": body}, repeatable=True)
        return str(written["html_url"])

    def _comment(self, subject: Subject) -> str:
        return f"{self._root}/{'pulls' if subject.place is Place.THREAD else 'issues'}/comments/{subject.id}"

    async def _first_comment(self, thread_id: str) -> dict[str, Any]:
        node = (await self._client.graphql(_OPENING, {"id": thread_id}))["node"]
        found: list[dict[str, Any]] = ((node or {}).get("comments") or {}).get("nodes") or []
        if not found:
            raise GitHubNotFound(f"GitHub shows no thread {thread_id!r} to this token.", remedy="It may be deleted.")
        return found[0]


def _explained(refusal: GitHubRejected) -> GitHubRejected:
    """GitHub takes no reply from an account with a review under way; ours has one only when a run died in a probe."""
    if "pending review" not in " ".join((refusal.message, *refusal.details)).lower():
        return refusal
    remedy = "Our account has a review under way here, left by a run that died; the next review removes it."
    return GitHubRejected(refusal.message, remedy=remedy, status=refusal.status, details=refusal.details)
