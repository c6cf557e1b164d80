"""The builder of the server's shells, beside `wiring.py`: the work of a job, the posting of what it made, the engine.

Each role gets what it needs and no more: whoever asks the model holds no token that writes, and whoever writes holds no
key of the provider.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from reviewbot.answer_wiring import answering
from reviewbot.core.config import Config, Resolved, ServerSettings
from reviewbot.core.report.acts import React
from reviewbot.core.report.command_answers import not_done
from reviewbot.core.report.outcome import ReviewOutcome
from reviewbot.core.report.posting import Posting, failure_notice
from reviewbot.core.report.rendering import CHECK_NAME
from reviewbot.core.resolution import resolve
from reviewbot.core.triggers import JobRequest, Kind
from reviewbot.dispatch import run_id_of
from reviewbot.errors import ReviewbotError, StoreError
from reviewbot.flows.commands import Answering, MayWrite
from reviewbot.flows.job import post, think
from reviewbot.flows.progress import Progress, Watch
from reviewbot.flows.review import Order, Ports
from reviewbot.github.client import GitHubClient, TokenProvider
from reviewbot.github.dry_run import DryRunSink
from reviewbot.github.installations import POSTER, READER
from reviewbot.github.permissions import may_write
from reviewbot.github.pull_requests import GitHubSource
from reviewbot.github.reviews import GitHubSink
from reviewbot.github.threads import GitHubConversation
from reviewbot.jobs.job import Job, JobSettings, Verdict
from reviewbot.model.breaker import Breaker, BreakerModel
from reviewbot.model.limiter import Limiter
from reviewbot.store.runs import SqlRunStore
from reviewbot.store.talks import SqlTalks
from reviewbot.telemetry.logs import bound
from reviewbot.telemetry.metered import MeteredModel
from reviewbot.telemetry.metrics import Metrics
from reviewbot.telemetry.traces import span
from reviewbot.wiring import build_model, deployment_layers, ports_over, settle

if TYPE_CHECKING:
    from reviewbot.ports import Model
    from reviewbot.settings import Settings

_PATIENCE = 15.0  # seconds that a review sleeps for GitHub or the provider; what takes longer is begun again later
_TELLING = 1.0  # seconds between two notes of a run's progress
_log = logging.getLogger(__name__)


class Tokens(Protocol):
    """Where installation tokens come from: the App's key (`AppAuth`), or a poster that has it (`BrokeredTokens`)."""

    def access(
        self, installation_id: int, repository: str, permissions: Mapping[str, str]
    ) -> AbstractAsyncContextManager[TokenProvider]: ...


def deployment(settings: Settings) -> Resolved:
    """The settings in force where no repository has a say. Raises ConfigError."""
    return resolve(deployment_layers(settings))


def job_settings(server: ServerSettings, **changes: float) -> JobSettings:
    """The engine's settings; ``changes`` are for tests, which have no time."""
    chosen: dict[str, float] = {
        "per_process": server.per_process,
        "per_installation": server.per_installation,
        "overall": server.overall,
        "debounce": server.debounce_seconds,
        "deadline": server.deadline_minutes * 60.0,
        "attempts": server.attempts,
    }
    return JobSettings(**{**chosen, **changes})  # type: ignore[arg-type]  # whole numbers stay whole


