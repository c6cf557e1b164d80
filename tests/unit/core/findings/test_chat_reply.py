"""The model's answer to a person: read strictly, bounded, and never taken for a withdrawal that it is not."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.findings.chat_reply import MAX_ANSWER, MAX_REASON, ChatReply, parse_chat_reply
from reviewbot.errors import ReplyError


def read(document: Any, *, of_finding: bool = True) -> ChatReply:
    return parse_chat_reply(json.dumps(document), of_finding=of_finding)


def test_an_answer() -> None:
    assert read({"answer": " So. ", "withdraw": False, "reason": "x"}) == ChatReply("So.")
    assert parse_chat_reply('```json\n{"answer": "So."}\n```', of_finding=False) == ChatReply("So.")


def test_a_withdrawal() -> None:
    reply = read({"answer": "", "withdraw": True, "reason": "It is\nguarded."})
    assert (reply.withdraws, reply.reason) == (True, "It is guarded.")


@pytest.mark.parametrize("withdraw", [False, None, 1, "true", [True]])
def test_only_true_withdraws(withdraw: Any) -> None:
    assert not read({"answer": "a", "withdraw": withdraw, "reason": "r"}).withdraws


@pytest.mark.parametrize("reason", ["", " \n", None, 3])
def test_no_withdrawal_without_a_reason(reason: Any) -> None:
    assert not read({"answer": "a", "withdraw": True, "reason": reason}).withdraws


def test_an_answer_that_is_not_about_a_finding_withdraws_nothing() -> None:
    assert not read({"answer": "a", "withdraw": True, "reason": "r"}, of_finding=False).withdraws


def test_only_a_reply_may_be_silent() -> None:
    assert read({"answer": " "}).answer == ""
    with pytest.raises(ReplyError, match="empty"):
        read({"answer": " "}, of_finding=False)


def test_lengths_and_controls() -> None:
    reply = read({"answer": "\x07" + "a" * 20_000, "withdraw": True, "reason": "b" * 20_000})
    assert (len(reply.answer), len(reply.reason)) == (MAX_ANSWER, MAX_REASON)
    assert reply.answer.startswith("a")


@pytest.mark.parametrize(
    "text",
    ["", "no", "[]", '{"answer": 3}', "{}", '{"answer": "a", "answer": "b"}', "[" * 100_000, '"' + "x" * 300_000 + '"'],
)
def test_what_is_no_answer(text: str) -> None:
    with pytest.raises(ReplyError):
        parse_chat_reply(text, of_finding=True)


@given(
    st.one_of(st.text(max_size=300), st.dictionaries(st.text(max_size=9), st.integers()).map(json.dumps)), st.booleans()
)
def test_any_text_is_an_answer_or_an_error(text: str, of_finding: bool) -> None:
    with contextlib.suppress(ReplyError):
        assert isinstance(parse_chat_reply(text, of_finding=of_finding), ChatReply)
