"""Runs git in a closed room: no configuration of the machine, no hooks, filters, prompts or helpers; limits on all.

`Git` reads an object store. `checkout.py` fills one from a remote, `local_tree.py` looks into one that is there.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from anyio.abc import ByteReceiveStream, Process

from reviewbot.errors import WorkspaceError

MOST_BYTES = 400_000_000
REGULAR = ("100644", "100755")
_PASSED_ON = (
    "PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SYSTEMROOT",
    "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy",
)  # fmt: skip
_CLOSED = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}
# Everything in a repository's own configuration that could start a program while objects are read or compared.
_SILENT = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.askPass": "",
    "core.sshCommand": "false",
    "core.pager": "cat",
    "core.quotePath": "true",
    "credential.helper": "",
    "diff.suppressBlankEmpty": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
}
# Plumbing, so that no taste in a configuration file changes the text; binary files stay one line.
DIFF = (
    "diff-tree", "-r", "-p", "--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", "-l1000", "-U3",
    "--inter-hunk-context=0", "--full-index", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short",
    "--diff-algorithm=myers", "--no-relative",
)  # fmt: skip
_CREDENTIALS = re.compile(r"(?i)(authorization:\s*)[^\n]*|(?<=://)[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a tree: mode, kind and object of a path."""

    mode: str
    oid: str
    path: str


