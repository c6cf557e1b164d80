"""Webhook deliveries as GitHub sends them: each signed, of 25 kB, over a connection of its own; and how they are timed.

Requests are made before the clock starts, so that the sender costs the machine as little as it can.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from webhooks.signature import sign


@dataclass(frozen=True, slots=True)
class Push:
    """A push to a pull request; each ``number`` is another delivery."""

    number: int
    repository: str = "octo/orders"
    pull: int = 0
    head: str = ""
    installation: int = 7

    @property
    def id(self) -> str:
        return f"{self.number:08x}-0000-4000-8000-000000000000"

    def request(self, secret: str) -> bytes:
        """The whole request; by default to a pull request and a head of its own."""
        account = {"login": "contributor", "id": 1, "type": "User"}
        pull = {
            "number": self.pull or self.number,
            "state": "open",
            "draft": False,
            "title": "Totals",
            "body": "x" * 24_000,
            "user": account,
            "labels": [],
            "head": {"ref": "totals", "sha": self.head or f"{self.number:040x}", "repo": None},
            "base": {"ref": "main", "sha": "b" * 40},
        }
        payload = {
            "action": "synchronize",
            "before": "a" * 40,
            "number": pull["number"],
            "pull_request": pull,
            "repository": {"full_name": self.repository},
            "sender": account,
            "installation": {"id": self.installation},
        }
        body = json.dumps(payload).encode()
        head = (
            "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Connection: close\r\nX-GitHub-Event: pull_request\r\nX-GitHub-Delivery: {self.id}\r\n"
            f"Content-Length: {len(body)}\r\nX-Hub-Signature-256: {sign(secret.encode(), body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a delivery: the status (0 without an answer), the seconds from connecting to the answer."""

    delivery_id: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """The answers to many deliveries, and how long all took."""

    answers: Sequence[Answer]
    wall: float

    @property
    def stored(self) -> set[str]:
        return {answer.delivery_id for answer in self.answers if answer.status == 202}

    @property
    def refused(self) -> int:
        return len(self.answers) - len(self.stored)

    def share(self, share: float) -> float:
        """Milliseconds within which that share was answered."""
        times = sorted(1000 * answer.seconds for answer in self.answers)
        return times[min(len(times) - 1, int(len(times) * share))]

    def cells(self, kept: set[str]) -> tuple[object, ...]:
        """Sent, p50, p99, most, per second, refused, lost: what was acknowledged and is not in the database."""
        times = (f"{self.share(share):.1f}" for share in (0.5, 0.99, 1.0))
        return (
            len(self.answers), *times, f"{len(self.answers) / self.wall:.0f}", self.refused, len(self.stored - kept)
        )  # fmt: skip


HEADS = ("sent", "p50 ms", "p99 ms", "most ms", "per second", "refused", "lost")


async def paced(port: int, pushes: Sequence[Push], secret: str) -> Load:
    """100 a second, each sent when it is due, whatever became of the ones before."""
    requests = [(push.id, push.request(secret)) for push in pushes]
    begun = time.perf_counter()
    tasks = []
    for number, (delivery_id, request) in enumerate(requests):
        await asyncio.sleep(max(0.0, begun + number / 100 - time.perf_counter()))
        tasks.append(asyncio.create_task(send(port, delivery_id, request)))
    return Load(list(await asyncio.gather(*tasks)), time.perf_counter() - begun)


async def crowded(port: int, pushes: Sequence[Push], secret: str) -> Load:
    """All of them, with 32 under way at any time."""
    requests = iter([(push.id, push.request(secret)) for push in pushes])
    answers: list[Answer] = []

    async def sender() -> None:
        for delivery_id, request in requests:
            answers.append(await send(port, delivery_id, request))

    begun = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(32)))
    return Load(answers, time.perf_counter() - begun)


async def send(port: int, delivery_id: str, request: bytes) -> Answer:
    begun = time.perf_counter()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        status = int((await reader.readline()).split()[1])
        seconds = time.perf_counter() - begun
        writer.close()
    except (OSError, IndexError):
        return Answer(delivery_id, 0, time.perf_counter() - begun)
    return Answer(delivery_id, status, seconds)


def kept_deliveries(url: str) -> set[str]:
    """The delivery ids in the database, read past the code that wrote them."""
    import sqlalchemy as sa

    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = set(connection.scalars(sa.text("SELECT id FROM deliveries WHERE job IS NOT NULL")))
    engine.dispose()
    return found


def connections(url: str) -> int:
    """How many others are connected to a Postgres."""
    import sqlalchemy as sa

    engine = sa.create_engine(url)
    query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    with engine.connect() as connection:
        found = connection.scalar(sa.text(query))
    engine.dispose()
    return int(found or 0)


def stored_bytes(url: str) -> int:
    """The size of the databases of a server, without what Postgres or SQLite has set aside in its log."""
    import sqlalchemy as sa

    found = 0
    for address in [url] if url.startswith("postgresql") else [url, f"{url.rpartition('/')[0]}/jobs.sqlite"]:
        engine = sa.create_engine(address)
        query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        if engine.dialect.name == "postgresql":
            query = "SELECT pg_database_size(current_database())"
        with engine.connect() as connection:
            found += int(connection.scalar(sa.text(query)) or 0)
        engine.dispose()
    return found
