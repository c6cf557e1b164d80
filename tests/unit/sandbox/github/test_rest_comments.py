from __future__ import annotations

from typing import Any

import pytest

PULL, ISSUE = "/repos/octo/shop/pulls/2", "/repos/octo/shop/issues/2"
COMMENTS = f"{PULL}/comments"


@pytest.fixture
def line(api: Any) -> dict[str, Any]:
    return {"path": "a.py", "line": 10, "commit_id": api.get(PULL)["head"]["sha"], "body": "Why?"}


def test_line_comment_and_replies(api: Any, bot: Any, line: dict[str, Any]) -> None:
    first = api.post(COMMENTS, line)
    assert (first.status, first.json["line"], first.json["side"]) == (201, 10, "RIGHT")
    second = bot.post(COMMENTS, {"in_reply_to": first.json["id"], "body": "Because"}).json
    third = api.post(f"{COMMENTS}/{first.json['id']}/replies", {"body": "I see"}).json
    assert second["in_reply_to_id"] == third["in_reply_to_id"] == first.json["id"]
    assert (third["path"], third["line"], third["diff_hunk"]) == ("a.py", 10, first.json["diff_hunk"])
    assert second["user"]["login"] == "reviewbot-sandbox[bot]"
    assert len(api.get(f"{PULL}/reviews")) == 3, "each comment makes a review of its own, as on GitHub"
    assert api.post(COMMENTS, {"in_reply_to": 99, "body": "x"}).status == 422
    assert api.post(f"{COMMENTS}/99/replies", {"body": "x"}).status == 404
    deeper = api.post(f"{COMMENTS}/{second['id']}/replies", {"body": "x"})
    assert (deeper.status, deeper.json["errors"][0]["field"]) == (422, "in_reply_to"), "replies to replies do not exist"


def test_no_reply_beside_a_pending_review(api: Any, bot: Any, line: dict[str, Any]) -> None:
    first = api.post(COMMENTS, line).json["id"]
    pending = bot.post(f"{PULL}/reviews", {"body": "x"}).json["id"]
    refused = bot.post(f"{COMMENTS}/{first}/replies", {"body": "y"})
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "user_id")
    assert api.post(f"{COMMENTS}/{first}/replies", {"body": "y"}).status == 201
    assert bot("DELETE", f"{PULL}/reviews/{pending}").status == 200
    assert bot.post(f"{COMMENTS}/{first}/replies", {"body": "y"}).status == 201


def test_file_comment(api: Any, line: dict[str, Any]) -> None:
    del line["line"]
    done = api.post(COMMENTS, line | {"subject_type": "file", "path": "logo.bin"})
    assert (done.status, done.json["subject_type"], done.json.get("line")) == (201, "file", None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"line": 30}, "pull_request_review_thread.line"),
        ({"path": "nope"}, "pull_request_review_thread.path"),
        ({"path": "nope", "subject_type": "file"}, "pull_request_review_thread.path"),
        ({"commit_id": "0" * 40}, "commit_id"),
        ({"body": "  "}, "body"),
        ({"body": "x" * 65_537}, "body"),
    ],
)
def test_refused(api: Any, line: dict[str, Any], change: dict[str, Any], field: str) -> None:
    done = api.post(COMMENTS, line | change)
    assert (done.status, done.json["message"]) == (422, "Validation Failed")
    assert done.json["errors"][0]["field"] == field
    assert api.get(COMMENTS) == []


@pytest.mark.parametrize("name", ["path", "commit_id", "line", "body"])
def test_missing(api: Any, line: dict[str, Any], name: str) -> None:
    del line[name]
    done = api.post(COMMENTS, line)
    assert (done.status, done.json["message"]) == (422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')


def test_edit_and_delete(api: Any, bot: Any, line: dict[str, Any]) -> None:
    url = f"/repos/octo/shop/pulls/comments/{api.post(COMMENTS, line).json['id']}"
    assert bot("PATCH", url, {"body": "Mine now"}).status == 403, "an app edits its own comments only"
    assert api("PATCH", url, {"body": "Edited"}).json["body"] == "Edited"
    assert api("DELETE", url).status == 204
    assert api("GET", url).status == 404


def test_conversation(api: Any) -> None:
    for number in range(35):
        assert api.post(f"{ISSUE}/comments", {"body": f"Comment {number}"}).status == 201
    first = api("GET", f"{ISSUE}/comments")
    assert len(first.json) == 30, "lists page at 30"
    assert first.headers["link"] == (
        '<http://sandbox.test/repos/octo/shop/issues/2/comments?page=2>; rel="next", '
        '<http://sandbox.test/repos/octo/shop/issues/2/comments?page=2>; rel="last"'
    )
    second = api("GET", f"{ISSUE}/comments?page=2")
    assert len(second.json) == 5
    assert 'rel="prev"' in second.headers["link"]
    assert 'rel="next"' not in second.headers["link"]
    assert len(api.get(f"{ISSUE}/comments?per_page=1000")) == 35
    assert "link" not in api("GET", f"{ISSUE}/comments?per_page=100").headers
    url = first.json[0]["url"].removeprefix("http://sandbox.test")
    assert api("PATCH", url, {"body": "Edited"}).json["body"] == "Edited"
    assert api("PATCH", url, {"body": ""}).status == 422
    assert api("DELETE", url).status == 204
    assert len(api.get(f"{ISSUE}/comments?per_page=100")) == 34


def test_reactions(api: Any, bot: Any, line: dict[str, Any]) -> None:
    line_url = f"/repos/octo/shop/pulls/comments/{api.post(COMMENTS, line).json['id']}"
    issue_url = f"/repos/octo/shop/issues/comments/{api.post(f'{ISSUE}/comments', {'body': 'x'}).json['id']}"
    for url in (line_url, issue_url, ISSUE):
        assert bot.post(f"{url}/reactions", {"content": "eyes"}).status == 201
        assert bot.post(f"{url}/reactions", {"content": "eyes"}).status == 200
        assert api.post(f"{url}/reactions", {"content": "+1"}).status == 201
        assert api.post(f"{url}/reactions", {"content": "shrug"}).status == 422
        assert [row["content"] for row in api.get(f"{url}/reactions")] == ["eyes", "+1"]
    own = api.get(f"{issue_url}/reactions?content=%2B1")[0]["id"]
    assert api("DELETE", f"{issue_url}/reactions/{own}").status == 204
    assert api.get(issue_url)["reactions"]["total_count"] == 1
    assert api.get(line_url)["reactions"]["+1"] == 1


def test_labels(api: Any) -> None:
    assert [row["name"] for row in api.post(f"{ISSUE}/labels", {"labels": ["bug", "a/b"]}).json] == ["bug", "a/b"]
    assert api("DELETE", f"{ISSUE}/labels/a/b").status == 200
    assert api("DELETE", f"{ISSUE}/labels/none").status == 404
    assert [row["name"] for row in api.get(PULL)["labels"]] == ["bug"]
