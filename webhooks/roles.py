"""What each role of a server is made of: an application, loops that run beside it, and an engine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from anyio.to_thread import run_sync
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from reviewbot.app_wiring import ReviewTasks, deployment, job_settings
from reviewbot.board import HealthLine
from reviewbot.core.config import Config
from reviewbot.dispatch import Dispatcher
from reviewbot.errors import ConfigError, StoreError, UsageError
from reviewbot.github.app_auth import AppAuth
from reviewbot.github.manifest import EVENTS, WEBHOOK_PATH
from reviewbot.github.token_broker import BrokeredTokens
from reviewbot.jobs.engine import POSTING, WORK, JobEngine
from reviewbot.jobs.job import Job
from reviewbot.model.breaker import Breaker
from reviewbot.roles import Role
from reviewbot.server_board import ServerBoard, receiver_health
from reviewbot.settings import Settings
from reviewbot.store.deliveries import SqlInbox
from reviewbot.store.fleet import Fleet
from reviewbot.store.runs import SqlRunStore
from reviewbot.telemetry.metrics import Metrics
from webhooks.app import bare_app, create_app
from webhooks.dashboard.pages import add_dashboard
from webhooks.health import Operations, add_health
from webhooks.setup import SetupContext, setup_routes
from webhooks.tokens import add_tokens
from webhooks.upkeep import BEAT_SECONDS, beat, prune, redeliver, repeat

_PRUNE_SECONDS = 3600.0
_ENGINE_PAUSE = 2.0
Loop = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Parts:
    """A process: ``loops`` run beside the application, inside ``running``, which starts and drains what jobs need."""

    app: FastAPI
    loops: Sequence[Loop]
    running: Callable[[], AbstractAsyncContextManager[None]]


def build_parts(role: Role, settings: Settings, restart: Callable[[], None]) -> Parts:
    """The parts of a process. ``restart`` asks for its end and a new start, when its settings have changed. Raises
    ConfigError for what is missing."""
    config = deployment(settings).config
    if role is Role.RECEIVER:
        return _Receiver(settings, config, restart).parts()
    if role is Role.WORKER:
        return _worker(settings, config)
    if role is Role.POSTER:
        return _poster(settings, config)
    raise UsageError(f"{role} is no role of a single process.", remedy="Choose receiver, worker or poster.")


def process_id(role: Role, settings: Settings) -> str:
    """What other processes know this one by."""
    return f"{settings.worker_id or socket.gethostname()} {role}"


class _Receiver:
    """Deliveries, pages, set-up. It looks at jobs and starts again those that a person names, but does none."""

    def __init__(self, settings: Settings, config: Config, restart: Callable[[], None]) -> None:
        self._settings, self._config, self._restart = settings, config, restart
        self._metrics = _metrics(settings)
        self._fleet = Fleet(settings.database_url)
        self._engine = JobEngine(settings.jobs_url, _no_work, job_settings(config.server), queues=())

    def parts(self) -> Parts:
        name = process_id(Role.RECEIVER, self._settings)
        loops: list[Loop] = [
            self._start_engine,
            lambda: repeat("heartbeat", BEAT_SECONDS, beat(self._fleet, name, Role.RECEIVER, lambda: "")),
        ]
        return Parts(self._app(), loops, self._running)

    def _app(self) -> FastAPI:
        settings = self._settings
        operations = Operations(self._health, _of(self._engine, self._metrics), settings.admin_token)
        if settings.webhook_secrets or settings.app_id:
            app = create_app(
                SqlInbox(settings.database_url),
                settings.require_webhook_secrets(),
                bot_login=f"{_slug(settings)}[bot]",
                triggers=self._config.triggers,
                host=settings.default_host,
                operations=operations,
                watch=self._watch,
            )
        else:  # nothing is taken before there is a secret to check it by
            app = bare_app()
            app.add_route(WEBHOOK_PATH, _not_set_up, methods=["POST"])
            add_health(app, operations)
        setup_routes(app, self._setup())
        add_dashboard(app, ServerBoard(self._fleet, self._engine), settings.admin_token, secure=_is_secure(settings))
        return app

    def _setup(self) -> SetupContext:
        settings = self._settings
        return SetupContext(
            github_url=settings.github_server_url,
            api_url=settings.api_url_for(settings.default_host),
            data_dir=settings.data_dir,
            public_url=settings.public_url,
            gate=settings.admin_token,
            done=lambda _app: self._restart(),
            ready=bool(settings.webhook_secrets or settings.app_id),
            app_id=settings.app_id,
            app_slug=settings.app_slug,
        )

    def _watch(self, event: str, status: int, seconds: float) -> None:
        self._metrics.delivery(event, status)
        self._metrics.delivery_seconds(seconds)

    async def _health(self) -> Sequence[HealthLine]:
        return await receiver_health(self._fleet)

    async def _start_engine(self) -> None:
        """Deliveries need no engine, so they do not wait for it."""
        while True:
            try:
                await self._engine.start()
            except StoreError:
                await asyncio.sleep(_ENGINE_PAUSE)
            else:
                return

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self._engine.stop()
            await _leave(self._fleet, process_id(Role.RECEIVER, self._settings))


def _worker(settings: Settings, config: Config) -> Parts:
    """Dispatches what was stored, and does the reading and asking."""
    settings.require_api_key()
    metrics = _metrics(settings)
    breaker = Breaker(on_change=metrics.breaker)
    tasks, engine = _engine(Role.WORKER, settings, config, metrics, breaker)
    fleet, inbox = Fleet(settings.database_url), SqlInbox(settings.database_url)
    name, kept = process_id(Role.WORKER, settings), timedelta(days=config.server.retention_days)

    async def health() -> Sequence[HealthLine]:
        provider = HealthLine("provider", ok=not breaker.is_open, detail=breaker.detail if breaker.is_open else "")
        return (await _database(fleet), provider)

    loops: list[Loop] = [
        Dispatcher(inbox, engine.submit).run,
        lambda: repeat("heartbeat", BEAT_SECONDS, beat(fleet, name, Role.WORKER, _trouble(breaker))),
        lambda: repeat("retention", _PRUNE_SECONDS, prune(fleet, inbox, engine, tasks.store, kept)),
    ]
    return _parts(
        settings, config, engine, fleet, name, loops, Operations(health, _of(engine, metrics), settings.admin_token)
    )


def _poster(settings: Settings, config: Config) -> Parts:
    """Writes on GitHub, gives workers tokens that read, and asks GitHub for deliveries that failed."""
    metrics = _metrics(settings)
    _, engine = _engine(Role.POSTER, settings, config, metrics, Breaker())
    fleet, auth = Fleet(settings.database_url), _auth(settings)
    name, every = process_id(Role.POSTER, settings), config.server.sweep_minutes * 60.0

    async def health() -> Sequence[HealthLine]:
        return (await _database(fleet),)

    loops: list[Loop] = [lambda: repeat("heartbeat", BEAT_SECONDS, beat(fleet, name, Role.POSTER, lambda: ""))]
    if every:
        loops.append(lambda: repeat("redelivery", every, redeliver(fleet, auth, frozenset(EVENTS), every)))
    parts = _parts(
        settings, config, engine, fleet, name, loops, Operations(health, _of(engine, metrics), settings.admin_token)
    )
    if settings.token_secret:
        add_tokens(parts.app, auth, settings.token_secret)
    return parts


def _engine(
    role: Role, settings: Settings, config: Config, metrics: Metrics, breaker: Breaker
) -> tuple[ReviewTasks, JobEngine]:
    tasks = ReviewTasks(
        str(role),
        settings,
        deployment(settings),
        SqlRunStore(settings.database_url, kept=timedelta(days=config.server.retention_days)),
        lambda: _tokens(role, settings),
        metrics,
        breaker,
    )
    engine = JobEngine(
        settings.jobs_url,
        tasks.work,
        job_settings(config.server),
        post=tasks.post,
        notice=tasks.notice,
        ended=tasks.ended,
        seen=tasks.seen,
        worker_id=_worker_id(role, settings),
        queues=(WORK,) if role is Role.WORKER else (POSTING,),
    )
    return tasks, engine


def _worker_id(role: Role, settings: Settings) -> str:
    """With a file the same after every start, whatever the host is called then: nobody else takes its jobs over."""
    return f"local {role}" if settings.jobs_url.startswith("sqlite") else process_id(role, settings)


def _tokens(role: Role, settings: Settings) -> AppAuth | BrokeredTokens:
    if role is Role.WORKER and settings.token_url:
        return BrokeredTokens(settings.token_url, settings.token_secret)
    return _auth(settings)


def _auth(settings: Settings) -> AppAuth:
    app_id, private_key = settings.require_app()
    return AppAuth(app_id, private_key, api_url=settings.api_url_for(settings.default_host))


def _parts(
    settings: Settings,
    config: Config,
    engine: JobEngine,
    fleet: Fleet,
    name: str,
    loops: Sequence[Loop],
    operations: Operations,
) -> Parts:
    if not settings.token_url:
        settings.require_app()
    app = bare_app()
    add_health(app, operations)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        await engine.start()
        try:
            yield
        finally:
            await engine.stop(config.server.drain_seconds)
            await _leave(fleet, name)

    return Parts(app, loops, running)


def _metrics(settings: Settings) -> Metrics:
    return Metrics(Path(settings.metrics_dir) if settings.metrics_dir else None)


def _of(engine: JobEngine, metrics: Metrics) -> Callable[[bool], Awaitable[bytes]]:
    async def told(ready: bool) -> bytes:
        try:
            gauges = await engine.gauges()
        except StoreError:  # the other figures are told all the same
            gauges = None
        return await run_sync(metrics.render, gauges, ready)  # it reads files

    return told


def _trouble(breaker: Breaker) -> Callable[[], str]:
    return lambda: breaker.detail if breaker.is_open else ""


async def _database(fleet: Fleet) -> HealthLine:
    try:
        await fleet.processes()
    except StoreError as error:
        return HealthLine("database", ok=False, detail=error.message)
    return HealthLine("database", ok=True)


async def _leave(fleet: Fleet, name: str) -> None:
    try:
        await fleet.leave(name)
    except StoreError:
        return  # it is forgotten by itself in half a minute


def _slug(settings: Settings) -> str:
    if not settings.app_slug:
        raise ConfigError(
            "REVIEWBOT_APP_SLUG is not set.", remedy="Set it to the App's name as in its address, after /apps/."
        )
    return settings.app_slug


def _is_secure(settings: Settings) -> bool:
    return settings.public_url.startswith("https://")


async def _no_work(job: Job) -> str | None:
    raise UsageError(f"Job {job.id} came to a process that does no jobs.")


async def _not_set_up(_: Request) -> JSONResponse:
    return JSONResponse({"error": "This server has no GitHub App yet; open /setup."}, 503)
