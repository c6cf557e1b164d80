"""Pure: placed findings x what stands x limits -> Triage: what is posted inline, kept for the summary, or rejected.

Every finding that comes in ends in exactly one of the three. The order is the same however they came in: severity,
confidence, path, line. The rules, first match first:

    already-posted   an open thread of ours, or a body of ours, says it
    dismissed        people have answered it, and its code is unchanged (changed: raised again, once, and says so)
    empty, low-confidence, below-severity
    duplicate        a weightier finding of this run says it
    discussed        people with rights discuss the same line
    old-code         it is about code that an earlier run read, and is not at least major (else it is marked late)
    over-limit
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from reviewbot.core.change.diff import Run
from reviewbot.core.change.pull_request import ReviewThread
from reviewbot.core.config import ReviewSettings
from reviewbot.core.findings.finding import (
    PlacedFinding,
    RejectedFinding,
    RejectReason,
    Severity,
    Step,
    Triage,
    squeezed,
)
from reviewbot.core.findings.identity import (
    NO_RENAMES,
    NOT_SURE,
    Match,
    Point,
    Renames,
    Wordings,
    claims,
    compare,
    point_of,
    points_of,
    repeats,
    told_apart,
)
from reviewbot.core.findings.memory import Answer, How, Memory, answers

LATE_FROM: Final = Severity.MAJOR
__all__ = ["FIRST_RUN", "LATE_FROM", "Past", "Triage", "sure", "triage"]


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of earlier runs. ``new_lines`` are the lines by path that no earlier run has read; None when there
    was none, so that all is new. ``memory`` is what people answered; None to read it off the threads. ``told`` are
    what we said without a thread, as threads with no path (see `ReviewThread`). ``wordings`` are title and body of
    what earlier runs held for the same and were `sure` of, by fingerprint: the more ways are known in which a model
    says a thing, the surer it is known again."""

    new_lines: Mapping[str, Sequence[Run]] | None = None
    renames: Renames = NO_RENAMES
    memory: Memory | None = None
    told: Sequence[ReviewThread] = ()
    wordings: Wordings = field(default_factory=dict)


FIRST_RUN: Final = Past()
_Fault = tuple[RejectReason, str]
_TAKES_A_PLACE: Final = (None, RejectReason.ALREADY_POSTED)


def triage(
    placed: Sequence[PlacedFinding],
    threads: Sequence[ReviewThread],
    review: ReviewSettings,
    said: frozenset[str] = frozenset(),
    past: Past = FIRST_RUN,
) -> Triage:
    """Split the findings of one run; among like ones in the same place the weightiest is kept. ``said`` are the
    identities that stand elsewhere than on a thread. What is known already comes back under its old fingerprint."""
    ordered = sorted(placed, key=_weight)
    points = [point_of(finding) for finding in ordered]
    standing = _Standing(threads, said, past)
    matches = claims(points, standing.points, past.renames, standing.answered)
    run = _Run(taken={*standing.marks})
    for number, (finding, point) in enumerate(zip(ordered, points, strict=True)):
        known = standing.judge(finding, point, matches.get(number))
        mine = replace(finding, note=known.note or finding.note, fingerprint=known.fingerprint or point.fingerprint)
        fault = known.fault or _unfit(mine, review) or run.duplicate(mine, point) or standing.discussed(mine)
        if fault is None and not known.note:
            mine, fault = _on_old_code(mine, past.new_lines)
        if fault is None and mine.location.step is not Step.SUMMARY and run.places >= review.max_comments:
            fault = RejectReason.OVER_LIMIT, f"more than {review.max_comments} comments"
        run.book(mine, point, fault, keep_mark=known.fault is not None)
    dismissed = tuple((point.fingerprint, point.category, point.path) for point in standing.dismissed())
    return Triage(tuple(run.post), tuple(run.summary), tuple(run.rejected), standing.doubts(), dismissed)


def sure(rejected: RejectedFinding) -> bool:
    """Whether a finding was held for one that stands without a doubt, so that its words may be kept for later runs."""
    same = rejected.reason is RejectReason.ALREADY_POSTED and NOT_SURE not in rejected.detail
    return same and bool(rejected.placed.finding.body)


