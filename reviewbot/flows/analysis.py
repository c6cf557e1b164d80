"""Static analysis beside the model: the analyzers look at the files, and what they say becomes evidence.

The model is shown what they say of the lines that it reads. What they are certain of is told even when the model is
silent, so that nobody can talk the model out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from reviewbot.analyzer import Analyzer
from reviewbot.core.change.before import text_before
from reviewbot.core.change.diff import Diff, FileStatus, Run, Side
from reviewbot.core.context.chunking import Chunk
from reviewbot.core.context.evidence import Diagnostic, Evidence, bounded, introduced, touching
from reviewbot.core.context.evidence_prompt import diagnostics_of, with_diagnostics
from reviewbot.core.context.prompt import PreparedPrompt
from reviewbot.core.context.redaction import secrets_of
from reviewbot.core.findings.finding import PlacedFinding
from reviewbot.core.findings.told_by_analyzer import as_finding, by_rule, first_files, said_by
from reviewbot.errors import AnalyzerError
from reviewbot.flows.collection import Collected

_AT_ONCE = 2  # processes of one review: other reviews want the machine too


@dataclass(frozen=True, slots=True)
class Analyzed:
    """The `Analysis` of one change. ``tell`` is whether what the analyzers are certain of is told, ``secrets`` are
    values that only they know for some: the model must not see them either."""

    evidence: Evidence = field(default_factory=Evidence)
    diff: Diff = field(default_factory=lambda: Diff(()))
    heads: Mapping[str, bytes] = field(default_factory=dict)
    tell: bool = True
    secrets: frozenset[str] = frozenset()

    @property
    def ran(self) -> tuple[str, ...]:
        return self.evidence.ran

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self.evidence.notes, *first_files(self._certain)[1])

    @property
    def _certain(self) -> tuple[tuple[Diagnostic, ...], ...]:
        return by_rule([each for each in self.evidence.diagnostics if each.certain]) if self.tell else ()

    def beside(self, prepared: PreparedPrompt, chunk: Chunk) -> PreparedPrompt:
        return with_diagnostics(prepared, diagnostics_of(chunk, self.evidence.diagnostics), self.secrets)

    def beyond(self, placed: Sequence[PlacedFinding]) -> tuple[PlacedFinding, ...]:
        told: list[PlacedFinding] = []
        for finding in (as_finding(alike, self.diff, self.heads) for alike in first_files(self._certain)[0]):
            if finding is not None and not said_by(finding, [*placed, *told]):
                told.append(finding)
        return tuple(told)


async def analyze(installed: Callable[[Sequence[str]], Sequence[Analyzer]], collected: Collected) -> Analyzed:
    """What the analyzers that are ``installed`` and wanted say of the lines to be read, as far as it was not so before
    the change. One that fails costs a note, not the review."""
    settings = collected.config.analyzers
    lines = _lines_to_read(collected)
    files = {path: text for path, text in collected.heads.items() if path in lines}
    if not settings.enabled or not files:
        return Analyzed()
    said: list[Diagnostic] = []
    ran: list[str] = []
    notes: list[str] = []
    limiter = anyio.CapacityLimiter(_AT_ONCE)

    async def one(analyzer: Analyzer) -> None:
        wanted = {path: text for path, text in files.items() if analyzer.wants(path)}
        if not wanted:
            return
        async with limiter:
            try:
                found = await analyzer.analyze(wanted)
                here = touching(found, lines)
                before = _texts_before(collected, {each.path for each in here})
                said.extend(introduced(here, found, await analyzer.analyze(before) if before else ()))
            except AnalyzerError as error:
                notes.append(f"{analyzer.name} said nothing: {error.message}")
                return
        ran.append(analyzer.name)

    there = installed(settings.only)
    missing = sorted({*settings.only} - {analyzer.name for analyzer in there})
    notes += [f"analyzers.only names {name!r}, which is not installed here" for name in missing]
    async with anyio.create_task_group() as group:
        for analyzer in there:
            group.start_soon(one, analyzer)
    order = sorted(said, key=lambda each: (each.path, each.line, each.analyzer, each.rule, each.message))
    evidence = bounded(Evidence(tuple(order), tuple(sorted(ran)), tuple(sorted(notes))))
    secrets = _secrets(evidence.diagnostics, collected.heads)
    return Analyzed(evidence, collected.diff, collected.heads, settings.tell, secrets)


def _secrets(diagnostics: Sequence[Diagnostic], heads: Mapping[str, bytes]) -> frozenset[str]:
    rows = (
        row.decode("utf-8", "replace")
        for each in diagnostics
        if each.secret
        for row in heads[each.path].split(b"\n")[each.line - 1 : each.end_line]
    )
    return frozenset(value for row in rows for value in secrets_of(row))


def _texts_before(collected: Collected, paths: Collection[str]) -> dict[str, bytes]:
    """Those of the files that were there before the change."""
    files = [file for file in collected.scope.files if file.path in paths and file.status is not FileStatus.ADDED]
    texts = {file.path: text_before(file, collected.heads[file.path]) for file in files}
    return {path: text for path, text in texts.items() if text}


async def unanalyzed(_collected: Collected) -> Analyzed:
    """No analyzer is asked."""
    return Analyzed()


def _lines_to_read(collected: Collected) -> dict[str, tuple[Run, ...]]:
    """The added lines of the files in scope that no earlier review has read. A symbolic link has a path for a text."""
    news = collected.since.increment
    known = {file.path: (*file.fresh, *file.owed) for file in news.files} if news else {}
    found = {
        file.path: known.get(file.path, tuple(run for hunk in file.hunks for run in hunk.changed_runs()))
        for file in collected.scope.files
        if not file.symlink
    }
    right = {path: tuple(run for run in runs if run.side is Side.RIGHT) for path, runs in found.items()}
    return {path: runs for path, runs in right.items() if runs}
