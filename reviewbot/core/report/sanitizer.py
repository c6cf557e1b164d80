"""Pure: the one door for outgoing text. Everything that reviewbot says anywhere has passed one of these functions.

Model output, diffs, paths and titles are written by strangers. Here they become text that calls nobody, links nowhere,
hides nothing and cannot leave its fence. What is taken out stays visible in a harmless form.

The method: code is found first and written anew with delimiters that we choose, so that GitHub's reading of what is
code and what is prose can only be ours; then everything in the prose that would come alive is broken. Entities (only
four are let through) and zero-width breaks written as ``&#8203;`` leave the shown text as it was.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from reviewbot.core.context.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY_LIMIT = 65_536  # GitHub's own, in characters
_MARGIN = 10_000  # read beyond a cut, so that a secret that stands across it is seen as one
_BREAK = "&#8203;"

# Characters that are not seen: controls, format and direction marks, fillers, variation selectors (but one after a
# symbol), private use, tags, lone surrogates. Private use is also what marks held code below, so none may come in.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u070f\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ue000-\uf8ff\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
    "|(?<![\u2100-\u27bf\u2900-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff])\ufe0f"
)

_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([^`]*)")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,20}")
# GitHub draws these fences as something else than code, or offers their text for committing.
_LIVE_LANGUAGES = ("suggestion", "mermaid", "math", "geojson", "topojson", "stl")

# Backslashes are kept before these; before any other punctuation they are dropped, so that the rules below see what
# the reader will see (``\@name`` is a mention).
_KEPT = r"\\`*_\[\](){}!|~$>+"
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{}~]")  # all of ASCII's but the bar, which has a rule of its own
_TICKS_OR_ESCAPE = re.compile(rf"{_ESCAPE.pattern}|(`+)")
_ENTITY = r"&(?:lt|gt|amp|\#124);"
# A bar would cut a code span in a table cell in two, so no address holds one; nor half of an escape or entity.
_URL = rf"(?:[^\s<>|`&\\\ue000\ue001]|&(?!(?:lt|gt|amp|\#124);)|\\[{_KEPT.replace('`', '').replace('|', '')}])*+"
_LIVE = re.compile(
    rf"""(?P<kept>\\[{_KEPT}]|{_ENTITY})
    |(?P<link>!?\[(?P<label>[^\[\]]*+)\]\(\s*+
        (?P<target>[^\s()|\ue000\ue001]++(?:\([^\s()|\ue000\ue001]*+\)[^\s()|\ue000\ue001]*+)*+)?(?:\s[^()|]*+)?\))
    |<(?P<auto>[a-z][a-z0-9+.-]{{1,31}}:[^\s<>|\ue000\ue001]*)>
    |(?P<url>(?:[a-z][a-z0-9+.-]{{1,30}}://|(?<![a-z0-9])www\.|mailto:|xmpp:){_URL})
    |(?P<less><)|(?P<amp>&(?=[a-z\#]))
    |(?P<name>(?:@|\#|\bgh-)&\#8203;|(?:@|\bgh-)(?=[a-z0-9])|\#(?=[0-9]))
    |(?P<mark>[\[$]|~{{3,}})""",
    re.VERBOSE | re.IGNORECASE,
)
_HELD = re.compile("\ue000([0-9]+)\ue001")
_URL_TAIL = re.compile(r"""[.,;:!?'")\]}*_~]+$""")
_PLAIN_URL = re.compile(r"https://[A-Za-z0-9._~:/?#!$'*+,;=%-]+")
# A page that GitHub would turn into a cross reference, or close, when it is named.
_REFERENCE_PAGE = re.compile(r"/(?:issues|pull|pulls|discussions|commit|compare)(?:/|$)")

_MARKERS = re.compile(r"(?:[ \t]*(?:>|(?:[-*+]|[0-9]{1,9}[.)])(?=[ \t])))*+[ \t]*")
_MARKER = re.compile(r"[ \t]*(?:>|(?:[-*+]|[0-9]{1,9}[.)]))")
_MAX_DEPTH = 6
_COMMAND = re.compile(r"[/!](?=[A-Za-z])")
_ROW_CHARACTERS = frozenset("|:- \t>*+.)0123456789")

_CODE_COMMAND = re.compile(r"^([ \t]*)/(?=[a-z][a-z0-9_-]*(?:\s|$))", re.IGNORECASE | re.MULTILINE)
_BOTS = (
    "dependabot|renovate|copilot|github-actions|coderabbitai|claude|codex|chatgpt|cursor|cursoragent|gemini|sourcery-ai|"
    "greptileai|devin-ai-integration|mergify|mergifyio|bors|homu|rust-highfive|rustbot|k8s-ci-robot|stale|snyk|sonarcloud|"
    "pullapprove|kodiakhq|allcontributors|probot|reviewbot|openhands|openhands-agent|jules|qodo-merge-pro|ellipsis-dev"
)
_CODE_BOT = re.compile(rf"@(?=(?:{_BOTS})(?![A-Za-z0-9-])|[A-Za-z0-9-]{{1,40}}\[bot\])", re.IGNORECASE)
_CODE_MARKER = re.compile(r"<!--(?=\s*reviewbot)", re.IGNORECASE)


def sanitize_plain(text: str, *, limit: int = BODY_LIMIT) -> str:
    """``text`` for places that show plain text: annotations, titles, terminals. Line breaks and tabs stay.

    Hidden characters are shown as ``\\u202e``, control characters are gone, secrets are masked; at most ``limit``
    characters come back, a cut ending in ``…``.
    """
    read = limit + _MARGIN
    return _shortened(_masked(_visible(text[:read])), limit, more=len(text) > read)


def sanitize_markdown(text: str, *, allowed_hosts: frozenset[str] = frozenset(), limit: int = BODY_LIMIT) -> str:
    """``text`` as Markdown blocks that are harmless on GitHub; sanitising the result again changes nothing.

    Links are kept only to ``https`` pages of ``allowed_hosts`` that are no issue, pull request or commit; others are
    shown as code. A text over ``limit`` characters is cut between lines, says so, and every fence is closed.
    """
    parts = list(_parts(_masked(_visible(text[: limit * 4])), allowed_hosts))
    whole = "\n".join(part.text for part in parts).rstrip("\n")
    return whole if len(whole) <= limit and len(text) <= limit * 4 else _cut(parts, len(text), allowed_hosts, limit)


def sanitize_inline(text: str, *, limit: int = 200) -> str:
    """``text`` as one line of Markdown that can stand in bold, in a list item or in a table cell."""
    return _prose(_folded(text, limit), frozenset(), inline=True)


def code_span(text: str, *, limit: int = 300) -> str:
    """``text`` as a code span on one line (a path, say); safe in a table cell. Empty stays empty."""
    folded = _folded(text, limit)
    if not folded:
        return ""
    return _escaped(folded) if "|" in folded else _span(folded)


def code_block(text: str, language: str = "") -> str:
    """``text`` in a fence longer than any run of backticks in it. Commands to bots in it are broken by a blank."""
    return _fenced(_code_text(_masked(_visible(text))), language)


def suggestion_block(text: str) -> str | None:
    """``text`` as a suggestion that GitHub can commit, or None when this door would have to change a character of it
    (a secret or the mark of one, a hidden character, a command to a bot): what is committed must be what was proved.
    ``""`` deletes the lines."""
    plain = text.replace("\r\n", "\n")
    if "[REDACTED-" in plain or _code_text(_masked(_visible(plain))) != plain:
        return None
    fence = _fence_for(plain)
    return f"{fence}suggestion\n{plain}{'' if not plain or plain.endswith(chr(10)) else chr(10)}{fence}"


def _visible(text: str) -> str:
    return _HIDDEN.sub(_shown, text.replace("\r\n", "\n").replace("\r", "\n"))


def _masked(text: str) -> str:
    """``text`` without secrets; also without those that show only once the Markdown escapes in them are read."""
    masked = redact(text).text
    bare = _ESCAPE.sub(r"\1", masked) if "\\" in masked else masked
    hidden = redact(bare).text
    return masked if hidden == bare else hidden


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0xA0:
        return ""
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _folded(text: str, limit: int) -> str:
    """``text`` on one line, visible, masked and short."""
    read = limit * 4 + _MARGIN
    return _shortened(" ".join(_masked(_visible(text[:read])).split()), limit, more=len(text) > read)


def _shortened(text: str, limit: int, *, more: bool) -> str:
    return text if len(text) <= limit and not more else text[: max(limit - 1, 0)].rstrip() + "…"


class _Part(NamedTuple):
    """A prose line, or a whole code block; ``raw`` is what it was made from, ``language`` None for prose."""

    text: str
    raw: str
    language: str | None = None


def _parts(text: str, hosts: frozenset[str]) -> Iterator[_Part]:
    """Prose lines and code blocks in order, a blank line round each block, no two blank lines in a row."""
    blank = True
    lines = iter(text.strip("\n").split("\n"))
    for line in lines:
        opener = _FENCE.fullmatch(line)
        if opener is None:
            prose = _prose(line, hosts) if line.strip() else ""
            if prose or not blank:
                yield _Part(prose, line)
            blank = not prose
            continue
        if not blank:
            yield _Part("", "")
        raw = "\n".join(_fence_body(lines, opener))
        language = _language(opener[3])
        yield _Part(_fenced(_code_text(raw), language), raw, language)
        yield _Part("", "")
        blank = True


def _fence_body(lines: Iterator[str], opener: re.Match[str]) -> Iterator[str]:
    """The lines up to the fence that closes ``opener``, or to the end, less the opener's indentation."""
    indent, mark = len(opener[1]), opener[2]
    close = re.compile(rf"[ \t]{{0,{indent + 3}}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*")
    for line in lines:
        if close.fullmatch(line):
            return
        shown = line.lstrip(" \t")
        yield line[min(indent, len(line) - len(shown)) :]


def _language(info: str) -> str:
    found = _LANGUAGE.match(info)
    word = found[0] if found else ""
    return "" if word.lower().startswith(_LIVE_LANGUAGES) else word


def _code_text(text: str) -> str:
    """Code that other bots, and we ourselves, will not take for an order or a marker."""
    text = _CODE_MARKER.sub("<! --", text)
    return _CODE_COMMAND.sub(r"\1/ ", _CODE_BOT.sub("@ ", text))


def _fence_for(text: str) -> str:
    return "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])


def _fenced(text: str, language: str) -> str:
    fence = _fence_for(text)
    body = text.removesuffix("\n")
    return f"{fence}{_language(language)}\n{body}\n{fence}" if body else f"{fence}{_language(language)}\n{fence}"


def _span(content: str) -> str:
    """A code span round ``content``, with the shortest delimiter that does not occur in it."""
    runs = {len(run) for run in re.findall("`+", content)}
    ticks = "`" * next(size for size in range(1, len(runs) + 2) if size not in runs)
    blank_ends = content.strip(" ") and content.startswith(" ") and content.endswith(" ")
    pad = " " if content.startswith("`") or content.endswith("`") or blank_ends else ""
    return f"{ticks}{pad}{content}{pad}{ticks}"


def _prose(line: str, hosts: frozenset[str], *, inline: bool = False) -> str:
    """One line of prose, defused. ``inline`` lines may also stand in bold and in table cells."""
    held: list[str] = []
    text = _hold_code(line, held, inline=inline)
    text = _LIVE.sub(lambda match: _defused(match, hosts, held), text)
    text = _escape_inline(text) if inline else _line_start(text)
    out = [""]
    last = 0
    for match in _HELD.finditer(text):
        before = text[last : match.start()] or out[-1]
        # Two runs of backticks must not grow together, nor may a backslash escape the first of them.
        apart = " " if before.endswith("`") or (len(before) - len(before.rstrip("\\"))) % 2 else ""
        out += [text[last : match.start()], apart + held[int(match[1])]]
        last = match.end()
    return "".join([*out, text[last:]])


def _hold(markup: str, held: list[str]) -> str:
    held.append(markup)
    return f"\ue000{len(held) - 1}\ue001"


def _hold_code(line: str, held: list[str], *, inline: bool) -> str:
    """``line`` with code spans set aside, stray backticks escaped, and needless backslashes dropped."""
    out: list[str] = []
    at = 0
    while match := _TICKS_OR_ESCAPE.search(line, at):
        out.append(line[at : match.start()])
        at = match.end()
        if match[1]:
            out.append(match[0] if re.match(f"[{_KEPT}]", match[1]) else match[1])
            continue
        size = len(match[2])
        close = re.compile(rf"(?<!`)`{{{size}}}(?!`)").search(line, at)
        if close is None:
            out.append("\\`" * size)
            continue
        content = line[at : close.start()]
        if content.strip(" ") and content.startswith(" ") and content.endswith(" "):
            content = content[1:-1]
        content = _code_text(content)
        out.append(_hold(_escaped(content) if inline and "|" in content else _span(content), held))
        at = close.end()
    out.append(line[at:])
    return "".join(out)


def _defused(match: re.Match[str], hosts: frozenset[str], held: list[str]) -> str:
    """What stands in the place of one live thing."""
    found = match[0]
    match match.lastgroup:
        case "link":
            shown = _link(match, hosts, held)
        case "auto":
            shown = _url(match["auto"], hosts, held)
        case "url":
            tail = _URL_TAIL.search(found)
            end = tail[0] if tail else ""
            rest = _LIVE.sub(lambda inner: _defused(inner, hosts, held), end)
            shown = _url(found.removesuffix(end), hosts, held) + rest
        case "less":
            shown = "&lt;"
        case "amp":
            shown = "&amp;"
        case "name":
            shown = found if found.endswith(_BREAK) else found + _BREAK
        case "mark":
            shown = "".join("\\" + character for character in found)
        case _:
            shown = found
    return shown


def _link(match: re.Match[str], hosts: frozenset[str], held: list[str]) -> str:
    """A link as its text and its address; an image likewise, with the word for it."""
    label = _LIVE.sub(lambda inner: _defused(inner, hosts, held), match["label"]).strip()
    target = _ESCAPE.sub(r"\1", (match["target"] or "").strip("<>"))
    image = match[0].startswith("!")
    if target and not image and _allowed(target, hosts):
        return _hold(f"[{label or target}]({target})", held) if not _HELD.search(label) else f"{label} ({target})"
    shown = _hold(_span(_code_text(target)), held) if target else ""
    if image:
        shown = f"image: {shown}" if shown else "image"
    return f"{label} ({shown})" if label and shown else label or shown


def _url(url: str, hosts: frozenset[str], held: list[str]) -> str:
    plain = _ESCAPE.sub(r"\1", url)
    return _hold(plain if _allowed(plain, hosts) else _span(_code_text(plain)), held)


def _allowed(url: str, hosts: frozenset[str]) -> bool:
    if not hosts or not _PLAIN_URL.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.netloc.lower() in hosts and not _REFERENCE_PAGE.search(parts.path)


def _line_start(line: str) -> str:
    """No command at the start of a line, no row that makes a table (its cells would cut code spans in two), and no
    deeper nesting than a reader can follow."""
    markers = _MARKERS.match(line)
    lead = markers[0] if markers else ""
    rest = line[len(lead) :]
    each = _MARKER.findall(lead)
    if len(each) > _MAX_DEPTH:
        lead = "".join(each[:_MAX_DEPTH]) + " "
    if _COMMAND.match(rest):
        rest = "\\" + rest
    line = lead + rest
    if "-" in line and ("|" in line or ":" in line) and _ROW_CHARACTERS.issuperset(line):
        first = min(line.index(mark) for mark in "|:-" if mark in line)
        line = f"{line[:first]}\\{line[first:]}"
    return line


def _escape_inline(text: str) -> str:
    """No emphasis and no cell border of its own."""
    return re.sub(r"\\.|[*_]|\|", lambda m: {"*": r"\*", "_": r"\_", "|": "&#124;"}.get(m[0], m[0]), text)


def _escaped(code: str) -> str:
    """Code as prose that shows the same characters, for cells that a border in a code span would break."""
    return _prose(_PUNCTUATION.sub(r"\\\g<0>", code), frozenset(), inline=True)


def _cut(parts: list[_Part], length: int, hosts: frozenset[str], limit: int) -> str:
    """As many parts as fit, then a sentence that says so. A part that does not fit is cut and made anew."""
    notice = f"*… cut: this text was {length:,} characters long.*"
    room = limit - len(notice) - 2
    out: list[str] = []
    for part in parts:
        if len(part.text) + 1 > room:
            out.append(_shorter(part, room - 1, hosts))
            break
        out.append(part.text)
        room -= len(part.text) + 1
    return "\n".join([*out, "", notice]).lstrip("\n")[:limit]


def _shorter(part: _Part, room: int, hosts: frozenset[str]) -> str:
    """A beginning of ``part`` whose finished text fits: whole lines of code, or as much of a line as there is room."""
    raw = part.raw[: max(room, 0)]
    while raw:
        text = _prose(raw, hosts) if part.language is None else _fenced(_code_text(raw), part.language)
        if len(text) <= room:
            return text
        raw = raw[: min(len(raw) * room // len(text), len(raw) - 1)]
        if part.language is not None:
            raw = raw.rpartition("\n")[0]
    return ""
