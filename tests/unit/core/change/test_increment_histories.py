"""The measure of "new code only": scripted git histories; what is offered equals the truth worked out by hand.

Each test gives the pull request as it was when it was reviewed, what its author did then, and every line that a reader
has not seen. Set equality is precision 1.0 and recall 1.0. The conftest compares with three sizes of context.
"""

from __future__ import annotations

from typing import Any

import pytest

from reviewbot.core.change.comparison import increment
from reviewbot.core.change.increment import News


def text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def numbers(first: int, last: int) -> list[str]:
    return [f"value_{at} = compute_the_value({at})" for at in range(first, last + 1)]


BASE = numbers(1, 60)


def edited(base: list[str], *, at: dict[int, list[str]]) -> str:
    """``base`` with line ``n`` (from 1) replaced by ``at[n]``."""
    return text(*(line for n, old in enumerate(base, 1) for line in at.get(n, [old])))


@pytest.fixture
def pr(history: Any) -> Any:
    """A base with a.py and b.py, and a pull request that changes both and adds new.py, reviewed at ``old``."""
    history.base = history.commit({"a.py": text(*BASE), "b.py": text(*numbers(100, 140)), "keep.py": text("k = 1")})
    history.on("pr", "main")
    history.commit({"a.py": edited(BASE, at={10: ["ten = 'was changed'"], 40: [BASE[39], "after_forty = True"]})}, "1")
    history.commit({"new.py": text("import os", "", "def fresh():", "    return os.getcwd()"),
                    "b.py": edited(numbers(100, 140), at={5: []})}, "2")  # fmt: skip
    history.old = (history.base, history.head())
    return history


def test_nothing_happened(pr: Any) -> None:
    assert pr.since(pr.old, pr.old) == set()


def test_the_first_review_reads_everything(pr: Any) -> None:
    assert pr.since((pr.base, pr.base), pr.old) == {
        ("a.py", "-", BASE[9]),
        ("a.py", "+", "ten = 'was changed'"),
        ("a.py", "+", "after_forty = True"),
        ("b.py", "-", "value_104 = compute_the_value(104)"),
        ("new.py", "+", "import os"),
        ("new.py", "+", ""),
        ("new.py", "+", "def fresh():"),
        ("new.py", "+", "    return os.getcwd()"),
    }


PUSH = {
    "a.py": edited(
        BASE, at={10: ["ten = 'was changed again'"], 25: [], 40: [BASE[39], "after_forty = True", "and_one_more = 1"]}
    ),
    "new.py": text("import os", "import sys", "", "def fresh():", "    return os.getcwd()"),
}
PUSHED = {
    ("a.py", "+", "ten = 'was changed again'"),
    ("a.py", "-", BASE[24]),
    ("a.py", "+", "and_one_more = 1"),
    ("new.py", "+", "import sys"),
}


def test_plain_push(pr: Any) -> None:
    assert pr.since(pr.old, (pr.base, pr.commit(PUSH))) == PUSHED


def test_amend(pr: Any) -> None:
    pr.commit(PUSH)
    pr.git("reset", "-q", "--soft", "HEAD~2")
    pr.git("commit", "-q", "-m", "amended")
    assert pr.since(pr.old, (pr.base, pr.head())) == PUSHED


def test_squash_alone_and_with_a_change(pr: Any) -> None:
    pr.git("reset", "-q", "--soft", pr.base)
    pr.git("commit", "-q", "-m", "all in one")
    assert pr.since(pr.old, (pr.base, pr.head())) == set()
    assert pr.since(pr.old, (pr.base, pr.commit(PUSH))) == PUSHED


def moved_base(pr: Any) -> str:
    """The base goes on: lines before, between and after those of the pull request, in its files and in others."""
    pr.on("main")
    shifted = edited(BASE, at={1: ["import base_one", "import base_two", BASE[0]], 20: [], 30: [BASE[29], "base = 30"],
                               60: [BASE[59], "the_end = True"]})  # fmt: skip
    return pr.commit(
        {
            "a.py": shifted,
            "b.py": text("first = 0", *numbers(100, 140)),
            "keep.py": text("k = 2", "l = 3"),
            "z.py": text("z = 1"),
        }
    )


