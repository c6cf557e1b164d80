"""Logs: ``configure`` once in a process, ``bound`` round what a line should be told apart by.

One line, one event: as JSON for machines, or as text for a terminal. No line holds a secret, in either; no text from
outside can make a line of its own, move the cursor, or be longer than a bound.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import Any, TextIO

from reviewbot.errors import ConfigError
from reviewbot.telemetry.masking import MARK, Mask

FIELDS = ("delivery_id", "run_id", "job_id", "pull_request", "role")
MESSAGE_LIMIT = 16_384
TRACEBACK_LIMIT = 32_768
_FIELD_LIMIT = 200
_ERROR_LIMIT = 2_000
_NOTHING: Mapping[str, str] = MappingProxyType({})
_BOUND: ContextVar[Mapping[str, str]] = ContextVar("reviewbot_log_fields", default=_NOTHING)
# What a terminal or a reader would take for something else than text: controls, line ends of any kind, direction marks.
_ACTIVE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_WITH_HANDLERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "dbos")
# A line a request, and at DEBUG the headers of each; and Alembic's list of its own plugins.
_CHATTY = ("httpx", "httpcore", "urllib3", "hpack", "alembic.runtime.plugins")

_ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


@contextmanager
def bound(
    *,
    delivery_id: str | None = None,
    run_id: str | None = None,
    job_id: str | None = None,
    pull_request: str | None = None,
    role: str | None = None,
) -> Iterator[None]:
    """Each line inside carries these, also from tasks that are started there and from anyio's worker threads, which
    take the context along. What is None stays as it was outside."""
    values = (delivery_id, run_id, job_id, pull_request, role)
    given = {name: value for name, value in zip(FIELDS, values, strict=True) if value is not None}
    token = _BOUND.set({**_BOUND.get(), **given})
    try:
        yield
    finally:
        _BOUND.reset(token)


def configure(*, as_json: bool, secrets: Collection[str], stream: TextIO | None = None, level: str = "INFO") -> None:
    """Send every log line of the process through one door, to ``stream`` (standard error when None). Calling it again
    replaces the earlier door.

    uvicorn's and DBOS's loggers lose their own handlers; uvicorn must be started with ``log_config=None``, or it puts
    them back. Raises ConfigError for a level that is none.
    """
    known = logging.getLevelNamesMapping()
    if level.upper() not in known:
        raise ConfigError(f"{level[:20]!r} is no log level.", remedy="Use DEBUG, INFO, WARNING or ERROR.")
    door = _Door(sys.stderr if stream is None else stream)
    mask = Mask(secrets)
    door.setFormatter(JsonLines(mask) if as_json else TextLines(mask))
    root = logging.getLogger()
    root.handlers[:] = [door]
    root.setLevel(known[level.upper()])
    for name in _WITH_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]  # DBOS adds one that prints where there is none
        logger.propagate, logger.disabled = True, False
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


class _Door(logging.StreamHandler[TextIO]):
    """A handler that keeps quiet about what it could not write: logging's own prints the arguments, secrets too."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        kind = sys.exc_info()[0]
        said = f"A log line of {record.module}, line {record.lineno}, could not be written: {kind and kind.__name__}."
        lost = logging.LogRecord(__name__, logging.ERROR, "", 0, said, None, None)
        with suppress(OSError, ValueError):  # the stream itself is gone
            self.stream.write(self.format(lost) + self.terminator)
            self.flush()


class _Lines(logging.Formatter):
    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self._mask = mask

    def fields(self, record: logging.LogRecord) -> dict[str, str]:
        """Everything that a line says, in its order, masked and bounded. What ``extra`` gives goes before what is
        bound."""
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname,
            "logger": self._mask.shortened(record.name, _FIELD_LIMIT),
            "message": self._mask.shortened(record.getMessage(), MESSAGE_LIMIT),
        }
        around = _BOUND.get()
        for name in FIELDS:
            value = getattr(record, name, None)
            value = around.get(name) if value is None else value
            if value is not None:
                said[name] = self._mask.shortened(str(value), _FIELD_LIMIT)
        return said | self._failure(record.exc_info, record.stack_info)

    def _failure(self, info: _ExcInfo | None, stack: str | None) -> dict[str, str]:
        said: dict[str, str] = {}
        where = stack or ""
        if info and info[1] is not None:
            kind, error, trace = type(info[1]), info[1], info[2]
            said["error"] = self._mask.shortened(f"{kind.__name__}: {error}", _ERROR_LIMIT)
            where = "".join(traceback.format_exception(kind, error, trace)) + where
        if where:
            said["traceback"] = self._mask.shortened(where.rstrip("\n"), TRACEBACK_LIMIT)
        return said


class JsonLines(_Lines):
    """A JSON object a line, in ASCII: no stream refuses it, and no character in it ends a line."""

    def format(self, record: logging.LogRecord) -> str:
        said = ((name, json.dumps(value)) for name, value in self.fields(record).items())
        return "{" + ", ".join(f'"{name}": {self._checked(value)}' for name, value in said) + "}"

    def _checked(self, value: str) -> str:
        """A masked value that spells a secret only since it is JSON (``n`` of a line end, say) is given up."""
        return f'"{MARK}"' if self._mask.knows(value) else value


class TextLines(_Lines):
    """``time level logger: message [job_id=...]``, and each line of a traceback behind a bar, so that none of them can
    pass for another event."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = self.fields(record)
        where = said.pop("traceback", "").split("\n") if "traceback" in said else []
        shown = {name: _ACTIVE.sub(_spelled, value) for name, value in said.items()}
        ids = " ".join(f"{name}={shown[name]}" for name in FIELDS if name in shown)
        first = f"{shown['time']} {shown['level']:<7} {shown['logger']}: {shown['message']}" + (ids and f" [{ids}]")
        if "error" in shown and not where:
            first += f" ({shown['error']})"
        lines = [first, *(f"  | {_ACTIVE.sub(_spelled, line)}" for line in where)]
        return "\n".join(self._mask.masked(line) for line in lines)


def _spelled(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
