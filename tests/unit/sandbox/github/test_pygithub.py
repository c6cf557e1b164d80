"""PyGithub, the product's client, reads every answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import github as pygithub
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from reviewbot.sandbox.github import create_app, running

Login = Callable[[Any], pygithub.Github]


QUICK: dict[str, Any] = {"retry": None, "seconds_between_requests": 0, "seconds_between_writes": 0, "per_page": 100}


@pytest.fixture(params=["", "/api/v3"])
def url(request: pytest.FixtureRequest, github: Any) -> Iterator[str]:
    with running(create_app(github)) as url:
        yield url + request.param


@pytest.fixture
def login(url: str) -> Iterator[Login]:
    made: list[pygithub.Github] = []

    def connect(auth: Any) -> pygithub.Github:
        made.append(pygithub.Github(base_url=url, auth=auth, **QUICK))
        return made[-1]

    yield connect
    for client in made:
        client.close()


@pytest.fixture
def client(login: Login, github: Any) -> pygithub.Github:
    return login(pygithub.Auth.Token(github.add_token("reviewer")))


def test_reading(client: pygithub.Github, git: Any) -> None:
    assert client.get_user().login == "reviewer"
    assert client.get_rate_limit().resources.core.limit == 5_000
    repo = client.get_repo("octo/shop")
    pull = repo.get_pull(2)
    assert (pull.title, pull.changed_files, pull.commits, pull.draft, pull.merged) == ("Take cards", 8, 1, False, False)
    assert (pull.head.sha, pull.base.ref, pull.head.repo.full_name) == (
        git("rev-parse", "feature/cards"),
        "main",
        "octo/shop",
    )
    assert pull.user.login == "contributor"
    files = list(pull.get_files())
    assert [(file.filename, file.previous_filename) for file in files if file.status == "renamed"] == [
        ("new name.txt", "old name.txt")
    ]
    assert [commit.commit.message for commit in pull.get_commits()] == ["Take cards\n\nWith a body."]
    assert [found.number for found in repo.get_pulls(head="octo:feature/cards")] == [2]
    assert repo.get_branch("feature/cards").commit.sha == pull.head.sha
    assert repo.get_git_ref("heads/main").object.sha == git("rev-parse", "main")
    assert repo.get_commit("main").commit.author.name == "dev@example.org"
    assert repo.compare("main", "feature/cards").total_commits == 1
    assert repo.get_contents("a.py", ref="feature/cards").decoded_content.startswith(b"line 1\n")  # type: ignore[union-attr]  # a list for a folder
    assert {entry.path for entry in repo.get_git_tree("main", recursive=True).tree} >= {"docs/é.md", "a.py"}
    assert repo.get_collaborator_permission("octo") == "admin"
    assert repo.get_issue(1).title == "Cards"


def test_reviewing(client: pygithub.Github) -> None:
    pull = client.get_repo("octo/shop").get_pull(2)
    comments: Any = [
        {"path": "a.py", "line": 10, "side": "RIGHT", "body": "One"},
        {"path": "a.py", "line": 11, "side": "RIGHT", "start_line": 10, "start_side": "RIGHT", "body": "Two"},
    ]
    review = pull.create_review(body="Summary", event="COMMENT", comments=comments)
    assert (review.state, review.user.login) == ("COMMENTED", "reviewer")
    assert [comment.body for comment in pull.get_single_review_comments(review.id)] == ["One", "Two"]
    first = pull.get_review_comments()[0]
    assert (first.path, first.line, first.side) == ("a.py", 10, "RIGHT")
    pull.create_review_comment_reply(first.id, "Answer")
    first.edit("One, edited")
    first.create_reaction("eyes")
    said = pull.create_issue_comment("Hello")
    said.edit("Hello again")
    said.create_reaction("+1")
    assert [comment.body for comment in pull.get_issue_comments()] == ["Hello again"]
    pull.add_to_labels("bug")
    assert [label.name for label in pull.get_labels()] == ["bug"]
    assert [found.state for found in pull.get_reviews()] == ["COMMENTED", "COMMENTED"]
    assert list(pull.get_review_requests()[0]) == []
    bad: Any = [{"path": "a.py", "line": 30, "body": "x"}]
    with pytest.raises(pygithub.GithubException) as caught:
        pull.create_review(body="x", event="COMMENT", comments=bad)
    assert (caught.value.status, caught.value.data["errors"]) == (422, ["Line could not be resolved"])
    with pytest.raises(pygithub.UnknownObjectException):
        client.get_repo("octo/shop").get_pull(9)
    _, data = client.requester.graphql_query("query($n: Int!) { repository(owner: \"octo\", name: \"shop\") "
                                             "{ pullRequest(number: $n) { title } } }", {"n": 2})  # fmt: skip
    assert data["data"]["repository"]["pullRequest"]["title"] == "Take cards"


def test_as_an_app(url: str, login: Login, github: Any, git: Any) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    app_id = github.use_app(public_key=public)
    number = github.add_installation("octo")
    auth = pygithub.Auth.AppAuth(app_id, secret)
    with pygithub.GithubIntegration(base_url=url, auth=auth, **QUICK) as integration:
        assert integration.get_app().id == app_id
        assert [found.id for found in integration.get_installations()] == [number]
        assert integration.get_repo_installation("octo", "shop").id == number
    client = login(auth.get_installation_auth(number))
    repo = client.get_repo("octo/shop")
    made = repo.create_check_run(
        "reviewbot",
        git("rev-parse", "feature/cards"),
        status="completed",
        conclusion="success",
        output={"title": "T", "summary": "S"},
    )
    assert (made.conclusion, made.output.title, made.app.slug) == ("success", "T", "reviewbot-sandbox")
    made.edit(output={"title": "T2", "summary": "S2"})
    assert [run.output.title for run in repo.get_commit("feature/cards").get_check_runs()] == ["T2"]
    repo.get_commit("feature/cards").create_status("success", description="ok", context="reviewbot")
    before = [logged.path for logged in github.log].count(f"/app/installations/{number}/access_tokens")
    assert before == 1, "one token serves all reads"
