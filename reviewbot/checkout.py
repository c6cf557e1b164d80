"""Workspace over the git CLI: a bare, shallow, blobless copy of what one review needs, in a temporary directory."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import anyio
from anyio.to_thread import run_sync

from reviewbot.errors import WorkspaceError
from reviewbot.git import Git, checked

# How many commits are fetched before the merge base is looked for; the last means the whole history.
_DEPTHS = (50, 200, 1000, 2_147_483_647)
_GITLINK = "160000"
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--recurse-submodules=no")


class GitWorkspace:
    """Reads commits of the repository at ``url`` (http or https; a path only with ``allow_file``, for tests).

    Nothing is fetched before it is asked for, and the copy is removed by ``aclose``. The token is handed to git by the
    environment and only for this host. ``pull_number`` names the ref under which a fork's head can be had, should the
    server refuse to hand out a commit by its name. Every failure is a WorkspaceError.
    """

    def __init__(
        self,
        url: str,
        *,
        environ: Mapping[str, str],
        token: str | None = None,
        pull_number: int | None = None,
        timeout: float = 300.0,
        allow_file: bool = False,
    ) -> None:
        self._url, scheme = _checked_url(url, allow_file=allow_file)
        self._pull_ref = f"refs/pull/{pull_number:d}/head" if pull_number is not None else None
        self._git = Git(
            Path(),
            environ,
            config=_remote(self._url, token),
            variables={"GIT_ALLOW_PROTOCOL": scheme},
            timeout=timeout,
            secret=token or "",
        )
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._lock = anyio.Lock()
        self._commits: set[str] = set()
        self._blobs: set[str] = set()
        self._whole = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Remove the copy."""
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            with anyio.CancelScope(shield=True):
                await run_sync(temporary.cleanup)

    async def diff(self, base: str, head: str) -> bytes:
        """The unified diff from the merge base of two commits to ``head``, renames on."""
        async with self._lock:
            git = await self._open()
            fork = await self._merge_base(git, checked(base), checked(head))
            await self._fetch_blobs(git, await _changed_blobs(git, fork, head))
            return await git.diff(fork, head)

    async def texts(self, sha: str, paths: Sequence[str]) -> dict[str, bytes]:
        """The files of ``paths`` that are regular files of the commit; their blobs come in one batch."""
        async with self._lock:
            git = await self._open()
            await self._have_commit(git, checked(sha))
            oids = await git.regular(sha, paths)
            await self._fetch_blobs(git, oids.values())
            blobs = await git.blobs(oids.values())
            return {path: blobs[oid] for path, oid in oids.items()}

    async def paths(self, sha: str) -> tuple[str, ...]:
        """Every path of the commit, in git's order."""
        async with self._lock:
            git = await self._open()
            await self._have_commit(git, checked(sha))
            return tuple(entry.path for entry in await git.entries(sha))

    async def _open(self) -> Git:
        """The store, made at first use. ``--template=`` keeps the machine's hooks and attributes out of it."""
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="reviewbot-", ignore_cleanup_errors=True)
            self._git = replace(self._git, directory=Path(self._temporary.name))
            await self._git.run("init", "--quiet", "--bare", "--template=", ".")
        return self._git

    async def _merge_base(self, git: Git, base: str, head: str) -> str:
        """Where the two histories part. A shallow history may show a wrong place, so deepen until it is certain."""
        for depth in _DEPTHS:
            await self._fetch_commits(git, (base, head), depth)
            found = await _merge_bases(git, base, head)
            if found and not await _may_be_better(git, base, head, found):
                return found[0]
        if found:
            return found[0]
        raise WorkspaceError(
            f"The commits {base[:12]} and {head[:12]} have no common history.",
            remedy="Such a pull request has no diff; rebase it onto its base branch.",
        )

    async def _have_commit(self, git: Git, sha: str) -> None:
        if sha not in self._commits:
            await self._fetch_commits(git, (sha,), 1)

    async def _fetch_commits(self, git: Git, shas: Sequence[str], depth: int) -> None:
        options = (f"--depth={depth}", "--filter=blob:none", "--end-of-options", "origin")
        try:
            await git.run(*_FETCH, *options, *shas)
        except WorkspaceError:
            if self._pull_ref is None or not await self._fetched_by_name(git, depth, shas):
                raise
        self._commits.update(shas)

    async def _fetched_by_name(self, git: Git, depth: int, shas: Sequence[str]) -> bool:
        """For a server that hands out nothing but what has a name: everything comes at once, blobs too."""
        names = (f"+{self._pull_ref}:refs/reviewbot/head", "+refs/heads/*:refs/reviewbot/heads/*")
        try:
            await git.run(*_FETCH, f"--depth={depth}", "--no-filter", "--end-of-options", "origin", *names)
            await git.run("rev-list", "--no-walk", *shas)
        except WorkspaceError:
            return False
        self._whole = True
        return True

    async def _fetch_blobs(self, git: Git, oids: Iterable[str]) -> None:
        """Get what is missing in one request; left to itself, git would ask for each blob alone."""
        missing = list(dict.fromkeys(oid for oid in oids if oid not in self._blobs))
        if missing and not self._whole:
            lines = "".join(f"{oid}\n" for oid in missing).encode()
            config = {**git.config, "fetch.negotiationAlgorithm": "noop"}
            fetch = replace(git, config=config)
            await fetch.run(*_FETCH, "--filter=blob:none", "--stdin", "origin", stdin=lines)
            self._blobs.update(missing)


