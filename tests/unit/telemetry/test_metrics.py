"""The page of metrics says what the table says, counts what happened, and takes no stranger's word as a label."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reviewbot import errors
from reviewbot.core.findings.finding import Severity
from reviewbot.errors import ConfigError
from reviewbot.jobs.job import Ending, Gauges
from reviewbot.payloads import PAYLOADS
from reviewbot.telemetry.metrics import CONTENT_TYPE, METRICS, Metrics, forget_all
from reviewbot.telemetry.table import ENDINGS, EVENTS, MOST_MODELS, OUTCOMES, SEVERITIES

GAUGES = Gauges(delayed=1, queued=2, running=3, parked=4, oldest=5.5)


def series(page: bytes) -> dict[str, float]:
    """``name{label=value,...}`` -> value."""
    return {
        sample.name + ("{" + ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items())) + "}" if sample.labels else ""): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }  # fmt: skip


def everything(metrics: Metrics) -> None:
    metrics.delivery("pull_request", 202)
    metrics.delivery_seconds(0.02)
    metrics.review("clean")
    metrics.findings("major", 3)
    metrics.job("done")
    metrics.model_answer("gpt-5.6-sol", "ok", 12.0)
    metrics.tokens("gpt-5.6-sol", "input", 100)
    metrics.cost("gpt-5.6-sol", 0.25)
    metrics.github_request("GET", 200)
    metrics.github_quota("core", 4990, 5000, 1_700_000_000)
    metrics.breaker(True)


def test_the_table_and_the_page_are_the_same() -> None:
    metrics = Metrics()
    everything(metrics)
    families = {
        family.name: family for family in text_string_to_metric_families(metrics.render(GAUGES, ready=True).decode())
    }
    named = {row.name.removesuffix("_total"): row for row in METRICS}
    assert families.keys() == named.keys()
    for name, row in named.items():
        family = families[name]
        assert (family.type, family.documentation) == (row.kind, row.help), name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert labels == set(row.labels), name


@pytest.mark.parametrize("row", METRICS, ids=lambda row: row.name)
def test_names_keep_prometheus_rules(row: object) -> None:
    """Source: Prometheus, "Metric and label naming": one prefix, base units, counters end in _total."""
    name, kind, labels, told = METRICS[METRICS.index(row)][:4]
    assert name.startswith("reviewbot_")
    assert name.endswith("_total") == (kind == "counter")
    assert kind != "histogram" or name.endswith("_seconds")
    assert told.endswith(".")
    assert len(labels) <= 2


def test_what_happened_is_counted() -> None:
    metrics = Metrics()
    everything(metrics)
    metrics.findings("major", 2)
    metrics.delivery("pull_request", "stored")
    seen = series(metrics.render(GAUGES, ready=False))
    assert seen["reviewbot_findings_total{severity=major}"] == 5
    assert seen["reviewbot_deliveries_total{event=pull_request,status=202}"] == 1
    assert seen["reviewbot_deliveries_total{event=pull_request,status=stored}"] == 1
    assert seen["reviewbot_model_cost_usd_total{model=gpt-5.6-sol}"] == 0.25
    assert seen["reviewbot_model_answer_seconds_bucket{le=20.0,model=gpt-5.6-sol}"] == 1
    assert seen["reviewbot_github_quota_remaining{resource=core}"] == 4990
    assert seen["reviewbot_model_breaker_open"] == 1
    assert seen["reviewbot_jobs{state=queued}"] == 2
    assert seen["reviewbot_oldest_queued_job_seconds"] == 5.5
    assert seen["reviewbot_ready"] == 0
    assert not [name for name in seen if "_created" in name]
    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")


def test_what_is_not_known_is_left_out() -> None:
    seen = series(Metrics().render(None))
    assert not [name for name in seen if name.startswith(("reviewbot_jobs", "reviewbot_oldest", "reviewbot_ready"))]


def test_two_of_them_do_not_share_a_registry() -> None:
    one, two = Metrics(), Metrics()
    one.review("clean")
    assert "reviewbot_reviews_total{verdict=clean}" not in series(two.render(None))


def test_strangers_cannot_make_series() -> None:
    metrics = Metrics()
    for number in range(300):
        word = f'x{number}"\n{{}}'
        metrics.delivery(word, 700 + number)
        metrics.delivery(word, word)
        metrics.review(word)
        metrics.findings(word, 1)
        metrics.job(word)
        metrics.model_answer(f"model-{number}", word, 1)
        metrics.tokens(word, "input", 1)
        metrics.cost(word, 1)
        metrics.github_request(word, -number)
        metrics.github_quota(word, 1, 1, 1)
    seen = series(metrics.render(None))
    assert seen["reviewbot_deliveries_total{event=other,status=other}"] == 600
    assert seen["reviewbot_github_requests_total{method=other,status=other}"] == 299
    assert seen["reviewbot_github_requests_total{method=other,status=none}"] == 1
    models = [name for name in seen if name.startswith("reviewbot_model_answers_total")]
    assert len(models) == MOST_MODELS + 1
    assert seen["reviewbot_model_answers_total{model=other,outcome=other}"] == 300 - MOST_MODELS
    assert len(seen) < 600


@pytest.mark.parametrize("number", [-1, float("nan"), float("inf"), -float("inf")])
def test_numbers_that_cannot_be_are_not_counted(number: float) -> None:
    metrics = Metrics()
    metrics.cost("m", number)
    metrics.tokens("m", "output", number)  # type: ignore[arg-type]
    metrics.delivery_seconds(number)
    metrics.model_answer("m", "ok", number)
    seen = series(metrics.render(None))
    assert seen["reviewbot_model_cost_usd_total{model=m}"] == 0
    assert seen["reviewbot_delivery_seconds_count"] == 0
    assert seen["reviewbot_model_answers_total{model=m,outcome=ok}"] == 1


def test_names_of_the_table_are_those_of_the_code() -> None:
    assert {str(ending) for ending in Ending} == ENDINGS
    assert {str(severity) for severity in Severity} == SEVERITIES
    kinds = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.ModelError)
    }
    assert kinds == OUTCOMES - {"ok", "cancelled"}
    assert set(PAYLOADS) <= EVENTS


# ---- several processes -----------------------------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from reviewbot.telemetry.metrics import Metrics
metrics = Metrics(Path(sys.argv[1]))
metrics.findings("major", int(sys.argv[2]))
metrics.delivery_seconds(float(sys.argv[2]))
metrics.model_answer("m", "ok", 3.0)
metrics.github_quota("core", int(sys.argv[2]), 5000, 1)
metrics.breaker(sys.argv[3] == "open")
print("counted", flush=True)
for line in sys.stdin:
    sys.stdout.buffer.write(metrics.render(None, True).replace(b"\\n", b"\\t") + b"\\n")
    sys.stdout.flush()
"""


