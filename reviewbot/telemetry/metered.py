"""MeteredModel: a Model whose answers are counted and, when traces are on, have a span each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from anyio import get_cancelled_exc_class

from reviewbot.errors import ModelError
from reviewbot.telemetry.table import OTHER
from reviewbot.telemetry.traces import span

if TYPE_CHECKING:
    from collections.abc import Callable

    from reviewbot.core.context.prompt import Answer, Prompt
    from reviewbot.core.cost import Price, Usage
    from reviewbot.ports import Model
    from reviewbot.telemetry.metrics import Metrics
    from reviewbot.telemetry.traces import Span


class MeteredModel:
    """``model``, with time, outcome, tokens and dollars of each answer told to ``metrics``, under the model's own name.

    What a failed answer used is counted, too. It stands inside a breaker, so that it sees only what was sent.
    """

    def __init__(self, model: Model, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._model = model
        self._metrics = metrics
        self._clock = clock

    @property
    def id(self) -> str:
        return self._model.id

    @property
    def window(self) -> int:
        return self._model.window

    @property
    def price(self) -> Price | None:
        return self._model.price

    def request_key(self, prompt: Prompt, max_output_tokens: int) -> str:
        return self._model.request_key(prompt, max_output_tokens)

    async def answer(self, prompt: Prompt, max_output_tokens: int) -> Answer:
        """The model's own answer or error, unchanged."""
        started, outcome = self._clock(), OTHER
        with span("model.answer", model=self.id, max_output_tokens=max_output_tokens) as traced:
            try:
                answer = await self._model.answer(prompt, max_output_tokens)
            except ModelError as error:
                outcome = type(error).__name__
                if error.usage is not None:
                    self._spent(error.usage, self.price.of(error.usage) if self.price else None, traced)
                raise
            except get_cancelled_exc_class():
                outcome = "cancelled"
                raise
            else:
                outcome = "ok"
                if not answer.reused:
                    self._spent(answer.usage, answer.cost_usd, traced)
                return answer
            finally:
                self._metrics.model_answer(self.id, outcome, self._clock() - started)

    def _spent(self, usage: Usage, cost_usd: float | None, traced: Span) -> None:
        model, metrics = self.id, self._metrics
        metrics.tokens(model, "input", usage.input_tokens)
        metrics.tokens(model, "output", usage.output_tokens)
        metrics.tokens(model, "cached_input", usage.cached_input_tokens or 0)
        metrics.tokens(model, "reasoning", usage.reasoning_tokens or 0)
        metrics.cost(model, cost_usd or 0.0)
        traced.set(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cost_usd=cost_usd or 0.0)
