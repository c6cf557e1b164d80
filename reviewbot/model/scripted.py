"""A Model without a provider: its answers come from a list or a function, so that everything round it can be run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import anyio

from reviewbot import errors
from reviewbot.core.context.prompt import Answer
from reviewbot.core.cost import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reviewbot.core.context.prompt import Prompt
    from reviewbot.core.cost import Price

    Said = str | Answer | errors.ModelError


class ScriptedModel:
    """Answers from ``script``: a function of the prompt, or a list used up in the order of the calls. A ModelError in
    it is raised. Deterministic; ``calls`` counts, ``prompts`` keeps what was asked.

    Usage is a stand-in: a token per four characters. ``latency`` seconds pass before each answer.
    """

    def __init__(
        self,
        script: Callable[[Prompt], Said] | Sequence[Said],
        *,
        model_id: str = "scripted",
        window: int = 272_000,
        price: Price | None = None,
        latency: float = 0.0,
    ) -> None:
        self._script = script
        self.id = model_id
        self.window = window
        self.price = price
        self._latency = latency
        self.prompts: list[Prompt] = []

    @property
    def calls(self) -> int:
        return len(self.prompts)

    def request_key(self, prompt: Prompt, max_output_tokens: int) -> str:
        asked = [self.id, prompt.instructions, prompt.text, prompt.schema_name, prompt.schema, max_output_tokens]
        asked += [asdict(prompt.talk)] if prompt.talk else []
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    async def answer(self, prompt: Prompt, max_output_tokens: int) -> Answer:
        """The script's word on this prompt. Raises ModelFailed when a list is used up."""
        number = len(self.prompts)
        self.prompts.append(prompt)
        await anyio.sleep(self._latency)
        said = self._said(prompt, number)
        if isinstance(said, errors.ModelError):
            raise said
        if isinstance(said, Answer):
            return said
        usage = Usage(1, (len(prompt.instructions) + len(prompt.text)) // 4, len(said) // 4)
        cost = None if self.price is None else self.price.of(usage)
        return Answer(said, self.id, usage, cost, response_id=f"scripted-{number + 1}", seconds=self._latency)

    def _said(self, prompt: Prompt, number: int) -> Said:
        if callable(self._script):
            return self._script(prompt)
        if number >= len(self._script):
            raise errors.ModelFailed(f"The script has {len(self._script)} answers, and this is call {number + 1}.")
        return self._script[number]
