"""Tokens for the App's installations: each for one repository and the permissions it needs, renewed before it ends.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import anyio

from reviewbot.errors import (
    GitHubAmbiguous,
    GitHubError,
    GitHubNotFound,
    GitHubRejected,
    GitHubUnauthorized,
    UsageError,
)
from reviewbot.github.app_jwt import AppIdentity
from reviewbot.github.client import GitHubClient
from reviewbot.github.faults import Reply
from reviewbot.github.installations import (
    Installation,
    not_installed,
    not_there,
    permission_missing,
    read_installation,
)
from reviewbot.github.manifest import AppCredentials, conversion, conversion_path

_LIFE = 3_600.0  # seconds; every installation token has an hour
_RENEWED_BEFORE = 300.0
_SPREADING = 5.0  # seconds in which parts of GitHub may not know a new token, or its permissions, yet
_PAUSE = 1.0
_REVOKING = 5  # seconds that one attempt to revoke may take; a token left behind ends by itself
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InstallationToken:
    """``expires_at`` is in seconds since 1970, by GitHub's clock."""

    token: str = field(repr=False)
    expires_at: float


@dataclass(frozen=True, slots=True)
class _Wanted:
    installation_id: int
    repository: str
    permissions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Held:
    token: InstallationToken
    made_at: float


