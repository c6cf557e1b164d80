from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewbot.core.change.diff import FilePatch, FileStatus, Hunk, Line, LineKind
from reviewbot.core.change.patch import parse_diff, parse_fragment
from reviewbot.core.config import ChunkSettings
from reviewbot.core.context.chunking import Chunk, Piece, cut
from reviewbot.core.context.shown_change import MOST_OUTLINE, file_header, outline, printable, render_chunk

GIT = ["git", "-c", "core.autocrlf=false", "-c", "core.quotePath=true", "-c", "user.name=t", "-c", "user.email=t@t"]
ODD = ["a\nb", "x\r=== y (added)", "\x1b[31m", "a\u2028b", "a\u202eb", "\x85", "tab\t", "\x00"]
HEADER = re.compile(r"(?m)^@@ -(\d+),(\d+) \+(\d+),(\d+) @@")


def git(folder: Path, *words: str) -> bytes:
    return subprocess.run([*GIT, *words], cwd=folder, check=True, capture_output=True).stdout


def real_change(folder: Path, old: bytes, new: bytes, context: int) -> tuple[FilePatch, bytes]:
    """What git says of a change of one file."""
    git(folder, "init", "-q", "-b", "main")
    for text in (old, new):
        (folder / "a.py").write_bytes(text)
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "--allow-empty", "-m", "x")
    diff = parse_diff(git(folder, "diff", f"-U{context}", "HEAD~1", "HEAD"))
    return diff.files[0], new


def read_back(text: str) -> tuple[str, FilePatch]:
    """The header line of a chunk of one file, and its hunks as the parser of diffs reads them."""
    header, _, hunks = text.partition("\n")
    found = parse_fragment("a.py", hunks)
    assert found.problems == ()
    return header, found


def assert_shown_truly(chunks: Sequence[Chunk], file: FilePatch, head: bytes, old: Sequence[str] | None = None) -> None:
    """Every shown line has the number and text that the diff, or the head file, gives it."""
    rows = head.decode("utf-8", "replace").split("\n")
    for chunk in chunks:
        header, found = read_back(render_chunk(chunk, {file.path: head}))
        assert header == file_header(file)
        assert len(found.hunks) == len(chunk.pieces)
        for piece, hunk in zip(chunk.pieces, found.hunks, strict=True):
            lines = hunk.lines()
            before = piece.before[1] - piece.before[0] + 1 if piece.before else 0
            after = piece.after[1] - piece.after[0] + 1 if piece.after else 0
            inner = lines[before : len(lines) - after]
            assert inner == file.hunks[piece.hunk].lines()[piece.start - piece.lead : piece.stop]
            for line in (*lines[:before], *lines[len(lines) - after :]):
                assert line.kind is LineKind.CONTEXT
                assert line.new is not None
                assert line.text == rows[line.new - 1]
                assert line.old is not None
                assert old is None or line.text == old[line.old - 1]


OLD = ["import os", "", "", "def first(a):", *(f"    a += {n}" for n in range(30)), "    return a", "", "",
       "def second(b):", *(f"    b -= {n}" for n in range(30)), "    return b"]  # fmt: skip
EDITS = {
    "insertions": lambda rows: [*rows[:12], "    new()", "    more()", *rows[12:50], "    third()", *rows[50:]],
    "removals": lambda rows: [*rows[:12], *rows[15:50], *rows[51:]],
    "replacements": lambda rows: [row.replace("+= 5", "+= 55").replace("-= 25", "-= 0") for row in rows],
    "a first line": lambda rows: ["#!/bin/python", *rows],
    "no first line": lambda rows: rows[1:],
    "a last line": lambda rows: [*rows, "print(1)"],
    "everything": lambda rows: [row + " " for row in rows],
    "nothing left": lambda _: [],
}


@pytest.mark.parametrize("context", [0, 1, 3, 10])
@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("end", ["\n", ""])
def test_headers_and_lines_are_those_of_git(tmp_path: Path, edit: str, context: int, end: str) -> None:
    new = EDITS[edit](OLD)
    file, head = real_change(
        tmp_path, ("\n".join(OLD) + "\n").encode(), ("\n".join(new) + (end if new else "")).encode(), context
    )
    for settings_ in (ChunkSettings(), ChunkSettings(widen=False)):
        assert_shown_truly(cut([file], {"a.py": head}, settings_, 100_000), file, head, OLD)


