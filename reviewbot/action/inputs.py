"""Pure: the variables that `action.yml` sets -> Inputs, and the environment that the rest of reviewbot reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reviewbot.action.table import FORMS, INPUTS
from reviewbot.cli import pairs
from reviewbot.errors import UsageError

_NAMED = {"model.id": "model", "model.effort": "effort", "review.fail_on": "fail-on", "limits.max_cost_usd": "max-cost"}
_HANDED_ON = {"GITHUB_TOKEN": "github-token", "REVIEWBOT_API_KEY": "api-key", "REVIEWBOT_API_BASE": "api-base"}


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the step was given. ``flags`` are dotted setting names, as the command line has them; ``number`` is None
    when no pull request was named, ``bundling`` that a bundle is to be made instead of a review."""

    dry_run: bool = False
    full: bool = False
    number: int | None = None
    target_allowed: bool = False
    annotations: str = "auto"
    files: tuple[str, ...] = ()
    flags: Mapping[str, Any] = field(default_factory=dict)
    bundling: bool = False


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """Raises UsageError for a value that an input cannot have."""
    given = {each.name: environ.get(each.variable, "").strip() or _plain(each.default) for each in INPUTS}
    for each in INPUTS:
        value = given[each.name] = given[each.name].lower() if each.choices else given[each.name]
        if each.choices and value and value not in each.choices:
            raise UsageError(f"The input {each.name} is {value[:60]!r}.", remedy=f"It takes {', '.join(each.choices)}.")
    lines = [line.strip() for line in given["settings"].splitlines()]
    named = {setting: given[name] for setting, name in _NAMED.items() if given[name]}
    return Inputs(
        dry_run=given["dry-run"] == "true",
        full=given["full"] == "true",
        number=_number(given["pull-request"]),
        target_allowed=given["allow-pull-request-target"] == "true",
        annotations=given["annotations"],
        bundling=given["mode"] == "bundle",
        files=_forms(given["files"]),
        flags={**pairs([line for line in lines if line and not line.startswith("#")], "settings:"), **named},
    )


def environment_of(environ: Mapping[str, str], room: str) -> dict[str, str]:
    """The environment with the inputs in the places where reviewbot looks for them, and without any other copy of a
    secret. ``room`` is where data goes, unless the workflow names a folder."""
    held = {each.variable for each in INPUTS}
    kept = {name: value for name, value in environ.items() if name not in held}
    by_name = {each.name: environ.get(each.variable, "").strip() for each in INPUTS}
    given = {name: by_name[of] for name, of in _HANDED_ON.items() if by_name[of]}
    return {"REVIEWBOT_DATA_DIR": f"{room}/data", **kept, **given}


def _plain(default: str) -> str:
    return "" if default.startswith("${{") else default


def _number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10):
        raise UsageError(f"The input pull-request is {text[:60]!r}.", remedy="It takes the number of a pull request.")
    return int(text)


def _forms(text: str) -> tuple[str, ...]:
    forms = tuple(dict.fromkeys(text.replace(",", " ").lower().split()))
    wrong = [form for form in forms if form not in FORMS]
    if wrong:
        raise UsageError(f"The input files names {wrong[0][:60]!r}.", remedy=f"It takes {', '.join(FORMS)}.")
    return forms
