"""What a retry cannot cure: the App may not work there, or the provider wants money. It is quiet, and it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reviewbot.sandbox.responses.faults import Fault, FaultKind
from tests.acceptance.server.conftest import NAME, Server, deployed, until
from tests.acceptance.server.judge import assert_reviewed_once, is_reviewed, make_parts, open_parts, two_for_each_file

POOR = {"metadata": "read", "contents": "read", "pull_requests": "read", "issues": "read"}


@pytest.fixture(scope="module")
def running(stages: Any, app_key: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    git = make_parts(tmp_path_factory.mktemp("parked") / "parts", 6, files=1, lines=5)
    repositories = {name: Path(git.path) for name in (NAME, "suspended/shop", "removed/shop", "poor/shop")}
    with deployed(stages, repositories, app_key, tmp_path_factory.mktemp("room")) as made:
        made.model._read = two_for_each_file
        made.start()
        made.ready()
        yield made
        assert made.stop() == 0


def installation(running: Server, owner: str) -> int:
    return next(n for n, row in running.github.installations.items() if row.account.login == owner)


def suspend(running: Server, number: int) -> None:
    running.github.suspend_installation(number)


def remove(running: Server, number: int) -> None:
    running.github.remove_installation(number)


def impoverish(running: Server, number: int) -> None:
    """Its owner has not consented to writing: the review is made, and cannot be posted."""
    running.github.installations[number] = replace(running.github.installations[number], permissions=POOR)


@pytest.mark.parametrize(
    ("owner", "bar", "words"),
    [
        ("suspended", suspend, "suspended"),
        ("removed", remove, "not installed"),
        ("poor", impoverish, "was not granted"),
    ],
)
def test_where_the_app_may_not_work_it_is_quiet_and_shown(
    running: Server, owner: str, bar: Callable[[Server, int], None], words: str
) -> None:
    """Nothing is posted, nothing is tried again, the status page shows it under troubles, and the worker's log has one
    line of it. The event was on its way when the owner barred the App."""
    name = f"{owner}/shop"
    running.github.hooks.hold()
    number = running.github.open_pull_request(name, base="main", head="part-0")
    bar(running, installation(running, owner))
    running.github.hooks.release()

    def shown() -> Any:
        return [job for job in running.status().get("troubles", ()) if job["pr_key"].endswith(f"{name}#{number}")]

    (job,) = until(shown, 40, running.log)
    assert words in job["error"]
    running.quiet()
    assert [each["attempt"] for each in shown()] == [1]
    hosted = running.github.repositories[name]
    assert not [*hosted.reviews, *hosted.comments, *hosted.review_comments, *hosted.check_runs]
    told = [line for line in running.lines(level="WARNING") if job["id"] in line["message"]]
    assert len(told) == 1, told
    assert not running.lines(level="ERROR") + running.lines(level="CRITICAL")


def test_after_the_suspension_the_button_starts_it_again(running: Server) -> None:
    """The owner lifts the suspension, a person presses Retry on the status page, and the review is posted."""
    name = "suspended/shop"
    (job,) = [job for job in running.status()["troubles"] if name in job["pr_key"]]
    running.github.suspend_installation(installation(running, "suspended"), suspended=False)
    assert "said=retried" in running.retry(job["id"])
    hosted = running.github.repositories[name]
    until(lambda: [run for run in hosted.check_runs.values() if run.status == "completed"], 40, running.log)
    assert len([review for review in hosted.reviews.values() if review.body]) == 1
    running.quiet()
    assert not [job for job in running.status()["troubles"] if name in job["pr_key"]]
    assert "said=not-parked" in running.retry(job["id"]), "there is nothing to press twice"


def test_a_job_that_is_given_up_is_told_on_the_pull_request_and_can_be_retried(running: Server) -> None:
    """The provider wants money: one try, the job is parked and shown, the pull request has a neutral check run that
    says that it was not reviewed, and no word more. When there is money, the button makes the review."""
    running.model.faults.add(Fault(FaultKind.QUOTA, times=None))
    (number,) = open_parts(running, [1])
    (job,) = until(lambda: running.status().get("parked"), 40, running.log)
    assert job["attempt"] == 1
    head = running.hosted.pull(number).head_sha

    def checks() -> list[Any]:
        return [run for run in running.checks if run.head_sha == head]

    (check,) = until(checks, 20, running.log)
    assert (check.status, check.conclusion, check.output["title"]) == ("completed", "neutral", "Not reviewed")
    assert not running.reviews
    assert not running.summaries(number)
    running.model.faults.clear()
    assert "said=retried" in running.retry(job["id"])
    until(lambda: is_reviewed(running, number) and len(checks()) > 1, 40, running.log)
    running.quiet()
    assert running.status()["parked"] == []
    assert len(checks()) == 2
    assert len([review for review in running.reviews if review.number == number and review.body]) == 1


def test_the_others_are_reviewed_meanwhile(running: Server) -> None:
    """An installation that is barred is no trouble for another."""
    (number,) = open_parts(running, [2])
    until(lambda: is_reviewed(running, number), 40, running.log)
    assert_reviewed_once(running, [number])
