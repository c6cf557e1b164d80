"""The client against a scripted server: what is repeated, waited for, counted, and named."""

from __future__ import annotations

import socket
import time
from typing import Any

import anyio
import pytest

from reviewbot import errors
from reviewbot.github.client import DIFF, GitHubClient

pytestmark = pytest.mark.anyio
TOKEN = "t0ken-that-must-not-show"


async def test_a_read_is_authenticated_and_counted(hub: Any, answer: Any) -> None:
    hub.on("GET", "/x", answer({"n": 1}))
    client = hub.client()
    assert await client.get("/x", per_page=100) == {"n": 1}
    assert hub.asked[0].headers["authorization"] == f"token {TOKEN}"
    assert hub.asked[0].query == {"per_page": ["100"]}
    assert (client.reads, client.writes, client.calls) == (1, 0, 1)
    assert TOKEN not in repr(client)


async def test_a_server_on_this_machine_is_not_asked_through_a_proxy(
    hub: Any, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    hub.on("GET", "/x", answer({"n": 1}))
    assert await hub.client().get("/x") == {"n": 1}


async def test_other_media_types_come_byte_for_byte(hub: Any, answer: Any) -> None:
    raw = b"+caf\xe9 \xff\r\n" + "\u2028\U0001f600".encode()
    hub.on("GET", "/x", answer(raw, headers={"Content-Type": "application/vnd.github.diff"}))
    assert await hub.client().get_bytes("/x", DIFF) == raw
    assert hub.asked[0].headers["accept"] == DIFF


@pytest.mark.parametrize("fault", [{"status": 502}, {"status": 503}, {"drop": True}])
async def test_a_read_is_repeated_until_it_works(hub: Any, answer: Any, fault: dict[str, Any]) -> None:
    hub.on("GET", "/x", answer(**fault), answer(**fault), answer([1]))
    client = hub.client()
    assert await client.get("/x") == [1]
    assert client.calls == 3
    assert hub.slept == [0.5, 1.0]


async def test_a_read_is_given_up_after_its_attempts(hub: Any, answer: Any) -> None:
    hub.on("GET", "/x", answer({"message": "down"}, 500))
    with pytest.raises(errors.GitHubUnreachable, match="500 to GET /x: down") as caught:
        await hub.client().get("/x")
    assert not isinstance(caught.value, errors.GitHubAmbiguous)
    assert len(hub.asked) == 4


@pytest.mark.parametrize("fault", [{"status": 502}, {"drop": True}])
async def test_a_write_without_a_clear_answer_is_never_repeated(hub: Any, answer: Any, fault: dict[str, Any]) -> None:
    hub.on("POST", "/x", answer(**fault))
    client = hub.client()
    with pytest.raises(errors.GitHubAmbiguous):
        await client.write("POST", "/x", {"a": 1})
    assert len(hub.asked) == 1
    assert client.writes == 1


async def test_a_repeatable_write_is_repeated(hub: Any, answer: Any) -> None:
    hub.on("PATCH", "/x", answer(drop=True), answer({"id": 1}))
    assert await hub.client().write("PATCH", "/x", {}, repeatable=True) == {"id": 1}


async def test_a_write_that_never_left_is_no_doubt() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = GitHubClient(TOKEN, api_url=f"http://127.0.0.1:{port}", sleep=lambda _: anyio.sleep(0))
    with pytest.raises(errors.GitHubUnreachable) as caught:
        await client.write("POST", "/x", {})
    assert not isinstance(caught.value, errors.GitHubAmbiguous)
    assert client.writes == 4


async def test_a_time_out_is_ambiguous_for_a_write(hub: Any, answer: Any) -> None:
    def slow(_: Any) -> Any:
        time.sleep(1.5)
        return answer({})

    hub.on("POST", "/x", slow)
    with pytest.raises(errors.GitHubAmbiguous, match="timed out"):
        await hub.client(timeout=1).write("POST", "/x", {})


@pytest.mark.parametrize(
    ("status", "headers", "message", "kind"),
    [
        (401, {}, "Bad credentials", errors.GitHubUnauthorized),
        (403, {}, "Resource not accessible by integration", errors.GitHubForbidden),
        (404, {}, "Not Found", errors.GitHubNotFound),
        (406, {}, "Sorry, the diff exceeded the maximum number of files (300).", errors.GitHubDiffTooLarge),
        (410, {}, "Gone", errors.GitHubNotFound),
        (422, {}, "Validation Failed", errors.GitHubRejected),
        (418, {}, "", errors.GitHubError),
    ],
)
async def test_each_answer_has_its_error(
    hub: Any, answer: Any, status: int, headers: dict[str, str], message: str, kind: type[errors.GitHubError]
) -> None:
    hub.on("POST", "/x", answer({"message": message}, status, headers))
    with pytest.raises(kind) as caught:
        await hub.client().write("POST", "/x", {})
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert caught.value.remedy
    assert hub.slept == []


async def test_a_limit_is_waited_for_as_its_headers_say_also_on_a_write(hub: Any, answer: Any) -> None:
    secondary = answer({"message": "You have exceeded a secondary rate limit."}, 403, {"Retry-After": "7"})
    reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(hub.now) + 7 + 20)}
    primary = answer({"message": "API rate limit exceeded for user."}, 403, reset)
    hub.on("POST", "/x", secondary, primary, answer({"id": 1}, 201))
    assert await hub.client().write("POST", "/x", {}) == {"id": 1}
    assert hub.slept == [7.0, 21.0]


