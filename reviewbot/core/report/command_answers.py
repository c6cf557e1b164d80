"""Pure: what is said to people who gave a command: the words, and where they go.

What a stranger wrote (a login, a pattern, a word that is no verb, a setting of the repository) goes through the
sanitiser; all else is our own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from reviewbot.core.change.pull_request import PullRequest, ReviewThread
from reviewbot.core.commands import FORMS, Asked, Command, Misused, Place, Unknown, Verb
from reviewbot.core.config import Resolved
from reviewbot.core.report.acts import Reply, StatusAnswer
from reviewbot.core.report.sanitizer import code_block, code_span, sanitize_inline
from reviewbot.core.resolution import DEFAULT, flatten_config
from reviewbot.core.triggers import JobRequest

REPOSITORY_FILE = ".reviewbot.toml"
_MOST_OF_A_VALUE = 300
_MOST_OF_AN_ERROR = 2_000
_ANCHORS: Mapping[Place, str] = {
    Place.CONVERSATION: "issuecomment-",
    Place.THREAD: "discussion_r",
    Place.REVIEW: "pullrequestreview-",
}

DISMISSED = "Dismissed: this finding is not reported again while its code is unchanged."
RESOLVED = "Closed as done. If its code stays as it is, the finding still counts for the check; it is not posted again."
NOT_OURS = "This thread is not about a finding of reviewbot, so there is nothing to do here."
PAUSED = "Reviews of this pull request are paused. Those asked for by hand are made all the same."
RESUMED = "The pause is over: the next push is reviewed, with what came meanwhile. `review` does that now."
NOT_PAUSED = "Reviews of this pull request were not paused."
NO_ROOM = "No more patterns can be kept for this pull request. Use `scope.exclude` in `.reviewbot.toml`."


def answer_of(
    request: JobRequest, pull: PullRequest, thread: ReviewThread | None, text: str
) -> Reply | StatusAnswer | None:
    """``text`` where it belongs: in the thread that the comment stands in, else in the one status comment, with what it
    answers. None when the request does not say which comment it is about."""
    if request.comment_id is None:
        return None
    key = str(request.comment_id)
    if thread is not None:
        return Reply(thread.id, thread.comment_id, text, key)
    return StatusAnswer(key, f"{heading(request, pull.html_url)}\n\n{text}")


def heading(request: JobRequest, url: str) -> str:
    """What an answer in the status comment is about: the words, their place, and who said them."""
    said = _said(request.command)
    asked = f"[{said}]({url}#{_ANCHORS[request.place]}{request.comment_id})" if url else said
    return f"**{sanitize_inline(request.requested_by, limit=60)}**: {asked}"


def _said(asked: Asked | None) -> str:
    match asked:
        case Command(verb=verb) | Misused(verb=verb):
            return f"`{verb}`"
        case Unknown(word=word):
            return code_span(word, limit=40) or "a comment"
    return "a comment"


def unknown(asked: Unknown, name: str) -> str:
    """The nearest verb, and where all of them are."""
    word = code_span(asked.word, limit=40)
    meant = f" Did you mean {_form(name, asked.nearest)}?" if asked.nearest else ""
    question = "" if asked.nearest else f" For a question write {_form(name, Verb.ASK)}."
    return f"{word} is no command here.{meant}{question} {_plain(name, 'help')} lists the commands."


def misused(asked: Misused, name: str) -> str:
    """What is wrong, and how it is written."""
    return f"{asked.text} It is written {_form(name, asked.verb)}."


def help_text(name: str, wanted: str = "") -> str:
    """All commands as a table, or the one that is ``wanted``. ``name`` is what a command begins with."""
    verbs = [verb for verb in Verb if verb == wanted.strip().lower()] or list(Verb)
    rows = [f"| {_form(name, verb)} | {_does(verb)} |" for verb in verbs]
    return "\n".join(
        [
            "| Command | What it does |",
            "| --- | --- |",
            *rows,
            "",
            "A command is the first line of a new comment that begins so, by a person who may write to the repository.",
        ]
    )


def _does(verb: Verb) -> str:
    only = " Only in the thread of a finding." if FORMS[verb].only is Place.THREAD else ""
    return FORMS[verb].does + only


def config_text(resolved: Resolved) -> str:
    """The settings that differ from the defaults, with where each comes from. Those of the server's own work are left
    out, and so is the name of a file on its machine."""
    lines = [
        f"{name} = {_value(value)}  # {_source(source)}"
        for name, value in flatten_config(resolved.config)
        if (source := resolved.sources.get(name, DEFAULT)) != DEFAULT and not name.startswith("server.")
    ]
    if lines:
        said = f"Settings in force here that differ from the defaults:\n\n{code_block(chr(10).join(lines), 'toml')}"
    else:
        said = "All settings have their defaults here."
    notes = [f"- {sanitize_inline(note)}" for note in resolved.notes]
    return "\n".join([said, *(["", "What was left out:", "", *notes] if notes else [])])


def _source(source: str) -> str:
    """Where a setting comes from, for people who are not on the server's machine. `wiring.settle` adds what they had
    left out by a command."""
    place, ignored, _ = source.partition(" and `ignore`")
    named = {REPOSITORY_FILE: [REPOSITORY_FILE], DEFAULT: []}.get(place, ["this server"])
    return " and ".join([*named, *(["ignore"] if ignored else [])])


def summary_text(url: str, name: str) -> str:
    """Where the summary is; with an empty ``url`` there is none."""
    if url:
        return f"[The summary]({url}) is edited with each review, so it says what is so now."
    review = _plain(name, "review")
    return f"There is no summary: nothing was reviewed yet, or somebody deleted it. {review} writes one."


def ignored_text(patterns: Sequence[str]) -> str:
    listed = ", ".join(code_span(pattern) for pattern in patterns)
    return f"Left out of this pull request from the next review on: {listed}."


def not_done(request: JobRequest, error: str) -> StatusAnswer | None:
    """What is said when a command was given up. In the status comment: the thread is not known where this is made."""
    if request.trigger != "command" or request.comment_id is None:
        return None
    ref = request.ref
    url = f"https://{ref.host}/{ref.full_name}/pull/{ref.number}"
    told = sanitize_inline(error, limit=_MOST_OF_AN_ERROR)
    return StatusAnswer(str(request.comment_id), f"{heading(request, url)}\n\nThis was not done. {told}")


def _form(name: str, verb: Verb) -> str:
    return _plain(name, f"{verb} {_takes(verb)}".strip())


def _takes(verb: Verb) -> str:
    """``question`` as ``<question>``; what may be left out has its brackets already."""
    takes = FORMS[verb].takes
    return f"<{takes}>" if takes and not takes.startswith("[") else takes


def _plain(name: str, words: str) -> str:
    return code_span(f"{name} {words}".strip())


def _value(value: object) -> str:
    text = json.dumps(_simple(value), ensure_ascii=False, default=str)
    return text if len(text) <= _MOST_OF_A_VALUE else f"{text[:_MOST_OF_A_VALUE]}… (cut)"


def _simple(value: object) -> Any:
    if isinstance(value, tuple | list):
        return [_simple(each) for each in value]
    return value.model_dump() if isinstance(value, BaseModel) else value
