"""Laws of the comparison of two patches, and hostile input."""

from __future__ import annotations

import difflib
import hashlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.core.change.alignment import align, increasing
from reviewbot.core.change.comparison import increment
from reviewbot.core.change.diff import Diff, LineKind, Run, Side
from reviewbot.core.change.increment import Increment, Missed, News, all_new, everything
from reviewbot.core.change.patch import parse_diff, parse_fragment

Line = tuple[str, Side, int]
EMPTY = Diff(())


def patch(trees: tuple[dict[str, list[str]], dict[str, list[str]]], context: int = 3, *, blobs: bool = False) -> Diff:
    """A diff of two trees, made by difflib, with ``context`` lines round each change."""
    before, after = trees
    out = []
    for path in sorted({*before, *after}):
        old, new = before.get(path, []), after.get(path, [])
        if old == new:
            continue
        out.append(f"diff --git a/{path} b/{path}\n")
        if path not in before or path not in after:
            out.append("new file mode 100644\n" if path not in before else "deleted file mode 100644\n")
        if blobs:
            out.append(f"index {_blob(old)}..{_blob(new)}\n")
        out += [f"--- a/{path}\n", f"+++ b/{path}\n"]
        for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(context):
            a, b, c, d = group[0][1], group[-1][2], group[0][3], group[-1][4]
            out.append(f"@@ -{a + (b > a)},{b - a} +{c + (d > c)},{d - c} @@\n")
            for tag, i, j, k, m in group:
                if tag == "equal":
                    out += [f" {line}\n" for line in old[i:j]]
                else:
                    out += [*(f"-{line}\n" for line in old[i:j]), *(f"+{line}\n" for line in new[k:m])]
    return parse_diff("".join(out).encode())


def _blob(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:9]


def changed(diff: Diff) -> dict[Line, str]:
    lines = ((file.path, line) for file in diff.files for hunk in file.hunks for line in hunk.lines())
    return {
        (path, Side.RIGHT if line.kind is LineKind.ADDED else Side.LEFT, line.new or line.old or 0): line.text
        for path, line in lines
        if line.kind is not LineKind.CONTEXT
    }


def lines_of(path: str, runs: Sequence[Run]) -> list[Line]:
    return [(path, run.side, at) for run in runs for at in range(run.first, run.last + 1)]


def fresh(made: Increment) -> set[Line]:
    return {line for file in made.files for line in lines_of(file.path, file.fresh)}


def check(made: Increment, now: Diff) -> None:
    """Every line is counted once, and is a changed line; the runs are in order and do not touch."""
    assert [file.path for file in made.files] == [file.path for file in now.files]
    every = changed(now)
    for file, patched in zip(made.files, now.files, strict=True):
        named = lines_of(file.path, file.fresh) + lines_of(file.path, file.owed)
        assert len(named) == len(set(named))
        assert set(named) <= every.keys()
        assert len(named) + file.earlier_lines == patched.changed_lines
        assert list(file.fresh) == sorted(file.fresh, key=lambda run: (run.side, run.first))
        bits = b"".join(file.offers(hunk) for hunk in patched.hunks)
        assert sum(bits) == len(named)
        kinds = [line for hunk in patched.hunks for line in hunk.lines()]
        shown = [line for line, bit in zip(kinds, bits, strict=True) if bit]
        assert {(line.new or line.old) for line in shown} == {at for *_, at in named}
        assert all(line.kind is not LineKind.CONTEXT for line in shown)


TEXT = st.lists(
    st.sampled_from(["", "}", "{", "return None", "    x", "total = add_all_of(the_items)", "def of_its_own(a, b):"])
    | st.integers(0, 40).map(lambda n: f"value_{n} = compute_the_value({n})"),
    max_size=40,
)
TREE = st.dictionaries(st.sampled_from(["a.py", "b.py", "c/d.go"]), TEXT, max_size=3)


@st.composite
def edits(draw: st.DrawFn, lines: list[str]) -> list[str]:
    """A text made of another by arbitrary edits: cuts, insertions, moves."""
    out = list(lines)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(out)))
        size = draw(st.integers(0, 6))
        cut, out[at : at + size] = out[at : at + size], draw(TEXT)[: draw(st.integers(0, 5))]
        if draw(st.booleans()):
            to = draw(st.integers(0, len(out)))
            out[to:to] = cut
    return out


