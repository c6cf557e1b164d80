"""What the page says of a view: times, links, text from outside, and which job is which run."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from reviewbot.board import BoardView
from reviewbot.board_fake import empty_view, full_view
from reviewbot.jobs.job import Gauges, JobState, JobStatus
from webhooks.dashboard.shown import as_data, as_text
from webhooks.dashboard.words import ago, clean, lasted, time_of, web_link

NOW = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (192, "3 min 12 s"), (3_600, "1 h"), (7_500, "2 h 5 min"),
        (86_400, "1 day"), (273_600, "3 days 4 h"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert lasted(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (41, "41 s ago"),
        (200, "3 min ago"),
        (90_000, "1 day ago"),
        (-3, "just now"),
        (-130, "in 2 min"),
    ],
)
def test_times_are_told_from_now(seconds: int, text: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == text


def test_times_without_a_zone_are_utc_and_others_become_it() -> None:
    assert time_of(datetime(2026, 11, 28, 11, 59), NOW)["text"] == "1 min ago"
    there = datetime(2026, 11, 28, 17, 29, tzinfo=timezone(timedelta(hours=5.5)))
    assert time_of(there, NOW)["iso"] == "2026-11-28T11:59:00Z"


def test_web_addresses_are_links() -> None:
    for url in (
        "https://github.com/o/r/pull/1#pullrequestreview-2",
        "http://127.0.0.1:8080/o/r/pull/1",
        "https://[::1]/x",
    ):
        assert web_link(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "", "javascript:alert(1)", "JaVaScRiPt://github.com/%0aalert(1)", "data:text/html,x", "//github.com/o/r", "https:",
        "https://github.com@evil.example/", "https://git hub.com/", "https://github.com/\u202e", "https://x/\n",
        'https://x/"onclick=', "https://x/<b>", "https://[bad", "https:\\\\evil.example", "ftp://x/", "\udcff",
    ],
)  # fmt: skip
def test_nothing_else_is_a_link(url: str) -> None:
    assert web_link(url) == ""


def test_text_from_outside_is_one_line_without_hidden_characters_or_secrets() -> None:
    assert clean("a\nb\tc \u202e d\x1b[31m") == "a b c \\u202e d[31m"
    assert clean("x" * 1_000_000).endswith("…")
    assert "ghp_" not in clean("ghp_" + "a1B2c3D4e5" * 4)
    clean("\udcff").encode()


def test_the_tally_says_what_is_not_well() -> None:
    assert as_text(empty_view(NOW))["tally"] == "0 running, 0 waiting."
    assert as_text(full_view(NOW))["tally"] == "2 running, 2 waiting, 1 parked, 2 troubles. Not well: Model provider."


def test_a_running_job_without_a_run_is_shown_as_starting() -> None:
    board = as_text(full_view(NOW))
    assert [run["name"] for run in board["running"]] == ["octo/shop#42"]
    assert [job["name"] for job in board["starting"]] == ["github.com/octo/shop#44"]
    assert [job["state"] for job in board["waiting"]] == ["queued", "delayed"]


def test_a_job_links_to_the_pull_request_of_its_runs() -> None:
    view = full_view(NOW)
    job = JobStatus("id", "GitHub.com/Octo/Shop#41", JobState.PARKED, NOW, 1)
    other = replace(job, pr_key="github.com/elsewhere/octo/shop#411")
    parked = as_text(replace(view, parked=(job, other)))["parked"]
    assert [row["url"] for row in parked] == ["https://github.com/octo/shop/pull/41", ""]


@pytest.mark.parametrize(
    ("done", "total", "text"),
    [
        (0, 0, "parts not counted yet"),
        (3, 12, "3 of 12 parts"),
        (15, 12, "12 of 12 parts"),
        (-1, -1, "parts not counted yet"),
    ],
)
def test_progress_stays_within_its_bounds(done: int, total: int, text: str) -> None:
    view = full_view(NOW)
    shown = as_text(replace(view, running=(replace(view.running[0], done=done, total=total),)))["running"][0]
    assert shown["parts"] == text
    assert 0 <= shown["done"] <= max(shown["total"], 0)


def test_the_address_of_a_retry_holds_any_id() -> None:
    job = JobStatus("a/b?c#d%\udcff", "k", JobState.PARKED, NOW, 1)
    retry = as_text(BoardView(NOW, Gauges(0, 0, 0, 1, 0.0), parked=(job,)))["parked"][0]["retry"]
    assert retry == "/jobs/a%2Fb%3Fc%23d%25%3F/retry"


def test_the_data_is_plain_json() -> None:
    data = json.loads(json.dumps(as_data(full_view(NOW))))
    assert data["now"] == "2026-11-28T12:00:00+00:00"
    assert data["gauges"] == {"delayed": 1, "queued": 1, "running": 2, "parked": 1, "oldest": 95.0}
    assert data["jobs"][0]["state"] == "running"
    assert data["running"][0]["done"] == 3
