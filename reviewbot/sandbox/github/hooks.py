"""The App's webhook: signed deliveries, sent one after the other by a thread of its own, and the log of them.

Nothing is sent under the state's lock. As on GitHub a delivery has ten seconds, a redirect is not followed, nothing is
sent again by itself, and the log goes back three days. Only this machine is spoken to: a delivery to any other address
fails to connect.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import httpx

from reviewbot.errors import UsageError
from reviewbot.sandbox.github.records import App

KEPT_SECONDS = 3 * 86_400
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MOST_REPLY = 65_536  # characters of an answer that are kept


@dataclass(frozen=True, slots=True)
class Message:
    """What happened, as a delivery tells it. ``guid`` is the same however often it is told."""

    event: str
    action: str | None
    payload: Mapping[str, Any]
    installation_id: int | None = None
    repository_id: int | None = None
    guid: str = field(default_factory=lambda: str(uuid.uuid4()))
    redelivery: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt. ``status_code`` is 0 and there is no answer when nobody answered; times are in seconds."""

    id: int
    message: Message
    url: str
    headers: Mapping[str, str]
    delivered_at: float
    duration: float
    status: str
    status_code: int
    response_headers: Mapping[str, str] | None = None
    response_text: str | None = None


class Hooks:
    """Sends messages to the App that ``target`` names at that moment. The other methods are for tests: to wait, to look
    at what was sent, and to let deliveries go wrong."""

    def __init__(
        self, target: Callable[[], App], *, clock: Callable[[], float] = time.time, seconds: float = 10.0
    ) -> None:
        self._target, self._clock, self._seconds = target, clock, seconds
        self._ids = itertools.count(1)
        self._changed = threading.Condition()
        self._queue: deque[Message] = deque()
        self._log: list[Delivery] = []
        self._thread: threading.Thread | None = None
        self._busy = self._held = self._doubling = self._closed = False
        self._losing = 0

    def send(self, message: Message) -> None:
        """Queue a delivery. It goes out as soon as those before it were answered."""
        with self._changed:
            if self._closed:
                return
            self._queue += [message] * (2 if self._doubling else 1)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sandbox-hooks", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def send_again(self, delivery: Delivery) -> None:
        """Queue the same message with the same guid, as a redelivery."""
        self.send(replace(delivery.message, redelivery=True))

    def log(self) -> list[Delivery]:
        """The attempts of the last three days, the newest first."""
        oldest = self._clock() - KEPT_SECONDS
        with self._changed:
            self._log = [delivery for delivery in self._log if delivery.delivered_at >= oldest]
            return self._log[::-1]

    def waiting(self) -> list[Message]:
        """What is queued and not under way yet."""
        with self._changed:
            return list(self._queue)

    def drain(self, timeout: float = 30.0) -> None:
        """Wait until everything queued was answered or has failed. Not from the thread that answers, nor under the
        state's lock. Raises UsageError when deliveries are held, TimeoutError when it takes longer."""
        with self._changed:
            if self._held and self._queue:
                raise UsageError("Deliveries are held back.", remedy="Call release() first.")
            if not self._changed.wait_for(lambda: not self._queue and not self._busy, timeout):
                raise TimeoutError(f"{len(self._queue)} deliveries still wait after {timeout:g} seconds")

    def close(self) -> None:
        """Stop. What still waits is not sent."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(self._seconds)

    # Misbehaving

    def hold(self) -> None:
        """Let deliveries wait, but for the one under way, until ``release``."""
        with self._changed:
            self._held = True

    def release(self) -> None:
        """Send what was held, in its order."""
        with self._changed:
            self._held = False
            self._changed.notify_all()

    def shuffle(self, seed: int) -> None:
        """Change the order of those that wait."""
        with self._changed:
            waiting = list(self._queue)
            random.Random(seed).shuffle(waiting)  # noqa: S311 - to be the same each time is the point
            self._queue = deque(waiting)

    def lose(self, count: int = 1) -> None:
        """Do not send the next ``count``: the log says that they failed to connect."""
        with self._changed:
            self._losing += count

    def double(self, *, on: bool = True) -> None:
        """Send each that is queued from now on twice, with the same guid."""
        with self._changed:
            self._doubling = on

    # The thread

    def _run(self) -> None:
        with httpx.Client(timeout=self._seconds, trust_env=False) as client:
            while (message := self._next()) is not None:
                done = self._attempt(client, message)
                with self._changed:
                    self._log += [done] if done else []
                    self._busy = False
                    self._changed.notify_all()

    def _next(self) -> Message | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or (self._queue and not self._held))
            if self._closed:
                return None
            self._busy = True
            return self._queue.popleft()

    def _attempt(self, client: httpx.Client, message: Message) -> Delivery | None:
        """Send it now, to the address and with the secret of now; None when the App has no webhook any more."""
        app = self._target()
        if not app.listens:
            return None
        body = json.dumps(message.payload, ensure_ascii=False).encode("utf-8", "replace")
        headers, began, started = request_headers(app, message, body), self._clock(), time.perf_counter()
        sent = Delivery(next(self._ids), message, app.hook_url, headers, began, 0.0, "failed to connect", 0)
        if not self._loses() and urlsplit(app.hook_url).hostname in _LOOPBACK:
            sent = _post(client, sent, body)
        return replace(sent, duration=round(time.perf_counter() - started, 2))

    def _loses(self) -> bool:
        with self._changed:
            lost = self._losing > 0
            self._losing -= lost
            return lost


def request_headers(app: App, message: Message, body: bytes) -> dict[str, str]:
    """The headers of a delivery. It is signed when there is a secret."""
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/5a4db0x",
        "X-GitHub-Delivery": message.guid,
        "X-GitHub-Event": message.event,
        "X-GitHub-Hook-ID": str(hook_id(app)),
        "X-GitHub-Hook-Installation-Target-ID": str(app.id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
    }
    if app.webhook_secret:
        for name, digest in (("X-Hub-Signature", hashlib.sha1), ("X-Hub-Signature-256", hashlib.sha256)):
            signature = hmac.new(app.webhook_secret.encode(), body, digest).hexdigest()
            headers[name] = f"{digest().name}={signature}"
    return headers


def hook_id(app: App) -> int:
    """An App has one webhook, with an id of its own."""
    return app.id + 1_000_000


def _post(client: httpx.Client, sent: Delivery, body: bytes) -> Delivery:
    try:
        reply = client.post(sent.url, content=body, headers=dict(sent.headers))
    except httpx.TimeoutException:
        return replace(sent, status="timed out")
    except (httpx.HTTPError, httpx.InvalidURL):
        return sent
    code = reply.status_code
    return replace(
        sent,
        status="OK" if reply.is_success else f"Invalid HTTP Response: {code}",
        status_code=code,
        response_headers=dict(reply.headers),
        response_text=reply.text[:_MOST_REPLY],
    )