def test_rebase_on_a_moved_base(pr: Any) -> None:
    base = moved_base(pr)
    pr.on("pr")
    pr.git("rebase", "-q", "main")
    assert pr.since(pr.old, (base, pr.head())) == set()
    pr.commit({"keep.py": text("k = 2", "l = 4")})
    assert pr.since(pr.old, (base, pr.head())) == {("keep.py", "-", "l = 3"), ("keep.py", "+", "l = 4")}


def test_merge_from_main_then_a_push(pr: Any) -> None:
    base = moved_base(pr)
    pr.on("pr")
    pr.git("merge", "-q", "-m", "merge", "main")
    assert pr.since(pr.old, (base, pr.head())) == set()
    assert pr.since(pr.old, (pr.base, pr.old[1])) == set()
    pr.commit({"new.py": text("import os", "", "def fresh():", "    return os.getcwdb()")})
    assert pr.since(pr.old, (base, pr.head())) == {("new.py", "+", "    return os.getcwdb()")}


def test_a_merge_whose_conflict_was_solved_by_hand(pr: Any) -> None:
    pr.on("main")
    base = pr.commit({"a.py": edited(BASE, at={10: ["ten = 'base had another idea'"]})})
    pr.on("pr")
    with pytest.raises(Exception, match="merge"):
        pr.git("merge", "-q", "-m", "merge", "main")
    pr.commit({"a.py": edited(BASE, at={10: ["ten = 'both ideas'"], 40: [BASE[39], "after_forty = True"]})})
    assert pr.since(pr.old, (base, pr.head())) == {
        ("a.py", "-", "ten = 'base had another idea'"),
        ("a.py", "+", "ten = 'both ideas'"),
    }


def test_force_push_to_something_else(pr: Any) -> None:
    pr.git("reset", "-q", "--hard", pr.base)
    head = pr.commit(
        {"b.py": edited(numbers(100, 140), at={20: ["twenty = 1"]}), "other.py": text("import os", "x = 2")}
    )
    assert pr.since(pr.old, (pr.base, head)) == {
        ("b.py", "-", "value_119 = compute_the_value(119)"),
        ("b.py", "+", "twenty = 1"),
        ("other.py", "+", "import os"),
        ("other.py", "+", "x = 2"),
    }


def test_retarget_to_another_base(pr: Any) -> None:
    """The new base has the first commit of the pull request already, and lines of its own that the PR then undoes."""
    pr.on("release", f"{pr.base}")
    pr.git("cherry-pick", "pr~1")
    release = pr.commit({"keep.py": text("k = 1", "release = 1")})
    assert pr.since(pr.old, (release, pr.old[1])) == set()
    pr.on("pr")
    pr.git("rebase", "-q", "--onto", "release", "pr~1")
    head = pr.commit({"keep.py": text("k = 1")})
    assert pr.since(pr.old, (release, head)) == {("keep.py", "-", "release = 1")}


def test_revert_of_a_commit_and_its_return(pr: Any) -> None:
    pr.git("revert", "--no-edit", "HEAD~1")
    reverted = (pr.base, pr.head())
    assert pr.since(pr.old, reverted) == set()
    pr.git("revert", "--no-edit", "HEAD")
    back = (pr.base, pr.head())
    assert pr.since(pr.old, back) == set()
    assert pr.since(reverted, back) == {
        ("a.py", "-", BASE[9]),
        ("a.py", "+", "ten = 'was changed'"),
        ("a.py", "+", "after_forty = True"),
    }


def test_cherry_pick_from_another_branch(pr: Any) -> None:
    pr.on("topic", pr.base)
    pr.commit({"a.py": edited(BASE, at={55: ["picked = 55"]}), "keep.py": text("k = 1", "picked = True")})
    pr.on("pr")
    pr.git("cherry-pick", "topic")
    assert pr.since(pr.old, (pr.base, pr.head())) == {
        ("a.py", "-", BASE[54]),
        ("a.py", "+", "picked = 55"),
        ("keep.py", "+", "picked = True"),
    }


