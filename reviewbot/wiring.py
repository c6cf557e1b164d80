"""The one builder of shells: settings and a target in, a finished run out. Doors call this; nothing else builds."""

from __future__ import annotations

import os.path
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from reviewbot.core.change.pull_request import PullRequestRef, Surroundings
from reviewbot.core.config import Config, Resolved
from reviewbot.core.findings.reply import parse_reply
from reviewbot.core.findings.standing import place_findings
from reviewbot.core.report.acts import Act, Closings
from reviewbot.core.report.continuation import orders_in, review_key, state_after
from reviewbot.core.report.draft import ReviewDraft
from reviewbot.core.report.outcome import ReviewOutcome
from reviewbot.core.report.rendering import render_draft
from reviewbot.core.resolution import Layer, parse_toml, resolve
from reviewbot.display import LastSeen, watching
from reviewbot.errors import ConfigError, UsageError
from reviewbot.flows.analysis import analyze
from reviewbot.flows.closing import close_threads
from reviewbot.flows.collection import SETTINGS_FILE, Collected, Settle
from reviewbot.flows.questions import Ask
from reviewbot.flows.review import Order, Ports, WhyNot, review
from reviewbot.flows.siblings import ask_about_siblings
from reviewbot.flows.sifting import sift
from reviewbot.flows.since import build_on
from reviewbot.settings import Settings, read_settings

if TYPE_CHECKING:
    from reviewbot.analyzer import Analyzer
    from reviewbot.checkout import GitWorkspace
    from reviewbot.flows.estimate import Estimate
    from reviewbot.github.client import GitHubClient
    from reviewbot.model.limiter import Limiter
    from reviewbot.ports import Model, PullRequestSource, ReviewSink, RunStore


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for at a door. ``flags`` are dotted setting names with the values given there, ``why_not`` is
    what a door has against the review (`Order.why_not`), ``guard`` is put round what writes on GitHub, ``vet``
    round what reads there."""

    target: str
    dry_run: bool = False
    fresh: bool = False
    base: str | None = None
    head: str | None = None
    staged: bool = False
    uncommitted: bool = False
    flags: Mapping[str, Any] = field(default_factory=dict)
    why_not: WhyNot | None = None
    guard: Callable[[ReviewSink], ReviewSink] = lambda sink: sink
    vet: Callable[[PullRequestSource], PullRequestSource] = lambda source: source


@dataclass(frozen=True, slots=True)
class Done:
    """A finished run; ``payloads`` is what a dry run would have sent, as JSON."""

    outcome: ReviewOutcome
    payloads: str | None = None


def run_review(request: Request, last: LastSeen, settings: Settings | None = None, *, quiet: bool = False) -> Done:
    """Review the target of ``request``. Raises ReviewbotError; a KeyboardInterrupt cancels what is under way."""
    return anyio.run(partial(review_target, request, last, settings or read_settings(), quiet=quiet))


async def review_target(request: Request, last: LastSeen, settings: Settings, *, quiet: bool = False) -> Done:
    """The same for a door that has an event loop."""
    async with AsyncExitStack() as stack:
        ports, payloads = await stack.enter_async_context(_ports(request, settings))
        watch = stack.enter_context(watching(last, quiet=quiet))
        order = Order(run_id(), fresh=request.fresh, closed_too=request.dry_run)
        order = replace(order, why_not=request.why_not or order.why_not)
        outcome = await review(ports, order, watch)
        return Done(outcome, payloads())


def run_estimate(request: Request, last: LastSeen, settings: Settings | None = None) -> Estimate:
    """What reviewing the target would read and cost."""
    return anyio.run(partial(_estimate, request, last, settings or read_settings()))


async def _estimate(request: Request, last: LastSeen, settings: Settings) -> Estimate:
    from reviewbot.flows.estimate import estimate

    async with AsyncExitStack() as stack:
        ports, _ = await stack.enter_async_context(_ports(request, settings, ask=False))
        watch = stack.enter_context(watching(last))
        return await estimate(ports, watch, full=request.fresh)


def layers_of(request: Request, settings: Settings) -> tuple[Layer, ...]:
    """The settings of the deployment, then those of the command line; the repository's come below both."""
    return *deployment_layers(settings), Layer("command line", nested(request.flags))


def deployment_layers(settings: Settings) -> tuple[Layer, ...]:
    """What is chosen where reviewbot runs: the file that REVIEWBOT_SETTINGS_FILE names, then single variables."""
    own = {"model.id": settings.model_id} if settings.model_id else {}
    file = Path(settings.settings_file).expanduser()
    given = [Layer(str(file), parse_toml(_text(file), str(file)))] if settings.settings_file else []
    return *given, Layer("environment", nested(own))


