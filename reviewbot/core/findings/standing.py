"""Pure: findings x diff -> PlacedFindings: where each stands, what its identity is, whether its suggestion holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from reviewbot.core.change.diff import Diff, Side
from reviewbot.core.context.symbols import Definition, definitions
from reviewbot.core.findings.finding import Finding, Location, PlacedFinding, Step, fingerprint
from reviewbot.core.findings.placement import Placer
from reviewbot.core.findings.suggestion import prove_suggestion

LINES_ROUND: Final = 100
MOST_SYMBOLS: Final = 4


def place_findings(findings: Iterable[Finding], diff: Diff, heads: Mapping[str, bytes]) -> list[PlacedFinding]:
    """Every finding with its place, identity and proved suggestion, in the given order. ``heads`` are head texts."""
    placer = Placer(diff, heads)
    return [_placed(finding, placer.place(finding), placer, diff, heads) for finding in findings]


def place_at(finding: Finding, location: Location, diff: Diff, heads: Mapping[str, bytes]) -> PlacedFinding:
    """The same for a finding whose place is known; ``location`` must be in the diff."""
    return _placed(finding, location, Placer(diff, heads), diff, heads)


def _placed(
    finding: Finding, location: Location, placer: Placer, diff: Diff, heads: Mapping[str, bytes]
) -> PlacedFinding:
    head = heads.get(location.path)
    shown = placer.code(location)
    symbols, enclosing = _enclosing(location, head)
    symbol = symbols[-1] if symbols else ""
    identity = fingerprint(location.path, symbol, shown or finding.quote or finding.title, finding.category)
    placed = PlacedFinding(finding, location, identity, code=shown, symbols=symbols, enclosing=enclosing)
    if finding.suggestion is None or location.step not in (Step.RANGE, Step.LINE):
        return placed
    proof = prove_suggestion(finding, location, diff, head)
    return replace(placed, suggestion=proof.text, suggestion_note=proof.note)


def _enclosing(location: Location, head: bytes | None) -> tuple[tuple[str, ...], str]:
    """The names of the definitions that hold the location's lines, that of the last line last and at most four, and the
    text of that one. Outside of any there is no name, and the text is that of the lines round the place. Both are empty
    on the old side. Of a long definition only the lines round the place are taken."""
    if head is None or location.line is None or location.side is not Side.RIGHT:
        return (), ""
    held = definitions(location.path, head)
    spans = [_innermost(held, line) for line in range(location.start_line or location.line, location.line + 1)]
    last_span = spans[-1]
    first, last = location.line - LINES_ROUND, location.line + LINES_ROUND
    if last_span:
        first, last = max(first, last_span.first), min(last, last_span.last)
    lines = head.decode("utf-8", "replace").split("\n")
    names = tuple(dict.fromkeys(span.name for span in reversed(spans) if span))[:MOST_SYMBOLS] if last_span else ()
    return names[::-1], "\n".join(lines[max(first, 1) - 1 : last])


def _innermost(held: Sequence[Definition], line: int) -> Definition | None:
    holding = (found for found in held if found.first <= line <= found.last)
    return min(holding, key=lambda found: (found.last - found.first, -found.first), default=None)
