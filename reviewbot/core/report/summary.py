"""Pure: what a review comes to, in words: the plain sentences that all outputs share, and the sticky summary comment.

The sentences are made of numbers and of words of our own, and are plain text; whatever comes from outside (paths,
titles, reasons) goes through the sanitiser where Markdown is written.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING

from reviewbot.core.change.diff import Side
from reviewbot.core.change.increment import Since
from reviewbot.core.change.scope import SkipRule
from reviewbot.core.findings.finding import RejectReason, Severity
from reviewbot.core.marker import summary_marker
from reviewbot.core.report.outcome import FileState
from reviewbot.core.report.sanitizer import code_span, sanitize_inline, sanitize_markdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reviewbot.core.change.pull_request import PullRequest
    from reviewbot.core.findings.finding import Location, PlacedFinding
    from reviewbot.core.report.outcome import Coverage, FileCoverage, LineRun, ReviewOutcome

SEVERITY_MARKS = {Severity.CRITICAL: "🔴", Severity.MAJOR: "🟠", Severity.MINOR: "🟡", Severity.NIT: "⚪"}

# Rejected as comments, yet still true of the change: the summary's table shows them beside the new ones.
_STILL_OPEN = (RejectReason.ALREADY_POSTED, RejectReason.OVER_LIMIT)
_FIRST_REVIEW = Since()
_RUNS_SHOWN = 12
_WEB_PAGE = re.compile(r"https?://[A-Za-z0-9.:_-]+(?:/[A-Za-z0-9._-]+)+(?:#[A-Za-z0-9_-]+)?")


def counted(number: int, noun: str) -> str:
    """``1 finding``, ``2,000 findings``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def where(location: Location) -> str:
    """``src/a.py:10-12``, with ``(old)`` for lines of the left side; the path alone when there is no line."""
    if location.line is None:
        return location.path
    start = location.start_line if location.start_line is not None else location.line
    lines = str(location.line) if start == location.line else f"{start}-{location.line}"
    return f"{location.path}:{lines}{' (old)' if location.side is Side.LEFT else ''}"


def by_severity(findings: Iterable[PlacedFinding]) -> list[PlacedFinding]:
    """Most severe first, else in the order given."""
    return sorted(findings, key=lambda placed: placed.finding.severity.rank)


def standing(outcome: ReviewOutcome) -> list[PlacedFinding]:
    """What holds of this change now: the findings of this run, those posted earlier and those over the limit."""
    earlier = [item.placed for item in outcome.rejected if item.reason in _STILL_OPEN]
    return by_severity([*outcome.findings, *earlier])


def severity_counts(findings: Iterable[PlacedFinding]) -> str:
    """``1 critical, 2 minor``; empty when there are none."""
    counts = Counter(placed.finding.severity for placed in findings)
    return ", ".join(f"{counts[severity]} {severity}" for severity in Severity if counts[severity])


def headline(outcome: ReviewOutcome) -> str:
    """The verdict in one line; what was not reviewed comes before what was found."""
    if outcome.verdict == "skipped":
        return f"Not reviewed: {outcome.skip_reason or 'nothing to review'}"
    if outcome.verdict == "superseded":
        return "Superseded: the pull request changed during the review, so nothing was posted"
    what = _found_words(outcome)
    if not outcome.coverage.complete:
        return f"Incomplete: {_read_words(outcome.coverage, outcome.since)}, {what}"
    return what[0].upper() + what[1:]


def _found_words(outcome: ReviewOutcome) -> str:
    """All that stands, and how much of it no earlier review has said."""
    found = standing(outcome)
    if not found:
        return "no new problems found" if outcome.coverage.earlier_lines else "no problems found"
    words = f"{counted(len(found), 'finding')} ({severity_counts(found)})"
    new = len(found) - sum(item.reason is RejectReason.ALREADY_POSTED for item in outcome.rejected)
    if new == len(found):
        return words
    return f"{words}, not new" if len(found) == 1 else f"{words}, {f'{new:,}' if new else 'none'} of them new"


def _read_words(coverage: Coverage, since: Since) -> str:
    """How much was read of what was to be read, for a review that is not complete."""
    if since.increment is None:
        return f"{coverage.reviewed_lines:,} of {counted(coverage.changed_lines, 'changed line')} reviewed"
    offered = lines_to_read(coverage)
    if not offered:
        return "the diff could not be read in full"
    read = f"{coverage.reviewed_lines:,}" if coverage.reviewed_lines else "none"
    return f"{read} of {counted(offered, f'{_newness(coverage, since)} changed line')} reviewed"


