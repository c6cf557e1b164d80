"""The client against a provider on this machine that fails in every known way."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import anyio
import httpx
import pytest

from reviewbot import errors
from reviewbot.core.cost import Usage
from reviewbot.model.limiter import Limiter
from reviewbot.model.responses import Clock, ResponsesClient
from reviewbot.model.verdict import RetryPolicy
from reviewbot.model.wire import ResponseRequest

pytestmark = pytest.mark.anyio

KEY = "sk-test-do-not-print-0123456789"
NOW = 1_793_000_000.0  # 26 October 2026
REQUEST = ResponseRequest(model="gpt-5.1-codex", input="hi", stream=True)
PLAIN = ResponseRequest(model="gpt-5.1-codex", input="hi")
PAID = Usage(1, 100, 20, 40, 5)

Document = Callable[..., dict[str, Any]]


class Time:
    """Sleeps at once and remembers for how long."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await anyio.lowlevel.checkpoint()

    def clock(self) -> Clock:
        return Clock(monotonic=lambda: sum(self.slept), now=lambda: NOW, sleep=self.sleep, chance=lambda: 1.0)


@pytest.fixture
def clock() -> Time:
    return Time()


def client_of(provider: Any, clock: Time, **more: Any) -> ResponsesClient:
    return ResponsesClient(provider.url, KEY, clock=clock.clock(), **more)


def whole(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "response.created", "response": {"id": document["id"], "status": "in_progress"}},
        {"type": "response.output_text.delta", "delta": "hello"},
        {"type": "response.completed", "response": document},
    ]


@pytest.mark.parametrize("framing", ["chunked", "close", "length"])
async def test_a_streamed_answer(provider: Any, reply: Any, document: Document, clock: Time, framing: str) -> None:
    provider.says(reply.events(*whole(document()), framing=framing))
    async with client_of(provider, clock) as client:
        done = await client.create(REQUEST)
    assert (done.response.output_text, done.usage, done.attempts, done.notes) == ("hello", PAID, 1, ())
    asked = provider.asked[0]
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/responses", REQUEST.payload())
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["accept"] == "text/event-stream"


@pytest.mark.parametrize("status", [200, 201])
async def test_an_answer_at_once(provider: Any, reply: Any, document: Document, clock: Time, status: int) -> None:
    provider.says(reply.json(document(), status))
    async with client_of(provider, clock) as client:
        assert (await client.create(PLAIN)).response.output_text == "hello"
        assert (await client.create(REQUEST)).response.output_text == "hello"  # a gateway that does not stream


async def test_an_answer_at_once_without_usage_is_not_free(
    provider: Any, reply: Any, document: Document, clock: Time
) -> None:
    provider.says(reply.json(document(usage=None)))
    async with client_of(provider, clock) as client:
        done = await client.create(PLAIN)
    assert (done.usage, done.usage_known) == (Usage(requests=1), False)


async def test_connections_are_used_again(provider: Any, reply: Any, document: Document, clock: Time) -> None:
    provider.says(reply.events(*whole(document()), b"data: [DONE]\n\n"))
    async with client_of(provider, clock) as client:
        for _number in range(3):
            await client.create(REQUEST)
    assert provider.connections == 1


async def test_a_stream_that_stays_open_after_its_end_is_not_waited_for(
    provider: Any, reply: Any, document: Document, clock: Time
) -> None:
    provider.says(reply.events(*whole(document()), end="hang"))
    started = time.monotonic()
    async with client_of(provider, clock) as client:
        assert (await client.create(REQUEST)).response.output_text == "hello"
    assert time.monotonic() - started < 3


CUTS: list[tuple[str, str, bytes]] = [
    ("chunked", "cut", b""),
    ("chunked", "proper", b""),
    ("close", "cut", b""),
    ("close", "proper", b""),
    ("length", "cut", b""),
    ("close", "proper", b'event: response.completed\ndata: {"type": "response.comp'),
    ("close", "proper", b'event: response.completed\ndata: {"type": "response.comp\n\n'),
]


