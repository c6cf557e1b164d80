"""RunStore in memory: for tests, for embedding, and for runs that should leave nothing behind."""

from __future__ import annotations

from dataclasses import replace

from reviewbot.core.context.prompt import Answer
from reviewbot.core.cost import Usage
from reviewbot.core.report.outcome import ReviewOutcome


class MemoryRunStore:
    """Keeps answers, outcomes and errors in dictionaries that may be looked at."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.started: dict[str, str] = {}
        self.outcomes: dict[str, ReviewOutcome] = {}
        self.errors: dict[str, str] = {}
        self.spent: dict[str, tuple[Usage, float]] = {}

    async def answer(self, key: str) -> Answer | None:
        found = self.answers.get(key)
        return replace(found, reused=True) if found else None

    async def keep_answer(self, run_id: str, key: str, answer: Answer) -> None:
        self.answers[key] = answer

    async def start_run(self, run_id: str, target: str, head_sha: str, model: str) -> None:
        self.started[run_id] = f"{target}@{head_sha} by {model}"

    async def finish_run(self, outcome: ReviewOutcome) -> None:
        self.outcomes[outcome.run_id] = outcome

    async def fail_run(self, run_id: str, error: str, usage: Usage, cost_usd: float) -> None:
        self.errors[run_id] = error
        self.spent[run_id] = (usage, cost_usd)
