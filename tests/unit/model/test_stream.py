"""An answer counts only when its stream has said that it is over."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from reviewbot.model.stream import StreamReader
from reviewbot.model.wire import Response


def feed(reader: StreamReader, *events: dict[str, Any], named: bool = True) -> Response | None:
    for event in events:
        finished = reader.take(event["type"] if named else "", json.dumps(event))
        if finished is not None:
            return finished
    return None


def created(name: str = "resp_1") -> dict[str, Any]:
    return {"type": "response.created", "sequence_number": 0, "response": {"id": name, "status": "in_progress"}}


def delta(text: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "delta": text}


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("end", ["completed", "incomplete", "failed"])
def test_the_terminal_events_document_is_the_answer(
    document: Callable[..., dict[str, Any]], end: str, named: bool
) -> None:
    last = {"type": f"response.{end}", "response": document("whole", status=None)}
    finished = feed(StreamReader(), created(), delta("wh"), delta("ole"), last, named=named)
    assert finished is not None
    assert (finished.status, finished.output_text) == (end, "whole")


def test_without_a_terminal_event_there_is_no_answer() -> None:
    reader = StreamReader()
    done = {"type": "response.output_text.done", "text": "all of it"}
    assert feed(reader, created("resp_9"), delta("all"), done) is None
    assert reader.take("", "[DONE]") is None
    assert (reader.response_id, reader.broken) == ("resp_9", False)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "server_error", "message": "m", "param": None},
        {"type": "error", "error": {"code": "server_error", "message": "m"}},
    ],
)
def test_an_error_event_is_a_failed_answer(event: dict[str, Any]) -> None:
    finished = feed(StreamReader(), created(), event)
    assert finished is not None
    assert (finished.status, finished.id) == ("failed", "resp_1")
    assert finished.fault is not None
    assert finished.fault.code == "server_error"


def test_where_the_last_document_lacks_its_output_the_stream_supplies_it(
    document: Callable[..., dict[str, Any]],
) -> None:
    bare = {"type": "response.completed", "response": document(output=None)}
    item = {"type": "response.output_item.done", "item": document("by item")["output"][0]}
    text = {"type": "response.output_text.done", "text": "by text"}
    for events, expected in (
        ((delta("by "), delta("delta")), "by delta"),
        ((delta("x"), text, delta(", more")), "by text, more"),
        ((delta("x"), text, item), "by item"),
        ((), ""),
    ):
        finished = feed(StreamReader(), created(), *events, bare)
        assert finished is not None
        assert finished.output_text == expected


@pytest.mark.parametrize("data", ["{", '"text"', '{"type": "response.completed", "response": null}', ""])
def test_a_terminal_event_that_cannot_be_read_is_no_answer(data: str) -> None:
    reader = StreamReader()
    assert reader.take("response.completed", data) is None
    assert reader.broken


def test_events_of_the_future_and_null_fields_are_passed_over() -> None:
    reader = StreamReader()
    assert reader.take("response.hologram.delta", "not even JSON") is None
    assert feed(reader, {"type": "response.queued", "response": None}, {"type": None}, named=False) is None
    assert not reader.broken
