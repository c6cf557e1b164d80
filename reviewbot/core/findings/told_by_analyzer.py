"""Pure: a diagnostic that an analyzer is certain of -> a finding on its line, unless a finding says it already."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from reviewbot.core.change.diff import Diff, Side
from reviewbot.core.context.evidence import Diagnostic
from reviewbot.core.findings.finding import Finding, Location, PlacedFinding, Severity, Step
from reviewbot.core.findings.standing import place_at

_SEVERITIES = {"error": Severity.MAJOR, "warning": Severity.MINOR, "note": Severity.NIT}
_CONFIDENCE = 0.9
_SAMPLES = re.compile(
    r"(?:^|/)(?:tests?|specs?|__tests__|testdata|test_data|fixtures|cassettes|mocks?|examples?|samples?|docs?)/", re.I
)
MOST_FILES = 3
_MOST_NAMED = 5
_SURE = 0.5
_MOST_LINES = 10
_NEAR = 1  # lines: a model quotes the statement, an analyzer names one line of it


def by_rule(diagnostics: Sequence[Diagnostic]) -> tuple[tuple[Diagnostic, ...], ...]:
    """What one analyzer says by one rule of one file, together: twenty comments of one kind are read by nobody."""
    groups: dict[tuple[str, str, str], list[Diagnostic]] = {}
    for each in diagnostics:
        groups.setdefault((each.path, each.analyzer, each.rule), []).append(each)
    return tuple(tuple(group) for group in groups.values())


def first_files(groups: Sequence[Sequence[Diagnostic]]) -> tuple[tuple[Sequence[Diagnostic], ...], tuple[str, ...]]:
    """Of each rule the groups of its first MOST_FILES files, and a sentence on the others for each rule that has
    some."""
    kept: list[Sequence[Diagnostic]] = []
    left: dict[tuple[str, str], list[str]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for group in groups:
        rule = (group[0].analyzer, group[0].rule)
        seen[rule] += 1
        if seen[rule] <= MOST_FILES:
            kept.append(group)
        else:
            left.setdefault(rule, []).append(group[0].path)
    notes = [
        f"{analyzer} says the same by its rule {rule} of {len(paths):,} more file{'s' if len(paths) > 1 else ''}: "
        + ", ".join([*paths[:_MOST_NAMED], *(["…"] if len(paths) > _MOST_NAMED else [])])
        for (analyzer, rule), paths in left.items()
    ]
    return tuple(kept), tuple(notes)


def as_finding(alike: Sequence[Diagnostic], diff: Diff, heads: Mapping[str, bytes]) -> PlacedFinding | None:
    """One finding for all of a group, on the first added line of the first; None when it has none, or its file no
    text."""
    diagnostic = alike[0]
    line = _added_line(diagnostic, diff)
    text = heads.get(diagnostic.path)
    if line is None or text is None:
        return None
    rows = text.split(b"\n")
    quote = rows[line - 1].decode("utf-8", "replace").rstrip("\r") if line <= len(rows) else ""
    said = f"{diagnostic.message.rstrip('.')}."
    source = f"{diagnostic.analyzer} says so by its rule {diagnostic.rule}; the model did not name it."
    severity = _severity(diagnostic)
    finding = Finding(
        path=diagnostic.path,
        side=Side.RIGHT,
        quote="" if diagnostic.secret else quote,
        evidence=said,
        title=diagnostic.title,
        body=" ".join([said, *_others(alike[1:]), source]),
        category=diagnostic.category,
        severity=severity,
        confidence=_CONFIDENCE,
        source=diagnostic.analyzer,
    )
    location = Location(diagnostic.path, Side.RIGHT, None, line, Step.LINE)
    return place_at(finding, location, diff, heads)


def _severity(diagnostic: Diagnostic) -> Severity:
    """A hole is critical. What tests and samples hold for a secret is one seldom, and never the system's own."""
    if diagnostic.secret and _SAMPLES.search(diagnostic.path):
        return Severity.MINOR
    if diagnostic.category == "security" and diagnostic.level == "error":
        return Severity.CRITICAL
    return _SEVERITIES[diagnostic.level]


def _others(alike: Sequence[Diagnostic]) -> list[str]:
    if not alike:
        return []
    lines = [str(each.line) for each in alike[:_MOST_LINES]]
    more = f" and {len(alike) - _MOST_LINES} more places" if len(alike) > _MOST_LINES else ""
    return [f"The same rule holds at line{'s' if len(lines) > 1 else ''} {', '.join(lines)}{more}."]


def said_by(finding: PlacedFinding, others: Sequence[PlacedFinding]) -> bool:
    """Whether one of ``others`` is about the same line, so that a second comment there would say it twice. A faint or
    a light one does not count: it may not be posted, and a change could ask the model for it."""
    at = finding.location
    return any(
        other.location.path == at.path
        and other.location.side is at.side
        and at.line is not None
        and other.location.line is not None
        and (other.location.start_line or other.location.line) - _NEAR <= at.line <= other.location.line + _NEAR
        and other.finding.confidence >= _SURE
        and other.finding.severity.rank <= finding.finding.severity.rank + 1
        for other in others
    )


def _added_line(diagnostic: Diagnostic, diff: Diff) -> int | None:
    runs = (
        run
        for file in diff.files
        if file.path == diagnostic.path
        for hunk in file.hunks
        for run in hunk.changed_runs()
        if run.side is Side.RIGHT and run.last >= diagnostic.line and run.first <= diagnostic.end_line
    )
    return min((max(run.first, diagnostic.line) for run in runs), default=None)
