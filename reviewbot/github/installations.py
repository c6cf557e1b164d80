"""Pure: an installation of the App, what is asked of it, and the errors that only somebody on GitHub can mend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reviewbot.errors import GitHubError, GitHubNotFound, GitHubUnauthorized, NotInstalled, PermissionMissing

#: What reading a pull request takes. Issues are for those that it closes, which are background for the model.
READER: Mapping[str, str] = {"metadata": "read", "contents": "read", "pull_requests": "read", "issues": "read"}
#: What posting takes: the conversation is read again before it is written to, rule files at the base included.
POSTER: Mapping[str, str] = {
    "metadata": "read",
    "contents": "read",
    "pull_requests": "write",
    "issues": "write",
    "checks": "write",
}
_LEVELS = ("", "read", "write", "admin")


@dataclass(frozen=True, slots=True)
class Installation:
    """The App on one account. ``settings_url`` is where its owner changes or unsuspends it; ``permissions`` are those
    granted, which may be fewer than the App asks for."""

    id: int
    account: str
    permissions: Mapping[str, str]
    events: tuple[str, ...]
    suspended: bool
    settings_url: str

    def lacks(self, permissions: Mapping[str, str]) -> dict[str, str]:
        """Those of ``permissions`` that were not granted, or at a lower level only."""
        return {name: level for name, level in permissions.items() if not self._grants(name, level)}

    def _grants(self, name: str, level: str) -> bool:
        held = self.permissions.get(name, "")
        return held in _LEVELS and level in _LEVELS and _LEVELS.index(held) >= _LEVELS.index(level)


def read_installation(row: Mapping[str, Any]) -> Installation:
    """GitHub's ``installation`` object as a value."""
    return Installation(
        id=int(row["id"]),
        account=str((row["account"] or {}).get("login") or ""),
        permissions={str(name): str(level) for name, level in (row.get("permissions") or {}).items()},
        events=tuple(row.get("events") or ()),
        suspended=row.get("suspended_at") is not None,
        settings_url=str(row.get("html_url") or ""),
    )


def permission_missing(found: Installation, wanted: Mapping[str, str]) -> PermissionMissing:
    """Why a narrowed token was refused: new permissions of an App wait until each installation's owner accepts them."""
    lacking = ", ".join(f"{name}: {level}" for name, level in found.lacks(wanted).items())
    return PermissionMissing(
        f"The App's installation on {found.account} was not granted {lacking or 'what it asks for'}.",
        remedy=f"Its owner accepts the App's new permissions at {found.settings_url}.",
        status=422,
    )


def not_installed(what: str, status: int) -> NotInstalled:
    """The App is not there, or no longer, or may not see this repository."""
    remedy = "Its owner installs the App, or adds the repository to what the App may see."
    return NotInstalled(f"The App is not installed on {what}.", remedy=remedy, status=status)


def not_there(error: GitHubNotFound, what: str) -> GitHubError:
    """What a 404 to the App itself means: no installation, or no such App."""
    if "integration not found" in error.message.lower():
        remedy = "Check REVIEWBOT_APP_ID, GITHUB_SERVER_URL, and that the App still exists."
        return GitHubUnauthorized("GitHub knows no App with this id.", remedy=remedy, status=error.status)
    return not_installed(what, error.status)
