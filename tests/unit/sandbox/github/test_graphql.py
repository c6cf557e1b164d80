from __future__ import annotations

from typing import Any

import pytest

from reviewbot.sandbox.github import Limits

PULL = "/repos/octo/shop/pulls/2"
THREADS = """query($after: String, $size: Int = 50) { repository(owner: "octo", name: "shop") { pullRequest(number: 2) {
  reviewThreads(first: $size, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes {
    id isResolved isOutdated isCollapsed path line startLine originalLine diffSide subjectType
    comments(first: 10) { nodes { id databaseId body author { login } viewerDidAuthor createdAt url } } } } } } }"""
RESOLVE = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"


def threads(api: Any, **variables: Any) -> Any:
    return api.graphql(THREADS, **variables)["data"]["repository"]["pullRequest"]["reviewThreads"]


@pytest.fixture
def posted(bot: Any) -> Any:
    comments = [
        {"path": "a.py", "line": 11, "start_line": 10, "side": "RIGHT", "start_side": "RIGHT", "body": "One"},
        {"path": "a.py", "line": 50, "side": "LEFT", "body": "Two"},
    ]
    return bot.post(f"{PULL}/reviews", {"event": "COMMENT", "body": "Sum", "comments": comments}).json


def test_the_pull_request(api: Any, bot: Any, git: Any, posted: Any) -> None:
    bot.post("/repos/octo/shop/issues/2/comments", {"body": "Summary"})
    query = """{ viewer { login databaseId } repository(owner: "Octo", name: "SHOP") { nameWithOwner
      pullRequest(number: 2) { number title body state isDraft headRefOid baseRefOid changedFiles additions deletions
      headRepository { nameWithOwner }
      commits(first: 5) { totalCount nodes { commit { oid messageHeadline messageBody } } }
      comments(last: 5) { nodes { databaseId body author { login } viewerDidAuthor url } pageInfo { hasPreviousPage } }
      reviews(first: 5) { nodes { databaseId body state author { login } viewerDidAuthor commit { oid } url } }
      closingIssuesReferences(first: 5) { nodes { number title body } } } } }"""
    data = bot.graphql(query)["data"]
    assert data["viewer"]["login"] == "reviewbot-sandbox[bot]"
    found = data["repository"]["pullRequest"]
    assert (found["title"], found["state"], found["changedFiles"]) == ("Take cards", "OPEN", 8)
    assert found["headRefOid"] == git("rev-parse", "feature/cards")
    assert found["baseRefOid"] == git("rev-parse", "main")
    assert found["commits"]["nodes"][0]["commit"]["messageBody"] == "With a body."
    (review,) = found["reviews"]["nodes"]
    assert (review["databaseId"], review["state"], review["viewerDidAuthor"]) == (posted["id"], "COMMENTED", True)
    (comment,) = found["comments"]["nodes"]
    assert comment["author"] == {"login": "reviewbot-sandbox"}, "GraphQL leaves out the [bot]"
    assert comment["url"].endswith(f"/octo/shop/pull/2#issuecomment-{comment['databaseId']}")
    assert found["closingIssuesReferences"]["nodes"] == [{"number": 1, "title": "Cards", "body": "Take cards, please"}]
    assert api.graphql(query)["data"]["repository"]["pullRequest"]["reviews"]["nodes"][0]["viewerDidAuthor"] is False


def test_threads(api: Any, posted: Any) -> None:
    first, second = threads(api)["nodes"]
    assert (first["path"], first["startLine"], first["line"], first["diffSide"]) == ("a.py", 10, 11, "RIGHT")
    assert (second["line"], second["diffSide"], second["subjectType"]) == (50, "LEFT", "LINE")
    number = first["comments"]["nodes"][0]["databaseId"]
    api.post(f"{PULL}/comments", {"in_reply_to": number, "body": "Answer"})
    assert [row["body"] for row in threads(api)["nodes"][0]["comments"]["nodes"]] == ["One", "Answer"]


