"""The Responses server over real HTTP: its protocol, its refusals, and every fault that it commits on demand."""

from __future__ import annotations

import concurrent.futures
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from reviewbot.errors import ModelFailed, UsageError
from reviewbot.sandbox.loopback import running
from reviewbot.sandbox.responses.app import ResponsesSandbox
from reviewbot.sandbox.responses.faults import Fault, FaultKind

SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"type": "string"}, "explanation": {"type": "string"}},
    "required": ["verdict", "explanation"],
    "additionalProperties": False,
}
FORMAT = {"format": {"type": "json_schema", "name": "review", "strict": True, "schema": SCHEMA}}
CHANGE = '<change data="N">\n=== a.py (modified)\n@@ -1 +1 @@\n+x == None\n</change data="N">'


def asking(**more: Any) -> dict[str, Any]:
    return {"model": "gpt-5.1-codex", "input": CHANGE, "text": FORMAT, **more}


@contextmanager
def calling(sandbox: ResponsesSandbox) -> Iterator[httpx.Client]:
    with (
        running(sandbox.app) as url,
        httpx.Client(base_url=f"{url}/v1", headers={"authorization": f"Bearer {sandbox.key}"}, timeout=5) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[ResponsesSandbox, httpx.Client]]:
    """One server for all tests that neither count requests nor leave faults behind."""
    sandbox = ResponsesSandbox()
    with calling(sandbox) as client:
        yield sandbox, client


@pytest.fixture
def client(shared: tuple[ResponsesSandbox, httpx.Client]) -> httpx.Client:
    return shared[1]


def faulty(shared: tuple[ResponsesSandbox, httpx.Client], kind: FaultKind, **more: Any) -> httpx.Client:
    shared[0].faults.clear()
    shared[0].faults.add(Fault(kind, **more))
    return shared[1]


def events_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: ")]


def text_in(document: dict[str, Any]) -> str:
    return "".join(
        part.get("text", "") for item in document["output"] if item["type"] == "message" for part in item["content"]
    )


def test_plain_answer(client: httpx.Client) -> None:
    answer = client.post("/responses", json=asking(reasoning={"effort": "high"}, metadata={"run": "1"}))
    document = answer.json()
    assert answer.status_code == 200
    assert answer.headers["x-request-id"].startswith("req_")
    assert int(answer.headers["x-ratelimit-remaining-requests"]) < int(answer.headers["x-ratelimit-limit-requests"])
    assert document["status"] == "completed"
    assert document["metadata"] == {"run": "1"}
    assert json.loads(text_in(document))["verdict"] == "incorrect"
    usage = document["usage"]
    assert usage["output_tokens_details"]["reasoning_tokens"] == 1024
    assert usage["output_tokens"] > 1024
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_streamed_answer_is_the_same_document(client: httpx.Client) -> None:
    options = asking(stream=True, reasoning={"summary": "auto"}, include=["reasoning.encrypted_content"])
    answer = client.post("/responses", json=options)
    events = events_of(answer.text)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    kinds = [event["type"].removeprefix("response.") for event in events]
    assert kinds[:3] == ["created", "in_progress", "output_item.added"]
    assert list(dict.fromkeys(kinds[2:])) == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "completed",
    ]
    document = events[-1]["response"]
    said = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert said == text_in(document) == text_in(client.get(f"/responses/{document['id']}").json())
    assert document["output"][0]["encrypted_content"]


def test_function_calls(client: httpx.Client) -> None:
    parameters = {
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
        "additionalProperties": False,
    }
    tools = [{"type": "function", "name": "read", "parameters": parameters}, {"type": "web_search_preview"}]
    answer = client.post("/responses", json=asking(tools=tools, tool_choice="required", stream=True))
    events = events_of(answer.text)
    call = events[-1]["response"]["output"][1]
    assert (call["type"], call["name"], json.loads(call["arguments"])) == ("function_call", "read", {"path": ""})
    done = next(event for event in events if event["type"] == "response.function_call_arguments.done")
    assert done["arguments"] == call["arguments"]


