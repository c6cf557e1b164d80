from __future__ import annotations

import subprocess
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from unidiff.patch import PatchSet

from reviewbot.core.change.diff import Diff, FilePatch, FileStatus, LineKind, Side
from reviewbot.core.change.patch import parse_diff, parse_fragment, render_diff
from reviewbot.errors import CombinedDiffError, DiffError

GIT = ["git", "-c", "core.autocrlf=false", "-c", "core.symlinks=true", "-c", "user.name=t", "-c", "user.email=t@t"]
MODIFIED = b"diff --git a/x b/x\nindex 1111111..2222222 100644\n--- a/x\n+++ b/x\n"


def one(text: bytes) -> FilePatch:
    """The only file of a text that also reads back as the same bytes."""
    diff = parse_diff(text)
    assert render_diff(diff) == text
    assert len(diff.files) == 1
    return diff.files[0]


def shape(file: FilePatch) -> list[tuple[str, int | None, int | None, str]]:
    return [(line.kind.value, line.old, line.new, line.text) for hunk in file.hunks for line in hunk.lines()]


@pytest.mark.parametrize("text", [b"", b"\n", b"  \n\r\n"])
def test_nothing_is_an_empty_diff(text: bytes) -> None:
    diff = parse_diff(text)
    assert diff.files == ()
    assert diff.problems == ()
    assert render_diff(diff) == text


@pytest.mark.parametrize("text", [b"hello\n", b"@@ -1 +1 @@\n-a\n+b\n", b"\xff\xfe\x00"])
def test_text_that_is_no_diff_is_refused(text: bytes) -> None:
    with pytest.raises(DiffError) as caught:
        parse_diff(text)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        b"diff --cc x\nindex 1,2..3\n--- a/x\n+++ b/x\n@@@ -1,1 -1,1 +1,1 @@@\n- a\n -b\n++c\n",
        b"diff --combined x\n",
        MODIFIED + b"@@@ -1,1 -1,1 +1,1 @@@\n++c\n",
    ],
)
def test_combined_diffs_are_refused_with_a_remedy(text: bytes) -> None:
    with pytest.raises(CombinedDiffError, match="git diff") as caught:
        parse_diff(text)
    assert "--first-parent" in caught.value.remedy


def test_lines_are_numbered_on_both_sides() -> None:
    file = one(MODIFIED + b"@@ -3,3 +3,4 @@ def f():\n a\n-b\n+B\n+C\n d\n")
    assert shape(file) == [
        (" ", 3, 3, "a"),
        ("-", 4, None, "b"),
        ("+", None, 4, "B"),
        ("+", None, 5, "C"),
        (" ", 5, 6, "d"),
    ]
    hunk = file.hunks[0]
    assert hunk.section == "def f():"
    assert hunk.marks() == b" -++ "
    assert hunk.changed_runs() == ((Side.LEFT, 4, 4), (Side.RIGHT, 4, 5))
    assert (hunk.shown(Side.LEFT), hunk.shown(Side.RIGHT)) == (range(3, 6), range(3, 7))
    assert (file.added, file.removed, file.old_mode, file.new_mode) == (2, 1, "100644", "100644")


def test_content_that_looks_like_a_diff_is_content() -> None:
    body = b"--- a/y\n+++ b/y\n+diff --git a/z b/z\n+@@ -1 +1 @@\n"
    file = one(MODIFIED + b"@@ -1 +1,3 @@\n" + body)
    assert [text for *_, text in shape(file)] == ["-- a/y", "++ b/y", "diff --git a/z b/z", "@@ -1 +1 @@"]
    assert not file.problems


def test_missing_newlines_crlf_and_blanks_that_were_stripped() -> None:
    file = one(
        MODIFIED + b"@@ -1,4 +1,4 @@\n a\r\n\n\r\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"
    )
    assert [text for *_, text in shape(file)] == ["a\r", "", "\r", "b", "c"]
    assert file.hunks[0].marks() == b"   -+"
    assert [line.newline for line in file.hunks[0].lines()] == [True, True, True, False, False]
    assert not file.problems


def test_lines_end_at_line_feeds_only() -> None:
    file = one(MODIFIED + "@@ -1 +1 @@\n-a\u2028b\x0cc\x85\rd\n+e\n".encode())
    assert [text for *_, text in shape(file)] == ["a\u2028b\x0cc\x85\rd", "e"]


