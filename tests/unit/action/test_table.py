"""action.yml is what the table says, is pinned and puts no value into a shell line; zizmor finds nothing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from reviewbot.action.table import INPUTS, OUTPUTS

ROOT = Path(__file__).resolve().parents[3]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = ACTION["runs"]["steps"]
FILES = [ROOT / "action.yml", *sorted((ROOT / "examples" / "workflows").glob("*.yml"))]


def test_inputs_and_outputs_are_those_of_the_table() -> None:
    inputs = {name: (each["description"], each["default"]) for name, each in ACTION["inputs"].items()}
    assert inputs == {each.name: (each.meaning, each.default) for each in INPUTS}
    outputs = {name: (each["description"], each["value"]) for name, each in ACTION["outputs"].items()}
    assert outputs == {each.name: (each.meaning, f"${{{{ steps.review.outputs.{each.name} }}}}") for each in OUTPUTS}
    assert not any(each["required"] for each in ACTION["inputs"].values())


def test_every_input_is_handed_over() -> None:
    handed = {name: value for name, value in STEPS[-1]["env"].items() if name.startswith("INPUT_")}
    assert handed == {each.variable: f"${{{{ inputs.{each.name} }}}}" for each in INPUTS}


def test_no_value_stands_in_a_shell_line() -> None:
    assert [step["name"] for step in STEPS if "${{" in step.get("run", "")] == []


def test_other_actions_are_pinned_and_their_release_is_named() -> None:
    lines = re.findall(r"^\s*uses: (.*)$", (ROOT / "action.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 2
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in lines)


def test_the_lock_file_has_hashes() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").split("\n")
    names = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert names
    assert all("==" in line and line.endswith("\\") for line in names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_zizmor_finds_nothing(path: Path) -> None:
    zizmor = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    assert zizmor, "it comes with the group `dev`"
    words = [
        zizmor,
        "--offline",
        "--no-config",
        "--persona=auditor",
        "--format=json",
        "--strict-collection",
        "--no-progress",
        str(path),
    ]
    done = subprocess.run(words, check=False, capture_output=True, text=True, env={"PATH": ""})
    # The key is a secret of the repository: one of an environment would ask somebody to approve every review.
    wanted = (
        {"secrets-outside-env"} if path.parent.name == "workflows" and path.parents[1].name == "examples" else set()
    )
    assert {found["ident"] for found in json.loads(done.stdout)} <= wanted, done.stdout


@pytest.mark.skipif(not shutil.which("actionlint"), reason="actionlint is no package of Python; it is run where it is")
@pytest.mark.parametrize("path", FILES[1:], ids=lambda path: path.name)
def test_actionlint_finds_nothing(path: Path) -> None:
    done = subprocess.run(["actionlint", "-no-color", str(path)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