@pytest.mark.parametrize(
    ("change", "status", "param", "code"),
    [
        ({"model": "gpt-4o"}, 404, None, "model_not_found"),
        ({"model": None}, 400, "model", "missing_required_parameter"),
        ({"max_tokens": 5}, 400, "max_tokens", "unknown_parameter"),
        ({"reasoning": {"efort": "low"}}, 400, "reasoning.efort", "unknown_parameter"),
        ({"reasoning": {"effort": "minimal"}}, 400, "reasoning.effort", "unsupported_value"),
        ({"reasoning": {"summary": "all"}}, 400, "reasoning.summary", "invalid_value"),
        ({"temperature": 0.2}, 400, "temperature", "unsupported_parameter"),
        ({"top_p": 0.2}, 400, "top_p", "unsupported_parameter"),
        ({"text": {"verbosity": "low"}}, 400, "text.verbosity", "unsupported_value"),
        ({"stream": "yes"}, 400, "stream", "invalid_type"),
        ({"max_output_tokens": True}, 400, "max_output_tokens", "invalid_type"),
        ({"max_output_tokens": 15}, 400, "max_output_tokens", "integer_below_min_value"),
        ({"truncation": "middle"}, 400, "truncation", "invalid_value"),
        ({"service_tier": "cheap"}, 400, "service_tier", "invalid_value"),
        ({"include": ["everything"]}, 400, "include[0]", "invalid_value"),
        ({"input": None}, 400, "input", "missing_required_parameter"),
        ({"input": [{"role": "robot", "content": "x"}]}, 400, "input[0]", "invalid_value"),
        ({"metadata": {"a": "x" * 513}}, 400, "metadata", "invalid_value"),
        ({"tools": [{"name": "x"}]}, 400, "tools[0].type", "missing_required_parameter"),
        ({"previous_response_id": "resp_x"}, 400, "previous_response_id", "previous_response_not_found"),
        ({"text": {"format": {"type": "xml"}}}, 400, "text.format.type", "invalid_value"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, 400, "text.format.name", None),
    ],
)
def test_refusals(client: httpx.Client, change: dict[str, Any], status: int, param: str, code: str | None) -> None:
    answer = client.post("/responses", json=asking(**change))
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param)
    assert code in (None, error["code"])
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"additionalProperties": True}, "'additionalProperties' is required to be supplied and to be false"),
        ({"required": ["verdict"]}, "Missing 'explanation'"),
        ({"required": ["verdict", "explanation", "x"]}, "Extra required key 'x'"),
        ({"type": "array", "items": SCHEMA}, "schema must be a JSON Schema of 'type: \"object\"'"),
        ({"allOf": []}, "'allOf' is not permitted"),
        (
            {"properties": {"verdict": {"type": "string", "default": ""}, "explanation": {}}},
            "'default' is not permitted",
        ),
        ({"properties": {"verdict": {"description": "x"}, "explanation": SCHEMA}}, "must have a 'type' key"),
        ({"properties": {"verdict": {"type": "array"}, "explanation": SCHEMA}}, "missing items"),
        (
            {"properties": {"verdict": {"anyOf": [{"type": "object"}]}, "explanation": SCHEMA}},
            "In context=('properties', 'verdict', 'anyOf', '0')",
        ),
    ],
)
def test_strict_schemas(client: httpx.Client, change: dict[str, Any], said: str) -> None:
    wanted = {"format": {**FORMAT["format"], "schema": {**SCHEMA, **change}}}
    answer = client.post("/responses", json=asking(text=wanted))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_json_schema"
    assert said in answer.json()["error"]["message"]
    loose = {"format": {**wanted["format"], "strict": False}}
    assert client.post("/responses", json=asking(text=loose)).status_code == 200


