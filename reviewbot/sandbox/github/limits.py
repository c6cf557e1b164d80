"""GitHub's limits as data, and the counters that enforce the rate limits.

Figures are those of docs.github.com where it states one ("Repository limits", "Rate limits for the REST API",
"Checks"); the others were observed and are marked so. Every one is a setting, so that a test can reach a limit cheaply.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """What this GitHub refuses. None switches a limit off where it is optional."""

    #: 406 for the diff media types above any of these.
    diff_files: int = 300
    diff_lines: int = 20_000
    diff_bytes: int = 1_000_000
    #: A file whose diff is larger has no ``patch`` and takes no line comments.
    file_diff_lines: int = 20_000
    file_diff_bytes: int = 500_000
    #: "List pull requests files" ends here.
    listed_files: int = 3_000
    #: Observed since November 2026: after so many patch lines further files come with zero counts and no patch, and
    #: nothing marks them (github.com/orgs/community/discussions/213491).
    listed_patch_lines: int | None = 20_000
    compare_files: int = 300
    listed_commits: int = 250
    #: Contents API: base64 up to the first, raw media type up to the second.
    contents_bytes: int = 1_048_576
    raw_bytes: int = 104_857_600
    #: Observed: GraphQL cuts a blob's ``text`` here and sets ``isTruncated``.
    graphql_text_bytes: int = 512_000
    directory_entries: int = 1_000
    tree_entries: int = 100_000
    annotations: int = 50
    body_characters: int = 65_536
    status_characters: int = 140
    requests_per_hour: int = 5_000
    #: Secondary limit on requests that create content.
    content_per_minute: int | None = 80
    token_seconds: int = 3_600
    #: How long a webhook's receiver may take.
    hook_seconds: float = 10.0


@dataclass(slots=True)
class Window:
    """One hour of the primary limit of one token and one resource (``core`` or ``graphql``)."""

    limit: int
    reset: int
    used: int = 0

    def headers(self, resource: str) -> dict[str, str]:
        """The ``x-ratelimit-*`` headers that every answer of the API carries."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(max(0, self.limit - self.used)),
            "x-ratelimit-used": str(self.used),
            "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-resource": resource,
        }

    def facts(self, resource: str) -> dict[str, object]:
        """The same as the body of ``GET /rate_limit`` has it."""
        return {
            "limit": self.limit,
            "used": min(self.used, self.limit),
            "remaining": max(0, self.limit - self.used),
            "reset": self.reset,
            "resource": resource,
        }


@dataclass(slots=True)
class Quota:
    """Counts requests. The clock is the caller's, in seconds since the epoch."""

    limits: Limits
    windows: dict[tuple[str, str], Window] = field(default_factory=dict)
    writes: dict[str, deque[float]] = field(default_factory=dict)

    def window(self, key: str, resource: str, now: float) -> Window:
        """The running hour of this token; a new one when the last has ended."""
        found = self.windows.get((key, resource))
        if found is None or now >= found.reset:
            found = self.windows[key, resource] = Window(self.limits.requests_per_hour, int(now) + 3_600)
        return found

    def spend(self, key: str, resource: str, now: float) -> bool:
        """Count one request; False when the hour's requests are gone."""
        window = self.window(key, resource, now)
        if window.used >= window.limit:
            return False
        window.used += 1
        return True

    def refund(self, key: str, resource: str, now: float) -> None:
        """A 304 is free."""
        window = self.window(key, resource, now)
        window.used = max(0, window.used - 1)

    def write_wait(self, key: str, now: float) -> int:
        """Count one write; the seconds to wait when there were too many in the last minute, else 0."""
        if self.limits.content_per_minute is None:
            return 0
        recent = self.writes.setdefault(key, deque())
        while recent and recent[0] <= now - 60:
            recent.popleft()
        if len(recent) >= self.limits.content_per_minute:
            return max(1, int(recent[0] + 60 - now) + 1)
        recent.append(now)
        return 0
