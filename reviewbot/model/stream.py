"""Pure: the server-sent events of one answer, one after the other -> the finished Response (StreamReader).

Only the events that begin and end an answer are parsed. The terminal event carries the whole document; where a gateway
leaves its output out, the text is put together from the parts that were streamed.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from reviewbot.model.wire import ContentPart, OutputItem, Response, StreamEvent

_TERMINAL = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
    "error": "failed",
}
_BEGINS = {"response.created", "response.queued", "response.in_progress"}


class StreamReader:
    """Feed it with ``take`` until that answers with a Response. ``response_id`` is known from the first event on,
    ``broken`` says that an event could not be read."""

    def __init__(self) -> None:
        self.response_id: str | None = None
        self.broken = False
        self._items: list[str] = []
        self._texts: list[str] = []
        self._deltas: list[str] = []

    def take(self, name: str, data: str) -> Response | None:
        """The finished document if this event is terminal. ``name`` is the event's field, which gateways may leave
        out; then the type inside ``data`` counts."""
        kind = name if name not in ("", "message") else self._kind(data)
        if kind == "response.output_text.delta":
            self._deltas.append(data)
        elif kind == "response.output_text.done":
            self._texts.append(data)
            self._deltas.clear()
        elif kind == "response.output_item.done":
            self._items.append(data)
        elif kind in _TERMINAL or (kind in _BEGINS and self.response_id is None):
            event = self._event(data)
            if event is not None and event.response is not None:
                self.response_id = event.response.id or self.response_id
            if event is not None and kind in _TERMINAL:
                return self._finish(kind, event)
        return None

    def _kind(self, data: str) -> str:
        if data.strip() == "[DONE]":
            return ""
        event = self._event(data)
        return (event and event.type) or ""

    def _event(self, data: str) -> StreamEvent | None:
        try:
            return StreamEvent.model_validate_json(data)
        except ValidationError:
            self.broken = True
            return None

    def _finish(self, kind: str, event: StreamEvent) -> Response | None:
        update: dict[str, Any] = {"status": _TERMINAL[kind]}
        if event.response is None:
            if kind != "error":
                self.broken = True
                return None
            body = event.error if event.error is not None else {"code": event.code, "message": event.message}
            return Response.model_validate({"id": self.response_id, "error": body, "status": "failed"})
        document = event.response
        if not any(item is not None for item in document.output or ()) and not document.output_text:
            update["output"] = self._streamed()
        return document.model_copy(update=update)

    def _streamed(self) -> tuple[OutputItem, ...]:
        """The output as it was streamed: whole items, else whole texts and what followed the last of them."""
        events = [event for data in self._items if (event := self._event(data)) is not None]
        items = tuple(event.item for event in events if event.item is not None)
        if items:
            return items
        text = "".join(_field(data, "text") for data in self._texts) + "".join(_field(d, "delta") for d in self._deltas)
        part = ContentPart(type="output_text", text=text)
        return (OutputItem(type="message", role="assistant", content=(part,)),) if text else ()


def _field(data: str, name: str) -> str:
    try:
        document = json.loads(data)
    except ValueError:
        return ""
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) else ""
