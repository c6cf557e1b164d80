"""Hosted: one repository and everything that people wrote around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from reviewbot.errors import UsageError
from reviewbot.sandbox.github import records
from reviewbot.sandbox.github.records import Account, Issue, Pull
from reviewbot.sandbox.github.repository import Repository

if TYPE_CHECKING:
    from reviewbot.sandbox.github.changes import Changes
    from reviewbot.sandbox.github.objects import Commit


@dataclass(slots=True)
class Hosted:
    """One repository and everything that people wrote around it."""

    id: int
    full_name: str
    owner: Account
    repository: Repository
    private: bool
    fork_of: str | None
    created_at: str
    issues: dict[int, Issue] = field(default_factory=dict)
    comments: dict[int, records.IssueComment] = field(default_factory=dict)
    reviews: dict[int, records.Review] = field(default_factory=dict)
    review_comments: dict[int, records.ReviewComment] = field(default_factory=dict)
    resolved: dict[int, Account] = field(default_factory=dict)
    check_runs: dict[int, records.CheckRun] = field(default_factory=dict)
    statuses: list[records.Status] = field(default_factory=list)
    artifacts: dict[int, records.Artifact] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    collaborators: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.full_name.partition("/")[2]

    def pull(self, number: int) -> Pull:
        """The pull request of this number. Raises UsageError when it is an issue or nothing."""
        found = self.issues.get(number)
        if not isinstance(found, Pull):
            raise UsageError(f"{self.full_name} has no pull request {number}.")
        return found

    def pulls(self) -> list[Pull]:
        """Pull requests by number."""
        return [issue for _, issue in sorted(self.issues.items()) if isinstance(issue, Pull)]

    def merge_base(self, pull: Pull) -> str:
        """Where the change begins. A pull request is only opened when there is one."""
        return self.repository.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha

    def changes(self, pull: Pull) -> Changes:
        """The change as the pull request shows it: from the merge base to the head."""
        return self.repository.changes(self.merge_base(pull), pull.head_sha)

    def series(self, pull: Pull) -> list[Commit]:
        """Its commits, oldest first."""
        return self.repository.commits(pull.head_sha, without=pull.base_sha)


class Directory(Protocol):
    """Who and what this GitHub knows, as far as a payload has to ask. `state.SandboxGitHub` is the one."""

    repositories: dict[str, Hosted]

    def account(self, login: str, *, kind: str = "User") -> Account:
        """The account of this login."""
