"""Pure values: Severity, Finding, Location, PlacedFinding, RejectedFinding, and the fingerprint of a finding."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from reviewbot.core.change.diff import Side

# What models and editors put in the place of plain characters. Soft hyphen, zero-width and direction marks vanish.
_LOOK_ALIKES = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | {"\u2026": "..."}
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", "")
)


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

    LOW_CONFIDENCE = "low-confidence"
    BELOW_SEVERITY = "below-severity"
    OVER_LIMIT = "over-limit"
    DUPLICATE = "duplicate"
    ALREADY_POSTED = "already-posted"
    DISMISSED = "dismissed"
    DISCUSSED = "discussed"
    OLD_CODE = "old-code"
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
class Reply:
    """What one answer says. ``verdict`` is ``correct`` or ``incorrect``; ``faults`` name everything that was cut,
    repaired or left out, one sentence each."""

    findings: tuple[Finding, ...]
    explanation: str
    verdict: str
    faults: tuple[str, ...] = ()


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
class Proof:
    """``text`` replaces the lines of the location when it was proved (with the file's own line ends between lines,
    none after the last), else None; ``note`` says why it was not, and is empty when nothing was suggested."""

    text: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class PlacedFinding:
    """A finding with its place, its identity, and a suggestion that was proved (or the reason why it was not).

    ``code`` is the code of the place, ``symbols`` are the names of the definitions that hold its lines, that of the
    last line last, ``enclosing`` is the text of that one as it is now (or the lines round the place); all are empty
    where there is none. ``late`` means
    that it is about code which an earlier run read; ``note`` is what readers must know of its past.
    """

    finding: Finding
    location: Location
    fingerprint: str
    suggestion: str | None = None
    suggestion_note: str = ""
    code: str = ""
    symbols: tuple[str, ...] = ()
    enclosing: str = ""
    late: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class RejectedFinding:
    """A finding that is not posted inline, with the reason. It stays in the outputs."""

    placed: PlacedFinding
    reason: RejectReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Triage:
    """The split that `triage.py` makes. ``post`` stands on a line or file of the diff; ``summary`` holds, but has no
    place in the diff; ``rejected`` says why not inline. Each is in the order of weight. ``doubts`` are sentences on
    what could not be compared, ``dismissed`` fingerprint, category and path of what people dismissed."""

    post: tuple[PlacedFinding, ...]
    summary: tuple[PlacedFinding, ...]
    rejected: tuple[RejectedFinding, ...]
    doubts: tuple[str, ...] = ()
    dismissed: tuple[tuple[str, str, str], ...] = ()


def folded(text: str) -> str:
    """``text`` in NFC with look-alike quotes and dashes made plain and invisible characters left out."""
    return text if text.isascii() else unicodedata.normalize("NFC", text.translate(_LOOK_ALIKES))


def squeezed(text: str) -> str:
    """``folded`` text without any white space: what two spellings of the same code have in common."""
    return "".join(folded(text).split())


def fingerprint(path: str, symbol: str, quote: str, category: str) -> str:
    """The identity of a finding: 16 hex digits of where it is, what it quotes and its kind, never a line number.

    ``path`` is the new path at the head (a rename makes a new identity), ``symbol`` the enclosing definition or empty,
    ``quote`` best the code of the place found (``Placer.code``); give the title where there is neither. White space,
    line breaks and look-alike characters in it make no difference.
    """
    parts = (path, symbol, squeezed(quote), category)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
