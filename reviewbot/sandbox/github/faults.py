"""Faults on demand: what goes wrong, for which requests, how many times.

| behaviour | what the client sees |
|---|---|
| ``status:502`` | that status, nothing was done |
| ``status-after-write:502`` | the request is carried out, then that status |
| ``drop-before-write`` | the connection closes without an answer, nothing was done |
| ``drop-after-write`` | the request is carried out, then the connection closes without an answer |
| ``secondary-limit:30`` | 403 with ``Retry-After: 30`` and GitHub's words |
| ``primary-limit:30`` | 403 with ``x-ratelimit-remaining: 0`` and a reset in 30 seconds |
| ``delay:1.5`` | the answer, 1.5 seconds late |
| ``truncate-patches:100`` | file lists cut unmarked after 100 patch lines (20,000 when no number is given) |
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from reviewbot.errors import UsageError

_NUMBERED = {
    "status": None,
    "status-after-write": None,
    "secondary-limit": 60.0,
    "primary-limit": 60.0,
    "delay": 1.0,
    "truncate-patches": 20_000.0,
}
_PLAIN = ("drop-before-write", "drop-after-write")


@dataclass(slots=True)
class Fault:
    """``kind`` and ``value`` are the two halves of the behaviour; ``passing`` requests go unharmed first."""

    pattern: re.Pattern[str]
    kind: str
    value: float
    times: int
    passing: int = 0


@dataclass(slots=True)
class Faults:
    """The faults in force, oldest first."""

    active: list[Fault] = field(default_factory=list)

    def add(self, pattern: str, behaviour: str, *, times: int = 1, passing: int = 0) -> None:
        """Let the next ``times`` requests go wrong whose ``"METHOD /path"`` the pattern matches somewhere.

        The path has no ``/api/v3`` prefix and no query; ``passing`` matching requests are served first. Raises
        UsageError for a behaviour that is not in the table.
        """
        kind, _, number = behaviour.partition(":")
        if (kind in _PLAIN and number) or (kind not in _PLAIN and kind not in _NUMBERED):
            raise _unknown(behaviour)
        value = _NUMBERED.get(kind, 0.0)
        try:
            value = float(number) if number else value
            compiled = re.compile(pattern)
        except (ValueError, re.error) as error:
            raise _unknown(behaviour) from error
        if value is None:
            raise _unknown(behaviour)
        self.active.append(Fault(compiled, kind, value, times, passing))

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that befalls this request, used up by one; None when it is served as it should be."""
        line = f"{method} {path}"
        for fault in self.active:
            if not fault.pattern.search(line):
                continue
            if fault.passing:
                fault.passing -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.active.remove(fault)
            return fault
        return None

    def clear(self) -> None:
        self.active.clear()


def _unknown(behaviour: str) -> UsageError:
    known = ", ".join([*_PLAIN, *(f"{kind}:NUMBER" for kind in _NUMBERED)])
    return UsageError(f"{behaviour!r} is not a fault this sandbox can make.", remedy=f"Known: {known}.")
