"""Pure: GitHub's JSON -> PullRequest, ReviewThread and their like; ReviewDraft -> the requests that write it.

A dry run prints exactly these requests, because posting sends exactly these requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reviewbot.core.change.diff import Diff, FileStatus, Side
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef, ReviewThread, ThreadComment
from reviewbot.core.marker import has_review, read_digests, read_findings, review_marker
from reviewbot.core.report.draft import Annotation, CheckDraft, InlineComment, ReviewDraft

MOST_FILES = 300
MOST_LINES = 20_000
MOST_FILE_COMMENTS = 10
ANNOTATIONS_PER_CALL = 50
BODY_LIMIT = 65_000  # GitHub's is 65,536 characters
GHOST = "ghost"  # GitHub's own name for an account that is gone
_DISCUSSION = re.compile(r"#discussion_r([0-9]{1,18})$")


@dataclass(frozen=True, slots=True)
class Write:
    """One writing request; ``path`` starts below the API's address."""

    verb: str
    path: str
    payload: Mapping[str, Any]

    @property
    def body(self) -> bytes:
        """The JSON that is sent."""
        return json.dumps(self.payload).encode()


def read_pull(data: Mapping[str, Any], ref: PullRequestRef) -> PullRequest:
    """A REST pull request. ``user``, ``body`` and the head's repository may be null."""
    base, head = data["base"], data["head"]
    head_repo = head.get("repo") or {}
    return PullRequest(
        ref=ref,
        title=data["title"] or "",
        body=data.get("body") or "",
        author=(data.get("user") or {}).get("login") or GHOST,
        state=data["state"],
        draft=bool(data.get("draft")),
        base_ref=base["ref"],
        base_sha=base["sha"],
        head_ref=head["ref"],
        head_sha=head["sha"],
        base_repo=base["repo"]["full_name"],
        head_repo=head_repo.get("full_name"),
        changed_files=data["changed_files"],
        additions=data["additions"],
        deletions=data["deletions"],
        commits=data["commits"],
        html_url=data.get("html_url") or "",
        merged=bool(data.get("merged")),
        labels=tuple(label["name"] for label in data.get("labels") or ()),
        clone_url=base["repo"].get("clone_url") or "",
    )


def too_big_for_api(pull: PullRequest) -> str:
    """Why GitHub's own diff of this pull request would be cut, or an empty string."""
    if pull.changed_files > MOST_FILES:
        return f"{pull.changed_files} files are over GitHub's limit of {MOST_FILES}"
    lines = pull.additions + pull.deletions
    return f"{lines} changed lines are over GitHub's limit of {MOST_LINES}" if lines > MOST_LINES else ""


def reconcile(pull: PullRequest, diff: Diff) -> str:
    """Why a received diff cannot be the whole change that the pull request counts, or an empty string."""
    if diff.problems:
        return diff.problems[0]
    for file in diff.files:
        if file.problems:
            return f"{file.path}: {file.problems[0]}"
        empty = not file.hunks and not file.binary and file.old_mode == file.new_mode
        if empty and file.status is FileStatus.MODIFIED:
            return f"{file.path} is modified but came without its patch"
    counted = (len(diff.files), diff.added, diff.removed)
    reported = (pull.changed_files, pull.additions, pull.deletions)
    if counted != reported:
        return "received {} files, +{} -{} lines; ".format(*counted) + "GitHub counts {}, +{} -{}".format(*reported)
    return ""


def read_thread(node: Mapping[str, Any]) -> ReviewThread:
    """A GraphQL review thread. Markers count only in a comment of our own account that everybody sees: one of a pending
    review is a probe that a dead run left.

    A thread of ours whose first comment is hidden as resolved counts as resolved by us: it is what we do where GitHub
    does not let us resolve it (`reviewbot.github.threads`).
    """
    comments = node["comments"]
    first = next(iter(comments["nodes"]), None) or {}
    body = first.get("body") or ""
    ours = _is_ours(first)
    hidden = ours and bool(first.get("isMinimized")) and first.get("minimizedReason") == "resolved"
    resolver = node.get("resolvedBy") if node["isResolved"] else first.get("author") if hidden else None
    return ReviewThread(
        id=node["id"],
        path=node["path"],
        side=Side(node.get("diffSide") or "RIGHT"),
        line=node.get("line"),
        resolved=bool(node["isResolved"]) or hidden,
        outdated=bool(node["isOutdated"]),
        ours=ours,
        body=body,
        fingerprints=tuple(read_findings(body)) if ours else (),
        replies=max(0, comments["totalCount"] - 1),
        resolved_by=(resolver or {}).get("login") or "",
        comments=read_comments(comments["nodes"]),
        reactions=_reactions(node.get("opening") or {}) if ours else (),
        digests=read_digests(body) if ours else (),
        comment_id=_discussion_id(first),
    )


