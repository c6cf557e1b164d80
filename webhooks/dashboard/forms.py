"""What a browser sends with a form: where the form stood, and its fields. What is not plainly ours is refused."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from fastapi import Request

_MOST_BYTES = 8 * 1024
_MOST_FIELDS = 8


class Refused(Exception):
    """A request that is not carried out: the status and the sentence for the page."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def check_origin(headers: Mapping[str, str]) -> None:
    """Raises Refused for a form that stood on a page of another site.

    Source: OWASP, "Cross-Site Request Forgery Prevention": Sec-Fetch-Site decides where the browser sends it, over
    HTTPS that is; else the Origin must be the Host. A browser sends one of the two; who sends neither is refused.
    """
    site, origin, host = (headers.get(name, "").lower() for name in ("sec-fetch-site", "origin", "host"))
    if site:
        if site in ("same-origin", "none"):
            return
    elif origin and host and _place(origin) == host:
        return
    raise Refused(
        403,
        "The form does not come from this page. Open the status page itself and try again; a proxy in front of the "
        "server must pass on the Host header.",
    )


def _place(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


async def read_form(request: Request) -> dict[str, str]:
    """The fields, each with its first value. Bytes that are no UTF-8 become lone surrogates, so none are lost. Raises
    Refused."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/x-www-form-urlencoded":
        raise Refused(415, "This is not a form.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise Refused(413, "The form is too large.")
    try:
        fields = parse_qs(
            body.decode("ascii", "surrogateescape"),
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:
        raise Refused(400, "The form cannot be read.") from error
    return {name: values[0] for name, values in fields.items()}
