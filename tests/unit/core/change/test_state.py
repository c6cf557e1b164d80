"""The state comes back exactly or not at all, and what does not fit is named more coarsely, never left out."""

from __future__ import annotations

import base64
import json
import random
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.core.change.diff import Run, Side
from reviewbot.core.change.increment import Missed
from reviewbot.core.change.state import (
    MOST_CHARACTERS,
    VERSION,
    Fault,
    ReviewedState,
    StateFault,
    ignorable,
    next_marker,
    read_state,
    state_marker,
)
from reviewbot.core.marker import is_summary, summary_marker
from reviewbot.core.report.sanitizer import code_block, sanitize_inline, sanitize_markdown

HEAD, BASE = "a" * 40, "0123456789abcdef" * 4
STATE = ReviewedState(HEAD, BASE)

SHAS = st.text("0123456789abcdef", min_size=40, max_size=40)
PARTS = st.text(min_size=1, max_size=12).filter(lambda each: each not in (".", "..") and not set("/\0") & set(each))
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
RUNS = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 10**8), st.integers(0, 1000)).map(
        lambda each: Run(each[0], each[1], each[1] + each[2])
    ),
    min_size=1,
    max_size=8,
).map(tuple)
MISSED = st.builds(
    Missed,
    st.dictionaries(PATHS, RUNS, max_size=6),
    st.frozensets(PATHS | PATHS.map(lambda each: f"{each}/"), max_size=6),
    st.booleans(),
)
PATTERNS = st.lists(
    st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=40), max_size=9
)
STATES = st.builds(
    ReviewedState,
    SHAS,
    SHAS,
    MISSED,
    st.booleans(),
    PATTERNS.map(tuple),
    st.integers(0, 999_999),
    st.integers(0, 999_999),
)


def body(marker: str) -> str:
    return f"### Two findings\n\nwords\n\n{summary_marker()}\n\n{marker}"


def marker_of(value: Any, version: int = VERSION, *, raw: bytes | None = None) -> str:
    """A marker with a right checksum, whatever is in it."""
    data = json.dumps(value).encode() if raw is None else raw
    token = base64.urlsafe_b64encode(zlib.compress(data, 9) if raw is None else data).decode().rstrip("=")
    return f"<!-- reviewbot:state:{version}:{zlib.crc32(f'{version}:{token}'.encode()):08x}:{token} -->"


def fault(text: str) -> Fault:
    found = read_state(text)
    assert isinstance(found, StateFault)
    assert found.reason
    assert "\n" not in found.reason
    return found.fault


@settings(max_examples=200)
@given(STATES)
def test_a_state_comes_back(state: ReviewedState) -> None:
    marker = state_marker(state)
    assert len(marker) <= MOST_CHARACTERS
    for text in (marker, body(marker), body(marker).replace("\n", "\r\n") + "\r\n", f"{marker}\nmore"):
        assert read_state(text) == state
    assert is_summary(body(marker))


def large(files: int, runs: int, depth: int = 3) -> Missed:
    chance = random.Random(files)
    lines = {}
    for _ in range(files):
        path = (
            "/".join(f"{chance.randrange(16 ** (at + 1)):x}" for at in range(depth)) + f"/{chance.getrandbits(80):x}.py"
        )
        starts = sorted(chance.sample(range(1, 10**6), runs))
        lines[path] = tuple(Run(chance.choice(list(Side)), at, at + chance.randrange(9)) for at in starts)
    return Missed(lines)


@pytest.mark.parametrize(("files", "runs", "kind"), [(3, 5, "lines"), (3, 2000, "files"), (150, 100, "files"),
                                                     (2000, 3, "folders"), (30_000, 1, "folders")])  # fmt: skip
