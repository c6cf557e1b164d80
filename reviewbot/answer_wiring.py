"""The builder of what answers people, beside `wiring.py`: for the server's roles, and for a door of one process."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from reviewbot.core.report.acts import React, Reply, StatusAnswer
from reviewbot.core.report.command_answers import not_done
from reviewbot.core.triggers import JobRequest
from reviewbot.errors import GitHubError, ReviewbotError
from reviewbot.flows.acting import perform
from reviewbot.flows.chat import Chat
from reviewbot.flows.commands import NOT_ALLOWED, Answering, MayWrite, Talk
from reviewbot.flows.job import post, think
from reviewbot.flows.review import Order, Ports
from reviewbot.github.dry_run import DryRunSink
from reviewbot.github.permissions import may_write
from reviewbot.github.pull_requests import GitHubSource
from reviewbot.github.reviews import GitHubSink
from reviewbot.github.surroundings import read_whole_thread
from reviewbot.github.threads import GitHubConversation
from reviewbot.store.runs import SqlRunStore
from reviewbot.store.talks import SqlTalks
from reviewbot.wiring import Request, build_model, layers_of, ports_over, reach, run_id, settle

if TYPE_CHECKING:
    from reviewbot.core.change.pull_request import ReviewThread
    from reviewbot.core.config import Config
    from reviewbot.core.report.acts import Act
    from reviewbot.github.client import GitHubClient
    from reviewbot.ports import Model
    from reviewbot.settings import Settings
    from reviewbot.talks import Talks

_LAST = 20  # runs that are looked at for what this one cost


@dataclass(frozen=True, slots=True)
class Answered:
    """``done`` are the kinds of the acts, none where ``reason`` says why not; ``texts`` are what was said, ``notes``
    what GitHub refused."""

    done: tuple[str, ...] = ()
    reason: str = ""
    texts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cost_usd: float | None = 0.0


def answering(ports: Ports, client: GitHubClient, talks: Talks, allowed: MayWrite) -> Answering:
    """What a model answers people, in threads that are read to their end."""
    chat = Chat(ports.model, ports.store, talks, ports.source, lambda: datetime.now(UTC), allowed)

    def over_all(answer: Talk) -> Talk:
        async def answered(thread: ReviewThread | None, *scene: Any) -> tuple[Act, ...]:
            if thread is not None and thread.replies >= len(thread.comments):
                thread = replace(thread, comments=await read_whole_thread(client, thread.id))
            return await answer(thread, *scene)

        return answered

    return Answering(ask=over_all(chat.ask), explain=over_all(chat.explain), reply=over_all(chat.reply))


async def answer_target(asked: JobRequest, request: Request, settings: Settings) -> Answered:
    """Do what a comment asks for, and write it down on GitHub, in this one process. What cannot be done is said there,
    too, if who asked may ask. Raises ReviewbotError."""
    async with AsyncExitStack() as stack:
        client, workspace = await reach(asked.ref, settings, stack)
        source = GitHubSource(client, asked.ref, workspace)
        store = SqlRunStore(settings.database_url)
        layers = layers_of(request, settings)
        ports = ports_over(
            source, DryRunSink(lambda: source.seen), partial(_model, settings, stack), store, partial(settle, layers)
        )
        allowed = partial(may_write, client, asked.ref)
        conversation = GitHubConversation(client, asked.ref)
        if not await allowed(asked.requested_by):
            return Answered(reason=NOT_ALLOWED)
        if asked.trigger == "command" and asked.comment_id is not None:
            with suppress(GitHubError):  # that it was heard is a courtesy; the answer is what counts
                await perform(conversation, (React(str(asked.place), asked.comment_id),))
        talk = answering(ports, client, SqlTalks(settings.database_url), allowed)
        try:
            thought = await think(ports, asked, Order(run_id()), allowed, talk)
        except ReviewbotError as error:
            told = not_done(asked, str(error))
            with suppress(GitHubError):  # the log has it all the same
                await perform(conversation, (told,) if told else ())
            raise
        if thought.posting is None:
            return Answered(reason=thought.outcome.skip_reason)
        may_speak = partial(allowed, asked.requested_by)
        posted = await post(source, GitHubSink(client, source), store, thought.posting, conversation, may_speak)
        if posted is None:
            return Answered(reason="the pull request is closed, or who asked may not write here any more")
        acts = thought.posting.acts
        return Answered(
            done=tuple(dict.fromkeys(act.kind for act in acts)),
            texts=tuple(act.text for act in acts if isinstance(act, Reply | StatusAnswer)),
            notes=posted.notes,
            cost_usd=await _spent(store, asked),
        )


def _model(settings: Settings, stack: AsyncExitStack, config: Config) -> Model:
    """Most commands need no model, and so no key."""
    settings.require_api_key()
    return build_model(settings, stack, config)


async def _spent(store: SqlRunStore, asked: JobRequest) -> float | None:
    """What the answer to a comment cost, in dollars: it is booked as a run of its own. None when that is not known."""
    rows = await store.list_runs(_LAST)
    costs = [row["cost_usd"] for row in rows if str(row["id"]).startswith(f"chat-{asked.comment_id}-")]
    return None if None in costs else sum(costs, 0.0)