def test_a_file_that_the_pull_request_added_is_renamed(pr: Any) -> None:
    pr.git("mv", "new.py", "better.py")
    renamed = pr.commit({})
    assert pr.since(pr.old, (pr.base, renamed)) == set()
    head = pr.commit({"better.py": text("import os", "", "def fresh(path):", "    return os.getcwd()")})
    assert pr.since(pr.old, (pr.base, head)) == {("better.py", "+", "def fresh(path):")}
    # And the old name is taken by another file.
    head = pr.commit({"new.py": text("something = 'quite different'", "import json")})
    assert pr.since((pr.base, renamed), (pr.base, head)) == {
        ("better.py", "+", "def fresh(path):"),
        ("new.py", "+", "something = 'quite different'"),
        ("new.py", "+", "import json"),
    }
    assert pr.since(pr.old, (pr.base, head)) == {
        ("better.py", "+", "def fresh(path):"),
        ("new.py", "+", "something = 'quite different'"),
        ("new.py", "+", "import json"),
    }


def test_a_modified_file_is_renamed_later(pr: Any) -> None:
    (pr.root / "moved").mkdir()
    pr.git("mv", "a.py", "moved/a.py")
    assert pr.since(pr.old, (pr.base, pr.commit({}))) == set()
    lines = (pr.root / "moved/a.py").read_text().replace("after_forty = True", "after_forty = False")
    head = pr.commit({"moved/a.py": lines})
    assert pr.since(pr.old, (pr.base, head)) == {("moved/a.py", "+", "after_forty = False")}


@pytest.mark.parametrize("also", ["", "base_line = 'by the base'\n"])
def test_the_base_renames_a_file_under_a_rebase(pr: Any, also: str) -> None:
    pr.on("main")
    pr.git("mv", "a.py", "core.py")
    base = pr.commit({"core.py": also + text(*BASE)})
    pr.on("pr")
    pr.git("rebase", "-q", "main")
    assert pr.since(pr.old, (base, pr.head())) == set()
    lines = (pr.root / "core.py").read_text().replace("after_forty = True", "after_forty = 41")
    assert pr.since(pr.old, (base, pr.commit({"core.py": lines}))) == {("core.py", "+", "after_forty = 41")}


def test_two_files_change_their_names(history: Any) -> None:
    base = history.commit({"x": "x\n"})
    history.on("pr", "main")
    one, two = text(*numbers(1, 9)), text(*numbers(20, 29))
    old = (base, history.commit({"one.py": one, "two.py": two}))
    assert history.since(old, (base, history.commit({"one.py": two, "two.py": one}))) == set()


def test_a_copy_of_a_new_file_is_new(pr: Any) -> None:
    head = pr.commit({"copy.py": text("import os", "", "def fresh():", "    return os.getcwd()")})
    assert pr.since(pr.old, (pr.base, head)) == {
        ("copy.py", "+", "import os"),
        ("copy.py", "+", ""),
        ("copy.py", "+", "def fresh():"),
        ("copy.py", "+", "    return os.getcwd()"),
    }


def test_hunks_join_and_part(pr: Any) -> None:
    """Lines 11 to 39 change too: what were two hunks is one block. Then they are put back."""
    middle = {n: [f"middle_{n} = {n}"] for n in range(11, 40)}
    both = {10: ["ten = 'was changed'"], 40: [BASE[39], "after_forty = True"]}
    joined = (pr.base, pr.commit({"a.py": edited(BASE, at={**both, **middle})}))
    truth = {("a.py", "-", BASE[n - 1]) for n in middle} | {("a.py", "+", f"middle_{n} = {n}") for n in middle}
    # Git shows line 40 as an end of the block, unchanged, as it was before.
    assert pr.since(pr.old, joined) == truth
    assert pr.since(joined, (pr.base, pr.commit({"a.py": edited(BASE, at=both)}))) == set()


def test_lines_that_the_pull_request_added_are_deleted(pr: Any) -> None:
    head = pr.commit(
        {"new.py": text("import os", "", "def fresh():"), "a.py": edited(BASE, at={10: ["ten = 'was changed'"]})}
    )
    assert pr.since(pr.old, (pr.base, head)) == set()
    diff = pr.patch(pr.base, pr.commit({"new.py": None}))
    assert increment(pr.patch(*pr.old), diff).gone == ("new.py",)


