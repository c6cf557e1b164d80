"""The wire models against the published description and the page this project was started from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reviewbot.core.cost import Usage
from reviewbot.model.wire import (
    FunctionCallOutput,
    FunctionTool,
    InputFile,
    InputImage,
    InputText,
    Message,
    PromptTemplate,
    Reasoning,
    Response,
    ResponseRequest,
    StreamEvent,
    TextFormat,
    TextOptions,
)

SHARED = Path(__file__).resolve().parents[4] / "shared"


def description() -> dict[str, Any]:
    path = SHARED / "openai-openapi.json"
    if not path.is_file():
        pytest.skip("the published description is not beside the project")
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def properties(api: dict[str, Any], name: str) -> set[str]:
    """All property names of a schema, through ``allOf`` and ``$ref``."""

    def walk(schema: dict[str, Any]) -> set[str]:
        found = set(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            found |= walk(part)
        if "$ref" in schema:
            found |= properties(api, schema["$ref"].rpartition("/")[2])
        return found

    return walk(api["components"]["schemas"][name])


SCHEMA = {"type": "object", "properties": {"a": {"type": ["string", "null"], "default": None}}, "required": ["a"]}

EVERYTHING = ResponseRequest(
    model="gpt-5.1-codex",
    input=(
        Message(
            role="user",
            content=(
                InputText(text="read this"),
                InputImage(image_url="data:image/png;base64,AAAA"),
                InputFile(filename="a.txt", file_data="data:text/plain;base64,AAAA"),
            ),
        ),
        Message(role="developer", content="plain"),
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": None},
        {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
        FunctionCallOutput(call_id="call_1", output="42"),
    ),
    instructions="Be exact.",
    max_output_tokens=16,
    previous_response_id="resp_0",
    store=False,
    stream=True,
    stream_options={"include_obfuscation": False},
    truncation="disabled",
    tools=(
        FunctionTool(name="look", parameters={"type": "object", "properties": {}, "additionalProperties": False}),
        {"type": "web_search_preview", "search_context_size": "low"},
        {"type": "file_search", "vector_store_ids": ["vs_1"]},
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "mcp", "server_label": "docs", "server_url": "https://example.com"},
    ),
    tool_choice={"type": "function", "name": "look"},
    parallel_tool_calls=False,
    max_tool_calls=3,
    reasoning=Reasoning(effort="high", summary="auto"),
    text=TextOptions(
        format=TextFormat(type="json_schema", name="reply", json_schema=SCHEMA, strict=True), verbosity="low"
    ),
    prompt=PromptTemplate(id="pmpt_1", version="2", variables={"who": "me", "what": InputText(text="x")}),
    include=("reasoning.encrypted_content",),
    metadata={"run": "1"},
    service_tier="flex",
    background=False,
    temperature=0.5,
    top_p=0.9,
    top_logprobs=2,
    prompt_cache_key="key",
    prompt_cache_retention="24h",
    prompt_cache_options={"mode": "implicit"},
    safety_identifier="who",
    user="who",
    moderation={"model": "omni-moderation-latest"},
    context_management=({"type": "compaction", "compact_threshold": 2000},),
)


def test_every_documented_parameter_is_there_and_no_other() -> None:
    assert set(ResponseRequest.model_fields) == properties(description(), "CreateResponse")


def test_every_documented_response_field_is_there() -> None:
    fields = {field.alias or name for name, field in Response.model_fields.items()}
    assert properties(description(), "Response") <= fields


@pytest.mark.parametrize(
    "request_",
    [
        EVERYTHING,
        ResponseRequest(model="m", input="Hello"),
        ResponseRequest(model="m", input="Hello", conversation="conv_1", tool_choice="none"),
        ResponseRequest(model="m", text=TextOptions(format=TextFormat(type="json_object"))),
        ResponseRequest(model="m", text=TextOptions(format=TextFormat())),
    ],
)
def test_requests_are_valid_by_the_published_description(request_: ResponseRequest) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    api = description()

    def loosened(schema: Any) -> Any:
        # a message fits two branches of a oneOf, which OpenAPI tells apart by discriminator and JSON Schema does not
        if isinstance(schema, dict):
            return {("anyOf" if key == "oneOf" else key): loosened(value) for key, value in schema.items()}
        return [loosened(value) for value in schema] if isinstance(schema, list) else schema

    root = {"$ref": "#/components/schemas/CreateResponse", "components": loosened(api["components"])}
    problems = [error.message for error in jsonschema.Draft202012Validator(root).iter_errors(request_.payload())]
    assert problems == []


def test_the_published_example_is_read() -> None:
    example = description()["components"]["schemas"]["Response"]["example"]
    response = Response.model_validate(example)
    assert response.output_text.startswith("The image depicts")
    assert response.paid() == Usage(1, 328, 52, 0, 0)


def test_unset_parameters_are_not_sent_and_nulls_inside_data_are_kept() -> None:
    assert ResponseRequest(model="m", input="x").payload() == {"model": "m", "input": "x"}
    sent = EVERYTHING.payload()
    assert sent["text"]["format"] == {"type": "json_schema", "name": "reply", "schema": SCHEMA, "strict": True}
    assert sent["input"][2]["encrypted_content"] is None
    assert "file_id" not in sent["input"][0]["content"][2]
    assert None not in sent.values()


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_tokens": 5},
        {"max_output_tokens": 15},
        {"temperature": 3},
        {"metadata": {str(number): "" for number in range(17)}},
        {"metadata": {"k" * 65: ""}},
        {"metadata": {"k": "v" * 513}},
        {"safety_identifier": "x" * 65},
        {"conversation": "c", "previous_response_id": "p"},
        {"reasoning": {"effort": "enormous"}},
        {"text": {"format": {"type": "json_schema", "name": "not a name", "schema": {}}}},
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ResponseRequest.model_validate({"model": "m", **wrong})


SEED_EXAMPLE = """
{"background": null, "created_at": 1, "error": {"code": "text", "message": "text"}, "id": "text",
 "incomplete_details": {"reason": "text"}, "instructions": "text", "max_output_tokens": 1,
 "metadata": {"ANY_ADDITIONAL_PROPERTY": "anything"}, "model": "text", "object": "text",
 "output": [{"role": null, "type": null, "content": null}], "output_text": null, "parallel_tool_calls": true,
 "previous_response_id": null, "prompt": {"id": "text", "variables": {"ANY_ADDITIONAL_PROPERTY": "anything"},
 "version": null}, "reasoning": {"effort": "low", "summary": "auto"}, "service_tier": null, "status": "completed",
 "temperature": 1, "text": {"format": {"type": "text"}}, "tool_choice": "none",
 "tools": [{"type": "web_search_preview", "search_context_size": "low", "user_location": {"type": "text",
 "city": null, "country": null, "region": null, "timezone": null}}], "top_p": null, "truncation": "auto",
 "usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 1}, "output_tokens": 1,
 "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 1}}
"""


def test_the_seed_pages_document_is_read_with_all_its_nulls() -> None:
    response = Response.model_validate_json(SEED_EXAMPLE)
    assert response.id == "text"
    assert response.output_text == ""
    assert response.output is not None
    assert response.output[0] is not None
    assert response.paid() == Usage(1, 1, 1, 1, 1)
    assert response.fault is not None
    assert response.tools == json.loads(SEED_EXAMPLE)["tools"]


def test_the_document_in_the_test_is_the_seed_pages() -> None:
    page = SHARED / "seed-gpt-5.1-codex.txt"
    if not page.is_file():
        pytest.skip("the seed page is not beside the project")
    text = page.read_text(encoding="utf-8")
    start = text.index('{\n"background"')
    document, _end = json.JSONDecoder().raw_decode(text[start:])
    assert document == json.loads(SEED_EXAMPLE)


@pytest.mark.parametrize("name", sorted(Response.model_fields))
def test_every_field_may_be_null_or_missing(name: str) -> None:
    alias = Response.model_fields[name].alias or name
    assert Response.model_validate({alias: None}) == Response.model_validate({})


def test_what_is_not_known_is_kept() -> None:
    item = {"type": "quantum_call", "id": "q", "payload": {"a": [1, None]}, "content": None}
    sent = {"id": "r", "meta": {"usage": {"credits_used": 7}}, "output": [item, None]}
    response = Response.model_validate(sent)
    assert response.model_extra == {"meta": {"usage": {"credits_used": 7}}}
    assert response.output is not None
    assert response.output[0] is not None
    assert response.output[0].model_dump(exclude_none=True) == {k: v for k, v in item.items() if v is not None}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({}, None),
        ({"input_tokens": None, "output_tokens": None}, None),
        ({"input_tokens": 5, "output_tokens": 2}, Usage(1, 5, 2, None, None)),
        ({"input_tokens": 5, "output_tokens": 2, "input_tokens_details": None}, Usage(1, 5, 2, None, None)),
        (
            {"input_tokens": 5, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 0}},
            Usage(1, 5, 2, 0, None),
        ),
        ({"input_tokens": 5, "output_tokens": None, "credits": 1.5}, Usage(1, 5, 0, None, None)),
    ],
)
def test_usage_that_is_not_said_is_unknown_and_not_zero(usage: Any, expected: Usage | None) -> None:
    assert Response.model_validate({"usage": usage}).paid() == expected


def test_text_and_refusal_come_from_all_messages_in_order() -> None:
    def message(*parts: Any) -> dict[str, Any]:
        return {"type": "message", "content": list(parts)}

    a, b = {"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}
    response = Response.model_validate({"output": [{"type": "reasoning", "summary": []}, message(a, None), message(b)]})
    assert (response.output_text, response.refusal) == ("ab", None)
    assert Response.model_validate({"output_text": "said", "output": [message(a)]}).output_text == "said"
    refused = Response.model_validate({"output": [message({"type": "refusal", "refusal": "no"})]})
    assert (refused.output_text, refused.refusal) == ("", "no")


def test_events_are_light_and_tolerant() -> None:
    event = StreamEvent.model_validate({"type": "response.queued", "response": None, "delta": None, "new": 1})
    assert event.response is None
    assert event.model_extra == {"new": 1}
