from __future__ import annotations

from typing import Any

import pytest

REPO = "/repos/octo/shop"
RUNS = f"{REPO}/check-runs"


@pytest.fixture
def head(git: Any) -> str:
    return str(git("rev-parse", "feature/cards"))


def note(line: int = 1, **more: Any) -> dict[str, Any]:
    return {"path": "a.py", "start_line": line, "end_line": line, "annotation_level": "notice", "message": "m", **more}


def output(*annotations: dict[str, Any]) -> dict[str, Any]:
    return {"title": "T", "summary": "S", "annotations": list(annotations)}


def test_life_of_a_run(bot: Any, head: str) -> None:
    made = bot.post(RUNS, {"name": "reviewbot", "head_sha": head, "status": "in_progress"})
    assert (made.status, made.json["status"], made.json["conclusion"]) == (201, "in_progress", None)
    url = f"{RUNS}/{made.json['id']}"
    assert bot("PATCH", url, {"status": "completed"}).status == 422, "completed needs a conclusion"
    bot("PATCH", url, {"output": output(*(note(number) for number in range(1, 51)))})
    done = bot("PATCH", url, {"conclusion": "neutral", "output": output(note(51))}).json
    assert (done["status"], done["conclusion"], done["output"]["annotations_count"]) == ("completed", "neutral", 51)
    assert len(bot.get(f"{url}/annotations?per_page=100")) == 51
    assert bot.get(f"{REPO}/commits/feature/cards/check-runs")["total_count"] == 1
    assert bot.get(f"{REPO}/commits/{head}/check-runs?check_name=other")["total_count"] == 0
    assert bot.get(f"{REPO}/commits/{head}/check-suites")["check_suites"][0]["conclusion"] == "neutral"


def test_fifty_annotations_at_a_time(bot: Any, head: str) -> None:
    many = output(*(note(number) for number in range(1, 52)))
    done = bot.post(RUNS, {"name": "x", "head_sha": head, "output": many})
    assert done.status == 422
    assert "No more than 50 items are allowed" in done.json["message"]
    assert bot.get(f"{REPO}/commits/{head}/check-runs")["total_count"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"head_sha": "0" * 40},
        {"head_sha": "main"},
        {"name": ""},
        {"conclusion": "fine"},
        {"status": "done"},
        {"output": {"title": "T"}},
        {"output": output(note() | {"message": ""})},
        {"output": output(note(annotation_level="error"))},
        {"output": output(note() | {"end_line": 0})},
        {"output": output(note() | {"end_line": 5, "start_column": 1})},
        {"output": {"title": "T", "summary": "x" * 65_536}},
    ],
)
def test_refused(bot: Any, head: str, change: dict[str, Any]) -> None:
    assert bot.post(RUNS, {"name": "x", "head_sha": head, **change}).status == 422


def test_people_write_no_check_runs(api: Any, head: str) -> None:
    done = api.post(RUNS, {"name": "x", "head_sha": head})
    assert (done.status, done.json["message"]) == (403, "You must authenticate via a GitHub App.")


def test_the_latest_run_of_a_name(bot: Any, head: str) -> None:
    for conclusion in ("failure", "success"):
        bot.post(RUNS, {"name": "x", "head_sha": head, "conclusion": conclusion})
    found = bot.get(f"{REPO}/commits/{head}/check-runs")["check_runs"]
    assert [row["conclusion"] for row in found] == ["success"]
    assert bot.get(f"{REPO}/commits/{head}/check-runs?filter=all")["total_count"] == 2


def test_statuses(api: Any, head: str) -> None:
    url = f"{REPO}/statuses/{head}"
    assert api.post(url, {"state": "success", "context": "ci"}).status == 201
    assert api.post(url, {"state": "neutral"}).status == 422
    assert api.post(url, {"state": "success", "description": "x" * 141}).status == 422
    assert [row["context"] for row in api.get(f"{REPO}/commits/{head}/statuses")] == ["ci"]
