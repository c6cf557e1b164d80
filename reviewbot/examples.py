"""How each command is used: the examples that `--help` and the reference show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

_Command = TypeVar("_Command", bound=Callable[..., Any])

#: By the name of the function behind the command.
EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "review": (
        "reviewbot review https://github.com/o/r/pull/12",
        "reviewbot review o/r#12 --dry-run",
        "reviewbot review o/r#12 --max-cost 2 --format sarif --output findings.sarif",
        "reviewbot review . --staged --fail-on major",
    ),
    "estimate": ("reviewbot estimate o/r#12", "reviewbot estimate . --uncommitted --format json"),
    "demo": ("reviewbot demo", "reviewbot demo --repo . --base main --head my-branch"),
    "sandbox": ("reviewbot sandbox --repo . --base main --head my-branch --port 8000",),
    "serve": ("reviewbot serve", "reviewbot serve --role worker --host 0.0.0.0 --log json"),
    "doctor": ("reviewbot doctor", "reviewbot doctor o/r#12", "reviewbot doctor https://reviews.example.com --app"),
    "config_show": ("reviewbot config show", "reviewbot config show --set model.effort=high"),
    "config_check": ("reviewbot config check", "reviewbot config check deployment.toml"),
    "config_schema": ("reviewbot config schema > reviewbot.schema.json",),
    "runs_list": ("reviewbot runs list --limit 5",),
    "runs_show": ("reviewbot runs show RUN_ID",),
}


def with_examples(command: _Command) -> _Command:
    """The same function; its docstring, which typer shows, ends with its examples. Raises KeyError for none."""
    lines = "\n".join(f"      {line}" for line in EXAMPLES[command.__name__])
    command.__doc__ = f"{(command.__doc__ or '').strip()}\n\n    Examples:\n{lines}\n    "
    return command
