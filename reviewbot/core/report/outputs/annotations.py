"""Pure: ReviewOutcome -> workflow commands of GitHub Actions: one ``::error file=…::message`` line for each finding.

The runner reads these from the output of a step. Everything from outside is percent-escaped, so that no text can begin
a command of its own. Source of the rules: GitHub's own toolkit escapes ``%``, CR and LF in messages, and ``:`` and
``,`` too in properties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewbot.core.change.diff import Side
from reviewbot.core.findings.finding import Severity
from reviewbot.core.report.sanitizer import sanitize_plain
from reviewbot.core.report.summary import headline, standing, where

if TYPE_CHECKING:
    from reviewbot.core.findings.finding import PlacedFinding
    from reviewbot.core.report.outcome import ReviewOutcome

_COMMANDS = {Severity.CRITICAL: "error", Severity.MAJOR: "warning", Severity.MINOR: "notice", Severity.NIT: "notice"}


def render(outcome: ReviewOutcome) -> str:
    """One command a line, the most severe first; a warning first of all when the review is not complete."""
    lines = [] if outcome.coverage.complete else [f"::warning title=reviewbot::{_message(headline(outcome))}"]
    lines += [_command(placed) for placed in standing(outcome)]
    return "".join(f"{line}\n" for line in lines)


def _command(placed: PlacedFinding) -> str:
    finding, at = placed.finding, placed.location
    properties = [("file", at.path)]
    text = finding.body or finding.title
    if at.side is Side.RIGHT and at.line is not None:
        start = at.start_line if at.start_line is not None else at.line
        properties += [("line", str(start)), ("endLine", str(at.line))]
    else:
        text = f"{where(at)}: {text}"
    properties.append(("title", f"{finding.severity.capitalize()}: {sanitize_plain(finding.title, limit=200)}"))
    shown = ",".join(f"{name}={_property(value)}" for name, value in properties)
    return f"::{_COMMANDS[finding.severity]} {shown}::{_message(text)}"


def _message(text: str) -> str:
    return sanitize_plain(text, limit=4_000).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
