"""Pure: the text of a comment -> Command. What people may ask for in comments, and how they say it.

A command is the first live line (`live_text`) that begins with our name: the slash command of `triggers.command`, or a
mention. Then comes a verb, in any case, and what the verb is about. Nothing in a comment can change a setting or name a
provider, a model or an address (the lesson of CVE-2024-51355): each verb takes one bounded text or none.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from reviewbot.core.change.patterns import Pattern
from reviewbot.core.live_text import lines_of, live_lines, without_comments

MOST_WORDS = 2_000  # characters of a command that are carried along
MOST_PATTERN = 200
_MOST_WORD = 40
_CUTOFF = 0.7  # of difflib's ratio; "explian" is 0.86 of "explain"
_IDLE = frozenset({"", "please", "again", "now"})  # what people add to a verb that takes nothing
_FULL = frozenset({"full", "full review", "review full", "review --full"})
_UNSEEN = ("Cc", "Cf", "Co", "Cs")  # Unicode's categories of what a reader does not see


class Place(StrEnum):
    """Where a comment stands, by the name of its webhook event: below the pull request, in the diff, or over a review's
    comments."""

    CONVERSATION = "issue_comment"
    THREAD = "pull_request_review_comment"
    REVIEW = "pull_request_review"


class Verb(StrEnum):
    """What can be asked."""

    REVIEW = "review"
    FULL = "full"
    ASK = "ask"
    EXPLAIN = "explain"
    DISMISS = "dismiss"
    RESOLVE = "resolve"
    PAUSE = "pause"
    RESUME = "resume"
    IGNORE = "ignore"
    SUMMARY = "summary"
    CONFIG = "config"
    HELP = "help"


class Fault(StrEnum):
    """Why a known verb cannot be followed as it was written."""

    PLACE = "place"
    MISSING = "missing"
    MORE = "more"
    PATTERN = "pattern"


@dataclass(frozen=True, slots=True)
class Form:
    """How a verb is written and what it does. ``takes`` names what follows it, in brackets where that may be left out;
    empty when nothing may. ``only`` is the one place where it means something."""

    takes: str
    does: str
    only: Place | None = None


FORMS: Mapping[Verb, Form] = MappingProxyType(
    {
        Verb.REVIEW: Form("", "Reviews what is new."),
        Verb.FULL: Form("", "Reviews everything again; also `review full`."),
        Verb.ASK: Form("question", "Answers a question about the change."),
        Verb.EXPLAIN: Form("[what]", "Says more about the finding of this thread.", Place.THREAD),
        Verb.DISMISS: Form("[reason]", "Closes this thread; the finding is not reported again.", Place.THREAD),
        Verb.RESOLVE: Form("", "Closes this thread as done.", Place.THREAD),
        Verb.PAUSE: Form("", "No reviews of this pull request by themselves from now on."),
        Verb.RESUME: Form("", "Ends a pause."),
        Verb.IGNORE: Form("pattern", "Leaves out files that a gitignore pattern names, in this pull request."),
        Verb.SUMMARY: Form("", "Leads to the summary of the reviews, or says how to get one."),
        Verb.CONFIG: Form("", "Shows the settings in force here."),
        Verb.HELP: Form("[verb]", "Lists the commands."),
    }
)


@dataclass(frozen=True, slots=True)
class Command:
    """One verb that can be followed. ``argument`` is clean (no character that nobody sees) and bounded; a text that
    somebody wrote all the same. For `Verb.IGNORE` it is one pattern that can match."""

    verb: Verb
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No verb of ours. ``word`` is what stands in its place, ``nearest`` the verb that was perhaps meant, ``text`` all
    that was said to us, which may be talk: ``@reviewbot why is that?``."""

    word: str
    nearest: Verb | None
    text: str


@dataclass(frozen=True, slots=True)
class Misused:
    """A verb of ours that cannot be followed, and why not in a sentence that holds nothing a stranger wrote."""

    verb: Verb
    fault: Fault

    @property
    def text(self) -> str:
        takes = FORMS[self.verb].takes
        return {
            Fault.PLACE: f"`{self.verb}` is for answers in the thread of a finding.",
            Fault.MISSING: f"`{self.verb}` needs a {takes} after it.",
            Fault.MORE: f"`{self.verb}` takes no further words.",
            Fault.PATTERN: f"`{self.verb}` needs one gitignore pattern that can match, {MOST_PATTERN} characters long "
            "at most, and not one that begins with `!`.",
        }[self.fault]


