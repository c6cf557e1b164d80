"""Pure: which lines of a Markdown text begin as words that a reader sees as the writer's own.

Not code, not a quote, not an HTML comment, not hidden in a link or a tag. Made for commands, so it errs to one side:
what may be hidden by any reading is not live, and where one can no longer tell, nothing after it is. Source: CommonMark
0.29 and 0.31, "Block structure" first, then "Inlines"; what HTML hides is as a browser reads the result.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MOST_READ = 65_536  # characters: GitHub's own limit of a body

_LEAD = re.compile(r"[ \t]*+(?:(?:[-*+]|[0-9]{1,9}[.)])[ \t]++)*+")
_OPENS = re.compile(r"(?P<mark>`{3,}(?=[^`]*\Z)|~{3,})")
_CLOSES = re.compile(r"(?P<mark>`{3,}|~{3,})[ \t]*")
_TAG = re.compile(r"</?[A-Za-z]")
_TICKS = re.compile(r"\\.|`+")
# A browser shows what is in these as code, as a quote, or not at all, over blank lines too.
_HIDING = "pre|code|kbd|samp|tt|blockquote|q|script|style|textarea|template|title|xmp|iframe|noembed|noframes|plaintext"
_HIDES = re.compile(rf"<(?:{_HIDING})(?![a-z0-9-])")
_TAG_GOES_ON = re.compile(r"</?[A-Za-z][^<>]*\Z")


@dataclass(frozen=True, slots=True)
class Fence:
    """``column`` is where it was opened. Only one at the margin is certain to stand in no list."""

    mark: str
    column: int


@dataclass(slots=True)
class _Run:
    """Lines without a blank one between them; ``last`` has the last line of each length of backticks, and of ``>``."""

    last: dict[int | str, int] = field(default_factory=dict)


def live_lines(body: str) -> Iterator[tuple[int, str]]:
    """Number and text of each live line, in order; the numbers are those of `lines_of`. Takes time linear in the body,
    of which the first `MOST_READ` characters are read."""
    lines = lines_of(body)
    fence: Fence | None = None
    comment = False
    quoted = markup = False  # both until the next blank line
    for number, (line, run) in enumerate(zip(lines, _runs(lines), strict=True)):
        if fence:
            after = _in_fence(fence, line)
            if after is None:
                return
            fence = None if after == "closed" else fence
            continue
        if comment:
            comment = "-->" not in line
            if not comment and _never_ends(line.partition("-->")[2]):
                return
            continue
        if run is None:
            quoted = markup = False
            continue
        lead = _LEAD.match(line)
        start = line[lead.end() :] if lead else line
        opens = _OPENS.match(start)
        if opens and markup:
            return  # markup is not searched for fences; whether it goes on here is hard to say
        if opens:
            fence = Fence(opens["mark"], _columns(line[: len(line) - len(start)]))
            continue
        tag = _TAG.match(start) is not None
        quoted, markup = quoted or start.startswith(">"), markup or tag
        if not (quoted or markup or start.startswith("<")) and _columns(line) < 4:
            yield number, line
        plain, spans = (line, []) if line.startswith("<!--") else _outside_code(line)
        if line.startswith("<!--") and "-->" not in line and not markup:
            comment = True
        elif _never_ends(plain) or (tag and _TAG_GOES_ON.search(plain)):
            return
        quoted = quoted or _goes_on(plain, spans, number, run)


def lines_of(body: str) -> list[str]:
    """The lines of a Markdown text as CommonMark counts them."""
    return body[:MOST_READ].replace("\r\n", "\n").replace("\r", "\n").split("\n")


def without_comments(text: str) -> str:
    """``text`` less its HTML comments; one that does not end hides all that follows."""
    bare = _less_comments(text)
    return bare.partition("<!--")[0]


def _less_comments(text: str) -> str:
    """``text`` less the HTML comments that end in it."""
    out, at = [], 0
    while (start := text.find("<!--", at)) >= 0:
        end = text.find("-->", start + 2)
        if end < 0:
            break
        out.append(text[at:start])
        at = end + 3
    return "".join([*out, text[at:]])


def _runs(lines: Sequence[str]) -> Iterator[_Run | None]:
    """For each line the run that it belongs to, None for a blank one."""
    found: list[_Run | None] = []
    run: _Run | None = None
    for number, line in enumerate(lines):
        if not line.strip(" \t"):
            run = None
        else:
            run = run or _Run()
            run.last |= {len(ticks): number for ticks in re.findall("`+", line)}
            if ">" in line:
                run.last[">"] = number
        found.append(run)
    return iter(found)


def _in_fence(fence: Fence, line: str) -> str | None:
    """What a line makes of an open fence: ``open``, ``closed``, or None when it may be either.

    A fence in a list ends with the list, and how far that is indented is not known here.
    """
    text = line.strip(" \t")
    column = _columns(line)
    closing = _CLOSES.fullmatch(text)
    closes = closing is not None and closing["mark"].startswith(fence.mark)
    if fence.column == 0:
        return "closed" if closes and column < 4 else "open"
    if text and column < fence.column:
        return None
    if closes:
        return "closed" if column == fence.column else None
    return "open"


def _columns(text: str) -> int:
    """How wide the beginning of a line is, up to its first word; list markers count as blanks of a ``lead``."""
    lead = _LEAD.match(text)
    whole = lead is not None and lead.end() == len(text)
    width = 0
    for character in text:
        if character == "\t":
            width += 4 - width % 4
        elif character == " " or whole:
            width += 1
        else:
            break
    return width


def _outside_code(line: str) -> tuple[str, list[int]]:
    """The line without its code spans and escapes, and the lengths of backticks that open a span and close none."""
    starts: dict[int, list[int]] = {}
    for ticks in re.finditer("`+", line):
        starts.setdefault(len(ticks[0]), []).append(ticks.start())
    out: list[str] = []
    spans: list[int] = []
    at = 0
    while found := _TICKS.search(line, at):
        out.append(line[at : found.start()])
        at = found.end()
        if found[0].startswith("\\"):
            continue
        size = len(found[0])
        same = starts.get(size, [])
        close = bisect_left(same, at)
        if close < len(same):
            at = same[close] + size
        else:
            spans.append(size)
    return "".join([*out, line[at:]]), spans


def _never_ends(plain: str) -> bool:
    """Whether something begins here that may hide all that follows."""
    if "<" not in plain:
        return False
    if "<!-->" in plain or "<!--->" in plain:
        return True  # whole to a browser, the beginning of one to others
    bare = _less_comments(plain).lower()
    if max(bare.rfind("<!"), bare.rfind("<?")) > bare.rfind(">"):
        return True
    opened = {found[0]: found.start() for found in _HIDES.finditer(bare)}
    return "<!--" in bare or any(bare.rfind(f"</{tag[1:]}") < start for tag, start in opened.items())


def _goes_on(plain: str, spans: Sequence[int], number: int, run: _Run) -> bool:
    """Whether something begins in this line that may hide the next ones, up to a blank line: a code span, a tag, a
    link's target or title, an image's text."""
    if any(run.last.get(size, -1) > number for size in spans):
        return True
    if "<" in plain and _TAG_GOES_ON.search(plain) and run.last.get(">", -1) > number:
        return True
    _, link, target = plain.partition("](")
    in_link = link and (target.count("(") + 1 > target.count(")") or target.count('"') % 2 or target.count("'") % 2)
    return bool(in_link) or "]:" in plain or plain.rfind("![") > plain.rfind("]")
