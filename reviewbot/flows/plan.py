"""Between reading and asking: how the scope is cut into chunks, and how each becomes a question."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from reviewbot.core.context.chunking import Chunk, cut
from reviewbot.core.context.prompt import PreparedPrompt, brief, build_prompt, path_rules
from reviewbot.core.context.shown_change import MOST_OUTLINE, outline
from reviewbot.core.context.tokens import count_tokens, upper_bound
from reviewbot.errors import ConfigError
from reviewbot.flows.collection import Collected

_FRAME = 2_000  # tokens that tags, the schema and the provider's own framing may take
_LEAST = 1_000  # tokens of a change below which asking makes no sense


@dataclass(frozen=True, slots=True)
class Plan:
    """The chunks of one run, and what turns one into a question."""

    chunks: tuple[Chunk, ...]
    prepare: Callable[[Chunk], PreparedPrompt]


def plan_chunks(collected: Collected, window: int) -> Plan:
    """Cut the scope for a model that takes ``window`` input tokens: no prompt is longer, unless one line of the change
    is. Raises ConfigError when the words round a change leave no room for it."""
    config, files, heads = collected.config, collected.scope.files, collected.heads
    digest = hashlib.sha256()
    for file in collected.diff.files:
        digest.update(file.header)
        for hunk in file.hunks:
            digest.update(hunk.header + hunk.body)
    brief_with = partial(brief, collected.pull, collected.surroundings, config, digest.hexdigest())
    alone = brief_with()
    words = (alone.instructions, alone.opening, path_rules([file.path for file in files], alone))
    room = window - _FRAME - sum(map(upper_bound, words))
    if room < config.chunks.target_tokens + MOST_OUTLINE:
        room = window - _FRAME - sum(map(count_tokens, words))
    listed = min(MOST_OUTLINE, room // 4)
    if room - listed < _LEAST:
        raise ConfigError(
            f"The model takes {window:,} tokens, of which instructions, description and rules leave {max(room, 0):,}.",
            remedy="Choose a model with a larger window, or shorten AGENTS.md, CLAUDE.md and the instructions by path.",
        )
    chunks = cut(files, heads, config.chunks, room - listed, collected.offered)
    briefing = brief_with(outline(files, heads, listed)) if len(chunks) > 1 else alone
    return Plan(chunks, lambda chunk: build_prompt(chunk, briefing, heads))
