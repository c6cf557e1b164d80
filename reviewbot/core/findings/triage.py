"""Pure: placed findings x threads x limits -> Triage: what is posted inline, kept for the summary, or rejected.

Every finding that comes in ends in exactly one of the three. The order is the same however they came in: severity,
confidence, path, line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from reviewbot.core.change.pull_request import ReviewThread
from reviewbot.core.config import ReviewSettings
from reviewbot.core.findings.finding import PlacedFinding, RejectedFinding, RejectReason, Step, squeezed

SAME_TITLE: Final = 0.6
SAME_TITLE_WITHOUT_LINE: Final = 0.9
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Triage:
    """The split. ``post`` stands on a line or file of the diff; ``summary`` holds, but has no place in the diff;
    ``rejected`` says why not inline. Each is in the order of weight."""

    post: tuple[PlacedFinding, ...]
    summary: tuple[PlacedFinding, ...]
    rejected: tuple[RejectedFinding, ...]


def triage(
    placed: Sequence[PlacedFinding],
    threads: Sequence[ReviewThread],
    review: ReviewSettings,
    said: frozenset[str] = frozenset(),
) -> Triage:
    """Split the findings of one run; among like ones in the same place the weightiest is kept. ``said`` are the
    identities that stand elsewhere than on a thread."""
    posted = {mark for thread in threads if thread.ours for mark in thread.fingerprints} | said
    state = _State()
    for finding in sorted(placed, key=_weight):
        fault = _unfit(finding, review) or _known(finding, posted) or state.duplicate(finding)
        if fault is None and finding.location.step is not Step.SUMMARY and state.taken >= review.max_comments:
            fault = RejectReason.OVER_LIMIT, f"more than {review.max_comments} comments"
        if fault:
            state.rejected.append(RejectedFinding(finding, *fault))
        elif finding.location.step is Step.SUMMARY:
            state.summary.append(finding)
        else:
            state.post.append(finding)
        # What stands already takes its place too: otherwise each further run would post the next few.
        state.taken += finding.location.step is not Step.SUMMARY and (fault or (None,))[0] in _TAKES_A_PLACE
        if fault is None or fault[0] is RejectReason.OVER_LIMIT:
            state.remember(finding)
    return Triage(tuple(state.post), tuple(state.summary), tuple(state.rejected))


_Fault = tuple[RejectReason, str]
_TAKES_A_PLACE: Final = (None, RejectReason.ALREADY_POSTED)


@dataclass(slots=True)
class _State:
    post: list[PlacedFinding] = field(default_factory=list)
    summary: list[PlacedFinding] = field(default_factory=list)
    rejected: list[RejectedFinding] = field(default_factory=list)
    by_path: dict[str, list[PlacedFinding]] = field(default_factory=dict)
    taken: int = 0

    def remember(self, finding: PlacedFinding) -> None:
        self.by_path.setdefault(finding.location.path, []).append(finding)

    def duplicate(self, finding: PlacedFinding) -> _Fault | None:
        for kept in self.by_path.get(finding.location.path, ()):
            if kept.fingerprint == finding.fingerprint or _same_point(kept, finding):
                return RejectReason.DUPLICATE, f"says the same as {kept.finding.title!r}"
        return None


def _unfit(placed: PlacedFinding, review: ReviewSettings) -> _Fault | None:
    finding = placed.finding
    if not squeezed(finding.quote) and not squeezed(finding.body):
        return RejectReason.EMPTY, "neither a quote nor a text"
    if finding.confidence < review.min_confidence:
        return RejectReason.LOW_CONFIDENCE, f"confidence {finding.confidence:.2f} is below {review.min_confidence:.2f}"
    if not finding.severity.reaches(review.min_severity):
        return RejectReason.BELOW_SEVERITY, f"{finding.severity} is below {review.min_severity}"
    return None


def _known(placed: PlacedFinding, posted: set[str]) -> _Fault | None:
    return (RejectReason.ALREADY_POSTED, "an earlier review said it") if placed.fingerprint in posted else None


def _same_point(kept: PlacedFinding, other: PlacedFinding) -> bool:
    """Whether two findings on one path stand in the same place with like titles."""
    a, b = kept.location, other.location
    if a.line is None or b.line is None:
        return a.line is b.line and _likeness(kept, other) >= SAME_TITLE_WITHOUT_LINE
    overlap = (a.start_line or a.line) <= b.line and (b.start_line or b.line) <= a.line
    return a.side is b.side and overlap and _likeness(kept, other) >= SAME_TITLE


def _likeness(kept: PlacedFinding, other: PlacedFinding) -> float:
    """The share of common words in the two titles (each word once), 0 to 1."""
    a, b = (set(_WORD.findall(placed.finding.title.casefold())) for placed in (kept, other))
    return len(a & b) / len(a | b) if a | b else 0.0


def _weight(placed: PlacedFinding) -> tuple[int, float, str, int, str]:
    """The order; the last item only keeps it the same for any order of the input."""
    finding, location = placed.finding, placed.location
    return finding.severity.rank, -finding.confidence, location.path, location.line or 0, repr(placed)
