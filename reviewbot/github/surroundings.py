"""What stands round a change, in one GraphQL query: viewer, threads, our reviews and summary, words, rules at the base.

Further pages are asked for only where they matter: all threads, and our summary when neither the oldest nor the newest
issue comments hold it; of a thread the first 30 comments are read, all of them only on demand (`read_whole_thread`).
By GitHub's rules ("Rate limits and query limits for the GraphQL API") a page of 100 threads costs 3 points, and with
everything else 5,490 of the 500,000 nodes that a query may have, at most. Ids are read from addresses, since the
numeric fields of the schema are too narrow for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from reviewbot.core.change.diff import Side
from reviewbot.core.change.pull_request import (
    FOLDER_RULES,
    PullRequest,
    PullRequestRef,
    ReviewThread,
    Surroundings,
    ThreadComment,
    rule_paths,
)
from reviewbot.core.marker import is_summary, read_digests, read_entries, read_findings, read_review
from reviewbot.errors import GitHubNotFound, GitHubRejected
from reviewbot.github.client import GitHubClient
from reviewbot.github.payloads import read_comments, read_thread

_COMMENT = """url body createdAt author { __typename login } authorAssociation viewerDidAuthor
  isMinimized minimizedReason pullRequestReview { state }"""
# Reactions are asked for beside the comments: within them they would cost a point for every 100 comments.
_THREADS = f"""pageInfo {{ hasNextPage endCursor }}
nodes {{
  id path line diffSide isResolved isOutdated resolvedBy {{ login }}
  opening: comments(first: 1) {{ nodes {{ reactions(first: 20) {{ nodes {{ content user {{ login }} }} }} }} }}
  comments(first: 30) {{ totalCount nodes {{ {_COMMENT} }} }}
}}"""
_COMMENTS = "totalCount pageInfo { hasNextPage endCursor } nodes { url body viewerDidAuthor }"
_FIRST = f"""
viewer {{ login }}
repository(owner: $owner, name: $name) {{
  pullRequest(number: $number) {{
    headRefOid
    commits(last: 100) {{ nodes {{ commit {{ message }} }} }}
    closingIssuesReferences(first: 10) {{ nodes {{ title body }} }}
    reviewThreads(first: 100) {{ {_THREADS} }}
    reviews(last: 100) {{ nodes {{ url body state viewerDidAuthor }} }}
    early: comments(first: 30) {{ {_COMMENTS} }}
    late: comments(last: 50) {{ {_COMMENTS} }}
  }}
  %s
}}"""
_WHOLE = f"""query($id: ID!, $after: String) {{ node(id: $id) {{ ... on PullRequestReviewThread {{
  comments(first: 100, after: $after) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {_COMMENT} }} }}
}} }} }}"""
_PULL = "$owner: String!, $name: String!, $number: Int!"
_MORE = f"""query({_PULL}, $after: String) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{ page: %s(first: 100, after: $after) {{ %s }} }}
  }}
}}"""
_TALK = f"""query({_PULL}) {{ repository(owner: $owner, name: $name) {{ pullRequest(number: $number) {{
  early: comments(first: 30) {{ {_COMMENTS} }}
  late: comments(last: 50) {{ {_COMMENTS} }}
}} }} }}"""
_COMMENT_ID = re.compile(r"#issuecomment-(\d+)$")
_PENDING = "PENDING"


async def read_surroundings(
    client: GitHubClient, pull: PullRequest, ref: PullRequestRef, directories: Sequence[str]
) -> Surroundings:
    """One query, and further pages where they are needed. Raises GitHubError.

    Issues that the token may not see are left out, since they are only background; everything else must be readable.
    """
    paths = rule_paths(directories)
    query, variables = _first_query(ref, pull.base_sha, paths)
    data = await client.graphql(query, variables, optional=frozenset({"closingIssuesReferences"}))
    found = _pull_of(data, ref)
    threads = found["reviewThreads"]["nodes"] + await _further(client, ref, "reviewThreads", found["reviewThreads"])
    sticky = await _find_own(client, ref, found["early"], found["late"], is_summary)
    issues = (found.get("closingIssuesReferences") or {}).get("nodes") or ()
    bodies = [*found["reviews"]["nodes"], *found["early"]["nodes"], *found["late"]["nodes"]]
    return Surroundings(
        viewer=data["viewer"]["login"],
        head_sha=found["headRefOid"],
        commit_messages=tuple(node["commit"]["message"] for node in found["commits"]["nodes"]),
        linked_issues=tuple((issue["title"], issue["body"] or "") for issue in issues if issue),
        threads=tuple(read_thread(node) for node in threads),
        rules=_rules(paths, data["repository"]),
        sticky_comment_id=_comment_id(sticky) if sticky else None,
        sticky_body=sticky["body"] if sticky else "",
        review_urls=_review_urls(found["reviews"]["nodes"]),
        said=_said(bodies),
        told=_told(bodies),
    )


async def read_whole_thread(client: GitHubClient, thread_id: str) -> tuple[ThreadComment, ...]:
    """All comments of a thread, a hundred to a call. Raises GitHubError, GitHubNotFound for what is no thread."""
    nodes: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        found = (await client.graphql(_WHOLE, {"id": thread_id, "after": after}))["node"]
        if not found or "comments" not in found:
            raise GitHubNotFound(f"GitHub shows no thread {thread_id!r} to this token.", remedy="It may be deleted.")
        nodes += found["comments"]["nodes"]
        page = found["comments"]["pageInfo"]
        if not page["hasNextPage"]:
            return read_comments(nodes)
        after = page["endCursor"]


async def find_own_comment(
    client: GitHubClient, ref: PullRequestRef, wanted: Callable[[str], bool]
) -> tuple[int, str] | None:
    """Id and body of our oldest comment below the pull request whose body is ``wanted``: one call, as a rule."""
    found = _pull_of(await client.graphql(_TALK, _variables(ref)), ref)
    node = await _find_own(client, ref, found["early"], found["late"], wanted)
    return (_comment_id(node), node["body"] or "") if node else None


def _first_query(ref: PullRequestRef, base_sha: str, paths: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The query and its variables; a path is only ever a variable."""
    names = [f"r{index}" for index in range(len(paths))]
    blobs = " ".join(f"{n}: object(expression: ${n}) {{ ... on Blob {{ text isBinary }} }}" for n in names)
    head = ", ".join([_PULL, *(f"${name}: String!" for name in names)])
    expressions = {name: f"{base_sha}:{path}" for name, path in zip(names, paths, strict=True)}
    return f"query({head}) {{{_FIRST % blobs}}}", _variables(ref) | expressions


