"""Each command over the shipped fakes: who is answered, where, and what is done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reviewbot.core.change.diff import Side
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef, ReviewThread, Surroundings
from reviewbot.core.change.state import MOST_IGNORED, ReviewedState, state_marker
from reviewbot.core.commands import Verb
from reviewbot.core.config import Config, Resolved, TriggerSettings
from reviewbot.core.report.acts import Act, Orders, Reply, Resolve, StatusAnswer
from reviewbot.core.triggers import JobRequest, Kind, Priority
from reviewbot.flows.commands import _DEEDS, NOT_ALLOWED, Answering, Followed, follow
from reviewbot.github.fake import FakeSource

pytestmark = pytest.mark.anyio

HEAD, BASE = "a" * 40, "b" * 40
REF = PullRequestRef("github.com", "octo", "shop", 7)
PAGE = "https://github.com/octo/shop/pull/7"
PULL = PullRequest(
    REF, "T", "", "jo", "open", False, "main", BASE, "work", HEAD, "octo/shop", "octo/shop", 1, 1, 0, 1, PAGE
)
OURS = ReviewThread("T1", "a.py", Side.RIGHT, 3, False, False, True, "A finding", ("f" * 16,), comment_id=70)
THEIRS = replace(OURS, id="T2", ours=False, fingerprints=(), comment_id=80)
HERE, BELOW = {"comment_kind": "pull_request_review_comment", "reply_to": 70}, {"comment_kind": "issue_comment"}


class Scene:
    """What `follow` is given; ``writers`` may write."""

    def __init__(self, sticky: str = "", config: Config | None = None, threads: tuple[ReviewThread, ...] = ()) -> None:
        around = Surroundings(
            viewer="reviewbot",
            threads=threads or (OURS, THEIRS),
            sticky_comment_id=5 if sticky else None,
            sticky_body=sticky,
        )
        self.source = FakeSource(PULL, b"", {HEAD: {}, BASE: {}}, around)
        self.config = config or Config()
        self.writers = {"maria"}
        self.talks: list[tuple[str, str, str]] = []
        self.empty = False

    async def follow(self, words: str, **changes: Any) -> Followed:
        asked: dict[str, Any] = {
            "ref": REF,
            "installation_id": 5,
            "kind": Kind.COMMAND,
            "trigger": "command",
            "head_sha": HEAD,
            "priority": Priority.ASKED,
            "delivery_id": "d",
            "requested_by": "maria",
            "key": "k",
            "comment_id": 90,
            "words": words,
        }
        request = JobRequest(**{**asked, **BELOW, **changes})
        answering = Answering(self._talk("ask"), self._talk("explain"), self._talk("reply"))
        return await follow(self.source, lambda _: Resolved(self.config), request, PULL, self._may_write, answering)

    async def acts(self, words: str, **changes: Any) -> tuple[Act, ...]:
        return (await self.follow(words, **changes)).acts

    async def answer(self, words: str, **changes: Any) -> str:
        """The text of the only act."""
        (act,) = await self.acts(words, **changes)
        assert isinstance(act, Reply | StatusAnswer)
        assert act.key == "90"
        return act.text

    async def _may_write(self, login: str) -> bool:
        return login in self.writers

    def _talk(self, which: str) -> Any:
        async def talk(thread: ReviewThread | None, words: str, *_: object) -> tuple[Act, ...]:
            self.talks.append((which, thread.id if thread else "", words))
            return () if self.empty else (StatusAnswer("90", "Because."),)

        return talk


def state(**changes: Any) -> str:
    return f"Summary\n{state_marker(ReviewedState(HEAD, BASE, **changes))}"


def test_every_verb_that_is_no_review_and_no_talk_has_its_deed() -> None:
    assert {*Verb} - _DEEDS.keys() == {Verb.REVIEW, Verb.FULL, Verb.ASK, Verb.EXPLAIN}


@pytest.mark.parametrize("words", ["help", "pause", "dismiss", "ask why", "dance", "review it all"])
async def test_who_may_not_write_gets_no_answer(words: str) -> None:
    scene = Scene()
    for place in (HERE, BELOW):
        assert await scene.follow(words, requested_by="jo", **place) == Followed((), NOT_ALLOWED)
    assert scene.talks == []
    assert scene.source.calls == 0, "nothing more is read for them"


async def test_the_settings_of_now_are_asked() -> None:
    scene = Scene(config=Config(triggers=TriggerSettings(enabled=False)))
    assert (await scene.follow("help")).reason == "triggers.enabled is off here."


async def test_an_answer_stands_where_the_command_stands() -> None:
    """In the thread, also when a comment of a person began it or the command itself did; else in the status comment,
    which says what is answered."""
    scene = Scene()
    for place, thread in ((HERE, OURS), ({**HERE, "reply_to": 80}, THEIRS)):
        (act,) = await scene.acts("help", **place)
        assert isinstance(act, Reply)
        assert (act.thread_id, act.comment_id, act.key) == (thread.id, thread.comment_id, "90")
    (act,) = await scene.acts("help", comment_kind=HERE["comment_kind"], comment_id=80)
    assert isinstance(act, Reply)
    assert (act.thread_id, act.comment_id, act.key) == ("T2", 80, "80")
    for kind, anchor in (
        ("issue_comment", "issuecomment-90"),
        ("pull_request_review", "pullrequestreview-90"),
        ("pull_request_review_comment", "discussion_r90"),
    ):
        text = await scene.answer("help", comment_kind=kind, reply_to=71)
        assert text.startswith(f"**maria**: [`help`]({PAGE}#{anchor})\n\n")


async def test_a_thread_of_ours_is_closed_with_a_word() -> None:
    for words, said in (("dismiss a sketch", "not reported again"), ("resolve", "Closed as done")):
        reply, close = await Scene().acts(words, **HERE)
        assert isinstance(reply, Reply)
        assert said in reply.text
        assert close == Resolve("T1")
        assert len(await Scene(threads=(replace(OURS, resolved=True),)).acts(words, **HERE)) == 1


@pytest.mark.parametrize("words", ["dismiss", "resolve", "explain"])
async def test_a_thread_that_is_not_ours_or_gone_is_left_alone(words: str) -> None:
    scene = Scene()
    assert "not about a finding" in await scene.answer(words, **{**HERE, "reply_to": 80})
    assert "not about a finding" in await scene.answer(words, **{**HERE, "reply_to": 71})
    assert f"`{words}` is for answers in the thread" in await scene.answer(words)
    assert scene.talks == []


async def test_what_a_model_answers() -> None:
    scene = Scene()
    talk = {"trigger": "reply", **HERE}
    await scene.acts("ask is it safe?", **HERE)
    await scene.acts("ask is it safe?", **{**HERE, "reply_to": 80})
    (below,) = await scene.acts("ask is it safe?")
    await scene.acts("explain the lock", **HERE)
    await scene.acts("Why is that?", **talk)
    await scene.acts("what about a second thread", **HERE)
    assert scene.talks == [
        ("ask", "T1", "is it safe?"),
        ("ask", "T2", "is it safe?"),
        ("ask", "", "is it safe?"),
        ("explain", "T1", "the lock"),
        ("reply", "T1", "Why is that?"),
        ("reply", "T1", "what about a second thread"),
    ]
    assert isinstance(below, StatusAnswer)
    assert below.text == f"**maria**: [`ask`]({PAGE}#issuecomment-90)\n\nBecause."
    assert (await scene.follow("Why?", **{**talk, "reply_to": 80})).reason == "the thread is not one of ours"
    assert (await scene.follow("Why?", **{**talk, "reply_to": 71})).acts == ()
    assert len(scene.talks) == 6
    scene.empty = True
    assert await scene.follow("Why?", **talk) == Followed((), "there was nothing to answer")


async def test_words_that_are_no_command() -> None:
    scene = Scene()
    near = await scene.answer("explian", **HERE)
    assert near.startswith("`explian` is no command here. Did you mean `/reviewbot explain [what]`?")
    far = await scene.answer("what is this about")
    assert "For a question write `/reviewbot ask <question>`." in far
    assert "`/reviewbot help` lists" in far
    assert "`@x`" in await scene.answer("@x"), "what a stranger wrote calls nobody"
    assert "`resume` takes no further words. It is written `/reviewbot resume`." in await scene.answer("resume it all")
    assert scene.talks == []


async def test_a_pause_and_its_end() -> None:
    orders, said = await Scene().acts("pause")
    assert orders == Orders(HEAD, BASE, paused=True)
    assert isinstance(said, StatusAnswer)
    assert "are paused" in said.text
    orders, said = await Scene(state(paused=True)).acts("resume")
    assert orders == Orders(HEAD, BASE, paused=False)
    assert "were not paused" in await Scene(state()).answer("resume")


async def test_patterns_that_are_ignored() -> None:
    orders, said = await Scene(state(ignored=("docs/",))).acts("ignore `*.md`")
    assert orders == Orders(HEAD, BASE, ignore=("*.md",))
    assert isinstance(said, StatusAnswer)
    assert said.text.endswith("from the next review on: `docs/`, `*.md`.")
    full = Scene(state(ignored=tuple(f"d{n}/" for n in range(MOST_IGNORED))))
    assert "No more patterns" in await full.answer("ignore *.md")
    assert len(await full.acts("ignore d3/")) == 2, "what is there needs no room"


async def test_where_the_summary_is() -> None:
    assert f"]({PAGE}#issuecomment-5)" in await Scene("Summary").answer("summary")
    assert "`/reviewbot review` writes one" in await Scene().answer("summary")


async def test_the_name_by_which_we_are_called() -> None:
    scene = Scene(config=Config(triggers=TriggerSettings(command="")))
    assert "| `@reviewbot help [verb]` |" in await scene.answer("help")
    assert "All settings have their defaults here." in await scene.answer("config")


async def test_a_request_without_a_comment_is_nothing() -> None:
    assert (await Scene().follow("help", comment_id=None)).acts == ()