def test_empty_sides_and_omitted_counts() -> None:
    file = one(b"diff --git a/x b/x\nnew file mode 100755\nindex 000..111\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n")
    assert (file.status, file.old_mode, file.new_mode) == (FileStatus.ADDED, None, "100755")
    assert list(file.hunks[0].shown(Side.LEFT)) == []
    assert shape(file) == [("+", None, 1, "a")]


HEADERS: list[tuple[bytes, dict[str, object]]] = [
    (
        b"diff --git a/a b.txt b/c d.txt\nsimilarity index 100%\nrename from a b.txt\nrename to c d.txt\n",
        {"path": "c d.txt", "old_path": "a b.txt", "status": FileStatus.RENAMED, "similarity": 100},
    ),
    (
        b"diff --git a/x b/y\nsimilarity index 90%\ncopy from x\ncopy to y\nindex 1..2 100644\n",
        {"path": "y", "old_path": "x", "status": FileStatus.COPIED, "similarity": 90, "new_mode": "100644"},
    ),
    (
        b"diff --git a/run me b/run me\nold mode 100644\nnew mode 100755\n",
        {"path": "run me", "status": FileStatus.CHANGED, "old_mode": "100644", "new_mode": "100755"},
    ),
    (
        b"diff --git a/x b/x\nold mode 100644\nnew mode 100755\nindex 1..2\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        {"status": FileStatus.MODIFIED, "old_mode": "100644", "new_mode": "100755", "added": 1},
    ),
    (
        b"diff --git a/e b/e\ndeleted file mode 100644\nindex e69de29..0000000\n",
        {"path": "e", "status": FileStatus.REMOVED, "old_mode": "100644", "new_mode": None},
    ),
    (
        b"diff --git a/i.png b/i.png\nindex 1..2 100644\nBinary files a/i.png and b/i.png differ\n",
        {"path": "i.png", "binary": True, "status": FileStatus.MODIFIED},
    ),
    (
        b"diff --git a/i b/i\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmZQzfB*mh\n\ndelta 2\nJcmWFu0ss&I\n\n",
        {"path": "i", "binary": True, "hunks": ()},
    ),
    (
        b"diff --git a/sub b/sub\nindex 1111111..2222222 160000\n--- a/sub\n+++ b/sub\n@@ -1 +1 @@\n"
        b"-Subproject commit 1111111\n+Subproject commit 2222222\n",
        {"path": "sub", "submodule": True},
    ),
    (
        b"diff --git a/l b/l\nnew file mode 120000\nindex 0..1\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+t\n"
        b"\\ No newline at end of file\n",
        {"path": "l", "symlink": True, "submodule": False, "status": FileStatus.ADDED},
    ),
    (
        b'diff --git "a/\\303\\244\\t\\"\\\\.py" "b/\\303\\244\\t\\"\\\\.py"\nnew file mode 100644\nindex 0..e69de29\n',
        {"path": 'ä\t"\\.py'},
    ),
    ("diff --git a/ä ö.py b/ä ö.py\nold mode 100644\nnew mode 100755\n".encode(), {"path": "ä ö.py"}),
    (b"diff --git a/\xff b/\xff\nold mode 100644\nnew mode 100755\n", {"path": "\ufffd"}),
    (b"diff --git a/x b/x b/x b/x\nold mode 100644\nnew mode 100755\n", {"path": "x b/x"}),
    (b"diff --git a/foo a/foo\nold mode 100644\nnew mode 100755\n", {"path": "a/foo"}),
    (b"diff --git old/foo new/foo\nold mode 100644\nnew mode 100755\n", {"path": "foo"}),
    (
        b"diff --git c/src/foo w/src/foo\r\nold mode 100644\r\nnew mode 100755\r\n",
        {"path": "src/foo", "new_mode": "100755"},
    ),
    (
        b"--- a/src/x.py\t2024-01-01\n+++ b/src/x.py\t2024-01-02\n@@ -1 +1 @@\n-a\n+b\n",
        {"path": "src/x.py", "old_path": "src/x.py"},
    ),
    (b"--- x.orig\n+++ x.py\n@@ -1 +1 @@\n-a\n+b\n", {"path": "x.py", "status": FileStatus.MODIFIED}),
    (b"--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", {"path": "x", "status": FileStatus.ADDED}),
    (b"--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n", {"path": "x", "status": FileStatus.REMOVED}),
]