@st.composite
def pushes(draw: st.DrawFn) -> tuple[dict[str, list[str]], ...]:
    """A base tree, the head that was reviewed, the head now."""
    base = draw(TREE)
    head = {path: draw(edits(lines)) for path, lines in {**base, **draw(TREE)}.items()}
    now = {path: draw(edits(lines)) for path, lines in head.items() if draw(st.integers(0, 9))}
    return base, head, now


@given(TREE, TREE, st.booleans())
def test_the_same_patch_has_nothing_new(before: dict[str, list[str]], after: dict[str, list[str]], blobs: bool) -> None:
    diff = patch((before, after), blobs=blobs)
    made = increment(diff, diff)
    check(made, diff)
    assert made.empty
    assert made.gone == ()
    assert all(file.news is News.UNCHANGED for file in made.files)
    assert made.earlier_lines == diff.changed_lines


@given(TREE, TREE)
def test_against_nothing_everything_is_new(before: dict[str, list[str]], after: dict[str, list[str]]) -> None:
    diff = patch((before, after))
    made = increment(EMPTY, diff)
    check(made, diff)
    assert fresh(made) == changed(diff).keys() == fresh(everything(diff, "why not"))
    assert increment(diff, EMPTY).gone == tuple(file.path for file in diff.files)


@settings(max_examples=300)
@given(pushes(), st.booleans())
def test_what_was_not_in_the_patch_is_new(trees: tuple[dict[str, list[str]], ...], blobs: bool) -> None:
    """Whatever happened, a line is only known again by an equal one: no more of a kind than were there."""
    base, head, after = trees
    old, now = patch((base, head), blobs=blobs), patch((base, after), blobs=blobs)
    made = increment(old, now)
    check(made, now)
    new = fresh(made)
    for path in {file.path for file in now.files}:
        source = next(file.earlier_path for file in made.files if file.path == path)
        had = Counter((side, text) for (name, side, _), text in changed(old).items() if name == source)
        kept = Counter((side, text) for (name, side, at), text in changed(now).items()
                       if name == path and (name, side, at) not in new)  # fmt: skip
        assert kept <= had


@settings(max_examples=200)
@given(pushes(), st.booleans())
def test_how_much_context_is_shown_makes_no_difference(trees: tuple[dict[str, list[str]], ...], blobs: bool) -> None:
    base, head, after = trees
    found = []
    for old_context, now_context in ((3, 3), (0, 0), (10, 10), (0, 10)):
        old, now = patch((base, head), old_context, blobs=blobs), patch((base, after), now_context, blobs=blobs)
        made = increment(old, now)
        found.append([(file.fresh, file.news, file.reason) for file in made.files])
    assert found[0] == found[1] == found[2] == found[3]


@settings(max_examples=200)
@given(pushes(), st.data())
def test_missed_lines_stay_to_be_read(trees: tuple[dict[str, list[str]], ...], data: st.DataObject) -> None:
    base, head, after = trees
    old, now = patch((base, head)), patch((base, after))
    plain = increment(old, now)
    lines = sorted(changed(old))
    left = set(data.draw(st.lists(st.sampled_from(lines))) if lines else [])
    missed = Missed({path: tuple(Run(s, at, at) for p, s, at in left if p == path) for path, _, _ in left})
    made = increment(old, now, missed)
    check(made, now)
    assert fresh(made) == fresh(plain)
    assert made.owed_lines <= len(left)
    assert increment(old, old, missed).owed_lines == len(left)
    whole = increment(old, now, Missed(whole=frozenset(file.path for file in old.files)))
    assert whole.earlier_lines == 0
    assert fresh(whole) == fresh(plain)
    nothing = increment(old, now, Missed(everything=True))
    assert nothing.fresh_lines == now.changed_lines


