"""Pure: Event -> JobRequest | Skip(reason). All branching about when reviewbot acts stands here.

What an Event says was true when GitHub sent it and may be old, replayed or out of order: it decides only whether a job
is worth starting. The job asks GitHub for the facts, among them the right to write of who asked, and puts them through
`recheck` with the settings of the repository.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cache

from pydantic import TypeAdapter

from reviewbot.core.change.patterns import IgnoreList
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef
from reviewbot.core.commands import Asked, Command, Place, Verb, names_of, read_command, seen_text, words_in
from reviewbot.core.config import TriggerName, TriggerSettings

_AUTOMATIC: dict[str, TriggerName] = {
    "opened": "opened",
    "reopened": "reopened",
    "ready_for_review": "ready_for_review",
    "synchronize": "synchronize",
}
_SAYING = {
    ("issue_comment", "created"),
    ("pull_request_review_comment", "created"),
    ("pull_request_review", "submitted"),
}
_REPLYING = ("pull_request_review_comment", "created")
_SPOKEN = ("command", "reply")  # triggers that are something said by a person


@dataclass(frozen=True, slots=True)
class Account:
    """A user, organisation or App; ``type`` is GitHub's word: User, Organization, Bot, Mannequin."""

    login: str
    id: int = 0
    type: str = "User"

    @property
    def is_bot(self) -> bool:
        """No person's login can hold a bracket; here a suffix only takes trust away."""
        return self.type == "Bot" or self.login.endswith("[bot]")


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote in a comment, a reply in the diff, or the body of a review. ``reply_to`` is the first comment
    of the thread that it answers, None where it answers none or GitHub does not say."""

    id: int
    body: str
    association: str
    reply_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One webhook delivery, in GitHub's words; empty where its payload does not say.

    ``label`` and ``reviewer`` are what the action is about. ``app`` is the slug of the App that a check belongs to.
    ``asked_at`` is the payload's own time of what it tells, by which two asks of the same kind are told apart.
    """

    kind: str
    action: str
    delivery_id: str
    installation_id: int | None = None
    repository: str = ""
    pull_request: PullRequestRef | None = None
    head_sha: str = ""
    before_sha: str = ""
    base_ref: str = ""
    head_ref: str = ""
    sender: Account | None = None
    author: Account | None = None
    title: str = ""
    labels: tuple[str, ...] = ()
    draft: bool = False
    state: str = "open"
    label: str = ""
    reviewer: str = ""
    app: str = ""
    comment: Comment | None = None
    asked_at: str = ""


class Kind(StrEnum):
    """What is to be done: review what is new, review everything again, or do what a comment says (`JobRequest.command`,
    or for the trigger ``reply`` an answer)."""

    REVIEW = "review"
    FULL = "full"
    COMMAND = "command"