def lines_to_read(coverage: Coverage) -> int:
    """The changed lines that were this run's to read: neither skipped by rule nor reviewed earlier."""
    return coverage.reviewed_lines + coverage.missed_lines


def _newness(coverage: Coverage, since: Since) -> str:
    """What the lines to read are: new, or partly left over by the last review, which did not read or not post them."""
    skipped = {file.path for file in coverage.files if file.state is FileState.SKIPPED}
    files = since.increment.files if since.increment is not None else ()
    return "new or left-over" if any(file.owed and file.path not in skipped for file in files) else "new"


def coverage_sentence(coverage: Coverage, since: Since = _FIRST_REVIEW) -> str:
    """How many of the changed lines were read, and what became of the others."""
    if not coverage.changed_lines:
        return "There are no changed lines to review."
    if since.increment is not None:
        return f"{'; '.join(_later_parts(coverage, since))}."
    files = sum(file.reviewed_lines > 0 for file in coverage.files)
    if coverage.reviewed_lines == coverage.changed_lines:
        lines = (
            f"All {coverage.changed_lines:,} changed lines" if coverage.changed_lines > 1 else "The one changed line"
        )
        verb = "were" if coverage.changed_lines > 1 else "was"
        return f"{lines} in {counted(files, 'file')} {verb} reviewed."
    read = (
        f"{coverage.reviewed_lines:,} of {counted(coverage.changed_lines, 'changed line')} in {counted(files, 'file')}"
    )
    return f"{'; '.join([f'{read} were reviewed', *_left_out(coverage)])}."


def _left_out(coverage: Coverage) -> list[str]:
    """One part of a sentence on the lines that were skipped or missed; nothing when there are none."""
    rest = []
    if coverage.skipped_lines:
        rules = Counter(rule_of(file) for file in coverage.files if file.state is FileState.SKIPPED)
        named = ", ".join(f"{rule} {number}" for rule, number in rules.most_common())
        rest.append(f"{coverage.skipped_lines:,} skipped by rule{f' ({named})' if named else ''}")
    if coverage.missed_lines:
        rest.append(f"{coverage.missed_lines:,} not reviewed")
    return [", ".join(rest)] if rest else []


def _later_parts(coverage: Coverage, since: Since) -> list[str]:
    """The parts of the sentence for a review that read only what is new since the last one."""
    last = f"the last review{f' (commit {since.head_sha[:12]})' if since.head_sha else ''}"
    offered, earlier = lines_to_read(coverage), coverage.earlier_lines
    if not offered:
        if not earlier:
            return ["There are no changed lines to review", *_left_out(coverage)]
        whole = "the one there is" if earlier == 1 else f"all {earlier:,}"
        which, then = ("line to read", f"{earlier:,}") if coverage.skipped_lines else ("line", whole)
        was = "was" if earlier == 1 else "were"
        return [f"No changed {which} is new since {last}", f"{then} {was} reviewed then", *_left_out(coverage)]
    noun = f"{_newness(coverage, since)} changed line"
    files = counted(sum(file.reviewed_lines > 0 for file in coverage.files), "file")
    if not coverage.reviewed_lines:
        read = f"None of the {counted(offered, noun)} was reviewed"
    elif coverage.reviewed_lines < offered:
        read = f"{coverage.reviewed_lines:,} of {counted(offered, noun)} in {files} were reviewed"
    elif offered == 1:
        read = f"The one {noun} in {files} was reviewed"
    else:
        read = f"All {counted(offered, noun)} in {files} were reviewed"
    then = f"{earlier:,} unchanged since {last} {'was' if earlier == 1 else 'were'} reviewed then"
    return [read, *_left_out(coverage), *([then] if earlier else [])]


def since_sentences(outcome: ReviewOutcome) -> list[str]:
    """What else to know of the earlier reviews: why nothing was built on them, and what they had read and missed. Plain
    text, with a reason that comes from outside and is not sanitised."""
    since = outcome.since
    said = []
    if outcome.verdict != "skipped" and since.full and (since.rounds or since.reason):
        said.append("Everything was read again, as asked.")
    elif outcome.verdict != "skipped" and since.reason:
        said.append(f"Everything was read again: {since.reason.strip().rstrip('.')}.")
    late = late_count(outcome)
    if late:
        so_far = since.late_findings + late
        total = f" ({so_far:,} so far in this pull request)" if so_far > late else ""
        verb = "is" if late == 1 else "are"
        said.append(f"{counted(late, 'finding')} {verb} on code that an earlier review had read and missed{total}.")
    return said


