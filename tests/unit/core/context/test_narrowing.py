"""A push is shown by its new lines with a little round them: each once, and nothing else."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.change.comparison import increment
from reviewbot.core.change.diff import Diff, FilePatch, FileStatus, Run, Side
from reviewbot.core.change.increment import FileIncrement, Increment, News, all_new
from reviewbot.core.change.patch import parse_fragment
from reviewbot.core.config import ChunkSettings
from reviewbot.core.context.chunking import Chunk, Piece, cut
from reviewbot.core.context.narrowing import narrow
from reviewbot.core.context.shown_change import render_chunk
from reviewbot.core.context.tokens import count_tokens

SETTINGS = ChunkSettings()


def added(path: str, lines: list[str]) -> FilePatch:
    body = "".join(f"+{line}\n" for line in lines)
    return parse_fragment(path, f"@@ -0,0 +1,{len(lines)} @@\n{body}", status=FileStatus.ADDED)


def modified(path: str, marks: str) -> FilePatch:
    old, new = sum(mark != "+" for mark in marks), sum(mark != "-" for mark in marks)
    body = "".join(f"{mark}line {at}\n" for at, mark in enumerate(marks))
    return parse_fragment(path, f"@@ -{1 if old else 0},{old} +{1 if new else 0},{new} @@\n{body}")


def offer(file: FilePatch, *runs: Run) -> Increment:
    return Increment((FileIncrement(file.path, News.PARTLY, runs),))


def places(pieces: tuple[Piece, ...]) -> list[tuple[str, int, int, int]]:
    return [(piece.file.path, piece.hunk, piece.start, piece.stop) for piece in pieces]


def test_new_lines_are_shown_with_a_margin_and_neighbours_together() -> None:
    file = added("a.py", [f"x = {at}" for at in range(200)])
    runs = (Run(Side.RIGHT, 1, 1), Run(Side.RIGHT, 50, 51), Run(Side.RIGHT, 60, 60), Run(Side.RIGHT, 200, 200))
    assert places(narrow([file], offer(file, *runs), 3)) == [
        ("a.py", 0, 0, 4),
        ("a.py", 0, 46, 54),
        ("a.py", 0, 56, 63),
        ("a.py", 0, 196, 200),
    ]
    assert places(narrow([file], offer(file, *runs), 4)) == [
        ("a.py", 0, 0, 5),
        ("a.py", 0, 45, 64),
        ("a.py", 0, 195, 200),
    ]
    assert places(narrow([file], offer(file, *runs), 0)) == [
        ("a.py", 0, 0, 1),
        ("a.py", 0, 49, 51),
        ("a.py", 0, 59, 60),
        ("a.py", 0, 199, 200),
    ]


def test_a_small_hunk_is_shown_whole_and_others_not_at_all() -> None:
    text = "@@ -1,2 +1,3 @@\n a\n+b\n c\n@@ -9,2 +10,3 @@\n d\n+e\n f"
    file, other = parse_fragment("a.py", text), parse_fragment("b.py", text)
    since = Increment(
        (FileIncrement("a.py", News.PARTLY, (Run(Side.RIGHT, 11, 11),)), FileIncrement("b.py", News.UNCHANGED))
    )
    pieces = narrow([file, other], since)
    assert places(pieces) == [("a.py", 1, 0, 3)]
    assert [chunk.pieces for chunk in cut([file, other], {}, SETTINGS, 9_000, pieces)] == [pieces]
    assert cut([file, other], {}, SETTINGS, 9_000, ()) == ()


def test_a_file_that_the_increment_does_not_know_is_shown_whole() -> None:
    file = added("a.py", ["x"] * 100)
    assert places(narrow([file], Increment(()))) == [("a.py", 0, 0, 100)]


def test_owed_lines_are_shown_too() -> None:
    file = added("a.py", ["x"] * 100)
    since = Increment((FileIncrement("a.py", News.UNCHANGED, owed=(Run(Side.RIGHT, 90, 100),)),))
    assert places(narrow([file], since, 2)) == [("a.py", 0, 87, 100)]


def test_many_places_in_one_hunk_become_few_pieces() -> None:
    file = added("a.py", [f"x{at}" for at in range(20_000)])
    since = offer(file, *(Run(Side.RIGHT, at, at) for at in range(1, 20_000, 40)))
    assert len(narrow([file], since, 1)) <= 32


@st.composite
def offers(draw: st.DrawFn) -> tuple[list[FilePatch], Increment]:
    files, entries = [], []
    for path in draw(st.lists(st.sampled_from(["a.py", "b.py", "c.go"]), unique=True, max_size=3)):
        file = modified(path, draw(st.text(" +-", min_size=1, max_size=300)))
        changed = [
            Run(r.side, at, at) for hunk in file.hunks for r in hunk.changed_runs() for at in range(r.first, r.last + 1)
        ]
        chosen = draw(st.lists(st.sampled_from(changed), unique=True)) if changed else []
        files.append(file)
        entries.append(FileIncrement(path, News.PARTLY, tuple(chosen)))
    return files, Increment(tuple(entries))


@given(offers(), st.integers(0, 12), st.sampled_from([500, 100_000]))
def test_each_new_line_is_in_exactly_one_piece(
    made: tuple[list[FilePatch], Increment], margin: int, budget: int
) -> None:
    files, since = made
    pieces = narrow(files, since, margin)
    chunks = cut(
        files, {}, ChunkSettings.model_construct(**{**SETTINGS.model_dump(), "target_tokens": budget}), budget, pieces
    )
    for shown in (pieces, tuple(piece for chunk in chunks for piece in chunk.pieces)):
        owned = Counter((p.file.path, p.hunk, at) for p in shown for at in range(p.start, p.stop))
        assert set(owned.values()) <= {1}
        wanted = {
            (file.path, number, at)
            for file in files
            for number, hunk in enumerate(file.hunks)
            for at, bit in enumerate(since.by_path()[file.path].offers(hunk))
            if bit
        }
        assert wanted <= owned.keys()
        assert bool(wanted) == bool(owned)
    for chunk in chunks:
        assert count_tokens(render_chunk(chunk, {})) <= chunk.tokens
        assert chunk.tokens <= max(budget, 500) or len(chunk.pieces) == 1


def tokens(chunks: tuple[Chunk, ...]) -> int:
    return sum(chunk.tokens for chunk in chunks)


@pytest.mark.parametrize("files", [1, 20])
def test_five_lines_pushed_to_a_large_pull_request_cost_under_five_percent(files: int) -> None:
    size = 10_000 // files
    names = [f"src/m{at}.py" for at in range(files)]
    texts = {
        name: [
            f"    value_{at} = compute_the_value(of={name!r}, at={at})" if at % 10 else f"def f{at}():"
            for at in range(size)
        ]
        for name in names
    }
    old = Diff(tuple(added(name, text) for name, text in texts.items()))
    target = names[files // 2]
    texts[target][size // 2 : size // 2] = [f"    pushed_{at} = {at}" for at in range(5)]
    now = Diff(tuple(added(name, text) for name, text in texts.items()))
    since = increment(old, now)
    assert (since.fresh_lines, since.owed_lines, since.earlier_lines) == (5, 0, 10_000)
    heads = {name: "\n".join(text).encode() + b"\n" for name, text in texts.items()}
    first = cut(old.files, heads, SETTINGS, 200_000)
    second = cut(now.files, heads, SETTINGS, 200_000, narrow(now.files, since))
    assert tokens(second) * 20 < tokens(first)
    assert [chunk.paths for chunk in second] == [(target,)]
    assert "pushed_4" in render_chunk(second[0], heads)


def test_five_lines_in_five_files_of_a_change_with_many_hunks_cost_under_five_percent() -> None:
    marks = "".join(f"   {'-' * 5}{'+' * 5}   " for _ in range(20))
    texts = {
        f"m{at}.py": "@@ -1,220 +1,220 @@\n" + "".join(f"{mark}name_{at}_{n} = {n}\n" for n, mark in enumerate(marks))
        for at in range(50)
    }
    old = Diff(tuple(parse_fragment(name, text) for name, text in texts.items()))
    assert old.changed_lines == 10_000
    for name in random.Random(7).sample(sorted(texts), 5):
        text = texts[name].replace("+1,220", "+1,221")
        at = text.index("\n+", len(text) // 2) + 1
        texts[name] = f"{text[:at]}+pushed = 1\n{text[at:]}"
    now = Diff(tuple(parse_fragment(name, text) for name, text in texts.items()))
    since = increment(old, now)
    assert since.fresh_lines == 5
    first, second = (
        cut(old.files, {}, SETTINGS, 200_000),
        cut(now.files, {}, SETTINGS, 200_000, narrow(now.files, since)),
    )
    assert tokens(second) * 20 < tokens(first)


def test_everything_new_gives_what_a_first_review_shows() -> None:
    files = [added("a.py", [f"a{at}" for at in range(100)]), modified("b.py", " +- " * 30)]
    pieces = narrow(files, Increment(tuple(all_new(file, "first") for file in files)))
    assert cut(files, {}, SETTINGS, 9_000, pieces) == cut(files, {}, SETTINGS, 9_000)