def test_a_new_and_a_removed_file(tmp_path: Path) -> None:
    rows = "".join(f"{row}\n" for row in OLD).encode()
    for old, new in ((b"", rows), (rows, b"")):
        folder = tmp_path / str(len(old))
        folder.mkdir()
        file, head = real_change(folder, old, new, 3)
        small = ChunkSettings.model_construct(**{**ChunkSettings().model_dump(), "target_tokens": 500})
        assert_shown_truly(cut([file], {"a.py": head}, small, 500), file, head)


LINES = st.lists(
    st.tuples(st.sampled_from(" +-"), st.sampled_from(["", "a", "@@ -1 +1 @@", "=== b (added)", "\\ x", "é\r", "+ -"])),
    min_size=1,
    max_size=40,
)


@given(LINES, st.data(), st.integers(1, 10**6), st.integers(1, 10**6), st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_piece_of_any_hunk_reads_back_as_it_was(
    rows: list[tuple[str, str]], data: st.DataObject, old: int, new: int, newline: bool
) -> None:
    olds, news = (sum(mark != other for mark, _ in rows) for other in "+-")
    body = "".join(f"{mark}{text}\n" for mark, text in rows) + ("" if newline else "\\ No newline at end of file\n")
    hunk = Hunk(old, olds, new, news, "def f():", b"", body.encode())
    file = FilePatch("a.py", "a.py", FileStatus.MODIFIED, (hunk,))
    start = data.draw(st.integers(0, len(rows) - 1))
    stop = data.draw(st.integers(start + 1, len(rows)))
    lead = data.draw(st.integers(0, start))
    _, found = read_back(render_chunk(Chunk(1, (Piece(file, 0, start, stop, lead),), 0), {}))
    assert found.hunks[0].lines() == hunk.lines()[start - lead : stop]
    assert found.hunks[0].section == "def f():"


def test_an_empty_side_stands_behind_the_line_before_it() -> None:
    """As git writes it: ``-12,0`` is a place behind line 12, not line 12."""
    rows = b" a\n" * 4 + b"+b\n" * 4 + b" a\n"
    file = FilePatch("a", "a", FileStatus.MODIFIED, (Hunk(10, 5, 20, 9, "", b"", rows),))
    text = render_chunk(Chunk(1, (Piece(file, 0, 0, 5), Piece(file, 0, 5, 8), Piece(file, 0, 8, 9)), 0), {})
    assert [match.groups() for match in HEADER.finditer(text)] == [
        ("10", "4", "20", "5"),
        ("13", "0", "25", "3"),
        ("14", "1", "28", "1"),
    ]


# ---------------------------------------------------------------------------------------------- headers


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (FilePatch("src/a.py", "src/a.py", FileStatus.MODIFIED), "=== src/a.py (modified)"),
        (FilePatch("b.py", "b.py", FileStatus.ADDED), "=== b.py (added)"),
        (FilePatch("b.py", "b.py", FileStatus.REMOVED), "=== b.py (removed)"),
        (FilePatch("new/b.py", "a.py", FileStatus.RENAMED), "=== new/b.py (renamed from a.py)"),
        (FilePatch("b.py", "a.py", FileStatus.COPIED), "=== b.py (copied from a.py)"),
        (FilePatch("b", "b", FileStatus.CHANGED), "=== b (changed)"),
        (FilePatch("b\nc", "a\rb", FileStatus.RENAMED), "=== b\\nc (renamed from a\\rb)"),
    ],
)
def test_a_file_header_says_what_happened(file: FilePatch, said: str) -> None:
    assert file_header(file) == said


@pytest.mark.parametrize("path", ODD)
def test_odd_paths_stand_on_one_visible_line(path: str) -> None:
    shown = printable(path)
    assert shown.splitlines() == [shown]
    assert shown.isprintable()


@pytest.mark.parametrize("path", ["資料\u30001.md", "naïve.py", "a b.py", "👩\u200d💻.py", "back\\slash"])
def test_readable_paths_are_left_as_they_are(path: str) -> None:
    """A model gives the path back as it was shown, and the path must then be found."""
    assert printable(path) == path


def test_files_are_shown_once_and_in_order() -> None:
    made = [replace(parse_fragment(name, "@@ -1 +1 @@\n-a\n+b\n@@ -9 +9 @@\n-a\n+b\n")) for name in ("b", "a")]
    (chunk,) = cut(made, {}, ChunkSettings(), 10_000)
    text = render_chunk(chunk, {})
    assert [row for row in text.split("\n") if row.startswith("===")] == ["=== b (modified)", "=== a (modified)"]
    assert text == (
        "=== b (modified)\n@@ -1,1 +1,1 @@\n-a\n+b\n@@ -9,1 +9,1 @@\n-a\n+b\n"
        "=== a (modified)\n@@ -1,1 +1,1 @@\n-a\n+b\n@@ -9,1 +9,1 @@\n-a\n+b"
    )


