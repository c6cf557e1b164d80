"""BrokeredTokens: reading tokens from a poster that holds the App's key, for workers that do not.

Whoever asks the model reads what strangers wrote. So that process has neither the key nor a token that writes: it asks
the poster, who gives tokens that read one repository, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from reviewbot import errors
from reviewbot.errors import GitHubError, GitHubUnauthorized, GitHubUnreachable
from reviewbot.github.faults import Reply
from reviewbot.github.installations import READER

TOKENS_PATH = "/tokens"
_RENEWED_BEFORE = 300.0
_TIMEOUT = 60.0  # seconds; the poster may have to wait for GitHub
_UNIX = "unix:"


class BrokeredTokens:
    """``url`` is the poster's address or ``unix:FILE``; ``secret`` is what both sides know. For one event loop."""

    def __init__(self, url: str, secret: str, *, clock: Callable[[], float] = time.time) -> None:
        socket = url.removeprefix(_UNIX) if url.startswith(_UNIX) else None
        self._client = httpx.AsyncClient(
            base_url="http://poster" if socket else url,
            transport=httpx.AsyncHTTPTransport(uds=socket, retries=2),
            headers={"Authorization": f"Bearer {secret}"},
            timeout=_TIMEOUT,
            trust_env=False,
        )
        self._clock = clock

    def __repr__(self) -> str:
        return f"BrokeredTokens({self._client.base_url})"

    async def aclose(self) -> None:
        await self._client.aclose()

    @asynccontextmanager
    async def access(
        self, installation_id: int, repository: str, permissions: Mapping[str, str]
    ) -> AsyncIterator[BrokeredAccess]:
        """A TokenProvider for one repository. The permissions are those of READER, whatever is asked for here."""
        if dict(permissions) != dict(READER):
            raise GitHubUnauthorized(
                "A poster gives tokens that read, and no others.", remedy="Post in a process that holds the App's key."
            )
        yield BrokeredAccess(self, installation_id, repository)

    async def ask(self, installation_id: int, repository: str) -> tuple[str, float]:
        """Token and the time it ends. Raises the GitHubError that the poster met, or GitHubUnreachable."""
        body = {"installation_id": installation_id, "repository": repository}
        try:
            reply = await self._client.post(TOKENS_PATH, json=body)
            answer: Any = reply.json()
        except (httpx.HTTPError, ValueError) as error:
            raise GitHubUnreachable(
                f"The poster did not give a token ({type(error).__name__}).",
                remedy="Look whether it runs, and at REVIEWBOT_TOKEN_URL.",
            ) from None
        if reply.status_code == 401:
            raise GitHubUnauthorized(
                "The poster does not know this worker.", remedy="REVIEWBOT_TOKEN_SECRET must be the same on both sides."
            )
        if reply.status_code != 200:
            raise read_fault(answer)
        return str(answer["token"]), float(answer["expires_at"])

    def lasts(self, expires_at: float) -> bool:
        return self._clock() < expires_at - _RENEWED_BEFORE


class BrokeredAccess:
    """A TokenProvider for one repository; `BrokeredTokens.access` makes it."""

    def __init__(self, tokens: BrokeredTokens, installation_id: int, repository: str) -> None:
        self._tokens, self._asked = tokens, (installation_id, repository)
        self._held: tuple[str, float] | None = None

    async def token(self) -> str:
        if self._held is None or not self._tokens.lasts(self._held[1]):
            self._held = await self._tokens.ask(*self._asked)
        return self._held[0]

    async def refused(self, token: str, reply: Reply) -> bool:
        """A refused token is asked for anew, once: the poster gives the same again when GitHub still honours it."""
        if reply.status != 401 or self._held is None or self._held[0] != token:
            return False
        self._held = await self._tokens.ask(*self._asked)
        return self._held[0] != token


def fault_body(error: GitHubError) -> dict[str, str]:
    """The error as a poster tells it to a worker."""
    return {"kind": type(error).__name__, "message": error.message, "remedy": error.remedy}


def read_fault(body: Any) -> GitHubError:
    """The error that `fault_body` wrote; anything else is GitHubUnreachable."""
    found = body if isinstance(body, dict) else {}
    kind = getattr(errors, str(found.get("kind")), None)
    message, remedy = str(found.get("message") or "The poster failed."), str(found.get("remedy") or "")
    if isinstance(kind, type) and issubclass(kind, GitHubError):
        return kind(message, remedy=remedy)
    return GitHubUnreachable(message, remedy=remedy or "Look at the poster's log.")
