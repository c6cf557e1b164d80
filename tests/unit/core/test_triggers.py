"""Every branch of `decide` as a table, and what must hold for any event."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.change.pull_request import PullRequest, PullRequestRef
from reviewbot.core.commands import Command, Fault, Misused, Verb
from reviewbot.core.config import TriggerSettings
from reviewbot.core.triggers import (
    Account,
    Comment,
    Event,
    JobRequest,
    Kind,
    Priority,
    Skip,
    SkipReason,
    decide,
    recheck,
)

BOT = "reviewbot[bot]"
REF = PullRequestRef("github.com", "octo", "orders", 7)
ANN = Account("ann", 1)
DEPENDABOT = Account("dependabot[bot]", 49699333, "Bot")
OPENED = Event(
    kind="pull_request",
    action="opened",
    delivery_id="d1",
    installation_id=5,
    repository="octo/orders",
    pull_request=REF,
    head_sha="a" * 40,
    base_ref="main",
    head_ref="topic/totals",
    sender=ANN,
    author=ANN,
    title="Totals",
    asked_at="2026-01-01T00:00:00Z",
)


def event(kind: str = "pull_request", action: str = "opened", **changes: Any) -> Event:
    return replace(OPENED, kind=kind, action=action, **changes)


def comment(body: str, kind: str = "issue_comment", action: str = "created", **changes: Any) -> Event:
    association = changes.pop("association", "MEMBER")
    return event(kind, action, comment=Comment(11, body, association, changes.pop("reply_to", None)), **changes)


def reply(body: str, **changes: Any) -> Event:
    return comment(body, "pull_request_review_comment", **{"reply_to": 7, **changes})


def settings(**changes: Any) -> TriggerSettings:
    return TriggerSettings.model_validate(changes)


JOBS = {
    "opened": (event(), settings(), "opened", Kind.REVIEW, Priority.PUSHED),
    "reopened": (event(action="reopened"), settings(), "reopened", Kind.REVIEW, Priority.PUSHED),
    "ready": (event(action="ready_for_review"), settings(), "ready_for_review", Kind.REVIEW, Priority.PUSHED),
    "push": (event(action="synchronize"), settings(), "synchronize", Kind.REVIEW, Priority.PUSHED),
    "ghost author": (event(author=None, sender=None), settings(), "opened", Kind.REVIEW, Priority.PUSHED),
    "draft, wanted": (event(draft=True), settings(drafts=True), "opened", Kind.REVIEW, Priority.PUSHED),
    "allowed bot": (
        event(author=DEPENDABOT, sender=DEPENDABOT),
        settings(bots=("dependabot[bot]",)),
        "opened",
        Kind.REVIEW,
        Priority.PUSHED,
    ),
    "labeled": (event(action="labeled", label="ReviewBot"), settings(), "labeled", Kind.REVIEW, Priority.ASKED),
    "other label of ours": (
        event(action="labeled", label="ai"),
        settings(label="ai"),
        "labeled",
        Kind.REVIEW,
        Priority.ASKED,
    ),
    "review requested of us": (
        event(action="review_requested", reviewer="reviewbot"),
        settings(),
        "review_requested",
        Kind.REVIEW,
        Priority.ASKED,
    ),
    "check run again": (
        event("check_run", "rerequested", app="reviewbot"),
        settings(),
        "rerequested",
        Kind.REVIEW,
        Priority.ASKED,
    ),
    "suite again": (event("check_suite", "rerequested"), settings(), "rerequested", Kind.REVIEW, Priority.ASKED),
    "command": (comment("/reviewbot review"), settings(), "command", Kind.REVIEW, Priority.ASKED),
    "bare command": (comment("\r\n  /ReviewBot\r\n"), settings(), "command", Kind.REVIEW, Priority.ASKED),
    "mention": (comment("@reviewbot, review"), settings(), "command", Kind.REVIEW, Priority.ASKED),
    "long mention": (comment("@reviewbot[bot] full review"), settings(), "command", Kind.FULL, Priority.ASKED),
    "full": (comment("/reviewbot  Review   --full"), settings(), "command", Kind.FULL, Priority.ASKED),
    "words": (comment("/reviewbot why so slow?\nx"), settings(), "command", Kind.COMMAND, Priority.ASKED),
    "own word": (comment("!look full"), settings(command="!look"), "command", Kind.FULL, Priority.ASKED),
    "reply in the diff": (
        comment("/reviewbot explain", "pull_request_review_comment", reply_to=7),
        settings(),
        "command",
        Kind.COMMAND,
        Priority.ASKED,
    ),
    "talk in a thread": (reply("Why is that?"), settings(), "reply", Kind.COMMAND, Priority.ASKED),
    "quoted command in a thread": (reply("> /reviewbot full"), settings(), "reply", Kind.COMMAND, Priority.ASKED),
    "command in a thread": (reply("/reviewbot full"), settings(), "command", Kind.FULL, Priority.ASKED),
    "our name later": (comment("Ask\n/reviewbot review"), settings(), "command", Kind.REVIEW, Priority.ASKED),
    "our name below a quote": (comment("> x\n\n/reviewbot"), settings(), "command", Kind.REVIEW, Priority.ASKED),
    "body of a review": (
        comment("/reviewbot", "pull_request_review", "submitted"),
        settings(),
        "command",
        Kind.REVIEW,
        Priority.ASKED,
    ),
    "asked by hand on a draft that all rules are against": (
        comment("/reviewbot", draft=True, title="WIP", labels=("skip-review",), author=DEPENDABOT, head_ref="x"),
        settings(skip_titles=("WIP",), skip_branches=("x",), skip_authors=("ann",), base_branches=("release",)),
        "command",
        Kind.REVIEW,
        Priority.ASKED,
    ),
    "title with the phrase inside a word": (
        event(title="swiping, and wipe"),
        settings(skip_titles=("WIP", " ")),
        "opened",
        Kind.REVIEW,
        Priority.PUSHED,
    ),
    "base branch that is named": (
        event(base_ref="release/2"),
        settings(base_branches=("main", "release/*")),
        "opened",
        Kind.REVIEW,
        Priority.PUSHED,
    ),
}

SKIPS = {
    "edited": (event(action="edited"), settings(), SkipReason.NOT_A_TRIGGER),
    "unknown kind": (event("star", "created"), settings(), SkipReason.NOT_A_TRIGGER),
    "ping": (Event(kind="ping", action="", delivery_id="d"), settings(), SkipReason.NOT_A_TRIGGER),
    "other label": (event(action="labeled", label="bug"), settings(), SkipReason.NOT_A_TRIGGER),
    "no label of ours": (event(action="labeled", label=""), settings(label=""), SkipReason.NOT_A_TRIGGER),
    "label taken away": (event(action="unlabeled", label="reviewbot"), settings(), SkipReason.NOT_A_TRIGGER),
    "review requested of another": (
        event(action="review_requested", reviewer="bob"),
        settings(),
        SkipReason.NOT_A_TRIGGER,
    ),
    "review requested of a team": (event(action="review_requested"), settings(), SkipReason.NOT_A_TRIGGER),
    "check of another App": (event("check_run", "rerequested", app="ci"), settings(), SkipReason.NOT_A_TRIGGER),
    "check created": (event("check_run", "created", app="reviewbot"), settings(), SkipReason.NOT_A_TRIGGER),
    "small talk": (comment("Looks good."), settings(), SkipReason.NOT_A_TRIGGER),
    "empty comment": (comment(""), settings(), SkipReason.NOT_A_TRIGGER),
    "our name in a sentence": (comment("Ask /reviewbot review"), settings(), SkipReason.NOT_A_TRIGGER),
    "first comment in the diff": (reply("Why?", reply_to=None), settings(), SkipReason.NOT_A_TRIGGER),
    "edited reply": (reply("Why?", action="edited"), settings(), SkipReason.NOT_A_TRIGGER),
    "empty reply": (reply(" "), settings(), SkipReason.NOT_A_TRIGGER),
    "our own reply": (reply("Because.", sender=Account(BOT, 9, "Bot")), settings(), SkipReason.OWN),
    "reply of a bot": (reply("Fixed.", sender=DEPENDABOT), settings(), SkipReason.BOT),
    "reply of a bot that may ask for reviews": (
        reply("Fixed.", sender=DEPENDABOT),
        settings(bots=("dependabot[bot]",)),
        SkipReason.BOT,
    ),
    "reply of a stranger": (reply("Why?", association="NONE"), settings(), SkipReason.OUTSIDER),
    "replies off": (reply("Why?"), settings(events=("command",)), SkipReason.TURNED_OFF),
    "our name in a quote": (comment("> /reviewbot review"), settings(), SkipReason.NOT_A_TRIGGER),
    "our name in code": (comment("    /reviewbot review"), settings(), SkipReason.NOT_A_TRIGGER),
    "our name after a tab": (comment("\t/reviewbot review"), settings(), SkipReason.NOT_A_TRIGGER),
    "our name in a fence": (comment("```\n/reviewbot\n```"), settings(), SkipReason.NOT_A_TRIGGER),
    "our name, hidden": (comment("<!--\n/reviewbot\n-->"), settings(), SkipReason.NOT_A_TRIGGER),
    "a longer name": (comment("/reviewbots review"), settings(), SkipReason.NOT_A_TRIGGER),
    "a longer mention": (comment("@reviewbot-2 review"), settings(), SkipReason.NOT_A_TRIGGER),
    "edited comment": (comment("/reviewbot", action="edited"), settings(), SkipReason.NOT_A_TRIGGER),
    "dismissed review": (
        comment("/reviewbot", "pull_request_review", "dismissed"),
        settings(),
        SkipReason.NOT_A_TRIGGER,
    ),
    "comment on an issue": (comment("/reviewbot", pull_request=None), settings(), SkipReason.NOT_A_TRIGGER),
    "no command word": (comment("/reviewbot"), settings(command=""), SkipReason.NOT_A_TRIGGER),
    "installation": (event("installation", "suspend"), settings(), SkipReason.INSTALLATION),
    "repositories": (event("installation_repositories", "added"), settings(), SkipReason.INSTALLATION),
    "repository off": (event(), settings(enabled=False), SkipReason.REPOSITORY_OFF),
    "repository off, asked": (comment("/reviewbot"), settings(enabled=False), SkipReason.REPOSITORY_OFF),
    "pushes off": (event(action="synchronize"), settings(events=("opened", "command")), SkipReason.TURNED_OFF),
    "commands off": (comment("/reviewbot"), settings(events=("opened",)), SkipReason.TURNED_OFF),
    "closing": (event(action="closed", state="closed"), settings(), SkipReason.CLOSED),
    "push to a closed one": (event(action="synchronize", state="closed"), settings(), SkipReason.CLOSED),
    "command on a closed one": (comment("/reviewbot", state="closed"), settings(), SkipReason.CLOSED),
    "draft": (event(draft=True), settings(), SkipReason.DRAFT),
    "our own comment": (comment("/reviewbot", sender=Account(BOT, 9, "Bot")), settings(), SkipReason.OWN),
    "our own, even if allowed": (
        comment("/reviewbot", sender=Account(BOT, 9, "Bot")),
        settings(bots=(BOT,)),
        SkipReason.OWN,
    ),
    "our own pull request": (event(author=Account(BOT, 9, "Bot")), settings(), SkipReason.OWN),
    "bot's pull request": (event(author=DEPENDABOT, sender=DEPENDABOT), settings(), SkipReason.BOT),
    "bot pushes to a person's": (event(action="synchronize", sender=DEPENDABOT), settings(), SkipReason.BOT),
    "bot that may start reviews comments": (
        comment("/reviewbot", sender=DEPENDABOT),
        settings(bots=("dependabot[bot]",)),
        SkipReason.BOT,
    ),
    "bot comments": (comment("/reviewbot", sender=DEPENDABOT), settings(), SkipReason.BOT),
    "bot by its name only": (event(author=Account("x[bot]", 1, "User")), settings(), SkipReason.BOT),
    "bot by its type only": (event(author=Account("copilot", 1, "Bot")), settings(), SkipReason.BOT),
    "a suffix allows nobody": (event(author=DEPENDABOT), settings(bots=("[bot]", "bot[bot]")), SkipReason.BOT),
    "nobody asks": (comment("/reviewbot", sender=None), settings(), SkipReason.NOBODY),
    "outsider": (comment("/reviewbot", association="NONE"), settings(), SkipReason.OUTSIDER),
    "contributor, not wanted": (
        comment("/reviewbot", association="CONTRIBUTOR"),
        settings(commenters=("OWNER",)),
        SkipReason.OUTSIDER,
    ),
    "check of a fork": (event("check_run", "rerequested", pull_request=None), settings(), SkipReason.NO_PULL_REQUEST),
    "title": (event(title="[wip] totals"), settings(skip_titles=("WIP",)), SkipReason.TITLE),
    "title, at the second place": (event(title="swipe: wip"), settings(skip_titles=("WIP",)), SkipReason.TITLE),
    "title with marks": (event(title="a[skip review]b"), settings(skip_titles=("[skip review]",)), SkipReason.TITLE),
    "label": (event(labels=("bug", "Skip-Review")), settings(), SkipReason.LABEL),
    "author": (event(), settings(skip_authors=("Ann",)), SkipReason.AUTHOR),
    "head branch": (event(), settings(skip_branches=("topic/",)), SkipReason.BRANCH),
    "base branch": (event(), settings(base_branches=("release/*",)), SkipReason.BRANCH),
}


@pytest.mark.parametrize(("event", "settings", "trigger", "kind", "priority"), JOBS.values(), ids=JOBS)
def test_what_starts_a_job(
    event: Event, settings: TriggerSettings, trigger: str, kind: Kind, priority: Priority
) -> None:
    job = decide(event, settings, BOT)
    assert isinstance(job, JobRequest)
    assert (job.trigger, job.kind, job.priority) == (trigger, kind, priority)
    assert (job.ref, job.installation_id, job.head_sha, job.delivery_id) == (REF, 5, "a" * 40, "d1")
    assert JobRequest.from_json(job.to_json()) == job


@pytest.mark.parametrize(("event", "settings", "reason"), SKIPS.values(), ids=SKIPS)
def test_what_starts_none_and_why(event: Event, settings: TriggerSettings, reason: SkipReason) -> None:
    skip = decide(event, settings, BOT)
    assert isinstance(skip, Skip)
    assert skip.reason is reason
    assert skip.text.endswith(".")
    assert skip.worth_keeping == (reason is not SkipReason.NOT_A_TRIGGER)


def test_every_reason_and_every_trigger_has_a_case() -> None:
    assert {reason for _, _, reason in SKIPS.values()} | {SkipReason.PATH} == set(SkipReason)
    assert {trigger for _, _, trigger, _, _ in JOBS.values()} == set(TriggerSettings().events)


def test_a_command_carries_who_asked_what_and_where() -> None:
    job = decide(comment("/reviewbot why?  \nmore", "pull_request_review_comment"), settings(), BOT)
    assert isinstance(job, JobRequest)
    assert (job.requested_by, job.words, job.comment_id, job.comment_kind) == (
        "ann", "why?", 11, "pull_request_review_comment",
    )  # fmt: skip
    long = decide(comment("/reviewbot " + "x" * 5_000), settings(), BOT)
    assert isinstance(long, JobRequest)
    assert len(long.words) == 2_000


def test_a_job_knows_its_command_also_from_the_database() -> None:
    job = decide(reply("/reviewbot Dismiss by design"), settings(), BOT)
    assert isinstance(job, JobRequest)
    assert job.command == JobRequest.from_json(job.to_json()).command == Command(Verb.DISMISS, "by design")
    assert (job.comment_id, job.reply_to) == (11, 7)
    below = decide(comment("/reviewbot dismiss by design"), settings(), BOT)
    assert isinstance(below, JobRequest)
    assert below.command == Misused(Verb.DISMISS, Fault.PLACE)
    assert replace(below, words="review", comment_kind="").command == Command(Verb.REVIEW)


def test_what_no_comment_asked_for_is_no_command() -> None:
    for of, words in ((OPENED, ""), (reply("Why <!-- so --> is that?"), "Why  is that?")):
        job = decide(of, settings(), BOT)
        assert isinstance(job, JobRequest)
        assert (job.command, job.words) == (None, words)


def key(of: Event) -> str:
    job = decide(of, settings(), BOT)
    assert isinstance(job, JobRequest)
    return job.key


PUSH = event(action="synchronize", before_sha="b" * 40)
LABELED = event(action="labeled", label="reviewbot")
RERUN = event("check_run", "rerequested", asked_at="77 2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (PUSH, replace(PUSH, delivery_id="d2")),
        (PUSH, replace(PUSH, asked_at="later", title="New", sender=None)),
        (PUSH, replace(PUSH, pull_request=PullRequestRef("github.com", "Octo", "Orders", 7))),
        (LABELED, replace(LABELED, delivery_id="d2")),
        (comment("/reviewbot"), replace(comment("/reviewbot"), delivery_id="d2", asked_at="later")),
    ],
)
def test_the_same_act_has_the_same_key(first: Event, second: Event) -> None:
    assert key(first) == key(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (PUSH, replace(PUSH, head_sha="c" * 40)),
        (PUSH, replace(PUSH, before_sha="d" * 40)),
        (PUSH, replace(PUSH, action="reopened")),
        (PUSH, replace(PUSH, pull_request=replace(REF, number=8))),
        (PUSH, replace(PUSH, pull_request=replace(REF, host="ghe.example.org"))),
        (LABELED, replace(LABELED, asked_at="later")),
        (RERUN, replace(RERUN, asked_at="77 2026-01-02T00:00:00Z")),
        (comment("/reviewbot"), replace(comment("/reviewbot"), comment=Comment(12, "/reviewbot", "MEMBER"))),
        (comment("/reviewbot"), comment("/reviewbot", "pull_request_review_comment")),
    ],
)
def test_another_act_has_another_key(first: Event, second: Event) -> None:
    assert key(first) != key(second)


def pull(**changes: Any) -> PullRequest:
    facts = PullRequest(
        REF, "Totals", "", "ann", "open", False, "main", "b" * 40, "topic", "a" * 40, "octo/orders", "octo/orders",
        1, 1, 0, 1,
    )  # fmt: skip
    return replace(facts, **changes)


@pytest.mark.parametrize(
    ("asked", "facts", "repository", "reason"),
    [
        (OPENED, pull(), settings(), None),
        (OPENED, pull(state="closed"), settings(), SkipReason.CLOSED),
        (OPENED, pull(draft=True), settings(), SkipReason.DRAFT),
        (OPENED, pull(labels=("skip-review",)), settings(), SkipReason.LABEL),
        (OPENED, pull(title="WIP"), settings(skip_titles=("wip",)), SkipReason.TITLE),
        (OPENED, pull(), settings(enabled=False), SkipReason.REPOSITORY_OFF),
        (OPENED, pull(), settings(events=("command",)), SkipReason.TURNED_OFF),
        (comment("/reviewbot"), pull(draft=True, labels=("skip-review",)), settings(), None),
        (comment("/reviewbot"), pull(state="closed"), settings(), SkipReason.CLOSED),
    ],
)
def test_a_job_is_checked_again_with_the_facts_of_the_moment(
    asked: Event, facts: PullRequest, repository: TriggerSettings, reason: SkipReason | None
) -> None:
    job = decide(asked, settings(), BOT)
    assert isinstance(job, JobRequest)
    skip = recheck(job, facts, repository)
    assert (skip.reason if skip else None) == reason


@pytest.mark.parametrize(
    ("asked", "repository", "paths", "reason"),
    [
        (OPENED, settings(paths=("src/",)), ["docs/a.md", "src/b.py"], None),
        (OPENED, settings(paths=("src/",)), ["docs/a.md"], SkipReason.PATH),
        (OPENED, settings(paths=("src/",)), [], SkipReason.PATH),
        (OPENED, settings(skip_paths=("*.md",)), ["docs/a.md", "b.md"], SkipReason.PATH),
        (OPENED, settings(skip_paths=("*.md",)), ["docs/a.md", "b.py"], None),
        (OPENED, settings(skip_paths=("*.md",)), [], None),
        (OPENED, settings(), ["docs/a.md"], None),
        (comment("/reviewbot"), settings(paths=("src/",), skip_paths=("*",)), ["docs/a.md"], None),
    ],
)
def test_rules_over_paths(
    asked: Event, repository: TriggerSettings, paths: list[str], reason: SkipReason | None
) -> None:
    job = decide(asked, settings(), BOT)
    assert isinstance(job, JobRequest)
    skip = recheck(job, pull(), repository, paths)
    assert (skip.reason if skip else None) == reason
    assert recheck(job, pull(), repository) is None, "what is not known yet is against nothing"


WORDS = st.text(max_size=30)
ACCOUNTS = st.none() | st.builds(Account, WORDS, st.integers(0, 9), st.sampled_from(["User", "Bot", "Organization"]))
EVENTS = st.builds(
    event,
    kind=st.sampled_from(["pull_request", "issue_comment", "pull_request_review", "check_run", "installation"]),
    action=st.sampled_from(["opened", "labeled", "created", "submitted", "rerequested", "synchronize", "closed"]),
    sender=ACCOUNTS,
    author=ACCOUNTS,
    title=WORDS,
    label=WORDS | st.just("reviewbot"),
    labels=st.lists(WORDS, max_size=3).map(tuple),
    head_ref=WORDS,
    comment=st.none() | st.builds(Comment, st.integers(1, 9), WORDS.map(lambda w: "/reviewbot " + w), st.just("OWNER")),
)


@given(EVENTS, st.lists(WORDS, max_size=3).map(tuple))
def test_any_event_gets_an_answer_and_bots_never_a_job(of: Event, phrases: tuple[str, ...]) -> None:
    decision = decide(of, settings(skip_titles=phrases, skip_branches=phrases), BOT)
    if isinstance(decision, JobRequest):
        assert of.sender is None or not of.sender.is_bot
        assert JobRequest.from_json(decision.to_json()) == decision
    else:
        assert decision.text.isascii()
        assert decision.text.isprintable()
