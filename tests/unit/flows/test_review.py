"""The story over the shipped fakes: what is posted, what is not, and what the outcome says."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from reviewbot import errors
from reviewbot.core.change.diff import Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef, ReviewThread, Surroundings
from reviewbot.core.config import ChunkSettings, Config, LimitSettings, ModelSettings, Resolved, ReviewSettings
from reviewbot.core.context.prompt import Prompt
from reviewbot.core.cost import Price
from reviewbot.core.findings.finding import RejectReason
from reviewbot.core.findings.reply import parse_reply
from reviewbot.core.findings.standing import place_findings
from reviewbot.core.report.acts import Closings
from reviewbot.core.report.outcome import ReviewOutcome
from reviewbot.flows.analysis import Analyzed, unanalyzed
from reviewbot.flows.collection import Collected
from reviewbot.flows.progress import Progress
from reviewbot.flows.review import Order, Ports, reason_to_skip, review
from reviewbot.flows.siblings import ask_about_siblings
from reviewbot.flows.sifting import sift
from reviewbot.flows.since import build_on
from reviewbot.github.fake import FakeSink, FakeSource
from reviewbot.model.scripted import ScriptedModel
from reviewbot.store.memory import MemoryRunStore
from reviewbot.wiring import write_draft

pytestmark = pytest.mark.anyio

HEAD, BASE = "a" * 40, "b" * 40
PATCH = b"""diff --git a/app.py b/app.py
--- a/app.py
+++ b/app.py
@@ -1,3 +1,4 @@
 def size(items):
+    if items == None: return 0
     return len(items)
