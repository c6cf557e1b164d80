from __future__ import annotations

import itertools
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewbot.core.change.diff import FilePatch, FileStatus, Hunk, Side
from reviewbot.core.change.patch import parse_diff, parse_fragment
from reviewbot.core.config import ChunkSettings
from reviewbot.core.context.chunking import Chunk, Piece, cut, split_chunk
from reviewbot.core.context.shown_change import render_chunk
from reviewbot.core.context.tokens import count_tokens
from reviewbot.errors import DiffError

DEFAULTS = ChunkSettings()
LEAST = 500  # tokens: below this nothing is cut smaller
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
CORPUS = Path(__file__).resolve().parents[5] / "shared" / "corpus" / "diffs"

# ---------------------------------------------------------------------------------------------- material


@dataclass(frozen=True)
class Change:
    """A changed file and its text at the head."""

    file: FilePatch
    head: bytes


def change(path: str, parts: Sequence[tuple[int, Sequence[tuple[bytes, bytes]]]], *, stripped: bool = False,
           newline: bool = True, tail: bytes = b"", status: FileStatus = FileStatus.MODIFIED) -> Change:  # fmt: skip
    """``parts`` are (lines that are not shown before it, lines of a hunk); the head file follows from them."""
    head: list[bytes] = []
    hunks: list[Hunk] = []
    old = new = 0
    for gap, rows in parts:
        for _ in range(gap):
            head.append(b"    hidden = %d" % len(head))
        old, new = old + gap, new + gap
        olds = sum(mark != b"+" for mark, _ in rows)
        news = sum(mark != b"-" for mark, _ in rows)
        body = b"".join((b"" if stripped and mark == b" " and not text else mark) + text + b"\n" for mark, text in rows)
        first_old, first_new = old + bool(olds), new + bool(news)
        header = b"@@ -%d,%d +%d,%d @@\n" % (first_old, olds, first_new, news)
        hunks.append(Hunk(first_old, olds, first_new, news, "", header, body))
        head += [text for mark, text in rows if mark != b"-"]
        old, new = old + olds, new + news
    if hunks and (tail or not newline):
        end = b"" if newline else b"\\ No newline at end of file\n"
        hunks[-1] = replace(hunks[-1], body=hunks[-1].body + end, tail=tail)
    source = b"\n".join(head) + (b"\n" if newline and head else b"")
    marks = b"".join(hunk.marks() for hunk in hunks)
    file = FilePatch(path, path, status, tuple(hunks), added=marks.count(b"+"), removed=marks.count(b"-"))
    return Change(file, source)


TEXTS = st.one_of(
    st.sampled_from(
        [b"", b"def f(a):", b"    return a", b"class A:", b"    def m(self):", b"        self.x = 1", b"}", b"\r",
         b"x = 1\r", b"\xff\xfe\xfd", b"\xff" * 40, "naïve = '漢字 😀'".encode(), b"    ", b"\t", b"=== a",
         b"@@ -1 +1 @@", b"\\ No newline", b"a" * 300, b"// " + b"1234567890" * 20]
    ),
    st.binary(max_size=30).map(lambda text: text.replace(b"\n", b"")),
)  # fmt: skip
ROWS = st.lists(st.tuples(st.sampled_from([b" ", b"+", b"-"]), TEXTS), min_size=1, max_size=60)
PATHS = st.sampled_from(["src/a.py", "src/b.py", "tests/test_a.py", "lib/c.js", "d.txt", "weird\n\x01é.go", "e.rs"])


@st.composite
def changes(draw: st.DrawFn) -> list[Change]:
    paths = draw(st.lists(PATHS, min_size=1, max_size=4, unique=True))
    return [
        change(
            path,
            draw(st.lists(st.tuples(st.integers(1, 30), ROWS), min_size=1, max_size=4)),
            stripped=draw(st.booleans()),
            newline=draw(st.booleans()),
        )
        for path in paths
    ]


def python_file(functions: int, lines: int, changed: Sequence[tuple[int, int]], path: str = "src/a.py") -> Change:
    """A file of functions; ``changed`` are (function, line in it) with one context line on each side."""
    rows: list[bytes] = []
    for number in range(functions):
        rows += [b"def f%d(a):" % number, *(b"    a += %d" % at for at in range(lines - 3)), b"    return a", b""]
    spots = [number * lines + at for number, at in changed]
    parts, seen = [], 0
    for spot in spots:
        parts.append((spot - 1 - seen, [(b" ", rows[spot - 1]), (b"+", rows[spot]), (b" ", rows[spot + 1])]))
        seen = spot + 2
    made = change(path, parts)
    return Change(made.file, b"\n".join(rows) + b"\n")


