"""A source and a sink in memory, for tests and for embedding; the sink is as strict as GitHub about lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from reviewbot.core.change.diff import Diff, Hunk, Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest, Surroundings, rule_paths
from reviewbot.core.report.draft import InlineComment, Posted, ReviewDraft
from reviewbot.errors import GitHubNotFound
from reviewbot.github.payloads import (
    file_comments,
    has_something_to_review,
    review_payload,
    sent_comments,
)


class FakeSource:
    """Answers from values: ``files`` maps a commit to its files; a commit that is not in it does not exist."""

    def __init__(
        self,
        pull: PullRequest,
        patch: bytes,
        files: Mapping[str, Mapping[str, bytes]],
        surroundings: Surroundings | None = None,
    ) -> None:
        self.pull, self._patch, self._files = pull, patch, files
        self._surroundings = surroundings or Surroundings()
        self.seen: Surroundings | None = None
        self.calls = 0

    async def pull_request(self) -> PullRequest:
        self.calls += 1
        return self.pull

    async def diff(self, pull: PullRequest) -> Diff:
        self.calls += 1
        return parse_diff(self._patch)

    async def surroundings(self, pull: PullRequest, directories: Sequence[str] = ()) -> Surroundings:
        """What was given; when that has no rules, those among the files of the base commit."""
        self.calls += 1
        given = self._surroundings
        rules = given.rules or {
            path: text.decode() for path, text in self._at(pull.base_sha, rule_paths(directories)).items()
        }
        self.seen = replace(given, rules=rules, head_sha=self.pull.head_sha)
        return self.seen

    async def texts(self, sha: str, paths: Sequence[str]) -> dict[str, bytes]:
        self.calls += 1
        return self._at(sha, paths)

    def _at(self, sha: str, paths: Sequence[str]) -> dict[str, bytes]:
        if sha not in self._files:
            raise GitHubNotFound(f"There is no commit {sha}.")
        return {path: self._files[sha][path] for path in paths if path in self._files[sha]}


class FakeSink:
    """Keeps what was posted. A comment on lines that ``diff`` does not show moves into the review's body, as GitHub
    would make it; a comment on a file that is not in it likewise."""

    def __init__(self, diff: Diff) -> None:
        self._diff = diff
        self._posted: dict[str, Posted] = {}
        self.reviews: list[dict[str, Any]] = []
        self.file_comments: list[InlineComment] = []
        self.summary: str | None = None
        self.checks: list[ReviewDraft] = []
        self.calls = 0

    async def post(self, pull: PullRequest, draft: ReviewDraft) -> Posted:
        if draft.key not in self._posted:
            self._posted[draft.key] = self._post(pull, draft)
        return self._posted[draft.key]

    def _post(self, pull: PullRequest, draft: ReviewDraft) -> Posted:
        posted = Posted()
        address = f"{pull.html_url}#"
        moved: list[InlineComment] = []
        if has_something_to_review(draft):
            whole, over = file_comments(draft)
            moved = [*over, *(item for item in whole if self._diff.file(item.path) is None)]
            self.file_comments += [item for item in whole if item not in moved]
            moved += [item for item in sent_comments(draft) if not takes(self._diff, item)]
            kept = [item for item in sent_comments(draft) if item not in moved]
            self.reviews.append(review_payload(draft, kept, moved))
            self.calls += 1
            posted = Posted(f"{address}pullrequestreview-{len(self.reviews)}")
        if draft.summary is not None:
            self.summary = draft.summary
            self.calls += 1
        if draft.check is not None:
            self.checks.append(draft)
            self.calls += 1
        return Posted(
            posted.review_url,
            f"{address}issuecomment-1" if draft.summary is not None else "",
            f"{address}check-{len(self.checks)}" if draft.check is not None else "",
            tuple(item.fingerprint for item in moved),
        )


def takes(diff: Diff, comment: InlineComment) -> bool:
    """Whether GitHub would take this comment: all its lines stand in one hunk of the diff, on its side."""
    file = diff.file(comment.path)
    if file is None or comment.line is None:
        return False
    wanted = {comment.start_line or comment.line, comment.line}
    return (comment.start_line or 0) <= comment.line and any(
        wanted <= _numbers(hunk, comment.side) for hunk in file.hunks
    )


def _numbers(hunk: Hunk, side: Side) -> set[int]:
    return {number for line in hunk.lines() if (number := line.old if side is Side.LEFT else line.new) is not None}
