"""A small review with one of everything, and the means to make variants of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reviewbot.core.change.diff import Run, Side
from reviewbot.core.change.increment import FileIncrement, Increment, News, Since
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef
from reviewbot.core.cost import Usage
from reviewbot.core.findings.finding import (
    Finding,
    Location,
    PlacedFinding,
    RejectedFinding,
    RejectReason,
    Severity,
    Step,
)
from reviewbot.core.report.outcome import Coverage, FileCoverage, FileState, ReviewOutcome

# "." stands for the blank that begins a context line which is otherwise empty.
PATCH = b"""diff --git a/shop/cart.py b/shop/cart.py
index 1111111..2222222 100644
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -3,9 +3,12 @@ class Cart:
     def __init__(self, items):
         self.items = items
.
-    def total(self):
-        return sum(item.price for item in self.items)
+    def total(self, discount=0):
+        total = sum(item.price for item in self.items)
+        return total - total * discount / 0
.
     def add(self, item):
-        self.items.append(item)
+        # keep the newest first
+        self.items.insert(0, item)
+        self.count += 1
         return self
diff --git a/shop/db.py b/shop/db.py
index 1111111..2222222 100644
--- a/shop/db.py
+++ b/shop/db.py
@@ -10,5 +10,4 @@ def find(name):
     cursor = connection.cursor()
-    cursor.execute("SELECT * FROM users WHERE name = ?", (name,))
-    row = cursor.fetchone()
+    row = cursor.execute(f"SELECT * FROM users WHERE name = '{name}'").fetchone()
     cursor.close()
     return row
diff --git a/uv.lock b/uv.lock
index 1111111..2222222 100644
--- a/uv.lock
+++ b/uv.lock
@@ -1,2 +1,2 @@
-version = 1
+version = 2
 revision = 3
diff --git a/docs/old name.md b/docs/new name.md
similarity index 90%
rename from docs/old name.md
rename to docs/new name.md
index 1111111..2222222 100644
--- a/docs/old name.md
+++ b/docs/new name.md
@@ -1,2 +1,3 @@
 # The shop
 Sells things.
