"""What a browser sends to /setup: its forms, of this server alone, and the address under which it reached it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from fastapi import Request

_MOST_BYTES = 16 * 1024
_MOST_FIELDS = 8
_AGAIN = "Open /setup itself, and try again."


class Refused(Exception):
    """A request that is not carried out: the status, what is wrong, and what to do."""

    def __init__(self, status: int, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem
        self.remedy = remedy


def own_address(request: Request, public_url: str) -> str:
    """This server as GitHub reaches it: as it is set, else as the browser reached it. The browser's word is only filled
    in, and looked at by a person before it is used."""
    if public_url:
        return public_url
    base = request.base_url
    scheme = base.scheme
    if "." in (base.hostname or "") and not (base.hostname or "").replace(".", "").isdigit():
        scheme = "https"  # a name in the DNS is reached through a proxy, which may not say that it speaks https
    return f"{scheme}://{base.netloc}{base.path.rstrip('/')}"


def is_https(request: Request, public_url: str) -> bool:
    """Whether the browser speaks https, as far as the server can know behind a proxy."""
    parts = urlsplit(public_url)
    return request.base_url.scheme == "https" or (
        parts.scheme == "https" and parts.netloc == request.headers.get("host")
    )


async def read_form(request: Request, public_url: str) -> dict[str, str]:
    """The fields of a form, each with its first value. Raises Refused for one of another site, and for what is none.

    Source: OWASP, "Cross-Site Request Forgery Prevention": Sec-Fetch-Site decides where the browser sends it, else the
    Origin must be this server.
    """
    site, origin = (request.headers.get(name, "").lower() for name in ("sec-fetch-site", "origin"))
    own = {request.headers.get("host", "").lower(), _place(public_url)} - {""}
    if site not in ("", "same-origin", "none") or (not site and origin and _place(origin) not in own):
        raise Refused(403, "The form does not come from this server.", _AGAIN)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/x-www-form-urlencoded":
        raise Refused(415, "This is not a form.", "Open /setup in a browser.")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise Refused(413, "The form is too large.", _AGAIN)
    try:
        found = parse_qs(body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Refused(400, "The form cannot be read.", _AGAIN) from None
    return {name: values[0] for name, values in found.items()}


def _place(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""
