"""What each rule of each analyzer is worth to a review: bugs and security, and quiet about taste.

A rule is found by the longest key that it begins with, a key with "@" only for that weight; one that no key fits is
worth what the analyzer's own weight of it says, and nothing where that is not in the table either. Certain ones are
told even when the model is silent, so they are those that a strict reviewer would never let pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from reviewbot.core.context.evidence import Level


@dataclass(frozen=True, slots=True)
class Worth:
    """How much is made of a rule; see `Diagnostic`. ``once`` counts only the first in a file: the others follow from
    it, as with errors of syntax."""

    level: Level
    category: str = "bug"
    certain: bool = False
    once: bool = False


BUG: Final = Worth("error", certain=True)
SYNTAX: Final = Worth("error", certain=True, once=True)
LIKELY: Final = Worth("warning")
HINT: Final = Worth("note")
LEFTOVER: Final = Worth("warning", certain=True)
DANGER: Final = Worth("error", "security", certain=True)
RISK: Final = Worth("warning", "security")
RACE: Final = Worth("warning", "concurrency")
SLOW: Final = Worth("warning", "performance")
NOTHING: Final = None

Table = Mapping[str, Worth | None]


def _all(worth: Worth | None, rules: str) -> Iterable[tuple[str, Worth | None]]:
    return ((rule, worth) for rule in rules.split())


RUFF: Final[Table] = dict(
    [
        *_all(SYNTAX, "invalid-syntax E9"),
        *_all(NOTHING, "E902"),  # a file that is not text
        # F: formats that do not fit, comparisons with literals, statements out of place, names that are not there.
        *_all(BUG, "F50 F521 F523 F524 F525 F631 F632 F633 F634 F70 F821 F823"),
        *_all(LIKELY, "F502 F503 F504 F522 F601 F602 F621 F622 F811 F822"),
        *_all(HINT, "F841"),
        # PLE: errors of pylint; the one about direction of text is how code is made to look like other code.
        *_all(LIKELY, "PLE"),
        *_all(BUG, "PLE0101 PLE0116 PLE0117 PLE0118 PLE0237 PLE1132 PLE1142 PLE1205 PLE1206 PLE1300 PLE1307 PLE1700"),
        *_all(DANGER, "PLE2502"),
        *_all(LIKELY, "PLW0127 PLW0128 PLW0129 PLW0133 PLW0177 PLW0245 PLW0711 PLW1501 PLW1507 PLW1508 PLW1509"),
        # B: of bugbear those about behaviour; calls as defaults (B008), chained raises (B904) and the like are taste.
        *_all(
            LIKELY,
            "B002 B003 B005 B006 B012 B015 B016 B017 B018 B020 B021 B022 B023 B025 B026 B029 B030 B031 B032 B033 B034 "
            "B035 B039",
        ),
        *_all(SLOW, "B019"),
        *_all(LIKELY, "RUF008 RUF016 RUF018 RUF034 RUF040"),
        *_all(RACE, "ASYNC1 ASYNC2 RUF006"),
        *_all(NOTHING, "ASYNC115 ASYNC116 ASYNC109"),
        # S: of bandit those that name a hole; imports, asserts, subprocess as such and names of passwords do not.
        *_all(
            RISK,
            "S102 S103 S113 S201 S202 S301 S302 S306 S307 S308 S321 S323 S324 S5 S602 S604 S605 S608 S609 S61 S7",
        ),
        *_all(HINT, "S110 S112"),
        *_all(Worth("note", "security"), "S104 S105 S106 S107"),
    ]
)

OXLINT: Final[Table] = dict(
    [
        *_all(
            BUG,
            "constructor-super getter-return no-class-assign no-compare-neg-zero no-const-assign no-dupe-class-members "
            "no-dupe-else-if no-dupe-keys no-duplicate-case no-ex-assign no-func-assign no-import-assign "
            "no-invalid-regexp no-obj-calls no-setter-return no-this-before-super no-unsafe-negation use-isnan "
            "valid-typeof bad-array-method-on-arguments bad-comparison-sequence bad-min-max-func missing-throw",
        ),
        *_all(LEFTOVER, "no-debugger"),
        *_all(RISK, "no-eval no-caller no-script-url no-implied-eval"),
        *_all(HINT, "no-unused-vars no-unused-expressions no-unused-private-class-members"),
        # Taste, or noise in code that is meant so.
        *_all(
            NOTHING,
            "no-await-in-loop no-control-regex no-empty- no-extra- no-irregular-whitespace no-iterator no-new-native "
            "no-this-alias no-unnecessary- no-unused-labels no-useless- no-var no-wrapper prefer- require-yield "
            "triple-slash only-used-in-recursion no-extraneous no-non-null no-duplicate-enum",
        ),
        # The parser. JavaScript is written in dialects that it does not know, so the model decides.
        ("syntax", Worth("error", once=True)),
    ]
)
OXLINT_WEIGHTS: Final[Table] = {"warning": LIKELY}

SHELLCHECK: Final[Table] = dict(
    [
        *_all(SYNTAX, "SC1@error"),
        *_all(NOTHING, "SC1008 SC1071 SC1090 SC1091 SC1113 SC1128 SC2148 SC2155 SC2239"),
        *_all(HINT, "SC2034 SC2154"),
        *_all(LIKELY, "SC2045 SC2068 SC2199"),
        *_all(Worth("error", "data", certain=True), "SC2114 SC2115"),
    ]
)
SHELLCHECK_WEIGHTS: Final[Table] = {"error": BUG, "warning": LIKELY}

#: Pinning of Actions is a matter of policy: worth a word of the model, not a comment on every workflow.
ZIZMOR: Final[Table] = dict(_all(RISK, "unpinned- ref- dependabot-cooldown"))
#: Severity by confidence.
ZIZMOR_WEIGHTS: Final[Table] = {
    "error/high": DANGER,
    "error/medium": RISK,
    "warning/high": RISK,
    "warning/medium": RISK,
}

#: By the confidence alone: which provider a key belongs to makes no difference.
BETTERLEAKS_WEIGHTS: Final[Table] = {"high": DANGER, "medium": RISK}


def worth(rule: str, weight: str, rules: Table, weights: Table) -> Worth | None:
    """What is made of a rule to which the analyzer gives this weight; None: nothing."""
    for length in range(len(rule), 0, -1):
        for key in (f"{rule[:length]}@{weight}", rule[:length]):
            if key in rules:
                return rules[key]
    return weights.get(weight)
