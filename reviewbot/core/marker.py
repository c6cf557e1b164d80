"""Pure: the hidden HTML comments by which reviewbot finds its own words on GitHub again.

They are added to a body after it was sanitised. The sanitiser lets no ``<`` through in prose and breaks ``<!--
reviewbot`` in code, so a line that is exactly a marker was written by us - in a comment of our own account. Anybody can
write one in a comment of theirs: whoever calls the readers must have checked the author first.
"""

from __future__ import annotations

import re

_NAME = r"[A-Za-z0-9_-]{1,64}"
_FINDING = re.compile(rf"^<!-- reviewbot:finding:({_NAME}) -->[ \t\r]*$", re.MULTILINE)
_DIGEST = re.compile(rf"^<!-- reviewbot:code:({_NAME}):([a-z0-9.]{{1,600}}) -->[ \t\r]*$", re.MULTILINE)
_REVIEW = re.compile(rf"^<!-- reviewbot:review:({_NAME}) -->[ \t\r]*$", re.MULTILINE)
_SUMMARY = re.compile(r"^<!-- reviewbot:summary -->[ \t\r]*$", re.MULTILINE)
_STATUS = re.compile(r"^<!-- reviewbot:status -->[ \t\r]*$", re.MULTILINE)
_WITHDRAWN = re.compile(r"^<!-- reviewbot:withdrawn -->[ \t\r]*$", re.MULTILINE)
_ANSWER = re.compile(rf"^<!-- reviewbot:answer:({_NAME}) -->[ \t\r]*$", re.MULTILINE)


def finding_marker(fingerprint: str) -> str:
    """Names the finding of a comment. Raises ValueError if the fingerprint is not letters, digits, ``_`` and ``-``."""
    return f"<!-- reviewbot:finding:{_checked(fingerprint)} -->"


def digest_marker(fingerprint: str, digest: str) -> str:
    """What is kept of a finding's code, beside its `finding_marker`; empty when there is none.

    ``digest`` is made and read by ``core/findings/identity.py``. Raises ValueError if it could end the comment.
    """
    if digest and not re.fullmatch(r"[a-z0-9.]{1,600}", digest):
        raise ValueError(f"{digest!r} cannot stand in a marker")
    return f"<!-- reviewbot:code:{_checked(fingerprint)}:{digest} -->" if digest else ""


def review_marker(key: str) -> str:
    """Names the run that wrote a review. Raises ValueError as `finding_marker` does."""
    return f"<!-- reviewbot:review:{_checked(key)} -->"


def summary_marker() -> str:
    """Marks the one summary comment that is edited in place."""
    return "<!-- reviewbot:summary -->"


def status_marker() -> str:
    """Marks the one comment in which commands are answered that were given in no thread."""
    return "<!-- reviewbot:status -->"


def answer_marker(key: str) -> str:
    """Names what was answered: the id of a comment, say. Raises ValueError as `finding_marker` does."""
    return f"<!-- reviewbot:answer:{_checked(key)} -->"


def withdrawn_marker() -> str:
    """Marks an answer of ours that takes the finding of its thread back."""
    return "<!-- reviewbot:withdrawn -->"


def read_findings(body: str) -> tuple[str, ...]:
    """The fingerprints marked in a body of ours, in order, each once."""
    return tuple(dict.fromkeys(_FINDING.findall(body)))


def read_digests(body: str) -> tuple[tuple[str, str], ...]:
    """Fingerprint and digest of each finding in a body of ours that has one."""
    return tuple(dict(_DIGEST.findall(body)).items())


def read_entries(body: str) -> tuple[tuple[str, str], ...]:
    """Fingerprint and text of each finding in a body of ours that holds several: what stands before its marker."""
    entries, start = [], 0
    for found in _FINDING.finditer(body):
        entries.append((found[1], body[start : found.start()].strip()))
        start = found.end()
    return tuple(entries)


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


def is_status(body: str) -> bool:
    """Whether a body of ours is the sticky status."""
    return _STATUS.search(body) is not None


def has_answer(body: str, key: str) -> bool:
    """Whether a body of ours answers ``key``."""
    return key in _ANSWER.findall(body)


def is_withdrawn(body: str) -> bool:
    """Whether a body of ours takes the finding of its thread back."""
    return _WITHDRAWN.search(body) is not None


def read_answers(body: str) -> tuple[str, ...]:
    """The keys of what a body of ours answers, in order, each once."""
    return tuple(dict.fromkeys(_ANSWER.findall(body)))


def answers_of(body: str) -> tuple[tuple[str, str], ...]:
    """Key and text of each answer in a body of ours: what stands between its marker and the next one."""
    parts = _ANSWER.split(_STATUS.sub("", body))
    return tuple((key, text.strip()) for key, text in zip(parts[1::2], parts[2::2], strict=True))


def _checked(name: str) -> str:
    if not re.fullmatch(_NAME, name):
        raise ValueError(f"{name!r} cannot stand in a marker")
    return name
