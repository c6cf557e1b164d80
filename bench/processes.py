"""What the processes of this machine use, read from ``/proc`` (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """A process and all that it started, directly or not."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                parents.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        todo += parents.get(found[-1], [])
    return found


def named(roots: Iterable[int]) -> Mapping[str, list[int]]:
    """Those processes and their children by what they are: the role of a server's process, or the program's name."""
    names: dict[str, list[int]] = {}
    for pid in sorted({pid for root in roots for pid in tree(root)}):
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            names.setdefault(_name(words), []).append(pid)
    return names


def _name(words: list[str]) -> str:
    if "--role" in words and "webhooks" in words:
        return words[words.index("--role") + 1]
    if "serve" in words:
        return "supervisor"
    return Path(words[0].split(":")[0]).name


def cpu_seconds(pids: Iterable[int]) -> float:
    """What they have used so far, and what children of theirs had that are gone."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            total += sum(int(field) for field in _stat(pid)[11:15])
    return total / _TICKS


def machine_seconds() -> float:
    """What all processes of the machine have used so far."""
    fields = [int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICKS  # but for idle and waiting for the disk


def resident_mb(pids: Iterable[int]) -> float:
    """Their memory, where what they share counts in proportion."""
    total = 0
    for pid in pids:
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
            total += int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    return total / 1024


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` from the state on."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
