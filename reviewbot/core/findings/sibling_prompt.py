"""Pure: the question about places that look like the code of findings: a prompt about a chunk, and what was found.

It stands in this room and not beside the other prompts because it is about findings. The schema of the answer is that
of the review.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from reviewbot.core.context.prompt import PreparedPrompt, capped, nonce_for, one_line, visible
from reviewbot.core.context.redaction import redact
from reviewbot.core.findings.finding import Finding

MOST_CHARACTERS: Final = 6_000
_TITLE_CHARS, _CODE_CHARS = 160, 1_200
_MARK: Final = re.compile(r"\[REDACTED-[A-Z-]{1,40}-[0-9]{1,6}\]")
_ASK: Final = (
    "These defects were found elsewhere in this change. Report each place in the change above that has the same "
    "defect, in the same form; nothing else."
)


def with_found(prepared: PreparedPrompt, found: Sequence[Finding]) -> PreparedPrompt:
    """The prompt with the defects ``found`` elsewhere behind its change, and with that question. It begins as
    before, so that what the provider has cached of it serves again. Without a finding nothing is added.

    The whole text is redacted anew: a secret has one mark in it, wherever it stands.
    """
    if not found:
        return prepared
    opening = prepared.restore(prepared.prompt.text)
    told = siblings_brief(found)
    nonce = nonce_for(told, opening + told)
    block = f'<found data="{nonce}">\n{told}\n</found data="{nonce}">'
    redacted = redact(f"{opening}\n\n{block}\n\n{_ASK}", frozenset(prepared.redacted.secrets.values()))
    return PreparedPrompt(replace(prepared.prompt, text=redacted.text), redacted)


def siblings_brief(findings: Sequence[Finding]) -> str:
    """Title and quoted code of each finding, those of the same words once, at most MOST_CHARACTERS; what does not fit
    is counted."""
    entries = list(dict.fromkeys(_entry(finding) for finding in findings))
    room = MOST_CHARACTERS - len(_cut(len(entries)))
    shown: list[str] = []
    for entry in entries:
        room -= len(entry) + 2
        if room < 0:
            return "\n\n".join([*shown, _cut(len(entries) - len(shown))])
        shown.append(entry)
    return "\n\n".join(shown)


def _entry(finding: Finding) -> str:
    # A mark in a title is of another prompt, where it stood for another secret than in this one.
    title = _MARK.sub("[secret]", one_line(visible(finding.title)))[:_TITLE_CHARS] or "Untitled"
    code = capped(visible(finding.quote.strip("\r\n")), _CODE_CHARS)
    return f"Defect: {title}\nCode:\n{code}" if code else f"Defect: {title}"


def _cut(number: int) -> str:
    return f"[cut: {number} more defects]"
