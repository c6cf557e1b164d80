"""ReviewSink over GitHub: one review, one summary edited in place, one check run, and what follows; each written once.

A write whose answer was lost is looked for by its hidden marker before it is written again. A review that GitHub
refuses for one comment is searched by halving: probes are pending reviews, which nobody else sees and which are deleted
at once, so exactly one visible review results. What GitHub will not take inline stands whole in that review's body.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Sequence
from typing import Any

from reviewbot.core.change.pull_request import PullRequest, Surroundings
from reviewbot.core.marker import is_summary
from reviewbot.core.report.continuation import stated
from reviewbot.core.report.draft import InlineComment, Posted, ReviewDraft
from reviewbot.errors import (
    GitHubAmbiguous,
    GitHubForbidden,
    GitHubNotFound,
    GitHubRejected,
)
from reviewbot.flows.acting import perform
from reviewbot.github.check_runs import post_check
from reviewbot.github.client import GitHubClient
from reviewbot.github.once import write_once
from reviewbot.github.payloads import (
    Write,
    file_comment_payload,
    file_comment_write,
    file_comments,
    has_something_to_review,
    overflow,
    probe_payload,
    review_payload,
    review_write,
    sent_comments,
    summary_write,
)
from reviewbot.github.pull_requests import GitHubSource
from reviewbot.github.surroundings import find_own_comment
from reviewbot.github.threads import GitHubConversation

_PROBE = "<!-- reviewbot:probe -->"
_MOST_CULPRITS = 5
_TRIES = 3
_COMMIT_GONE = re.compile(r"commit\w*\b.*\bnot part of|end_commit_oid", re.IGNORECASE)
_REFUSED = (GitHubForbidden, GitHubNotFound, GitHubRejected)


class GitHubSink:
    """Writes through ``client`` what belongs to the pull request of ``source``, which also tells what is there."""

    def __init__(self, client: GitHubClient, source: GitHubSource) -> None:
        self._client, self._source = client, source
        self._root = f"/repos/{source.ref.full_name}"
        self._number = source.ref.number
        self._posted: dict[str, Posted] = {}
        self._tried: set[str] = set()

    @property
    def calls(self) -> int:
        """Writing requests sent so far."""
        return self._client.writes

    async def post(self, pull: PullRequest, draft: ReviewDraft) -> Posted:
        """Write the draft once, however often it is called with the same ``draft.key``, in this process or a later one.

        Raises GitHubForbidden when the token may not review, GitHubRejected when the head has moved, and any other
        GitHubError after which the same call may be made again. A summary or check run that the token may not write
        is a note.
        """
        if draft.key in self._posted:
            return self._posted[draft.key]
        seen = self._source.seen
        if seen is None:
            seen = await self._source.surroundings(pull)
        self._source.seen = None  # what is written now makes it out of date for the next attempt or draft
        again = _was_tried(seen, stated(draft, seen.sticky_body)) or draft.key in self._tried
        self._tried.add(draft.key)
        notes: list[str] = []
        url, moved = await self._post_review(pull, draft, seen, notes)
        summary_url = await _noted("summary comment", self._post_summary(pull, draft), notes)
        check_url = await _noted("check run", post_check(self._client, self._root, draft, look_first=again), notes)
        notes += await perform(GitHubConversation(self._client, self._source.ref), draft.acts)
        posted = Posted(url, summary_url, check_url, tuple(item.fingerprint for item in moved), tuple(notes))
        self._posted[draft.key] = posted
        return posted

    async def _post_review(
        self, pull: PullRequest, draft: ReviewDraft, seen: Surroundings, notes: list[str]
    ) -> tuple[str, Sequence[InlineComment]]:
        """The review's address and the comments that had to move into its body. Comments on files go first, because a
        refused one belongs in the body that is written next."""
        if not has_something_to_review(draft):
            return "", ()
        known = seen.review_urls.get(draft.key)
        if known:
            return known, ()
        whole, over = file_comments(draft)
        moved = [*over, *[item for item in whole if not await self._post_file_comment(pull, draft, item, seen)]]
        try:
            url = await self._post_lines(pull, draft, moved)
        except GitHubForbidden as error:
            raise _may_not_review(error) from error
        for text in overflow(draft, moved):
            try:
                await self._write(summary_write(self._root, self._number, text, None))
            except GitHubAmbiguous:
                notes.append("a comment with findings that did not fit into the review may be missing")
        return url, moved

    async def _post_lines(self, pull: PullRequest, draft: ReviewDraft, moved: list[InlineComment]) -> str:
        """Create the one visible review; comments that GitHub refuses are appended to ``moved``."""
        keep = list(sent_comments(draft))
        culprits = 0
        while True:
            try:
                return await self._create_review(pull, draft, review_payload(draft, keep, moved))
            except GitHubRejected as refusal:
                if _pending_in_the_way(refusal) and await self._drop_probes():
                    continue
                if not keep or _hopeless(refusal):
                    raise _explained(refusal, draft) from refusal
                culprit = await self._culprit(draft, keep) if culprits < _MOST_CULPRITS else None
                culprits += 1
            refused = [culprit] if culprit else keep
            moved += refused
            keep = [item for item in keep if item not in refused]

    async def _culprit(self, draft: ReviewDraft, refused: Sequence[InlineComment]) -> InlineComment | None:
        """One comment that GitHub will not take, out of a list that it refused; None when none is at fault alone."""
        low, high = 0, len(refused)
        while high - low > 1:
            middle = (low + high) // 2
            if await self._accepts(draft, refused[low:middle]):
                low = middle
            else:
                high = middle
        return None if await self._accepts(draft, refused[low:high]) else refused[low]

    async def _accepts(self, draft: ReviewDraft, comments: Sequence[InlineComment]) -> bool:
        """Whether GitHub takes these comments, tried with a pending review that is deleted again."""
        probe = review_write(self._root, self._number, probe_payload(draft, comments, _PROBE))
        for _ in range(_TRIES):
            try:
                created = await self._write(probe)
            except GitHubRejected as refusal:
                if _pending_in_the_way(refusal) and await self._drop_probes():
                    continue
                if _hopeless(refusal):
                    raise
                return False
            except GitHubAmbiguous:
                if await self._drop_probes():
                    return True
                continue
            await self._delete_review(created["id"])
            return True
        raise GitHubAmbiguous("GitHub gave no clear answer to a probe of the review's comments.")

    async def _drop_probes(self) -> bool:
        """Delete our pending probes, also those of a run that died; a person's own pending review is left alone."""
        path, page, found = f"{self._root}/pulls/{self._number}/reviews", 1, False
        while True:
            reviews = await self._client.get(path, per_page=100, page=page)
            for review in reviews:
                if review["state"] == "PENDING" and review["body"] == _PROBE:
                    await self._delete_review(review["id"])
                    found = True
            if len(reviews) < 100:
                return found
            page += 1

    async def _delete_review(self, review_id: int) -> None:
        path = f"{self._root}/pulls/{self._number}/reviews/{review_id}"
        try:
            await self._client.write("DELETE", path, None, repeatable=True)
        except GitHubNotFound:
            return  # a repeated delete finds it gone

    async def _create_review(self, pull: PullRequest, draft: ReviewDraft, payload: dict[str, Any]) -> str:
        async def landed() -> str:
            return (await self._source.surroundings(pull)).review_urls.get(draft.key, "")

        return await write_once(self._client, review_write(self._root, self._number, payload), landed)

    async def _post_file_comment(
        self, pull: PullRequest, draft: ReviewDraft, comment: InlineComment, seen: Surroundings
    ) -> bool:
        """Whether the comment stands on its file now; false when GitHub refuses it."""

        async def landed() -> str:
            return "there" if _stands(await self._source.surroundings(pull), comment) else ""

        if _stands(seen, comment):
            return True
        write = file_comment_write(self._root, self._number, file_comment_payload(draft, comment))
        try:
            await write_once(self._client, write, landed)
        except GitHubRejected:
            return False
        return True

    async def _post_summary(self, pull: PullRequest, draft: ReviewDraft) -> str:
        """The address of the sticky summary, created or edited in place. It is read right before, since an order may
        have been put into it, or have made it, while the review was written."""

        async def landed() -> str:
            found = (await self._source.surroundings(pull)).sticky_comment_id
            return f"{pull.html_url}#issuecomment-{found}" if found else ""

        if draft.summary is None:
            return ""
        known = await find_own_comment(self._client, self._source.ref, is_summary)
        summary = stated(draft, known[1] if known else "").summary or ""
        if known is not None:
            edit = summary_write(self._root, self._number, summary, known[0])
            try:
                return str((await self._client.write(edit.verb, edit.path, edit.payload, repeatable=True))["html_url"])
            except GitHubNotFound:
                pass  # somebody deleted it since it was seen
        return await write_once(self._client, summary_write(self._root, self._number, summary, None), landed)

    async def _write(self, write: Write) -> Any:
        return await self._client.write(write.verb, write.path, write.payload)


