"""The client of the Responses API: one request in, one finished answer or one error out (ResponsesClient).

How bytes are exchanged is in transport.py, what an answer means in verdict.py; here an answer is asked for, tried
again, polled, paid for and cancelled.
"""

from __future__ import annotations

import itertools
import json
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import anyio

from reviewbot import errors
from reviewbot.core.cost import Usage
from reviewbot.model.catalogue import end_of_life, facts_for, provider_of
from reviewbot.model.limiter import Limiter
from reviewbot.model.transport import Transport, read_answer, read_document, read_mapping, read_nothing
from reviewbot.model.verdict import Fault, HttpRefusal, RetryPolicy, answer_fault, http_fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from reviewbot.errors import ModelError
    from reviewbot.model.limiter import Ticket
    from reviewbot.model.wire import Response, ResponseRequest

_T = TypeVar("_T")

_COUNTED = {  # the parameters of POST /responses/input_tokens, by OpenAI's description
    *("model", "input", "instructions", "previous_response_id", "conversation", "reasoning", "text", "truncation"),
    *("tools", "tool_choice", "parallel_tool_calls"),
}
_BROKEN_OFF = (errors.ModelStreamCut, errors.ModelFailed, errors.ReplyError)  # begun, and so probably charged
_CANCEL_SECONDS = 10.0
_FIRST_POLL, _LONGEST_POLL, _POLL_GROWTH = 0.5, 15.0, 1.5
_SILENCE_SECONDS = 30.0  # a thinking model may be silent for minutes, a small call may not


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the client's time and chance come from."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    chance: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Completed:
    """A complete answer. ``usage`` adds up all attempts that were paid for; ``usage_known`` is false when the provider
    did not report the usage of this answer; ``notes`` say what else the caller should know."""

    response: Response
    usage: Usage
    usage_known: bool = True
    attempts: int = 1
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Bill:
    """What one call was charged for so far, over its attempts."""

    usage: Usage | None = None
    response_id: str | None = None
    attempts: int = 0
    unreported: int = 0
    ticket: Ticket | None = None

    def add(self, usage: Usage | None) -> None:
        if usage is not None:
            self.usage = usage if self.usage is None else self.usage + usage

    def add_unreported(self) -> None:
        """An attempt that was begun, and so probably charged, without a word on how much."""
        self.add(Usage(requests=1))
        self.unreported += 1

    def add_failed(self, error: ModelError) -> None:
        """Book what a failed attempt cost, and let its error carry the bill so far."""
        self.add(error.usage)
        if error.usage is None and isinstance(error, _BROKEN_OFF):
            self.add_unreported()
        error.usage = self.usage

    def began(self, response_id: str | None) -> None:
        self.response_id = response_id

    def settled(self, response: Response) -> Completed:
        paid = response.paid()
        self.add(paid or Usage(requests=1))
        lost = f"{self.unreported} earlier attempt(s) at this answer broke off; what they cost is not known."
        return Completed(
            response, self.usage or Usage(), paid is not None, self.attempts, (lost,) if self.unreported else ()
        )