def nested(flags: Mapping[str, Any]) -> dict[str, Any]:
    """``{"model.id": "x"}`` as ``{"model": {"id": "x"}}``."""
    tree: dict[str, Any] = {}
    for name, value in flags.items():
        *path, last = name.split(".")
        place = tree
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise UsageError(f"{name!r} is not the name of a setting.", remedy="See `reviewbot config show`.")
        place[last] = value
    return tree


@asynccontextmanager
async def _ports(
    request: Request, settings: Settings, *, ask: bool = True
) -> AsyncIterator[tuple[Ports, Callable[[], str | None]]]:
    """Everything a run needs, and what tells the payloads of a dry run afterwards. All is closed at the end. Without
    ``ask`` the model is never asked, only its facts are read, so no key is needed."""
    if ask:
        settings.require_api_key()
    async with AsyncExitStack() as stack:
        if _is_local(request):
            source, sink, payloads = await _local(request, settings, stack)
        else:
            source, sink, payloads = await _remote(request, settings, stack)
        store = open_store(settings)
        layers = layers_of(request, settings)
        yield (
            ports_over(source, sink, partial(build_model, settings, stack), store, partial(settle, layers)),
            payloads,
        )


def ports_over(
    source: PullRequestSource, sink: ReviewSink, model: Callable[[Config], Model], store: RunStore, settle: Settle
) -> Ports:
    """The ports of a review, with the subjects that are the same at every door."""
    return Ports(
        source=source,
        sink=sink,
        model=model,
        store=store,
        settle=settle,
        since=partial(build_on, store),
        analyze=partial(analyze, installed_analyzers),
        read=parse_reply,
        place=place_findings,
        siblings=ask_about_siblings,
        check=check_threads,
        sift=sift,
        draft=write_draft,
    )


def _is_local(request: Request) -> bool:
    local = request.base or request.head or request.staged or request.uncommitted
    there = os.path.isdir(request.target)  # noqa: PTH112 - Path("") is this very folder, and a long Path raises
    if local and not there:
        raise UsageError(
            f"{request.target!r} is not a folder, and --base, --head, --staged and --uncommitted are for work trees.",
            remedy="Leave them out for a pull request, or give the path of a git work tree.",
        )
    return there


_Built = tuple["PullRequestSource", "ReviewSink", "Callable[[], str | None]"]


async def _local(request: Request, settings: Settings, stack: AsyncExitStack) -> _Built:
    from reviewbot.github.dry_run import DryRunSink
    from reviewbot.local_tree import LocalSource

    source = await stack.enter_async_context(
        LocalSource(
            Path(request.target),
            environ=settings.environ,
            base=request.base,
            head=request.head,
            staged=request.staged,
            uncommitted=request.uncommitted,
        )
    )
    return source, DryRunSink(), lambda: None


async def _remote(request: Request, settings: Settings, stack: AsyncExitStack) -> _Built:
    from reviewbot.github.dry_run import DryRunSink
    from reviewbot.github.payloads import as_json
    from reviewbot.github.pull_requests import GitHubSource
    from reviewbot.github.reviews import GitHubSink

    ref = PullRequestRef.parse(request.target, allowed_hosts=settings.allowed_hosts, default_host=settings.default_host)
    client, workspace = await reach(ref, settings, stack)
    source = GitHubSource(client, ref, workspace)
    if request.dry_run:
        dry = DryRunSink(lambda: source.seen)
        return request.vet(source), dry, lambda: as_json(dry.payloads)
    return request.vet(source), request.guard(GitHubSink(client, source)), lambda: None


async def reach(ref: PullRequestRef, settings: Settings, stack: AsyncExitStack) -> tuple[GitHubClient, GitWorkspace]:
    """A connection to the repository's GitHub with the token of the settings, and its git; both are closed with
    ``stack``."""
    from reviewbot.checkout import GitWorkspace
    from reviewbot.github.client import GitHubClient

    client = GitHubClient(settings.github_token, api_url=settings.api_url_for(ref.host))
    stack.push_async_callback(client.aclose)
    clone_url = f"{settings.server_url_for(ref.host)}/{ref.full_name}.git"
    workspace = await stack.enter_async_context(
        GitWorkspace(clone_url, environ=settings.environ, token=settings.github_token, pull_number=ref.number)
    )
    return client, workspace