def child(folder: Path, *words: str, shared: str | None = "") -> subprocess.Popen[str]:
    environ = {name: value for name, value in os.environ.items() if not name.upper().startswith("PROMETHEUS")}
    if shared is not None:
        environ["PROMETHEUS_MULTIPROC_DIR"] = shared or str(folder)
    command = [sys.executable, "-c", CHILD, str(folder), *words]
    return subprocess.Popen(
        command, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def page_of(process: subprocess.Popen[str]) -> dict[str, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("now\n")
    process.stdin.flush()
    return series(process.stdout.readline().replace("\t", "\n").encode())


def test_two_processes_are_counted_together_and_a_killed_one_leaves_no_gauge(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    with child(folder, "2", "closed") as one, child(folder, "5", "open") as two:
        try:
            for process in (one, two):
                assert process.stdout is not None
                assert process.stdout.readline() == "counted\n"
            for process in (one, two):
                seen = page_of(process)
                assert seen["reviewbot_findings_total{severity=major}"] == 7
                assert seen["reviewbot_delivery_seconds_sum"] == 7
                assert seen["reviewbot_model_answer_seconds_count{model=m}"] == 2
                assert seen["reviewbot_model_breaker_open"] == 1, "the highest"
                assert seen["reviewbot_github_quota_remaining{resource=core}"] in (2, 5)
                assert seen["reviewbot_ready"] == 1
            two.send_signal(signal.SIGKILL)
            two.wait(30)
            seen = page_of(one)
            assert seen["reviewbot_findings_total{severity=major}"] == 7, "what it counted stays"
            assert seen["reviewbot_model_breaker_open"] == 0
        finally:
            one.kill()
            two.kill()
    (folder / "not_ours.db").write_bytes(b"")
    forget_all(folder)
    assert [file.name for file in folder.iterdir()] == ["not_ours.db"]


@pytest.mark.parametrize(
    ("shared", "said"),
    [(None, "is not shared"), ("elsewhere", "is not the folder in which metrics are kept")],
)
def test_a_folder_that_is_not_the_one_is_refused(tmp_path: Path, shared: str | None, said: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    with child(tmp_path / "metrics", "1", "open", shared=shared and str(tmp_path / shared)) as process:
        _, error = process.communicate(timeout=60)
    assert said in error
    assert "PROMETHEUS_MULTIPROC_DIR" in error


def test_a_folder_in_this_process_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Metrics(tmp_path)
