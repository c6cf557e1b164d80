"""Pure: what the model thought, in a form that callers can keep and send again, and what is refused of that.

Real content is encrypted; here it is a digest, which proves as well that this server gave it out. Source of the
refusals: the errors that OpenAI's API answers with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from reviewbot.sandbox.responses.checks import Refusal

_PREFIX = "sandbox-"


def sealed(response_id: str) -> str:
    """The content of an answer's reasoning."""
    name = response_id.removeprefix("resp_")
    return f"{_PREFIX}{name}.{hashlib.sha256(name.encode()).hexdigest()[:24]}"


def check_sent_again(items: Sequence[Any], is_kept: Callable[[str], bool]) -> Refusal | None:
    """Why items of earlier answers are refused. ``is_kept`` tells of an item's id whether the server has it."""
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            continue
        refusal = None
        if item.get("type") == "reasoning":
            following = items[index + 1] if index + 1 < len(items) else None
            refusal = _check_reasoning(item, following, index, is_kept)
        elif item.get("role") == "assistant" and isinstance(item.get("content"), list):
            refusal = _check_said(item["content"], index)
        if refusal:
            return refusal
    return None


def _check_reasoning(item: Any, following: Any, index: int, is_kept: Callable[[str], bool]) -> Refusal | None:
    for name in ("id", "summary"):
        if name not in item:
            param = f"input[{index}].{name}"
            said = f"Missing required parameter: '{param}'."
            return Refusal(400, said, param=param, code="missing_required_parameter")
    content, name = item.get("encrypted_content"), item["id"]
    if content is None and not is_kept(name):
        said = (
            f"Item with id '{name}' not found. Items are not persisted when `store` is set to false. Try again with "
            "`store` set to true, or remove this item from your input."
        )
        return Refusal(404, said, param="input")
    if content is not None and not _ours(content):
        said = f"The encrypted content for item {name} could not be verified. It could not be decrypted or parsed."
        return Refusal(400, said, code="invalid_encrypted_content")
    kind = following.get("type", "message") if isinstance(following, dict) else ""
    if kind not in ("message", "function_call", "reasoning") or following.get("role", "assistant") != "assistant":
        said = f"Item '{name}' of type 'reasoning' was provided without its required following item."
        return Refusal(400, said, param="input")
    return None


def _ours(content: Any) -> bool:
    name = str(content).removeprefix(_PREFIX).partition(".")[0]
    return bool(content == sealed(name))


def _check_said(content: Sequence[Any], index: int) -> Refusal | None:
    for number, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in ("output_text", "refusal"):
            param = f"input[{index}].content[{number}]"
            said = f"Invalid value: '{kind}'. Supported values are: 'output_text' and 'refusal'."
            return Refusal(400, said, param=param, code="invalid_value")
    return None