def test_keys(shared: tuple[ResponsesSandbox, httpx.Client]) -> None:
    client = shared[1]
    missing = httpx.get(f"{client.base_url}models")
    assert (missing.status_code, missing.json()["error"]["code"]) == (401, "missing_api_key")
    wrong = client.get("/models", headers={"authorization": "Bearer no"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_api_key")
    azure = str(client.base_url).replace("/v1/", "/openai/v1/responses")
    assert httpx.post(azure, json=asking(), headers={"api-key": "sandbox-key"}).status_code == 200
    assert "sandbox-key" not in str(shared[0].requests)


def test_models(client: httpx.Client) -> None:
    names = [each["id"] for each in client.get("/models").json()["data"]]
    assert {"sandbox-reviewer", "gpt-5.1-codex", "openai/gpt-5-1-codex"} <= set(names)
    assert client.get("/models/openai/gpt-5-1-codex").json()["id"] == "openai/gpt-5-1-codex"
    assert client.get("/models/none").status_code == 404


def test_a_body_that_is_no_json(client: httpx.Client) -> None:
    for content in (b"{", b"[]", b"[" * 200_000, b"\xff"):
        answer = client.post("/responses", content=content)
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_storing_deleting_and_going_on(client: httpx.Client) -> None:
    first = client.post("/responses", json=asking(instructions="Be short.")).json()
    second = client.post("/responses", json=asking(input="And now?", previous_response_id=first["id"])).json()
    assert second["previous_response_id"] == first["id"]
    assert second["instructions"] is None
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"]
    assert client.delete(f"/responses/{first['id']}").json()["deleted"] is True
    assert client.get(f"/responses/{first['id']}").status_code == 404
    assert client.delete(f"/responses/{first['id']}").status_code == 404
    unstored = client.post("/responses", json=asking(store=False)).json()
    assert client.get(f"/responses/{unstored['id']}").status_code == 404


def test_input_tokens_agree_with_the_bill(client: httpx.Client) -> None:
    question = asking(instructions="Look closely.")
    counted = client.post("/responses/input_tokens", json=question).json()
    billed = client.post("/responses", json=question).json()["usage"]
    assert counted == {"object": "response.input_tokens", "input_tokens": billed["input_tokens"]}


def test_prefixes_are_cached_per_key_in_steps_of_128() -> None:
    prefix = "word " * 2_000
    with calling(ResponsesSandbox()) as client:

        def cached(text: str, key: str) -> int:
            answer = client.post("/responses", json={"model": "gpt-5.1-codex", "input": text, "prompt_cache_key": key})
            return int(answer.json()["usage"]["input_tokens_details"]["cached_tokens"])

        assert cached(f"{prefix}A", "k") == 0
        warm = cached(f"{prefix}B", "k")
        assert warm > 1024
        assert warm % 128 == 0
        assert cached(f"{prefix}C", "other") == 0
        assert cached("short", "k") == 0
        assert cached(f"X{prefix}", "k") == 0


def test_two_at_once_both_pay() -> None:
    sandbox = ResponsesSandbox(latency=0.2)
    question = {"model": "gpt-5.1-codex", "input": "word " * 2_000, "prompt_cache_key": "k"}
    with calling(sandbox) as client, concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: client.post("/responses", json=question).json(), range(2)))
        later = client.post("/responses", json=question).json()
    assert [each["usage"]["input_tokens_details"]["cached_tokens"] for each in answers] == [0, 0]
    assert later["usage"]["input_tokens_details"]["cached_tokens"] > 1024
    first, second = sandbox.answered[:2]
    assert first.started < second.ended
    assert second.started < first.ended


def test_context_length_and_truncation() -> None:
    with calling(ResponsesSandbox(input_limit=500)) as client:
        long = asking(input="x " * 2_000, text=None)
        answer = client.post("/responses", json=long)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "context_length_exceeded")
        cut = client.post("/responses", json={**long, "truncation": "auto"})
        assert cut.json()["usage"]["input_tokens"] <= 500
        items = [
            {"role": "user", "content": "old " * 400},
            {"role": "user", "content": [{"type": "input_text", "text": CHANGE}]},
        ]
        kept = client.post("/responses", json=asking(input=items, text=None, truncation="auto"))
        assert "None is compared" in text_in(kept.json())