def test_folders_name_what_lies_in_them() -> None:
    missed = Missed(whole=frozenset({"vendor/", "a.py"}))
    assert [missed.names(path) for path in ("vendor/x/y.go", "a.py", "vendor", "b/vendor/x", "a.py/b")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_faults_of_a_diff_give_a_whole_review_with_a_reason() -> None:
    good = parse_fragment("a.py", "@@ -1,2 +1,2 @@\n-a\n+b\n c")
    bad = parse_fragment("a.py", "@@ -1,9 +1,9 @@\n-a\n+b\n c")
    for old, now in ((good, bad), (bad, good)):
        made = increment(Diff((old,)), Diff((now,)))
        assert made.files == (all_new(now, "a diff of the file has faults"),)
        assert made.fresh_lines == 2
    made = increment(Diff((good,)), Diff((good,), ("a.py appears more than once",)))
    assert (made.fresh_lines, made.reason) == (2, "a diff has faults, so the two cannot be compared")


def test_a_change_of_type() -> None:
    text = (
        b"diff --git a/link b/link\ndeleted file mode 100644\nindex 1234567..0000000\n--- a/link\n+++ /dev/null\n"
        b"@@ -1,2 +0,0 @@\n-one\n-two\n"
        b"diff --git a/link b/link\nnew file mode 120000\nindex 0000000..7654321\n--- /dev/null\n+++ b/link\n"
        b"@@ -0,0 +1 @@\n+target\n\\ No newline at end of file\n"
    )
    old, now = parse_diff(text), parse_diff(text.replace(b"+target", b"+elsewhere"))
    assert increment(old, old).empty
    assert increment(old, now).files[0].fresh == (Run(Side.RIGHT, 1, 1),)


# ---- the alignment ---------------------------------------------------------------------------------------------------

KEYS = st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]) | st.integers(0, 30).map(lambda n: b"%d" % n), max_size=40)


def longest(old: Sequence[bytes], now: Sequence[bytes]) -> int:
    row = [0] * (len(old) + 1)
    for b in now:
        before = 0
        for at, a in enumerate(old, 1):
            before, row[at] = row[at], max(row[at], row[at - 1], (before + 1) if a == b else 0)
    return row[-1]


@settings(max_examples=300)
@given(KEYS, KEYS)
def test_partners_are_equal_and_in_order(old: list[bytes], now: list[bytes]) -> None:
    partners = align(old, now)
    found = [(a, b) for b, a in enumerate(partners) if a >= 0]
    assert all(old[a] == now[b] for a, b in found)
    assert [a for a, _ in found] == sorted({a for a, _ in found})
    assert align(now, now) == list(range(len(now)))


@settings(max_examples=200)
@given(st.lists(st.sampled_from([b"a", b"b"]), max_size=30), st.lists(st.sampled_from([b"a", b"b"]), max_size=30))
def test_without_unique_lines_the_common_subsequence_is_the_longest(old: list[bytes], now: list[bytes]) -> None:
    doubled = [each for each in old for _ in range(2)], [each for each in now for _ in range(2)]
    assert sum(at >= 0 for at in align(*doubled)) == longest(*doubled)


@given(st.lists(st.integers(0, 30), max_size=12))
def test_the_longest_increasing_chain(seconds: list[int]) -> None:
    chain = increasing(list(enumerate(seconds)))
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(chain))
    best = [0] * len(seconds)
    for at, second in enumerate(seconds):
        best[at] = 1 + max((best[k] for k in range(at) if seconds[k] < second), default=0)
    assert len(chain) == max(best, default=0)


# ---- hostile input ---------------------------------------------------------------------------------------------------


def _hostile(kind: str, size: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return {
        "equal": lambda: ["}"] * (size + seed),
        "two": lambda: [chance.choice("ab") for _ in range(size)],
        "cycle": lambda: [str((at + seed) % 7) for at in range(size)],
        "many": lambda: [str(chance.randrange(size // 2)) for _ in range(size)],
        "shuffled": lambda: chance.sample([f"line {at}" for at in range(size)], size),
        "nested": lambda: [
            f"{at if seed else size - at}" for at in range(size // 2) for _ in range(1 + (at % 3 == seed))
        ],
    }[kind]()


@pytest.mark.parametrize("kind", ["equal", "two", "cycle", "many", "shuffled", "nested"])
@pytest.mark.parametrize("blocks", [False, True])
def test_hostile_texts_cost_little(kind: str, blocks: bool) -> None:
    """A megabyte takes half a second; the bound leaves room, and what is quadratic would pass it by far."""
    diffs = []
    for seed in (0, 1):
        lines = _hostile(kind, 40_000, seed)
        if blocks:  # each line a block of its own
            body = "".join(f"@@ -{2 * at + 1},1 +{3 * at + 1},2 @@\n c\n+{line}\n" for at, line in enumerate(lines))
        else:
            body = f"@@ -0,0 +1,{len(lines)} @@\n" + "".join(f"+{line}\n" for line in lines)
        diffs.append(Diff((parse_fragment("a.py", body),)))
    started = time.process_time()
    made = increment(*diffs)
    assert time.process_time() - started < 10
    assert made.earlier_lines + made.fresh_lines == diffs[1].changed_lines
