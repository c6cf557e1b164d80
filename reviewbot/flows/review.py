"""The product, top to bottom: a pull request in, a posted review and a stated coverage out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import perf_counter

import anyio

from reviewbot.core.change.diff import Diff
from reviewbot.core.change.pull_request import PullRequest, Surroundings
from reviewbot.core.change.scope import Scope
from reviewbot.core.config import Config
from reviewbot.core.context.chunking import split_chunk
from reviewbot.core.cost import CostBudget
from reviewbot.core.findings.finding import Finding, PlacedFinding, RejectReason, Reply, Triage
from reviewbot.core.report.acts import Act, Closings
from reviewbot.core.report.coverage import PieceFate, build_coverage
from reviewbot.core.report.draft import ReviewDraft
from reviewbot.core.report.outcome import Coverage, ReviewOutcome
from reviewbot.errors import ConfigError, ReviewbotError, StoreError
from reviewbot.flows.collection import Collected, Settle, collect
from reviewbot.flows.plan import plan_chunks
from reviewbot.flows.progress import Progress, Watch, unwatched
from reviewbot.flows.questions import Ask, Asked, Interview
from reviewbot.ports import Analysis, Model, PullRequestSource, ReviewSink, RunStore

# Not posted now, yet true of the change: they count for the verdict and for ``fail_on``.
_STANDING = (RejectReason.ALREADY_POSTED, RejectReason.OVER_LIMIT)


@dataclass(frozen=True, slots=True)
class Ports:
    """What a review needs of the world, and subjects that are told elsewhere: ``settle`` lays the settings of the
    repository under those of the deployment, ``since`` adds what an earlier review has read (with True nothing counts),
    ``analyze`` asks static analyzers, ``read`` reads an answer about a chunk, ``place`` ties findings to lines,
    ``siblings`` asks about places like theirs, ``check`` asks whether earlier points are met, ``sift`` holds findings
    against what stands on the pull request now, ``draft`` words what is posted. ``model`` makes the model once the
    settings are known."""

    source: PullRequestSource
    sink: ReviewSink
    model: Callable[[Config], Model]
    store: RunStore
    settle: Settle
    since: Callable[[PullRequestSource, Collected, bool], Awaitable[Collected]]
    analyze: Callable[[Collected], Awaitable[Analysis]]
    read: Callable[[str, int], Reply]
    place: Callable[[Sequence[Finding], Diff, Mapping[str, bytes]], Sequence[PlacedFinding]]
    siblings: Callable[[Interview, Collected, Sequence[PlacedFinding], Sequence[Asked]], Awaitable[Sequence[Asked]]]
    check: Callable[[Ask, PullRequestSource, Collected], Awaitable[Closings]]
    sift: Callable[[Sequence[PlacedFinding], Surroundings, Collected, Closings], tuple[Triage, Sequence[Act]]]
    draft: Callable[[ReviewOutcome, Config, Sequence[Act]], ReviewDraft]


WhyNot = Callable[[Collected], Awaitable[str]]


async def _no_reason(_collected: Collected) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for: a name for the run, whether everything is read again and no paid answer used (``fresh``),
    whether a closed pull request is reviewed too, and ``why_not``: what else is against a review, by the facts and the
    settings as they are now. A ``patient`` run ends in an error that may pass, rather than leave out what it kept it
    from."""

    run_id: str
    fresh: bool = False
    patient: bool = False
    closed_too: bool = False
    why_not: WhyNot = _no_reason


async def review(ports: Ports, order: Order, watch: Watch = unwatched) -> ReviewOutcome:
    """Review one pull request and post the result once.

    Raises ReviewbotError when nothing could be reviewed at all; a part that could not is in the outcome's coverage.
    """
    clock = _Clock()
    seen = _Seen(watch)
    watch = seen.note
    watch(Progress("collecting"))
    pull = await ports.source.pull_request()
    reason = reason_to_skip(pull, closed_too=order.closed_too)
    if reason:
        return await _skip(order, pull, reason, ports)
    collected = await collect(ports.source, pull, ports.settle)
    reason = await order.why_not(collected)
    if reason:
        return await _skip(order, pull, reason, ports)
    collected = await ports.since(ports.source, collected, order.fresh)
    model = ports.model(collected.config)
    if collected.config.limits.max_cost_usd is not None and model.price is None:
        raise ConfigError(
            f"The price of {model.id!r} (or of a fallback) is not known, so limits.max_cost_usd cannot be kept.",
            remedy="Choose a model that `reviewbot doctor` lists with a price, or drop the limit.",
        )
    await ports.store.start_run(order.run_id, pull, model.id)
    try:
        outcome = await _review(ports, order, collected, model, clock, watch)
    except ReviewbotError as error:
        with suppress(StoreError):  # the reader must hear of the first error
            await ports.store.fail_run(order.run_id, str(error), seen.last.usage, seen.last.cost_usd)
        raise
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True), suppress(StoreError):
            await ports.store.fail_run(order.run_id, "interrupted", seen.last.usage, seen.last.cost_usd)
        raise
    outcome = await _booked(ports, outcome)
    watch(Progress("done", usage=outcome.usage, cost_usd=outcome.cost_usd or 0.0))
    return outcome


