"""Postings: written down whole, read back strictly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.change.diff import Side
from reviewbot.core.change.pull_request import ReviewThread, Surroundings
from reviewbot.core.commands import Place
from reviewbot.core.report.acts import Act, Orders, React, Reply, Resolve, StatusAnswer
from reviewbot.core.report.draft import Annotation, CheckDraft, InlineComment, ReviewDraft
from reviewbot.core.report.posting import Posting, failure_notice, without_standing

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NUMBERS = st.none() | st.integers(1, 10**6)
COMMENTS = st.builds(InlineComment, WORDS, st.sampled_from(Side), NUMBERS, NUMBERS, WORDS, WORDS)
NOTES = st.builds(Annotation, WORDS, st.just(1), st.just(2), st.just("notice"), WORDS, WORDS)
CHECKS = st.builds(CheckDraft, WORDS, st.just("neutral"), WORDS, WORDS, st.lists(NOTES, max_size=3).map(tuple))
DRAFTS = st.builds(
    ReviewDraft,
    key=WORDS,
    commit_sha=WORDS,
    body=st.none() | WORDS,
    comments=st.lists(COMMENTS, max_size=3).map(tuple),
    summary=st.none() | WORDS,
    check=st.none() | CHECKS,
)


ACTS: st.SearchStrategy[Act] = st.one_of(
    st.builds(Reply, WORDS, st.integers(1, 10**12), WORDS, WORDS),
    st.builds(Resolve, WORDS),
    st.builds(StatusAnswer, WORDS, WORDS),
    st.builds(React, st.sampled_from(Place), st.integers(1, 10**12), st.sampled_from(["eyes", "confused"])),
    st.builds(Orders, WORDS, WORDS, st.none() | st.booleans(), st.lists(WORDS, max_size=2).map(tuple)),
)


@given(WORDS, st.none() | DRAFTS, st.lists(ACTS, max_size=3).map(tuple))
def test_a_posting_comes_back_as_it_was(run_id: str, draft: ReviewDraft | None, acts: tuple[Act, ...]) -> None:
    posting = Posting(run_id, draft, acts)
    kept = Posting.from_json(posting.to_json())
    assert kept == posting
    assert [type(act) for act in kept.acts] == [type(act) for act in acts]


def test_a_posting_of_an_earlier_version_is_read() -> None:
    made = Posting("r", ReviewDraft("k", "h", None, (), "s"))
    assert Posting.from_json(made.to_json().replace(',"acts":[]', "")) == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"run_id": "r"}',
        '{"run_id": "r", "draft": {"key": 1}}',
        '{"run_id": "r", "draft": null, "acts": [{"kind": "merge"}]}',
        '{"run_id": "r", "draft": null, "acts": [{"kind": "react", "place": "x", "id": 1, "content": "laugh"}]}',
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Posting.from_json(text)


def draft(*fingerprints: str, key: str = "k") -> ReviewDraft:
    comments = tuple(InlineComment("a.py", Side.RIGHT, None, 1, "b", name) for name in fingerprints)
    return ReviewDraft(key, "h", "body", comments, "summary")


def standing(*fingerprints: str, ours: bool = True, resolved: bool = False) -> Surroundings:
    thread = ReviewThread("t", "a.py", Side.RIGHT, 1, resolved, False, ours, "", fingerprints)
    return Surroundings(threads=(thread,))


def test_comments_that_stand_by_now_are_left_out() -> None:
    found = without_standing(draft("a", "b"), standing("a", resolved=True))
    assert [comment.fingerprint for comment in found.comments] == ["b"]
    assert found.body == "body"
    none_left = without_standing(draft("a"), standing("a"))
    assert (none_left.comments, none_left.body, none_left.summary) == ((), None, "summary")
    said = without_standing(draft("a", "b"), Surroundings(said=frozenset({"b"})))
    assert [comment.fingerprint for comment in said.comments] == ["a"]


def test_what_others_wrote_and_the_own_review_change_nothing() -> None:
    assert without_standing(draft("a"), standing("a", ours=False)) == draft("a")
    there = Surroundings(threads=standing("a").threads, review_urls={"k": "https://x"})
    assert without_standing(draft("a"), there) == draft("a")
    without_comments = ReviewDraft("k", "h", "body", (), "summary")
    assert without_standing(without_comments, standing("a")) == without_comments


def test_a_notice_shows_an_error_as_text_and_in_bounds() -> None:
    notice = failure_notice("r" * 80, "h", "@team <img src=x> " + "x" * 10_000, "reviewbot")
    assert notice.draft is not None
    assert notice.draft.check is not None
    assert len(notice.draft.check.summary) < 4_000
    assert "<img" not in notice.draft.check.summary
    assert len(notice.draft.key) <= 64
    assert (notice.draft.body, notice.draft.summary, notice.draft.comments) == (None, None, ())
