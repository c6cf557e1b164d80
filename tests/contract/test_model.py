"""One suite over every Model that ships: the real one against a provider on this machine, and the scripted one."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from reviewbot import errors
from reviewbot.core.config import ModelSettings
from reviewbot.core.context.prompt import Prompt
from reviewbot.core.cost import Price
from reviewbot.model.asking import FallbackModel, ResponsesModel
from reviewbot.model.catalogue import facts_for
from reviewbot.model.responses import ResponsesClient
from reviewbot.model.scripted import ScriptedModel
from reviewbot.model.verdict import RetryPolicy
from reviewbot.ports import Model

pytestmark = pytest.mark.anyio

PROMPT = Prompt("Be exact.", "one", "review", {"type": "object"}, "pr-1")
REFUSED, SLOW = "refuse this", "take a minute"


def echo(text: str) -> str:
    return json.dumps({"you": text})


def said(prompt: Prompt) -> str | errors.ModelError:
    return errors.ModelRefused("No.") if prompt.text == REFUSED else echo(prompt.text)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Streams the answer that the scripted model gives too."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length:")[2].split()[0])
    text = json.loads(await reader.readexactly(length))["input"][0]["content"][0]["text"]
    if text == SLOW:
        await reader.read()
    part = {"type": "refusal", "refusal": "No."} if text == REFUSED else {"type": "output_text", "text": echo(text)}
    document: dict[str, Any] = {
        "id": "resp_1",
        "status": "completed",
        "output": [{"type": "message", "content": [part]}],
    }
    document["usage"] = {"input_tokens": 10, "output_tokens": 5}
    event = json.dumps({"type": "response.completed", "response": document})
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
    writer.write(f"event: response.completed\ndata: {event}\n\n".encode())
    writer.close()


@pytest.fixture(params=["responses", "fallback", "scripted"])
async def model(request: pytest.FixtureRequest) -> AsyncIterator[Model]:
    if request.param == "scripted":

        class Slow(ScriptedModel):
            async def answer(self, prompt: Prompt, max_output_tokens: int) -> Any:
                self._latency = 60.0 if prompt.text == SLOW else 0.0
                return await super().answer(prompt, max_output_tokens)

        yield Slow(said, price=Price(1.0, 0.1, 10.0))
        return
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with ResponsesClient(url, "sk-test", policy=RetryPolicy(attempts=1)) as client:
        one = ResponsesModel(client, ModelSettings(), facts_for("gpt-5.1-codex"))
        yield FallbackModel([one]) if request.param == "fallback" else one
    server.close()


async def test_it_says_who_it_is_and_what_fits(model: Model) -> None:
    assert model.id
    assert model.window > 0
    assert model.price is not None


async def test_the_answer_is_whole_counted_and_priced(model: Model) -> None:
    answer = await model.answer(PROMPT, 5000)
    assert answer.text == echo("one")
    assert (answer.model, answer.reused, answer.notes) == (model.id, False, ())
    assert answer.usage.requests == 1
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0
    assert model.price is not None
    assert answer.cost_usd == pytest.approx(model.price.of(answer.usage))
    assert answer.response_id


async def test_equal_requests_have_equal_keys_and_others_do_not(model: Model) -> None:
    other = dataclasses.replace(PROMPT, text="two")
    keys = [model.request_key(PROMPT, 5000), model.request_key(other, 5000), model.request_key(PROMPT, 6000)]
    assert len(set(keys)) == 3
    await model.answer(PROMPT, 5000)
    assert model.request_key(dataclasses.replace(PROMPT), 5000) == keys[0]


async def test_answers_asked_for_at_once_are_not_mixed_up(model: Model) -> None:
    got: dict[str, str] = {}

    async def ask(text: str) -> None:
        got[text] = (await model.answer(dataclasses.replace(PROMPT, text=text), 5000)).text

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(ask, str(number))
    assert got == {str(number): echo(str(number)) for number in range(8)}


async def test_a_failure_is_an_error_and_the_next_answer_is_fine(model: Model) -> None:
    with pytest.raises(errors.ModelRefused):
        await model.answer(dataclasses.replace(PROMPT, text=REFUSED), 5000)
    assert (await model.answer(PROMPT, 5000)).text == echo("one")


async def test_it_can_be_cancelled_at_once(model: Model) -> None:
    with anyio.fail_after(2.0):
        with anyio.move_on_after(0.1) as scope:
            await model.answer(dataclasses.replace(PROMPT, text=SLOW), 5000)
    assert scope.cancelled_caught
