"""`make bench`: prints one table a subject. Options: ``--most-files N``, ``--latency S``, ``--only NAME``."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

from bench.material import Material, all_material, git
from bench.whole_run import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--most-files", type=int, default=10_000, help="leave out pull requests of more files")
    parser.add_argument("--least-files", type=int, default=0, help="leave out pull requests of fewer files")
    parser.add_argument("--latency", type=float, default=10.0, help="seconds of an answer in the schedule table")
    parser.add_argument("--only", choices=("parse", "tokens", "chunking", "runs", "schedule", "start"), action="append")
    given = parser.parse_args()
    material = [item for item in all_material(given.most_files) if item.files >= given.least_files]
    tables = {
        "start": start,
        "parse": lambda: parse(material),
        "tokens": lambda: tokens(material),
        "chunking": lambda: chunking(material),
        "runs": lambda: runs(material),
        "schedule": lambda: schedule(material, given.latency),
    }
    for name in given.only or tables:
        print(f"\n## {name}")
        tables[name]()


def row(*cells: object) -> None:
    print("  ".join(f"{cell:>16}" for cell in cells), flush=True)


def start() -> None:
    """Cold start: the process, its imports, one line printed."""
    for words in (["--version"], ["review", "--help"]):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "reviewbot", *words], check=True, stdout=subprocess.DEVNULL)
        row(f"reviewbot {words[0]}", f"{time.perf_counter() - begun:.2f} s wall")


def parse(material: list[Material]) -> None:
    from reviewbot.core.change.patch import parse_diff

    row("pull request", "lines", "CPU s", "memory/bytes")
    for item in material:
        data = git(item.path, "diff", "-M", "main", "change").encode()
        begun = time.process_time()
        parse_diff(data)
        spent = time.process_time() - begun
        tracemalloc.start()
        kept = parse_diff(data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert kept.files
        row(item.name, f"{data.count(10):,}", f"{spent:.3f}", f"{peak / len(data):.1f}")


def tokens(material: list[Material]) -> None:
    from reviewbot.core.context.tokens import count_tokens

    row("pull request", "tokens", "CPU s", "MB/s")
    count_tokens("load the vocabulary")
    for item in material:
        text = git(item.path, "diff", "-M", "main", "change")
        begun = time.process_time()
        found = count_tokens(text)
        spent = time.process_time() - begun
        row(item.name, f"{found:,}", f"{spent:.3f}", f"{len(text) / 1e6 / max(spent, 1e-9):.1f}")


def chunking(material: list[Material]) -> None:
    from reviewbot.core.change.patch import parse_diff
    from reviewbot.core.change.scope import decide_scope
    from reviewbot.core.config import Config
    from reviewbot.core.context.chunking import cut

    row("pull request", "files in scope", "chunks", "CPU s")
    for item in material:
        diff = parse_diff(git(item.path, "diff", "-M", "main", "change").encode())
        git(item.path, "checkout", "-q", "change")
        files = decide_scope(diff, Config().scope).files
        heads = {f.path: p.read_bytes() for f in files if (p := Path(item.path) / f.path).is_file()}
        begun = time.process_time()
        chunks = cut(files, heads, Config().chunks, 200_000)
        row(item.name, len(files), len(chunks), f"{time.process_time() - begun:.2f}")


def runs(material: list[Material]) -> None:
    row(
        "pull request",
        "files",
        "lines",
        "CPU s",
        "wall s",
        "peak MB",
        "GitHub calls",
        "requests",
        "input tokens",
        "lines shown",
    )
    for item in material:
        f = run(item)
        lines = f"{item.changed_lines:,}"
        row(item.name, item.files, lines, f"{f.cpu:.2f}", f"{f.wall:.2f}", f"{f.peak_mb:.0f}", f.calls, f.requests,
            f"{f.input_tokens:,}", f"{f.share:.2%}")  # fmt: skip


def schedule(material: list[Material], latency: float) -> None:
    """Wall time with a slow model against the ideal schedule of the same calls, the warm-up call counted."""
    row("pull request", "requests", "wall s", "ideal s", "ratio")
    for item in material:
        f = run(item, latency)
        row(item.name, f.requests, f"{f.wall:.1f}", f"{f.ideal:.1f}", f"{f.wall / f.ideal:.2f}")


if __name__ == "__main__":
    main()
