"""Pure: one line of code -> escaped HTML with a few classes for colour. A look, not a parser: each line stands alone.

Classes: ``k`` keyword, ``s`` string, ``c`` comment, ``d`` number, ``f`` called name, ``x`` the part that changed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

# File endings by the sign that begins a comment to the end of the line.
_HASH = re.compile("py|pyi|rb|sh|bash|zsh|fish|ya?ml|toml|tf|pl|r|jl|exs?|mk|cfg|ini|conf|dockerfile|makefile")
_SLASH = re.compile("c|h|cc|cpp|hpp|cs|java|kts?|scala|go|rs|swift|[mc]?jsx?|tsx?|php|dart|proto|groovy|gradle|s?css")
_DASH = re.compile("sql|lua|hs|elm")
_KEYWORDS = (
    "abstract|and|as|assert|async|await|begin|break|case|catch|class|const|continue|def|default|defer|del|do|elif|else|"
    "elsif|end|enum|except|export|extends|extern|False|false|final|finally|fn|for|foreach|from|func|function|global|go|"
    "goto|if|impl|implements|import|in|instanceof|interface|is|lambda|let|match|mod|module|mut|namespace|new|nil|None|"
    "nonlocal|not|null|or|override|package|pass|private|protected|pub|public|raise|range|return|select|self|static|"
    "struct|super|switch|then|this|throw|throws|trait|True|true|try|type|typeof|undefined|unless|unsafe|until|use|using|"
    "val|var|virtual|void|when|where|while|with|yield"
)
_STRING = r""""(?:\\.|[^"\\])*+"?|'(?:\\.|[^'\\])*+'?|`[^`]*+`?"""
_LONGEST = 2_000


def language_of(path: str) -> str:
    """The lower-case ending of a path, or its name when it has none."""
    return path.rpartition("/")[2].rpartition(".")[2].lower()


def tinted(text: str, language: str, changed: tuple[int, int] | None = None) -> str:
    """``text`` as HTML, everything escaped; ``changed`` is a span of characters to mark. Very long lines are cut."""
    more = len(text) - _LONGEST
    shown = text[:_LONGEST]
    spans = _spans(shown, language)
    pieces: list[str] = []
    at = 0
    for start, stop, name in [*spans, (len(shown), len(shown), "")]:
        pieces.append(_marked(shown, at, start, changed))
        if stop > start:
            pieces.append(f'<span class="{name}">{_marked(shown, start, stop, changed)}</span>')
        at = stop
    return "".join(pieces) + (f'<span class="c"> … {more:,} more characters</span>' if more > 0 else "")


def changed_spans(old: str, new: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The parts of two lines between their common beginning and end; None when they have too little in common."""
    most = min(len(old), len(new), _LONGEST)
    head = next((at for at in range(most) if old[at] != new[at]), most)
    tail = next((at for at in range(most - head) if old[-1 - at] != new[-1 - at]), most - head)
    if (head + tail) * 3 < max(len(old), len(new)) or old == new or not (old[:head] + old[len(old) - tail :]).strip():
        return None
    return (head, len(old) - tail), (head, len(new) - tail)


def _spans(text: str, language: str) -> list[tuple[int, int, str]]:
    rule = _rule(language)
    return [(m.start(), m.end(), m.lastgroup or "") for m in rule.finditer(text)] if rule else []


def _marked(text: str, start: int, stop: int, changed: tuple[int, int] | None) -> str:
    if changed is None or changed[1] <= start or changed[0] >= stop:
        return escape(text[start:stop])
    first, last = max(start, changed[0]), min(stop, changed[1])
    middle = f'<span class="x">{escape(text[first:last])}</span>' if last > first else ""
    return escape(text[start:first]) + middle + escape(text[last:stop])


@lru_cache(maxsize=64)
def _rule(language: str) -> re.Pattern[str] | None:
    if _HASH.fullmatch(language):
        comment = r"(?:(?<=\s)|^)\#.*"
    elif _SLASH.fullmatch(language):
        comment = r"//.*|/\*.*?(?:\*/|$)|^\s*\*(?:\s.*|/|$)"
    elif _DASH.fullmatch(language):
        comment = r"--.*"
    else:
        return None
    called = r"(?<![\w])[A-Za-z_]\w*(?=\()"
    words = rf"\b(?:{_KEYWORDS})\b"
    return re.compile(
        rf"(?P<c>{comment})|(?P<s>{_STRING})|(?P<k>{words})|(?P<f>{called})|(?P<d>(?<![\w.])\d[\w.]*)",
        re.IGNORECASE if language == "sql" else 0,
    )
