"""What people do in the browser is told as GitHub tells it."""

from __future__ import annotations

from typing import Any

import pytest

from reviewbot.errors import UsageError
from reviewbot.sandbox.github import SandboxGitHub
from reviewbot.sandbox.github.people import edit, reply, review
from tests.unit.sandbox.github.test_announcer import NAME, PULL, heard, opened


def test_an_answer_in_a_thread(hooked: SandboxGitHub, receiver: Any, api_of: Any) -> None:
    """It names the first comment of its thread, also as an answer to an answer, and is a review of its own."""
    number = opened(hooked)
    fields = {"body": "Why?", "path": "logo.bin", "subject_type": "file", "commit_id": hooked_head(hooked, number)}
    first = api_of(hooked, "ann").post(f"{PULL}/comments", fields).json
    hooked.hooks.drain()
    receiver.taken.clear()
    made = reply(hooked, NAME, first["id"], "ann", "Because.")
    again = reply(hooked, NAME, made, "bob", "I see.")
    hooked.hooks.drain()
    bodies = [each.json for each in receiver.taken]
    events = heard(hooked, receiver)
    assert [event.kind for event in events] == ["pull_request_review", "pull_request_review_comment"] * 2
    said = [event.comment for event in events if event.kind == "pull_request_review_comment"]
    assert [(each.id, each.reply_to, each.body) for each in said] == [
        (made, first["id"], "Because."),
        (again, first["id"], "I see."),
    ]
    assert bodies[1]["comment"]["in_reply_to_id"] == first["id"]
    assert [event.sender.login for event in events] == ["ann", "ann", "bob", "bob"]
    with pytest.raises(UsageError, match="no comment"):
        reply(hooked, NAME, 1, "ann", "x")


def test_a_review_with_words_only_and_an_edit(hooked: SandboxGitHub, receiver: Any) -> None:
    number = opened(hooked)
    comment = hooked.comment(NAME, number, "ann", "Hm")
    hooked.hooks.drain()
    receiver.taken.clear()
    made = review(hooked, NAME, number, "bob", "Good.")
    edit(hooked, NAME, comment, "bob", "Ah")
    hooked.hooks.drain()
    bodies = [each.json for each in receiver.taken]
    told, edited = heard(hooked, receiver)
    assert (told.action, told.comment.id, told.comment.body, told.comment.reply_to) == (
        "submitted",
        made,
        "Good.",
        None,
    )
    assert (edited.action, edited.comment.id, edited.comment.body) == ("edited", comment, "Ah")
    assert bodies[1]["changes"] == {"body": {"from": "Hm"}}
    with pytest.raises(UsageError, match="no comment"):
        edit(hooked, NAME, 1, "ann", "x")


def hooked_head(github: SandboxGitHub, number: int) -> str:
    return github.repositories[NAME].pull(number).head_sha
