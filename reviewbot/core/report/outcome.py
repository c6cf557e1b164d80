"""Pure: ReviewOutcome and the coverage ledger: the only thing that doors, store and outputs read of a review."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from reviewbot.core.change.diff import Diff, Side
from reviewbot.core.change.increment import Since
from reviewbot.core.change.pull_request import PullRequest
from reviewbot.core.cost import Usage
from reviewbot.core.findings.finding import PlacedFinding, RejectedFinding
from reviewbot.core.report.draft import Posted, ReviewDraft


class FileState(StrEnum):
    """How a file ended. ``partly`` means that only some of its lines were reviewed."""

    REVIEWED = "reviewed"
    PARTLY = "partly-reviewed"
    SKIPPED = "skipped"
    OVER_BUDGET = "over-budget"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LineRun:
    """Consecutive changed lines of one side, both ends included."""

    side: Side
    first: int
    last: int

    @property
    def count(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """A file's changed lines, counted by fate; the five counts add up to ``changed_lines``. ``missed`` names the lines
    that were over budget or failed; ``reason`` is the skip rule or the fault. ``earlier_lines`` were read by an earlier
    review and did not change since."""

    path: str
    state: FileState
    changed_lines: int
    reviewed_lines: int = 0
    skipped_lines: int = 0
    over_budget_lines: int = 0
    failed_lines: int = 0
    reason: str = ""
    missed: tuple[LineRun, ...] = ()
    earlier_lines: int = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """The ledger of a run. Complete means that no line was over budget or failed; lines skipped by a named rule are
    stated but do not make it incomplete. ``problems`` are faults of the diff itself, and they do."""

    files: tuple[FileCoverage, ...]
    problems: tuple[str, ...] = ()

    @property
    def changed_lines(self) -> int:
        return sum(file.changed_lines for file in self.files)

    @property
    def reviewed_lines(self) -> int:
        return sum(file.reviewed_lines for file in self.files)

    @property
    def earlier_lines(self) -> int:
        return sum(file.earlier_lines for file in self.files)

    @property
    def skipped_lines(self) -> int:
        return sum(file.skipped_lines for file in self.files)

    @property
    def missed_lines(self) -> int:
        return sum(file.over_budget_lines + file.failed_lines for file in self.files)

    @property
    def complete(self) -> bool:
        return not self.problems and self.missed_lines == 0


@dataclass(frozen=True, slots=True)
class ReviewOutcome:
    """The result of a review. ``verdict`` is one word for machines: ``clean``, ``findings``, ``incomplete``,
    ``skipped`` (``skip_reason`` says why: closed, draft, empty …) or ``superseded`` (the head moved: not posted).
    ``since`` is what earlier reviews left to this one, ``dismissed`` are `Triage.dismissed`, ``analyzers`` those
    that looked at the files."""

    run_id: str
    pull: PullRequest
    verdict: str
    coverage: Coverage
    diff: Diff
    findings: tuple[PlacedFinding, ...] = ()
    rejected: tuple[RejectedFinding, ...] = ()
    model: str = ""
    explanation: str = ""
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = 0.0
    saved_usd: float = 0.0
    skip_reason: str = ""
    draft: ReviewDraft | None = None
    posted: Posted | None = None
    api_calls: int = 0
    notes: tuple[str, ...] = ()
    analyzers: tuple[str, ...] = ()
    timings: tuple[tuple[str, float], ...] = ()
    fails: bool = False
    since: Since = field(default_factory=Since)
    dismissed: tuple[tuple[str, str, str], ...] = ()