def late_count(outcome: ReviewOutcome) -> int:
    """How many findings of this run are on code that an earlier review had read."""
    return sum(placed.late for placed in outcome.findings)


def rule_of(file: FileCoverage) -> str:
    """The name of the rule that skipped a file, which its reason begins with; ``unnamed`` if that is none of ours."""
    rule = file.reason.partition(":")[0].strip()
    return rule if rule in set(SkipRule) else "unnamed"


def missed_runs(runs: Sequence[LineRun]) -> str:
    """``lines 10-12, 40; old lines 3-9``; long lists are cut, and say so."""
    words = []
    for side, name in ((Side.RIGHT, "lines"), (Side.LEFT, "old lines")):
        mine = [run for run in runs if run.side is side]
        if mine:
            shown = ", ".join(str(r.first) if r.first == r.last else f"{r.first}-{r.last}" for r in mine[:_RUNS_SHOWN])
            more = f" and {len(mine) - _RUNS_SHOWN} more ranges" if len(mine) > _RUNS_SHOWN else ""
            words.append(f"{name} {shown}{more}")
    return "; ".join(words)


def missed_files(coverage: Coverage) -> list[FileCoverage]:
    """The files with lines that should have been reviewed and were not."""
    return [file for file in coverage.files if file.over_budget_lines or file.failed_lines]


def money(usd: float | None) -> str:
    """``$0.0312``; ``cost unknown`` when the model has no known price."""
    if usd is None:
        return "cost unknown"
    return f"${usd:,.2f}" if usd >= 1 or usd == 0 else f"${usd:.4f}"


def usage_sentence(outcome: ReviewOutcome) -> str:
    """Model, tokens, requests, cost, analyzers and time in one line of plain text; what the provider did not tell is
    left out."""
    usage = outcome.usage
    cached = f" ({usage.cached_input_tokens:,} cached)" if usage.cached_input_tokens is not None else ""
    reasoning = f" ({usage.reasoning_tokens:,} reasoning)" if usage.reasoning_tokens is not None else ""
    tokens = f"{usage.input_tokens:,} input{cached} and {usage.output_tokens:,} output{reasoning} tokens"
    parts = [tokens, counted(usage.requests, "request"), money(outcome.cost_usd)]
    if outcome.saved_usd:
        parts.append(f"{money(outcome.saved_usd)} saved by stored answers")
    if outcome.analyzers:
        parts.append(f"with {', '.join(outcome.analyzers)}")
    seconds = sum(each for _, each in outcome.timings)
    return " · ".join([outcome.model, *parts] if outcome.model else parts) + (f" · {seconds:.1f} s" if seconds else "")


def render_summary(outcome: ReviewOutcome) -> str:
    """The sticky comment: incomplete coverage first, then findings, the rest folded away. Short when all is well.

    At most some 58,000 characters, by a budget for each section that states what it leaves out.
    """
    sections = [f"### {headline(outcome)}", *incomplete_section(outcome.coverage)]
    if outcome.explanation:
        sections.append(sanitize_markdown(outcome.explanation, limit=2_500))
    sections += [*findings_table(outcome), coverage_sentence(outcome.coverage, outcome.since)]
    sections += [sanitize_inline(each, limit=600) for each in since_sentences(outcome)]
    sections += [*_notes(outcome), *_skipped(outcome.coverage), *_rejected(outcome)]
    commit = f"commit {outcome.pull.head_sha[:12]}" if outcome.pull.head_sha else ""
    footer = " · ".join(part for part in (usage_sentence(outcome), commit, f"run {outcome.run_id}") if part)
    sections += [f"<sub>{sanitize_inline(footer, limit=600)}</sub>", summary_marker()]
    return "\n\n".join(sections)


def incomplete_section(coverage: Coverage) -> list[str]:
    """A warning that names every file and line not reviewed; nothing when coverage is complete."""
    if coverage.complete:
        return []
    rows = [f"> - {code_span(f.path)}: {missed_words(f)}" for f in missed_files(coverage)]
    rows += [f"> - {sanitize_inline(problem, limit=300)}" for problem in coverage.problems]
    lead = f"> **{counted(coverage.missed_lines, 'changed line')} not reviewed.** This is not a clean review."
    return ["\n".join(["> [!WARNING]", lead, ">", *_within(rows, 10_000, "> - ")])]


