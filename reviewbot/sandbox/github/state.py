"""SandboxGitHub: the whole state of this GitHub, and how people and apps come into it.

    github = SandboxGitHub({"octo/shop": "/path/to/repository"})
    number = github.open_pull_request("octo/shop", base="main", head="feature", title="Take cards")
    token = github.add_token(login="reviewer")

State lives in memory and ends with the process. The git repositories are read and never written. Every request holds
``lock`` while it is served, so this GitHub does one thing at a time and its answers are reproducible.
"""

from __future__ import annotations

import itertools
import re
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reviewbot.errors import UsageError
from reviewbot.sandbox.github import records
from reviewbot.sandbox.github.faults import Faults
from reviewbot.sandbox.github.limits import Limits, Quota
from reviewbot.sandbox.github.records import Account, Issue, Pull, Token
from reviewbot.sandbox.github.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from reviewbot.sandbox.github.changes import Changes
    from reviewbot.sandbox.github.objects import Commit

_FULL_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}")
#: docs.github.com, "Linking a pull request to an issue".
_CLOSING = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:([\w.-]+/[\w.-]+))?#(\d+)", re.IGNORECASE)


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


class SandboxGitHub:
    """A GitHub. ``repos`` maps full names to paths of git repositories, bare or with a work tree."""

    def __init__(
        self,
        repos: Mapping[str, Path | str] | None = None,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.limits = limits or Limits()
        self.clock = clock
        self.lock = threading.RLock()
        self.faults = Faults()
        self.quota = Quota(self.limits)
        self.log: list[records.Logged] = []
        self.accounts: dict[str, Account] = {}
        self.repositories: dict[str, Hosted] = {}
        self.tokens: dict[str, Token] = {}
        self.installations: dict[int, records.Installation] = {}
        self.manifests: dict[str, tuple[Mapping[str, Any], float]] = {}
        self._ids = itertools.count(1_001)
        owner = self.account("octo-org", kind="Organization")
        bot = self.account("reviewbot-sandbox[bot]", kind="Bot")
        self.app = records.App(self.new_id(), "reviewbot-sandbox", owner, bot)
        for full_name, path in (repos or {}).items():
            self.add_repository(full_name, path)

    def close(self) -> None:
        """Stop the git processes and remove the facades."""
        for hosted in self.repositories.values():
            hosted.repository.close()

    def new_id(self) -> int:
        return next(self._ids)

    def now(self) -> str:
        """The time as GitHub writes it."""
        return datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    # People and programs

    def account(self, login: str, *, kind: str = "User") -> Account:
        """The account of this login, made on first use."""
        return self.accounts.setdefault(login.lower(), Account(self.new_id(), login, kind))

    def add_token(
        self,
        login: str | None = None,
        *,
        kind: records.TokenKind = "personal",
        value: str | None = None,
        permissions: Mapping[str, str] | None = None,
        repositories: Collection[str] | None = None,
        expires_in: float | None = None,
        installation: int | None = None,
    ) -> str:
        """A new token of this account; its value. ``permissions`` default to everything, ``repositories`` (full names)
        to all; a token of kind ``app`` or ``actions`` speaks for a bot unless ``login`` says otherwise."""
        bots = {"app": self.app.bot.login, "actions": "github-actions[bot]"}
        account = self.account(login or bots.get(kind, "reviewer"), kind="Bot" if kind in bots else "User")
        prefix = {"personal": "ghp_", "app": "ghs_", "actions": "ghs_"}[kind]
        value = value or prefix + secrets.token_hex(18)
        chosen = None if repositories is None else frozenset(name.lower() for name in repositories)
        expires = None if expires_in is None else self.clock() + expires_in
        held = {"metadata": "read", **(records.EVERYTHING if permissions is None else permissions)}
        self.tokens[value] = Token(value, kind, account, held, chosen, expires, installation)
        return value

    def add_installation(
        self,
        owner: str,
        *,
        repositories: Collection[str] | None = None,
        permissions: Mapping[str, str] | None = None,
    ) -> int:
        """Install the app with an account, on all its repositories or on some; the installation's id."""
        chosen = None if repositories is None else frozenset(name.lower() for name in repositories)
        number = self.new_id()
        held = {"metadata": "read", **(records.EVERYTHING if permissions is None else permissions)}
        self.installations[number] = records.Installation(number, self.account(owner), held, chosen)
        return number

    def suspend_installation(self, number: int, *, suspended: bool = True) -> None:
        """Suspend it, or lift that again: its tokens are refused meanwhile, and there are no new ones."""
        found = self.installations[number]
        self.installations[number] = replace(found, suspended_at=self.now() if suspended else None)

    def remove_installation(self, number: int) -> None:
        """Uninstall the app; its tokens end."""
        del self.installations[number]
        self.tokens = {value: token for value, token in self.tokens.items() if token.installation != number}

    def use_app(
        self, *, app_id: int | None = None, slug: str = "reviewbot-sandbox", public_key: str | None = None
    ) -> int:
        """Say which App this GitHub knows; its id. With a public key (PEM) its JWTs must be signed to match."""
        bot = self.account(f"{slug}[bot]", kind="Bot")
        self.app = records.App(app_id or self.app.id, slug, self.app.owner, bot, public_key)
        return self.app.id

    # Repositories, issues and pull requests

    def add_repository(
        self, full_name: str, path: Path | str, *, private: bool = False, fork_of: str | None = None
    ) -> Hosted:
        """Serve the git repository at ``path`` as ``owner/name``. Raises UsageError for a name that GitHub would not
        take, WorkspaceError when there is no repository."""
        if not _FULL_NAME.fullmatch(full_name) or full_name.lower() in self.repositories:
            raise UsageError(f"{full_name!r} cannot be a new repository's name.", remedy="Give OWNER/NAME, once.")
        repository = Repository(path, limits=self.limits)
        owner = self.account(full_name.partition("/")[0])
        hosted = Hosted(self.new_id(), full_name, owner, repository, private, fork_of, self.now())
        self.repositories[full_name.lower()] = hosted
        return hosted

    def delete_repository(self, full_name: str) -> None:
        """A fork goes away: pull requests from it keep their commits and have a null ``head.repo``."""
        self.repositories.pop(full_name.lower()).repository.close()
        for hosted in self.repositories.values():
            for pull in hosted.pulls():
                if pull.head_repo and pull.head_repo.lower() == full_name.lower():
                    pull.head_repo = None

    def hosted(self, full_name: str) -> Hosted:
        """The repository of this name, its refs as they are now. Raises UsageError when there is none."""
        found = self.repositories.get(full_name.lower())
        if found is None:
            raise UsageError(f"This sandbox has no repository {full_name}.")
        self.refresh(found)
        return found

    def refresh(self, hosted: Hosted) -> None:
        """Follow the branches: an open pull request has the head that its branch has now."""
        hosted.repository.refresh()
        for pull in hosted.pulls():
            if pull.state != "open":
                continue
            source = self._head_repository(hosted, pull)
            if source is not None and source is not hosted:
                source.repository.refresh()
            head = source.repository.branches.get(pull.head_ref) if source else None
            base = hosted.repository.branches.get(pull.base_ref)
            if (head and head != pull.head_sha) or (base and base != pull.base_sha):
                pull.head_sha, pull.base_sha, pull.updated_at = head or pull.head_sha, base or pull.base_sha, self.now()
        hosted.repository.publish({pull.number: pull.head_sha for pull in hosted.pulls()})

    def _head_repository(self, hosted: Hosted, pull: Pull) -> Hosted | None:
        return self.repositories.get(pull.head_repo.lower()) if pull.head_repo else None

    def add_issue(self, full_name: str, title: str, body: str = "", *, author: str = "reporter") -> int:
        """Open an issue; its number. A pull request whose body says ``Fixes #N`` closes it."""
        hosted = self.hosted(full_name)
        number = max(hosted.issues, default=0) + 1
        now = self.now()
        hosted.issues[number] = Issue(self.new_id(), number, title, body, self.account(author), now, now)
        return number

    def open_pull_request(  # noqa: PLR0913 - by keyword only: the fields of GitHub's own form
        self,
        full_name: str,
        *,
        base: str,
        head: str,
        title: str | None = None,
        body: str | None = "",
        author: str = "contributor",
        draft: bool = False,
        head_repo: str | None = None,
        closes: Collection[int] = (),
        labels: Collection[str] = (),
    ) -> int:
        """Open a pull request between two branches; its number. ``head_repo`` is the fork's full name, if it is one.

        A tag or a commit may stand for a branch: it then never moves. The title defaults to the last commit's first
        line. Raises UsageError when there is no such branch or commit, or the two share no history.
        """
        hosted = self.hosted(full_name)
        source = self.hosted(head_repo) if head_repo else hosted
        base_sha, head_sha = hosted.repository.commit_sha(base), source.repository.commit_sha(head)
        if not base_sha or not head_sha:
            missing = base if not base_sha else head
            raise UsageError(f"There is no branch or commit {missing!r}.", remedy="Name two branches or commits.")
        hosted.repository.borrow(source.repository)
        if hosted.repository.merge_base(base_sha, head_sha) is None:
            raise UsageError(f"{base} and {head} have no history in common.", remedy="Choose related branches.")
        last = hosted.repository.commit(head_sha)
        now, number = self.now(), max(hosted.issues, default=0) + 1
        linked = {int(found[2]) for found in _CLOSING.finditer(body or "") if not found[1]} | set(closes)
        pull = Pull(
            id=self.new_id(),
            number=number,
            title=title or (last.message.partition("\n")[0] if last else head) or head,
            body=body,
            author=self.account(author),
            created_at=now,
            updated_at=now,
            labels=list(labels),
            base_ref=base,
            head_ref=head,
            head_repo=source.full_name,
            head_owner=source.owner.login,
            base_sha=base_sha,
            head_sha=head_sha,
            draft=draft,
            closes=sorted(linked),
        )
        hosted.issues[number] = pull
        self.refresh(hosted)
        return number

    def close_pull_request(self, full_name: str, number: int, *, merged: bool = False) -> None:
        """Close it, or record it as merged; the branches are not moved."""
        pull = self.hosted(full_name).pull(number)
        pull.state, pull.closed_at, pull.updated_at = "closed", self.now(), self.now()
        if merged:
            pull.merged_at = pull.closed_at