def test_a_file_of_the_base_is_deleted_after_it_was_changed(pr: Any) -> None:
    head = pr.commit({"a.py": None})
    truth = {("a.py", "-", line) for line in BASE} - {("a.py", "-", BASE[9])}
    assert pr.since(pr.old, (pr.base, head)) == truth


def test_whitespace_counts(pr: Any) -> None:
    head = pr.commit({"new.py": text("import os", "", "def fresh():", "\treturn os.getcwd()")})
    assert pr.since(pr.old, (pr.base, head)) == {("new.py", "+", "\treturn os.getcwd()")}
    again = pr.commit({"new.py": text("import os", "", "def fresh(): ", "\treturn os.getcwd()")})
    assert pr.since((pr.base, head), (pr.base, again)) == {("new.py", "+", "def fresh(): ")}


def test_line_ends_count(history: Any) -> None:
    base = history.commit({"dos.txt": "a\r\nb\r\nc\r\n", "x": "x\n"})
    history.on("pr", "main")
    old = (base, history.commit({"dos.txt": "a\r\nB\r\nc\r\n", "end.txt": "one\ntwo"}))
    assert history.since(old, old) == set()
    unix = history.commit({"dos.txt": "a\r\nB\nc\r\n"})
    assert history.since(old, (base, unix)) == {("dos.txt", "+", "B")}
    head = history.commit({"dos.txt": "a\r\nB\r\nc\r\n", "end.txt": "one\ntwo\n"})
    assert history.since(old, (base, head)) == {("end.txt", "+", "two")}
    more = history.commit({"end.txt": "one\ntwo\nthree"})
    assert history.since((base, head), (base, more)) == {("end.txt", "+", "three")}


CODE = text(
    "int f() {", "  a();", "}", "", "int g() {", "  b();", "}", "", "int h() {", "  c();", "}", "", "int i() {", "  d();", "}"
)  # fmt: skip


def test_repeated_lines_are_told_apart_by_their_place(history: Any) -> None:
    """``return 0;`` is added to i, then to f as well: the first in the file is the new one."""
    base = history.commit({"a.c": CODE})
    history.on("pr", "main")
    with_i = CODE.replace("  d();\n", "  d();\n  return 0;\n")
    old = (base, history.commit({"a.c": with_i}))
    now = (base, history.commit({"a.c": with_i.replace("  a();\n", "  a();\n  return 0;\n")}))
    assert history.numbered(old, now) == [("a.c", "+", 3, "  return 0;")]
    # It goes from i to g: short as it is, it may mean something else there.
    moved = (base, history.commit({"a.c": CODE.replace("  b();\n", "  b();\n  return 0;\n")}))
    assert history.numbered(old, moved) == [("a.c", "+", 7, "  return 0;")]
    # The base moves, so places are known only from what surely stayed; lines added in the same order are.
    history.on("main")
    later = history.commit({"a.c": "// one\n// two\n" + CODE})
    history.on("pr")
    history.git("reset", "-q", "--hard", now[1])
    history.git("rebase", "-q", "main")
    assert history.numbered(now, (later, history.head())) == []
    assert len(history.numbered(old, (later, history.head()))) == 1


def test_a_removed_line_that_stands_often(history: Any) -> None:
    base = history.commit({"a.c": CODE})
    history.on("pr", "main")
    lines = CODE.splitlines()
    old = (base, history.commit({"a.c": text(*lines[:3], *lines[4:])}))
    now = (base, history.commit({"a.c": text(*lines[:3], *lines[4:7], *lines[8:])}))
    assert history.numbered(old, now) == [("a.c", "-", 8, "")]
    other = (base, history.commit({"a.c": text(*lines[:7], *lines[8:])}))
    assert history.numbered(old, other) == [("a.c", "-", 8, "")]


def function(name: str, *body: str) -> list[str]:
    return [f"int {name}() {{", *(f"  {line}" for line in body), "  return 0;", "}", ""]


