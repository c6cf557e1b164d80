"""REST: comments on lines, on files and on the conversation, and reactions to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reviewbot.sandbox.github import payloads, payloads_pulls
from reviewbot.sandbox.github.anchors import Anchor, Refused, resolve
from reviewbot.sandbox.github.calls import (
    Answer,
    Call,
    Refusal,
    Routes,
    answer,
    body_text,
    forbidden,
    invalid,
    missing,
    not_found,
)
from reviewbot.sandbox.github.records import REACTIONS, IssueComment, Pull, Reaction, ReviewComment
from reviewbot.sandbox.github.rest_reviews import add_comment, add_review, check_commit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reviewbot.sandbox.github.hosting import Hosted

routes = Routes()
_REPO = "/repos/{owner}/{repo}"
_PULL_COMMENT, _ISSUE_COMMENT = _REPO + "/pulls/comments/{comment}", _REPO + "/issues/comments/{comment}"
_READ, _WRITE = "pull_requests:read", "pull_requests:write"
_EITHER_READ, _EITHER_WRITE = "issues|pull_requests:read", "issues|pull_requests:write"


@routes.on("GET", _REPO + "/pulls/{number}/comments", _READ)
def list_pull_comments(call: Call) -> Answer:
    hosted, pull = call.pull()
    own = (comment for comment in hosted.review_comments.values() if comment.number == pull.number)
    return _review_comments(call, hosted, own)


@routes.on("GET", _REPO + "/pulls/comments", _READ)
def list_all_pull_comments(call: Call) -> Answer:
    hosted = call.hosted()
    return _review_comments(call, hosted, hosted.review_comments.values())


def _review_comments(call: Call, hosted: Hosted, comments: Iterable[ReviewComment]) -> Answer:
    """Those of submitted reviews, by ``sort`` and ``direction``."""
    since = call.query.get("since", "")
    shown = [
        comment
        for comment in comments
        if hosted.reviews[comment.review_id].state != "PENDING" and comment.updated_at >= since
    ]
    by_update = call.query.get("sort") == "updated"
    shown.sort(
        key=lambda comment: (comment.updated_at if by_update else "", comment.id),
        reverse=call.query.get("direction") == "desc",
    )
    return call.paged(shown, lambda comment: payloads_pulls.review_comment(call.links, hosted, comment))


@routes.on("POST", _REPO + "/pulls/{number}/comments", _WRITE)
def create_pull_comment(call: Call) -> Answer:
    """A comment on a line, on a file (``subject_type: file``), or an answer (``in_reply_to``). It makes a review of its
    own, as on GitHub."""
    hosted, pull = call.pull()
    fields = call.fields()
    body = body_text(fields, call.github.limits.body_characters, "PullRequestReviewComment")
    if fields.get("in_reply_to") is not None:
        return _reply(call, hosted, pull, fields["in_reply_to"], body)
    for name in ("commit_id", "path"):
        if not isinstance(fields.get(name), str):
            raise missing(name)
    if fields.get("subject_type") != "file" and fields.get("line") is None and fields.get("position") is None:
        raise missing("line")
    commit = _known_commit(hosted, pull, fields)
    place = resolve(hosted.repository.changes(hosted.merge_base(pull), commit), fields)
    if isinstance(place, Refused):
        raise invalid("PullRequestReviewComment", f"pull_request_review_thread.{place.field}", "custom", place.words)
    return _created(call, hosted, pull, commit, place, body)


def _known_commit(hosted: Hosted, pull: Pull, fields: dict[str, Any]) -> str:
    try:
        return check_commit(hosted, pull, fields["commit_id"])
    except Refusal:
        said = "commit_id is not part of the pull request"
        raise invalid("PullRequestReviewComment", "commit_id", "custom", said) from None


def _created(
    call: Call, hosted: Hosted, pull: Pull, commit: str, place: Anchor, body: str, root: int | None = None
) -> Answer:
    review = add_review(call.github, hosted, pull, call.speaker().account, commit, "", "COMMENTED")
    comment = add_comment(call.github, hosted, pull, review, place, body, root=root)
    call.github.announcer.review(hosted, review, review.author)
    return answer(payloads_pulls.review_comment(call.links, hosted, comment), 201)


@routes.on("POST", _REPO + "/pulls/{number}/comments/{comment}/replies", _WRITE)
def create_reply(call: Call) -> Answer:
    hosted, pull = call.pull()
    """Only to a thread's first comment: "Replies to replies are not supported" (docs.github.com, "Create a reply for a
    review comment"); and not from who has a review under way, which the reply would have to join."""
    body = body_text(call.fields(), call.github.limits.body_characters, "PullRequestReviewComment")
    number = call.number("comment")
    first = hosted.review_comments.get(number)
    if first is None or first.number != pull.number:
        raise not_found()
    if first.is_reply:
        said = "replies to replies are not supported"
        raise invalid("PullRequestReviewComment", "in_reply_to", "custom", said)
    mine = (row for row in hosted.reviews.values() if row.author == call.speaker().account)
    if any(row.state == "PENDING" and row.number == pull.number for row in mine):
        said = "user_id can only have one pending review per pull request"
        raise invalid("PullRequestReview", "user_id", "custom", said)
    return _reply(call, hosted, pull, number, body)


