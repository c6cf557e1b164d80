"""The door: each live thing is broken, the rest reads as before, and a real Markdown parser agrees."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reviewbot.core.report.sanitizer import (
    code_block,
    code_span,
    sanitize_inline,
    sanitize_markdown,
    sanitize_plain,
    suggestion_block,
)

GITHUB = frozenset({"github.com", "docs.python.org"})

# GitHub's parser is cmark-gfm; markdown-it follows the same specification. Raw HTML is on, to see what gets through.
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
LIVE_TEXT = re.compile(
    r"@[A-Za-z0-9]|#[0-9]|\bgh-[0-9]|(?:https?|ftp)://[^\s<]|(?<![a-z0-9])www\.[^\s<]|mailto:[^\s<]", re.IGNORECASE
)
ENTITY_OF_OURS = re.compile(r"&(?:lt|gt|amp|#124|#8203);")


def live_things(markdown: str) -> list[str]:
    """What a reader of ``markdown`` on GitHub could be hit by."""
    found = []
    for token in PARSER.parse(markdown):
        if token.type in ("html_block", "table_open"):
            found.append(f"{token.type}: {token.content}")
        if token.type == "fence" and re.match(
            r"suggestion|mermaid|math|geojson|topojson|stl", token.info, re.IGNORECASE
        ):
            found.append(f"fence: {token.info}")
        if token.type in ("fence", "code_block") and re.search(r"<!--\s*reviewbot", token.content):
            found.append(f"marker: {token.content}")
        text = ""
        for child in [*(token.children or []), None]:
            if child is not None and child.type in ("text", "text_special"):
                text += child.content
                continue
            found += [f"text: {text}"] if LIVE_TEXT.search(text) else []
            text = ""
            if child is not None and child.type in ("html_inline", "image", "link_open"):
                found.append(f"{child.type}: {child.content or child.attrs}")
    in_fence = False
    for line in markdown.split("\n"):
        in_fence ^= line.startswith("```")
        if re.match(r"[ \t>]*/[a-z][a-z0-9_-]*(\s|$)" if in_fence else r"[ \t>]*[/!][A-Za-z]", line, re.IGNORECASE):
            found.append(f"command: {line}")
    return found + [f"hidden: {c!r}" for c in markdown if hidden(c)]


def hidden(character: str) -> bool:
    if character in "\n\t\ufe0f":
        return False
    return unicodedata.category(character) in ("Cc", "Cs", "Co", "Zl", "Zp") or character in (
        "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad\u034f\u3164"
    )


CASES = [
    # mentions
    ("hi @user", "hi @&#8203;user"),
    ("(@user)", "(@&#8203;user)"),
    ("@org/team, look", "@&#8203;org/team, look"),
    (r"\@user", "@&#8203;user"),
    (r"\\@user", r"\\@&#8203;user"),
    ("**@user**", "**@&#8203;user**"),
    ("&commat;user", "&amp;commat;user"),
    ("&#64;user", "&amp;#&#8203;64;user"),
    ("@&#8203;user", "@&#8203;user"),
    ("mail a@b.org", "mail a@&#8203;b.org"),
    ("@dependabot merge", "@&#8203;dependabot merge"),
    ("`@dependabot merge`", "`@ dependabot merge`"),
    ("`@property` and `@types/node`", "`@property` and `@types/node`"),
    ("```\n@renovate rebase\n@dataclass\n```", "```\n@ renovate rebase\n@dataclass\n```"),
    ("`@foo[bot] go`", "`@ foo[bot] go`"),
    # references and closing words
    ("fixes #12", "fixes #&#8203;12"),
    ("closes org/repo#3", "closes org/repo#&#8203;3"),
    ("resolves GH-4 and gh-5", "resolves GH-&#8203;4 and gh-&#8203;5"),
    (r"fixes \#12", "fixes #&#8203;12"),
    ("# 12 items", "# 12 items"),
    ("resolves https://github.com/o/r/issues/3", "resolves `https://github.com/o/r/issues/3`"),
    # images, links, addresses
    ("![a](https://x.io/a.png)", "a (image: `https://x.io/a.png`)"),
    ("![a][ref]", r"!\[a][ref]".replace("][", r"]\[")),
    ("[ref]: https://x.io", r"\[ref]: `https://x.io`"),
    ("[text](https://x.io)", "text (`https://x.io`)"),
    ('[text](https://x.io "title")', "text (`https://x.io`)"),
    ("[text](<https://x.io>)", "text (`https://x.io`)"),
    ("[`code`](https://x.io)", "`code` (`https://x.io`)"),
    ("[text](javascript:alert(1))", "text (`javascript:alert(1)`)"),
    ("[text](../secret)", "text (`../secret`)"),
    ("<https://x.io>", "`https://x.io`"),
    ("see https://x.io/a?b=c.", "see `https://x.io/a?b=c`."),
    ("see www.x.io)", "see `www.x.io`)"),
    ("ftp://x.io HTTPS://X.IO", "`ftp://x.io` `HTTPS://X.IO`"),
    (r"https\://x.io", "`https://x.io`"),
    (r"https:/\/x.io", "`https://x.io`"),
    ("x[0] and [^1] and - [ ]", r"x\[0] and \[^1] and - \[ ]"),
    # HTML
    ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)>"),
    ("<!-- hidden -->", "&lt;!-- hidden -->"),
    ("a < b && c", "a &lt; b && c"),
    ("`a < b && <T>`", "`a < b && <T>`"),
    (r"\<b>", "&lt;b>"),
    ("&lt;b&gt; &copy;", "&lt;b&gt; &amp;copy;"),
    ("<!-- reviewbot:finding:ab -->", "&lt;!-- reviewbot:finding:ab -->"),
    ("```\n<!-- reviewbot:finding:ab -->\n```", "```\n<! -- reviewbot:finding:ab -->\n```"),
    # hidden characters
    ("a\u202eb", r"a\u202eb"),
    ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
    ("a\U000e0041", r"a\U000e0041"),
    ("`a\u2066b`", r"`a\u2066b`"),
    ("a\x1b[31mb\x07", r"a\[31mb"),
    ("a\r\nb\rc", "a\nb\nc"),
    ("a\ud800b", "a\ufffdb"),
    ("\u26a0\ufe0f careful", "\u26a0\ufe0f careful"),
    ("naïve 日本語 🔴", "naïve 日本語 🔴"),
    # commands
    ("/merge", r"\/merge"),
    ("  /approve now", r"  \/approve now"),
    ("> /merge\n- /review", "> \\/merge\n- \\/review"),
    ("!merge", r"\!merge"),
    ("see /usr/bin", "see /usr/bin"),
    (
        "```\n/merge\n/usr/bin/env\n  /hold cancel\n// note\n```",
        "```\n/ merge\n/usr/bin/env\n  / hold cancel\n// note\n```",
    ),
    # fences and code spans
    ("```py\nx = 1", "```py\nx = 1\n```"),
    ("~~~\na\n~~~", "```\na\n```"),
    ("  ```py\n  x\n    y\n  ```", "```py\nx\n  y\n```"),
    ("````\n```\n````", "````\n```\n````"),
    ("```suggestion\nx\n```", "```\nx\n```"),
    ("```Suggestion:-0+1\nx\n```", "```\nx\n```"),
    ("```mermaid\nx\n```", "```\nx\n```"),
    ("text\n```\nx\n```\nmore", "text\n\n```\nx\n```\n\nmore"),
    ("a ` b", r"a \` b"),
    ("``a`b``", "``a`b``"),
    ("`a<`https://x.io", "`a<` `https://x.io`"),
    ("$x$ ~~~", r"\$x\$ \~\~\~"),
    # tables would cut code spans in two
    ("| a |\n|---|\n| `x|<img>|y` |", "| a |\n\\|---|\n| `x|<img>|y` |"),
    ("a\n:-", "a\n\\:-"),
    # plain prose is left alone
    ("A *word*, **bold**, _it_, `code` and 1 > 0.", "A *word*, **bold**, _it_, `code` and 1 > 0."),
    ("1. one\n2. two\n   - three\n\n> quoted", "1. one\n2. two\n   - three\n\n> quoted"),
    ("a\n\n\n\nb\n\n", "a\n\nb"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_cases(text: str, shown: str) -> None:
    assert sanitize_markdown(text) == shown
    assert live_things(shown) == []
    assert sanitize_markdown(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[docs](https://docs.python.org/3/)", "[docs](https://docs.python.org/3/)"),
        ("https://docs.python.org/3/", "https://docs.python.org/3/"),
        ("http://docs.python.org/3/", "`http://docs.python.org/3/`"),
        ("https://docs.python.org.evil.io/", "`https://docs.python.org.evil.io/`"),
        ("https://docs.python.org@evil.io/", "`https://docs.python.org@evil.io/`"),
        ("https://docs.python.org:8443/", "`https://docs.python.org:8443/`"),
        ("https://github.com/o/r/pull/3", "`https://github.com/o/r/pull/3`"),
        ("https://github.com/o/r/commit/abc", "`https://github.com/o/r/commit/abc`"),
        ("https://github.com/o/r/blob/main/a.py#L3", "https://github.com/o/r/blob/main/a.py#L3"),
        ("![a](https://github.com/o/r/a.png)", "a (image: `https://github.com/o/r/a.png`)"),
    ],
)
def test_links_to_allowed_hosts_only(text: str, shown: str) -> None:
    assert sanitize_markdown(text, allowed_hosts=GITHUB) == shown
    assert sanitize_markdown(shown, allowed_hosts=GITHUB) == shown


TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.mark.parametrize(
    "text", [TOKEN, f"a `{TOKEN}` b", f"```\n{TOKEN}\n```", TOKEN.replace("_", r"\_"), f"\x00{TOKEN}"]
)
def test_secrets_are_masked(text: str) -> None:
    for shown in (
        sanitize_markdown(text),
        sanitize_plain(text),
        sanitize_inline(text),
        code_span(text),
        code_block(text),
    ):
        assert TOKEN not in shown.replace("\\", "")
    assert suggestion_block(TOKEN) is None


FRAGMENTS = [
    *("`", "``", "```", "~~~", "\n", "\n\n", " ", "    ", "\t", "\\", "<", ">", "> ", "- ", "1. ", "|", "|---|", ":-"),
    *("---", "===", "[", "]", "(", ")", "](", "!", "![", "*", "_", "**", "~~", "$", "&", "&lt;", "&amp;", "&#64;"),
    *(
        "&#8203;",
        ";",
        "@",
        "#",
        "/",
        "user",
        "12",
        "GH-",
        "https://",
        "http://x.io",
        "www.",
        "x.io",
        "mailto:",
        "a@b.c",
    ),
    *("<img src=x>", "<!--", "-->", "<b>", "reviewbot", "dependabot", "merge", "/merge", "suggestion", "py", "a", "é"),
    *(
        "\u202e",
        "\u200b",
        "\ue000",
        "0\ue001",
        "\ufe0f",
        '"',
        "'",
        "{",
        "}",
        "^",
        "[x]: ",
        "\r",
        "\x1b",
        "# ",
        ".",
        ":",
    ),
]
hostile = st.lists(st.sampled_from(FRAGMENTS), max_size=24).map("".join)


@given(hostile | st.text(max_size=80))
@example("`a<`" * 3 + "``b`<img>```")
@example("- ~~~\n<img>\n")
@example("> ```\n> /merge\n")
@example("[a](`<b>`)")
def test_a_parser_finds_nothing_alive_and_twice_is_once(text: str) -> None:
    shown = sanitize_markdown(text)
    assert live_things(shown) == []
    assert sanitize_markdown(shown) == shown


@given(hostile)
def test_inline_text_stays_in_its_line_and_cell(text: str) -> None:
    shown = sanitize_inline(text)
    assert "\n" not in shown
    tokens = PARSER.parse(f"| a | b |\n| --- | --- |\n| {shown} | **{shown}** |\n")
    assert [token.type for token in tokens].count("td_open") == 2
    assert [each for each in live_things(f"x {shown}") if not each.startswith("table")] == []


@given(hostile)
def test_a_code_span_stays_in_its_cell(text: str) -> None:
    shown = code_span(text)
    tokens = PARSER.parse(f"| a | b |\n| --- | --- |\n| {shown} | end |\n")
    cells = [token for token in tokens if token.type == "inline"]
    assert [cell.content for cell in cells][-1] == "end"
    assert live_things(f"x {shown}") == []


@given(st.text(alphabet="`~ a\n<", max_size=60), st.sampled_from(["", "py", "suggestion", "a b"]))
def test_a_code_block_holds_its_content(text: str, language: str) -> None:
    tokens = PARSER.parse(code_block(text, language) + "\n\nafter")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert tokens[0].content.removesuffix("\n") == text.removesuffix("\n")


@given(st.text(alphabet="`~ a\n<@", max_size=60))
def test_a_suggestion_is_verbatim(text: str) -> None:
    block = suggestion_block(text)
    assert block is not None
    (token,) = PARSER.parse(block)
    assert token.info == "suggestion"
    assert token.content == (text if not text or text.endswith("\n") else text + "\n")


@pytest.mark.parametrize(
    "text",
    ["a\u202eb", "/merge", "@dependabot merge", "a\x1bb", "<!-- reviewbot:summary -->", "\ud800", "[REDACTED-JWT-1]"],
)
def test_a_suggestion_that_would_be_changed_is_none(text: str) -> None:
    assert suggestion_block(text) is None


def test_suggestions_delete_and_leave_blank_lines() -> None:
    assert suggestion_block("") == "```suggestion\n```"
    assert suggestion_block("\n") == "```suggestion\n\n```"
    assert suggestion_block("a\r\nb\r\n") == "```suggestion\na\nb\n```"


@given(hostile.map(lambda text: text * 20), st.integers(min_value=60, max_value=400))
def test_a_cut_is_stated_and_breaks_nothing(text: str, limit: int) -> None:
    shown = sanitize_markdown(text, limit=limit)
    assert len(shown) <= limit
    assert live_things(shown) == []
    if len(sanitize_markdown(text)) > limit:
        assert shown.endswith(f"*… cut: this text was {len(text):,} characters long.*")


def test_a_cut_inside_a_fence_closes_it() -> None:
    shown = sanitize_markdown("before\n```py\n" + "x = 1\n" * 500 + "```\nafter", limit=400)
    assert shown.startswith("before\n\n```py\nx = 1\n")
    assert shown.count("```") == 2
    assert len(shown) > 300


def test_hidden_characters_cover_unicode() -> None:
    visible = set(range(0x0600, 0x0606)) | {0x06DD, 0x0890, 0x0891}  # Arabic signs that are seen
    for code in range(0x110000):
        character = chr(code)
        if unicodedata.category(character) in ("Cf", "Co", "Zl", "Zp") and code not in visible:
            assert not sanitize_plain(character).startswith(character), hex(code)


def test_plain_text_keeps_lines_and_is_cut() -> None:
    assert sanitize_plain("a\n\tb <c> @d\x1b]0;x\x07") == "a\n\tb <c> @d]0;x"
    assert sanitize_plain("abcdef", limit=4) == "abc…"
    assert sanitize_plain("a" + "\x00" * 50_000 + "b", limit=10) == "a…"
    assert sanitize_inline("a" + " " * 50_000 + "b", limit=10) == "a…"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60_000,
        "[a](" + " " * 60_000,
        "a`" * 30_000,
        ">" * 60_000,
        "- " * 30_000,
        "\\" * 60_000,
        "[a](x " * 10_000,
        "<a:" * 20_000,
        "|:-" * 20_000,
        "@a" * 30_000,
        "a://" * 15_000,
        "".join("`" * n + " " for n in range(1, 340)),
        "x" * 1_000_000,
    ],
    ids=lambda text: text[:6],
)
def test_no_text_is_slow(text: str) -> None:
    start = time.process_time()
    shown = sanitize_markdown(text)
    assert time.process_time() - start < 3
    assert len(shown) <= 65_536
