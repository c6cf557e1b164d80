"""Payloads: what is sent, and when a diff is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.change.diff import Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequestRef, Surroundings, rule_paths
from reviewbot.core.marker import has_review
from reviewbot.core.report.draft import InlineComment, ReviewDraft
from reviewbot.github.dry_run import DryRunSink
from reviewbot.github.payloads import (
    BODY_LIMIT,
    as_json,
    overflow,
    read_pull,
    reconcile,
    review_payload,
    sent_comments,
    too_big_for_api,
    writes,
)

REF = PullRequestRef("github.com", "o", "r", 7)
HEAD = b"diff --git a/a.py b/a.py\nindex 1..2 100644\n--- a/a.py\n+++ b/a.py\n"
WHOLE = HEAD + b"@@ -1 +1 @@\n-a\n+b\n"


def pull(pull_json: Any, **changes: Any) -> Any:
    return read_pull(pull_json(**changes), REF)


@pytest.mark.parametrize(
    ("patch", "counters", "reason"),
    [
        (WHOLE, (1, 1, 1), ""),
        (WHOLE, (2, 1, 1), "received 1 files"),
        (WHOLE, (1, 1, 2), "GitHub counts 1, +1 -2"),
        (HEAD, (1, 0, 0), "without its patch"),
        (HEAD + b"@@ -1,2 +1 @@\n-a\n+b\n", (1, 1, 1), "a.py: "),
        (b"diff --git a/x b/x\nnew file mode 100644\nindex 0000000..e69de29\n", (1, 0, 0), ""),
        (b"diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n", (1, 0, 0), ""),
        (b"diff --git a/x b/x\nold mode 100644\nnew mode 100755\n", (1, 0, 0), ""),
        (b"diff --git a/x b/x\nindex 1..2 100644\nBinary files a/x and b/x differ\n", (1, 0, 0), ""),
        (b"", (0, 0, 0), ""),
        (b"", (1, 0, 0), "received 0 files"),
    ],
)
def test_a_diff_is_believed_when_it_agrees(
    pull_json: Any, patch: bytes, counters: tuple[int, int, int], reason: str
) -> None:
    names = ("changed_files", "additions", "deletions")
    found = reconcile(pull(pull_json, **dict(zip(names, counters, strict=True))), parse_diff(patch))
    assert (reason in found) if reason else found == ""


@pytest.mark.parametrize(
    ("files", "added", "removed", "big"),
    [(300, 20_000, 0, False), (301, 1, 1, True), (1, 10_000, 10_001, True)],
)
def test_limits_of_the_api(pull_json: Any, files: int, added: int, removed: int, big: bool) -> None:
    found = too_big_for_api(pull(pull_json, changed_files=files, additions=added, deletions=removed))
    assert bool(found) is big


def comment(body: str, n: int = 1) -> InlineComment:
    return InlineComment("a.py", Side.RIGHT, None, n, body, f"f{n}")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), max_size=12), st.integers(0, 400))
def test_nothing_that_moves_is_lost_or_too_long(texts: list[str], scale: int) -> None:
    moved = [comment(text * max(1, scale), n) for n, text in enumerate(texts)]
    moved = [item for item in moved if len(item.body) < BODY_LIMIT - 100]
    draft = ReviewDraft("k", "a" * 40, "Body.", tuple(moved), None)
    body = review_payload(draft, (), moved)["body"]
    rest = overflow(draft, moved)
    assert has_review(body, "k")
    assert all(len(text) <= 65_536 for text in (body, *rest))
    assert all(any(item.body in text for text in (body, *rest)) for item in moved)


def test_a_draft_without_a_body_still_carries_its_key() -> None:
    draft = ReviewDraft("k9", "a" * 40, None, (comment("x"),), None)
    assert has_review(review_payload(draft, sent_comments(draft))["body"], "k9")
    assert writes(REF, ReviewDraft("k9", "a" * 40, None, (), None)) == ()


@pytest.mark.anyio
async def test_a_dry_run_edits_the_summary_that_is_there(pull_json: Any) -> None:
    sink = DryRunSink(lambda: Surroundings(sticky_comment_id=44))
    await sink.post(pull(pull_json), ReviewDraft("k", "a" * 40, None, (), "Summary"))
    write = sink.payloads[0]
    assert (write.verb, write.path) == ("PATCH", "/repos/o/r/issues/comments/44")
    assert json.loads(write.body) == {"body": "Summary"}
    shown = as_json(sink.payloads)
    assert write.body.decode() in shown
    assert json.loads(shown) == [{"method": "PATCH", "path": write.path, "payload": {"body": "Summary"}}]
    assert json.loads(as_json(())) == []


def test_rule_paths_are_those_of_the_root_and_of_each_folder() -> None:
    root = (".reviewbot.toml", "AGENTS.md", "CLAUDE.md", ".gitattributes")
    assert rule_paths(["src"]) == (*root, "src/AGENTS.md", "src/CLAUDE.md")