Asked = Command | Unknown | Misused


def names_of(command: str, bot_login: str) -> tuple[str, ...]:
    """What a command begins with: the slash command, and mentions of our account with and without GitHub's suffix."""
    logins = dict.fromkeys((bot_login, bot_login.removesuffix("[bot]")))
    return tuple(name for name in (command, *(f"@{login}" for login in logins if login)) if name)


def words_in(body: str, names: Sequence[str]) -> str | None:
    """What the first live line that speaks to us says after our name; None when none does. A question may go on in the
    lines below."""
    for number, line in live_lines(body):
        name, rest = (*line.lstrip(" ").split(None, 1), "", "")[:2]
        if line[:1].isspace() and not line.startswith(" "):
            continue
        if any(_same(name.rstrip(",:"), other) for other in names):
            more = lines_of(body)[number + 1 :] if _verb(_first(rest)[0]) is Verb.ASK else []
            return seen_text("\n".join([rest, *more]))
    return None


def read_command(words: str, place: Place) -> Asked:
    """What the words after our name ask for; nothing asks for a review."""
    words = seen_text(words)
    first, rest = _first(words)
    if first.lower() == "please" and rest:
        first, rest = _first(rest)
    plain = " ".join([first, *(word for word in rest.lower().split() if word not in _IDLE)]).strip().lower()
    if plain.isascii() and plain in _FULL:
        return Command(Verb.FULL)
    verb = Verb.REVIEW if not first else _verb(first)
    if verb is None:
        near = difflib.get_close_matches(first.lower(), [str(each) for each in Verb], n=1, cutoff=_CUTOFF)
        return Unknown(first, Verb(near[0]) if near else None, words)
    fault = _fault(verb, rest, place)
    if fault:
        return Misused(verb, fault)
    takes = FORMS[verb].takes
    return Command(verb, (_unquoted(rest) if verb is Verb.IGNORE else rest) if takes else "")


def _fault(verb: Verb, rest: str, place: Place) -> Fault | None:
    form = FORMS[verb]
    if form.only is not None and place is not form.only:
        return Fault.PLACE
    if not form.takes and any(word.strip(".!").lower() not in _IDLE for word in rest.split()):
        return Fault.MORE
    if form.takes and not form.takes.startswith("[") and not rest:
        return Fault.MISSING
    return Fault.PATTERN if verb is Verb.IGNORE and not _can_match(_unquoted(rest)) else None


def _can_match(text: str) -> bool:
    """Whether a pattern is one, and names some path. One that is cut would be another one, so none is too long."""
    pattern = Pattern.parse(text) if len(text) <= MOST_PATTERN else None
    if pattern is None or pattern.negated or re.search(r"(?<!\\)\s", text):
        return False
    parts = text.removesuffix("/").removeprefix("/").split("/")
    never = re.compile(r"(?!)")  # what `Pattern` makes of a bracket that is not closed
    return not {"", ".", ".."}.intersection(parts) and never not in pattern.globs


def _unquoted(text: str) -> str:
    """A pattern out of the backticks by which people keep its stars from Markdown."""
    found = re.fullmatch(r"(`+)([^`]+)\1", text)
    return found[2].strip() if found else text


def _first(words: str) -> tuple[str, str]:
    """The first word, without the mark that ends a sentence, and the rest."""
    word, rest = (*words.split(None, 1), "", "")[:2]
    return word[:_MOST_WORD].rstrip(".,:;!?"), rest.strip()


def _verb(word: str) -> Verb | None:
    return next((verb for verb in Verb if _same(word, verb)), None)


def _same(one: str, other: str) -> bool:
    """Equal in any case, for ASCII only: Python lowers the Kelvin sign to a ``k``."""
    return one == other or (one.isascii() and one.lower() == other.lower())


def seen_text(text: str) -> str:
    """``text`` without what a reader does not see, bounded."""
    shown = without_comments(text)[: 4 * MOST_WORDS].replace("\t", " ")
    seen = "".join(each for each in shown if each == "\n" or unicodedata.category(each) not in _UNSEEN)
    return seen.strip()[:MOST_WORDS].rstrip()