-# end
+# the end
diff --git a/uv.lock b/uv.lock
--- a/uv.lock
+++ b/uv.lock
@@ -1 +1 @@
-version = 1
+version = 2
"""
APP = b"def size(items):\n    if items == None: return 0\n    return len(items)\n# the end\n"
PULL = PullRequest(
    ref=PullRequestRef("github.com", "octo", "shop", 7),
    title="Empty lists",
    body="",
    author="jo",
    state="open",
    draft=False,
    base_ref="main",
    base_sha=BASE,
    head_ref="work",
    head_sha=HEAD,
    base_repo="octo/shop",
    head_repo="octo/shop",
    changed_files=2,
    additions=3,
    deletions=2,
    commits=1,
    html_url="https://github.com/octo/shop/pull/7",
)
PRICE = Price(1.0, 0.1, 10.0)


def finding(**changes: Any) -> dict[str, Any]:
    return {
        "path": "app.py",
        "side": "new",
        "quote": "    if items == None: return 0",
        "evidence": "Compared by value.",
        "title": "None is compared by value",
        "body": "A class may define its own comparison.",
        "category": "bug",
        "suggestion": "    if items is None: return 0",
        "priority": 1,
        "confidence": 0.9,
        **changes,
    }


def reply(*findings: dict[str, Any]) -> str:
    return json.dumps({"findings": findings, "explanation": "Looked.", "verdict": "correct"})


@dataclass
class Stage:
    """A review with everything faked, and what came of it."""

    script: Callable[[Prompt], Any] | list[Any] = field(default_factory=lambda: [reply(finding())])
    patch: bytes = PATCH
    heads: dict[str, bytes] = field(default_factory=lambda: {"app.py": APP, "uv.lock": b"version = 2\n"})
    pull: PullRequest = PULL
    config: Config = field(default_factory=Config)
    notes: tuple[str, ...] = ()
    surroundings: Surroundings | None = None
    price: Price | None = PRICE
    store: MemoryRunStore = field(default_factory=MemoryRunStore)
    seen: list[Progress] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    analyze: Callable[[Collected], Awaitable[Analyzed]] = unanalyzed

    def __post_init__(self) -> None:
        files = {HEAD: self.heads, BASE: {".reviewbot.toml": b"# base\n"}}
        self.source = FakeSource(self.pull, self.patch, files, self.surroundings)
        self.sink = FakeSink(parse_diff(self.patch))
        self.model = ScriptedModel(self.script, price=self.price)

    async def run(self, run_id: str = "run-1", **order: Any) -> ReviewOutcome:
        def settle(around: Surroundings) -> Resolved:
            self.settled.append(around.rules.get(".reviewbot.toml", ""))
            return Resolved(self.config, notes=self.notes)

        ports = Ports(
            source=self.source,
            sink=self.sink,
            model=lambda _: self.model,
            store=self.store,
            settle=settle,
            read=parse_reply,
            place=place_findings,
            siblings=ask_about_siblings,
            since=partial(build_on, self.store),
            analyze=self.analyze,
            check=unchecked,
            sift=sift,
            draft=write_draft,
        )
        return await review(ports, Order(run_id, **order), self.seen.append)


async def test_one_review_one_summary_one_check() -> None:
    stage = Stage()
    outcome = await stage.run()
    assert outcome.verdict == "findings"
    (posted,) = stage.sink.reviews
    (comment,) = posted["comments"]
    assert (comment["path"], comment["line"], comment["side"]) == ("app.py", 2, "RIGHT")
    assert "```suggestion\n    if items is None: return 0\n```" in comment["body"]
    assert "1 finding" in str(stage.sink.summary)
    assert stage.sink.checks[0].check is not None
    assert stage.sink.checks[0].check.conclusion == "success"
    assert outcome.posted is not None
    assert outcome.posted.review_url.endswith("#pullrequestreview-1")
    assert stage.store.outcomes == {"run-1": outcome}
    assert outcome.api_calls == stage.source.calls + stage.sink.calls == 8


async def test_coverage_counts_every_changed_line() -> None:
    coverage = (await Stage().run()).coverage
    assert (coverage.changed_lines, coverage.reviewed_lines, coverage.skipped_lines) == (5, 3, 2)
    assert coverage.complete


async def test_settings_are_those_of_the_base() -> None:
    stage = Stage()
    await stage.run()
    assert stage.settled == ["# base\n"]


async def test_progress_goes_one_way() -> None:
    stage = Stage()
    await stage.run()
    stages = list(dict.fromkeys(progress.stage for progress in stage.seen))
    assert stages == ["collecting", "asking", "placing", "posting", "done"]
    last = [progress for progress in stage.seen if progress.stage == "asking"][-1]
    assert (last.done, last.total, last.usage.requests) == (1, 1, 1)
    assert last.cost_usd > 0


@pytest.mark.parametrize(
    ("changes", "closed_too", "reason"),
    [
        ({}, False, ""),
        ({"draft": True}, False, ""),
        ({"state": "closed"}, False, "the pull request is closed"),
        ({"state": "closed", "merged": True}, False, "the pull request is merged"),
        ({"state": "closed", "merged": True}, True, ""),
        ({"changed_files": 0}, True, "the pull request changes no file"),
        ({"changed_files": 0, "ref": None}, False, "work adds nothing to main"),
        ({"head_repo": None}, False, ""),
    ],
)
def test_reason_to_skip(changes: dict[str, Any], closed_too: bool, reason: str) -> None:
    assert reason_to_skip(replace(PULL, **changes), closed_too=closed_too) == reason


async def test_a_skipped_one_costs_one_call() -> None:
    stage = Stage(pull=replace(PULL, state="closed"))
    outcome = await stage.run()
    assert (outcome.verdict, outcome.skip_reason) == ("skipped", "the pull request is closed")
    assert (stage.source.calls, stage.sink.calls, stage.model.calls) == (1, 0, 0)
    assert [(run.verdict, run.skip_reason) for run in stage.store.outcomes.values()] == [
        ("skipped", outcome.skip_reason)
    ]


async def test_the_same_run_again_pays_nothing() -> None:
    stage = Stage()
    first = await stage.run()
    stage.store.states.clear()  # nobody knows of the first review, so all is asked again
    again = await stage.run("run-2")
    assert stage.model.calls == 1
    assert again.usage.requests == 0
    assert again.cost_usd == 0
    assert again.saved_usd == first.cost_usd
    assert [item.fingerprint for item in again.findings] == [item.fingerprint for item in first.findings]
    assert len(stage.sink.reviews) == 1, "the key of the draft is the same"


async def test_unless_everything_is_to_be_asked_anew() -> None:
    stage = Stage(lambda _: reply(finding()))
    await stage.run()
    await stage.run("run-2", fresh=True)
    assert stage.model.calls == 2


@pytest.mark.parametrize("change", ["head", "finding"])
async def test_another_head_or_finding_has_another_key(change: str) -> None:
    keys = set()
    for number in (1, 2):
        word = f"None is odd {number}" if change == "finding" else "None is odd"
        quote = "def size(items):" if change == "finding" and number == 2 else "    if items == None: return 0"
        stage = Stage([reply(finding(title=word, quote=quote, suggestion=None))])
        if change == "head":
            stage.source.pull = replace(PULL, head_sha=str(number) * 40)
            stage.source._files = {str(number) * 40: stage.heads, BASE: {}}
        outcome = await stage.run()
        assert outcome.draft is not None
        keys.add(outcome.draft.key)
    assert len(keys) == 2


def thread(fingerprint: str, *, ours: bool = True) -> ReviewThread:
    return ReviewThread("T1", "app.py", Side.RIGHT, 2, False, False, ours, "", (fingerprint,))


@pytest.mark.parametrize("where", ["thread", "body"])
async def test_what_was_said_is_not_said_again_and_still_counts(where: str) -> None:
    known = (await Stage().run()).findings[0].fingerprint
    said = Surroundings(threads=(thread(known),)) if where == "thread" else Surroundings(said=frozenset({known}))
    stage = Stage(surroundings=said, config=Config(review=ReviewSettings(fail_on="major")))
    outcome = await stage.run()
    assert stage.sink.reviews == []
    assert [item.reason for item in outcome.rejected] == [RejectReason.ALREADY_POSTED]
    assert (outcome.verdict, outcome.fails) == ("findings", True)
    assert "already posted" in str(stage.sink.summary)
    assert stage.sink.checks[0].check is not None
    assert stage.sink.checks[0].check.conclusion == "failure"


async def test_a_strangers_marker_says_nothing() -> None:
    known = (await Stage().run()).findings[0].fingerprint
    stage = Stage(surroundings=Surroundings(threads=(thread(known, ours=False),)))
    assert len((await stage.run()).findings) == 1


@pytest.mark.parametrize(
    ("fail_on", "priority", "fails"),
    [("never", 0, False), ("critical", 0, True), ("critical", 1, False), ("minor", 2, True), ("minor", 3, False)],
)
async def test_fails(fail_on: Any, priority: int, fails: bool) -> None:
    settings = ReviewSettings(fail_on=fail_on, min_severity="nit")
    stage = Stage([reply(finding(priority=priority))], config=Config(review=settings))
    assert (await stage.run()).fails is fails


async def test_the_head_moved_while_the_model_thought() -> None:
    stage = Stage()

    def push(_: Prompt) -> str:
        stage.source.pull = replace(PULL, head_sha="c" * 40)
        return reply(finding())

    stage.model = ScriptedModel(push, price=PRICE)
    outcome = await stage.run()
    assert outcome.verdict == "superseded"
    assert outcome.posted is None
    assert (stage.sink.calls, stage.sink.reviews) == (0, [])
    assert "the head moved from aaaaaaaaaaaa to cccccccccccc during the review" in outcome.notes
    assert stage.store.outcomes["run-1"].verdict == "superseded"


@pytest.mark.parametrize("error", [errors.ModelQuotaExceeded("No credit."), errors.ModelRefused("No.")])
async def test_when_nothing_was_read_it_is_an_error(error: errors.ModelError) -> None:
    stage = Stage([error])
    with pytest.raises(type(error)):
        await stage.run()
    assert stage.sink.calls == 0
    assert "run-1" in stage.store.errors


def wide(count: int) -> Stage:
    """Several files, each a chunk of its own, answered unless it is the third."""
    rows = "".join(f"+value_{row} = compute({row}, {row} + 1, {row} + 2)\n" for row in range(80))
    patch = "".join(
        f"diff --git a/f{n}.py b/f{n}.py\nnew file mode 100644\n--- /dev/null\n+++ b/f{n}.py\n@@ -0,0 +1,80 @@\n{rows}"
        for n in range(1, count + 1)
    )

    def said(prompt: Prompt) -> Any:
        return errors.ModelRefused("No.") if "=== f3.py" in prompt.text else reply()

    config = Config(chunks=ChunkSettings(target_tokens=2_000), model=ModelSettings(concurrency=2))
    return Stage(said, patch.encode(), {}, replace(PULL, changed_files=count), config)


async def test_what_was_not_read_is_named_and_the_check_is_neutral() -> None:
    stage = wide(4)
    outcome = await stage.run()
    assert outcome.verdict == "incomplete"
    (file,) = [file for file in outcome.coverage.files if file.failed_lines]
    assert (file.path, file.failed_lines) == ("f3.py", 80)
    assert [(run.first, run.last) for run in file.missed] == [(1, 80)]
    assert stage.sink.checks[0].check is not None
    assert stage.sink.checks[0].check.conclusion == "neutral"
    assert "f3.py" in str(stage.sink.summary)


async def test_a_limit_without_a_price_is_refused_before_anything_is_asked() -> None:
    stage = Stage(config=Config(limits=LimitSettings(max_cost_usd=1.0)), price=None)
    with pytest.raises(errors.ConfigError, match="scripted"):
        await stage.run()
    assert stage.model.calls == 0


async def test_without_a_price_the_cost_is_not_zero_but_unknown() -> None:
    assert (await Stage(price=None).run()).cost_usd is None


async def test_notes_of_the_settings_reach_the_reader() -> None:
    stage = Stage(notes=(".reviewbot.toml may not set model.id",))
    assert ".reviewbot.toml may not set model.id" in (await stage.run()).notes
    assert "may not set model.id" in str(stage.sink.summary)


async def test_secrets_go_out_as_marks_and_their_lines_are_found_again() -> None:
    secret = "AKIA" + "Q7RVMS4XTN2KLW3B"
    patch = PATCH.replace(b"    if items == None: return 0", f'    key = "{secret}"'.encode())
    app = APP.replace(b"    if items == None: return 0", f'    key = "{secret}"'.encode())

    def quoting(prompt: Prompt) -> str:
        line = next(row[1:] for row in prompt.text.splitlines() if row.startswith("+    key"))
        return reply(finding(quote=line, suggestion=None))

    stage = Stage(quoting, patch, {"app.py": app})
    outcome = await stage.run()
    assert secret not in stage.model.prompts[0].text
    assert outcome.findings[0].location.line == 2
    assert secret not in json.dumps(stage.sink.reviews)


async def test_a_finding_about_nothing_in_the_change_goes_into_the_body() -> None:
    stage = Stage([reply(finding(path="manual.md", quote="never there", suggestion=None))])
    await stage.run()
    (posted,) = stage.sink.reviews
    assert posted["comments"] == []
    assert "not tied to a line" in posted["body"]


async def unchecked(*_: object) -> Closings:
    return Closings()
