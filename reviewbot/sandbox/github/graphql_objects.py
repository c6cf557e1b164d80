"""GraphQL's repositories, pull requests and conversations as dictionaries: plain values, and functions
``(info, **arguments)`` for what costs something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reviewbot.sandbox.github.anchors import current_place
from reviewbot.sandbox.github.graphql_git import GitObjects
from reviewbot.sandbox.github.graphql_paging import Fields, Problem, connection
from reviewbot.sandbox.github.payloads import node_id, parse_node_id
from reviewbot.sandbox.github.payloads_pulls import association, comment_page
from reviewbot.sandbox.github.records import Pull

if TYPE_CHECKING:
    from collections.abc import Callable

    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.records import Issue, IssueComment, Reaction, Review, ReviewComment

_REACTIONS = {
    "+1": "THUMBS_UP",
    "-1": "THUMBS_DOWN",
    "laugh": "LAUGH",
    "hooray": "HOORAY",
    "confused": "CONFUSED",
    "heart": "HEART",
    "rocket": "ROCKET",
    "eyes": "EYES",
}
REACTION_NAMES = {name: content for content, name in _REACTIONS.items()}


class Objects(GitObjects):
    """Makes GraphQL objects for one request."""

    def repository_named(self, _info: object, *, owner: str, name: str, **_: object) -> Fields:
        """Raises Problem NOT_FOUND as GitHub says it."""
        found = self.call.github.repositories.get(f"{owner}/{name}".lower())
        if found is None or (found.private and not self.covers(found)):
            raise Problem("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        self.call.github.refresh(found)
        return self.repository(found)

    def repository(self, hosted: Hosted) -> Fields:
        branch = hosted.repository.default_branch
        sha = hosted.repository.branches.get(branch)
        ref = {"id": node_id("REF", branch), "name": branch, "prefix": "refs/heads/"}
        return {
            "__typename": "Repository",
            "id": node_id("R", hosted.id),
            "databaseId": hosted.id,
            "name": hosted.name,
            "nameWithOwner": hosted.full_name,
            "owner": self.account(hosted.owner),
            "url": self.call.links.page(hosted),
            "isPrivate": hosted.private,
            "isFork": hosted.fork_of is not None,
            "defaultBranchRef": ref | {"target": lambda _info: self.git_object(hosted, sha or "")} if sha else None,
            "object": lambda _info, expression=None, oid=None: self.git_object(hosted, oid or expression or ""),
            "pullRequest": lambda _info, number: self._pull_numbered(hosted, number),
            "issue": lambda _info, number: self._issue_numbered(hosted, number),
        }

    def _pull_numbered(self, hosted: Hosted, number: int) -> Fields:
        self.need("pull_requests", "read")
        found = hosted.issues.get(number)
        if not isinstance(found, Pull):
            raise Problem("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
        return self.pull(hosted, found)

    def _issue_numbered(self, hosted: Hosted, number: int) -> Fields:
        found = hosted.issues.get(number)
        if found is None or isinstance(found, Pull):
            raise Problem("NOT_FOUND", f"Could not resolve to an Issue with the number of {number}.")
        return self.issue(hosted, found)

    def issue(self, hosted: Hosted, issue: Issue) -> Fields:
        return {
            "__typename": "Issue",
            "id": node_id("I", issue.id),
            "databaseId": issue.id,
            "number": issue.number,
            "title": issue.title,
            "body": issue.body or "",
            "url": f"{self.call.links.page(hosted)}/issues/{issue.number}",
            "state": issue.state.upper(),
            "author": self.account(issue.author),
        }

    def pull(self, hosted: Hosted, pull: Pull) -> Fields:
        """A pull request. Its counters are computed only when they are asked for."""
        viewer, github = self.call.speaker().account, self.call.github
        own = [row for row in hosted.reviews.values() if row.number == pull.number]
        reviews = [row for row in own if row.state != "PENDING" or row.author == viewer]
        comments = [row for row in hosted.comments.values() if row.number == pull.number]
        fork = github.repositories.get(pull.head_repo.lower()) if pull.head_repo else None
        return self.issue(hosted, pull) | {
            "__typename": "PullRequest",
            "id": node_id("PR", pull.id),
            "url": f"{self.call.links.page(hosted)}/pull/{pull.number}",
            "state": "MERGED" if pull.merged_at else pull.state.upper(),
            "isDraft": pull.draft,
            "merged": pull.merged_at is not None,
            "closed": pull.state == "closed",
            "locked": pull.locked,
            "viewerDidAuthor": pull.author == viewer,
            "createdAt": pull.created_at,
            "updatedAt": pull.updated_at,
            "baseRefName": pull.base_ref,
            "baseRefOid": pull.base_sha,
            "headRefName": pull.head_ref,
            "headRefOid": pull.head_sha,
            "headRepository": self.repository(fork) if fork else None,
            "baseRepository": self.repository(hosted),
            "isCrossRepository": pull.head_repo != hosted.full_name,
            "additions": lambda _info: hosted.changes(pull).added,
            "deletions": lambda _info: hosted.changes(pull).removed,
            "changedFiles": lambda _info: len(hosted.changes(pull).files),
            "labels": connection("labels", pull.labels, lambda name: {"id": node_id("LA", name), "name": name}),
            "comments": connection("comments", comments, lambda row: self.issue_comment(hosted, row)),
            "reviews": connection("reviews", reviews, lambda row: self.review(hosted, row)),
            "reviewThreads": self._threads(hosted, pull),
            "commits": connection("commits", hosted.series(pull), lambda row: {"commit": self.commit(hosted, row.sha)}),
            "closingIssuesReferences": self._closing(hosted, pull),
        }

    def _closing(self, hosted: Hosted, pull: Pull) -> Callable[..., Fields]:
        """The linked issues; a token that may not read issues gets an error here, and the rest of the answer."""
        linked = [hosted.issues[number] for number in pull.closes if number in hosted.issues]
        page = connection("closingIssuesReferences", linked, lambda row: self.issue(hosted, row))

        def resolve(info: object, **arguments: Any) -> Fields:
            self.need("issues", "read")
            return page(info, **arguments)

        return resolve

    def _threads(self, hosted: Hosted, pull: Pull) -> Callable[..., Fields]:
        viewer = self.call.speaker().account
        roots = [
            row
            for row in hosted.review_comments.values()
            if row.number == pull.number
            and not row.is_reply
            and (hosted.reviews[row.review_id].state != "PENDING" or row.author == viewer)
        ]
        return connection("reviewThreads", roots, lambda row: self.thread(hosted, row))

    def thread(self, hosted: Hosted, root: ReviewComment) -> Fields:
        pull = hosted.pull(root.number)
        place = current_place(hosted, hosted.merge_base(pull), pull.head_sha, root)
        by = hosted.resolved.get(root.id)
        outdated = root.line is not None and place.line is None
        rows = [row for row in hosted.review_comments.values() if row.root == root.id]
        return {
            "__typename": "PullRequestReviewThread",
            "id": node_id("PRRT", root.id),
            "isResolved": by is not None,
            "isOutdated": outdated,
            "isCollapsed": by is not None or outdated,
            "resolvedBy": self.account(by) if by else None,
            "path": root.path,
            "line": place.line,
            "startLine": place.start_line,
            "originalLine": root.line,
            "originalStartLine": root.start_line,
            "diffSide": root.side,
            "startDiffSide": root.start_side,
            "subjectType": "FILE" if root.line is None else "LINE",
            "viewerCanResolve": True,
            "comments": connection("comments", rows, lambda row: self.review_comment(hosted, row)),
        }

    def _said(self, hosted: Hosted, row: IssueComment | Review | ReviewComment) -> Fields:
        return {
            "databaseId": row.id,
            "body": row.body,
            "author": self.account(row.author),
            "authorAssociation": getattr(row, "association", "") or association(hosted, row.author),
            "viewerDidAuthor": row.author == self.call.speaker().account,
            "isMinimized": row.minimized is not None,
            "minimizedReason": row.minimized.lower() if row.minimized else None,
        }

    def review_comment(self, hosted: Hosted, row: ReviewComment) -> Fields:
        pull = hosted.pull(row.number)
        place = current_place(hosted, hosted.merge_base(pull), pull.head_sha, row)
        parent = hosted.review_comments.get(row.root) if row.is_reply else None
        page = f"{self.call.links.page(hosted)}/pull/{row.number}"
        return self._said(hosted, row) | {
            "__typename": "PullRequestReviewComment",
            "id": node_id("PRRC", row.id),
            "fullDatabaseId": str(row.id),
            "createdAt": row.created_at,
            "updatedAt": row.updated_at,
            "url": f"{page}#discussion_r{row.id}",
            "path": row.path,
            "diffHunk": row.diff_hunk,
            "outdated": row.line is not None and place.line is None,
            "reactions": connection("reactions", row.reactions, self.reaction),
            "replyTo": self.review_comment(hosted, parent) if parent else None,
            "pullRequestReview": self.review(hosted, hosted.reviews[row.review_id]),
        }

    def review(self, hosted: Hosted, row: Review) -> Fields:
        return self._said(hosted, row) | {
            "__typename": "PullRequestReview",
            "id": node_id("PRR", row.id),
            "state": row.state,
            "commit": lambda _info: self.commit(hosted, row.commit_id),
            "reactions": connection("reactions", row.reactions, self.reaction),
            "submittedAt": row.submitted_at,
            "url": f"{self.call.links.page(hosted)}/pull/{row.number}#pullrequestreview-{row.id}",
        }

    def issue_comment(self, hosted: Hosted, row: IssueComment) -> Fields:
        return self._said(hosted, row) | {
            "__typename": "IssueComment",
            "id": node_id("IC", row.id),
            "createdAt": row.created_at,
            "updatedAt": row.updated_at,
            "url": comment_page(self.call.links, hosted, hosted.issues[row.number], row.id),
        }

    def reaction(self, row: Reaction) -> Fields:
        facts = {"__typename": "Reaction", "id": node_id("REA", row.id), "databaseId": row.id}
        # A Bot is no User, and the field is one.
        user = self.account(row.author) if row.author.kind == "User" else None
        return facts | {"content": _REACTIONS[row.content], "user": user}

    def node(self, _info: object, *, id: str) -> Fields:  # noqa: A002 - GraphQL's own name of the argument
        """Any of the things that mutations take."""
        found = self.find(id)
        if found is None:
            raise Problem("NOT_FOUND", f"Could not resolve to a node with the global id of '{id}'")
        return found[2]

    def find(self, key: str) -> tuple[Hosted, Any, Fields] | None:
        """The repository, the record and the GraphQL object behind a global id."""
        for hosted in self.call.github.repositories.values():
            if hosted.private and not self.covers(hosted):
                continue
            tables: tuple[tuple[str, dict[int, Any], Callable[[Hosted, Any], Fields]], ...] = (
                ("PRRT", hosted.review_comments, self.thread),
                ("PRRC", hosted.review_comments, self.review_comment),
                ("PRR", hosted.reviews, self.review),
                ("IC", hosted.comments, self.issue_comment),
                ("PR", {pull.id: pull for pull in hosted.pulls()}, self.pull),
            )
            for kind, table, shape in tables:
                number = parse_node_id(key, kind)
                if number is not None and number.isdecimal() and int(number) in table:
                    record = table[int(number)]
                    self.call.github.refresh(hosted)
                    return hosted, record, shape(hosted, record)
        return None
