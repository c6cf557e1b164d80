"""Pure: the model's text -> the points that it surely calls met, or ReplyError when it is not the JSON asked for.

A thread that is closed by mistake is a defect that nobody looks at again. So only a plain ``true`` with a reason
counts, for an id that was asked about and that the answer names once.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection
from typing import Any, Final

from reviewbot.errors import ReplyError

MAX_CHARACTERS: Final = 200_000
MAX_POINTS: Final = 100
MAX_WHY: Final = 300
_FORBIDDEN: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_REMEDY: Final = "The threads stay open; the next push that changes their code asks again."


def parse_closing_reply(text: str, asked: Collection[int]) -> dict[int, str]:
    """For each point that is met, by its id, why. Raises ReplyError for what is not one JSON object with a list of
    points, or is larger than any answer to the question could be."""
    points = _points(text)
    named = Counter(_id(point) for point in points)
    met = {}
    for point in points:
        number = _id(point)
        if number is None or number not in asked or named[number] > 1 or point.get("met") is not True:
            continue
        why = point.get("why")
        words = " ".join(_FORBIDDEN.sub(" ", why).split()) if isinstance(why, str) else ""
        if words:
            met[number] = words if len(words) <= MAX_WHY else f"{words[: MAX_WHY - 1]}…"
    return met


def _points(text: str) -> list[dict[str, Any]]:
    if len(text) > MAX_CHARACTERS:
        raise ReplyError(f"The answer is {len(text):,} characters long; it is not read.", remedy=_REMEDY)
    text = text.strip().removeprefix("\ufeff")
    if text.startswith("```"):
        text = text.partition("\n")[2].removesuffix("```")
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_int=lambda digits: int(digits[:19]))
    except (ValueError, RecursionError) as error:
        raise ReplyError("The answer is not JSON with different keys.", remedy=_REMEDY) from error
    points = document.get("points") if isinstance(document, dict) else None
    if not isinstance(points, list) or len(points) > MAX_POINTS:
        raise ReplyError("The answer is not one JSON object with a list of points.", remedy=_REMEDY)
    return [point for point in points if isinstance(point, dict)]


def _id(point: dict[str, Any]) -> int | None:
    number = point.get("id")
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is doubled: which of the values was meant cannot be known")
    return dict(pairs)
