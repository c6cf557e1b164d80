"""Pure: how often a wrong token may be tried. For all the world together: an address is cheap to change."""

from __future__ import annotations

from collections import deque


class AttemptLimit:
    """At most ``most`` failures in ``seconds``. Who is turned away meanwhile does not prolong it, so it always ends."""

    def __init__(self, most: int = 10, seconds: float = 60.0) -> None:
        self.most = most
        self.seconds = seconds
        self._failures: deque[float] = deque(maxlen=most)

    def wait(self, now: float) -> float:
        """For how many seconds nothing may be tried; 0 when it may. A failure from the future, for a clock was set
        back, does not count."""
        recent = [at for at in self._failures if 0 <= now - at < self.seconds]
        return recent[0] + self.seconds - now if len(recent) == self.most else 0.0

    def failed(self, now: float) -> None:
        self._failures.append(now)