def chunks_of(made: Sequence[Change], budget: int = 200_000, options: ChunkSettings = DEFAULTS) -> tuple[Chunk, ...]:
    return cut([item.file for item in made], heads(made), options, budget)


def heads(made: Sequence[Change]) -> dict[str, bytes]:
    return {item.file.path: item.head for item in made if item.file.status is not FileStatus.REMOVED}


def small(**more: object) -> ChunkSettings:
    return ChunkSettings.model_construct(**{**DEFAULTS.model_dump(), "target_tokens": LEAST, **more})


# ---------------------------------------------------------------------------------------------- laws


def owned(pieces: Sequence[Piece]) -> Counter[tuple[str, int, int]]:
    return Counter((p.file.path, p.hunk, at) for p in pieces for at in range(p.start, p.stop))


def assert_nothing_is_lost_or_doubled(files: Sequence[FilePatch], pieces: Sequence[Piece]) -> None:
    every = Counter(
        (file.path, number, at)
        for file in files
        for number, hunk in enumerate(file.hunks)
        for at in range(len(hunk.lines()))
    )
    assert owned(pieces) == every


def assert_in_order(chunks: Sequence[Chunk]) -> None:
    assert [chunk.number for chunk in chunks] == list(range(1, len(chunks) + 1))
    pieces = [piece for chunk in chunks for piece in chunk.pieces]
    places: dict[str, list[tuple[int, int]]] = {}
    for piece in pieces:
        places.setdefault(piece.file.path, []).append((piece.hunk, piece.start))
    assert all(found == sorted(found) for found in places.values())
    for chunk in chunks:
        runs = [path for path, _ in itertools.groupby(piece.file.path for piece in chunk.pieces)]
        assert len(runs) == len(set(runs)), "a file stands under one header"
        assert chunk.paths == tuple(runs)


def assert_counted(chunks: Sequence[Chunk], sources: dict[str, bytes], limit: int | None = None) -> None:
    for chunk in chunks:
        assert count_tokens(render_chunk(chunk, sources)) <= chunk.tokens
        if limit is not None and chunk.tokens > limit:
            (piece,) = chunk.pieces
            assert piece.stop - piece.start == 1, f"{chunk.tokens} tokens in more than one line"
            assert piece.lead == 0 or chunk.tokens <= limit
            assert (piece.before, piece.after) == (None, None)


def halved(chunk: Chunk, depth: int = 40) -> Iterator[Chunk]:
    """What is left when a chunk is split until it cannot be."""
    assert depth, "splitting does not end"
    halves = split_chunk(chunk)
    if not halves:
        yield chunk
    for half in halves:
        yield from halved(half, depth - 1)


@SLOW
@given(changes(), st.integers(0, 3_000), st.booleans(), st.integers(0, 20))
def test_every_line_stands_in_one_piece_and_no_count_is_too_low(
    made: list[Change], budget: int, widen: bool, overlap: int
) -> None:
    options = ChunkSettings(widen=widen, overlap_lines=overlap)
    chunks = chunks_of(made, budget, options)
    assert_nothing_is_lost_or_doubled([item.file for item in made], [p for c in chunks for p in c.pieces])
    assert_in_order(chunks)
    assert_counted(chunks, heads(made), max(LEAST, budget))


@SLOW
@given(changes(), st.integers(0, 2_000), st.randoms(use_true_random=False))
def test_the_same_change_gives_the_same_chunks(made: list[Change], budget: int, chance: random.Random) -> None:
    first = chunks_of(made, budget)
    shuffled = list(heads(made).items())
    chance.shuffle(shuffled)
    assert cut([item.file for item in made], dict(shuffled), DEFAULTS, budget) == first
    assert chunks_of(made, budget) == first


