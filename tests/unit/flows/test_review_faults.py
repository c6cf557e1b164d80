"""Runs that read nothing, and runs whose store fails: neither looks like a clean review, and nothing found is lost."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from reviewbot import errors
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest
from reviewbot.core.config import Config, Resolved
from reviewbot.core.cost import Usage
from reviewbot.core.findings.reply import parse_reply
from reviewbot.core.findings.standing import place_findings
from reviewbot.core.report.acts import Closings
from reviewbot.core.report.outcome import ReviewOutcome
from reviewbot.core.report.outputs.text import render
from reviewbot.flows.analysis import unanalyzed
from reviewbot.flows.progress import Progress, Watch, unwatched
from reviewbot.flows.review import Order, Ports, review
from reviewbot.flows.siblings import ask_about_siblings
from reviewbot.flows.sifting import sift
from reviewbot.flows.since import build_on
from reviewbot.github.fake import FakeSink, FakeSource
from reviewbot.model.scripted import ScriptedModel
from reviewbot.store.memory import MemoryRunStore
from reviewbot.wiring import write_draft

FINE = '{"findings": [], "explanation": "Sound.", "verdict": "correct"}'
CODE = b"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a = 1\n+a = 2\n"
LOCK = CODE.replace(b"a.py", b"uv.lock")
LOCAL = PullRequest(
    ref=None,
    title="",
    body="",
    author="",
    state="open",
    draft=False,
    base_ref="HEAD",
    base_sha="b" * 40,
    head_ref="work tree",
    head_sha="a" * 40,
    base_repo="shop",
    head_repo="shop",
    changed_files=1,
    additions=1,
    deletions=1,
    commits=0,
)

pytestmark = pytest.mark.anyio


async def outcome_of(
    patch: bytes, pull: PullRequest = LOCAL, store: MemoryRunStore | None = None, watch: Watch = unwatched
) -> ReviewOutcome:
    ports = Ports(
        source=FakeSource(pull, patch, {"a" * 40: {"a.py": b"a = 2\n"}, "b" * 40: {}}),
        sink=FakeSink(parse_diff(patch)),
        model=lambda _: ScriptedModel(lambda _: FINE),
        store=store or MemoryRunStore(),
        settle=lambda _: Resolved(Config()),
        read=parse_reply,
        place=place_findings,
        siblings=ask_about_siblings,
        since=partial(build_on, MemoryRunStore()),
        analyze=unanalyzed,
        check=unchecked,
        sift=sift,
        draft=write_draft,
    )
    return await review(ports, Order("run"), watch)


async def test_no_change_at_all_is_not_a_clean_one() -> None:
    outcome = await outcome_of(b"", replace(LOCAL, changed_files=0))
    assert (outcome.verdict, outcome.skip_reason) == ("skipped", "work tree adds nothing to HEAD")
    assert "Next: say what to compare" in render(outcome)


async def test_a_change_that_is_left_out_whole_is_not_a_clean_one() -> None:
    outcome = await outcome_of(LOCK)
    assert (outcome.verdict, outcome.skip_reason) == ("skipped", "every changed file is skipped by rule: lock-file 1")
    assert outcome.coverage.skipped_lines == 2
    assert outcome.draft is not None
    assert outcome.draft.check is not None
    assert outcome.draft.check.conclusion == "neutral"
    assert "skipped: uv.lock (lock-file: " in render(outcome)
    assert (await outcome_of(CODE + LOCK)).verdict == "clean"


async def test_a_run_that_cannot_be_recorded_at_its_end_is_shown_all_the_same() -> None:
    class Full(MemoryRunStore):
        async def finish_run(self, outcome: ReviewOutcome) -> None:
            raise errors.StoreError("disk full")

    outcome = await outcome_of(CODE, store=Full())
    assert (outcome.verdict, outcome.notes) == ("clean", ("this run was not recorded: disk full",))


async def test_the_first_error_is_told_though_the_store_fails_too() -> None:
    class Failing(MemoryRunStore):
        async def fail_run(self, run_id: str, error: str, usage: Usage, cost_usd: float) -> None:
            raise errors.StoreError("disk full")

        async def answer(self, key: str, *, only_of: str = "") -> None:
            raise errors.ConfigError("no such effort")

    with pytest.raises(errors.ConfigError):
        await outcome_of(CODE, store=Failing())


async def test_what_was_spent_is_told_until_the_end() -> None:
    """An interrupt while the review is posted must not say that nothing was spent."""
    seen: list[Progress] = []
    await outcome_of(CODE, watch=seen.append)
    later = [progress for progress in seen if progress.stage in ("placing", "posting", "done")]
    assert [progress.usage.requests for progress in later] == [1, 1, 1]


async def unchecked(*_: object) -> Closings:
    return Closings()
