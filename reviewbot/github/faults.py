"""Pure: an HTTP answer of GitHub -> the error it means, and how long a rate limit asks to wait.

Decisions are taken on status, headers and GitHub's own ``message``; a word in a diff or a title can never reach them.
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#handle-rate-limit-errors-appropriately
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reviewbot.errors import (
    GitHubDiffTooLarge,
    GitHubError,
    GitHubForbidden,
    GitHubNotFound,
    GitHubRateLimited,
    GitHubRejected,
    GitHubUnauthorized,
    GitHubUnreachable,
    InstallationSuspended,
)

_LIMIT_WORDS = ("secondary rate limit", "api rate limit exceeded", "abuse detection", "submitted too quickly")
_TOKEN_REMEDY = "Set GITHUB_TOKEN to a token that is valid for this host."  # noqa: S105  # a sentence, not a secret
_ACCESS_REMEDY = "Check the address, and that the token may read this repository."
_SUSPENDED_REMEDY = (
    "Its owner lifts the suspension under Settings, Applications (GitHub Apps in an organisation); "
    "what the App's own owner suspended, only that owner can lift."
)


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer; header names are in lower case, ``text`` holds bytes that are not UTF-8 as surrogates."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """The body as JSON; None for an empty one. Raises GitHubUnreachable for anything else: it was cut or replaced
        on its way."""
        if not self.text:
            return None
        try:
            return json.loads(self.text)
        except ValueError as error:
            raise GitHubUnreachable("GitHub's answer is not JSON.", status=self.status) from error


def fault_of(reply: Reply, what: str, *, now: float, nth: int = 0) -> GitHubError | None:
    """The error that an answer means, or None for a 2xx. ``what`` is ``GET /path``; ``nth`` counts the limits that
    this request met before; ``now`` is the time in seconds since 1970."""
    if 200 <= reply.status < 300:
        return None
    message, details = _words(reply)
    said = f"GitHub answered {reply.status} to {what}" + (f": {message}" if message else ".")
    if _limited(reply, " ".join((message, *details)).lower()):
        return GitHubRateLimited(
            said,
            remedy="Wait, then start the same command again: nothing is written twice.",
            status=reply.status,
            retry_after=limit_wait(reply.headers, now=now, nth=nth),
        )
    if reply.status == 403 and _suspended(message.lower()):
        return InstallationSuspended(said, remedy=_SUSPENDED_REMEDY, status=403)
    if reply.status == 403:
        return GitHubForbidden(said, remedy=_permission_remedy(reply.headers, message), status=403)
    if reply.status in (400, 409, 422):
        remedy = "GitHub found the request itself wrong; if its words do not help, report them as a bug of reviewbot."
        return GitHubRejected(_with(said, details), remedy=remedy, status=reply.status, details=details)
    return _by_status(reply.status, said)


def _by_status(status: int, said: str) -> GitHubError:
    if status >= 500:
        return GitHubUnreachable(said, remedy="Try again later; https://www.githubstatus.com may know.", status=status)
    if status == 401:
        return GitHubUnauthorized(said, remedy=_TOKEN_REMEDY, status=status)
    if status in (404, 410, 451):
        return GitHubNotFound(said, remedy=_ACCESS_REMEDY, status=status)
    if status == 406:
        return GitHubDiffTooLarge(said, remedy="The diff has to come from git.", status=status)
    return GitHubError(said, remedy=_ACCESS_REMEDY, status=status)


def limit_wait(headers: Mapping[str, str], *, now: float, nth: int) -> float:
    """Seconds to wait: ``retry-after``; else until the reset of a spent primary limit; else 60 s, doubled each time.

    A reset in the past means that the two clocks differ, not that there is nothing to wait for.
    """
    retry_after = _number(headers.get("retry-after"))
    if retry_after is not None and retry_after > 0:
        return retry_after
    reset = _number(headers.get("x-ratelimit-reset"))
    if headers.get("x-ratelimit-remaining") == "0" and reset is not None and reset > now:
        return reset - now + 1
    return 60.0 * 2.0**nth


def graphql_fault(
    errors: Sequence[Mapping[str, Any]], headers: Mapping[str, str], *, now: float, nth: int = 0
) -> GitHubError:
    """The error that a GraphQL ``errors`` list means; the gravest kind of the list decides."""
    kinds = {str(error.get("type", "")) for error in errors}
    words = tuple(str(error.get("message", "")) for error in errors)
    said = "GitHub's GraphQL answered: " + (words[0] if words else "an error without words")
    lower = " ".join(words).lower()
    if "RATE_LIMITED" in kinds or any(word in lower for word in _LIMIT_WORDS):
        return GitHubRateLimited(said, status=200, retry_after=limit_wait(headers, now=now, nth=nth))
    if kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        return GitHubForbidden(said, remedy=_permission_remedy(headers, said), status=200)
    if "NOT_FOUND" in kinds:
        return GitHubNotFound(said, remedy=_ACCESS_REMEDY, status=200)
    if "something went wrong" in lower or "timeout" in lower or "SERVICE_UNAVAILABLE" in kinds:
        return GitHubUnreachable(said, status=200)
    return GitHubRejected(said, status=200, details=words)


def _limited(reply: Reply, words: str) -> bool:
    if reply.status == 429:
        return True
    if reply.status == 403:
        spent = reply.headers.get("x-ratelimit-remaining") == "0"
        return spent or "retry-after" in reply.headers or any(word in words for word in _LIMIT_WORDS)
    return reply.status == 422 and "submitted too quickly" in words


def _suspended(words: str) -> bool:
    """GitHub's words are "This installation has been suspended"; a suspended person is another matter."""
    return "installation" in words and "suspended" in words


def _permission_remedy(headers: Mapping[str, str], message: str) -> str:
    words = message.lower()
    if "archived" in words:
        return "The repository is archived and cannot be written to; use --dry-run."
    if "locked" in words:
        return "The conversation is locked; unlock it, or use --dry-run."
    if "x-github-sso" in headers:
        return f"Authorise the token for the organisation's single sign-on: {headers['x-github-sso']}"
    needed = headers.get("x-accepted-github-permissions")
    return (
        f"The token needs the permission {needed}." if needed else "The token may not do this; check its permissions."
    )


def _words(reply: Reply) -> tuple[str, tuple[str, ...]]:
    """``message`` and the entries of ``errors`` as text; both empty when the body is not GitHub's JSON."""
    try:
        data = json.loads(reply.text)
    except ValueError:
        return "", ()
    if not isinstance(data, dict):
        return "", ()
    errors = data.get("errors")
    entries = errors if isinstance(errors, list) else [errors] if errors else []
    return str(data.get("message") or ""), tuple(_entry(entry) for entry in entries)


def _entry(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    place = ".".join(str(entry[key]) for key in ("resource", "field") if entry.get(key))
    return " ".join(part for part in (place, str(entry.get("message") or entry.get("code") or "")) if part)


def _with(said: str, details: Sequence[str]) -> str:
    return f"{said} ({'; '.join(details)})" if details else said


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
