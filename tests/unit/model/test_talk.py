"""A turn of a talk: what is sent of the turns before, what is kept of the answer, and a provider that forgot."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from reviewbot import errors
from reviewbot.core.config import ModelSettings
from reviewbot.core.context.prompt import Prompt, Talk
from reviewbot.model.asking import ResponsesModel, build_prompt_request
from reviewbot.model.catalogue import facts_for
from reviewbot.model.responses import ResponsesClient
from reviewbot.model.scripted import ScriptedModel
from reviewbot.model.verdict import HttpRefusal, RetryPolicy, http_fault
from reviewbot.model.wire import Response
from reviewbot.sandbox.loopback import running
from reviewbot.sandbox.responses.app import ResponsesSandbox

CODEX = facts_for("gpt-5.1-codex")
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
FIRST = Prompt("Be exact.", '<words data="1">\nWhy?\n</words data="1">', "chat", SCHEMA, "pr-1", talk=Talk())


def sent(talk: Talk | None, name: str = "gpt-5.1-codex", **settings: Any) -> dict[str, Any]:
    prompt = dataclasses.replace(FIRST, talk=talk)
    return build_prompt_request(prompt, ModelSettings(**settings), facts_for(name), 4000).payload()


def test_a_turn_follows_an_answer_that_is_kept() -> None:
    body = sent(Talk(follows="resp_1"), store=True)
    assert (body["previous_response_id"], body["store"], body["truncation"]) == ("resp_1", True, "auto")
    assert "include" not in body
    assert len(body["input"]) == 1


def test_a_turn_follows_items_where_nothing_is_kept() -> None:
    items = ({"type": "reasoning", "id": "rs_1", "encrypted_content": "x", "summary": []},)
    body = sent(Talk(items=items))
    assert body["input"][0] == items[0]
    assert body["input"][1]["role"] == "user"
    assert (body["include"], body["store"]) == (["reasoning.encrypted_content"], False)
    assert "previous_response_id" not in body


def test_what_is_no_talk_is_sent_as_ever() -> None:
    assert {"include", "previous_response_id"}.isdisjoint(sent(None))
    assert sent(None)["truncation"] == "disabled"


def test_a_model_that_does_not_think_and_a_reseller_are_not_asked_for_thoughts() -> None:
    assert "include" not in sent(Talk(), "openai/gpt-5-1-codex")
    facts = dataclasses.replace(CODEX, efforts=())
    assert "include" not in build_prompt_request(FIRST, ModelSettings(), facts, 4000).payload()


def test_the_key_tells_turns_apart() -> None:
    real = ResponsesModel(ResponsesClient("http://127.0.0.1:9/v1", "sk-test"), ModelSettings(), CODEX)
    for model in (real, ScriptedModel([])):
        talks = (Talk(), Talk(follows="resp_1"), Talk(items=({"type": "message", "id": "m"},)))
        keys = {model.request_key(dataclasses.replace(FIRST, talk=talk), 4000) for talk in talks}
        assert len(keys) == 3


def test_what_can_be_sent_again() -> None:
    text = {"type": "output_text", "text": "So.", "annotations": [{"x": 1}], "odd": 1}
    output = [
        {"type": "reasoning", "id": "rs_1", "encrypted_content": "x", "summary": [{"text": "t"}], "status": None},
        {"type": "reasoning", "id": "rs_2", "summary": []},
        {"type": "message", "id": "m_1", "role": "assistant", "status": "completed", "content": [text]},
        {"type": "message", "id": "m_2", "content": [{"type": "refusal", "refusal": "No."}]},
        {"type": "message", "content": "text"},
        {"type": "telepathy_call", "id": "t"},
        None,
    ]
    thought, spoken = Response.model_validate({"id": "r", "output": output}).items()
    assert thought == {"type": "reasoning", "id": "rs_1", "encrypted_content": "x", "summary": []}
    assert spoken["content"] == [{"type": "output_text", "text": "So.", "annotations": [], "logprobs": []}]
    assert (spoken["role"], spoken["status"]) == ("assistant", "completed")
    assert Response().items() == ()


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (400, {"code": "previous_response_not_found", "param": "previous_response_id"}),
        (404, {"code": "previous_response_not_found"}),
        (404, {"code": None, "param": "previous_response_id"}),
        (400, {"code": "invalid_encrypted_content"}),
        (400, {"code": "unknown_parameter", "param": "previous_response_id"}),
    ],
)
def test_a_provider_that_forgot(status: int, fields: dict[str, Any]) -> None:
    body = json.dumps({"error": {"message": "gone", **fields}}).encode()
    fault = http_fault(HttpRefusal(status, {}, body), model="m", ending="", now=0.0)
    assert isinstance(fault.error, errors.TalkForgotten)
    assert not fault.retry


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_other_refusals_are_what_they_were(status: int) -> None:
    body = json.dumps({"error": {"message": "x", "param": "previous_response_id"}}).encode()
    fault = http_fault(HttpRefusal(status, {}, body), model="m", ending="", now=0.0)
    assert not isinstance(fault.error, errors.TalkForgotten)


class TestOverHttp:
    @pytest.fixture
    async def client(self) -> AsyncIterator[ResponsesClient]:
        sandbox = ResponsesSandbox()
        with running(sandbox.app) as url:
            async with ResponsesClient(f"{url}/v1", sandbox.key, policy=RetryPolicy(attempts=1)) as client:
                yield client

    @pytest.mark.anyio
    @pytest.mark.parametrize("stream", [True, False])
    async def test_what_came_back_is_taken_again(self, client: ResponsesClient, *, stream: bool) -> None:
        model = ResponsesModel(client, ModelSettings(stream=stream), CODEX)
        first = await model.answer(FIRST, 4000)
        assert [item["type"] for item in first.items] == ["reasoning", "message"]
        second = await model.answer(dataclasses.replace(FIRST, talk=Talk(items=first.items)), 4000)
        assert second.usage.input_tokens > first.usage.input_tokens

    @pytest.mark.anyio
    async def test_an_answer_that_was_kept_is_gone_on_from(self, client: ResponsesClient) -> None:
        model = ResponsesModel(client, ModelSettings(store=True), CODEX)
        first = await model.answer(FIRST, 4000)
        second = await model.answer(dataclasses.replace(FIRST, talk=Talk(follows=first.response_id)), 4000)
        assert "asked 2 times" in second.text
        await client.delete(first.response_id)
        with pytest.raises(errors.TalkForgotten):
            await model.answer(dataclasses.replace(FIRST, talk=Talk(follows=first.response_id)), 4000)

    @pytest.mark.anyio
    async def test_an_answer_that_was_not_kept_cannot_be(self, client: ResponsesClient) -> None:
        model = ResponsesModel(client, ModelSettings(), CODEX)
        first = await model.answer(FIRST, 4000)
        with pytest.raises(errors.TalkForgotten):
            await model.answer(dataclasses.replace(FIRST, talk=Talk(follows=first.response_id)), 4000)

    @pytest.mark.anyio
    async def test_nothing_is_kept_of_what_is_no_talk(self, client: ResponsesClient) -> None:
        model = ResponsesModel(client, ModelSettings(), CODEX)
        assert (await model.answer(dataclasses.replace(FIRST, talk=None), 4000)).items == ()
