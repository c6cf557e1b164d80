"""Pure: secrets -> stable marks, and back. What leaves for the model, and what is posted, passes here.

Best effort by design: known forms of credentials, and values that a name calls secret and whose letters look random.
All patterns are linear: no nested repetition, bounded lengths.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential found at text[start:stop]; ``kind`` is one upper-case word (``AWS-KEY``)."""

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


_MARK = re.compile(r"\[REDACTED-[A-Z-]{1,40}-[0-9]{1,6}(?:\.[0-9]{1,4})?\]")

# (kind, what must occur before the pattern is worth trying, pattern); a group "secret" is the part that is taken out.
_FORMS = [
    ("PRIVATE-KEY", ("PRIVATE KEY",),
     r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY[A-Z ]{0,9}-----[\s\S]{1,8000}?-----END [A-Z ]{1,30}KEY"),
    ("AWS-KEY", ("AKIA", "ASIA", "ABIA", "ACCA"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    ("GITHUB-TOKEN", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
     r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})\b"),
    ("GITLAB-TOKEN", ("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,64}\b"),
    ("OPENAI-KEY", ("sk-",), r"\bsk-(?:proj-|svcacct-|admin-|ant-[a-z0-9]{1,10}-)?[A-Za-z0-9_-]{20,200}\b"),
    ("SLACK-TOKEN", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,200}\b"),
    ("SLACK-HOOK", ("hooks.slack.com",), r"https://hooks\.slack\.com/services/[A-Za-z0-9/_-]{20,100}"),
    ("STRIPE-KEY", ("_live_", "_test_"), r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,200}\b"),
    ("GOOGLE-KEY", ("AIza",), r"\bAIza[A-Za-z0-9_-]{35}\b"),
    ("GOOGLE-SECRET", ("GOCSPX-",), r"\bGOCSPX-[A-Za-z0-9_-]{20,64}\b"),
    ("SENDGRID-KEY", ("SG.",), r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}\b"),
    ("NPM-TOKEN", ("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("PYPI-TOKEN", ("pypi-",), r"\bpypi-[A-Za-z0-9_-]{50,300}"),
    ("HF-TOKEN", ("hf_",), r"\bhf_[A-Za-z0-9]{30,64}\b"),
    ("JWT", ("eyJ",), r"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}\b"),
    ("URL-PASSWORD", ("://",), r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"<>{}$]{1,100}:(?P<secret>[^\s/:@'\"<>{}$]{3,200})@"),
]  # fmt: skip
_KNOWN = [(kind, hints, re.compile(form)) for kind, hints, form in _FORMS]
_NAMED = re.compile(
    r"(?i)(?:passw(?:or)?d|passphrase|secret|token|api_?-?key|access_?-?key|auth_?-?key|private_?-?key|credentials?)"
    r"['\"]?\s{0,3}(?::=|=>|=|:)\s{0,3}(?:[a-z]{1,2})?['\"`](?P<secret>[^\s'\"`]{8,200})['\"`]"
)
_ENV_LINE = re.compile(
    r"(?im)^[ +-]{0,40}(?:export )?[A-Z0-9_]{0,60}(?:PASSWORD|SECRET|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY)"
    r"(?:=|: {1,3})"
    r"(?P<secret>[^\s'\"`$]{8,200})$"
)
# Values that only name, fetch or explain a secret.
_PLAIN = re.compile(
    r"(?i)^[a-z_.-]+$|[(){}<>$]|^\.|example|change.?me|placeholder|redacted|your[-_]|xxxx|\*\*\*|\.\.\."
)
_HEX = re.compile(r"[0-9a-fA-F]+")
_LEAST_BITS = 3.0


def find_secrets(text: str) -> tuple[Secret, ...]:
    """All credentials of a text in order, without overlaps."""
    found = sorted(_matches(text), key=lambda secret: (secret.start, -secret.stop))
    kept: list[Secret] = []
    for secret in found:
        if not kept or secret.start >= kept[-1].stop:
            kept.append(secret)
    return tuple(kept)


def redact(text: str) -> Redacted:
    """Take the secrets out. The same secret gets the same mark; a secret of several lines keeps their number, with a
    mark on each line and the first character of its line (a diff's ``+`` or ``-``) in place."""
    secrets = find_secrets(text)
    if not secrets:
        return Redacted(text)
    marks: dict[str, str] = {}
    numbers: Counter[str] = Counter()
    parts: list[str] = []
    end = 0
    for secret in secrets:
        parts.append(text[end : secret.start])
        value = text[secret.start : secret.stop]
        if value not in marks:
            numbers[secret.kind] += 1
            marks[value] = f"{secret.kind}-{numbers[secret.kind]}"
        parts.append(_marked(value, marks[value]))
        end = secret.stop
    parts.append(text[end:])
    return Redacted("".join(parts), {mark: line for value, name in marks.items() for mark, line in _pairs(value, name)})


def _pairs(value: str, name: str) -> Iterator[tuple[str, str]]:
    """Mark and secret of each line of a value."""
    lines = value.split("\n")
    if len(lines) == 1:
        yield f"[REDACTED-{name}]", value
        return
    for number, line in enumerate(lines, start=1):
        yield f"[REDACTED-{name}.{number}]", line if number == 1 else line[1:]


def _marked(value: str, name: str) -> str:
    lines = value.split("\n")
    marks = [mark for mark, _ in _pairs(value, name)]
    return "\n".join([marks[0], *(line[:1] + mark for line, mark in zip(lines[1:], marks[1:], strict=True))])


def _matches(text: str) -> Iterator[Secret]:
    for kind, hints, pattern in _KNOWN:
        if not any(hint in text for hint in hints):
            continue
        for found in pattern.finditer(text):
            part = "secret" if "secret" in pattern.groupindex else 0
            yield Secret(kind, *found.span(part))
    for pattern in (_NAMED, _ENV_LINE):
        for found in pattern.finditer(text):
            if _looks_random(found["secret"]):
                yield Secret("SECRET", *found.span("secret"))


def _looks_random(value: str) -> bool:
    """Whether a value that a name calls secret is one, and not a word, a call or an example."""
    if _PLAIN.search(value) or _MARK.fullmatch(value):
        return False
    counts = Counter(value)
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values())
    return bits >= (2.5 if _HEX.fullmatch(value) else _LEAST_BITS) or (
        any(c.isdigit() for c in value) and any(not c.isalnum() for c in value)
    )
