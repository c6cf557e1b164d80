"""Which error a status, a body or a finished answer is, and what is done about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot import errors
from reviewbot.core.cost import Usage
from reviewbot.model.verdict import Fault, HttpRefusal, RetryPolicy, answer_fault, http_fault, wait_asked
from reviewbot.model.wire import Response

NOW = 1_800_000_000.0
ENDING = "It was shut down; use the successor."


def fault(status: int, body: Any = b"", headers: dict[str, str] | None = None, model: str = "gpt-5.1-codex") -> Fault:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return http_fault(HttpRefusal(status, headers or {}, raw), model=model, ending=ENDING, now=NOW)


def error(code: str | None = None, message: str = "words", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


@pytest.mark.parametrize(
    ("status", "body", "expected", "retried"),
    [
        (400, error("invalid_value"), errors.ModelRejected, False),
        (422, error(), errors.ModelRejected, False),
        (400, error("context_length_exceeded"), errors.ContextLengthExceeded, False),
        (400, error("string_above_max_length", param="input"), errors.ContextLengthExceeded, False),
        (400, error(None, "Your input exceeds the context window of this model."), errors.ContextLengthExceeded, False),
        (400, error(None, "This model's maximum context length is 9 tokens."), errors.ContextLengthExceeded, False),
        (413, b"<html>too large</html>", errors.ContextLengthExceeded, False),
        # words of the diff that a provider quotes decide nothing
        (400, error(None, "Invalid input: 'prompt is too long'"), errors.ModelRejected, False),
        (400, error("invalid_json", "Prompt is too long"), errors.ModelRejected, False),
        (401, error("invalid_api_key"), errors.ModelUnauthorized, False),
        (403, error("unsupported_country"), errors.ModelUnauthorized, False),
        (403, error("model_not_found"), errors.ModelNotFound, False),
        (400, error("model_not_found"), errors.ModelNotFound, False),
        (400, error(None, "nope", param="model"), errors.ModelNotFound, False),
        (400, {"message": "Invalid", "meta": [{"path": ["model"], "code": "invalid"}]}, errors.ModelNotFound, False),
        (404, b"", errors.ModelNotFound, False),
        (404, error("DeploymentNotFound"), errors.ModelNotFound, False),
        (410, error(), errors.ModelNotFound, False),
        (402, b"", errors.ModelQuotaExceeded, False),
        (429, error("insufficient_quota"), errors.ModelQuotaExceeded, False),
        (429, error(None, type="insufficient_quota"), errors.ModelQuotaExceeded, False),
        (429, error("rate_limit_exceeded"), errors.ModelRateLimited, True),
        (429, error("slow_down"), errors.ModelRateLimited, True),
        (429, b"", errors.ModelRateLimited, True),
        (408, b"", errors.ModelUnreachable, True),
        (409, b"", errors.ModelUnreachable, True),
        (500, error("server_error"), errors.ModelUnreachable, True),
        (502, b"<html>bad gateway</html>", errors.ModelUnreachable, True),
        (503, b"", errors.ModelUnreachable, True),
        (301, b"", errors.ModelRejected, False),
        (307, b"", errors.ModelRejected, False),
    ],
)
def test_status_and_code_decide(status: int, body: Any, expected: type[errors.ModelError], retried: bool) -> None:
    found = fault(status, body)
    assert type(found.error) is expected
    assert found.retry is retried


def test_a_missing_model_says_what_to_do_and_a_missing_answer_is_not_a_missing_model() -> None:
    assert fault(404).error.remedy == ENDING
    assert type(fault(404, model="").error) is errors.ModelRejected


def test_a_refused_key_repeats_none_of_the_providers_words() -> None:
    assert "sk-" not in str(fault(401, error("invalid_api_key", "Incorrect API key provided: sk-abc***xyz")).error)


@pytest.mark.parametrize(
    ("status", "code", "said", "retried"),
    [
        (400, "x", "true", True),
        (500, None, "false", False),
        (429, None, "FALSE", False),
        (500, None, "perhaps", True),
        (429, "insufficient_quota", "true", False),
    ],
)
def test_x_should_retry_is_respected_but_no_credit_stays_no_credit(
    status: int, code: str | None, said: str, retried: bool
) -> None:
    assert fault(status, error(code), {"x-should-retry": said}).retry is retried


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": formatdate(NOW + 90, usegmt=True)}, 90.0),
        ({"retry-after": formatdate(NOW - 90, usegmt=True)}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "later"}, None),
        ({}, None),
        ({"x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset-tokens": "120ms"}, 0.12),
        ({"x-ratelimit-reset-tokens": "12"}, 12.0),
        ({"x-ratelimit-reset-tokens": "12 parsecs"}, None),
        (
            {
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "9s",
                "x-ratelimit-remaining-tokens": "500",
            },
            1.0,
        ),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "9s"}, 9.0),
        ({"retry-after": "3", "x-ratelimit-reset-tokens": "9s"}, 3.0),
    ],
)
def test_the_wait_that_headers_ask_for(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_asked(headers, NOW, limited=True) == (None if seconds is None else pytest.approx(seconds))


def test_limits_that_every_answer_states_do_not_slow_down_a_server_error() -> None:
    assert wait_asked({"x-ratelimit-reset-tokens": "6m0s"}, NOW, limited=False) is None
    assert wait_asked({"retry-after": "2"}, NOW, limited=False) == 2.0


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset-tokens"]), st.text()))
def test_no_header_is_too_odd(headers: dict[str, str]) -> None:
    wait = wait_asked(headers, NOW, limited=True)
    assert wait is None or wait > 0


@given(st.integers(300, 599), st.binary(max_size=200))
def test_no_body_is_too_odd(status: int, body: bytes) -> None:
    assert isinstance(fault(status, body).error, errors.ModelError)


def limited(wait: float | None) -> Fault:
    return Fault(errors.ModelRateLimited("limited"), retry=True, wait=wait)


def test_pauses_grow_to_a_ceiling_and_are_spread() -> None:
    policy = RetryPolicy(attempts=9)
    pauses = [policy.decide(limited(None), number, 0.0, 1.0) for number in range(1, 8)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert policy.decide(limited(None), 3, 0.0, 0.0) == 1.0


def test_what_the_provider_asks_is_waited_for_up_to_the_ceiling() -> None:
    policy = RetryPolicy(wait_ceiling=60.0)
    wait = policy.decide(limited(60.0), 1, 0.0, 0.5)
    assert isinstance(wait, float)
    assert 60.0 <= wait < 61.0
    over = policy.decide(Fault(errors.ModelUnreachable("busy"), retry=True, wait=61.0), 1, 0.0, 0.5)
    assert isinstance(over, errors.ModelRateLimited)
    assert over.retry_after == 61.0


def test_it_ends_with_the_attempts_or_the_deadline() -> None:
    policy = RetryPolicy(attempts=2, deadline=10.0)
    down = Fault(errors.ModelUnreachable("down"), retry=True)
    assert policy.decide(down, 2, 0.0, 0.5) is down.error
    assert isinstance(policy.decide(down, 1, 9.9, 0.5), errors.ModelTimeout)
    busy = limited(5.0)
    assert policy.decide(busy, 1, 9.0, 0.5) is busy.error
    wrong = Fault(errors.ModelRejected("wrong"), retry=False)
    assert policy.decide(wrong, 1, 0.0, 0.5) is wrong.error


PAID = Usage(1, 100, 20, 40, 5)


@pytest.mark.parametrize(
    ("over", "expected", "retried"),
    [
        ({"status": "failed", "error": {"code": "server_error", "message": "m"}}, errors.ModelFailed, True),
        ({"status": "failed", "error": None}, errors.ModelFailed, True),
        ({"status": "failed", "error": "a plain word"}, errors.ModelFailed, True),
        ({"status": "failed", "error": {"code": "rate_limit_exceeded"}}, errors.ModelRateLimited, True),
        ({"status": "failed", "error": {"code": "insufficient_quota"}}, errors.ModelQuotaExceeded, False),
        ({"status": "failed", "error": {"code": "context_length_exceeded"}}, errors.ContextLengthExceeded, False),
        ({"status": "failed", "error": {"code": "invalid_prompt"}}, errors.ModelRejected, False),
        ({"status": "failed", "error": {"code": "image_too_large"}}, errors.ModelRejected, False),
        ({"status": "failed", "error": {"code": "bio_policy"}}, errors.ModelRefused, False),
        ({"status": "cancelled"}, errors.ModelFailed, False),
        ({"status": None, "error": {"code": "server_error"}}, errors.ModelFailed, True),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            errors.ModelIncomplete,
            False,
        ),
        ({"status": "incomplete", "incomplete_details": None}, errors.ModelIncomplete, False),
        ({"output": [{"content": [{"type": "refusal", "refusal": "no"}]}]}, errors.ModelRefused, False),
        ({"status": None, "output": None}, errors.ReplyError, False),
    ],
)
def test_an_answer_that_is_not_complete_is_an_error_with_its_usage(
    document: Callable[..., dict[str, Any]], over: dict[str, Any], expected: type[errors.ModelError], retried: bool
) -> None:
    found = answer_fault(Response.model_validate(document(**over)))
    assert found is not None
    assert type(found.error) is expected
    assert found.retry is retried
    assert found.error.usage == PAID
    assert found.error.response_id == "resp_1"


def test_a_complete_answer_has_no_fault(document: Callable[..., dict[str, Any]]) -> None:
    assert answer_fault(Response.model_validate(document())) is None
    assert answer_fault(Response.model_validate(document(status=None))) is None
    call = {"type": "function_call", "name": "look", "arguments": "{}"}
    assert answer_fault(Response.model_validate(document(output=[call]))) is None


def test_the_reason_of_an_incomplete_answer_is_kept(document: Callable[..., dict[str, Any]]) -> None:
    cut = answer_fault(
        Response.model_validate(document(status="incomplete", incomplete_details={"reason": "content_filter"}))
    )
    assert cut is not None
    assert isinstance(cut.error, errors.ModelIncomplete)
    assert cut.error.reason == "content_filter"
