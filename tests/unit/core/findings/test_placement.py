"""The ladder of placement, rung by rung. The measured promise is in test_placement_quotes.py."""

from __future__ import annotations

import dataclasses

import pytest

from reviewbot.core.change.diff import Diff, Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.findings.finding import Finding, Location, Severity, Step
from reviewbot.core.findings.placement import Placer, place

RIGHT, LEFT = Side.RIGHT, Side.LEFT

DIFF = b"""\
diff --git a/src/shop/cart.py b/src/shop/cart.py
--- a/src/shop/cart.py
+++ b/src/shop/cart.py
@@ -10,8 +10,9 @@ class Cart:
     def total(self):
         amount = 0
         for item in self.items:
-            amount += item.price
+            amount += item.price * item.count
+            self.log("added")
         return amount
\x20
     def clear(self):
         self.items = []
@@ -40,6 +41,8 @@ class Cart:
     def pay(self, card):
         if not card:
             raise ValueError("no card")
+        self.log("added")
+        card.charge(self.total())
         return True
\x20
     def done(self):
diff --git a/lib/old_name.js b/lib/new_name.js
similarity index 90%
rename from lib/old_name.js
rename to lib/new_name.js
--- a/lib/old_name.js
+++ b/lib/new_name.js
@@ -1,5 +1,5 @@
 function send(message) {
-  if (message == null) {
+  if (message === undefined) {
     return false;
   }
   return queue.push(message);
diff --git a/docs/logo.png b/docs/logo.png
index 1111111..2222222 100644
Binary files a/docs/logo.png and b/docs/logo.png differ
diff --git a/gone.py b/gone.py
deleted file mode 100644
--- a/gone.py
+++ /dev/null
@@ -1,2 +0,0 @@
-import os
-print(os.environ["HOME"])
"""
CART = "src/shop/cart.py"
HEAD = (
    b"""\
class Cart:
    def __init__(self):
        self.items = []
        self.paid = False

    @property
    def empty(self):
        return not self.items

    def total(self):
        amount = 0
        for item in self.items:
            amount += item.price * item.count
            self.log("added")
        return amount

    def clear(self):
        self.items = []
"""
    + b"".join(b"    # filler %d\n" % number for number in range(22))
    + b"""\
    def pay(self, card):
        if not card:
            raise ValueError("no card")
        self.log("added")
        card.charge(self.total())
        return True

    def done(self):
        return self.paid
"""
)


@pytest.fixture(scope="module")
def diff() -> Diff:
    return parse_diff(DIFF)


def finding(quote: str, path: str = CART, side: Side = RIGHT) -> Finding:
    return Finding(path, side, quote, "", "A title", "A body", "bug", Severity.MAJOR, 0.9)


def where(location: Location) -> tuple[str, Side, int | None, int | None, Step]:
    return location.path, location.side, location.start_line, location.line, location.step


def line(number: int, side: Side = RIGHT, path: str = CART) -> tuple[str, Side, None, int, Step]:
    return path, side, None, number, Step.LINE


def lines(first: int, last: int, side: Side = RIGHT, path: str = CART) -> tuple[str, Side, int, int, Step]:
    return path, side, first, last, Step.RANGE


CHARGE = "        card.charge(self.total())"


@pytest.mark.parametrize(
    ("quote", "side", "expected", "reason"),
    [
        (CHARGE, RIGHT, line(45), ""),
        ("        amount = 0\n        for item in self.items:", RIGHT, lines(11, 12), ""),
        ("            amount += item.price", LEFT, line(13, LEFT), ""),
        ("            amount += item.price", RIGHT, line(13, LEFT), ""),
        ("            amount += item.price * item.count", LEFT, line(13), ""),
        ("card.charge(self.total())\nreturn True", RIGHT, lines(45, 46), "indentation ignored"),
        ("\tcard.charge( self.total() )\r\n", RIGHT, line(45), "white space ignored"),
        ("raise ValueError(\u201cno card\u201d)", RIGHT, line(43), "look-alike characters folded"),
        ("        return amount\n    def clear(self):", RIGHT, lines(15, 17), "blank lines ignored"),
        ("+        card.charge(self.total())\n         return True", RIGHT, lines(45, 46), ""),
        ("-            amount += item.price\n+            amount += item.price * item.count", RIGHT, line(13), ""),
        ("            amount += item.price\n            amount += item.price * item.count", LEFT, line(13, LEFT), ""),
        ("```python\n" + CHARGE + "\n```", RIGHT, line(45), ""),
        ("@@ -40,6 +41,8 @@ class Cart:\n" + CHARGE, RIGHT, line(45), ""),
        ("    def pay(self, card):\n    ...\n" + CHARGE, RIGHT, lines(41, 45), "elided quote"),
        ("    def pay(self, card):\n    # …\n        return True\n", RIGHT, lines(41, 46), "elided quote"),
        ("        card.charge(...)", RIGHT, line(45), "elided quote"),
        (CHARGE + "\n...", RIGHT, line(45), "elided quote"),
        ("charge(self.total())\n        return True", RIGHT, lines(45, 46), "part of a line quoted"),
        ("amount += item.price * item", RIGHT, line(13), "part of a line quoted"),
        (
            "    def clear(self):\n        self.items = []\n    def pay(self, card):",
            RIGHT,
            line(17),
            "the quote leaves its hunk",
        ),
    ],
)
def test_a_quote_is_found(
    diff: Diff, quote: str, side: Side, expected: tuple[str, Side, int | None, int | None, Step], reason: str
) -> None:
    found = place(finding(quote, side=side), diff)
    assert where(found) == expected
    assert found.reason == reason


