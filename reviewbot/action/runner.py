"""Speaks with the runner of GitHub Actions: commands in the log, outputs, the job summary.

The runner reads commands from every line of a step's output. So whatever holds words of people, of a model or of a
library is printed while commands are stopped, under a word that nobody can guess; what stands in a command is escaped.
Source: GitHub's documentation, "Workflow commands for GitHub Actions", and the escapes of its toolkit.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from reviewbot.core.report.sanitizer import sanitize_plain

_MOST_SUMMARY = 1024 * 1024  # bytes of a step's summary; GitHub shows nothing of a bigger one
_MOST_WORDS = 4_000


@dataclass(frozen=True, slots=True)
class Runner:
    """``outputs`` and ``summary`` are the files that the runner named, None where it named none."""

    log: TextIO
    outputs: Path | None = None
    summary: Path | None = None

    def command(self, name: str, text: str = "", **properties: str) -> None:
        """One command, alone on its line."""
        shown = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        self._line(f"::{name}{f' {shown}' if shown else ''}::{_data(text)}")

    def mask(self, values: Sequence[str]) -> None:
        """From here on the runner shows ``***`` for these values in every log of the job."""
        for value in values:
            for line in value.splitlines():
                if line.strip():
                    self.command("add-mask", line)

    def tell(self, level: str, text: str) -> None:
        """An annotation of the run: a ``notice``, a ``warning`` or an ``error``."""
        self.command(level, sanitize_plain(text, limit=_MOST_WORDS), title="reviewbot")

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """A fold of the log, in which no line is a command whatever it says. ``title`` is ours."""
        word = secrets.token_hex(24)
        self.command("group", title)
        self.command("stop-commands", word)
        try:
            yield
        finally:
            self._line(f"\n::{word}::")
            self.command("endgroup")

    def show(self, text: str) -> None:
        """Text of any origin; only within a `group`."""
        self._line(text)

    def commands(self, lines: str) -> None:
        """Commands that are escaped already, one a line."""
        self.log.write(lines)
        self.log.flush()

    def set_outputs(self, values: Mapping[str, str]) -> None:
        """Write the outputs of the step. A value cannot end its own text and begin another output."""
        if self.outputs is None:
            return
        word = f"end_{secrets.token_hex(24)}"
        blocks = [f"{name}<<{word}\n{value}\n{word}\n" for name, value in values.items()]
        self._append(self.outputs, "".join(blocks))

    def add_summary(self, markdown: str) -> None:
        """Add to the page of the run, if there is room."""
        if self.summary is None:
            return
        with suppress(OSError):
            there = self.summary.stat().st_size if self.summary.exists() else 0
            if there + len(markdown.encode("utf-8", "replace")) < _MOST_SUMMARY:
                self._append(self.summary, markdown)
                return
        self.tell("warning", "The job summary has no room for the result; it is in the log and in the files.")

    @staticmethod
    def _append(path: Path, text: str) -> None:
        with path.open("a", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)

    def _line(self, text: str) -> None:
        self.log.write(f"{text}\n")
        self.log.flush()


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
