"""Spans cost nothing until they are wanted, arrive when they are, and say nothing that they must not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from reviewbot.errors import ConfigError, ModelTimeout
from reviewbot.telemetry.traces import configure_traces, shutdown_traces, span


@pytest.fixture(autouse=True)
def _no_traces_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield
    shutdown_traces()


def spans(receiver: Any) -> dict[str, Any]:
    found = {}
    for _, body in receiver.posted:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                found |= {one.name: (one, resource.resource) for one in scope.spans}
    return found


def attributes(one: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in one.attributes}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
    ],
)
def test_without_an_address_nothing_happens(environ: dict[str, str]) -> None:
    assert configure_traces("reviewbot", environ) is False
    with span("a", number=1) as step:
        step.set(more=2)
    shutdown_traces()


@pytest.mark.parametrize("own", [False, True])
def test_spans_arrive_with_their_parents_and_names(receiver: Any, own: bool) -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"{receiver.url}/base/"}
    if own:
        environ |= {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{receiver.url}/own", "OTEL_SERVICE_NAME": "named"}
    assert configure_traces("reviewbot-worker", environ) is True
    with span("review", pull_request="octo/repo#12", fresh=True), span("model.answer", model="gpt-5.6-sol") as step:
        step.set(cost_usd=0.5, input_tokens=12)
    shutdown_traces()
    assert {path for path, _ in receiver.posted} == {"/own" if own else "/base/v1/traces"}
    found = spans(receiver)
    (review, resource), (answer, _) = found["review"], found["model.answer"]
    assert answer.parent_span_id == review.span_id
    assert attributes(resource)["service.name"] == ("named" if own else "reviewbot-worker")
    assert attributes(review) == {"reviewbot.pull_request": "octo/repo#12", "reviewbot.fresh": True}
    assert attributes(answer) == {
        "reviewbot.model": "gpt-5.6-sol", "reviewbot.cost_usd": 0.5, "reviewbot.input_tokens": 12,
    }  # fmt: skip


def test_no_words_and_no_secrets_leave(receiver: Any) -> None:
    configure_traces("reviewbot", {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
    with span("a", title="Fix the canary bug", token="ghp_" + "canary12" * 5, long="canary" * 50) as step:
        step.set(url="https://bot:canary@host/x", line="canary\n")
    with pytest.raises(ModelTimeout), span("b"):
        raise ModelTimeout("a canary in the error")
    with pytest.raises(KeyboardInterrupt), span("c"):
        raise KeyboardInterrupt
    shutdown_traces()
    assert b"canary" not in b"".join(body for _, body in receiver.posted)
    found = spans(receiver)
    assert attributes(found["a"][0])["reviewbot.title"] == "***"
    assert attributes(found["b"][0]) == {"error.type": "ModelTimeout"}
    assert [found[name][0].status.code for name in "abc"] == [0, 2, 0]
    assert not any(list(one.events) for one, _ in found.values())


@pytest.mark.parametrize("address", ["collector:4318", "ftp://host", "http://", "http://[::1"])
def test_an_address_that_is_none_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(ConfigError) as refused:
        configure_traces("reviewbot", {"OTEL_EXPORTER_OTLP_ENDPOINT": address})
    assert "collector" not in str(refused.value)


MISSING = """
import logging, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block())
logging.basicConfig(stream=sys.stdout, format="%(message)s")
from reviewbot.telemetry.traces import configure_traces, shutdown_traces, span
assert configure_traces("x", {}) is False
assert configure_traces("x", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}) is False
with span("a", number=1) as step:
    step.set(more=2)
try:
    with span("b"):
        raise KeyError
except KeyError:
    pass
shutdown_traces()
import reviewbot.telemetry.metered, reviewbot.telemetry.metrics, reviewbot.telemetry.logs
assert not any(name.startswith("opentelemetry") for name in sys.modules)
"""


def test_without_the_extra_it_says_so_and_goes_on() -> None:
    done = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "No traces are sent: OpenTelemetry is not installed. Install reviewbot[otel].\n"