class Priority(IntEnum):
    """1 is the most urgent. Somebody waits for what was asked by hand; work found by a sweep comes after both."""

    ASKED = 1
    PUSHED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A job worth starting. ``head_sha`` is a hint and may be empty; ``words`` are what follows the command's name, or
    for the trigger ``reply`` the comment's text.

    ``comment_kind`` is the event by which a comment came. ``reply_to`` is the id of the first comment of its thread, if
    it answers one. Whose thread that is no event says: before a trigger ``reply`` is answered, GitHub is to be asked.

    ``key`` is equal for what must not be done twice: the same action on the same head of the same pull request or, for
    what is asked by hand, the same ask. It does not depend on the delivery, whose id is not signed.
    """

    ref: PullRequestRef
    installation_id: int | None
    kind: Kind
    trigger: TriggerName
    head_sha: str
    priority: Priority
    delivery_id: str
    requested_by: str
    key: str
    comment_id: int | None = None
    comment_kind: str = ""
    words: str = ""
    reply_to: int | None = None

    @property
    def by_itself(self) -> bool:
        """Whether nobody asked: what starts it comes with the pull request."""
        return self.trigger in _AUTOMATIC

    @property
    def spoken(self) -> bool:
        """Whether a person asked in a comment, so that their right to write is to be looked up."""
        return self.trigger in _SPOKEN

    @property
    def place(self) -> Place:
        """Where the comment stands; jobs in the database may hold any word."""
        return Place(self.comment_kind) if self.comment_kind in set(Place) else Place.CONVERSATION

    @property
    def command(self) -> Asked | None:
        """What a comment asks for; None when no comment asks. Read from ``words``, so jobs in the database have it."""
        if self.trigger != "command":
            return None
        return read_command(self.words, self.place)

    def to_json(self) -> str:
        return _adapter().dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> JobRequest:
        """Reads what `to_json` wrote. Raises ValueError for anything else."""
        return _adapter().validate_json(text)


class SkipReason(StrEnum):
    """Why an event starts no job."""

    NOT_A_TRIGGER = "not-a-trigger"
    INSTALLATION = "installation"
    TURNED_OFF = "turned-off"
    REPOSITORY_OFF = "repository-off"
    CLOSED = "closed"
    DRAFT = "draft"
    OWN = "own"
    BOT = "bot"
    OUTSIDER = "outsider"
    NOBODY = "nobody"
    NO_PULL_REQUEST = "no-pull-request"
    TITLE = "title"
    LABEL = "label"
    AUTHOR = "author"
    BRANCH = "branch"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class Skip:
    """No job, why not, and the reason in a sentence that holds nothing a stranger wrote."""

    reason: SkipReason
    text: str

    @property
    def worth_keeping(self) -> bool:
        """False for the many events that have nothing to do with us; of the others people ask why nothing happened."""
        return self.reason is not SkipReason.NOT_A_TRIGGER


def decide(event: Event, settings: TriggerSettings, bot_login: str) -> JobRequest | Skip:
    """The one decision about an event. ``bot_login`` is our own account, ``name[bot]`` for an App."""
    if event.kind in ("installation", "installation_repositories"):
        return Skip(SkipReason.INSTALLATION, f"{_named(event)} is noted; there is nothing to review.")
    if (event.kind, event.action) == ("pull_request", "closed"):
        return Skip(SkipReason.CLOSED, "The pull request was closed.")
    trigger = _trigger(event, settings, bot_login)
    if trigger is None:
        return Skip(SkipReason.NOT_A_TRIGGER, f"{_named(event)} starts nothing.")
    skip = _by_person(event, trigger, settings, bot_login) or _by_rule(event, trigger, settings)
    if skip:
        return skip
    if event.pull_request is None:
        return Skip(
            SkipReason.NO_PULL_REQUEST, "The check names no pull request; GitHub names none of a fork's branch."
        )
    return _job(event, event.pull_request, trigger, settings, bot_login)


def recheck(
    job: JobRequest, pull: PullRequest, settings: TriggerSettings, paths: Sequence[str] | None = None
) -> Skip | None:
    """The same rules over the facts as GitHub gives them now, with the repository's own settings, and those over the
    changed ``paths`` where they are known; None when the job still stands."""
    now = Event(
        kind="pull_request",
        action="",
        delivery_id=job.delivery_id,
        author=Account(pull.author),
        title=pull.title,
        labels=pull.labels,
        draft=pull.draft,
        state=pull.state,
        head_ref=pull.head_ref,
        base_ref=pull.base_ref,
    )
    skip = _by_rule(now, job.trigger, settings)
    if skip or paths is None or job.trigger not in _AUTOMATIC:
        return skip
    return _by_path(paths, settings)


def _by_path(paths: Sequence[str], settings: TriggerSettings) -> Skip | None:
    """An event does not say which files a pull request changes, so this is only known when the job has begun."""
    wanted, skipped = IgnoreList(settings.paths), IgnoreList(settings.skip_paths)
    if settings.paths and not any(wanted.match(path) for path in paths):
        return Skip(SkipReason.PATH, "triggers.paths names none of the changed files.")
    if settings.skip_paths and paths and all(skipped.match(path) for path in paths):
        return Skip(SkipReason.PATH, "triggers.skip_paths names every changed file.")
    return None


def _trigger(event: Event, settings: TriggerSettings, bot_login: str) -> TriggerName | None:
    """Which trigger the event is, whatever the settings say of that trigger."""
    match event.kind, event.action:
        case "pull_request", action if action in _AUTOMATIC:
            return _AUTOMATIC[action]
        case "pull_request", "labeled" if _same(event.label, settings.label):
            return "labeled"
        case "pull_request", "review_requested" if _same(_slug(event.reviewer), _slug(bot_login)):
            return "review_requested"
        case (("check_run" | "check_suite"), "rerequested") if not event.app or _same(event.app, _slug(bot_login)):
            return "rerequested"
        case said if said in _SAYING and event.pull_request:
            return _spoken(event, settings, bot_login)
    return None


def _spoken(event: Event, settings: TriggerSettings, bot_login: str) -> TriggerName | None:
    if _words(event, settings, bot_login) is not None:
        return "command"
    comment, said = event.comment, (event.kind, event.action)
    return "reply" if said == _REPLYING and comment and comment.reply_to and comment.body.strip() else None


def _by_person(event: Event, trigger: TriggerName, settings: TriggerSettings, bot_login: str) -> Skip | None:
    """Whether those behind the event may start something: who asks, or for what comes by itself the author too."""
    asked = trigger not in _AUTOMATIC
    if asked and event.sender is None:
        return Skip(SkipReason.NOBODY, "The event does not say who asks.")
    for account in (event.sender,) if asked else (event.sender, event.author):
        if account and _same(account.login, bot_login):
            return Skip(SkipReason.OWN, "reviewbot does not react to itself.")
        if account and account.is_bot and trigger in _SPOKEN:
            return Skip(SkipReason.BOT, "Bots get no answers: two of them would never stop.")
        if account and account.is_bot and not _among(account.login, settings.bots):
            return Skip(SkipReason.BOT, "The bot behind it is not in triggers.bots.")
    if trigger in _SPOKEN and event.comment and event.comment.association not in settings.commenters:
        return Skip(SkipReason.OUTSIDER, "Who comments is not among triggers.commenters.")
    return None


def _by_rule(event: Event, trigger: TriggerName, settings: TriggerSettings) -> Skip | None:
    """The first rule that is against it. Most are for what comes by itself only: who asks by hand means it."""
    alone = trigger in _AUTOMATIC
    author = event.author.login if event.author else ""
    head, base = event.head_ref, event.base_ref
    skipped, wanted = IgnoreList(settings.skip_branches), IgnoreList(settings.base_branches)
    phrase = any(_has_phrase(event.title, phrase) for phrase in settings.skip_titles)
    label = any(_among(label, settings.skip_labels) for label in event.labels)
    rules = (
        (not settings.enabled, SkipReason.REPOSITORY_OFF, "triggers.enabled is off here."),
        (trigger not in settings.events, SkipReason.TURNED_OFF, f"triggers.events leaves out {trigger}."),
        (event.state != "open", SkipReason.CLOSED, "The pull request is closed."),
        (alone and event.draft and not settings.drafts, SkipReason.DRAFT, "It is a draft, and triggers.drafts is off."),
        (alone and phrase, SkipReason.TITLE, "triggers.skip_titles names a phrase of its title."),
        (alone and label, SkipReason.LABEL, "triggers.skip_labels names a label of it."),
        (alone and _among(author, settings.skip_authors), SkipReason.AUTHOR, "triggers.skip_authors names its author."),
        (alone and head and skipped.match(head), SkipReason.BRANCH, "triggers.skip_branches names its branch."),
        (
            alone and base and settings.base_branches and not wanted.match(base),
            SkipReason.BRANCH,
            "triggers.base_branches does not name the branch that it goes into.",
        ),
    )
    return next((Skip(reason, text) for against, reason, text in rules if against), None)


def _job(
    event: Event, ref: PullRequestRef, trigger: TriggerName, settings: TriggerSettings, bot_login: str
) -> JobRequest:
    words = (_words(event, settings, bot_login) or "") if trigger == "command" else ""
    if trigger == "reply" and event.comment:
        words = seen_text(event.comment.body)
    return JobRequest(
        ref=ref,
        installation_id=event.installation_id,
        kind=_kind(words, trigger),
        trigger=trigger,
        head_sha=event.head_sha,
        priority=Priority.PUSHED if trigger in _AUTOMATIC else Priority.ASKED,
        delivery_id=event.delivery_id,
        requested_by=event.sender.login if event.sender else "",
        key=_key(event, ref, trigger),
        comment_id=event.comment.id if event.comment else None,
        comment_kind=event.kind if event.comment else "",
        words=words,
        reply_to=event.comment.reply_to if event.comment else None,
    )


def _kind(words: str, trigger: TriggerName) -> Kind:
    if trigger == "reply":
        return Kind.COMMAND
    asked = read_command(words, Place.CONVERSATION)
    verb = asked.verb if isinstance(asked, Command) else None
    return {Verb.REVIEW: Kind.REVIEW, Verb.FULL: Kind.FULL}.get(verb, Kind.COMMAND) if verb else Kind.COMMAND


def _key(event: Event, ref: PullRequestRef, trigger: TriggerName) -> str:
    """A push back to an earlier head comes from elsewhere, so the commit before it is part of the head."""
    what: tuple[object, ...] = (event.before_sha,)
    if trigger not in _AUTOMATIC:
        what = (event.kind, event.comment.id) if event.comment else (event.kind, event.asked_at)
    parts = (ref.host.lower(), str(ref).lower(), event.head_sha, trigger, *what)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:40]


def _words(event: Event, settings: TriggerSettings, bot_login: str) -> str | None:
    """What a comment asks of us; None when it does not speak to us."""
    return words_in(event.comment.body, names_of(settings.command, bot_login)) if event.comment else None


def _named(event: Event) -> str:
    return f"{event.kind}.{event.action}" if event.action else event.kind


def _slug(login: str) -> str:
    return login.removesuffix("[bot]")


def _same(one: str, other: str) -> bool:
    return bool(one) and one.lower() == other.lower()


def _among(name: str, names: Sequence[str]) -> bool:
    return any(_same(name, other) for other in names)


def _has_phrase(title: str, phrase: str) -> bool:
    """Whether the phrase stands in the title as whole words: ``WIP`` in ``[wip] x``, not in ``swiping``."""
    text, wanted = title.lower(), phrase.strip().lower()
    at = text.find(wanted) if wanted else -1
    while at >= 0:
        end = at + len(wanted)
        glued_left = at > 0 and text[at - 1].isalnum() and wanted[0].isalnum()
        glued_right = end < len(text) and text[end].isalnum() and wanted[-1].isalnum()
        if not (glued_left or glued_right):
            return True
        at = text.find(wanted, at + 1)
    return False


@cache
def _adapter() -> TypeAdapter[JobRequest]:
    return TypeAdapter(JobRequest)
