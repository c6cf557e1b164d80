"""What happens is told to the App's webhook, in payloads that its own receiver reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reviewbot.errors import UsageError
from reviewbot.payloads import PAYLOADS, read_event
from reviewbot.sandbox.github import SandboxGitHub
from webhooks.signature import is_signed

NAME = "octo/shop"
REPO = f"/repos/{NAME}"
PULL = f"{REPO}/pulls/1"


def opened(github: SandboxGitHub, **more: Any) -> int:
    return github.open_pull_request(NAME, base="main", head="feature/cards", author="ann", **more)


def heard(github: SandboxGitHub, receiver: Any) -> list[Any]:
    """What has arrived since it was last asked, as Events, each checked for its signature."""
    github.hooks.drain()
    taken, receiver.taken = receiver.taken, []
    for each in taken:
        assert is_signed(each.body, each.headers["x-hub-signature-256"], [b"hook secret"])
    kinds = [(each.headers["x-github-event"], each.headers["x-github-delivery"], each.body) for each in taken]
    return [read_event(kind, guid, body, host="github.com") for kind, guid, body in kinds]


def test_a_delivery(hooked: SandboxGitHub, receiver: Any) -> None:
    opened(hooked)
    hooked.hooks.drain()
    (taken,) = receiver.taken
    assert taken.headers["content-type"] == "application/json"
    assert taken.headers["user-agent"].startswith("GitHub-Hookshot/")
    assert taken.headers["x-github-hook-installation-target-id"] == str(hooked.app.id)
    assert taken.headers["x-github-hook-installation-target-type"] == "integration"
    assert len(taken.headers["x-github-delivery"]) == 36
    assert not is_signed(taken.body, taken.headers["x-hub-signature-256"], [b"other"])
    (row,) = hooked.hooks.log()
    assert (row.status, row.status_code, row.response_text) == ("OK", 202, "said")
    assert row.message.guid == taken.headers["x-github-delivery"]


def test_the_life_of_a_pull_request(git: Any, hooked: SandboxGitHub, receiver: Any) -> None:
    number = opened(hooked, draft=True)
    hooked.set_draft(NAME, number, draft=False, by="bob")
    hooked.set_draft(NAME, number, draft=False)
    hooked.set_draft(NAME, number)
    hooked.add_label(NAME, number, "bug")
    hooked.add_label(NAME, number, "bug")
    hooked.remove_label(NAME, number, "bug")
    hooked.request_review(NAME, number, hooked.app.bot.login)
    hooked.edit_pull_request(NAME, number, title="Better", body="Why")
    hooked.edit_pull_request(NAME, number, title="Better")
    before = git("rev-parse", "feature/cards")
    git("switch", "-q", "feature/cards")
    after = git.commit("More", {"more.py": "x = 1\n"})
    hooked.notice(NAME, by="bob")
    hooked.notice(NAME)
    hooked.close_pull_request(NAME, number)
    hooked.reopen_pull_request(NAME, number)
    hooked.close_pull_request(NAME, number, merged=True, by="octo")
    hooked.hooks.drain()
    bodies = [each.json for each in receiver.taken]
    events = heard(hooked, receiver)
    assert [event.action for event in events] == [
        "opened", "ready_for_review", "converted_to_draft", "labeled", "unlabeled", "review_requested", "edited",
        "synchronize", "closed", "reopened", "closed",
    ]  # fmt: skip
    assert {event.kind for event in events} == {"pull_request"}
    assert len({event.delivery_id for event in events}) == len(events)
    assert [event.draft for event in events[:3]] == [True, False, True]
    assert [event.sender.login for event in events] == ["ann", "bob", *["ann"] * 5, "bob", "ann", "ann", "octo"]
    assert events[3].label == events[4].label == "bug"
    assert (events[3].labels, events[4].labels) == (("bug",), ())
    assert events[5].reviewer == hooked.app.bot.login
    assert bodies[6]["changes"] == {"title": {"from": "Take cards"}, "body": {"from": ""}}
    assert (events[7].before_sha, events[7].head_sha) == (before, after)
    assert bodies[7]["after"] == after
    assert [event.state for event in events[-3:]] == ["closed", "open", "closed"]
    assert [body["pull_request"]["merged"] for body in bodies[-3:]] == [False, False, True]
    with pytest.raises(UsageError, match="merged"):
        hooked.reopen_pull_request(NAME, number)


def test_a_push_is_told_by_whatever_reads_the_repository_next(git: Any, hooked: SandboxGitHub, receiver: Any) -> None:
    opened(hooked)
    git("switch", "-q", "feature/cards")
    git.commit("More", {"more.py": "x = 1\n"})
    hooked.comment(NAME, 1, "ann", "Done")
    git("switch", "-q", "main")
    git.commit("Elsewhere", {"other.txt": "2\n"})
    hooked.notice(NAME)
    hooked.hooks.drain()
    assert receiver.names() == ["pull_request.opened", "pull_request.synchronize", "issue_comment.created"]


def test_a_push_while_closed_is_no_event_of_its_own(git: Any, hooked: SandboxGitHub, receiver: Any) -> None:
    opened(hooked)
    hooked.close_pull_request(NAME, 1)
    git("switch", "-q", "feature/cards")
    head = git.commit("More", {"more.py": "x = 1\n"})
    hooked.notice(NAME)
    hooked.reopen_pull_request(NAME, 1)
    hooked.notice(NAME)
    events = heard(hooked, receiver)
    assert [event.action for event in events] == ["opened", "closed", "reopened"]
    assert events[-1].head_sha == head


def test_a_push_to_a_fork(git: Any, hooked: SandboxGitHub, receiver: Any, tmp_path: Path) -> None:
    fork = type(git)(tmp_path / "fork")
    git("clone", "-q", "--template=", str(git.path), str(fork.path))
    fork("switch", "-q", "-c", "mine", "origin/feature/cards")
    hooked.add_repository("eve/shop", fork.path, fork_of=NAME)
    hooked.open_pull_request(NAME, base="main", head="mine", head_repo="eve/shop", author="eve")
    head = fork.commit("More", {"more.py": "x = 1\n"})
    hooked.notice("eve/shop")
    hooked.delete_repository("eve/shop")
    hooked.comment(NAME, 1, "eve", "Gone")
    events = heard(hooked, receiver)
    assert [event.action for event in events] == ["opened", "synchronize", "created"]
    assert events[1].head_sha == head
    with pytest.raises(UsageError, match="no repository eve/shop"):
        hooked.notice("eve/shop")


@pytest.mark.parametrize(
    ("login", "given", "association"),
    [
        ("octo", "", "OWNER"),
        ("col", "", "COLLABORATOR"),
        ("merger", "", "CONTRIBUTOR"),
        ("eve", "", "NONE"),
        ("eve", "MEMBER", "MEMBER"),
    ],
)
def test_who_comments(hooked: SandboxGitHub, receiver: Any, api_of: Any, login: str, given: str, association: str) -> None:  # fmt: skip
    hooked.hosted(NAME).collaborators["col"] = "write"
    merged = hooked.open_pull_request(NAME, base="main", head="feature/cards", author="merger")
    hooked.close_pull_request(NAME, merged, merged=True)
    number = opened(hooked)
    made = hooked.comment(NAME, number, login, "@reviewbot review", association=given)
    event = heard(hooked, receiver)[-1]
    assert (event.kind, event.action, event.sender.login) == ("issue_comment", "created", login)
    assert (event.comment.id, event.comment.body, event.comment.association) == (
        made,
        "@reviewbot review",
        association,
    )
    assert event.pull_request.number == number
    shown = api_of(hooked, login).get(f"{REPO}/issues/comments/{made}")
    assert shown["author_association"] == association


def test_comments_need_something_to_stand_under(hooked: SandboxGitHub, receiver: Any) -> None:
    with pytest.raises(UsageError, match="no issue or pull request 9"):
        hooked.comment(NAME, 9, "ann", "x")
    number = hooked.add_issue(NAME, "Cards")
    hooked.comment(NAME, number, "ann", "x")
    (event,) = heard(hooked, receiver)
    assert event.pull_request is None


def test_what_is_written_by_rest(hooked: SandboxGitHub, receiver: Any, api_of: Any) -> None:
    """Reviews, comments, labels, requests; by a person and by the App itself."""
    opened(hooked)
    person, bot = api_of(hooked, "bob"), api_of(hooked, "", kind="app")
    line = {"path": "a.py", "line": 10, "body": "Why?"}
    heard(hooked, receiver)
    review = bot.post(f"{PULL}/reviews", {"event": "COMMENT", "body": "Two things", "comments": [line, line]})
    assert review.status == 200
    events = heard(hooked, receiver)
    assert [(event.kind, event.action) for event in events] == [
        ("pull_request_review", "submitted"), *[("pull_request_review_comment", "created")] * 2,
    ]  # fmt: skip
    assert {event.sender.login for event in events} == {hooked.app.bot.login}
    assert (events[0].comment.body, events[1].comment.body) == ("Two things", "Why?")
    pending = person.post(f"{PULL}/reviews", {"comments": [line]}).json["id"]
    assert heard(hooked, receiver) == []
    person.post(f"{PULL}/reviews/{pending}/events", {"event": "APPROVE"})
    hooked.hooks.drain()
    assert receiver.taken[0].json["review"]["state"] == "approved"
    assert receiver.taken[0].json["review"]["body"] is None
    assert len(heard(hooked, receiver)) == 2
    head = hooked.hosted(NAME).pull(1).head_sha
    said = person.post(f"{PULL}/comments", {"path": "logo.bin", "subject_type": "file", "body": "x", "commit_id": head})
    person.post(f"{PULL}/comments/{said.json['id']}/replies", {"body": "y"})
    person("PATCH", f"{REPO}/pulls/comments/{said.json['id']}", {"body": "z"})
    person("DELETE", f"{REPO}/pulls/comments/{said.json['id']}")
    made = person.post(f"{REPO}/issues/1/comments", {"body": "a"}).json["id"]
    person("PATCH", f"{REPO}/issues/comments/{made}", {"body": "b"})
    person("DELETE", f"{REPO}/issues/comments/{made}")
    person.post(f"{REPO}/issues/1/labels", ["one", "two"])
    person("DELETE", f"{REPO}/issues/1/labels/one")
    assert person.post(f"{PULL}/requested_reviewers", {"reviewers": ["ann"]}).status == 201
    assert person.post(f"{PULL}/requested_reviewers", {"reviewers": ["nobody"]}).status == 422
    person("PATCH", PULL, {"title": "New", "state": "closed"})
    person("PATCH", PULL, {"state": "open"})
    hooked.hooks.drain()
    assert receiver.names() == [
        "pull_request_review.submitted", "pull_request_review_comment.created", "pull_request_review.submitted",
        "pull_request_review_comment.created", "pull_request_review_comment.edited",
        "pull_request_review_comment.deleted", "issue_comment.created", "issue_comment.edited",
        "issue_comment.deleted", "pull_request.labeled", "pull_request.labeled", "pull_request.unlabeled",
        "pull_request.review_requested", "pull_request.edited", "pull_request.closed", "pull_request.reopened",
    ]  # fmt: skip
    assert receiver.taken[7].json["changes"] == {"body": {"from": "a"}}
    assert receiver.taken[0].json["repository"]["url"].startswith("http://sandbox.test/")
    assert {event.sender.login for event in heard(hooked, receiver)} == {"bob"}


def test_checks(hooked: SandboxGitHub, receiver: Any, api_of: Any) -> None:
    opened(hooked)
    bot = api_of(hooked, "", kind="app")
    head = hooked.hosted(NAME).pull(1).head_sha
    run = bot.post(f"{REPO}/check-runs", {"name": "reviewbot", "head_sha": head}).json
    bot("PATCH", f"{REPO}/check-runs/{run['id']}", {"conclusion": "success"})
    bot("PATCH", f"{REPO}/check-runs/{run['id']}", {"conclusion": "neutral"})
    hooked.rerequest_check(NAME, run["id"], by="bob")
    hooked.rerequest_suite(NAME, head, by="bob")
    events = heard(hooked, receiver)[1:]
    assert [(event.kind, event.action) for event in events] == [
        ("check_run", "created"), ("check_run", "completed"), ("check_run", "rerequested"),
        ("check_suite", "rerequested"),
    ]  # fmt: skip
    assert {(event.pull_request.number, event.head_sha, event.app) for event in events} == {(1, head, hooked.app.slug)}
    assert [event.sender.login for event in events] == [hooked.app.bot.login] * 2 + ["bob"] * 2
    with pytest.raises(UsageError, match="no check runs"):
        hooked.rerequest_suite(NAME, "0" * 40, by="bob")


def test_the_life_of_an_installation(git: Any, hooked: SandboxGitHub, receiver: Any) -> None:
    hooked.installations.clear()
    hooked.add_repository("octo/till", git.path)
    number = hooked.add_installation("octo", repositories=[NAME])
    token = hooked.add_token(kind="app", repositories=[NAME], installation=number)
    hooked.change_installation(number, add=["octo/till"], remove=[NAME])
    assert hooked.tokens[token].repositories == frozenset()
    hooked.change_installation(number, add=[NAME])
    hooked.suspend_installation(number)
    opened(hooked)
    hooked.change_installation(number, remove=[NAME])
    hooked.suspend_installation(number, suspended=False)
    hooked.comment(NAME, 1, "ann", "nobody listens")
    hooked.remove_installation(number)
    hooked.hooks.drain()
    assert receiver.names() == [
        "installation.created", "installation_repositories.added", "installation_repositories.removed",
        "installation_repositories.added", "installation.suspend", "installation.unsuspend", "installation.deleted",
    ]  # fmt: skip
    named = [receiver.taken[1].json["repositories_added"], receiver.taken[2].json["repositories_removed"]]
    assert [[row["full_name"] for row in rows] for rows in named] == [["octo/till"], [NAME]]
    assert {event.installation_id for event in heard(hooked, receiver)} == {number}
    everything = hooked.add_installation("octo")
    hooked.add_repository("octo/new", git.path)
    hooked.delete_repository("octo/new")
    hooked.hooks.drain()
    assert receiver.names() == [
        "installation.created", "installation_repositories.added", "installation_repositories.removed"
    ]  # fmt: skip
    with pytest.raises(UsageError, match="on all repositories"):
        hooked.change_installation(everything, add=[NAME])


def test_only_what_the_app_subscribes_to_and_may_see(git: Any, hooked: SandboxGitHub, receiver: Any) -> None:
    hooked.use_app(hook_url=receiver.url, webhook_secret="hook secret", events=["issue_comment"])
    hooked.add_repository("eve/other", git.path)
    hooked.open_pull_request("eve/other", base="main", head="feature/cards")
    hooked.comment("eve/other", 1, "ann", "not installed here")
    opened(hooked)
    hooked.comment(NAME, 1, "ann", "hello")
    hooked.hooks.drain()
    assert receiver.names() == ["issue_comment.created"]
    hooked.use_app()
    hooked.comment(NAME, 1, "ann", "no webhook")
    hooked.add_installation("eve")
    hooked.hooks.drain()
    assert len(receiver.taken) == 1


def test_an_app_from_a_manifest_is_pinged(hooked: SandboxGitHub, receiver: Any, api_of: Any) -> None:
    from reviewbot.sandbox.github.manifests import offer_manifest

    for active in (True, False):
        hook = {"url": receiver.url, "active": active}
        manifest = {"name": "Bot", "url": "https://bot.example", "redirect_url": "https://bot.example", "hook_attributes": hook}  # fmt: skip
        code = offer_manifest(hooked, manifest)
        secret = api_of(hooked)("POST", f"/app-manifests/{code}/conversions").json["webhook_secret"]
        hooked.hooks.drain()
        (ping,) = receiver.taken
        if active:
            assert is_signed(ping.body, ping.headers["x-hub-signature-256"], [secret.encode()])
    assert ping.name == "ping"
    assert secret not in ping.body.decode()
    assert ping.json["hook"]["config"] == {
        "content_type": "json", "insecure_ssl": "0", "url": receiver.url, "secret": "********"
    }  # fmt: skip
    event = read_event("ping", "d-1", ping.body, host="github.com")
    assert event is not None
    assert event.kind == "ping"


def test_every_event_that_is_read_can_be_sent() -> None:
    from reviewbot.sandbox.github.records import HOOK_EVENTS

    assert {*HOOK_EVENTS, "installation", "installation_repositories", "ping"} == set(PAYLOADS)
