"""What GitHub says when another workflow has ended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reviewbot.action.task import Stop
from reviewbot.action.workflow_run import Run, run_of
from reviewbot.core.triggers import Account
from reviewbot.errors import UsageError

SHA = "a" * 40
SHOP = {"full_name": "octo/shop"}


def event(repository: Any = SHOP, action: str = "completed", **changes: Any) -> bytes:
    run = {
        "id": 77,
        "event": "pull_request",
        "conclusion": "success",
        "head_sha": SHA,
        "head_branch": "work",
        "repository": SHOP,
        "head_repository": {"full_name": "eve/shop"},
        "actor": {"login": "eve", "id": 3, "type": "User"},
        "pull_requests": [],
        **changes,
    }
    return json.dumps({"action": action, "repository": repository, "workflow_run": run}).encode()


def read(payload: bytes) -> Run | Stop:
    return run_of(payload, repository="octo/shop")


def test_a_run_that_succeeded() -> None:
    run = read(event())
    assert run == Run(77, "octo/shop", SHA, "work", "eve/shop", Account("eve", 3, "User"))
    assert run.from_fork


@pytest.mark.parametrize(
    ("head", "from_fork"), [(None, True), ({"full_name": "Octo/Shop"}, False), ({"full_name": "eve/shop"}, True)]
)
def test_a_fork_is_known(head: Any, from_fork: bool) -> None:
    run = read(event(head_repository=head, actor=None, head_branch=None))
    assert isinstance(run, Run)
    assert run.from_fork is from_fork


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"action": "requested"}, "not completed"), ({"event": "push"}, "by push"),
     ({"event": "pull_request_target"}, "by pull_request_target"), ({"conclusion": "failure"}, "failure"),
     ({"conclusion": "cancelled"}, "cancelled"), ({"conclusion": "skipped"}, "skipped"), ({"conclusion": None}, "not there")],
)  # fmt: skip
def test_what_is_no_reason_for_a_review(changes: dict[str, Any], words: str) -> None:
    found = read(event(**changes))
    assert isinstance(found, Stop)
    assert words in found.reason


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"[]", event(id="x"), event(id=0), event(id=10**30), event(head_sha="main"), event(head_sha=SHA + "\n"),
     event(event="::error::x"), event(conclusion="a b"), event(repository=None), event(repository={"full_name": "octo/bank"}),
     event(head_repository={"full_name": "../x"}), json.dumps({"action": "completed", "repository": SHOP}).encode()],
)  # fmt: skip
def test_what_is_no_such_event(payload: bytes) -> None:
    with pytest.raises(UsageError):
        read(payload)


def test_a_run_of_another_repository() -> None:
    with pytest.raises(UsageError, match="another repository"):
        read(event().replace(b'"repository": {"full_name": "octo/shop"}', b'"repository": {"full_name": "x/y"}', 1))
