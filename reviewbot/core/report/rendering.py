"""Pure: ReviewOutcome -> ReviewDraft: every word that one run will write on GitHub.

The review (its body and its comments) and the check run depend only on the findings, the coverage and the review before
this one, so the same result gives the same payload; what differs from run to run (time, tokens, run id) and what is
counted over all reviews stands only in the summary.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from reviewbot.core.change.diff import Side
from reviewbot.core.findings.finding import Severity, Step
from reviewbot.core.findings.identity import code_digest
from reviewbot.core.marker import digest_marker, finding_marker, review_marker
from reviewbot.core.report.draft import Annotation, CheckDraft, InlineComment, ReviewDraft
from reviewbot.core.report.sanitizer import (
    code_block,
    code_span,
    sanitize_inline,
    sanitize_markdown,
    sanitize_plain,
    suggestion_block,
)
from reviewbot.core.report.summary import (
    SEVERITY_MARKS,
    by_severity,
    counted,
    coverage_sentence,
    findings_table,
    headline,
    incomplete_section,
    render_summary,
    severity_counts,
    standing,
    where,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbot.core.config import Config
    from reviewbot.core.findings.finding import PlacedFinding
    from reviewbot.core.report.outcome import ReviewOutcome

CHECK_NAME = "reviewbot"
_BODY_ROOM = 50_000  # of GitHub's 65,536 characters, so that moved comments still have a place
_SUGGESTION_ROOM = 20_000
_LEVELS: dict[Severity, Literal["notice", "warning", "failure"]] = {
    Severity.CRITICAL: "failure",
    Severity.MAJOR: "warning",
    Severity.MINOR: "notice",
    Severity.NIT: "notice",
}


def render_draft(outcome: ReviewOutcome, config: Config, *, key: str) -> ReviewDraft:
    """Everything to be written for ``outcome``. ``key`` names the run in the review's hidden marker.

    A skipped or superseded review has neither review nor summary, only a neutral check run.
    """
    told = outcome.verdict not in ("skipped", "superseded")
    findings = by_severity(outcome.findings) if told else []
    offered = config.review.suggestions
    comments = tuple(
        _comment(placed, offered=offered) for placed in findings if placed.location.step is not Step.SUMMARY
    )
    unplaced = [placed for placed in findings if placed.location.step is Step.SUMMARY]
    body = _review_body(outcome, unplaced, key, offered=offered) if findings else None
    return ReviewDraft(
        key=key,
        commit_sha=outcome.pull.head_sha,
        body=body,
        comments=comments,
        summary=render_summary(outcome) if told and config.post.summary else None,
        check=_check(outcome, config, standing(outcome) if told else []) if config.post.check_run else None,
    )


def comment_body(placed: PlacedFinding, *, offered: bool = True) -> str:
    """One finding as a comment, without its marker; a suggestion block only if it was proved and is ``offered``."""
    finding = placed.finding
    title = sanitize_inline(finding.title or "Untitled", limit=160)
    parts = [f"{SEVERITY_MARKS[finding.severity]} **{finding.severity.capitalize()}: {title}**"]
    if finding.body.strip():
        parts.append(sanitize_markdown(finding.body, limit=8_000))
    if finding.evidence.strip() and finding.evidence.strip() not in finding.body:
        evidence = sanitize_markdown(finding.evidence, limit=4_000)
        parts.append(f"<details>\n<summary>Evidence</summary>\n\n{evidence}\n\n</details>")
    parts += _suggested(placed, offered=offered)
    if placed.note:
        parts.append(f"<sub>{sanitize_inline(placed.note, limit=400)}</sub>")
    if placed.late:
        parts.append("<sub>About code that an earlier review has read: it was missed then.</sub>")
    facts = f"{finding.category} · confidence {finding.confidence:.0%} · {finding.source}"
    parts.append(f"<sub>{sanitize_inline(facts)}</sub>")
    return "\n\n".join(parts)


def _suggested(placed: PlacedFinding, *, offered: bool) -> list[str]:
    """The proved suggestion as a block to commit, or the proposed text with the reason why it is only shown."""
    finding = placed.finding
    proved = placed.suggestion if placed.suggestion is not None else finding.suggestion
    if proved is None:
        return []
    note = placed.suggestion_note or "it was not proved"
    if placed.suggestion is not None:
        block = suggestion_block(proved) if offered and len(proved) <= _SUGGESTION_ROOM else None
        if block is not None:
            return [block]
        note = "it holds characters that may not be posted unchanged" if offered else "suggestions are switched off"
    lead = f"Suggested change (not offered as a one-click suggestion because {sanitize_inline(note)}):"
    cut = proved[:_SUGGESTION_ROOM]
    shown = [lead, code_block(cut, PurePosixPath(placed.location.path).suffix.lstrip("."))]
    return shown if cut == proved else [*shown, f"*… cut: the change is {len(proved):,} characters long.*"]


def _markers(placed: PlacedFinding) -> str:
    """The identity of a finding and, before it, what is kept of its code."""
    return f"{digest_marker(placed.fingerprint, code_digest(placed))}\n{finding_marker(placed.fingerprint)}"


def _comment(placed: PlacedFinding, *, offered: bool) -> InlineComment:
    at = placed.location
    body = f"{comment_body(placed, offered=offered)}\n\n{_markers(placed)}"
    return InlineComment(at.path, at.side, at.start_line, at.line, body, placed.fingerprint)


def _review_body(outcome: ReviewOutcome, unplaced: Sequence[PlacedFinding], key: str, *, offered: bool) -> str:
    """A short paragraph, then the findings that have no line, as many as fit."""
    found = outcome.findings
    noun = "finding" if outcome.since.increment is None else "new finding"
    lead = f"{counted(len(found), noun)} in this change: {severity_counts(found)}."
    if not outcome.coverage.complete:
        lead += f" **The review is incomplete**: {coverage_sentence(outcome.coverage, outcome.since)}"
    parts = [lead]
    room = _BODY_ROOM
    for number, placed in enumerate(unplaced):
        whole = f"{comment_body(placed, offered=offered)}\n\n{_markers(placed)}"
        entry = f"---\n\nIn {code_span(where(placed.location))}, not tied to a line:\n\n{whole}"
        room -= len(entry) + 2
        if room < 0:
            parts.append(f"*… cut: {len(unplaced) - number} more findings are listed in the summary.*")
            break
        parts.append(entry)
    return "\n\n".join([*parts, review_marker(key)])


def _check(outcome: ReviewOutcome, config: Config, findings: Sequence[PlacedFinding]) -> CheckDraft:
    """Success only if all was read and nothing reaches ``fail_on``; failure if something does; neutral otherwise."""
    threshold = config.review.fail_on
    conclusion: Literal["success", "failure", "neutral"] = "success"
    title = headline(outcome)
    if outcome.verdict in ("skipped", "superseded"):
        return CheckDraft(CHECK_NAME, "neutral", sanitize_plain(title, limit=200), sanitize_markdown(f"{title}."))
    if outcome.fails or any(placed.finding.severity.reaches(threshold) for placed in findings):
        conclusion = "failure"
    elif not outcome.coverage.complete:
        conclusion = "neutral"
    sections = [
        *incomplete_section(outcome.coverage),
        *findings_table(outcome),
        coverage_sentence(outcome.coverage, outcome.since),
    ]
    if conclusion == "failure":
        sections.append(f"The check fails because a finding is {threshold} or worse (`review.fail_on`).")
    annotations = tuple(
        _annotation(p) for p in findings if p.location.side is Side.RIGHT and p.location.line is not None
    )
    return CheckDraft(CHECK_NAME, conclusion, sanitize_plain(title, limit=200), "\n\n".join(sections), annotations)


def _annotation(placed: PlacedFinding) -> Annotation:
    finding, at = placed.finding, placed.location
    line = at.line or 1
    message = finding.body.strip() or finding.evidence.strip() or finding.title
    return Annotation(
        path=at.path,
        start_line=at.start_line if at.start_line is not None else line,
        end_line=line,
        level=_LEVELS[finding.severity],
        title=sanitize_plain(" ".join(finding.title.split()) or "Untitled", limit=200),
        message=sanitize_plain(message, limit=8_000),
    )
