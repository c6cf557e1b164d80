"""Pure: the model's text + chunk number -> Reply, or ReplyError when it is not the JSON that was asked for.

The text is hostile input: its size, depth and every field are bounded here, in code. What is malformed or cut is said
in ``Reply.faults``; one bad finding does not lose the others.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from reviewbot.core.change.diff import Side
from reviewbot.core.findings.finding import Finding, Reply, Severity
from reviewbot.errors import ReplyError

MAX_REPLY_CHARACTERS: Final = 2_000_000
MAX_DEPTH: Final = 16
MAX_FINDINGS: Final = 50
MAX_QUOTE_LINES: Final = 60
MAX_SUGGESTION_LINES: Final = 200
_CHARACTERS: Final = {"title": 80, "body": 2_000, "evidence": 2_000, "explanation": 4_000, "path": 1_024}
_CODE_CHARACTERS: Final = 20_000

CATEGORIES: Final = frozenset(
    ("bug", "security", "performance", "concurrency", "api", "data", "test", "docs", "maintainability")
)
_SIDES: Final = {"new": Side.RIGHT, "right": Side.RIGHT, "old": Side.LEFT, "left": Side.LEFT}
_T = TypeVar("_T")
_REMEDY: Final = "Run it again; if it stays so, choose another model or a smaller chunks.target_tokens."

# A string that never ends is taken to the end of the text, so that the scan stays linear.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+["\\]?|[\[\]{}]', re.DOTALL)
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_FORBIDDEN_IN_CODE = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")


class _Doubled(dict[str, Any]):
    """An object whose keys were not all different: which of the values was meant cannot be known."""


def parse_reply(text: str, chunk: int) -> Reply:
    """Read an answer to chunk number ``chunk``; a Markdown fence round the JSON is accepted.

    Raises ReplyError when the text is too long or too deep, is not one JSON object with a list of findings, or when
    none of the findings it lists can be read (which must never look like "nothing found").
    """
    document = _load(text)
    faults: list[str] = []
    findings: list[Finding] = []
    listed = document["findings"]
    for number, item in enumerate(listed[:MAX_FINDINGS], 1):
        reader = _Reader(f"finding {number}", faults)
        finding = _finding(item, reader, chunk)
        if finding:
            findings.append(finding)
    if listed and not findings:
        raise ReplyError(f"None of the {len(listed)} findings in the answer can be read: {faults[0]}", remedy=_REMEDY)
    if len(listed) > MAX_FINDINGS:
        faults.append(f"{len(listed) - MAX_FINDINGS} findings beyond the first {MAX_FINDINGS} were left out")
    reader = _Reader("the answer", faults)
    explanation = reader.prose(document, "explanation") or ""
    verdict = document.get("verdict")
    if verdict not in ("correct", "incorrect"):
        faults.append("the answer: verdict is missing or unknown, taken as 'incorrect'")
        verdict = "incorrect"
    return Reply(tuple(findings), explanation, verdict, tuple(faults))


def _load(text: str) -> dict[str, Any]:
    """The reply's outermost object, which has a list of findings."""
    if len(text) > MAX_REPLY_CHARACTERS:
        raise ReplyError(f"The answer is {len(text):,} characters long; it is not read.", remedy=_REMEDY)
    text = text.strip().removeprefix("\ufeff")
    if text.startswith("```"):
        text = text.partition("\n")[2].removesuffix("```")
    if _depth(text) > MAX_DEPTH:
        raise ReplyError(f"The answer's JSON is more than {MAX_DEPTH} levels deep.", remedy=_REMEDY)
    try:
        # int() refuses thousands of digits; 19 are enough to be out of every range used here.
        document = json.loads(text, object_pairs_hook=_object, parse_int=lambda digits: int(digits[:19]))
    except ValueError as error:
        raise ReplyError(f"The answer is not JSON: {error}.", remedy=_REMEDY) from error
    if not isinstance(document, dict) or isinstance(document, _Doubled):
        raise ReplyError("The answer is not one JSON object with different keys.", remedy=_REMEDY)
    if not isinstance(document.get("findings"), list):
        raise ReplyError("The answer has no list of findings.", remedy=_REMEDY)
    return document


