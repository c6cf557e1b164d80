"""The one status comment: newest answer first, each once, never too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.marker import answer_marker, answers_of, has_answer, is_status, status_marker
from reviewbot.core.report.status import MOST_ANSWERS, MOST_CHARACTERS, with_answer


def test_the_first_answer() -> None:
    body = with_answer("", "11", "It is paused.\n")
    assert body == f"{status_marker()}\n\n{answer_marker('11')}\nIt is paused."
    assert is_status(body)
    assert has_answer(body, "11")
    assert not has_answer(body, "1")


def test_newest_first_and_no_more_than_there_is_room_for() -> None:
    body = ""
    for number in range(MOST_ANSWERS + 3):
        body = with_answer(body, str(number), f"Answer {number}.\n\n- with a list")
    assert answers_of(body) == tuple(
        (str(number), f"Answer {number}.\n\n- with a list") for number in range(MOST_ANSWERS + 2, 2, -1)
    )


def test_a_second_answer_to_the_same_comment_takes_the_place_of_the_first() -> None:
    body = with_answer(with_answer(with_answer("", "1", "One."), "2", "Two."), "1", "One, better.")
    assert answers_of(body) == (("1", "One, better."), ("2", "Two."))
    assert with_answer(body.replace("\n", "\r\n"), "1", "One, better.").split() == body.split()


def test_a_marker_must_be_one() -> None:
    with pytest.raises(ValueError, match="marker"):
        with_answer("", "1 -->", "x")
    assert not is_status("x <!-- reviewbot:status -->")
    assert answers_of("x\n<!-- reviewbot:answer:a b -->\ny") == ()


TEXTS = st.text("abc \n", max_size=30) | st.integers(1, 70_000).map("x".__mul__)
ANSWERS = st.lists(st.tuples(st.sampled_from("12345678"), TEXTS), min_size=1, max_size=10)


@given(ANSWERS)
def test_what_always_holds(given_answers: list[tuple[str, str]]) -> None:
    body = ""
    for key, text in given_answers:
        body = with_answer(body, key, text)
        assert with_answer(body, key, text) == body
    key, text = given_answers[-1]
    newest, *others = answers_of(body)
    assert newest[0] == key
    assert newest[1] == text.strip() or newest[1].endswith("*… cut.*")
    assert len(body) <= MOST_CHARACTERS
    assert len({key, *(name for name, _ in others)}) == len(others) + 1 <= MOST_ANSWERS
