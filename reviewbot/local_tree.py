"""PullRequestSource over a git repository on this machine: commits, the index, or the work tree; nothing is changed.

Whatever is reviewed is made a tree object first (in a temporary object store), and trees are compared. So attributes,
filters, hooks and programs that the repository's configuration names have no part in it, and no link is followed.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from reviewbot.core.change.diff import Diff
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest, Surroundings, rule_paths
from reviewbot.errors import UsageError
from reviewbot.git import DIFF, Git

_DEFAULT_BASES = (
    "refs/remotes/origin/HEAD",
    "refs/remotes/origin/main",
    "refs/remotes/origin/master",
    "refs/heads/main",
    "refs/heads/master",
)
_COUNTS = re.compile(rb"(\d+) (file|insertion|deletion)")
_MOST_MESSAGES = 100


@dataclass(frozen=True, slots=True)
class _Sides:
    """What is compared: a commit (or the empty tree, before the first commit) and a commit or tree."""

    base: str
    base_name: str
    head: str
    head_name: str
    title: str = ""


class LocalSource:
    """Reads a change in the repository that holds the folder ``path``.

    By default the change is what ``head`` (HEAD) adds since it left ``base`` (origin/HEAD, main or master);
    ``staged`` is the index against HEAD; ``uncommitted`` the work tree with its untracked files against HEAD, ignored
    files left out. ``environ`` is the caller's environment. Raises UsageError when there is nothing to compare with.
    """

    def __init__(
        self,
        path: Path,
        *,
        environ: Mapping[str, str],
        base: str | None = None,
        head: str | None = None,
        staged: bool = False,
        uncommitted: bool = False,
    ) -> None:
        if staged + uncommitted + bool(base or head) > 1:
            raise UsageError(
                "--base/--head, --staged and --uncommitted exclude each other.", remedy="Give one of them."
            )
        self._top, self._git_dir = find_repository(path)
        self._environ, self._base, self._head = environ, base, head or "HEAD"
        self._staged, self._uncommitted = staged, uncommitted
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._git = Git(self._git_dir, environ)
        self._pull: PullRequest | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Remove the temporary objects."""
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            temporary.cleanup()

    @property
    def calls(self) -> int:
        return 0

    async def pull_request(self) -> PullRequest:
        """The change as it was when first asked for; ``head_sha`` may name a tree."""
        if self._pull is None:
            await self._open()
            self._pull = await self._describe(await self._sides())
        return self._pull

    async def diff(self, pull: PullRequest) -> Diff:
        """What changed between the two sides."""
        return parse_diff(await self._git.diff(pull.base_sha, pull.head_sha))

    async def diff_between(self, base: str, head: str) -> Diff:
        """What changed between two commits or trees that are there."""
        return parse_diff(await self._git.diff(base, head))

    async def surroundings(self, pull: PullRequest, directories: Sequence[str] = ()) -> Surroundings:
        """Commit messages, and the rule files at the base."""
        rules = await self._git.texts(pull.base_sha, rule_paths(directories))
        messages = await self._messages(pull) if pull.commits else ()
        return Surroundings(
            commit_messages=messages, rules={path: text.decode("utf-8", "replace") for path, text in rules.items()}
        )

    async def texts(self, sha: str, paths: Sequence[str]) -> dict[str, bytes]:
        """The files of ``paths`` that are regular files of the commit or tree."""
        return await self._git.texts(sha, paths)

    async def _open(self) -> None:
        """Make the temporary store. The empty work tree and index keep the change's own attributes out of the diff,
        with which it could call its files binary."""
        self._temporary = tempfile.TemporaryDirectory(prefix="reviewbot-", ignore_cleanup_errors=True)
        room = Path(self._temporary.name)
        for name in ("empty", "objects"):
            (room / name).mkdir()
        shared = await self._git.run("rev-parse", "--path-format=absolute", "--git-path", "objects")
        variables = {
            "GIT_WORK_TREE": str(room / "empty"),
            "GIT_INDEX_FILE": str(room / "no-index"),
            "GIT_OBJECT_DIRECTORY": str(room / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(shared.decode().rstrip("\n")),
        }
        self._git = replace(self._git, variables=variables, cwd=room / "empty")

    async def _sides(self) -> _Sides:
        if not self._staged and not self._uncommitted:
            return await self._commits()
        base = await self._commit("HEAD") or await self._empty_tree()
        if self._staged:
            return _Sides(base, "HEAD", await self._index_tree(), "index", "Staged changes")
        return _Sides(base, "HEAD", await self._work_tree(), "work tree", "Uncommitted changes")

    async def _commits(self) -> _Sides:
        head = await self._commit(self._head)
        if not head:
            raise UsageError(
                f"{self._head!r} is not a commit of {self._top}.", remedy="Give --head a commit or branch."
            )
        name, base = await self._base_commit()
        bases = (await self._git.run("merge-base", "--all", base, head, answers=(0, 1))).decode().split()
        if not bases:
            raise UsageError(
                f"{name} and {self._head} have no common history in {self._top}.",
                remedy="Fetch the rest of a shallow clone (git fetch --unshallow), or give another --base.",
            )
        branch = (await self._git.run("symbolic-ref", "--quiet", "--short", "HEAD", answers=(0, 1))).decode().strip()
        return _Sides(bases[0], name, head, branch or "HEAD" if self._head == "HEAD" else self._head)

    async def _base_commit(self) -> tuple[str, str]:
        if self._base is not None:
            found = await self._commit(self._base)
            if not found:
                raise UsageError(
                    f"{self._base!r} is not a commit of {self._top}.", remedy="Give --base a known commit."
                )
            return self._base, found
        for name in _DEFAULT_BASES:
            found = await self._commit(name)
            if found:
                return name.split("/", 2)[2], found
        raise UsageError(
            f"{self._top} has no origin/HEAD, main or master to compare with.",
            remedy="Say what to compare with: --base BRANCH, --staged or --uncommitted.",
        )

    async def _commit(self, name: str) -> str:
        """The commit that a name means, or an empty string."""
        expression = ("--end-of-options", f"{name}^{{commit}}")
        out = await self._git.run("rev-parse", "--verify", "--quiet", *expression, answers=(0, 1, 128))
        return out.decode().strip().splitlines()[-1] if out.strip() else ""

    async def _empty_tree(self) -> str:
        return (await self._git.run("hash-object", "-t", "tree", "-w", "--stdin")).decode().strip()

    async def _index_tree(self) -> str:
        """The index as a tree, read from a copy."""
        return (await (await self._with_index()).run("write-tree")).decode().strip()

    async def _with_index(self) -> Git:
        index = (await self._git_at_home("rev-parse", "--path-format=absolute", "--git-path", "index")).rstrip("\n")
        copy = self._room / "index"
        _copy(Path(index), copy)
        return replace(self._git, variables={**self._git.variables, "GIT_INDEX_FILE": str(copy)})

    async def _work_tree(self) -> str:
        """The work tree as a tree: a copy of the index, brought up to date by git itself with all filters off."""
        indexed = await self._with_index()
        config = {**await self._no_filters(), **await self._ignored_by_user()}
        git = replace(
            indexed, config=config, cwd=self._top, variables={**indexed.variables, "GIT_WORK_TREE": str(self._top)}
        )
        changed = await git.run("diff-files", "-z", "--name-only", "--ignore-submodules=dirty")
        others = await git.run("ls-files", "-z", "--others", "--exclude-standard")
        # A name that ends in a slash is a repository inside this one, and no part of the change.
        names = [name for name in (changed + others).split(b"\0") if name and not name.endswith(b"/")]
        stdin = b"".join(name + b"\0" for name in names)
        await git.run("update-index", "--add", "--remove", "-z", "--stdin", stdin=stdin)
        return (await git.run("write-tree")).decode().strip()

    async def _no_filters(self) -> dict[str, str]:
        """Settings that switch off every filter program which the repository's configuration names."""
        out = await self._git.run("config", "-z", "--name-only", "--get-regexp", r"^filter\.", answers=(0, 1))
        drivers = {name.rpartition(".")[0] for name in out.decode("utf-8", "surrogateescape").split("\0") if name}
        off = {"clean": "", "smudge": "", "process": "", "required": "false"}
        return {f"{driver}.{key}": value for driver in drivers for key, value in off.items()}

    async def _ignored_by_user(self) -> dict[str, str]:
        """The user's own ignore file, which is outside the repository: what it hides must not be sent to a model."""
        home = self._environ.get("HOME")
        if not home:
            return {}
        own = replace(self._git, variables={**self._git.variables, "HOME": home})
        asked = ("--type=path", "--includes", "--get", "core.excludesFile")
        out = await own.run("config", f"--file={Path(home, '.gitconfig')}", *asked, answers=(0, 1))
        default = Path(self._environ.get("XDG_CONFIG_HOME") or Path(home, ".config"), "git", "ignore")
        return {"core.excludesFile": out.decode().rstrip("\n") or str(default)}

    async def _describe(self, sides: _Sides) -> PullRequest:
        stat = [option for option in DIFF if option not in ("-p", "-U3")]
        counts = await self._git.run(*stat, "--shortstat", sides.base, sides.head)
        numbers = {kind.decode(): int(number) for number, kind in _COUNTS.findall(counts)}
        subject, author, commits = sides.title, "", 0
        if not sides.title:
            commits = int(await self._git.run("rev-list", "--count", sides.head, f"^{sides.base}"))
            subject, author = await self._head_commit(sides.head)
        return PullRequest(
            ref=None,
            title=subject,
            body="",
            author=author,
            state="open",
            draft=False,
            base_ref=sides.base_name,
            base_sha=sides.base,
            head_ref=sides.head_name,
            head_sha=sides.head,
            base_repo=self._top.name,
            head_repo=self._top.name,
            changed_files=numbers.get("file", 0),
            additions=numbers.get("insertion", 0),
            deletions=numbers.get("deletion", 0),
            commits=commits,
        )

    async def _head_commit(self, sha: str) -> tuple[str, str]:
        out = await self._git.run("rev-list", "-1", "--no-commit-header", "--format=%s%n%an", sha)
        subject, _, author = out.decode("utf-8", "replace").partition("\n")
        return subject, author.strip()

    async def _messages(self, pull: PullRequest) -> tuple[str, ...]:
        newest = ("--no-commit-header", "--format=%B%x00", f"--max-count={_MOST_MESSAGES}")
        out = await self._git.run("rev-list", *newest, pull.head_sha, f"^{pull.base_sha}")
        messages = [message.strip() for message in out.decode("utf-8", "replace").split("\0")]
        return tuple(message for message in reversed(messages) if message)

    @property
    def _room(self) -> Path:
        if self._temporary is None:
            raise UsageError("The local source is closed.")
        return Path(self._temporary.name)

    async def _git_at_home(self, *args: str) -> str:
        return (await Git(self._git_dir, self._environ).run(*args)).decode()


def find_repository(path: Path) -> tuple[Path, Path]:
    """The top folder and the git directory of the repository that holds ``path``; found without running git, which
    would act on the repository's configuration. Raises UsageError."""
    start = path.expanduser().resolve()
    for folder in (start, *start.parents):
        mark = folder / ".git"
        if mark.is_dir():
            return folder, mark
        if mark.is_file():
            target = mark.read_text(encoding="utf-8", errors="surrogateescape").strip()
            if target.startswith("gitdir: "):
                return folder, (folder / target.removeprefix("gitdir: ")).resolve()
    raise UsageError(
        f"{path} is not in a git repository.", remedy="Give the folder of a git work tree, or a pull request's URL."
    )


def _copy(index: Path, to: Path) -> None:
    """Before the first ``git add`` there is no index, which is the same as an empty one."""
    if index.exists():
        shutil.copyfile(index, to)


def _quoted(path: str) -> str:
    """An entry of git's list of alternates, whose separator is a colon."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
