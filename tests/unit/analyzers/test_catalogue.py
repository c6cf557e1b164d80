"""The table of analyzers: which files they see, and under which names."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from reviewbot.analyzers.catalogue import TOOLS, Tool
from reviewbot.analyzers.rules import RUFF, SHELLCHECK, SHELLCHECK_WEIGHTS, worth
from reviewbot.core.context.prompt import REPLY_SCHEMA

ROOT = Path(__file__).resolve().parents[3]
TOOL = {tool.name: tool for tool in TOOLS}
each_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
#: What some tool, one of these or another, would take for its configuration, or for code to load.
CONFIGURATION = [
    "pyproject.toml", "ruff.toml", ".ruff.toml", ".oxlintrc.json", "oxlint.config.ts", ".eslintrc.js", ".eslintignore",
    "tsconfig.json", ".shellcheckrc", "shellcheckrc", ".github/zizmor.yml", "zizmor.yml", ".gitleaks.toml",
    ".betterleaks.toml", ".gitleaksignore", ".betterleaksignore", ".gitignore", ".ignore", "conftest.py", "setup.py",
    "sitecustomize.py", "json.py", "package.json", "node_modules/x/index.js", ".git/config", "-rf", "--config=x.py",
    "../../etc/x.py", "/etc/passwd.py", "a\nb.py", "x/.py", "con.py", "a" * 5_000 + ".py", "é/ü.py", "x.PY",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("ruff", "a.py b/c.pyi d.pyw X.PY .py", "a.pyc py a.py.j2 a.ipynb {{cookiecutter.x}}/a.py"),
        ("oxlint", "a.js a.jsx a.mjs a.cjs a.ts a.tsx a.mts a.cts x/a.d.ts", "a.json a.mjsx js a.vue a.js.map"),
        ("shellcheck", "a.sh b/c.bash d.ksh e.bats f.dash", "a.zsh sh a.fish .bashrc"),
        (
            "zizmor",
            ".github/workflows/a.yml .github/workflows/b.yaml action.yml a/b/action.yaml .github/dependabot.yml",
            "a.yml .github/workflows/x/a.yml x/.github/workflows/a.yml myaction.yml action.yml.j2 dependabot.yml",
        ),
        ("betterleaks", "a.py Makefile x/.env a.b.c .x", ""),
    ],
)
def test_which_files_are_wanted(name: str, yes: str, no: str) -> None:
    assert [path for path in yes.split() if TOOL[name].place(path, 1) is None] == []
    assert [path for path in no.split() if TOOL[name].place(path, 1) is not None] == []


@each_tool
def test_no_name_is_taken_from_the_change(tool: Tool) -> None:
    names = [name for n, path in enumerate(CONFIGURATION) if (name := tool.place(path, n))]
    assert len(names) == len(set(names))
    for name in names:
        assert re.fullmatch(r"f\d{5}(?:\.[a-z0-9]{1,8}|/(?:action|dependabot)\.yml)?", name), name


@each_tool
def test_an_entry_is_whole(tool: Tool) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    rows = project["optional-dependencies"][tool.extra] if tool.extra else project["dependencies"]
    assert [row for row in rows if re.match(rf"{re.escape(tool.package)}[<>=~!]", row)]
    assert tool.arguments[-1] == "--"
    assert set(re.findall(r"\{(\w+)\}/([\w.]+)", " ".join(tool.arguments))) == {("own", name) for name in tool.own}
    for value in [*tool.rules.values(), *tool.weights.values()]:
        assert value is None or value.category in categories()
    assert tool.name not in [other.name for other in TOOLS if other is not tool]


def categories() -> set[str]:
    finding = REPLY_SCHEMA["properties"]["findings"]["items"]["properties"]
    return set(finding["category"]["enum"])


@pytest.mark.parametrize(
    ("rule", "level", "certain"),
    [
        ("F821", "error", True),
        ("F507", "error", True),
        ("F502", "warning", False),
        ("F841", "note", False),
        ("F722", None, False),
        ("PLE0101", "error", True),
        ("S506", "warning", False),
        ("S101", None, False),
        ("S311", None, False),
        ("B008", None, False),
        ("ASYNC210", "warning", False),
        ("ASYNC115", None, False),
        ("E902", None, False),
        ("F401", None, False),
    ],
)
def test_what_a_rule_of_ruff_is_worth(rule: str, level: str | None, certain: bool) -> None:
    found = worth(rule, "error", RUFF, {})
    assert (found and found.level, bool(found and found.certain)) == (level, certain)


@pytest.mark.parametrize(
    ("rule", "weight", "level", "certain"),
    [
        ("SC1073", "error", "error", True),
        ("SC1007", "warning", "warning", False),
        ("SC2145", "error", "error", True),
        ("SC2148", "error", None, False),
        ("SC2045", "error", "warning", False),
        ("SC2115", "warning", "error", True),
        ("SC2086", "info", None, False),
    ],
)
def test_what_a_rule_of_shellcheck_is_worth(rule: str, weight: str, level: str | None, certain: bool) -> None:
    found = worth(rule, weight, SHELLCHECK, SHELLCHECK_WEIGHTS)
    assert (found and found.level, bool(found and found.certain)) == (level, certain)
