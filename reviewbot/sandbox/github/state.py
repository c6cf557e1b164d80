"""SandboxGitHub: the whole state of this GitHub, and how people and apps come into it.

    github = SandboxGitHub({"octo/shop": "/path/to/repository"})
    number = github.open_pull_request("octo/shop", base="main", head="feature", title="Take cards")
    token = github.add_token(login="reviewer")

State lives in memory and ends with the process. The git repositories are read and never written. Every request holds
``lock`` while it is served, and every deed while it is done, so this GitHub does one thing at a time and its answers
are reproducible. With ``use_app(hook_url=...)`` what happens is told to the App's webhook; ``hooks`` is about that.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from reviewbot.errors import UsageError
from reviewbot.sandbox.github import records
from reviewbot.sandbox.github.accounts import Accounts, locked
from reviewbot.sandbox.github.faults import Faults
from reviewbot.sandbox.github.hosting import Hosted
from reviewbot.sandbox.github.limits import Limits, Quota
from reviewbot.sandbox.github.records import Account, Issue, Pull
from reviewbot.sandbox.github.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

_FULL_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}")
#: docs.github.com, "Linking a pull request to an issue".
_CLOSING = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:([\w.-]+/[\w.-]+))?#(\d+)", re.IGNORECASE)


class SandboxGitHub(Accounts):
    """A GitHub. ``repos`` maps full names to paths of git repositories, bare or with a work tree."""

    def __init__(
        self,
        repos: Mapping[str, Path | str] | None = None,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(limits or Limits(), clock)
        self.faults = Faults()
        self.quota = Quota(self.limits)
        self.log: list[records.Logged] = []
        self.manifests: dict[str, tuple[Mapping[str, Any], float]] = {}
        self.storage: dict[str, tuple[bytes, float]] = {}
        for full_name, path in (repos or {}).items():
            self.add_repository(full_name, path)

    def close(self) -> None:
        """Stop sending, stop the git processes and remove the facades."""
        self.hooks.close()
        for hosted in self.repositories.values():
            hosted.repository.close()

    # Repositories, issues and pull requests

    @locked
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
        self._announce_repository("added", hosted)
        return hosted

    @locked
    def delete_repository(self, full_name: str) -> None:
        """A fork goes away: pull requests from it keep their commits and have a null ``head.repo``."""
        gone = self.repositories.pop(full_name.lower())
        gone.repository.close()
        self._announce_repository("removed", gone)
        for hosted in self.repositories.values():
            for pull in hosted.pulls():
                if pull.head_repo and pull.head_repo.lower() == full_name.lower():
                    pull.head_repo = None

    @locked
    def hosted(self, full_name: str) -> Hosted:
        """The repository of this name, its refs as they are now. Raises UsageError when there is none."""
        found = self.repositories.get(full_name.lower())
        if found is None:
            raise UsageError(f"This sandbox has no repository {full_name}.")
        self.refresh(found)
        return found

    def _announce_repository(self, action: str, hosted: Hosted) -> None:
        """An installation on all repositories of an account has the new one too, and loses one that goes."""
        for row in self.installations.values():
            if row.repositories is None and row.covers(hosted.full_name):
                self.announcer.installation_repositories(action, row, [hosted])

    @locked
    def notice(self, full_name: str, *, by: str | None = None) -> None:
        """See now what was pushed to this repository, and tell of it, also where it is a fork. ``by`` is who pushed,
        the pull request's author if nobody is named. Without this the next request that reads the repository does."""
        name = full_name.lower()
        if name not in self.repositories:
            raise UsageError(f"This sandbox has no repository {full_name}.")
        for hosted in list(self.repositories.values()):
            if any(
                hosted.full_name.lower() == name or (pull.head_repo or "").lower() == name for pull in hosted.pulls()
            ):
                self.refresh(hosted, by=by)

    @locked
    def refresh(self, hosted: Hosted, *, by: str | None = None) -> None:
        """Follow the branches: an open pull request has the head that its branch has now."""
        hosted.repository.refresh()
        moved = []
        for pull in hosted.pulls():
            before = pull.head_sha
            if pull.state == "open" and self._follow(hosted, pull) and pull.head_sha != before:
                moved.append((pull, before))
        hosted.repository.publish({pull.number: pull.head_sha for pull in hosted.pulls()})
        for pull, before in moved:
            who = self.account(by) if by else pull.author
            self.announcer.pull_request("synchronize", hosted, pull, who, before=before, after=pull.head_sha)

    def _follow(self, hosted: Hosted, pull: Pull) -> bool:
        """Whether an end of the pull request moved."""
        source = self._head_repository(hosted, pull)
        if source is not None and source is not hosted:
            source.repository.refresh()
        head = source.repository.branches.get(pull.head_ref) if source else None
        base = hosted.repository.branches.get(pull.base_ref)
        was = (pull.head_sha, pull.base_sha)
        pull.head_sha, pull.base_sha = head or pull.head_sha, base or pull.base_sha
        if was == (pull.head_sha, pull.base_sha):
            return False
        pull.updated_at = self.now()
        return True

    def _head_repository(self, hosted: Hosted, pull: Pull) -> Hosted | None:
        return self.repositories.get(pull.head_repo.lower()) if pull.head_repo else None

    @locked
    def add_issue(self, full_name: str, title: str, body: str = "", *, author: str = "reporter") -> int:
        """Open an issue; its number. A pull request whose body says ``Fixes #N`` closes it."""
        hosted = self.hosted(full_name)
        number = max(hosted.issues, default=0) + 1
        now = self.now()
        hosted.issues[number] = Issue(self.new_id(), number, title, body, self.account(author), now, now)
        return number

    @locked
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
        self.announcer.pull_request("opened", hosted, pull, pull.author)
        return number

    @locked
    def add_artifact(
        self, full_name: str, run_id: int, name: str, data: bytes, *, number: int, expired: bool = False
    ) -> int:
        """A workflow run on this pull request uploads something; its id. The bytes are those of the ZIP archive."""
        hosted, pull = self.hosted(full_name), self.hosted(full_name).pull(number)
        made = self.new_id()
        hosted.artifacts[made] = records.Artifact(
            made, name, run_id, pull.head_ref, pull.head_sha, data, self.now(), expired
        )
        return made

    # What people do with them. Who does it is the pull request's author unless ``by`` says otherwise.

    @locked
    def close_pull_request(self, full_name: str, number: int, *, merged: bool = False, by: str | None = None) -> None:
        """Close it, or record it as merged; the branches are not moved."""
        hosted, pull, who = self._deed(full_name, number, by)
        pull.state, pull.closed_at, pull.updated_at = "closed", self.now(), self.now()
        if merged:
            pull.merged_at = pull.closed_at
        self.announcer.pull_request("closed", hosted, pull, who)

    @locked
    def reopen_pull_request(self, full_name: str, number: int, *, by: str | None = None) -> None:
        """Open it again, with the head that its branch has now. Raises UsageError for one that was merged."""
        hosted, pull, who = self._deed(full_name, number, by)
        if pull.merged_at:
            raise UsageError(f"Pull request {number} was merged.", remedy="Open a new one.")
        pull.state, pull.closed_at, pull.updated_at = "open", None, self.now()
        self._follow(hosted, pull)
        self.refresh(hosted)
        self.announcer.pull_request("reopened", hosted, pull, who)

    @locked
    def set_draft(self, full_name: str, number: int, *, draft: bool = True, by: str | None = None) -> None:
        """Convert it to a draft, or say that it is ready for review."""
        hosted, pull, who = self._deed(full_name, number, by)
        if pull.draft != draft:
            pull.draft, pull.updated_at = draft, self.now()
            self.announcer.pull_request("converted_to_draft" if draft else "ready_for_review", hosted, pull, who)

    @locked
    def edit_pull_request(
        self, full_name: str, number: int, *, title: str | None = None, body: str | None = None, by: str | None = None
    ) -> None:
        """Change its title or its body."""
        hosted, pull, who = self._deed(full_name, number, by)
        given = {name: text for name, text in (("title", title), ("body", body)) if text is not None}
        changes = {name: {"from": getattr(pull, name) or ""} for name in given if given[name] != getattr(pull, name)}
        pull.title, pull.body = given.get("title", pull.title), given.get("body", pull.body)
        if changes:
            pull.updated_at = self.now()
            self.announcer.pull_request("edited", hosted, pull, who, changes=changes)

    @locked
    def add_label(self, full_name: str, number: int, name: str, *, by: str | None = None) -> None:
        hosted, pull, who = self._deed(full_name, number, by)
        if name not in pull.labels:
            pull.labels.append(name)
            self.announcer.labelled("labeled", hosted, pull, who, [name])

    @locked
    def remove_label(self, full_name: str, number: int, name: str, *, by: str | None = None) -> None:
        hosted, pull, who = self._deed(full_name, number, by)
        if name in pull.labels:
            pull.labels.remove(name)
            self.announcer.labelled("unlabeled", hosted, pull, who, [name])

    @locked
    def request_review(self, full_name: str, number: int, login: str, *, by: str | None = None) -> None:
        """Ask this account for a review, again if it was asked before."""
        hosted, pull, who = self._deed(full_name, number, by)
        reviewer = self.account(login, kind="Bot" if login.endswith("[bot]") else "User")
        if reviewer not in pull.requested_reviewers:
            pull.requested_reviewers.append(reviewer)
        self.announcer.review_requested(hosted, pull, who, reviewer)

    @locked
    def comment(self, full_name: str, number: int, login: str, body: str, *, association: str = "") -> int:
        """Comment on an issue or a pull request; the comment's id. The author's ``association`` is that of the
        repository's owner, collaborators and contributors unless it is given."""
        hosted, now = self.hosted(full_name), self.now()
        if number not in hosted.issues:
            raise UsageError(f"{full_name} has no issue or pull request {number}.")
        author, made = self.account(login), self.new_id()
        comment = records.IssueComment(made, number, author, body, now, now, association=association)
        hosted.comments[made] = comment
        self.announcer.issue_comment("created", hosted, comment, author)
        return made

    @locked
    def rerequest_check(self, full_name: str, check_run_id: int, *, by: str) -> None:
        """Press "Re-run" at one check run. The run stays as it is: a new one is up to its App."""
        hosted = self.hosted(full_name)
        self.announcer.check_run("rerequested", hosted, hosted.check_runs[check_run_id], self.account(by))

    @locked
    def rerequest_suite(self, full_name: str, sha: str, *, by: str) -> None:
        """Press "Re-run all checks" at a commit that has some."""
        hosted = self.hosted(full_name)
        runs = [run for run in hosted.check_runs.values() if run.head_sha == sha]
        if not runs:
            raise UsageError(f"{full_name} has no check runs at {sha}.")
        self.announcer.check_suite("rerequested", hosted, runs, self.account(by))

    def _deed(self, full_name: str, number: int, by: str | None) -> tuple[Hosted, Pull, Account]:
        hosted = self.hosted(full_name)
        pull = hosted.pull(number)
        return hosted, pull, self.account(by) if by else pull.author
