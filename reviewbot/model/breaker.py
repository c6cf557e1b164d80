"""A circuit breaker for the model provider: Breaker, shared by the runs of a process, and BreakerModel round a model.

closed ──(`threshold` outages in a row)──> open ──(`open_seconds` later)──> one probe is let through
   ^                                         ^                                        │
   └─────────(the provider answered)─────────┼────────────────────────────────────────┤
                                             └───────────────(an outage)──────────────┘

It counts what says that the provider, or the way to it, is down: ModelUnreachable, ModelTimeout, ModelFailed and
ModelStreamCut, each after the client's own retries. The last two were accepted, so they may have been paid for: five of
them in a row are also money. Everything else that a provider says (a refusal, a wrong request, a cut answer, no such
model) proves that it is up, and so does an account without money or a key that is wrong. Those two fail every request,
too, but at once and for nothing, and their errors say what to do and are not retried; an open breaker would put a vague
error that is retried in their place. A rate limit proves neither: a busy provider sends it, and one that asks for
minutes of patience with a 503.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from reviewbot import errors

if TYPE_CHECKING:
    from reviewbot.core.context.prompt import Answer, Prompt
    from reviewbot.core.cost import Price
    from reviewbot.ports import Model

_OUTAGES = (errors.ModelUnreachable, errors.ModelTimeout, errors.ModelFailed, errors.ModelStreamCut)


class Sign(StrEnum):
    """What the end of a call says about the provider."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


def sign_of(error: errors.ModelError) -> Sign:
    """What an error says about the provider."""
    if isinstance(error, _OUTAGES):
        return Sign.DOWN
    return Sign.NONE if isinstance(error, errors.ModelRateLimited) else Sign.UP


@dataclass(frozen=True, slots=True)
class Circuit:
    """Where a breaker stands. ``until`` is None while it is closed, else the time from which a probe may go; ``epoch``
    counts its changes, so that the end of a call that began before one of them changes nothing."""

    failures: int = 0
    until: float | None = None
    probing: bool = False
    epoch: int = 0

    def entered(self, now: float) -> Circuit | None:
        """The circuit with one more call under way, None when it may not go."""
        if self.until is None:
            return self
        if self.probing or now < self.until:
            return None
        return replace(self, probing=True, epoch=self.epoch + 1)

    def left(self, epoch: int, sign: Sign, now: float, threshold: int, open_seconds: float) -> Circuit:
        """The circuit after the end of a call that was let in at ``epoch``."""
        if epoch != self.epoch:
            return self
        if sign is Sign.UP:
            return Circuit(epoch=self.epoch + self.probing)
        if sign is Sign.NONE:  # a probe that was cancelled leaves its turn to the next
            return replace(self, probing=False, epoch=self.epoch + self.probing)
        failures = self.failures + 1
        if self.probing or failures >= threshold:
            return Circuit(failures, now + open_seconds, epoch=self.epoch + 1)
        return replace(self, failures=failures)


class Breaker:
    """Opens after ``threshold`` outages in a row, for ``open_seconds``. Thread-safe. ``on_change`` is told whenever it
    opens (True) or closes (False)."""

    def __init__(
        self,
        threshold: int = 5,
        open_seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[bool], None] | None = None,
    ) -> None:
        self._threshold, self._seconds = max(1, threshold), open_seconds
        self._clock, self._on_change = clock, on_change
        self._lock = threading.Lock()
        self._circuit = Circuit()
        self._last = ""

    @property
    def is_open(self) -> bool:
        """True until a probe has shown that the provider answers."""
        return self._circuit.until is not None

    @property
    def detail(self) -> str:
        """One sentence for a status page."""
        now, at = self._clock(), self._circuit
        if at.until is None:
            return f"{at.failures} outages in a row." if at.failures else "The provider answers."
        failed = f"{at.failures} requests in a row failed ({self._last})"
        return f"{failed}; {'one is tried now' if at.probing else _when(at.until - now)}."

    def enter(self) -> int:
        """Begin a call; what comes back is for `leave`. Raises ModelUnreachable while the breaker is open."""
        with self._lock:
            entered = self._circuit.entered(self._clock())
            if entered is not None:
                self._circuit = entered
                return entered.epoch
        error = errors.ModelUnreachable(
            f"The model provider is not asked at present: {self.detail}",
            remedy="Look at the provider's status page; a later run asks it again.",
        )
        error.retry_after = max(0.0, (self._circuit.until or 0.0) - self._clock())
        raise error

    def leave(self, epoch: int, sign: Sign, name: str = "") -> None:
        """End a call; ``name`` is the error's class."""
        with self._lock:
            before = self._circuit
            self._circuit = before.left(epoch, sign, self._clock(), self._threshold, self._seconds)
            if sign is Sign.DOWN and self._circuit is not before:
                self._last = name
            if self._on_change is not None and (before.until is None) != (self._circuit.until is None):
                self._on_change(self.is_open)


class BreakerModel:
    """``model``, asked only while ``breaker`` lets it. An error that the breaker raises cost nothing and is retryable;
    the model's own pass through as they are."""

    def __init__(self, model: Model, breaker: Breaker) -> None:
        self._model = model
        self._breaker = breaker

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
        """Raises ModelUnreachable at once while the breaker is open, and every ModelError of the model."""
        epoch = self._breaker.enter()
        sign, name = Sign.NONE, ""  # a call that was cancelled says nothing
        try:
            answer = await self._model.answer(prompt, max_output_tokens)
        except errors.ModelError as error:
            sign, name = sign_of(error), type(error).__name__
            raise
        else:
            sign = Sign.UP
            return answer
        finally:
            self._breaker.leave(epoch, sign, name)


def _when(seconds: float) -> str:
    return f"the next try is in {math.ceil(seconds)} s" if seconds > 0 else "the next request is a try"
