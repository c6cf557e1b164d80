"""Every behaviour of the table, over a real connection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reviewbot.errors import UsageError
from reviewbot.sandbox.github import Faults, create_app, running

PULL = "/repos/octo/shop/pulls/2"
REVIEWS = f"{PULL}/reviews"
REVIEW = {"event": "COMMENT", "body": "x"}


@pytest.fixture
def http(github: Any) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {github.add_token()}"}
    with running(create_app(github)) as url, httpx.Client(base_url=url, headers=headers) as client:
        yield client


def test_status(github: Any, http: httpx.Client) -> None:
    github.faults.add("POST .*/reviews$", "status:502", times=2)
    assert [http.post(REVIEWS, json=REVIEW).status_code for _ in range(3)] == [502, 502, 200]
    assert len(http.get(REVIEWS).json()) == 1


def test_status_after_write(github: Any, http: httpx.Client) -> None:
    github.faults.add("POST .*/reviews$", "status-after-write:500")
    assert http.post(REVIEWS, json=REVIEW).status_code == 500
    assert len(http.get(REVIEWS).json()) == 1, "it landed"


@pytest.mark.parametrize(("behaviour", "landed"), [("drop-after-write", 1), ("drop-before-write", 0)])
def test_drop(github: Any, http: httpx.Client, behaviour: str, landed: int) -> None:
    github.faults.add("POST .*/reviews$", behaviour)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        http.post(REVIEWS, json=REVIEW)
    assert len(http.get(REVIEWS).json()) == landed
    deadline = time.monotonic() + 5
    while len(github.log) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)  # an answer may arrive before its line is in the log
    assert [logged.status for logged in github.log] == [0, 200]


def test_secondary_limit(github: Any, http: httpx.Client) -> None:
    github.faults.add(PULL, "secondary-limit:7")
    done = http.get(PULL)
    assert (done.status_code, done.headers["retry-after"]) == (403, "7")
    assert "secondary rate limit" in done.json()["message"]


def test_primary_limit(github: Any, http: httpx.Client) -> None:
    github.faults.add(PULL, "primary-limit:30")
    done = http.get(PULL)
    assert (done.status_code, done.headers["x-ratelimit-remaining"]) == (403, "0")
    assert 25 < int(done.headers["x-ratelimit-reset"]) - time.time() < 35


def test_delay(github: Any, http: httpx.Client) -> None:
    github.faults.add(PULL, "delay:0.2")
    started = time.perf_counter()
    assert http.get(PULL).status_code == 200
    assert time.perf_counter() - started >= 0.2


def test_truncate_patches(github: Any, http: httpx.Client) -> None:
    github.faults.add("/files", "truncate-patches:20")
    assert sum(row["changes"] for row in http.get(f"{PULL}/files").json()) < 10
    assert sum(row["changes"] for row in http.get(f"{PULL}/files").json()) == 10


def test_passing(github: Any, http: httpx.Client) -> None:
    github.faults.add("GET .*/files", "status:500", passing=1)
    assert [http.get(f"{PULL}/files?page={page}").status_code for page in (1, 2, 3)] == [200, 500, 200]


def test_the_enterprise_prefix_does_not_matter(github: Any, http: httpx.Client) -> None:
    github.faults.add(f"^GET {PULL}$", "status:500")
    assert http.get(f"/api/v3{PULL}").status_code == 500


@pytest.mark.parametrize("behaviour", ["", "explode", "status", "status:x", "drop-after-write:1"])
def test_unknown(behaviour: str) -> None:
    with pytest.raises(UsageError, match="is not a fault this sandbox can make"):
        Faults().add(".", behaviour)
    with pytest.raises(UsageError):
        Faults().add("(", "delay:1")


def test_log_and_faults_from_another_process(http: httpx.Client) -> None:
    done = http.post("/_sandbox/faults", json={"pattern": PULL, "behaviour": "status:503", "times": 5})
    assert done.status_code == 201
    assert http.get(f"{PULL}?x=1").status_code == 503
    assert http.delete("/_sandbox/faults").status_code == 204
    assert http.get(PULL).status_code == 200
    assert http.post("/_sandbox/faults", json={"pattern": PULL, "behaviour": "no"}).status_code == 422
    log = http.get("/_sandbox/requests").json()
    assert [(row["method"], row["path"], row["query"], row["status"], row["token_kind"]) for row in log] == [
        ("GET", PULL, "x=1", 503, "personal"),
        ("GET", PULL, "", 200, "personal"),
    ]
    assert http.get("/_sandbox/nope").status_code == 404
