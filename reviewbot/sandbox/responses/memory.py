"""What the Responses server remembers: prompts (for caching), the last minute's load, answers, a log of requests."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_CACHE_FROM, _CACHE_STEP = 1024, 128
_PROMPTS_KEPT = 64
_BYTES_PER_TOKEN = 3.85  # of o200k over source code


def estimate_tokens(text: str) -> int:
    """About the o200k count of source code; a caller that wants it exact passes a counter of its own."""
    return math.ceil(len(text.encode("utf-8", "replace")) / _BYTES_PER_TOKEN)


class PromptCache:
    """Prefix caching as documented: exact prefix, from 1,024 tokens in steps of 128, apart for each cache key. A prompt
    counts from when its answer is complete, so that of two at once the second pays in full."""

    def __init__(self, count_tokens: Callable[[str], int]) -> None:
        self._count = count_tokens
        self._prompts: dict[str, deque[str]] = {}

    def cached_tokens(self, key: str, prompt: str) -> int:
        longest = max((_common_prefix(prompt, earlier) for earlier in self._prompts.get(key, ())), default=0)
        tokens = self._count(prompt[:longest])
        return tokens // _CACHE_STEP * _CACHE_STEP if tokens >= _CACHE_FROM else 0

    def remember(self, key: str, prompt: str) -> None:
        self._prompts.setdefault(key, deque(maxlen=_PROMPTS_KEPT)).append(prompt)


def _common_prefix(left: str, right: str) -> int:
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class RateWindow:
    """Requests and tokens of the last minute against their limits."""

    def __init__(self, requests: int, tokens: int) -> None:
        self._limits = (requests, tokens)
        self._taken: deque[tuple[float, int]] = deque()

    def take(self, now: float, tokens: int) -> float:
        """Book a request: 0.0 when it fits, else the seconds until it does (and nothing is booked)."""
        while self._taken and self._taken[0][0] <= now - 60:
            self._taken.popleft()
        if len(self._taken) < self._limits[0] and self._used() + tokens <= self._limits[1]:
            self._taken.append((now, tokens))
            return 0.0
        return max(1.0, self._taken[0][0] + 60 - now) if self._taken else 60.0

    def _used(self) -> int:
        return sum(tokens for _, tokens in self._taken)

    def headers(self, now: float) -> dict[str, str]:
        """The ``x-ratelimit-*`` headers as OpenAI sends them."""
        reset = f"{max(0.0, self._taken[0][0] + 60 - now):.3f}s" if self._taken else "0s"
        out: dict[str, str] = {}
        for name, limit, used in zip(
            ("requests", "tokens"), self._limits, (len(self._taken), self._used()), strict=True
        ):
            out[f"x-ratelimit-limit-{name}"] = str(limit)
            out[f"x-ratelimit-remaining-{name}"] = str(max(0, limit - used))
            out[f"x-ratelimit-reset-{name}"] = reset
        return out


@dataclass(slots=True)
class StoredResponse:
    """An answer that can be asked for again. A background answer becomes ready by the clock: queued for the first half
    of its time, in progress for the second. ``items`` is the conversation so far, this answer included."""

    document: dict[str, Any]
    items: list[Any]
    begins: float
    ready: float
    cancelled: bool = False

    def view(self, now: float) -> dict[str, Any]:
        """The document as it is at this moment."""
        if now >= self.ready and not self.cancelled:
            return self.document
        status = "cancelled" if self.cancelled else "queued" if now < self.begins else "in_progress"
        nothing: dict[str, Any] = {
            "output": [],
            "usage": None,
            "completed_at": None,
            "error": None,
            "incomplete_details": None,
        }
        return {**self.document, **nothing, "status": status}


@dataclass(slots=True)
class LoggedRequest:
    """One request, for tests. ``number`` counts ``POST /v1/responses`` from 1 and is 0 for all others; times are of the
    monotonic clock; no key is kept."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: Any = None
    status: int = 0
    fault: str = ""
    response_id: str = ""
    disconnected: bool = False
    started: float = 0.0
    ended: float = 0.0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
