"""GitHub's JSON for pull requests, issues, reviews and comments, as its OpenAPI description has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewbot.sandbox.github import payloads
from reviewbot.sandbox.github.anchors import current_place
from reviewbot.sandbox.github.records import Pull

if TYPE_CHECKING:
    from reviewbot.sandbox.github.hosting import Directory, Hosted
    from reviewbot.sandbox.github.payloads import Json, Links
    from reviewbot.sandbox.github.records import Account, Issue, IssueComment, Review, ReviewComment


def association(hosted: Hosted, account: Account) -> str:
    """``author_association``: what the account is to the repository."""
    if account.login == hosted.owner.login:
        return "OWNER"
    if account.login.lower() in hosted.collaborators:
        return "COLLABORATOR"
    merged = any(pull.merged_at and pull.author == account for pull in hosted.pulls())
    return "CONTRIBUTOR" if merged else "NONE"


def _issue_part(links: Links, hosted: Hosted, issue: Issue) -> Json:
    """What a pull request has because it is an issue."""
    return {
        "id": issue.id,
        "number": issue.number,
        "state": issue.state,
        "locked": issue.locked,
        "title": issue.title,
        "user": payloads.user(links, issue.author),
        "body": issue.body,
        "labels": [payloads.label(links, hosted, name) for name in issue.labels],
        "milestone": None,
        "created_at": issue.created_at,
        "updated_at": issue.updated_at,
        "closed_at": issue.closed_at,
        "assignee": None,
        "assignees": [],
        "active_lock_reason": None,
        "author_association": association(hosted, issue.author),
    }


def issue(links: Links, hosted: Hosted, record: Issue) -> Json:
    """``issue``; a pull request is one too, and says so."""
    is_pull = isinstance(record, Pull)
    api = links.repo(hosted)
    url = f"{api}/issues/{record.number}"
    html = f"{links.page(hosted)}/{'pull' if is_pull else 'issues'}/{record.number}"
    out = {
        **_issue_part(links, hosted, record),
        "node_id": payloads.node_id("I", record.id),
        "url": url,
        "repository_url": api,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": html,
        "comments": sum(comment.number == record.number for comment in hosted.comments.values()),
        "state_reason": None,
        "reactions": payloads.reaction_rollup(url, record.reactions),
    }
    if is_pull:
        pull = f"{api}/pulls/{record.number}"
        more = {"diff_url": f"{html}.diff", "patch_url": f"{html}.patch", "merged_at": None}
        out["pull_request"] = {"url": pull, "html_url": html, **more}
    return out


def pull(links: Links, github: Directory, hosted: Hosted, record: Pull, *, full: bool) -> Json:
    """``pull-request``, or ``pull-request-simple`` as lists have it."""
    api, html = links.repo(hosted), f"{links.page(hosted)}/pull/{record.number}"
    url, issue_url = f"{api}/pulls/{record.number}", f"{api}/issues/{record.number}"
    fork = github.repositories.get(record.head_repo.lower()) if record.head_repo else None
    urls = {
        "self": url,
        "html": html,
        "issue": issue_url,
        "comments": f"{issue_url}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{api}/statuses/{record.head_sha}",
    }
    out = {
        **_issue_part(links, hosted, record),
        "node_id": payloads.node_id("PR", record.id),
        "url": url,
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        **{f"{name}_url": target for name, target in urls.items() if name not in ("self", "html")},
        "_links": {name: {"href": target} for name, target in urls.items()},
        "merged_at": record.merged_at,
        "merge_commit_sha": None,
        "draft": record.draft,
        "auto_merge": None,
        "requested_reviewers": [payloads.user(links, account) for account in record.requested_reviewers],
        "requested_teams": [],
        "head": _end(links, github, record.head_owner, record.head_ref, record.head_sha, fork),
        "base": _end(links, github, hosted.owner.login, record.base_ref, record.base_sha, hosted),
    }
    return out | _counts(hosted, record) if full else out


def _end(links: Links, github: Directory, owner: str, ref: str, sha: str, repo: Hosted | None) -> Json:
    """``head`` or ``base``; ``repo`` is null when the fork is gone."""
    return {
        "label": f"{owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": payloads.user(links, github.account(owner)),
        "repo": payloads.repository(links, repo) if repo else None,
    }


def _counts(hosted: Hosted, record: Pull) -> Json:
    changes = hosted.changes(record)
    own = [comment for comment in hosted.review_comments.values() if comment.number == record.number]
    return {
        "merged": record.merged_at is not None,
        "merged_by": None,
        "mergeable": None,  # as GitHub says until its background job has tried the merge
        "rebaseable": None,
        "mergeable_state": "unknown",
        "comments": sum(comment.number == record.number for comment in hosted.comments.values()),
        "review_comments": len(own),
        "maintainer_can_modify": False,
        "commits": len(hosted.series(record)),
        "additions": changes.added,
        "deletions": changes.removed,
        "changed_files": len(changes.files),
    }


def review(links: Links, hosted: Hosted, record: Review) -> Json:
    """``pull-request-review``. A pending one has no ``submitted_at``."""
    html = f"{links.page(hosted)}/pull/{record.number}#pullrequestreview-{record.id}"
    url = f"{links.repo(hosted)}/pulls/{record.number}"
    out: Json = {
        "id": record.id,
        "node_id": payloads.node_id("PRR", record.id),
        "user": payloads.user(links, record.author),
        "body": record.body,
        "state": record.state,
        "html_url": html,
        "pull_request_url": url,
        "_links": {"html": {"href": html}, "pull_request": {"href": url}},
        "commit_id": record.commit_id,
        "author_association": association(hosted, record.author),
    }
    if record.submitted_at:
        out["submitted_at"] = record.submitted_at
    return out


def review_comment(links: Links, hosted: Hosted, record: ReviewComment) -> Json:
    """``pull-request-review-comment``. Line numbers are null once the comment is outdated."""
    api, page = links.repo(hosted), f"{links.page(hosted)}/pull/{record.number}"
    url, html = f"{api}/pulls/comments/{record.id}", f"{page}#discussion_r{record.id}"
    pull_url = f"{api}/pulls/{record.number}"
    parent = hosted.pull(record.number)
    head = parent.head_sha
    place = current_place(hosted, hosted.merge_base(parent), head, record)
    out: Json = {
        "id": record.id,
        "node_id": payloads.node_id("PRRC", record.id),
        "url": url,
        "html_url": html,
        "pull_request_url": pull_url,
        "_links": {"self": {"href": url}, "html": {"href": html}, "pull_request": {"href": pull_url}},
        "pull_request_review_id": record.review_id,
        "diff_hunk": record.diff_hunk,
        "path": record.path,
        "position": place.position if record.line is not None else 1,
        "original_position": record.position or 1,
        "commit_id": head if place.line is not None else record.commit_id,
        "original_commit_id": record.commit_id,
        "user": payloads.user(links, record.author),
        "body": record.body,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "author_association": association(hosted, record.author),
        "start_line": place.start_line,
        "original_start_line": record.start_line,
        "start_side": record.start_side,
        "line": place.line,
        "original_line": record.line,
        "side": record.side,
        "subject_type": "file" if record.line is None else "line",
        "reactions": payloads.reaction_rollup(url, record.reactions),
    }
    if record.is_reply:
        out["in_reply_to_id"] = record.root
    if record.line is None:  # GitHub leaves the places out of a comment on a file
        for name in ("line", "original_line", "start_line", "original_start_line", "start_side"):
            del out[name]
    return out


def issue_comment(links: Links, hosted: Hosted, record: IssueComment) -> Json:
    """``issue-comment``."""
    api, parent = links.repo(hosted), hosted.issues[record.number]
    url = f"{api}/issues/comments/{record.id}"
    return {
        "id": record.id,
        "node_id": payloads.node_id("IC", record.id),
        "url": url,
        "html_url": comment_page(links, hosted, parent, record.id),
        "issue_url": f"{api}/issues/{record.number}",
        "body": record.body,
        "user": payloads.user(links, record.author),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "author_association": record.association or association(hosted, record.author),
        "performed_via_github_app": None,
        "reactions": payloads.reaction_rollup(url, record.reactions),
    }


def comment_page(links: Links, hosted: Hosted, parent: Issue, number: int) -> str:
    """The address of a comment in the web page of its issue or pull request."""
    kind = "pull" if isinstance(parent, Pull) else "issues"
    return f"{links.page(hosted)}/{kind}/{parent.number}#issuecomment-{number}"
