"""Pure: what the Responses API refuses, as data and as functions from a request's body to the refusal or None.

Source: OpenAI's published description 2.3.0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reviewbot.sandbox.responses.strict_schema import schema_fault

JsonObject = dict[str, Any]

_OBJECT, _TEXT, _WHOLE, _NUMBER, _FLAG, _LIST = (dict,), (str,), (int,), (int, float), (bool,), (list,)
# parameter: the types that it may have beside null
_PARAMETERS: dict[str, tuple[type, ...]] = {
    "background": _FLAG,
    "context_management": _LIST,
    "conversation": (str, dict),
    "include": _LIST,
    "input": (str, list),
    "instructions": (str, list),
    "max_output_tokens": _WHOLE,
    "max_tool_calls": _WHOLE,
    "metadata": _OBJECT,
    "model": _TEXT,
    "moderation": _OBJECT,
    "parallel_tool_calls": _FLAG,
    "previous_response_id": _TEXT,
    "prompt": _OBJECT,
    "prompt_cache_key": _TEXT,
    "prompt_cache_options": _OBJECT,
    "prompt_cache_retention": _TEXT,
    "reasoning": _OBJECT,
    "safety_identifier": _TEXT,
    "service_tier": _TEXT,
    "store": _FLAG,
    "stream": _FLAG,
    "stream_options": _OBJECT,
    "temperature": _NUMBER,
    "text": _OBJECT,
    "tool_choice": (str, dict),
    "tools": _LIST,
    "top_logprobs": _WHOLE,
    "top_p": _NUMBER,
    "truncation": _TEXT,
    "user": _TEXT,
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "service_tier": ("auto", "default", "flex", "scale", "priority"),
    "truncation": ("auto", "disabled"),
    "prompt_cache_retention": ("in_memory", "in-memory", "24h"),
}
_RANGES: dict[str, tuple[float, float]] = {
    "max_output_tokens": (16, 10_000_000),
    "max_tool_calls": (1, 10_000_000),
    "temperature": (0, 2),
    "top_logprobs": (0, 20),
    "top_p": (0, 1),
}
_NESTED: dict[str, frozenset[str]] = {
    "reasoning": frozenset({"effort", "summary", "mode", "context", "generate_summary"}),
    "text": frozenset({"format", "verbosity"}),
}
_SAMPLING = ("temperature", "top_p", "top_logprobs")
_INCLUDES = frozenset(
    {
        "code_interpreter_call.outputs",
        "computer_call_output.output.image_url",
        "file_search_call.results",
        "message.input_image.image_url",
        "message.output_text.logprobs",
        "reasoning.encrypted_content",
        "web_search_call.action.sources",
        "web_search_call.results",
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error in OpenAI's shape."""

    status: int
    message: str
    kind: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None

    @property
    def body(self) -> JsonObject:
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that the server offers. ``sampling``: it takes temperature and top_p."""

    id: str
    efforts: tuple[str, ...] = ("low", "medium", "high")
    sampling: bool = False
    verbosity: tuple[str, ...] = ("medium",)
    input_limit: int = 272_000
    output_limit: int = 128_000


_NEWER = ServedModel(
    "gpt-5.6-sol", ("none", "low", "medium", "high", "xhigh", "max"), verbosity=("low", "medium", "high")
)
MODELS = (
    ServedModel("sandbox-reviewer"),
    ServedModel("gpt-5.1-codex"),
    ServedModel("openai/gpt-5-1-codex"),
    _NEWER,
)


def check_request(body: JsonObject, models: dict[str, ServedModel], *, counting: bool = False) -> Refusal | None:
    """Why the body is refused before any work; the context's length is not looked at here."""
    checks: tuple[Callable[[], Refusal | None], ...] = (
        lambda: _check_names(body, _PARAMETERS.keys() | ({"personality"} if counting else set()), ""),
        lambda: _check_types(body),
        lambda: _check_model(body, models, counting=counting),
        lambda: _check_ranges(body),
        lambda: _check_reasoning(body, models.get(body.get("model", ""))),
        lambda: _check_input(body),
        lambda: _check_lists(body),
        lambda: check_format((body.get("text") or {}).get("format")),
    )
    return next((refusal for check in checks if (refusal := check())), None)


def _check_names(body: JsonObject, known: set[str] | frozenset[str], prefix: str) -> Refusal | None:
    for name in body:
        if name not in known:
            path = prefix + name
            return Refusal(400, f"Unknown parameter: '{path}'.", param=path, code="unknown_parameter")
    return None


def _check_types(body: JsonObject) -> Refusal | None:
    for name, value in body.items():
        allowed = _PARAMETERS.get(name, (object,))
        wrong_flag = isinstance(value, bool) and bool not in allowed and object not in allowed
        if value is not None and (wrong_flag or not isinstance(value, allowed)):
            words = " or ".join(kind.__name__ for kind in allowed)
            message = f"Invalid type for '{name}': expected {words}, but got {type(value).__name__} instead."
            return Refusal(400, message, param=name, code="invalid_type")
    for name, known in _NESTED.items():
        refusal = _check_names(body.get(name) or {}, known, f"{name}.")
        if refusal:
            return refusal
    return None


