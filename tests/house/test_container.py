"""The Dockerfile, and the workflows that build and publish, are held to the code and to the rules for both.

The image itself is built and tried by deploy/container/build-without-engine.sh, and by CI with docker.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from reviewbot import __version__
from reviewbot.cli import app

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def instructions(text: str) -> list[tuple[str, str]]:
    """Name and rest of each instruction, lines that go on joined, comments left out."""
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    rows = [line.strip() for line in bare.replace("\\\n", " ").splitlines() if line.strip()]
    return [(row.split(" ", 1)[0], row.split(" ", 1)[1].strip()) for row in rows]


ALL = instructions(DOCKERFILE)
FINAL = ALL[max(n for n, (name, _) in enumerate(ALL) if name == "FROM") :]


def last(name: str) -> str:
    return next(rest for found, rest in reversed(FINAL) if found == name)


def test_it_runs_as_the_user_of_the_examples() -> None:
    assert last("USER") == "10001:10001"
    assert last("VOLUME") == '["/data"]'
    assert "REVIEWBOT_DATA_DIR=/data" in last("ENV")
    compose = yaml.safe_load((ROOT / "deploy" / "compose" / "one-machine.yaml").read_text(encoding="utf-8"))
    assert compose["services"]["reviewbot"]["user"] == last("USER")
    assert compose["services"]["reviewbot"]["volumes"] == ["data:/data"]
    assert compose["services"]["reviewbot"]["healthcheck"]["test"][1:] == yaml.safe_load(
        last("HEALTHCHECK").partition("CMD ")[2]
    )


def test_it_starts_a_server_and_process_1_reaps() -> None:
    assert yaml.safe_load(last("ENTRYPOINT")) == ["tini", "--", "reviewbot"]
    words = yaml.safe_load(last("CMD"))
    command: Any = typer.main.get_command(app)
    given = command.commands[words[0]].make_context(words[0], words[1:]).params
    assert (given["host"], given["port"]) == ("0.0.0.0", 8080)
    assert last("EXPOSE") == "8080"


def test_versions_and_libraries_are_fixed() -> None:
    assert f"ARG VERSION={__version__}" in DOCKERFILE
    installs = [part for name, rest in ALL if name == "RUN" for part in re.split(r"&&", rest) if "pip" in part]
    fetching = [part for part in installs if " install " in part and "--no-index" not in part]
    assert fetching
    assert all("--require-hashes" in part and "--only-binary :all:" in part for part in fetching)
    assert [rest for name, rest in FINAL if name == "COPY"] == ["--from=build /opt/reviewbot /opt/reviewbot"]
    assert not [rest for name, rest in ALL if name == "ADD"]


def test_only_what_is_copied_is_sent_to_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {word for name, rest in ALL if name == "COPY" and "--from" not in rest for word in shlex.split(rest)[:-1]}
    assert let_in == copied
    assert all((ROOT / name).exists() for name in let_in)


def test_the_build_lock_is_what_pyproject_asks_for() -> None:
    wanted = re.search(
        r"^requires = \[\"([^\"]+)\"\]$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert wanted
    rows = (ROOT / "deploy" / "container" / "build.in").read_text(encoding="utf-8").splitlines()
    assert [row for row in rows if not row.startswith("#")] == [wanted[1]]


# ---- workflows -------------------------------------------------------------------------------------------------------


def jobs(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"])


@each_workflow
def test_actions_are_pinned_by_commit_and_say_which_version(path: Path) -> None:
    uses = re.findall(r"uses: (\S+)(.*)", path.read_text(encoding="utf-8"))
    assert uses
    for name, comment in uses:
        assert name.startswith("./") or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name), name
        assert name.startswith("./") or re.fullmatch(r" # v\d+\.\d+\.\d+", comment), name


@each_workflow
def test_jobs_have_few_rights_and_leave_no_credentials(path: Path) -> None:
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {}
    for name, job in jobs(path).items():
        assert "timeout-minutes" in job, name
        assert isinstance(job["permissions"], dict), name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name
            assert "${{" not in step.get("run", ""), f"{name}: a value in a script is code; hand it in by env"


def test_ci_has_no_secret_and_writes_nothing() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "pull_request_target" not in text
    assert {
        right for job in jobs(ROOT / ".github/workflows/ci.yml").values() for right in job["permissions"].values()
    } == {"read"}


def test_a_release_is_signed_and_needs_no_stored_secret() -> None:
    path = ROOT / ".github" / "workflows" / "release.yml"
    text = path.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert text.count("actions/attest-build-provenance@") == 2
    assert "cache" not in text.replace("no-cache: true", "")
    writing = {
        name: set(job["permissions"]) for name, job in jobs(path).items() if "write" in job["permissions"].values()
    }
    assert writing["pypi"] == {"id-token"}
    assert writing["release"] == {"contents"}
    assert "build" not in writing
    assert jobs(path)["pypi"]["environment"]["name"] == "pypi"
