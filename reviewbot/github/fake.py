"""A source, a sink and a conversation in memory, for tests and for embedding; what writes is as strict as GitHub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reviewbot.conversation import Closed, Reaction, Subject
from reviewbot.core.change.diff import Diff, Hunk, Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest, ReviewThread, Surroundings, ThreadComment, rule_paths
from reviewbot.core.commands import Place
from reviewbot.core.marker import answer_marker, has_answer
from reviewbot.core.report.acts import Act, Orders
from reviewbot.core.report.continuation import stated, with_orders
from reviewbot.core.report.draft import InlineComment, Posted, ReviewDraft
from reviewbot.core.report.status import with_answer
from reviewbot.errors import GitHubForbidden, GitHubNotFound, GitHubRejected
from reviewbot.github.payloads import (
    file_comments,
    has_something_to_review,
    review_payload,
    sent_comments,
)


class FakeSource:
    """Answers from values: ``files`` maps a commit to its files; a commit that is not in it does not exist.
    ``earlier`` are the patches of earlier heads, by head."""

    def __init__(
        self,
        pull: PullRequest,
        patch: bytes,
        files: Mapping[str, Mapping[str, bytes]],
        surroundings: Surroundings | None = None,
        earlier: Mapping[str, bytes] | None = None,
    ) -> None:
        self.pull, self._patch, self._files = pull, patch, files
        self._earlier = {**(earlier or {}), pull.head_sha: patch}
        self._surroundings = surroundings or Surroundings()
        self.seen: Surroundings | None = None
        self.calls = 0

    async def pull_request(self) -> PullRequest:
        self.calls += 1
        return self.pull

    async def diff(self, pull: PullRequest) -> Diff:
        self.calls += 1
        return parse_diff(self._patch)

    async def diff_between(self, base: str, head: str) -> Diff:
        self.calls += 1
        if head not in self._earlier or base not in self._files:
            raise GitHubNotFound(f"There is no commit {head} or {base}.")
        return parse_diff(self._earlier[head])

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
        self.acts: list[Act] = []
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
        draft = stated(draft, self.summary or "")
        if draft.summary is not None:
            self.summary = draft.summary
            self.calls += 1
        self.acts += draft.acts
        if draft.check is not None:
            self.checks.append(draft)
            self.calls += 1
        return Posted(
            posted.review_url,
            f"{address}issuecomment-1" if draft.summary is not None else "",
            f"{address}check-{len(self.checks)}" if draft.check is not None else "",
            tuple(item.fingerprint for item in moved),
        )


class FakeConversation:
    """Keeps what was said. ``threads`` are there to begin with, ``subjects`` is what others wrote elsewhere; with
    ``may_resolve`` off it is as strict as GitHub with an App that may not push."""

    viewer = "reviewbot[bot]"

    def __init__(
        self, threads: Iterable[ReviewThread] = (), subjects: Iterable[Subject] = (), *, may_resolve: bool = True
    ) -> None:
        self.threads = {thread.id: thread for thread in threads}
        self.reactions: dict[Subject, list[Reaction]] = {subject: [] for subject in subjects}
        self.edits: dict[Subject, str] = {}
        self.status = self.summary = ""
        self._may_resolve = may_resolve
        ids = [each.id for thread in self.threads.values() for each in thread.comments]
        self._next = max([1_000, *ids, *(subject.id for subject in self.reactions)]) + 1
        self._status_id = self._summary_id = 0

    async def comments(self, thread_id: str) -> tuple[ThreadComment, ...]:
        return self._thread(thread_id).comments

    async def reply(self, thread_id: str, comment_id: int, body: str, key: str) -> str:
        thread = self._thread(thread_id)
        for each in thread.comments:
            if each.ours and has_answer(each.body, key):
                return _address("discussion_r", each.id)
        ids = [each.id for each in thread.comments]
        if comment_id not in ids:
            raise GitHubNotFound(f"There is no comment {comment_id}.", status=404)
        if comment_id != thread.comment_id:
            raise GitHubRejected("Replies to replies are not supported.")
        text = f"{body}\n\n{answer_marker(key)}"
        said = ThreadComment(self.viewer, is_bot=True, ours=True, association="NONE", body=text, id=self._new_id())
        self.threads[thread_id] = replace(thread, comments=(*thread.comments, said), replies=thread.replies + 1)
        return _address("discussion_r", said.id)

    async def answer(self, key: str, text: str) -> str:
        self.status = with_answer(self.status, key, text)
        self._status_id = self._status_id or self._new_id()
        return _address("issuecomment-", self._status_id)

    async def resolve(self, thread_id: str) -> Closed:
        thread = self._thread(thread_id)
        if not self._may_resolve and not thread.ours:
            raise GitHubForbidden("Resource not accessible by integration", status=200)
        self.threads[thread_id] = replace(thread, resolved=True, resolved_by=self.viewer)
        return Closed.RESOLVED if self._may_resolve else Closed.HIDDEN

    async def order(self, orders: Orders) -> str:
        self.summary = with_orders(self.summary, orders)
        self._summary_id = self._summary_id or self._new_id()
        return _address("issuecomment-", self._summary_id)

    async def react(self, subject: Subject, content: Reaction = "eyes") -> None:
        given = self._reactions_of(subject)
        if content not in given:
            given.append(content)

    async def edit_comment(self, subject: Subject, body: str) -> str:
        self._reactions_of(subject)
        self.edits[subject] = body
        return _address(
            {Place.THREAD: "discussion_r", Place.REVIEW: "pullrequestreview-"}.get(subject.place, "issuecomment-"),
            subject.id,
        )

    def _reactions_of(self, subject: Subject) -> list[Reaction]:
        ids = {each.id for thread in self.threads.values() for each in thread.comments}
        if subject not in self.reactions and (subject.place is not Place.THREAD or subject.id not in ids):
            raise GitHubNotFound(f"There is no comment {subject.id}.", status=404)
        return self.reactions.setdefault(subject, [])

    def _thread(self, thread_id: str) -> ReviewThread:
        if thread_id not in self.threads:
            raise GitHubNotFound(f"There is no thread {thread_id}.", status=404)
        return self.threads[thread_id]

    def _new_id(self) -> int:
        self._next += 1
        return self._next - 1


def _address(anchor: str, number: int) -> str:
    return f"https://github.com/octo/orders/pull/1#{anchor}{number}"


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
