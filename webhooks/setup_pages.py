"""Pure: the pages of /setup as HTML, and the headers that they are sent with. No script, nothing from elsewhere.

Everything is escaped by Jinja. The one style sheet stands in the page and is allowed by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from markupsafe import Markup

from reviewbot.github.manifest import EVENTS, PERMISSIONS, WEBHOOK_PATH

if TYPE_CHECKING:
    from jinja2 import Environment

#: What each permission and each event is for, in words. A test holds both to the manifest.
PERMISSION_WORDS: Mapping[str, str] = {
    "metadata": "see which repositories it was given",
    "contents": "read their code",
    "pull_requests": "read pull requests, and write reviews",
    "issues": "read the conversation and linked issues, and write its summary",
    "checks": "write its check run",
}
EVENT_WORDS: Mapping[str, str] = {
    "pull_request": "a pull request is opened or changed",
    "pull_request_review": "somebody reviews it",
    "pull_request_review_comment": "somebody comments on a line",
    "issue_comment": "somebody comments below it",
    "check_run": "a check is asked for again",
    "check_suite": "all checks are asked for again",
}
# With a stricter policy browsers send "Origin: null" with the form to GitHub. No address of these pages but the
# callback's holds anything, and that goes nowhere: only the origin is told to others.
_REFERRER = "strict-origin-when-cross-origin"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The App as it is to be made: what the fields of the page say."""

    name: str
    organization: str
    public: bool
    address: str


@dataclass(frozen=True, slots=True)
class ShownApp:
    """The App of this server, as far as it is known. Only an address on this GitHub becomes a link."""

    app_id: str
    slug: str
    url: str

    @property
    def install_url(self) -> str:
        return f"{self.url}/installations/new" if self.url else ""


class SetupPages:
    """Pages for a server whose GitHub is at ``github_url``; ``callback`` pages stand one folder deeper than /setup."""

    def __init__(self, github_url: str) -> None:
        self._github = github_url.rstrip("/")
        self._host = urlsplit(github_url).netloc

    def gate(self, *, status: int = 200, said: str = "", callback: bool = False) -> HTMLResponse:
        """Asks for the word."""
        return self._page("gate", status, callback=callback, said=said)

    def create(
        self,
        wanted: Wanted,
        *,
        manifest: Mapping[str, Any] | None,
        target: str,
        problem: str = "",
        remedy: str = "",
        status: int = 200,
    ) -> HTMLResponse:
        """The App that would be made, and the button that makes it: none without a ``manifest``."""
        return self._page(
            "create",
            status,
            wanted=wanted,
            manifest=json.dumps(manifest) if manifest else "",
            target=target,
            problem=problem,
            remedy=remedy,
            permissions=[(PERMISSION_WORDS[name], level) for name, level in PERMISSIONS.items()],
            events=[EVENT_WORDS[name] for name in EVENTS],
            hook=f"{wanted.address.rstrip('/')}{WEBHOOK_PATH}",
        )

    def made(self, app: ShownApp, *, new: bool = False, refused: bool = False, callback: bool = False) -> HTMLResponse:
        """Which App this server is, and what to do next. ``refused``: another one was made and is not taken."""
        status = 409 if refused else 200
        return self._page("made", status, callback=callback, app=app, new=new, refused=refused)

    def wrong(self, status: int, problem: str, remedy: str, *, callback: bool = False) -> HTMLResponse:
        """One sentence that says what is wrong, and one that says what to do."""
        return self._page("wrong", status, callback=callback, problem=problem, remedy=remedy)

    def shown(self, app_id: str, slug: str, html_url: str) -> ShownApp:
        """An App for the page; an address that is not on this GitHub is left out."""
        url = html_url if html_url.startswith(f"{self._github}/") else ""
        return ShownApp(app_id, slug, url)

    def _page(self, name: str, status: int, *, callback: bool = False, **facts: Any) -> HTMLResponse:
        environment, style, digest = _templates()
        text = environment.get_template(f"{name}.html.j2").render(
            style=Markup(style),  # noqa: S704 - our own file
            github=self._host,
            here="../setup" if callback else "setup",
            home="../" if callback else "./",
            **facts,
        )
        # `form-action` holds for what a form is redirected to, too: GitHub's own pages only.
        policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action 'self' {_origin(self._github)}"
        )
        headers = {
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer" if callback else _REFERRER,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }
        return HTMLResponse(text.encode("utf-8", "replace"), status, headers)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@cache
def _templates() -> tuple[Environment, str, str]:
    from jinja2 import Environment, PackageLoader

    loader = PackageLoader("webhooks", "pages")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    style = loader.get_source(environment, "setup.css")[0]
    return environment, style, base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
