"""Pure: the documents and the streamed events of an answer, as the Responses API gives them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reviewbot.sandbox.responses.sealed import sealed

JsonObject = dict[str, Any]

_PIECES = 24
_ECHOED = (
    "background instructions max_output_tokens max_tool_calls metadata parallel_tool_calls previous_response_id prompt "
    "prompt_cache_key reasoning safety_identifier service_tier store temperature text tool_choice tools top_logprobs "
    "top_p truncation"
)
_DEFAULTS: JsonObject = {
    "background": False,
    "metadata": {},
    "parallel_tool_calls": True,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
}


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an answer used."""

    input: int
    cached: int
    output: int
    reasoning: int

    @property
    def document(self) -> JsonObject:
        return {
            "input_tokens": self.input,
            "input_tokens_details": {"cached_tokens": self.cached, "cache_write_tokens": 0},
            "output_tokens": self.output,
            "output_tokens_details": {"reasoning_tokens": self.reasoning},
            "total_tokens": self.input + self.output,
        }


def reasoning_item(response_id: str, *, summary: str, encrypted: bool) -> JsonObject:
    item: JsonObject = {"id": f"rs_{response_id[5:]}", "type": "reasoning", "summary": []}
    if summary:
        item["summary"] = [{"type": "summary_text", "text": summary}]
    if encrypted:
        item["encrypted_content"] = sealed(response_id)
    return item


def message_item(response_id: str, text: str, *, refused: bool = False, status: str = "completed") -> JsonObject:
    part: JsonObject = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    if refused:
        part = {"type": "refusal", "refusal": text}
    return {
        "id": f"msg_{response_id[5:]}",
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": [part],
    }


def call_item(response_id: str, name: str, arguments: JsonObject) -> JsonObject:
    return {
        "id": f"fc_{response_id[5:]}",
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{response_id[5:29]}",
        "name": name,
        "arguments": json.dumps(arguments),
    }


def response_document(response_id: str, created: float, request: JsonObject) -> JsonObject:
    """A response that has not begun: ``in_progress``, without output and usage."""
    return {
        "id": response_id,
        "object": "response",
        "created_at": int(created),
        "status": "in_progress",
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "model": request["model"],
        "output": [],
        "usage": None,
        **{name: _echo(request, name) for name in _ECHOED.split()},
        **({"user": request["user"]} if request.get("user") else {}),
    }


def _echo(request: JsonObject, name: str) -> Any:
    value = request.get(name)
    return _DEFAULTS.get(name) if value is None else value


def finished(
    document: JsonObject,
    output: list[JsonObject],
    tokens: Tokens,
    *,
    completed: float,
    incomplete: str = "",
    error: tuple[str, str] | None = None,
) -> JsonObject:
    """The document at its end: completed, incomplete for a reason, or failed with (code, message)."""
    status = "failed" if error else "incomplete" if incomplete else "completed"
    return {
        **document,
        "status": status,
        "completed_at": int(completed) if status == "completed" else None,
        "error": {"code": error[0], "message": error[1]} if error else None,
        "incomplete_details": {"reason": incomplete} if incomplete else None,
        "output": output,
        "usage": tokens.document,
    }


def with_nulls(document: JsonObject) -> JsonObject:
    """The document as some resellers send it: what may be left out is null."""
    nulls = dict.fromkeys(("background", "previous_response_id", "service_tier", "tools", "top_p", "metadata"))
    usage = {**(document["usage"] or {}), "input_tokens_details": None, "output_tokens_details": None}
    empty = {"role": None, "type": None, "content": None}
    return {**document, **nulls, "output_text": None, "output": [empty, *document["output"]], "usage": usage}


def events(document: JsonObject) -> Iterator[JsonObject]:
    """The events that end in this document, numbered from 0; the last one is the terminal event."""
    for number, event in enumerate([*opening_events(document), *closing_events(document)]):
        yield {**event, "sequence_number": number}


def opening_events(document: JsonObject) -> Iterator[JsonObject]:
    """What is said before the model begins to answer, not numbered yet."""
    begun = {**document, "status": "in_progress", "completed_at": None, "error": None, "incomplete_details": None}
    begun |= {"output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    if document["background"]:
        yield {"type": "response.queued", "response": {**begun, "status": "queued"}}
    yield {"type": "response.in_progress", "response": begun}


def closing_events(document: JsonObject) -> Iterator[JsonObject]:
    """The output, piece by piece, and the terminal event, not numbered yet."""
    for index, item in enumerate(document["output"]):
        yield from _item_events(index, item)
    yield {"type": f"response.{document['status']}", "response": document}


def _item_events(index: int, item: JsonObject) -> Iterator[JsonObject]:
    at = {"item_id": item.get("id"), "output_index": index}
    bare = {**item, "status": "in_progress"} if "status" in item else item
    empty: JsonObject = (
        {"content": []} if "content" in item else {"arguments": ""} if "arguments" in item else {"summary": []}
    )
    yield {"type": "response.output_item.added", "output_index": index, "item": {**bare, **empty}}
    for part_index, part in enumerate(item.get("summary") or ()):
        yield from _summary_events({**at, "summary_index": part_index}, part)
    for part_index, part in enumerate(item.get("content") or ()):
        yield from _part_events({**at, "content_index": part_index}, part)
    if item.get("type") == "function_call":
        for piece in _pieces(item["arguments"]):
            yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
        done = {"name": item["name"], "arguments": item["arguments"]}
        yield {"type": "response.function_call_arguments.done", **at, **done}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _summary_events(at: JsonObject, part: JsonObject) -> Iterator[JsonObject]:
    yield {"type": "response.reasoning_summary_part.added", **at, "part": {**part, "text": ""}}
    for piece in _pieces(part["text"]):
        yield {"type": "response.reasoning_summary_text.delta", **at, "delta": piece}
    yield {"type": "response.reasoning_summary_text.done", **at, "text": part["text"]}
    yield {"type": "response.reasoning_summary_part.done", **at, "part": part}


def _part_events(at: JsonObject, part: JsonObject) -> Iterator[JsonObject]:
    word = "refusal" if part["type"] == "refusal" else "text"
    kind = "refusal" if word == "refusal" else "output_text"
    logprobs: JsonObject = {} if word == "refusal" else {"logprobs": []}
    yield {"type": "response.content_part.added", **at, "part": {**part, word: ""}}
    for piece in _pieces(part[word]):
        yield {"type": f"response.{kind}.delta", **at, "delta": piece, **logprobs}
    yield {"type": f"response.{kind}.done", **at, word: part[word], **logprobs}
    yield {"type": "response.content_part.done", **at, "part": part}


def _pieces(text: str) -> Iterator[str]:
    """The text in at most `_PIECES` parts, none of them tiny."""
    size = max(16, -(-len(text) // _PIECES))
    for start in range(0, len(text), size):
        yield text[start : start + size]


def sse(event: JsonObject) -> bytes:
    """An event as it goes over the wire."""
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
