"""Pure: Posting, what a run made and another process may post: a draft, acts beside it, and for which run.

It is kept in the database between the two, so it is written as JSON and read back strictly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from pydantic import TypeAdapter

from reviewbot.core.change.pull_request import Surroundings
from reviewbot.core.report.acts import Act
from reviewbot.core.report.draft import CheckDraft, ReviewDraft
from reviewbot.core.report.sanitizer import sanitize_inline

_FAILED_TITLE = "Not reviewed"
_MOST_WORDS = 2_000  # characters of an error that are shown


@dataclass(frozen=True, slots=True)
class Posting:
    """A ``draft`` to be posted for the run ``run_id``, if there is one, and ``acts`` to be done, which belong to no
    commit. A draft without a commit belongs to whatever the head is."""

    run_id: str
    draft: ReviewDraft | None
    acts: tuple[Act, ...] = ()

    def to_json(self) -> str:
        return _adapter().dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Posting:
        """Reads what `to_json` wrote. Raises ValueError for anything else."""
        return _adapter().validate_json(text)


def failure_notice(run_id: str, head_sha: str, error: str, check_name: str) -> Posting:
    """What the people of a pull request are told when its job was given up: a neutral check run, and nothing else,
    so that it is seen and nobody takes silence for a clean review."""
    told = sanitize_inline(error[:_MOST_WORDS])
    summary = f"This change was not reviewed.\n\n{told}\n\nAsk for a review again when that is mended."
    check = CheckDraft(check_name, "neutral", _FAILED_TITLE, summary)
    return Posting(run_id, ReviewDraft(f"{run_id}-failed"[:64], head_sha, None, (), None, check))


def without_standing(draft: ReviewDraft, now: Surroundings) -> ReviewDraft:
    """The draft without the comments that stand on the pull request by now, because another run posted them meanwhile.

    One whose review is there already is left as it is: it is that very review, found again by its key.
    """
    if draft.key in now.review_urls or not draft.comments:
        return draft
    there = {name for thread in now.threads if thread.ours for name in thread.fingerprints} | now.said
    left = tuple(comment for comment in draft.comments if comment.fingerprint not in there)
    return replace(draft, comments=left, body=draft.body if left else None)


@cache
def _adapter() -> TypeAdapter[Posting]:
    return TypeAdapter(Posting)