async def test_without_a_usable_header_the_wait_is_a_minute_and_grows(hub: Any, answer: Any) -> None:
    past = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "5"}
    hub.on("GET", "/x", answer({"message": "x"}, 403, past), answer({}, 429), answer([2]))
    assert await hub.client(patience=300).get("/x") == [2]
    assert hub.slept == [60.0, 120.0]


async def test_patience_has_an_end(hub: Any, answer: Any) -> None:
    hub.on("GET", "/x", answer({"message": "API rate limit exceeded"}, 429, {"Retry-After": "100"}))
    with pytest.raises(errors.GitHubRateLimited) as caught:
        await hub.client().get("/x")
    assert caught.value.retry_after == 100.0
    assert hub.slept == [100.0]


async def test_words_in_other_places_are_not_a_limit(hub: Any, answer: Any) -> None:
    body = {"message": "Forbidden", "errors": [], "title": "secondary rate limit"}
    hub.on("GET", "/x", answer(body, 403))
    with pytest.raises(errors.GitHubForbidden):
        await hub.client().get("/x")


async def test_redirects_stay_on_the_host(hub: Any, answer: Any) -> None:
    hub.on("GET", "/old", answer({}, 301, {"Location": f"{hub.url}/new?page=2"}))
    hub.on("GET", "/new", answer([3]))
    client = hub.client()
    assert await client.get("/old") == [3]
    assert hub.asked[1].query == {"page": ["2"]}
    assert client.calls == 2
    for target in ("http://evil.example/new", "https://127.0.0.1:1/new", "//evil.example/x"):
        hub.on("POST", "/away", answer({}, 307, {"Location": target}))
        with pytest.raises(errors.GitHubError, match="another host"):
            await client.write("POST", "/away", {})
    hub.on("GET", "/loop", answer({}, 302, {"Location": f"{hub.url}/loop"}))
    with pytest.raises(errors.GitHubError, match="302"):
        await client.get("/loop")


async def test_the_token_is_in_no_error(hub: Any, answer: Any) -> None:
    hub.on("GET", "/x", answer({"message": f"bad token {TOKEN}"}, 401))
    with pytest.raises(errors.GitHubUnauthorized) as caught:
        await hub.client().get("/x")
    assert TOKEN not in f"{caught.value} {caught.value!r} {caught.value.args}"


async def test_graphql_on_an_enterprise_server(hub: Any, answer: Any) -> None:
    hub.on("POST", "/api/graphql", answer({"data": {"viewer": {"login": "me"}}}))
    hub.on("GET", "/api/v3/repos/o/r", answer({"id": 1}))
    client = hub.client(api_url=f"{hub.url}/api/v3/")
    assert await client.graphql("query { viewer { login } }", {"a": 1}) == {"viewer": {"login": "me"}}
    assert await client.get("/repos/o/r") == {"id": 1}
    assert hub.asked[0].json == {"query": "query { viewer { login } }", "variables": {"a": 1}}
    assert (client.reads, client.writes) == (2, 0)


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"type": "NOT_FOUND", "message": "no"}, errors.GitHubNotFound),
        ({"type": "FORBIDDEN", "message": "no"}, errors.GitHubForbidden),
        ({"type": "INSUFFICIENT_SCOPES", "message": "no"}, errors.GitHubForbidden),
        ({"message": "Something went wrong while executing your query."}, errors.GitHubUnreachable),
        ({"message": "Field 'x' doesn't exist"}, errors.GitHubRejected),
    ],
)
async def test_graphql_errors_are_errors_even_beside_data(
    hub: Any, answer: Any, entry: dict[str, str], kind: type[errors.GitHubError]
) -> None:
    hub.on("POST", "/graphql", answer({"data": {"a": 1}, "errors": [entry]}))
    with pytest.raises(kind) as caught:
        await hub.client().graphql("query { a }", {})
    assert type(caught.value) is kind


async def test_graphql_limits_are_waited_for_and_optional_fields_may_be_refused(hub: Any, answer: Any) -> None:
    limited = answer({"errors": [{"type": "RATE_LIMITED", "message": "slow"}]}, 200, {"Retry-After": "3"})
    refused = {"type": "FORBIDDEN", "path": ["repository", "issues"], "message": "no"}
    hub.on("POST", "/graphql", limited, answer({"data": {"a": None}, "errors": [refused]}))
    client = hub.client()
    assert await client.graphql("query { a }", {}, optional=frozenset({"issues"})) == {"a": None}
    assert hub.slept == [3.0]
    with pytest.raises(errors.GitHubForbidden):
        await client.graphql("query { a }", {})


async def test_a_read_can_be_cancelled_at_once_and_the_client_used_again(hub: Any, answer: Any) -> None:
    def slow(_: Any) -> Any:
        time.sleep(0.6)
        return answer([1])

    hub.on("GET", "/slow", slow)
    hub.on("GET", "/fast", answer([2]))
    client = hub.client()
    started = time.perf_counter()
    with anyio.move_on_after(0.1):
        await client.get("/slow")
    assert time.perf_counter() - started < 0.5
    assert await client.get("/fast") == [2]