def test_own_rate_limits() -> None:
    with calling(ResponsesSandbox(limits=(2, 1_000_000))) as client:
        statuses = [client.post("/responses", json=asking()) for _ in range(3)]
    assert [each.status_code for each in statuses] == [200, 200, 429]
    assert 1 <= int(statuses[2].headers["retry-after"]) <= 60
    assert statuses[2].headers["x-ratelimit-remaining-requests"] == "0"


def test_max_output_tokens_counts_reasoning(client: httpx.Client) -> None:
    empty = client.post("/responses", json=asking(max_output_tokens=100)).json()
    assert (empty["status"], empty["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert text_in(empty) == ""
    assert empty["usage"]["output_tokens"] == 100
    short = client.post("/responses", json=asking(max_output_tokens=270)).json()
    assert short["status"] == "incomplete"
    assert text_in(short)
    with pytest.raises(json.JSONDecodeError):
        json.loads(text_in(short))


def test_background_is_polled_and_cancelled() -> None:
    with calling(ResponsesSandbox(latency=0.4)) as client:
        first = client.post("/responses", json=asking(background=True, store=False)).json()
        other = client.post("/responses", json=asking(background=True)).json()
        assert (first["status"], first["output"], first["usage"]) == ("queued", [], None)
        cancelled = client.post(f"/responses/{other['id']}/cancel").json()
        assert cancelled["status"] == "cancelled"
        assert client.post(f"/responses/{other['id']}/cancel").json()["status"] == "cancelled"
        seen = []
        deadline = time.monotonic() + 5
        while "completed" not in seen and time.monotonic() < deadline:
            seen.append(client.get(f"/responses/{first['id']}").json()["status"])
            time.sleep(0.05)
        assert list(dict.fromkeys(seen)) == ["queued", "in_progress", "completed"]
        assert client.post(f"/responses/{first['id']}/cancel").status_code == 400
        assert client.get(f"/responses/{other['id']}").json()["status"] == "cancelled"


def test_background_streams_can_be_taken_up_again(client: httpx.Client) -> None:
    events = events_of(client.post("/responses", json=asking(background=True, stream=True)).text)
    assert events[1]["type"] == "response.queued"
    again = client.get(f"/responses/{events[0]['response']['id']}?stream=true&starting_after=4")
    assert events_of(again.text) == events[5:]
    plain = client.post("/responses", json=asking()).json()
    assert client.post(f"/responses/{plain['id']}/cancel").status_code == 400
    assert client.post("/responses/resp_x/cancel").status_code == 404


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (FaultKind.RATE_LIMITED, 429, "rate_limit_exceeded"),
        (FaultKind.QUOTA, 429, "insufficient_quota"),
        (FaultKind.SERVER_ERROR, 500, None),
        (FaultKind.UNAVAILABLE, 503, None),
        (FaultKind.FORBIDDEN, 403, "model_not_allowed"),
        (FaultKind.MODEL_GONE, 404, "model_not_found"),
        (FaultKind.CONTEXT_LENGTH, 400, "context_length_exceeded"),
    ],
)
def test_faults_of_http(
    shared: tuple[ResponsesSandbox, httpx.Client], kind: FaultKind, status: int, code: str | None, stream: bool
) -> None:
    answer = faulty(shared, kind, seconds=2).post("/responses", json=asking(stream=stream))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers.get("retry-after") == ("2" if kind == FaultKind.RATE_LIMITED else None)
    assert shared[1].post("/responses", json=asking()).status_code == 200


def test_a_gateways_page_is_no_json(shared: tuple[ResponsesSandbox, httpx.Client]) -> None:
    answer = faulty(shared, FaultKind.BAD_GATEWAY).post("/responses", json=asking())
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")


