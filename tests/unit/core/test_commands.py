"""What is a command and what only looks like one; a Markdown parser and an HTML reader are the judges of the latter."""

from __future__ import annotations

import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reviewbot.core.commands import (
    FORMS,
    MOST_WORDS,
    Asked,
    Command,
    Fault,
    Misused,
    Place,
    Unknown,
    Verb,
    names_of,
    read_command,
    words_in,
)
from reviewbot.core.live_text import MOST_READ, live_lines, without_comments

NAMES = names_of("/reviewbot", "reviewbot[bot]")
TALK, THREAD = Place.CONVERSATION, Place.THREAD


def asked(body: str, place: Place = THREAD) -> Asked | None:
    words = words_in(body, NAMES)
    return None if words is None else read_command(words, place)


def test_names() -> None:
    assert NAMES == ("/reviewbot", "@reviewbot[bot]", "@reviewbot")
    assert names_of("", "ann") == ("@ann",)
    assert names_of("!look", "") == ("!look",)


COMMANDS = {
    "/reviewbot": Command(Verb.REVIEW),
    "\r\n  /ReviewBot \r\n": Command(Verb.REVIEW),
    "@reviewbot, review": Command(Verb.REVIEW),
    "@reviewbot[bot]: please review again!": Command(Verb.REVIEW),
    "/reviewbot\u00a0review": Command(Verb.REVIEW),
    "/reviewbot full": Command(Verb.FULL),
    "/reviewbot REVIEW   full please": Command(Verb.FULL),
    "/reviewbot full review": Command(Verb.FULL),
    "/reviewbot review --full": Command(Verb.FULL),
    "/reviewbot ask  Why is it slow?": Command(Verb.ASK, "Why is it slow?"),
    "/reviewbot ask\nWhy `x`?\n\n```py\nx = 1\n```": Command(Verb.ASK, "Why `x`?\n\n```py\nx = 1\n```"),
    "/reviewbot ask why <!-- hidden --> so?": Command(Verb.ASK, "why  so?"),
    "/reviewbot ask why <!-- hidden\nfor ever": Command(Verb.ASK, "why"),
    "/reviewbot ask a\x00b\u202ec\u200bd\ud800e": Command(Verb.ASK, "abcde"),
    "/reviewbot explain": Command(Verb.EXPLAIN),
    "/reviewbot explain the second point": Command(Verb.EXPLAIN, "the second point"),
    "/reviewbot dismiss by design": Command(Verb.DISMISS, "by design"),
    "/reviewbot dismiss": Command(Verb.DISMISS),
    "/reviewbot resolve.": Command(Verb.RESOLVE),
    "/reviewbot pause": Command(Verb.PAUSE),
    "/reviewbot resume": Command(Verb.RESUME),
    "/reviewbot ignore docs/**": Command(Verb.IGNORE, "docs/**"),
    "/reviewbot ignore `**/*_test.py`": Command(Verb.IGNORE, "**/*_test.py"),
    "/reviewbot ignore a\\ b/[a-c]?.py": Command(Verb.IGNORE, "a\\ b/[a-c]?.py"),
    "/reviewbot summary": Command(Verb.SUMMARY),
    "/reviewbot config": Command(Verb.CONFIG),
    "/reviewbot help ignore": Command(Verb.HELP, "ignore"),
    "/reviewbot explian": Unknown("explian", Verb.EXPLAIN, "explian"),
    "@reviewbot why is that?": Unknown("why", None, "why is that?"),
    "/reviewbot `review`": Unknown("`review`", Verb.REVIEW, "`review`"),
    "/reviewbot --model=x review": Unknown("--model=x", None, "--model=x review"),
    "/reviewbot review src/a.py": Misused(Verb.REVIEW, Fault.MORE),
    "/reviewbot review --model x": Misused(Verb.REVIEW, Fault.MORE),
    "/reviewbot config model.id=x": Misused(Verb.CONFIG, Fault.MORE),
    "/reviewbot ask": Misused(Verb.ASK, Fault.MISSING),
    "/reviewbot ask <!-- why -->": Misused(Verb.ASK, Fault.MISSING),
    "/reviewbot ignore": Misused(Verb.IGNORE, Fault.MISSING),
    "/reviewbot ignore # all": Misused(Verb.IGNORE, Fault.PATTERN),
    "/reviewbot ignore !src": Misused(Verb.IGNORE, Fault.PATTERN),
    "/reviewbot ignore [a": Misused(Verb.IGNORE, Fault.PATTERN),
    "/reviewbot ignore ../x": Misused(Verb.IGNORE, Fault.PATTERN),
    "/reviewbot ignore /": Misused(Verb.IGNORE, Fault.PATTERN),
    "/reviewbot ignore a b": Misused(Verb.IGNORE, Fault.PATTERN),
    f"/reviewbot ignore {'a' * 201}": Misused(Verb.IGNORE, Fault.PATTERN),
    "Thanks.\n/reviewbot explain": Command(Verb.EXPLAIN),
    "> /reviewbot full\n\n/reviewbot explain": Command(Verb.EXPLAIN),
    "```\n/reviewbot full\n```\n/reviewbot explain": Command(Verb.EXPLAIN),
    "<!-- template\n/reviewbot full\n-->\n/reviewbot explain": Command(Verb.EXPLAIN),
    "I changed `x`.\n/reviewbot explain `y`": Command(Verb.EXPLAIN, "`y`"),
    "/reviewbot explain\n/reviewbot full": Command(Verb.EXPLAIN),
    "A lone ` is fine\n/reviewbot explain": Command(Verb.EXPLAIN),
    "a < b, <br>\n/reviewbot explain": Command(Verb.EXPLAIN),
    "See [this](https://example.org/a).\n/reviewbot explain": Command(Verb.EXPLAIN),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), COMMANDS.items(), ids=map(repr, COMMANDS))
