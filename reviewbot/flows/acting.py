"""Doing what was decided beside a review: replies, closed threads, answers, reactions, orders."""

from __future__ import annotations

from collections.abc import Sequence

from reviewbot.conversation import Closed, Conversation, Subject
from reviewbot.core.commands import Place
from reviewbot.core.report.acts import Act, Orders, React, Reply, Resolve, StatusAnswer
from reviewbot.errors import GitHubForbidden, GitHubNotFound, GitHubRejected

_REFUSED = (GitHubForbidden, GitHubNotFound, GitHubRejected)


async def perform(conversation: Conversation, acts: Sequence[Act]) -> tuple[str, ...]:
    """Do them in their order; notes on what GitHub refused, which keeps none of the others back. Raises any other
    GitHubError, after which all of them may be done again."""
    notes: list[str] = []
    for act in acts:
        try:
            notes += [note for note in await _perform(conversation, act) if note not in notes]
        except _REFUSED as error:
            notes.append(f"not done ({act.kind}): {error}")
    return tuple(notes)


async def _perform(conversation: Conversation, act: Act) -> list[str]:
    match act:
        case Reply():
            await conversation.reply(act.thread_id, act.comment_id, act.text, act.key)
        case Resolve():
            closed = await conversation.resolve(act.thread_id)
            return [closed.text] if closed is Closed.HIDDEN else []
        case StatusAnswer():
            await conversation.answer(act.key, act.text)
        case React():
            await conversation.react(Subject(Place(act.place), act.id), act.content)
        case Orders():
            await conversation.order(act)
    return []
