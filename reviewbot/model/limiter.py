"""Limits of our own on requests and tokens a minute, fair and shared by all requests of one client (Limiter)."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WINDOW_SECONDS = 60.0


@dataclass(slots=True)
class Ticket:
    """An admitted request: when, and the tokens it counts for."""

    at: float
    tokens: int


class Limiter:
    """In any window of a minute at most so many requests and tokens are admitted, first come, first served. A single
    request above the token limit is admitted when nothing else is in the window, so that it cannot wait for ever."""

    def __init__(
        self,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._requests = requests_per_minute
        self._tokens = tokens_per_minute
        self._clock = clock
        self._sleep = sleep
        self._window: deque[Ticket] = deque()
        self._turn = anyio.Lock()  # waiters are served in the order in which they came
        self._held_until = 0.0

    async def admit(self, tokens: int) -> Ticket:
        """Wait until a request of about ``tokens`` tokens may be sent."""
        async with self._turn:
            while (wait := self._wait(tokens)) > 0:
                await self._sleep(wait)
            ticket = Ticket(self._clock(), tokens)
            if self._requests is not None or self._tokens is not None:
                self._window.append(ticket)
            return ticket

    def settle(self, ticket: Ticket, tokens: int) -> None:
        """Book what the request really used instead of what was guessed."""
        ticket.tokens = tokens

    def hold(self, seconds: float) -> None:
        """Admit nothing for so long: the provider said so to one request, and it holds for all."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    def _wait(self, tokens: int) -> float:
        now = self._clock()
        if self._held_until > now:
            return self._held_until - now
        while self._window and self._window[0].at + WINDOW_SECONDS <= now + 1e-6:  # a sleep may end a hair early
            self._window.popleft()
        if not self._window:
            return 0.0
        full = self._requests is not None and len(self._window) >= self._requests
        spent = sum(ticket.tokens for ticket in self._window)
        full = full or (self._tokens is not None and spent + tokens > self._tokens)
        return self._window[0].at + WINDOW_SECONDS - now if full else 0.0
