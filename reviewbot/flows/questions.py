"""The middle of a run: chunks become questions, within the money and the model's window, and answers become replies.

The first question goes alone, so that the provider has cached the common prefix when the others follow in parallel.
A question that is too long, or whose answer was cut, is halved and asked again, a few times. What still fails is named,
never lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

import anyio
import anyio.lowlevel

from reviewbot.core.context.chunking import Chunk
from reviewbot.core.context.prompt import Answer, PreparedPrompt, Prompt
from reviewbot.core.context.tokens import count_tokens
from reviewbot.core.cost import CostBudget, Price, Usage
from reviewbot.core.findings.finding import Reply
from reviewbot.errors import (
    ContextLengthExceeded,
    ModelError,
    ModelIncomplete,
    ModelNotFound,
    ModelNotTrusted,
    ModelQuotaExceeded,
    ModelRateLimited,
    ModelRejected,
    ModelTimeout,
    ModelUnauthorized,
    ModelUnreachable,
    ReplyError,
    ReviewbotError,
    StoreError,
)
from reviewbot.flows.progress import Progress, Watch
from reviewbot.ports import Model, RunStore

Ask = Callable[[PreparedPrompt], Awaitable[Answer | None]]
Fate = Literal["reviewed", "over-budget", "failed"]
FATAL = (ModelNotTrusted, ModelUnauthorized, ModelQuotaExceeded, ModelNotFound, ModelRejected)
_LEAST_OUTPUT = 2_000  # below this a reasoning model has no room left to say anything
_REPLY_TRIES = 2
_MOST_OUTAGES = 3  # questions in a row, each tried several times
_MOST_HALVINGS = 4  # into 16 parts at most: a model that takes nothing must not be asked line by line
SCHEMA_TOKENS = 600  # what the schema of the answer adds to a request, rounded up


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one chunk: a reply, or the reason why there is none (``fate`` is over-budget or failed then)."""

    chunk: Chunk
    fate: Fate
    reason: str = ""
    reply: Reply | None = None
    prepared: PreparedPrompt | None = None
    error: ReviewbotError | None = None