@dataclass(slots=True)
class ReviewTasks:
    """What the engine is for: `work` and `post` run on its event loop, `notice` and `seen` are pure.

    ``tokens`` is made on first use, because what it holds belongs to that loop. ``role`` is the process's, for its log.
    """

    role: str
    settings: Settings
    resolved: Resolved
    store: SqlRunStore
    tokens: TokensMaker
    metrics: Metrics
    breaker: Breaker
    _tokens: Tokens | None = None
    _limiter: Limiter | None = None
    _talks: SqlTalks | None = None

    @property
    def config(self) -> Config:
        return self.resolved.config

    async def work(self, job: Job) -> str | None:
        """Review, or answer; what is to be posted comes back as text. Raises ReviewbotError."""
        request = JobRequest.from_json(job.payload)
        run_id = run_id_of(job)
        patient = job.tries < self.config.server.attempts
        is_review = request.kind is not Kind.COMMAND
        with self._told("review" if is_review else "answer", job, request), self._counted(is_review=is_review):
            async with AsyncExitStack() as stack:
                client, source = await self._github(request, READER, stack)
                watch = await stack.enter_async_context(_noting(self.store, run_id))
                order = Order(run_id, patient=patient)
                ports = self._ports(source, stack)
                allowed = partial(may_write, client, request.ref)
                thought = await think(ports, request, order, allowed, self._answering(ports, client, allowed), watch)
            if is_review:
                self._count(thought.outcome)
            return thought.posting.to_json() if thought.posting else None

    async def post(self, job: Job, posting: str) -> None:
        """Post what `work`, `notice` or `seen` made. Raises ReviewbotError."""
        request = JobRequest.from_json(job.payload)
        with self._told("post", job, request):
            async with AsyncExitStack() as stack:
                client, source = await self._github(request, POSTER, stack)
                found = Posting.from_json(posting)
                posted = await post(
                    source,
                    GitHubSink(client, source),
                    self.store,
                    found,
                    GitHubConversation(client, request.ref),
                    partial(may_write, client, request.ref, request.requested_by),
                )
                if posted is None:
                    _log.info("nothing was posted: the pull request is closed, or who asked may not write here")
                    return
                done = ", ".join(act.kind for act in found.acts) or "nothing new"
                _log.info("posted %s", posted.review_url or posted.summary_url or posted.check_url or done)
                for note in posted.notes:
                    _log.warning("%s", note)

    def notice(self, job: Job, error: str) -> str | None:
        """What the pull request is told of a job that was given up. A command is answered; a review has a check run, if
        these are not turned off."""
        request = JobRequest.from_json(job.payload)
        if request.kind is Kind.COMMAND:
            told = not_done(request, error)
            return Posting(run_id_of(job), None, (told,)).to_json() if told else None
        if not self.config.post.check_run:
            return None
        return failure_notice(run_id_of(job), job.head_sha, error, CHECK_NAME).to_json()

    def seen(self, job: Job) -> str | None:
        """A reaction that a command was heard, for a job that was just handed in. Whether whoever gave it may is asked
        when it is posted."""
        request = JobRequest.from_json(job.payload)
        if request.trigger != "command" or request.comment_id is None:
            return None
        heard = React(str(request.place), request.comment_id)
        return Posting(run_id_of(job), None, (heard,)).to_json()

    @contextmanager
    def _told(self, name: str, job: Job, request: JobRequest) -> Iterator[None]:
        """Every line and every span says which job it is about."""
        ids = {"delivery_id": request.delivery_id, "run_id": run_id_of(job), "job_id": job.id}
        with (
            bound(**ids, pull_request=str(request.ref), role=self.role),
            span(name, attempt=job.attempt, trigger=request.trigger),
        ):
            _log.info("%s: attempt %d, %s by %s", name, job.attempt, request.trigger, request.requested_by or "nobody")
            yield

    @contextmanager
    def _counted(self, *, is_review: bool) -> Iterator[None]:
        try:
            yield
        except ReviewbotError:
            if is_review:
                self.metrics.review("failed")
            raise

    def ended(self, _job: Job, verdict: Verdict) -> None:
        """An attempt at a job came to its end."""
        self.metrics.job(verdict.ending.value)

    async def _github(
        self, request: JobRequest, permissions: Mapping[str, str], stack: AsyncExitStack
    ) -> tuple[GitHubClient, GitHubSource]:
        """A connection whose token is for this repository alone, and what reads the pull request over it."""
        from reviewbot.checkout import GitWorkspace

        ref, settings = request.ref, self.settings
        if self._tokens is None:
            self._tokens = self.tokens()
        asked = self._tokens.access(request.installation_id or 0, ref.full_name, permissions)
        access = await stack.enter_async_context(asked)
        client = GitHubClient(
            access,
            api_url=settings.api_url_for(ref.host),
            patience=_PATIENCE,
            on_quota=self.metrics.github_quota,
            on_request=self.metrics.github_request,
        )
        stack.push_async_callback(client.aclose)
        clone_url = f"{settings.server_url_for(ref.host)}/{ref.full_name}.git"
        workspace = await stack.enter_async_context(
            GitWorkspace(clone_url, environ=settings.environ, token=await access.token(), pull_number=ref.number)
        )
        return client, GitHubSource(client, ref, workspace)

    def _ports(self, source: GitHubSource, stack: AsyncExitStack) -> Ports:
        sink = DryRunSink(lambda: source.seen)
        settled = partial(settle, deployment_layers(self.settings))
        return ports_over(source, sink, partial(self._model, stack), self.store, settled)

    def _answering(self, ports: Ports, client: GitHubClient, allowed: MayWrite) -> Answering:
        if self._talks is None:
            self._talks = SqlTalks(self.store.url)
        return answering(ports, client, self._talks, allowed)

    def _model(self, stack: AsyncExitStack, config: Config) -> Model:
        """The model, watched; the breaker and the limits of requests are those of the whole process."""
        wanted = self.config.model
        if self._limiter is None:
            self._limiter = Limiter(wanted.requests_per_minute, wanted.tokens_per_minute)

        def dress(model: Model) -> Model:
            return BreakerModel(MeteredModel(model, self.metrics), self.breaker)

        return build_model(self.settings, stack, config, limiter=self._limiter, wait_ceiling=_PATIENCE, dress=dress)

    def _count(self, outcome: ReviewOutcome) -> None:
        self.metrics.review(outcome.verdict)
        for placed in outcome.findings:
            self.metrics.findings(placed.finding.severity.value, 1)


class TokensMaker(Protocol):
    def __call__(self) -> Tokens: ...


@asynccontextmanager
async def _noting(store: SqlRunStore, run_id: str) -> AsyncIterator[Watch]:
    """A watch that writes a run's progress down, once a second at most; a database that is away loses a note only."""
    last: list[Progress] = []

    async def tell() -> None:
        while True:
            await asyncio.sleep(_TELLING)
            if last:
                now = last[-1]
                last.clear()
                with suppress(StoreError):
                    await store.note_progress(run_id, now.stage, now.done, now.total)

    teller = asyncio.create_task(tell())
    try:
        yield last.append
    finally:
        teller.cancel()
        with suppress(asyncio.CancelledError):
            await teller
