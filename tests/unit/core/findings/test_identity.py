"""Places, words and sketches: the parts of a finding's identity, each with its table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.change.diff import Side
from reviewbot.core.change.pull_request import ReviewThread
from reviewbot.core.findings.finding import Finding, Location, PlacedFinding, Severity, Step, fingerprint
from reviewbot.core.findings.identity import (
    NO_RENAMES,
    Place,
    Point,
    Renames,
    claims,
    code_digest,
    place_of,
    point_of,
    points_of,
    repeats,
)
from reviewbot.core.findings.sketch import Sketch
from reviewbot.core.findings.wording import contradict, likeness, wording
from reviewbot.core.marker import digest_marker, finding_marker, read_digests, read_entries, read_findings
from reviewbot.core.report.rendering import comment_body

CODE = 'handle = open(path, "w")'
OTHER_CODE = "return len(orders) - removed"


def placed(title: str = "File is never closed", body: str = "", **at: Any) -> PlacedFinding:
    path, code, line = str(at.get("path", "a.py")), str(at.get("code", CODE)), at.get("line", 5)
    symbol = str(at.get("symbol", "export"))
    finding = Finding(
        path, Side.RIGHT, code, "", title, body, "bug", Severity.MAJOR, 0.9, chunk=int(str(at.get("chunk", 0)))
    )
    where = Location(path, Side.RIGHT, None, line if isinstance(line, int) else None, Step.LINE if line else Step.FILE)
    mark = fingerprint(path, symbol, code, "bug")
    return PlacedFinding(finding, where, mark, code=code, symbols=(symbol,) if symbol else ())


def posted(finding: PlacedFinding, line: int | None = None) -> Point:
    """What is read again of the comment on a finding; GitHub calls it outdated unless a line is given."""
    marks = f"{digest_marker(finding.fingerprint, code_digest(finding))}\n{finding_marker(finding.fingerprint)}"
    body = f"{comment_body(finding)}\n\n{marks}"
    thread = ReviewThread("T", finding.location.path, Side.RIGHT, line, False, line is None, True, body)
    (point,) = points_of(replace(thread, fingerprints=read_findings(body), digests=read_digests(body)))
    return point


def test_a_comment_says_what_its_finding_said() -> None:
    finding = placed("`x_y` may be <None> & *bold* @me #5", 'Call `f(x)` & "g".\n\nIt is not safe.')
    point, new = posted(finding, 5), point_of(finding)
    assert (point.title, point.code, point.symbols, point.category) == (
        new.title,
        new.code,
        new.symbols,
        new.category,
    )
    assert point.said is not None
    assert new.said is not None
    assert likeness(point.said, new.said) > 0.9


@pytest.mark.parametrize(
    ("new", "old", "place"),
    [
        (placed(), posted(placed()), Place.CODE),
        (placed(line=50), posted(placed(), None), Place.CODE),
        (placed(code=f"if path:\n    {CODE}\n    return handle.write(data)"), posted(placed()), Place.PART),
        (placed(code=OTHER_CODE), posted(placed(), 7), Place.NEAR),
        (placed(code=OTHER_CODE), posted(placed(), 50), Place.SYMBOL),
        (placed(code=OTHER_CODE, symbol=""), posted(placed(), 50), Place.NONE),
        (placed(symbol="other"), posted(placed()), Place.NONE),
        (placed(symbol="renamed"), posted(placed(), 5), Place.CODE),
        (placed(symbol="other"), posted(placed(), 50), Place.NONE),
        (placed(path="b.py"), posted(placed()), Place.NONE),
        (placed(path="new.py"), posted(placed(path="old.py")), Place.CODE),
        (placed(path="new.py"), posted(placed(path="older.py")), Place.CODE),
        (placed(path="moved.py"), posted(placed(path="gone.py")), Place.CODE),
        (placed(path="moved.py", code="x"), posted(placed(path="gone.py", code="x")), Place.NONE),
        (placed(code="gone()", line=None, symbol=""), posted(placed(symbol="")), Place.FILE),
    ],
)
def test_places(new: PlacedFinding, old: Point, place: Place) -> None:
    renames = Renames({"old.py": "new.py", "older.py": "old.py"}, frozenset({"a.py", "b.py", "new.py", "moved.py"}))
    assert place_of(point_of(new), old, renames) is place


def test_renames_in_a_circle_end() -> None:
    assert Renames({"a": "b", "b": "a"}).today("a") in ("a", "b")


def test_what_stands_in_the_body_of_a_review_is_known_by_the_hash_of_its_path() -> None:
    finding = placed(path="old.py", line=None)
    marks = f"{digest_marker(finding.fingerprint, code_digest(finding))}\n{finding_marker(finding.fingerprint)}"
    body = f"Two findings.\n\n---\n\n{comment_body(finding)}\n\n{marks}\n\n---\n\nmore"
    ((mark, text),) = read_entries(body)
    told = ReviewThread("", "", Side.RIGHT, None, False, False, True, text, (mark,), digests=read_digests(body))
    again = point_of(placed("The file is never closed", path="new.py", line=None))
    assert claims([again], points_of(told), Renames({"old.py": "new.py"}))[0].place is Place.CODE
    assert not claims([again], points_of(told), NO_RENAMES)


def test_one_that_stands_is_claimed_by_the_likest() -> None:
    old = [posted(placed("File is never closed", "The handle leaks."), 5)]
    leak = point_of(placed("Handle is not closed", "It leaks the file."))
    encoding = point_of(placed("No encoding is given", "Text differs between platforms."))
    assert claims([encoding, leak], old, NO_RENAMES).keys() == {1}
    alone = claims([encoding], old, NO_RENAMES)[0]
    assert not alone.sure
    assert "not sure" in alone.detail
    assert not claims([encoding], old, NO_RENAMES, answered={0})


def test_the_same_in_another_chunk_is_a_repeat_and_two_of_one_answer_are_two() -> None:
    first = point_of(placed("File is never closed", "The handle leaks when writing fails."))
    other = placed("Use a context manager", "Otherwise the handle stays open when an error comes.", chunk=1)
    assert repeats(point_of(other), first)
    assert not repeats(point_of(replace(other, finding=replace(other.finding, chunk=0))), first)
    assert not repeats(point_of(placed("File is never closed", line=30, code=CODE)), first)


@pytest.mark.parametrize(
    ("one", "other", "contrary"),
    [
        ("Timeout of 30 seconds is too short", "Timeout of 60 seconds is too short", True),
        ("The first item is dropped", "The last item is dropped", True),
        ("`row` may be None", "`cursor` may be None", True),
        ("Result is cached", "Result is not cached", True),
        ("Result is not cached", "Result is never cached", False),
        ("File handle is never closed", "`export` leaks the open file", False),
        ("Missing check for None", "No guard against None", False),
    ],
)
def test_titles_that_contradict_each_other(one: str, other: str, *, contrary: bool) -> None:
    assert contradict(wording(one, ""), wording(other, "")) is contrary


words = st.text(st.sampled_from("abc not 0 `_.é\u200b\n?!"), max_size=60)


@given(words, words, words, words)
def test_likeness_is_even_handed(a: str, b: str, c: str, d: str) -> None:
    one, other = wording(a, b), wording(c, d)
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, other) == pytest.approx(likeness(other, one))
    assert contradict(one, other) == contradict(other, one)
    assert not one.weight or likeness(one, one) == pytest.approx(1)


@given(st.lists(st.sampled_from(["a = b", "f(x, y)", "return a[0]", "", "}", "ü = 'é'", "q\u200b(z)"]), max_size=60))
def test_a_sketch_knows_its_code_again(lines: list[str]) -> None:
    code = "\n".join(lines)
    sketch = Sketch.of(code)
    assert Sketch.read(str(sketch)) == sketch
    assert len(str(sketch)) <= 210
    indented = "\n".join(f"    {line}" for line in lines)
    assert Sketch.of(indented) == sketch
    if sketch.length:
        assert sketch.stands_in(f"before\n{indented}\nafter")
        assert not sketch.stands_in("before")


@pytest.mark.parametrize("text", ["", "x", "1", "1.2.3", "9999999.00000000.", "3.0000000g.", "3.00000000.12345"])
def test_a_broken_sketch_is_an_empty_one(text: str) -> None:
    assert Sketch.read(text) == Sketch()


def test_long_quotes_share_what_their_sketches_share() -> None:
    lines = [f"value_{n} = compute_{n % 7}(left_{n}, right_{n})" for n in range(40)]
    whole, part = Sketch.of("\n".join(lines)), Sketch.of("\n".join(lines[10:30]))
    other = Sketch.of("\n".join(line.replace("_", "") for line in lines))
    assert whole.shared(part) > 0.9
    assert whole.shared(other) < 0.3