def _variables(ref: PullRequestRef) -> dict[str, Any]:
    return {"owner": ref.owner, "name": ref.repo, "number": ref.number}


def _pull_of(data: Mapping[str, Any], ref: PullRequestRef) -> Any:
    found = (data.get("repository") or {}).get("pullRequest")
    if found is None:
        raise GitHubNotFound(f"GitHub does not show {ref} to this token.", remedy="Check the address and the token.")
    return found


async def _further(
    client: GitHubClient, ref: PullRequestRef, connection: str, page: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The nodes of all pages after ``page``."""
    fields = _THREADS if connection == "reviewThreads" else _COMMENTS
    nodes: list[dict[str, Any]] = []
    while page["pageInfo"]["hasNextPage"]:
        variables = _variables(ref) | {"after": page["pageInfo"]["endCursor"]}
        page = _pull_of(await client.graphql(_MORE % (connection, fields), variables), ref)["page"]
        nodes += page["nodes"]
    return nodes


async def _find_own(
    client: GitHubClient,
    ref: PullRequestRef,
    early: Mapping[str, Any],
    late: Mapping[str, Any],
    wanted: Callable[[str], bool],
) -> dict[str, Any] | None:
    """Our own comment that is ``wanted``, the oldest if there are several. The middle of a long conversation is read
    last."""
    found = _own(early["nodes"], wanted) or _own(late["nodes"], wanted)
    if found is None and early["totalCount"] > len(early["nodes"]) + len(late["nodes"]):
        found = _own(await _further(client, ref, "comments", early), wanted)
    return found


def _own(nodes: Iterable[dict[str, Any]], wanted: Callable[[str], bool]) -> dict[str, Any] | None:
    return next((node for node in nodes if node["viewerDidAuthor"] and wanted(node["body"] or "")), None)


def _comment_id(comment: Mapping[str, Any]) -> int:
    found = _COMMENT_ID.search(comment["url"])
    if not found:
        raise GitHubRejected(f"The address of our summary comment has no id: {comment['url']!r}.", status=200)
    return int(found[1])


def _review_urls(nodes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Draft key -> address, of our own submitted reviews."""
    ours = (node for node in nodes if node["viewerDidAuthor"] and node["state"] != _PENDING)
    keyed = ((read_review(node["body"] or ""), node["url"]) for node in ours)
    return {key: url for key, url in keyed if key}


def _said(nodes: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The findings in the bodies of our own reviews and comments: those without a line, and those that GitHub would
    not take inline."""
    ours = (node for node in nodes if node["viewerDidAuthor"] and node.get("state") != _PENDING)
    return frozenset(mark for node in ours for mark in read_findings(node["body"] or ""))


def _told(nodes: Iterable[Mapping[str, Any]]) -> tuple[ReviewThread, ...]:
    """The same with their words, each once: the first and the last comments of a conversation may be the same."""
    found: dict[str, ReviewThread] = {}
    for node in nodes:
        if not node["viewerDidAuthor"] or node.get("state") == _PENDING:
            continue
        digests = dict(read_digests(node["body"] or ""))
        for mark, text in read_entries(node["body"] or ""):
            found[mark] = ReviewThread(
                id="",
                path="",
                side=Side.RIGHT,
                line=None,
                resolved=False,
                outdated=False,
                ours=True,
                body=text,
                fingerprints=(mark,),
                digests=((mark, digests[mark]),) if mark in digests else (),
            )
    return tuple(found.values())


def _rules(paths: Sequence[str], repository: Mapping[str, Any]) -> dict[str, str]:
    blobs = ((path, (repository.get(f"r{index}") or {}).get("text")) for index, path in enumerate(paths))
    return {path: text for path, text in blobs if text is not None and not _is_link(text)}


def _is_link(text: str) -> bool:
    """Whether a blob is a symbolic link to another rule file: its text is only a path, and that file is read itself."""
    return "\n" not in text and PurePosixPath(text).name in FOLDER_RULES
