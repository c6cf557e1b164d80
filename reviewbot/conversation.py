"""The seam between whoever answers people on a pull request and GitHub: Subject, Closed, Conversation.

Beside `ports.py` and not in it, because a review can be understood without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

from reviewbot.core.commands import Place

if TYPE_CHECKING:
    from reviewbot.core.change.pull_request import ThreadComment
    from reviewbot.core.report.acts import Orders

Reaction = Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that somebody wrote: where, and its id in REST and in webhooks. Below a pull request that is a comment,
    in the diff a comment of a thread, over a review's comments the review itself."""

    place: Place
    id: int


class Closed(StrEnum):
    """What became of a thread that was to be resolved."""

    RESOLVED = "resolved"
    HIDDEN = "hidden"

    @property
    def text(self) -> str:
        """For people."""
        if self is Closed.RESOLVED:
            return "The thread is resolved."
        return (
            "Our comment is hidden as resolved, and the thread is open: GitHub lets an App resolve threads only with "
            "the permission `contents: write`."
        )


class Conversation(Protocol):
    """Talks on one pull request. What was done already is not done again, also by a later process; each method may be
    called again after any GitHubError, which is what each raises. Texts have gone through the sanitiser."""

    async def comments(self, thread_id: str) -> tuple[ThreadComment, ...]:
        """All comments of a thread, however many, oldest first. Raises GitHubNotFound when there is no such thread."""
        ...

    async def reply(self, thread_id: str, comment_id: int, body: str, key: str) -> str:
        """Answer in a thread whose first comment is ``comment_id``, once for each ``key`` (see `answer_marker`); the
        address. Raises GitHubNotFound or GitHubRejected when the thread is gone or begins with another comment."""
        ...

    async def answer(self, key: str, text: str) -> str:
        """Answer what was not said in a thread, in the one status comment; the comment's address."""
        ...

    async def order(self, orders: Orders) -> str:
        """Keep what people ask for this pull request in the state of its summary comment, which is made when there is
        none; the comment's address."""
        ...

    async def resolve(self, thread_id: str) -> Closed:
        """Close a thread. Raises GitHubForbidden when that is not allowed and the thread does not begin with a comment
        of ours, which could be hidden instead."""
        ...

    async def react(self, subject: Subject, content: Reaction = "eyes") -> None:
        """Raises GitHubNotFound when the subject is gone."""
        ...

    async def edit_comment(self, subject: Subject, body: str) -> str:
        """Put another text in the place of a comment of ours; its address. Raises GitHubNotFound when it is gone."""
        ...