@dataclass(slots=True)
class Interview:
    """One run's questions. Holds the only mutable state of a run: the money, the usage and the first fatal error.
    ``read`` makes a reply of an answer's text and the number of its chunk, or raises ReplyError.
    ``patient`` means that the run will be begun again after an error that may pass."""

    model: Model
    store: RunStore
    run_id: str
    prepare: Callable[[Chunk], PreparedPrompt]
    read: Callable[[str, int], Reply]
    split: Callable[[Chunk], tuple[Chunk, ...]]
    max_output_tokens: int
    concurrency: int
    budget: CostBudget
    watch: Watch
    fresh: bool = False
    patient: bool = False
    usage: Usage = field(default_factory=Usage)
    saved_usd: float = 0.0
    unpriced: bool = False
    models: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost: list[ModelError] = field(default_factory=list)
    _ready: dict[int, PreparedPrompt] = field(default_factory=dict)
    _done: int = 0
    _total: int = 0
    _fatal: ReviewbotError | None = None
    _outages: int = 0
    _settled: anyio.Event = field(default_factory=anyio.Event)

    async def ask_all(
        self, chunks: tuple[Chunk, ...], prepare: Callable[[Chunk], PreparedPrompt] | None = None
    ) -> tuple[Asked, ...]:
        """Ask about every chunk, riskiest first; the results come in the order of the chunks. ``prepare`` makes another
        question of each from now on."""
        self.prepare = prepare or self.prepare
        self._total += len(chunks)
        results: dict[int, list[Asked]] = {}
        queue = sorted(chunks, key=lambda chunk: (-chunk.risk, chunk.number))
        limiter = anyio.CapacityLimiter(self.concurrency)

        async def one(chunk: Chunk) -> None:
            async with limiter:
                results[chunk.number] = await self._ask(chunk)
            self._done += 1
            self._tell()

        self._tell()
        async with anyio.create_task_group() as group:
            group.start_soon(self._prepare_ahead, queue[1 : 2 * self.concurrency])
            if queue:
                await one(queue[0])
        async with anyio.create_task_group() as group:
            for chunk in queue[1:]:
                group.start_soon(one, chunk)
        return tuple(asked for chunk in chunks for asked in results[chunk.number])

    async def extra(self, prepared: PreparedPrompt) -> Answer | None:
        """One question beside those about chunks, from the store or paid; None when the money does not reach. Raises
        ModelError, which is among ``lost`` from then on."""
        key = self.model.request_key(prepared.prompt, self.max_output_tokens)
        answer = await self.store.answer(key, only_of=self.run_id if self.fresh else "")
        if answer is not None:
            self.saved_usd += answer.cost_usd or 0.0
            self._met(answer)
            return answer
        try:
            answer = await self._buy(prepared)
        except ModelError as error:
            self._pay(error.usage, None)
            self.lost.append(error)
            raise
        if answer is not None:
            await self._keep(key, answer)
        return answer

    async def _prepare_ahead(self, chunks: list[Chunk]) -> None:
        """Make the next prompts while the first answer is awaited."""
        for chunk in chunks:
            await anyio.lowlevel.checkpoint()
            self._ready[chunk.number] = self.prepare(chunk)

    async def _ask(self, chunk: Chunk, halvings: int = _MOST_HALVINGS) -> list[Asked]:
        """One chunk, halved as often as is needed and allowed."""
        if self._fatal:
            return [Asked(chunk, "failed", f"not asked: {self._fatal.message}", error=self._fatal)]
        prepared = self._ready.pop(chunk.number, None) or self.prepare(chunk)
        try:
            reply = await self._reply(chunk, prepared)
        except (ContextLengthExceeded, ModelIncomplete) as error:
            self._pay_for_failure(chunk, error)
            filtered = isinstance(error, ModelIncomplete) and error.reason == "content_filter"
            halves = self.split(chunk) if halvings and not filtered else ()
            if not halves:
                return [Asked(chunk, "failed", error.message, prepared=prepared, error=error)]
            self._note(f"chunk {chunk.number} was halved: {error.message}")
            return [asked for half in halves for asked in await self._ask(half, halvings - 1)]
        except ReviewbotError as error:
            if isinstance(error, ModelError):
                self._pay_for_failure(chunk, error)
            if self._ends_the_run(error):
                self._fatal = self._fatal or error
            return [Asked(chunk, "failed", error.message, prepared=prepared, error=error)]
        self._outages = 0
        if reply is None:
            left = max(0.0, self.budget.left_usd)
            return [Asked(chunk, "over-budget", f"over the cost limit: ${left:.4f} left", prepared=prepared)]
        self.notes.extend(f"chunk {chunk.number}: {fault}" for fault in reply.faults)
        return [Asked(chunk, "reviewed", reply=reply, prepared=prepared)]

    def _ends_the_run(self, error: ReviewbotError) -> bool:
        """Whether no other chunk would fare better: all requests are refused, an outage, a wrong setting, the store."""
        self._outages = self._outages + 1 if isinstance(error, ModelUnreachable | ModelTimeout) else 0
        if self.patient and isinstance(error, ModelRateLimited):  # the others would be told the same
            return True
        return isinstance(error, FATAL) or not isinstance(error, ModelError) or self._outages >= _MOST_OUTAGES

    async def _reply(self, chunk: Chunk, prepared: PreparedPrompt) -> Reply | None:
        """A parsed reply, from the store if it was paid for before; None when the money does not reach."""
        key = self.model.request_key(prepared.prompt, self.max_output_tokens)
        # An attempt at a fresh run that died had paid for answers: those are as fresh.
        stored = await self.store.answer(key, only_of=self.run_id if self.fresh else "")
        if stored is not None:
            reply = self.read(stored.text, chunk.number)
            self.saved_usd += stored.cost_usd or 0.0
            self._met(stored)
            return reply
        for attempt in range(1, _REPLY_TRIES + 1):
            answer = await self._buy(prepared)
            if answer is None:
                return None
            try:
                reply = self.read(answer.text, chunk.number)
            except ReplyError:
                if attempt == _REPLY_TRIES:
                    raise
                self.notes.append(f"chunk {chunk.number} was asked again: the answer was not the JSON asked for")
                continue
            await self._keep(key, answer)
            return reply
        raise AssertionError("the loop returns or raises")

    async def _keep(self, key: str, answer: Answer) -> None:
        """Store a paid answer. A store that fails now is no reason to lose what the answer says."""
        try:
            await self.store.keep_answer(self.run_id, key, answer)
        except StoreError as error:
            self._note(f"a paid answer was not kept for the next run: {error.message}")

    async def _buy(self, prepared: PreparedPrompt) -> Answer | None:
        """Ask the model, holding back the worst case of the cost while the answer is under way; None: no money."""
        price = self.model.price
        reserved, allowed = await self._reserve(prepared.prompt, price)
        if allowed <= 0:
            return None
        spent = 0.0
        try:
            answer = await self.model.answer(prepared.prompt, allowed)
            spent = reserved if answer.cost_usd is None else answer.cost_usd
            self.unpriced = self.unpriced or answer.cost_usd is None
        except ModelError as error:
            spent = cost_of_failure(error, price, reserved)
            self.unpriced = self.unpriced or (price is None and error.usage is not None)
            raise
        finally:
            self.budget = self.budget.settle(reserved, spent)
            self._settled.set()
            self._settled = anyio.Event()  # all that wait were woken; who waits from now on waits for the next
        self._pay(answer.usage, answer)
        return answer

    async def _reserve(self, prompt: Prompt, price: Price | None) -> tuple[float, int]:
        """The dollars held back and the output tokens allowed; waits while other questions hold the money."""
        if self.budget.limit_usd is None or price is None:
            return 0.0, self.max_output_tokens
        size = count_tokens(prompt.instructions) + count_tokens(prompt.text) + SCHEMA_TOKENS
        while True:
            allowed = self.budget.output_allowance(price, size, self.max_output_tokens)
            if allowed >= min(_LEAST_OUTPUT, self.max_output_tokens):
                reserved = price.of(Usage(1, size, allowed))
                self.budget = self.budget.reserve(reserved)
                return reserved, allowed
            if self.budget.reserved_usd <= 0:
                return 0.0, 0
            await self._settled.wait()

    def _pay(self, usage: Usage | None, answer: Answer | None) -> None:
        if usage is not None:
            self.usage = self.usage + usage
        if answer is not None:
            self._met(answer)
        self._tell()

    def _pay_for_failure(self, chunk: Chunk, error: ModelError) -> None:
        self._pay(error.usage, None)
        if error.usage is not None and not error.usage.input_tokens:
            self._note(f"chunk {chunk.number}: an answer broke off, and what it cost is not known")

    def _met(self, answer: Answer) -> None:
        if answer.model not in self.models:
            self.models.append(answer.model)
        for note in answer.notes:
            self._note(note)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _tell(self) -> None:
        self.watch(Progress("asking", "", self._done, self._total, self.usage, self.budget.spent_usd))


def cost_of_failure(error: ModelError, price: Price | None, reserved: float) -> float:
    """What an answer that failed cost. One that was begun and did not say is taken for the dearest it could be
    (``reserved``, which is 0 where there is no limit to keep)."""
    if price is None:
        return 0.0
    if error.usage is None:
        return reserved if isinstance(error, ModelTimeout) else 0.0
    return price.of(error.usage) if error.usage.input_tokens else reserved
