"""Writes one check run with its annotations, 50 to a call; looks for it by its external id where it may be there."""

from __future__ import annotations

from typing import Any

from reviewbot.core.report.draft import ReviewDraft
from reviewbot.errors import GitHubAmbiguous
from reviewbot.github.client import GitHubClient
from reviewbot.github.payloads import Write, check_writes

_LOOK_AFTER = 3.0  # seconds; GitHub's reading side may lag behind a write


async def post_check(client: GitHubClient, root: str, draft: ReviewDraft, *, look_first: bool) -> str:
    """The address of the check run, or an empty string when the draft has none. ``look_first`` is for a second
    attempt, which finds what the first one wrote. Raises GitHubError."""
    if draft.check is None:
        return ""
    create = check_writes(root, draft)[0]
    run = await _existing(client, root, draft) if look_first else None
    if run is None:
        run = await _created(client, root, draft, create)
    done = len(create.payload["output"]["annotations"])
    there = int((run.get("output") or {}).get("annotations_count") or 0)
    for addition in check_writes(root, draft, str(run["id"]))[1:]:
        done += len(addition.payload["output"]["annotations"])
        if there < done:
            await _added(client, addition, done)
    return str(run["html_url"])


async def _created(client: GitHubClient, root: str, draft: ReviewDraft, create: Write) -> dict[str, Any]:
    try:
        run: dict[str, Any] = await client.write(create.verb, create.path, create.payload)
    except GitHubAmbiguous:
        await client.sleep(_LOOK_AFTER)
        return await _existing(client, root, draft) or await client.write(create.verb, create.path, create.payload)
    return run


async def _existing(client: GitHubClient, root: str, draft: ReviewDraft) -> dict[str, Any] | None:
    """The run that an earlier attempt at this draft created."""
    name = draft.check.name if draft.check else ""
    path = f"{root}/commits/{draft.commit_sha}/check-runs"
    runs = (await client.get(path, check_name=name, filter="all", per_page=100))["check_runs"]
    return next((run for run in runs if run.get("external_id") == draft.key), None)


async def _added(client: GitHubClient, addition: Write, expected: int) -> None:
    """Annotations are appended, so an update that may have landed is counted before it is sent again."""
    try:
        await client.write(addition.verb, addition.path, addition.payload)
    except GitHubAmbiguous:
        await client.sleep(_LOOK_AFTER)
        now = await client.get(addition.path)
        if int((now.get("output") or {}).get("annotations_count") or 0) < expected:
            await client.write(addition.verb, addition.path, addition.payload)