def _check_model(body: JsonObject, models: dict[str, ServedModel], *, counting: bool) -> Refusal | None:
    name = body.get("model")
    if name is None:
        message = "Missing required parameter: 'model'."
        return None if counting else Refusal(400, message, param="model", code="missing_required_parameter")
    if name not in models:
        message = f"The model `{name}` does not exist or you do not have access to it."
        return Refusal(404, message, param=None, code="model_not_found")
    refused = [each for each in _SAMPLING if body.get(each) is not None] if not models[name].sampling else []
    if refused:
        message = f"Unsupported parameter: '{refused[0]}' is not supported with this model."
        return Refusal(400, message, param=refused[0], code="unsupported_parameter")
    return None


def _check_ranges(body: JsonObject) -> Refusal | None:
    for name, choices in _CHOICES.items():
        if body.get(name) is not None and body[name] not in choices:
            return _not_one_of(name, body[name], choices)
    for name, (least, most) in _RANGES.items():
        value = body.get(name)
        if value is not None and not least <= value <= most:
            side, limit = ("minimum", least) if value < least else ("maximum", most)
            code = f"integer_{'below_min' if value < least else 'above_max'}_value"
            message = f"Invalid '{name}': {side} value is {limit}, but got {value} instead."
            return Refusal(400, message, param=name, code=code)
    return None


def _check_reasoning(body: JsonObject, model: ServedModel | None) -> Refusal | None:
    effort, summary = ((body.get("reasoning") or {}).get(name) for name in ("effort", "summary"))
    verbosity = (body.get("text") or {}).get("verbosity")
    if model and effort is not None and effort not in model.efforts:
        return _unsupported("reasoning.effort", effort, model.id, model.efforts)
    if model and verbosity is not None and verbosity not in model.verbosity:
        return _unsupported("text.verbosity", verbosity, model.id, model.verbosity)
    if summary is not None and summary not in ("auto", "concise", "detailed"):
        return _not_one_of("reasoning.summary", summary, ("auto", "concise", "detailed"))
    return None


def _unsupported(param: str, value: Any, model: str, allowed: tuple[str, ...]) -> Refusal:
    words = ", ".join(f"'{each}'" for each in allowed)
    message = f"Unsupported value: '{value}' is not supported with the '{model}' model. Supported values are: {words}."
    return Refusal(400, message, param=param, code="unsupported_value")


def _not_one_of(param: str, value: Any, allowed: tuple[str, ...]) -> Refusal:
    words = ", ".join(f"'{each}'" for each in allowed)
    message = f"Invalid value: '{value}'. Supported values are: {words}."
    return Refusal(400, message, param=param, code="invalid_value")


def _check_input(body: JsonObject) -> Refusal | None:
    given = body.get("input")
    if not given and not any(body.get(name) for name in ("prompt", "previous_response_id", "conversation")):
        message = "Missing required parameter: 'input'."
        return Refusal(400, message, param="input", code="missing_required_parameter")
    if body.get("previous_response_id") and body.get("conversation"):
        message = "Only one of 'previous_response_id' and 'conversation' may be given."
        return Refusal(400, message, param="previous_response_id", code="mutually_exclusive_parameters")
    for index, item in enumerate(given if isinstance(given, list) else ()):
        kind = item.get("type", "message") if isinstance(item, dict) else None
        if kind is None or (kind == "message" and item.get("role") not in ("user", "assistant", "system", "developer")):
            message = f"Invalid value for 'input[{index}]'."
            return Refusal(400, message, param=f"input[{index}]", code="invalid_value")
    return None


def _check_lists(body: JsonObject) -> Refusal | None:
    for index, name in enumerate(body.get("include") or ()):
        if name not in _INCLUDES:
            return _not_one_of(f"include[{index}]", name, tuple(sorted(_INCLUDES)))
    metadata = body.get("metadata") or {}
    for name, value in metadata.items():
        if len(metadata) > 16 or len(name) > 64 or not isinstance(value, str) or len(value) > 512:
            message = "Invalid 'metadata': at most 16 pairs of text, keys up to 64 and values up to 512 characters."
            return Refusal(400, message, param="metadata", code="invalid_value")
    for index, tool in enumerate(body.get("tools") or ()):
        if not isinstance(tool, dict) or not isinstance(tool.get("type"), str):
            param = f"tools[{index}].type"
            return Refusal(
                400, f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter"
            )
        if tool["type"] == "function" and tool.get("strict", True):
            fault = schema_fault(tool.get("parameters") or {})
            if fault:
                message = f"Invalid schema for function '{tool.get('name')}': {fault}"
                param = f"tools[{index}].parameters"
                return Refusal(400, message, param=param, code="invalid_function_parameters")
    return None


def check_format(wanted: JsonObject | None) -> Refusal | None:
    """Why ``text.format`` is refused."""
    if wanted is None or wanted.get("type") in ("text", "json_object"):
        return None
    if wanted.get("type") != "json_schema":
        return _not_one_of("text.format.type", wanted.get("type"), ("json_object", "json_schema", "text"))
    for name in ("name", "schema"):
        if not wanted.get(name):
            param = f"text.format.{name}"
            return Refusal(
                400, f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter"
            )
    name = wanted["name"]
    if len(name) > 64 or not all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in name):
        message = "Invalid 'text.format.name': expected up to 64 of a-z, A-Z, 0-9, underscore and dash."
        return Refusal(400, message, param="text.format.name", code="invalid_value")
    fault = schema_fault(wanted["schema"]) if wanted.get("strict") else ""
    if fault:
        message = f"Invalid schema for response_format '{name}': {fault}"
        return Refusal(400, message, param="text.format.schema", code="invalid_json_schema")
    return None
