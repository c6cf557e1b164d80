"""Pure: secrets -> ***, for log lines. Mask knows the process's own secrets; what looks like one goes too.

Stricter than `core.context.redaction`, whose finds are among these: there code must stay readable, here a word too many
masked costs nothing. A text is read up to a bound, and every pattern is linear or bounded, so that no text can hang it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterator
from urllib.parse import quote, quote_plus

from reviewbot.core.context.redaction import find_secrets

MARK = "***"
_SHORTEST = 6  # a shorter value is part of too many words to be masked everywhere
_ROW = 20  # of a secret with several lines, a private key say, each line as long as this is one, too
_MARGIN = 8_192  # read beyond a cut, so that a secret that stands across it is seen whole
_MOST_ROUNDS = 8
_KEY_HEAD = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
# Where there is a group "secret", only that part is taken out.
_SHAPES = tuple(
    re.compile(shape)
    for shape in (
        r"(?<![A-Za-z0-9])(?:gh[pousr]_|github_pat_)[A-Za-z0-9_.-]{15,2000}[A-Za-z0-9_]",
        r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,250}",
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,4000}+\.[A-Za-z0-9_-]{8,8000}+(?:\.[A-Za-z0-9_-]{0,2000}+)?",
        r"(?i)\bbearer(?:[ \t]|%20|\+){1,3}(?P<secret>[A-Za-z0-9._~+/=-]{6,4000})",
        r"(?i)\bauthorization['\"]?[ \t]{0,3}[:=][ \t]{0,3}['\"]?(?:[a-z]{2,10}[ \t]{1,3})?"
        r"(?P<secret>(?!(?:bearer|basic|token|digest)\b)[^\s'\",*]{6,4000})",
        r"(?<=://)[^\s/:@'\"<>]{0,100}:(?P<secret>[^\s/@'\"<>]{1,200})@",
        r"(?<=://)(?P<secret>[^\s/:@'\"<>]{12,200})@",
        # the code that GitHub sends to /setup is worth the App's private key for an hour
        r"(?i)[?&](?:code|sig|[\w.-]{0,40}(?:token|secret|key|password|signature))=(?P<secret>[^\s&#'\"]{4,500})",
    )
)
_Span = tuple[int, int]


class Mask:
    """Takes the values of ``secrets`` out of texts, as they are and as they are commonly written (`forms`), and all
    that has the shape of a credential. Its repr shows none."""

    def __init__(self, secrets: Collection[str]) -> None:
        found = {form for secret in secrets for form in forms(secret)}
        self._forms = sorted(found, key=lambda form: (-len(form), form))
        self._margin = max([_MARGIN, *map(len, self._forms)])

    def __repr__(self) -> str:
        return f"Mask({len(self._forms)} forms)"

    def masked(self, text: str) -> str:
        """``text`` without secrets; masking the result again changes nothing."""
        return self._settled(self._once(text, len(text)))

    def shortened(self, text: str, limit: int) -> str:
        """At most ``limit`` characters of ``text``, masked, and how many were cut."""
        read = text[: limit + self._margin]
        kept = self._settled(self._once(read, limit))
        return kept if len(text) <= limit else f"{kept}… ({len(text) - limit:,} characters cut)"

    def knows(self, text: str) -> bool:
        """Whether one of the process's own secrets stands in ``text``."""
        return any(form in text for form in self._forms)

    def _settled(self, text: str) -> str:
        """Two parts that a mark brought together may look like a third, so masking goes on until nothing changes. Text
        that is made to go on and on is masked whole."""
        for _ in range(_MOST_ROUNDS):
            again = self._once(text, len(text))
            if again == text:
                return text
            text = again
        return MARK

    def _once(self, text: str, limit: int) -> str:
        """The beginning of ``text`` with a mark for each secret that begins in it."""
        parts: list[str] = []
        end = 0
        for start, stop in _merged(sorted((*self._known(text), *_shaped(text)))):
            if start >= limit:
                break
            parts += [text[end:start], MARK]
            end = stop
        return "".join((*parts, text[end : max(end, limit)]))

    def _known(self, text: str) -> Iterator[_Span]:
        """Also where they overlap, since what two of them share must not save the rest of one."""
        for form in self._forms:
            at = text.find(form)
            while at >= 0:
                yield at, at + len(form)
                at = text.find(form, at + 1)


def forms(secret: str) -> frozenset[str]:
    """How a secret may be written in a text: as it is, as JSON, Python, URLs, base64 and hexadecimal write it. None for
    a secret too short to be told from words."""
    found: set[str] = set()
    if len(secret.strip()) < _SHORTEST:
        return frozenset()
    for value in {secret, secret.strip()}:
        data = value.encode("utf-8", "surrogatepass")
        found |= {value, repr(value)[1:-1], repr(data)[2:-1], data.hex(), data.hex().upper()}
        for escaped in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
            found |= {escaped, json.dumps(escaped)[1:-1]}
        for quoted in (quote(data, safe=""), quote(data), quote_plus(data)):
            found |= {quoted, re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), quoted)}
        for code in (base64.b64encode(data).decode(), *_inner_base64(data)):
            found |= {code, code.replace("+", "-").replace("/", "_")}
        found |= {row for line in value.splitlines() if len(row := line.strip()) >= _ROW and "-----" not in row}
    return frozenset(form for form in found if len(form) >= _SHORTEST)


def _inner_base64(data: bytes) -> Iterator[str]:
    """The characters that stand for nothing but ``data`` in the base64 of a longer text, by where it begins there:
    three bytes make four characters."""
    for offset in range(3):
        code = base64.b64encode(bytes(offset) + data).decode().rstrip("=")
        first = -(-offset * 8 // 6)
        yield code[first : (offset + len(data)) * 8 // 6]


def _shaped(text: str) -> Iterator[_Span]:
    for secret in find_secrets(text):
        yield secret.start, secret.stop
    for shape in _SHAPES:
        group = "secret" if "secret" in shape.groupindex else 0
        for found in shape.finditer(text):
            yield found.span(group)
    at = 0
    while head := _KEY_HEAD.search(text, at):
        end = _KEY_END.search(text, head.end())
        at = end.end() if end else len(text)  # the end of a key that was cut is not known
        yield head.start(), at


def _merged(spans: list[_Span]) -> Iterator[_Span]:
    """Sorted spans as few that neither overlap nor touch."""
    start = stop = -1
    for first, last in spans:
        if first > stop:
            if stop > start:
                yield start, stop
            start, stop = first, last
        stop = max(stop, last)
    if stop > start:
        yield start, stop
