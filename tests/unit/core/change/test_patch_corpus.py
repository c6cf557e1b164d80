"""Every expected fact of the shared corpus of real diffs; skipped where the corpus is not beside the project."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from reviewbot.core.change.diff import Diff, FilePatch, FileStatus, Line, LineKind, Side
from reviewbot.core.change.patch import parse_diff, parse_fragment, render_diff
from reviewbot.errors import CombinedDiffError

CORPUS = Path(__file__).resolve().parents[5] / "shared" / "corpus"
INDEX: list[dict[str, Any]] = json.loads((CORPUS / "index.json").read_bytes()) if CORPUS.is_dir() else []
WITH_FACTS = [entry["id"] for entry in INDEX if entry["expected"]]
COMBINED = [entry["id"] for entry in INDEX if not entry["expected"]]
LETTERS = {
    "A": {FileStatus.ADDED},
    "D": {FileStatus.REMOVED},
    "M": {FileStatus.MODIFIED, FileStatus.CHANGED},
    "R": {FileStatus.RENAMED},
    "C": {FileStatus.COPIED},
    "T": {FileStatus.CHANGED},
}


def read(name: str) -> bytes:
    return (CORPUS / "diffs" / f"{name}.diff").read_bytes()


def runs(numbers: Iterable[int | None]) -> list[list[int]]:
    out: list[list[int]] = []
    for number in numbers:
        if number is None:
            continue
        if out and out[-1][1] == number - 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return out


def facts(file: FilePatch) -> dict[str, Any]:
    """A parsed file in the corpus' own words."""
    lines: list[Line] = [line for hunk in file.hunks for line in hunk.lines()]
    last_old = [line for line in lines if line.kind is not LineKind.ADDED and not line.newline]
    last_new = [line for line in lines if line.kind is not LineKind.REMOVED and not line.newline]
    return {
        "path": file.path,
        "old_path": file.old_path if file.old_path != file.path else None,
        "similarity": file.similarity,
        "binary": file.binary,
        "added": None if file.binary else file.added,
        "removed": None if file.binary else file.removed,
        "hunks": len(file.hunks),
        "new_lines": runs(line.new for line in lines),
        "added_lines": runs(line.new for line in lines if line.kind is LineKind.ADDED),
        "old_lines": runs(line.old for line in lines),
        "removed_lines": runs(line.old for line in lines if line.kind is LineKind.REMOVED),
        "no_newline_at_end": {"old": bool(last_old), "new": bool(last_new)},
        "crlf": any(line.text.endswith("\r") and line.newline for line in lines),
    }


def check(file: FilePatch, expected: dict[str, Any]) -> None:
    wanted = dict(expected)
    assert file.status in LETTERS[wanted.pop("status")]
    modes = (wanted.pop("old_mode"), wanted.pop("new_mode"))
    if file.old_mode or file.new_mode:
        assert (file.old_mode, file.new_mode) == modes
    else:  # git prints no mode for a rename without a change
        assert file.status is FileStatus.RENAMED
        assert not file.hunks
        assert modes[0] == modes[1]
    if (
        wanted["binary"] and not file.binary
    ):  # numstat knows that a renamed or re-moded file is binary, the text does not
        assert not file.hunks
        assert file.status in {FileStatus.RENAMED, FileStatus.CHANGED}
        wanted |= {"binary": False, "added": 0, "removed": 0}
    assert facts(file) == wanted


@pytest.mark.parametrize("name", WITH_FACTS)
def test_expected_facts(name: str) -> None:
    data = read(name)
    diff = parse_diff(data)
    expected = json.loads((CORPUS / "expected" / f"{name}.json").read_bytes())
    assert [file.path for file in diff.files] == [file["path"] for file in expected["files"]]
    for file, wanted in zip(diff.files, expected["files"], strict=True):
        check(file, wanted)
        check_hunks(file)
    assert not diff.problems
    assert not [problem for file in diff.files for problem in file.problems]
    assert render_diff(diff) == data


def check_hunks(file: FilePatch) -> None:
    """The cheap views of a hunk say what its lines say."""
    for hunk in file.hunks:
        lines = hunk.lines()
        assert hunk.marks().decode() == "".join(line.kind for line in lines)
        changed = [
            (Side.LEFT, line.old) if line.kind is LineKind.REMOVED else (Side.RIGHT, line.new)
            for line in lines
            if line.kind is not LineKind.CONTEXT
        ]
        assert changed == [(run.side, at) for run in hunk.changed_runs() for at in range(run.first, run.last + 1)]
        assert list(hunk.shown(Side.LEFT)) == [line.old for line in lines if line.old is not None]
        assert list(hunk.shown(Side.RIGHT)) == [line.new for line in lines if line.new is not None]


@pytest.mark.parametrize("name", COMBINED)
def test_combined_diffs_are_refused(name: str) -> None:
    with pytest.raises(CombinedDiffError) as caught:
        parse_diff(read(name))
    assert caught.value.remedy


@pytest.mark.parametrize("name", WITH_FACTS[::5])
def test_fragments_of_github_read_the_same(name: str) -> None:
    diff: Diff = parse_diff(read(name))
    for file in diff.files:
        if not file.hunks or file.status is FileStatus.CHANGED:
            continue
        patch = b"".join(hunk.header + hunk.body for hunk in file.hunks).removesuffix(b"\n")
        fragment = parse_fragment(file.path, patch, old_path=file.old_path, status=file.status)
        assert [hunk.lines() for hunk in fragment.hunks] == [hunk.lines() for hunk in file.hunks]
        assert (fragment.added, fragment.removed, fragment.submodule) == (file.added, file.removed, file.submodule)
        assert not fragment.problems
