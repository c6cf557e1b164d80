"""Pure: ReviewOutcome -> one self-contained HTML page: the diff with the comments in place, as on GitHub.

No script, no outside resource: one style sheet inside the page, allowed by its hash in the page's content security
policy. Light and dark follow the reader's system, or three radio buttons. Everything from outside is escaped by Jinja,
or comes escaped from markdown-it (raw HTML, links and images off) and from `tint`.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from reviewbot.core.findings.finding import Severity
from reviewbot.core.report.draft import Posted
from reviewbot.core.report.outcome import FileState
from reviewbot.core.report.outputs.diff_view import DiffView, anchor, card, clean, inline, markdown
from reviewbot.core.report.summary import (
    counted,
    coverage_sentence,
    headline,
    missed_files,
    missed_runs,
    money,
    own_page,
    since_sentences,
    standing,
    where,
)

if TYPE_CHECKING:
    from jinja2 import Template

    from reviewbot.core.findings.finding import PlacedFinding, RejectedFinding
    from reviewbot.core.report.outcome import ReviewOutcome


def render(outcome: ReviewOutcome) -> str:
    """The page as text, UTF-8 when written. Code that is left out for size is counted where it would stand."""
    view = DiffView(outcome)
    files = [view.file(number, file) for number, file in enumerate(outcome.diff.files)]
    template, style = _template()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    html = template.render(
        style=Markup(style),  # noqa: S704 - our own file, and a hash of it is the only style that the page allows
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        head=_head(outcome),
        stats=_stats(outcome),
        alert=_alert(outcome),
        explanation=markdown(outcome.explanation) if outcome.explanation else "",
        notes=[clean(note) for note in (*since_sentences(outcome), *outcome.notes, *_posting_notes(outcome))],
        index=[_entry(placed) for placed in standing(outcome)],
        unplaced=[card(each, (), alone=True) for each in standing(outcome) if each.fingerprint not in view.seen],
        files=files,
        rejected=[_rejected(item) for item in outcome.rejected],
        skipped=[f for f in outcome.coverage.files if f.state is FileState.SKIPPED],
        run=_run(outcome),
        clean=clean,
    )
    return html if html.isascii() else html.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _posting_notes(outcome: ReviewOutcome) -> tuple[str, ...]:
    return outcome.posted.notes if outcome.posted else ()


def _head(outcome: ReviewOutcome) -> dict[str, Any]:
    pull = outcome.pull
    kind = {"clean": "good", "findings": "bad", "skipped": "idle", "superseded": "idle"}.get(outcome.verdict, "warn")
    posted = outcome.posted.review_url or outcome.posted.summary_url if outcome.posted else ""
    return {
        "kind": kind if outcome.coverage.complete else "warn",
        "label": clean(pull.label),
        "title": clean(pull.title) or "Local changes",
        "number": f"#{pull.ref.number}" if pull.ref else "",
        "headline": clean(headline(outcome)),
        "author": clean(pull.author),
        "base": clean(pull.base_ref),
        "head": clean(pull.head_ref),
        "commit": clean(pull.head_sha[:12]),
        "url": own_page(pull, pull.html_url),
        "posted": own_page(pull, posted),
        "dry": outcome.draft is not None and pull.ref is not None and outcome.posted in (None, Posted()),
    }


def _stats(outcome: ReviewOutcome) -> dict[str, Any]:
    found = standing(outcome)
    coverage = outcome.coverage
    read = coverage.reviewed_lines + coverage.earlier_lines
    counts = [(severity, sum(p.finding.severity is severity for p in found)) for severity in Severity]
    return {
        "severities": [(severity.value, number) for severity, number in counts if number],
        "findings": len(found),
        "files": len(outcome.diff.files),
        "added": outcome.diff.added,
        "removed": outcome.diff.removed,
        "reviewed": read,
        "changed": coverage.changed_lines,
        "percent": int(100 * read / coverage.changed_lines) if coverage.changed_lines else 100,
        "sentence": coverage_sentence(coverage, outcome.since),
        "cost": money(outcome.cost_usd),
        "requests": counted(outcome.usage.requests, "request"),
        "tokens": outcome.usage.input_tokens + outcome.usage.output_tokens,
        "seconds": sum(seconds for _, seconds in outcome.timings),
    }


def _alert(outcome: ReviewOutcome) -> list[dict[str, str]]:
    rows = [
        {
            "path": clean(file.path),
            "text": clean(": ".join(part for part in (missed_runs(file.missed), file.reason) if part)),
        }
        for file in missed_files(outcome.coverage)
    ]
    return rows + [{"path": "", "text": clean(problem)} for problem in outcome.coverage.problems]


def _run(outcome: ReviewOutcome) -> list[tuple[str, str]]:
    usage = outcome.usage
    cached = f" ({usage.cached_input_tokens:,} cached)" if usage.cached_input_tokens is not None else ""
    reasoning = f" ({usage.reasoning_tokens:,} reasoning)" if usage.reasoning_tokens is not None else ""
    rows = [
        ("Model", outcome.model or "none"),
        ("Analyzers", ", ".join(outcome.analyzers)),
        ("Tokens", f"{usage.input_tokens:,} input{cached}, {usage.output_tokens:,} output{reasoning}"),
        ("Cost", money(outcome.cost_usd) + (f", {money(outcome.saved_usd)} saved" if outcome.saved_usd else "")),
        ("GitHub calls", f"{outcome.api_calls:,}"),
        ("Time", ", ".join(f"{name} {seconds:.1f} s" for name, seconds in outcome.timings) or "not measured"),
        ("Commit", outcome.pull.head_sha),
        ("Run", outcome.run_id),
    ]
    return [(name, clean(value)) for name, value in rows if value]


def _entry(placed: PlacedFinding) -> dict[str, Any]:
    return {
        "anchor": anchor(placed),
        "severity": placed.finding.severity.value,
        "title": inline(placed.finding.title),
        "where": clean(where(placed.location)),
    }


def _rejected(item: RejectedFinding) -> dict[str, Any]:
    entry = _entry(item.placed)
    return {**entry, "reason": item.reason.replace("-", " "), "detail": clean(item.detail)}


@cache
def _template() -> tuple[Template, str]:
    from jinja2 import Environment, PackageLoader

    loader = PackageLoader("reviewbot.core.report", "outputs")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("review.html.j2"), loader.get_source(environment, "review.css")[0]