def test_what_does_not_fit_is_named_more_coarsely(files: int, runs: int, kind: str) -> None:
    missed = large(files, runs)
    marker = state_marker(replace(STATE, missed=missed, ignored=("*.md",), paused=True, rounds=3))
    assert len(marker) <= MOST_CHARACTERS
    found = read_state(body(marker))
    assert isinstance(found, ReviewedState)
    assert (found.paused, found.ignored, found.rounds) == (True, ("*.md",), 3)
    assert (found.missed == missed) == (kind == "lines")
    assert any(name.endswith("/") for name in found.missed.whole) == (kind == "folders")
    for path, lines in missed.lines.items():
        assert found.missed.lines.get(path) == lines or found.missed.names(path)


def test_at_last_everything_is_named() -> None:
    chance = random.Random(1)
    flat = Missed(whole=frozenset(f"{chance.getrandbits(200):x}" for _ in range(3000)))
    found = read_state(state_marker(replace(STATE, missed=flat)))
    assert isinstance(found, ReviewedState)
    assert found.missed == Missed(everything=True)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "a/../b", "a//b", "a\0b", "./a", "\ud800", "x" * 5000])
def test_a_path_that_no_reader_would_take_is_covered_by_more(path: str) -> None:
    for missed in (Missed({path: (Run(Side.LEFT, 1, 2),)}), Missed(whole=frozenset({path}))):
        found = read_state(state_marker(replace(STATE, missed=missed)))
        assert isinstance(found, ReviewedState)
        assert found.missed.names(path)


@pytest.mark.parametrize("sha", ["", "a" * 39, "g" * 40, "A" * 40, "a" * 40 + "\n", "--> x"])
def test_only_commits_can_stand_in_a_marker(sha: str) -> None:
    for state in (ReviewedState(sha, BASE), ReviewedState(HEAD, sha)):
        with pytest.raises(ValueError, match="marker"):
            state_marker(state)


@pytest.mark.parametrize("patterns", [("",), ("x" * 201,), ("a\nb",), ("x" * 100,) * 21, ("x",) * 51])
def test_ignored_patterns_have_limits(patterns: tuple[str, ...]) -> None:
    assert not ignorable(patterns)
    with pytest.raises(ValueError, match="marker"):
        state_marker(replace(STATE, ignored=patterns))


def test_the_most_ignored_patterns_fit_beside_what_was_missed() -> None:
    chance = random.Random(2)
    patterns = tuple("".join(chance.choice("abcdefghijklmnopqrstuvwxyz*/.é") for _ in range(40)) for _ in range(50))
    found = read_state(state_marker(replace(STATE, ignored=patterns, missed=large(2000, 3))))
    assert isinstance(found, ReviewedState)
    assert found.ignored == patterns


# ---- what cannot be read ---------------------------------------------------------------------------------------------

GOOD = {"h": HEAD, "b": BASE}
MARKER = state_marker(replace(STATE, missed=Missed({"a.py": (Run(Side.RIGHT, 1, 9),)})))


def test_no_marker() -> None:
    for text in ("", "words", f"> {MARKER}", f"`{MARKER}`", f"  {MARKER}", body("")):
        assert fault(text) is Fault.NONE


def test_broken_markers() -> None:
    cut = [MARKER[:at] for at in range(len("<!-- reviewbot:state:"), len(MARKER))]
    for text in [*cut, MARKER.replace(" -->", "-->"), f"{MARKER} x", f"{MARKER}\n{MARKER}", MARKER.replace(":", "::")]:
        assert fault(text) is (Fault.NONE if text.startswith("<!-- reviewbot::") else Fault.BROKEN)


@given(st.integers(0, len(MARKER) - 1), st.characters(codec="ascii"))
def test_a_changed_character_is_noticed(at: int, char: str) -> None:
    text = MARKER[:at] + char + MARKER[at + 1 :]
    found = read_state(text)
    assert isinstance(found, StateFault) or text == MARKER


