"""One line, one event, with the ids of its work and without secrets."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewbot.errors import ConfigError, ModelUnreachable
from reviewbot.telemetry.logs import FIELDS, MESSAGE_LIMIT, TRACEBACK_LIMIT, JsonLines, TextLines, bound, configure
from reviewbot.telemetry.masking import Mask

pytestmark = pytest.mark.usefixtures("untouched_logging")
SECRET = 'pass"word\\1/ü?'
log = logging.getLogger("reviewbot.test")


@pytest.fixture
def lines() -> Callable[[], list[dict[str, Any]]]:
    stream = io.StringIO()
    configure(as_json=True, secrets=[SECRET], stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def text() -> Callable[[], str]:
    stream = io.StringIO()
    configure(as_json=False, secrets=[SECRET], stream=stream)
    return stream.getvalue


def test_a_line_says_when_where_and_what(lines: Callable[[], list[dict[str, Any]]]) -> None:
    log.info("%d of %s", 3, "four")
    (line,) = lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {"level": "INFO", "logger": "reviewbot.test", "message": "3 of four"}


def test_ids_are_bound_nested_and_overruled_by_extra(lines: Callable[[], list[dict[str, Any]]]) -> None:
    with bound(job_id="j1", role="worker"):
        with bound(run_id="r1", job_id="j2"):
            log.info("a", extra={"delivery_id": "d1", "role": "poster", "other": "not shown"})
        log.info("b")
    log.info("c")
    seen = [{name: line[name] for name in FIELDS if name in line} for line in lines()]
    assert seen == [
        {"delivery_id": "d1", "run_id": "r1", "job_id": "j2", "role": "poster"},
        {"job_id": "j1", "role": "worker"},
        {},
    ]
    assert "other" not in lines()[0]


@pytest.mark.anyio
async def test_ids_go_along_into_tasks_and_worker_threads(lines: Callable[[], list[dict[str, Any]]]) -> None:
    ready = anyio.Event()

    async def work(name: str) -> None:
        with bound(pull_request=name):
            await ready.wait()
            await run_sync(log.info, name)
            await asyncio.create_task(later(name))

    async def later(name: str) -> None:
        await anyio.lowlevel.checkpoint()
        log.info(name)

    with bound(role="worker"):
        async with anyio.create_task_group() as group:
            for number in range(5):
                group.start_soon(work, f"o/r#{number}")
            ready.set()
    assert len(lines()) == 10
    assert all(line["pull_request"] == line["message"] and line["role"] == "worker" for line in lines())


def test_a_plain_thread_starts_without_ids(lines: Callable[[], list[dict[str, Any]]]) -> None:
    with bound(run_id="r1"):
        thread = threading.Thread(target=log.info, args=("x",))
        thread.start()
        thread.join()
    assert ("run_id" in lines()[0]) == bool(getattr(sys.flags, "thread_inherit_context", 0))


def test_an_error_is_told_with_its_traceback(lines: Callable[[], list[dict[str, Any]]]) -> None:
    def fail() -> None:
        raise ModelUnreachable(f"No answer with {SECRET}.")

    try:
        fail()
    except ModelUnreachable:
        log.exception("failed")
    (line,) = lines()
    assert line["error"] == "ModelUnreachable: No answer with ***."
    assert line["traceback"].startswith("Traceback (most recent call last):\n")
    assert line["traceback"].endswith("ModelUnreachable: No answer with ***.")


def test_no_error_under_way_is_no_error(lines: Callable[[], list[dict[str, Any]]]) -> None:
    log.error("x", exc_info=True)  # noqa: LOG014 - that is the point
    log.error("y", stack_info=True)
    assert "error" not in lines()[0]
    assert "test_no_error_under_way" in lines()[1]["traceback"]


def test_a_long_message_is_cut_and_says_so(lines: Callable[[], list[dict[str, Any]]]) -> None:
    log.info("x" * 1_000_000)
    log.error("y", exc_info=ValueError("z" * 1_000_000), extra={"run_id": "r" * 1000})
    first, second = lines()
    assert first["message"] == "x" * MESSAGE_LIMIT + f"… ({1_000_000 - MESSAGE_LIMIT:,} characters cut)"
    assert len(second["traceback"]) < TRACEBACK_LIMIT + 50
    assert len(second["run_id"]) < 250


secrets = st.text(min_size=6, max_size=30).filter(lambda text: len(text.strip()) >= 6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    secrets, st.text(max_size=20), st.sampled_from(["message", "args", "error", "cause", *FIELDS, "bound", "logger"])
)
@pytest.mark.parametrize("as_json", [True, False])
def test_no_secret_in_any_field_of_a_line(as_json: bool, secret: str, around: str, where: str) -> None:
    hidden = f"{around}{secret}{around}"
    record = logging.LogRecord("reviewbot.x", logging.INFO, __file__, 1, "m", None, None)
    if where == "message":
        record.msg = hidden
    elif where == "args":
        record.msg, record.args = "%s and %r", (hidden, hidden)
    elif where == "logger":
        record.name = hidden
    elif where in ("error", "cause"):
        error: BaseException = ValueError(hidden)
        if where == "cause":
            error = KeyError("x")
            error.__cause__ = ValueError(hidden)
        record.exc_info = (type(error), error, None)
    elif where != "bound":
        setattr(record, where, hidden)
    with bound(job_id=hidden if where == "bound" else None):
        line = (JsonLines if as_json else TextLines)(Mask([secret])).format(record)
    said = " ".join(json.loads(line).values()) if as_json else line
    assert secret not in said or secret in without(as_json)
    assert "\r" not in line
    assert as_json is False or line.isascii()


def without(as_json: bool) -> str:
    """What such a line says anyway: a secret like ``LOG INFO`` is no secret."""
    record = logging.LogRecord("reviewbot.x", logging.INFO, __file__, 1, "m", None, None)
    return (JsonLines if as_json else TextLines)(Mask(())).format(record)


def test_a_secret_that_json_itself_would_spell_is_not_spelled() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "a\n12345", None, None)
    assert json.loads(JsonLines(Mask(["n12345"])).format(record))["message"] == "***"


def test_text_is_one_line_whatever_it_says() -> None:
    stream = io.StringIO()
    configure(as_json=False, secrets=[SECRET], stream=stream)  # here, since pytest's own report cannot hold \\ud800
    with bound(job_id="j\n1"):
        log.warning("a\r\n2026-01-01 INFO forged: \x1b[2J\u202e\u2028\x85\ud800 %s", SECRET)
    (line,) = stream.getvalue().splitlines()
    assert line[24:] == (
        r" WARNING reviewbot.test: a\r\n2026-01-01 INFO forged: \x1b[2J\u202e\u2028\x85\ud800 *** [job_id=j\n1]"
    )


def test_a_traceback_in_text_cannot_forge_an_event(text: Callable[[], str]) -> None:
    log.error("failed", exc_info=ValueError("x\n2026-11-28T00:00:00.000Z INFO    reviewbot: all is well\x1b[0m"))
    first, *rest = text().splitlines()
    assert first.endswith("failed")
    assert rest
    assert all(line.startswith("  | ") for line in rest)
    assert "\x1b" not in text()


def test_what_cannot_be_written_is_named_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    configure(as_json=True, secrets=[], stream=stream)  # here, since pytest's own handler would raise
    log.info("%d", "canary-value")
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert line["level"] == "ERROR"
    assert line["message"].endswith("could not be written: TypeError.")
    assert "canary" not in json.dumps(line) + "".join(capsys.readouterr())


def test_a_closed_stream_is_survived(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    configure(as_json=True, secrets=[], stream=stream)
    stream.close()
    log.info("canary")
    assert "canary" not in "".join(capsys.readouterr())


def test_other_libraries_use_the_same_door_once(lines: Callable[[], list[dict[str, Any]]]) -> None:
    from dbos._logger import init_logger

    init_logger()  # what DBOS does when it starts
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "dbos"):
        logging.getLogger(name).error("from %s", name)
    logging.getLogger("httpx").info("HTTP Request: ...")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old", stacklevel=1)
    assert [line["logger"] for line in lines()] == ["uvicorn", "uvicorn.error", "uvicorn.access", "dbos", "py.warnings"]


def test_configuring_again_replaces_the_door(lines: Callable[[], list[dict[str, Any]]]) -> None:
    second = io.StringIO()
    configure(as_json=True, secrets=[], stream=second, level="warning")
    log.info("a")
    log.warning("b")
    assert lines() == []
    assert json.loads(second.getvalue())["message"] == "b"
    with pytest.raises(ConfigError):
        configure(as_json=True, secrets=[], level="LOUD")
