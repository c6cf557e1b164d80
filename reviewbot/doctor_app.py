"""What doctor looks at for a GitHub App: its id and key, what it may do and is told, where it is installed.

Only addresses of the settings are asked, and the webhook of the App itself. No check holds a secret.
"""

from __future__ import annotations

import stat
import time
from collections.abc import AsyncIterator, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx

from reviewbot.doctor_check import Check
from reviewbot.errors import ConfigError, GitHubError
from reviewbot.github.installations import Installation, read_installation
from reviewbot.github.manifest import EVENTS, PERMISSIONS

if TYPE_CHECKING:
    from reviewbot.github.app_auth import AppAuth
    from reviewbot.settings import Settings

_PAGE = 100
_MOST_PAGES = 10
_MOST_COUNTED = 20  # installations whose repositories are counted, at three calls each
_CLOCK_SECONDS = 30  # GitHub takes a JWT that is dated up to a minute ahead of its clock, for so it is back-dated
_SECONDS = 10.0
_LEVELS = ("", "read", "write", "admin")


async def app_checks(settings: Settings, server: str = "", *, clock: Callable[[], float] = time.time) -> list[Check]:
    """All checks of an App; ``server`` is the address where it is said to run, empty for what the App itself says."""
    from reviewbot.github.app_auth import AppAuth

    checks = [data_folder(settings)]
    api_url = settings.api_url_for(settings.default_host)
    try:
        app_id, key = settings.require_app()
        app = AppAuth(app_id, key, api_url=api_url, timeout=int(_SECONDS))
    except ConfigError as error:
        return [*checks, Check("App settings", "problem", error.message, error.remedy)]
    try:
        checks += [check async for check in _of_github(settings, app, api_url, server)]
    finally:
        await app.aclose()
    return [*checks, *await clock_checks(api_url, clock)]


async def _of_github(settings: Settings, app: AppAuth, api_url: str, server: str) -> AsyncIterator[Check]:
    """What GitHub has to say; a part that it refuses does not hide the others."""
    from reviewbot.doctor_hook import hook_checks

    try:
        facts = await app.client.get("/app")
    except GitHubError as error:
        gone = "Check REVIEWBOT_APP_ID, GITHUB_SERVER_URL, and that the App still exists."
        yield Check("GitHub App", "problem", error.message, gone if error.status == 404 else error.remedy)
        return
    for check in identity_checks(settings, facts):
        yield check
    install_url = f"{facts.get('html_url')}/installations/new"
    parts = (_installations(app, api_url, install_url), hook_checks(settings, app.client, server))
    for part in parts:
        try:
            async for check in part:
                yield check
        except GitHubError as error:
            yield Check("GitHub App", "problem", error.message, error.remedy)


def identity_checks(settings: Settings, facts: Mapping[str, Any]) -> list[Check]:
    """Who the App is, what it may do and what it is told, from GitHub's own description of it."""
    slug, owner = str(facts.get("slug") or ""), facts.get("owner") or {}
    page = _settings_page(settings, slug, owner)
    named = f"{slug}, id {facts.get('id')}, of {owner.get('login') or 'an enterprise'}"
    checks = [Check("GitHub App", "ok", f"{named}; its key is accepted")]
    if settings.app_slug and settings.app_slug != slug:
        said = f"GitHub calls this App {slug}, the settings {settings.app_slug}"
        checks.append(Check("App settings", "problem", said, f"Set REVIEWBOT_APP_SLUG to {slug}."))
    return [*checks, *permission_checks(facts.get("permissions") or {}, page), event_check(facts.get("events"), page)]


def _settings_page(settings: Settings, slug: str, owner: Mapping[str, Any]) -> str:
    """Where the App's owner changes it."""
    organization = f"/organizations/{owner.get('login')}" if owner.get("type") == "Organization" else ""
    return f"{settings.github_server_url.rstrip('/')}{organization}/settings/apps/{slug}"


def permission_checks(granted: Mapping[str, str], page: str) -> list[Check]:
    """What the App may do against what it needs: less is a problem, more to write is a warning."""
    missing = [f"{name}: {level}" for name, level in PERMISSIONS.items() if not _covers(granted.get(name, ""), level)]
    more = [
        f"{name}: {level}"
        for name, level in granted.items()
        if level != "read" and not _covers(PERMISSIONS.get(name, ""), level)
    ]
    name, where = "GitHub App permissions", f"at {page}/permissions"
    checks = []
    if missing:
        remedy = f"Set them {where}; each installation's owner then has to accept them."
        checks.append(Check(name, "problem", f"missing: {', '.join(missing)}", remedy))
    if more:
        remedy = f"Take them away {where}: what the App cannot do, nobody can make it do."
        checks.append(Check(name, "warning", f"more than needed: {', '.join(more)}", remedy))
    return checks or [Check(name, "ok", ", ".join(f"{each}: {level}" for each, level in PERMISSIONS.items()))]


