"""Pure: ReviewOutcome -> SARIF 2.1.0, for GitHub code scanning and other readers of static-analysis results.

A rule is a category of findings. Regions are lines of the new text; a finding on the old text has its file alone.
What was not reviewed becomes a tool notification, so that an incomplete run does not look like a clean one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reviewbot.core import VERSION
from reviewbot.core.change.diff import Side
from reviewbot.core.findings.earlier import SOURCE as EARLIER
from reviewbot.core.findings.finding import RejectReason, Severity
from reviewbot.core.report.sanitizer import sanitize_markdown, sanitize_plain
from reviewbot.core.report.summary import (
    headline,
    late_count,
    lines_to_read,
    missed_files,
    missed_runs,
    since_sentences,
    standing,
)

if TYPE_CHECKING:
    from reviewbot.core.findings.finding import PlacedFinding
    from reviewbot.core.report.outcome import Coverage, FileCoverage, ReviewOutcome

_LEVELS = {Severity.CRITICAL: "error", Severity.MAJOR: "warning", Severity.MINOR: "note", Severity.NIT: "note"}
# What code scanning sorts security results by: above 9.0 critical, from 7.0 high, from 4.0 medium, else low.
_SECURITY = {Severity.CRITICAL: "9.5", Severity.MAJOR: "8.0", Severity.MINOR: "5.0", Severity.NIT: "2.0"}
_RULES = {
    "bug": "The code does something else than it should.",
    "security": "The code can be made to do harm.",
    "performance": "The code costs more than it needs to.",
    "concurrency": "The code fails when things happen at once.",
    "api": "The change breaks or misuses an interface.",
    "data": "The change can lose or damage data.",
    "test": "A test does not test what it should.",
    "docs": "A text says something else than the code does.",
    "maintainability": "The code is harder to change than it needs to be.",
}


def render(outcome: ReviewOutcome) -> str:
    """A SARIF log with one run, indented, ASCII, with a newline at the end."""
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [_run(outcome)],
    }
    return json.dumps(log, indent=2, ensure_ascii=True) + "\n"


def _run(outcome: ReviewOutcome) -> dict[str, Any]:
    findings = standing(outcome)
    rules = list(dict.fromkeys(placed.finding.category for placed in findings))
    coverage = outcome.coverage
    posted = {id(item.placed) for item in outcome.rejected if item.reason is RejectReason.ALREADY_POSTED}
    return {
        "tool": {
            "driver": {
                "name": "reviewbot",
                "semanticVersion": VERSION,
                "rules": [_rule(category, findings) for category in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the repository."}}},
        "invocations": [_invocation(outcome)],
        "results": [
            _result(placed, rules.index(placed.finding.category), posted=id(placed) in posted) for placed in findings
        ],
        "properties": {
            "verdict": outcome.verdict,
            "headHash": outcome.pull.head_sha,
            "coverage": {
                "complete": coverage.complete,
                "changedLines": coverage.changed_lines,
                "reviewedLines": coverage.reviewed_lines,
                "skippedLines": coverage.skipped_lines,
                "missedLines": coverage.missed_lines,
                "earlierLines": coverage.earlier_lines,
            },
            "since": _since(outcome),
        },
    }


def _since(outcome: ReviewOutcome) -> dict[str, Any]:
    since = outcome.since
    return {
        "headHash": since.head_sha,
        "rounds": since.rounds,
        "lateFindings": since.late_findings + late_count(outcome),
        "full": since.full,
        "reason": sanitize_plain(since.reason, limit=1_000),
        "newLines": lines_to_read(outcome.coverage),
        "earlierLines": outcome.coverage.earlier_lines,
    }


def _rule(category: str, findings: list[PlacedFinding]) -> dict[str, Any]:
    mine = [placed.finding.severity for placed in findings if placed.finding.category == category]
    worst = min(mine, key=lambda severity: severity.rank)
    properties: dict[str, Any] = {"tags": [sanitize_plain(category, limit=100) or "other"], "precision": "medium"}
    if category == "security":
        properties["security-severity"] = _SECURITY[worst]
    name = _rule_id(category)
    return {
        "id": name,
        "shortDescription": {"text": _RULES.get(category, sanitize_plain(category, limit=100) or "Other")},
        "defaultConfiguration": {"level": _LEVELS[worst]},
        "properties": properties,
    }


def _rule_id(category: str) -> str:
    return f"reviewbot/{sanitize_plain(category, limit=100) or 'other'}"


def _result(placed: PlacedFinding, rule_index: int, *, posted: bool) -> dict[str, Any]:
    """``posted`` says that an earlier review said it."""
    finding, at = placed.finding, placed.location
    title = sanitize_plain(" ".join(finding.title.split()) or "Untitled", limit=200)
    body = f"{title}\n\n{finding.body}".strip()
    physical: dict[str, Any] = {"artifactLocation": _artifact(at.path)}
    if at.side is Side.RIGHT and at.line is not None:
        start = at.start_line if at.start_line is not None else at.line
        physical["region"] = {"startLine": start, "endLine": at.line}
    return {
        "ruleId": _rule_id(finding.category),
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.severity],
        "message": {"text": _unlinked(sanitize_plain(body)), "markdown": sanitize_markdown(body)},
        "locations": [{"physicalLocation": physical}],
        "partialFingerprints": {"reviewbot/v1": placed.fingerprint},
        "properties": {
            "severity": finding.severity.value,
            **({} if finding.source == EARLIER else {"confidence": finding.confidence}),
            "source": sanitize_plain(finding.source, limit=100),
            "placement": at.step.value,
            "side": at.side.value,
            "alreadyPosted": posted,
            "late": placed.late,
        },
    }


def _unlinked(text: str) -> str:
    """SARIF reads ``[text](target)`` as a link in plain messages too (3.11.6)."""
    return text.replace("](", "] (")


def _artifact(path: str) -> dict[str, Any]:
    return {"uri": quote(path.encode("utf-8", "replace"), safe="/"), "uriBaseId": "SRCROOT"}


def _invocation(outcome: ReviewOutcome) -> dict[str, Any]:
    coverage = outcome.coverage
    invocation: dict[str, Any] = {"executionSuccessful": coverage.complete and outcome.verdict != "superseded"}
    notes = _notifications(coverage)
    notes += [
        {"level": "note", "message": {"text": sanitize_plain(said, limit=1_000)}} for said in since_sentences(outcome)
    ]
    if outcome.verdict in ("skipped", "superseded"):
        notes.append({"level": "note", "message": {"text": sanitize_plain(headline(outcome), limit=1_000)}})
    if notes:
        invocation["toolExecutionNotifications"] = notes
    return invocation


def _notifications(coverage: Coverage) -> list[dict[str, Any]]:
    notes = [_missed(file) for file in missed_files(coverage)]
    notes += [{"level": "error", "message": {"text": sanitize_plain(p, limit=1_000)}} for p in coverage.problems]
    return notes


def _missed(file: FileCoverage) -> dict[str, Any]:
    lines = missed_runs(file.missed) or "some lines"
    text = sanitize_plain(f"Not reviewed: {file.path}, {lines}: {file.reason}", limit=1_000)
    place = {"physicalLocation": {"artifactLocation": _artifact(file.path)}}
    return {"level": "error", "message": {"text": text}, "locations": [place]}
