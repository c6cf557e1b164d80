"""Pure: Diff + rules -> Scope: what is reviewed, what is not, and by which named rule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reviewbot.core.change.diff import FilePatch


class SkipRule(StrEnum):
    """Why a file is left out, in the words that users see and may override by a setting of the same name."""

    EXCLUDED = "excluded"
    NOT_INCLUDED = "not-included"
    GENERATED = "generated"
    VENDORED = "vendored"
    LOCK_FILE = "lock-file"
    MINIFIED = "minified"
    BINARY = "binary"
    SUBMODULE = "submodule"
    NO_CONTENT = "no-content"
    TOO_LARGE = "too-large"


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file left out; ``reason`` is one readable clause (``generated: .gitattributes says linguist-generated``)."""

    file: FilePatch
    rule: SkipRule
    reason: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The split of a diff: every file stands in exactly one of the two."""

    files: tuple[FilePatch, ...]
    skipped: tuple[SkippedFile, ...]