def read_comments(nodes: Iterable[Mapping[str, Any]]) -> tuple[ThreadComment, ...]:
    """The comments of a thread that everybody sees. An App's login ends in ``[bot]`` as everywhere else, which GraphQL
    leaves out: nobody else can have a login that ends so."""
    seen = (node for node in nodes if not _is_pending(node))
    return tuple(
        ThreadComment(
            author=_author(node.get("author")),
            is_bot=(node.get("author") or {}).get("__typename") == "Bot",
            ours=_is_ours(node),
            association=node.get("authorAssociation") or "NONE",
            body=node.get("body") or "",
            created_at=node.get("createdAt") or "",
            id=_discussion_id(node),
        )
        for node in seen
    )


def _author(actor: Mapping[str, Any] | None) -> str:
    if not actor:
        return GHOST
    login = str(actor["login"])
    return f"{login.removesuffix('[bot]')}[bot]" if actor.get("__typename") == "Bot" else login


def _is_pending(comment: Mapping[str, Any]) -> bool:
    return (comment.get("pullRequestReview") or {}).get("state") == "PENDING"


def _is_ours(comment: Mapping[str, Any]) -> bool:
    return bool(comment.get("viewerDidAuthor")) and not _is_pending(comment)


def _reactions(opening: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Login and content of the reactions to a thread's first comment. Those of Apps have no user in GraphQL."""
    first = next(iter(opening.get("nodes") or ()), None) or {}
    nodes = (first.get("reactions") or {}).get("nodes") or ()
    return tuple((node["user"]["login"], node["content"]) for node in nodes if node and node.get("user"))


def _discussion_id(comment: Mapping[str, Any]) -> int:
    """The id of a comment in the diff, from its address: the schema's own numbers are too narrow for it. 0 when there
    is none."""
    found = _DISCUSSION.search(comment.get("url") or "")
    return int(found[1]) if found else 0


def sent_comments(draft: ReviewDraft) -> tuple[InlineComment, ...]:
    """The comments that stand on lines, which go into the review itself."""
    return tuple(comment for comment in draft.comments if comment.line is not None)


def file_comments(draft: ReviewDraft) -> tuple[tuple[InlineComment, ...], tuple[InlineComment, ...]]:
    """The comments on whole files: those that are sent one by one, and those over the limit, for the review's body."""
    whole = tuple(comment for comment in draft.comments if comment.line is None)
    return whole[:MOST_FILE_COMMENTS], whole[MOST_FILE_COMMENTS:]


def review_payload(
    draft: ReviewDraft, comments: Sequence[InlineComment], moved: Sequence[InlineComment] = ()
) -> dict[str, Any]:
    """One review with ``comments`` on their lines; the event is always COMMENT. Those ``moved`` are written into the
    body, whole, as far as GitHub's limit allows (`overflow` has the rest)."""
    body, _ = _body_and_rest(draft, moved)
    return {
        "commit_id": draft.commit_sha,
        "body": body,
        "event": "COMMENT",
        "comments": [_comment(comment) for comment in comments],
    }


def overflow(draft: ReviewDraft, moved: Sequence[InlineComment]) -> tuple[str, ...]:
    """Texts of moved comments that the review's body had no room for, packed into further comments."""
    _, rest = _body_and_rest(draft, moved)
    packed: list[str] = []
    for text in rest:
        if packed and len(packed[-1]) + len(text) + 2 <= BODY_LIMIT:
            packed[-1] += f"\n\n{text}"
        else:
            packed.append(text)
    return tuple(packed)


def file_comment_payload(draft: ReviewDraft, comment: InlineComment) -> dict[str, Any]:
    """A comment on a whole file, which GitHub takes only one by one."""
    return {"commit_id": draft.commit_sha, "path": comment.path, "body": comment.body, "subject_type": "file"}


def probe_payload(draft: ReviewDraft, comments: Iterable[InlineComment], body: str) -> dict[str, Any]:
    """A pending review, which nobody else sees, to find out which comments GitHub takes."""
    return {"commit_id": draft.commit_sha, "body": body, "comments": [_comment(comment) for comment in comments]}


def check_payloads(check: CheckDraft, draft: ReviewDraft) -> tuple[dict[str, Any], ...]:
    """The request that creates the check run, then those that add further annotations, 50 at a time."""
    notes = [_annotation(annotation) for annotation in check.annotations]
    batches = [notes[i : i + ANNOTATIONS_PER_CALL] for i in range(0, len(notes), ANNOTATIONS_PER_CALL)] or [[]]
    outputs = [{"title": check.title, "summary": check.summary, "annotations": batch} for batch in batches]
    first = {
        "name": check.name,
        "head_sha": draft.commit_sha,
        "status": "completed",
        "conclusion": check.conclusion,
        "external_id": draft.key,
        "output": outputs[0],
    }
    return (first, *({"output": output} for output in outputs[1:]))


def review_write(root: str, number: int, payload: Mapping[str, Any]) -> Write:
    """``root`` is ``/repos/OWNER/REPO``."""
    return Write("POST", f"{root}/pulls/{number}/reviews", payload)


def file_comment_write(root: str, number: int, payload: Mapping[str, Any]) -> Write:
    return Write("POST", f"{root}/pulls/{number}/comments", payload)


def summary_write(root: str, number: int, body: str, comment_id: int | None) -> Write:
    """Create the sticky summary, or edit it in place when there is one already."""
    if comment_id is None:
        return Write("POST", f"{root}/issues/{number}/comments", {"body": body})
    return Write("PATCH", f"{root}/issues/comments/{comment_id}", {"body": body})


def check_writes(root: str, draft: ReviewDraft, check_id: str = "ID") -> tuple[Write, ...]:
    """The check run's requests; ``check_id`` is known once the first was answered."""
    if draft.check is None:
        return ()
    first, *more = check_payloads(draft.check, draft)
    path = f"{root}/check-runs"
    return (Write("POST", path, first), *(Write("PATCH", f"{path}/{check_id}", payload) for payload in more))


def writes(ref: PullRequestRef, draft: ReviewDraft, sticky_comment_id: int | None = None) -> tuple[Write, ...]:
    """Every request that posting this draft sends when GitHub accepts them all, in their order."""
    root, found = f"/repos/{ref.full_name}", []
    if has_something_to_review(draft):
        sent, over = file_comments(draft)
        found += [file_comment_write(root, ref.number, file_comment_payload(draft, item)) for item in sent]
        found.append(review_write(root, ref.number, review_payload(draft, sent_comments(draft), over)))
        found += [summary_write(root, ref.number, text, None) for text in overflow(draft, over)]
    if draft.summary is not None:
        found.append(summary_write(root, ref.number, draft.summary, sticky_comment_id))
    return (*found, *check_writes(root, draft))


def as_json(found: Sequence[Write]) -> str:
    """The requests as a JSON array, one to a line, each payload in the very bytes that are sent."""
    lines = [
        f'{{"method": {json.dumps(item.verb)}, "path": {json.dumps(item.path)}, "payload": {item.body.decode()}}}'
        for item in found
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def has_something_to_review(draft: ReviewDraft) -> bool:
    return draft.body is not None or bool(draft.comments)


def _body_and_rest(draft: ReviewDraft, moved: Sequence[InlineComment]) -> tuple[str, tuple[str, ...]]:
    body = draft.body or ""
    if not has_review(body, draft.key):
        body = f"{body}\n\n{review_marker(draft.key)}".lstrip()
    texts = [_moved(comment) for comment in moved]
    for index, text in enumerate(texts):
        if len(body) + len(text) + 2 > BODY_LIMIT:
            return body, tuple(texts[index:])
        body = f"{body}\n\n{text}"
    return body, ()


def _moved(comment: InlineComment) -> str:
    """A comment that has no line of its own any more, with its place in words."""
    lines = "" if comment.line is None else f", line {comment.line}"
    if comment.line is not None and comment.start_line is not None:
        lines = f", lines {comment.start_line} to {comment.line}"
    side = " of the old text" if lines and comment.side is Side.LEFT else ""
    return f"{_code_span(comment.path)}{lines}{side}:\n\n{comment.body}"


def _code_span(text: str) -> str:
    """A path as a code span, whatever it holds: in it no mention, link or markup is live."""
    flat = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    fence = "`"
    while fence in flat:
        fence += "`"
    space = " " if "`" in flat else ""
    return f"{fence}{space}{flat}{space}{fence}"


def _comment(comment: InlineComment) -> dict[str, Any]:
    data: dict[str, Any] = {
        "path": comment.path,
        "body": comment.body,
        "line": comment.line,
        "side": comment.side.value,
    }
    if comment.start_line is not None and comment.start_line != comment.line:
        data |= {"start_line": comment.start_line, "start_side": comment.side.value}
    return data


def _annotation(annotation: Annotation) -> dict[str, Any]:
    return {
        "path": annotation.path,
        "start_line": annotation.start_line,
        "end_line": annotation.end_line,
        "annotation_level": annotation.level,
        "title": annotation.title,
        "message": annotation.message,
    }
