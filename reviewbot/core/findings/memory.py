"""Pure: review threads -> Memory: what people have answered to our findings, and what follows from it.

A person with rights dismisses a finding by resolving its thread, by a thumbs-down on our comment, or in words (``won't
fix``, ``not a bug``, ``/reviewbot dismiss REASON``). Words of strangers dismiss nothing: whoever may not write to the
repository could else silence the reviewer of their own change. The same goes for the author of a change, who may
resolve threads on it without the right to write: such a finding is not said again, but still counts. We may also have
withdrawn a finding ourselves, in a talk in its thread.

A command is what `core/commands.py` takes for one, so nothing in code or in a quote. One that we have answered in the
thread counts whatever GitHub calls its author: before we answered, GitHub was asked for their right to write, which is
more than the association tells (a member who keeps that private is a stranger by it).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reviewbot.core.change.pull_request import ReviewThread, ThreadComment
from reviewbot.core.commands import Command, Place, Unknown, Verb, names_of, read_command, words_in
from reviewbot.core.marker import is_withdrawn, read_answers

WITH_RIGHTS: Final = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
OFTEN: Final = 3  # dismissals of one kind in one folder before a setting is suggested
_MOST_WORDS: Final = 200  # characters of somebody's reason that are kept
_LONGEST: Final = 10_000
_DOWN: Final = "THUMBS_DOWN"

_QUOTED: Final = re.compile(r"^[ \t]*>[^\n]*$|```(?s:.*?)(?:```|\Z)|`[^`\n]*`", re.MULTILINE)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_REFUSAL: Final = re.compile(
    r"\b(?:won'?t fix|will not (?:be )?fix(?:ed)?|(?:is |it'?s |this is )?not (?:really )?an? (?:bug|issue|problem)|"
    r"false positive|by design|(?:works|working) as (?:intended|designed)|(?:is|that'?s|it'?s) intentional|"
    r"intended behaviou?r|not applicable|disagree)\b",
    re.IGNORECASE,
)
_UNDONE: Final = re.compile(
    r"\b(?:not (?:a |sure|certain|convinced|by)|isn'?t (?:a |by)|unsure|don'?t (?:think|believe)|no longer|why)\b", re.I
)
_AGREED: Final = re.compile(
    r"\b(?:good (?:catch|point|find)|(?:you'?re|you are) right|i(?:'ll| will) fix|will be fixed|fixed in|agreed?|"
    r"is (?:indeed )?a (?:real )?bug)\b",
    re.IGNORECASE,
)


class How(StrEnum):
    """How a finding was answered, in the words that users see."""

    RESOLVED = "resolved"
    THUMBS_DOWN = "thumbs-down"
    WORDS = "words"
    COMMAND = "command"
    WITHDRAWN = "withdrawn"  # we took it back in a talk
    FIXED = "fixed"  # we resolved it ourselves


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answered a thread of ours, and how; ``words`` is the reason given. Only a ``binding`` one dismisses."""

    how: How
    who: str
    words: str = ""
    binding: bool = True

    def __str__(self) -> str:
        said = f": {self.words}" if self.words else ""
        done = {
            How.RESOLVED: f"resolved by {self.who}",
            How.THUMBS_DOWN: f"thumbs-down of {self.who}",
            How.WORDS: f"answered by {self.who}{said}",
            How.COMMAND: f"dismissed by {self.who}{said}",
            How.WITHDRAWN: "withdrawn after what people said",
            How.FIXED: "resolved as fixed",
        }[self.how]
        return done if self.binding else f"{done}, who may not dismiss it"


