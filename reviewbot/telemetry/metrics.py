"""Metrics over prometheus-client: Metrics counts, `render` shows. The table of them all is in table.py.

Several processes of one machine are counted together through a folder: prometheus-client's multiprocess mode, which
needs PROMETHEUS_MULTIPROC_DIR in the environment of each process before prometheus_client is imported. Source: its
documentation, "Multiprocess Mode".
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, Protocol

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from reviewbot.errors import ConfigError
from reviewbot.telemetry.table import (
    ENDINGS,
    EVENTS,
    KINDS,
    METHODS,
    METRICS,
    OUTCOMES,
    RESOURCES,
    SEVERITIES,
    STATES,
    VERDICTS,
    ModelNames,
    known,
    status_label,
)

__all__ = ["CONTENT_TYPE", "METRICS", "JobGauges", "Metrics", "TokenKind", "forget_all"]

TokenKind = Literal["input", "cached_input", "output", "reasoning"]
_BUCKETS: Mapping[str, tuple[float, ...]] = {
    "reviewbot_delivery_seconds": (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    "reviewbot_model_answer_seconds": (1, 2.5, 5, 10, 20, 40, 60, 120, 240, 480, 900),
}
_REMEDY = "Set PROMETHEUS_MULTIPROC_DIR, before the process starts, to a folder that it may write to, or unset it."
# A second series for each, when it was made: it doubles the page, and nobody asks for it.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


class JobGauges(Protocol):
    """The engine's gauges, ``reviewbot.jobs.job.Gauges``, by its fields: shells do not import each other."""

    @property
    def delayed(self) -> int: ...
    @property
    def queued(self) -> int: ...
    @property
    def running(self) -> int: ...
    @property
    def parked(self) -> int: ...
    @property
    def oldest(self) -> float: ...