def missed_words(file: FileCoverage) -> str:
    """Which lines of a file were not reviewed and why, as one line of Markdown."""
    lines = missed_runs(file.missed) or counted(file.over_budget_lines + file.failed_lines, "line")
    state = "over budget" if file.over_budget_lines and not file.failed_lines else "failed"
    return f"{lines} ({sanitize_inline(file.reason or state, limit=200)})"


def findings_table(outcome: ReviewOutcome) -> list[str]:
    """The table of what holds of this change; nothing when there is nothing."""
    earlier = {id(item.placed): item.reason for item in outcome.rejected}
    rows = []
    for placed in standing(outcome):
        severity = placed.finding.severity
        reason = earlier.get(id(placed))
        past = [reason.replace("-", " ")] if reason else []
        past += ["missed by an earlier review"] if placed.late else []
        note = f" *({', '.join(past)})*" if past else ""
        title = sanitize_inline(placed.finding.title or "Untitled")
        place = _linked(outcome.pull, placed.location)
        rows.append(f"| {SEVERITY_MARKS[severity]} {severity} | {place} | {title}{note} |")
    if not rows:
        return []
    head = ["| Severity | Where | Finding |", "| --- | --- | --- |"]
    return ["\n".join([*head, *_within(rows, 20_000, "| | | ", " |")])]


def _linked(pull: PullRequest, location: Location) -> str:
    """The place as code, linked to the line in the pull request's own page where there is one."""
    label = code_span(where(location), limit=160)
    page = own_page(pull, pull.html_url)
    if not page or not label.startswith("`"):
        return label
    anchor = hashlib.sha256(location.path.encode("utf-8", "replace")).hexdigest()
    line = f"{location.side.value[0]}{location.line}" if location.line is not None else ""
    return f"[{label}]({page}/files#diff-{anchor}{line})"


def own_page(pull: PullRequest, url: str) -> str:
    """``url`` if it is plainly a page of the pull request's own host, so that we may link to it; else nothing."""
    plain = pull.ref is not None and _WEB_PAGE.fullmatch(url) and url.split("/", 3)[2] == pull.ref.host
    return url if plain else ""


def _notes(outcome: ReviewOutcome) -> list[str]:
    rows = [f"- {sanitize_inline(note, limit=400)}" for note in outcome.notes]
    return ["\n".join(_within(rows, 4_000, "- "))] if rows else []


def _skipped(coverage: Coverage) -> list[str]:
    skipped = [file for file in coverage.files if file.state is FileState.SKIPPED]
    rows = [f"| {code_span(f.path)} | {f.changed_lines:,} | {sanitize_inline(f.reason)} |" for f in skipped]
    head = ["| File | Changed lines | Rule |", "| --- | ---: | --- |"]
    title = f"{counted(len(skipped), 'file')} skipped by rule"
    return _folded(title, [*head, *_within(rows, 8_000, "| ", " | | |")]) if rows else []


def _rejected(outcome: ReviewOutcome) -> list[str]:
    others = [item for item in outcome.rejected if item.reason not in _STILL_OPEN]
    rows = []
    for item in sorted(others, key=lambda each: (each.reason, each.placed.finding.severity.rank)):
        detail = f" ({sanitize_inline(item.detail)})" if item.detail else ""
        title = sanitize_inline(item.placed.finding.title or "Untitled", limit=120)
        place = code_span(where(item.placed.location), limit=160)
        rows.append(
            f"- **{item.reason.replace('-', ' ')}** · {item.placed.finding.severity} · {place}: {title}{detail}"
        )
    title = f"{counted(len(others), 'finding')} not posted, with the reason"
    return _folded(title, _within(rows, 10_000, "- ")) if rows else []


def _folded(title: str, lines: Sequence[str]) -> list[str]:
    return [f"<details>\n<summary>{title}</summary>\n\n" + "\n".join(lines) + "\n\n</details>"]


def _within(rows: Sequence[str], budget: int, lead: str, end: str = "") -> list[str]:
    """The first rows that fit ``budget`` characters, and a row that counts those that do not."""
    shown: list[str] = []
    for row in rows:
        budget -= len(row) + 1
        if budget < 0:
            left = len(rows) - len(shown)
            return [*shown, f"{lead}*and {left:,} more, not shown here*{end}"]
        shown.append(row)
    return shown
