"""Pure: title and body of a finding -> Wording, and how alike two of them are: the bounded step for rewording.

A model never says the same thing twice in the same words. What stays is the kind of defect (null, leak, race …), the
names in the code, and numbers. So words are brought to a stem, words that mean one kind of defect become one, names
and kinds weigh more than plain words, and what two short titles contradict each other in (a number, a negation, first
against last) counts against them. No list can be complete: the place in the code decides how much likeness is asked.
The words are English; in another language only names, numbers and equal words count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

LONGEST_TEXT: Final = 4_000  # characters that are looked at, of text that strangers may have written
MOST_WORDS: Final = 400

_CODE: Final = re.compile(r"`([^`\n]{1,200})`")
_TOKEN: Final = re.compile(r"[^\W\d_]+(?:'t)?|\d+(?:\.\d+)?|[.!?]+(?=\s|$)")
_NAME: Final = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_+|\.")
# In plain prose a name is known by its form: snake_case, camelCase, dotted.call, call().
_NAME_IN_PROSE: Final = re.compile(
    r"\b[A-Za-z_][\w]*_\w+\b|\b[a-z]+[A-Z]\w*\b|\b[A-Za-z_]\w*(?:\.[A-Za-z_]\w+)+\b|\b[A-Za-z_]\w*(?=\()"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOP: Final = _words(
    """a an the this that these those it its is are was were be been being am do does did done of in on at to for from
    by with as and or but if then else so than too very can could may might will would shall should must have has had
    here there where when which who whom whose what why how all any each every some other another such only also just
    into onto over under up down out off about because since while until though although otherwise instead rather
    e.g i.e use uses used using call calls called caller callers function functions method code line value values get
    gets give gives given make makes made let lets need needs needed pass passed result results thing things case cases
    one way you we they he she your our their them us either both still even ever again now already yet per via itself
    itself's however therefore thus hence between through after before during against like same see set
    look looks notice noticed please change changes changed reading review seems seem probably likely really
    simply currently"""
)
_PLAIN_NEGATORS: Final = _words(
    "no not never without cannot neither nor isn't doesn't can't won't don't didn't aren't wasn't shouldn't hasn't"
)
_NEGATORS: Final = _PLAIN_NEGATORS | _words("missing lack lacks lacking nothing nobody none fail fails forget forgets")

# Words that mean one kind of defect or one part of it. The stem of each is looked up, so that one form is enough.
_KINDS: Final[dict[str, str]] = {
    "null": "null none nil undefined nonetype nullable dereference subscripted optional",
    "empty": "empty emptiness blank",
    "zero": "zero zerodivision zerodivisionerror division dividing divide divisor denominator",
    "inject": "injection inject interpolate interpolated concatenate concatenated parameterized parameterised "
    "placeholder placeholders crafted sql bind",
    "shell": "shell subprocess popen commandline",
    "leak": "leak leaks close closed closing unclosed release released dispose descriptor",
    "race": "race racy atomic atomically thread threads concurrent concurrency concurrently lock locked mutex "
    "synchronised synchronized unsynchronised unsynchronized simultaneously goroutine interleave",
    "deadlock": "deadlock deadlocks unlock",
    "endless": "timeout timeouts hang hangs hanging forever indefinitely stall stalled stalls stuck unresponsive block "
    "blocks blocked endless",
    "bounds": "bounds range offbyone skipped skips skip beyond past overrun inclusive exclusive",
    "growth": "unbounded grows grow growth evict evicted eviction memory lru maximum accumulate accumulates",
    "escape": "escape escaped unescaped escaping quote quoted quoting unquoted urlencode sanitize sanitise",
    "encoding": "encoding encode encoded encodable charset utf unicode ascii locale decode",
    "secret": "secret secrets token tokens credential credentials password passwords bearer",
    "log": "log logs logged logging print printed printing prints stdout output",
    "pickle": "pickle pickles unpickling deserialization deserialize deserialise deserializing deserialisation",
    "tls": "tls ssl certificate certificates https mitm",
    "html": "xss html markup script scripts innerhtml crosssite",
    "equality": "compare compares compared comparison comparing equality equal equals identity",
    "coercion": "coercion coerce implicit conversion loose strict",
    "mutation": "mutate mutates mutated mutable modify modified modifies inplace mutation sideeffect",
    "async": "await awaits awaited async promise promises callback callbacks asynchronous",
    "precision": "round rounded rounding precision decimal decimals truncation digit digits",
    "retry": "retry retries retried backoff jitter attempt attempts",
    "swallow": "swallow swallowed swallows swallowing hide hides hidden mask masks silent silently silence ignored "
    "ignores ignore discarded discard dropped drops drop unnoticed lost unhandled unchecked",
    "wildcard": "wildcard wildcards pattern",
    "negative": "negative below minus",
    "portable": "portable portability platform platforms windows unix",
    "default": "default defaults",
    "order": "order reversed opposite ascending descending sort sorted",
    "test": "assert asserts assertion assertions test tests",
    "docs": "document documented documentation docstring unclear comment",
    "exit": "exit exits terminate terminates fatal kill kills",
}
_GENERIC: Final[dict[str, str]] = {
    "fail": "fail fails failed failing failure crash crashes error errors exception exceptions raise raises raised "
    "throw throws blow breaks break broken typeerror valueerror indexerror",
    "check": "check checked checks checking guard guards validate validated validation verify verified verification "
    "ensure handle handled handling handles inspect inspected",
    "wrong": "wrong incorrect invalid bad unexpected malformed bug",
    "many": "many several multiple all every",
}
_OPPOSITES: Final = (
    ("first", "last"), ("start", "end"), ("before", "after"), ("min", "max"), ("minimum", "maximum"), ("read", "write"),
    ("upper", "lower"), ("left", "right"), ("early", "late"), ("more", "less"), ("encode", "decode"),
    ("lock", "unlock"), ("high", "low"), ("old", "new"), ("input", "output"), ("request", "response"),
    ("add", "remove"),
)  # fmt: skip


def _stem(word: str) -> str:
    """A crude stem, cut to six letters: ``validation`` and ``validated`` are one; so are some that are not."""
    for ending in ("'t", "ies", "ing", "ed", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + ("y" if ending == "ies" else "")
            break
    return (word[:-1] if word.endswith("e") and len(word) > 3 else word)[:6]


_KIND_OF: Final = {_stem(word): f"={kind}" for kind, words in _KINDS.items() for word in words.split()} | {
    _stem(word): f"~{kind}" for kind, words in _GENERIC.items() for word in words.split()
}
_OPPOSITE_OF: Final = {_stem(a): _stem(b) for pair in _OPPOSITES for a, b in (pair, pair[::-1])}
_WEIGHTS: Final = {"=": 2.5, "~": 0.5, "`": 1.5, "#": 1.0}  # a kind, a generic word, a name, a number; a plain word 1
_IN_TITLE: Final = 1.5


@dataclass(frozen=True, slots=True)
class Wording:
    """What a text is about: its terms with their weights, the terms of its title, and the negated ones in it."""

    terms: dict[str, float]
    title: frozenset[str]
    negated: frozenset[str]

    @property
    def weight(self) -> float:
        return sum(self.terms.values())

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(term for term in self.terms if term.startswith("="))


@lru_cache(maxsize=4_096)
def wording(title: str, body: str) -> Wording:
    """The terms of a finding's text; each counts once, those of the title more."""
    heading, negated = _terms(title)
    rest, _ = _terms(body)
    terms = {term: _weight(term) for term in rest} | {term: _weight(term) * _IN_TITLE for term in heading}
    return Wording(terms, frozenset(heading), negated)