def _reply(call: Call, hosted: Hosted, pull: Pull, number: object, body: str) -> Answer:
    """Answers go to the thread's first comment; an answer to an answer joins the same thread."""
    first = hosted.review_comments.get(number) if isinstance(number, int) else None
    if first is None or first.number != pull.number:
        raise invalid("PullRequestReviewComment", "in_reply_to", "invalid")
    place = Anchor(
        first.path, first.side, first.line, first.start_side, first.start_line, first.position, first.diff_hunk
    )
    return _created(call, hosted, pull, first.commit_id, place, body, first.root)


@routes.on("GET", _PULL_COMMENT, _READ)
def get_pull_comment(call: Call) -> Answer:
    hosted, comment = _pull_comment(call)
    return answer(payloads_pulls.review_comment(call.links, hosted, comment))


@routes.on("PATCH", _PULL_COMMENT, _WRITE)
def update_pull_comment(call: Call) -> Answer:
    hosted, comment = _pull_comment(call)
    changes = _edit(call, comment)
    call.github.announcer.review_comment("edited", hosted, comment, call.speaker().account, changes=changes)
    return answer(payloads_pulls.review_comment(call.links, hosted, comment))


@routes.on("DELETE", _PULL_COMMENT, _WRITE)
def delete_pull_comment(call: Call) -> Answer:
    hosted, comment = _pull_comment(call)
    _own(call, comment)
    call.github.announcer.review_comment("deleted", hosted, comment, call.speaker().account)
    del hosted.review_comments[comment.id]
    return Answer(204)


def _pull_comment(call: Call) -> tuple[Hosted, ReviewComment]:
    hosted = call.hosted()
    comment = hosted.review_comments.get(call.number("comment"))
    if comment is None or (hosted.reviews[comment.review_id].state == "PENDING" and not _is_own(call, comment)):
        raise not_found()
    return hosted, comment


def _is_own(call: Call, comment: ReviewComment | IssueComment) -> bool:
    return comment.author == call.speaker().account


def _own(call: Call, comment: ReviewComment | IssueComment) -> None:
    """Who has write access may edit anybody's; an app or a workflow only its own."""
    if not _is_own(call, comment) and call.speaker().kind != "personal":
        raise forbidden(call.speaker())


def _edit(call: Call, comment: ReviewComment | IssueComment) -> dict[str, Any]:
    """Change the text; what a webhook says has changed."""
    _own(call, comment)
    changes = {"body": {"from": comment.body}}
    comment.body = body_text(call.fields(), call.github.limits.body_characters, "IssueComment")
    comment.updated_at = call.github.now()
    return changes


@routes.on("GET", _REPO + "/issues/{number}/comments", _EITHER_READ)
def list_issue_comments(call: Call) -> Answer:
    """Oldest first, 30 at a time."""
    hosted, issue = call.issue()
    since = call.query.get("since", "")
    own = [
        comment
        for comment in hosted.comments.values()
        if comment.number == issue.number and comment.updated_at >= since
    ]
    return call.paged(own, lambda comment: payloads_pulls.issue_comment(call.links, hosted, comment))


@routes.on("POST", _REPO + "/issues/{number}/comments", _EITHER_WRITE)
def create_issue_comment(call: Call) -> Answer:
    hosted, issue = call.issue()
    body = body_text(call.fields(), call.github.limits.body_characters, "IssueComment")
    now = call.github.now()
    comment = IssueComment(call.github.new_id(), issue.number, call.speaker().account, body, now, now)
    hosted.comments[comment.id] = comment
    call.github.announcer.issue_comment("created", hosted, comment, comment.author)
    return answer(payloads_pulls.issue_comment(call.links, hosted, comment), 201)


