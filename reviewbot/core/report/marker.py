"""Pure: the hidden HTML comments by which reviewbot finds its own words on GitHub again.

They are added to a body after it was sanitised. The sanitiser lets no ``<`` through in prose and breaks ``<!--
reviewbot`` in code, so a line that is exactly a marker was written by us - in a comment of our own account. Anybody can
write one in a comment of theirs: whoever calls the readers must have checked the author first.
"""

from __future__ import annotations

import re

_NAME = r"[A-Za-z0-9_-]{1,64}"
_FINDING = re.compile(rf"^<!-- reviewbot:finding:({_NAME}) -->[ \t\r]*$", re.MULTILINE)
_REVIEW = re.compile(rf"^<!-- reviewbot:review:({_NAME}) -->[ \t\r]*$", re.MULTILINE)
_SUMMARY = re.compile(r"^<!-- reviewbot:summary -->[ \t\r]*$", re.MULTILINE)


def finding_marker(fingerprint: str) -> str:
    """Names the finding of a comment. Raises ValueError if the fingerprint is not letters, digits, ``_`` and ``-``."""
    return f"<!-- reviewbot:finding:{_checked(fingerprint)} -->"


def review_marker(key: str) -> str:
    """Names the run that wrote a review. Raises ValueError as `finding_marker` does."""
    return f"<!-- reviewbot:review:{_checked(key)} -->"


def summary_marker() -> str:
    """Marks the one summary comment that is edited in place."""
    return "<!-- reviewbot:summary -->"


def read_findings(body: str) -> tuple[str, ...]:
    """The fingerprints marked in a body of ours, in order, each once."""
    return tuple(dict.fromkeys(_FINDING.findall(body)))


def read_review(body: str) -> str:
    """The key of the run that wrote a body of ours, or an empty string."""
    found = _REVIEW.search(body)
    return found[1] if found else ""


def has_review(body: str, key: str) -> bool:
    """Whether a body of ours was written by the run ``key``."""
    return key in _REVIEW.findall(body)


def is_summary(body: str) -> bool:
    """Whether a body of ours is the sticky summary."""
    return _SUMMARY.search(body) is not None


def _checked(name: str) -> str:
    if not re.fullmatch(_NAME, name):
        raise ValueError(f"{name!r} cannot stand in a marker")
    return name
