"""The stand-in model's word on whether points of earlier reviews are met: by its rules, the same for the same code.

A point is met when the rule with its title matched the code before and matches the code after no more. What no rule of
its own said, or was not shown before, it does not call met: it understands nothing.
"""

from __future__ import annotations

import html
import re
from typing import Any

from reviewbot.sandbox.responses.python_rules import python_remarks
from reviewbot.sandbox.responses.rules import line_remarks
from reviewbot.sandbox.responses.shown import ShownFile, ShownHunk

_BLOCK = re.compile(
    r'^<(?P<tag>point|before|after) id="(?P<id>[0-9]{1,9})" data="(?P<nonce>[0-9a-f]+)">\n'
    r'(?P<text>.*?)\n</(?P=tag) data="(?P=nonce)">$',
    re.MULTILINE | re.DOTALL,
)
_TITLE = re.compile(r"^\S+ \*\*(?:Critical|Major|Minor|Nit): (.*)\*\*[ \t\r]*$", re.MULTILINE)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_HEADER = "=== "


def is_closing(schema: dict[str, Any] | None) -> bool:
    """Whether the form that is asked for is that of points that may be met."""
    return schema is not None and "points" in schema.get("properties", {})


def judge(prompt: str) -> dict[str, Any]:
    """The answer about all points of a prompt, as the value of its JSON. Raises ModelFailed when ruff cannot be run."""
    points: dict[int, dict[str, str]] = {}
    first = _BLOCK.search(prompt)
    for found in _BLOCK.finditer(prompt):
        if first and found["nonce"] == first["nonce"]:
            points.setdefault(int(found["id"]), {}).setdefault(found["tag"], found["text"])
    return {"points": [_judged(number, parts) for number, parts in points.items()]}


def _judged(number: int, parts: dict[str, str]) -> dict[str, Any]:
    title = title_of(parts.get("point", ""))
    before, after = (_titles(parts.get(tag, "")) for tag in ("before", "after"))
    met = title in before and title not in after
    if met:
        why = f"the rule for {title!r} no longer matches this code"
    elif title in after:
        why = f"the rule for {title!r} still matches this code"
    else:
        why = "no rule of this stand-in can tell"
    return {"id": number, "met": met, "why": why}


def title_of(comment: str) -> str:
    """The title of the finding that a comment tells."""
    found = _TITLE.search(comment)
    return html.unescape(_ESCAPE.sub(r"\1", found[1])) if found else ""


def _titles(block: str) -> set[str]:
    """What the rules say about all lines of a block of code, by title."""
    head, _, code = block.partition("\n")
    if not head.startswith(_HEADER):
        return set()
    hunk = ShownHunk(tuple(("+", row) for row in code.split("\n")))
    file = ShownFile(head.removeprefix(_HEADER), (hunk,))
    return {remark.advice.title for remark in (*python_remarks([file]), *line_remarks(file))}
