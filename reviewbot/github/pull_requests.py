"""PullRequestSource over GitHub: five reading calls for a change of up to 300 files, git for what GitHub would cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reviewbot.core.change.diff import Diff
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef, Surroundings
from reviewbot.errors import (
    DiffError,
    GitHubDiffTooLarge,
    GitHubError,
    GitHubNotFound,
    GitHubRejected,
    GitHubUnreachable,
)
from reviewbot.github.client import DIFF, RAW, GitHubClient
from reviewbot.github.payloads import read_pull, reconcile, too_big_for_api
from reviewbot.github.surroundings import read_surroundings
from reviewbot.ports import Workspace

_TEXTS_PER_QUERY = 60
_BLOB = "object(expression: $%s) { ... on Blob { oid text isBinary isTruncated byteSize } }"
_CUT_SHORT = (GitHubDiffTooLarge, GitHubRejected, GitHubUnreachable)  # how GitHub says that a diff is too much for it


class GitHubSource:
    """Reads one pull request. ``workspace`` is where diff and texts come from when GitHub would cut them; without one
    such a change is an error, never a part in silence."""

    def __init__(self, client: GitHubClient, ref: PullRequestRef, workspace: Workspace | None = None) -> None:
        self._client = client
        self._workspace = workspace
        self._fetched = False
        self.ref = ref
        self.seen: Surroundings | None = None
        self.git_reason = ""

    @property
    def calls(self) -> int:
        """Reading requests sent so far; the sink counts the writing ones."""
        return self._client.reads

    @property
    def _root(self) -> str:
        return f"/repos/{self.ref.full_name}"

    async def pull_request(self) -> PullRequest:
        """The facts as they are now: one call."""
        return read_pull(await self._client.get(f"{self._root}/pulls/{self.ref.number}"), self.ref)

    async def diff(self, pull: PullRequest) -> Diff:
        """The whole diff: from GitHub where its own counters agree with it, else from git (``git_reason`` says why).

        Raises GitHubDiffTooLarge when git is needed and there is no workspace.
        """
        reason = too_big_for_api(pull)
        if not reason:
            received, reason = await self._api_diff(pull)
            if received is not None and not reason:
                return received
        self.git_reason = reason
        if self._workspace is None:
            raise GitHubDiffTooLarge(
                f"GitHub's diff of {pull.label} is not complete: {reason}.",
                remedy="Install git where reviewbot runs, so that the diff can be read from the repository.",
            )
        self._fetched = True
        return parse_diff(await self._workspace.diff(pull.base_sha, pull.head_sha))

    async def _api_diff(self, pull: PullRequest) -> tuple[Diff | None, str]:
        """GitHub's diff, and why it cannot be used (empty when it can)."""
        try:
            received = parse_diff(await self._client.get_bytes(f"{self._root}/pulls/{self.ref.number}", DIFF))
        except _CUT_SHORT as error:
            if self._workspace is None:
                raise
            return None, error.message
        except DiffError as error:
            return None, error.message
        return received, reconcile(pull, received)

    async def diff_between(self, base: str, head: str) -> Diff:
        """One call, or git where GitHub would cut the diff. Raises GitHubNotFound or WorkspaceError when a commit is
        gone.

        https://docs.github.com/en/rest/commits/commits#compare-two-commits
        """
        path = f"{self._root}/compare/{base}...{head}"
        if self._workspace is None or not self._fetched:
            try:
                return parse_diff(await self._client.get_bytes(path, DIFF))
            except (*_CUT_SHORT, DiffError):
                if self._workspace is None:
                    raise
        self._fetched = True
        return parse_diff(await self._workspace.diff(base, head))

    async def surroundings(self, pull: PullRequest, directories: Sequence[str] = ()) -> Surroundings:
        """Threads, words and rule files of the root and of ``directories`` at the base commit: one call, as a rule."""
        self.seen = await read_surroundings(self._client, pull, self.ref, directories)
        return self.seen

    async def texts(self, sha: str, paths: Sequence[str]) -> dict[str, bytes]:
        """The files that exist at the commit: one call for up to 60, else git where there is a workspace.

        What GraphQL cuts or recodes is read again, so each text is the file's own bytes. GraphQL tells no modes: a
        symbolic link comes as the path it holds, as in the diff (``FilePatch.symlink`` knows).
        """
        if self._workspace is not None and (self._fetched or len(paths) > _TEXTS_PER_QUERY):
            return await self._from_git(sha, paths)
        found: dict[str, bytes] = {}
        again: dict[str, str] = {}
        for start in range(0, len(paths), _TEXTS_PER_QUERY):
            batch = paths[start : start + _TEXTS_PER_QUERY]
            try:
                nodes = await self._blobs(sha, batch)
            except GitHubUnreachable:  # a query for many large files takes GitHub too long
                if self._workspace is None:
                    raise
                return await self._from_git(sha, paths)
            for path, node in zip(batch, nodes, strict=True):
                text = exact_text(node)
                if text is not None:
                    found[path] = text
                elif node:
                    again[path] = node["oid"]
        return found | await self._again(sha, again)

    async def _again(self, sha: str, oids: dict[str, str]) -> dict[str, bytes]:
        if oids and self._workspace is not None:
            return await self._from_git(sha, tuple(oids))
        return {path: await self._client.get_bytes(f"{self._root}/git/blobs/{oid}", RAW) for path, oid in oids.items()}

    async def _from_git(self, sha: str, paths: Sequence[str]) -> dict[str, bytes]:
        if self._workspace is None:
            raise GitHubError("There is no git workspace.")
        self._fetched = True
        return await self._workspace.texts(sha, paths)

    async def _blobs(self, sha: str, paths: Sequence[str]) -> list[dict[str, Any] | None]:
        names = [f"f{index}" for index in range(len(paths))]
        fixed = "$owner: String!, $name: String!, $sha: GitObjectID!"
        head = ", ".join([fixed, *(f"${name}: String!" for name in names)])
        body = " ".join(["commit: object(oid: $sha) { oid }", *(f"{name}: {_BLOB % name}" for name in names)])
        query = f"query({head}) {{ repository(owner: $owner, name: $name) {{ {body} }} }}"
        variables = {name: f"{sha}:{path}" for name, path in zip(names, paths, strict=True)}
        known = {"owner": self.ref.owner, "name": self.ref.repo, "sha": sha}
        repository = (await self._client.graphql(query, known | variables))["repository"]
        if not repository or not repository["commit"]:
            # Without this, every file of a commit that is gone would look like a file that is not there.
            raise GitHubNotFound(f"GitHub has no commit {sha} in {self.ref.full_name}.", remedy="Start again.")
        return [repository[name] for name in names]


def exact_text(node: dict[str, Any] | None) -> bytes | None:
    """The bytes of a GraphQL blob, or None when they are not in it: no blob, binary, cut, or recoded to UTF-8."""
    if not node or node.get("text") is None or node["isTruncated"] or node["isBinary"]:
        return None
    text = str(node["text"]).encode("utf-8", "surrogatepass")
    return text if len(text) == node["byteSize"] else None
