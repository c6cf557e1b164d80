"""Shows a running review to a person at a terminal: one line that moves, on stderr, gone when the result comes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, TextIO

from reviewbot.core.report.outcome import ReviewOutcome
from reviewbot.flows.progress import Progress, Watch

if TYPE_CHECKING:
    from reviewbot.core.config import Resolved

_WORDS = {
    "collecting": "Collecting the change",
    "asking": "Asking the model",
    "placing": "Placing the findings",
    "posting": "Posting",
    "done": "Done",
}


def sentence(progress: Progress) -> str:
    """What is going on, in one line: ``Asking the model: 3 of 12 chunks, 41,200 tokens, $0.0812``."""
    text = _WORDS[progress.stage]
    if progress.stage == "asking":
        tokens = progress.usage.input_tokens + progress.usage.output_tokens
        text += f": {progress.done} of {progress.total} chunks, {tokens:,} tokens, ${progress.cost_usd:.4f}"
    return text


class LastSeen:
    """Remembers the latest progress, so that an interrupt can say what was spent."""

    def __init__(self) -> None:
        self.progress = Progress("collecting")

    def note(self, progress: Progress) -> None:
        self.progress = progress


@contextmanager
def watching(last: LastSeen, *, quiet: bool = False, stream: TextIO | None = None) -> Iterator[Watch]:
    """A watcher for one run. On a terminal one line is redrawn; elsewhere each stage is said once."""
    out = stream or sys.stderr
    if quiet:
        yield last.note
        return
    if not out.isatty():
        yield _by_stage(last, out)
        return
    from rich.console import Console
    from rich.status import Status

    with Status("", console=Console(file=out), spinner="dots") as status:

        def watch(progress: Progress) -> None:
            last.note(progress)
            status.update(sentence(progress))

        yield watch


def _by_stage(last: LastSeen, out: TextIO) -> Watch:
    said: set[tuple[str, int]] = set()

    def watch(progress: Progress) -> None:
        last.note(progress)
        tenth = progress.done * 10 // progress.total if progress.total else 0
        if (progress.stage, tenth) not in said and progress.stage != "done":
            said.add((progress.stage, tenth))
            print(sentence(progress), file=out, flush=True)

    return watch


def render(outcome: ReviewOutcome, form: str, *, color: bool = False, payloads: str | None = None) -> str:
    """The outcome in one of its forms. ``payloads`` (of a dry run) follow the text form, byte for byte what is sent."""
    module = import_module(f"reviewbot.core.report.outputs.{form}")
    if form != "text":
        return str(module.render(outcome))
    text = str(module.render(outcome, color=color, width=shutil.get_terminal_size((100, 24)).columns))
    if payloads is None:
        return text
    return f"{text}\n\nWhat would be sent to GitHub (nothing was):\n{payloads}"


def settings_table(resolved: Resolved) -> str:
    """Every setting: name, value, where the value came from."""
    from reviewbot.core.resolution import flatten_config

    rows = [(name, _value(value), resolved.sources[name]) for name, value in flatten_config(resolved.config)]
    return "\n".join([_columns(rows), *(f"note: {note}" for note in resolved.notes)])


def runs_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Past runs, one a line."""
    if not runs:
        return "No runs yet. `reviewbot review OWNER/REPO#NUMBER` makes one."
    rows = [("run", "pull request", "verdict", "lines read", "cost", "review")]
    for run in runs:
        read = f"{run['reviewed_lines']} of {run['changed_lines']}" if run["changed_lines"] is not None else ""
        cost = f"${run['cost_usd']:.4f}" if run["cost_usd"] is not None else ""
        rows.append((run["id"], run["target"], run["verdict"] or run["status"], read, cost, run["review_url"] or ""))
    return _columns(rows)


def run_details(run: Mapping[str, Any]) -> str:
    """One run: its facts, its answers, and what became of each finding."""
    facts = [(name, str(value)) for name, value in run.items() if name not in ("answers", "findings") and value]
    answers = [
        (
            f"answer {item['request_key'][:12]}",
            item["model"],
            f"{item['input_tokens']:,} in",
            f"{item['output_tokens']:,} out",
        )
        for item in run["answers"]
    ]
    findings = [
        (item["severity"], item["decision"], f"{item['path']}:{item['line'] or ''}", item["title"], item["detail"])
        for item in run["findings"]
    ]
    return "\n\n".join(_columns(rows) for rows in (facts, answers, findings) if rows)


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns; control characters of foreign text are left out."""
    clean = [["".join(c for c in str(cell) if c.isprintable()) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in clean) for place in range(len(clean[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in clean
    )


def _value(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value).replace("\n", " ") or '""'
