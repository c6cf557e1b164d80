"""Pure: ReviewOutcome -> Markdown for a person or a job summary: the summary, then each finding with its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewbot.core.report.outputs.excerpt import excerpt
from reviewbot.core.report.rendering import comment_body
from reviewbot.core.report.sanitizer import code_block, code_span, sanitize_inline
from reviewbot.core.report.summary import by_severity, headline, own_page, render_summary, where

if TYPE_CHECKING:
    from reviewbot.core.findings.finding import PlacedFinding
    from reviewbot.core.report.outcome import ReviewOutcome

# A job summary may have 1 MiB; what is over is counted, not dropped in silence.
_ROOM = 900_000


def render(outcome: ReviewOutcome) -> str:
    """A whole document in GitHub's Markdown, under a mebibyte."""
    if outcome.verdict == "skipped":
        return f"### {sanitize_inline(headline(outcome))}\n"
    parts = [f"## Review of {sanitize_inline(outcome.pull.label)}: {sanitize_inline(outcome.pull.title) or 'untitled'}"]
    page = own_page(outcome.pull, outcome.posted.review_url) if outcome.posted else ""
    if page:
        parts.append(f"Posted at <{page}>")
    parts.append(render_summary(outcome))
    room = _ROOM - sum(len(part) for part in parts)
    findings = by_severity(outcome.findings)
    for number, placed in enumerate(findings):
        entry = _finding(outcome, placed)
        room -= len(entry.encode("utf-8")) + 2
        if room < 0:
            parts.append(f"*… cut: {len(findings) - number} more findings are in the table above.*")
            break
        parts.append(entry)
    return "\n\n".join(parts) + "\n"


def _finding(outcome: ReviewOutcome, placed: PlacedFinding) -> str:
    lines = excerpt(outcome.diff, placed.location)
    code = "\n".join(f"{line.kind}{line.text}" for line in lines)
    title = f"---\n\n{code_span(where(placed.location))}"
    if not lines:
        return f"{title}\n\n{comment_body(placed)}"
    return f"{title}\n\n{code_block(code, 'diff')}\n\n{comment_body(placed)}"
