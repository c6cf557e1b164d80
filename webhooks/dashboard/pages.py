"""The addresses of the status page, and ``add_dashboard(app, board, admin_token, secure=...)``.

Whoever is not signed in learns nothing but that there is a page. A form is carried out when it stood on this site and
holds the word of its session.
"""

from __future__ import annotations

import json
import logging
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.requests import ClientDisconnect

from reviewbot.board import Board, BoardView
from reviewbot.errors import StoreError, UsageError
from webhooks.dashboard.attempts import AttemptLimit
from webhooks.dashboard.forms import Refused, check_origin, read_form
from webhooks.dashboard.headers import PageHeaders
from webhooks.dashboard.rendering import asset, off_page, page
from webhooks.dashboard.session import SESSION_SECONDS, Sessions, as_bytes
from webhooks.dashboard.shown import as_data, as_text
from webhooks.dashboard.words import clean

_log = logging.getLogger(__name__)
_VIEW_SECONDS = 10.0
_BUSY = StoreError(
    "The database does not answer.", remedy="The page asks again; look at the database when it stays so."
)
_NOTICES = {"retried": "The job gets a new round of tries.", "not-parked": "That job is not parked any more."}
Handler = Callable[[Request], Awaitable[Response]]


def add_dashboard(
    app: FastAPI, board: Board, admin_token: str, *, secure: bool, clock: Callable[[], float] = time.time
) -> None:
    """Add the status page to ``app``, which has not begun to serve.

    ``GET /``, ``/login``, ``/status``, ``/status.json``, ``/assets/…`` and ``POST /login``, ``/logout``,
    ``/jobs/ID/retry``; without a token only ``GET /``, which then says how to turn it on. With ``secure`` the cookie
    is sent over HTTPS alone. ``clock`` tells seconds since 1970.
    """
    app.add_middleware(PageHeaders)
    if not admin_token.strip():
        app.add_route("/", _off, methods=["GET"])
        return
    pages = _Pages(board, Sessions(admin_token.strip()), secure, clock)
    for method, path, handler in pages.routes():
        app.add_route(path, _answered(handler), methods=[method])


async def _off(_: Request) -> Response:
    return off_page()