@pytest.mark.parametrize(("text", "expected"), HEADERS, ids=[str(number) for number in range(len(HEADERS))])
def test_headers(text: bytes, expected: dict[str, object]) -> None:
    file = one(text)
    assert {name: getattr(file, name) for name in expected} == expected
    assert file.problems == ()


def test_a_change_of_type_is_one_file() -> None:
    text = (
        b"diff --git a/x b/x\ndeleted file mode 100644\nindex 1..0\n--- a/x\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n"
        b"diff --git a/x b/x\nnew file mode 120000\nindex 0..1\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+t\n"
        b"\\ No newline at end of file\n"
    )
    file = one(text)
    assert (file.status, file.old_mode, file.new_mode) == (FileStatus.CHANGED, "100644", "120000")
    assert (file.added, file.removed, len(file.hunks)) == (1, 2, 2)
    empty = text.replace(b"--- a/x\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n", b"")
    assert len(one(empty).hunks) == 1


def test_one_path_twice_is_a_problem_unless_its_type_changed() -> None:
    diff = parse_diff((MODIFIED + b"@@ -1 +1 @@\n-a\n+b\n") * 2)
    assert len(diff.files) == 2
    assert diff.problems == ("x appears more than once: its line numbers may be wrong",)


def test_a_mail_is_tolerated() -> None:
    mail = b"From 1234 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] x\n\n--- not a header\n---\n x | 2 +-\n\n"
    diff = parse_diff(mail + MODIFIED + b"@@ -1 +1 @@\n-a\n+b\n-- \n2.39.5\n\n" + mail + MODIFIED.replace(b"/x", b"/y"))
    assert [file.problems for file in diff.files] == [(), ()]
    assert [file.path for file in diff.files] == ["x", "y"]
    assert diff.preamble == mail


@pytest.mark.parametrize(
    ("hunk", "texts", "problem"),
    [
        (b"@@ -1,3 +1,3 @@\n a\n-b\n+c\n", ["a", "b", "c"], "counts 3 old and 3 new lines, the text has 2 and 2"),
        (
            b"@@ -1,1 +1,1 @@\n a\n-b\n+c\n d\n",
            ["a", "b", "c", "d"],
            "counts 1 old and 1 new lines, the text has 3 and 3",
        ),
        (b"@@ -1,1 +1,2 @@\n-a\n-b\n-c\n+d\n+e\n", ["a", "b", "c", "d", "e"], "the text has 3 and 2"),
        (b"@@ -1,2 +1,2 @@\n a\nwhat is this\n b\n", ["a"], "unknown text after hunk 1, 2 lines from 'what is this'"),
        (b"@@ -1,9 +1,9 @@\n a\n-b", ["a", "b"], "the text has 2 and 1"),
        (b"@@ -1 +1 @@\n-a\n+b\ncommit 123\n", ["a", "b"], "unknown text after hunk 1, 1 lines"),
        (b"what\n@@ -1 +1 @@\n-a\n+b\n", ["a", "b"], "unknown text in the header"),
    ],
)
def test_faults_are_reported_and_what_is_there_is_kept(hunk: bytes, texts: list[str], problem: str) -> None:
    text = MODIFIED + hunk + (b"" if hunk.endswith(b"b") else b"diff --git a/z b/z\nold mode 100644\nnew mode 100755\n")
    diff = parse_diff(text)
    assert render_diff(diff) == text
    file = diff.files[0]
    assert [line.text for found in file.hunks for line in found.lines()] == texts
    assert problem in " ".join(file.problems)
    lines = [line for found in file.hunks for line in found.lines()]
    assert file.added == sum(line.kind is LineKind.ADDED for line in lines)
    assert file.hunks[0].old_count == sum(line.old is not None for line in file.hunks[0].lines())


def test_a_plain_hunk_cut_short_does_not_eat_the_next_file() -> None:
    text = b"--- a/x\n+++ b/x\n@@ -1,5 +1,5 @@\n a\n-b\n+c\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-d\n+e\n"
    diff = parse_diff(text)
    assert render_diff(diff) == text
    assert [(file.path, file.added, file.removed) for file in diff.files] == [("x", 1, 1), ("y", 1, 1)]
    assert "the text has 2 and 2" in diff.files[0].problems[0]


