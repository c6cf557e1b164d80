"""Pure: git's path patterns, gitignore lists and `.gitattributes`, in time linear in the path.

Own, because pathspec turns ``*a*a*a*a*b`` into a regular expression that takes four seconds on a path of 200
characters, and both the pattern and the path can come from a stranger. Here a ``*`` is an atomic group: what follows it
is matched where it first occurs and never tried again, which for globs loses no match. git itself is the test oracle.

Rules: gitignore(5) "PATTERN FORMAT", gitattributes(5) "DESCRIPTION".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reviewbot.core.change.quoting import unquote

_TOKEN = re.compile(
    r"(?P<star>\*+)|(?P<any>\?)|\\(?P<escaped>.)|\[(?P<not>[!^]?)(?P<set>(?:\]|\[:\w+:\]|\\.|[^]\\])"
    r"(?:\[:\w+:\]|\\.|[^]\\])*)\]|(?P<plain>[^\\\[])",
    re.DOTALL,
)
_SET_ITEM = re.compile(r"\[:(?P<posix>\w+):\]|\\(?P<escaped>.)|(?P<plain>.)", re.DOTALL)
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "digit": "0-9",
    "lower": "a-z",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_NEVER = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern. ``globs`` has one entry for each part of a path, None standing for ``**``."""

    text: str
    globs: tuple[re.Pattern[str] | None, ...]
    anchored: bool
    directory: bool
    negated: bool

    @classmethod
    def parse(cls, text: str) -> Pattern | None:
        """Read one line of a gitignore list; None for a blank line or a comment."""
        line = text.rstrip("\r\n")
        while line.endswith(" ") and not line.endswith("\\ "):
            line = line[:-1]
        if not line or line.startswith("#"):
            return None
        negated = line.startswith("!")
        body = line[negated:]
        directory = body.endswith("/")
        body = body.removesuffix("/")
        anchored = "/" in body
        parts = body.removeprefix("/").split("/")
        # A lone ``**`` has no slash beside it, so it is but two stars.
        globs = tuple(None if part == "**" and anchored else _glob(part) for part in parts)
        return cls(line, globs, anchored, directory, negated)

    def match(self, parts: Sequence[str], *, directory: bool) -> bool:
        """Whether the path of these parts, a directory or not, is named by the pattern."""
        if self.directory and not directory:
            return False
        if not self.anchored:
            glob = self.globs[0]
            return glob is not None and glob.fullmatch(parts[-1]) is not None
        return self._match_parts(parts)

    def _match_parts(self, parts: Sequence[str]) -> bool:
        at = part = 0
        star, resume = -1, 0
        while part < len(parts):
            glob = self.globs[at] if at < len(self.globs) else _NEVER
            if glob is None:
                star, resume, at = at, part, at + 1
            elif glob.fullmatch(parts[part]):
                at, part = at + 1, part + 1
            elif star >= 0:
                at, part, resume = star + 1, resume + 1, resume + 1
            else:
                return False
        return at == len(self.globs)


class IgnoreList:
    """A gitignore list: the last pattern that names a path decides, and a directory decides for all that is in it."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._patterns = [pattern for pattern in map(Pattern.parse, lines) if pattern][::-1]

    def match(self, path: str) -> str | None:
        """The pattern by which ``path``, a file, is in the list; None when it is not."""
        if not self._patterns:
            return None
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            found = self._last(parts[:end], directory=end < len(parts))
            if found and not found.negated:
                return found.text
        return None

    def _last(self, parts: Sequence[str], *, directory: bool) -> Pattern | None:
        return next((pattern for pattern in self._patterns if pattern.match(parts, directory=directory)), None)


class Attributes:
    """The text of a `.gitattributes` file at the root. Macros (``[attr]``) are not read."""

    def __init__(self, text: str) -> None:
        self._rules: list[tuple[Pattern, dict[str, bool | None]]] = []
        for line in text.split("\n"):
            name, attributes = _split(line.strip())
            pattern = Pattern.parse(name)
            if pattern and not pattern.negated and attributes:
                self._rules.append((pattern, dict(map(_attribute, attributes))))

    def get(self, path: str, name: str) -> bool | None:
        """What the file says of the attribute: set, unset (``-name``, ``name=false``), or nothing. The last line that
        names the path and the attribute decides."""
        parts = path.split("/")
        for pattern, attributes in reversed(self._rules):
            if name in attributes and pattern.match(parts, directory=False):
                return attributes[name]
        return None


def _split(line: str) -> tuple[str, list[str]]:
    quoted = re.match(r'"(?:[^"\\]|\\.)*"', line)
    if quoted:
        name = unquote(quoted[0].encode("utf-8", "replace")).decode("utf-8", "replace")
        return name, line[quoted.end() :].split()
    name, *attributes = line.split() or [""]
    return ("", []) if name.startswith("[attr]") else (name, attributes)


def _attribute(text: str) -> tuple[str, bool | None]:
    name, _, value = text.partition("=")
    if name[:1] in {"-", "!"}:
        return name[1:], False if name[0] == "-" else None
    return name, value != "false"


def _glob(part: str) -> re.Pattern[str]:
    """Compile one part of a pattern. What git cannot match (an open bracket) matches nothing."""
    chunks = [""]
    end = 0
    for token in _TOKEN.finditer(part):
        if token.start() != end:
            return _NEVER
        end = token.end()
        if token["star"]:
            chunks.append("")
        elif token["any"]:
            chunks[-1] += "."
        elif token["set"]:
            chunks[-1] += f"[{'^' if token['not'] else ''}{_set(token['set'])}]"
        else:
            chunks[-1] += re.escape(token["escaped"] or token["plain"])
    if end != len(part):
        return _NEVER
    head, *middle = chunks
    tail = f".*{middle.pop()}" if middle else ""
    return re.compile(head + "".join(f"(?>.*?{chunk})" for chunk in middle) + tail, re.DOTALL)


def _set(text: str) -> str:
    """The inside of a bracket. As in git, a backward range (``b-a``) is its first character."""
    items = list(_SET_ITEM.finditer(text))
    out, at = "", 0
    while at < len(items):
        first, dash, last = (items[at + step] if at + step < len(items) else None for step in range(3))
        at += 1
        if first and first["posix"]:
            out += _POSIX.get(first["posix"], "")
        elif first:
            out += re.escape(_literal(first))
            if dash and dash[0] == "-" and last and not last["posix"]:
                at += 2
                if _literal(first) <= _literal(last):
                    out += f"{re.escape(_literal(first))}-{re.escape(_literal(last))}"
    return out or "^\\s\\S"


def _literal(item: re.Match[str]) -> str:
    return item["escaped"] or item["plain"]
