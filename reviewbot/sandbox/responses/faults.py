"""Faults that the Responses server commits on demand, and the script that hands them out. No I/O."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """What goes wrong. Those that concern a stream do the nearest thing to a plain answer."""

    RATE_LIMITED = "rate-limited"  # 429 with Retry-After: ``seconds``
    QUOTA = "insufficient-quota"  # 429 that no waiting cures
    SERVER_ERROR = "server-error"  # 500 in OpenAI's shape
    BAD_GATEWAY = "bad-gateway"  # 502 with an HTML page
    UNAVAILABLE = "unavailable"  # 503 in OpenAI's shape
    MODEL_GONE = "model-gone"  # 404 model_not_found
    FORBIDDEN = "forbidden"  # 403
    CONTEXT_LENGTH = "context-length"  # 400 context_length_exceeded, whatever the length
    HANG = "hang"  # the request is taken and nothing is ever said
    SLOW = "slow"  # ``seconds`` more before the answer
    CUT_AT_ONCE = "cut-at-once"  # the connection breaks before the first byte of the body
    CUT_IN_JSON = "cut-in-json"  # ... in the middle of an event's JSON
    END_EARLY = "end-early"  # the stream ends cleanly, without a terminal event
    ERROR_EVENT = "error-event"  # an ``error`` event in the middle of the stream
    FAILED = "failed"  # ``status: failed`` on HTTP 200, with usage
    REFUSAL = "refusal"  # a refusal instead of text
    INCOMPLETE_EMPTY = "incomplete-empty"  # max_output_tokens used up by reasoning: no text
    INCOMPLETE_TEXT = "incomplete-text"  # ... in the middle of the text
    CONTENT_FILTER = "content-filter"  # incomplete, for the other reason
    UNPARSABLE = "unparsable"  # complete, but the text is not the JSON that was asked for
    WRONG_SHAPE = "wrong-shape"  # complete JSON of another shape
    NULLS = "nulls"  # optional fields are null, as some resellers send them
    UNKNOWN_ITEM = "unknown-item"  # an output item of a type that is in no description
    NO_USAGE = "no-usage"  # ``usage`` is null
    STUCK = "stuck"  # a background answer that stays queued


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: for request number ``request`` (from 1, only ``POST /v1/responses`` counts) or, without it, for any
    request; only where ``contains`` stands in the prompt; ``times`` times (None: always)."""

    kind: FaultKind
    request: int | None = None
    contains: str = ""
    times: int | None = 1
    seconds: float = 1.0

    @classmethod
    def parse(cls, fields_: dict[str, Any]) -> Fault:
        """From JSON. Raises ValueError for a kind or a field that does not exist."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(fields_.keys() - known)
        if unknown or "kind" not in fields_:
            raise ValueError(f"A fault has the fields {', '.join(sorted(known))}; wrong: {unknown or 'no kind'}.")
        return cls(**{**fields_, "kind": FaultKind(fields_["kind"])})


class FaultScript:
    """Faults in order; each request takes the first one that is meant for it. Safe between threads."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._faults: list[tuple[Fault, int]] = [(fault, 0) for fault in faults]

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._faults += [(fault, 0) for fault in faults]

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def describe(self) -> list[dict[str, Any]]:
        """Each fault as JSON, with the number of its uses."""
        with self._lock:
            return [{**asdict(fault), "used": used} for fault, used in self._faults]

    def take(self, number: int, prompt: str) -> Fault | None:
        """The fault for this request, counted as used; None: it is answered as it should be."""
        with self._lock:
            for index, (fault, used) in enumerate(self._faults):
                if (
                    (fault.times is None or used < fault.times)
                    and fault.request in (None, number)
                    and fault.contains in prompt
                ):
                    self._faults[index] = (fault, used + 1)
                    return fault
        return None
