"""What a job is, which one replaces which, and what follows an error."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from reviewbot.errors import (
    GitHubNotFound,
    GitHubRateLimited,
    ModelQuotaExceeded,
    ModelRateLimited,
    ModelUnreachable,
    UsageError,
)
from reviewbot.jobs.job import (
    Attempt,
    Ending,
    Job,
    JobSettings,
    Verdict,
    after_error,
    family,
    is_replaced,
    names,
    to_replace,
)

SETTINGS = JobSettings(attempts=4, first_pause=10.0, longest_pause=25.0)


def job(name: str, asked: int, *, push: bool = True, attempt: int = 1) -> Job:
    return Job(
        id=name,
        pr_key="octo/repo#1",
        installation_id=1,
        head_sha="",
        priority=2,
        payload="",
        newest_wins=push,
        attempt=attempt,
        asked=asked,
    )


def test_attempts_are_named_after_their_pull_request_and_job() -> None:
    one = job("d-1", 1, attempt=12)
    assert names(one.attempt_id) == names(one.attempt_id + "|run") == ("octo/repo#1", "d-1", 12)
    assert one.attempt_id.startswith(family(one.pr_key))
    assert not one.attempt_id.startswith(family("octo/repo#")), "a number is not the beginning of another"


@pytest.mark.parametrize("change", [{"id": ""}, {"id": "a|b"}, {"pr_key": "a|b"}, {"pr_key": ""}, {"priority": 0}])
def test_what_would_confuse_names_or_priorities_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        replace(job("a", 1), **change)


def test_a_job_survives_its_own_data() -> None:
    one = job("a", 5, push=False)
    assert Job.from_data({**one.to_data(), "added_later": 1}) == one


def test_a_push_replaces_the_earlier_ones_that_are_under_way() -> None:
    rows = [
        Attempt(job("done", 1), active=False),
        Attempt(job("old", 2), active=False),
        Attempt(job("old", 2, attempt=2), active=True),
        Attempt(job("command", 3, push=False), active=True),
        Attempt(job("mine", 4), active=True),
        Attempt(job("later", 5), active=True),
    ]
    assert to_replace(job("mine", 4), rows) == ["octo/repo#1|old|2"]
    assert to_replace(job("mine", 99), rows) == ["octo/repo#1|old|2"], "handed in again, it is not newer than it was"
    assert to_replace(job("command", 9, push=False), rows) == []


@pytest.mark.parametrize("order", list(permutations(("a", "b", "c"))))
def test_one_push_is_left_in_whatever_order_they_are_written(order: tuple[str, ...]) -> None:
    asked = {"a": 7, "b": 7, "c": 3}
    written: list[Attempt] = []
    gone: set[str] = set()
    for name in order:
        written.append(Attempt(job(name, asked[name]), active=True))
        gone |= set(to_replace(job(name, asked[name]), written))
    left = [a.job for a in written if a.job.attempt_id not in gone and not is_replaced(a.job, written)]
    assert [one.id for one in left] == ["b"]


@pytest.mark.parametrize(
    ("error", "tries", "verdict"),
    [
        (ModelUnreachable("away."), 1, Verdict(Ending.AGAIN, "away.", 10.0)),
        (ModelUnreachable("away."), 2, Verdict(Ending.AGAIN, "away.", 20.0)),
        (ModelUnreachable("away."), 3, Verdict(Ending.AGAIN, "away.", 25.0)),
        (ModelUnreachable("away."), 4, Verdict(Ending.PARKED, "away. It was tried 4 times.")),
        (ModelRateLimited("slow.", retry_after=300.0), 1, Verdict(Ending.AGAIN, "slow.", 300.0)),
        (GitHubRateLimited("slow.", retry_after=1.0), 2, Verdict(Ending.AGAIN, "slow.", 20.0)),
        (ModelQuotaExceeded("broke.", remedy="Pay."), 1, Verdict(Ending.PARKED, "broke. Pay.")),
        (GitHubNotFound("gone."), 1, Verdict(Ending.PARKED, "gone.")),
        (KeyError("x"), 1, Verdict(Ending.PARKED, "KeyError: 'x'")),
    ],
)
def test_what_follows_an_error(error: Exception, tries: int, verdict: Verdict) -> None:
    assert after_error(error, tries, SETTINGS) == verdict
