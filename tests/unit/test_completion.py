"""Completion in shells: typer's own, by the variable of the environment that the shell's script sets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reviewbot.cli import app
from reviewbot.examples import EXAMPLES
from reviewbot.git import git_version


def completed(*words: str, at: int) -> set[str]:
    asked = {"_REVIEWBOT_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(at)}
    command = [sys.executable, "-m", "reviewbot"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **asked}, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "at", "found"),
    [
        (("reviewbot", "re"), 1, {"review"}),
        (("reviewbot", "config", ""), 2, {"show", "check", "schema"}),
        (("reviewbot", "review", "--fail"), 2, {"--fail-on"}),
        (("reviewbot", "serve", "--role", ""), 3, {"all", "receiver", "worker", "poster"}),
    ],
)
def test_words_are_completed(words: tuple[str, ...], at: int, found: set[str]) -> None:
    assert completed(*words, at=at) == found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(shell: str, tmp_path: Path) -> None:
    """Printed, and put where the shell finds it; which shell runs is said by a variable that typer knows for tests."""
    environ = {**os.environ, "HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    for option in ("--show-completion", "--install-completion"):
        command = [sys.executable, "-m", "reviewbot", option, shell]
        done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
        assert done.returncode == 0, done.stderr
        assert "reviewbot" in done.stdout
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("_REVIEWBOT_COMPLETE" in path.read_text(encoding="utf-8") for path in written)


def test_every_command_has_examples() -> None:
    functions = [each.callback.__name__ for each in app.registered_commands if each.callback]
    functions += [
        each.callback.__name__
        for group in app.registered_groups
        for each in (group.typer_instance.registered_commands if group.typer_instance else [])
        if each.callback
    ]
    assert set(functions) == set(EXAMPLES)
    assert all(line.startswith("reviewbot ") for lines in EXAMPLES.values() for line in lines)


def test_gits_version() -> None:
    assert git_version().startswith("git 2.")