def reason_to_skip(pull: PullRequest, *, closed_too: bool = False) -> str:
    """Why there is nothing to review here, or an empty string."""
    if pull.merged and not closed_too:
        return "the pull request is merged"
    if pull.state == "closed" and not closed_too:
        return "the pull request is closed"
    if pull.changed_files == 0:
        return "the pull request changes no file" if pull.ref else f"{pull.head_ref} adds nothing to {pull.base_ref}"
    return ""


async def _review(
    ports: Ports, order: Order, collected: Collected, model: Model, clock: _Clock, watch: Watch
) -> ReviewOutcome:
    """From a collected change to a posted review."""
    config = collected.config
    plan = plan_chunks(collected, model.window)
    clock.lap("collecting")
    analysis = await ports.analyze(collected)
    clock.lap("analyzing")
    interview = Interview(
        model=model,
        store=ports.store,
        run_id=order.run_id,
        prepare=lambda chunk: analysis.beside(plan.prepare(chunk), chunk),
        read=ports.read,
        split=lambda chunk: split_chunk(chunk, config.chunks.overlap_lines),
        max_output_tokens=config.model.max_output_tokens,
        concurrency=config.model.concurrency,
        budget=CostBudget(config.limits.max_cost_usd),
        watch=watch,
        fresh=order.fresh,
        patient=order.patient,
    )
    results = await interview.ask_all(plan.chunks)
    _raise_if_nothing_was_read(results)
    if order.patient:
        _raise_what_may_pass([asked.error for asked in results])
    clock.lap("asking")
    watch(Progress("placing", usage=interview.usage, cost_usd=interview.budget.spent_usd))
    placed = ports.place(_raised(results), collected.diff, collected.heads)
    more = await ports.siblings(interview, collected, placed, results)
    placed = (*placed, *ports.place(_raised(more), collected.diff, collected.heads))
    placed = (*placed, *analysis.beyond(placed))
    closings = await ports.check(interview.extra, ports.source, collected)
    if order.patient:
        _raise_what_may_pass(interview.lost)
    # A last look, just before writing: another run may have posted meanwhile, and the head may have moved.
    now = await ports.source.surroundings(collected.pull)
    kept, acts = ports.sift(placed, now, collected, closings)
    coverage = _coverage(collected, results)
    outcome = _outcome(order, collected, interview, results, kept, coverage, analysis)
    clock.lap("placing")
    outcome = replace(outcome, timings=clock.laps())
    outcome = replace(outcome, draft=ports.draft(outcome, config, acts))
    outcome = await _post(ports, outcome, now.head_sha, watch)
    clock.lap("posting")
    return replace(outcome, timings=clock.laps(), api_calls=ports.source.calls + ports.sink.calls)


def _raise_if_nothing_was_read(results: Sequence[Asked]) -> None:
    """An outage is an error, not a review with no findings."""
    errors = [asked.error for asked in results if asked.error is not None]
    if errors and not any(asked.fate == "reviewed" for asked in results):
        raise errors[0]


def _raise_what_may_pass(errors: Sequence[ReviewbotError | None]) -> None:
    """What was read is kept and not paid again."""
    for error in errors:
        if error is not None and error.retryable:
            raise error


def _raised(results: Sequence[Asked]) -> list[Finding]:
    """Every finding of every reply, with secrets back in the place of their marks so that quotes can be found."""
    return [
        replace(finding, quote=asked.prepared.restore(finding.quote))
        for asked in results
        if asked.reply is not None and asked.prepared is not None
        for finding in asked.reply.findings
    ]