def _depth(text: str) -> int:
    """The deepest nesting of brackets outside strings."""
    depth = deepest = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        mark = found[0]
        depth += 1 if mark in "[{" else -1 if mark in "]}" else 0
        deepest = max(deepest, depth)
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else _Doubled(plain)


def _finding(item: object, reader: _Reader, chunk: int) -> Finding | None:
    """One finding, or None with the fault noted."""
    if not isinstance(item, dict):
        reader.note("left out: it is not an object")
        return None
    title = reader.prose(item, "title")
    if title is not None:
        title = " ".join(title.split())
        reader.name += f" ({title[:40]!r})"
    path, body, quote = reader.prose(item, "path"), reader.prose(item, "body"), reader.code(item, "quote")
    if title is None or path is None or body is None or quote is None or isinstance(item, _Doubled):
        doubled = isinstance(item, _Doubled)
        reader.note("left out: " + ("a key is doubled" if doubled else "title, path, body or quote is not text"))
        return None
    suggestion = reader.code(item, "suggestion") if item.get("suggestion") is not None else None
    shown = _first_lines(quote, MAX_QUOTE_LINES)
    if shown != quote:
        reader.note(f"quote cut to {shown.count(chr(10)) + 1} lines")
    if suggestion is not None and (shown != quote or _first_lines(suggestion, MAX_SUGGESTION_LINES) != suggestion):
        suggestion = None
        reader.note("suggestion left out: it, or the quote that it replaces, is too long")
    side, category = item.get("side"), item.get("category")
    return Finding(
        path=path,
        side=reader.known("side", _SIDES.get(side.lower()) if isinstance(side, str) else None, Side.RIGHT),
        quote=shown,
        evidence=reader.prose(item, "evidence") or "",
        title=title,
        body=body,
        category=reader.known("category", next((word for word in CATEGORIES if word == category), None), "bug"),
        severity=reader.known("priority", _severity(item.get("priority")), Severity.MINOR),
        confidence=reader.known("confidence", _confidence(item.get("confidence")), 0.5),
        suggestion=suggestion,
        chunk=chunk,
    )


def _first_lines(code: str, lines: int) -> str:
    """At most so many whole lines, and at most ``_CODE_CHARACTERS`` of them."""
    if len(code) > _CODE_CHARACTERS:
        code = code[:_CODE_CHARACTERS].rpartition("\n")[0] or code[:_CODE_CHARACTERS]
    return "\n".join(code.split("\n", lines)[:lines])


def _severity(value: object) -> Severity | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in (0, 1, 2, 3):
        return None
    return Severity.of_priority(int(value))


def _confidence(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)


@dataclass(slots=True)
class _Reader:
    """Reads fields of one object and notes, under its name, what had to be cut or repaired."""

    name: str
    faults: list[str]

    def note(self, fault: str) -> None:
        self.faults.append(f"{self.name}: {fault}")

    def prose(self, item: dict[str, Any], key: str) -> str | None:
        """A text field within its limit, without control characters; None when it is no text."""
        text = self._text(item, key, _FORBIDDEN)
        limit = _CHARACTERS[key]
        if text is not None and len(text) > limit:
            self.note(f"{key} cut from {len(text)} to {limit} characters")
            text = text[: limit - 1] + "…"
        return text

    def code(self, item: dict[str, Any], key: str) -> str | None:
        """A field that holds code: tabs, form feeds and CRs stay."""
        return self._text(item, key, _FORBIDDEN_IN_CODE)

    def _text(self, item: dict[str, Any], key: str, forbidden: re.Pattern[str]) -> str | None:
        text = item.get(key)
        if not isinstance(text, str):
            return None
        cleaned = forbidden.sub("", text)
        if cleaned != text:
            self.note(f"{key} held {len(text) - len(cleaned)} control characters, removed")
        return cleaned

    def known(self, key: str, value: _T | None, default: _T) -> _T:
        """The value, or the default with a note when there is none that is known."""
        if value is None:
            self.note(f"{key} is missing or unknown, taken as {default!s}")
            return default
        return value
