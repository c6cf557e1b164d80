"""The ASGI application: reads a request, lets faults and limits have their say, and answers it.

REST is served at ``/`` and at ``/api/v3``, GraphQL at ``/graphql`` and ``/api/graphql``, git at ``/owner/name.git``,
the page of a pull request at ``/owner/name/pull/N``. Asked as ``api.HOST`` it names pages of ``HOST``, as GHE.com
does. ``/_sandbox/requests`` is the log and ``/_sandbox/faults`` takes
faults, for a process that is not this one; neither is logged.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import asdict, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from reviewbot.errors import UsageError
from reviewbot.sandbox.github import (
    graphql,
    manifests,
    rest_actions,
    rest_apps,
    rest_checks,
    rest_comments,
    rest_contents,
    rest_hooks,
    rest_pulls,
    rest_repository,
    rest_reviews,
    smart_http,
)
from reviewbot.sandbox.github.calls import Answer, Call, Refusal, Routes, answer, not_found
from reviewbot.sandbox.github.page import pull_page
from reviewbot.sandbox.github.payloads import Links
from reviewbot.sandbox.github.records import Logged
from reviewbot.sandbox.github.tokens import authenticate, authorize, credential, verify_app

if TYPE_CHECKING:
    from reviewbot.sandbox.github.faults import Fault
    from reviewbot.sandbox.github.state import SandboxGitHub

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_PAGE = re.compile(r"/(?P<owner>[^/_][^/]*)/(?P<repo>[^/]+)/pull/(?P<number>\d{1,9})(?P<form>\.diff|\.patch|/.*)?")
_MODULES = (
    rest_repository,
    rest_contents,
    rest_hooks,
    rest_pulls,
    rest_reviews,
    rest_comments,
    rest_checks,
    rest_apps,
    rest_hooks,
    rest_actions,
    manifests,
)
_OWN_PROOF = ("jwt", "none")  # routes that take no token


def create_app(github: SandboxGitHub) -> SandboxApp:
    """Serve this GitHub as an ASGI application."""
    return SandboxApp(github)


class Dropped(ConnectionError):
    """A fault closed the connection. Only seen by a client that calls the application without a socket."""


class SandboxApp:
    """One GitHub behind ASGI; ``github`` is its state."""

    def __init__(self, github: SandboxGitHub) -> None:
        self.github = github
        self._routes = Routes()
        # Longest first, so that "commits/{ref*}/check-runs" comes before "commits/{ref*}".
        table = [route for module in _MODULES for route in module.routes.table]
        self._routes.table = sorted(table, key=lambda route: -route.pattern.pattern.count("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        call, send = await self._read(scope, receive), self._dated(send)
        if call.path.startswith("/_sandbox/"):
            await _send(send, self._own(call))
            return
        started, line = time.perf_counter(), _Line()
        token = self.github.tokens.get(credential(call.headers))
        kind = token.kind if token else "none"
        try:
            await self._serve(call, scope, receive, send, line)
        finally:
            seconds = time.perf_counter() - started
            query = "&".join(f"{key}={value}" for key, value in call.query.items())
            self.github.log.append(Logged(call.method, call.path, query, line.status, kind, seconds))

    def _dated(self, send: Send) -> Send:
        """Every answer says what time it is here."""

        async def dated(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                now = formatdate(self.github.clock(), usegmt=True)
                message["headers"] = [*message["headers"], (b"date", now.encode())]
            await send(message)

        return dated

    async def _read(self, scope: Scope, receive: Receive) -> Call:
        pieces, more = [], True
        while more:
            message = await receive()
            pieces.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"".join(pieces)
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        host, port = scope.get("server") or ("localhost", 80)
        web = f"{scope['scheme']}://{headers.get('host', f'{host}:{port}')}"
        path = scope["path"]
        enterprise = path.startswith("/api/v3/") or path == "/api/v3"
        path = path.removeprefix("/api/v3") if enterprise else "/graphql" if path == "/api/graphql" else path
        links = Links(f"{web}/api/v3" if enterprise else web, web.replace("://api.", "://", 1))
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        return Call(self.github, scope["method"], path.rstrip("/") or "/", query, headers, body, links)

    async def _serve(self, call: Call, scope: Scope, receive: Receive, send: Send, line: _Line) -> None:
        fault = self.github.faults.take(call.method, call.path)
        kind = fault.kind if fault else ""
        if fault and kind == "delay":
            await asyncio.sleep(fault.value)
        if fault and kind == "truncate-patches":
            call = replace(call, patch_lines=int(fault.value))
        if kind == "drop-before-write":
            await _drop(scope, receive)
            return
        if fault and kind in ("status", "secondary-limit", "primary-limit"):
            done = _fault_answer(fault, self.github.clock())
            line.status = done.status
            await _send(send, done)
            return
        git = smart_http.addressed(call.path)
        if git:
            done, pieces = await smart_http.serve(self.github, git, call.query, call.headers, call.body)
        else:
            done, pieces = await asyncio.to_thread(self._answer, call), None
        if kind == "drop-after-write":
            await _drop(scope, receive)
            return
        if fault and kind == "status-after-write":
            done, pieces = _fault_answer(fault, self.github.clock()), None
        line.status = done.status
        await _send(send, done, pieces)

    def _answer(self, call: Call) -> Answer:
        """Answer in GitHub's way, one request at a time."""
        with self.github.lock:
            self.github.links = call.links
            page = _PAGE.fullmatch(call.path) if call.method == "GET" else None
            try:
                if page and not call.path.startswith("/repos/"):
                    return self._page(call, page)
                token = None if self._needs(call) in _OWN_PROOF else authenticate(self.github, call.headers)
                return self._limited(replace(call, token=token))
            except Refusal as refusal:
                return refusal.answer()

    def _needs(self, call: Call) -> str:
        found = self._routes.find(call.method, call.path)
        return found[0].needs if found else ""

    def _limited(self, call: Call) -> Answer:
        """Count the request, serve it, and add the headers that every answer has."""
        quota, now = self.github.quota, self.github.clock()
        key = call.token.value if call.token else "app"
        resource = "graphql" if call.path == "/graphql" else "core"
        free = call.path == "/rate_limit"
        if not free and not quota.spend(key, resource, now):
            who = call.token.account.id if call.token else 0
            headers = quota.window(key, resource, now).headers(resource)
            raise Refusal(403, f"API rate limit exceeded for user ID {who}.", headers=headers)
        creates = call.method != "GET" and resource == "core" and self._needs(call) not in _OWN_PROOF
        if creates and (wait := quota.write_wait(key, now)):
            raise _secondary(wait)
        try:
            done = self._routed(call)
        except Refusal as refusal:
            done = refusal.answer()
        done = _conditional(call, done)
        if done.status == 304:
            quota.refund(key, resource, now)
        more = quota.window(key, resource, now).headers(resource) | _common(call)
        return replace(done, headers={**done.headers, **more})

    def _routed(self, call: Call) -> Answer:
        if call.path == "/graphql":
            if call.method != "POST":
                raise not_found()
            return graphql.serve(call)
        found = self._routes.find(call.method, call.path)
        if found is None:
            if call.token is None:
                raise Refusal(401, "Requires authentication")
            raise not_found()
        route, params = found
        if route.needs == "jwt":
            verify_app(self.github, call.headers)
        elif route.needs != "none":
            authorize(call.token, route.needs)
        return route.handler(replace(call, params=params))

    def _page(self, call: Call, found: re.Match[str]) -> Answer:
        """The page of a pull request, or its diff or patch as github.com serves them beside it."""
        call = replace(call, params=found.groupdict())
        hosted = self.github.repositories.get(f"{found['owner']}/{found['repo']}".lower())
        if hosted is None:
            raise not_found()
        self.github.refresh(hosted)
        pull = next((pull for pull in hosted.pulls() if pull.number == int(found["number"])), None)
        if pull is None:
            raise not_found()
        if found["form"] == ".diff":
            return Answer(200, hosted.changes(pull).diff, "text/plain; charset=utf-8")
        if found["form"] == ".patch":
            series = hosted.repository.patch_series(pull.base_sha, pull.head_sha)
            return Answer(200, series, "text/plain; charset=utf-8")
        return pull_page(hosted, pull)

    def _own(self, call: Call) -> Answer:
        """The sandbox's own two addresses."""
        if (call.method, call.path) == ("GET", "/_sandbox/requests"):
            return answer([asdict(logged) for logged in self.github.log])
        if (call.method, call.path) == ("POST", "/_sandbox/faults"):
            try:
                fields = call.fields()
                pattern, behaviour = str(fields.get("pattern", "")), str(fields.get("behaviour", ""))
                times, passing = int(fields.get("times", 1)), int(fields.get("passing", 0))
                self.github.faults.add(pattern, behaviour, times=times, passing=passing)
            except (UsageError, Refusal, ValueError, TypeError) as error:
                return answer({"message": str(error)}, 422)
            return answer({"active": len(self.github.faults.active)}, 201)
        if (call.method, call.path) == ("DELETE", "/_sandbox/faults"):
            self.github.faults.clear()
            return Answer(204)
        return not_found().answer()


