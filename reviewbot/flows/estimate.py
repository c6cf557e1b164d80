"""What a review would read and cost, before anything is spent: the same reading and cutting, no question asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from reviewbot.core.change.pull_request import PullRequest
from reviewbot.core.context.tokens import count_tokens
from reviewbot.core.cost import Price, Usage
from reviewbot.flows.collection import collect
from reviewbot.flows.plan import plan_chunks
from reviewbot.flows.progress import Progress, Watch, unwatched
from reviewbot.flows.questions import SCHEMA_TOKENS
from reviewbot.flows.review import Ports

# Output tokens of one answer, reasoning included: a clean small chunk, and a chunk with much to think about.
_LITTLE, _MUCH = 600, 8_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """``low_usd`` to ``high_usd`` is where the cost will probably lie; ``ceiling_usd`` is not passed without retries,
    because every answer is cut at model.max_output_tokens. All three are None when the price is not known."""

    pull: PullRequest
    model: str
    files: int
    skipped: tuple[tuple[str, str], ...]
    changed_lines: int
    chunks: int
    input_tokens: int
    low_usd: float | None
    high_usd: float | None
    ceiling_usd: float | None

    def as_json(self) -> str:
        return json.dumps(
            {
                "schema": 1,
                "pull_request": self.pull.label,
                "model": self.model,
                "files": self.files,
                "skipped": [{"path": path, "reason": reason} for path, reason in self.skipped],
                "changed_lines": self.changed_lines,
                "requests": self.chunks,
                "input_tokens": self.input_tokens,
                "cost_usd": {"low": self.low_usd, "high": self.high_usd, "ceiling": self.ceiling_usd},
            },
            indent=2,
        )

    def as_text(self) -> str:
        lines = [
            f"{self.pull.label}: {self.files} files to read, {len(self.skipped)} skipped, "
            f"{self.changed_lines:,} changed lines",
            f"{self.chunks} requests to {self.model}, {self.input_tokens:,} input tokens",
        ]
        if self.low_usd is None:
            lines.append(f"The price of {self.model} is not known, so no cost can be given.")
        else:
            lines.append(f"Probably ${self.low_usd:.3f} to ${self.high_usd:.3f}, at most ${self.ceiling_usd:.2f}.")
        lines += [f"  skipped {path}: {reason}" for path, reason in self.skipped[:20]]
        if len(self.skipped) > 20:
            lines.append(f"  and {len(self.skipped) - 20} more; --format json lists all")
        return "\n".join(lines)


async def estimate(ports: Ports, watch: Watch = unwatched, *, full: bool = False) -> Estimate:
    """Read and cut the change as a review would. Raises what a review raises before it asks."""
    watch(Progress("collecting"))
    collected = await collect(ports.source, await ports.source.pull_request(), ports.settle)
    collected = await ports.since(ports.source, collected, full)
    model = ports.model(collected.config)
    plan = plan_chunks(collected, model.window)
    prompts = [plan.prepare(chunk).prompt for chunk in plan.chunks]
    sizes = [count_tokens(prompt.instructions) + count_tokens(prompt.text) + SCHEMA_TOKENS for prompt in prompts]
    most = collected.config.model.max_output_tokens
    low, high, ceiling = (_cost(model.price, sizes, output) for output in (_LITTLE, min(_MUCH, most), most))
    return Estimate(
        pull=collected.pull,
        model=model.id,
        files=len(collected.scope.files),
        skipped=tuple((item.file.path, item.reason) for item in collected.scope.skipped),
        changed_lines=sum(file.changed_lines for file in collected.scope.files),
        chunks=len(plan.chunks),
        input_tokens=sum(sizes),
        low_usd=low,
        high_usd=high,
        ceiling_usd=ceiling,
    )


def _cost(price: Price | None, sizes: Sequence[int], output: int) -> float | None:
    if price is None:
        return None
    return round(sum(price.of(Usage(1, size, output)) for size in sizes), 6)
