"""Only what the model plainly calls met counts, whatever else the answer holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.findings.closing_reply import MAX_CHARACTERS, MAX_POINTS, MAX_WHY, parse_closing_reply
from reviewbot.errors import ReplyError

ASKED = (1, 2, 3)


def reply(*points: Any) -> str:
    return json.dumps({"points": points})


def point(number: Any = 1, met: Any = True, why: Any = "b is looked at first") -> dict[str, Any]:
    return {"id": number, "met": met, "why": why}


def test_a_met_point_has_its_reason() -> None:
    text = reply(point(1), point(2, met=False), point(3, why="  two\nlines\x00 "))
    assert parse_closing_reply(text, ASKED) == {1: "b is looked at first", 3: "two lines"}
    assert parse_closing_reply(f"\ufeff```json\n{text}\n```", ASKED) == parse_closing_reply(text, ASKED)


@pytest.mark.parametrize(
    "points",
    [
        [point(4)],
        [point(1), point(1)],
        [point(1), point(1, met=False)],
        [point(1, met="true")],
        [point(1, met=1)],
        [point(True)],
        [point(1.0)],
        [point("1")],
        [point(why="")],
        [point(why=" \u0000")],
        [point(why=None)],
        [point(why=["because"])],
        ["met", None, 7, [point()]],
        [{"id": 1, "met": True}],
        [],
    ],
)
def test_what_is_in_doubt_is_not_met(points: list[Any]) -> None:
    assert parse_closing_reply(reply(*points), ASKED) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "met",
        "[]",
        "null",
        "{}",
        '{"points": {}}',
        '{"points": [{"id": 1, "met": false, "met": true, "why": "x"}]}',
        '{"points": [], "points": [{"id": 1, "met": true, "why": "x"}]}',
        reply(point()) + reply(point()),
        reply(*[point(n) for n in range(MAX_POINTS + 1)]),
        reply(point(why="x" * MAX_CHARACTERS)),
        '{"points": ' + "[" * 100_000,
    ],
)
def test_what_is_no_answer_is_an_error(text: str) -> None:
    with pytest.raises(ReplyError):
        parse_closing_reply(text, ASKED)


def test_a_long_reason_is_cut_and_a_long_number_is_nobody() -> None:
    assert len(parse_closing_reply(reply(point(why="y" * 5_000)), ASKED)[1]) == MAX_WHY
    assert parse_closing_reply('{"points": [{"id": ' + "1" * 9_000 + ', "met": true, "why": "x"}]}', ASKED) == {}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "met", "why", "points"]), inner),
    max_leaves=12,
)
listed = st.lists(
    st.fixed_dictionaries(
        {}, optional={"id": st.integers(0, 5) | values, "met": st.booleans() | values, "why": st.text() | values}
    )
    | values,
    max_size=8,
)


@given(listed)
def test_nothing_is_met_that_was_not_said_once_and_plainly(points: list[Any]) -> None:
    met = parse_closing_reply(reply(*points), ASKED)
    for number, why in met.items():
        mine = [each for each in points if isinstance(each, dict) and each.get("id") == number]
        plain = [each for each in mine if type(each["id"]) is int]
        assert number in ASKED
        assert len(plain) == 1
        assert plain[0]["met"] is True
        assert why
        assert len(why) <= MAX_WHY
        assert why.isprintable() or not why.isascii()


@given(st.text() | values.map(json.dumps) | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        met = parse_closing_reply(text, ASKED)
    except ReplyError:
        return
    assert set(met) <= set(ASKED)