class _Line:
    """What the log will say of a request, filled in while it is served."""

    def __init__(self) -> None:
        self.status = 0


def _common(call: Call) -> dict[str, str]:
    """Headers of every answer."""
    out = {"x-github-media-type": "github.v3; format=json", "x-github-request-id": secrets.token_hex(8).upper()}
    return out | ({"x-oauth-scopes": "repo"} if call.token and call.token.kind == "personal" else {})


def _conditional(call: Call, done: Answer) -> Answer:
    """An ETag on what was read, and 304 without a body when the client has it."""
    if call.method != "GET" or done.status != 200:
        return done
    etag = f'W/"{hashlib.sha256(done.body).hexdigest()}"'
    headers = {**done.headers, "etag": etag, "cache-control": "private, max-age=60, s-maxage=60"}
    known = {tag.strip().removeprefix("W/") for tag in call.headers.get("if-none-match", "").split(",")}
    if etag.removeprefix("W/") in known:
        return Answer(304, b"", done.media, headers)
    return replace(done, headers=headers)


def _secondary(wait: float) -> Refusal:
    said = (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to "
        "GitHub Support for help, please include the request ID."
    )
    return Refusal(403, said, headers={"retry-after": str(int(wait))})


def _fault_answer(fault: Fault, now: float) -> Answer:
    if fault.kind == "secondary-limit":
        return _secondary(fault.value).answer()
    if fault.kind == "primary-limit":
        headers = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-used": "5000"}
        headers |= {"x-ratelimit-reset": str(int(now + fault.value)), "x-ratelimit-resource": "core"}
        return Refusal(403, "API rate limit exceeded for user ID 1.", headers=headers).answer()
    return answer({"message": "Server Error"}, int(fault.value))


async def _send(send: Send, done: Answer, pieces: AsyncIterator[bytes] | None = None) -> None:
    headers = {"content-type": done.media, **done.headers}
    if pieces is None:
        headers["content-length"] = str(len(done.body))
    if done.status in (204, 304):
        headers = {name: value for name, value in headers.items() if name not in ("content-type", "content-length")}
    raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": done.status, "headers": raw})
    if pieces is not None:
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": done.body})


async def _drop(scope: Scope, receive: Receive) -> None:
    """Close the connection without an answer: `server` puts the transport into the scope."""
    transport = scope.get("state", {}).get("transport")
    if transport is None:
        raise Dropped("the connection was closed by a fault")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
