"""Pure: findings x diff -> PlacedFindings: where each stands, what its identity is, whether its suggestion holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reviewbot.core.change.diff import Diff, Side
from reviewbot.core.context.symbols import enclosing_definition
from reviewbot.core.findings.finding import Finding, Location, PlacedFinding, Step, fingerprint
from reviewbot.core.findings.placement import Placer
from reviewbot.core.findings.suggestion import prove_suggestion


def place_findings(findings: Iterable[Finding], diff: Diff, heads: Mapping[str, bytes]) -> list[PlacedFinding]:
    """Every finding with its place, identity and proved suggestion, in the given order. ``heads`` are head texts."""
    placer = Placer(diff, heads)
    return [_placed(finding, placer, diff, heads) for finding in findings]


def _placed(finding: Finding, placer: Placer, diff: Diff, heads: Mapping[str, bytes]) -> PlacedFinding:
    location = placer.place(finding)
    head = heads.get(location.path)
    code = placer.code(location) or finding.quote or finding.title
    identity = fingerprint(location.path, _symbol(location, head), code, finding.category)
    if finding.suggestion is None or location.step not in (Step.RANGE, Step.LINE):
        return PlacedFinding(finding, location, identity)
    proof = prove_suggestion(finding, location, diff, head)
    return PlacedFinding(finding, location, identity, proof.text, proof.note)


def _symbol(location: Location, head: bytes | None) -> str:
    """The name of the definition that holds the location's last line; empty on the old side or outside of any."""
    if head is None or location.line is None or location.side is not Side.RIGHT:
        return ""
    span = enclosing_definition(location.path, head, location.line)
    return span.name if span else ""
