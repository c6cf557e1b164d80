"""``/setup``: makes the GitHub App of this server in a browser, from a manifest, and keeps its credentials.

The way: the word that opens it; a page whose button sends the manifest to GitHub; GitHub's own page; and back to
``/setup/callback`` with a code, which is exchanged for the credentials once. A server has one App: there is never a
second.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import anyio
from anyio.to_thread import run_sync
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.background import BackgroundTask

from reviewbot.credentials import StoredApp, check_folder, keep_credentials, read_credentials
from reviewbot.errors import (
    ConfigError,
    GitHubAmbiguous,
    GitHubError,
    GitHubNotFound,
    GitHubUnreachable,
    ReviewbotError,
    UsageError,
)
from reviewbot.github.app_auth import create_from_manifest
from reviewbot.github.client import GitHubClient
from reviewbot.github.manifest import CALLBACK_PATH, AppCredentials, app_manifest, registration_url
from webhooks.setup_forms import Refused, is_https, own_address, read_form
from webhooks.setup_gate import SECONDS, Gate
from webhooks.setup_pages import SetupPages, ShownApp, Wanted

_log = logging.getLogger(__name__)
_PATH = "/setup"
_COOKIE = "reviewbot_setup"
_GITHUB_SECONDS = 15


@dataclass(frozen=True, slots=True)
class SetupContext:
    """``github_url`` is GitHub as people see it; ``public_url`` this server as GitHub reaches it, empty for what the
    request says; ``gate`` the word that opens /setup, which stays shut without one. ``done`` is called once, after the
    credentials were kept and the answer was sent. With ``ready`` there is an App; ``app_id`` and ``app_slug`` say
    which, where the environment names it."""

    github_url: str
    api_url: str
    data_dir: Path
    public_url: str
    gate: str = field(repr=False)
    done: Callable[[StoredApp], None]
    ready: bool
    app_id: str = ""
    app_slug: str = ""


def setup_routes(app: FastAPI, context: SetupContext) -> None:
    """Add ``/setup`` and ``/setup/callback`` to a server."""
    setup = _Setup(context)
    app.add_route(_PATH, setup.page, methods=["GET", "POST"])
    app.add_route(CALLBACK_PATH, setup.callback, methods=["GET"])


class _Setup:
    """The routes. What was begun and not finished is remembered by nobody but the browser; only credentials that could
    not be written wait here, in memory, for the callback to be loaded again."""

    def __init__(self, context: SetupContext) -> None:
        self._context = context
        self._gate = Gate(context.gate)
        self._pages = SetupPages(context.github_url)
        self._one_at_a_time = anyio.Lock()
        self._finished = ""  # the code that this process exchanged
        self._waiting: tuple[str, AppCredentials] | None = None

    async def page(self, request: Request) -> Response:
        """GET shows what comes next, POST takes the word or the fields of the page."""
        if not self._gate.exists:
            return self._pages.wrong(403, "/setup is shut.", "Set REVIEWBOT_ADMIN_TOKEN, and start the server again.")
        try:
            fields = await read_form(request, self._context.public_url) if request.method == "POST" else {}
            if "word" in fields:
                return self._enter(request, fields["word"])
            if not self._has_pass(request):
                return self._pages.gate()
            app = await self._app()
            return self._pages.made(app) if app else await self._offer(request, fields)
        except Refused as refused:
            return self._pages.wrong(refused.status, refused.problem, refused.remedy)
        except ReviewbotError as error:
            return self._pages.wrong(500, error.message, error.remedy)

    async def callback(self, request: Request) -> Response:
        """GitHub sends the browser here with ``code`` and ``state``. To load it again changes nothing."""
        code, state = request.query_params.get("code", ""), request.query_params.get("state", "")
        known = self._gate.is_state(state)
        if not known and not self._has_pass(request):
            return self._pages.gate(status=403, said=_unknown_state()[0], callback=True)
        try:
            async with self._one_at_a_time:
                return await self._finish(code, known=known)
        except ConfigError as error:
            return self._pages.wrong(500, error.message, error.remedy, callback=True)
        except Refused as refused:
            return self._pages.wrong(refused.status, refused.problem, refused.remedy, callback=True)

    async def _finish(self, code: str, *, known: bool) -> Response:
        app = await self._app()
        if app:
            another = bool(known and self._finished and code and code != self._finished)
            return self._pages.made(app, new=not another and bool(self._finished), refused=another, callback=True)
        if not known:
            raise Refused(403, *_unknown_state())
        with anyio.CancelScope(shield=True):  # between GitHub's answer and the disk the key is nowhere else
            kept = await self._keep(code, await self._exchange(code))
        self._finished, self._waiting = code, None
        _log.info("the App %s was made and its credentials were kept", kept.app_id)
        page = self._pages.made(self._shown(kept), new=True, callback=True)
        page.background = BackgroundTask(self._tell, kept)
        return page

    async def _tell(self, kept: StoredApp) -> None:
        self._context.done(kept)

    async def _exchange(self, code: str) -> AppCredentials:
        """The App's credentials. Raises Refused; a code that is still good does not get into its words."""
        if self._waiting and self._waiting[0] == code:
            return self._waiting[1]
        client = GitHubClient(None, api_url=self._context.api_url, timeout=_GITHUB_SECONDS, attempts=2, patience=0.0)
        try:
            return await create_from_manifest(client, code)
        except (UsageError, GitHubError) as error:
            status = 400 if isinstance(error, UsageError) else 410 if isinstance(error, GitHubNotFound) else 502
            again = isinstance(error, GitHubUnreachable) and not isinstance(error, GitHubAmbiguous)
            more = " Then load this page again: GitHub's code is good for an hour." if again else ""
            problem, remedy = (text.replace(f"/{code}/", "/…/") for text in (error.message, error.remedy + more))
            _log.warning("no App was made: %s", problem)
            raise Refused(status, problem, remedy) from None
        finally:
            await client.aclose()

    async def _keep(self, code: str, found: AppCredentials) -> StoredApp:
        """Raises Refused when they cannot be kept; they are held for the next try, since GitHub gives them once."""
        try:
            await run_sync(keep_credentials, self._context.data_dir, found)
        except ConfigError as error:
            if await self._app():  # another process was faster: that App stays
                raise Refused(409, error.message, error.remedy) from error
            self._waiting = (code, found)
            _log.error("the credentials of the App %s were not kept: %s", found.app_id, error.message)
            again = "Then load this page again: until the server ends, the key is held in its memory."
            raise Refused(500, error.message, f"{error.remedy} {again}") from error
        kept = await run_sync(read_credentials, self._context.data_dir)
        if kept is None:
            raise Refused(500, "The App's credentials are gone again.", "Look at REVIEWBOT_DATA_DIR.")
        return kept

    async def _app(self) -> ShownApp | None:
        """The App that this server has, whether it began with it or got it since, also by another process."""
        stored = await run_sync(read_credentials, self._context.data_dir)
        known = self._context
        if stored and (not known.app_id or stored.is_called(known.app_id)):
            return self._shown(stored)
        if not known.ready:
            return None
        # Source: GitHub Enterprise Server's documentation; on github.com an App's page is at /apps/SLUG.
        folder = "apps" if urlsplit(known.github_url).hostname == "github.com" else "github-apps"
        url = f"{known.github_url.rstrip('/')}/{folder}/{known.app_slug}" if known.app_slug else ""
        return self._pages.shown(known.app_id, known.app_slug, url)

    def _shown(self, stored: StoredApp) -> ShownApp:
        return self._pages.shown(stored.app_id, stored.slug, stored.html_url)

    # The word

    def _has_pass(self, request: Request) -> bool:
        return self._gate.is_pass(request.cookies.get(_COOKIE, ""))

    def _enter(self, request: Request, word: str) -> Response:
        if wait := self._gate.wait():
            page = self._pages.gate(status=429, said="Too many wrong words were tried. Wait a minute.")
            page.headers["Retry-After"] = str(int(wait) + 1)
            return page
        if not self._gate.opens(word):
            _log.warning("a wrong word was tried at /setup")
            return self._pages.gate(status=401, said="That is not the word.")
        answer = RedirectResponse("setup", 303)
        answer.headers["Cache-Control"] = "no-store"
        answer.set_cookie(
            _COOKIE,
            self._gate.new_pass(),
            max_age=SECONDS,
            secure=is_https(request, self._context.public_url),
            httponly=True,
            samesite="lax",  # strict would keep it from the callback, to which GitHub's page leads
        )
        return answer

    # The page with the button

    async def _offer(self, request: Request, fields: Mapping[str, str]) -> HTMLResponse:
        await run_sync(check_folder, self._context.data_dir)
        github = self._context.github_url
        wanted = Wanted(
            f"reviewbot-{secrets.token_hex(2)}",
            "",
            public=False,
            address=own_address(request, self._context.public_url),
        )
        if fields:
            wanted = replace(
                wanted,
                name=fields.get("name", "").strip(),
                organization=fields.get("organization", "").strip(),
                public=fields.get("public") == "yes",
                address=fields.get("address", "").strip().rstrip("/"),
            )
        try:
            target = registration_url(self._gate.new_state(), github_url=github, organization=wanted.organization)
            manifest = app_manifest(wanted.address, wanted.name, public=wanted.public, github_url=github)
        except ConfigError as error:
            status = 422 if fields else 200
            said = {"problem": error.message, "remedy": error.remedy}
            return self._pages.create(wanted, manifest=None, target="", status=status, **said)
        return self._pages.create(wanted, manifest=manifest, target=target)


def _unknown_state() -> tuple[str, str]:
    return (
        "This set-up was not begun on this server, or it is over an hour old.",
        "Delete the App if it was created on GitHub, and start again at /setup.",
    )
