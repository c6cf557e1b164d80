"""REST: reviews of a pull request. One bad comment rejects the whole review, and nothing says which it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reviewbot.sandbox.github import payloads_pulls
from reviewbot.sandbox.github.anchors import REVIEW_COMMENT_KEYS, Anchor, Refused, resolve
from reviewbot.sandbox.github.calls import Answer, Call, Refusal, Routes, answer, missing, not_found, unprocessable
from reviewbot.sandbox.github.records import Review, ReviewComment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.records import Account, Pull
    from reviewbot.sandbox.github.state import SandboxGitHub

routes = Routes()
_REVIEWS = "/repos/{owner}/{repo}/pulls/{number}/reviews"
_REVIEW = _REVIEWS + "/{review}"
_READ, _WRITE = "pull_requests:read", "pull_requests:write"
_STATES = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED"}


@routes.on("GET", _REVIEWS, _READ)
def list_reviews(call: Call) -> Answer:
    """Oldest first. A pending review is seen by its author alone."""
    hosted, pull = call.pull()
    seen = [review for review in hosted.reviews.values() if review.number == pull.number and _visible(call, review)]
    return call.paged(seen, lambda review: payloads_pulls.review(call.links, hosted, review))


@routes.on("POST", _REVIEWS, _WRITE)
def create_review(call: Call) -> Answer:
    """All or nothing: every comment must stand on a shown line of the diff up to ``commit_id``."""
    hosted, pull = call.pull()
    author, fields = call.speaker().account, call.fields()
    event, body = fields.get("event"), _body(call, fields)
    comments = fields.get("comments") or []
    if event is not None and not (isinstance(event, str) and event in _STATES):
        said = f'{json.dumps(event)} is not a member of ["APPROVE", "REQUEST_CHANGES", "COMMENT"].'
        raise Refusal(422, f"Invalid request.\n\n{said}")
    if not isinstance(comments, list):
        raise Refusal(422, "Invalid request.\n\nFor 'properties/comments', it is not an array.")
    _check_event(call, pull, event, body, has_comments=bool(comments))
    commit = check_commit(hosted, pull, fields.get("commit_id"))
    texts = [_comment_body(call, comment) for comment in comments]
    anchors = _anchors(hosted, pull, commit, comments)
    mine = (review for review in hosted.reviews.values() if review.number == pull.number)
    if any(review.state == "PENDING" and review.author == author for review in mine):
        raise unprocessable("User can only have one pending review per pull request")
    review = add_review(call.github, hosted, pull, author, commit, body, _STATES.get(event or "", "PENDING"))
    for text, anchor in zip(texts, anchors, strict=True):
        add_comment(call.github, hosted, pull, review, anchor, text)
    if review.state != "PENDING":
        call.github.announcer.review(hosted, review, author)
    return answer(payloads_pulls.review(call.links, hosted, review))


def _body(call: Call, fields: dict[str, Any]) -> str:
    body = fields.get("body") or ""
    if not isinstance(body, str):
        raise Refusal(422, "Invalid request.\n\nFor 'properties/body', it is not a string.")
    if len(body) > call.github.limits.body_characters:
        raise unprocessable(f"Body is too long (maximum is {call.github.limits.body_characters} characters)")
    return body


def _check_event(call: Call, pull: Pull, event: str | None, body: str, *, has_comments: bool) -> None:
    token = call.speaker()
    if event in ("APPROVE", "REQUEST_CHANGES") and token.account == pull.author:
        raise unprocessable(
            f"Can not {event.lower().replace('_', ' ')} {'on ' * (event != 'APPROVE')}your own pull request"
        )
    if event == "APPROVE" and token.kind == "actions":
        raise unprocessable("GitHub Actions is not permitted to approve pull requests.")
    if not body.strip() and (event == "REQUEST_CHANGES" or (event == "COMMENT" and not has_comments)):
        raise unprocessable("Body can't be blank")


def check_commit(hosted: Hosted, pull: Pull, commit: str | None) -> str:
    """The commit to comment on, the head when none is named. Raises Refusal 422 when it is not the pull request's."""
    if commit is None:
        return pull.head_sha
    if all(commit != facts.sha for facts in hosted.series(pull)):
        raise unprocessable("Commit is not part of the pull request")
    return commit


def _comment_body(call: Call, comment: object) -> str:
    """Check the shape of one comment of a review; its text."""
    if not isinstance(comment, dict):
        raise Refusal(422, "Invalid request.\n\nFor 'items', it is not an object.")
    for name in ("path", "body"):
        if not isinstance(comment.get(name), str):
            raise missing(name)
    unknown = [key for key in comment if key not in REVIEW_COMMENT_KEYS]
    if unknown:
        raise Refusal(422, f'Invalid request.\n\n"{unknown[0]}" is not a permitted key.')
    body: str = comment["body"]
    if not body.strip():
        raise unprocessable("Body can't be blank")
    if len(body) > call.github.limits.body_characters:
        raise unprocessable(f"Body is too long (maximum is {call.github.limits.body_characters} characters)")
    return body


