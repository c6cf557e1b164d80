"""What is written in a thread whose point is met."""

from __future__ import annotations

from dataclasses import replace

from reviewbot.core.change.pull_request import PullRequest, PullRequestRef
from reviewbot.core.marker import answer_marker, has_answer
from reviewbot.core.report.closing_text import met_key, met_text

SHA = "0123456789ab" + "c" * 28
PULL = PullRequest(
    PullRequestRef("github.com", "octo", "shop", 7),
    "t",
    "",
    "jo",
    "open",
    False,
    "main",
    "b" * 40,
    "w",
    SHA,
    "octo/shop",
    None,
    1,
    1,
    0,
    1,
    html_url="https://github.com/octo/shop/pull/7",
)


def test_the_commit_is_linked_where_its_page_is_plainly_ours() -> None:
    page = f"https://github.com/octo/shop/pull/7/commits/{SHA}"
    assert met_text(PULL, "b is looked at first.") == f"Met by [`0123456789ab`]({page}): b is looked at first."
    for address in ("https://evil.example/octo/shop/pull/7", "javascript:alert(1)", ""):
        assert met_text(replace(PULL, html_url=address), "so") == "Met by `0123456789ab`: so."


def test_a_thread_that_stays_open_says_why() -> None:
    text = met_text(PULL, "so", stays_open=True)
    assert text.endswith("so.\n\nNot resolved, because people talk here (`review.close_joined`).")


def test_the_reason_is_sanitised_and_short() -> None:
    text = met_text(PULL, "@octo/team closes #12 <script> ![x](https://evil.example/a.png) " + "w " * 900)
    for part in ("@octo", " #12", "<script", "](https://evil"):
        assert part not in text
    assert len(text) < 700
    assert "…" in text


def test_the_key_is_the_commit() -> None:
    assert met_key(PULL) == "met-0123456789ab"
    assert has_answer(answer_marker(met_key(PULL)), met_key(PULL))