@dataclass(frozen=True, slots=True)
class Git:
    """One object store. ``environ`` is the caller's environment, of which only path, proxies and certificates are
    used; ``config`` and ``variables`` are set for every command, by the environment, so that they never show in a
    process list. Every failure is a WorkspaceError with git's own words."""

    directory: Path
    environ: Mapping[str, str]
    config: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 300.0
    secret: str = ""
    cwd: Path | None = None

    def environment(self) -> dict[str, str]:
        """The whole environment of a git process."""
        kept = {name: self.environ[name] for name in _PASSED_ON if name in self.environ}
        config = {**_SILENT, **self.config}
        pairs = {f"GIT_CONFIG_KEY_{n}": key for n, key in enumerate(config)}
        pairs |= {f"GIT_CONFIG_VALUE_{n}": value for n, value in enumerate(config.values())}
        # A home of its own, because libcurl would read ~/.netrc.
        home = {"HOME": str(self.directory), "GIT_DIR": str(self.directory), "GIT_ALLOW_PROTOCOL": ""}
        count = {"GIT_CONFIG_COUNT": str(len(config))}
        return {"PATH": os.defpath, **kept, **_CLOSED, **home, **pairs, **count, **self.variables}

    async def run(
        self, *args: str, stdin: bytes = b"", most: int = MOST_BYTES, answers: tuple[int, ...] = (0,)
    ) -> bytes:
        """Standard output of ``git ARGS``. It is killed on cancellation, at the time limit, and past ``most`` bytes;
        an exit code that is not among ``answers`` is an error."""
        try:
            with anyio.fail_after(self.timeout):
                code, out, err = await self._run(args, stdin, most)
        except TimeoutError:
            raise WorkspaceError(f"git {args[0]} took more than {self.timeout:g} s.") from None
        if code not in answers:
            raise WorkspaceError(f"git {args[0]} failed: {self._own_words(err)}")
        return out

    async def _run(self, args: Sequence[str], stdin: bytes, most: int) -> tuple[int, bytes, bytes]:
        process = await self._start(args)
        out, err = _Output(most), _Output(most)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_feed, process, stdin)
                group.start_soon(out.collect, process, process.stdout)
                group.start_soon(err.collect, process, process.stderr)
            code = await process.wait()
        finally:
            _kill(process)
            with anyio.CancelScope(shield=True):
                await process.aclose()
        if out.over or err.over:
            raise WorkspaceError(f"git {args[0]} gave more than {most} bytes.")
        return code, out.data, err.data

    async def _start(self, args: Sequence[str]) -> Process:
        folder = self.cwd or self.directory
        try:
            return await anyio.open_process(
                ["git", *args], stdin=subprocess.PIPE, cwd=folder, env=self.environment(), start_new_session=True
            )
        except OSError as error:
            missing = "git" if folder.is_dir() else str(folder)
            raise WorkspaceError(
                f"git cannot be started: {missing}: {error.strerror}.", remedy="Install git 2.33 or newer."
            ) from None

    def _own_words(self, err: bytes) -> str:
        text = err.decode("utf-8", "replace").strip()[-2000:] or "it gave no reason."
        text = _CREDENTIALS.sub(lambda found: f"{found[1] or ''}***", text)
        return text.replace(self.secret, "***") if self.secret else text

    async def entries(self, tree: str) -> tuple[Entry, ...]:
        """Every file of a commit or tree, submodules and links included. Paths keep odd bytes as surrogates."""
        out = await self.run("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", checked(tree))
        found = []
        for line in out.split(b"\0")[:-1]:
            facts, path = line.split(b"\t", 1)
            mode, _, oid = facts.decode().split(" ")
            found.append(Entry(mode, oid, os.fsdecode(path)))
        return tuple(found)

    async def diff(self, old: str, new: str) -> bytes:
        """The unified diff of two commits or trees."""
        return await self.run(*DIFF, "--end-of-options", checked(old), checked(new))

    async def blobs(self, oids: Iterable[str]) -> dict[str, bytes]:
        """The contents of blobs that are in the store."""
        wanted = list(dict.fromkeys(oids))
        if not wanted:
            return {}
        out = await self.run("cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in wanted).encode())
        found, at = {}, 0
        for oid in wanted:
            end = out.index(b"\n", at)
            header = out[at:end].split(b" ")
            if len(header) != 3:
                raise WorkspaceError(f"git has no object {oid}.")
            start, size = end + 1, int(header[2])
            found[oid] = out[start : start + size]
            at = start + size + 1
        return found

    async def texts(self, tree: str, paths: Sequence[str]) -> dict[str, bytes]:
        """The files of ``paths`` that are regular files of the tree."""
        oids = await self.regular(tree, paths)
        blobs = await self.blobs(oids.values())
        return {path: blobs[oid] for path, oid in oids.items()}

    async def regular(self, tree: str, paths: Sequence[str]) -> dict[str, str]:
        """Path -> blob, for those of ``paths`` that are regular files of the tree."""
        wanted = set(paths)
        return {e.path: e.oid for e in await self.entries(tree) if e.path in wanted and e.mode in REGULAR}


def git_version() -> str:
    """What ``git --version`` says, such as ``git 2.47.1``; empty when it cannot be started."""
    try:
        done = subprocess.run(["git", "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d[\w.]*", done.stdout)
    return f"git {found[0]}" if found else ""


def checked(sha: str) -> str:
    """An object name in full; anything else could be an option or a revision expression. Raises WorkspaceError."""
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", sha):
        raise WorkspaceError(f"{sha!r} is not the full name of a git object.")
    return sha


async def _feed(process: Process, stdin: bytes) -> None:
    if process.stdin is None:
        return
    try:
        if stdin:
            await process.stdin.send(stdin)
    except (anyio.BrokenResourceError, BrokenPipeError, ConnectionResetError):
        return  # git ended early; its exit code and words say why
    finally:
        await process.stdin.aclose()


class _Output:
    """What one pipe gave; git is killed when that is more than ``most`` bytes."""

    def __init__(self, most: int) -> None:
        self._most, self.data, self.over = most, b"", False

    async def collect(self, process: Process, stream: ByteReceiveStream | None) -> None:
        chunks: list[bytes] = []
        left = self._most
        if stream is not None:
            async for chunk in stream:
                left -= len(chunk)
                if left < 0:
                    self.over = True
                    _kill(process)
                    return
                chunks.append(chunk)
        self.data = b"".join(chunks)


def _kill(process: Process) -> None:
    """End git, if it still runs, and the transport processes that it started."""
    if process.returncode is not None:
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
