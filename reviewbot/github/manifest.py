"""Pure: the App's manifest, the place to send it to, and the credentials that GitHub gives in return.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from reviewbot.errors import ConfigError, GitHubError

#: All that the App asks for. It cannot push, merge or administer anything.
PERMISSIONS: Mapping[str, str] = {
    "metadata": "read",
    "contents": "read",
    "pull_requests": "write",
    "issues": "write",
    "checks": "write",
}
#: The events it subscribes to, each with the permission without which GitHub refuses the manifest. ``installation``
#: and ``installation_repositories`` come to every App unasked, and GitHub refuses a manifest that names them.
EVENTS: Mapping[str, str] = {
    "pull_request": "pull_requests",
    "pull_request_review": "pull_requests",
    "pull_request_review_comment": "pull_requests",
    "issue_comment": "issues",
    "check_run": "checks",
    "check_suite": "checks",
}
WEBHOOK_PATH = "/webhooks/github"
CALLBACK_PATH = "/setup/callback"
DESCRIPTION = "Reviews pull requests, and says what it did not read."

_NAME_LENGTH = 34  # docs.github.com, "Registering a GitHub App"
_ORGANIZATION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
_CODE = re.compile(r"[A-Za-z0-9]{1,100}")
_LOCAL_NAMES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
_BEGINS = "-----BEGIN"


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """What the App needs to run. ``install_url`` is where people choose its repositories. GitHub's client secret is
    left out on purpose: nobody signs in through the App."""

    app_id: str
    client_id: str
    slug: str
    owner: str
    html_url: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)

    @property
    def install_url(self) -> str:
        return f"{self.html_url}/installations/new"


def app_manifest(
    base_url: str, name: str, *, public: bool = False, github_url: str = "https://github.com"
) -> dict[str, Any]:
    """The manifest of an App whose server is reached at ``base_url``: least permissions, right events. A private App
    (not ``public``) can only be installed on the account that owns it.

    Raises ConfigError for a name over 34 characters, and for an address that is none, that would send secrets over
    plain http, or that github.com cannot reach.
    """
    if not name.strip() or len(name) > _NAME_LENGTH or not name.isprintable():
        raise ConfigError(f"{name!r} cannot be an App's name.", remedy=f"Give 1 to {_NAME_LENGTH} characters.")
    base = base_url.rstrip("/")
    _check_base(base, github_url)
    return {
        "name": name.strip(),
        "description": DESCRIPTION,
        "url": base,
        "hook_attributes": {"url": f"{base}{WEBHOOK_PATH}", "active": True},
        "redirect_url": f"{base}{CALLBACK_PATH}",
        "public": public,
        "default_permissions": dict(PERMISSIONS),
        "default_events": list(EVENTS),
        "request_oauth_on_install": False,
    }


def registration_url(state: str, *, github_url: str = "https://github.com", organization: str = "") -> str:
    """Where a form with the field ``manifest`` (the manifest as JSON) is sent by POST: the settings of the person who
    is signed in, or of an organisation. Raises ConfigError for a name that no organisation has."""
    if organization and not _ORGANIZATION.fullmatch(organization):
        raise ConfigError(f"{organization!r} is not an organisation.", remedy="Give its name as in its address.")
    owner = f"/organizations/{organization}" if organization else ""
    return f"{github_url.rstrip('/')}{owner}/settings/apps/new?state={quote(state, safe='')}"


def state_matches(expected: str, given: str) -> bool:
    """Whether GitHub sent back the ``state`` of this registration. Takes the same time for every wrong one; nothing
    matches when none is expected."""
    ours, theirs = (text.encode("utf-8", "surrogatepass") for text in (expected, given))
    return bool(ours) and hmac.compare_digest(ours, theirs)


def conversion_path(code: str) -> str | None:
    """The API path that exchanges a code for credentials; None for a text that is no code and must not get into one.

    The request has no body: GitHub refuses ``[]`` and ``{"code": …}`` there.
    """
    return f"/app-manifests/{code}/conversions" if _CODE.fullmatch(code) else None


def conversion(payload: Any) -> AppCredentials:
    """The answer of ``POST /app-manifests/{code}/conversions``. Raises GitHubError when something is not in it."""
    answer = payload if isinstance(payload, dict) else {}
    owner = answer.get("owner")
    texts = {name: answer.get(name) for name in ("slug", "html_url", "pem", "webhook_secret", "client_id")}
    number = answer.get("id")
    texts["id"] = str(number) if isinstance(number, int) and number > 1 else None
    texts["owner"] = owner.get("login") if isinstance(owner, dict) else None
    wrong = [name for name, text in texts.items() if not isinstance(text, str) or not text]
    if not wrong and not str(texts["pem"]).startswith(_BEGINS):
        wrong = ["pem"]
    if wrong:
        raise GitHubError(
            f"GitHub's answer to the manifest has no {', '.join(wrong)}.",
            remedy="Delete the App on GitHub and start again at /setup.",
        )
    known = {name: str(text) for name, text in texts.items()}
    return AppCredentials(
        app_id=known["id"],
        client_id=known["client_id"],
        slug=known["slug"],
        owner=known["owner"],
        html_url=known["html_url"],
        private_key=known["pem"],
        webhook_secret=known["webhook_secret"],
    )


def _check_base(base: str, github_url: str) -> None:
    parts = _split(base)
    host = parts.hostname or ""
    odd = parts.username or parts.password or parts.query or parts.fragment or not base.isprintable() or " " in base
    if parts.scheme not in ("http", "https") or not host or odd:
        raise ConfigError(f"{base!r} is not the address of a server.", remedy="Give https://HOST, with a path if any.")
    local = _is_local(host)
    if parts.scheme == "http" and not local:
        raise ConfigError(f"{base} uses plain http.", remedy="Use https: the App's secrets come that way.")
    home = _split(github_url).hostname or ""
    if local and (home == "github.com" or home.endswith(".ghe.com")):
        raise ConfigError(
            f"{home} cannot reach {host}, and refuses an App whose webhook goes there.",
            remedy="Give the public address of this server, or of a tunnel to it.",
        )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # a wrong port is found when it is asked for
    except ValueError:
        return urlsplit("")
    return parts


def _is_local(host: str) -> bool:
    """Whether an address is only known near by. A name is judged by its ending, nothing is looked up."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_LOCAL_NAMES)
