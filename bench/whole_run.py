"""The whole main job on real pull requests over real HTTP: both servers in processes of their own, an instant model.

CPU seconds and peak memory are the operating system's own account of the `reviewbot review` process and of the git
processes that it started.
"""

from __future__ import annotations

import json
import math
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.material import Material, git

CONCURRENCY = 8
_MARK = re.compile(r"\[REDACTED-[A-Z-]+-[0-9.]+\]")


@dataclass(frozen=True)
class Figures:
    """One run. ``share`` is the part of the changed lines of files in scope that stood in a prompt."""

    material: Material
    cpu: float
    wall: float
    peak_mb: float
    calls: int
    requests: int
    input_tokens: int
    share: float
    ideal: float


@contextmanager
def _process(*words: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.terminate()


def run(material: Material, latency: float = 0.0) -> Figures:
    """Review ``material`` once, in a fresh process with an empty database."""
    with tempfile.TemporaryDirectory() as folder, _github(material) as github:
        log = Path(folder) / "requests.json"
        with _process("-m", "bench.model_server", str(latency), str(log)) as (model, ready):
            outcome, figures = _review(github, ready["base_url"], Path(folder))
            assert model.stdin is not None
            model.stdin.close()
            model.wait(60)
        asked = json.loads(log.read_text(encoding="utf-8"))
    rounds = 1 + math.ceil((len(asked) - 1) / CONCURRENCY)
    return Figures(
        material,
        *figures,
        calls=outcome["github"]["api_calls"],
        requests=len(asked),
        input_tokens=outcome["usage"]["input_tokens"],
        share=_share(material, outcome, asked),
        ideal=latency * rounds,
    )


@contextmanager
def _github(material: Material) -> Iterator[dict[str, Any]]:
    words = ["--repo", str(material.path), "--base", "main", "--head", "change", "--token-kind", "app"]
    with _process("-m", "reviewbot.sandbox.github", *words) as (_, ready):
        yield ready


def _review(github: dict[str, Any], base_url: str, folder: Path) -> tuple[dict[str, Any], tuple[float, float, float]]:
    environment = {
        "PATH": os.environ["PATH"],
        "GITHUB_TOKEN": github["token"],
        "GITHUB_API_URL": github["api_url"],
        "GITHUB_SERVER_URL": github["web_url"],
        "REVIEWBOT_API_BASE": base_url,
        "REVIEWBOT_API_KEY": "sandbox-key",
        "REVIEWBOT_DATA_DIR": str(folder / "data"),
    }
    url = f"{github['web_url']}/{github['repository']}/pull/{github['pulls'][0]}"
    command = [
        sys.executable,
        "-m",
        "reviewbot",
        "review",
        url,
        "--format",
        "json",
        "--set",
        f"model.concurrency={CONCURRENCY}",
    ]
    out = folder / "outcome.json"
    started = time.perf_counter()
    with out.open("wb") as target, subprocess.Popen(command, env=environment, stdout=target) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode != 0:
        raise SystemExit(f"the review ended with {process.returncode}")
    return json.loads(out.read_text(encoding="utf-8")), (_cpu(usage), wall, usage.ru_maxrss / 1024)


def _cpu(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def _share(material: Material, outcome: dict[str, Any], asked: list[dict[str, Any]]) -> float:
    """Changed lines of files in scope that stand, with their sign, in the prompts, each as often as in git."""
    skipped = {file["path"] for file in outcome["coverage"]["files"] if file["status"] == "skipped"}
    wanted = _changed_lines(material, skipped)
    shown: Counter[str] = Counter()
    for request in asked:
        for item in request["body"]["input"]:
            for part in item["content"]:
                shown.update(part["text"].split("\n"))
    # A line whose secret was taken out is shown with a mark in its place.
    marked = [re.compile(".+".join(map(re.escape, _MARK.split(line)))) for line in shown if _MARK.search(line)]
    found = sum(
        count if any(pattern.fullmatch(line) for pattern in marked) else min(count, shown[line])
        for line, count in wanted.items()
    )
    return found / max(1, sum(wanted.values()))


def _changed_lines(material: Material, skipped: set[str]) -> Counter[str]:
    lines: Counter[str] = Counter()
    path, inside = "", False
    for line in git(material.path, "diff", "-M", "main", "change").split("\n"):
        if line.startswith("diff --git "):
            path, inside = line.rpartition(" b/")[2], False
        elif line.startswith("@@ "):
            inside = True
        elif inside and line[:1] in ("+", "-") and path not in skipped:
            lines[line] += 1
    return lines
