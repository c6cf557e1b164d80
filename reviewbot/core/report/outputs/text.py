"""Pure: ReviewOutcome -> text for a terminal: verdict, findings with their code, what was not read, cost, next step.

Everything from outside goes through `sanitize_plain`: no escape sequence in a diff or an answer reaches the terminal.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from reviewbot.core.change.diff import LineKind
from reviewbot.core.findings.finding import Severity
from reviewbot.core.report.outcome import FileState
from reviewbot.core.report.outputs.excerpt import excerpt, shown_texts
from reviewbot.core.report.sanitizer import sanitize_plain
from reviewbot.core.report.summary import (
    by_severity,
    counted,
    coverage_sentence,
    headline,
    missed_files,
    missed_runs,
    since_sentences,
    standing,
    usage_sentence,
    where,
)

if TYPE_CHECKING:
    from rich.console import Console

    from reviewbot.core.findings.finding import PlacedFinding
    from reviewbot.core.report.outcome import ReviewOutcome

_BADGES = {
    Severity.CRITICAL: "bold white on red",
    Severity.MAJOR: "bold black on yellow",
    Severity.MINOR: "bold black on cyan",
    Severity.NIT: "black on white",
}
_LINES = {LineKind.ADDED: "green", LineKind.REMOVED: "red", LineKind.CONTEXT: "dim"}
_FILES_SHOWN = 20
_STANDING_SHOWN = 40
_INDENT = 2


def render(outcome: ReviewOutcome, *, color: bool = False, width: int = 100) -> str:
    """The result as lines of at most ``width`` columns (code is cut there), with ANSI colours if ``color``."""
    from rich.console import Console  # 90 ms of start-up, for terminals only

    out = io.StringIO()
    console = Console(
        file=out,
        width=max(width, 40),
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=False,
    )
    _heading(console, outcome)
    for placed in by_severity(outcome.findings):
        _finding(console, outcome, placed)
    _standing(console, outcome)
    if outcome.verdict != "skipped" or outcome.coverage.files:
        _rest(console, outcome)
    _last_lines(console, outcome)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def _heading(console: Console, outcome: ReviewOutcome) -> None:
    pull = outcome.pull
    console.print(sanitize_plain(_one_line(f"{pull.label}  {pull.title}"), limit=300), style="bold")
    console.print(sanitize_plain(headline(outcome), limit=500), style=_verdict_style(outcome))
    for problem in outcome.coverage.problems:
        console.print("  ! " + sanitize_plain(_one_line(problem), limit=500), style="yellow")
    for file in missed_files(outcome.coverage)[:_FILES_SHOWN]:
        missed = missed_runs(file.missed) or counted(file.failed_lines + file.over_budget_lines, "line")
        text = _one_line(f"not reviewed: {file.path} {missed}{f' ({file.reason})' if file.reason else ''}")
        console.print("  ! " + sanitize_plain(text, limit=500), style="yellow")
    more = len(missed_files(outcome.coverage)) - _FILES_SHOWN
    if more > 0:
        console.print(f"  ! and {counted(more, 'more file')} (all of them with --format json)", style="yellow")
    if outcome.explanation:
        console.print()
        console.print(sanitize_plain(outcome.explanation.strip(), limit=1_500))


def _verdict_style(outcome: ReviewOutcome) -> str:
    if outcome.verdict in ("skipped", "superseded") or not outcome.coverage.complete:
        return "bold yellow"
    if outcome.fails or any(each.finding.severity is Severity.CRITICAL for each in standing(outcome)):
        return "bold red"
    return "bold yellow" if standing(outcome) else "bold green"


def _finding(console: Console, outcome: ReviewOutcome, placed: PlacedFinding) -> None:
    from rich.padding import Padding
    from rich.text import Text

    finding = placed.finding
    title = Text()
    title.append(f" {finding.severity.upper()} ", style=_BADGES[finding.severity])
    title.append(f" {sanitize_plain(_one_line(finding.title) or 'Untitled', limit=200)}", style="bold")
    console.print()
    console.print(title)
    place = f"{_one_line(where(placed.location))}  {finding.category}, confidence {finding.confidence:.0%}"
    console.print(Padding(Text(sanitize_plain(place, limit=400), style="cyan"), (0, 0, 0, _INDENT)))
    _code(console, outcome, placed)
    body = sanitize_plain(finding.body.strip(), limit=4_000)
    if body:
        console.print(Padding(Text(body), (0, 0, 0, _INDENT)))
    past = [_one_line(placed.note)] if placed.note else []
    past += ["About code that an earlier review has read: it was missed then."] if placed.late else []
    for said in past:
        console.print(Padding(Text(sanitize_plain(said, limit=400), style="dim"), (0, 0, 0, _INDENT)))
    _suggestion(console, placed)


def _standing(console: Console, outcome: ReviewOutcome) -> None:
    """What holds beside the findings of this run, a line each: they count for the verdict."""
    from rich.padding import Padding
    from rich.text import Text

    new = {id(placed) for placed in outcome.findings}
    others = [placed for placed in standing(outcome) if id(placed) not in new]
    reasons = {id(item.placed): item.reason.replace("-", " ") for item in outcome.rejected}
    if others:
        console.print()
        console.print("Standing besides:", style="bold")
    for placed in others[:_STANDING_SHOWN]:
        title = _one_line(placed.finding.title) or "Untitled"
        words = f"{_one_line(where(placed.location))}  {title} ({reasons[id(placed)]})"
        line = Text()
        line.append(f" {placed.finding.severity.upper()} ", style=_BADGES[placed.finding.severity])
        line.append(f" {sanitize_plain(words, limit=400)}")
        console.print(Padding(line, (0, 0, 0, _INDENT)))
    if len(others) > _STANDING_SHOWN:
        console.print(f"  and {len(others) - _STANDING_SHOWN:,} more (all of them with --format json)", style="dim")


def _code(console: Console, outcome: ReviewOutcome, placed: PlacedFinding) -> None:
    from rich.text import Text

    lines = excerpt(outcome.diff, placed.location)
    for line, shown in zip(lines, shown_texts(lines), strict=True):
        number = line.old if line.kind is LineKind.REMOVED else line.new
        text = Text(f"{'':{_INDENT}}{number or '':>6} {line.kind} {shown[:500]}", style=_LINES[line.kind])
        console.print(text, no_wrap=True, overflow="ellipsis", crop=True)


def _suggestion(console: Console, placed: PlacedFinding) -> None:
    from rich.padding import Padding
    from rich.text import Text

    proposed = placed.suggestion if placed.suggestion is not None else placed.finding.suggestion
    if proposed is None:
        return
    why = f" (not offered: {placed.suggestion_note})" if placed.suggestion is None and placed.suggestion_note else ""
    console.print(Padding(Text(f"Suggested change{sanitize_plain(why, limit=300)}:"), (0, 0, 0, _INDENT)))
    for line in sanitize_plain(proposed, limit=4_000).removesuffix("\n").split("\n") if proposed else ["(delete)"]:
        text = Text(f"{'':{_INDENT}}{'':>6} + {line.expandtabs(4)}", style="green")
        console.print(text, no_wrap=True, overflow="ellipsis", crop=True)


def _rest(console: Console, outcome: ReviewOutcome) -> None:
    console.print()
    console.print(coverage_sentence(outcome.coverage, outcome.since))
    skipped = [file for file in outcome.coverage.files if file.state is FileState.SKIPPED]
    for file in skipped[:_FILES_SHOWN]:
        console.print("  " + sanitize_plain(_one_line(f"skipped: {file.path} ({file.reason})"), limit=300), style="dim")
    if len(skipped) > _FILES_SHOWN:
        console.print(f"  and {counted(len(skipped) - _FILES_SHOWN, 'more file')} skipped", style="dim")
    if outcome.rejected:
        reasons = [item.reason.replace("-", " ") for item in outcome.rejected]
        counts = ", ".join(f"{reasons.count(reason)} {reason}" for reason in dict.fromkeys(reasons))
        console.print(f"{counted(len(reasons), 'finding')} not posted inline: {counts}.", style="dim")
    for said in since_sentences(outcome):
        console.print(sanitize_plain(_one_line(said), limit=500))
    for note in (*outcome.notes, *(outcome.posted.notes if outcome.posted else ())):
        console.print(sanitize_plain(_one_line(f"Note: {note}"), limit=500), style="dim")
    console.print(sanitize_plain(usage_sentence(outcome), limit=500), style="dim")


def _last_lines(console: Console, outcome: ReviewOutcome) -> None:
    url = _posted_url(outcome)
    if url:
        console.print(f"Posted: {sanitize_plain(_one_line(url), limit=500)}", soft_wrap=True)
    console.print(f"Next: {_next_step(outcome)}")


def _posted_url(outcome: ReviewOutcome) -> str:
    """Where the result stands on GitHub; empty when nothing was written, as in a dry run."""
    posted = outcome.posted
    return posted.review_url or posted.summary_url or posted.check_url if posted else ""


def _refused(outcome: ReviewOutcome) -> bool:
    """Whether GitHub took nothing of what was to be posted."""
    return outcome.posted is not None and bool(outcome.posted.notes) and not _posted_url(outcome)


def _next_step(outcome: ReviewOutcome) -> str:
    """The first sentence of the table whose condition holds."""
    skipped = outcome.verdict == "skipped"
    coverage = outcome.coverage
    left_out = bool(coverage.files) and not coverage.reviewed_lines and not coverage.earlier_lines
    steps = (
        (skipped and left_out, "nothing to do; the settings of [scope] say what is read."),
        (skipped and outcome.pull.ref is None, "say what to compare: --base BRANCH, --staged or --uncommitted."),
        (skipped, "nothing to do; name another pull request to review it."),
        (outcome.verdict == "superseded", "run the same command again to review the new head."),
        (not coverage.complete, "run it again (paid answers are reused), or raise limits.max_cost_usd."),
        (not standing(outcome), "nothing to do."),
        (outcome.pull.ref is None, "fix what holds and run the same command again."),
        (_refused(outcome), "nothing was posted; the notes say why."),
        (not _posted_url(outcome), "nothing was posted; run without --dry-run to post this review."),
        (True, "answer or resolve the comments on the pull request; after a push, run this again."),
    )
    return next(words for holds, words in steps if holds)


def _one_line(text: str) -> str:
    return " ".join(text.split())
