"""Pure: ReviewOutcome -> JSON, schema 1: what other programs read. `SCHEMA` describes it.

The text is ASCII (other characters are escaped), so that nothing in it can act on a terminal. Quotes, titles and bodies
are as the model gave them, not sanitised for Markdown; secrets in them are masked.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reviewbot.core.context.redaction import redact
from reviewbot.core.report.summary import headline, late_count, lines_to_read

if TYPE_CHECKING:
    from reviewbot.core.change.pull_request import PullRequest
    from reviewbot.core.findings.finding import PlacedFinding, RejectedFinding
    from reviewbot.core.report.outcome import Coverage, FileCoverage, ReviewOutcome

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_NUMBER = {"type": "number", "minimum": 0}
_TRUTH = {"type": "boolean"}
_MAYBE_LINE = {"type": ["integer", "null"], "minimum": 1}
_MAYBE_TEXT = {"type": ["string", "null"]}
_MAYBE_COUNT = {"type": ["integer", "null"], "minimum": 0}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_SIDE = {"enum": ["LEFT", "RIGHT"]}
_FINDING = _object(
    id=_TEXT,
    fingerprint=_TEXT,
    path=_TEXT,
    side=_SIDE,
    start_line=_MAYBE_LINE,
    line=_MAYBE_LINE,
    severity={"enum": ["critical", "major", "minor", "nit"]},
    category=_TEXT,
    confidence={"type": "number"},
    title=_TEXT,
    body=_TEXT,
    evidence=_TEXT,
    quote=_TEXT,
    suggestion={**_MAYBE_TEXT, "description": "Replaces the lines exactly; only if it was proved against the file."},
    unproved_suggestion={**_MAYBE_TEXT, "description": "A replacement that did not hold, or was not tried."},
    suggestion_note=_TEXT,
    source=_TEXT,
    late=_TRUTH,
    note=_TEXT,
    placement=_object(step={"enum": ["range", "line", "file", "summary"]}, reason=_TEXT),
)
_FILE = _object(
    path=_TEXT,
    status={"enum": ["reviewed", "partly-reviewed", "skipped", "over-budget", "failed"]},
    reason=_TEXT,
    changed_lines=_COUNT,
    reviewed_lines=_COUNT,
    skipped_lines=_COUNT,
    over_budget_lines=_COUNT,
    failed_lines=_COUNT,
    earlier_lines=_COUNT,
    missed=_list(_object(side=_SIDE, first=_COUNT, last=_COUNT)),
)

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "reviewbot review, schema 1",
    **_object(
        schema={"const": 1},
        run_id=_TEXT,
        pull_request=_object(
            label=_TEXT,
            repository=_TEXT,
            number=_MAYBE_LINE,
            url=_TEXT,
            title=_TEXT,
            author=_TEXT,
            base_ref=_TEXT,
            base_sha=_TEXT,
            head_ref=_TEXT,
            head_sha=_TEXT,
        ),
        model=_TEXT,
        analyzers={**_list(_TEXT), "description": "Static analyzers that looked at something."},
        summary=_object(
            verdict={"enum": ["clean", "findings", "incomplete", "skipped", "superseded"]},
            headline=_TEXT,
            explanation=_TEXT,
            skip_reason=_TEXT,
            fails=_TRUTH,
            notes=_list(_TEXT),
        ),
        findings=_list(_FINDING),
        rejected=_list(_object(finding=_FINDING, reason=_TEXT, detail=_TEXT)),
        coverage=_object(
            complete=_TRUTH,
            changed_lines=_COUNT,
            reviewed_lines=_COUNT,
            skipped_lines=_COUNT,
            missed_lines=_COUNT,
            earlier_lines=_COUNT,
            problems=_list(_TEXT),
            files=_list(_FILE),
        ),
        since=_object(
            head_sha=_TEXT,
            rounds=_COUNT,
            late_findings=_COUNT,
            full=_TRUTH,
            reason=_TEXT,
            new_lines=_COUNT,
            earlier_lines=_COUNT,
        ),
        usage=_object(
            requests=_COUNT,
            input_tokens=_COUNT,
            cached_input_tokens=_MAYBE_COUNT,
            output_tokens=_COUNT,
            reasoning_tokens=_MAYBE_COUNT,
            cost_usd={"type": ["number", "null"], "description": "null when the model's price is not known."},
            saved_usd=_NUMBER,
        ),
        github=_object(
            review_url=_TEXT,
            summary_url=_TEXT,
            check_url=_TEXT,
            api_calls=_COUNT,
            notes=_list(_TEXT),
        ),
        timings={"type": "object", "additionalProperties": _NUMBER, "description": "Seconds by part of the run."},
    ),
}


def render(outcome: ReviewOutcome) -> str:
    """The outcome as one JSON object that `SCHEMA` accepts, indented, with a newline at the end."""
    return json.dumps(_masked(_document(outcome)), indent=2, ensure_ascii=True) + "\n"


def _document(outcome: ReviewOutcome) -> dict[str, Any]:
    usage, posted = outcome.usage, outcome.posted
    return {
        "schema": 1,
        "run_id": outcome.run_id,
        "pull_request": _pull(outcome.pull),
        "model": outcome.model,
        "analyzers": list(outcome.analyzers),
        "summary": {
            "verdict": outcome.verdict,
            "headline": headline(outcome),
            "explanation": outcome.explanation,
            "skip_reason": outcome.skip_reason,
            "fails": outcome.fails,
            "notes": list(outcome.notes),
        },
        "findings": [finding_value(placed) for placed in outcome.findings],
        "rejected": [_rejected(item) for item in outcome.rejected],
        "coverage": _coverage(outcome.coverage),
        "since": _since(outcome),
        "usage": {
            "requests": usage.requests,
            "input_tokens": usage.input_tokens,
            "cached_input_tokens": usage.cached_input_tokens,
            "output_tokens": usage.output_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "cost_usd": outcome.cost_usd,
            "saved_usd": outcome.saved_usd,
        },
        "github": {
            "review_url": posted.review_url if posted else "",
            "summary_url": posted.summary_url if posted else "",
            "check_url": posted.check_url if posted else "",
            "api_calls": outcome.api_calls,
            "notes": list(posted.notes) if posted else [],
        },
        "timings": dict(outcome.timings),
    }


def _pull(pull: PullRequest) -> dict[str, Any]:
    return {
        "label": pull.label,
        "repository": pull.base_repo,
        "number": pull.ref.number if pull.ref else None,
        "url": pull.html_url,
        "title": pull.title,
        "author": pull.author,
        "base_ref": pull.base_ref,
        "base_sha": pull.base_sha,
        "head_ref": pull.head_ref,
        "head_sha": pull.head_sha,
    }


def finding_value(placed: PlacedFinding) -> dict[str, Any]:
    """One finding as schema 1 has it; ``id`` is the short form of its fingerprint."""
    finding, at = placed.finding, placed.location
    return {
        "id": placed.fingerprint[:12],
        "fingerprint": placed.fingerprint,
        "path": at.path,
        "side": at.side.value,
        "start_line": at.start_line,
        "line": at.line,
        "severity": finding.severity.value,
        "category": finding.category,
        "confidence": finding.confidence,
        "title": finding.title,
        "body": finding.body,
        "evidence": finding.evidence,
        "quote": finding.quote,
        "suggestion": placed.suggestion,
        "unproved_suggestion": finding.suggestion if placed.suggestion is None else None,
        "suggestion_note": placed.suggestion_note,
        "source": finding.source,
        "late": placed.late,
        "note": placed.note,
        "placement": {"step": at.step.value, "reason": at.reason},
    }


def _rejected(item: RejectedFinding) -> dict[str, Any]:
    return {"finding": finding_value(item.placed), "reason": item.reason.value, "detail": item.detail}


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "complete": coverage.complete,
        "changed_lines": coverage.changed_lines,
        "reviewed_lines": coverage.reviewed_lines,
        "skipped_lines": coverage.skipped_lines,
        "missed_lines": coverage.missed_lines,
        "earlier_lines": coverage.earlier_lines,
        "problems": list(coverage.problems),
        "files": [_file(file) for file in coverage.files],
    }


def _since(outcome: ReviewOutcome) -> dict[str, Any]:
    since = outcome.since
    return {
        "head_sha": since.head_sha,
        "rounds": since.rounds,
        "late_findings": since.late_findings + late_count(outcome),
        "full": since.full,
        "reason": since.reason,
        "new_lines": lines_to_read(outcome.coverage),
        "earlier_lines": outcome.coverage.earlier_lines,
    }


def _file(file: FileCoverage) -> dict[str, Any]:
    return {
        "path": file.path,
        "status": file.state.value,
        "reason": file.reason,
        "changed_lines": file.changed_lines,
        "reviewed_lines": file.reviewed_lines,
        "skipped_lines": file.skipped_lines,
        "over_budget_lines": file.over_budget_lines,
        "failed_lines": file.failed_lines,
        "earlier_lines": file.earlier_lines,
        "missed": [{"side": run.side.value, "first": run.first, "last": run.last} for run in file.missed],
    }


def _masked(value: Any) -> Any:
    """``value`` with the secrets in its texts masked; lone surrogates, which no reader takes, become U+FFFD."""
    if isinstance(value, str):
        text = redact(value).text
        return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {key: _masked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each) for each in value]
    return value
