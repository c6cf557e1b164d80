"""The story of one step: the event, the review, and what the runner and the next steps are told of it."""

from __future__ import annotations

import signal
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TextIO, TypeVar

import anyio

from reviewbot.action.bundling import NO_BUNDLE, make_bundle, save_bundle, take_bundle
from reviewbot.action.inputs import Inputs, environment_of, read_inputs
from reviewbot.action.runner import Runner
from reviewbot.action.sink import GuardedSink
from reviewbot.action.source import VettedSource
from reviewbot.action.table import OUTPUTS, SUFFIXES
from reviewbot.action.task import Stop, Task, agree, task_of
from reviewbot.action.vetting import Handed, request_of
from reviewbot.action.workflow_run import WORKFLOW_RUN, run_of
from reviewbot.answer_wiring import answer_target
from reviewbot.cli import exit_code
from reviewbot.core.config import TriggerSettings
from reviewbot.core.findings.finding import Severity
from reviewbot.core.report.draft import Posted
from reviewbot.core.report.outcome import ReviewOutcome
from reviewbot.core.report.outputs.annotations import render as annotated
from reviewbot.core.report.sanitizer import sanitize_inline
from reviewbot.core.report.summary import headline, own_page, standing
from reviewbot.core.resolution import resolve
from reviewbot.core.triggers import JobRequest, Kind
from reviewbot.display import LastSeen, render
from reviewbot.errors import ConfigError, ReviewbotError, UsageError
from reviewbot.flows.job import objections
from reviewbot.github.client import GitHubClient
from reviewbot.github.permissions import may_write
from reviewbot.settings import Settings, environment, read_settings, share_authorities
from reviewbot.wiring import Done, Request, layers_of, review_target

_T = TypeVar("_T")
STOPPED = 130
NO_SECRETS = (
    "This pull request comes from a fork, and GitHub gives its workflow no secrets: there is no key for a model, so "
    "nothing was reviewed."
)
READ_ONLY = (
    "The token may not write a review, so nothing was posted on the pull request. For pull requests from forks GitHub "
    "gives no other token; elsewhere it needs `pull-requests: write`. The whole result is in this run: job summary, "
    "log, annotations and files."
)
_MOST_EVENT = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Step:
    """What the step was given, and who hears of it."""

    runner: Runner
    settings: Settings
    inputs: Inputs
    room: Path
    last: LastSeen


def run(log: TextIO) -> int:
    """Do the step; the exit code is the contract of docs/reference/exit-codes.md, and 130 when it was stopped."""
    environ = environment()
    runner = Runner(log, _file(environ, "GITHUB_OUTPUT"), _file(environ, "GITHUB_STEP_SUMMARY"))
    last = LastSeen()
    try:
        return _run(environ, runner, last)
    except ReviewbotError as error:
        return _failed(runner, last, error)
    except KeyboardInterrupt:
        return _stopped(runner, last)


def _run(environ: Mapping[str, str], runner: Runner, last: LastSeen) -> int:
    if environ.get("GITHUB_ACTIONS") != "true":
        raise UsageError(
            "This is the part of reviewbot that GitHub Actions starts.", remedy="Use `reviewbot review` elsewhere."
        )
    share_authorities()
    room = _room(environ)
    settings = read_settings(environment_of(environ, str(room)))
    runner.mask(settings.secrets)
    step = _Step(runner, settings, read_inputs(environ), room, last)
    if environ.get("GITHUB_EVENT_NAME") == WORKFLOW_RUN and not step.inputs.bundling:
        return _second_half(step, environ)
    task = _task(step, environ)
    if isinstance(task, Stop):
        return _skipped(step, task.reason)
    if step.inputs.bundling and task.request:
        return _first_half(step, task.request)
    if task.from_fork and not settings.api_key:
        return _skipped(step, NO_SECRETS, level="warning")
    if task.request and task.request.kind is Kind.COMMAND:
        return _answer(step, task.request)
    return _review(step, task)


def _room(environ: Mapping[str, str]) -> Path:
    """A folder of our own, which the runner removes after the job."""
    try:
        return Path(tempfile.mkdtemp(prefix="reviewbot-", dir=environ.get("RUNNER_TEMP") or None))
    except OSError as error:
        raise ConfigError(f"The runner's folder for temporary files cannot be used: {error.strerror}.") from error


def _file(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]) if environ.get(name) else None


def _task(step: _Step, environ: Mapping[str, str]) -> Task | Stop:
    """What the event asks for, by the settings of the workflow; those of the repository are asked when it begins."""
    return task_of(
        environ.get("GITHUB_EVENT_NAME", ""),
        _payload(environ),
        repository=environ.get("GITHUB_REPOSITORY", ""),
        host=step.settings.default_host,
        inputs=step.inputs,
        triggers=_triggers(step),
    )


