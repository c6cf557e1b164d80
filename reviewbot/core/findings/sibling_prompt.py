"""Pure: the question about places that look like the code of findings: a prompt about a chunk, and what was found.

It stands in this room and not beside the other prompts because it is about findings. The schema of the answer is that
of the review.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from reviewbot.core.context.appendix import append, within
from reviewbot.core.context.prompt import PreparedPrompt, capped, one_line, visible
from reviewbot.core.findings.finding import Finding

MOST_CHARACTERS: Final = 6_000
_TITLE_CHARS, _CODE_CHARS = 160, 1_200
_MARK: Final = re.compile(r"\[REDACTED-[A-Z-]{1,40}-[0-9]{1,6}\]")
_ASK: Final = (
    "These defects were found elsewhere in this change. Report each place in the change above that has the same "
    "defect, in the same form; nothing else."
)


def with_found(prepared: PreparedPrompt, found: Sequence[Finding]) -> PreparedPrompt:
    """The prompt with the defects ``found`` elsewhere behind its change, and with that question. Without a finding
    nothing is added."""
    return append(prepared, "found", siblings_brief(found), _ASK) if found else prepared


def siblings_brief(findings: Sequence[Finding]) -> str:
    """Title and quoted code of each finding, those of the same words once, at most MOST_CHARACTERS; what does not fit
    is counted."""
    entries = list(dict.fromkeys(_entry(finding) for finding in findings))
    return within(entries, MOST_CHARACTERS, "\n\n", "defects")


def _entry(finding: Finding) -> str:
    # A mark in a title is of another prompt, where it stood for another secret than in this one.
    title = _MARK.sub("[secret]", one_line(visible(finding.title)))[:_TITLE_CHARS] or "Untitled"
    code = capped(visible(finding.quote.strip("\r\n")), _CODE_CHARS)
    return f"Defect: {title}\nCode:\n{code}" if code else f"Defect: {title}"
