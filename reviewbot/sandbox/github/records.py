"""What this GitHub remembers: accounts, tokens, issues, pull requests, reviews, comments, check runs.

Names are GitHub's own. Records are changed in place by `state.SandboxGitHub`, under its lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Side = Literal["LEFT", "RIGHT"]
TokenKind = Literal["personal", "app", "actions"]

#: What a token may do when nothing else is said.
EVERYTHING: Mapping[str, str] = {
    "metadata": "read",
    "contents": "write",
    "pull_requests": "write",
    "issues": "write",
    "checks": "write",
    "statuses": "write",
}
#: Events about a repository that this GitHub has deliveries of.
HOOK_EVENTS = (
    "pull_request",
    "issue_comment",
    "pull_request_review",
    "pull_request_review_comment",
    "check_run",
    "check_suite",
)
REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


@dataclass(frozen=True, slots=True)
class Account:
    """``kind`` is User, Bot or Organization."""

    id: int
    login: str
    kind: str = "User"


@dataclass(frozen=True, slots=True)
class Token:
    """``repositories`` are full names, or None for all; ``expires_at`` is in seconds since the epoch. A token that an
    installation asked for shares its fate."""

    value: str
    kind: TokenKind
    account: Account
    permissions: Mapping[str, str]
    repositories: frozenset[str] | None = None
    expires_at: float | None = None
    installation: int | None = None

    def allows(self, permission: str, level: str) -> bool:
        held = self.permissions.get(permission, "none")
        return held == "write" or (held == "read" and level == "read")


@dataclass(slots=True)
class Reaction:
    id: int
    author: Account
    content: str
    created_at: str


@dataclass(slots=True)
class Issue:
    """An issue, and the part of a pull request that is one."""

    id: int
    number: int
    title: str
    body: str | None
    author: Account
    created_at: str
    updated_at: str
    state: str = "open"
    closed_at: str | None = None
    locked: bool = False
    labels: list[str] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(slots=True)
class Pull(Issue):
    """A pull request. ``head_repo`` is a full name, or None once the fork is gone; the shas follow the branches while
    it is open and stay as they were afterwards."""

    base_ref: str = ""
    head_ref: str = ""
    head_repo: str | None = None
    head_owner: str = ""
    base_sha: str = ""
    head_sha: str = ""
    draft: bool = False
    merged_at: str | None = None
    closes: list[int] = field(default_factory=list)
    requested_reviewers: list[Account] = field(default_factory=list)


@dataclass(slots=True)
class IssueComment:
    """``association`` is the author's, where it is not to be what the repository says of them."""

    id: int
    number: int
    author: Account
    body: str
    created_at: str
    updated_at: str
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None
    association: str = ""


@dataclass(slots=True)
class Review:
    """``state`` is PENDING, COMMENTED, APPROVED, CHANGES_REQUESTED or DISMISSED."""

    id: int
    number: int
    author: Account
    body: str
    state: str
    commit_id: str
    submitted_at: str | None
    minimized: str | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(slots=True)
class ReviewComment:
    """A comment on the diff between the merge base and ``commit_id``. ``line`` is None for one on a whole file; a reply
    has its thread's place. ``root`` is the id of the thread's first comment."""

    id: int
    number: int
    review_id: int
    root: int
    author: Account
    body: str
    path: str
    commit_id: str
    base_sha: str
    side: Side
    line: int | None
    start_side: Side | None
    start_line: int | None
    position: int | None
    diff_hunk: str
    created_at: str
    updated_at: str
    reactions: list[Reaction] = field(default_factory=list)
    minimized: str | None = None

    @property
    def is_reply(self) -> bool:
        return self.root != self.id


@dataclass(slots=True)
class CheckRun:
    """``output`` has title, summary, text; annotations are kept apart because they add up over updates."""

    id: int
    suite_id: int
    name: str
    head_sha: str
    author: Account
    status: str
    conclusion: str | None
    started_at: str | None
    completed_at: str | None
    external_id: str
    details_url: str | None
    output: dict[str, str | None]
    annotations: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a workflow run uploaded, as it lies in the storage: a ZIP archive, or whatever it really is."""

    id: int
    name: str
    run_id: int
    head_branch: str
    head_sha: str
    data: bytes = field(repr=False)
    created_at: str
    expired: bool = False


@dataclass(slots=True)
class Status:
    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    author: Account
    created_at: str


@dataclass(frozen=True, slots=True)
class App:
    """The GitHub App of this GitHub. With a ``public_key`` (PEM) its JWTs are verified, else only their claims. What it
    asks for and where its webhook goes are as its manifest said; without a ``hook_url``, or not active, it has none."""

    id: int
    slug: str
    owner: Account
    bot: Account
    public_key: str | None = None
    name: str = ""
    client_id: str = "Iv23liSandbox"
    permissions: Mapping[str, str] = field(default_factory=lambda: dict(EVERYTHING))
    events: tuple[str, ...] = ("pull_request", "issue_comment")
    hook_url: str = ""
    webhook_secret: str = field(default="", repr=False)
    hook_active: bool = True

    @property
    def listens(self) -> bool:
        return bool(self.hook_url) and self.hook_active


@dataclass(frozen=True, slots=True)
class Installation:
    """``repositories`` is None when all are selected, ``suspended_at`` while it is not suspended."""

    id: int
    account: Account
    permissions: Mapping[str, str]
    repositories: frozenset[str] | None = None
    suspended_at: str | None = None

    def covers(self, full_name: str) -> bool:
        """Whether the App may see this repository."""
        name = full_name.lower()
        chosen = self.repositories is None or name in self.repositories
        return chosen and name.partition("/")[0] == self.account.login.lower()


@dataclass(frozen=True, slots=True)
class Logged:
    """One request that was served. ``status`` is 0 when the connection was closed without an answer."""

    method: str
    path: str
    query: str
    status: int
    token_kind: str
    seconds: float