def _triggers(step: _Step) -> TriggerSettings:
    return resolve(layers_of(Request("", flags=step.inputs.flags), step.settings)).config.triggers


def _payload(environ: Mapping[str, str]) -> bytes:
    path = _file(environ, "GITHUB_EVENT_PATH")
    try:
        if path is None or path.stat().st_size > _MOST_EVENT:
            raise ConfigError("There is no event file, or it is too big.", remedy="GitHub Actions writes it.")
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"The event file cannot be read: {error.strerror}.") from error


# ---- a review in two workflows ---------------------------------------------------------------------------------------


def _first_half(step: _Step, request: JobRequest) -> int:
    """Write down what is to be reviewed, where nothing is secret."""
    made = anyio.run(make_bundle, step.settings, request, _triggers(step))
    if isinstance(made, Stop):
        return _skipped(step, made.reason)
    folder = step.room / "bundle"
    save_bundle(made, folder)
    said = f"{request.ref} is handed over as a bundle. Another workflow reviews it."
    step.runner.tell("notice", said)
    step.runner.add_summary(f"### Handed over\n\n{said}\n")
    step.runner.set_outputs({**_EMPTY, "cost-usd": "0.0000", "bundle": str(folder)})
    return 0


def _second_half(step: _Step, environ: Mapping[str, str]) -> int:
    """Review what the run of another workflow handed over, if GitHub says that it is what started that run."""
    run = run_of(_payload(environ), repository=environ.get("GITHUB_REPOSITORY", ""))
    if isinstance(run, Stop):
        return _skipped(step, run.reason)
    bundle = anyio.run(take_bundle, step.settings, run)
    if bundle is None:
        return _skipped(step, NO_BUNDLE)
    handed = Handed(run, bundle)
    request = request_of(handed, host=step.settings.default_host, triggers=_triggers(step))
    if isinstance(request, Stop):
        return _skipped(step, request.reason)
    agree(step.inputs, request.ref)
    return _review(step, Task(request.ref, request, run.from_fork), VettedSource(handed))


# ---- the review ------------------------------------------------------------------------------------------------------


def _review(step: _Step, task: Task, vetted: VettedSource | None = None) -> int:
    """The review, unless the runner stops it, and what is told of it. Raises ReviewbotError."""
    sink = GuardedSink()
    why_not = objections(task.request, partial(_may_write, step.settings, task)) if task.request else None
    request = Request(
        target=str(task.ref),
        dry_run=step.inputs.dry_run,
        fresh=step.inputs.full or task.full,
        flags=step.inputs.flags,
        why_not=vetted.before(why_not) if vetted and why_not else why_not,
        guard=sink.round,
    )
    request = replace(request, vet=vetted.round) if vetted else request
    with step.runner.group(f"Review of {task.ref}"):
        done = _until_stopped(partial(review_target, request, step.last, step.settings))
    if done is None:
        return _stopped(step.runner, step.last)
    warnings = [READ_ONLY] if sink.refusal is not None else []
    if vetted and vetted.warning and _reviewed(done.outcome):
        warnings.append(vetted.warning)
    return _report(step, done, warnings, nothing_posted=sink.refusal is not None)


def _answer(step: _Step, asked: JobRequest) -> int:
    """Do what a comment asks for, unless the runner stops it, and tell of it. Raises ReviewbotError."""
    if step.inputs.dry_run:
        return _skipped(step, "a dry run answers nobody")
    request = Request(str(asked.ref), flags=step.inputs.flags)
    with step.runner.group(f"Answer on {asked.ref}"):
        answered = _until_stopped(partial(answer_target, asked, request, step.settings))
    if answered is None:
        return _stopped(step.runner, step.last)
    if answered.reason:
        return _skipped(step, answered.reason)
    step.runner.tell("notice", f"Answered: {', '.join(answered.done)}")
    for note in answered.notes:
        step.runner.tell("warning", note)
    step.runner.add_summary("\n\n".join(["### Answered", *answered.texts, ""]))
    cost = "" if answered.cost_usd is None else f"{answered.cost_usd:.4f}"
    step.runner.set_outputs({**_EMPTY, "verdict": "answered", "cost-usd": cost})
    return 0


def _until_stopped(work: Callable[[], Awaitable[_T]]) -> _T | None:
    """What ``work`` comes to, or None at a signal. GitHub sends SIGINT, 7.5 s later SIGTERM, and 2.5 s later it kills.
    Raises ReviewbotError."""
    result = anyio.run(_or_signal, work)
    if isinstance(result, ReviewbotError):
        raise result
    return result


async def _or_signal(work: Callable[[], Awaitable[_T]]) -> _T | ReviewbotError | None:
    result: _T | ReviewbotError | None = None
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as group:

            async def listen() -> None:
                async for _ in signals:
                    group.cancel_scope.cancel()

            group.start_soon(listen)
            try:
                result = await work()
            except ReviewbotError as error:  # as a value: a task group would wrap it
                result = error
            group.cancel_scope.cancel()
    return result


