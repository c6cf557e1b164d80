"""What a running review tells whoever watches it. Values only; the doors decide how to show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from reviewbot.core.cost import Usage

Stage = Literal["collecting", "asking", "placing", "posting", "done"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands: ``done`` of ``total`` chunks, and what was used and spent up to now (this run only)."""

    stage: Stage
    detail: str = ""
    done: int = 0
    total: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0


Watch = Callable[[Progress], None]


def unwatched(_: Progress) -> None:
    """For runs that nobody watches."""
