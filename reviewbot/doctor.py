"""`reviewbot doctor`: looks at everything a review needs, and gives each problem its remedy."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio

from reviewbot.core.change.pull_request import PullRequestRef
from reviewbot.doctor_check import Check
from reviewbot.errors import GitHubError, GitHubNotFound, ModelError, ModelNotFound, ReviewbotError
from reviewbot.settings import Settings, read_settings
from reviewbot.variables import address

if TYPE_CHECKING:
    from reviewbot.github.client import GitHubClient

_SIGNS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}


def run_doctor(target: str | None, *, as_json: bool = False, app: bool = False) -> int:
    """Print all checks; the exit code is 0 without a problem, else that of the first problem's kind (2, 4 or 5).

    With ``app`` the GitHub App and its server are looked at even if none is configured, and ``target`` is the server's
    address.
    """
    settings = read_settings()
    server = address({"The server": target or ""}, "The server") if app else ""
    checks = anyio.run(_all, None if app else target, settings, server, app or bool(settings.app_id))
    if as_json:
        print(json.dumps({"schema": 1, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        for check in checks:
            print(f"{_SIGNS[check.state]}  {check.name}: {check.detail}")
            if check.remedy and check.state != "ok":
                print(f"         -> {check.remedy}")
    problem = next((check.name for check in checks if check.state == "problem"), None)
    if problem is None:
        return 0
    return {"github": 4, "git": 4, "provider": 5, "model": 5}.get(problem.split()[0].lower(), 2)


async def _all(target: str | None, settings: Settings, server: str, app: bool) -> list[Check]:
    checks = [_git(), await _database(settings), *await _analyzers()]
    if app:
        from reviewbot.doctor_app import app_checks

        checks += await app_checks(settings, server)
    if settings.github_token or target or not app:  # an App has tokens of its own
        checks += [check async for check in _github(settings, target)]
    checks += [check async for check in _provider(settings)]
    return checks


def _git() -> Check:
    found = shutil.which("git")
    if found:
        return Check("git", "ok", found)
    return Check("git", "problem", "not found", "Install git: big changes and local reviews need it.")


async def _database(settings: Settings) -> Check:
    from reviewbot.wiring import open_store

    try:
        await open_store(settings).answer("doctor")
    except ReviewbotError as error:
        return Check("database", "problem", error.message, error.remedy)
    return Check("database", "ok", settings.shown_database_url)


async def _analyzers() -> list[Check]:
    """Which static analyzers are there, and what keeps them in their room."""
    from reviewbot.analyzers.run import confinements, facts

    checks = [
        Check(f"analyzer {name}", "ok", version or "installed")
        if there
        else Check(f"analyzer {name}", "ok", "not installed; the extra `analyzers` brings it")
        for name, there, version in facts()
    ]
    return [*checks, *confinement_checks(await confinements())]


def confinement_checks(found: Mapping[str, str]) -> list[Check]:
    """A line for each confinement, with why it does not hold. Files and the network may each be guarded by one that
    does; where none is, that is a warning."""
    open_files = {name for name in ("landlock", "all") if found.get(name)}
    network = ("namespaces", "system call filter")
    open_network = {name for name in network if all(found.get(each) for each in network)}
    return [
        Check(
            f"confinement {name}",
            "warning" if name in open_files | open_network else "ok",
            f"does not hold here: {reason}" if reason else "holds for analyzers",
            "Analyzers run all the same; the page on the security model says what is missing then." if reason else "",
        )
        for name, reason in found.items()
    ]


async def _github(settings: Settings, target: str | None) -> AsyncIterator[Check]:
    """The token by what GitHub answers it; the permissions on one repository when a target is given."""
    from reviewbot.github.client import GitHubClient

    if not settings.github_token:
        yield Check("GitHub token", "problem", "none is set", "Set GITHUB_TOKEN; `gh auth token` prints one.")
        return
    ref = _ref(settings, target)
    client = GitHubClient(
        settings.github_token, api_url=settings.api_url_for(ref.host if ref else settings.default_host)
    )
    try:
        yield Check("GitHub token", "ok", f"accepted; {await _calls_left(client)}")
        if ref:
            yield await _permissions(client, ref)
    except GitHubError as error:
        yield Check("GitHub", "problem", error.message, error.remedy)


async def _calls_left(client: GitHubClient) -> str:
    """What GitHub still grants. An Enterprise server without limits answers 404 to an accepted token."""
    try:
        limits = (await client.get("/rate_limit"))["resources"]["core"]
    except GitHubNotFound:
        return "this server does not limit calls"
    return f"{limits['remaining']:,} of {limits['limit']:,} calls left this hour"


def _ref(settings: Settings, target: str | None) -> PullRequestRef | None:
    if target is None:
        return None
    return PullRequestRef.parse(target, allowed_hosts=settings.allowed_hosts, default_host=settings.default_host)


async def _permissions(client: GitHubClient, ref: PullRequestRef) -> Check:
    repository = await client.get(f"/repos/{ref.full_name}")
    await client.get(f"/repos/{ref.full_name}/pulls/{ref.number}")
    granted = repository.get("permissions") or {}
    if granted and not any(granted.get(name) for name in ("push", "triage", "maintain", "admin")):
        return Check(
            f"GitHub {ref}",
            "warning",
            "can be read; the token's account has no write access, so a comment may be refused",
            "On a repository of others, a review is posted only where everybody may comment.",
        )
    return Check(f"GitHub {ref}", "ok", "can be read; the account may write (its token may be allowed less)")


async def _provider(settings: Settings) -> AsyncIterator[Check]:
    from reviewbot.core.config import Config
    from reviewbot.model.catalogue import end_of_life, facts_for, provider_of
    from reviewbot.model.responses import ResponsesClient

    name = settings.model_id or Config().model.id
    facts = facts_for(name)
    ending = end_of_life(facts, datetime.now(UTC).date(), provider_of(settings.api_base))
    if ending:
        yield Check("model", "warning", ending, "Set REVIEWBOT_MODEL to a model that your provider serves.")
    elif not facts.known:
        yield Check("model", "warning", f"{name} is not in the catalogue: its limits are guessed, its price is unknown")
    else:
        yield Check("model", "ok", f"{name}, {facts.input_limit:,} input tokens, efforts {', '.join(facts.efforts)}")
    if not settings.api_key:
        yield Check(
            "provider key", "problem", "none is set", "Set OPENAI_API_KEY, AIMLAPI_API_KEY or REVIEWBOT_API_KEY."
        )
        return
    async with ResponsesClient(settings.api_base, settings.api_key) as client:
        try:
            entry = await client.model_entry(name)
        except ModelNotFound as error:
            yield Check("model at the provider", "problem", error.message, error.remedy)
        except ModelError as error:
            yield Check("provider", "problem", error.message, error.remedy)
        else:
            ends = entry.get("shutdown_date")
            said = f"{settings.api_base} serves {name}" + (f" until {ends}" if ends else "")
            yield Check("provider", "ok", said)
