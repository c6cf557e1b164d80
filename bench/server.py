"""``python -m bench.server``: a whole server while it reviews: latency of webhooks, throughput, memory, idle CPU.

The sandbox GitHub, the slow model, the database and the sender of the load use the same cores, so a server alone does
better. Deliveries are of 25 kB, signed, on connections of their own; jobs are small pull requests of 8 owners.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Iterator

from bench import processes
from bench.deployment import SECRET, Deployment, deployed
from bench.load import HEADS, Load, connections, crowded, kept_deliveries, paced, stored_bytes

_IDLE_SECONDS = 20.0
_PACED, _CROWDED = 1000, 2000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.server", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgres"), action="append")
    parser.add_argument("--only", choices=tuple(_TABLES), action="append", help="one table")
    parser.add_argument("--workers", type=int, action="append", help="worker processes; several need Postgres")
    parser.add_argument("--jobs", type=int, default=60, help="pull requests to review in the table of throughput")
    parser.add_argument("--at-once", type=int, default=10, help="reviews at once in a worker, in that table")
    parser.add_argument("--latency", type=float, default=0.2, help="seconds of a model's answer")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, shared with the sandboxes, the database and the sender.")
    for name in given.only or _TABLES:
        print(f"\n## {name}")
        for number, (database, workers) in enumerate(_cases(given)):
            _TABLES[name](given, database, workers, head=not number)


def _cases(given: argparse.Namespace) -> Iterator[tuple[str, int]]:
    for database in given.database or ("sqlite", "postgres"):
        for workers in given.workers or ((1,) if database == "sqlite" else (1, 4)):
            if database == "postgres" or workers == 1:
                yield database, workers


def acknowledge(given: argparse.Namespace, database: str, workers: int, *, head: bool) -> None:
    """How fast deliveries are answered while a backlog is reviewed, which does not run out. Others are processes that
    have nothing to do with this: percent of one core, which should be near 0."""
    if head:
        row("database", "workers", "load", *HEADS, "reviews", "others %")
    for load, count in ((paced, _PACED), (crowded, _CROWDED)):
        backlog = 400
        with deployed(database, workers=workers, pulls=backlog, latency=given.latency, debounce=0.5) as server:
            asyncio.run(crowded(server.port, server.pushes(backlog, 1), SECRET))
            _until(server, 3)
            before, pushes = server.posted(), server.pushes_behind(count, backlog + 1)
            used = server.used()
            found: Load = asyncio.run(load(server.port, pushes, SECRET))
            ours, all_of_it = (now - then for now, then in zip(server.used(), used, strict=True))
            cells = (*found.cells(kept_deliveries(server.url)), server.posted() - before)
            row(database, workers, load.__name__, *cells, f"{100 * (all_of_it - ours) / found.wall:.0f}")


def throughput(given: argparse.Namespace, database: str, workers: int, *, head: bool) -> None:
    """From the first delivery to the last review, and the CPU that each process used for one job."""
    if head:
        row("database", "workers", "jobs", "jobs/s", "CPU ms a job, by process")
    with deployed(database, workers=workers, pulls=given.jobs, latency=given.latency, at_once=given.at_once) as server:
        parts = server.parts()
        used = {name: processes.cpu_seconds(pids) for name, pids in parts.items()}
        begun = time.perf_counter()
        asyncio.run(crowded(server.port, server.pushes(given.jobs, 1), SECRET))
        _until(server, given.jobs)
        wall = time.perf_counter() - begun
        pids = server.parts()
        spent = {name: 1000 * (processes.cpu_seconds(pids[name]) - used.get(name, 0.0)) / given.jobs for name in parts}
        row(database, workers, given.jobs, f"{given.jobs / wall:.1f}",
            ", ".join(f"{name} {spent[name]:.0f}" for name in parts))  # fmt: skip


def memory(given: argparse.Namespace, database: str, workers: int, *, head: bool) -> None:
    """Megabytes by process (shared pages in proportion): after the start, and when it has reviewed a while."""
    if head:
        row("database", "workers", "start s", "process", "MB at start", "MB at work")
    with deployed(database, workers=workers, pulls=given.jobs, latency=given.latency) as server:
        fresh = {name: processes.resident_mb(pids) for name, pids in server.parts().items()}
        asyncio.run(crowded(server.port, server.pushes(given.jobs, 1), SECRET))
        _until(server, given.jobs * 9 // 10)
        for name, pids in server.parts().items():
            count = f"{name} x{workers}" if name == "worker" and workers > 1 else name
            if pids and name in fresh:
                row(database, workers, f"{server.started:.1f}", count, f"{fresh[name]:.0f}",
                    f"{processes.resident_mb(pids):.0f}")  # fmt: skip
        if database == "postgres":
            row(database, workers, "", "connections", "", connections(server.url))


def sizes(given: argparse.Namespace, database: str, workers: int, *, head: bool) -> None:
    """What one delivery that became one review leaves in the database, and how often GitHub was asked for it."""
    if head:
        row("database", "workers", "jobs", "kB a job", "calls a job")
    if workers > 1:
        return
    with deployed(database, workers=workers, pulls=given.jobs, latency=given.latency) as server:
        size, calls = stored_bytes(server.url), server.calls()
        asyncio.run(crowded(server.port, server.pushes(given.jobs, 1), SECRET))
        _until(server, given.jobs)
        time.sleep(2)  # what is booked after the last write on GitHub
        size, calls = stored_bytes(server.url) - size, server.calls() - calls
        row(database, workers, given.jobs, f"{size / given.jobs / 1000:.1f}", f"{calls / given.jobs:.1f}")


def idle(given: argparse.Namespace, database: str, workers: int, *, head: bool) -> None:
    """Percent of one core by process, when nothing is to be done."""
    if head:
        row("database", "workers", "all %", "by process")
    with deployed(database, workers=workers, pulls=1, latency=given.latency) as server:
        time.sleep(3)  # what belongs to the start is over
        parts = server.parts()
        before = {name: processes.cpu_seconds(pids) for name, pids in parts.items()}
        time.sleep(_IDLE_SECONDS)
        shares = {n: 100 * (processes.cpu_seconds(pids) - before[n]) / _IDLE_SECONDS for n, pids in parts.items()}
        shares.pop("sandboxes")
        row(database, workers, f"{sum(shares.values()):.1f}", ", ".join(f"{n} {s:.1f}" for n, s in shares.items()))


def _until(server: Deployment, count: int) -> None:
    """Wait for so many reviews."""
    give_up = time.monotonic() + 600
    while server.posted() < count:
        if time.monotonic() > give_up:
            raise SystemExit(f"{server.posted()} of {count} reviews were made in ten minutes.")
        time.sleep(0.05)


def row(*cells: object) -> None:
    print("  ".join(f"{cell:>10}" for cell in cells), flush=True)


_TABLES = {"acknowledge": acknowledge, "throughput": throughput, "memory": memory, "sizes": sizes, "idle": idle}


if __name__ == "__main__":
    main()