@pytest.mark.parametrize(
    ("quote", "reason"),
    [
        ('self.log("added")', "the quote is ambiguous (2 places)"),
        ("", "there is no quote"),
        ("\n \n```\n```", "the quote is not in this file's diff"),
        ("card.charge(self.amount())", "the quote is not in this file's diff"),
        ("        card.charge(self.total())\n        return False", "the quote is not in this file's diff"),
        ("    def pay(self, card):\n...\n        return False", "the quote is not in this file's diff"),
        ("harge(self.total())\n        return True", "the quote is not in this file's diff"),
        ("...", "the quote is not in this file's diff"),
        ("self", "the quote is not in this file's diff"),
        ("    def total(self):\n...\n        card.charge(self.total())", "the quote is not in this file's diff"),
        ("\0", "there is no quote"),
        ("a\n\0\nb", "the quote is not in this file's diff"),
    ],
)
def test_what_is_not_sure_becomes_a_file_comment(diff: Diff, quote: str, reason: str) -> None:
    found = place(finding(quote), diff)
    assert where(found) == (CART, RIGHT, None, None, Step.FILE)
    assert found.reason == reason


@pytest.mark.parametrize(
    "path",
    [
        "a/src/shop/cart.py",
        "b/src/shop/cart.py",
        "./src/shop/cart.py",
        "/src/shop/cart.py",
        "src\\shop\\cart.py",
        "`src/shop/cart.py`",
        "shop/cart.py",
        "cart.py",
        "repo/src/shop/cart.py",
        "src/shop/cart.py (modified)",
    ],
)
def test_a_path_in_another_form_is_resolved(diff: Diff, path: str) -> None:
    found = place(finding(CHARGE, path), diff)
    assert where(found) == line(45)
    assert found.reason == f"the path was given as {path!r}"


@pytest.mark.parametrize(
    "path", ["lib/new_name.js", "lib/old_name.js", "lib/new_name.js (renamed from lib/old_name.js)"]
)
def test_a_renamed_file_is_known_by_both_names(diff: Diff, path: str) -> None:
    found = place(finding("  if (message === undefined) {", path), diff)
    assert where(found) == line(2, path="lib/new_name.js")


def test_a_file_without_lines_takes_a_file_comment(diff: Diff) -> None:
    assert place(finding("anything", "docs/logo.png"), diff).step is Step.FILE


def test_a_removed_file_is_commented_on_its_old_side(diff: Diff) -> None:
    assert where(place(finding('print(os.environ["HOME"])', "gone.py"), diff)) == line(2, LEFT, "gone.py")


def test_a_telling_quote_finds_its_file(diff: Diff) -> None:
    found = place(finding("  return queue.push(message);", "src/unheard_of.js"), diff)
    assert where(found) == line(5, path="lib/new_name.js")
    assert "src/unheard_of.js" in found.reason


@pytest.mark.parametrize("quote", ["  }", "return False", "self.log('never')", ""])
def test_an_unknown_file_goes_to_the_summary(diff: Diff, quote: str) -> None:
    found = place(finding(quote, "src/unheard_of.js"), diff)
    assert where(found) == ("src/unheard_of.js", RIGHT, None, None, Step.SUMMARY)
    assert found.reason == "the file is not part of the diff"


def test_a_quote_from_another_file_is_believed_only_if_the_named_file_surely_lacks_it(diff: Diff) -> None:
    astray = finding("  return queue.push(message);")
    assert where(place(astray, diff)) == (CART, RIGHT, None, None, Step.FILE)
    assert where(place(astray, diff, {CART: HEAD})) == line(5, path="lib/new_name.js")


def test_a_like_ending_of_the_path_is_not_enough_without_the_quote(diff: Diff) -> None:
    assert place(finding("return nothing_like_it", "other/src/shop/cart.py"), diff).step is Step.SUMMARY


