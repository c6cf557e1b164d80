"""What starts a review, and what does not, with the reason where people look for it."""

from __future__ import annotations

from typing import Any

import pytest

from reviewbot.core.report.acts import Orders
from reviewbot.core.report.continuation import with_orders
from tests.acceptance.action.conftest import Workflow
from tests.acceptance.action.runner import Ended
from tests.acceptance.conftest import NAME, World


def skipped(ended: Ended, *words: str) -> bool:
    said = [each.text for each in ended.log.of("notice")]
    assert (ended.code, ended.outputs["verdict"], ended.outputs["sarif-file"]) == (0, "skipped", ""), ended.log.text
    assert len(said) == 1
    assert said[0].startswith("Not reviewed: ")
    assert all(word in said[0] for word in words), said[0]
    assert "Not reviewed" in ended.summary
    return True


@pytest.fixture(autouse=True)
def people(world: World) -> None:
    world.open("clean")
    world.hosted.collaborators.update({"maria": "write", "ron": "read"})


@pytest.mark.parametrize("action", ["closed", "edited", "assigned", "labeled"])
def test_actions_that_start_nothing(world: World, workflow: Workflow, action: str) -> None:
    assert skipped(workflow.pull_request(action=action))
    assert world.asked == 0


def test_a_draft_waits_until_it_is_ready(world: World, workflow: Workflow) -> None:
    world.github.set_draft(NAME, 1)
    assert skipped(workflow.pull_request(), "draft")
    world.github.set_draft(NAME, 1, draft=False)
    assert workflow.pull_request(action="ready_for_review").outputs["verdict"] == "clean"


def test_rules_of_the_workflow_and_of_the_moment(world: World, workflow: Workflow) -> None:
    payload = workflow.of_pull(1, "synchronize")
    world.github.add_label(NAME, 1, "skip-review")
    assert skipped(workflow.run("pull_request", payload), "skip_labels")  # set after the event
    world.github.remove_label(NAME, 1, "skip-review")
    assert skipped(workflow.pull_request(settings='triggers.events=["opened"]', action="reopened"), "reopened")
    assert world.asked == 0


def test_a_pause_is_respected_by_what_comes_by_itself(world: World, workflow: Workflow) -> None:
    pull = world.hosted.issues[1]
    body = with_orders("", Orders(pull.head_sha, pull.base_sha, paused=True))
    world.github.comment(NAME, 1, world.github.tokens[workflow.token].account.login, body)
    assert skipped(workflow.pull_request(action="synchronize"), "paused")
    assert world.asked == 0
    assert workflow.comment("/reviewbot review").outputs["verdict"] == "clean"


class TestComments:
    def test_who_may_write_asks_for_a_review(self, world: World, workflow: Workflow) -> None:
        world.github.set_draft(NAME, 1)
        assert workflow.comment("/reviewbot review").outputs["verdict"] == "clean"
        asked = world.asked
        assert workflow.comment("/reviewbot review").code == 0
        assert world.asked == asked
        assert workflow.comment("/reviewbot review full").outputs["verdict"] == "clean"
        assert world.asked > asked

    @pytest.mark.parametrize("by", ["ron", "stranger"])
    def test_who_may_not_write_is_not_heard(self, world: World, workflow: Workflow, by: str) -> None:
        assert skipped(workflow.comment("/reviewbot review", by=by), "may not write")
        assert (world.asked, world.writes) == (0, [])

    def test_bots_and_edits_and_talk_are_not_heard(self, world: World, workflow: Workflow) -> None:
        assert skipped(workflow.comment("/reviewbot review", by="helper[bot]"), "Bots")
        assert skipped(workflow.comment("/reviewbot review", action="edited"), "starts nothing")
        assert skipped(workflow.comment("Is /reviewbot review a word?"), "starts nothing")
        assert skipped(workflow.comment("> /reviewbot review"), "starts nothing")
        assert world.asked == 0

    def test_an_issue_is_no_pull_request(self, world: World, workflow: Workflow) -> None:
        number = world.github.add_issue(NAME, "A question")
        assert skipped(workflow.comment("/reviewbot review", number=number), "starts nothing")


class TestByHand:
    def test_a_number_is_reviewed(self, world: World, workflow: Workflow) -> None:
        world.github.set_draft(NAME, 1)
        payload: dict[str, Any] = {"inputs": {"pull-request": "1"}}
        assert workflow.run("workflow_dispatch", payload, pull_request="1").outputs["verdict"] == "clean"

    @pytest.mark.parametrize("number", ["", "one", "0x1", "-1"])
    def test_no_number_is_wrong_usage(self, world: World, workflow: Workflow, number: str) -> None:
        ended = workflow.run("workflow_dispatch", {}, pull_request=number)
        assert (ended.code, ended.outputs["verdict"]) == (2, "failed")
        assert "pull-request" in ended.log.of("error")[0].text

    def test_a_number_that_is_not_that_of_the_event(self, world: World, workflow: Workflow) -> None:
        assert workflow.pull_request(pull_request="1").code == 0
        assert workflow.pull_request(pull_request="7").code == 2


def test_a_merge_group_is_a_stated_skip(world: World, workflow: Workflow) -> None:
    assert skipped(workflow.run("merge_group", {"action": "checks_requested", "merge_group": {}}), "merge group")


def test_pull_request_target_is_for_those_who_know_what_it_is(world: World, workflow: Workflow) -> None:
    payload = workflow.of_pull(1, "opened")
    ended = workflow.run("pull_request_target", payload)
    assert (ended.code, ended.outputs["verdict"], world.asked) == (2, "failed", 0)
    assert "secrets" in ended.log.of("error")[0].text
    assert workflow.run("pull_request_target", payload, allow_pull_request_target="true").outputs["verdict"] == "clean"


@pytest.mark.parametrize("event", ["issues", "release", "pull_request\n::error::x", ""])
def test_other_events_are_wrong_usage(workflow: Workflow, event: str) -> None:
    ended = workflow.run(event, {}, pull_request="1")
    assert ended.code == 2
    assert "workflow_dispatch" in ended.log.of("error")[0].text


@pytest.mark.parametrize("payload", [{}, {"action": 7}, {"action": "opened", "pull_request": {"number": "x"}}])
def test_an_event_file_that_is_none(workflow: Workflow, payload: dict[str, Any]) -> None:
    ended = workflow.run("pull_request", payload)
    assert ended.code == 2
    assert "event file" in ended.log.of("error")[0].text


@pytest.mark.parametrize(
    ("name", "value"),
    [("fail_on", "huge"), ("dry_run", "maybe"), ("files", "pdf"), ("annotations", "often"), ("effort", "none"),
     ("settings", "model.effort"), ("settings", "model.efort=low"), ("max_cost", "cheap"), ("api_base", "ftp://x")],
)  # fmt: skip
def test_an_input_that_cannot_be(world: World, workflow: Workflow, name: str, value: str) -> None:
    ended = workflow.pull_request(**{name: value})
    assert (ended.code, ended.outputs["verdict"]) == (2, "failed")
    assert ended.log.of("error")
    assert world.asked == 0