@dataclass(frozen=True, slots=True)
class _New:
    """What a match with something that stands comes to: a fault, or the note with which it is raised again."""

    fault: _Fault | None = None
    note: str = ""
    fingerprint: str = ""


class _Standing:
    """What stands on the pull request: the points of our threads and bodies, and what people say."""

    def __init__(self, threads: Sequence[ReviewThread], said: frozenset[str], past: Past) -> None:
        self._memory = answers(threads) if past.memory is None else past.memory
        self._renames = past.renames
        ours = [*(thread for thread in threads if thread.ours), *past.told]
        pairs = [(point, thread.id) for thread in ours for point in points_of(thread, past.wordings)]
        self.points = [point for point, _ in pairs]
        self._threads = [thread for _, thread in pairs]
        self.marks = said | {point.fingerprint for point in self.points}
        self._blind = said - {point.fingerprint for point in self.points}  # of these only the mark is known
        self._others = [thread for thread in threads if not thread.ours and not thread.resolved]

    @property
    def answered(self) -> frozenset[int]:
        """The numbers of the points that somebody has answered."""
        return frozenset(index for index in range(len(self.points)) if self._answer(index))

    def judge(self, finding: PlacedFinding, point: Point, match: Match | None) -> _New:
        """What becomes of a finding that may stand already."""
        if match is None:
            plain = point.fingerprint in self._blind
            return (
                _New((RejectReason.ALREADY_POSTED, "an earlier review said it"), "", point.fingerprint)
                if plain
                else _New()
            )
        answer = self._answer(match.index)
        mark = match.point.fingerprint
        if answer is None:
            return _New((RejectReason.ALREADY_POSTED, match.detail), fingerprint=mark)
        if not answer.binding or (answer.how is How.FIXED and _unchanged(finding, point, match.point)):
            return _New((RejectReason.ALREADY_POSTED, f"{match.detail}; {answer}"), fingerprint=mark)
        if _unchanged(finding, point, match.point):
            return _New((RejectReason.DISMISSED, f"{answer}; its code is unchanged"), fingerprint=mark)
        return self._again(finding, point, match, answer)

    def _again(self, finding: PlacedFinding, point: Point, match: Match, answer: Answer) -> _New:
        """The code of an answered finding has changed: it may come back, but only once."""
        for index, other in enumerate(self.points):
            if index == match.index or not compare(point, other, index, self._renames):
                continue
            second = self._answer(index)
            if second is None:
                detail = f"says the same as {other.title!r}, raised again since the code changed"
                return _New((RejectReason.ALREADY_POSTED, detail), fingerprint=other.fingerprint)
            if second.binding:
                detail = f"{second}; raised again once already" if second.how is not How.FIXED else str(second)
                return _New((RejectReason.DISMISSED, detail), fingerprint=other.fingerprint)
        since = "it was resolved as fixed" if answer.how is How.FIXED else f"it was dismissed ({answer})"
        return _New(note=f"Raised again because the code changed since {since}.")

    def _answer(self, index: int) -> Answer | None:
        return self._memory.answers.get(self._threads[index]) if self._threads[index] else None

    def discussed(self, finding: PlacedFinding) -> _Fault | None:
        """Whether people with rights discuss the line. The talk of others keeps nobody out."""
        at = finding.location
        if at.line is None:
            return None
        for thread in self._others:
            here = thread.line is not None and (at.start_line or at.line) <= thread.line <= at.line
            if not here or thread.side is not at.side or self._renames.today(thread.path) != at.path:
                continue
            people = [each.author for each in thread.comments if not each.is_bot and not each.ours and each.author]
            with_rights = [login for login in people if login.casefold() in self._memory.trusted]
            if with_rights:
                return RejectReason.DISCUSSED, f"{with_rights[0]} and others discuss line {thread.line} already"
        return None

    def dismissed(self) -> list[Point]:
        """The points that people refused."""
        refused = [(point, self._answer(index)) for index, point in enumerate(self.points)]
        return [point for point, answer in refused if answer and answer.binding and answer.how is not How.FIXED]

    def doubts(self) -> tuple[str, ...]:
        """What could not be compared by its meaning."""
        blind = sum(point.said is None for point in self.points) + len(self._blind)
        if not blind:
            return ()
        return (f"The words of {blind} earlier findings could not be read: only exact repeats of them are known.",)


