"""A small realistic repository with a pull request full of plausible bugs, made on the spot with git.

The two trees stand beside this file, each file with ``.txt`` after its name so that no tool takes it for our code.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from reviewbot.errors import WorkspaceError

TITLE = "Add vouchers, refunds and a greeting"
BODY = """Customers can now use vouchers and get refunds.

- orders take vouchers off the total
- refunds go through the provider's new API
- the checkout page greets the customer by name
"""
_IDENTITY = {
    "GIT_AUTHOR_NAME": "Sam Miller",
    "GIT_AUTHOR_EMAIL": "sam@example.com",
    "GIT_COMMITTER_NAME": "Sam Miller",
    "GIT_COMMITTER_EMAIL": "sam@example.com",
    "GIT_AUTHOR_DATE": "2026-01-05T10:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-05T10:00:00Z",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A repository and the two branches of its pull request."""

    path: Path
    base: str
    head: str
    title: str
    body: str


def make_scenario(folder: Path) -> Scenario:
    """Make the repository in ``folder`` (empty or new). Raises WorkspaceError when git cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _commit_tree(folder, "base", "Orders, prices and shipping")
    _git(folder, "switch", "--quiet", "--create", "vouchers")
    _commit_tree(folder, "head", TITLE)
    return Scenario(folder, "main", "vouchers", TITLE, BODY)


def _commit_tree(folder: Path, tree: str, message: str) -> None:
    source = Path(__file__).parent / tree
    for file in sorted(source.rglob("*.txt")):
        target = folder / file.relative_to(source).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", message)


def _git(folder: Path, *words: str) -> None:
    environment = {
        **_IDENTITY,
        "PATH": os.pathsep.join(os.get_exec_path()),
    }  # a fixed identity: same commits everywhere
    try:
        subprocess.run(["git", *words], cwd=folder, env=environment, check=True, capture_output=True, timeout=60)
    except FileNotFoundError as error:
        raise WorkspaceError("git was not found.", remedy="Install git and put it on the PATH.") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip()
        raise WorkspaceError(f"git {words[0]} failed: {said}", remedy="Look at the folder and try again.") from error
