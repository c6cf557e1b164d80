"""Pure: the stand-in model in a conversation: by rules, the same for the same words, and honest about it.

It takes a finding back when the words give a reason in one of a few forms ("is intentional because ...", "cannot happen
because ..."), and never because it is asked to; else it says what it sees.
"""

from __future__ import annotations

import re
from typing import Any

from reviewbot.sandbox.responses.shown import parse_prompt

HONEST = "A rule-based stand-in says this, not a language model."
_BLOCK = r'<{tag}(?: [a-z]+="[^"\n]*")*? data="(?P<nonce>[0-9a-f]+)">\n(?P<text>.*?)\n</{tag} data="(?P=nonce)">'
_REASON = re.compile(
    r"\b(?:(?:is|are|was) (?:intentional|deliberate|on purpose)|(?:cannot|can't|can never|never) happens?)\b"
    r"[^.\n]{0,80}?\b(?:because|since) (?P<why>[^.\n]{4,200})",
    re.IGNORECASE,
)
_THANKS = re.compile(r"(?:thanks|thank you|good catch)[\s!.]*", re.IGNORECASE)


def is_talk(schema: dict[str, Any] | None) -> bool:
    """Whether the form that is asked for is that of an answer to a person."""
    return schema is not None and "answer" in schema.get("properties", {})


def talk(prompt: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The answer to the last words in the prompt, as the value of its JSON."""
    words, finding = _last(prompt, "words"), _last(prompt, "finding")
    if "withdraw" not in schema["properties"]:
        return {"answer": f"{_seen(prompt, finding)} {HONEST}"}
    reason = _REASON.search(words)
    if reason:
        why = f"{reason['why'].strip()[:150]}."
        answer = f"You give a reason, and nothing shown speaks against it. {HONEST}"
        return {"answer": answer, "withdraw": True, "reason": f"It is said that {why}"}
    if _THANKS.fullmatch(words.strip()):
        return {"answer": "", "withdraw": False, "reason": ""}
    return {"answer": f"The finding stands. {_seen(prompt, finding)} {HONEST}", "withdraw": False, "reason": ""}


def _seen(prompt: str, finding: str) -> str:
    """What was shown, in numbers and first lines."""
    turns = len(_all(prompt, "words"))
    first = next((line.replace("*", "").strip("_# ") for line in finding.split("\n") if line.strip()), "")
    files = parse_prompt(prompt)
    lines = sum(len(hunk.lines) for file in files for hunk in file.hunks)
    asked = "once" if turns == 1 else f"{turns} times"
    of = "1 changed file" if len(files) == 1 else f"{len(files)} changed files"
    seen = [f"I was asked {asked} and was shown {lines} lines of {of}."]
    seen += [f"The finding says: {first}."] if first else []
    code = _last(prompt, "code").split("\n")[0].removeprefix("=== ")
    return " ".join([*seen, *([f"The code is {code}."] if code else [])])


def _last(prompt: str, tag: str) -> str:
    found = _all(prompt, tag)
    return found[-1] if found else ""


def _all(prompt: str, tag: str) -> list[str]:
    """The blocks of one tag, in order. What stands in a block of another nonce is text."""
    return [found["text"] for found in re.finditer(_BLOCK.format(tag=tag), prompt, re.DOTALL)]
