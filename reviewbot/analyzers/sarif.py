"""Pure: SARIF 2.1.0, which most analyzers can write, and the rows that every format is read into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that an analyzer said, as it said it: nothing in here is to be trusted. ``weight`` is its own word for
    how bad it is, with "/" and how sure it is where it says so."""

    path: str
    line: int
    end_line: int
    rule: str
    weight: str
    message: str


def read_sarif(document: Any) -> Iterator[Said]:
    """The results, each at its first location; those without a place are left out."""
    for run in items(document, "runs"):
        for result in items(run, "results"):
            places = items(result, "locations")
            place = member(places[0], "physicalLocation") if places else None
            region = member(place, "region")
            uri = text(member(place, "artifactLocation"), "uri")
            line = number(region, "startLine")
            if uri and line:
                yield Said(
                    path=unquote(uri.removeprefix("file://")),
                    line=line,
                    end_line=number(region, "endLine") or line,
                    rule=text(result, "ruleId"),
                    weight=_weight(result),
                    message=text(member(result, "message"), "text"),
                )


def _weight(result: Any) -> str:
    properties = member(result, "properties")
    found = properties if isinstance(properties, dict) else {}
    sure = next((text(found, name) for name in found if str(name).endswith("/confidence")), "")
    level = text(result, "level") or "warning"  # the default of SARIF
    return f"{level}/{sure}".lower() if sure else level


# ---- parts of a document that may be anything ------------------------------------------------------------------------


def member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def items(value: Any, name: str) -> list[Any]:
    found = member(value, name)
    return found if isinstance(found, list) else []


def text(value: Any, name: str) -> str:
    found = member(value, name)
    return found if isinstance(found, str) else ""


def number(value: Any, name: str) -> int:
    """A whole number above zero; 0 for anything else."""
    found = member(value, name)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0