@pytest.mark.parametrize("stream", [False, True])
def test_hanging_ends_when_the_client_leaves(shared: tuple[ResponsesSandbox, httpx.Client], stream: bool) -> None:
    with pytest.raises(httpx.ReadTimeout):
        faulty(shared, FaultKind.HANG).post("/responses", json=asking(stream=stream), timeout=0.2)
    deadline = time.monotonic() + 5
    while not shared[0].answered[-1].disconnected and time.monotonic() < deadline:
        time.sleep(0.01)
    assert shared[0].answered[-1].disconnected


def test_closing_a_stream_stops_the_answer() -> None:
    sandbox = ResponsesSandbox(latency=30)
    with calling(sandbox) as client:
        with client.stream("POST", "/responses", json=asking(stream=True)) as answer:
            assert "response.created" in next(answer.iter_lines())
        deadline = time.monotonic() + 5
        while not sandbox.answered[0].disconnected and time.monotonic() < deadline:
            time.sleep(0.01)
    assert sandbox.answered[0].disconnected
    assert sandbox.answered[0].output_tokens == 0


@pytest.mark.parametrize("kind", [FaultKind.CUT_AT_ONCE, FaultKind.CUT_IN_JSON])
@pytest.mark.parametrize("stream", [False, True])
def test_cut_connections(shared: tuple[ResponsesSandbox, httpx.Client], kind: FaultKind, stream: bool) -> None:
    received = bytearray()

    def receive() -> None:
        with faulty(shared, kind).stream("POST", "/responses", json=asking(stream=stream)) as answer:
            for piece in answer.iter_raw():
                received.extend(piece)

    with pytest.raises(httpx.RemoteProtocolError):
        receive()
    assert b"response.completed" not in received
    assert bool(received) == (kind == FaultKind.CUT_IN_JSON)


def test_a_stream_that_ends_early_and_cleanly(shared: tuple[ResponsesSandbox, httpx.Client]) -> None:
    events = events_of(faulty(shared, FaultKind.END_EARLY).post("/responses", json=asking(stream=True)).text)
    assert events[-1]["type"].endswith(".delta")


def test_error_event(shared: tuple[ResponsesSandbox, httpx.Client]) -> None:
    events = events_of(faulty(shared, FaultKind.ERROR_EVENT).post("/responses", json=asking(stream=True)).text)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "server_error")
    assert events[-1]["sequence_number"] == len(events) - 1
    plain = faulty(shared, FaultKind.ERROR_EVENT).post("/responses", json=asking())
    assert plain.status_code == 500


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("kind", "status", "reason", "paid"),
    [
        (FaultKind.INCOMPLETE_EMPTY, "incomplete", "max_output_tokens", True),
        (FaultKind.INCOMPLETE_TEXT, "incomplete", "max_output_tokens", True),
        (FaultKind.CONTENT_FILTER, "incomplete", "content_filter", True),
        (FaultKind.FAILED, "failed", None, True),
        (FaultKind.REFUSAL, "completed", None, True),
        (FaultKind.UNPARSABLE, "completed", None, True),
        (FaultKind.WRONG_SHAPE, "completed", None, True),
        (FaultKind.NULLS, "completed", None, True),
        (FaultKind.UNKNOWN_ITEM, "completed", None, True),
        (FaultKind.NO_USAGE, "completed", None, False),
    ],
)
def test_faults_of_the_answer(
    shared: tuple[ResponsesSandbox, httpx.Client],
    kind: FaultKind,
    status: str,
    reason: str | None,
    paid: bool,
    stream: bool,
) -> None:
    answer = faulty(shared, kind).post("/responses", json=asking(stream=stream))
    document = events_of(answer.text)[-1]["response"] if stream else answer.json()
    assert answer.status_code == 200
    assert document["status"] == status
    assert (document["incomplete_details"] or {}).get("reason") == reason
    assert bool(document["usage"]) == paid
    kinds = [item["type"] for item in document["output"]]
    parts = [part["type"] for item in document["output"] for part in item.get("content") or ()]
    assert (kind == FaultKind.REFUSAL) == ("refusal" in parts)
    assert (kind == FaultKind.UNKNOWN_ITEM) == ("telepathy_call" in kinds)
    assert (kind == FaultKind.NULLS) == (None in kinds)
    assert (document["error"] is not None) == (kind == FaultKind.FAILED)
    if kind == FaultKind.UNPARSABLE:
        with pytest.raises(json.JSONDecodeError):
            json.loads(text_in(document))