def build_model(
    settings: Settings,
    stack: AsyncExitStack,
    config: Config,
    *,
    limiter: Limiter | None = None,
    wait_ceiling: float = 60.0,
    dress: Callable[[Model], Model] = lambda model: model,
) -> Model:
    """The model of the settings, with its fallbacks behind it. A ``limiter`` is shared by all runs of a process,
    ``wait_ceiling`` is the longest that a provider is waited for, in seconds, and ``dress`` is put round each model."""
    from reviewbot.model.asking import FallbackModel, ResponsesModel
    from reviewbot.model.catalogue import facts_for
    from reviewbot.model.limiter import Limiter
    from reviewbot.model.responses import ResponsesClient
    from reviewbot.model.verdict import RetryPolicy

    wanted = config.model
    client = ResponsesClient(
        settings.api_base,
        settings.api_key,
        policy=RetryPolicy(
            attempts=wanted.attempts,
            deadline=wanted.timeout_seconds,
            wait_ceiling=wait_ceiling,
            pay_again=config.limits.max_cost_usd is None,  # a limit is kept by paying for each answer once
        ),
        limiter=limiter or Limiter(wanted.requests_per_minute, wanted.tokens_per_minute),
    )
    stack.push_async_callback(client.aclose)
    models = [dress(ResponsesModel(client, wanted, facts_for(name))) for name in (wanted.id, *wanted.fallbacks)]
    return models[0] if len(models) == 1 else FallbackModel(models)


def settle(layers: Sequence[Layer], around: Surroundings) -> Resolved:
    """The settings in force: the repository's own, those of ``layers`` above them, and what people asked to have left
    out of this one pull request."""
    text = around.rules.get(SETTINGS_FILE, "")
    own = [Layer(SETTINGS_FILE, parse_toml(text, SETTINGS_FILE), repository=True)] if text else []
    found = resolve([*own, *layers])
    _, ignored = orders_in(around.sticky_body)
    if not ignored:
        return found
    scope = found.config.scope
    narrowed = scope.model_copy(update={"exclude": (*scope.exclude, *ignored)})
    sources = {**found.sources, "scope.exclude": f"{found.sources.get('scope.exclude', 'default')} and `ignore` here"}
    return replace(found, config=found.config.model_copy(update={"scope": narrowed}), sources=sources)


async def check_threads(ask: Ask, source: PullRequestSource, collected: Collected) -> Closings:
    """Which open threads of ours this push has met: none in a work tree, and none since a head that was reviewed."""
    if collected.pull.ref is None or collected.pull.head_sha == collected.since.head_sha:
        return Closings()
    return await close_threads(ask, source, collected, collected.since)


def write_draft(outcome: ReviewOutcome, config: Config, acts: Sequence[Act]) -> ReviewDraft:
    draft = render_draft(outcome, config, key=review_key(outcome))
    return replace(draft, state=state_after(outcome), acts=tuple(acts))


def installed_analyzers(only: Sequence[str]) -> Sequence[Analyzer]:
    """Those of the names ``only``, or all where it is empty, that are installed."""
    from reviewbot.analyzers.run import installed

    return installed(only or None)


def open_store(settings: Settings) -> RunStore:
    """The database of runs and paid answers; opened at its first use."""
    from reviewbot.store.runs import SqlRunStore

    return SqlRunStore(settings.database_url)


def list_runs(limit: int) -> list[Mapping[str, Any]]:
    from reviewbot.store.runs import SqlRunStore

    return anyio.run(SqlRunStore(read_settings().database_url).list_runs, limit)


def show_run(run_id: str) -> Mapping[str, Any]:
    from reviewbot.store.runs import SqlRunStore

    return anyio.run(SqlRunStore(read_settings().database_url).show_run, run_id)


def resolve_local(target: Path, flags: Mapping[str, Any], *, must_exist: bool = False) -> Resolved:
    """The settings in force for a work tree or a settings file on this machine, with the source of each."""
    file = target / SETTINGS_FILE if target.is_dir() else target
    layers = []
    if file.is_file():
        layers.append(Layer(file.name, parse_toml(_text(file), str(file)), repository=True))
    elif must_exist or not target.is_dir():
        raise UsageError(f"{file} is not there.", remedy="Give the path of a .reviewbot.toml or of its folder.")
    request = Request(target=str(target), flags=flags)
    return resolve([*layers, *layers_of(request, read_settings())])


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"{file} cannot be read: {reason}.", remedy="Settings are TOML, in UTF-8.") from error


def run_id() -> str:
    """A name for a run that starts now."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
