"""What people say in comments is followed and answered by the Action as by the App."""

from __future__ import annotations

import pytest

from tests.acceptance.action.conftest import READS, Workflow
from tests.acceptance.action.runner import Ended
from tests.acceptance.conftest import World


@pytest.fixture(autouse=True)
def people(world: World) -> None:
    world.open("vouchers")
    world.hosted.collaborators.update({"maria": "write", "ron": "read"})


def answered(ended: Ended, *kinds: str) -> str:
    """The text of the job summary."""
    assert (ended.code, ended.outputs["verdict"]) == (0, "answered"), ended.log.text
    assert [each.text for each in ended.log.of("notice")] == [f"Answered: {', '.join(kinds)}"]
    return ended.summary


def test_what_needs_no_model_needs_no_key(world: World, workflow: Workflow) -> None:
    summary = answered(workflow.comment("/reviewbot help", api_key=""), "answer")
    (told,) = world.summaries[1:]
    assert told.author.login == "reviewbot[bot]"
    assert "`/reviewbot ask" in told.body
    assert "`/reviewbot ask" in summary
    assert [each.content for each in world.hosted.comments[world.summaries[0].id].reactions] == ["eyes"]
    assert world.asked == 0


def test_a_pause_holds_back_what_comes_by_itself_until_its_end(world: World, workflow: Workflow) -> None:
    answered(workflow.comment("/reviewbot pause"), "orders", "answer")
    held = workflow.pull_request(action="synchronize")
    assert (held.outputs["verdict"], world.asked) == ("skipped", 0)
    answered(workflow.comment("/reviewbot resume"), "orders", "answer")
    assert workflow.pull_request(action="synchronize").outputs["verdict"] == "findings"


def test_talk_about_a_finding(world: World, workflow: Workflow) -> None:
    assert workflow.pull_request().outputs["verdict"] == "findings"
    first, second, *_ = world.comments
    asked = world.asked
    summary = answered(workflow.reply(first.id, "Why is this a problem?"), "reply")
    assert world.asked == asked + 1
    said = [each for each in world.comments if each.root == first.id and each.author.login == "reviewbot[bot]"]
    assert len(said) == 2
    assert "stand-in" in said[1].body
    assert "stand-in" in summary
    answered(workflow.reply(second.id, "/reviewbot dismiss it is a sample"), "reply", "resolve")
    again = workflow.pull_request(action="synchronize", full="true")
    assert len([each for each in world.comments if each.path == second.path and each.root == each.id]) == len(
        {each.root for each in world.comments if each.path == second.path}
    )
    assert again.outputs["verdict"] == "findings"


def test_a_question_costs_what_it_says(world: World, workflow: Workflow) -> None:
    ended = workflow.comment("/reviewbot ask what does this change do?")
    answered(ended, "answer")
    assert float(ended.outputs["cost-usd"]) > 0
    assert world.asked == 1


def test_who_may_not_write_is_not_answered(world: World, workflow: Workflow) -> None:
    ended = workflow.comment("/reviewbot help", by="ron")
    assert (ended.code, ended.outputs["verdict"]) == (0, "skipped")
    assert "may not write" in ended.log.of("notice")[0].text
    assert (world.asked, world.writes) == (0, [])
    dry = workflow.comment("/reviewbot help", dry_run="true")
    assert (dry.outputs["verdict"], world.writes) == ("skipped", [])


def test_what_fails_is_said_where_it_was_asked(world: World, workflow: Workflow) -> None:
    ended = workflow.comment("/reviewbot ask why?", api_key="a-wrong-key")
    assert (ended.code, ended.outputs["verdict"]) == (5, "failed")
    assert "This was not done." in world.summaries[-1].body
    assert "a-wrong-key" not in world.posted


def test_a_token_that_may_only_read_loses_nothing(world: World, workflow: Workflow) -> None:
    workflow.token = world.github.add_token(login="reviewbot[bot]", kind="app", permissions=READS)
    summary = answered(workflow.comment("/reviewbot help"), "answer")
    assert "`/reviewbot ask" in summary
    assert len(world.summaries) == 1
