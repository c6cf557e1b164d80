"""One request and its answer as values, and the table of routes: what the REST modules are written in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from reviewbot.sandbox.github.records import Pull

if TYPE_CHECKING:
    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.payloads import Links
    from reviewbot.sandbox.github.records import Issue, Token
    from reviewbot.sandbox.github.state import SandboxGitHub

_Item = TypeVar("_Item")
_DOCUMENTATION = "https://docs.github.com/rest"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over the wire."""

    status: int
    body: bytes = b""
    media: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An answer of 4xx in GitHub's shape: the way a handler says no. It never leaves the sandbox as an exception."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = headers or {}

    def answer(self) -> Answer:
        """GitHub's error body: ``message``, perhaps ``errors``, ``documentation_url``, ``status``."""
        body: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            body["errors"] = list(self.errors)
        body |= {"documentation_url": _DOCUMENTATION, "status": str(self.status)}
        return Answer(self.status, json.dumps(body).encode(), headers=self.headers)


def not_found() -> Refusal:
    """GitHub answers alike for what is not there and what the token may not see."""
    return Refusal(404, "Not Found")


def unprocessable(*errors: str) -> Refusal:
    """422 as the reviews endpoints say it."""
    return Refusal(422, "Unprocessable Entity", errors=errors)


def invalid(resource: str, name: str, code: str, message: str | None = None) -> Refusal:
    """422 as most endpoints say it: one error object naming the field."""
    error = {"resource": resource, "code": code, "field": name}
    return Refusal(422, "Validation Failed", errors=[error | ({"message": message} if message else {})])


def missing(name: str) -> Refusal:
    """422 for an argument that the endpoint cannot do without."""
    return Refusal(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON answer."""
    return Answer(status, json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"), headers=headers or {})


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read. ``path`` has no ``/api/v3`` prefix; header names are lower case."""

    github: SandboxGitHub
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    links: Links
    token: Token | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    patch_lines: int | None = None

    def speaker(self) -> Token:
        """Whose token it is. Raises Refusal 401 when there was none."""
        if self.token is None:
            raise Refusal(401, "Requires authentication")
        return self.token

    def hosted(self) -> Hosted:
        """The repository of the path, its refs up to date. Raises Refusal 404."""
        found = self.github.repositories.get(f"{self.params['owner']}/{self.params['repo']}".lower())
        if found is None or (found.private and not self._covers(found)):
            raise not_found()
        if self.method != "GET" and not self._covers(found):
            raise forbidden(self.speaker())
        self.github.refresh(found)
        return found

    def _covers(self, hosted: Hosted) -> bool:
        chosen = self.token.repositories if self.token else frozenset()
        return chosen is None or hosted.full_name.lower() in chosen

    def number(self, name: str) -> int:
        """A number of the path. Raises Refusal 404 when it is none."""
        if not self.params[name].isdecimal() or len(self.params[name]) > 18:
            raise not_found()
        return int(self.params[name])

    def issue(self) -> tuple[Hosted, Issue]:
        """The issue or pull request of the path."""
        hosted = self.hosted()
        found = hosted.issues.get(self.number("number"))
        if found is None:
            raise not_found()
        return hosted, found

    def pull(self) -> tuple[Hosted, Pull]:
        """The pull request of the path."""
        hosted, found = self.issue()
        if not isinstance(found, Pull):
            raise not_found()
        return hosted, found

    def value(self) -> Any:
        """The JSON of the body, None when there is none. Raises Refusal 400."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            raise Refusal(400, "Problems parsing JSON") from None

    def fields(self) -> dict[str, Any]:
        """The JSON object of the body, empty when there is none. Raises Refusal 400."""
        value = {} if not self.body else self.value()
        if not isinstance(value, dict):
            raise Refusal(400, "Body should be a JSON object")
        return value

    def accepts(self, media: str) -> bool:
        """Whether the client asked for this media type (``diff``, ``patch``, ``raw``, ``object``)."""
        return re.search(rf"application/vnd\.github(?:\.v3)?\.{media}\b", self.headers.get("accept", "")) is not None

    def paged(self, items: Sequence[_Item], shape: Callable[[_Item], object], *, per_page: int = 30) -> Answer:
        """One page of a list, with GitHub's ``Link`` header; 30 at a time, never over 100."""
        size = min(_positive(self.query.get("per_page"), per_page), 100)
        page = _positive(self.query.get("page"), 1)
        chosen = items[(page - 1) * size : page * size]
        return answer([shape(item) for item in chosen], headers=self.link(page, size, len(items)))

    def counted(self, name: str, rows: Sequence[object]) -> Answer:
        """One page of a list that comes inside an object with its total."""
        size, page = min(_positive(self.query.get("per_page"), 30), 100), _positive(self.query.get("page"), 1)
        shown = list(rows[(page - 1) * size : page * size])
        return answer({"total_count": len(rows), name: shown}, headers=self.link(page, size, len(rows)))

    def link(self, page: int, size: int, total: int) -> dict[str, str]:
        """The ``Link`` header of a page: prev and first but on the first one, next and last but on the last."""
        last = max(1, -(-total // size))
        wanted = {}
        if page > 1:
            wanted["prev"] = min(page - 1, last)
        if page < last:
            wanted |= {"next": page + 1, "last": last}
        if page > 1:
            wanted["first"] = 1
        rest = {key: value for key, value in self.query.items() if key != "page"}
        parts = (
            f'<{self.links.api}{self.path}?{urlencode(rest | {"page": number})}>; rel="{name}"'
            for name, number in wanted.items()
        )
        return {"link": ", ".join(parts)} if wanted else {}


def forbidden(token: Token) -> Refusal:
    """403 for a permission that the token has not."""
    kind = "personal access token" if token.kind == "personal" else "integration"
    return Refusal(403, f"Resource not accessible by {kind}")


def body_text(fields: Mapping[str, Any], limit: int, resource: str) -> str:
    """A comment's ``body``: a string, not blank, not too long. Raises Refusal 422."""
    body = fields.get("body")
    if body is None:
        raise missing("body")
    if not isinstance(body, str):
        raise Refusal(422, f"Invalid request.\n\nFor 'properties/body', {json.dumps(body)} is not a string.")
    if not body.strip():
        raise invalid(resource, "body", "missing_field")
    if len(body) > limit:
        raise invalid(resource, "body", "custom", f"body is too long (maximum is {limit} characters)")
    return body


def _positive(value: str | None, otherwise: int) -> int:
    return int(value) if value and value.isdecimal() and len(value) < 10 and int(value) > 0 else otherwise


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """``needs`` is ``permission:level`` (either of ``a|b:level``), ``""`` for any token, ``jwt`` for an App's own,
    ``none`` for nothing."""

    method: str
    pattern: re.Pattern[str]
    needs: str
    handler: Handler


class Routes:
    """A table of routes. ``{name}`` in a path is one segment, ``{name*}`` the rest with its slashes."""

    def __init__(self) -> None:
        self.table: list[Route] = []

    def on(self, method: str, path: str, needs: str = "") -> Callable[[Handler], Handler]:
        """Serve this method and path with the decorated function."""
        pattern = re.sub(r"\\\{(\w+)(\\\*)?\\\}", _group, re.escape(path))

        def register(handler: Handler) -> Handler:
            self.table.append(Route(method, re.compile(pattern), needs, handler))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The first route of the table that serves this, with the path's parameters."""
        for route in self.table:
            found = route.pattern.fullmatch(path) if route.method == method else None
            if found:
                return route, found.groupdict()
        return None


def _group(found: re.Match[str]) -> str:
    return f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})"
