"""Answering people with the model: a reply in a thread of ours, a wish to hear more, a question about the change.

Reads GitHub and asks the model; what is to be said comes back as acts, which another process may do. A thread is one
talk: the provider is given what it needs to go on from its last exchange, or the conversation as the thread shows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from reviewbot.core.change.pull_request import PullRequest, ReviewThread, Surroundings
from reviewbot.core.config import Config, Resolved
from reviewbot.core.context.chat_prompt import (
    MAY_WRITE,
    UNKNOWN,
    Past,
    Question,
    Said,
    Task,
    build_chat_prompt,
    history,
)
from reviewbot.core.context.prompt import Answer, Talk
from reviewbot.core.cost import CostBudget
from reviewbot.core.findings.chat_reply import ChatReply, parse_chat_reply
from reviewbot.core.marker import has_answer, read_answers
from reviewbot.core.report.acts import Act, Reply, Resolve, StatusAnswer
from reviewbot.core.report.chat_text import (
    answer_text,
    doubt_text,
    limit_text,
    no_answer_text,
    off_text,
    too_dear_text,
    withdrawal_text,
)
from reviewbot.core.triggers import JobRequest
from reviewbot.errors import ContextLengthExceeded, ModelIncomplete, ModelRefused, ReplyError, StoreError
from reviewbot.flows.chat_material import Material, is_trusted
from reviewbot.flows.commands import MayWrite
from reviewbot.flows.purchase import Later, Purchase, Wording
from reviewbot.ports import Model, PullRequestSource, RunStore
from reviewbot.talks import Exchange, Talks

_DAY = timedelta(days=1)
_IN_VAIN = (ModelRefused, ModelIncomplete, ContextLengthExceeded, ReplyError)  # asking again would end the same


async def nobody(_login: str) -> bool:
    """What is known of rights without asking GitHub for more than it has told."""
    return False


@dataclass(frozen=True, slots=True)
class Chat:
    """``model`` makes the model once the settings are known, ``now`` gives the time in UTC. ``may_write`` is asked
    before a finding is taken back for somebody of whom GitHub has not said that they may write to the repository."""

    model: Callable[[Config], Model]
    store: RunStore
    talks: Talks
    source: PullRequestSource
    now: Callable[[], datetime]
    may_write: MayWrite = nobody

    async def reply(
        self,
        thread: ReviewThread | None,
        words: str,
        request: JobRequest,
        pull: PullRequest,
        around: Surroundings,
        resolved: Resolved,
    ) -> tuple[Act, ...]:
        """Answer what was said in a thread of ours; in any other nothing is said. The finding may be taken back.

        Raises ReviewbotError; a further attempt finds the answer that was paid for.
        """
        if thread is None or not thread.ours or not resolved.config.chat.enabled:
            return ()
        said = words.strip() or next((each.body for each in thread.comments if each.id == request.comment_id), "")
        return await self._answer(_Case(Task.REPLY, thread, said, request, pull, around, resolved.config))

    async def ask(
        self,
        thread: ReviewThread | None,
        words: str,
        request: JobRequest,
        pull: PullRequest,
        around: Surroundings,
        resolved: Resolved,
    ) -> tuple[Act, ...]:
        """Answer a question about the change where it was asked. Raises ReviewbotError, as `reply` does."""
        return await self._answer(_Case(Task.ASK, thread, words, request, pull, around, resolved.config))

    async def explain(
        self,
        thread: ReviewThread | None,
        words: str,
        request: JobRequest,
        pull: PullRequest,
        around: Surroundings,
        resolved: Resolved,
    ) -> tuple[Act, ...]:
        """Say more about the finding of a thread of ours. Raises ReviewbotError, as `reply` does."""
        if thread is None or not thread.ours:
            return ()
        case = _Case(Task.EXPLAIN, thread, words or "Explain this finding.", request, pull, around, resolved.config)
        return await self._answer(case)

    async def _answer(self, case: _Case) -> tuple[Act, ...]:
        if not case.key or not case.words.strip() or _same(case.login, case.around.viewer):
            return ()
        if not case.config.chat.enabled:
            return (case.act(off_text()),)
        exchanges = await self.talks.exchanges(case.talk)
        if all(exchange.key != case.key for exchange in exchanges):  # else it is paid, and was within the limits
            over = await self._over(case, exchanges)
            if over is not None:
                return over
        purchase = self._purchase(case)
        plan = await self._plan(
            case, [exchange for exchange in exchanges if exchange.key != case.key], purchase.model.window
        )
        try:
            made = await purchase.made(
                case.pull,
                [plan.first, *([plan.whole] if plan.goes_on else [])],
                lambda text: parse_chat_reply(text, of_finding=case.task is Task.REPLY),
            )
        except _IN_VAIN as error:
            return (case.act(no_answer_text(error.message)),)
        if made is None:
            return (case.act(too_dear_text()),)
        reply, answer = made
        await self._remember(case, answer)
        return await self._acts(case, reply, plan.notes)

    async def _over(self, case: _Case, exchanges: tuple[Exchange, ...]) -> tuple[Act, ...] | None:
        """What is said instead of an answer that would be one too many; None when it is not."""
        chat, thread = case.config.chat, case.thread
        if thread is not None:
            ours = [comment.body for comment in thread.comments if comment.ours]
            told = {key for body in ours for key in read_answers(body) if key.isdecimal()}
            if max(len(exchanges), len(told)) >= chat.answers_per_thread:
                notice = f"limit-{thread.comment_id}"
                if any(has_answer(body, notice) for body in ours):
                    return ()
                return (Reply(thread.id, thread.comment_id, limit_text(chat.answers_per_thread, case.command), notice),)
        today = await self.talks.answers_to(case.person, self.now() - _DAY)
        return () if today >= chat.answers_per_person else None

    def _purchase(self, case: _Case) -> Purchase:
        config = case.config
        model = self.model(config)
        return Purchase(
            model,
            self.store,
            f"chat-{case.key}-{_digest(case.talk, case.task)[:12]}",
            _digest("chat", case.talk, case.task, case.key, case.pull.head_sha, model.id),
            min(config.chat.max_output_tokens, config.model.max_output_tokens),
            CostBudget(config.limits.max_cost_usd),
        )

    async def _plan(self, case: _Case, earlier: list[Exchange], window: int) -> _Plan:
        """How it is put: as the next exchange of the talk and, where that goes on from something, as a new talk."""
        material = Material(self.source, case.pull, case.around, case.config, window)
        rights = MAY_WRITE if is_trusted(case.login, case.thread, case.around) else UNKNOWN
        said = Said(case.login, rights, case.words, case.request.comment_id or 0)

        async def whole() -> Wording:
            return case.wording(await material.question(case.task, case.thread, said))

        async def alone() -> Wording:
            return case.wording(question)

        if case.config.model.store:
            last = next((exchange for exchange in reversed(earlier) if exchange.response_id and case.goes_on), None)
            if last is not None and case.thread is not None:
                question = await material.sequel(case.task, case.thread, said, last)
                before = last.input_tokens + last.output_tokens
                first = case.wording(question, Talk(follows=last.response_id), before)
                return _Plan(_ready(first), whole, goes_on=True, notes=question.notes)
        question = await material.question(case.task, case.thread, said)
        past = (
            [exchange for exchange in earlier if exchange.items] if case.goes_on and not case.config.model.store else []
        )
        talk = history([Past(exchange.key, exchange.items) for exchange in past])
        first = case.wording(question, talk, sum(exchange.output_tokens for exchange in past))
        return _Plan(_ready(first), alone, goes_on=bool(talk.items), notes=question.notes)

    async def _remember(self, case: _Case, answer: Answer) -> None:
        """Keep the exchange, so that the next one can go on from it and the limits hold."""
        kept = case.config.model.store
        exchange = Exchange(
            case.talk,
            case.key,
            case.person,
            case.pull.head_sha,
            answer.response_id if kept and case.goes_on else "",
            answer.items if not kept and case.goes_on else (),
            answer.usage.input_tokens,
            answer.usage.output_tokens,
        )
        with suppress(StoreError):  # what was paid for is said all the same
            await self.talks.add(exchange)

    async def _acts(self, case: _Case, reply: ChatReply, notes: tuple[str, ...]) -> tuple[Act, ...]:
        thread = case.thread
        if not reply.withdraws or thread is None:
            return (case.act(answer_text(reply, notes)),) if reply.answer else ()
        # Whoever may not write here could else talk the reviewer of their own change out of everything.
        if not is_trusted(case.login, thread, case.around) and not await self.may_write(case.login):
            return (case.act(doubt_text(reply, case.command, notes)),)
        return case.act(withdrawal_text(reply, notes)), Resolve(thread.id)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The wordings of a question; ``whole`` is the other one where the first ``goes_on`` from an earlier exchange."""

    first: Later
    whole: Later
    goes_on: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """One thing to be answered, and what is known of it."""

    task: Task
    thread: ReviewThread | None
    words: str
    request: JobRequest
    pull: PullRequest
    around: Surroundings
    config: Config

    @property
    def key(self) -> str:
        return str(self.request.comment_id) if self.request.comment_id else ""

    @property
    def login(self) -> str:
        return self.request.requested_by

    @property
    def person(self) -> str:
        return f"{self.request.ref.host}/{self.login}"

    @property
    def talk(self) -> str:
        """What the exchanges go by: the thread or, for what was asked in none, the pull request."""
        place = self.thread.id if self.thread else self.request.comment_kind
        return f"{self.request.ref.host}/{self.request.ref}:{place}"

    @property
    def goes_on(self) -> bool:
        """Whether exchanges build on each other: a question about the change stands for itself."""
        return self.task is not Task.ASK

    @property
    def command(self) -> str:
        return self.config.triggers.command or "@reviewbot"

    def act(self, text: str) -> Act:
        if self.thread is None:
            return StatusAnswer(self.key, text)
        return Reply(self.thread.id, self.thread.comment_id, text, self.key)

    def wording(self, question: Question, talk: Talk | None = None, before: int = 0) -> Wording:
        return Wording(build_chat_prompt(question, self.config, self.talk, talk).prompt, before)


def _ready(wording: Wording) -> Later:
    async def ready() -> Wording:
        return wording

    return ready


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()


def _same(one: str, other: str) -> bool:
    return bool(one) and one.casefold().removesuffix("[bot]") == other.casefold().removesuffix("[bot]")