async def _noted(what: str, writing: Awaitable[str], notes: list[str]) -> str:
    """The address of what was written; a refusal becomes a note, since the review itself stands."""
    try:
        return await writing
    except _REFUSED as error:
        notes.append(f"no {what}: {error}")
        return ""


def _was_tried(seen: Surroundings, draft: ReviewDraft) -> bool:
    """Whether an earlier attempt at this draft left its traces."""
    if draft.key in seen.review_urls:
        return True
    # GitHub may give a body back with other line ends.
    return draft.summary is not None and seen.sticky_body.split() == draft.summary.split()


def _stands(seen: Surroundings, comment: InlineComment) -> bool:
    return any(comment.fingerprint in thread.fingerprints for thread in seen.threads if thread.ours)


def _words(refusal: GitHubRejected) -> str:
    return " ".join((refusal.message, *refusal.details)).lower()


def _pending_in_the_way(refusal: GitHubRejected) -> bool:
    return "pending review" in _words(refusal)


def _hopeless(refusal: GitHubRejected) -> bool:
    """Whether no choice of comments would be taken."""
    words = _words(refusal)
    return _pending_in_the_way(refusal) or "locked" in words or bool(_COMMIT_GONE.search(words))


def _explained(refusal: GitHubRejected, draft: ReviewDraft) -> GitHubRejected:
    words, remedy = _words(refusal), refusal.remedy
    if _pending_in_the_way(refusal):
        remedy = "Your account has a review under way on this pull request; submit or discard it, then start again."
    elif "locked" in words:
        remedy = "The conversation is locked; unlock it, or use --dry-run."
    elif _COMMIT_GONE.search(words):
        remedy = f"The head moved while {draft.commit_sha[:12]} was being reviewed; start the review again."
    return GitHubRejected(refusal.message, remedy=remedy, status=refusal.status, details=refusal.details)


def _may_not_review(error: GitHubForbidden) -> GitHubForbidden:
    if "permission" not in error.remedy:
        return error
    remedy = (
        "Posting a review needs the permission `pull requests: write` (`repo` on a classic token); "
        "--dry-run shows the review without posting it."
    )
    return GitHubForbidden(error.message, remedy=remedy, status=error.status)