def test_a_cut_binary_patch_is_reported() -> None:
    file = one(b"diff --git a/i b/i\nindex 1..2\nGIT binary patch\nliteral 3\nKcmZQzfB*mh\n")
    assert file.problems == ("the binary patch is cut short",)


def test_fragments() -> None:
    file = parse_fragment(
        "n.py", "@@ -1,2 +1,2 @@\n ä\n-b\n+c\n\\ No newline at end of file", old_path="o.py", status=FileStatus.RENAMED
    )
    assert (file.path, file.old_path, file.status) == ("n.py", "o.py", FileStatus.RENAMED)
    assert [text for *_, text in shape(file)] == ["ä", "b", "c"]
    assert (file.added, file.removed, file.problems) == (1, 1, ())
    assert parse_fragment("x", "").hunks == ()
    assert parse_fragment("x", "@@ -1 +1 @@\n-\ud800\n+b").problems == ()
    commit = b"Subproject commit 1234567890123456789012345678901234567890"
    assert parse_fragment("s", b"@@ -1 +1 @@\n-" + commit + b"\n+" + commit + b"-dirty").submodule
    assert parse_fragment("s", b"@@ -0,0 +1 @@\n+" + commit, status=FileStatus.ADDED).old_mode is None
    assert "unknown text" in parse_fragment("x", "nothing of the kind").problems[0]
    assert "counts" in parse_fragment("x", "@@ -1,3 +1,3 @@\n a").problems[0]
    with pytest.raises(CombinedDiffError):
        parse_fragment("x", "@@@ -1 -1 +1 @@@\n--a")


WORDS = st.sampled_from(
    ["", "a", "b", "x = 1", "-- a/x", "++ b/x", "@@ -1 +1 @@", "\\ No", "diff --git a/a b/a", " ", "\r", "é\u2028"]
)
TEXTS = st.builds(
    lambda lines, end: "\n".join(lines) + end, st.lists(WORDS, max_size=14), st.sampled_from(["\n", "", "\r\n"])
)
NAMES = st.sampled_from(["a.py", "b c.py", "ü.txt", 'q"uote', "tab\there", "d/e.py", "d/f b/g", "z"])
TREES = st.dictionaries(NAMES, TEXTS | st.just("\0bin"), max_size=5)


def write_tree(root: Path, files: dict[str, str]) -> str:
    """Put files into the index of a repository as they are and give the tree's id: nothing touches a work tree."""
    subprocess.run([*GIT, "read-tree", "--empty"], cwd=root, check=True)
    entries = b""
    for name, text in files.items():
        made = subprocess.run(
            [*GIT, "hash-object", "-w", "--stdin"], cwd=root, input=text.encode(), capture_output=True, check=True
        )
        entries += b"100644 " + made.stdout.strip() + b"\t" + name.encode() + b"\0"
    subprocess.run([*GIT, "update-index", "-z", "--index-info"], cwd=root, input=entries, check=True)
    return subprocess.run([*GIT, "write-tree"], cwd=root, capture_output=True, check=True, text=True).stdout.strip()


def git_diff(root: Path, before: str, after: str, *options: str) -> bytes:
    command = [*GIT, "diff", *options, before, after]
    return subprocess.run(command, cwd=root, capture_output=True, check=True).stdout


def numstat(raw: bytes) -> dict[str, tuple[int, int]]:
    """``git diff --numstat -z`` by new path; binary files count nothing."""
    fields, out = raw.decode().split("\0")[:-1], {}
    while fields:
        added, removed, path = fields.pop(0).split("\t", 2)
        if not path:
            path = fields[1]
            del fields[:2]
        out[path] = (0, 0) if added == "-" else (int(added), int(removed))
    return out


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("patch")
    subprocess.run([*GIT, "init", "-q", str(path)], check=True)
    return path


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(TREES, TREES, st.sampled_from(["-U3", "-U0", "-U1", "--binary", "--no-prefix", "--full-index"]))
def test_agrees_with_git_on_generated_trees(
    repo: Path, before: dict[str, str], after: dict[str, str], option: str
) -> None:
    trees = write_tree(repo, before), write_tree(repo, after)
    raw = git_diff(repo, *trees, "-M", option)
    diff = parse_diff(raw)
    assert render_diff(diff) == raw
    assert {file.path: (file.added, file.removed) for file in diff.files} == numstat(
        git_diff(repo, *trees, "-M", "--numstat", "-z")
    )
    assert not diff.problems
    assert not [problem for file in diff.files for problem in file.problems]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(TEXTS, TEXTS)
