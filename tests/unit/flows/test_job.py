"""The two halves of a job over the shipped fakes: what is asked again before money is spent and before it is posted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from reviewbot import errors
from reviewbot.conversation import Subject
from reviewbot.core.change.diff import Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef, ReviewThread, Surroundings
from reviewbot.core.change.state import ReviewedState, state_marker
from reviewbot.core.commands import Place
from reviewbot.core.config import Config, Resolved, TriggerSettings
from reviewbot.core.findings.reply import parse_reply
from reviewbot.core.findings.standing import place_findings
from reviewbot.core.report.acts import Act, Closings, React, StatusAnswer
from reviewbot.core.report.draft import Posted, ReviewDraft
from reviewbot.core.report.posting import Posting, failure_notice
from reviewbot.core.triggers import JobRequest, Kind, Priority
from reviewbot.flows.analysis import unanalyzed
from reviewbot.flows.commands import Answering
from reviewbot.flows.job import PAUSED, post, think
from reviewbot.flows.review import Order, Ports
from reviewbot.flows.siblings import ask_about_siblings
from reviewbot.flows.sifting import sift
from reviewbot.flows.since import build_on
from reviewbot.github.dry_run import DryRunSink
from reviewbot.github.fake import FakeConversation, FakeSink, FakeSource
from reviewbot.model.scripted import ScriptedModel
from reviewbot.store.memory import MemoryRunStore
from reviewbot.wiring import write_draft

pytestmark = pytest.mark.anyio

HEAD, BASE, NEWER = "a" * 40, "b" * 40, "c" * 40
REF = PullRequestRef("github.com", "octo", "shop", 7)
PATCH = b"""diff --git a/app.py b/app.py
--- a/app.py
+++ b/app.py
@@ -1,2 +1,3 @@
 def size(items):
+    if items == None: return 0
     return len(items)
