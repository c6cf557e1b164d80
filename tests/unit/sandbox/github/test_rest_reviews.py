"""One bad comment rejects the whole review; the rules are those of "Create a review for a pull request"."""

from __future__ import annotations

from typing import Any

import pytest

PULL = "/repos/octo/shop/pulls/2"
REVIEWS = f"{PULL}/reviews"
GOOD = {"path": "a.py", "line": 10, "body": "Why?"}


def review(*comments: dict[str, Any], event: str | None = "COMMENT", **more: Any) -> dict[str, Any]:
    return {"body": "Summary", "comments": list(comments), **({"event": event} if event else {}), **more}


@pytest.mark.parametrize(
    "place",
    [
        {"line": 7},
        {"line": 10, "side": "RIGHT"},
        {"line": 10, "side": "LEFT"},
        {"line": 50, "side": "LEFT"},
        {"line": 11, "side": "RIGHT", "start_line": 10, "start_side": "RIGHT"},
        {"line": 11, "side": "RIGHT", "start_line": 10, "start_side": "LEFT"},
        {"position": 5},
    ],
)
def test_accepted(api: Any, place: dict[str, Any]) -> None:
    done = api.post(REVIEWS, review({"path": "a.py", "body": "x", **place}))
    assert done.status == 200, done.body
    (comment,) = api.get(f"{REVIEWS}/{done.json['id']}/comments")
    for key, value in place.items():
        assert comment[key] == value
    assert comment["original_line"] == comment["line"]
    assert comment["subject_type"] == "line"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"line": 30}, "Line could not be resolved"),
        ({"line": 0}, "Line could not be resolved"),
        ({"line": True}, "Line could not be resolved"),
        ({"line": "10"}, "Line could not be resolved"),
        ({}, "Line could not be resolved"),
        ({"position": 10}, "Line could not be resolved"),
        ({"line": 54, "side": "RIGHT"}, "Line could not be resolved"),
        ({"line": 10, "side": "MIDDLE"}, "Side is not included in the list"),
        ({"path": "other.txt", "line": 1}, "Path could not be resolved"),
        ({"path": "old name.txt", "line": 1}, "Path could not be resolved"),
        ({"path": "new name.txt", "line": 1}, "Line could not be resolved"),
        ({"path": "logo.bin", "line": 1}, "Line could not be resolved"),
        ({"line": 11, "start_line": 10}, "Start line needs a start side"),
        ({"line": 11, "start_line": 11, "start_side": "RIGHT"}, "Start line must precede the end line."),
        ({"line": 10, "start_line": 11, "start_side": "RIGHT"}, "Start line must precede the end line."),
        ({"line": 11, "start_line": 3, "start_side": "RIGHT"}, "Start line could not be resolved"),
        (
            {"line": 50, "start_line": 11, "start_side": "RIGHT"},
            "Start line must be part of the same hunk as the line.",
        ),
    ],
)
def test_one_bad_comment_rejects_all(api: Any, place: dict[str, Any], said: str) -> None:
    done = api.post(REVIEWS, review(GOOD, {"path": "a.py", "body": "x", **place}, GOOD))
    assert done.status == 422
    assert done.json["message"] == "Unprocessable Entity"
    assert done.json["errors"] == [said], "the words, not the culprit"
    assert api.get(REVIEWS) == []
    assert api.get(f"{PULL}/comments") == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (review(GOOD | {"body": " "}), "Body can't be blank"),
        (review(GOOD | {"body": "x" * 65_537}), "Body is too long (maximum is 65536 characters)"),
        (review(body="x" * 65_537), "Body is too long (maximum is 65536 characters)"),
        (review(body=""), "Body can't be blank"),
        (review(GOOD, body="", event="REQUEST_CHANGES"), "Body can't be blank"),
        (review(GOOD, commit_id="0" * 40), "Commit is not part of the pull request"),
        (review(GOOD, commit_id=["x"]), "Commit is not part of the pull request"),
    ],
)
def test_unprocessable(api: Any, data: dict[str, Any], said: str) -> None:
    done = api.post(REVIEWS, data)
    assert (done.status, done.json["errors"]) == (422, [said])
    assert api.get(REVIEWS) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (review(GOOD | {"subject_type": "file"}), '"subject_type" is not a permitted key.'),
        (review({"path": "a.py", "line": 10}), '"body" wasn\'t supplied.'),
        (review({"line": 10, "body": "x"}), '"path" wasn\'t supplied.'),
        (review(event="MERGE"), "is not a member of"),
        (review(event=["COMMENT"]), "is not a member of"),  # type: ignore[arg-type]  # what a client may send
        ({"comments": "x"}, "is not an array"),
    ],
)
def test_invalid_requests(api: Any, data: dict[str, Any], said: str) -> None:
    done = api.post(REVIEWS, data)
    assert done.status == 422
    assert said in done.json["message"]


