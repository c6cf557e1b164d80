"""RunStore in memory: for tests, for embedding, and for runs that should leave nothing behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reviewbot.core.change.pull_request import PullRequest
from reviewbot.core.context.prompt import Answer
from reviewbot.core.cost import Usage
from reviewbot.core.findings.identity import Wordings
from reviewbot.core.findings.triage import sure
from reviewbot.core.report.draft import Posted
from reviewbot.core.report.outcome import ReviewOutcome


class MemoryRunStore:
    """Keeps answers, outcomes and errors in dictionaries that may be looked at."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.started: dict[str, str] = {}
        self.outcomes: dict[str, ReviewOutcome] = {}
        self.errors: dict[str, str] = {}
        self.spent: dict[str, tuple[Usage, float]] = {}
        self.progress: dict[str, tuple[str, int, int]] = {}
        self.posted: dict[str, Posted] = {}
        self.states: dict[str, str] = {}
        self._paid_by: dict[str, str] = {}

    async def answer(self, key: str, *, only_of: str = "") -> Answer | None:
        found = self.answers.get(key)
        return replace(found, reused=True) if found and only_of in ("", self._paid_by[key]) else None

    async def keep_answer(self, run_id: str, key: str, answer: Answer) -> None:
        self.answers[key] = answer
        self._paid_by[key] = run_id

    async def start_run(self, run_id: str, pull: PullRequest, model: str) -> None:
        self.started[run_id] = f"{pull.label}@{pull.head_sha} by {model}"

    async def note_progress(self, run_id: str, stage: str, done: int, total: int) -> None:
        self.progress[run_id] = (stage, done, total)

    async def book_posted(self, run_id: str, posted: Posted, state: str = "") -> None:
        self.posted[run_id] = posted
        found = self.outcomes.get(run_id)
        if found and state and posted != Posted():
            self.states[found.pull.html_url or found.pull.label] = state

    async def finish_run(self, outcome: ReviewOutcome) -> None:
        self.outcomes[outcome.run_id] = outcome
        if outcome.draft and outcome.draft.state and outcome.posted not in (None, Posted()):
            self.states[outcome.pull.html_url or outcome.pull.label] = outcome.draft.state

    async def reviewed_state(self, pull: PullRequest) -> str:
        return self.states.get(pull.html_url or pull.label, "")

    async def wordings(self, pull: PullRequest) -> Wordings:
        found: dict[str, list[tuple[str, str]]] = {}
        for outcome in self.outcomes.values():
            if (outcome.pull.html_url, outcome.pull.label) == (pull.html_url, pull.label):
                for item in filter(sure, outcome.rejected):
                    told = item.placed.finding
                    found.setdefault(item.placed.fingerprint, []).append((told.title, told.body))
        return found

    async def dismissals(self, pull: PullRequest) -> Sequence[tuple[str, str]]:
        others = {
            (outcome.pull.label, mark): (category, path)
            for outcome in self.outcomes.values()
            for mark, category, path in outcome.dismissed
            if category and outcome.pull.base_repo == pull.base_repo and outcome.pull.label != pull.label
        }
        return list(others.values())

    async def fail_run(self, run_id: str, error: str, usage: Usage, cost_usd: float) -> None:
        self.errors[run_id] = error
        self.spent[run_id] = (usage, cost_usd)