def test_what_is_asked(body: str, expected: Asked) -> None:
    assert asked(body) == expected


NONE = [
    "", "Looks good.", "Ask /reviewbot review", "/reviewbots review", "@reviewbot-2 review", "@reviewbot's review",
    "    /reviewbot", "\t/reviewbot", "  \t/reviewbot", "- /reviewbot review", "# /reviewbot review", "`/reviewbot`",
    "**/reviewbot** review", "<b>/reviewbot</b>", "\\/reviewbot review", "\u00a0/reviewbot review",
    "> /reviewbot", ">/reviewbot", "> a\n/reviewbot review", "- > a\n/reviewbot review", "> a\n- b\n/reviewbot",
    "```\n/reviewbot\n```", "~~~\n/reviewbot\n~~~", "````\n```\n/reviewbot\n````", "```\n/reviewbot",
    "- ```\n  /reviewbot\n  ```", "1. ```\n\n   /reviewbot", "- ```\n  x\n\n```\n/reviewbot review\n```",
    "- a\n  ```\n  x\n\n```\n/reviewbot review\n```", "- a\n\n    ```\n  /reviewbot review",
    "<!--\n/reviewbot\n-->", "<!-- /reviewbot", "<!--\n\n/reviewbot\n\n-->", "x <!--\n/reviewbot\n-->",
    "<!-- a --> <!-- b\n/reviewbot\n-->", "<!-->\n/reviewbot\n-->", "x <!--->\n/reviewbot\n-->",
    "<!-- a -->\n/reviewbots", "<!-- a --> /reviewbot review",
    "foo <!-- a\n```\n-->\n/reviewbot review\n```", "<div>\n```\n</div>\n\n```\n/reviewbot review\n```",
    "<pre>\n/reviewbot\n</pre>", "<blockquote>\n\n/reviewbot\n\n</blockquote>", "a <code>\n/reviewbot\n</code>",
    "<details>\n/reviewbot review\n</details>", "<?\n\n/reviewbot\n?>", "<div title='\n\n/reviewbot\n\n'>",
    "<a title='\n/reviewbot review\n'>x</a>", "a <a title='\n/reviewbot review\n'>x</a>",
    "`a\n/reviewbot review\nb`", "``a `\n/reviewbot review\nb``", "# `\n`a\n/reviewbot\n`",
    "[x](\n/reviewbot\n)", "[x](/u '\n/reviewbot review\n')", "[x](a(b)\n'\n/reviewbot review\n')",
    "[x]:\n/reviewbot 'review'", "[x\ny]:\n/reviewbot 'review'", "![\n/reviewbot review\n](x)",
    "/r\u0435viewbot review", "\uff0freviewbot review", "\u2215reviewbot", "/reviewbot\u200b review",
    "/rev\u0131ewbot review", "@rev\u00ecewbot",
]  # fmt: skip


