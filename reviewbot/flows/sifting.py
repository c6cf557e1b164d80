"""What a run found, held against what stands on the pull request: its threads, and what people answered there."""

from __future__ import annotations

from collections.abc import Sequence

from reviewbot.core.change.pull_request import Surroundings
from reviewbot.core.findings.finding import PlacedFinding, Triage
from reviewbot.core.findings.memory import answers
from reviewbot.core.findings.triage import Past, triage
from reviewbot.flows.collection import Collected


def sift(placed: Sequence[PlacedFinding], now: Surroundings, collected: Collected) -> Triage:
    """Split the findings of a run. ``now`` is what stands at this moment, just before anything is posted."""
    config = collected.config
    memory = answers(
        now.threads, viewer=now.viewer, author=collected.pull.author, command=config.triggers.command or "/reviewbot"
    )
    return triage(placed, now.threads, config.review, now.said, Past(memory=memory))