def test_pages(api: Any, posted: Any) -> None:
    first = threads(api, size=1)
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (2, True)
    second = threads(api, size=1, after=first["pageInfo"]["endCursor"])
    assert (second["nodes"][0]["line"], second["pageInfo"]["hasNextPage"]) == (50, False)
    assert threads(api, size=1, after=second["pageInfo"]["endCursor"])["nodes"] == []


def test_resolve(github: Any, client: Any, api: Any, posted: Any) -> None:
    key = threads(api)["nodes"][0]["id"]
    weak = client(github.add_token(kind="app", permissions={"pull_requests": "write", "contents": "read"}))
    refused = weak.graphql(RESOLVE, id=key)
    assert refused["errors"][0]["type"] == "FORBIDDEN", "an app needs contents: write to resolve a thread"
    assert refused["errors"][0]["message"] == "Resource not accessible by integration"
    assert refused["data"] == {"resolveReviewThread": None}
    assert api.graphql(RESOLVE, id=key)["data"]["resolveReviewThread"]["thread"]["isResolved"] is True
    assert [row["isResolved"] for row in threads(api)["nodes"]] == [True, False]
    undo = RESOLVE.replace("resolveReviewThread", "unresolveReviewThread")
    assert api.graphql(undo, id=key)["data"]["unresolveReviewThread"]["thread"]["isResolved"] is False


def test_linked_issues_need_a_permission(github: Any, client: Any) -> None:
    app = client(github.add_token(kind="app", permissions={"pull_requests": "read"}))
    fields = "title closingIssuesReferences(first: 1) { nodes { title } }"
    done = app.graphql(f'{{ repository(owner: "octo", name: "shop") {{ pullRequest(number: 2) {{ {fields} }} }} }}')
    found = done["data"]["repository"]["pullRequest"]
    assert found == {"title": "Take cards", "closingIssuesReferences": None}
    assert done["errors"][0]["path"] == ["repository", "pullRequest", "closingIssuesReferences"]


def test_outdated(git: Any, api: Any, posted: Any) -> None:
    git("switch", "-q", "feature/cards")
    text = (git.path / "a.py").read_text()
    git.commit("Push", {"a.py": text.replace("line ten\nmore\n", "none\n")})
    first, second = threads(api)["nodes"]
    assert (first["isOutdated"], first["line"], first["originalLine"]) == (True, None, 11)
    assert (second["isOutdated"], second["line"]) == (False, 50)


def test_minimize_and_react(api: Any, posted: Any) -> None:
    comment = threads(api)["nodes"][0]["comments"]["nodes"][0]["id"]
    hide = (
        "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) "
        "{ minimizedComment { isMinimized minimizedReason } } }"
    )
    done = api.graphql(hide, id=comment)["data"]["minimizeComment"]["minimizedComment"]
    assert done == {"isMinimized": True, "minimizedReason": "outdated"}
    react = "mutation($id: ID!) { addReaction(input: {subjectId: $id, content: EYES}) { reaction { content } } }"
    for _ in range(2):
        assert api.graphql(react, id=comment)["data"]["addReaction"]["reaction"]["content"] == "EYES"
    assert api.get(f"{PULL}/comments")[0]["reactions"]["eyes"] == 1


def test_reactions_tell_people_and_not_bots(api: Any, bot: Any, posted: Any) -> None:
    comment = threads(api)["nodes"][0]["comments"]["nodes"][0]["id"]
    react = "mutation($id: ID!) { addReaction(input: {subjectId: $id, content: EYES}) { reaction { content } } }"
    for subject in (comment, posted["node_id"]):
        assert "errors" not in api.graphql(react, id=subject)
        assert "errors" not in bot.graphql(react, id=subject)
        fields = "reactions(first: 5) { totalCount nodes { content user { login } } }"
        query = f"query($id: ID!) {{ node(id: $id) {{ ... on PullRequestReviewComment {{ {fields} }} "
        found = api.graphql(f"{query} ... on PullRequestReview {{ {fields} }} }} }}", id=subject)["data"]["node"]
        people = [(row["content"], row["user"]) for row in found["reactions"]["nodes"]]
        assert people == [("EYES", {"login": "reviewer"}), ("EYES", None)]
    unknown = api.graphql(react, id="PRRC_nothing")["errors"][0]
    assert unknown["type"] == "NOT_FOUND"


