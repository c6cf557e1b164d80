"""Pure: a prompt about a chunk, with a further block of material behind its change, and a question about that."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from reviewbot.core.context.prompt import PreparedPrompt, nonce_for
from reviewbot.core.context.redaction import redact


def append(prepared: PreparedPrompt, tag: str, told: str, ask: str, secrets: Collection[str] = ()) -> PreparedPrompt:
    """``told`` was written by others and stands between tags with a nonce; ``ask`` is ours and comes last.

    The prompt begins as before, so that what the provider has cached of it serves again. The whole text is redacted
    anew, together with ``secrets`` that nothing but their source knows: each has one mark, wherever it stands.
    """
    opening = prepared.restore(prepared.prompt.text)
    nonce = nonce_for(told, opening + told)
    return _redacted(
        prepared, f'{opening}\n\n<{tag} data="{nonce}">\n{told}\n</{tag} data="{nonce}">\n\n{ask}', secrets
    )


def without(prepared: PreparedPrompt, secrets: Collection[str]) -> PreparedPrompt:
    """The prompt with marks in the place of ``secrets``, too."""
    return _redacted(prepared, prepared.restore(prepared.prompt.text), secrets) if secrets else prepared


def within(entries: Sequence[str], most: int, joint: str, noun: str) -> str:
    """The first entries that fit ``most`` characters, and a line that counts those that do not."""
    room = most - len(_cut(len(entries), noun))
    shown: list[str] = []
    for entry in entries:
        room -= len(entry) + len(joint)
        if room < 0:
            return joint.join([*shown, _cut(len(entries) - len(shown), noun)])
        shown.append(entry)
    return joint.join(shown)


def _redacted(prepared: PreparedPrompt, text: str, secrets: Collection[str]) -> PreparedPrompt:
    redacted = redact(text, frozenset((*prepared.redacted.secrets.values(), *secrets)))
    return PreparedPrompt(replace(prepared.prompt, text=redacted.text), redacted)


def _cut(number: int, noun: str) -> str:
    return f"[cut: {number} more {noun}]"
