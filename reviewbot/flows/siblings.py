"""A second look on a first review: places that look like the code of a finding, which the model did not name.

Without it the copies of a defect come one by one with later pushes, as if they were new. One request, as a rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reviewbot.core.context.chunking import Chunk, cut
from reviewbot.core.context.prompt import PreparedPrompt
from reviewbot.core.findings.finding import PlacedFinding
from reviewbot.core.findings.sibling_prompt import with_found
from reviewbot.core.findings.siblings import find_siblings, pieces_of
from reviewbot.flows.collection import Collected
from reviewbot.flows.questions import Asked, Interview


async def ask_about_siblings(
    interview: Interview, collected: Collected, placed: Sequence[PlacedFinding], asked: Sequence[Asked]
) -> tuple[Asked, ...]:
    """What the model says of such places; nothing when there are none, when this is not a first review, or when
    review.siblings is off. An answer that fails is left out with a note: the places were read once already."""
    if collected.since.increment is not None or not collected.config.review.siblings:
        return ()
    files = collected.scope.files
    found = find_siblings(placed, files, [each.chunk for each in asked if each.fate == "reviewed"])
    if not found:
        return ()
    settings = collected.config.chunks
    chunks = cut(files, collected.heads, settings, settings.target_tokens, pieces_of(found, files))
    after = max((each.chunk.number for each in asked), default=0)
    prepare = interview.prepare

    def question(chunk: Chunk) -> PreparedPrompt:
        return with_found(prepare(chunk), list(dict.fromkeys(each.finding.finding for each in found)))

    numbered = tuple(replace(chunk, number=after + chunk.number) for chunk in chunks)
    answers = await interview.ask_all(numbered, question)
    interview.notes += [
        f"a second look at {len(each.chunk.pieces)} places like those of findings failed: {each.reason}"
        for each in answers
        if each.fate != "reviewed"
    ]
    return tuple(each for each in answers if each.fate == "reviewed")
