"""The stand-in model: reads the change in a prompt by rules and answers in the form that the prompt asks for.

It is honest about what it is: it computes its findings from the shown code (ruff for Python, patterns for other
languages), the same for the same text, and says so. It understands nothing.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from reviewbot.sandbox.responses.chat import is_talk, talk
from reviewbot.sandbox.responses.closing import is_closing, judge
from reviewbot.sandbox.responses.python_rules import python_remarks
from reviewbot.sandbox.responses.rules import Remark, line_remarks, line_rules
from reviewbot.sandbox.responses.shown import ShownFile, parse_prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

_HONEST = "Written by the sandbox's rule-based stand-in, not by a language model."
_PER_RULE_AND_FILE = 2
_MOST = 20
_SAME_MEANING = {"E722": "swallow", "S110": "swallow", "S112": "swallow", "S105": "secret", "S106": "secret"}
_WIDEST_QUOTE = 4

_FOUND = re.compile(r'<found data="[0-9a-f]+">(.*)</found ', re.DOTALL)


def review(prompt: str) -> dict[str, Any]:
    """The reply to a prompt, as the value of its JSON. Raises ModelFailed when ruff cannot be run."""
    files = parse_prompt(prompt)
    shown = {file.path: file for file in files}
    order = {file.path: index for index, file in enumerate(files)}
    remarks = python_remarks(files) + [remark for file in files for remark in line_remarks(file)]
    remarks.sort(key=lambda each: (order[each.path], each.hunk, each.side, each.first, each.advice.priority, each.rule))
    told = _FOUND.search(prompt)
    if told:  # a second look: only what was found elsewhere already
        remarks = [remark for remark in remarks if remark.advice.title in told[1]]
    findings = [_finding(remark, shown[remark.path]) for remark in _choose(remarks)]
    wrong = any(finding["priority"] <= 1 and finding["confidence"] >= 0.5 for finding in findings)
    return {
        "findings": findings,
        "explanation": f"{_HONEST} {_looked_at(files, len(findings))}",
        "verdict": "incorrect" if wrong else "correct",
    }


def _looked_at(files: Sequence[ShownFile], found: int) -> str:
    if not files:
        return "The prompt shows no change."
    lines = sum(file.added for file in files)
    result = f"They found {found} points." if found else "They found nothing; that proves little."
    return f"ruff and {len(line_rules())} patterns looked at {lines} added lines in {len(files)} files. {result}"


def review_text(prompt: str) -> str:
    """The same as text, for a prompt that asks for no form."""
    reply = review(prompt)
    rows = [f"- {each['path']}: {each['title']}" for each in reply["findings"]]
    return "\n".join([reply["explanation"], *rows])


def conform(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None) -> Any:
    """``value`` in the form of a JSON schema: kept where it fits, left out where the schema has no place for it, and
    the emptiest value where it is missing."""
    root = root or schema
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#").strip("/").split("/"):
            target = target.get(step, {}) if step else target
        return conform(value, target, root) if target is not schema else None
    if "anyOf" in schema:
        fitting = [each for each in schema["anyOf"] if value is not None and _fits(value, each, root)]
        empty = [each for each in schema["anyOf"] if each.get("type") == "null"]
        return conform(value, (fitting or empty or schema["anyOf"])[0], root)
    if "enum" in schema:
        return value if value in schema["enum"] else schema["enum"][0]
    kinds = schema.get("type", "object")
    if isinstance(kinds, list):
        return conform(value, {"anyOf": [{**schema, "type": kind} for kind in kinds]}, root)
    return _conform_kind(value, kinds, schema, root)


def _conform_kind(value: Any, kind: str, schema: dict[str, Any], root: dict[str, Any]) -> Any:
    if kind == "object":
        given = value if isinstance(value, dict) else {}
        return {name: conform(given.get(name), each, root) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        return [conform(each, schema.get("items", {}), root) for each in (value if isinstance(value, list) else [])]
    if _fits(value, schema, root):
        return value
    return {
        "string": "",
        "integer": schema.get("minimum", 0),
        "number": schema.get("minimum", 0),
        "boolean": False,
    }.get(kind)


def _fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if "$ref" in schema:
        return isinstance(value, dict)
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "object": (dict,),
        "array": (list,),
        "null": (type(None),),
    }
    kind = schema.get("type", "object")
    if isinstance(value, bool) and kind != "boolean":
        return False
    return isinstance(value, kinds.get(kind, (object,)))


def answer_text(prompt: str, schema: dict[str, Any] | None) -> str:
    """The text of an answer: JSON in the form of ``schema``, or words when there is none."""
    if schema is None:
        return review_text(prompt)
    if is_closing(schema):
        return json.dumps(conform(judge(prompt), schema), ensure_ascii=False)
    if is_talk(schema):
        return json.dumps(conform(talk(prompt, schema), schema), ensure_ascii=False)
    return json.dumps(conform(review(prompt), schema), ensure_ascii=False)


def _choose(remarks: Sequence[Remark]) -> list[Remark]:
    """One remark for one meaning on one line, few of one kind in a file, the gravest first when there are too many;
    in the order of the change."""
    chosen: list[Remark] = []
    seen: set[tuple[str, int, str, int, str]] = set()
    counts: dict[tuple[str, str], int] = {}
    for remark in remarks:
        meaning = _SAME_MEANING.get(remark.rule, remark.advice.title)
        # an except and the try above it are one point
        near = {(remark.path, remark.hunk, remark.side, remark.first + step, meaning) for step in (-2, -1, 0, 1, 2)}
        spot = (remark.path, remark.rule)
        if (near & seen and meaning == "swallow") or (
            remark.path,
            remark.hunk,
            remark.side,
            remark.first,
            meaning,
        ) in seen:
            continue
        if counts.get(spot, 0) < _PER_RULE_AND_FILE:
            counts[spot] = counts.get(spot, 0) + 1
            seen.add((remark.path, remark.hunk, remark.side, remark.first, meaning))
            chosen.append(remark)
    gravest = sorted(chosen, key=lambda each: (each.advice.priority, -each.advice.confidence))[:_MOST]
    return [remark for remark in chosen if remark in gravest]


def _finding(remark: Remark, file: ShownFile) -> dict[str, Any]:
    hunk = file.hunks[remark.hunk]
    lines = [text for _, text in (hunk.new if remark.side == "new" else hunk.old)]
    first, suggestion = remark.first, remark.suggestion
    everywhere = ["\n".join(text for _, text in (h.new if remark.side == "new" else h.old)) for h in file.hunks]
    quote = "\n".join(lines[first : remark.last + 1])
    # a line that stands there twice says nothing about where: the lines above it do
    while first > 0 and remark.last - first + 1 < _WIDEST_QUOTE and sum(text.count(quote) for text in everywhere) > 1:
        first -= 1
        quote = f"{lines[first]}\n{quote}"
        suggestion = None if suggestion is None else f"{lines[first]}\n{suggestion}"
    advice = remark.advice
    return {
        "path": remark.path,
        "side": remark.side,
        "quote": quote,
        "evidence": f"The rule `{remark.rule}` matches this {'removed' if remark.side == 'old' else 'added'} code.",
        "title": advice.title,
        "body": advice.body,
        "category": advice.category,
        "suggestion": suggestion if remark.side == "new" else None,
        "priority": advice.priority,
        "confidence": advice.confidence,
    }
