"""Traces, for who wants them: ``span`` costs next to nothing until ``configure_traces`` found the extra and an address.

The SDK is the extra ``otel``. Where spans go is set with OpenTelemetry's own variables; the address is taken from the
mapping that is given, the rest (headers, sampling, timeouts) the SDK reads itself. Source: OpenTelemetry's
specification, "OTLP Exporter Configuration".
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reviewbot.errors import ConfigError
from reviewbot.telemetry.masking import MARK, Mask

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import Tracer

_log = logging.getLogger(__name__)
_BASE, _OWN = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_NAME = re.compile(r"[A-Za-z0-9._:/#@+-]{0,100}")
_SHAPES = Mask(())
Value = str | int | float | bool


@dataclass(slots=True)
class _Tracing:
    """The process's own provider. Not OpenTelemetry's global one, which can be set only once and by anybody."""

    provider: TracerProvider | None = None
    tracer: Tracer | None = None


_tracing = _Tracing()


class Span(AbstractContextManager["Span"]):
    """One step of the work. Attributes are numbers and names, never text of a pull request: a string with a blank in
    it, or one that is long or looks like a secret, is written as ``***``. Of an error only the class is kept."""

    def __init__(self, name: str, attributes: Mapping[str, Value]) -> None:
        self._name, self._attributes = name, attributes
        self._span: OtelSpan | None = None
        self._current: AbstractContextManager[OtelSpan] | None = None

    def set(self, **attributes: Value) -> None:
        if self._span is not None:
            self._span.set_attributes(_harmless(attributes))

    def __enter__(self) -> Span:
        if _tracing.tracer is not None:
            self._current = _tracing.tracer.start_as_current_span(
                self._name,
                attributes=_harmless(self._attributes),
                record_exception=False,
                set_status_on_exception=False,
            )
            self._span = self._current.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._current is None or self._span is None:
            return
        if kind is not None:
            self._span.set_attribute("error.type", kind.__name__)
            if issubclass(kind, Exception):  # a cancelled step is not a failed one
                from opentelemetry.trace import Status, StatusCode

                self._span.set_status(Status(StatusCode.ERROR))
        self._current.__exit__(None, None, None)


def span(name: str, **attributes: Value) -> Span:
    """``with span("review.post", comments=3) as step:``; does nothing while traces are not configured."""
    return Span(name, attributes)


def configure_traces(service: str, environ: Mapping[str, str]) -> bool:
    """Send spans over OTLP/HTTP when ``environ`` has an address for them, and say whether they are sent.

    The name is ``service`` unless OTEL_SERVICE_NAME says another. Without the extra a warning is logged and nothing is
    sent. Raises ConfigError for an address that is none.
    """
    shutdown_traces()
    address = environ.get(_OWN) or (environ.get(_BASE) and environ[_BASE].rstrip("/") + "/v1/traces")
    if not address or environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if not _is_address(address):
        raise ConfigError(f"{_BASE} or {_OWN} is not a web address.", remedy="Write http(s)://HOST:4318.")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        _log.warning("No traces are sent: OpenTelemetry is not installed. Install reviewbot[otel].")
        return False
    resource = Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME") or service})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address)))
    _tracing.provider, _tracing.tracer = provider, provider.get_tracer("reviewbot")
    return True


def shutdown_traces() -> None:
    """Send what is left, wait for that a little, and stop; safe to call at any time."""
    provider, _tracing.provider, _tracing.tracer = _tracing.provider, None, None
    if provider is not None:
        provider.shutdown()


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _harmless(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {
        f"reviewbot.{name}": _name(value) if isinstance(value, str) else value for name, value in attributes.items()
    }


def _name(value: str) -> str:
    return value if _NAME.fullmatch(value) and _SHAPES.masked(value) == value else MARK
