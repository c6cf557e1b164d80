"""Places that look like the code of a finding: which are found, how many, and where never."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.core.change.diff import Diff, Run, Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.config import ChunkSettings
from reviewbot.core.context.chunking import Chunk, Piece, cut
from reviewbot.core.findings.code_form import grams
from reviewbot.core.findings.finding import Finding, Location, PlacedFinding, Severity, Step
from reviewbot.core.findings.siblings import (
    LEAST_LIKENESS,
    MARGIN,
    MOST_PER_FINDING,
    MOST_PLACES,
    Sibling,
    find_siblings,
    pieces_of,
)

FILLER = [f"    step_{at} = {at * 7} if mode > {at} else other_{at}" for at in range(40)]
QUERY = '    cursor.execute(f"SELECT * FROM users WHERE name = {name}")'


def added(path: str, lines: list[str]) -> str:
    body = "".join(f"+{line}\n" for line in lines)
    return (
        f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{len(lines)} @@\n"
        f"{body}"
    )


def diff_of(**files: list[str]) -> Diff:
    return parse_diff("".join(added(f"{name}.py", lines) for name, lines in files.items()).encode())


def on(path: str, first: int, last: int, code: str, *, side: Side = Side.RIGHT, number: int = 1) -> PlacedFinding:
    finding = Finding(path, side, code, "e", "t", "b", "bug", Severity.MAJOR, 0.9, chunk=1)
    step = Step.LINE if first == last else Step.RANGE
    at = Location(path, side, None if first == last else first, last, step)
    return PlacedFinding(finding, at, f"{number:016x}", code=code)


def places(found: tuple[Sibling, ...]) -> list[tuple[str, int, int]]:
    return [(each.piece.file.path, each.place.first, each.place.last) for each in found]


def test_a_copy_with_other_names_is_found() -> None:
    copy = '    db.cursor.execute(f"DELETE FROM {table} WHERE id = {key}")'
    diff = diff_of(a=[*FILLER[:5], QUERY, *FILLER[5:9]], b=[*FILLER[9:29], copy, *FILLER[29:]])
    mine = on("a.py", 6, 6, QUERY)
    (found,) = find_siblings([mine], diff.files)
    assert places((found,)) == [("b.py", 21, 21)]
    assert found.finding is mine
    assert LEAST_LIKENESS <= found.likeness < 1
    assert found.piece == Piece(diff.files[1], 0, 20 - MARGIN, 21 + MARGIN)
    assert found.place == Run(Side.RIGHT, 21, 21)


@pytest.mark.parametrize(
    ("code", "other"),
    [
        ("    cursor.execute(query, (name,))", "    cursor.execute(f'SELECT {name}')"),
        ("    self.name = name", "    self.size = size"),
        ("    return value", "    return other"),
        ("    )", "    )"),
        ("", ""),
        ("    # cursor.execute(f'{x}') is wrong", "    # cursor.execute(f'{y}') is wrong"),
    ],
)
def test_other_code_and_code_that_says_nothing_is_not(code: str, other: str) -> None:
    diff = diff_of(a=[*FILLER[:5], code], b=[*FILLER[9:29], other])
    assert find_siblings([on("a.py", 6, 6, code)], diff.files) == ()


def test_lines_stand_in_their_order_whatever_blanks_and_remarks_are_between() -> None:
    code = ["    try:", "        load(path)", "    except OSError:", "        pass"]
    copy = ["    try:", "", "        # as it was", "        load(name)", "    except OSError:", "        pass"]
    diff = diff_of(a=[*code], b=[*FILLER[:3], *copy, *FILLER[3:6]])
    assert places(find_siblings([on("a.py", 1, 4, "\n".join(code))], diff.files)) == [("b.py", 4, 9)]


def test_only_changed_lines_of_the_findings_side_count() -> None:
    patch = (
        "diff --git a/c.py b/c.py\n--- a/c.py\n+++ b/c.py\n@@ -1,4 +1,4 @@\n a = 1\n"
        f" {QUERY}\n-{QUERY.replace('users', 'shops')}\n+    cursor.close()\n d = 2\n"
    )
    diff = parse_diff((added("a.py", [QUERY]) + patch).encode())
    assert find_siblings([on("a.py", 1, 1, QUERY)], diff.files) == ()
    gone = on("a.py", 1, 1, QUERY, side=Side.LEFT)
    assert places(find_siblings([gone], diff.files)) == [("c.py", 3, 3)]


def test_no_place_where_a_finding_stands_already() -> None:
    diff = diff_of(a=[QUERY, *FILLER[:20], QUERY, *FILLER[20:], QUERY])
    first, second = on("a.py", 1, 1, QUERY), on("a.py", 22, 22, "anything", number=2)
    assert places(find_siblings([first, second], diff.files)) == [("a.py", 43, 43)]


def test_a_place_that_the_model_did_not_see_with_the_finding_comes_first() -> None:
    diff = diff_of(a=[QUERY], b=[QUERY], c=[QUERY])
    whole = [Piece(file, 0, 0, 1) for file in diff.files]
    shown = [Chunk(1, (whole[0], whole[1]), 9), Chunk(2, (whole[2],), 9)]
    mine = on("a.py", 1, 1, QUERY)
    assert places(find_siblings([mine], diff.files, shown)) == [("c.py", 1, 1), ("b.py", 1, 1)]
    assert places(find_siblings([mine], diff.files)) == [("b.py", 1, 1), ("c.py", 1, 1)]
    assert {each.likeness for each in find_siblings([mine], diff.files, shown)} == {1.0}


def test_there_are_bounds_for_a_finding_and_for_a_run() -> None:
    apart = [[QUERY, *FILLER[:20]] * 30]
    diff = diff_of(a=[QUERY], b=apart[0])
    assert len(find_siblings([on("a.py", 1, 1, QUERY)], diff.files)) == MOST_PER_FINDING
    many = [on(f"x{n}.py", 1, 1, QUERY, number=n) for n in range(9)]
    found = find_siblings(many, diff.files)
    assert len(found) == MOST_PLACES
    assert len(set(places(found))) == MOST_PLACES


def test_close_places_share_the_lines_between_them() -> None:
    diff = diff_of(a=[QUERY, *FILLER[:12], QUERY, *FILLER[12:15], QUERY, *FILLER[15:24], QUERY, *FILLER[24:]])
    mine = on("z.py", 1, 1, QUERY)
    found = find_siblings([mine], diff.files)
    assert places(found) == [("a.py", 1, 1), ("a.py", 14, 14), ("a.py", 28, 28)]  # 18 is shown with 14
    assert [(each.piece.start, each.piece.stop) for each in found] == [(0, 9), (9, 22), (22, 36)]


def test_the_pieces_make_chunks() -> None:
    diff = diff_of(a=[QUERY], b=[*FILLER, QUERY], c=[*FILLER, QUERY, *FILLER, QUERY])
    found = find_siblings([on("a.py", 1, 1, QUERY)], diff.files)
    pieces = pieces_of(found, diff.files)
    assert [piece.file.path for piece in pieces] == ["b.py", "c.py", "c.py"]
    (chunk,) = cut(diff.files, {}, ChunkSettings(), 50_000, pieces)
    assert chunk.pieces == pieces


def test_it_stays_cheap_when_everything_is_alike() -> None:
    lines = [QUERY] * 3_000
    diff = diff_of(a=lines)
    many = [on("a.py", 20 * n + 1, 20 * n + 10, "\n".join(lines[:10]), number=n) for n in range(150)]
    found = find_siblings(many, diff.files)  # minutes, if each finding were measured against each line
    assert len(found) <= MOST_PLACES


LINES = st.sampled_from([QUERY, QUERY.replace("name", "mail"), "", "# x", "x = open(y)", *FILLER[:4], "a(b)[0]"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(LINES, min_size=1, max_size=40), min_size=1, max_size=4), st.integers(0, 10**6))
def test_laws(files: list[list[str]], seed: int) -> None:
    chance = random.Random(seed)
    diff = diff_of(**{f"f{n}": lines for n, lines in enumerate(files)})
    placed = []
    for number in range(chance.randrange(1, 6)):
        file = chance.randrange(len(files))
        first = chance.randrange(len(files[file])) + 1
        last = min(first + chance.randrange(4), len(files[file]))
        code = "\n".join(files[file][first - 1 : last])
        placed.append(on(f"f{file}.py", first, last, code, number=number))
    found = find_siblings(placed, diff.files)
    assert find_siblings([replace(each) for each in placed], diff.files) == found
    assert len(found) <= MOST_PLACES
    assert all(sum(each.finding is one for each in found) <= MOST_PER_FINDING for one in placed)
    assert [each.likeness for each in found] == sorted((each.likeness for each in found), reverse=True)
    shown: set[tuple[str, int]] = set()
    for each in found:
        path, place = each.piece.file.path, each.place
        for other in placed:
            at = other.location
            assert at.path != path or place.last < (at.start_line or at.line or 0) or (at.line or 0) < place.first
        lines = {(path, at + 1) for at in range(each.piece.start, each.piece.stop)}
        assert lines.isdisjoint(shown)
        shown |= lines
        assert {(path, place.first), (path, place.last)} <= lines
        assert place.first - 1 - each.piece.start <= MARGIN
        assert each.piece.stop - place.last <= MARGIN


def test_the_form_of_a_line() -> None:
    assert grams("   ") == grams("  # a remark") == grams("// x") == ()
    assert grams("a.run(b, 17)") == grams("  other.run(x, 3)") != grams("a.stop(b, 17)")
    assert grams("x + 1") != grams("x + 2")
    assert grams("run(f'{x}')") == grams('run(f"a {y} b")') != grams("run('x')")
    assert len(grams("a b " * 100_000)) < 200