"""
APP = b"def size(items):\n    if items == None: return 0\n    return len(items)\n"
PULL = PullRequest(
    ref=REF,
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
    changed_files=1,
    additions=1,
    deletions=0,
    commits=1,
    html_url="https://github.com/octo/shop/pull/7",
)
FINDING = {
    "path": "app.py",
    "side": "new",
    "quote": "    if items == None: return 0",
    "evidence": "Compared by value.",
    "title": "None is compared by value",
    "body": "A class may define its own comparison.",
    "category": "bug",
    "suggestion": None,
    "priority": 1,
    "confidence": 0.9,
}
REPLY = json.dumps({"findings": [FINDING], "explanation": "Looked.", "verdict": "incorrect"})


def request(**changes: Any) -> JobRequest:
    asked: dict[str, Any] = {
        "ref": REF,
        "installation_id": 5,
        "kind": Kind.REVIEW,
        "trigger": "synchronize",
        "head_sha": HEAD,
        "priority": Priority.PUSHED,
        "delivery_id": "d",
        "requested_by": "jo",
        "key": "k",
    }
    return JobRequest(**{**asked, **changes})


class Desk:
    """Everything that both halves need, faked."""

    def __init__(self, script: Any = None, *, pull: PullRequest = PULL, config: Config | None = None) -> None:
        self.config = config or Config()
        self.source = FakeSource(pull, PATCH, {HEAD: {"app.py": APP}, NEWER: {"app.py": APP}, BASE: {}})
        self.sink = FakeSink(parse_diff(PATCH))
        self.model = ScriptedModel(script or [REPLY])
        self.store = MemoryRunStore()
        self.asked_about: list[str] = []
        self.writers = {"jo"}
        self.conversation = FakeConversation(subjects=[Subject(Place.CONVERSATION, 11)])
        self.trouble: errors.ReviewbotError | None = None

    def ports(self) -> Ports:
        return Ports(
            source=self.source,
            sink=DryRunSink(),
            model=lambda _: self.model,
            store=self.store,
            settle=lambda _: Resolved(self.config),
            read=parse_reply,
            place=place_findings,
            siblings=ask_about_siblings,
            since=partial(build_on, self.store),
            analyze=unanalyzed,
            check=unchecked,
            sift=sift,
            draft=write_draft,
        )

    async def may_write(self, login: str) -> bool:
        self.asked_about.append(login)
        return login in self.writers

    async def think(self, asked: JobRequest | None = None, order: Order | None = None) -> Any:
        answering = Answering(ask=self.talk, explain=self.talk, reply=self.talk)
        return await think(self.ports(), asked or request(), order or Order("run"), self.may_write, answering)

    async def talk(self, *scene: Any) -> tuple[Act, ...]:
        if self.trouble:
            raise self.trouble
        return (StatusAnswer("11", f"About {scene[1]!r}."),)

    async def post(self, posting: Posting, *, may_speak: bool = True) -> Posted | None:
        async def allowed() -> bool:
            return may_speak

        return await post(self.source, self.sink, self.store, posting, self.conversation, allowed)

    async def made(self) -> Posting:
        thought = await self.think()
        assert isinstance(thought.posting, Posting)
        return thought.posting


async def test_what_was_thought_is_posted_as_it_was_written_down() -> None:
    desk = Desk()
    made = await desk.made()
    assert desk.sink.reviews == []
    kept = Posting.from_json(made.to_json())
    assert kept == made
    posted = await desk.post(kept)
    assert posted is not None
    assert [len(review["comments"]) for review in desk.sink.reviews] == [1]
    assert desk.store.posted == {"run": posted}
    await desk.post(kept)
    assert len(desk.sink.reviews) == 1, "a second time is nothing"


@pytest.mark.parametrize(
    ("changes", "pull", "reason"),
    [
        ({}, replace(PULL, draft=True), "triggers.drafts"),
        ({}, replace(PULL, title="[skip me]"), "skip_titles"),
        ({}, replace(PULL, state="closed"), "closed"),
        ({}, replace(PULL, title="only docs"), "skip_paths"),
        ({"trigger": "command", "requested_by": "eve"}, PULL, "may not write"),
        ({"trigger": "command", "requested_by": "eve", "kind": Kind.FULL}, PULL, "may not write"),
        ({"trigger": "command", "requested_by": "eve", "kind": Kind.COMMAND, "words": "help"}, PULL, "may not write"),
        ({"trigger": "command", "kind": Kind.COMMAND, "words": "help"}, replace(PULL, state="closed"), "closed"),
        ({"trigger": "reply", "kind": Kind.COMMAND, "words": "Why?", "reply_to": 7}, PULL, "not one of ours"),
    ],
)
async def test_the_facts_are_asked_again_before_money_is_spent(
    changes: dict[str, Any], pull: PullRequest, reason: str
) -> None:
    paths = ("*.py",) if pull.title == "only docs" else ()
    desk = Desk(pull=pull, config=Config(triggers=TriggerSettings(skip_titles=("skip me",), skip_paths=paths)))
    thought = await desk.think(request(**changes))
    assert (thought.outcome.verdict, thought.posting) == ("skipped", None)
    assert reason in thought.outcome.skip_reason
    assert desk.model.calls == 0


async def test_only_who_comments_is_asked_about() -> None:
    desk = Desk()
    assert (await desk.think()).posting
    assert desk.asked_about == []
    assert (await Desk().think(request(trigger="command"))).posting


async def test_a_full_review_asks_anew_but_does_not_pay_twice_for_itself() -> None:
    desk = Desk(lambda _: REPLY)
    await desk.think(order=Order("earlier"))
    full = request(kind=Kind.FULL)
    await desk.think(full, Order("full"))
    assert desk.model.calls == 2
    await desk.think(full, Order("full"))
    assert desk.model.calls == 2, "a second attempt at the same run finds what the first paid for"


async def test_a_head_that_moves_is_an_error_that_passes() -> None:
    desk = Desk()

    class Moving(FakeSource):
        async def surroundings(self, pull: PullRequest, directories: Sequence[str] = ()) -> Surroundings:
            found = await super().surroundings(pull, directories)
            return replace(found, head_sha=NEWER) if desk.model.calls else found

    desk.source = Moving(PULL, PATCH, {HEAD: {"app.py": APP}, BASE: {}})
    with pytest.raises(errors.HeadMoved) as caught:
        await desk.think()
    assert caught.value.retryable


async def test_nothing_is_posted_on_a_head_that_is_not_the_newest() -> None:
    desk = Desk()
    made = await desk.made()
    desk.source.pull = replace(PULL, head_sha=NEWER)
    with pytest.raises(errors.HeadMoved):
        await desk.post(made)
    assert (desk.sink.reviews, desk.store.posted) == ([], {})


async def test_nothing_is_posted_on_what_was_closed_meanwhile() -> None:
    desk = Desk()
    made = await desk.made()
    desk.source.pull = replace(PULL, state="closed")
    assert await desk.post(made) is None
    assert desk.sink.reviews == []


@pytest.mark.parametrize(("head", "kind"), [(NEWER, errors.HeadMoved), (HEAD, errors.GitHubRejected)])
async def test_a_refusal_is_a_moved_head_only_if_it_moved(head: str, kind: type[Exception]) -> None:
    desk = Desk()
    made = await desk.made()

    class Refusing(FakeSink):
        async def post(self, pull: PullRequest, draft: ReviewDraft) -> Posted:
            desk.source.pull = replace(PULL, head_sha=head)
            raise errors.GitHubRejected("No commit found.")

    desk.sink = Refusing(parse_diff(PATCH))
    with pytest.raises(kind):
        await desk.post(made)


async def test_what_another_run_posted_meanwhile_is_not_posted_again() -> None:
    desk = Desk()
    made = await desk.made()
    assert made.draft is not None
    (comment,) = made.draft.comments
    thread = ReviewThread("t", "app.py", Side.RIGHT, 2, False, False, True, "", (comment.fingerprint,))
    desk.source._surroundings = Surroundings(threads=(thread,))
    await desk.post(made)
    assert desk.sink.reviews == [], "an empty review would be noise"
    assert desk.sink.summary
    # A thread of somebody else's, with our mark copied into it, counts for nothing.
    other = Desk()
    made = await other.made()
    other.source._surroundings = Surroundings(threads=(replace(thread, ours=False),))
    await other.post(made)
    assert len(other.sink.reviews) == 1


async def test_a_patient_run_waits_for_what_may_pass() -> None:
    limited = errors.ModelRateLimited("Too many.", retry_after=300.0)
    patient = Desk([limited])
    with pytest.raises(errors.ModelRateLimited):
        await patient.think(order=Order("run", patient=True))
    assert patient.store.errors


async def test_a_job_that_was_given_up_is_told_of_by_a_neutral_check_run() -> None:
    desk = Desk()
    notice = failure_notice("run", "", "The account has no <b>credit</b> left.", "reviewbot")
    await desk.post(Posting.from_json(notice.to_json()))
    (told,) = desk.sink.checks
    assert told.check is not None
    assert (told.check.conclusion, told.check.title, told.commit_sha) == ("neutral", "Not reviewed", HEAD)
    assert "<b>" not in told.check.summary
    assert (desk.sink.reviews, desk.sink.summary) == ([], None)


ASK = {
    "trigger": "command",
    "kind": Kind.COMMAND,
    "words": "ask why",
    "comment_id": 11,
    "comment_kind": "issue_comment",
}


async def test_a_command_is_a_run_whose_answer_is_posted() -> None:
    desk = Desk()
    thought = await desk.think(request(**ASK))
    assert (thought.outcome.verdict, thought.outcome.skip_reason) == ("answered", "ask")
    assert desk.asked_about == ["jo"]
    assert desk.store.outcomes["run"].verdict == "answered"
    assert desk.model.calls == 0
    kept = Posting.from_json(thought.posting.to_json())
    (act,) = kept.acts
    assert isinstance(act, StatusAnswer)
    assert act.text.endswith("\n\nAbout 'why'.")
    desk.source.pull = replace(PULL, head_sha=NEWER)
    assert await desk.post(kept) == Posted(), "an answer is about no commit"
    assert "About 'why'." in desk.conversation.status
    assert (desk.sink.reviews, desk.store.posted) == ([], {})


async def test_an_answer_that_fails_is_a_failed_run() -> None:
    desk = Desk()
    desk.trouble = errors.ModelRateLimited("Too many.", retry_after=3.0)
    with pytest.raises(errors.ModelRateLimited):
        await desk.think(request(**ASK))
    assert desk.store.errors == {"run": "Too many."}


async def test_who_lost_the_right_to_write_is_not_spoken_to_and_nobody_on_what_was_closed() -> None:
    desk = Desk()
    heard = Posting("run", None, (React("issue_comment", 11),))
    assert await desk.post(heard, may_speak=False) is None
    desk.source.pull = replace(PULL, state="closed")
    assert await desk.post(heard) is None
    assert desk.conversation.reactions == {Subject(Place.CONVERSATION, 11): []}
    desk.source.pull = PULL
    gone = React("issue_comment", 12)
    posted = await desk.post(replace(heard, acts=(gone, *heard.acts)))
    assert posted is not None
    assert [note[:8] for note in posted.notes] == ["not done"], "what GitHub refuses keeps nothing else back"
    assert desk.conversation.reactions == {Subject(Place.CONVERSATION, 11): ["eyes"]}


async def test_acts_follow_the_review() -> None:
    desk = Desk()
    made = await desk.made()
    posted = await desk.post(replace(made, acts=(StatusAnswer("11", "Done."),)))
    assert posted is not None
    assert posted.review_url
    assert "Done." in desk.conversation.status


async def test_a_pause_holds_back_only_what_comes_by_itself() -> None:
    marker = state_marker(ReviewedState(HEAD, BASE, paused=True))
    for changes, verdict in (
        ({}, "skipped"),
        ({"trigger": "labeled"}, "findings"),
        ({"trigger": "command"}, "findings"),
    ):
        desk = Desk()
        desk.source._surroundings = Surroundings(sticky_comment_id=1, sticky_body=f"Summary\n{marker}")
        outcome = (await desk.think(request(kind=Kind.FULL, **changes))).outcome
        assert outcome.verdict == verdict, changes
        assert outcome.skip_reason == (PAUSED if verdict == "skipped" else "")


async def unchecked(*_: object) -> Closings:
    return Closings()
