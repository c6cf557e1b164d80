"""The workflows of examples/ that the documentation shows: each step of ours is run with what the file gives it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from reviewbot.action.table import INPUTS, OUTPUTS
from tests.acceptance.action.conftest import FIRST, SECOND, Workflow
from tests.acceptance.action.runner import ROOT, Ended
from tests.acceptance.conftest import KEY, NAME, World

EXAMPLES = sorted((ROOT / "examples" / "workflows").glob("*.yml"))
PAIR = [path for path in EXAMPLES if path.stem.startswith("fork-")]  # one after the other, with a bundle between
SINGLE = [path for path in EXAMPLES if path not in PAIR]
EVENTS = {
    "pull_request": "findings",
    "pull_request_target": "findings",
    "merge_group": "skipped",
    "issue_comment": "findings",
    "pull_request_review_comment": "answered",
    "workflow_dispatch": "findings",
}


def ours(path: Path) -> dict[str, Any]:
    """The one step of ours."""
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    (step,) = [step for job in jobs for step in job["steps"] if "/reviewbot@" in step["uses"]]
    return dict(step)


def given(step: dict[str, Any], number: str) -> dict[str, str]:
    """Its inputs as the runner hands them over."""
    known = {"${{ secrets.REVIEWBOT_API_KEY }}": KEY, "${{ inputs.pull-request }}": number}
    texts = {name: known.get(value, value) for name, value in step["with"].items()}
    assert not any("${{" in str(value) for value in texts.values())
    return {
        name.replace("-", "_"): str(value).lower() if value is True else str(value) for name, value in texts.items()
    }


def start(workflow: Workflow, event: str, inputs: dict[str, str]) -> Ended:
    if event in ("pull_request", "pull_request_target"):
        return workflow.run(event, workflow.of_pull(1, "opened"), **inputs)
    if event == "issue_comment":
        return workflow.comment("/reviewbot review", **inputs)
    if event == "pull_request_review_comment":
        return workflow.reply(workflow.world.comments[0].id, "Why?", **inputs)
    return workflow.run(event, {}, **inputs)


@pytest.mark.parametrize("path", SINGLE, ids=lambda path: path.stem)
def test_every_event_of_an_example_comes_to_a_good_end(world: World, workflow: Workflow, path: Path) -> None:
    world.open("vouchers")
    world.hosted.collaborators["maria"] = "write"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    events = list(document[True])  # YAML reads the word `on` so
    assert set(events) <= EVENTS.keys()
    step = ours(path)
    for event in events:
        ended = start(workflow, event, given(step, "1" if event == "workflow_dispatch" else ""))
        assert ended.outputs["verdict"] == EVENTS[event], ended.log.text
        assert ended.code == (1 if "fail-on" in step["with"] else 0)
    assert len([review for review in world.reviews if review.body]) == 1  # an answer in a thread is one, too


def test_the_two_for_forks_work_together(world: World, workflow: Workflow) -> None:
    world.github.add_repository("guest/shop", world.hosted.repository.path, fork_of=NAME)
    world.open("vouchers", head_repo="guest/shop")
    first, second = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in PAIR)
    assert (list(first[True]), list(second[True])) == (["pull_request"], ["workflow_run"])
    assert second[True]["workflow_run"] == {"workflows": [first["name"]], "types": ["completed"]}
    (collect,), (review,) = (document["jobs"].values() for document in (first, second))
    assert "secrets" not in PAIR[0].read_text(encoding="utf-8")
    assert {name.replace("-", "_"): right for name, right in collect["permissions"].items()} == FIRST
    assert {name.replace("-", "_"): right for name, right in review["permissions"].items()} == SECOND

    ended = workflow.collect(**given(ours(PAIR[0]), ""))
    upload = collect["steps"][1]
    assert upload["if"] == "${{ steps.collect.outputs.bundle != '' }}"
    assert upload["with"]["path"] == "${{ steps.collect.outputs.bundle }}"
    workflow.upload(Path(ended.outputs["bundle"]), name=upload["with"]["name"])
    ended = workflow.handed_over(**given(ours(PAIR[1]), ""))
    assert (ended.code, ended.outputs["verdict"]) == (0, "findings"), ended.log.text
    assert len(world.reviews) == len(world.checks) == 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_inputs_and_outputs_of_an_example_exist(path: Path) -> None:
    step, text = ours(path), path.read_text(encoding="utf-8")
    assert set(step["with"]) <= {each.name for each in INPUTS}
    assert set(re.findall(r"steps\.\w+\.outputs\.([\w-]+)", text)) <= {each.name for each in OUTPUTS}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_careful(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert document["permissions"] == {}
    assert "cancel-in-progress" in document["concurrency"]
    (job,) = document["jobs"].values()
    assert job["timeout-minutes"]
    writes = {name for name, right in job["permissions"].items() if right == "write"}
    assert writes <= {"pull-requests", "checks", "security-events"}
    for step in job["steps"]:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])


def test_what_stops_nothing_has_a_group_of_its_own() -> None:
    """Of several in one group GitHub keeps one under way and one that waits, and drops the others."""
    text = yaml.safe_load((ROOT / "examples/workflows/on-request.yml").read_text(encoding="utf-8"))
    group = " ".join(text["concurrency"]["group"].split())
    assert group == (
        "review-${{ github.event_name == 'pull_request' && github.event.action != 'labeled' "
        "&& github.event.pull_request.number || github.run_id }}"
    )


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart-github-action.md"])
def test_pages_show_the_first_of_them(page: str) -> None:
    text = (ROOT / "examples" / "workflows" / "review.yml").read_text(encoding="utf-8")
    shown = "\n".join(line for line in text.split("\n") if not line.startswith("#")).strip()
    assert f"```yaml\n{shown}\n```" in (ROOT / page).read_text(encoding="utf-8")
