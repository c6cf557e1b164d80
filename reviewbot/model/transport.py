"""One HTTP exchange with the provider, and the readers of its answers: a value or a Fault, never an exception of httpx.

The API key lives here and nowhere else.
"""

from __future__ import annotations

import json
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import httpx
from httpx_sse import EventSource
from pydantic import ValidationError

from reviewbot import __version__, errors
from reviewbot.model.stream import StreamReader
from reviewbot.model.verdict import Fault, HttpRefusal
from reviewbot.model.wire import Response
from reviewbot.outward import open_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator

    from httpx_sse import ServerSentEvent

    from reviewbot.errors import ModelError

_T = TypeVar("_T")

_CONNECT_SECONDS = 10.0
_DRAIN_SECONDS = 0.5
_ERROR_BYTES = 65_536


class _Bearer(httpx.Auth):
    """Puts the key into the header at the last moment, so that it is in no value that could be printed."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        yield request


class Transport:
    """Requests below one base address. Raises ConfigError for an address or a key that cannot be one."""

    def __init__(self, base_url: str, api_key: str, http: httpx.AsyncClient | None = None) -> None:
        self.base = _checked_base(base_url)
        self._key = api_key.strip()
        if not self._key.isascii() or not self._key.isprintable():
            raise errors.ConfigError("The API key holds characters that no key has.", remedy="Copy it again.")
        self._auth = _Bearer(self._key)
        self._own_http = http is None
        self._http = http or open_client(secure=self.base.scheme == "https")

    async def aclose(self) -> None:
        if self._own_http:
            await self._http.aclose()

    async def send(
        self,
        method: str,
        path: str,
        read: Callable[[httpx.Response], Awaitable[_T | Fault]],
        body: dict[str, Any] | None = None,
        *,
        silence: float | None,
    ) -> _T | Fault | HttpRefusal:
        """One request and what ``read`` makes of its answer. ``silence`` is how many seconds may pass without a byte.
        Never raises for the network: without a connection it is ModelUnreachable or ModelNotTrusted, ModelStreamCut
        when it was lost."""
        url = self.base.copy_with(path=f"{self.base.path}{path}")
        accept = "text/event-stream" if body is not None and body.get("stream") else "application/json"
        headers = {"Accept": accept, "User-Agent": f"reviewbot/{__version__}"}
        limits = httpx.Timeout(silence, connect=_CONNECT_SECONDS)
        begun = False
        try:
            async with self._http.stream(
                method, url, json=body, headers=headers, auth=self._auth, timeout=limits, follow_redirects=False
            ) as answer:
                if answer.is_success:
                    begun = True
                    return await read(answer)
                return HttpRefusal(answer.status_code, answer.headers, await _first_bytes(answer))
        except httpx.RequestError as error:
            what = f"{type(error).__name__} {error}".strip()
            if begun:
                return Fault(errors.ModelStreamCut(f"The answer was cut off: {what}."), retry=True)
            where = f"{self.base.scheme}://{self.base.netloc.decode()}"
            if errors.NOT_BELIEVED in what:
                said = f"The certificate of {where} is not believed, so nothing was sent there."
                return Fault(errors.ModelNotTrusted(said, remedy=errors.AUTHORITY_REMEDY), retry=False)
            remedy = "Check the network and the API's address."
            return Fault(errors.ModelUnreachable(f"No answer from {where}: {what}.", remedy=remedy), retry=True)

    def without_key(self, error: ModelError) -> ModelError:
        """The same error; should the provider have repeated the key in its words, it is taken out."""
        if self._key and self._key in str(error):
            error.message = error.message.replace(self._key, "[key]")
            error.remedy = error.remedy.replace(self._key, "[key]")
            error.args = (error.message,)
        return error


def _checked_base(base_url: str) -> httpx.URL:
    """The address with a slash at its end. Raises ConfigError."""
    remedy = "Give an address such as https://api.openai.com/v1."
    try:
        url = httpx.URL(base_url.strip())
    except httpx.InvalidURL as error:
        raise errors.ConfigError("The API's address is not an address.", remedy=remedy) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise errors.ConfigError("The API's address does not begin with http:// or https://.", remedy=remedy)
    if url.userinfo or url.fragment or url.query:
        raise errors.ConfigError("The API's address holds more than host and path.", remedy=remedy)
    return url.copy_with(path=f"{url.path.rstrip('/')}/")


async def read_answer(answer: httpx.Response, began: Callable[[str | None], None]) -> Response | Fault:
    """The finished answer, streamed or not. ``began`` is told the answer's id as soon as it is known."""
    if "text/event-stream" not in answer.headers.get("content-type", "").lower():
        return await read_document(answer)  # not streamed, or by a gateway that does not stream
    reader = StreamReader()
    async with aclosing(EventSource(answer).aiter_sse()) as events:
        async for event in events:
            finished = reader.take(event.event, event.data)
            began(reader.response_id)
            if finished is not None:
                await _drain(events)
                return finished
    why = "inside an event" if reader.broken else "without a terminal event"
    cut = errors.ModelStreamCut(f"The stream ended {why}.", response_id=reader.response_id)
    return Fault(cut, retry=True)


async def read_document(answer: httpx.Response) -> Response | Fault:
    document = await read_mapping(answer)
    if isinstance(document, Fault):
        return document
    try:
        return Response.model_validate(document)
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, issue["loc"])) for issue in error.errors()[:3])
        return Fault(errors.ReplyError(f"The provider's answer cannot be read ({wrong})."), retry=False)


async def read_mapping(answer: httpx.Response) -> dict[str, Any] | Fault:
    raw = (await answer.aread()).strip()
    try:
        document = json.loads(raw)
    except ValueError:
        if raw.startswith(b"{") and not raw.endswith(b"}"):
            return Fault(errors.ModelStreamCut("The answer ended inside its JSON."), retry=True)
        document = None
    if isinstance(document, dict):
        return document
    return Fault(errors.ReplyError("The provider's answer is not a JSON object."), retry=False)


async def read_nothing(_answer: httpx.Response) -> None:
    """The status has said it all."""


async def _first_bytes(answer: httpx.Response) -> bytes:
    """The beginning of an error's body; a cut there changes nothing, since the status is known."""
    body = b""
    with suppress(httpx.RequestError):
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) >= _ERROR_BYTES:
                break
    return body


async def _drain(events: AsyncIterator[ServerSentEvent]) -> None:
    """Read what follows the terminal event, so that the connection can be used again; briefly, since it is over."""
    with anyio.move_on_after(_DRAIN_SECONDS), suppress(httpx.RequestError):
        async for _event in events:
            pass
