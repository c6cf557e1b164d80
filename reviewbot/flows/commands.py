"""What a comment asks of us, followed: the right to ask, then the acts that do it. Nothing is written here.

Who may not write to the repository gets no answer at all: a refusal in words would be a way to make us speak.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from reviewbot.core.change.pull_request import PullRequest, ReviewThread, Surroundings
from reviewbot.core.change.state import ignorable
from reviewbot.core.commands import FORMS, Command, Misused, Place, Unknown, Verb
from reviewbot.core.config import Resolved
from reviewbot.core.report import command_answers as words
from reviewbot.core.report.acts import Act, Orders, Resolve, StatusAnswer
from reviewbot.core.report.continuation import orders_in
from reviewbot.core.triggers import JobRequest, recheck
from reviewbot.flows.collection import Settle
from reviewbot.ports import PullRequestSource

MayWrite = Callable[[str], Awaitable[bool]]  # login -> whether GitHub lets this person write to the repository
Talk = Callable[
    [ReviewThread | None, str, JobRequest, PullRequest, Surroundings, Resolved], Awaitable[tuple[Act, ...]]
]  # thread, words, … -> what is said
NOT_ALLOWED = "who asked may not write to the repository"


@dataclass(frozen=True, slots=True)
class Answering:
    """What a model answers: a question about the change, a request to say more about the finding of a thread, a reply
    in such a thread. ``ask`` is given the thread that the question stands in, whoever began it; the others one of
    ours."""

    ask: Talk
    explain: Talk
    reply: Talk


@dataclass(frozen=True, slots=True)
class Followed:
    """``acts`` are what is to be done; when there are none, ``reason`` says why not, else what was asked."""

    acts: tuple[Act, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class _Scene:
    """The comment, and what stands round it now. ``name`` is what a command begins with here."""

    request: JobRequest
    pull: PullRequest
    around: Surroundings
    resolved: Resolved
    thread: ReviewThread | None

    @property
    def name(self) -> str:
        return self.resolved.config.triggers.command or f"@{self.around.viewer.removesuffix('[bot]')}"

    @property
    def ours(self) -> ReviewThread | None:
        """The thread, when a comment of ours began it."""
        return self.thread if self.thread is not None and self.thread.ours else None

    def said(self, text: str) -> tuple[Act, ...]:
        """The answer, where it belongs."""
        answer = words.answer_of(self.request, self.pull, self.thread, text)
        return (answer,) if answer else ()

    async def talk(self, talk: Talk, thread: ReviewThread | None, text: str) -> tuple[Act, ...]:
        """What a model answers. In the status comment it says what it answers, as all else does there."""
        acts = await talk(thread, text, self.request, self.pull, self.around, self.resolved)
        over = words.heading(self.request, self.pull.html_url)
        return tuple(
            replace(act, text=f"{over}\n\n{act.text}") if isinstance(act, StatusAnswer) else act for act in acts
        )


async def follow(
    source: PullRequestSource,
    settle: Settle,
    request: JobRequest,
    pull: PullRequest,
    may_write: MayWrite,
    answering: Answering,
) -> Followed:
    """What is to be done for a comment, by the facts and the settings of now. ``pull`` was just read.

    Raises GitHubError, ConfigError, and what ``answering`` raises.
    """
    if not await may_write(request.requested_by):
        return Followed((), NOT_ALLOWED)
    around = await source.surroundings(pull)
    resolved = settle(around)
    skip = recheck(request, pull, resolved.config.triggers)
    if skip:
        return Followed((), skip.text)
    scene = _Scene(request, pull, around, resolved, _thread_of(request, around))
    if request.trigger == "reply":
        if scene.ours is None:
            return Followed((), "the thread is not one of ours")
        acts = await scene.talk(answering.reply, scene.ours, request.words)
        return Followed(acts, "a reply" if acts else "there was nothing to answer")
    acts = await _commanded(scene, answering)
    asked = request.command
    verb = asked.verb if isinstance(asked, Command | Misused) else "words that are no command"
    return Followed(acts, str(verb) if acts else "there was nothing to answer")


def _thread_of(request: JobRequest, around: Surroundings) -> ReviewThread | None:
    """The thread that the comment stands in, which it may have begun; None below the pull request, or when the thread
    is gone."""
    if request.place is not Place.THREAD:
        return None
    first = request.reply_to or request.comment_id
    return next((thread for thread in around.threads if thread.comment_id and thread.comment_id == first), None)


async def _commanded(scene: _Scene, answering: Answering) -> tuple[Act, ...]:
    asked = scene.request.command
    match asked:
        case Command():
            return await _followed(scene, asked, answering)
        case Misused():
            return scene.said(words.misused(asked, scene.name))
        case Unknown():
            # Several words that are near no verb, in a thread of ours: somebody talks to us.
            if scene.ours is not None and asked.nearest is None and len(asked.text.split()) > 1:
                return await scene.talk(answering.reply, scene.ours, asked.text)
            return scene.said(words.unknown(asked, scene.name))
    return ()


async def _followed(scene: _Scene, asked: Command, answering: Answering) -> tuple[Act, ...]:
    if FORMS[asked.verb].only is Place.THREAD and scene.ours is None:
        return scene.said(words.NOT_OURS)
    if asked.verb is Verb.ASK:
        return await scene.talk(answering.ask, scene.thread, asked.argument)
    if asked.verb is Verb.EXPLAIN:
        return await scene.talk(answering.explain, scene.ours, asked.argument)
    return _DEEDS.get(asked.verb, _helped)(scene, asked.argument)


def _dismissed(scene: _Scene, _reason: str) -> tuple[Act, ...]:
    return _closed(scene, words.DISMISSED)


def _resolved(scene: _Scene, _: str) -> tuple[Act, ...]:
    return _closed(scene, words.RESOLVED)


def _closed(scene: _Scene, text: str) -> tuple[Act, ...]:
    """The answer stands in the thread before it is closed; a dismissal is read there by later reviews."""
    thread = scene.ours
    if thread is None:
        return ()
    return (*scene.said(text), *(() if thread.resolved else (Resolve(thread.id),)))


def _paused(scene: _Scene, _: str) -> tuple[Act, ...]:
    orders = Orders(scene.pull.head_sha, scene.pull.base_sha, paused=True)
    return (orders, *scene.said(words.PAUSED))


def _resumed(scene: _Scene, _: str) -> tuple[Act, ...]:
    paused, _ignored_too = orders_in(scene.around.sticky_body)
    if not paused:
        return scene.said(words.NOT_PAUSED)
    orders = Orders(scene.pull.head_sha, scene.pull.base_sha, paused=False)
    return (orders, *scene.said(words.RESUMED))


def _ignored(scene: _Scene, pattern: str) -> tuple[Act, ...]:
    _, before = orders_in(scene.around.sticky_body)
    after = tuple(dict.fromkeys((*before, pattern)))
    if not ignorable(after):
        return scene.said(words.NO_ROOM)
    orders = Orders(scene.pull.head_sha, scene.pull.base_sha, ignore=(pattern,))
    return (orders, *scene.said(words.ignored_text(after)))


def _summed_up(scene: _Scene, _: str) -> tuple[Act, ...]:
    number, page = scene.around.sticky_comment_id, scene.pull.html_url
    return scene.said(words.summary_text(f"{page}#issuecomment-{number}" if number and page else "", scene.name))


def _configured(scene: _Scene, _: str) -> tuple[Act, ...]:
    return scene.said(words.config_text(scene.resolved))


def _helped(scene: _Scene, wanted: str) -> tuple[Act, ...]:
    return scene.said(words.help_text(scene.name, wanted))


_DEEDS: Mapping[Verb, Callable[[_Scene, str], tuple[Act, ...]]] = MappingProxyType(
    {
        Verb.DISMISS: _dismissed,
        Verb.RESOLVE: _resolved,
        Verb.PAUSE: _paused,
        Verb.RESUME: _resumed,
        Verb.IGNORE: _ignored,
        Verb.SUMMARY: _summed_up,
        Verb.CONFIG: _configured,
        Verb.HELP: _helped,
    }
)