class ResponsesClient:
    """Talks to one provider. An async context manager; closing it closes the connections it opened itself.

    All methods raise ModelError; ``error.usage`` is what was paid for on the way. Cancelling the surrounding scope
    closes the stream at once (which stops the spending), and cancels an answer that is made in the background.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        http: httpx.AsyncClient | None = None,
        policy: RetryPolicy | None = None,
        limiter: Limiter | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._transport = Transport(base_url, api_key, http)
        self._policy = policy or RetryPolicy()
        self._clock = clock or Clock()
        self._limiter = limiter or Limiter(clock=self._clock.monotonic, sleep=self._clock.sleep)

    def __repr__(self) -> str:
        return f"ResponsesClient({str(self._transport.base)!r})"

    async def __aenter__(self) -> ResponsesClient:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._transport.aclose()

    # ---- answers -----------------------------------------------------------------------------------------------------

    async def create(self, request: ResponseRequest) -> Completed:
        """One complete answer: streamed, at once, or made in the background and polled, as the request says. Raises
        ModelIncomplete, ModelRefused, ModelFailed, ModelStreamCut, ReplyError, ... where it is not complete, and
        ModelTimeout when the deadline over all attempts passes."""
        body = (request.model_copy(update={"stream": None}) if request.background else request).payload()
        ask = self._in_background if request.background else self._at_once
        bill = _Bill()
        response = await self._retrying(partial(ask, request.model, body, bill), bill, _rough_tokens(body))
        return bill.settled(response)

    async def _at_once(self, model: str, body: dict[str, Any], bill: _Bill) -> Response | Fault:
        read = partial(read_answer, began=bill.began)
        outcome = await self._send("POST", "responses", read, body, model=model, silence=None)
        if isinstance(outcome, Fault):
            if bill.ticket is not None and not isinstance(outcome.error, errors.ModelStreamCut):
                self._limiter.settle(bill.ticket, 0)  # refused before any token was read
            return outcome
        if bill.ticket is not None and (paid := outcome.paid()) is not None:
            self._limiter.settle(bill.ticket, paid.input_tokens + paid.output_tokens)
        return answer_fault(outcome, ending=self._ending(model)) or outcome

    async def _in_background(self, model: str, body: dict[str, Any], bill: _Bill) -> Response | Fault:
        document = await self._send("POST", "responses", read_document, body, model=model)
        if isinstance(document, Fault):
            return document
        bill.response_id = document.id
        try:
            document = await self._polled(document, bill)
        except errors.ModelError as error:
            return Fault(error, retry=False)
        return answer_fault(document, ending=self._ending(model)) or document

    async def _polled(self, document: Response, bill: _Bill) -> Response:
        """The document once it has ended; if we stop waiting for whatever reason, it is cancelled at the provider."""
        pause = _FIRST_POLL
        ended = False
        try:
            while document.status in ("queued", "in_progress"):
                if document.id is None:
                    raise errors.ReplyError("The provider began an answer in the background without naming it.")
                await self._clock.sleep(pause)
                pause = min(_LONGEST_POLL, pause * _POLL_GROWTH)
                document = await self.retrieve(document.id)
            ended = True
            return document
        finally:
            if not ended and document.id is not None:
                with anyio.move_on_after(_CANCEL_SECONDS, shield=True), suppress(errors.ModelError):
                    bill.add((await self.cancel(document.id)).paid())

    async def retrieve(self, response_id: str) -> Response:
        """A stored answer as it is now, ended or not."""
        return await self._call("GET", f"responses/{quote(response_id, safe='')}", read_document)

    async def cancel(self, response_id: str) -> Response:
        """Stop an answer that is made in the background."""
        return await self._call("POST", f"responses/{quote(response_id, safe='')}/cancel", read_document)

    async def delete(self, response_id: str) -> None:
        """Let the provider forget a stored answer."""
        await self._call("DELETE", f"responses/{quote(response_id, safe='')}", read_nothing)

    async def input_tokens(self, request: ResponseRequest) -> int:
        """The exact count of the request's input tokens, before spending anything."""
        body = {name: value for name, value in request.payload().items() if name in _COUNTED}
        counted = await self._call("POST", "responses/input_tokens", read_mapping, body, model=request.model)
        count = counted.get("input_tokens")
        if not isinstance(count, int):
            raise errors.ReplyError("The provider answered without a count of input tokens.")
        return count

    async def model_entry(self, model_id: str) -> dict[str, Any]:
        """The provider's own entry of a model; its ``shutdown_date`` is an ISO date or null. Raises ModelNotFound."""
        return await self._call("GET", f"models/{quote(model_id, safe='/')}", read_mapping, model=model_id)

    # ---- sending -----------------------------------------------------------------------------------------------------

    async def _call(
        self,
        method: str,
        path: str,
        read: Callable[[httpx.Response], Awaitable[_T | Fault]],
        body: dict[str, Any] | None = None,
        *,
        model: str = "",
    ) -> _T:
        return await self._retrying(partial(self._send, method, path, read, body, model=model), _Bill())

    async def _send(
        self,
        method: str,
        path: str,
        read: Callable[[httpx.Response], Awaitable[_T | Fault]],
        body: dict[str, Any] | None = None,
        *,
        model: str = "",
        silence: float | None = _SILENCE_SECONDS,
    ) -> _T | Fault:
        outcome = await self._transport.send(method, path, read, body, silence=silence)
        if isinstance(outcome, HttpRefusal):
            return http_fault(outcome, model=model, ending=self._ending(model), now=self._clock.now())
        return outcome

    async def _retrying(
        self, attempt: Callable[[], Awaitable[_T | Fault]], bill: _Bill, tokens: int | None = None
    ) -> _T:
        """What one of several attempts comes to. Waiting for our own limiter does not count against the deadline."""
        spent = 0.0
        for bill.attempts in itertools.count(1):
            if tokens is not None:
                bill.ticket = await self._limiter.admit(tokens)
            started = self._clock.monotonic()
            with anyio.move_on_after(self._policy.deadline - spent) as scope:
                outcome = await attempt()
            if scope.cancelled_caught:
                raise self._too_late(bill)
            if not isinstance(outcome, Fault):
                return outcome
            spent += self._clock.monotonic() - started
            bill.add_failed(outcome.error)
            step = self._policy.decide(outcome, bill.attempts, spent, self._clock.chance())
            if isinstance(step, errors.ModelError):
                raise self._transport.without_key(step)
            if outcome.wait is not None:
                self._limiter.hold(outcome.wait)
            await self._clock.sleep(step)
            spent += step
        raise AssertionError("unreachable: the policy ends the loop")

    def _too_late(self, bill: _Bill) -> errors.ModelTimeout:
        if bill.response_id is not None and bill.usage is None:
            bill.add_unreported()
        return errors.ModelTimeout(
            f"No answer within {self._policy.deadline:g} s.",
            remedy="Raise model.timeout_seconds, lower model.effort, or set model.background.",
            usage=bill.usage,
            response_id=bill.response_id,
        )

    def _ending(self, model: str) -> str:
        """What the reader of an error about this model should know and do."""
        today = datetime.fromtimestamp(self._clock.now(), UTC).date()
        known = end_of_life(facts_for(model), today, provider_of(str(self._transport.base))) if model else None
        return f"{known} Set model.id (or --model) to a model that is served." if known else ""


def _rough_tokens(body: dict[str, Any]) -> int:
    """A guess on the high side, for the limiter; settled with the true count afterwards."""
    return len(json.dumps([body.get("input"), body.get("instructions")], ensure_ascii=False)) // 3
