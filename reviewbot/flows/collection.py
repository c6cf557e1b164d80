"""The first half of every run: the pull request, its change, its rules, and the scope of what will be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from reviewbot.core.change.diff import Diff, FileStatus
from reviewbot.core.change.increment import Since
from reviewbot.core.change.pull_request import PullRequest, Surroundings
from reviewbot.core.change.scope import Scope, decide_scope
from reviewbot.core.config import Config, Resolved
from reviewbot.core.context.chunking import Piece
from reviewbot.ports import PullRequestSource

SETTINGS_FILE = ".reviewbot.toml"
Settle = Callable[[Surroundings], Resolved]  # the repository's own file among the rules -> the settings in force
RULE_FILES = ("AGENTS.md", "CLAUDE.md")
_MOST_RULE_DIRECTORIES = 24


@dataclass(frozen=True, slots=True)
class Collected:
    """Everything read before the model is asked. ``heads`` are the head texts of the files in scope; ``offered`` are
    the pieces that no earlier review has read, None for all of every file; ``wordings`` and ``dismissals`` are those
    of the `RunStore`."""

    pull: PullRequest
    resolved: Resolved
    surroundings: Surroundings
    diff: Diff
    scope: Scope
    heads: Mapping[str, bytes] = field(default_factory=dict)
    since: Since = field(default_factory=Since)
    offered: tuple[Piece, ...] | None = None
    wordings: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    dismissals: Sequence[tuple[str, str]] = ()

    @property
    def config(self) -> Config:
        return self.resolved.config


def rule_directories(diff: Diff) -> tuple[str, ...]:
    """The folders whose rule files may speak for a changed file, nearest the root first, at most 24.

    The root itself is always asked for and not in the list.
    """
    folders = {str(parent) for file in diff.files for parent in PurePosixPath(file.path).parents} - {"."}
    return tuple(sorted(folders, key=lambda folder: (folder.count("/"), folder)))[:_MOST_RULE_DIRECTORIES]


async def collect(source: PullRequestSource, pull: PullRequest, settle: Settle) -> Collected:
    """Read the change and what stands round it. The repository's settings are those of the base commit.

    Raises GitHubError, WorkspaceError, DiffError or ConfigError; never goes on with a part of the change.
    """
    diff = await source.diff(pull)
    surroundings = await source.surroundings(pull, rule_directories(diff))
    resolved = settle(surroundings)
    attributes = surroundings.rules.get(".gitattributes", "")
    wanted = decide_scope(diff, resolved.config.scope, attributes)
    paths = [file.path for file in wanted.files if file.status is not FileStatus.REMOVED]
    heads = await source.texts(pull.head_sha, paths) if paths else {}
    scope = decide_scope(diff, resolved.config.scope, attributes, heads)
    return Collected(pull, resolved, surroundings, diff, scope, heads)
