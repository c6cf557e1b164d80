"""Who may tell reviewbot what to do: asked of GitHub, at the moment when it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from reviewbot.errors import GitHubForbidden, GitHubNotFound

if TYPE_CHECKING:
    from reviewbot.core.change.pull_request import PullRequestRef
    from reviewbot.github.client import GitHubClient

_WRITERS = frozenset({"admin", "write"})


async def may_write(client: GitHubClient, ref: PullRequestRef, login: str) -> bool:
    """Whether this person may write to the repository now; who is not known there, or where GitHub does not say, may
    not.

    https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
    """
    if not login:
        return False
    try:
        found = await client.get(f"/repos/{ref.full_name}/collaborators/{quote(login, safe='')}/permission")
    except (GitHubNotFound, GitHubForbidden):
        return False
    return found.get("permission") in _WRITERS
