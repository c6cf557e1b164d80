"""Between reading and asking: how the scope is cut into chunks, and how each becomes a question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reviewbot.core.context.chunking import Chunk
from reviewbot.core.context.prompt import PreparedPrompt
from reviewbot.flows.collection import Collected


@dataclass(frozen=True, slots=True)
class Plan:
    """The chunks of one run, and what turns one into a question."""

    chunks: tuple[Chunk, ...]
    prepare: Callable[[Chunk], PreparedPrompt]
    notes: tuple[str, ...] = ()


def plan_chunks(collected: Collected, window: int) -> Plan:
    """Cut the scope for a model that takes ``window`` input tokens."""
    raise NotImplementedError
