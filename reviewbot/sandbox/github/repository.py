"""A git repository as this GitHub serves it: a bare facade that borrows the objects of the real one.

The real repository is only read: the facade has its objects as an alternate, a copy of its branches and tags that is
renewed before each request, and ``refs/pull/N/head`` of its own. Its configuration is ours, so nobody's ``diff.*`` or
hooks have a say, and a fork's objects are added as a second alternate, as GitHub shares them between forks.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from reviewbot.errors import WorkspaceError
from reviewbot.sandbox.github.changes import Changes, read_changes
from reviewbot.sandbox.github.objects import COMMIT_FORMAT, Commit, GitObject, TreeEntry, read_commit, read_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reviewbot.sandbox.github.limits import Limits

SHA = re.compile(r"[0-9a-f]{40}")
#: git is run with this environment and nothing else: no configuration of the machine or the user has a say.
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
_FACADE_CONFIG = """[core]
\trepositoryformatversion = 0
\tbare = true
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
[gc]
\tauto = 0
"""
#: Diffs as GitHub makes them: renames found, copies not, three lines of context.
_DIFF = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", "-l1000", "--diff-algorithm=myers")
_KEPT_CHANGES = 32


@functools.cache
def git_program() -> str:
    """Where git is. Raises WorkspaceError when it is not installed."""
    found = shutil.which("git")
    if found is None:
        raise WorkspaceError("git is not installed.", remedy="Install git 2.34 or newer.")
    return found


class Repository:
    """One repository. Methods raise WorkspaceError when git fails; what does not exist is None."""

    def __init__(self, path: Path | str, *, limits: Limits) -> None:
        self.path = Path(path)
        self.limits = limits
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self._source = Path(_source_git(self.path, "rev-parse", "--path-format=absolute", "--git-common-dir").strip())
        self._keeper = tempfile.TemporaryDirectory(prefix="reviewbot-sandbox-")
        #: What a first commit is compared with.
        self.empty_tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
        self.git_dir = Path(self._keeper.name) / "repository.git"
        self._alternates: list[Path] = []
        self._listed = self._published = ""
        self._series: dict[tuple[str, str | None], list[Commit]] = {}
        self._reader: subprocess.Popen[bytes] | None = None
        self._reading = threading.Lock()
        self._changes: OrderedDict[tuple[str, str], Changes] = OrderedDict()
        self._commits: dict[str, Commit] = {}
        self._bases: dict[tuple[str, str], str | None] = {}
        self._build()

    def _build(self) -> None:
        for folder in ("objects/info", "objects/pack", "refs/heads"):
            (self.git_dir / folder).mkdir(parents=True)
        (self.git_dir / "config").write_text(_FACADE_CONFIG, encoding="utf-8")
        shallow = self._source / "shallow"
        if shallow.is_file():
            shutil.copyfile(shallow, self.git_dir / "shallow")
        self.default_branch = ""
        self.borrow(self)
        self.refresh()
        self.publish({})
        self.default_branch = self._default_branch()
        (self.git_dir / "HEAD").write_text(f"ref: refs/heads/{self.default_branch}\n", encoding="utf-8")

    def close(self) -> None:
        """Stop git and remove the facade; the real repository was never touched."""
        with self._reading:
            self._stop_reader()
        self._keeper.cleanup()

    def borrow(self, other: Repository) -> None:
        """Make the objects of ``other`` readable here, as GitHub does for a fork."""
        objects = other._source / "objects"
        if objects in self._alternates:
            return
        self._alternates.append(objects)
        lines = "".join(f"{path}\n" for path in self._alternates)
        (self.git_dir / "objects" / "info" / "alternates").write_text(lines, encoding="utf-8")
        with self._reading:
            self._stop_reader()

    def _default_branch(self) -> str:
        head = (self._source / "HEAD").read_text(encoding="utf-8").strip()
        name = head.removeprefix("ref: refs/heads/")
        candidates = [name, "main", "master", *sorted(self.branches)]
        return next((branch for branch in candidates if branch in self.branches), "main")

    def refresh(self) -> None:
        """Read the real repository's branches and tags again: a push there is seen by the next request here."""
        listed = _source_git(self.path, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")
        if listed != self._listed:
            self._listed = listed
            rows = [(name, sha) for sha, _, name in (line.partition(" ") for line in listed.splitlines())]
            self.branches, self.tags = _under("refs/heads/", rows), _under("refs/tags/", rows)

    def publish(self, pulls: Mapping[int, str]) -> None:
        """Write the facade's refs: those of the real repository, and ``refs/pull/N/head`` of each pull request."""
        rows = {f"refs/pull/{number}/head": sha for number, sha in pulls.items()}
        rows |= {f"refs/heads/{name}": sha for name, sha in self.branches.items()}
        rows |= {f"refs/tags/{name}": sha for name, sha in self.tags.items()}
        text = "# pack-refs with: sorted \n" + "".join(
            f"{sha} {name}\n" for name, sha in sorted(rows.items(), key=lambda row: os.fsencode(row[0]))
        )
        if text != self._published:
            fresh = self.git_dir / "packed-refs.new"
            fresh.write_bytes(os.fsencode(text))
            fresh.replace(self.git_dir / "packed-refs")
            self._published = text

    def git(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> bytes:
        """The standard output of git in the facade. Revisions in ``arguments`` must be object ids, and the exit code
        one of ``allowed``."""
        done = subprocess.run(
            [git_program(), f"--git-dir={self.git_dir}", *arguments], env=ENVIRONMENT, capture_output=True, check=False
        )
        if done.returncode not in allowed:
            raise WorkspaceError(f"git {arguments[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()}")
        return done.stdout

    def read(self, expression: str) -> GitObject | None:
        """The object that git's revision syntax names (``sha``, ``branch:path``, ``sha^{tree}``)."""
        if not expression or "\n" in expression or "\0" in expression:
            return None
        with self._reading:
            reader = self._running_reader()
            if reader.stdin is None or reader.stdout is None:
                raise WorkspaceError("git cat-file has no pipes.")
            reader.stdin.write(expression.encode("utf-8", "surrogateescape") + b"\n")
            reader.stdin.flush()
            header = reader.stdout.readline().split()
            if len(header) != 3 or not header[2].isdigit() or not SHA.fullmatch(header[0].decode("ascii", "replace")):
                return None  # "... missing" or "... ambiguous"
            data = reader.stdout.read(int(header[2]))
            reader.stdout.read(1)
        return GitObject(header[0].decode("ascii"), header[1].decode("ascii"), data)

    def _running_reader(self) -> subprocess.Popen[bytes]:
        if self._reader is None or self._reader.poll() is not None:
            self._reader = subprocess.Popen(
                [git_program(), f"--git-dir={self.git_dir}", "cat-file", "--batch"],
                env=ENVIRONMENT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._reader

    def _stop_reader(self) -> None:
        if self._reader is not None:
            self._reader.communicate()
            self._reader = None

    def commit_sha(self, ref: str) -> str | None:
        """The commit that a branch, a tag or an object id names, in GitHub's order."""
        known = self.branches.get(ref.removeprefix("refs/heads/")) or self.tags.get(ref.removeprefix("refs/tags/"))
        found = self.read(f"{known or ref}^{{commit}}")
        return found.sha if found else None

    def commits(self, head: str, *, without: str | None = None) -> list[Commit]:
        """The commits that ``head`` has and ``without`` has not, oldest first."""
        if (head, without) not in self._series:
            chosen = [head, f"^{without}"] if without else [head]
            listed = self.git("log", "-z", "--topo-order", "--reverse", f"--format={COMMIT_FORMAT}", *chosen, "--")
            series = [read_commit(record) for record in listed.split(b"\x01\0")[:-1]]
            self._series[head, without] = series
            self._commits |= {commit.sha: commit for commit in series}
        return self._series[head, without]

    def commit(self, sha: str) -> Commit | None:
        """The facts of one commit."""
        if sha not in self._commits:
            found = self.read(f"{sha}^{{commit}}")
            if found is None:
                return None
            listed = self.git("log", "-z", "-1", f"--format={COMMIT_FORMAT}", found.sha, "--")
            self._commits[sha] = read_commit(listed.removesuffix(b"\x01\0"))
        return self._commits[sha]

    def merge_base(self, base: str, head: str) -> str | None:
        """The best common ancestor of two commits, None when they share no history."""
        if (base, head) not in self._bases:
            found = self.git("merge-base", base, head, allowed=(0, 1)).decode("ascii").strip()
            self._bases[base, head] = found or None
        return self._bases[base, head]

    def changes(self, old: str, new: str) -> Changes:
        """What differs between two commits, renames found. The last few answers are kept."""
        key = (old, new)
        if key not in self._changes:
            facts = self.git(*_DIFF, "--raw", "-z", "--no-abbrev", old, new, "--")
            text = self.git(*_DIFF, "--patch", "--src-prefix=a/", "--dst-prefix=b/", old, new, "--")
            self._changes[key] = read_changes(facts, text, self.limits)
            if len(self._changes) > _KEPT_CHANGES:
                self._changes.popitem(last=False)
        self._changes.move_to_end(key)
        return self._changes[key]

    def patch_series(self, base: str, head: str) -> bytes:
        """The commits as mails, as the ``.patch`` media type has them."""
        return self.git("format-patch", "--stdout", "--no-signature", "--find-renames", f"{base}..{head}", "--")

    def tree(self, sha: str, *, recursive: bool = False) -> list[TreeEntry]:
        """The entries of a tree, with paths relative to it; trees themselves are listed too."""
        options = ["-r", "-t"] if recursive else []
        rows = self.git("ls-tree", "-z", "-l", *options, sha).split(b"\0")
        return [read_entry(row) for row in rows if row]

    def submodule_url(self, commit: str, path: str) -> str | None:
        """What ``.gitmodules`` of that commit says of the submodule at ``path``."""
        found = self.read(f"{commit}:.gitmodules")
        if found is None:
            return None
        current: dict[str, str] = {}
        for line in found.data.decode("utf-8", "replace").splitlines():
            if line.lstrip().startswith("["):
                current = {}
            key, _, value = line.partition("=")
            current[key.strip()] = value.strip()
            if current.get("path") == path and "url" in current:
                return current["url"]
        return None


def _source_git(path: Path, *arguments: str) -> str:
    """git in the real repository: reading only. Its owner may be another user, as in a mounted volume."""
    command = [git_program(), "-c", "safe.directory=*", "-C", str(path), *arguments]
    try:
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False)
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be read: {error.strerror}.") from error
    if done.returncode:
        raise WorkspaceError(
            f"{path} is not a git repository that can be read: {done.stderr.decode('utf-8', 'replace').strip()}",
            remedy="Give the path of a git repository, bare or with a work tree.",
        )
    return done.stdout.decode("utf-8", "surrogateescape")


def _under(prefix: str, rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.removeprefix(prefix): sha for name, sha in rows if name.startswith(prefix)}
