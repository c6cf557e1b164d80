"""The templates and files of the page, and the answers that are made of them."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from jinja2 import Template

_FILES = {"dashboard.css": "text/css", "dashboard.js": "text/javascript", "icon.svg": "image/svg+xml"}


def page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The template ``name`` with its values. What UTF-8 cannot say is a question mark."""
    return HTMLResponse(_template(name).render(values).encode("utf-8", "replace"), status)


def off_page() -> HTMLResponse:
    """The page of a server without a status page. It may load nothing, so its style is in it, allowed by its hash."""
    style = _file("off.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    answer = page("off.html.j2", style=Markup(style))  # noqa: S704 - our own file
    answer.headers["content-security-policy"] = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    )
    return answer


def asset(name: str) -> Response:
    """A file of the page; 404 for every other name."""
    if name not in _FILES:
        return page("notice.html.j2", 404, title="Not found", sentence="There is no such file.")
    return Response(_file(name), media_type=_FILES[name])


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("webhooks.dashboard", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


@cache
def _file(name: str) -> str:
    return PackageLoader("webhooks.dashboard", "assets").get_source(_environment(), name)[0]
