"""Static analyzers in a real review: told with a silent model, deaf to what the change says to them."""

from __future__ import annotations

import random
import string
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reviewbot.analyzers.run import installed
from tests.acceptance.conftest import NOTHING_FOUND

if TYPE_CHECKING:
    from conftest import Git, World

pytestmark = pytest.mark.usefixtures("quick")
ALL = ["betterleaks", "oxlint", "ruff", "shellcheck", "zizmor"]


def token() -> str:
    """Looks like a token of GitHub, and is none; made anew so that no scanner finds it in this file."""
    chance = random.Random(5)
    return "ghp_" + "".join(chance.choice(string.ascii_letters + string.digits) for _ in range(36))


WORKFLOW = """on: pull_request_target
permissions: {}
jobs:
  greet:
    runs-on: ubuntu-latest
    permissions: {}
    steps:
      - run: echo "hello"
"""
BEFORE = {
    "shop/cart.py": "def total(items):\n    return undefined_before(items)\n",
    "bin/clean.sh": '#!/bin/sh\necho "$1"\n',
    "web/cart.ts": "export const limit = 3;\n",
    ".github/workflows/greet.yml": WORKFLOW,
    "conf/deploy.ini": "[deploy]\n",
}
AFTER = {
    # The undefined name of line 2 was there before, though the line is new.
    "shop/cart.py": "def total(items, rate):\n    return undefined_before(items) * rate\n\n\nprint(totals)\n",
    "bin/clean.sh": '#!/bin/sh\necho "$1"\nrm -rf "$DIR/"*\n',
    "web/cart.ts": "export const limit = 3;\nlimit = 4;\n",
    ".github/workflows/greet.yml": WORKFLOW.replace("hello", "${{ github.event.pull_request.title }}"),
    "conf/deploy.ini": f"[deploy]\nkey = {token()}\n",
    # All that could quiet them, or make them run something.
    "ruff.toml": 'exclude = ["*"]\n',
    "shop/.ruff.toml": "lint.select = []\n",
    "bin/.shellcheckrc": "disable=all\n",
    ".oxlintrc.json": '{"rules": {"no-const-assign": "off"}, "jsPlugins": ["./evil.js"]}\n',
    ".github/zizmor.yml": "rules:\n  template-injection:\n    disable: true\n",
    ".betterleaks.toml": "[allowlist]\npaths = ['''.*''']\n",
    ".gitleaks.toml": "[allowlist]\npaths = ['''.*''']\n",
    "json.py": "raise SystemExit('ran')\n",
}


@pytest.fixture
def served(tmp_path: Path, repository: Git) -> Path:
    git = type(repository)(tmp_path / "served").init(dict(BEFORE))
    git.branch("work", dict(AFTER))
    git("switch", "-q", "main")
    return git.path


@pytest.mark.skipif(sorted(each.name for each in installed()) != ALL, reason="the extra `analyzers` is not installed")
def test_what_they_are_certain_of_is_told_and_nothing_that_was_there_before(world: World) -> None:
    world.answers(lambda _: NOTHING_FOUND)
    done = world.review(world.open("work"), "--format", "json", REVIEWBOT_SETTINGS_FILE="")
    assert done.code == 0
    said = done.json
    assert said["analyzers"] == ALL
    assert said["coverage"]["complete"]
    told = {(each["source"], each["path"], each["line"]) for each in said["findings"]}
    assert told == {
        ("ruff", "shop/cart.py", 5),
        ("shellcheck", "bin/clean.sh", 3),
        ("oxlint", "web/cart.ts", 2),
        ("zizmor", ".github/workflows/greet.yml", 8),
        ("betterleaks", "conf/deploy.ini", 2),
    }
    assert {(comment.path, comment.line) for comment in world.comments} == {(path, line) for _, path, line in told}
    shown = world.prompts[0].partition("<diagnostics")[2]
    assert "shop/cart.py:5: ruff F821 (error): Undefined name `totals`" in shown
    assert "undefined_before" not in shown
    assert token() not in world.everything()


def test_they_can_be_turned_off(world: World, tmp_path: Path) -> None:
    off = tmp_path / "off.toml"
    off.write_text("[analyzers]\nenabled = false\n")
    done = world.review(world.open("work"), "--dry-run", REVIEWBOT_SETTINGS_FILE=str(off))
    assert "with ruff" not in done.out
    assert "<diagnostics" not in world.prompts[0]
