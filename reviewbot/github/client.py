"""The one way to GitHub: PyGithub's requester, called off the event loop, one request at a time.

PyGithub builds the requests, keeps the connection and renews App tokens. Repeating, waiting, counting and naming what
went wrong is done here, because a write may be repeated only where it surely did not land.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import anyio
import requests
from anyio.to_thread import run_sync
from github import Auth
from github.Requester import (
    HTTPRequestsConnectionClass,
    HTTPSRequestsConnectionClass,
    Requester,
    RequestsResponse,
)
from urllib3.exceptions import NewConnectionError

from reviewbot.errors import (
    AUTHORITY_REMEDY,
    NOT_BELIEVED,
    GitHubAmbiguous,
    GitHubError,
    GitHubNotTrusted,
    GitHubRateLimited,
    GitHubUnauthorized,
    GitHubUnreachable,
)
from reviewbot.github.faults import Reply, fault_of, graphql_fault

DIFF = "application/vnd.github.diff"
RAW = "application/vnd.github.raw"
_JSON = "application/vnd.github+json"
_FIRST_PAUSE = 0.5
_MOST_REDIRECTS = 3
_MOST_TRIES_AT_A_TOKEN = 5
_APP_REMEDY = "Check REVIEWBOT_APP_ID, the App's private key, and this machine's clock."
# At DEBUG, PyGithub logs the bodies of answers: new tokens and the App's key among them.
logging.getLogger("github.Requester").setLevel(logging.INFO)


def _unwatched(_method: str, _status: int) -> None:
    """For a client whose requests nobody counts."""


class TokenProvider(Protocol):
    """Gives each request its token, so that a client outlives any single one."""

    async def token(self) -> str:
        """A token for the next request. Raises GitHubError when none is to be had."""

    async def refused(self, token: str, reply: Reply) -> bool:
        """GitHub answered 401 or 403 to this token. Returns, perhaps after a pause, whether to send the request again:
        it was not carried out."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """One request. ``repeatable`` means that sending it twice is the same as sending it once; without ``follow`` a 302
    is the answer."""

    verb: str
    path: str
    payload: Any = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    accept: str = _JSON
    write: bool = False
    repeatable: bool = True
    follow: bool = True

    @property
    def name(self) -> str:
        return f"{self.verb} {urlsplit(self.path).path}"


class GitHubClient:
    """A connection to one GitHub host. ``auth`` is a token, a provider of tokens, or one of PyGithub's ``Auth`` values.

    Reads and idempotent writes are tried ``attempts`` times. Rate limits are waited for, on any request, for at most
    ``patience`` seconds in all. Everything that goes wrong is raised as a GitHubError; no error and no repr holds the
    token. ``on_quota`` is told the quota in each answer (`_quota_of`), ``on_request`` the method and status of each
    request (0 without an answer); both in a worker thread, and they must not raise.
    """

    def __init__(  # noqa: PLR0913 - by keyword only, but for who speaks
        self,
        auth: str | Auth.Auth | TokenProvider | None,
        *,
        api_url: str = "https://api.github.com",
        timeout: int = 30,
        attempts: int = 4,
        patience: float = 120.0,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        clock: Callable[[], float] = time.time,
        on_quota: Callable[[str, int, int, int], None] | None = None,
        on_request: Callable[[str, int], None] = _unwatched,
    ) -> None:
        self._secret = auth if isinstance(auth, str) else ""
        self._provider = None if auth is None or isinstance(auth, str | Auth.Auth) else auth
        self._provided = _Provided()
        self._origin = _origin(api_url)
        self._attempts, self._patience = attempts, patience
        self.sleep, self._clock, self._on_quota, self._on_request = sleep, clock, on_quota, on_request
        self._lock = threading.Lock()
        self._limiter = anyio.CapacityLimiter(1)
        self._writing = False
        self._sent = {False: 0, True: 0}
        self._requester = _requester_class(self._count)(
            auth=self._provided if self._provider else _fixed(auth),
            base_url=api_url.rstrip("/"),
            timeout=timeout,
            user_agent="reviewbot",
            per_page=100,
            verify=True,
            retry=None,
            pool_size=1,
            seconds_between_requests=0,
            seconds_between_writes=0,
            lazy=True,
            api_version="2022-11-28",
        )

    def __repr__(self) -> str:
        return f"GitHubClient({self._origin})"

    @property
    def origin(self) -> str:
        """Scheme and host of the API."""
        return self._origin

    @property
    def reads(self) -> int:
        """How many reading requests were sent, repeated ones counted; GraphQL queries are reads."""
        return self._sent[False]

    @property
    def writes(self) -> int:
        """How many writing requests were sent, repeated ones counted."""
        return self._sent[True]

    @property
    def calls(self) -> int:
        return self.reads + self.writes

    async def aclose(self) -> None:
        """Close the connection; a later request opens a new one."""
        await run_sync(self._requester.close)

    async def get(self, path: str, **parameters: Any) -> Any:
        """The JSON at an API path such as ``/repos/o/r/pulls/1``."""
        return (await self._perform(_Ask("GET", path, parameters=parameters))).json()

    async def get_page(self, path: str, **parameters: Any) -> tuple[Any, dict[str, str]]:
        """The JSON of one page, and the parameters that ask for the next one, empty on the last. Only the parameters of
        the ``Link`` header are taken: an address that an answer names is not followed."""
        reply = await self._perform(_Ask("GET", path, parameters=parameters))
        return reply.json(), _next_page(reply.headers.get("link", ""))

    async def get_bytes(self, path: str, accept: str) -> bytes:
        """The body in another media type (``DIFF``, ``RAW``), byte for byte."""
        reply = await self._perform(_Ask("GET", path, accept=accept))
        return reply.text.encode("utf-8", "surrogateescape")

    async def get_location(self, path: str) -> str:
        """Where a 302 leads, perhaps to another host, which must not see the token; empty when it leads nowhere."""
        reply = await self._perform(_Ask("GET", path, follow=False))
        return reply.headers.get("location", "")

    async def write(self, verb: str, path: str, payload: Any, *, repeatable: bool = False) -> Any:
        """Send a write, return its JSON. Raises GitHubAmbiguous when it is not ``repeatable`` and may have landed."""
        ask = _Ask(verb, path, payload, write=True, repeatable=repeatable)
        reply = await self._perform(ask)
        try:
            return reply.json()
        except GitHubUnreachable as error:
            raise GitHubAmbiguous(error.message, status=error.status) from error

    async def graphql(self, query: str, variables: Mapping[str, Any], optional: frozenset[str] = frozenset()) -> Any:
        """The ``data`` of a GraphQL query. A field named in ``optional`` may be refused to this token: it is null then.

        Any other entry in ``errors`` is raised, even when there is data beside it.
        """
        ask = _Ask("POST", self._requester.graphql_url, {"query": query, "variables": dict(variables)})
        return (await self._perform(ask, optional)).json()["data"]

    async def _perform(self, ask: _Ask, optional: frozenset[str] = frozenset()) -> Reply:
        """Send until there is a good answer, patience or attempts run out, or repeating would be wrong."""
        waited, failures, limits = 0.0, 0, 0
        while True:
            # Outside the try: a provider repeats and waits by itself.
            token = await self._provider.token() if self._provider else ""
            try:
                return await self._once(ask, token, optional, limits)
            except GitHubRateLimited as limited:
                pause = limited.retry_after
                if waited + pause > self._patience:
                    raise
                limits += 1
            except GitHubUnreachable as unreachable:
                failures += 1
                if isinstance(unreachable, GitHubAmbiguous) or failures >= self._attempts:
                    raise
                pause = _FIRST_PAUSE * 2.0 ** (failures - 1)
            waited += pause
            await self.sleep(pause)

    async def _once(self, ask: _Ask, token: str, optional: frozenset[str], limits: int) -> Reply:
        path = ask.path
        for _ in range(_MOST_REDIRECTS + 1):
            reply = await self._exchange(ask, path, token)
            if reply.status == 302 and not ask.follow:
                return reply
            if reply.status not in (302, 303, 307, 308):
                break
            path = self._redirected(ask, reply)
        error = fault_of(reply, ask.name, now=self._clock(), nth=limits)
        if error is None and path.endswith("/graphql") and ask.verb == "POST":
            error = self._graphql_error(reply, optional, limits)
        if error is None:
            return reply
        if self._provider and isinstance(error, GitHubUnauthorized):
            error.remedy = _APP_REMEDY
        raise self._scrubbed(_as_ambiguous(error) if _may_have_landed(ask, error) else error)

    async def _exchange(self, ask: _Ask, path: str, token: str) -> Reply:
        """One request and its answer; with a provider, again for as long as that helps against a refused token."""
        left = _MOST_TRIES_AT_A_TOKEN
        while True:
            # A read may be abandoned when the run is cancelled; of a write we must know what became of it.
            reply = await run_sync(self._send, ask, path, token, limiter=self._limiter, abandon_on_cancel=not ask.write)
            left -= 1
            if self._provider is None or reply.status not in (401, 403) or not left:
                return reply
            if not await self._provider.refused(token, reply):
                return reply
            token = await self._provider.token()

    def _send(self, ask: _Ask, path: str, token: str) -> Reply:
        """One request, in a worker thread. The lock stands because an abandoned read may still be under way."""
        with self._lock:
            self._writing = ask.write
            if token:
                self._provided.value = self._secret = token
            try:
                status, headers, text = self._requester.requestJson(
                    ask.verb, path, dict(ask.parameters), {"Accept": ask.accept}, ask.payload
                )
            except requests.RequestException as error:
                self._on_request(ask.verb, 0)
                raise self._no_answer(ask, error) from None  # its text may hold what must not be shown
            self._on_request(ask.verb, status)
            if self._on_quota is not None and (quota := _quota_of(headers)):
                self._on_quota(*quota)
            return Reply(status, headers, text)

    def _count(self) -> None:
        self._sent[self._writing] += 1

    def _no_answer(self, ask: _Ask, error: requests.RequestException) -> GitHubError:
        reason = "timed out" if isinstance(error, requests.Timeout) else type(error).__name__
        if NOT_BELIEVED in str(error):
            said = f"The certificate of {self._origin} is not believed, so nothing was sent there."
            return GitHubNotTrusted(said, remedy=AUTHORITY_REMEDY)
        said = f"GitHub did not answer {ask.name} at {self._origin} ({reason})."
        if ask.write and not ask.repeatable and not _never_left(error):
            return GitHubAmbiguous(said, remedy="The write may have landed.")
        return GitHubUnreachable(said, remedy="Check the network and the proxy.")

    def _redirected(self, ask: _Ask, reply: Reply) -> str:
        """Where a redirect leads, on this host only: the token must not travel."""
        target = reply.headers.get("location", "")
        parts = urlsplit(target)
        if parts.netloc and _origin(target) != self._origin:
            raise GitHubError(
                f"{ask.name} was redirected to another host, {parts.hostname!r}; not followed.",
                remedy="Check GITHUB_API_URL.",
                status=reply.status,
            )
        query = f"?{parts.query}" if parts.query else ""
        return f"{self._origin}{parts.path}{query}"

    def _graphql_error(self, reply: Reply, optional: frozenset[str], limits: int) -> GitHubError | None:
        answer = reply.json()
        data = answer.get("data") if isinstance(answer, dict) else None
        errors = [e for e in (answer or {}).get("errors") or () if not _optional(e, optional)]
        if errors or data is None:
            return graphql_fault(errors, reply.headers, now=self._clock(), nth=limits)
        return None

    def _scrubbed(self, error: GitHubError) -> GitHubError:
        if self._secret and self._secret in str(error):
            error.message = error.message.replace(self._secret, "***")
            error.remedy = error.remedy.replace(self._secret, "***")
            error.args = (error.message,)
        return error


def _optional(error: Mapping[str, Any], optional: frozenset[str]) -> bool:
    return error.get("type") == "FORBIDDEN" and bool(optional.intersection(map(str, error.get("path") or ())))


def _may_have_landed(ask: _Ask, error: GitHubError) -> bool:
    return ask.write and not ask.repeatable and isinstance(error, GitHubUnreachable)


def _as_ambiguous(error: GitHubError) -> GitHubAmbiguous:
    return GitHubAmbiguous(error.message, remedy=error.remedy, status=error.status)


def _never_left(error: requests.RequestException) -> bool:
    """Whether a failure came before any byte of the request was sent."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)


