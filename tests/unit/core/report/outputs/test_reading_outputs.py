"""Terminal text, Markdown and the HTML page: what people read."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.change.diff import Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.findings.finding import Step
from reviewbot.core.report.draft import Posted
from reviewbot.core.report.outputs import html, markdown, text
from reviewbot.core.report.outputs.excerpt import MOST_LINES, excerpt, shown_texts
from reviewbot.core.report.outputs.tint import changed_spans, language_of, tinted

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
EVIL = f"\x1b[31m\x07\u202e<img src=x onerror=alert(1)> {TOKEN} </script></style>"


def hostile(reviews: Any) -> Any:
    """The sample with hostile text in every field that comes from outside."""
    placed = [
        replace(
            each,
            finding=replace(each.finding, title=EVIL, body=EVIL, evidence=EVIL + "!", category=EVIL, suggestion=EVIL),
            suggestion=EVIL if each.suggestion else None,
            suggestion_note=EVIL,
        )
        for each in reviews.outcome.findings
    ]
    patch = reviews.patch.replace(b"# keep the newest first", EVIL.encode())
    files = tuple(replace(f, reason=EVIL) for f in reviews.outcome.coverage.files)
    return reviews.having(
        findings=tuple(placed),
        diff=parse_diff(patch),
        explanation=EVIL,
        notes=(EVIL,),
        model=EVIL,
        coverage=replace(reviews.outcome.coverage, files=files, problems=(EVIL,)),
        pull=replace(reviews.pull, title=EVIL, author=EVIL, head_ref=EVIL, base_ref=EVIL, html_url=EVIL),
        posted=Posted(EVIL, notes=(EVIL,)),
    )


class Page(HTMLParser):
    """What a browser would make of a page, as far as we care."""

    VOID = ("meta", "input", "col", "progress")

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_terminal_shows_all_parts(reviews: Any) -> None:
    shown = text.render(reviews.outcome, color=False, width=90)
    for part in (
        "acme/shop#12 Discounts, and a faster look-up",
        "6 findings (2 critical, 2 major, 1 minor, 1 nit)",
        " CRITICAL  Division by zero in `total`",
        "  shop/cart.py:8  bug, confidence 95%",
        "       8 +         return total - total * discount / 0",
        "Suggested change (not offered: it would drop the last line):",
        "      11 -     cursor.execute(",
        "13 of 15 changed lines in 3 files were reviewed; 2 skipped by rule (lock-file 1).",
        "  skipped: uv.lock (lock-file: uv.lock is a lock file)",
        "2 findings not posted inline: 1 already posted, 1 low confidence.",
        "$0.0242",
        "Next: nothing was posted; run without --dry-run to post this review.",
    ):
        assert part in shown, part
    assert "\x1b" not in shown
    assert max(map(len, shown.split("\n"))) <= 90


def test_the_terminal_has_colours_when_asked(reviews: Any) -> None:
    assert "\x1b[" in text.render(reviews.outcome, color=True, width=80)


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"verdict": "skipped", "skip_reason": "closed"}, "name another pull request"),
        ({"verdict": "superseded"}, "review the new head"),
        ({"findings": (), "rejected": ()}, "nothing to do."),
        ({"findings": ()}, "without --dry-run"),
        ({"posted": Posted("https://github.com/acme/shop/pull/12#r1")}, "answer or resolve"),
    ],
)
def test_the_terminal_names_the_next_step(reviews: Any, changes: dict[str, Any], step: str) -> None:
    shown = text.render(reviews.having(**changes), color=False, width=100)
    assert step in shown.split("Next: ")[1]
    if "posted" in changes:
        assert "Posted: https://github.com/acme/shop/pull/12#r1" in shown


def test_the_terminal_says_what_was_not_read(reviews: Any) -> None:
    shown = text.render(reviews.incomplete(), color=False, width=120)
    assert "  ! not reviewed: shop/cart.py lines 6-8; old lines 6-7 (the model's answer was cut" in shown
    assert "raise limits.max_cost_usd" in shown


@pytest.mark.parametrize("color", [False, True])
def test_no_escape_sequence_of_others_reaches_the_terminal(reviews: Any, color: bool) -> None:
    shown = text.render(hostile(reviews), color=color, width=100)
    left = re.sub(r"\x1b\[[0-9;]*m", "", shown) if color else shown
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", left)
    assert TOKEN not in shown


def test_markdown_is_a_document(reviews: Any) -> None:
    shown = markdown.render(reviews.having(posted=Posted("https://github.com/acme/shop/pull/12#r1")))
    assert shown.startswith("## Review of acme/shop#&#8203;12: Discounts, and a faster look-up\n")
    assert "Posted at <https://github.com/acme/shop/pull/12#r1>" in shown
    assert "```diff\n-    def total(self):" in shown or "```diff\n+    def total(self, discount=0):" in shown
    assert "🟠 **Major: `count` is never set**" in shown
    hostile_text = markdown.render(hostile(reviews))
    assert TOKEN not in hostile_text
    assert "\u202e" not in hostile_text


def test_markdown_of_a_skipped_review_is_one_line(reviews: Any) -> None:
    skipped = reviews.having(verdict="skipped", skip_reason="the pull request is closed")
    assert markdown.render(skipped) == "### Not reviewed: the pull request is closed\n"


def test_the_page_is_well_formed_and_self_contained(reviews: Any) -> None:
    for outcome in (reviews.outcome, reviews.clean(), reviews.incomplete(), hostile(reviews)):
        page = Page(html.render(outcome))
        assert page.open == []
        names = {tag for tag, _ in page.tags}
        assert not names & {"script", "img", "link", "iframe", "object", "base", "form", "svg"}
        for _, attributes in page.tags:
            assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset")]
            assert (attributes.get("href") or "#").startswith(("#", "https://github.com/"))
        (policy,) = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
        assert re.fullmatch(
            r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; base-uri 'none'; form-action 'none'",
            policy or "",
        )
        anchors = [a["id"] for _, a in page.tags if "id" in a]
        assert len(anchors) == len(set(anchors))
        assert {a["href"] for _, a in page.tags if (a.get("href") or "").startswith("#")} <= {f"#{a}" for a in anchors}


def test_the_page_shows_everything(reviews: Any) -> None:
    source = html.render(reviews.outcome)
    words = " ".join(" ".join(Page(source).words).split())
    for part in (
        "6 findings (2 critical, 2 major, 1 minor, 1 nit)",
        "jo wants to merge discounts into main",
        "86% of changed lines reviewed",
        "on line 8",
        "on old lines 11 to 12",
        "Suggested change, not offered for committing: it would drop the last line",
        "Not tied to a line",
        "docs/old name.md → docs/new name.md",
        "lock-file: uv.lock is a lock file",
        "Posted before shop/cart.py:8 · already posted",
        "A guess shop/cart.py:8 · low confidence: 0.20 is below 0.30",
        "Also <b>online</b>.",
        "$0.0242",
    ):
        assert part in words, part
    already_posted = 1
    assert source.count('<article class="card') == len(reviews.outcome.findings) + already_posted


def test_comments_follow_their_line(reviews: Any) -> None:
    source = html.render(reviews.outcome)
    row = source.index("discount / ")
    assert row < source.index('id="finding-0000000000000001"') < source.index("keep the newest first")


def test_nothing_hostile_lives_in_the_page(reviews: Any) -> None:
    source = html.render(hostile(reviews))
    assert "<img" not in source
    assert TOKEN not in source
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200b]", source)
    assert source.count("</style>") == 1


def test_unread_lines_are_marked(reviews: Any) -> None:
    source = html.render(reviews.incomplete())
    assert source.count(" missed") == 5
    assert "Part of this change was not reviewed" in source


def big_diff(lines: int, files: int) -> bytes:
    parts = []
    for number in range(files):
        body = "".join(f"+line {at}\n" for at in range(lines))
        parts.append(
            f"diff --git a/f{number}.py b/f{number}.py\nnew file mode 100644\n--- /dev/null\n+++ b/f{number}.py\n"
            f"@@ -0,0 +1,{lines} @@\n{body}"
        )
    return "".join(parts).encode()


def test_a_big_page_keeps_the_comments_and_counts_the_rest(reviews: Any) -> None:
    placed = reviews.finding(1, reviews.place(Step.LINE, "f3.py", None, 2_500))
    source = html.render(reviews.having(diff=parse_diff(big_diff(5_000, 20)), findings=(placed,), rejected=()))
    assert len(source) < 200_000
    assert "line 2499</td>" in re.sub(r"</?span[^>]*>", "", source)
    assert 'id="finding-0000000000000001"' in source
    assert "2,487 lines not shown" in source
    assert source.count("5,000 lines of this file are left out") == 19
    assert "4,981 lines of this file are left out" in source


def test_an_excerpt_is_the_location_and_its_surroundings(reviews: Any) -> None:
    diff = reviews.outcome.diff
    right = excerpt(diff, reviews.place(Step.RANGE, "shop/cart.py", 11, 12), context=1)
    assert [(line.old, line.new) for line in right] == [(10, None), (None, 11), (None, 12), (None, 13)]
    left = excerpt(diff, reviews.place(Step.LINE, "shop/db.py", None, 12, Side.LEFT), context=0)
    assert [line.text for line in left] == ["    row = cursor.fetchone()"]
    big = parse_diff(big_diff(100, 1))
    assert len(excerpt(big, reviews.place(Step.RANGE, "f0.py", 1, 90))) == MOST_LINES
    for nowhere in (
        reviews.place(Step.FILE, "shop/cart.py", None, None),
        reviews.place(Step.LINE, "shop/cart.py", None, 900),
        reviews.place(Step.LINE, "not there", None, 1),
    ):
        assert excerpt(diff, nowhere) == ()


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    key = "-----BEGIN PRIVATE KEY-----\n" + "A1b2C3d4" * 8 + "\n-----END PRIVATE KEY-----"
    added = "".join(f"+{line}\n" for line in key.split("\n"))
    patch = f"diff --git a/k b/k\nnew file mode 100644\n--- /dev/null\n+++ b/k\n@@ -0,0 +1,3 @@\n{added}"
    lines = parse_diff(patch.encode()).files[0].hunks[0].lines()
    shown = shown_texts(lines)
    assert len(shown) == 3
    assert "A1b2C3d4" not in "".join(shown)


@given(st.text(max_size=80), st.sampled_from(["py", "ts", "sql", "md", ""]), st.integers(0, 40), st.integers(0, 40))
def test_tinting_changes_no_character(code: str, language: str, start: int, length: int) -> None:
    page = Page(f"<p>{tinted(code, language, (start, start + length))}</p>")
    assert {tag for tag, _ in page.tags} <= {"p", "span"}
    assert "".join(page.words) == code.replace("\r", "\r")


def test_tinting_knows_a_few_words() -> None:
    assert tinted("def f(): # x", "py") == (
        '<span class="k">def</span> <span class="f">f</span>(): <span class="c"># x</span>'
    )
    assert tinted("a < 1", "txt") == "a &lt; 1"
    assert "… 500 more characters" in tinted("a" * 2_500, "py")
    assert language_of("src/Makefile") == "makefile"


@pytest.mark.parametrize(
    ("old", "new", "spans"),
    [
        ("return a / 0", "return a / 2", ((11, 12), (11, 12))),
        ("f(a)", "f(a, b)", ((3, 3), (3, 6))),
        ("same", "same", None),
        ("quite different", "not alike", None),
    ],
)
def test_the_changed_part_of_a_line(old: str, new: str, spans: Any) -> None:
    assert changed_spans(old, new) == spans
