"""Pure: what an answer used (Usage), what it costs (Price), and how much may still be spent (CostBudget)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more answers. The two details are None when the provider did not say (never taken as zero)."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            _add(self.cached_input_tokens, other.cached_input_tokens),
            _add(self.reasoning_tokens, other.reasoning_tokens),
        )


def _add(left: int | None, right: int | None) -> int | None:
    return None if left is None and right is None else (left or 0) + (right or 0)


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens."""

    input: float
    cached_input: float
    output: float

    def of(self, usage: Usage) -> float:
        """Dollars for ``usage``; tokens not known to be cached are charged in full."""
        cached = min(usage.cached_input_tokens or 0, usage.input_tokens)
        fresh = usage.input_tokens - cached
        return (fresh * self.input + cached * self.cached_input + usage.output_tokens * self.output) / 1_000_000


@dataclass(frozen=True, slots=True)
class CostBudget:
    """A ceiling in dollars (None: no ceiling), what was spent, and what running requests may still spend."""

    limit_usd: float | None = None
    spent_usd: float = 0.0
    reserved_usd: float = 0.0

    @property
    def left_usd(self) -> float:
        """What a new request may cost at most; infinite without a ceiling."""
        return float("inf") if self.limit_usd is None else self.limit_usd - self.spent_usd - self.reserved_usd

    def output_allowance(self, price: Price, input_tokens: int, wanted: int) -> int:
        """How many output tokens (at most ``wanted``) a request of ``input_tokens`` may have; 0 or less: do not ask."""
        room = self.left_usd - input_tokens * price.input / 1_000_000
        return wanted if room == float("inf") else min(wanted, int(room * 1_000_000 / price.output))

    def reserve(self, usd: float) -> CostBudget:
        return CostBudget(self.limit_usd, self.spent_usd, self.reserved_usd + usd)

    def settle(self, reserved_usd: float, spent_usd: float) -> CostBudget:
        """Give back a reservation and book what was really spent."""
        return CostBudget(self.limit_usd, self.spent_usd + spent_usd, max(0.0, self.reserved_usd - reserved_usd))
