"""Pure: what the model is shown of a request: its text, the text that caching goes by, the cut for truncation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def items_of(body: dict[str, Any]) -> list[Any]:
    """The request's own input as a list of items."""
    given = body.get("input") or []
    return [{"role": "user", "content": given}] if isinstance(given, str) else list(given)


def text_of(items: list[Any]) -> str:
    """All words in the items, in order; what is not text stands for itself as JSON."""
    return "\n".join(_item_text(item) for item in items)


def _item_text(item: Any) -> str:
    content = item.get("content", item.get("output"))
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or part.get("refusal") or json.dumps(part)) for part in content)
    return json.dumps(item)


def cached_text(body: dict[str, Any], items: list[Any]) -> str:
    """Everything that counts as input, in the order in which prefixes are compared: tools, schema, instructions,
    items."""
    head = json.dumps([body.get("tools"), (body.get("text") or {}).get("format")]) if _has_head(body) else ""
    return "\n".join([head, str(body.get("instructions") or ""), text_of(items)])


def _has_head(body: dict[str, Any]) -> bool:
    return bool(body.get("tools") or (body.get("text") or {}).get("format"))


def truncated(items: list[Any], limit: int, count_tokens: Callable[[str], int]) -> list[Any]:
    """``truncation: auto``: items are dropped from the start, and what is left is cut at its start, until it fits."""
    kept = list(items)
    while len(kept) > 1 and count_tokens(text_of(kept)) > limit:
        kept.pop(0)
    text = text_of(kept)
    tokens = count_tokens(text)
    if tokens > limit:
        kept = [{"role": "user", "content": text[len(text) - int(len(text) * limit / tokens * 0.98) :]}]
    return kept