def test_functions_added_before_between_and_after_others_like_them(history: Any) -> None:
    base = history.commit({"a.c": text("// head")})
    history.on("pr", "main")
    one, two = function("one", "check(1);"), function("two", "check(2);")
    old = (base, history.commit({"a.c": text("// head", *one, *two)}))
    for name, order in (
        ("zero", [function("zero", "check(0);"), one, two]),
        ("mid", [one, function("mid", "check(15);"), two]),
        ("last", [one, two, function("last", "check(9);")]),
    ):
        now = (base, history.commit({"a.c": text("// head", *(line for each in order for line in each))}))
        found = history.numbered(old, now)
        assert len(found) == 5
        assert {line for *_, line in found} == set(
            function(name, f"check({ {'zero': 0, 'mid': 15, 'last': 9}[name] });")
        )


def test_a_block_that_was_moved_is_not_new(history: Any) -> None:
    base = history.commit({"a.c": text("// head", *(f"base_{n}();" for n in range(30)), "// foot")})
    history.on("pr", "main")
    filler = [f"base_{n}();" for n in range(30)]
    one = function("first_function", "do_the_first_thing();", "log_the_first_thing();")
    two = function("second_function", "do_the_second_thing();")
    old = (base, history.commit({"a.c": text("// head", *one, *two, *filler, "// foot")}))
    swapped = (base, history.commit({"a.c": text("// head", *two, *one, *filler, "// foot")}))
    assert history.since(old, swapped) == set()
    away = (base, history.commit({"a.c": text("// head", *two, *filler, *one, "// foot")}))
    assert history.since(old, away) == set()
    changed = [line.replace("log_the_first_thing();", "log_it();") for line in one]
    away = (base, history.commit({"a.c": text("// head", *two, *filler, *changed, "// foot")}))
    found = history.since(old, away)
    assert ("a.c", "+", "  log_it();") in found
    assert found <= {("a.c", "+", line) for line in ("  log_it();", "  return 0;", "}", "")}


def test_a_large_pull_request_and_a_small_push(history: Any) -> None:
    base = history.commit({"x": "x\n"})
    history.on("pr", "main")
    files = {
        f"src/m{n}.py": "".join(f"def f{n}_{at}(a):\n    b = a\n    return None\n\n\n" for at in range(100))
        for n in range(20)
    }
    old = (base, history.commit(files))
    assert history.patch(*old).changed_lines == 10_000
    text_now = files["src/m7.py"].replace(
        "def f7_50(a):\n    b = a\n",
        "def f7_50(a):\n    b = a\n    if b:\n        return None\n    x = 1\n    y = x\n    z = y\n",
    )
    found = history.numbered(old, (base, history.commit({"src/m7.py": text_now})))
    assert found == [
        ("src/m7.py", "+", 253, "    if b:"),
        ("src/m7.py", "+", 254, "        return None"),
        ("src/m7.py", "+", 255, "    x = 1"),
        ("src/m7.py", "+", 256, "    y = x"),
        ("src/m7.py", "+", 257, "    z = y"),
    ]


def test_modes_names_and_binary_files(history: Any) -> None:
    base = history.commit({"run.sh": "echo 1\n", "pic.bin": b"\0one", "same.bin": b"\0same", "old name.txt": "t\n" * 9})
    history.on("pr", "main")
    old = (base, history.commit({"run.sh": "echo 2\n", "pic.bin": b"\0two", "same.bin": b"\0then"}))
    (history.root / "run.sh").chmod(0o755)
    history.git("mv", "old name.txt", "new name.txt")
    now = (base, history.commit({"pic.bin": b"\0three"}))
    assert history.since(old, now) == set()
    made = increment(history.patch(*old), history.patch(*now))
    told = {file.path: (file.news, file.reason) for file in made.files}
    assert told == {
        "run.sh": (News.PARTLY, "its mode changed since, 100644 to 100755"),
        "pic.bin": (News.NEW, "its binary content changed since, or may have"),
        "same.bin": (News.UNCHANGED, ""),
        "new name.txt": (News.NEW, "the earlier patch has no such file"),
    }
