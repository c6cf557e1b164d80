"""A local server that speaks the Responses API: `ResponsesSandbox(...).app` is an ASGI application.

``POST /v1/responses`` (plain, streamed, in background), ``GET`` and ``DELETE /v1/responses/ID``, ``.../cancel``,
``/v1/responses/input_tokens``, ``/v1/models``; the same under ``/openai/v1``, where Azure has them. ``/sandbox/faults``
and ``/sandbox/requests`` are for whoever tests against it. State lives in memory and dies with the server.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import asdict, replace
from itertools import count
from typing import Any
from uuid import uuid4

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reviewbot.sandbox.responses.answers import closing_events, events, opening_events, response_document, sse
from reviewbot.sandbox.responses.checks import MODELS, JsonObject, Refusal, ServedModel, check_request
from reviewbot.sandbox.responses.conversation import cached_text, items_of, text_of, truncated
from reviewbot.sandbox.responses.delivery import Cut, Delivery, whole
from reviewbot.sandbox.responses.faults import Fault, FaultKind, FaultScript
from reviewbot.sandbox.responses.memory import LoggedRequest, PromptCache, RateWindow, StoredResponse, estimate_tokens
from reviewbot.sandbox.responses.reader import answer_text
from reviewbot.sandbox.responses.sealed import check_sent_again
from reviewbot.sandbox.responses.writer import Question, write_answer

_TOO_LONG = Refusal(
    400,
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    param="input",
    code="context_length_exceeded",
)
_REFUSALS = {
    FaultKind.RATE_LIMITED: Refusal(
        429, "Rate limit reached. Please try again later.", "requests", None, "rate_limit_exceeded"
    ),
    FaultKind.QUOTA: Refusal(
        429,
        "You exceeded your current quota, please check your plan.",
        "insufficient_quota",
        None,
        "insufficient_quota",
    ),
    FaultKind.SERVER_ERROR: Refusal(500, "The server had an error while processing your request.", "server_error"),
    FaultKind.UNAVAILABLE: Refusal(503, "The server is overloaded. Please try again later.", "server_error"),
    FaultKind.FORBIDDEN: Refusal(403, "You are not allowed to use this model.", code="model_not_allowed"),
    FaultKind.MODEL_GONE: Refusal(404, "The model has been shut down.", code="model_not_found"),
    FaultKind.CONTEXT_LENGTH: _TOO_LONG,
}
_HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class ResponsesSandbox:
    """The server's state and its ``app``. ``read(text, schema)`` writes the answers; ``latency`` is what each of them
    takes, in seconds; ``input_limit`` overrides that of every model; ``limits`` are requests and tokens a minute. Set
    the attribute ``success_status`` to 201 to be like some resellers."""

    def __init__(
        self,
        *,
        key: str = "sandbox-key",
        faults: Iterable[Fault] = (),
        latency: float = 0.0,
        read: Callable[[str, JsonObject | None], str] = answer_text,
        models: Iterable[ServedModel] = MODELS,
        count_tokens: Callable[[str], int] = estimate_tokens,
        input_limit: int | None = None,
        limits: tuple[int, int] = (10_000, 40_000_000),
    ) -> None:
        self.key, self.latency, self.success_status = key, latency, 200
        self.faults = FaultScript(faults)
        self.requests: list[LoggedRequest] = []
        self._read, self._count = read, count_tokens
        self._models = {each.id: replace(each, input_limit=input_limit or each.input_limit) for each in models}
        self._cache, self._window = PromptCache(count_tokens), RateWindow(*limits)
        self._stored: dict[str, StoredResponse] = {}
        self._numbers = count(1)
        routes = [
            Route(f"{base}{path}", self._guarded(endpoint), methods=[method])
            for base in ("/v1", "/openai/v1")
            for path, method, endpoint in (
                ("/responses", "POST", self._create),
                ("/responses/input_tokens", "POST", self._count_input),
                ("/responses/{id}", "GET", self._retrieve),
                ("/responses/{id}", "DELETE", self._delete),
                ("/responses/{id}/cancel", "POST", self._cancel),
                ("/models", "GET", self._list_models),
                ("/models/{id:path}", "GET", self._show_model),
            )
        ]
        admin = [
            Route("/sandbox/faults", self._guarded(self._faults), methods=["GET", "POST", "DELETE"]),
            Route("/sandbox/requests", self._guarded(self._log), methods=["GET"]),
        ]
        self.app = Starlette(routes=[*routes, *admin])

    @property
    def answered(self) -> list[LoggedRequest]:
        """The ``POST /v1/responses`` so far, in order of arrival."""
        return [each for each in self.requests if each.number]

    # ---- every request ---------------------------------------------------------------------------------------------

    def _guarded(self, endpoint: Callable[[Request, LoggedRequest], Any]) -> Callable[[Request], Any]:
        """The endpoint behind the key, with a line in the log and the headers of every answer."""

        async def guarded(request: Request) -> Response:
            hidden = ("authorization", "api-key")
            headers = {name: value for name, value in request.headers.items() if name not in hidden}
            entry = LoggedRequest(0, request.method, request.url.path, headers, started=time.monotonic())
            if not request.url.path.startswith("/sandbox/"):
                self.requests.append(entry)
            response: Response = self._refuse_key(request) or await endpoint(request, entry)
            entry.status, entry.ended = response.status_code, time.monotonic()
            response.headers["x-request-id"] = f"req_{uuid4().hex}"
            response.headers["openai-version"] = "2020-10-01"
            for name, value in self._window.headers(time.monotonic()).items():
                response.headers.setdefault(name, value)
            return response

        return guarded

    def _refuse_key(self, request: Request) -> Response | None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else request.headers.get("api-key", "")
        if not given:
            return _error(Refusal(401, "Missing bearer authentication in header", code="missing_api_key"))
        if given != self.key:
            return _error(Refusal(401, "Incorrect API key provided.", code="invalid_api_key"))
        return None

    async def _body(self, request: Request) -> JsonObject | Refusal:
        try:
            body = json.loads(await request.body())
        except (ValueError, RecursionError):
            body = None
        return body if isinstance(body, dict) else Refusal(400, "We could not parse the JSON body of your request.")

    # ---- creating --------------------------------------------------------------------------------------------------

    async def _create(self, request: Request, entry: LoggedRequest) -> Response:
        entry.number = next(self._numbers)
        body = await self._body(request)
        if isinstance(body, Refusal):
            return _error(body)
        entry.body = body
        refusal = check_request(body, self._models)
        if refusal:
            return _error(refusal)
        question = self._question(body)
        if isinstance(question, Refusal):
            return _error(question)
        fault = self.faults.take(entry.number, question.text)
        entry.fault = fault.kind.value if fault else ""
        refused = self._refuse_by_fault(fault) or self._refuse_by_size(question)
        if refused:
            return refused
        entry.input_tokens, entry.cached_tokens = question.input_tokens, question.cached_tokens
        entry.response_id = question.id
        return await self._deliver(question, fault, entry)

    def _question(self, body: JsonObject) -> Question | Refusal:
        earlier: list[Any] = []
        previous = body.get("previous_response_id")
        if previous:
            stored = self._stored.get(previous)
            if stored is None:
                message = f"Previous response with id '{previous}' not found."
                return Refusal(400, message, param="previous_response_id", code="previous_response_not_found")
            earlier = stored.items
        refusal = check_sent_again(items_of(body), self._is_kept)
        if refusal:
            return refusal
        model = self._models[body["model"]]
        items = [*earlier, *items_of(body)]
        if body.get("truncation") == "auto":
            items = truncated(items, model.input_limit - self._count(str(body.get("instructions") or "")), self._count)
        whole_text = cached_text(body, items)
        return Question(
            id=f"resp_{uuid4().hex}{uuid4().hex[:16]}",
            body=body,
            model=model,
            items=items,
            text=text_of(items),
            cached_text=whole_text,
            input_tokens=self._count(whole_text),
            cached_tokens=self._cache.cached_tokens(str(body.get("prompt_cache_key")), whole_text),
            created=time.time(),
        )

    def _is_kept(self, item_id: str) -> bool:
        return any(item.get("id") == item_id for kept in self._stored.values() for item in kept.document["output"])

    def _refuse_by_fault(self, fault: Fault | None) -> Response | None:
        if fault and fault.kind in _REFUSALS:
            headers = {"retry-after": f"{fault.seconds:g}"} if fault.kind == FaultKind.RATE_LIMITED else {}
            return _error(_REFUSALS[fault.kind], headers)
        if fault and fault.kind == FaultKind.BAD_GATEWAY:
            return Response(_HTML, 502, media_type="text/html")
        return None

    def _refuse_by_size(self, question: Question) -> Response | None:
        if question.input_tokens > question.model.input_limit:
            return _error(_TOO_LONG)
        wait = self._window.take(time.monotonic(), question.input_tokens)
        if wait:
            return _error(_REFUSALS[FaultKind.RATE_LIMITED], {"retry-after": f"{wait:.0f}"})
        return None

    async def _deliver(self, question: Question, fault: Fault | None, entry: LoggedRequest) -> Response:
        kind = fault.kind if fault else None
        delay = self.latency + (fault.seconds if fault and kind == FaultKind.SLOW else 0.0)
        begun = response_document(question.id, question.created, question.body)

        def gone() -> None:
            entry.disconnected, entry.ended = True, time.monotonic()

        async def finish() -> JsonObject:
            if not question.body.get("background"):
                await anyio.sleep(delay)
            document = await anyio.to_thread.run_sync(write_answer, question, begun, kind, self._read, self._count)
            self._keep(question, document, delay, stuck=kind == FaultKind.STUCK)
            entry.ended = time.monotonic()
            entry.output_tokens = (document["usage"] or {}).get("output_tokens", 0)
            return document

        if question.body.get("background") and not question.body.get("stream"):
            await finish()
            return JSONResponse(self._stored[question.id].view(time.monotonic()), self.success_status)
        if kind == FaultKind.HANG:
            return Delivery(_silence, on_gone=gone)
        if not question.body.get("stream"):
            if kind == FaultKind.ERROR_EVENT:
                return _error(_REFUSALS[FaultKind.SERVER_ERROR])
            cut = whole(finish, cut=kind in _CUTS, at_once=kind == FaultKind.CUT_AT_ONCE)
            return Delivery(cut, status=self.success_status, on_gone=gone)

        async def stream() -> AsyncIterator[bytes]:
            async for piece in _stream(begun, finish, kind, delay if question.body.get("background") else 0.0):
                yield piece

        return Delivery(stream, status=self.success_status, media_type="text/event-stream", on_gone=gone)

    def _keep(self, question: Question, document: JsonObject, delay: float, *, stuck: bool) -> None:
        self._cache.remember(str(question.body.get("prompt_cache_key")), question.cached_text)
        background = bool(question.body.get("background"))
        if background or question.body.get("store") is not False:  # a background answer is kept for its polling
            now = time.monotonic()
            ready = float("inf") if stuck else now + delay if background else now
            items = [*question.items, *document["output"]]
            begins = ready if stuck else now + delay / 2
            self._stored[question.id] = StoredResponse(document, items, begins, ready)

    # ---- everything else -------------------------------------------------------------------------------------------

    async def _count_input(self, request: Request, entry: LoggedRequest) -> Response:
        body = await self._body(request)
        refusal = body if isinstance(body, Refusal) else check_request(body, self._models, counting=True)
        if refusal or isinstance(body, Refusal):
            return _error(refusal or _TOO_LONG)
        entry.body = body
        earlier = self._stored.get(body.get("previous_response_id") or "")
        items = [*(earlier.items if earlier else ()), *items_of(body)]
        tokens = self._count(cached_text(body, items))
        return JSONResponse({"object": "response.input_tokens", "input_tokens": tokens})

    async def _retrieve(self, request: Request, _entry: LoggedRequest) -> Response:
        stored = self._stored.get(request.path_params["id"])
        if stored is None:
            return _unknown(request)
        if request.query_params.get("stream") != "true":
            return JSONResponse(stored.view(time.monotonic()))
        after = int(request.query_params.get("starting_after", "-1"))

        async def resume() -> AsyncIterator[bytes]:
            await anyio.sleep(min(max(0.0, stored.ready - time.monotonic()), _LONGEST_WAIT))
            for event in events(stored.document):
                if event["sequence_number"] > after and not stored.cancelled:
                    yield sse(event)

        return Delivery(resume, media_type="text/event-stream")

    async def _delete(self, request: Request, _entry: LoggedRequest) -> Response:
        if self._stored.pop(request.path_params["id"], None) is None:
            return _unknown(request)
        return JSONResponse({"id": request.path_params["id"], "object": "response", "deleted": True})

    async def _cancel(self, request: Request, _entry: LoggedRequest) -> Response:
        stored = self._stored.get(request.path_params["id"])
        if stored is None:
            return _unknown(request)
        if not stored.document["background"]:
            return _error(Refusal(400, "Only responses that run in the background can be cancelled."))
        if time.monotonic() < stored.ready:
            stored.cancelled = True
        elif not stored.cancelled:
            return _error(Refusal(400, "Cannot cancel a completed response."))
        return JSONResponse(stored.view(time.monotonic()))

    async def _list_models(self, _request: Request, _entry: LoggedRequest) -> Response:
        return JSONResponse({"object": "list", "data": [_model(name) for name in self._models]})

    async def _show_model(self, request: Request, _entry: LoggedRequest) -> Response:
        name = request.path_params["id"]
        if name not in self._models:
            return _error(Refusal(404, f"The model '{name}' does not exist", param="model", code="model_not_found"))
        return JSONResponse(_model(name))

    async def _faults(self, request: Request, _entry: LoggedRequest) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
        elif request.method == "POST":
            try:
                given = json.loads(await request.body())
                self.faults.add(*(Fault.parse(each) for each in (given if isinstance(given, list) else [given])))
            except (ValueError, TypeError, AttributeError) as error:
                return _error(Refusal(400, f"Not a fault: {error}"))
        return JSONResponse({"faults": self.faults.describe()})

    async def _log(self, _request: Request, _entry: LoggedRequest) -> Response:
        return JSONResponse({"requests": [asdict(entry) for entry in self.requests]})


_LONGEST_WAIT = 3_600.0
_CUTS = (FaultKind.CUT_IN_JSON, FaultKind.END_EARLY)


async def _silence() -> AsyncIterator[bytes]:
    await anyio.sleep_forever()
    yield b""


async def _stream(
    begun: JsonObject, finish: Callable[[], Any], kind: FaultKind | None, background_delay: float
) -> AsyncIterator[bytes]:
    """The events of an answer, up to the place where the fault breaks them off."""
    numbers = count()

    def numbered(event: JsonObject) -> bytes:
        return sse({**event, "sequence_number": next(numbers)})

    if kind == FaultKind.CUT_AT_ONCE:
        raise Cut
    for event in opening_events(begun):
        yield numbered(event)
    document = await finish()
    await anyio.sleep(background_delay)
    closing = list(closing_events(document))
    middle = next((place for place, each in enumerate(closing) if each["type"].endswith(".delta")), 0) + 1
    if kind in (*_CUTS, FaultKind.ERROR_EVENT):
        closing, rest = closing[:middle], closing[middle:]
    for event in closing:
        yield numbered(event)
    if kind == FaultKind.ERROR_EVENT:
        error = {"code": "server_error", "message": "The server had an error while processing your request."}
        yield numbered({"type": "error", **error, "param": None})
    elif kind == FaultKind.CUT_IN_JSON:
        data = numbered(rest[0])
        yield data[: len(data) // 2]
        raise Cut


def _error(refusal: Refusal, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(refusal.body, refusal.status, headers=headers)


def _unknown(request: Request) -> Response:
    return _error(Refusal(404, f"Response with id '{request.path_params['id']}' not found."))


def _model(name: str) -> JsonObject:
    return {"id": name, "object": "model", "created": 1_763_000_000, "owned_by": "reviewbot-sandbox"}
