"""REST: the App's webhook, and the log of its deliveries.

https://docs.github.com/en/rest/apps/webhooks
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from reviewbot.sandbox.github import payloads_apps
from reviewbot.sandbox.github.calls import Answer, Call, Refusal, Routes, answer, invalid, not_found

if TYPE_CHECKING:
    from reviewbot.sandbox.github.hooks import Delivery

routes = Routes()
_DELIVERIES = "/app/hook/deliveries"
_DELIVERY = _DELIVERIES + "/{delivery}"
#: The description of GitHub's API has these ranges: what nobody answered is in neither.
_OUTCOMES = {"success": range(200, 400), "failure": range(400, 600)}
_CURSOR = "v1_"


@routes.on("GET", "/app/hook/config", "jwt")
def get_config(call: Call) -> Answer:
    return answer(payloads_apps.hook_config(call.github.app))


@routes.on("PATCH", "/app/hook/config", "jwt")
def update_config(call: Call) -> Answer:
    """Address and secret. Deliveries from here are JSON, so another ``content_type`` is refused."""
    app, fields = call.github.app, call.fields()
    url, secret = fields.get("url", app.hook_url), fields.get("secret", app.webhook_secret)
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise invalid("Hook", "url", "custom", "url is not a valid URL")
    if not isinstance(secret, str):
        raise invalid("Hook", "secret", "invalid")
    if fields.get("content_type", "json") != "json":
        raise invalid("Hook", "content_type", "invalid")
    call.github.app = replace(app, hook_url=url, webhook_secret=secret)
    return answer(payloads_apps.hook_config(call.github.app))


@routes.on("GET", _DELIVERIES, "jwt")
def list_deliveries(call: Call) -> Answer:
    """The newest first. A page begins at its ``cursor``, so that new deliveries do not shift it."""
    status = call.query.get("status")
    if status not in (None, *_OUTCOMES):
        raise invalid("HookDelivery", "status", "invalid")
    found = [row for row in call.github.hooks.log() if status is None or row.status_code in _OUTCOMES[status]]
    given = call.query.get("per_page", "")
    size = min(max(int(given), 1), 100) if given.isdecimal() and len(given) < 10 else 30
    start = _start(call, found)
    shown = [payloads_apps.delivery_item(row) for row in found[start : start + size]]
    links = []
    if start + size < len(found):
        links.append(_link(call, "next", found[start + size]))
    if start:
        links.append(_link(call, "prev", found[max(0, start - size)]))
    return answer(shown, headers={"link": ", ".join(links)} if links else {})


def _start(call: Call, found: list[Delivery]) -> int:
    cursor = call.query.get("cursor")
    if cursor is None:
        return 0
    for index, row in enumerate(found):
        if cursor == f"{_CURSOR}{row.id}":
            return index
    raise Refusal(422, "Invalid cursor")


def _link(call: Call, name: str, row: Delivery) -> str:
    query = urlencode({**call.query, "cursor": f"{_CURSOR}{row.id}"})
    return f'<{call.links.api}{call.path}?{query}>; rel="{name}"'


@routes.on("GET", _DELIVERY, "jwt")
def get_delivery(call: Call) -> Answer:
    return answer(payloads_apps.delivery_detail(_delivery(call)))


@routes.on("POST", _DELIVERY + "/attempts", "jwt")
def redeliver(call: Call) -> Answer:
    """Send it again, to the address and with the secret of now."""
    call.github.hooks.send_again(_delivery(call))
    return answer({}, 202)


def _delivery(call: Call) -> Delivery:
    number = call.number("delivery")
    for row in call.github.hooks.log():
        if row.id == number:
            return row
    raise not_found()