class AppAuth:
    """The App and the tokens it holds, for one event loop. ``client`` speaks as the App itself, for other endpoints
    that take its JWT.

    Raises ConfigError for an id or a key that cannot be one. Methods raise InstallationError where only somebody on
    GitHub can help, GitHubUnauthorized when GitHub does not know the App or its key, and any other GitHubError.
    """

    def __init__(
        self,
        app_id: str,
        private_key: str,
        *,
        api_url: str = "https://api.github.com",
        timeout: int = 30,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._identity = AppIdentity(app_id, private_key, clock=clock)
        self._api_url, self._sleep, self._clock = api_url, sleep, clock
        self.client = GitHubClient(self._identity, api_url=api_url, timeout=timeout, sleep=sleep, clock=clock)
        self._renewing = anyio.Lock()
        self._held: dict[_Wanted, _Held] = {}
        self._users: Counter[_Wanted] = Counter()

    def __repr__(self) -> str:
        return f"AppAuth({self._identity!r})"

    async def aclose(self) -> None:
        """Close the App's own connection."""
        await self.client.aclose()

    async def installation(self, installation_id: int) -> Installation:
        """Facts about an installation, suspended or not. Raises NotInstalled when it was removed."""
        return await self._look_up(f"/app/installations/{int(installation_id)}", f"installation {installation_id}")

    async def installation_of(self, owner: str, repo: str) -> Installation:
        """The installation that covers a repository, suspended or not. Raises NotInstalled when there is none."""
        full_name = _checked(f"{owner}/{repo}")
        return await self._look_up(f"/repos/{full_name}/installation", full_name)

    async def _look_up(self, path: str, what: str) -> Installation:
        try:
            return read_installation(await self.client.get(path))
        except GitHubNotFound as error:
            raise not_there(error, what) from error

    async def token_for(
        self, installation_id: int, repository: str, permissions: Mapping[str, str]
    ) -> InstallationToken:
        """A token for ``owner/name`` alone that is good for five minutes at least. The same question is answered from
        memory until then, and one token is asked for at a time.

        Raises InstallationSuspended, NotInstalled, or PermissionMissing, which says what was not granted.
        """
        return (await self._hold(_wanted(installation_id, repository, permissions))).token

    @asynccontextmanager
    async def access(
        self, installation_id: int, repository: str, permissions: Mapping[str, str]
    ) -> AsyncIterator[InstallationAccess]:
        """A TokenProvider for one repository, for as long as the block runs. The token that it held at the end is
        revoked when nobody else is in such a block for the same; a failure to revoke is logged, not raised."""
        wanted = _wanted(installation_id, repository, permissions)
        self._users[wanted] += 1
        try:
            yield InstallationAccess(self, wanted)
        finally:
            self._users[wanted] -= 1
            held = None if self._users[wanted] else self._held.pop(wanted, None)
            if not self._users[wanted]:
                del self._users[wanted]
            if held:
                with anyio.CancelScope(shield=True):  # a cancelled run leaves no token behind either
                    await self._let_go(held.token)

    async def _let_go(self, token: InstallationToken) -> None:
        try:
            await self.revoke(token)
        except GitHubError as error:
            _LOG.warning("An installation token was not revoked and ends within the hour: %s", error.message)

    async def revoke(self, token: InstallationToken) -> None:
        """End a token now, in one attempt. One that has ended already is no error.

        https://docs.github.com/en/rest/apps/installations#revoke-an-installation-access-token
        """
        self._forget(token.token)
        options: dict[str, Any] = {"timeout": _REVOKING, "attempts": 1, "patience": 0.0}
        client = GitHubClient(token.token, api_url=self._api_url, sleep=self._sleep, clock=self._clock, **options)
        try:
            await client.write("DELETE", "/installation/token", None, repeatable=True)
        except GitHubUnauthorized:
            return
        finally:
            await client.aclose()

    async def _hold(self, wanted: _Wanted) -> _Held:
        held = self._fresh(wanted)
        if held is None:
            async with self._renewing:
                held = self._fresh(wanted) or await self._renew(wanted)
        return held

    def _fresh(self, wanted: _Wanted) -> _Held | None:
        held = self._held.get(wanted)
        return held if held and self._lasts(held) else None

    def _lasts(self, held: _Held) -> bool:
        """By GitHub's date and by our own hour, because either clock may be wrong."""
        ends = min(held.token.expires_at, held.made_at + _LIFE)
        return self._identity.now() < ends - _RENEWED_BEFORE

    async def _renew(self, wanted: _Wanted) -> _Held:
        path = f"/app/installations/{wanted.installation_id}/access_tokens"
        name = wanted.repository.partition("/")[2]
        payload = {"repositories": [name], "permissions": dict(wanted.permissions)}
        try:
            answer = await self.client.write("POST", path, payload, repeatable=True)
        except GitHubNotFound as error:
            raise not_there(error, wanted.repository) from error
        except GitHubRejected as refusal:
            raise await self._explained(wanted, refusal) from refusal
        expires_at = datetime.fromisoformat(answer["expires_at"]).timestamp()
        made = _Held(InstallationToken(answer["token"], expires_at), self._identity.now())
        self._held = {key: held for key, held in self._held.items() if self._lasts(held)} | {wanted: made}
        return made

    async def _explained(self, wanted: _Wanted, refusal: GitHubRejected) -> GitHubError:
        """GitHub names neither the repository nor the permission that it refuses, so what was granted is asked for."""
        words = refusal.message.lower()
        if "permissions requested" in words:
            return permission_missing(await self.installation(wanted.installation_id), dict(wanted.permissions))
        if "repository" in words and ("not accessible" in words or "does not exist" in words):
            return not_installed(wanted.repository, refusal.status)
        return refusal

    def _forget(self, token: str) -> None:
        self._held = {wanted: held for wanted, held in self._held.items() if held.token.token != token}

    async def _refused(self, wanted: _Wanted, token: str, reply: Reply) -> bool:
        """A token that is seconds old may not have reached all of GitHub yet: 401, or 403 while its permissions are
        not there (github.com/octokit/auth-app.js/issues/65 and 589). An older one has ended early: a new one is due."""
        held = self._held.get(wanted)
        young = held is not None and held.token.token == token and self._identity.now() - held.made_at < _SPREADING
        if young and (reply.status == 401 or "not accessible by integration" in reply.text):
            await self._sleep(_PAUSE)
            return True
        if reply.status == 401:
            self._forget(token)
            return True
        return False


class InstallationAccess:
    """A TokenProvider for one repository of one installation; ``AppAuth.access`` makes it."""

    def __init__(self, app: AppAuth, wanted: _Wanted) -> None:
        self._app, self._wanted = app, wanted

    def __repr__(self) -> str:
        return f"InstallationAccess({self._wanted.repository})"

    async def token(self) -> str:
        """The token of the moment, renewed when it has less than five minutes left. Raises as ``token_for``."""
        return (await self._app._hold(self._wanted)).token.token

    async def refused(self, token: str, reply: Reply) -> bool:
        """Whether a newer token, or a moment, can help. See TokenProvider."""
        return await self._app._refused(self._wanted, token, reply)


async def create_from_manifest(client: GitHubClient, code: str) -> AppCredentials:
    """Exchange the code of the manifest flow for the App's credentials, which GitHub gives once. ``client`` needs no
    token. Raises UsageError for a code that is none, GitHubNotFound for one that is used or over an hour old.

    https://docs.github.com/en/rest/apps/apps#create-a-github-app-from-a-manifest
    """
    path = conversion_path(code)
    if path is None:
        raise UsageError("That is not a code of GitHub's manifest flow.", remedy="Start again at /setup.")
    try:
        return conversion(await client.write("POST", path, None))
    except GitHubNotFound as error:
        remedy = "A code is good once and for an hour; delete the App if it was created, and start again at /setup."
        raise GitHubNotFound(error.message, remedy=remedy, status=error.status) from error
    except GitHubAmbiguous as error:
        remedy = "GitHub gives the key only once and it may be lost: delete the App there, and start again at /setup."
        raise GitHubAmbiguous(error.message, remedy=remedy, status=error.status) from error


def _wanted(installation_id: int, repository: str, permissions: Mapping[str, str]) -> _Wanted:
    # "metadata" is in every token; naming it keeps the list from being empty, which would mean all permissions.
    asked = {"metadata": "read", **permissions}
    return _Wanted(int(installation_id), _checked(repository), tuple(sorted(asked.items())))


def _checked(repository: str) -> str:
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(f"{repository!r} is not a repository's full name.", remedy="Give OWNER/NAME.")
    return repository