@pytest.mark.parametrize(
    "value",
    [
        None, [], "x", 1, {}, {"h": HEAD}, {**GOOD, "x": 1}, {**GOOD, "h": "a" * 41}, {**GOOD, "h": 1},
        {**GOOD, "m": {"../a": "+1"}}, {**GOOD, "m": {"/a": "+1"}}, {**GOOD, "m": {"a": "1"}}, {**GOOD, "m": {"a": ""}},
        {**GOOD, "m": {"a": "+1-"}}, {**GOOD, "m": {"a": "+9-1"}}, {**GOOD, "m": {"a": "+1111111111"}},
        {**GOOD, "m": {"a": "+1,,+2"}}, {**GOOD, "m": {"": "+1"}}, {**GOOD, "m": ["a"]}, {**GOOD, "w": "a"},
        {**GOOD, "w": ["a/../b"]}, {**GOOD, "w": ["/"]}, {**GOOD, "w": ["a\0"]}, {**GOOD, "a": 1}, {**GOOD, "p": "true"},
        {**GOOD, "r": -1}, {**GOOD, "r": 10**12}, {**GOOD, "r": 1.5}, {**GOOD, "l": True}, {**GOOD, "i": ["x"] * 51},
        {**GOOD, "i": ["a\nb"]}, {**GOOD, "i": ["x" * 201]}, {**GOOD, "m": {"a": "+\u0661"}},
    ],
)  # fmt: skip
def test_right_checksum_wrong_content(value: Any) -> None:
    assert isinstance(read_state(marker_of(GOOD)), ReviewedState)
    assert fault(marker_of(value)) is Fault.BROKEN


def test_bombs_and_other_bytes() -> None:
    deep = zlib.compress(b"[" * 200_000, 9)
    bomb = zlib.compress(b'{"h":"' + b"a" * 5_000_000, 9)
    good = zlib.compress(json.dumps(GOOD).encode())
    number = zlib.compress(b'{"r":' + b"9" * 200_000 + b"}", 9)
    for raw in (deep, bomb, number, good[:-1], good + b"x", b"", b"\0", b"\xff" * 900, zlib.compress(b"\xff\xfe")):
        text = marker_of(None, raw=raw) if raw else "<!-- reviewbot:state:1:00000000: -->"
        assert fault(text) is Fault.BROKEN


@given(st.binary(max_size=200))
def test_any_bytes_are_broken_or_a_state(raw: bytes) -> None:
    for data in (raw, zlib.compress(raw)):
        assert fault(marker_of(None, raw=data or b"\0")) is Fault.BROKEN


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    for given_text in (text, f"<!-- reviewbot:state:{text}", f"<!-- reviewbot:state:{text} -->"):
        assert isinstance(read_state(given_text), StateFault)


def test_an_older_version_without_a_reader_gives_a_full_review() -> None:
    assert fault(marker_of(GOOD, 0)) is Fault.OLDER


@pytest.mark.parametrize("line", [
    "<!-- reviewbot:state:2:00000000:abc -->", "<!-- reviewbot:state:2 anything=else+/ -->".replace("2 ", "2:"),
    f"<!-- reviewbot:state:999999:{'x' * 5000} -->",
])  # fmt: skip
def test_a_newer_version_is_left_alone(line: str) -> None:
    found = read_state(body(line))
    assert isinstance(found, StateFault)
    assert (found.fault, found.marker) == (Fault.NEWER, line)
    assert next_marker(STATE, body(line)) == line
    assert next_marker(STATE, body(next_marker(STATE, body(line)))) == line


def test_any_other_body_gets_our_own_marker() -> None:
    for text in ("", "words", body(MARKER), MARKER[:-9], marker_of(GOOD, 0)):
        assert next_marker(STATE, text) == state_marker(STATE)


@given(st.sampled_from(["", "```\n", "~~~\n", "    ", "- ", "> ", "`", "\\", "```suggestion\n"]), st.text(max_size=5))
def test_nothing_that_passes_the_door_is_a_marker(before: str, after: str) -> None:
    forged = f"{before}{MARKER}\n{MARKER}\n{after}"
    for shown in (sanitize_markdown(forged), sanitize_inline(forged), code_block(forged)):
        assert fault(shown) is Fault.NONE