def test_objects(api: Any, git: Any) -> None:
    query = """query($b: String!, $c: String!) { repository(owner: "octo", name: "shop") {
      text: object(expression: $b) { ... on Blob { oid text isBinary isTruncated byteSize } }
      image: object(expression: "feature/cards:logo.bin") { ... on Blob { text isBinary } }
      none: object(expression: "main:nope") { __typename }
      tree: object(expression: $c) { ... on Tree { entries { name type path } } }
      deep: object(expression: "main:docs") { ... on Tree { entries { path object { ... on Blob { text } } } } }
      commit: object(expression: "main") { __typename ... on Commit { message } } } }"""
    sha = git("rev-parse", "feature/cards")
    found = api.graphql(query, b=f"{sha}:docs/é.md", c=f"{sha}:")["data"]["repository"]
    assert found["text"]["text"] == "two\n"
    assert (found["text"]["byteSize"], found["text"]["isTruncated"]) == (4, False)
    assert found["image"] == {"text": None, "isBinary": True}
    assert found["none"] is None
    assert {"name": "docs", "type": "tree", "path": "docs"} in found["tree"]["entries"]
    assert found["deep"]["entries"] == [{"path": "docs/é.md", "object": {"text": "one\n"}}]
    assert found["commit"] == {"__typename": "Commit", "message": "Meanwhile"}


@pytest.mark.parametrize("limits", [Limits(graphql_text_bytes=10)])
def test_long_text_is_cut(api: Any) -> None:
    query = (
        '{repository(owner:"octo",name:"shop"){object(expression:"main:a.py"){...on Blob{text isTruncated byteSize}}}}'
    )
    found = api.graphql(query)["data"]["repository"]["object"]
    assert found == {"text": "line 1\nlin", "isTruncated": True, "byteSize": 471}


@pytest.mark.parametrize(
    ("query", "kind", "said"),
    [
        ('{repository(owner:"o",name:"x"){id}}', "NOT_FOUND", "Could not resolve to a Repository with the name 'o/x'."),
        (
            '{repository(owner:"octo",name:"shop"){pullRequest(number:9){id}}}',
            "NOT_FOUND",
            "Could not resolve to a PullRequest with the number of 9.",
        ),
        (
            '{repository(owner:"octo",name:"shop"){pullRequest(number:2){reviewThreads{totalCount}}}}',
            "MISSING_PAGINATION_BOUNDARIES",
            "You must provide a `first` or `last` value to properly paginate the `reviewThreads` connection.",
        ),
        (
            '{repository(owner:"octo",name:"shop"){pullRequest(number:2){comments(first:101){totalCount}}}}',
            "EXCESSIVE_PAGINATION",
            "Requesting 101 records on the `comments` connection exceeds the `first` limit of 100 records.",
        ),
        ('{node(id:"PRRT_x"){id}}', "NOT_FOUND", "Could not resolve to a node with the global id of 'PRRT_x'"),
    ],
)
def test_errors(api: Any, query: str, kind: str, said: str) -> None:
    (error,) = api.graphql(query)["errors"]
    assert (error["type"], error["message"]) == (kind, said)
    assert error["path"]


def test_a_bad_document(api: Any) -> None:
    assert "Cannot query field 'nope'" in api.graphql("{nope}")["errors"][0]["message"]
    assert "Syntax Error" in api.graphql("{")["errors"][0]["message"]
    assert api.post("/graphql", {}).status == 400
