"""One answer that is bought outside of a review: at most once, within the limit on the cost, booked like a run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from reviewbot.core.change.diff import Diff
from reviewbot.core.change.pull_request import PullRequest
from reviewbot.core.context.prompt import Answer, Prompt
from reviewbot.core.context.tokens import count_tokens
from reviewbot.core.cost import CostBudget, Usage
from reviewbot.core.report.outcome import Coverage, ReviewOutcome
from reviewbot.errors import (
    ConfigError,
    ModelError,
    ReplyError,
    ReviewbotError,
    StoreError,
    TalkForgotten,
)
from reviewbot.flows.questions import cost_of_failure
from reviewbot.ports import Model, RunStore

_T = TypeVar("_T")
_TRIES = 2  # of an answer that is not the JSON asked for
_LEAST_OUTPUT = 1_000  # below this a reasoning model has no room left to say anything
_FRAME = 200  # tokens that the schema adds, rounded up
VERDICT = "answered"


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to put a question; ``before`` are the tokens that the provider reads of earlier exchanges."""

    prompt: Prompt
    before: int = 0


Later = Callable[[], Awaitable[Wording]]  # some cost calls to GitHub, and are seldom needed


@dataclass(slots=True)
class Purchase:
    """``run_id`` is the same for each attempt at the same answer, ``key`` names it among the paid ones."""

    model: Model
    store: RunStore
    run_id: str
    key: str
    max_output_tokens: int
    budget: CostBudget
    usage: Usage = field(default_factory=Usage)
    saved_usd: float = 0.0
    unpriced: bool = False

    async def made(
        self, pull: PullRequest, wordings: Sequence[Later], read: Callable[[str], _T]
    ) -> tuple[_T, Answer] | None:
        """The answer, read; None when the money does not reach. A further wording is tried when the provider has
        forgotten what the one before goes on from. Raises ReviewbotError as the model and ``read`` do; what was spent
        by then is booked."""
        if self.budget.limit_usd is not None and self.model.price is None:
            raise ConfigError(
                f"The price of {self.model.id!r} (or of a fallback) is not known: limits.max_cost_usd cannot be kept.",
                remedy="Choose a model that `reviewbot doctor` lists with a price, or drop the limit.",
            )
        await self.store.start_run(self.run_id, pull, self.model.id)
        try:
            said = await self._said(wordings, read)
        except ReviewbotError as error:
            await self._failed(str(error))
            raise
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._failed("interrupted")
            raise
        await self._booked(pull, said[1] if said else None)
        return said

    async def _said(self, wordings: Sequence[Later], read: Callable[[str], _T]) -> tuple[_T, Answer] | None:
        stored = await self.store.answer(self.key)
        if stored is not None:
            self.saved_usd = stored.cost_usd or 0.0
            return read(stored.text), stored
        for left, wording in zip(range(len(wordings) - 1, -1, -1), wordings, strict=True):
            try:
                return await self._asked(await wording(), read)
            except TalkForgotten:
                if not left:
                    raise
        raise AssertionError("the loop returns or raises")

    async def _asked(self, wording: Wording, read: Callable[[str], _T]) -> tuple[_T, Answer] | None:
        for left in range(_TRIES - 1, -1, -1):
            answer = await self._bought(wording)
            if answer is None:
                return None
            try:
                said = read(answer.text)
            except ReplyError:
                if not left:
                    raise
                continue
            with suppress(StoreError):  # no reason to lose what the answer says
                await self.store.keep_answer(self.run_id, self.key, answer)
            return said, answer
        raise AssertionError("the loop returns or raises")

    async def _bought(self, wording: Wording) -> Answer | None:
        allowed, dearest = self._allowed(wording)
        if allowed < min(_LEAST_OUTPUT, self.max_output_tokens):
            return None
        try:
            answer = await self.model.answer(wording.prompt, allowed)
        except ModelError as error:
            self.unpriced = self.unpriced or (self.model.price is None and error.usage is not None)
            self._pay(error.usage, cost_of_failure(error, self.model.price, dearest))
            raise
        self.unpriced = self.unpriced or answer.cost_usd is None
        self._pay(answer.usage, dearest if answer.cost_usd is None else answer.cost_usd)
        return answer

    def _allowed(self, wording: Wording) -> tuple[int, float]:
        """The output tokens that the money reaches for, and what the answer then costs at most."""
        price = self.model.price
        if self.budget.limit_usd is None or price is None:
            return self.max_output_tokens, 0.0
        prompt = wording.prompt
        size = count_tokens(prompt.instructions) + count_tokens(prompt.text) + _FRAME + wording.before
        allowed = self.budget.output_allowance(price, size, self.max_output_tokens)
        return allowed, price.of(Usage(1, size, max(allowed, 0)))

    def _pay(self, usage: Usage | None, spent: float) -> None:
        self.usage = self.usage + usage if usage is not None else self.usage
        self.budget = self.budget.settle(0.0, spent)

    async def _failed(self, why: str) -> None:
        with suppress(StoreError):  # the reader must hear of the first error
            await self.store.fail_run(self.run_id, why, self.usage, self.budget.spent_usd)

    async def _booked(self, pull: PullRequest, answer: Answer | None) -> None:
        outcome = ReviewOutcome(
            self.run_id,
            pull,
            VERDICT if answer else "skipped",
            Coverage(()),
            Diff(()),
            model=answer.model if answer else self.model.id,
            skip_reason="" if answer else "over limits.max_cost_usd",
            usage=self.usage,
            cost_usd=None if self.unpriced else self.budget.spent_usd,
            saved_usd=self.saved_usd,
        )
        with suppress(StoreError):  # what was paid for is said all the same
            await self.store.finish_run(outcome)