def test_content_cannot_pretend_to_be_a_header() -> None:
    patch = "@@ -1,2 +1,3 @@ === x (added)\n === y (added)\n+@@ -1 +1 @@\n \r=== z\n"
    (chunk,) = cut([parse_fragment("a", patch)], {}, ChunkSettings(), 10_000)
    rows = render_chunk(chunk, {}).split("\n")
    assert [row for row in rows if row.startswith(("===", "@@"))] == rows[:2]


# ---------------------------------------------------------------------------------------------- outline

SOURCE = b"""\
import os


@cached
@retry(
    times=3,
)
def fetch(
    url: str,
    timeout: float = 3,
) -> bytes:
    body = read(url)
    return body


class Shop:
    def sell(self, item):
        return item.sold()
"""


def changed(*numbers: int, source: bytes = SOURCE, path: str = "src/shop.py") -> FilePatch:
    rows = source.split(b"\n")
    hunks = [Hunk(n, 1, n, 1, "", b"", b"-gone\n+" + rows[n - 1] + b"\n") for n in numbers]
    return FilePatch(path, path, FileStatus.MODIFIED, tuple(hunks), added=len(hunks), removed=len(hunks))


@pytest.mark.parametrize("line", [8, 9, 10])
def test_the_outline_has_each_signature_that_changed(line: int) -> None:
    found = outline([changed(line)], {"src/shop.py": SOURCE}).split("\n")
    assert found[0] == "src/shop.py (modified, +1 -1)"
    assert len(found) == 2
    assert "def fetch( url: str, timeout: float = 3, ) -> bytes" in found[1]
    assert found[1].startswith("    ")


@pytest.mark.parametrize("line", [1, 2, 12, 13, 18])
def test_a_body_that_changed_leaves_its_signature_out(line: int) -> None:
    assert outline([changed(line)], {"src/shop.py": SOURCE}) == "src/shop.py (modified, +1 -1)"


def test_the_outline_names_heads_that_are_gone() -> None:
    file = parse_fragment("a.go", "@@ -1,2 +1,2 @@\n-func Old(a int) error {\n+func New(a int) error {\n }\n")
    text = outline([file], {"a.go": b"func New(a int) error {\n}\n"})
    assert "func Old(a int) error" in text
    assert "func New(a int) error" in text


def test_the_outline_without_sources_has_every_file() -> None:
    files = [changed(8, path=path) for path in ("a.py", "b\n.py", "c.txt")]
    text = outline(files, {})
    assert [row for row in text.split("\n") if not row.startswith(" ")] == [
        "a.py (modified, +1 -1)",
        "b\\n.py (modified, +1 -1)",
        "c.txt (modified, +1 -1)",
    ]


@given(st.lists(st.text(min_size=1, max_size=400), max_size=150))
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_outline_keeps_its_limit_and_counts_what_it_leaves_out(paths: list[str]) -> None:
    text = outline([FilePatch(path, path, FileStatus.ADDED) for path in paths], {})
    assert len(text.encode("utf-8", "replace")) <= MOST_OUTLINE
    rows = text.split("\n") if text else []
    left_out = re.fullmatch(r"\(and (\d+) more changed files\)", rows[-1]) if rows else None
    assert len(rows) - bool(left_out) + int(left_out[1] if left_out else 0) == len(paths)


def test_one_huge_path_does_not_push_out_the_others() -> None:
    files = [FilePatch(path, path, FileStatus.ADDED) for path in ("x" * 20_000, "a.py")]
    assert outline(files, {}) == "a.py (added, +0 -0)\n(and 1 more changed files)"


def test_the_outline_is_quick_on_one_long_hostile_line() -> None:
    for text in ("public " * 150_000, "\t" * 1_000_000, "def " * 250_000, "export default async " * 50_000):
        file = parse_fragment("a.ts", f"@@ -1 +1 @@\n-{text}\n+{text}x\n")
        begun = time.process_time()
        outline([file], {})
        assert time.process_time() - begun < 1


def test_lines_are_values() -> None:
    assert Line(LineKind.ADDED, None, 1, "a").newline