@pytest.mark.parametrize("body", NONE, ids=map(repr, NONE))
def test_what_is_no_command(body: str) -> None:
    assert asked(body) is None


@pytest.mark.parametrize("word", ["as\u212a", "\uff41sk", "\u0430sk", "re\u017folve", "pau\u017fe"])
def test_no_look_alike_is_a_verb(word: str) -> None:
    assert isinstance(asked(f"/reviewbot {word} x"), Unknown)
    assert words_in("!loo\u212a now", names_of("!look", "")) is None, "the Kelvin sign is no k"


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("place", Place)
def test_where_a_verb_works(verb: Verb, place: Place) -> None:
    form = FORMS[verb]
    found = read_command(f"{verb} docs/" if form.takes else verb, place)
    if place is THREAD or verb not in (Verb.EXPLAIN, Verb.DISMISS, Verb.RESOLVE):
        assert found == Command(verb, "docs/" if form.takes else "")
    else:
        assert found == Misused(verb, Fault.PLACE)


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("verb", Verb)
def test_every_misuse_has_a_sentence(verb: Verb, fault: Fault) -> None:
    text = Misused(verb, fault).text
    assert text.startswith(f"`{verb}` ")
    assert text.endswith(".")


def test_long_words_are_cut_and_long_bodies_end() -> None:
    found = asked("/reviewbot ask " + "x" * 100_000)
    assert isinstance(found, Command)
    assert len(found.argument) == MOST_WORDS - len("ask ")
    unknown = asked("/reviewbot " + "y" * 100_000)
    assert isinstance(unknown, Unknown)
    assert (len(unknown.word), len(unknown.text)) == (40, MOST_WORDS)
    assert asked("\n" * MOST_READ + "/reviewbot") is None


HOSTILE = [
    "`\n", "<a\n", "``` `` `\n", "<!--", "- ", "[](", "![\n", "\\`\n", "1. - ", "<b x", "~~~\n", "x <!--", "![", "<?",
    "<pre ",
]  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_bodies_take_no_long_time(part: str) -> None:
    for end in ("", "]", ">", "</pre>", "-->", "\n\n"):
        words = words_in(f"/reviewbot ask {part * MOST_READ}"[: MOST_READ - 40] + f"{end}\n/reviewbot", NAMES)
        assert words is None or len(words) <= MOST_WORDS
        words_in((part * MOST_READ)[: MOST_READ - 40] + f"{end}\n/reviewbot", NAMES)


# What holds for any text. A command in code, a quote or a comment is none.

ARGUMENTS = st.sampled_from(
    ["", " full", " ask why?", " explain `x`", " ignore *.md", " nonsense", " dismiss x\n\nMore."]
)
ASKS = st.tuples(st.sampled_from(["/reviewbot", "@reviewbot", "@ReviewBot[bot]", "/REVIEWBOT"]), ARGUMENTS).map("".join)
TALKS = st.lists(st.sampled_from(["Hello.", "", "It is so, I think.", "1. one", "- two", "# Head"]), max_size=4).map(
    "\n".join
)


@given(ASKS)
def test_a_bare_one_is_a_command(ask: str) -> None:
    assert asked(ask) is not None


@given(st.lists(ASKS | TALKS, min_size=1, max_size=5).map("\n\n".join))
def test_quoting_makes_any_text_no_command(text: str) -> None:
    assert asked("".join(f"> {line}\n" for line in text.split("\n"))) is None
    assert asked("Look:\n\n" + "".join(f">{line}\n" for line in text.split("\n")) + "\nBye.") is None


