"""Pure values of a pull request as GitHub tells it: PullRequestRef, PullRequest, ReviewThread, ThreadComment,
Surroundings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from reviewbot.core.change.diff import Side
from reviewbot.errors import UsageError

_SHORT = re.compile(r"(?P<owner>[A-Za-z0-9][A-Za-z0-9-]*)/(?P<repo>[A-Za-z0-9._-]+)#(?P<number>[0-9]{1,9})")
_PATH = re.compile(
    r"/(?P<owner>[A-Za-z0-9][A-Za-z0-9_-]*)/(?P<repo>[A-Za-z0-9._-]+)/pull/(?P<number>[0-9]{1,9})(?:/.*)?"
)


@dataclass(frozen=True, slots=True)
class PullRequestRef:
    """Which pull request: the host as people see it (``github.com``), owner, repository and number."""

    host: str
    owner: str
    repo: str
    number: int

    def __str__(self) -> str:
        return f"{self.owner}/{self.repo}#{self.number}"

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.repo}"

    @classmethod
    def parse(cls, target: str, *, allowed_hosts: frozenset[str], default_host: str = "github.com") -> PullRequestRef:
        """Read ``owner/repo#12`` or a pull request's URL; ``/files``, ``/commits/…``, query and fragment are dropped.

        The host must be in ``allowed_hosts`` exactly, because a token is sent to it. Raises UsageError.
        """
        short = _SHORT.fullmatch(target.strip())
        if short:
            return cls(default_host, short["owner"], short["repo"], int(short["number"]))
        parts = _split(target.strip())
        host = parts[0]
        if host not in allowed_hosts:
            raise UsageError(
                f"{host!r} is not a GitHub host that reviewbot may talk to.",
                remedy="Set GITHUB_SERVER_URL to that host if it is your GitHub Enterprise server.",
            )
        found = _PATH.fullmatch(parts[1].rstrip("/"))
        if not found:
            raise UsageError(
                f"{target!r} is not the URL of a pull request.",
                remedy="Give https://github.com/OWNER/REPO/pull/NUMBER, OWNER/REPO#NUMBER, or the path of a work tree.",
            )
        return cls(host, found["owner"], found["repo"], int(found["number"]))


def _split(target: str) -> tuple[str, str]:
    """Host (with port when there is one) and path of a URL; UsageError when it is none, or holds credentials."""
    try:
        parts = urlsplit(target)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(
            f"{target!r} is neither a pull request nor a folder.",
            remedy="Give https://github.com/OWNER/REPO/pull/NUMBER, OWNER/REPO#NUMBER, or the path of a work tree.",
        )
    if parts.username or parts.password:
        raise UsageError("The URL holds a user name or password.", remedy="Put the token in GITHUB_TOKEN instead.")
    return (f"{host}:{port}" if port else host), parts.path


@dataclass(frozen=True, slots=True)
class PullRequest:
    """Facts about a pull request at one moment. ``head_repo`` is None when the fork is gone; ``ref`` is None for a
    local work tree. The counters are what the forge reports, not what was received."""

    ref: PullRequestRef | None
    title: str
    body: str
    author: str
    state: str
    draft: bool
    base_ref: str
    base_sha: str
    head_ref: str
    head_sha: str
    base_repo: str
    head_repo: str | None
    changed_files: int
    additions: int
    deletions: int
    commits: int
    html_url: str = ""
    merged: bool = False
    labels: tuple[str, ...] = ()
    clone_url: str = ""

    @property
    def label(self) -> str:
        """What to call it in one word: ``owner/repo#12``, or the local folder's name."""
        return str(self.ref) if self.ref else self.base_repo

    @property
    def from_fork(self) -> bool:
        return self.head_repo is not None and self.head_repo != self.base_repo


@dataclass(frozen=True, slots=True)
class ThreadComment:
    """One comment of a thread, the first included. ``association`` is GitHub's word for what the author is to the
    repository (OWNER, MEMBER, COLLABORATOR …); ``created_at`` is GitHub's own time, as text that sorts. ``id`` is the
    one of REST and of webhooks."""

    author: str
    is_bot: bool
    ours: bool
    association: str
    body: str
    created_at: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class ReviewThread:
    """A conversation on a line of the diff; ``ours`` is true when our own account opened it. ``fingerprints`` are
    the identities of findings found in our hidden markers there, ``digests`` what the markers say of their code, by
    fingerprint. ``line`` is where GitHub has moved it to, None when it is outdated or stands on the whole file.

    ``resolved_by`` is a login, empty when nobody has resolved it or GitHub does not say who; ``reactions`` are those
    to the first comment, as (login, GitHub's word: THUMBS_DOWN …). An empty ``path`` stands for what we said without
    a thread, in the body of a review.

    ``comment_id`` is the first comment's in REST and in webhooks. ``comments`` may be fewer than there are (`replies`).
    """

    id: str
    path: str
    side: Side
    line: int | None
    resolved: bool
    outdated: bool
    ours: bool
    body: str
    fingerprints: tuple[str, ...] = ()
    replies: int = 0
    resolved_by: str = ""
    comments: tuple[ThreadComment, ...] = ()
    reactions: tuple[tuple[str, str], ...] = ()
    digests: tuple[tuple[str, str], ...] = ()
    comment_id: int = 0


ROOT_RULES = (".reviewbot.toml", "AGENTS.md", "CLAUDE.md", ".gitattributes")
FOLDER_RULES = ("AGENTS.md", "CLAUDE.md")


def rule_paths(directories: Sequence[str]) -> tuple[str, ...]:
    """The rule files that may speak for a change: those of the root, and of each of ``directories``."""
    return (*ROOT_RULES, *(f"{directory}/{name}" for directory in directories for name in FOLDER_RULES))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around the diff: words by people (data, never instruction) and rules from the base commit.

    ``rules`` maps the path of a rule file at the base commit (``.reviewbot.toml``, ``AGENTS.md``, ``src/CLAUDE.md``,
    ``.gitattributes``) to its text. ``head_sha`` is the head at this moment, empty for a work tree.
    ``sticky_comment_id`` is our summary comment, if there is one already. ``said`` are
    the identities of findings that stand in bodies of ours, since they have no line to be a thread on; ``told`` has
    their words, as threads without a path.
    """

    viewer: str = ""
    head_sha: str = ""
    commit_messages: tuple[str, ...] = ()
    linked_issues: tuple[tuple[str, str], ...] = ()
    threads: tuple[ReviewThread, ...] = ()
    rules: dict[str, str] = field(default_factory=dict)
    sticky_comment_id: int | None = None
    sticky_body: str = ""
    review_urls: dict[str, str] = field(default_factory=dict)
    said: frozenset[str] = frozenset()
    told: tuple[ReviewThread, ...] = ()
