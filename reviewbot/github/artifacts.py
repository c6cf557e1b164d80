"""The artifacts of a workflow run: which there are, and the bytes of one, as they were uploaded.

GitHub answers a download with the address of a storage, which is another host. It is asked without the token, once, and
what it sends is counted while it comes. Nothing is written or unpacked here.
https://docs.github.com/en/rest/actions/artifacts
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import httpx

from reviewbot.errors import (
    AUTHORITY_REMEDY,
    NOT_BELIEVED,
    BundleError,
    GitHubError,
    GitHubNotTrusted,
    GitHubUnreachable,
)
from reviewbot.github.client import GitHubClient
from reviewbot.outward import open_client

_MOST_ROWS = 500
_TRIES = 3
_SECONDS = 60.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_AGAIN = "Run the first workflow again."


@dataclass(frozen=True, slots=True)
class Artifact:
    """``digest`` is the SHA-256 of its bytes, empty where GitHub does not say."""

    id: int
    size: int
    expired: bool
    digest: str = ""


async def find_artifact(
    client: GitHubClient, repository: str, name: str, *, run_id: int, head_sha: str
) -> Artifact | None:
    """The newest artifact of exactly this name that the run made for its head: each attempt of a run can make one."""
    rows: list[Mapping[str, Any]] = []
    query: dict[str, Any] = {"name": name, "per_page": 100}
    while query and len(rows) < _MOST_ROWS:
        page, query = await client.get_page(f"/repos/{repository}/actions/runs/{run_id}/artifacts", **query)
        rows += page["artifacts"]
    found = [row for row in rows if row["name"] == name and _made_by(row, run_id, head_sha)]
    return _artifact(max(found, key=lambda row: row["id"])) if found else None


async def download_artifact(client: GitHubClient, repository: str, artifact: Artifact, *, most: int) -> bytes:
    """Its bytes. Raises BundleError when they are over ``most``, gone or not those that were uploaded, and GitHubError
    when they cannot be had."""
    if artifact.expired:
        raise BundleError("The artifact with the bundle has expired.", remedy=_AGAIN)
    if artifact.size > most:
        raise _too_big(most)
    data = await _with_patience(client, f"/repos/{repository}/actions/artifacts/{artifact.id}/zip", most)
    if artifact.digest and hashlib.sha256(data).hexdigest() != artifact.digest:
        raise BundleError("The artifact is not what was uploaded.", remedy=_AGAIN)
    return data


async def _with_patience(client: GitHubClient, path: str, most: int) -> bytes:
    """An address is good for a minute, so each try asks for another one."""
    for left in reversed(range(_TRIES)):
        address = await client.get_location(path)
        try:
            with anyio.fail_after(_SECONDS):
                return await _fetched(address, most, plain=client.origin.startswith("http://"))
        except TimeoutError:
            error = GitHubUnreachable(f"The storage of artifacts took over {_SECONDS:.0f} s.", remedy=_AGAIN)
        except GitHubUnreachable as unreachable:
            error = unreachable
        if not left:
            break
        await client.sleep(float(_TRIES - left))
    raise error


async def _fetched(address: str, most: int, *, plain: bool) -> bytes:
    """The bytes at a signed address, which no error shows. ``plain`` allows http to this machine."""
    url = _checked(address, plain=plain)
    pieces, size = [], 0
    try:
        async with (
            open_client(secure=url.scheme == "https") as http,
            http.stream("GET", url, headers={"Accept-Encoding": "identity"}) as reply,
        ):
            if reply.is_redirect:
                raise GitHubError(f"The storage of artifacts, {url.host}, leads elsewhere; not followed.")
            if reply.status_code != 200:
                raise _unreachable(url, f"it answered {reply.status_code}")
            async for piece in reply.aiter_raw():
                size += len(piece)
                if size > most:
                    raise _too_big(most)
                pieces.append(piece)
    except httpx.HTTPError as error:
        if NOT_BELIEVED in str(error):
            said = f"The certificate of the storage of artifacts, {url.host}, is not believed."
            raise GitHubNotTrusted(said, remedy=AUTHORITY_REMEDY) from None
        raise _unreachable(url, type(error).__name__) from None  # its text may hold the address
    return b"".join(pieces)


def _checked(address: str, *, plain: bool) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    local = plain and url.scheme == "http" and url.host in _LOOPBACK
    if not url.host or url.userinfo or not (url.scheme == "https" or local):
        raise GitHubError("GitHub did not name an address of https for the artifact.")
    return url


def _made_by(row: Mapping[str, Any], run_id: int, head_sha: str) -> bool:
    run = row.get("workflow_run") or {}
    return bool(run.get("id") == run_id and run.get("head_sha") == head_sha)


def _artifact(row: Mapping[str, Any]) -> Artifact:
    kind, _, digest = str(row.get("digest") or "").partition(":")
    return Artifact(row["id"], row["size_in_bytes"], bool(row["expired"]), digest if kind == "sha256" else "")


def _too_big(most: int) -> BundleError:
    return BundleError(f"The artifact with the bundle is over {most:,} bytes.")


def _unreachable(url: httpx.URL, reason: str) -> GitHubUnreachable:
    return GitHubUnreachable(
        f"The storage of artifacts, {url.host}, did not give the bundle: {reason}.",
        remedy="Check the network and the proxy.",
    )