@pytest.mark.parametrize(("framing", "end", "tail"), CUTS)
async def test_a_cut_stream_is_never_an_answer(
    provider: Any, reply: Any, document: Document, clock: Time, framing: str, end: str, tail: bytes
) -> None:
    begun = whole(document())[:2]
    provider.says(reply.events(*begun, tail, framing=framing, end=end) if tail else reply.events(
        *begun, framing=framing, end=end
    ))  # fmt: skip
    async with client_of(provider, clock, policy=RetryPolicy(attempts=2)) as client:
        with pytest.raises(errors.ModelStreamCut) as caught:
            await client.create(REQUEST)
    assert len(provider.asked) == 2
    assert caught.value.usage == Usage(requests=2)


async def test_after_a_cut_the_answer_says_that_something_more_was_paid(
    provider: Any, reply: Any, document: Document, clock: Time
) -> None:
    events = whole(document())
    provider.says(reply.events(*events[:2], framing="close"), reply.events(*events))
    async with client_of(provider, clock) as client:
        done = await client.create(REQUEST)
    assert (done.attempts, done.usage.requests, done.usage.input_tokens) == (2, 2, 100)
    assert len(done.notes) == 1
    assert "not known" in done.notes[0]


async def test_a_paid_failure_before_the_answer_is_on_the_bill(
    provider: Any, reply: Any, document: Document, clock: Time
) -> None:
    failed = document(status="failed", error={"code": "server_error", "message": "m"})
    provider.says(reply.events({"type": "response.failed", "response": failed}), reply.json(document()))
    async with client_of(provider, clock) as client:
        done = await client.create(REQUEST)
    assert done.usage == PAID + PAID


async def test_an_error_carries_its_own_usage_and_that_of_earlier_attempts(
    provider: Any, reply: Any, document: Document, clock: Time
) -> None:
    failed = reply.json(document(status="failed", error={"code": "server_error", "message": "m"}))
    cut = reply.json(document(status="incomplete", incomplete_details={"reason": "max_output_tokens"}))
    provider.says(failed, failed, cut)
    async with client_of(provider, clock) as client:
        with pytest.raises(errors.ModelIncomplete) as caught:
            await client.create(PLAIN)
    assert caught.value.usage == PAID + PAID + PAID
    assert (caught.value.response_id, caught.value.reason) == ("resp_1", "max_output_tokens")


@pytest.mark.parametrize(
    ("body", "expected", "tries"),
    [
        (b"<html>welcome</html>", errors.ReplyError, 1),
        (b"[]", errors.ReplyError, 1),
        (b"", errors.ReplyError, 1),
        (b'{"id": "r", "output": 5}', errors.ReplyError, 1),
        (b'{"id": "r", "output": [{"type": "mess', errors.ModelStreamCut, 3),
    ],
)
async def test_a_body_that_cannot_be_read(
    provider: Any, reply: Any, clock: Time, body: bytes, expected: type[errors.ModelError], tries: int
) -> None:
    provider.says(reply((body,), headers={"content-type": "application/json"}, framing="close"))
    async with client_of(provider, clock, policy=RetryPolicy(attempts=3)) as client:
        with pytest.raises(expected):
            await client.create(PLAIN)
    assert len(provider.asked) == tries


async def test_server_errors_are_tried_again_with_growing_pauses(
    provider: Any, reply: Any, document: Document, clock: Time
) -> None:
    html = reply((b"<html>",), status=502, framing="length")
    provider.says(reply.json({}, 500), html, reply.json({}, 503), reply.json(document()))
    async with client_of(provider, clock) as client:
        assert (await client.create(PLAIN)).attempts == 4
    assert clock.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"retry_after_ms": "1500"}, 1.5),
        ({"x_ratelimit_reset_tokens": "20s"}, 20.0),
    ],
)
async def test_a_limit_is_waited_for_as_the_provider_asks(
    provider: Any, reply: Any, document: Document, clock: Time, headers: dict[str, str], wait: float
) -> None:
    limited = reply.json({"error": {"code": "rate_limit_exceeded", "message": "slow"}}, 429, **headers)
    provider.says(limited, reply.json(document()))
    async with client_of(provider, clock) as client:
        assert (await client.create(PLAIN)).attempts == 2
    assert clock.slept == [pytest.approx(wait, abs=0.06)]


