"""Pure: a question, the stand-in model's text and a fault -> the finished document of the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reviewbot.errors import ModelFailed
from reviewbot.sandbox.responses.answers import (
    JsonObject,
    Tokens,
    call_item,
    finished,
    message_item,
    reasoning_item,
    with_nulls,
)
from reviewbot.sandbox.responses.checks import ServedModel
from reviewbot.sandbox.responses.faults import FaultKind
from reviewbot.sandbox.responses.reader import conform

_REASONING = {"none": 0, "minimal": 16, "low": 64, "medium": 256, "high": 1_024, "xhigh": 2_048, "max": 4_096}
_SUMMARY = "A rule-based stand-in does not reason; these tokens are made up by effort."
_REFUSED = "I'm sorry, but I can't help with that."


@dataclass(frozen=True, slots=True)
class Question:
    """A request that was accepted: ``items`` with the earlier turns, ``text`` of all of them."""

    id: str
    body: JsonObject
    model: ServedModel
    items: list[Any]
    text: str
    cached_text: str
    input_tokens: int
    cached_tokens: int
    created: float


def write_answer(
    question: Question,
    begun: JsonObject,
    fault: FaultKind | None,
    read: Callable[[str, JsonObject | None], str],
    count_tokens: Callable[[str], int],
) -> JsonObject:
    """The document at its end, by what was asked and by the fault that was ordered."""
    body = question.body
    reasoning = _REASONING[(body.get("reasoning") or {}).get("effort") or "medium"]
    error = ("server_error", "The model failed to answer.") if fault == FaultKind.FAILED else None
    call = _forced_call(body)
    text = ""
    try:
        text = "" if call or error else _text(question, fault, read)
    except ModelFailed as failure:
        error = ("server_error", str(failure))
    text, incomplete = _cut(text, reasoning, body.get("max_output_tokens"), fault, count_tokens)
    visible = count_tokens(json.dumps(call[1]) if call else text)
    ceiling = body.get("max_output_tokens") or question.model.output_limit
    output_tokens = min(ceiling, reasoning + visible)
    tokens = Tokens(
        question.input_tokens,
        min(question.cached_tokens, question.input_tokens),
        output_tokens,
        min(reasoning, ceiling),
    )
    items = _items(question, text, call, fault, incomplete) if not error else []
    document = finished(begun, items, tokens, completed=question.created, incomplete=incomplete, error=error)
    if fault == FaultKind.NO_USAGE:
        return {**document, "usage": None}
    return with_nulls(document) if fault == FaultKind.NULLS else document


def _text(question: Question, fault: FaultKind | None, read: Callable[[str, JsonObject | None], str]) -> str:
    wanted = (question.body.get("text") or {}).get("format") or {}
    text = read(question.text, wanted.get("schema") if wanted.get("type") == "json_schema" else None)
    if fault == FaultKind.REFUSAL:
        return _REFUSED
    if fault == FaultKind.WRONG_SHAPE:
        return '{"result": "ok"}'
    return "Here is my review:\n" + text[: len(text) * 2 // 3] if fault == FaultKind.UNPARSABLE else text


def _cut(
    text: str, reasoning: int, ceiling: int | None, fault: FaultKind | None, count_tokens: Callable[[str], int]
) -> tuple[str, str]:
    """What of the text is said, and the reason when that is not all."""
    if fault == FaultKind.INCOMPLETE_EMPTY:
        return "", "max_output_tokens"
    if fault in (FaultKind.INCOMPLETE_TEXT, FaultKind.CONTENT_FILTER):
        return text[: len(text) // 2], "content_filter" if fault == FaultKind.CONTENT_FILTER else "max_output_tokens"
    wanted = count_tokens(text)
    if ceiling is None or reasoning + wanted <= ceiling:
        return text, ""
    return text[: len(text) * max(0, ceiling - reasoning) // wanted], "max_output_tokens"


def _items(
    question: Question, text: str, call: tuple[str, JsonObject] | None, fault: FaultKind | None, incomplete: str
) -> list[JsonObject]:
    body = question.body
    summary = _SUMMARY if (body.get("reasoning") or {}).get("summary") else ""
    encrypted = "reasoning.encrypted_content" in (body.get("include") or ())
    items = [reasoning_item(question.id, summary=summary, encrypted=encrypted)]
    if fault == FaultKind.UNKNOWN_ITEM:
        items.append({"id": "new_1", "type": "telepathy_call", "status": "completed", "thought": "?"})
    if call:
        return [*items, call_item(question.id, *call)]
    if text or not incomplete:
        status = "incomplete" if incomplete else "completed"
        items.append(message_item(question.id, text, refused=fault == FaultKind.REFUSAL, status=status))
    return items


def _forced_call(body: JsonObject) -> tuple[str, JsonObject] | None:
    """The function that ``tool_choice`` demands, called with the emptiest arguments."""
    functions = [tool for tool in body.get("tools") or () if tool["type"] == "function"]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        functions = [tool for tool in functions if tool["name"] == choice.get("name")]
    if not functions or choice in (None, "auto", "none"):
        return None
    return functions[0]["name"], conform(None, functions[0].get("parameters") or {})
