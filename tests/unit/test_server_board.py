"""What is said of a server's health."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reviewbot.server_board import fleet_health
from reviewbot.store.fleet import ProcessLine

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)


def process(role: str, *, ago: float = 1.0, detail: str = "") -> ProcessLine:
    return ProcessLine(f"h {role} {ago}", role, "0.1.0", NOW, NOW - timedelta(seconds=ago), detail)


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        ([], {"worker": "a worker is missing: start one", "poster": "a poster is missing: start one"}),
        ([process("worker", ago=60), process("poster")], {"worker": "a worker is missing: start one"}),
        ([process("receiver"), process("worker"), process("poster")], {}),
        ([process("worker"), process("worker", ago=2, detail="the provider is down"), process("poster")],
         {"worker": "the provider is down"}),
    ],
)  # fmt: skip
def test_who_is_missing_and_what_is_wrong_is_said(processes: list[ProcessLine], expected: dict[str, str]) -> None:
    lines = fleet_health(processes, NOW)
    assert {line.name: line.detail for line in lines if not line.ok} == expected


def test_several_of_a_role_are_counted() -> None:
    lines = fleet_health([process("worker"), process("worker", ago=2), process("poster")], NOW)
    assert {line.name: line.detail for line in lines} == {"worker": "2 are there", "poster": ""}
