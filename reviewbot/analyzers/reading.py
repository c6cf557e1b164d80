"""Pure: what an analyzer wrote -> diagnostics about files that it was given, and about lines that they have."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from reviewbot.analyzers.catalogue import Format, Tool
from reviewbot.analyzers.rules import Worth, worth
from reviewbot.analyzers.sarif import Said, items, member, number, read_sarif, text
from reviewbot.core.context.evidence import Diagnostic
from reviewbot.errors import AnalyzerError

MOST_CHARACTERS: Final = 500
_TITLE = 80
_RULE = re.compile(r"[A-Za-z0-9][\w./-]{0,79}", re.ASCII)


def diagnostics(tool: Tool, output: bytes, real: Mapping[str, str], lines: Mapping[str, int]) -> Sequence[Diagnostic]:
    """What the output says of files in the scratch folder. ``real`` has their paths in the change by their names there,
    ``lines`` how many lines each path has. What is not about them is left out. Raises AnalyzerError."""
    try:
        document = json.loads(output)
    except (ValueError, RecursionError):
        raise AnalyzerError("what it wrote cannot be read.") from None
    found: dict[Diagnostic, None] = {}
    once: set[tuple[str, Worth]] = set()
    for said in sorted(_READERS[tool.format](document), key=lambda each: (each.path, each.line)):
        path = real.get(said.path.removeprefix("./"))
        rule = said.rule.removeprefix(f"{tool.name}/")
        value = worth(rule, said.weight, tool.rules, tool.weights)
        if path is None or value is None or said.line > lines[path] or not _RULE.fullmatch(rule):
            continue
        if value.once:
            if (path, value) in once:
                continue
            once.add((path, value))
        found[_diagnostic(tool, replace(said, path=path, rule=rule), value, lines[path])] = None
    return tuple(found)


def _diagnostic(tool: Tool, said: Said, value: Worth, last: int) -> Diagnostic:
    words = capped(tool.says.format(rule=said.rule) if tool.says else said.message, MOST_CHARACTERS) or said.rule
    title = words if len(words) <= _TITLE else words.partition(": ")[0]  # what it is: what is so here
    return Diagnostic(
        analyzer=tool.name,
        rule=said.rule,
        path=said.path,
        line=said.line,
        end_line=min(max(said.line, said.end_line), last),
        message=words,
        level=value.level,
        certain=value.certain,
        category=value.category,
        title=capped(title, _TITLE),
        secret=tool.secrets,
    )


def capped(words: str, most: int) -> str:
    """One line of characters that can be seen, at most ``most``, cut between words where that is possible."""
    line = " ".join("".join(each if each.isprintable() else " " for each in words[: 4 * most]).split())
    if len(line) <= most:
        return line
    cut = line[: most - 1]
    return f"{cut.rpartition(' ')[0] or cut}…"


def _oxlint(document: Any) -> Iterator[Said]:
    """Its SARIF has the first of the labels of a place alone. The last is where the fault is: a second assignment, a
    second key. A rule is written ``eslint(no-eval)``; an error of the parser has none."""
    for each in items(document, "diagnostics"):
        labels = items(each, "labels")
        line = number(member(labels[-1], "span"), "line") if labels else 0
        if line:
            rule = text(each, "code").partition("(")[2].removesuffix(")") or "syntax"
            yield Said(text(each, "filename"), line, line, rule, text(each, "severity"), text(each, "message"))


def _shellcheck(document: Any) -> Iterator[Said]:
    for each in items(document, "comments"):
        line, code = number(each, "line"), number(each, "code")
        if line and code:
            level, message = text(each, "level"), text(each, "message")
            yield Said(text(each, "file"), line, number(each, "endLine") or line, f"SC{code}", level, message)


def _betterleaks(document: Any) -> Iterator[Said]:
    """Rule, place and confidence, and no word of what was found or stands beside it."""
    for each in items(document, "findings"):
        place = member(each, "location")
        line = number(place, "start_line")
        if line:
            end = number(place, "end_line") or line
            yield Said(text(place, "path"), line, end, text(each, "rule_id"), text(each, "confidence"), "")


_READERS: Mapping[Format, Callable[[Any], Iterable[Said]]] = {
    "sarif": read_sarif,
    "oxlint": _oxlint,
    "shellcheck": _shellcheck,
    "betterleaks": _betterleaks,
}
