"""Between reading and asking: how the scope is cut into chunks, and how each becomes a question."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from reviewbot.core.context.chunking import Chunk, cut
from reviewbot.core.context.prompt import PreparedPrompt, brief, build_prompt
from reviewbot.core.context.shown_change import MOST_OUTLINE, outline
from reviewbot.core.context.tokens import upper_bound
from reviewbot.flows.collection import Collected

_FRAME = 4_000  # tokens that tags, the schema and the provider's own framing may take


@dataclass(frozen=True, slots=True)
class Plan:
    """The chunks of one run, and what turns one into a question."""

    chunks: tuple[Chunk, ...]
    prepare: Callable[[Chunk], PreparedPrompt]


def plan_chunks(collected: Collected, window: int) -> Plan:
    """Cut the scope for a model that takes ``window`` input tokens."""
    config, files, heads = collected.config, collected.scope.files, collected.heads
    digest = hashlib.sha256()
    for file in collected.diff.files:
        digest.update(file.header)
        for hunk in file.hunks:
            digest.update(hunk.header + hunk.body)
    brief_with = partial(brief, collected.pull, collected.surroundings, config, digest.hexdigest())
    alone = brief_with()
    taken = upper_bound(alone.instructions) + upper_bound(alone.opening) + MOST_OUTLINE + _FRAME
    chunks = cut(files, heads, config.chunks, window - taken)
    briefing = brief_with(outline(files, heads)) if len(chunks) > 1 else alone
    return Plan(chunks, lambda chunk: build_prompt(chunk, briefing, heads))
