"""The command line: translates words into an order, runs it, and shows what came of it."""

from __future__ import annotations

import platform
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from reviewbot import __version__
from reviewbot.display import LastSeen
from reviewbot.errors import ReviewbotError, UsageError
from reviewbot.examples import with_examples
from reviewbot.flows.progress import Progress
from reviewbot.roles import Role
from reviewbot.settings import share_authorities, wants_color

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbot.core.report.outcome import ReviewOutcome

app = typer.Typer(
    name="reviewbot",
    help="Reviews pull requests: reads the whole diff, says what it did not read, comments on the right line once.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="Settings: what is in force, whether a file is right, the schema.", no_args_is_help=True)
runs_app = typer.Typer(help="Past runs, from the database.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(runs_app, name="runs")
_last = LastSeen()
_INTERRUPTED = 130


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    HTML = "html"


class FailOn(StrEnum):
    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    NEVER = "never"


class Log(StrEnum):
    JSON = "json"
    TEXT = "text"


class Effort(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


Target = Annotated[str, typer.Argument(help="A pull request's URL, OWNER/REPO#NUMBER, or the path of a git work tree.")]
OutputFormat = Annotated[Format, typer.Option("--format", help="Form of the result.")]
Output = Annotated[Path | None, typer.Option("--output", help="Write the result to this file.", dir_okay=False)]
Base = Annotated[str | None, typer.Option(help="Work tree only: the commit to compare with.")]
Head = Annotated[str | None, typer.Option(help="Work tree only: the commit to review; HEAD if not given.")]
Staged = Annotated[bool, typer.Option("--staged", help="Work tree only: review what is staged.")]
Uncommitted = Annotated[bool, typer.Option("--uncommitted", help="Work tree only: review what is not committed yet.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help='Any setting, a list as ["a", "b"]; may be repeated.'),
]
ModelId = Annotated[str | None, typer.Option("--model", metavar="ID", help="The model to ask.")]
EffortOption = Annotated[Effort | None, typer.Option("--effort", help="Reasoning effort.")]


def run(words: Sequence[str]) -> int:
    """Run one command line; the exit code is the contract of docs/reference/exit-codes.md."""
    _last.note(Progress("collecting"))
    share_authorities()
    try:
        result = typer.main.get_command(app).main(args=list(words), prog_name="reviewbot", standalone_mode=False)
    except ReviewbotError as error:
        if _last.progress.usage.requests:
            print(_spent(), file=sys.stderr)
        print(f"reviewbot: {error}", file=sys.stderr)
        return error.exit_code
    except TyperException as error:
        said = error.format_message().rstrip(".") or "Which command?"
        print(f"reviewbot: {said}. See `reviewbot --help`.", file=sys.stderr)
        return UsageError.exit_code
    except typer.Exit as end:
        result = end.exit_code
    if result == _INTERRUPTED:  # typer's own answer to Ctrl-C
        _say_what_was_spent()
    return int(result or 0)


def _say_what_was_spent() -> None:
    print(
        f"reviewbot: stopped. {_spent()} Requests under way were cancelled, and may be charged for what they had made.",
        file=sys.stderr,
    )


def _spent() -> str:
    spent, used = _last.progress.cost_usd, _last.progress.usage
    kept = "Finished answers are kept: the same command goes on from there."
    return f"Spent ${spent:.4f} in {used.requests} answers. {kept}"


def _version(show: bool) -> None:
    if show:
        from reviewbot.git import git_version

        print(f"reviewbot {__version__} (Python {platform.python_version()}, {git_version() or 'no git'})")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the versions of reviewbot, Python and git.", callback=_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass


@app.command()
@with_examples
def review(
    target: Target,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show exactly what would be posted; post nothing.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again, not only what is new, and use no paid answers.")
    ] = False,
    output_format: OutputFormat = Format.TEXT,
    output: Output = None,
    fail_on: Annotated[FailOn | None, typer.Option(help="Exit with 1 at findings of this severity or above.")] = None,
    max_cost: Annotated[
        float | None, typer.Option(metavar="USD", help="Spend at most this; riskiest parts first.")
    ] = None,
    model: ModelId = None,
    effort: EffortOption = None,
    base: Base = None,
    head: Head = None,
    staged: Staged = False,
    uncommitted: Uncommitted = False,
    settings: Set = None,
) -> int:
    """Review a pull request and post the result as one review, or a local work tree and post nothing."""
    from reviewbot.wiring import Request, run_review

    flags = {
        "review.fail_on": fail_on,
        "limits.max_cost_usd": max_cost,
        "model.id": model,
        "model.effort": effort,
    }
    request = Request(
        target=target,
        dry_run=dry_run,
        fresh=full,
        base=base,
        head=head,
        staged=staged,
        uncommitted=uncommitted,
        flags=_flags(settings, flags),
    )
    done = run_review(request, _last)
    _show(done.outcome, output_format, output, payloads=done.payloads if dry_run else None)
    return exit_code(done.outcome)


def exit_code(outcome: ReviewOutcome) -> int:
    """0 done; 1 findings at or above ``fail_on``; 3 a part was not reviewed, or nothing was posted (the head moved)."""
    if outcome.fails:
        return 1
    return 3 if outcome.verdict in ("incomplete", "superseded") else 0


def _flags(settings: list[str] | None, options: dict[str, Any]) -> dict[str, Any]:
    """The settings given by ``--set``, and over them those with an option of their own."""
    return {**pairs(settings), **{name: value for name, value in options.items() if value is not None}}


def pairs(settings: Sequence[str] | None, given_by: str = "--set") -> dict[str, Any]:
    """Settings given as ``NAME=VALUE``, by name. Raises UsageError for one without a value."""
    found: dict[str, Any] = {}
    for item in settings or []:
        name, sign, value = item.partition("=")
        if not sign:
            raise UsageError(
                f"{given_by} {item!r} has no value.",
                remedy=f"Write {given_by} NAME=VALUE, for example {given_by} model.effort=high.",
            )
        found[name.strip()] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    """A list as TOML writes it; everything else is text, which the validation turns into numbers and switches,
    or refuses."""
    if not text.startswith("["):
        return text
    import tomllib

    try:
        return tomllib.loads(f"list = {text}")["list"]
    except ValueError:
        return text


def _show(outcome: ReviewOutcome, form: Format, output: Path | None, payloads: str | None = None) -> None:
    """Print the result, or write it to ``output`` and print one line that says so."""
    from reviewbot.display import render

    color = output is None and sys.stdout.isatty() and wants_color()
    text = render(outcome, form.value, color=color, payloads=payloads)
    if output is None:
        print(text)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        print(text)
        raise UsageError(
            f"{output} cannot be written: {error.strerror}.", remedy="The result is printed above."
        ) from error
    print(f"The result is in {output}.", file=sys.stderr)


@app.command()
@with_examples
def estimate(
    target: Target,
    output_format: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.TEXT,
    model: ModelId = None,
    effort: EffortOption = None,
    base: Base = None,
    head: Head = None,
    staged: Staged = False,
    uncommitted: Uncommitted = False,
    settings: Set = None,
) -> None:
    """Say what a review would read and cost, before anything is spent."""
    from reviewbot.wiring import Request, run_estimate

    if output_format not in (Format.TEXT, Format.JSON):
        raise UsageError(f"An estimate has no {output_format} form.", remedy="Use --format text or --format json.")
    flags = {"model.id": model, "model.effort": effort}
    request = Request(
        target=target,
        dry_run=True,
        base=base,
        head=head,
        staged=staged,
        uncommitted=uncommitted,
        flags=_flags(settings, flags),
    )
    found = run_estimate(request, _last)
    print(found.as_json() if output_format is Format.JSON else found.as_text())


@app.command()
@with_examples
def demo(
    repo: Annotated[Path | None, typer.Option(help="A git repository to use instead of the demo's own.")] = None,
    base: Base = None,
    head: Head = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the real model (needs a key) instead of the stand-in.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Where the page is written.")] = Path("reviewbot-demo"),
    model: ModelId = None,
    settings: Set = None,
) -> int:
    """Review a pull request full of bugs in a local sandbox: no key, no network."""
    from reviewbot.demo import run_demo

    flags = {**pairs(settings), **({"model.id": model} if model else {})}
    return exit_code(run_demo(_last, folder=folder, repo=repo, base=base, head=head, live=live, flags=flags))


@app.command()
@with_examples
def sandbox(
    repo: Annotated[Path, typer.Option(help="The git repository to serve.")],
    base: Annotated[str | None, typer.Option(help="Base branch of the pull request to open.")] = None,
    head: Annotated[str | None, typer.Option(help="Head branch of the pull request to open.")] = None,
    port: Annotated[int, typer.Option(help="Port on this machine; 0 takes a free one.")] = 0,
) -> None:
    """Serve a git repository as a local GitHub, with a local model: try settings without touching GitHub."""
    from reviewbot.demo import serve_sandbox

    serve_sandbox(repo, base=base, head=head, port=port)


@app.command()
@with_examples
def serve(
    role: Annotated[Role, typer.Option(help="What this process does; `all` starts one of each.")] = Role.ALL,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 8080,
    log: Annotated[Log | None, typer.Option(help="Form of log lines; text on a terminal, else json.")] = None,
) -> int:
    """Be a GitHub App: take webhooks and review what they tell of. Without an App yet, open /setup in a browser."""
    from reviewbot.serve import run_all, run_role

    as_json = log is Log.JSON if log else not sys.stderr.isatty()
    if role is Role.ALL:
        return run_all(host, port, as_json=as_json)
    return run_role(role, host, port, as_json=as_json)


@app.command()
@with_examples
def doctor(
    target: Annotated[
        str | None, typer.Argument(help="A pull request to check the token's permissions on; with --app a server.")
    ] = None,
    app: Annotated[
        bool, typer.Option("--app", help="Check the GitHub App and its server, at TARGET if that is given.")
    ] = False,
    output_format: Annotated[Format, typer.Option("--format", help="text or json.")] = Format.TEXT,
) -> int:
    """Check token, model, provider, git, database, and the GitHub App if there is one; each problem has a remedy."""
    from reviewbot.doctor import run_doctor

    if output_format not in (Format.TEXT, Format.JSON):
        raise UsageError(f"doctor has no {output_format} form.", remedy="Use --format text or --format json.")
    return run_doctor(target, as_json=output_format is Format.JSON, app=app)


@config_app.command("show")
@with_examples
def config_show(
    target: Annotated[Path, typer.Argument(help="A work tree, or a settings file.")] = Path(),
    settings: Set = None,
) -> None:
    """Print every setting in force, its value, and where the value came from."""
    from reviewbot.display import settings_table
    from reviewbot.wiring import resolve_local

    print(settings_table(resolve_local(target, pairs(settings))))


@config_app.command("check")
@with_examples
def config_check(file: Annotated[Path, typer.Argument(help="The settings file.")] = Path(".reviewbot.toml")) -> None:
    """Say whether a settings file is right; exit code 2 and one sentence if it is not."""
    from reviewbot.wiring import resolve_local

    resolved = resolve_local(file, {}, must_exist=True)
    for note in resolved.notes:
        print(note)
    print(f"{file}: right.")


@config_app.command("schema")
@with_examples
def config_schema() -> None:
    """Print the JSON schema of `.reviewbot.toml`, for editors."""
    import json

    from reviewbot.core.resolution import json_schema

    print(json.dumps(json_schema(), indent=2))


@runs_app.command("list")
@with_examples
def runs_list(limit: Annotated[int, typer.Option(min=1, max=1000)] = 20) -> None:
    """List past runs, the newest first."""
    from reviewbot.display import runs_table
    from reviewbot.wiring import list_runs

    print(runs_table(list_runs(limit)))


@runs_app.command("show")
@with_examples
def runs_show(run_id: str) -> None:
    """Show one run: its questions, its findings with what became of each, its cost."""
    from reviewbot.display import run_details
    from reviewbot.wiring import show_run

    print(run_details(show_run(run_id)))
