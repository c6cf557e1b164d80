"""Writes that may have landed although their answer was lost: looked for before they are sent again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from reviewbot.errors import GitHubAmbiguous, GitHubUnreachable
from reviewbot.github.client import GitHubClient
from reviewbot.github.payloads import Write

_TRIES = 3
_LOOK_AFTER = (2.0, 5.0, 15.0)  # seconds; GitHub's reading side may lag behind a write


async def write_once(client: GitHubClient, write: Write, landed: Callable[[], Awaitable[str]]) -> str:
    """Write, and after a lost answer write again only when it is surely not there. Returns an address; ``landed`` gives
    the one of what is there already, or an empty text. Raises GitHubError."""
    for _ in range(_TRIES - 1):
        try:
            return await _address(client, write)
        except GitHubAmbiguous:
            found = await _look(client, landed)
            if found:
                return found
    return await _address(client, write)


async def _address(client: GitHubClient, write: Write) -> str:
    return str((await client.write(write.verb, write.path, write.payload))["html_url"])


async def _look(client: GitHubClient, landed: Callable[[], Awaitable[str]]) -> str:
    """What ``landed`` finds within some time; empty only when the last look succeeded and found nothing."""
    failure: GitHubUnreachable | None = None
    for pause in _LOOK_AFTER:
        await client.sleep(pause)
        try:
            found, failure = await landed(), None
        except GitHubUnreachable as error:
            failure = error
            continue
        if found:
            return found
    if failure is not None:
        raise failure
    return ""
