"""Cookies, form words, the limit of attempts: values in, values out."""

from __future__ import annotations

import pytest

from webhooks.dashboard.attempts import AttemptLimit
from webhooks.dashboard.session import SESSION_SECONDS, Sessions

NOW = 1_795_000_000.0
SESSIONS = Sessions("the-right-token")


def test_the_token_and_only_it_is_known() -> None:
    assert SESSIONS.is_token(b"the-right-token")
    for wrong in (b"", b"the-right-toke", b"the-right-token ", "thé-right-token".encode(), b"\xff\x00", b"x" * 10_000):
        assert not SESSIONS.is_token(wrong)
    assert Sessions("tökén").is_token("tökén".encode())
    assert Sessions("\udcff").is_token("\udcff".encode("utf-8", "surrogatepass"))


def test_a_session_ends_after_twelve_hours() -> None:
    cookie = SESSIONS.begin(NOW, "word")
    assert SESSIONS.end(cookie, NOW) == NOW + SESSION_SECONDS == NOW + 12 * 3_600
    assert SESSIONS.end(cookie, NOW + SESSION_SECONDS - 1) is not None
    assert SESSIONS.end(cookie, NOW + SESSION_SECONDS) is None


def test_a_session_of_the_future_is_none() -> None:
    assert SESSIONS.end(SESSIONS.begin(NOW + 60, "word"), NOW) is None


@pytest.mark.parametrize("cookie", ["", ".", "..", "a.b.c", "9999999999.word.", "é.ü.ö", "\udcff.x.y", "1" * 9_000])
def test_what_we_did_not_sign_is_no_session(cookie: str) -> None:
    assert SESSIONS.end(cookie, NOW) is None


def test_each_change_of_a_cookie_is_seen() -> None:
    cookie = SESSIONS.begin(NOW, "word")
    for place in range(len(cookie)):
        changed = cookie[:place] + ("0" if cookie[place] != "0" else "1") + cookie[place + 1 :]
        assert SESSIONS.end(changed, NOW) is None
    assert SESSIONS.end(f"{cookie}0", NOW) is None


def test_another_token_ends_all_sessions_and_forms() -> None:
    cookie, other = SESSIONS.begin(NOW, "word"), Sessions("the-next-token")
    assert other.end(cookie, NOW) is None
    assert other.form_word(cookie) != SESSIONS.form_word(cookie)


def test_the_word_of_a_form_is_its_sessions_alone() -> None:
    one, two = SESSIONS.begin(NOW, "one"), SESSIONS.begin(NOW, "two")
    assert SESSIONS.is_form_word(one, SESSIONS.form_word(one))
    for wrong in (SESSIONS.form_word(two), "", "é", one, one.rpartition(".")[2]):
        assert not SESSIONS.is_form_word(one, wrong)


def test_attempts_are_limited_and_never_for_long() -> None:
    limit = AttemptLimit(most=3, seconds=60)
    for at in (0, 10, 20):
        assert limit.wait(at) == 0
        limit.failed(at)
    assert limit.wait(20) == 40
    assert limit.wait(59) == 1  # asking did not prolong it
    assert limit.wait(60) == 0
    limit.failed(60)
    assert limit.wait(61) == 9


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    limit = AttemptLimit(most=2, seconds=60)
    limit.failed(1_000_000)
    limit.failed(1_000_000)
    assert limit.wait(500) == 0
