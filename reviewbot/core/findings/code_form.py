"""Pure: a line of code -> its form: what is left when names and literals are folded to their kinds.

Kept are key words, signs, the names of what is called, and the numbers 0 and 1. Two lines made after one pattern have
much of their form in common, whatever their names. It is made of pairs and triples of neighbouring tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from typing import Final

Gram = tuple[str, ...]

_MOST_TOKENS, _LONGEST_LINE = 60, 400
_TOKEN: Final = re.compile(
    r"(?P<text>[A-Za-z]{0,2}\"(?:\\.|[^\"\\])*+\"?|[A-Za-z]{0,2}'(?:\\.|[^'\\])*+'?|`[^`]*+`?)"
    r"|(?P<number>\d[\w.]*)|(?P<name>[^\W\d]\w*)|(?P<sign>[=!<>]==?|[-+*/%&|^]=|&&|\|\||[-=]>|\*\*|//|<<|>>|::|[^\w\s])"
)
_REMARK: Final = re.compile(r"(?:#[ !]|//|/\*|\*[ /]|--[ ]|<!--|\"\"\"|''')|(?:#|\*)$")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KEYWORDS: Final = _words(
    """and as assert async await break case catch class const continue def default defer del delete do elif else elsif
    end enum except export extends extern false False final finally fn for foreach from func function go goto if impl
    implements import in instanceof interface is lambda let loop match mod mut namespace new nil None not null or
    override package pass private protected pub public raise range rescue return select static struct super switch
    then throw throws trait true True try type typeof undefined unless unsafe until use using val var void when where
    while with yield"""
)
# What stands in any code and so says nothing of a pattern.
_PLAIN: Final = _words(
    """^ n s # 0 1 . , ( ) [ ] { } = : ; -> => :: return def class func function fn import from const let var public
    private protected static void val pub package use using export"""
)


def grams(line: str) -> tuple[Gram, ...]:
    """The pairs and triples of a line, whose beginning counts as a token; none of a blank line or a remark."""
    text = line.strip()
    if not text or _REMARK.match(text):
        return ()
    tokens = ["^", *_tokens(text[:_LONGEST_LINE])]
    return (*pairwise(tokens), *zip(tokens, tokens[1:], tokens[2:], strict=False))


def weight(found: Iterable[Gram]) -> int:
    """What the grams weigh together: what is called says more than how it is written."""
    return sum(1 + sum(len(token) > 1 and token[-1] == "(" for token in gram) for gram in found)


def telling(found: Iterable[Gram]) -> set[str]:
    """The tokens of the grams that do not stand in any code."""
    return {token for gram in found for token in gram} - _PLAIN


def _tokens(text: str) -> Iterator[str]:
    for found in islice(_TOKEN.finditer(text), _MOST_TOKENS):
        token, kind = found[0], found.lastgroup
        if kind == "name" and token not in _KEYWORDS:
            yield f"{token}(" if text.startswith("(", found.end()) else "n"
        elif kind == "number":
            yield token if token in ("0", "1") else "#"
        elif kind == "text":
            # A text with places to fill in is another thing than a plain one: a query, say.
            filled = "${" in token or ("{" in token and token[0] in "fFrR$")
            yield "filled text" if filled else "s"
        else:
            yield token
