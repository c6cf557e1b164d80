"""Pure: how the comment of a finding begins, read back from a body of ours; `report/rendering.py` writes it."""

from __future__ import annotations

import re
from typing import NamedTuple

from reviewbot.core.findings.finding import Severity

_HEAD = re.compile(r"^\S+ \*\*(Critical|Major|Minor|Nit): (.*)\*\*[ \t\r]*$", re.MULTILINE)


class Head(NamedTuple):
    """``title`` as it stands in Markdown, escapes and all; ``end`` is where the rest of the body begins."""

    severity: Severity
    title: str
    end: int


def read_head(body: str) -> Head | None:
    """None when the body is not the comment of a finding, or is not any more."""
    found = _HEAD.search(body)
    return Head(Severity(found[1].lower()), found[2], found.end()) if found else None