async def test_a_wait_over_the_ceiling_is_given_to_the_caller(provider: Any, reply: Any, clock: Time) -> None:
    provider.says(reply.json({}, 429, retry_after="3600"))
    async with client_of(provider, clock) as client:
        with pytest.raises(errors.ModelRateLimited) as caught:
            await client.create(PLAIN)
    assert caught.value.retry_after == 3600.0
    assert (clock.slept, len(provider.asked)) == ([], 1)


async def test_no_credit_is_not_tried_again(provider: Any, reply: Any, clock: Time) -> None:
    provider.says(reply.json({"error": {"code": "insufficient_quota", "message": "You exceeded"}}, 429))
    async with client_of(provider, clock) as client:
        with pytest.raises(errors.ModelQuotaExceeded):
            await client.create(PLAIN)
    assert len(provider.asked) == 1


async def test_a_model_that_is_gone_names_its_end_and_its_successor(provider: Any, reply: Any, clock: Time) -> None:
    provider.says(reply.json({"error": {"code": "model_not_found", "message": "no such model"}}, 404))
    async with client_of(provider, clock) as client:
        with pytest.raises(errors.ModelNotFound) as caught:
            await client.create(PLAIN)
    assert "2026-07-23" in caught.value.remedy
    assert "gpt-5.6-sol" in caught.value.remedy


async def test_redirects_are_not_followed_and_the_key_goes_nowhere(provider: Any, reply: Any, clock: Time) -> None:
    provider.says(reply((b"",), 307, {"location": provider.url + "/elsewhere"}, "length"))
    async with client_of(provider, clock) as client:
        with pytest.raises(errors.ModelRejected, match="redirect"):
            await client.create(PLAIN)
    assert [asked.path for asked in provider.asked] == ["/v1/responses"]


async def test_nobody_there(clock: Time) -> None:
    async with ResponsesClient("http://127.0.0.1:9/v1", KEY, clock=clock.clock()) as client:
        with pytest.raises(errors.ModelUnreachable, match=r"127\.0\.0\.1"):
            await client.create(PLAIN)
    assert len(clock.slept) == 3


async def test_a_silent_provider_ends_with_the_deadline(provider: Any, reply: Any, document: Document) -> None:
    provider.says(reply.events(whole(document())[0], end="hang"))
    async with ResponsesClient(provider.url, KEY, policy=RetryPolicy(deadline=0.3)) as client:
        with pytest.raises(errors.ModelTimeout) as caught:
            await client.create(REQUEST)
    assert caught.value.response_id == "resp_1"
    assert caught.value.usage == Usage(requests=1)


async def test_cancelling_closes_the_stream_at_once(provider: Any, reply: Any, document: Document) -> None:
    provider.says(reply.events(*whole(document())[:2], end="hang"))
    async with ResponsesClient(provider.url, KEY) as client:
        with anyio.move_on_after(0.3) as scope:
            await client.create(REQUEST)
        assert scope.cancelled_caught
        with anyio.fail_after(1.0):
            await provider.left.wait()


