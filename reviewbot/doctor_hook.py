"""What doctor looks at for the App's webhook: its settings on GitHub, the way to the server, what came of deliveries.

The server is asked as GitHub would: a ``ping`` that is signed with the secret of these settings, and one that is not.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from reviewbot.doctor_check import Check
from reviewbot.errors import GitHubNotFound
from reviewbot.github.hook_deliveries import KEPT, failed_events, list_deliveries
from reviewbot.github.manifest import WEBHOOK_PATH

if TYPE_CHECKING:
    from reviewbot.github.client import GitHubClient
    from reviewbot.settings import Settings

_SECONDS = 10.0  # GitHub waits as long for the answer to a delivery
_MOST_PAGES = 5
_WHERE = "in the settings of the App on GitHub, under Webhook"


async def hook_checks(settings: Settings, client: GitHubClient, server: str) -> AsyncIterator[Check]:
    """``client`` speaks as the App. ``server`` is where it is said to run; else REVIEWBOT_PUBLIC_URL says it, else the
    App's webhook. Raises GitHubError."""
    expected = server or settings.public_url
    try:
        config = await client.get("/app/hook/config")
    except GitHubNotFound:
        yield Check("webhook", "problem", "the App has none", f"Make it active, and give it its address, {_WHERE}.")
        return
    url = str(config.get("url") or "")
    for check in (address_check(url, expected), *config_checks(config)):
        yield check
    base = expected or url.removesuffix(WEBHOOK_PATH)
    if urlsplit(base).scheme in ("http", "https"):
        async for check in server_checks(base.rstrip("/"), settings.webhook_secrets):
            yield check
    yield await _deliveries(client)


def address_check(url: str, expected: str) -> Check:
    """Whether deliveries go where the server is, as far as that is known."""
    wanted = f"{expected.rstrip('/')}{WEBHOOK_PATH}"
    if not urlsplit(url).hostname:
        return Check("webhook", "problem", "the App's webhook has no address", f"Set it {_WHERE}.")
    if expected and url != wanted:
        said = f"deliveries go to {_shown(url)}, and the server is at {expected}"
        return Check("webhook", "problem", said, f"Set the address to {wanted} {_WHERE}.")
    if urlsplit(url).path.endswith(WEBHOOK_PATH):
        return Check("webhook", "ok", f"deliveries go to {_shown(url)}")
    said = f"deliveries go to {_shown(url)}, which does not end with {WEBHOOK_PATH}"
    return Check("webhook", "problem", said, f"Set the address of the server with {WEBHOOK_PATH} {_WHERE}.")


def config_checks(config: dict[str, Any]) -> list[Check]:
    """Content type, TLS and secret. GitHub says only whether there is a secret."""
    checks = []
    if config.get("content_type") != "json":
        said = f"deliveries come as {config.get('content_type')}, which the server refuses"
        checks.append(Check("webhook form", "problem", said, f"Choose application/json {_WHERE}."))
    if str(config.get("insecure_ssl", "0")) != "0":
        said = "GitHub does not look at the server's certificate"
        checks.append(Check("webhook form", "warning", said, f"Enable SSL verification {_WHERE}."))
    if not config.get("secret"):
        remedy = f"Set the one of REVIEWBOT_WEBHOOK_SECRET {_WHERE}."
        checks.append(Check("webhook secret", "problem", "the App has none, so nothing is signed", remedy))
    return checks or [Check("webhook form", "ok", "JSON, signed, its certificate is looked at")]