@pytest.mark.parametrize(
    ("quote", "expected", "reason"),
    [
        ("        return not self.items", (CART, RIGHT, None, None, Step.FILE), "the quoted lines (8-8) are outside"),
        ("        self.paid = False\n\n    @property", (CART, RIGHT, None, None, Step.FILE), "(4-6) are outside"),
        ("        return not self.items\n\n    def total(self):", line(10), "only a part of the quote"),
        ("    # filler 21\n    def pay(self, card):\n        if not card:", line(41), "only a part of the quote"),
        ("        self.items = []", (CART, RIGHT, None, None, Step.FILE), "ambiguous (2 places)"),
        ("return self.items", (CART, RIGHT, None, None, Step.FILE), "not in this file's diff"),
        (CHARGE, line(45), ""),
        ('            self.log("added")', line(14), ""),
        ('self.log("added")', (CART, RIGHT, None, None, Step.FILE), "ambiguous (2 places)"),
    ],
)
def test_the_head_file_tells_what_is_outside_the_diff(
    diff: Diff, quote: str, expected: tuple[str, Side, int | None, int | None, Step], reason: str
) -> None:
    found = place(finding(quote), diff, {CART: HEAD})
    assert where(found) == expected
    assert reason in found.reason


def test_a_quote_that_is_new_here_with_one_depth_and_old_with_another_is_not_decided() -> None:
    text = b"--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,3 @@\n-x = read(path)\n+if path:\n+    x = read(path)\n y = 1\n"
    found = place(finding("x = read(path)", "a.py"), parse_diff(b"diff --git a/a.py b/a.py\n" + text))
    assert (found.step, found.reason) == (Step.FILE, "the quote fits both sides of the diff")


def _added(count: int, path: str = "long.py") -> Diff:
    body = b"".join(b"+value_%d = %d\n" % (number, number) for number in range(1, count + 1))
    header = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{count} @@\n"
    return parse_diff(header.encode() + body)


def test_a_long_range_becomes_its_first_changed_line() -> None:
    rows = [f"value_{number} = {number}" for number in range(1, 60)]
    assert where(place(finding("\n".join(rows[3:43]), "long.py"), _added(59))) == lines(4, 43, path="long.py")
    found = place(finding("\n".join(rows[3:44]), "long.py"), _added(59))
    assert where(found) == line(4, path="long.py")
    assert found.reason == "the quote is longer than 40 lines"


def test_among_several_places_the_only_changed_one_is_meant() -> None:
    text = b" a = 1\n+a = 1\n b = 2\n a = 1\n"
    diff = parse_diff(b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,3 +1,4 @@\n" + text)
    assert where(place(finding("a = 1", "a"), diff)) == line(2, path="a")


def test_bytes_that_are_not_utf8_and_odd_separators_do_no_harm() -> None:
    text = b"+name = '\xff\xe9'\n+form\x0cfeed = 1\n+sep\xe2\x80\xa8arator = 2\n"
    diff = parse_diff(b"diff --git a/a b/a\nnew file mode 100644\n--- /dev/null\n+++ b/a\n@@ -0,0 +1,3 @@\n" + text)
    placer = Placer(diff, {"a": b"name = '\xff\xe9'\n"})
    assert where(placer.place(finding("sep\u2028arator = 2", "a"))) == line(3, path="a")
    assert where(placer.place(finding("form\x0cfeed = 1", "a"))) == line(2, path="a")
    assert where(placer.place(finding("name = '\ufffd\ufffd'", "a"))) == line(1, path="a")


def test_the_code_of_a_place() -> None:
    placer = Placer(parse_diff(DIFF))
    assert placer.code(Location(CART, RIGHT, 44, 45, Step.RANGE)) == f'        self.log("added")\n{CHARGE}'
    assert placer.code(Location(CART, LEFT, None, 13, Step.LINE)) == "            amount += item.price"
    assert placer.code(Location(CART, RIGHT, None, None, Step.FILE)) == ""
    assert placer.code(Location("none", RIGHT, None, 3, Step.LINE)) == ""


@pytest.mark.parametrize(
    "quote",
    [
        "}\n...\n}",
        "x\n" * 60,
        "(" * 5_000,
        "a...b...c...d" * 50,
        "\n".join(["...", "foo(...)", "..."] * 20),
        ".*" * 900,
    ],
)
def test_hostile_quotes_are_answered_soon(quote: str) -> None:
    body = b"".join(b"+}\n" if number % 3 else b"+x\n" for number in range(6_000))
    header = b"diff --git a/a b/a\nnew file mode 100644\n--- /dev/null\n+++ b/a\n@@ -0,0 +1,6000 @@\n"
    assert place(finding(quote, "a"), parse_diff(header + body)).line is None


def test_every_finding_gets_a_place_in_the_order_of_the_ladder(diff: Diff) -> None:
    placer = Placer(diff)
    found = placer.place(finding(CHARGE))
    assert placer.place(dataclasses.replace(finding(CHARGE), title="Another")) == found