async def test_the_key_is_in_no_word_that_we_say(
    provider: Any, reply: Any, clock: Time, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.says(
        reply.json({"error": {"code": "odd", "message": f"your key {KEY} is odd"}}, 400),
        reply.json({"status": "failed", "error": {"code": "invalid_prompt", "message": f"{KEY}?"}}),
        reply.json({"error": {"code": "invalid_api_key", "message": f"{KEY}!"}}, 401),
    )
    async with client_of(provider, clock) as client:
        said = [repr(client), str(vars(client)), str(vars(vars(client)["_transport"])["_auth"])]
        for _number in range(3):
            with pytest.raises(errors.ModelError) as caught:
                await client.create(PLAIN)
            error = caught.value
            said += [str(error), repr(error), error.message, error.remedy, repr(error.__cause__)]
    said += [record.getMessage() for record in caplog.records]
    assert "[key]" in "".join(said)
    assert [words for words in said if KEY in words] == []


@pytest.mark.parametrize(
    "base",
    ["ftp://example.com/v1", "example.com/v1", "http://", "https://user:pw@example.com/v1", "https://e.com/?k=1", ""],
)
async def test_an_address_that_cannot_be_one_is_refused(base: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        ResponsesClient(base, KEY)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("ALL_PROXY", "socks5://127.0.0.1:9"), ("HTTPS_PROXY", "ftp://proxy"), ("SSL_CERT_FILE", "/there/is/no/such.pem")],
)
async def test_a_proxy_or_certificate_that_cannot_be_used_is_said(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(errors.ConfigError, match="environment cannot be used"):
        ResponsesClient("https://api.example.com/v1", KEY)


async def test_a_provider_on_this_machine_is_not_asked_through_a_proxy(
    provider: Any, reply: Any, document: Document, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    provider.says(reply.json(document()))
    async with client_of(provider, clock) as client:
        assert (await client.create(PLAIN)).response.output_text


@pytest.mark.parametrize("key", ["sk-\nX-Evil: 1", "sk-ключ", "sk-\x00"])
async def test_a_key_that_cannot_be_one_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        ResponsesClient("http://127.0.0.1/v1", key)
    assert key not in str(caught.value)


async def test_without_a_key_no_header_is_sent(provider: Any, reply: Any, document: Document, clock: Time) -> None:
    provider.says(reply.json(document()))
    async with ResponsesClient(provider.url + "/", "", clock=clock.clock()) as client:
        await client.create(PLAIN)
    assert "authorization" not in provider.asked[0].headers
    assert provider.asked[0].path == "/v1/responses"


async def test_a_connection_that_was_given_is_not_closed(provider: Any, reply: Any, document: Document) -> None:
    provider.says(reply.json(document()))
    async with httpx.AsyncClient(follow_redirects=True) as http:
        async with ResponsesClient(provider.url, KEY, http=http) as client:
            await client.create(PLAIN)
        assert not http.is_closed


async def test_the_limiter_is_held_for_all_and_settled_with_the_truth(
    provider: Any, reply: Any, document: Document, clock: Time
) -> None:
    limiter = Limiter(tokens_per_minute=1000, clock=clock.clock().monotonic, sleep=clock.sleep)
    provider.says(reply.json({}, 429, retry_after="5"), reply.json(document()))
    long = ResponseRequest(model="gpt-5.1-codex", input="x" * 1500)
    async with client_of(provider, clock, limiter=limiter) as client:
        await client.create(long)
        await client.create(long)
    assert sum(clock.slept) < 60.0  # the guesses alone, three times 500, would have filled the minute


async def test_waiting_for_our_own_limit_is_not_the_providers_time(
    provider: Any, reply: Any, document: Document, clock: Time
) -> None:
    limiter = Limiter(requests_per_minute=1, clock=clock.clock().monotonic, sleep=clock.sleep)
    provider.says(reply.json(document()))
    async with client_of(provider, clock, limiter=limiter, policy=RetryPolicy(deadline=5.0)) as client:
        await client.create(PLAIN)
        await client.create(PLAIN)
    assert clock.slept == [pytest.approx(60.0)]


# ---- background and the small calls ----------------------------------------------------------------------------------


async def test_a_background_answer_is_polled_with_growing_pauses(
    provider: Any, reply: Any, document: Document, clock: Time
) -> None:
    queued = reply.json(document(status="queued", output=[], usage=None))
    provider.says(
        queued, queued, reply.json({}, 500), reply.json(document(status="in_progress")), reply.json(document())
    )
    async with client_of(provider, clock) as client:
        done = await client.create(PLAIN.model_copy(update={"background": True, "stream": True}))
    assert (done.response.output_text, done.usage) == ("hello", PAID)
    assert [(asked.method, asked.path) for asked in provider.asked] == [
        ("POST", "/v1/responses"),
        *[("GET", "/v1/responses/resp_1")] * 4,
    ]
    assert "stream" not in provider.asked[0].body
    assert clock.slept == [0.5, 0.75, 0.5, 1.125]


async def test_a_background_answer_that_fails_after_retries_is_cancelled(
    provider: Any, reply: Any, document: Document, clock: Time
) -> None:
    def script(asked: Any) -> Any:
        if asked.method == "GET":
            return reply.json({}, 500)
        return reply.json(document(status="cancelled" if asked.path.endswith("cancel") else "queued"))

    provider.answers(script)
    async with client_of(provider, clock) as client:
        with pytest.raises(errors.ModelUnreachable) as caught:
            await client.create(PLAIN.model_copy(update={"background": True}))
    assert provider.asked[-1].path == "/v1/responses/resp_1/cancel"
    assert caught.value.usage == PAID


@pytest.mark.parametrize("by_deadline", [True, False])
async def test_whoever_stops_waiting_stops_the_spending(
    provider: Any,
    reply: Any,
    document: Document,
    by_deadline: bool,
) -> None:
    provider.answers(lambda asked: reply.json(document(status="cancelled" if "cancel" in asked.path else "queued")))
    policy = RetryPolicy(deadline=0.2 if by_deadline else 600.0)
    async with ResponsesClient(provider.url, KEY, policy=policy) as client:
        with anyio.move_on_after(5.0 if by_deadline else 0.2):
            with pytest.raises(errors.ModelTimeout) if by_deadline else anyio.CancelScope():
                await client.create(PLAIN.model_copy(update={"background": True}))
    assert provider.asked[-1].path == "/v1/responses/resp_1/cancel"


async def test_the_small_calls(provider: Any, reply: Any, document: Document, clock: Time) -> None:
    provider.says(
        reply.json(document(status="cancelled")),
        reply((), 204, framing="length"),
        reply.json({"object": "response.input_tokens", "input_tokens": 123}),
        reply.json({"id": "gpt-5.1-codex", "shutdown_date": "2026-07-23"}),
    )
    async with client_of(provider, clock) as client:
        assert (await client.cancel("resp/1")).status == "cancelled"
        await client.delete("resp_1")
        assert await client.input_tokens(REQUEST.model_copy(update={"store": False, "metadata": {}})) == 123
        assert (await client.model_entry("gpt-5.1-codex"))["shutdown_date"] == "2026-07-23"
    assert [(asked.method, asked.path) for asked in provider.asked] == [
        ("POST", "/v1/responses/resp%2F1/cancel"),
        ("DELETE", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/input_tokens"),
        ("GET", "/v1/models/gpt-5.1-codex"),
    ]
    assert provider.asked[2].body == {"model": "gpt-5.1-codex", "input": "hi"}


async def test_an_answer_that_is_no_longer_kept_is_not_a_missing_model(provider: Any, reply: Any, clock: Time) -> None:
    provider.says(reply.json({"error": {"message": "not found"}}, 404))
    async with client_of(provider, clock) as client:
        with pytest.raises(errors.ModelRejected):
            await client.retrieve("resp_1")


async def test_openais_own_client_sees_the_same_answer(
    provider: Any, reply: Any, document: Document, clock: Time
) -> None:
    openai = pytest.importorskip("openai")
    provider.says(reply.json(document("the same")))
    async with client_of(provider, clock) as client:
        ours = (await client.create(PLAIN)).response
    async with openai.AsyncOpenAI(base_url=provider.url, api_key=KEY) as sdk:
        theirs = await sdk.responses.create(model="gpt-5.1-codex", input="hi")
    assert (theirs.output_text, theirs.id, theirs.status) == (ours.output_text, ours.id, ours.status)
    assert theirs.usage.input_tokens_details.cached_tokens == PAID.cached_input_tokens
    sent = [json.dumps(asked.body, sort_keys=True) for asked in provider.asked]
    assert sent[0] == sent[1]
