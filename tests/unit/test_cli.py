"""The command line says what was spent, also when a run ends in an error, and only of this run."""

from __future__ import annotations

from typing import Any

import pytest

from reviewbot import cli, wiring
from reviewbot.core.cost import Usage
from reviewbot.display import LastSeen
from reviewbot.errors import GitHubForbidden, UsageError
from reviewbot.flows.progress import Progress


def test_an_error_after_paid_answers_says_what_they_cost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(_: Any, last: LastSeen) -> None:
        last.note(Progress("posting", usage=Usage(2, 100, 10), cost_usd=0.25))
        raise GitHubForbidden("The token may not do this.")

    def wrong(*_: Any) -> None:
        raise UsageError("Wrong.")

    monkeypatch.setattr(wiring, "run_review", refused)
    assert cli.run(["review", "o/r#1"]) == 4
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("Spent $0.2500 in 2 answers. Finished answers are kept")
    assert said[1] == "reviewbot: The token may not do this."
    monkeypatch.setattr(wiring, "run_review", wrong)
    assert cli.run(["review", "o/r#1"]) == 2
    assert capsys.readouterr().err == "reviewbot: Wrong.\n"