@dataclass(frozen=True, slots=True)
class Memory:
    """The answers by id of the thread, and the logins that are known to have rights here."""

    answers: Mapping[str, Answer] = field(default_factory=lambda: MappingProxyType({}))
    trusted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text for ``.reviewbot.toml``, to be shown and never applied: ``times`` findings of a kind were dismissed."""

    category: str
    folder: str
    times: int
    pattern: str
    text: str


def answers(
    threads: Iterable[ReviewThread],
    *,
    viewer: str = "",
    author: str = "",
    trusted: Collection[str] = (),
    command: str = "/reviewbot",
) -> Memory:
    """What people have answered. ``viewer`` is our own login, ``author`` that of the pull request, ``trusted`` are
    logins known to have the right to write, beside those whose association says so; ``command`` begins a command, as a
    mention of us does."""
    threads = tuple(threads)
    comments = (comment for thread in threads for comment in thread.comments)
    rights = frozenset(map(_login, trusted)) | {_login(each.author) for each in comments if _may(each)}
    names = names_of(command, f"{_login(viewer)}[bot]" if viewer else "")
    found = {}
    for thread in threads:
        answer = _answer(thread, rights, _login(viewer), _login(author), names) if thread.ours else None
        if answer:
            found[thread.id] = answer
    return Memory(found, rights)


def _answer(
    thread: ReviewThread, rights: frozenset[str], viewer: str, author: str, names: Sequence[str]
) -> Answer | None:
    """The strongest answer to a thread: a command, words, a reaction, then that it was resolved."""
    said = _said(thread.comments, names)
    if said:
        return said
    down = sorted(login for login, content in thread.reactions if content == _DOWN and _login(login) in rights)
    if down:
        return Answer(How.THUMBS_DOWN, down[0])
    if not thread.resolved or not thread.resolved_by:
        return None
    resolver = _login(thread.resolved_by)
    if resolver == viewer:
        return Answer(How.FIXED, thread.resolved_by)
    # GitHub lets those who may write resolve a thread, and the author of the pull request.
    return Answer(How.RESOLVED, thread.resolved_by, binding=resolver != author or resolver in rights)


def _said(comments: Sequence[ThreadComment], names: Sequence[str]) -> Answer | None:
    """The last word of people with rights, when it refuses, or ours, when it takes the finding back."""
    last = None
    answered = {key for each in comments if each.ours for key in read_answers(each.body)}
    for comment in sorted(comments, key=lambda each: each.created_at):
        if comment.ours and is_withdrawn(comment.body):
            last = Answer(How.WITHDRAWN, comment.author)
        if comment.ours or comment.is_bot or not comment.author:
            continue
        words = words_in(comment.body[:_LONGEST], names)
        asked = read_command(words, Place.THREAD) if words is not None else None
        if isinstance(asked, Command) and asked.verb is Verb.DISMISS and (_may(comment) or str(comment.id) in answered):
            last = Answer(How.COMMAND, comment.author, _short(asked.argument))
        if not _may(comment) or not (asked is None or isinstance(asked, Unknown)):
            continue  # what is asked of us is no opinion of the finding
        text = _QUOTED.sub(" ", comment.body[:_LONGEST]).replace("\u2019", "'").strip()
        if refusal := _refusal(text):
            last = Answer(How.WORDS, comment.author, _short(refusal))
        elif _AGREED.search(text):
            last = None
    return last


def _refusal(text: str) -> str:
    """The sentence that refuses a finding; empty when none does. A question or a doubt refuses nothing."""
    for sentence in _SENTENCE.split(text):
        found = _REFUSAL.search(sentence)
        if found and not sentence.rstrip().endswith("?"):
            before = sentence[: found.start()]
            if not _UNDONE.search(before) and not re.search(r"\b(?:not|isn't|never)\s*(?:an?\s*)?$", before, re.I):
                return sentence
    return ""


def _may(comment: ThreadComment) -> bool:
    """Whether a comment is by a person who may decide here; as GitHub tells it, not as the comment says."""
    return not comment.is_bot and bool(comment.author) and comment.association in WITH_RIGHTS


def _login(login: str) -> str:
    """GitHub's two interfaces differ in whether the login of an App ends in ``[bot]``; case makes no difference."""
    return login.casefold().removesuffix("[bot]")


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _MOST_WORDS else f"{plain[: _MOST_WORDS - 1]}…"


def suggestions(dismissed: Iterable[tuple[str, str]]) -> tuple[Suggestion, ...]:
    """What could be set so that findings of one kind are not raised again, from (category, path) of each dismissed one.

    A kind is a category in a folder; the deepest folders with `OFTEN` or more are named, most often first.
    """
    counts = Counter((category, path.rpartition("/")[0]) for category, path in dismissed if category)
    found = []
    for (category, folder), times in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if times >= OFTEN:
            pattern = re.sub(r"([*?\[\]!#\\ ])", r"\\\1", folder) + "/**" if folder else "*"
            words = f"Do not report {category} findings here unless they are critical."
            text = f"[[paths]]\npattern = {json.dumps(pattern)}\ninstructions = {json.dumps(words)}\n"
            found.append(Suggestion(category, folder, times, pattern, text))
    return tuple(found)