+Also <b>online</b>.
""".replace(b"\n.\n", b"\n \n")

PULL = PullRequest(
    ref=PullRequestRef("github.com", "acme", "shop", 12),
    title="Discounts, and a faster look-up",
    body="",
    author="jo",
    state="open",
    draft=False,
    base_ref="main",
    base_sha="b" * 40,
    head_ref="discounts",
    head_sha="a" * 40,
    base_repo="acme/shop",
    head_repo="acme/shop",
    changed_files=4,
    additions=10,
    deletions=6,
    commits=2,
    html_url="https://github.com/acme/shop/pull/12",
)


def place(step: Step, path: str, start: int | None, line: int | None, side: Side = Side.RIGHT) -> Location:
    return Location(path, side, start, line, step)


def make_finding(number: int = 1, location: Location | None = None, **changes: Any) -> PlacedFinding:
    """A placed finding; ``changes`` go to the Finding, but ``proved`` and ``note`` to its suggestion."""
    proved, note = changes.pop("proved", None), changes.pop("note", "")
    at = location or place(Step.LINE, "shop/cart.py", None, 8)
    base = Finding(
        path=at.path,
        side=at.side,
        quote="return total - total * discount / 0",
        evidence="`/ 0` divides by zero whatever the discount is.",
        title="Division by zero in `total`",
        body="Every call of `Cart.total` raises `ZeroDivisionError`:\n\n```py\nCart([]).total()\n```",
        category="bug",
        severity=Severity.CRITICAL,
        confidence=0.95,
    )
    return PlacedFinding(replace(base, **changes), at, f"{number:016x}", proved, note)


FINDINGS = (
    make_finding(
        1,
        suggestion="        return total - total * discount / 100\n",
        proved="        return total - total * discount / 100\n",
    ),
    make_finding(
        2,
        place(Step.RANGE, "shop/cart.py", 11, 13),
        title="`count` is never set",
        body="`self.count += 1` reads an attribute that `__init__` does not make.",
        severity=Severity.MAJOR,
        suggestion="self.items.insert(0, item)",
        note="it would drop the last line",
    ),
    make_finding(
        3,
        place(Step.RANGE, "shop/db.py", 11, 12, Side.LEFT),
        title="The parameter that made this query safe is gone",
        body="A name such as `' OR 1=1 --` now reads every user.",
        category="security",
        severity=Severity.CRITICAL,
    ),
    make_finding(
        4, place(Step.FILE, "docs/new name.md", None, None), title="No entry in the index", severity=Severity.NIT
    ),
    make_finding(
        5,
        place(Step.SUMMARY, "shop/other.py", None, None),
        title="Callers still pass no discount",
        severity=Severity.MINOR,
    ),
)

REJECTED = (
    RejectedFinding(make_finding(6, title="Posted before", severity=Severity.MAJOR), RejectReason.ALREADY_POSTED),
    RejectedFinding(make_finding(7, title="A guess"), RejectReason.LOW_CONFIDENCE, "0.20 is below 0.30"),
)

COVERAGE = Coverage(
    (
        FileCoverage("shop/cart.py", FileState.REVIEWED, 9, reviewed_lines=9),
        FileCoverage("shop/db.py", FileState.REVIEWED, 3, reviewed_lines=3),
        FileCoverage("uv.lock", FileState.SKIPPED, 2, skipped_lines=2, reason="lock-file: uv.lock is a lock file"),
        FileCoverage("docs/new name.md", FileState.REVIEWED, 1, reviewed_lines=1),
    )
)

OUTCOME = ReviewOutcome(
    run_id="run-1",
    pull=PULL,
    verdict="findings",
    coverage=COVERAGE,
    diff=parse_diff(PATCH),
    findings=FINDINGS,
    rejected=REJECTED,
    model="gpt-5.1-codex",
    explanation="The discount breaks every total, and the look-up can be made to read any row.",
    usage=Usage(2, 12_345, 1_200, 3_000, 800),
    cost_usd=0.0242,
    api_calls=6,
    notes=("settings come from the base commit",),
    timings=(("collecting", 0.4), ("asking", 12.1)),
)


def since(*, fresh: int = 0, owed: int = 0, **changes: Any) -> Since:
    """What the second of two earlier reviews left to this one, in one file of the sample."""
    runs = [(Run(Side.RIGHT, 1, count),) if count else () for count in (fresh, owed)]
    increment = Increment((FileIncrement("shop/db.py", News.PARTLY, *runs),))
    return replace(Since(increment, "c" * 40, rounds=2, late_findings=1), **changes)


class Reviews:
    """What the tests build with."""

    outcome = OUTCOME
    patch = PATCH
    pull = PULL
    place = staticmethod(place)
    finding = staticmethod(make_finding)
    since = staticmethod(since)

    @staticmethod
    def having(**changes: Any) -> ReviewOutcome:
        """The sample with some of its fields changed."""
        return replace(OUTCOME, **changes)

    @staticmethod
    def clean() -> ReviewOutcome:
        return replace(OUTCOME, verdict="clean", findings=(), rejected=(), explanation="", notes=())

    @staticmethod
    def incomplete() -> ReviewOutcome:
        from reviewbot.core.report.outcome import LineRun

        missed = (LineRun(Side.RIGHT, 6, 8), LineRun(Side.LEFT, 6, 7))
        part = FileCoverage(
            "shop/cart.py", FileState.PARTLY, 9, 4, 0, 0, 5, "the model's answer was cut (max_output_tokens)", missed
        )
        return replace(OUTCOME, verdict="incomplete", coverage=Coverage((part, *COVERAGE.files[1:])))

    @staticmethod
    def later(*, late: bool = False) -> ReviewOutcome:
        """A review after a push: 4 lines are new, 9 were read before; one finding is new, two stand since then."""
        thread = make_finding(
            8,
            place(Step.LINE, "shop/cart.py", None, 12),
            title="Said on its thread",
            **{"quote": "", "evidence": "", "body": "", "category": "", "source": "earlier", "confidence": 0.0},
            severity=Severity.MAJOR,
        )
        first = FileCoverage("shop/cart.py", FileState.REVIEWED, 9, earlier_lines=9)
        return replace(
            OUTCOME,
            findings=(replace(FINDINGS[2], late=late),),
            rejected=(REJECTED[0], RejectedFinding(thread, RejectReason.ALREADY_POSTED, "posted, and open")),
            coverage=Coverage((first, *COVERAGE.files[1:])),
            since=since(fresh=4),
        )


@pytest.fixture
def reviews() -> Reviews:
    return Reviews()
