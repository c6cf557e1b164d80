"""Pure: the model's text -> ChatReply, or ReplyError when it is not the JSON that was asked for. Bounded in code."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from reviewbot.errors import ReplyError

MAX_CHARACTERS: Final = 200_000
MAX_ANSWER: Final = 8_000
MAX_REASON: Final = 600
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_REMEDY: Final = "Ask again; if it happens often, choose another model."


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What the model says to a person. ``reason`` says why the finding is taken back, and is empty when it stands."""

    answer: str
    reason: str = ""

    @property
    def withdraws(self) -> bool:
        return bool(self.reason)


def parse_chat_reply(text: str, *, of_finding: bool) -> ChatReply:
    """Read an answer. Only one ``of_finding`` may take the finding back, and not without a reason; it may also say
    nothing at all. Raises ReplyError for what is not one JSON object with an answer in it."""
    document = _load(text)
    answer = document.get("answer")
    if not isinstance(answer, str):
        raise ReplyError("The answer has no text.", remedy=_REMEDY)
    reason = document.get("reason")
    withdraws = of_finding and document.get("withdraw") is True and isinstance(reason, str)
    reply = ChatReply(
        _bounded(answer, MAX_ANSWER), " ".join(_bounded(str(reason), MAX_REASON).split()) if withdraws else ""
    )
    if not reply.answer and not of_finding:
        raise ReplyError("The answer is empty.", remedy=_REMEDY)
    return reply


def _load(text: str) -> dict[str, Any]:
    if len(text) > MAX_CHARACTERS:
        raise ReplyError(f"The answer is {len(text):,} characters long; it is not read.", remedy=_REMEDY)
    text = text.strip().removeprefix("\ufeff")
    if text.startswith("```"):
        text = text.partition("\n")[2].removesuffix("```")
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_int=lambda digits: int(digits[:19]))
    except (ValueError, RecursionError) as error:
        raise ReplyError("The answer is not JSON with different keys.", remedy=_REMEDY) from error
    if not isinstance(document, dict):
        raise ReplyError("The answer is not one JSON object.", remedy=_REMEDY)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is doubled: which of the values was meant cannot be known")
    return dict(pairs)


def _bounded(text: str, most: int) -> str:
    text = _FORBIDDEN.sub("", text).strip()
    return text if len(text) <= most else f"{text[: most - 1]}…"
