"""The mutations of a reviewer: resolve and unresolve a thread, hide a comment, react."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reviewbot.sandbox.github.graphql_objects import REACTION_NAMES, Objects
from reviewbot.sandbox.github.graphql_paging import Fields, Problem
from reviewbot.sandbox.github.records import IssueComment, Reaction, ReviewComment

if TYPE_CHECKING:
    from collections.abc import Callable

    from reviewbot.sandbox.github.hosting import Hosted


def _resolve(objects: Objects, given: Fields) -> Fields:
    hosted, root = _thread(objects, given["threadId"])
    hosted.resolved[root.id] = objects.call.speaker().account
    return {"thread": objects.thread(hosted, root)}


def _unresolve(objects: Objects, given: Fields) -> Fields:
    hosted, root = _thread(objects, given["threadId"])
    hosted.resolved.pop(root.id, None)
    return {"thread": objects.thread(hosted, root)}


def _thread(objects: Objects, key: str) -> tuple[Hosted, ReviewComment]:
    """A thread that the token may resolve. An app needs ``contents: write`` for it, whatever its name suggests
    (github.com/orgs/community/discussions/44650)."""
    hosted, record = _found(objects, key, "PRRT_")
    objects.need("pull_requests", "write")
    if objects.call.speaker().kind != "personal":
        objects.need("contents", "write")
    if not isinstance(record, ReviewComment) or record.is_reply:
        raise _unknown(key)
    return hosted, record


def _found(objects: Objects, key: str, *kinds: str) -> tuple[Hosted, Any]:
    found = objects.find(key) if key.startswith(kinds) else None
    if found is None:
        raise _unknown(key)
    if not objects.covers(found[0]):
        raise Problem("FORBIDDEN", "Resource not accessible by integration")
    return found[0], found[1]


def _unknown(key: str) -> Problem:
    return Problem("NOT_FOUND", f"Could not resolve to a node with the global id of '{key}'")


def _minimize(objects: Objects, given: Fields) -> Fields:
    hosted, record = _found(objects, given["subjectId"], "PRRC_", "PRR_", "IC_")
    _need_comments(objects)
    record.minimized = given["classifier"]
    shapes: dict[type, Callable[[Hosted, Any], Fields]] = {
        ReviewComment: objects.review_comment,
        IssueComment: objects.issue_comment,
    }
    return {"minimizedComment": shapes.get(type(record), objects.review)(hosted, record)}


def _need_comments(objects: Objects) -> None:
    if not objects.call.speaker().allows("issues", "write"):
        objects.need("pull_requests", "write")


def _react(objects: Objects, given: Fields) -> Fields:
    _, record = _found(objects, given["subjectId"], "PRRC_", "PRR_", "IC_", "PR_")
    _need_comments(objects)
    content, author = REACTION_NAMES[given["content"]], objects.call.speaker().account
    for known in record.reactions:
        if (known.author, known.content) == (author, content):
            return {"reaction": objects.reaction(known)}
    made = Reaction(objects.call.github.new_id(), author, content, objects.call.github.now())
    record.reactions.append(made)
    return {"reaction": objects.reaction(made)}


MUTATIONS: dict[str, Callable[[Objects, Fields], Fields]] = {
    "resolveReviewThread": _resolve,
    "unresolveReviewThread": _unresolve,
    "minimizeComment": _minimize,
    "addReaction": _react,
}
