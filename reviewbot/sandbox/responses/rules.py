"""The rules of the stand-in model for all languages: ``rules.toml`` is the table, this module applies it to lines."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reviewbot.sandbox.responses.shown import ShownFile

_LONGEST_LINE = 500  # keeps the worst case of the patterns short
_NEARBY = 12
_TEST = re.compile(
    r"(?i)(?:^|/)(?:[\w-]*tests?|specs?|__tests__|testdata)/|(?:^|/)test_|[._](?:test|spec)\.|_test\.\w+$"
)


@dataclass(frozen=True, slots=True)
class Advice:
    """What is said about a match: the reply's own fields."""

    title: str
    category: str
    priority: int
    confidence: float
    body: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A rule that matched: lines ``first`` to ``last`` (both included, counted from 0) of one side of a hunk, and the
    replacement of those lines where it can be computed."""

    path: str
    hunk: int
    first: int
    last: int
    rule: str
    advice: Advice
    side: str = "new"
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One table of ``rules.toml``, whose head says what the fields mean."""

    name: str
    extensions: frozenset[str]
    pattern: re.Pattern[str]
    advice: Advice
    fix: tuple[str, str] | None
    follow: re.Pattern[str] | None
    in_tests: bool
    side: str


@cache
def line_rules() -> tuple[Rule, ...]:
    """The table, read once."""
    text = Path(__file__).with_name("rules.toml").read_text(encoding="utf-8")
    return tuple(
        Rule(
            name=row["name"],
            extensions=frozenset(row["extensions"].split()),
            pattern=re.compile(row["pattern"]),
            advice=Advice(row["title"], row["category"], row["priority"], row["confidence"], row["body"]),
            fix=(row["fix"][0], row["fix"][1]) if "fix" in row else None,
            follow=re.compile(row["follow"]) if "follow" in row else None,
            in_tests=row.get("in_tests", True),
            side=row.get("side", "new"),
        )
        for row in tomllib.loads(text)["rule"]
    )


def is_test(path: str) -> bool:
    """Whether the file looks like a test, by its name alone."""
    return _TEST.search(path) is not None


def line_remarks(file: ShownFile) -> list[Remark]:
    """What the rules say about the changed lines of a file."""
    name = PurePosixPath(file.path)
    kind = "dockerfile" if name.name.lower().startswith("dockerfile") else name.suffix[1:].lower()
    rules = [
        rule
        for rule in line_rules()
        if (kind in rule.extensions or "*" in rule.extensions) and (rule.in_tests or not is_test(file.path))
    ]
    remarks: list[Remark] = []
    for number, hunk in enumerate(file.hunks):
        for side, lines in (("new", hunk.new), ("old", hunk.old)):
            of_side = [rule for rule in rules if rule.side == side]
            for index, (changed, text) in enumerate(lines):
                if changed and len(text) <= _LONGEST_LINE:
                    after = [line for _, line in lines[index + 1 : index + 1 + _NEARBY]]
                    for rule in of_side:
                        if rule.pattern.search(text) and _holds(rule, text, after, hunk.new):
                            remarks.append(_remark(file.path, number, index, rule, text))
    return remarks


def _remark(path: str, hunk: int, index: int, rule: Rule, text: str) -> Remark:
    better = re.sub(*rule.fix, text) if rule.fix else text
    last = index + 1 if rule.follow else index
    return Remark(path, hunk, index, last, rule.name, rule.advice, rule.side, better if better != text else None)


def _holds(rule: Rule, text: str, after: list[str], new: tuple[tuple[bool, str], ...]) -> bool:
    """What a pattern on one line cannot tell."""
    if rule.name == "body-not-closed":
        return not any(".Close()" in line for line in after)
    if rule.name == "removed-guard":
        word = text.strip()
        return not word.startswith(("#", "//", "*", "import", "from")) and not any(word in line for _, line in new)
    return rule.follow is None or bool(after and rule.follow.match(after[0]))
