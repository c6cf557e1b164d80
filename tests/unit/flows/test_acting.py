"""What was decided is done in its order; what GitHub refuses is a note, and what may pass is tried again by others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reviewbot import errors
from reviewbot.conversation import Closed, Subject
from reviewbot.core.change.diff import Side
from reviewbot.core.change.pull_request import ReviewThread, ThreadComment
from reviewbot.core.commands import Place
from reviewbot.core.marker import has_answer
from reviewbot.core.report.acts import Act, Orders, React, Reply, Resolve, StatusAnswer
from reviewbot.core.report.continuation import orders_in
from reviewbot.flows.acting import perform
from reviewbot.github.fake import FakeConversation

pytestmark = pytest.mark.anyio
FIRST = ThreadComment("reviewbot[bot]", is_bot=True, ours=True, association="NONE", body="A finding.", id=11)
OURS = ReviewThread("T1", "a.py", Side.RIGHT, 3, False, False, True, FIRST.body, comments=(FIRST,), comment_id=11)
THEIRS = replace(OURS, id="T2", ours=False, comments=(replace(FIRST, ours=False, id=12),), comment_id=12)
COMMENT = Subject(Place.CONVERSATION, 21)
HEAD, BASE = "a" * 40, "b" * 40
ACTS: tuple[Act, ...] = (
    Reply("T1", 11, "Fixed now.", "k1"),
    Resolve("T1"),
    StatusAnswer("21", "It is paused."),
    React("issue_comment", 21, "+1"),
    Orders(HEAD, BASE, paused=True, ignore=("docs/",)),
)


def talk(*, may_resolve: bool = True) -> FakeConversation:
    return FakeConversation((OURS, THEIRS), (COMMENT,), may_resolve=may_resolve)


def done(talk: FakeConversation) -> tuple[object, ...]:
    said = [each.body.split("\n")[0] for each in talk.threads["T1"].comments]
    return said, talk.threads["T1"].resolved, talk.status.count("It is paused."), talk.reactions[COMMENT], talk.summary


async def test_each_act_is_done() -> None:
    conversation = talk()
    assert await perform(conversation, ACTS) == ()
    said, resolved, answers, reactions, summary = done(conversation)
    assert (said, resolved, answers, reactions) == (["A finding.", "Fixed now."], True, 1, ["+1"])
    assert has_answer(conversation.threads["T1"].comments[1].body, "k1")
    assert orders_in(str(summary)) == (True, ("docs/",))


async def test_all_of_them_may_be_done_again() -> None:
    conversation = talk()
    await perform(conversation, ACTS)
    before = done(conversation)
    assert await perform(conversation, ACTS) == ()
    assert done(conversation) == before


async def test_nothing_is_nothing() -> None:
    conversation = talk()
    assert await perform(conversation, ()) == ()
    assert (conversation.status, conversation.summary) == ("", "")


async def test_a_refused_act_keeps_none_of_the_others_back() -> None:
    refused: tuple[Act, ...] = (
        Reply("T9", 11, "x", "k2"), Reply("T1", 99, "x", "k3"), Resolve("T9"), React("issue_comment", 99),
        React("pull_request_review_comment", 99), Reply("T2", 11, "x", "k4"),
    )  # fmt: skip
    conversation = talk()
    notes = await perform(
        conversation, tuple(each for pair in zip(refused, (*ACTS, ACTS[0]), strict=True) for each in pair)
    )
    assert [note.split(":")[0] for note in notes] == [f"not done ({act.kind})" for act in refused]
    assert all("There is no" in note or "replies" in note for note in notes)
    assert done(conversation)[:4] == (["A finding.", "Fixed now."], True, 1, ["+1"])


async def test_where_threads_may_not_be_closed_that_is_said() -> None:
    conversation = talk(may_resolve=False)
    notes = await perform(conversation, (Resolve("T1"), Resolve("T2"), StatusAnswer("21", "It is paused.")))
    assert notes[0] == Closed.HIDDEN.text
    assert notes[1].startswith("not done (resolve): ")
    assert done(conversation)[2] == 1


@pytest.mark.parametrize(
    ("error", "noted"),
    [
        (errors.GitHubForbidden("no"), True), (errors.GitHubNotFound("gone"), True), (errors.GitHubRejected("odd"), True),
        (errors.GitHubUnreachable("away"), False), (errors.GitHubAmbiguous("lost"), False),
        (errors.GitHubRateLimited("slow"), False), (errors.GitHubUnauthorized("who"), False),
    ],
)  # fmt: skip
async def test_what_may_pass_is_raised_and_then_done_once(error: errors.GitHubError, noted: bool) -> None:
    class Failing(FakeConversation):
        fails = True

        async def answer(self, key: str, text: str) -> str:
            if self.fails:
                raise error
            return await super().answer(key, text)

    conversation = Failing((OURS, THEIRS), (COMMENT,))
    if noted:
        assert await perform(conversation, ACTS) == (f"not done (answer): {error}",)
        assert conversation.reactions[COMMENT] == ["+1"]
        return
    with pytest.raises(type(error)):
        await perform(conversation, ACTS)
    assert (conversation.reactions[COMMENT], conversation.summary) == ([], "")
    conversation.fails = False
    assert await perform(conversation, ACTS) == ()
    assert done(conversation)[:4] == (["A finding.", "Fixed now."], True, 1, ["+1"])