@routes.on("GET", _ISSUE_COMMENT, _EITHER_READ)
def get_issue_comment(call: Call) -> Answer:
    hosted, comment = _issue_comment(call)
    return answer(payloads_pulls.issue_comment(call.links, hosted, comment))


@routes.on("PATCH", _ISSUE_COMMENT, _EITHER_WRITE)
def update_issue_comment(call: Call) -> Answer:
    hosted, comment = _issue_comment(call)
    changes = _edit(call, comment)
    call.github.announcer.issue_comment("edited", hosted, comment, call.speaker().account, changes=changes)
    return answer(payloads_pulls.issue_comment(call.links, hosted, comment))


@routes.on("DELETE", _ISSUE_COMMENT, _EITHER_WRITE)
def delete_issue_comment(call: Call) -> Answer:
    hosted, comment = _issue_comment(call)
    _own(call, comment)
    call.github.announcer.issue_comment("deleted", hosted, comment, call.speaker().account)
    del hosted.comments[comment.id]
    return Answer(204)


def _issue_comment(call: Call) -> tuple[Hosted, IssueComment]:
    hosted = call.hosted()
    comment = hosted.comments.get(call.number("comment"))
    if comment is None:
        raise not_found()
    return hosted, comment


# Reactions


@routes.on("GET", _PULL_COMMENT + "/reactions", _READ)
def list_pull_comment_reactions(call: Call) -> Answer:
    return _reactions(call, _pull_comment(call)[1].reactions)


@routes.on("POST", _PULL_COMMENT + "/reactions", _WRITE)
def react_to_pull_comment(call: Call) -> Answer:
    return _react(call, _pull_comment(call)[1].reactions)


@routes.on("GET", _ISSUE_COMMENT + "/reactions", _EITHER_READ)
def list_issue_comment_reactions(call: Call) -> Answer:
    return _reactions(call, _issue_comment(call)[1].reactions)


@routes.on("POST", _ISSUE_COMMENT + "/reactions", _EITHER_WRITE)
def react_to_issue_comment(call: Call) -> Answer:
    return _react(call, _issue_comment(call)[1].reactions)


@routes.on("GET", _REPO + "/issues/{number}/reactions", _EITHER_READ)
def list_issue_reactions(call: Call) -> Answer:
    return _reactions(call, call.issue()[1].reactions)


@routes.on("POST", _REPO + "/issues/{number}/reactions", _EITHER_WRITE)
def react_to_issue(call: Call) -> Answer:
    return _react(call, call.issue()[1].reactions)


@routes.on("DELETE", _ISSUE_COMMENT + "/reactions/{reaction}", _EITHER_WRITE)
def unreact_to_issue_comment(call: Call) -> Answer:
    return _unreact(call, _issue_comment(call)[1].reactions)


@routes.on("DELETE", _PULL_COMMENT + "/reactions/{reaction}", _WRITE)
def unreact_to_pull_comment(call: Call) -> Answer:
    return _unreact(call, _pull_comment(call)[1].reactions)


def _reactions(call: Call, reactions: list[Reaction]) -> Answer:
    wanted = call.query.get("content")
    shown = [reaction for reaction in reactions if wanted in (None, reaction.content)]
    return call.paged(shown, lambda reaction: payloads.reaction(call.links, reaction))


def _react(call: Call, reactions: list[Reaction]) -> Answer:
    """201 for a new reaction, 200 for one that was there."""
    content, author = call.fields().get("content"), call.speaker().account
    if content not in REACTIONS:
        raise invalid("Reaction", "content", "invalid")
    for known in reactions:
        if (known.author, known.content) == (author, content):
            return answer(payloads.reaction(call.links, known))
    reactions.append(Reaction(call.github.new_id(), author, content, call.github.now()))
    return answer(payloads.reaction(call.links, reactions[-1]), 201)


def _unreact(call: Call, reactions: list[Reaction]) -> Answer:
    number, author = call.number("reaction"), call.speaker().account
    found = next((reaction for reaction in reactions if reaction.id == number and reaction.author == author), None)
    if found is None:
        raise not_found()
    reactions.remove(found)
    return Answer(204)