@dataclass(slots=True)
class _Run:
    """What has been decided so far."""

    taken: set[str]
    post: list[PlacedFinding] = field(default_factory=list)
    summary: list[PlacedFinding] = field(default_factory=list)
    rejected: list[RejectedFinding] = field(default_factory=list)
    by_path: dict[str, list[Point]] = field(default_factory=dict)
    places: int = 0

    def duplicate(self, finding: PlacedFinding, point: Point) -> _Fault | None:
        for other in self.by_path.get(finding.location.path, ()):
            match = repeats(point, other)
            if match:
                return RejectReason.DUPLICATE, match.detail
        return None

    def book(self, finding: PlacedFinding, point: Point, fault: _Fault | None, *, keep_mark: bool) -> None:
        """Put a finding where it belongs. One that is new gets a fingerprint of its own."""
        if not keep_mark and (fault is None or fault[0] is RejectReason.OVER_LIMIT):
            finding = replace(finding, fingerprint=told_apart(finding.fingerprint, point, self.taken))
            self.taken.add(finding.fingerprint)
        if fault:
            self.rejected.append(RejectedFinding(finding, *fault))
        elif finding.location.step is Step.SUMMARY:
            self.summary.append(finding)
        else:
            self.post.append(finding)
        # What stands already takes its place too: otherwise each further run would post the next few.
        self.places += finding.location.step is not Step.SUMMARY and (fault or (None,))[0] in _TAKES_A_PLACE
        if fault is None or keep_mark or fault[0] is RejectReason.OVER_LIMIT:
            self.by_path.setdefault(finding.location.path, []).append(point)


def _unchanged(finding: PlacedFinding, new: Point, old: Point) -> bool:
    """Whether the code that ``old`` was about still stands where ``finding`` is. What is not known counts as
    unchanged: to say nothing twice is the smaller fault."""
    if new.fingerprint == old.fingerprint or not old.code.length:
        return True
    quote = finding.code or finding.finding.quote
    if old.code.stands_in(finding.enclosing or quote):
        return True
    # Lines of the old side have no text round them here: a shorter quote of the same is no change.
    return not finding.enclosing and new.code.length < old.code.length and new.code.shared(old.code) >= 1


def _unfit(placed: PlacedFinding, review: ReviewSettings) -> _Fault | None:
    finding = placed.finding
    if not squeezed(finding.quote) and not squeezed(finding.body):
        return RejectReason.EMPTY, "neither a quote nor a text"
    if finding.confidence < review.min_confidence:
        return RejectReason.LOW_CONFIDENCE, f"confidence {finding.confidence:.2f} is below {review.min_confidence:.2f}"
    if not finding.severity.reaches(review.min_severity):
        return RejectReason.BELOW_SEVERITY, f"{finding.severity} is below {review.min_severity}"
    return None


def _on_old_code(
    finding: PlacedFinding, new_lines: Mapping[str, Sequence[Run]] | None
) -> tuple[PlacedFinding, _Fault | None]:
    """A finding on code that was read before is late when it is weighty, and else not raised any more."""
    at = finding.location
    if new_lines is None or at.step is Step.SUMMARY:
        return finding, None
    runs = new_lines.get(at.path, ())
    first = at.start_line or at.line
    new = any(
        first is None or at.line is None or (run.side is at.side and first <= run.last and run.first <= at.line)
        for run in runs
    )
    if new:
        return finding, None
    if finding.finding.severity.reaches(LATE_FROM):
        return replace(finding, late=True), None
    return finding, (RejectReason.OLD_CODE, f"no line of it is new since the last review, and it is below {LATE_FROM}")


def _weight(placed: PlacedFinding) -> tuple[int, float, str, int, str]:
    """The order; the last item only keeps it the same for any order of the input."""
    finding, location = placed.finding, placed.location
    return finding.severity.rank, -finding.confidence, location.path, location.line or 0, repr(placed)