def _covers(held: str, level: str) -> bool:
    return held in _LEVELS and level in _LEVELS and _LEVELS.index(held) >= _LEVELS.index(level)


def event_check(told: Any, page: str) -> Check:
    """What the App is told of against what it listens to."""
    missing = [event for event in EVENTS if event not in (told or ())]
    if missing:
        remedy = f"Subscribe to them at {page}/permissions."
        return Check("GitHub App events", "problem", f"missing: {', '.join(missing)}", remedy)
    return Check("GitHub App events", "ok", ", ".join(EVENTS))


# Installations


async def _installations(app: AppAuth, api_url: str, install_url: str) -> AsyncIterator[Check]:
    """How many there are, and each that cannot be worked in."""
    found: list[Installation] = []
    for page in range(1, _MOST_PAGES + 1):
        rows = await app.client.get("/app/installations", per_page=_PAGE, page=page)
        found += [read_installation(row) for row in rows]
        if len(rows) < _PAGE:
            break
    if not found:
        yield Check("GitHub installations", "warning", "the App is installed nowhere", f"Install it: {install_url}")
        return
    able = [each for each in found if not each.suspended]
    for each in found:
        if each.suspended:
            said = f"the installation on {each.account} is suspended"
            yield Check("GitHub installations", "warning", said, f"Its owner lifts that at {each.settings_url}.")
        elif lacking := each.lacks(PERMISSIONS):
            said = f"{each.account} did not grant {', '.join(f'{name}: {level}' for name, level in lacking.items())}"
            remedy = f"Its owner accepts the App's new permissions at {each.settings_url}."
            yield Check("GitHub installations", "warning", said, remedy)
    repositories = sum([await _repositories(app, api_url, each.id) for each in able[:_MOST_COUNTED]])
    counted = f"{repositories} {'repository' if repositories == 1 else 'repositories'}"
    if len(able) > _MOST_COUNTED:
        counted = f"at least {counted} in the first {_MOST_COUNTED}"
    more = " or more" if len(found) == _PAGE * _MOST_PAGES else ""
    yield Check("GitHub installations", "ok", f"{len(found)}{more}, {len(found) - len(able)} suspended; {counted}")


async def _repositories(app: AppAuth, api_url: str, installation: int) -> int:
    """How many repositories an installation covers; asked with a token that may see their names, and ends with it."""
    from reviewbot.github.app_auth import InstallationToken
    from reviewbot.github.client import GitHubClient

    path = f"/app/installations/{installation}/access_tokens"
    answer = await app.client.write("POST", path, {"permissions": {"metadata": "read"}}, repeatable=True)
    token = InstallationToken(str(answer["token"]), 0.0)
    client = GitHubClient(token.token, api_url=api_url, timeout=int(_SECONDS))
    try:
        return int((await client.get("/installation/repositories", per_page=1))["total_count"])
    finally:
        await client.aclose()
        await app.revoke(token)


# This machine


def data_folder(settings: Settings) -> Check:
    """Whether others may look into the folder of databases and credentials, or change what is in it."""
    path, name = settings.data_dir, "data folder"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return Check(name, "ok", f"{path} is not there yet")
    except OSError as error:
        return Check(name, "problem", f"{path} cannot be looked at: {error.strerror}", "Check REVIEWBOT_DATA_DIR.")
    if mode & 0o022:
        return Check(name, "problem", f"{path} can be written to by others (mode {mode:04o})", f"chmod 700 {path}")
    if mode & 0o055:
        return Check(name, "warning", f"{path} can be read by others (mode {mode:04o})", f"chmod 700 {path}")
    return Check(name, "ok", str(path))


async def clock_checks(api_url: str, clock: Callable[[], float]) -> list[Check]:
    """How far this machine's clock is from GitHub's; nothing when GitHub does not say what time it is."""
    secure = api_url.startswith("https://")
    try:
        async with httpx.AsyncClient(timeout=_SECONDS, trust_env=secure, follow_redirects=False) as client:
            began = clock()
            answer = await client.get(f"{api_url}/rate_limit")
            now = (began + clock()) / 2
        theirs = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (httpx.HTTPError, TypeError, ValueError):
        return []
    away = round(now - theirs)
    if abs(away) <= _CLOCK_SECONDS:
        return [Check("clock", "ok", f"within {_CLOCK_SECONDS} seconds of GitHub's")]
    said = f"this machine is {abs(away):,} seconds {'ahead of' if away > 0 else 'behind'} GitHub"
    return [Check("clock", "warning", said, "Let the clock follow a time server (NTP): GitHub refuses wrong times.")]