def test_agrees_with_unidiff(tmp_path_factory: pytest.TempPathFactory, before: str, after: str) -> None:
    root = tmp_path_factory.getbasetemp()
    (root / "old").write_bytes(before.encode())
    (root / "new").write_bytes(after.encode())
    raw = subprocess.run([*GIT, "diff", "--no-index", "old", "new"], cwd=root, capture_output=True, check=False).stdout
    if not raw:
        assert before == after
        return
    # unidiff cuts lines where str.splitlines() does, so it is given what git counts as lines.
    oracle = PatchSet([line + "\n" for line in raw.decode().split("\n")[:-1]])
    mine = parse_diff(raw).files[0]
    assert render_diff(parse_diff(raw)) == raw
    theirs = [
        (line.line_type, line.source_line_no, line.target_line_no, line.value.removesuffix("\n"))
        for hunk in (oracle[0] if len(oracle) else [])
        for line in hunk
        if line.line_type != "\\"
    ]
    assert [(kind, old, new, text) for kind, old, new, text in shape(mine)] == theirs


SAMPLE = (
    MODIFIED
    + b"@@ -1,3 +1,4 @@ f\n a\n-b\n+c\n+d\n e\n@@ -9 +10 @@\n-x\n\\ No newline at end of file\n+y\n"
    + b"diff --git a/o b/n\nsimilarity index 90%\nrename from o\nrename to n\n--- a/o\n+++ b/n\n@@ -1,2 +1 @@\n a\n-b\n"
    + b"diff --git a/i b/i\nindex 1..2\nGIT binary patch\nliteral 3\nKcmZQzfB*mh\n\n"
    + b"--- p\n+++ p\n@@ -1 +1 @@\n-a\n+b\n"
)
SCRAPS = st.sampled_from(
    [
        b"\n",
        b"@",
        b"-",
        b"+",
        b" ",
        b"\\",
        b"9",
        b",0",
        b"@@ -1,9 +1 @@\n",
        b"--- a/x\n",
        b"+++ b/x\n",
        b"\xff",
        b"diff --git ",
        b"\r",
        b'"',
        b"@@@ -1",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SAMPLE)), st.integers(0, 12), SCRAPS | st.binary(max_size=6)), max_size=5))
@example([(0, len(SAMPLE), b"")])
def test_mutated_diffs_lose_no_byte_and_raise_only_diff_errors(cuts: list[tuple[int, int, bytes]]) -> None:
    text = SAMPLE
    for at, size, scrap in cuts:
        text = text[:at] + scrap + text[at + size :]
    try:
        diff = parse_diff(text)
    except DiffError:
        return
    assert render_diff(diff) == text
    for file in diff.files:
        marks = b"".join(hunk.marks() for hunk in file.hunks)
        assert (file.added, file.removed) == (marks.count(b"+"), marks.count(b"-"))
        for hunk in file.hunks:
            lines = hunk.lines()
            assert hunk.marks().decode() == "".join(line.kind for line in lines)
            assert len(hunk.shown(Side.LEFT)) == sum(line.old is not None for line in lines)
            assert len(hunk.shown(Side.RIGHT)) == sum(line.new is not None for line in lines)


def test_memory_stays_under_six_times_the_text() -> None:
    body = b"".join(
        b"%cline %d of an ordinary diff, forty bytes\n" % (b" +-"[number % 3], number) for number in range(3000)
    )
    text = b"".join(
        b"diff --git a/f%d b/f%d\nindex 1..2 100644\n--- a/f%d\n+++ b/f%d\n@@ -1,2000 +1,2000 @@\n" % ((number,) * 4)
        + body
        for number in range(10)
    )
    tracemalloc.start()
    diff: Diff = parse_diff(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert diff.changed_lines == 20_000
    assert peak + len(text) < 6 * len(text)
