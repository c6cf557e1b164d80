"""The Model port over the Responses API: ResponsesModel asks one model, FallbackModel the first of several that serves.

What is sent for a Prompt is decided in one place, ``build_prompt_request``, without I/O.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reviewbot import errors
from reviewbot.core.context.prompt import Answer
from reviewbot.core.cost import Price
from reviewbot.model.catalogue import adapt
from reviewbot.model.wire import InputText, Message, Reasoning, ResponseRequest, TextFormat, TextOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reviewbot.core.config import ModelSettings
    from reviewbot.core.context.prompt import Prompt
    from reviewbot.model.catalogue import ModelFacts
    from reviewbot.model.responses import ResponsesClient
    from reviewbot.ports import Model

# How an answer is delivered, kept, labelled or cached does not change what it says.
_DELIVERY = {"background", "metadata", "prompt_cache_key", "service_tier", "store", "stream"}
_OTHER_PRICES = {"flex", "scale", "priority", "fast", "ultrafast"}


def build_prompt_request(
    prompt: Prompt, settings: ModelSettings, facts: ModelFacts, max_output_tokens: int
) -> ResponseRequest:
    """The request for a prompt: strict schema, nothing kept at the provider unless the settings say so, and nothing
    that the model refuses. Of a talk the provider may leave out the oldest exchanges, which the text repeats; where it
    keeps nothing, it gives what it thought in a form that only it can read. Background answers must be kept until they
    are read. Raises ConfigError for an effort that the model does not have."""
    talk = prompt.talk
    sealed = talk is not None and not settings.store and bool(facts.efforts)
    schema = TextFormat(type="json_schema", name=prompt.schema_name, json_schema=prompt.schema, strict=True)
    request = ResponseRequest(
        model=facts.id,
        instructions=prompt.instructions,
        input=(*(talk.items if talk else ()), Message(role="user", content=(InputText(text=prompt.text),))),
        previous_response_id=(talk.follows or None) if talk else None,
        include=("reasoning.encrypted_content",) if sealed else None,
        max_output_tokens=max_output_tokens,
        reasoning=Reasoning(effort=settings.effort) if facts.efforts else None,
        text=TextOptions(format=schema),
        truncation="auto" if talk else settings.truncation,
        store=settings.store,
        stream=settings.stream,
        background=settings.background or None,
        service_tier=settings.service_tier,
        prompt_cache_key=prompt.cache_key or None,
        metadata=dict(prompt.metadata) or None,
    )
    request = adapt(request, facts)
    return request.model_copy(update={"store": True, "stream": None}) if request.background else request


@dataclass(frozen=True, slots=True)
class ResponsesModel:
    """One model at one provider. ``clock`` counts seconds."""

    client: ResponsesClient
    settings: ModelSettings
    facts: ModelFacts
    clock: Callable[[], float] = time.monotonic

    @property
    def id(self) -> str:
        return self.facts.id

    @property
    def window(self) -> int:
        return self.facts.input_limit

    @property
    def price(self) -> Price | None:
        return self.facts.price

    def request_key(self, prompt: Prompt, max_output_tokens: int) -> str:
        """SHA-256 of the request as it is sent, without what only concerns its delivery."""
        payload = build_prompt_request(prompt, self.settings, self.facts, max_output_tokens).payload()
        telling = {name: value for name, value in payload.items() if name not in _DELIVERY}
        return hashlib.sha256(json.dumps(telling, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    async def answer(self, prompt: Prompt, max_output_tokens: int) -> Answer:
        """One complete answer, with what it and its failed forerunners cost. Raises ModelError; an answer without any
        text is a ReplyError."""
        started = self.clock()
        request = build_prompt_request(prompt, self.settings, self.facts, max_output_tokens)
        try:
            done = await self.client.create(request)
        except errors.ModelError as error:
            await self._forgotten(request, error.response_id)
            raise
        response = done.response
        notes = done.notes + await self._forgotten(request, response.id)
        if not response.output_text.strip():
            empty = "The model answered without any text."
            raise errors.ReplyError(empty, usage=done.usage, response_id=response.id)
        if not done.usage_known:
            notes += ("The provider did not report what this answer used.",)
        elif response.service_tier in _OTHER_PRICES and self.price is not None:
            notes += (f"Priced at the default tier; the answer came from the tier {response.service_tier}.",)
        return Answer(
            text=response.output_text,
            model=response.model or self.id,
            usage=done.usage,
            cost_usd=self.price.of(done.usage) if self.price is not None and done.usage_known else None,
            response_id=response.id or "",
            seconds=self.clock() - started,
            notes=notes,
            items=response.items() if prompt.talk else (),
        )

    async def _forgotten(self, request: ResponseRequest, response_id: str | None) -> tuple[str, ...]:
        """Background answers are stored to be polled; one that should not be kept is deleted once it was read. Comes
        back with a note if that failed: no reason to lose the answer, but one to know of."""
        if not request.background or self.settings.store or response_id is None:
            return ()
        try:
            await self.client.delete(response_id)
        except errors.ModelError as error:
            return (f"The provider still keeps the answer {response_id}: {error.message}",)
        return ()


class FallbackModel:
    """The first of several models that is served. One that is gone or refused to this key (ModelNotFound) is passed
    over from then on, and every answer of a later one says so in its notes; no other error is a reason to change."""

    def __init__(self, models: Sequence[Model]) -> None:
        if not models:
            raise errors.ConfigError("No model is set.", remedy="Set model.id.")
        self._models = tuple(models)
        self._current = 0

    @property
    def id(self) -> str:
        """The model that is asked now."""
        return self._models[self._current].id

    @property
    def window(self) -> int:
        """The smallest of all, so that a prompt fits whichever answers."""
        return min(model.window for model in self._models)

    @property
    def price(self) -> Price | None:
        """The dearest of those that may still answer, so that a limit on the cost holds whichever does; None when one
        of these prices is not known."""
        prices = [model.price for model in self._models[self._current :]]
        known = [price for price in prices if price is not None]
        if len(known) < len(prices):
            return None
        parts = ((price.input, price.cached_input, price.output) for price in known)
        return Price(*map(max, zip(*parts, strict=True)))

    def request_key(self, prompt: Prompt, max_output_tokens: int) -> str:
        """One key for the whole chain: it is the same whichever model answers, so that a paid answer is found again."""
        keys = [model.request_key(prompt, max_output_tokens) for model in self._models]
        return keys[0] if len(keys) == 1 else hashlib.sha256("\n".join(keys).encode()).hexdigest()

    async def answer(self, prompt: Prompt, max_output_tokens: int) -> Answer:
        """The answer of the first model that is served. Raises ModelNotFound when none is, with the first one's
        remedy, and any other ModelError as it comes."""
        first: errors.ModelNotFound | None = None
        for number in range(self._current, len(self._models)):
            model = self._models[number]
            try:
                answer = await model.answer(prompt, max_output_tokens)
            except errors.ModelNotFound as error:
                first = first or error
                self._current = max(self._current, min(number + 1, len(self._models) - 1))
                continue
            return self._noted(answer, number)
        tried = ", ".join(model.id for model in self._models)
        raise errors.ModelNotFound(
            f"The provider serves none of {tried}.", remedy=first.remedy if first else ""
        ) from first

    def _noted(self, answer: Answer, number: int) -> Answer:
        if number == 0:
            return answer
        refused = ", ".join(model.id for model in self._models[:number])
        note = f"{self._models[number].id} answered, because the provider does not serve {refused}."
        return replace(answer, notes=(*answer.notes, note))