@given(st.lists(ASKS | TALKS, min_size=1, max_size=5).map("\n\n".join), st.sampled_from(["```", "~~~~", "````"]))
def test_fencing_makes_any_text_no_command(text: str, fence: str) -> None:
    assert asked(f"{fence}\n{text}\n{fence}\n") is None
    assert asked(f"So:\n{fence}text\n{text}\n{fence}\nBye.") is None
    assert asked(f"{fence}\n{text}") is None


@given(st.lists(ASKS | TALKS, min_size=1, max_size=5).map("\n\n".join))
def test_hiding_and_indenting_makes_any_text_no_command(text: str) -> None:
    assert asked(f"<!--\n{text}\n-->") is None
    assert asked("Code:\n\n" + "".join(f"    {line}\n" for line in text.split("\n"))) is None


@given(st.sampled_from(Verb), st.data())
def test_case_makes_no_difference_to_a_verb(verb: Verb, data: st.DataObject) -> None:
    word = "".join(data.draw(st.sampled_from([each.lower(), each.upper()])) for each in verb)
    found = read_command(f"{word} x/", THREAD) if FORMS[verb].takes else read_command(word, THREAD)
    assert isinstance(found, Command)
    assert found.verb is verb


@given(st.text(max_size=200))
def test_any_text_gets_an_answer_and_clean_words_stay_as_they_are(text: str) -> None:
    words = words_in(f"/reviewbot {text}", NAMES)
    if words is not None:
        assert isinstance(read_command(words, TALK), Command | Unknown | Misused)
        assert all(unicodedata.category(each) not in ("Cc", "Cf", "Cs") for each in words.replace("\n", ""))
        assert words_in(f"/reviewbot {words}", NAMES) == words


# The judges: how a Markdown parser and a reader of its HTML see the line.

PIECES = st.sampled_from(
    ["/bot N", "/bot N", "/bot N", "", "", "> q", ">", "```", "~~~", "````", "  ```", "    ```", "- ```", "- a", "1. b",
     "- > c", "   /bot N", "    /bot N", "  /bot N", "`", "``", "x ` y", "`z` w", "\\`", "<!--", "-->", "<!-- c -->",
     "x <!-- d", "<!-->", "--> e", "<div>", "</div>", "<pre>", "</pre>", "<b>", "<a x='", "'>", "x <a y='", "<details>",
     "<blockquote>", "</blockquote>", "f <code>", "</code>", "[l](", ")", "[m](u '", "')", "[n]:", "[o]: p", "![i", "](v)",
     "# h", "---", "===", "| a | b |", "|---|---|", "<?", "?>", "<!X", "\t```", "\t/bot N", "x", "<![CDATA[", "]]>"]
)  # fmt: skip
BODIES = st.lists(PIECES, min_size=1, max_size=9).map(
    lambda lines: "\n".join(line.replace("N", f"n{number}.") for number, line in enumerate(lines))
)
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


class Reader(HTMLParser):
    """What is shown of a page as the writer's own words."""

    HIDING = frozenset({"pre", "code", "blockquote", "script", "style", "textarea"})

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.hidden: list[str] = []
        self.shown = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in self.HIDING:
            self.hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.hidden:
            while self.hidden.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.shown += "" if self.hidden else data


@given(BODIES)
def test_what_is_live_is_seen_by_a_reader_as_it_stands(body: str) -> None:
    live = [line.strip() for _, line in live_lines(body) if line.strip().startswith("/bot")]
    shown = Reader(MARKDOWN.render(body)).shown
    assert [line for line in live if line not in shown] == []


@given(st.lists(st.sampled_from(["a", "<!-- b -->", "<!--", "-->", "\n", " "]), max_size=8).map("".join))
def test_comments_are_taken_out(text: str) -> None:
    assert "<!--" not in without_comments(text)
    assert "b" not in without_comments(text) or "<!-- b -->" not in text.partition("<!--")[0]