def likeness(a: Wording, b: Wording) -> float:
    """How alike two texts are, 0 to 1: the mean of the shared part of the shorter one and of both; less when their
    titles contradict each other."""
    least, whole = min(a.weight, b.weight), a.weight + b.weight
    if not least:
        return 0.0
    shared = sum(min(weight, b.terms[term]) for term, weight in a.terms.items() if term in b.terms)
    score = (min(1.0, shared / least) + 2 * shared / whole) / 2
    return score * (0.5 if contradict(a, b) else 1.0)


def contradict(a: Wording, b: Wording) -> bool:
    """Whether two titles say nearly the same but for a number, an opposite, the name it is about, or a negation."""
    one, other = _without_twins(a.title), _without_twins(b.title)
    both, most = one & other, max(len(one), len(other))
    mine, others = one - both, other - both
    if not both or len(both) * 2 < most:
        return False
    if any(_has(mine, mark) and _has(others, mark) for mark in "#`"):
        return True
    if not mine and not others:
        return a.negated != b.negated
    return len(both) * 3 >= most * 2 and any(_OPPOSITE_OF.get(term) in others for term in mine)


def _without_twins(terms: frozenset[str]) -> frozenset[str]:
    """The terms without the plain words that are only parts of a name among them."""
    names = [term for term in terms if term[0] == "`"]
    return frozenset(term for term in terms if term[0] in "`#=~" or not any(term in name for name in names))


def _has(terms: frozenset[str], mark: str) -> bool:
    return any(term[0] == mark for term in terms)


def _weight(term: str) -> float:
    return _WEIGHTS.get(term[0], 1.0)


def _terms(text: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """The terms of a text, each once, and those that are negated."""
    text = text[:LONGEST_TEXT].replace("\u2019", "'")
    names = [name for code in _CODE.findall(text) for name in _NAME.findall(code)]
    prose = _CODE.sub(" , ", text)
    names += _NAME_IN_PROSE.findall(prose)
    terms = dict.fromkeys(f"`{name.lower()}" for name in names)
    words = [part for name in names for part in _CAMEL.split(name)]
    terms |= dict.fromkeys(term for word in words if (term := _term(word.lower())))
    negated: set[str] = set()
    reach = 0
    for token in _TOKEN.findall(re.sub(r"[Oo]ff[- ]by[- ]one", "offbyone", prose).lower())[:MOST_WORDS]:
        if token in _NEGATORS:
            reach = 3
        term = _term(token)
        if token[0] in ".!?":
            reach = 0
        elif term:
            terms[term] = None
            if reach and token not in _NEGATORS:
                negated.add(term)
                reach -= 1
    return tuple(terms), frozenset(negated)


def _term(word: str) -> str:
    """The term of one word; empty when it says nothing."""
    if not word or word[0] in ".!?":
        return ""
    if word[0].isdigit():
        return f"#{word}"
    if word in _STOP or word in _PLAIN_NEGATORS or len(word) < 2:
        return ""
    stem = _stem(word)
    return _KIND_OF.get(stem, stem)