class _Pages:
    """What is answered. The two limits are apart, so that a machine with an old token does not keep people out."""

    def __init__(self, board: Board, sessions: Sessions, secure: bool, clock: Callable[[], float]) -> None:
        self._board = board
        self._sessions = sessions
        self._secure = secure
        self._clock = clock
        self._cookie = "__Host-reviewbot" if secure else "reviewbot"
        self._people, self._machines = AttemptLimit(), AttemptLimit()
        self._ended: dict[str, float] = {}
        self._one_view = anyio.Lock()

    def routes(self) -> Iterator[tuple[str, str, Handler]]:
        yield "GET", "/", self.home
        yield "GET", "/login", self.login_page
        yield "POST", "/login", self.login
        yield "POST", "/logout", self.logout
        yield "POST", "/jobs/{job_id:path}/retry", self.retry
        yield "GET", "/status", self.status
        yield "GET", "/status.json", self.status_json
        yield "GET", "/assets/{name}", self.assets

    async def home(self, request: Request) -> Response:
        session = self._session(request)
        if session is None:
            return RedirectResponse("/login", 303)
        notice = _NOTICES.get(request.query_params.get("said", ""), "")
        form_word = self._sessions.form_word(session)
        return page("status.html.j2", board=as_text(await self._view()), form_word=form_word, notice=notice)

    async def status(self, request: Request) -> Response:
        """What the script puts in the place of what the page shows."""
        session = self._session(request)
        if session is None:
            return _unknown(page("notice.html.j2", 401, title="Signed out", sentence="The session has ended."))
        form_word = self._sessions.form_word(session)
        return page("board.html.j2", board=as_text(await self._view()), form_word=form_word)

    async def status_json(self, request: Request) -> Response:
        """The same for machines, which sign in with each request."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return _unknown(_json({"error": "Send Authorization: Bearer, and the admin token."}, 401))
        wait = self._tried(given.strip().encode("latin-1"), self._machines)
        if wait is None:
            return _unknown(_json({"error": "The token is wrong."}, 401))
        if wait:
            return _later(_json({"error": "Too many wrong tokens; try again later."}, 429), wait)
        try:
            return _json(as_data(await self._view()), 200)
        except StoreError as error:
            return _json({"error": clean(error.message), "remedy": clean(error.remedy)}, 503)

    async def login_page(self, request: Request) -> Response:
        if self._session(request) is not None:
            return RedirectResponse("/", 303)
        # A link from another site does not carry the cookie: who follows one may be signed in all the same.
        return page("login.html.j2", problem="", from_afar=request.headers.get("sec-fetch-site") == "cross-site")

    async def login(self, request: Request) -> Response:
        check_origin(request.headers)
        given = (await read_form(request)).get("token", "").strip()
        wait = self._tried(as_bytes(given), self._people)
        if wait is None:
            return page("login.html.j2", 403, problem="The token is wrong.", from_afar=False)
        if wait:
            problem = f"Too many wrong tokens were tried. Try again in {wait} s."
            return _later(page("login.html.j2", 429, problem=problem, from_afar=False), wait)
        _log.info("somebody signed in to the status page")
        answer = RedirectResponse("/", 303)
        self._set_cookie(answer, self._sessions.begin(self._clock(), secrets.token_urlsafe(16)), SESSION_SECONDS)
        return answer

    async def logout(self, request: Request) -> Response:
        """The cookie is good for nothing any more, in this process until it ends, also for who made a copy of it."""
        session, now = await self._proved(request), self._clock()
        if session is not None:
            self._ended = {cookie: end for cookie, end in self._ended.items() if end > now}
            self._ended[session] = now + SESSION_SECONDS
        answer = RedirectResponse("/login", 303)
        self._set_cookie(answer, "", 0)
        return answer

    async def retry(self, request: Request) -> Response:
        if await self._proved(request) is None:
            return RedirectResponse("/login", 303)
        job_id = str(request.path_params["job_id"])
        try:
            await self._board.retry(job_id)
        except UsageError:
            return RedirectResponse("/?said=not-parked", 303)
        _log.info("job %s gets a new round of tries, from the status page", clean(job_id))
        return RedirectResponse("/?said=retried", 303)

    async def assets(self, request: Request) -> Response:
        return asset(request.path_params["name"])

    async def _view(self) -> BoardView:
        """One at a time: while a database is away its threads are needed for other things."""
        try:
            with anyio.fail_after(_VIEW_SECONDS):
                async with self._one_view:
                    return await self._board.view()
        except TimeoutError:
            raise _BUSY from None

    def _session(self, request: Request) -> str | None:
        cookie = request.cookies.get(self._cookie, "")
        known = self._sessions.end(cookie, self._clock()) is not None and cookie not in self._ended
        return cookie if known else None

    async def _proved(self, request: Request) -> str | None:
        """The session that sends a form, None when there is none. Raises Refused when the form is not its own."""
        check_origin(request.headers)
        fields = await read_form(request)
        session = self._session(request)
        if session is not None and not self._sessions.is_form_word(session, fields.get("form_word", "")):
            raise Refused(403, "The form is of another session. Go back, refresh the page and try again.")
        return session

    def _tried(self, token: bytes, limit: AttemptLimit) -> int | None:
        """0 for the right token, None for a wrong one, else for how many seconds none is looked at."""
        now = self._clock()
        wait = limit.wait(now)
        if wait:
            return math.ceil(wait)
        if self._sessions.is_token(token):
            return 0
        limit.failed(now)
        _log.warning("the status page was asked for with a wrong token")
        return None

    def _set_cookie(self, answer: Response, value: str, seconds: int) -> None:
        answer.set_cookie(
            self._cookie, value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="strict"
        )


def _answered(handler: Handler) -> Handler:
    """``handler`` with pages for what it raises on purpose."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return page("notice.html.j2", refused.status, title="Not done", sentence=refused.sentence)
        except StoreError as error:
            sentence, remedy = clean(error.message), clean(error.remedy)
            return page("notice.html.j2", 503, title="No data", sentence=sentence, remedy=remedy)
        except ClientDisconnect:
            return page("notice.html.j2", 400, title="Not done", sentence="The form was cut.")

    return answered


def _json(value: object, status: int) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")


def _unknown(answer: Response) -> Response:
    answer.headers["www-authenticate"] = 'Bearer realm="reviewbot"'
    return answer


def _later(answer: Response, seconds: int) -> Response:
    answer.headers["retry-after"] = str(seconds)
    return answer
