"""What static analyzers say of code that is good already: ``python -m bench.analyzers [FOLDER OF DIFFS]``.

The standard library of this Python and, where a folder of ``*.diff`` files is named, every file that one of them adds.
Code that was released or merged should give an analyzer little to be certain of: what it is certain of there is mostly
noise. ``certain`` are findings as they would be told, one for each rule and file; ``hints`` go to the model.
"""

from __future__ import annotations

import argparse
import sysconfig
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import anyio

from reviewbot.analyzers.run import installed
from reviewbot.core.change.diff import FileStatus
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.context.evidence import Diagnostic
from reviewbot.core.findings.told_by_analyzer import by_rule
from reviewbot.errors import AnalyzerError, DiffError

_BATCH = 400  # files at once


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.analyzers", description=__doc__)
    parser.add_argument("diffs", nargs="?", type=Path, help="a folder of *.diff files")
    given = parser.parse_args()
    tables = {"standard library": standard_library()}
    if given.diffs:
        tables["files that diffs add"] = added_files(given.diffs)
    for title, files in tables.items():
        print(f"\n## {title}: {len(files):,} files")
        row("analyzer", "files", "lines", "certain", "hints", "seconds", "failed")
        for analyzer in installed():
            wanted = {path: text for path, text in files.items() if analyzer.wants(path)}
            begun = time.perf_counter()
            said, failed = anyio.run(_ask, analyzer, wanted)
            seconds = time.perf_counter() - begun
            told = by_rule([each for each in said if each.certain])
            lines = sum(text.count(b"\n") for text in wanted.values())
            row(
                analyzer.name, len(wanted), lines, len(told), sum(not e.certain for e in said), f"{seconds:.1f}", failed
            )
            for rule, number in Counter(alike[0].rule for alike in told).most_common():
                first = next(alike[0] for alike in told if alike[0].rule == rule)
                print(f"{'':>18}{number:>4} {rule}: {first.path}:{first.line} {first.message[:90]}")


async def _ask(analyzer: object, files: Mapping[str, bytes]) -> tuple[list[Diagnostic], int]:
    """What it says, and how many batches it failed on."""
    said: list[Diagnostic] = []
    failed = 0
    paths = list(files)
    for start in range(0, len(paths), _BATCH):
        try:
            said += await analyzer.analyze({path: files[path] for path in paths[start : start + _BATCH]})  # type: ignore[attr-defined]
        except AnalyzerError:
            failed += 1
    return said, failed


def standard_library() -> dict[str, bytes]:
    root = Path(sysconfig.get_path("stdlib"))
    found = (path for path in sorted(root.rglob("*.py")) if not {"site-packages", "test", "tests"} & {*path.parts})
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def added_files(folder: Path) -> dict[str, bytes]:
    """By the name of their diff and their path."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.glob("*.diff")):
        try:
            diff = parse_diff(path.read_bytes())
        except DiffError:
            continue
        for file in diff.files:
            if file.status is FileStatus.ADDED and file.hunks and not file.symlink:
                rows = b"".join(hunk.body for hunk in file.hunks).split(b"\n")
                text = b"\n".join(each[1:] for each in rows if each[:1] == b"+") + b"\n"

                found[file.path if file.path not in found else f"{path.stem}/{file.path}"] = text
    return found


def row(*cells: object) -> None:
    print("  ".join(f"{cell:>16}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