def test_the_longest_body_is_taken(api: Any) -> None:
    assert api.post(REVIEWS, review(GOOD | {"body": "é" * 65_536}, body="x" * 65_536)).status == 200


def test_comments_without_a_body_are_enough(api: Any) -> None:
    done = api.post(REVIEWS, {"event": "COMMENT", "comments": [GOOD]})
    assert (done.status, done.json["state"], done.json["body"]) == (200, "COMMENTED", "")


def test_pending(api: Any, client: Any, github: Any) -> None:
    done = api.post(REVIEWS, review(GOOD, event=None))
    assert done.json["state"] == "PENDING"
    assert "submitted_at" not in done.json
    other = client(github.add_token("somebody"))
    assert other.get(REVIEWS) == []
    assert other("GET", f"{REVIEWS}/{done.json['id']}").status == 404
    assert api.get(f"{PULL}/comments") == [], "comments of a pending review are not listed"
    again = api.post(REVIEWS, review(GOOD, event=None))
    assert again.json["errors"] == ["User can only have one pending review per pull request"]
    sent = api.post(f"{REVIEWS}/{done.json['id']}/events", {"event": "APPROVE"})
    assert (sent.status, sent.json["state"]) == (200, "APPROVED")
    assert len(other.get(f"{PULL}/comments")) == 1
    assert api("DELETE", f"{REVIEWS}/{done.json['id']}").status == 422


def test_delete_pending(api: Any) -> None:
    number = api.post(REVIEWS, review(GOOD, event=None)).json["id"]
    assert api("DELETE", f"{REVIEWS}/{number}").status == 200
    assert api.get(REVIEWS) == []


def test_update_and_dismiss(api: Any) -> None:
    number = api.post(REVIEWS, review(event="REQUEST_CHANGES")).json["id"]
    assert api("PUT", f"{REVIEWS}/{number}", {"body": "Better"}).json["body"] == "Better"
    gone = api("PUT", f"{REVIEWS}/{number}/dismissals", {"message": "Done"})
    assert gone.json["state"] == "DISMISSED"
    assert api("PUT", f"{REVIEWS}/{number}/dismissals", {"message": "Done"}).status == 422


def test_nobody_approves_their_own(github: Any, client: Any) -> None:
    own = client(github.add_token("contributor"))
    assert own.post(REVIEWS, review(event="APPROVE")).json["errors"] == ["Can not approve your own pull request"]
    done = own.post(REVIEWS, review(event="REQUEST_CHANGES"))
    assert done.json["errors"] == ["Can not request changes on your own pull request"]
    assert own.post(REVIEWS, review()).status == 200
    workflow = client(github.add_token(kind="actions"))
    assert workflow.post(REVIEWS, review(event="APPROVE")).status == 422


def test_an_older_commit_of_the_series(git: Any, api: Any) -> None:
    old = api.get(PULL)["head"]["sha"]
    git("switch", "-q", "feature/cards")
    git.commit("Push", {"pushed.py": "x\n"})
    assert api.post(REVIEWS, review(GOOD, commit_id=old)).status == 200
    done = api.post(REVIEWS, review({"path": "pushed.py", "line": 1, "body": "x"}, commit_id=old))
    assert done.json["errors"] == ["Path could not be resolved"], "the file was not there at that commit"


def test_a_force_push_takes_the_commit_away(git: Any, api: Any) -> None:
    old = api.get(PULL)["head"]["sha"]
    api.post(REVIEWS, review(GOOD))
    git("switch", "-q", "feature/cards")
    git("commit", "-q", "--amend", "-m", "Amended")
    done = api.post(REVIEWS, review(GOOD, commit_id=old))
    assert done.json["errors"] == ["Commit is not part of the pull request"]
    (comment,) = api.get(f"{PULL}/comments")
    assert (comment["line"], comment["original_commit_id"]) == (10, old), "same content: the comment stays in place"


def test_comments_move_and_become_outdated(git: Any, api: Any) -> None:
    api.post(
        REVIEWS,
        review(
            GOOD,
            GOOD | {"line": 11},
            GOOD | {"line": 50, "side": "LEFT"},
            {"path": "new.py", "line": 1, "body": "x"},
        ),
    )
    git("switch", "-q", "feature/cards")
    text = (git.path / "a.py").read_text()
    git.commit("Push", {"a.py": "first\nsecond\n" + text.replace("more\n", "less\n"), "new.py": None})
    moved, changed, left, gone = api.get(f"{PULL}/comments")
    assert (moved["line"], moved["original_line"]) == (12, 10)
    assert (changed["line"], changed["position"], changed["original_line"]) == (None, None, 11)
    assert left["line"] == 50
    assert gone["line"] is None
    assert moved["commit_id"] == api.get(PULL)["head"]["sha"] != moved["original_commit_id"]
