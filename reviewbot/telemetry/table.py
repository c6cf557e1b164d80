"""Pure: the metrics of a server as a table, METRICS, and what a label may say.

Labels never take a stranger's word: what is not among known names is ``other``, so that nobody outside can make series.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from reviewbot import errors

OTHER = "other"
MOST_MODELS = 20
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")

EVENTS = frozenset({
    "check_run", "check_suite", "installation", "installation_repositories", "installation_target", "issue_comment",
    "issues", "label", "ping", "pull_request", "pull_request_review", "pull_request_review_comment",
    "pull_request_review_thread", "push", "repository", "status", "github_app_authorization", "meta",
})  # fmt: skip
STATES = frozenset(("stored", "ignored", "refused", "failed"))
VERDICTS = frozenset(("clean", "findings", "incomplete", "skipped", "superseded", "failed"))
SEVERITIES = frozenset(("critical", "major", "minor", "nit"))
ENDINGS = frozenset(("done", "replaced", "again", "parked"))
KINDS = frozenset(("input", "cached_input", "output", "reasoning"))
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"))
RESOURCES = frozenset({
    "core", "search", "code_search", "graphql", "integration_manifest", "dependency_snapshots", "dependency_sbom",
    "code_scanning_upload", "code_scanning_autofix", "actions_runner_registration", "source_import", "scim",
    "audit_log", "audit_log_streaming",
})  # fmt: skip


def _names(kind: type[errors.ModelError]) -> set[str]:
    return {kind.__name__}.union(*map(_names, kind.__subclasses__()))


OUTCOMES = frozenset({"ok", "cancelled", *_names(errors.ModelError)})


class Metric(NamedTuple):
    """One metric: ``kind`` is counter, gauge or histogram; ``help`` is for people. A ``snapshot`` is not counted but
    read when the metrics are asked for."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str
    snapshot: bool = False


METRICS = (
    Metric(
        "reviewbot_deliveries_total",
        "counter",
        ("event", "status"),
        "Webhook deliveries by event and by what was answered.",
    ),
    Metric("reviewbot_delivery_seconds", "histogram", (), "Time to answer a delivery; GitHub gives up after 10 s."),
    Metric("reviewbot_reviews_total", "counter", ("verdict",), "Finished reviews by verdict."),
    Metric("reviewbot_findings_total", "counter", ("severity",), "Findings of reviews, to be posted, by severity."),
    Metric(
        "reviewbot_job_attempts_total",
        "counter",
        ("ending",),
        "Attempts at jobs by how they ended; `parked` waits for a person, `again` is tried once more.",
    ),
    Metric("reviewbot_jobs", "gauge", ("state",), "Jobs now, by state.", snapshot=True),
    Metric(
        "reviewbot_oldest_queued_job_seconds",
        "gauge",
        (),
        "How long the oldest queued job has waited; 0 when none waits.",
        snapshot=True,
    ),
    Metric("reviewbot_ready", "gauge", (), "1 when the process can do its work now, else 0.", snapshot=True),
    Metric(
        "reviewbot_model_answers_total",
        "counter",
        ("model", "outcome"),
        "Answers of models: `ok`, `cancelled`, or the name of the error.",
    ),
    Metric(
        "reviewbot_model_answer_seconds",
        "histogram",
        ("model",),
        "Time from a question to its answer or error, repeated tries included.",
    ),
    Metric(
        "reviewbot_model_tokens_total",
        "counter",
        ("model", "kind"),
        "Tokens that were paid for; `cached_input` is a part of `input`, and `reasoning` of `output`.",
    ),
    Metric(
        "reviewbot_model_cost_usd_total",
        "counter",
        ("model",),
        "Dollars spent, at list prices; a model without a known price adds nothing.",
    ),
    Metric(
        "reviewbot_model_breaker_open",
        "gauge",
        (),
        "1 while no question is sent because the provider failed again and again, else 0; of several processes the "
        "highest.",
    ),
    Metric(
        "reviewbot_github_requests_total",
        "counter",
        ("method", "status"),
        "Requests to GitHub by HTTP status; `none` when there was no answer.",
    ),
    Metric(
        "reviewbot_github_quota_remaining",
        "gauge",
        ("resource",),
        "Requests left, as the latest answer said. Each installation has a quota of its own.",
    ),
    Metric("reviewbot_github_quota_limit", "gauge", ("resource",), "Requests that the latest answer's quota allows."),
    Metric(
        "reviewbot_github_quota_reset_timestamp_seconds",
        "gauge",
        ("resource",),
        "When the latest answer's quota is full again, in Unix time.",
    ),
)


def known(name: str, names: frozenset[str]) -> str:
    """``name`` when it is among ``names``, else ``other``."""
    return name if name in names else OTHER


def status_label(status: int) -> str:
    """An HTTP status; ``none`` for 0, which stands for no answer."""
    return str(status) if 100 <= status <= 599 else OTHER if status else "none"


class ModelNames:
    """The names of models that may be labels: the first `MOST_MODELS` that look like one. Providers and settings files
    say them, so there could be any number."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def label(self, model: str) -> str:
        if model in self._seen:
            return model
        if len(self._seen) >= MOST_MODELS or not _MODEL.fullmatch(model):
            return OTHER
        self._seen.add(model)
        return model