def _quota_of(headers: Mapping[str, str]) -> tuple[str, int, int, int] | None:
    """Resource, requests left, limit, and when it is full again (Unix time); None when an answer does not say."""
    numbers = [headers.get(f"x-ratelimit-{name}", "") for name in ("remaining", "limit", "reset")]
    if not all(number.isascii() and number.isdigit() and len(number) < 13 for number in numbers):
        return None
    remaining, limit, reset = map(int, numbers)
    return headers.get("x-ratelimit-resource", ""), remaining, limit, reset


def _next_page(link: str) -> dict[str, str]:
    rows = (row for row in requests.utils.parse_header_links(link) if row.get("rel") == "next")
    return next((dict(parse_qsl(urlsplit(row["url"]).query)) for row in rows), {})


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _fixed(auth: object) -> Auth.Auth | None:
    if isinstance(auth, Auth.Auth):
        return auth
    return Auth.Token(auth) if isinstance(auth, str) and auth else None


class _Provided(Auth.Auth):
    """The token of the request under way, as a provider gave it."""

    value = ""

    @property
    def token_type(self) -> str:
        return "Bearer"

    @property
    def token(self) -> str:
        return self.value


class _Response(RequestsResponse):
    """An answer whose text keeps every byte, and that PyGithub does not act on by itself: it would repeat a 202 for
    ever and follow a 301 without its query."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(response)
        self.status = {202: 200, 301: 308}.get(self.status, self.status)

    def read(self) -> str:
        return self.response.content.decode("utf-8", "surrogateescape")


def _requester_class(count: Callable[[], None]) -> type[Requester]:
    """A Requester whose connections call ``count`` for each HTTP request they send, failed and repeated ones too."""

    class Https(HTTPSRequestsConnectionClass):
        def getresponse(self) -> RequestsResponse:
            count()
            return _Response(super().getresponse().response)

    class Http(HTTPRequestsConnectionClass):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.session.trust_env = False  # plain http is for this machine only, where no proxy of the environment is

        def getresponse(self) -> RequestsResponse:
            count()
            return _Response(super().getresponse().response)

    class Counting(Requester):
        pass

    Counting.injectConnectionClasses(Http, Https)
    return Counting
