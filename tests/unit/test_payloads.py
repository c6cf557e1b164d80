"""What is read of each payload, what may be null, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from reviewbot.core.change.pull_request import PullRequestRef
from reviewbot.core.triggers import Account, Comment, Event
from reviewbot.payloads import PAYLOADS, read_event

ANN = {"login": "ann", "id": 1, "type": "User"}
REPOSITORY = {"full_name": "octo/orders", "html_url": "https://evil.example/octo/orders"}
PULL: dict[str, Any] = {
    "number": 7,
    "state": "open",
    "draft": True,
    "title": "Totals",
    "body": None,
    "user": ANN,
    "labels": [{"name": "bug"}, {"name": "ui"}],
    "head": {"ref": "topic", "sha": "a" * 40, "repo": None, "user": None},
    "base": {"ref": "main", "sha": "b" * 40},
    "updated_at": "2026-01-01T00:00:00Z",
}
COMMENT = {"id": 11, "body": "/reviewbot", "author_association": "MEMBER", "user": ANN}
REF = PullRequestRef("ghe.example.org", "octo", "orders", 7)


def envelope(action: str | None, **parts: Any) -> dict[str, Any]:
    return {"action": action, "sender": ANN, "installation": {"id": 5}, "repository": REPOSITORY, **parts}


def read(kind: str, payload: Any) -> Event:
    event = read_event(kind, "d1", json.dumps(payload).encode(), host="ghe.example.org")
    assert event is not None
    return event


def test_a_pull_request() -> None:
    payload = envelope("synchronize", pull_request=PULL, before="c" * 40, after="a" * 40)
    assert read("pull_request", payload) == Event(
        kind="pull_request",
        action="synchronize",
        delivery_id="d1",
        installation_id=5,
        repository="octo/orders",
        pull_request=REF,
        head_sha="a" * 40,
        before_sha="c" * 40,
        base_ref="main",
        head_ref="topic",
        sender=Account("ann", 1, "User"),
        author=Account("ann", 1, "User"),
        title="Totals",
        labels=("bug", "ui"),
        draft=True,
        state="open",
        asked_at="2026-01-01T00:00:00Z",
    )


def test_what_an_action_is_about() -> None:
    assert read("pull_request", envelope("labeled", pull_request=PULL, label={"name": "ui"})).label == "ui"
    asked = envelope("review_requested", pull_request=PULL, requested_reviewer={"login": "bob"})
    assert read("pull_request", asked).reviewer == "bob"
    team = envelope("review_requested", pull_request=PULL, requested_team={"name": "core"})
    assert read("pull_request", team).reviewer == ""


def test_a_comment_under_a_pull_request_and_under_an_issue() -> None:
    issue = {"number": 7, "state": "closed", "title": "T", "user": ANN, "labels": [], "pull_request": {"url": "x"}}
    event = read("issue_comment", envelope("created", issue=issue, comment=COMMENT))
    assert (event.pull_request, event.state, event.comment) == (REF, "closed", Comment(11, "/reviewbot", "MEMBER"))
    assert event.head_sha == ""
    plain = {"number": 7, "pull_request": None}
    assert read("issue_comment", envelope("created", issue=plain, comment=COMMENT)).pull_request is None


@pytest.mark.parametrize(
    ("kind", "part"), [("pull_request_review_comment", "comment"), ("pull_request_review", "review")]
)
def test_what_is_said_in_a_review(kind: str, part: str) -> None:
    event = read(kind, envelope("created", pull_request=PULL, **{part: COMMENT}))
    assert (event.pull_request, event.head_sha) == (REF, "a" * 40)
    assert event.comment == Comment(11, "/reviewbot", "MEMBER")
    answer = {**COMMENT, "in_reply_to_id": 7}
    assert read(kind, envelope("created", pull_request=PULL, **{part: answer})).comment == Comment(
        11, "/reviewbot", "MEMBER", 7
    )
    silent = read(kind, envelope("created", pull_request=PULL, **{part: {"id": 1, "body": None}}))
    assert silent.comment == Comment(1, "", "NONE")


@pytest.mark.parametrize("kind", ["check_run", "check_suite"])
def test_a_check(kind: str) -> None:
    check = {
        "id": 3,
        "head_sha": "a" * 40,
        "app": {"slug": "reviewbot"},
        "pull_requests": [{"number": 9}, {"number": 7}],
    }
    event = read(kind, envelope("rerequested", **{kind: check | {"completed_at": "2026"}}))
    assert (event.pull_request, event.app, event.asked_at) == (REF, "reviewbot", "3 2026")
    fork = read(
        kind, envelope("rerequested", **{kind: {"id": 3, "head_sha": "a" * 40, "pull_requests": [], "app": None}})
    )
    assert (fork.pull_request, fork.app, fork.head_sha) == (None, "", "a" * 40)


def test_installations_and_ping() -> None:
    suspended = {"action": "suspend", "installation": {"id": 5}, "sender": ANN}
    assert read("installation", suspended).installation_id == 5
    added = {"action": "added", "installation": {"id": 5}, "repositories_added": [{"full_name": "octo/new"}]}
    assert read("installation_repositories", added).action == "added"
    assert read("ping", {"zen": "Design for failure.", "hook_id": 1, "hook": {}}).kind == "ping"


@pytest.mark.parametrize("name", ["draft", "title", "user", "labels", "updated_at", "body"])
@pytest.mark.parametrize("gone", [True, False])
def test_null_and_missing_are_the_same(name: str, gone: bool) -> None:
    pull = {key: value for key, value in PULL.items() if key != name} | ({} if gone else {name: None})
    payload = envelope("opened", pull_request=pull) | {"sender": None, "installation": None}
    event = read("pull_request", payload)
    assert (event.pull_request, event.sender, event.installation_id) == (REF, None, None)


def test_the_host_is_ours_to_say() -> None:
    assert read("pull_request", envelope("opened", pull_request=PULL)).pull_request == REF


@pytest.mark.parametrize(
    "change",
    [
        {"repository": None},
        {"repository": {"full_name": "octo/../evil"}},
        {"repository": {"full_name": "octo/orders\n"}},
        {"repository": {"full_name": "-octo/orders"}},
        {"pull_request": None},
        {"pull_request": PULL | {"number": 0}},
        {"pull_request": PULL | {"number": 2**31}},
        {"pull_request": PULL | {"number": 10**400}},
        {"pull_request": PULL | {"head": None}},
        {"pull_request": PULL | {"head": {"sha": "--upload-pack=x"}}},
        {"pull_request": PULL | {"head": {"sha": "A" * 40}}},
        {"action": "opened\ninjected"},
        {"installation": {"id": 2**63}},
        {"installation": {"id": -1}},
    ],
)
def test_what_means_nothing_or_is_out_of_its_alphabet_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read("pull_request", envelope("opened", pull_request=PULL) | change)


@pytest.mark.parametrize("kind", [*PAYLOADS, "push"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"payload=%7B%7D",
        b'{"a":' * 100_000,
        b"[" * 2_000_000,
        b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b"\xff\xfe{}",
        b'{"a": "\xed\xa0\x80"}',
        b'{"action": "opened"} trailing',
    ],
)
def test_what_is_no_json_object_is_refused_for_every_kind(kind: str, body: bytes) -> None:
    with pytest.raises(ValidationError):
        read_event(kind, "d1", body, host="github.com")


@pytest.mark.parametrize("kind", ["push", "star", "projects_v2_item", ""])
def test_other_kinds_are_not_read(kind: str) -> None:
    assert read_event(kind, "d1", b'{"action": "on-demand test"}', host="github.com") is None
