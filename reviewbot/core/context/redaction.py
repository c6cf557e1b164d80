"""Pure: secrets -> stable marks, and back. What leaves for the model, and what is posted, passes here.

Best effort by design: known forms of credentials, and values that a name calls secret and that do not read as words.
Only the credential itself is taken out, never what stands between two marks of a key: code that says it is inside a
private key is still shown. All patterns are linear: no nested repetition, bounded lengths.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential found at text[start:stop], inside one line; ``kind`` is one upper-case word (``AWS-KEY``)."""

    kind: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text with marks in the place of its secrets; ``secrets`` maps each mark to what it stands for."""

    text: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def restore(self, text: str) -> str:
        """``text`` with every known mark replaced by its secret."""
        if not self.secrets:
            return text
        return _MARK.sub(lambda found: self.secrets.get(found[0], found[0]), text)


_MARK = re.compile(r"\[REDACTED-[A-Z-]{1,40}-[0-9]{1,6}\]")
# Where a token may begin: not inside a word, but behind ``\n``, ``%3D`` and ``\u0022`` too.
_EDGE = r"(?:(?<![A-Za-z0-9])|(?<=\\[abfnrtv])|(?<=%[0-9A-F]{2})|(?<=\\u00[0-9A-Fa-f]{2}))"

# (kind, words of which one must be in the text, pattern); where there is a group "secret", only that part is taken out.
# An ``@`` in front stands for _EDGE.
_FORMS = [
    ("AWS-KEY", "AKIA ASIA ABIA ACCA", r"@(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    (
        "GITHUB-TOKEN",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"@(?:gh[pousr]_[A-Za-z0-9_]{30,255}|github_pat_[A-Za-z0-9_]{22,255})",
    ),
    ("GITLAB-TOKEN", "glpat-", r"@glpat-[A-Za-z0-9_-]{20,64}"),
    ("OPENAI-KEY", "sk-", r"@sk-(?=[A-Za-z_-]{0,40}[0-9])(?=[a-z0-9_-]{0,40}[A-Z])[A-Za-z0-9_-]{20,250}"),
    ("SLACK-TOKEN", "xox xapp-", r"@x(?:ox[abeoprs]|app)-[A-Za-z0-9-]{10,200}"),
    ("SLACK-HOOK", "hooks.slack", r"hooks\.slack\.com/services/(?P<secret>[A-Za-z0-9/_-]{20,100})"),
    ("STRIPE-KEY", "k_live_ k_test_ whsec_", r"@(?:(?:sk|rk)_(?:live|test)|whsec)_[A-Za-z0-9]{16,200}"),
    ("GOOGLE-KEY", "AIza", r"@AIza[A-Za-z0-9_-]{35}"),
    ("GOOGLE-SECRET", "GOCSPX-", r"@GOCSPX-[A-Za-z0-9_-]{20,64}"),
    ("SENDGRID-KEY", "SG.", r"@SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}"),
    ("NPM-TOKEN", "npm_", r"@npm_[A-Za-z0-9]{36}\b"),
    ("PYPI-TOKEN", "pypi-", r"@pypi-[A-Za-z0-9_-]{50,300}"),
    ("HF-TOKEN", "hf_", r"@hf_[A-Za-z0-9]{30,64}\b"),
    ("AZURE-KEY", "AccountKey=", r"AccountKey=(?P<secret>[A-Za-z0-9+/=]{40,100})"),
    ("JWT", "eyJ", r"@eyJ[A-Za-z0-9_-]{10,2000}+\.eyJ[A-Za-z0-9_-]{10,4000}+\.[A-Za-z0-9_-]{10,1000}"),
    ("URL-PASSWORD", "://", r"(?<=://)[^\s/:@'\"<>{}]{0,100}:(?![$%*]|\[REDACTED-)(?P<secret>[^\s/@'\"<>{}]{3,200})@"),
]
_KNOWN = [
    (kind, needles.split(), re.compile(form.replace("@", _EDGE, form[0] == "@"))) for kind, needles, form in _FORMS
]
_NAMED = re.compile(
    r"(?im)(?:passw(?:or)?d|passphrase|secret|token|(?:api|access|auth|private|signing|encryption)[_-]?key|credential)"
    r"[\w-]{0,30}['\"\]]{0,2}(?:[ \t]{0,2}:[ \t]{0,2}[\w.|\[\]]{1,30})?"
    r"(?:>(?P<element>[^\s'\"<>]{6,200})</|[ \t]{0,3}(?::=|=>|=|:|value=)[ \t]{0,3}"
    r"(?:[a-z]{0,2}['\"`](?P<quoted>[^\s'\"`]{6,200})['\"`]"
    r"|(?P<bare>[^\s'\"`,;(){}\[\]<>]{8,200})(?:[ \t\r]{0,9}$|[ \t]{1,9}#)))"
)
_BEARER = re.compile(r"(?i)\b(?:bearer|basic)[ \t]+(?P<bare>[A-Za-z0-9._~+/=-]{20,500})")
# Values that fetch or explain a secret; and words, also joined by capitals or punctuation, with a short number perhaps.
_PLAIN = re.compile(
    r"(?i)^[$%]|\$[({]|\{\{|^[<{].*[>}]$|<\w+>|example|change.?me|placeholder|redacted|^your[-_]|xxxx|\*\*\*|\.\.\.|://"
)
_WORDS = re.compile(
    r"(?>[A-Z]{0,6}[a-z]{2,}|[A-Z]{2,})++[A-Z]?|[a-z]+|(?>[A-Za-z]*[0-9]{0,4}[-_./:]+)++[A-Za-z]*[0-9]{0,4}"
)
_NO_LETTER = re.compile(r"[0-9!@#%^&*?$~]")
_VALUE = re.compile(r"[A-Za-z0-9+/_.~!@#$%^&*-]{8,}={0,2}")
_LEAST_BITS = 2.4  # per character; eight letters with two the same have 2.75

_KEY_HEAD = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_KEY_GAP = r"(?:\\[nr]|\n[-+ ]?|[ \t\r\"'`#*,;|+\\]){0,200}+"
_KEY_ROW = re.compile(
    rf"{_KEY_GAP}(?:[A-Z][A-Za-z-]{{3,20}}: [^\n\\]{{0,100}}{_KEY_GAP}){{0,4}}+"
    r"(?P<row>[A-Za-z0-9+/]{24,}={0,2}|[A-Za-z0-9+/=]{1,64}(?=(?:\\[nr]|\n[-+ ]?|[ \t\r\"'+,])*+-{4,5}END))"
)
_PEM_LINE = re.compile(r"(?m)^[-+ ]?[ \t]{0,20}(?=[^\n]{0,64}[G-Zg-z+/])(?P<row>[A-Za-z0-9+/]{64})\r?$")


def find_secrets(text: str, known: Collection[str] = ()) -> tuple[Secret, ...]:
    """All credentials of a text in order, without overlaps; those ``known`` to be some are among them."""
    told = (Secret("SECRET", *at.span()) for value in known for at in re.finditer(re.escape(value), text))
    all_found = (*_by_form(text), *_keys(text), *_by_name(text), *told)
    found = sorted(all_found, key=lambda secret: (secret.start, -secret.stop))
    kept: list[Secret] = []
    for secret in found:
        if not kept or secret.start >= kept[-1].stop:
            kept.append(secret)
    return tuple(kept)


def redact(text: str, known: Collection[str] = ()) -> Redacted:
    """Take the secrets out, ``known`` ones too: the same secret gets the same mark, and no line is added or lost. Marks
    are numbered in the order of the text, so that texts with the same beginning have the same marks in it."""
    marks: dict[str, str] = {}
    written = set(_MARK.findall(text))  # words that only look like a mark must not be restored to a secret
    numbers: Counter[str] = Counter()
    parts: list[str] = []
    end = 0
    for secret in find_secrets(text, known):
        value = text[secret.start : secret.stop]
        while value not in marks:
            numbers[secret.kind] += 1
            mark = f"[REDACTED-{secret.kind}-{numbers[secret.kind]}]"
            if mark not in written:
                marks[value] = mark
        parts += [text[end : secret.start], marks[value]]
        end = secret.stop
    return Redacted("".join((*parts, text[end:])), {mark: value for value, mark in marks.items()})


def secrets_of(line: str) -> tuple[str, ...]:
    """What may be the secret in a line that is said to hold one: the values that look like it, else the longest."""
    values = _VALUE.findall(line)
    return tuple(value for value in values if _looks_random(value)) or tuple(sorted(values, key=len)[-1:])


def _by_form(text: str) -> Iterator[Secret]:
    for kind, needles, pattern in _KNOWN:
        if any(needle in text for needle in needles):
            for found in pattern.finditer(text):
                yield Secret(kind, *found.span("secret" if "secret" in pattern.groupindex else 0))


def _keys(text: str) -> Iterator[Secret]:
    """The rows of private keys, also those that are one string with escaped line ends, and of PEM text cut short."""
    for head in _KEY_HEAD.finditer(text):
        row = _KEY_ROW.match(text, head.end())
        while row is not None:
            yield Secret("PRIVATE-KEY", *row.span("row"))
            row = _KEY_ROW.match(text, row.end())
    for found in _PEM_LINE.finditer(text):
        yield Secret("PRIVATE-KEY", *found.span("row"))


def _by_name(text: str) -> Iterator[Secret]:
    for found in (*_NAMED.finditer(text), *_BEARER.finditer(text)):
        group = found.lastgroup or "bare"
        if _looks_random(found[group]):
            yield Secret("SECRET", *found.span(group))


def _looks_random(value: str) -> bool:
    """Whether a value that a name calls secret is one, and not a word, a call or an example."""
    if (len(value) < 32 and _PLAIN.search(value)) or _WORDS.fullmatch(value) or _MARK.search(value):
        return False
    counts = Counter(value)
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values())
    kinds = sum(any(map(kind, value)) for kind in (str.islower, str.isupper, _NO_LETTER.search))
    return kinds > 1 and bits >= _LEAST_BITS
