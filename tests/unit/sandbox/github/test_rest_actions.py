"""Artifacts of workflow runs: listed in pages, given out once, by an address that takes no token."""

from __future__ import annotations

from typing import Any

import pytest

ARTIFACTS = "/repos/octo/shop/actions"


@pytest.fixture
def actions(github: Any, client: Any) -> Any:
    for number in range(35):
        github.add_artifact("octo/shop", 7, f"bundle-{number}", b"PK", number=2)
    github.add_artifact("octo/shop", 8, "bundle-1", b"PK", number=2)
    return client(github.add_token(kind="actions", permissions={"actions": "read"}))


def test_they_come_thirty_at_a_time_and_by_name(actions: Any, github: Any) -> None:
    page = actions.get(f"{ARTIFACTS}/runs/7/artifacts")
    assert (page["total_count"], len(page["artifacts"])) == (35, 30)
    assert len(actions.get(f"{ARTIFACTS}/runs/7/artifacts?page=2")["artifacts"]) == 5
    assert len(actions.get(f"{ARTIFACTS}/runs/7/artifacts?per_page=100")["artifacts"]) == 35
    (found,) = actions.get(f"{ARTIFACTS}/runs/7/artifacts?name=bundle-1")["artifacts"]
    assert (found["name"], found["size_in_bytes"], found["expired"]) == ("bundle-1", 2, False)
    assert found["workflow_run"]["id"] == 7
    assert found["workflow_run"]["head_sha"] == github.hosted("octo/shop").pull(2).head_sha


def test_who_may(github: Any, client: Any) -> None:
    assert client(None)("GET", f"{ARTIFACTS}/runs/7/artifacts").status == 401
    other = client(github.add_token(kind="actions", permissions={"contents": "write"}))
    assert other("GET", f"{ARTIFACTS}/runs/7/artifacts").status == 403
    assert other("GET", f"{ARTIFACTS}/artifacts/1/zip").status == 403


def test_an_address_is_good_once_for_a_minute_and_without_a_token(actions: Any, github: Any, client: Any) -> None:
    made = github.add_artifact("octo/shop", 9, "bundle", b"PK..", number=2)
    path = f"{ARTIFACTS}/artifacts/{made}/zip"
    nobody = client(None)

    def address() -> str:
        answer = actions("GET", path)
        assert answer.status == 302
        return "/storage/" + str(answer.headers["location"]).partition("/storage/")[2]

    first = address()
    assert nobody("GET", first).body == b"PK.."
    assert nobody("GET", first).status == 403
    assert actions("GET", address()).status == 400
    late = address()
    now = github.clock()
    github.clock = lambda: now + 61
    assert nobody("GET", late).status == 403
    assert actions("GET", f"{ARTIFACTS}/artifacts/{made}/tar").status == 404
    assert actions("GET", f"{ARTIFACTS}/artifacts/999999/zip").status == 404
    gone = github.add_artifact("octo/shop", 9, "bundle", b"PK..", number=2, expired=True)
    assert actions("GET", f"{ARTIFACTS}/artifacts/{gone}/zip").status == 410
