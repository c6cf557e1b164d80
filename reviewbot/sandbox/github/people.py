"""What people do in the browser beside `SandboxGitHub.comment`: answer in a thread, comment by a review, edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewbot.errors import UsageError
from reviewbot.sandbox.github.anchors import Anchor
from reviewbot.sandbox.github.rest_reviews import add_comment, add_review

if TYPE_CHECKING:
    from reviewbot.sandbox.github.state import SandboxGitHub


def reply(github: SandboxGitHub, full_name: str, comment_id: int, login: str, body: str) -> int:
    """Answer in the thread of a comment in the diff; the answer's id. It joins the thread's first comment, and is a
    review of its own, which is told too."""
    with github.lock:
        hosted = github.hosted(full_name)
        first = hosted.review_comments.get(comment_id)
        if first is None:
            raise UsageError(f"{full_name} has no comment {comment_id} in a diff.")
        place = Anchor(
            first.path, first.side, first.line, first.start_side, first.start_line, first.position, first.diff_hunk
        )
        pull = hosted.pull(first.number)
        review = add_review(github, hosted, pull, github.account(login), first.commit_id, "", "COMMENTED")
        made = add_comment(github, hosted, pull, review, place, body, root=first.root)
        github.announcer.review(hosted, review, review.author)
        return made.id


def review(github: SandboxGitHub, full_name: str, number: int, login: str, body: str) -> int:
    """Submit a review that has only a body; its id."""
    with github.lock:
        hosted = github.hosted(full_name)
        pull = hosted.pull(number)
        made = add_review(github, hosted, pull, github.account(login), pull.head_sha, body, "COMMENTED")
        github.announcer.review(hosted, made, made.author)
        return made.id


def edit(github: SandboxGitHub, full_name: str, comment_id: int, login: str, body: str) -> None:
    """Change the text of a comment below an issue or a pull request."""
    with github.lock:
        hosted = github.hosted(full_name)
        comment = hosted.comments.get(comment_id)
        if comment is None:
            raise UsageError(f"{full_name} has no comment {comment_id}.")
        changes = {"body": {"from": comment.body}}
        comment.body, comment.updated_at = body, github.now()
        github.announcer.issue_comment("edited", hosted, comment, github.account(login), changes=changes)