def test_slow_and_stuck(shared: tuple[ResponsesSandbox, httpx.Client]) -> None:
    begin = time.monotonic()
    assert faulty(shared, FaultKind.SLOW, seconds=0.2).post("/responses", json=asking()).status_code == 200
    assert time.monotonic() - begin >= 0.2
    stuck = faulty(shared, FaultKind.STUCK).post("/responses", json=asking(background=True)).json()
    assert shared[1].get(f"/responses/{stuck['id']}").json()["status"] == "queued"
    assert shared[1].post(f"/responses/{stuck['id']}/cancel").json()["status"] == "cancelled"


def test_faults_are_meant_for_a_number_or_a_text_and_wear_out() -> None:
    faults = [
        Fault(FaultKind.SERVER_ERROR, request=2),
        Fault(FaultKind.UNAVAILABLE, contains="special", times=2),
        Fault(FaultKind.FORBIDDEN, contains="never", times=None),
    ]
    with calling(ResponsesSandbox(faults=faults)) as client:
        words = ["a", "b", "special", "special", "special", "never", "never"]
        statuses = [
            client.post("/responses", json={"model": "gpt-5.1-codex", "input": word}).status_code for word in words
        ]
    assert statuses == [200, 500, 503, 503, 200, 403, 403]


def test_the_admin_door() -> None:
    sandbox = ResponsesSandbox()
    with calling(sandbox) as client:
        admin = str(client.base_url).replace("/v1/", "/sandbox/")
        given = client.post(f"{admin}faults", json={"kind": "server-error", "times": 1}).json()["faults"]
        assert (given[0]["kind"], given[0]["used"]) == ("server-error", 0)
        assert client.post("/responses", json=asking()).status_code == 500
        assert client.get(f"{admin}faults").json()["faults"][0]["used"] == 1
        assert client.delete(f"{admin}faults").json() == {"faults": []}
        for wrong in ({"kind": "flood"}, {"times": 1}, {"kind": "slow", "minutes": 1}, 7):
            assert client.post(f"{admin}faults", json=wrong).status_code == 400
        log = client.get(f"{admin}requests").json()["requests"]
        assert [(each["number"], each["status"], each["fault"]) for each in log] == [(1, 500, "server-error")]
        assert log[0]["body"] == asking()
        assert httpx.get(f"{admin}requests").status_code == 401


def test_a_model_that_cannot_work_fails_and_says_so() -> None:
    def broken(_text: str, _schema: dict[str, Any] | None) -> str:
        raise ModelFailed("No ruff here.", remedy="Install it.")

    with calling(ResponsesSandbox(read=broken)) as client:
        document = client.post("/responses", json=asking()).json()
    assert document["status"] == "failed"
    assert document["error"] == {"code": "server_error", "message": "No ruff here. Install it."}


def test_other_status_for_success() -> None:
    sandbox = ResponsesSandbox()
    sandbox.success_status = 201
    with calling(sandbox) as client:
        assert client.post("/responses", json=asking()).status_code == 201


def test_a_port_in_use_is_said() -> None:
    with (
        running(ResponsesSandbox().app) as url,
        pytest.raises(UsageError, match="cannot be used"),
        running(ResponsesSandbox().app, port=int(url.rpartition(":")[2])),
    ):
        pass


def test_as_a_program() -> None:
    words = [sys.executable, "-m", "reviewbot.sandbox.responses", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        headers = {"authorization": f"Bearer {ready['key']}"}
        answer = httpx.post(f"{ready['base_url']}/responses", json=asking(model=ready["model"]), headers=headers)
        process.terminate()
        assert answer.json()["status"] == "completed"
        assert process.wait(timeout=10) == 0
