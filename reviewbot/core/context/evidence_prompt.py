"""Pure: what static analyzers say of the lines of a chunk, behind the change that a prompt shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from reviewbot.core.context.appendix import append, within, without
from reviewbot.core.context.chunking import Chunk
from reviewbot.core.context.evidence import Diagnostic
from reviewbot.core.context.prompt import PreparedPrompt, capped, one_line, visible

MOST_CHARACTERS: Final = 3_000
_MESSAGE_CHARS = 200
_ASK: Final = (
    "Static analyzers say this of changed lines above. They know one line and no purpose, and may be wrong: report "
    "what they say only where the code shown proves a defect, in your own words and form; pass over the rest."
)


def diagnostics_of(chunk: Chunk, diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Those about lines that the chunk shows on its new side, in the order given."""
    shown: dict[str, set[int]] = {}
    for piece in chunk.pieces:
        lines = piece.file.hunks[piece.hunk].lines()[piece.start : piece.stop]
        shown.setdefault(piece.file.path, set()).update(line.new for line in lines if line.new is not None)
    return tuple(
        each for each in diagnostics if not shown.get(each.path, set()).isdisjoint(range(each.line, each.end_line + 1))
    )


def with_diagnostics(
    prepared: PreparedPrompt, diagnostics: Sequence[Diagnostic], secrets: Collection[str] = ()
) -> PreparedPrompt:
    """The prompt with the diagnostics behind its change, as many as fit MOST_CHARACTERS, the others counted; without
    one nothing is added. ``secrets``, which only an analyzer knows for some, are taken out of it in any case."""
    if not diagnostics:
        return without(prepared, secrets)
    told = within([_row(each) for each in diagnostics], MOST_CHARACTERS, "\n", "diagnostics")
    return append(prepared, "diagnostics", told, _ASK, secrets)


def _row(each: Diagnostic) -> str:
    said = capped(one_line(each.message), _MESSAGE_CHARS, " ")
    return visible(f"{one_line(each.path)}:{each.line}: {each.analyzer} {each.rule} ({each.level}): {said}")