def _anchors(hosted: Hosted, pull: Pull, commit: str, comments: Sequence[dict[str, Any]]) -> list[Anchor]:
    """Where each comment stands. One that stands nowhere refuses all: the words are given, the culprit is not."""
    changes = hosted.repository.changes(hosted.merge_base(pull), commit)
    found = [resolve(changes, comment) for comment in comments]
    refused = dict.fromkeys(place.sentence for place in found if isinstance(place, Refused))
    if refused:
        raise unprocessable(*refused)
    return [place for place in found if isinstance(place, Anchor)]


def add_review(
    github: SandboxGitHub, hosted: Hosted, pull: Pull, author: Account, commit: str, body: str, state: str
) -> Review:
    """Remember a review."""
    submitted = None if state == "PENDING" else github.now()
    review = Review(github.new_id(), pull.number, author, body, state, commit, submitted)
    hosted.reviews[review.id] = review
    pull.updated_at = github.now()
    return review


def add_comment(
    github: SandboxGitHub,
    hosted: Hosted,
    pull: Pull,
    review: Review,
    anchor: Anchor,
    body: str,
    *,
    root: int | None = None,
) -> ReviewComment:
    """Remember a comment of a review; ``root`` is the thread it answers."""
    number, now = github.new_id(), github.now()
    comment = ReviewComment(
        id=number,
        number=pull.number,
        review_id=review.id,
        root=root or number,
        author=review.author,
        body=body,
        path=anchor.path,
        commit_id=review.commit_id,
        base_sha=hosted.merge_base(pull),
        side=anchor.side,
        line=anchor.line,
        start_side=anchor.start_side,
        start_line=anchor.start_line,
        position=anchor.position,
        diff_hunk=anchor.diff_hunk,
        created_at=now,
        updated_at=now,
    )
    hosted.review_comments[number] = comment
    return comment


def _visible(call: Call, review: Review) -> bool:
    return review.state != "PENDING" or review.author == call.speaker().account


def _review(call: Call) -> tuple[Hosted, Review]:
    hosted, pull = call.pull()
    review = hosted.reviews.get(call.number("review"))
    if review is None or review.number != pull.number or not _visible(call, review):
        raise not_found()
    return hosted, review


@routes.on("GET", _REVIEW, _READ)
def get_review(call: Call) -> Answer:
    hosted, review = _review(call)
    return answer(payloads_pulls.review(call.links, hosted, review))


@routes.on("GET", _REVIEW + "/comments", _READ)
def list_review_comments(call: Call) -> Answer:
    hosted, review = _review(call)
    own = [comment for comment in hosted.review_comments.values() if comment.review_id == review.id]
    return call.paged(own, lambda comment: payloads_pulls.review_comment(call.links, hosted, comment))


@routes.on("PUT", _REVIEW, _WRITE)
def update_review(call: Call) -> Answer:
    """Replace the body."""
    hosted, review = _review(call)
    fields = call.fields()
    if review.author != call.speaker().account:
        raise not_found()
    if "body" not in fields:
        raise missing("body")
    review.body = _body(call, fields)
    return answer(payloads_pulls.review(call.links, hosted, review))


@routes.on("DELETE", _REVIEW, _WRITE)
def delete_review(call: Call) -> Answer:
    """Only a pending one can be deleted."""
    hosted, review = _review(call)
    if review.state != "PENDING":
        raise unprocessable("Can not delete a non-pending pull request review")
    gone = payloads_pulls.review(call.links, hosted, review)
    del hosted.reviews[review.id]
    for comment in [comment for comment in hosted.review_comments.values() if comment.review_id == review.id]:
        del hosted.review_comments[comment.id]
    return answer(gone)


@routes.on("POST", _REVIEW + "/events", _WRITE)
def submit_review(call: Call) -> Answer:
    """Submit a pending review."""
    hosted, review = _review(call)
    fields = call.fields()
    event, body = fields.get("event"), _body(call, fields) or review.body
    if not isinstance(event, str) or event not in _STATES:
        raise missing("event")
    if review.state != "PENDING":
        raise unprocessable("Can not submit a review that is not pending")
    own = any(comment.review_id == review.id for comment in hosted.review_comments.values())
    _check_event(call, hosted.pull(review.number), event, body, has_comments=own)
    review.body, review.state, review.submitted_at = body, _STATES[event], call.github.now()
    call.github.announcer.review(hosted, review, review.author)
    return answer(payloads_pulls.review(call.links, hosted, review))


@routes.on("PUT", _REVIEW + "/dismissals", _WRITE)
def dismiss_review(call: Call) -> Answer:
    """Only an approval or a request for changes can be dismissed."""
    hosted, review = _review(call)
    if not call.fields().get("message"):
        raise missing("message")
    if review.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise unprocessable(f"Can not dismiss a {review.state.lower()} pull request review")
    review.state = "DISMISSED"
    return answer(payloads_pulls.review(call.links, hosted, review))
