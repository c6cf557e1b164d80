"""A scripted GitHub on this machine: answers in order, faults included, and a memory of what was asked."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reviewbot.github.client import GitHubClient

TOKEN = "t0ken-that-must-not-show"


@dataclass(frozen=True)
class Asked:
    verb: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Answer:
    """What to send back; ``drop`` closes the connection without a word, after the request was taken in."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


Handler = Callable[[Asked], Answer]


class Hub:
    """Routes by verb and pattern; a route's answers are used in turn, the last one for ever."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.slept: list[float] = []
        self.now = 1_000_000.0
        self._routes: list[tuple[str, re.Pattern[str], list[Answer | Handler]]] = []
        self.url = ""

    def on(self, verb: str, pattern: str, *answers: Answer | Handler) -> None:
        self._routes.insert(0, (verb, re.compile(pattern), list(answers)))

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        for verb, pattern, answers in self._routes:
            if verb == asked.verb and pattern.fullmatch(asked.path):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                return answer(asked) if callable(answer) else answer
        return Answer({"message": "Not Found"}, 404)

    def client(self, **options: Any) -> GitHubClient:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            self.now += seconds

        options = {"api_url": self.url, "sleep": sleep, "clock": lambda: self.now, **options}
        return GitHubClient(TOKEN, **options)

    def sent(self, verb: str, pattern: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.verb == verb and re.fullmatch(pattern, asked.path)]


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.hub.answer(  # type: ignore[attr-defined]
            Asked(self.command, parts.path, parse_qs(parts.query), headers, body)
        )
        if answer.drop:
            self.close_connection = True
            return
        data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        data = b"" if answer.status == 204 else data
        self.send_response_only(answer.status)  # without the date of this machine
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


for _verb in ("GET", "POST", "PATCH", "PUT", "DELETE"):
    setattr(_Door, f"do_{_verb}", _Door._any)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is part of the tests."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    server = _Server(("127.0.0.1", 0), _Door)
    server.hub = hub  # type: ignore[attr-defined]
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def answer() -> type[Answer]:
    return Answer


def pull_json(**changes: Any) -> dict[str, Any]:
    repo = {"full_name": "o/r", "clone_url": "https://github.com/o/r.git"}
    return {
        "number": 7, "title": "Add", "body": None, "state": "open", "draft": False, "merged": False,
        "user": {"login": "ann"}, "html_url": "https://github.com/o/r/pull/7", "labels": [{"name": "x"}],
        "base": {"ref": "main", "sha": "b" * 40, "repo": repo},
        "head": {"ref": "topic", "sha": "a" * 40, "repo": {"full_name": "fork/r"}},
        "changed_files": 1, "additions": 1, "deletions": 1, "commits": 1,
        **changes,
    }  # fmt: skip


@pytest.fixture(name="pull_json")
def _pull_json() -> Callable[..., dict[str, Any]]:
    return pull_json


class GitHubOfReviews:
    """Remembers reviews, comments and check runs, and refuses lines that are not in ``lines``."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.lines = {("a.py", n) for n in range(1, 200)}
        self.reviews: list[dict[str, Any]] = []
        self.comments: list[dict[str, Any]] = []
        self.issue_comments: list[dict[str, Any]] = []
        self.checks: list[dict[str, Any]] = []
        self.most_reviews_at_once = 0
        root = "/repos/o/r"
        hub.on("POST", f"{root}/pulls/7/reviews", self.post_review)
        hub.on("GET", f"{root}/pulls/7/reviews", lambda _: Answer(self.reviews))
        hub.on("DELETE", f"{root}/pulls/7/reviews/\\d+", self.delete_review)
        hub.on("POST", f"{root}/pulls/7/comments", self.post_comment)
        hub.on("POST", f"{root}/issues/7/comments", self.post_issue_comment)
        hub.on("PATCH", f"{root}/issues/comments/\\d+", self.edit_issue_comment)
        hub.on("POST", f"{root}/check-runs", self.post_check)
        hub.on("PATCH", f"{root}/check-runs/\\d+", self.edit_check)
        hub.on("GET", f"{root}/check-runs/\\d+", lambda _: Answer(self.checks[-1]))
        hub.on("GET", f"{root}/commits/\\w+/check-runs", lambda _: Answer({"check_runs": self.checks}))
        hub.on("POST", "/graphql", lambda _: Answer({"data": self.graphql()}))

    @property
    def visible(self) -> list[dict[str, Any]]:
        return [review for review in self.reviews if review["state"] != "PENDING"]

    def post_review(self, asked: Asked) -> Answer:
        sent = asked.json
        if any(review["state"] == "PENDING" for review in self.reviews):
            return _refused("User can only have one pending review per pull request")
        for comment in sent["comments"]:
            wanted = {
                (comment["path"], n) for n in range(comment.get("start_line", comment["line"]), comment["line"] + 1)
            }
            if not wanted <= self.lines:
                return _refused("Line could not be resolved")
        number = len(self.reviews) + 100
        state = {"COMMENT": "COMMENTED", None: "PENDING"}[sent.get("event")]
        url = f"https://github.com/o/r/pull/7#pullrequestreview-{number}"
        self.reviews.append({"id": number, "state": state, "body": sent["body"], "html_url": url, "sent": sent})
        return Answer(self.reviews[-1], 200)

    def delete_review(self, asked: Asked) -> Answer:
        number = int(asked.path.rsplit("/", 1)[1])
        self.reviews = [review for review in self.reviews if review["id"] != number]
        return Answer({}, 200)

    def post_comment(self, asked: Asked) -> Answer:
        sent = asked.json
        if sent["path"] not in {path for path, _ in self.lines}:
            return _refused("Path could not be resolved")
        self.comments.append(sent)
        return Answer({"html_url": "https://github.com/o/r/pull/7#discussion_r1"}, 201)

    def post_issue_comment(self, asked: Asked) -> Answer:
        url = f"https://github.com/o/r/pull/7#issuecomment-{len(self.issue_comments) + 5_000_000_000}"
        self.issue_comments.append({"html_url": url, "body": asked.json["body"]})
        return Answer(self.issue_comments[-1], 201)

    def edit_issue_comment(self, asked: Asked) -> Answer:
        number = asked.path.rsplit("/", 1)[1]
        for comment in self.issue_comments:
            if comment["html_url"].endswith(f"-{number}"):
                comment["body"] = asked.json["body"]
                return Answer(comment)
        return Answer({"message": "Not Found"}, 404)

    def post_check(self, asked: Asked) -> Answer:
        sent = asked.json
        count = len(sent["output"]["annotations"])
        run = {**sent, "id": 9, "html_url": "https://github.com/o/r/runs/9", "output": {"annotations_count": count}}
        self.checks.append(run)
        return Answer(run, 201)

    def edit_check(self, asked: Asked) -> Answer:
        self.checks[-1]["output"]["annotations_count"] += len(asked.json["output"]["annotations"])
        return Answer(self.checks[-1])

    def graphql(self) -> dict[str, Any]:
        page = {"hasNextPage": False, "endCursor": None}
        issue_comments = [
            {"url": comment["html_url"], "body": comment["body"], "viewerDidAuthor": True}
            for comment in self.issue_comments
        ]
        reviews = [
            {"url": review["html_url"], "body": review["body"], "state": review["state"], "viewerDidAuthor": True}
            for review in self.reviews
        ]
        threads = [
            {
                "id": "T", "path": sent["path"], "line": None, "diffSide": "RIGHT", "isResolved": False,
                "isOutdated": False,
                "comments": {"totalCount": 1, "nodes": [{"body": sent["body"], "viewerDidAuthor": True}]},
            }
            for sent in self.comments
        ]  # fmt: skip
        comments = {"totalCount": len(issue_comments), "pageInfo": page, "nodes": issue_comments}
        pull = {
            "commits": {"nodes": []},
            "headRefOid": "a" * 40,
            "closingIssuesReferences": {"nodes": []},
            "reviewThreads": {"pageInfo": page, "nodes": threads},
            "reviews": {"nodes": reviews},
            "early": comments,
            "late": {**comments, "nodes": []},
        }
        return {"viewer": {"login": "reviewbot"}, "repository": {"pullRequest": pull}}


def _refused(words: str) -> Answer:
    return Answer({"message": "Unprocessable Entity", "errors": [words]}, 422)


@pytest.fixture
def reviews(hub: Hub) -> GitHubOfReviews:
    return GitHubOfReviews(hub)
