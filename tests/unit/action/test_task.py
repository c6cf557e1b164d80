"""Which pull request an event asks for. What comes of it is in tests/acceptance/action/test_events.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reviewbot.action.inputs import Inputs
from reviewbot.action.task import Stop, Task, task_of
from reviewbot.core.config import TriggerSettings
from reviewbot.errors import UsageError

SHA = "a" * 40
ANN = {"login": "ann", "id": 7, "type": "User"}


def pull_event(head: Any, **changes: Any) -> dict[str, Any]:
    pull = {
        "number": 3,
        "head": {"ref": "x", "sha": SHA, "repo": head},
        "base": {"ref": "main", "sha": SHA},
        "user": ANN,
    }
    return {
        "action": "opened",
        "repository": {"full_name": "octo/shop"},
        "sender": ANN,
        "pull_request": pull,
        **changes,
    }


def task(payload: dict[str, Any], kind: str = "pull_request", **inputs: Any) -> Task | Stop:
    return task_of(
        kind,
        json.dumps(payload).encode(),
        repository="octo/shop",
        host="github.com",
        inputs=Inputs(**inputs),
        triggers=TriggerSettings(),
    )


@pytest.mark.parametrize(
    ("head", "from_fork"),
    [({"full_name": "octo/shop"}, False), ({"full_name": "Octo/Shop"}, False), ({"full_name": "eve/shop"}, True), (None, True)],
)  # fmt: skip
def test_a_fork_is_known(head: Any, from_fork: bool) -> None:
    found = task(pull_event(head))
    assert isinstance(found, Task)
    assert (str(found.ref), found.from_fork, found.full) == ("octo/shop#3", from_fork, False)


def test_the_host_is_ours_whatever_the_payload_says() -> None:
    event = pull_event(None, repository={"full_name": "octo/shop", "html_url": "https://evil.example/octo/shop"})
    found = task(event)
    assert isinstance(found, Task)
    assert found.ref.host == "github.com"


@pytest.mark.parametrize("name", ["octo/../shop", "octo", "octo/shop/more", "octo shop/x"])
def test_a_repository_that_is_no_name(name: str) -> None:
    with pytest.raises(UsageError):
        task(pull_event(None, repository={"full_name": name}))


def test_a_reason_holds_nothing_that_a_stranger_wrote() -> None:
    comment = {"id": 1, "body": "/reviewbot evil-word", "author_association": "NONE"}
    event = {
        **pull_event(None),
        "action": "created",
        "comment": comment,
        "issue": {"number": 3, "pull_request": {}, "title": "evil-word"},
    }
    found = task(event, "issue_comment")
    assert isinstance(found, Stop)
    assert "evil" not in found.reason


@pytest.mark.parametrize("kind", ["workflow_dispatch", "schedule", "repository_dispatch", "push"])
def test_a_number_given_by_hand(kind: str) -> None:
    assert str(getattr(task({}, kind, number=9), "ref", "")) == "octo/shop#9"
    with pytest.raises(UsageError):
        task({}, kind)


def test_a_workflow_that_strangers_can_start_is_not_one_by_hand() -> None:
    with pytest.raises(UsageError, match="workflow_run"):
        task({}, "workflow_run", number=9)
