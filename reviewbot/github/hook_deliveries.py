"""The App's webhook deliveries that nobody took: found in GitHub's log of them, and asked for again.

GitHub sends a delivery once and gives up after ten seconds; who wants it again has to ask.
https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
https://docs.github.com/en/rest/apps/webhooks
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reviewbot.errors import GitHubNotFound, GitHubRejected
from reviewbot.github.client import GitHubClient

#: docs.github.com, "Redelivering webhooks": "You can redeliver webhook deliveries that occurred in the past 3 days."
KEPT = timedelta(days=3)
#: How long after the attempt before it each redelivery is due; after the last of them the event is given up.
PAUSES = (timedelta(0), timedelta(minutes=10), timedelta(hours=1))
#: The same bytes get the same answer: no payload that is read, too large, not JSON.
_HOPELESS = frozenset({400, 413, 415})
_PATH = "/app/hook/deliveries"
_PER_PAGE = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HookDelivery:
    """One attempt. All attempts at the same event share its ``guid``; ``status_code`` is 0 when nobody answered."""

    id: int
    guid: str
    delivered_at: datetime
    event: str
    action: str
    status_code: int
    redelivery: bool

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status_code < 300


@dataclass(frozen=True, slots=True)
class Swept:
    """A sweep in numbers: the attempts that were seen, the wanted events that failed every time (those given up
    included), and those of them that GitHub sends again."""

    seen: int
    failed: int
    redelivered: int


def read_delivery(row: Mapping[str, Any]) -> HookDelivery:
    """GitHub's ``hook-delivery-item`` as a value."""
    return HookDelivery(
        id=int(row["id"]),
        guid=str(row["guid"]),
        delivered_at=datetime.fromisoformat(row["delivered_at"]),
        event=str(row["event"]),
        action=str(row.get("action") or ""),
        status_code=int(row["status_code"]),
        redelivery=bool(row["redelivery"]),
    )


def failed_events(deliveries: Iterable[HookDelivery], events: Collection[str]) -> list[list[HookDelivery]]:
    """The attempts at each event of these kinds that never succeeded, the oldest first."""
    attempts: dict[str, list[HookDelivery]] = {}
    for delivery in sorted(deliveries, key=_age):
        if delivery.event in events:
            attempts.setdefault(delivery.guid, []).append(delivery)
    return [tried for tried in attempts.values() if not any(each.succeeded for each in tried)]


def to_redeliver(
    deliveries: Iterable[HookDelivery],
    now: datetime,
    *,
    since: datetime,
    at_most: int,
    events: Collection[str],
) -> list[HookDelivery]:
    """The newest attempt at each event that is worth another one: the oldest first, ``at_most`` of them. Pure.

    An event is left out when

    - its kind is not among ``events``, or an attempt at it was answered with 200 to 299;
    - its newest attempt is older than ``since``, or than the three days for which GitHub can repeat it;
    - it was redelivered three times already, or the pause after the newest attempt is not over: none before the first
      redelivery, ten minutes before the second, an hour before the third, so that an outage does not use them up;
    - its newest attempt was answered with 400, 413 or 415, which say that these bytes will never be taken. Any other
      answer may change without the bytes: 401 once the secret is right, 403 and 404 once the proxy is, 408, 429 and
      5xx with time.
    """
    oldest = max(since, now - KEPT)
    due = [
        tried[-1]
        for tried in failed_events(deliveries, events)
        if tried[-1].delivered_at >= oldest and tried[-1].status_code not in _HOPELESS and _is_due(tried, now)
    ]
    return sorted(due, key=_age)[: max(0, at_most)]


def _age(delivery: HookDelivery) -> tuple[datetime, int]:
    return delivery.delivered_at, delivery.id


def _is_due(tried: list[HookDelivery], now: datetime) -> bool:
    repeated = sum(each.redelivery for each in tried)
    return repeated < len(PAUSES) and now - tried[-1].delivered_at >= PAUSES[repeated]


async def list_deliveries(client: GitHubClient, since: datetime, *, most_pages: int = 30) -> list[HookDelivery]:
    """The attempts since then, the newest first. ``client`` speaks as the App (`AppAuth.client`).

    A warning is logged when there are more than ``most_pages`` of a hundred: those before them are not in the list.
    GitHub's own filter for failures is not used, because it leaves out what nobody answered.
    """
    found: list[HookDelivery] = []
    parameters: dict[str, Any] = {"per_page": _PER_PAGE}
    for _ in range(most_pages):
        rows, following = await client.get_page(_PATH, **parameters)
        page = [read_delivery(row) for row in rows]
        found += [delivery for delivery in page if delivery.delivered_at >= since]
        if not following.get("cursor") or any(delivery.delivered_at < since for delivery in page):
            return found
        parameters["cursor"] = following["cursor"]
    _log.warning("GitHub lists more than %d webhook deliveries; the older ones were not looked at.", len(found))
    return found


async def redeliver(client: GitHubClient, delivery: HookDelivery) -> bool:
    """Ask GitHub to send it again; whether it will. False, not an error, when the delivery is gone or too old (GitHub
    answers 404, 400 or 422). Any other GitHubError is raised. Asking twice does no harm: the guid is the same."""
    try:
        await client.write("POST", f"{_PATH}/{delivery.id}/attempts", None, repeatable=True)
    except (GitHubNotFound, GitHubRejected) as error:
        _log.info("delivery %s is not sent again: GitHub answers %s", delivery.guid, error.status)
        return False
    return True


async def sweep(
    client: GitHubClient,
    now: datetime,
    *,
    events: Collection[str],
    since: datetime | None = None,
    at_most: int = 50,
    most_pages: int = 30,
) -> Swept:
    """Look through the log since then, three days back if nothing is said, and ask for what `to_redeliver` names.

    Raises GitHubError; what was asked for before that stays asked for.
    """
    start = max(since, now - KEPT) if since else now - KEPT
    seen = await list_deliveries(client, start, most_pages=most_pages)
    chosen = to_redeliver(seen, now, since=start, at_most=at_most, events=events)
    taken = [await redeliver(client, delivery) for delivery in chosen]
    return Swept(len(seen), len(failed_events(seen, events)), sum(taken))