@settings(SLOW, max_examples=30)
@given(changes(), st.integers(0, 2_000))
def test_splitting_again_and_again_loses_nothing_and_ends(made: list[Change], budget: int) -> None:
    chunks = chunks_of(made, budget)
    leaves = [leaf for chunk in chunks for leaf in halved(chunk)]
    assert_nothing_is_lost_or_doubled([item.file for item in made], [p for leaf in leaves for p in leaf.pieces])
    assert all(len(leaf.pieces) == 1 and leaf.pieces[0].stop - leaf.pieces[0].start <= 1 for leaf in leaves)
    assert all(leaf.pieces[0].lead == 0 and leaf.pieces[0].before is None for leaf in leaves)
    assert_counted(leaves, heads(made))
    assert {leaf.number for leaf in leaves} == {chunk.number for chunk in chunks}


@SLOW
@given(changes(), st.integers(0, 3_000))
def test_widening_shows_the_head_file_once_and_never_a_changed_line(made: list[Change], budget: int) -> None:
    for chunk in chunks_of(made, budget):
        assert_wide_lines_are_right(chunk, {item.file.path: item for item in made})


def assert_wide_lines_are_right(chunk: Chunk, made: dict[str, Change]) -> None:
    shown: Counter[tuple[str, int]] = Counter()
    for piece in chunk.pieces:
        item = made[piece.file.path]
        rows = item.head.split(b"\n")
        total = len(rows) - item.head.endswith(b"\n")
        hunk = piece.file.hunks[piece.hunk]
        inside = {at for each in piece.file.hunks for at in each.shown(Side.RIGHT)}
        for span in (piece.before, piece.after):
            if span is None:
                continue
            assert (piece.start, piece.stop) == (0, len(hunk.marks())), "a cut hunk is not widened"
            assert 1 <= span[0] <= span[1] <= total
            assert inside.isdisjoint(range(span[0], span[1] + 1)), "it shows lines of a hunk"
            shown.update((piece.file.path, at) for at in range(span[0], span[1] + 1))
        assert piece.before is None or piece.before[1] == hunk.new_start - 1
        assert piece.after is None or piece.after[0] == hunk.new_start + hunk.new_count
    assert max(shown.values(), default=0) <= 1, "a line is shown twice"


# ---------------------------------------------------------------------------------------------- real diffs


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real diffs is not here")
@pytest.mark.parametrize("budget", [0, 4_000, 200_000])
def test_real_diffs_are_cut_without_loss(budget: int) -> None:
    options = DEFAULTS if budget else small()
    paths = sorted(path for path in CORPUS.rglob("*") if path.is_file())[:: 2 if budget == 4_000 else 6]
    read = 0
    for path in paths:
        try:
            diff = parse_diff(path.read_bytes()[:150_000])
        except DiffError:
            continue
        if len({file.path for file in diff.files}) < len(diff.files):
            continue
        chunks = cut(diff.files, {}, options, budget)
        pieces = [piece for chunk in chunks for piece in chunk.pieces]
        assert_nothing_is_lost_or_doubled(diff.files, pieces)
        assert_in_order(chunks)
        assert_counted(chunks, {}, min(options.target_tokens, max(LEAST, budget)))
        read += 1
    assert read > len(paths) // 2


# ---------------------------------------------------------------------------------------------- fits


def test_nothing_gives_no_chunks() -> None:
    empty = FilePatch("a", "a", FileStatus.RENAMED)
    assert cut([], {}, DEFAULTS, 10_000) == ()
    assert cut([empty], {}, DEFAULTS, 10_000) == ()
    assert cut([empty] * 300, {}, small(), 0) == ()


def test_a_change_that_fits_is_one_chunk_in_its_own_order() -> None:
    made = [change(f"{name}.py", [(3, [(b"+", b"a = 1")])]) for name in "cab"]
    (chunk,) = chunks_of(made)
    assert chunk.paths == ("c.py", "a.py", "b.py")
    assert chunk.number == 1


def test_a_change_that_fits_by_tokens_but_not_by_bytes_is_one_chunk() -> None:
    rows = [(b"+", b"    return_value = compute(argument) + another_value")] * 50
    made = [change(f"src/{n}.py", [(1, rows)]) for n in range(20)]
    assert sum(len(item.file.hunks[0].body) for item in made) > 40_000
    assert len(chunks_of(made)) == 1


