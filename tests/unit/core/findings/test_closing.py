"""Which threads are looked at, and what a look comes to where the flow's tests do not lead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reviewbot.core.change.diff import Run, Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import ReviewThread, ThreadComment
from reviewbot.core.findings.closing import File, Look, joined, look, open_threads, severity
from reviewbot.core.findings.finding import Severity
from reviewbot.core.findings.memory import Answer, How
from reviewbot.core.findings.sketch import Sketch, digest
from reviewbot.core.findings.whereabouts import Pair, Text

OLD = "def f(a):\n    check(a)\n    return a\n\n\n" + "".join(f"C{n} = {n}\n" for n in range(40))
PATCH = b"""diff --git a/app.py b/app.py
--- a/app.py
+++ b/app.py
@@ -1,3 +1,2 @@
 def f(a):
-    check(a)
     return a
"""
GONE = OLD.replace("    check(a)\n", "")


def thread(body: str = "🟠 **Major: It fails**\n\nWhen a is 0.", **changes: object) -> ReviewThread:
    made = ReviewThread("T1", "app.py", Side.RIGHT, 3, False, False, True, body, ("f1",), comment_id=9)
    return replace(made, **changes)  # type: ignore[arg-type]


def digests(code: str, *symbols: str) -> tuple[tuple[str, str], ...]:
    names = "".join(sorted(digest(name, 6) for name in symbols)) or "0"
    return (("f1", f"1.bug.{digest('app.py', 6)}.{names}.{Sketch.of(code)}"),)


def file(old: str | None, new: str, *fresh: Run, patch: bytes = PATCH) -> File:
    now = Text.of("app.py", new.encode())
    pair = Pair(Text.of("app.py", old.encode()), now) if old is not None else None
    return File(parse_diff(patch).files[0], now, pair, fresh)


def test_open_threads_of_ours_come_most_severe_first() -> None:
    nit, critical = thread("⚪ **Nit: a**", id="T2"), thread("🔴 **Critical: b**", id="T3")
    others = [
        thread(id="T4", ours=False),
        thread(id="T5", resolved=True),
        thread(id="T6", fingerprints=()),
        thread(id="T7", path=""),
        thread(id="T8"),
    ]
    found = open_threads([nit, *others, critical], {"T8": Answer(How.WORDS, "ann")})
    assert [each.id for each in found] == ["T3", "T2"]
    unbound = {"T8": Answer(How.RESOLVED, "jo", binding=False)}
    assert [each.id for each in open_threads([nit, *others, critical], unbound)] == ["T3", "T8", "T2"]


def test_severity_is_read_from_our_comment() -> None:
    assert severity(thread()) is Severity.MAJOR
    assert severity(thread("somebody edited this")) is Severity.MINOR


@pytest.mark.parametrize(
    ("comments", "replies", "is_joined"),
    [
        ((), 0, False),
        ((ThreadComment("bot", True, True, "NONE", "ours"),), 0, False),
        (
            (ThreadComment("bot", True, True, "NONE", "ours"), ThreadComment("x[bot]", True, False, "NONE", "?")),
            1,
            False,
        ),
        ((ThreadComment("bot", True, True, "NONE", "ours"), ThreadComment("jo", False, False, "NONE", "?")), 1, True),
        ((ThreadComment("bot", True, True, "NONE", "ours"), ThreadComment("", False, False, "NONE", "?")), 1, True),
        ((ThreadComment("bot", True, True, "NONE", "ours"),), 3, True),
    ],
)
def test_who_has_joined(comments: tuple[ThreadComment, ...], replies: int, is_joined: bool) -> None:
    assert joined(thread(comments=comments, replies=replies)) is is_joined


def test_a_thread_on_removed_code_is_followed_to_the_place_where_it_was() -> None:
    point = thread(side=Side.LEFT, line=2)
    assert look(point, file(GONE, GONE)).look is Look.SAME
    seen = look(point, file(GONE, GONE.replace("return a", "return checked(a)")))
    assert seen.look is Look.ASK
    assert "    return a\n" in seen.old
    assert "    return checked(a)\n" in seen.new


def test_a_file_comment_without_a_place_is_asked_about_with_what_changed() -> None:
    point = thread(line=None)
    assert look(point, file(OLD, OLD)).look is Look.SAME
    assert look(point, file(OLD, OLD), full=True).look is Look.UNKNOWN
    seen = look(point, file(OLD, OLD.replace("C30 = 30\n", "C30 = 31\n")))
    assert seen.look is Look.ASK
    assert ("C30 = 30" in seen.old, "C30 = 31" in seen.new, "def f" in seen.new) == (True, True, False)


def test_a_change_within_fifteen_lines_counts_and_one_further_off_does_not() -> None:
    point = thread(line=25)
    near, far = OLD.replace("C5 = 5\n", "C5 = 6\n"), OLD.replace("C3 = 3\n", "C3 = 4\n")
    assert OLD.split("\n")[24] == "C19 = 19"
    assert look(point, file(OLD, near)).look is Look.ASK
    assert look(point, file(OLD, far)).look is Look.SAME
    assert look(point, file(OLD, far), full=True).look is Look.ASK


def test_moved_but_unchanged_code_is_the_same() -> None:
    moved = "import os\n\n\n" + OLD
    point = thread(line=None, outdated=True, digests=digests("    return a", "f"))
    padded = "".join(f"P{n} = {n}\n" for n in range(30)) + OLD
    assert look(point, file(padded, "import os\n" + padded)).look is Look.SAME
    assert look(point, file(OLD, moved)).look is Look.ASK  # within fifteen lines


def test_without_the_old_text_new_lines_near_the_place_count() -> None:
    point = thread(digests=digests("    return a", "f"))
    assert look(point, file(None, OLD)).look is Look.SAME
    assert look(point, file(None, OLD, Run(Side.RIGHT, 40, 41))).look is Look.SAME
    assert look(point, file(None, OLD, Run(Side.LEFT, 1, 41))).look is Look.SAME
    assert look(point, file(None, OLD, Run(Side.RIGHT, 2, 2))).look is Look.ASK
    gone = replace(point, line=None, outdated=True)
    assert look(gone, file(None, OLD.replace("return a", "return b"))).look is Look.ASK
    assert look(gone, file(None, OLD)).look is Look.SAME
    assert look(gone, file(None, "X = 1\n")).look is Look.UNKNOWN


def test_a_line_that_the_file_does_not_have_is_no_place() -> None:
    assert look(thread(line=10_000), file(OLD, OLD)).look is Look.SAME


@pytest.mark.parametrize(
    ("block", "is_met"),
    [
        ("```suggestion\n    return a or 1\n```", True),
        ("````suggestion\r\n    return a or 1\r\n````", True),
        ("```suggestion\n    return a or 2\n```", False),
        ("```python\n    return a or 1\n```", False),
        ("```suggestion\n    return a or 1\n", False),
    ],
)
def test_a_committed_suggestion_is_known(block: str, is_met: bool) -> None:
    body = f"🟠 **Major: It fails**\n\n{block}\n\n<sub>bug</sub>"
    point = thread(body, line=None, outdated=True, digests=digests("    return a", "f"))
    seen = look(point, file(OLD, OLD.replace("return a\n", "return a or 1\n")))
    assert seen.look is (Look.MET if is_met else Look.ASK)


def test_a_suggestion_that_changes_nothing_meets_nothing() -> None:
    body = "🟠 **Major: It fails**\n\n```suggestion\n    return a\n```"
    point = thread(body, line=None, outdated=True, digests=digests("    return a", "f"))
    assert look(point, file(OLD, OLD + "\n")).look is Look.SAME
    assert look(point, file(OLD, "# new\n" + OLD)).look is Look.ASK
