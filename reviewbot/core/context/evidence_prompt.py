"""Pure: what static analyzers say of the lines of a chunk, behind the change that a prompt shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from reviewbot.core.context.chunking import Chunk
from reviewbot.core.context.evidence import Diagnostic
from reviewbot.core.context.prompt import PreparedPrompt, capped, nonce_for, one_line, visible
from reviewbot.core.context.redaction import redact

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
    """The prompt with the diagnostics behind its change, as many as fit MOST_CHARACTERS, the others counted. Without
    one nothing is added. It begins as before, so that what the provider has cached of it serves again, and the whole
    text is redacted anew: a message may quote a secret, and some were not known to be one (``secrets``)."""
    if not diagnostics:
        return prepared
    opening = prepared.restore(prepared.prompt.text)
    told = _told(diagnostics)
    nonce = nonce_for(told, opening + told)
    block = f'<diagnostics data="{nonce}">\n{told}\n</diagnostics data="{nonce}">'
    redacted = redact(f"{opening}\n\n{block}\n\n{_ASK}", secrets)
    return PreparedPrompt(replace(prepared.prompt, text=redacted.text), redacted)


def _told(diagnostics: Sequence[Diagnostic]) -> str:
    room = MOST_CHARACTERS - len(_cut(len(diagnostics)))
    rows: list[str] = []
    for each in diagnostics:
        row = visible(
            f"{one_line(each.path)}:{each.line}: {each.analyzer} {each.rule} ({each.level}): "
            f"{capped(one_line(each.message), _MESSAGE_CHARS, ' ')}"
        )
        room -= len(row) + 1
        if room < 0:
            return "\n".join([*rows, _cut(len(diagnostics) - len(rows))])
        rows.append(row)
    return "\n".join(rows)


def _cut(number: int) -> str:
    return f"[cut: {number} more diagnostics]"
