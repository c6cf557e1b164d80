"""Variables of a step -> Inputs and the environment that the rest reads."""

from __future__ import annotations

import pytest

from reviewbot.action.inputs import Inputs, environment_of, read_inputs
from reviewbot.action.table import INPUTS
from reviewbot.errors import UsageError


def variables(**given: str) -> dict[str, str]:
    """As action.yml sets them: every one, with the defaults."""
    names = {each.name: each for each in INPUTS}
    plain = {each.variable: "" if "${{" in each.default else each.default for each in INPUTS}
    return {**plain, **{names[name.replace("_", "-")].variable: value for name, value in given.items()}}


def test_nothing_given() -> None:
    assert read_inputs(variables()) == read_inputs({}) == Inputs(files=("json", "sarif"))


def test_everything_given() -> None:
    found = read_inputs(
        variables(
            model="m", effort="HIGH", fail_on=" major ", max_cost="1.5", dry_run="True", full="true", pull_request="12",
            allow_pull_request_target="true", annotations="never", files="html, json html",
            settings="a.b=1\r\n\n  # no\nc.d = [\"x\"]\nmodel.id=other",
        )
    )  # fmt: skip
    assert found == Inputs(
        dry_run=True,
        full=True,
        number=12,
        target_allowed=True,
        annotations="never",
        files=("html", "json"),
        flags={
            "a.b": "1",
            "c.d": ["x"],
            "model.id": "m",
            "model.effort": "high",
            "review.fail_on": "major",
            "limits.max_cost_usd": "1.5",
        },
    )


@pytest.mark.parametrize("number", ["0x1", "-1", "1.0", "\u0661", "1" * 10, "#1"])
def test_what_is_no_number(number: str) -> None:
    with pytest.raises(UsageError, match="pull-request"):
        read_inputs(variables(pull_request=number))


@pytest.mark.parametrize(("name", "value"), [("dry_run", "1"), ("effort", "x"), ("files", "txt"), ("settings", "x")])
def test_what_an_input_cannot_be(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name.replace("_", "-")):
        read_inputs(variables(**{name: value}))


def test_secrets_stand_where_they_are_looked_for_and_nowhere_else() -> None:
    given = {"PATH": "p", "OPENAI_API_KEY": "o", **variables(github_token="t", api_key=" k\n", api_base="b")}
    assert environment_of(given, "room") == {
        "PATH": "p",
        "OPENAI_API_KEY": "o",
        "GITHUB_TOKEN": "t",
        "REVIEWBOT_API_KEY": "k",
        "REVIEWBOT_API_BASE": "b",
        "REVIEWBOT_DATA_DIR": "room/data",
    }
    assert environment_of({"REVIEWBOT_DATA_DIR": "kept"}, "room") == {"REVIEWBOT_DATA_DIR": "kept"}
