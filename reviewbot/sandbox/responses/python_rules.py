"""The rules of the stand-in model for Python: ruff, run on the new side of each hunk as it was shown.

A hunk is a fragment. `make_parsable` gives it what it needs to be read as a whole (openers for the blocks that it
stands in, the imports of well-known modules it names) and leaves off lines at its ends that belong to something unseen;
what cannot be read so is not judged.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
import threading
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reviewbot.errors import ModelFailed
from reviewbot.sandbox.responses.rules import Advice, Remark, is_test

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbot.sandbox.responses.shown import ShownFile

_ONE_AT_A_TIME = threading.Lock()  # CPython before 3.12.1 fails when two threads parse at once (gh-106905)
_SECONDS = 20.0
_TRIM = 8
_LONGEST_QUOTE = 4
_MODULES = frozenset(
    {"asyncio", "datetime", "hashlib", "httpx", "jinja2", "logging", "marshal", "os", "pickle", "random", "requests"}
    | {"shelve", "ssl", "subprocess", "tarfile", "tempfile", "threading", "time", "xml", "yaml"}
)
_IN_PRODUCTS_ONLY = frozenset({"PLW1508", "S105", "S106", "S108", "S110", "S113"})
_LONG_TEXT = re.compile(r"""["'][^"'\s]{6,}["']""")  # what is shorter is no secret
_FIXES = {
    "S506": (re.compile(r"\byaml\.load\(([^(),]+)(?:,\s*(?:Loader\s*=\s*)?[\w.]+)?\)"), r"yaml.safe_load(\1)"),
    "S501": (re.compile(r",\s*verify\s*=\s*False\b"), ""),
    "E722": (re.compile(r"\bexcept\s*:"), "except Exception:"),
}


@dataclass(frozen=True, slots=True)
class Fragment:
    """A hunk made readable: ``text`` for ruff; line ``offset + i + 1`` of it is line i of the hunk's new side, for i in
    ``kept``."""

    text: str
    offset: int
    kept: range


@cache
def _advice() -> dict[str, Advice]:
    text = Path(__file__).with_name("python_rules.toml").read_text(encoding="utf-8")
    return {code: Advice(**fields) for code, fields in tomllib.loads(text).items()}


def python_remarks(files: Sequence[ShownFile]) -> list[Remark]:
    """What ruff says about the added lines of the Python files. Raises ModelFailed when ruff cannot be run."""
    fragments: dict[str, tuple[ShownFile, int, Fragment]] = {}
    for file in files:
        if file.path.endswith((".py", ".pyi")):
            for number, hunk in enumerate(file.hunks):
                new = hunk.new
                fragment = make_parsable([text for _, text in new]) if any(added for added, _ in new) else None
                if fragment:
                    fragments[f"f{len(fragments):05}.py"] = (file, number, fragment)
    if not fragments:
        return []
    reports = _run_ruff({name: fragment.text for name, (_, _, fragment) in fragments.items()})
    remarks = []
    for report in reports:
        remark = _remark(report, *fragments[Path(report["filename"]).name])
        if remark:
            remarks.append(remark)
    return remarks


def make_parsable(lines: list[str]) -> Fragment | None:
    """The longest part of the lines that can be read as Python, with what must stand before it; None if none can."""
    for lost in range(2 * _TRIM + 1):
        for head in range(max(0, lost - _TRIM), min(lost, _TRIM) + 1):
            kept = range(head, len(lines) - (lost - head))
            if len(kept) == 0:
                continue
            part = lines[kept.start : kept.stop]
            prefix = [*_imports(part), *_openers(part)]
            text = "\n".join([*prefix, *part, *_ending(part)]) + "\n"
            if _parses(text):
                return Fragment(text, len(prefix) - head, kept)
    return None


def _parses(text: str) -> bool:
    # escapes are blanked out, or Python would warn about wrong ones in code that is not ours
    try:
        with _ONE_AT_A_TIME:
            ast.parse(re.sub(r"\\[^\n]", "__", text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _openers(lines: list[str]) -> list[str]:
    """Block openers for every indentation that the fragment falls back to: it begins inside these blocks."""
    code = [(len(line) - len(line.lstrip()), line.strip()) for line in lines if line.strip() and line.strip()[0] != "#"]
    if not code:
        return []
    falls = [code[0][0]]
    for depth, _ in code:
        if depth < falls[-1]:
            falls.append(depth)
    tries = {depth for depth, word in code if depth in falls and word.startswith(("except", "finally"))}
    levels = set(falls[1:]) | ({0} if falls[0] > 0 else set())
    # the outermost opener is a function, so that return, await and self are in place
    openers = [
        " " * level + ("try:" if level in tries else "async def _(self):" if level == 0 else "if self:")
        for level in sorted(levels)
    ]
    first, word = code[0]
    if word.startswith(("except", "finally", "else", "elif")):
        openers += [" " * first + ("try:" if first in tries else "if self:"), " " * first + " pass"]
    return openers


def _ending(lines: list[str]) -> list[str]:
    """A body for the block that the last line opens."""
    last = next((line for line in reversed(lines) if line.strip()), "")
    return [" " * (len(last) - len(last.lstrip()) + 1) + "pass"] if last.rstrip().endswith(":") else []


def _imports(lines: list[str]) -> list[str]:
    text = "\n".join(lines)
    used = set(re.findall(r"(?<![\w.])([a-z]\w+)\.[a-z]", text))
    bound = set(re.findall(r"\bimport +([\w.]+)|\b([a-z]\w+) *=(?!=)", text))
    names = {name for pair in bound for name in pair}
    modules = [f"import {name}" for name in sorted(_MODULES) if name in used and name not in names]
    if re.search(r"(?<![\w.])datetime\.(?:now|utcnow|strptime|fromtimestamp)\(", text) and "datetime" not in names:
        modules = [line for line in modules if line != "import datetime"] + ["from datetime import datetime"]
    return modules


def _run_ruff(texts: dict[str, str]) -> list[dict[str, Any]]:
    """One run over all fragments, in a folder of their own, so that no configuration of anybody comes along."""
    ruff = Path(sys.executable).with_name("ruff")
    with tempfile.TemporaryDirectory(prefix="sandbox-reader-") as folder:
        for name, text in texts.items():
            Path(folder, name).write_text(text, encoding="utf-8", errors="replace", newline="")
        words = [str(ruff), "check", "--isolated", "--no-cache", "--exit-zero", "--quiet", "--output-format=json"]
        rules = f"--select={','.join(_advice())}"
        try:
            done = subprocess.run(
                [*words, rules, "--target-version=py313", "--ignore-noqa", "."],
                cwd=folder,
                env={},
                capture_output=True,
                timeout=_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ModelFailed(
                f"The stand-in model could not run {ruff}: {error}.", remedy="Install ruff beside Python."
            ) from error
    reports = [report for report in json.loads(done.stdout) if report["code"] in _advice()]
    return sorted(reports, key=lambda each: (each["filename"], each["location"]["row"], each["code"]))


def _remark(report: dict[str, Any], file: ShownFile, number: int, fragment: Fragment) -> Remark | None:
    """The report as a remark on the hunk, if it stands on an added line."""
    first = report["location"]["row"] - 1 - fragment.offset
    last = report["end_location"]["row"] - 1 - fragment.offset
    new = file.hunks[number].new
    if first not in fragment.kept or not new[first][0]:
        return None
    code = report["code"]
    if code in _IN_PRODUCTS_ONLY and is_test(file.path):
        return None
    if code in ("S105", "S106") and not _LONG_TEXT.search(new[first][1]):
        return None
    last = last if first < last < min(first + _LONGEST_QUOTE, fragment.kept.stop) else first
    advice = _advice()[code]
    advice = replace(advice, body=f"{advice.body} (ruff {code}: {report['message']})")
    lines = [text for _, text in new[first : last + 1]]
    return Remark(
        file.path, number, first, last, code, advice, "new", _suggestion(code, report, lines, report["location"]["row"])
    )


def _suggestion(code: str, report: dict[str, Any], lines: list[str], base: int) -> str | None:
    """The corrected lines, the first being number ``base`` of the report: by a rule of our own, or by ruff's edits when
    all of them lie within the lines."""
    old = "\n".join(lines)
    if code in _FIXES and len(lines) == 1:
        pattern, better = _FIXES[code]
        new = pattern.sub(better, old)
        if new != old and new.strip():
            return new
    fix = report.get("fix") or {}
    if fix.get("applicability") not in ("safe", "unsafe"):
        return None
    edits = sorted(fix["edits"], key=lambda edit: (edit["location"]["row"], edit["location"]["column"]), reverse=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    text = old
    for edit in edits:
        begin, end = edit["location"], edit["end_location"]
        if begin["row"] < base or end["row"] >= base + len(lines):
            return None
        a, b = (starts[point["row"] - base] + point["column"] - 1 for point in (begin, end))
        text = text[:a] + edit["content"] + text[b:]
    return text if text != old and text.strip() else None
