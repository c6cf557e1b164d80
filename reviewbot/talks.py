"""The seam between whoever answers people with the model and whoever remembers these talks: Exchange, Talks.

Beside `ports.py` and not in it, because a review can be understood without it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MOST_ITEMS = 200_000  # characters of one exchange's items, as JSON


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answer of the model to a person. ``thread`` names the host, the pull request and the thread; ``key`` is the
    id of the comment that was answered; ``response_id`` and ``items`` are what the provider gave to go on from, empty
    for an answer that nothing goes on from. ``number`` counts the exchanges of a thread from 1; the store gives it."""

    thread: str
    key: str
    login: str
    head_sha: str
    response_id: str = ""
    items: tuple[dict[str, Any], ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    number: int = 0


class Talks(Protocol):
    """Remembers exchanges. Every method raises StoreError when the storage cannot be used."""

    async def exchanges(self, thread: str) -> tuple[Exchange, ...]:
        """All exchanges of a thread, oldest first."""
        ...

    async def add(self, exchange: Exchange) -> None:
        """Keep an exchange behind the others of its thread; a key that the thread has already is not kept again."""
        ...

    async def answers_to(self, login: str, since: datetime) -> int:
        """How many exchanges answered this person since then, in whatever thread; case makes no difference."""
        ...


def bounded(items: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The items, or only what was said when what was thought is too long, or none when that is too long as well."""
    said = [item for item in items if item.get("type") != "reasoning"]
    return next((tuple(kept) for kept in (items, said) if len(json.dumps(kept)) <= MOST_ITEMS), ())
