"""Pure: Chunk + PullRequest + Evidence -> Prompt. All prompt texts live here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reviewbot.core.cost import Usage


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question to the model, ready to be sent: constant instructions, the text, and the schema of the answer.

    ``cache_key`` is the same for all prompts of one pull request, so that the provider caches their common prefix.
    """

    instructions: str
    text: str
    schema_name: str
    schema: dict[str, Any]
    cache_key: str
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of a model to a Prompt. ``reused`` is true when it came from the store and cost nothing now."""

    text: str
    model: str
    usage: Usage
    cost_usd: float | None
    response_id: str = ""
    seconds: float = 0.0
    reused: bool = False
    notes: tuple[str, ...] = ()