def _coverage(collected: Collected, results: Sequence[Asked]) -> Coverage:
    fates = [PieceFate(piece, asked.fate, asked.reason) for asked in results for piece in asked.chunk.pieces]
    return build_coverage(collected.diff, collected.scope, fates, collected.since.increment)


def _outcome(
    order: Order,
    collected: Collected,
    interview: Interview,
    results: Sequence[Asked],
    kept: Triage,
    coverage: Coverage,
    analysis: Analysis,
) -> ReviewOutcome:
    findings = (*kept.post, *kept.summary)
    standing = [item.placed for item in kept.rejected if item.reason in _STANDING]
    severities = [item.finding.severity for item in (*findings, *standing)]
    fail_on = collected.config.review.fail_on
    unread = _left_out(collected.scope)
    verdict = "incomplete" if not coverage.complete else "findings" if severities else "skipped" if unread else "clean"
    return ReviewOutcome(
        run_id=order.run_id,
        pull=collected.pull,
        verdict=verdict,
        coverage=coverage,
        diff=collected.diff,
        findings=findings,
        rejected=kept.rejected,
        model=", ".join(interview.models) or interview.model.id,
        explanation=" ".join(asked.reply.explanation for asked in results if asked.reply)[:2000],
        usage=interview.usage,
        cost_usd=None if interview.unpriced else interview.budget.spent_usd,
        saved_usd=interview.saved_usd,
        skip_reason=unread if verdict == "skipped" else "",
        notes=(*collected.resolved.notes, *analysis.notes, *interview.notes, *kept.doubts),
        analyzers=tuple(analysis.ran),
        fails=any(severity.reaches(fail_on) for severity in severities),
        since=collected.since,
        dismissed=kept.dismissed,
    )


def _left_out(scope: Scope) -> str:
    """Why nothing at all was read, which must not look like a clean change; empty when something was."""
    if scope.files:
        return ""
    rules = Counter(item.rule for item in scope.skipped)
    return "every changed file is skipped by rule: " + ", ".join(f"{rule} {n}" for rule, n in rules.most_common())


async def _post(ports: Ports, outcome: ReviewOutcome, head_sha: str, watch: Watch) -> ReviewOutcome:
    """Post, unless the head moved while the model was thinking. ``head_sha`` is the head now; a work tree has none."""
    watch(Progress("posting", usage=outcome.usage, cost_usd=outcome.cost_usd or 0.0))
    if head_sha and head_sha != outcome.pull.head_sha:
        note = f"the head moved from {outcome.pull.head_sha[:12]} to {head_sha[:12]} during the review"
        return replace(outcome, verdict="superseded", notes=(*outcome.notes, note))
    if outcome.draft is None:
        return outcome
    return replace(outcome, posted=await ports.sink.post(outcome.pull, outcome.draft))


async def _booked(ports: Ports, outcome: ReviewOutcome) -> ReviewOutcome:
    try:
        await ports.store.finish_run(outcome)
    except StoreError as error:  # what was found and posted stands all the same
        return replace(outcome, notes=(*outcome.notes, f"this run was not recorded: {error.message}"))
    return outcome


async def _skip(order: Order, pull: PullRequest, reason: str, ports: Ports) -> ReviewOutcome:
    outcome = ReviewOutcome(
        run_id=order.run_id,
        pull=pull,
        verdict="skipped",
        coverage=Coverage(()),
        diff=Diff(()),
        skip_reason=reason,
        api_calls=ports.source.calls,
    )
    with suppress(StoreError):  # nothing was spent: a database that is away is no reason to fail
        await ports.store.start_run(order.run_id, pull, "")
    return await _booked(ports, outcome)


class _Seen:
    """Passes progress on and remembers the last, so that a run that fails is booked with what it had spent."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.last = Progress("collecting")

    def note(self, progress: Progress) -> None:
        self.last = progress
        self._watch(progress)


class _Clock:
    """Seconds spent in each part of a run."""

    def __init__(self) -> None:
        self._last = perf_counter()
        self._laps: list[tuple[str, float]] = []

    def lap(self, name: str) -> None:
        now = perf_counter()
        self._laps.append((name, round(now - self._last, 3)))
        self._last = now

    def laps(self) -> tuple[tuple[str, float], ...]:
        return tuple(self._laps)