def test_a_small_change_does_not_load_the_vocabulary() -> None:
    program = """
import sys
from reviewbot.core.change.patch import parse_fragment
from reviewbot.core.config import ChunkSettings
from reviewbot.core.context import tokens
from reviewbot.core.context.chunking import cut
head = b"def f():\\n" + b"    a = 1\\n" * 20
file = parse_fragment("a.py", "@@ -5,3 +5,4 @@ def f():\\n     a = 1\\n+    a = 1\\n     a = 1\\n     a = 1\\n")
(chunk,) = cut([file], {"a.py": head}, ChunkSettings(), 100_000)
assert chunk.pieces[0].before == (1, 4), chunk
assert tokens._encoding.cache_info().currsize == 0
assert "tiktoken" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# ---------------------------------------------------------------------------------------------- widening


def test_a_hunk_is_widened_to_its_definition() -> None:
    made = python_file(3, 20, [(1, 10)])
    (chunk,) = chunks_of([made])
    assert chunk.pieces[0].before == (21, 29)
    assert chunk.pieces[0].after == (33, 39)
    assert not chunks_of([made], options=ChunkSettings(widen=False))[0].pieces[0].before


def test_two_hunks_of_one_function_do_not_show_the_lines_between_them_twice() -> None:
    made = python_file(2, 60, [(0, 10), (0, 40)])
    (chunk,) = chunks_of([made])
    first, second = chunk.pieces
    assert first.before == (1, 9)
    assert first.after == (13, 39)
    assert second.before is None
    assert second.after == (43, 59)
    text = render_chunk(chunk, heads([made]))
    assert [row for row in text.split("\n") if "a += 25" in row] == ["     a += 25"]


def test_widening_reaches_the_last_line_of_a_file_without_a_newline() -> None:
    made = python_file(1, 12, [(0, 5)])
    head = made.head.rstrip(b"\n")
    (chunk,) = cut([made.file], {"src/a.py": head}, DEFAULTS, 10_000)
    assert chunk.pieces[0].after == (8, head.count(b"\n") + 1)
    assert render_chunk(chunk, {"src/a.py": head}).endswith("return a")


@pytest.mark.parametrize(
    "file",
    [
        replace(python_file(1, 12, [(0, 5)]).file, status=FileStatus.CHANGED),
        change("src/a.py", [(2, [(b"-", b"gone")] * 3)], status=FileStatus.REMOVED).file,
        change("src/a.py", [(2, [(b"-", b"gone")] * 3)]).file,
    ],
    ids=["type change", "removed file", "nothing on the new side"],
)
def test_no_widening_where_there_is_nothing_sure_to_show(file: FilePatch) -> None:
    (chunk,) = cut([file], {"src/a.py": python_file(1, 12, [(0, 5)]).head}, DEFAULTS, 10_000)
    assert [(piece.before, piece.after) for piece in chunk.pieces] == [(None, None)]


def test_a_head_that_is_shorter_than_the_diff_says_is_not_shown_beyond_its_end() -> None:
    made = python_file(3, 20, [(1, 10)])
    for head in (b"", b"\n", b"def f():\n    pass", made.head[:100]):
        (chunk,) = cut([made.file], {"src/a.py": head}, DEFAULTS, 10_000)
        assert count_tokens(render_chunk(chunk, {"src/a.py": head})) <= chunk.tokens


def test_widening_stops_where_the_room_ends() -> None:
    made = [python_file(1, 100, [(0, 50)], f"src/{n}.py") for n in range(40)]
    chunks = chunks_of(made, 2_000)
    assert_counted(chunks, heads(made), 2_000)
    for chunk in chunks[:-1]:
        wide = [piece.before is not None for piece in chunk.pieces]
        assert not all(wide)
        assert wide == sorted(wide, reverse=True)
    assert chunks[-1].pieces[0].before == (1, 49)


# ---------------------------------------------------------------------------------------------- cutting


def test_a_giant_hunk_is_cut_between_lines_and_shows_some_again() -> None:
    rows = [(b"+", b"value_%d = compute(%d)" % (at, at)) for at in range(20_000)]
    made = change("big.py", [(0, rows)])
    chunks = chunks_of([made], options=ChunkSettings(overlap_lines=8))
    pieces = [piece for chunk in chunks for piece in chunk.pieces]
    assert len(chunks) > 3
    assert_nothing_is_lost_or_doubled([made.file], pieces)
    assert [piece.lead for piece in pieces] == [0] + [8] * (len(pieces) - 1)
    assert all(piece.before is None and piece.after is None for piece in pieces)
    assert_counted(chunks, heads([made]), DEFAULTS.target_tokens)
    assert min(chunk.tokens for chunk in chunks[:-1]) > DEFAULTS.target_tokens * 0.9
    for before, after in itertools.pairwise(chunks):
        again = render_chunk(before, {}).split("\n")[-8:]
        assert render_chunk(after, {}).split("\n")[2:10] == again


def test_a_giant_line_is_a_chunk_of_its_own() -> None:
    giant = b"x" + b"ab1/" * 250_000
    made = change("big.js", [(0, [(b" ", b"a"), (b"+", b"b"), (b"+", giant), (b"+", b"c"), (b" ", b"d")])])
    chunks = chunks_of([made])
    assert_nothing_is_lost_or_doubled([made.file], [piece for chunk in chunks for piece in chunk.pieces])
    assert_counted(chunks, heads([made]), DEFAULTS.target_tokens)
    over = [chunk for chunk in chunks if chunk.tokens > DEFAULTS.target_tokens]
    assert [(c.pieces[0].start, c.pieces[0].stop) for c in over] == [(2, 3)]
    assert split_chunk(over[0]) == () or split_chunk(over[0])[0].pieces[0].lead == 0


def test_stripped_empty_context_lines_are_counted_as_they_are_shown() -> None:
    rows = [(b" ", b"")] * 4_000 + [(b"+", b"a")]
    made = change("a.txt", [(0, rows)], stripped=True)
    for budget in (LEAST, 5_000, 200_000):
        assert_counted(chunks_of([made], budget), {}, max(LEAST, min(budget, 40_000)))


@pytest.mark.parametrize("text", [b"\xff" * 300, "漢".encode() * 100, b"\r", b"\x00\x01"], ids=repr)
def test_odd_bytes_are_counted_as_they_are_shown(text: bytes) -> None:
    made = change("a.txt", [(1, [(b"+", text)] * 20)], newline=False, tail=b"-- \n2.40\n")
    for budget in (LEAST, 200_000):
        chunks = chunks_of([made], budget)
        assert_nothing_is_lost_or_doubled([made.file], [piece for chunk in chunks for piece in chunk.pieces])
        assert_counted(chunks, {}, None)
        assert not any("2.40" in render_chunk(chunk, {}) for chunk in chunks)


def test_a_long_section_is_counted_wherever_it_is_shown() -> None:
    section = "функция " * 12
    body = b"".join(b"+a = %d\n" % at for at in range(10))
    hunk = Hunk(0, 0, 1, 10, section, b"@@ -0,0 +1,10 @@\n", body)
    file = FilePatch("a", "a", FileStatus.MODIFIED, (hunk,))
    chunks = cut([file], {}, DEFAULTS, 100_000)
    leaves = [leaf for chunk in chunks for leaf in halved(chunk)]
    for chunk in (*chunks, *leaves):
        assert count_tokens(render_chunk(chunk, {})) <= chunk.tokens


def test_odd_and_long_paths_are_counted_wherever_they_are_shown() -> None:
    made = [change("\x01" * 200 + "/é\n" * 50, [(1, [(b"+", b"a")] * 4)]), change("p" * 4_000, [(1, [(b"+", b"a")])])]
    for budget in (LEAST, 100_000):
        chunks = chunks_of(made, budget)
        for chunk in (*chunks, *(leaf for each in chunks for leaf in halved(each))):
            assert count_tokens(render_chunk(chunk, {})) <= chunk.tokens


def test_a_type_change_keeps_both_groups_of_hunks() -> None:
    old = change("link", [(0, [(b"-", b"target")])]).file.hunks
    new = change("link", [(0, [(b"+", b"line %d" % at) for at in range(300)])]).file.hunks
    file = FilePatch("link", "link", FileStatus.CHANGED, (*old, *new))
    chunks = cut([file], {"link": b"x\n" * 300}, small(), LEAST)
    assert len(chunks) > 1
    assert_nothing_is_lost_or_doubled([file], [piece for chunk in chunks for piece in chunk.pieces])
    assert_in_order(chunks)


def test_thousands_of_tiny_files_fill_their_chunks() -> None:
    made = [change(f"src/package/module/file_{at:04}.txt", [(3, [(b"+", b"one line")])]) for at in range(3_000)]
    chunks = chunks_of(made, options=ChunkSettings(target_tokens=20_000))
    assert_nothing_is_lost_or_doubled([item.file for item in made], [p for c in chunks for p in c.pieces])
    assert_counted(chunks, {}, 20_000)
    assert [path for chunk in chunks for path in chunk.paths] == sorted(item.file.path for item in made)
    true = [count_tokens(render_chunk(chunk, {})) for chunk in chunks]
    assert sum(true) / (20_000 * len(chunks)) > 0.5, "requests are half empty"


# ---------------------------------------------------------------------------------------------- splitting


def plain(path: str, lines: int, hunks: int = 1) -> FilePatch:
    return change(path, [(5, [(b"+", b"a = 1")] * lines)] * hunks).file


def chunk_of(*files: FilePatch) -> Chunk:
    (chunk,) = cut(files, {}, DEFAULTS, 200_000)
    return chunk


def test_a_chunk_is_halved_between_files_first() -> None:
    halves = split_chunk(chunk_of(plain("a", 10), plain("b", 10, hunks=9), plain("c", 10)))
    assert [half.paths for half in halves] in ([("a", "b"), ("c",)], [("a",), ("b", "c")])


def test_then_between_hunks_then_between_lines() -> None:
    chunk = chunk_of(plain("a", 10, hunks=4))
    halves = split_chunk(chunk)
    assert [[piece.hunk for piece in half.pieces] for half in halves] == [[0, 1], [2, 3]]
    first, second = split_chunk(split_chunk(halves[0])[0], overlap=8)
    assert [(p.start, p.stop) for p in (*first.pieces, *second.pieces)] == [(0, 5), (5, 10)]
    assert 0 < second.pieces[0].lead < 5


def test_a_single_line_gives_up_what_is_shown_with_it_and_then_cannot_be_split() -> None:
    file = change("src/a.py", [(10, [(b"+", b"    a += 1")]), (10, [(b"+", b"    a += 2")])]).file
    piece = Piece(file, 0, 0, 1, before=(1, 10), after=(12, 21))
    (bare,) = split_chunk(Chunk(1, (piece,), 1_000, 3))
    assert bare.pieces == (Piece(file, 0, 0, 1),)
    assert (bare.number, bare.risk) == (1, 3)
    assert split_chunk(bare) == ()


def test_risk_is_that_of_the_riskiest_file() -> None:
    quiet, loud = plain("docs/a.md", 1), plain("src/auth/password.py", 1)
    assert chunk_of(quiet).risk == 0
    assert chunk_of(quiet, loud).risk == chunk_of(loud).risk > chunk_of(plain("src/list.py", 1)).risk > 0


# ---------------------------------------------------------------------------------------------- togetherness


def test_a_family_that_fits_is_not_torn() -> None:
    """A subject and its test that fit into one chunk are in one, also where the chunk before has room for one."""
    body = [(b"+", b"value = compute(argument) + %d" % at) for at in range(45)]
    made = [change(f"{folder}/{name}.py", [(1, body)]) for folder in ("a", "b", "c", "d") for name in ("one", "two")]
    made += [change(f"tests/{folder}/test_{name}.py", [(1, body)]) for folder in "abcd" for name in ("one", "two")]
    size = count_tokens(made[0].file.hunks[0].body.decode()) + 60
    chunks = chunks_of(made, size * 3)
    for chunk in chunks:
        assert len(chunk.paths) >= 2
    home = {path: chunk.number for chunk in chunks for path in chunk.paths}
    for folder in "abcd":
        for name in ("one", "two"):
            assert home[f"{folder}/{name}.py"] == home[f"tests/{folder}/test_{name}.py"], (folder, name)


def test_an_importer_stays_with_what_it_imports() -> None:
    body = [(b"+", b"value = compute(argument) + %d" % at) for at in range(45)]
    made = [change(f"src/pkg/m{at}.py", [(1, body)]) for at in range(9)]
    sources = {item.file.path: item.head for item in made}
    sources["src/pkg/m8.py"] = b"from pkg.m0 import value\n" + made[8].head
    size = count_tokens(made[0].file.hunks[0].body.decode()) + 60
    chunks = cut([item.file for item in made], sources, DEFAULTS, size * 3)
    home = {path: chunk.number for chunk in chunks for path in chunk.paths}
    assert home["src/pkg/m8.py"] == home["src/pkg/m0.py"]


def test_the_fragment_of_github_is_cut_like_a_diff() -> None:
    file = parse_fragment("a.txt", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file")
    (chunk,) = cut([file], {}, DEFAULTS, 10_000)
    assert owned(chunk.pieces) == {("a.txt", 0, at): 1 for at in range(3)}
