"""Pure values: Severity, Finding, Location, PlacedFinding, RejectedFinding, and the fingerprint of a finding."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reviewbot.core.change.diff import Side


class Severity(StrEnum):
    """The model's priority 0 to 3, in words."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    NIT = "nit"

    @property
    def rank(self) -> int:
        """0 for critical up to 3 for nit."""
        return list(Severity).index(self)

    @classmethod
    def of_priority(cls, priority: int) -> Severity:
        """The word for a priority; out of range counts as the nearest."""
        return list(cls)[min(max(priority, 0), 3)]

    def reaches(self, threshold: str) -> bool:
        """Whether this is at or above ``threshold`` (``never`` is never reached)."""
        return threshold != "never" and self.rank <= Severity(threshold).rank


class Step(StrEnum):
    """The rung of the placement ladder on which a finding stands."""

    RANGE = "range"
    LINE = "line"
    FILE = "file"
    SUMMARY = "summary"


class RejectReason(StrEnum):
    """Why a finding is not posted inline, in the words that users see."""

    NOT_IN_CHANGE = "not-in-change"
    LOW_CONFIDENCE = "low-confidence"
    BELOW_SEVERITY = "below-severity"
    OVER_LIMIT = "over-limit"
    DUPLICATE = "duplicate"
    ALREADY_POSTED = "already-posted"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Finding:
    """One point raised. ``quote`` is code copied by the model from the side it names; there are no line numbers."""

    path: str
    side: Side
    quote: str
    evidence: str
    title: str
    body: str
    category: str
    severity: Severity
    confidence: float
    suggestion: str | None = None
    source: str = "model"
    chunk: int = 0


@dataclass(frozen=True, slots=True)
class Location:
    """Where a finding stands: lines of ``side``, both ends inside one hunk. ``start_line`` is None on a single line;
    both are None for a file comment or a summary entry. ``step`` is the rung reached, ``reason`` says why so far."""

    path: str
    side: Side
    start_line: int | None
    line: int | None
    step: Step
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PlacedFinding:
    """A finding with its place, its identity, and a suggestion that was proved (or the reason why it was not)."""

    finding: Finding
    location: Location
    fingerprint: str
    suggestion: str | None = None
    suggestion_note: str = ""


@dataclass(frozen=True, slots=True)
class RejectedFinding:
    """A finding that is not posted inline, with the reason. It stays in the outputs."""

    placed: PlacedFinding
    reason: RejectReason
    detail: str = ""
