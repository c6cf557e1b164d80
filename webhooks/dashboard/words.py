"""Pure: times, text and addresses from outside as the page shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from reviewbot.core.report.sanitizer import sanitize_plain

_MOST_CHARACTERS = 1_000


def clean(text: str) -> str:
    """One line: hidden characters as escapes, secrets masked, cut where it is long. Jinja escapes the rest."""
    return sanitize_plain(" ".join(text[: _MOST_CHARACTERS * 4].split()), limit=_MOST_CHARACTERS)


def web_link(url: str) -> str:
    """``url`` when it is plainly the address of a web page, else nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    plain = url.isascii() and url.isprintable() and not set(" \"'<>\\`") & set(url)
    return url if plain and parts.scheme in ("http", "https") and parts.netloc and "@" not in parts.netloc else ""


def utc(moment: datetime) -> datetime:
    """``moment`` in UTC; one without a zone is in UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def lasted(seconds: float) -> str:
    """``41 s``, ``3 min 12 s``, ``2 h 5 min``, ``3 days 4 h``."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return _pair(whole // 60, "min", whole % 60, "s")
    if whole < 86_400:
        return _pair(whole // 3_600, "h", whole % 3_600 // 60, "min")
    days = whole // 86_400
    return _pair(days, "day" if days == 1 else "days", whole % 86_400 // 3_600, "h")


def _pair(large: int, large_name: str, small: int, small_name: str) -> str:
    return f"{large} {large_name}" + (f" {small} {small_name}" if small else "")


def ago(moment: datetime, now: datetime) -> str:
    """``just now``, ``41 s ago``, ``3 min ago``, ``in 2 h``: the largest unit only."""
    seconds = (utc(now) - utc(moment)).total_seconds()
    if abs(seconds) < 5:
        return "just now"
    words = lasted(abs(seconds)).split()
    return f"{words[0]} {words[1]} ago" if seconds > 0 else f"in {words[0]} {words[1]}"


def time_of(moment: datetime, now: datetime) -> dict[str, str]:
    """What a ``<time>`` needs: for machines, in full, and as people say it."""
    at = utc(moment)
    full = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return {"iso": f"{at:%Y-%m-%dT%H:%M:%SZ}", "full": full, "clock": f"{at:%H:%M:%S} UTC", "text": ago(at, now)}