async def _may_write(settings: Settings, task: Task, login: str) -> bool:
    client = GitHubClient(settings.github_token, api_url=settings.api_url_for(task.ref.host))
    try:
        return await may_write(client, task.ref, login)
    finally:
        await client.aclose()


# ---- what is told ----------------------------------------------------------------------------------------------------


def _report(step: _Step, done: Done, warnings: Sequence[str], *, nothing_posted: bool) -> int:
    """Everything that came of a review: log, annotations, job summary, files, outputs."""
    runner, outcome = step.runner, done.outcome
    for warning in warnings:
        runner.tell("warning", warning)
    if nothing_posted:
        outcome = replace(outcome, posted=Posted(notes=(READ_ONLY,)))
    with runner.group("Result"):
        runner.show(render(outcome, "text", payloads=done.payloads))
    if not _reviewed(outcome):
        runner.tell("notice", headline(outcome))
    elif _annotated(step.inputs, outcome):
        runner.commands(annotated(outcome))
    elif not outcome.coverage.complete:
        runner.tell("warning", headline(outcome))
    for note in done.outcome.posted.notes if done.outcome.posted else ():
        runner.tell("notice", note)
    if outcome.fails:
        runner.tell("error", f"{headline(outcome)} (fail-on)")
    lead = "".join(f"> [!WARNING]\n> {warning}\n\n" for warning in warnings)
    runner.add_summary(f"{lead}{render(outcome, 'markdown')}\n")
    runner.set_outputs({**_EMPTY, **_facts(outcome), **_files(step, outcome)})
    return exit_code(outcome)


def _reviewed(outcome: ReviewOutcome) -> bool:
    return outcome.verdict not in ("skipped", "superseded")


def _annotated(inputs: Inputs, outcome: ReviewOutcome) -> bool:
    """Where the review stands on the pull request, each finding is there already."""
    if inputs.annotations != "auto":
        return inputs.annotations == "always"
    posted = outcome.posted
    return not (posted and (posted.review_url or posted.summary_url or posted.check_url))


_COUNTS = [severity.value for severity in Severity]
_EMPTY = {each.name: "0" if each.name in _COUNTS else "" for each in OUTPUTS} | {"coverage-complete": "false"}


def _facts(outcome: ReviewOutcome) -> dict[str, str]:
    counts = Counter(placed.finding.severity for placed in standing(outcome))
    return {
        "verdict": outcome.verdict,
        **{severity.value: str(counts[severity]) for severity in Severity},
        "review-url": own_page(outcome.pull, outcome.posted.review_url) if outcome.posted else "",
        "coverage-complete": str(_reviewed(outcome) and outcome.coverage.complete).lower(),
        "cost-usd": "" if outcome.cost_usd is None else f"{outcome.cost_usd:.4f}",
    }


def _files(step: _Step, outcome: ReviewOutcome) -> dict[str, str]:
    """The result in files under the runner's own folder: in the workspace the change might have laid a link in the way.
    No file when nothing was reviewed, because to code scanning a file without results says that all is mended."""
    if not _reviewed(outcome):
        return {}
    made = {}
    for form in step.inputs.files:
        path = step.room / f"review.{SUFFIXES[form]}"
        try:
            path.write_text(f"{render(outcome, form)}\n", encoding="utf-8")
        except OSError as error:
            step.runner.tell("warning", f"The result as {form} could not be written: {error.strerror}.")
            continue
        made[f"{form}-file"] = str(path)
    return made


def _skipped(step: _Step, reason: str, *, level: str = "notice") -> int:
    step.runner.tell(level, f"Not reviewed: {reason}")
    step.runner.add_summary(f"### Not reviewed\n\n{sanitize_inline(reason)}\n")
    step.runner.set_outputs({**_EMPTY, "verdict": "skipped", "cost-usd": "0.0000"})
    return 0


def _failed(runner: Runner, last: LastSeen, error: ReviewbotError) -> int:
    runner.tell("error", str(error))
    runner.add_summary(f"### Not reviewed\n\n{sanitize_inline(str(error), limit=2_000)}\n")
    runner.set_outputs({**_EMPTY, "verdict": "failed", "cost-usd": f"{last.progress.cost_usd:.4f}"})
    return error.exit_code


def _stopped(runner: Runner, last: LastSeen) -> int:
    spent = last.progress.cost_usd
    runner.tell("notice", f"Stopped. Spent ${spent:.4f}; requests under way were cancelled, and may be charged.")
    runner.set_outputs({**_EMPTY, "verdict": "stopped", "cost-usd": f"{spent:.4f}"})
    return STOPPED