class Metrics:
    """Counts what happens. No method raises for a value that came from outside: a number that cannot be is not counted,
    and an unknown name is ``other``.

    ``directory`` is the folder that the processes of a server share, None for a process on its own. Raises ConfigError
    when that is not how prometheus_client was started, or the folder cannot be used.
    """

    def __init__(self, directory: Path | None = None) -> None:
        shared = bool(getattr(values.ValueClass, "_multiprocess", False))
        if shared != (directory is not None):
            told = "no folder for shared metrics is set" if shared else f"{directory} is not shared"
            raise ConfigError(f"Metrics cannot be counted: {told}.", remedy=_REMEDY)
        self._directory = directory
        self._registry = CollectorRegistry()
        self._models = ModelNames()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        try:
            if directory is not None:
                directory.mkdir(parents=True, exist_ok=True)
            self._make()
        except OSError as error:
            raise ConfigError(f"Metrics cannot be kept in {directory}: {error.strerror}.", remedy=_REMEDY) from error
        if directory is not None and not (directory / f"histogram_{os.getpid()}.db").exists():
            raise ConfigError(f"{directory} is not the folder in which metrics are kept.", remedy=_REMEDY)

    def _make(self) -> None:
        for name, kind, labels, told, snapshot in METRICS:
            if snapshot:
                continue
            if kind == "counter":
                self._counters[name] = Counter(name, told, labels, registry=self._registry)
            elif kind == "gauge":
                mode: Literal["livemax", "livemostrecent"] = "livemostrecent" if labels else "livemax"
                self._gauges[name] = Gauge(name, told, labels, registry=self._registry, multiprocess_mode=mode)
            else:
                self._histograms[name] = Histogram(name, told, labels, registry=self._registry, buckets=_BUCKETS[name])

    # ---- what happens ------------------------------------------------------------------------------------------------

    def delivery(self, event: str, status: int | str) -> None:
        """A webhook delivery and its answer: an HTTP status, or one of the receiver's own words (``stored`` ...)."""
        answered = status_label(status) if isinstance(status, int) else known(status, STATES)
        self._count("reviewbot_deliveries_total", 1, known(event, EVENTS), answered)

    def delivery_seconds(self, seconds: float) -> None:
        self._observe("reviewbot_delivery_seconds", seconds)

    def review(self, verdict: str) -> None:
        """A finished review, by ``ReviewOutcome.verdict``; ``failed`` for one that ended in an error."""
        self._count("reviewbot_reviews_total", 1, known(verdict, VERDICTS))

    def findings(self, severity: str, count: int) -> None:
        self._count("reviewbot_findings_total", count, known(severity, SEVERITIES))

    def job(self, ending: str) -> None:
        """An attempt at a job, by ``reviewbot.jobs.job.Ending``."""
        self._count("reviewbot_job_attempts_total", 1, known(ending, ENDINGS))

    def model_answer(self, model: str, outcome: str, seconds: float) -> None:
        """An answer of a model: ``ok``, ``cancelled`` or the error's class."""
        name = self._models.label(model)
        self._count("reviewbot_model_answers_total", 1, name, known(outcome, OUTCOMES))
        self._observe("reviewbot_model_answer_seconds", seconds, name)

    def tokens(self, model: str, kind: TokenKind, count: int) -> None:
        self._count("reviewbot_model_tokens_total", count, self._models.label(model), known(kind, KINDS))

    def cost(self, model: str, usd: float) -> None:
        self._count("reviewbot_model_cost_usd_total", usd, self._models.label(model))

    def github_request(self, method: str, status: int) -> None:
        """A request to GitHub; status 0 when there was no answer."""
        self._count("reviewbot_github_requests_total", 1, known(method, METHODS), status_label(status))

    def github_quota(self, resource: str, remaining: int, limit: int, reset: int) -> None:
        """What the headers of an answer said; ``reset`` is in Unix time. Fits ``GitHubClient(on_quota=...)``."""
        name = known(resource, RESOURCES)
        self._gauges["reviewbot_github_quota_remaining"].labels(name).set(remaining)
        self._gauges["reviewbot_github_quota_limit"].labels(name).set(limit)
        self._gauges["reviewbot_github_quota_reset_timestamp_seconds"].labels(name).set(reset)

    def breaker(self, is_open: bool) -> None:
        """Fits ``Breaker(on_change=...)``."""
        self._gauges["reviewbot_model_breaker_open"].set(is_open)

    def _count(self, name: str, amount: float, *labels: str) -> None:
        counter = self._counters[name].labels(*labels)
        if 0 <= amount < float("inf"):
            counter.inc(amount)

    def _observe(self, name: str, seconds: float, *labels: str) -> None:
        histogram = self._histograms[name]
        if 0 <= seconds < float("inf"):
            (histogram.labels(*labels) if labels else histogram).observe(seconds)

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def render(self, gauges: JobGauges | None, ready: bool | None = None) -> bytes:
        """Everything, over all processes, in Prometheus' text format (``CONTENT_TYPE``). ``gauges`` and ``ready`` are
        as of now, and left out when None. Reads files when there is a folder: call it off the event loop."""
        registry = self._registry
        if self._directory is not None:
            _forget_dead(self._directory)
            registry = CollectorRegistry()
            MultiProcessCollector(registry, path=str(self._directory))  # type: ignore[no-untyped-call]
        now = CollectorRegistry()
        now.register(_Snapshot(gauges, ready))
        return generate_latest(registry) + generate_latest(now)


class _Snapshot(Collector):
    """What the process knows at this moment and does not count."""

    def __init__(self, gauges: JobGauges | None, ready: bool | None) -> None:
        self._gauges, self._ready = gauges, ready

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = {row.name: GaugeMetricFamily(row.name, row.help, labels=row.labels) for row in METRICS if row.snapshot}
        if self._gauges is not None:
            for state in ("delayed", "queued", "running", "parked"):
                family["reviewbot_jobs"].add_metric((state,), getattr(self._gauges, state))
            family["reviewbot_oldest_queued_job_seconds"].add_metric((), self._gauges.oldest)
        if self._ready is not None:
            family["reviewbot_ready"].add_metric((), self._ready)
        yield from (each for each in family.values() if each.samples)


def forget_all(directory: Path) -> None:
    """Delete what an earlier server counted in the folder; for the starter, before any process of this one runs."""
    for file in _files(directory):
        file.unlink(missing_ok=True)


def _forget_dead(directory: Path) -> None:
    """Drop the gauges of processes that are gone: one that was killed would leave its breaker open for ever. What they
    counted stays. All must see the same process ids, which containers that share a folder do not."""
    for pid in {int(file.stem.rpartition("_")[2]) for file in _files(directory)}:
        if pid != os.getpid() and not _lives(pid):
            mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]


def _files(directory: Path) -> list[Path]:
    """The files of prometheus_client: ``counter_12.db``, ``gauge_livemax_12.db``."""
    kinds = ("counter_", "gauge_", "histogram_")
    found = [file for file in directory.glob("*_*.db") if file.name.startswith(kinds)]
    return [file for file in found if file.stem.rpartition("_")[2].isdecimal()]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