async def _merge_bases(git: Git, base: str, head: str) -> list[str]:
    """All best common ancestors that the history shows so far, git's own choice first."""
    return (await git.run("merge-base", "--all", base, head, answers=(0, 1))).decode().split()


async def _may_be_better(git: Git, base: str, head: str, found: Sequence[str]) -> bool:
    """Whether a better common ancestor could lie beyond the shallow border: true when the border has a commit that is
    not an ancestor of those found."""
    shallow = git.directory / "shallow"
    if not shallow.exists():
        return False
    border = set(shallow.read_text(encoding="ascii").split())
    between = await git.run("rev-list", base, head, "--not", *found)
    return not border.isdisjoint(between.decode().split())


async def _changed_blobs(git: Git, old: str, new: str) -> list[str]:
    """Both sides of every changed file; submodules have no blob."""
    out = (await git.run("diff-tree", "-r", "--raw", "-z", "--no-renames", "--no-abbrev", old, new)).split(b"\0")
    oids = []
    for facts in out[:-1:2]:
        old_mode, new_mode, old_oid, new_oid, _ = facts.decode().lstrip(":").split(" ")
        oids += [oid for mode, oid in ((old_mode, old_oid), (new_mode, new_oid)) if mode not in (_GITLINK, "000000")]
    return oids


def _remote(url: str, token: str | None) -> dict[str, str]:
    """The remote and its credentials as configuration. Redirects are refused: the header must not follow one."""
    config = {"remote.origin.url": url, "http.followRedirects": "false", "protocol.version": "2"}
    parts = urlsplit(url)
    if parts.scheme == "http":
        config["http.proxy"] = ""  # plain http is for this machine only, where no proxy of the environment is
    if token:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        config[f"http.{parts.scheme}://{parts.netloc}/.extraHeader"] = f"Authorization: Basic {basic}"
    return config


def _checked_url(url: str, *, allow_file: bool) -> tuple[str, str]:
    parts = urlsplit(url)
    if allow_file and parts.scheme in ("", "file"):
        return (url if parts.scheme else Path(url).absolute().as_uri()), "file"
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise WorkspaceError(
            f"Not an address that is fetched from: {parts.scheme or 'no scheme'}://{parts.hostname or ''}.",
            remedy="Use an http or https address without a user name.",
        )
    return url, parts.scheme