async def server_checks(base: str, known: tuple[str, ...]) -> AsyncIterator[Check]:
    """Whether a server answers at ``base``, takes what is signed with each of the ``known`` secrets, and refuses what
    is not. Redirects are not followed, as GitHub does not."""
    secure = base.startswith("https://")  # no proxy of the environment leads to this machine
    async with httpx.AsyncClient(timeout=_SECONDS, trust_env=secure, follow_redirects=False) as client:
        alive = await _alive(client, base)
        yield alive
        if alive.state == "problem":
            return
        if not known:
            remedy = "Set it to the webhook secret of the App's settings, and start the server again."
            yield Check("webhook secret", "problem", "REVIEWBOT_WEBHOOK_SECRET is not set here", remedy)
        for secret in known:
            status = await _ping(client, base, secret.encode())
            if not 200 <= status < 300:
                yield _refused(status, len(known))
                break
        else:
            if known:
                number = "the secret" if len(known) == 1 else f"each of the {len(known)} secrets"
                yield Check("webhook secret", "ok", f"the server takes what is signed with {number} of these settings")
        status = await _ping(client, base, secrets.token_bytes(32))
    if status == 401:
        yield Check("webhook signature", "ok", "the server refuses what is signed with another secret")
    else:
        said = f"a delivery with a wrong signature was answered {status or 'by nobody'}, not 401"
        remedy = "Look at what is in front of the server. Unless it is reviewbot that answers, take it off the net."
        yield Check("webhook signature", "problem", said, remedy)


async def _alive(client: httpx.AsyncClient, base: str) -> Check:
    remedy = "Start the server, and look at the proxy or tunnel in front of it; then GitHub reaches it, too."
    at = f"{_shown(base)}/healthz"
    try:
        answer = await client.get(f"{base}/healthz")
        good = answer.status_code == 200 and answer.json() == {"status": "ok"}
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Check("webhook server", "problem", f"{at} does not answer ({type(error).__name__})", remedy)
    except ValueError:
        good = False
    if good:
        return Check("webhook server", "ok", f"{at} answers")
    said = f"{at} answers {answer.status_code}, not as reviewbot does"
    return Check("webhook server", "problem", said, remedy)


async def _ping(client: httpx.AsyncClient, base: str, secret: bytes) -> int:
    """The status that a signed ``ping`` is answered with, 0 without an answer. Every one is a delivery of its own."""
    body = json.dumps({"zen": "Asked by reviewbot doctor."}).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}",
    }
    try:
        return (await client.post(f"{base}{WEBHOOK_PATH}", content=body, headers=headers)).status_code
    except httpx.HTTPError:
        return 0


def _refused(status: int, number: int) -> Check:
    if status == 401:
        which = "the secret" if number == 1 else "one of the secrets"
        said = f"the server does not know {which} of these settings"
        remedy = "Give the server and doctor the same REVIEWBOT_WEBHOOK_SECRET, and start the server again."
    else:
        said = f"a signed delivery was answered {status or 'by nobody'}"
        remedy = "Look at the server's log, and at the proxy in front of it."
    return Check("webhook secret", "problem", said, remedy)


async def _deliveries(client: GitHubClient) -> Check:
    """What became of the deliveries that GitHub remembers. If the newest was refused for its signature, all will be.
    A ping is not missed by anybody: the first comes while the App is made, when nobody can take it yet."""
    found = await list_deliveries(client, datetime.now(UTC) - KEPT, most_pages=_MOST_PAGES)
    name, days = "webhook deliveries", f"in the last {KEPT.days} days"
    if found and found[0].status_code == 401:
        remedy = f"GitHub signs with another secret: set the one of REVIEWBOT_WEBHOOK_SECRET {_WHERE}."
        return Check(name, "problem", "the newest was refused for its signature (401)", remedy)
    events = {each.event for each in found} - {"ping"}
    number = len({each.guid for each in found if each.event in events})
    failed = failed_events(found, events)
    if not failed:
        return Check(name, "ok", f"{number} {days}, none of them lost" if number else f"none {days}")
    last = Counter(tried[-1].status_code for tried in failed)
    words = ", ".join(f"{count} {f'answered {code}' if code else 'not answered'}" for code, count in last.most_common())
    said = f"{len(failed)} of {number} {days} were never taken: {words}"
    return Check(name, "warning", said, "The App's settings on GitHub show each under Advanced, and send it again.")


def _shown(url: str) -> str:
    """An address without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
