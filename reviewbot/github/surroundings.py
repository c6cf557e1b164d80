"""What stands round a change, in one GraphQL query: viewer, threads, our reviews and summary, words, rules at the base.

Further pages are asked for only where they matter: all threads, and our summary when neither the oldest nor the newest
issue comments hold it. Ids are read from addresses, since the numeric fields of the schema are too narrow for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from reviewbot.core.change.pull_request import FOLDER_RULES, PullRequest, PullRequestRef, Surroundings, rule_paths
from reviewbot.core.report.marker import is_summary, read_findings, read_review
from reviewbot.errors import GitHubNotFound, GitHubRejected
from reviewbot.github.client import GitHubClient
from reviewbot.github.payloads import read_thread

_THREADS = """pageInfo { hasNextPage endCursor }
nodes {
  id path line diffSide isResolved isOutdated
  comments(first: 1) { totalCount nodes { body viewerDidAuthor pullRequestReview { state } } }
}"""
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
_PULL = "$owner: String!, $name: String!, $number: Int!"
_MORE = f"""query({_PULL}, $after: String) {{
  repository(owner: $owner, name: $name) {{
    pullRequest(number: $number) {{ page: %s(first: 100, after: $after) {{ %s }} }}
  }}
}}"""
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
    sticky = await _find_sticky(client, ref, found["early"], found["late"])
    issues = (found.get("closingIssuesReferences") or {}).get("nodes") or ()
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
        said=_said([*found["reviews"]["nodes"], *found["early"]["nodes"], *found["late"]["nodes"]]),
    )


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


async def _find_sticky(
    client: GitHubClient, ref: PullRequestRef, early: Mapping[str, Any], late: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Our own summary comment, the oldest if there are several. The middle of a long conversation is read last."""
    found = _sticky(early["nodes"]) or _sticky(late["nodes"])
    if found is None and early["totalCount"] > len(early["nodes"]) + len(late["nodes"]):
        found = _sticky(await _further(client, ref, "comments", early))
    return found


def _sticky(nodes: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    return next((node for node in nodes if node["viewerDidAuthor"] and is_summary(node["body"] or "")), None)


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


def _rules(paths: Sequence[str], repository: Mapping[str, Any]) -> dict[str, str]:
    blobs = ((path, (repository.get(f"r{index}") or {}).get("text")) for index, path in enumerate(paths))
    return {path: text for path, text in blobs if text is not None and not _is_link(text)}


def _is_link(text: str) -> bool:
    """Whether a blob is a symbolic link to another rule file: its text is only a path, and that file is read itself."""
    return "\n" not in text and PurePosixPath(text).name in FOLDER_RULES
