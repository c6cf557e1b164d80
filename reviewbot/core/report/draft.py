"""Pure values of what will be written on GitHub: InlineComment, CheckDraft, ReviewDraft, Posted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reviewbot.core.change.diff import Side
from reviewbot.core.report.acts import Act


@dataclass(frozen=True, slots=True)
class InlineComment:
    """A comment on lines of the diff, or on a file when ``line`` is None. ``body`` is final Markdown, sanitised, with
    the hidden marker of its finding's fingerprint."""

    path: str
    side: Side
    start_line: int | None
    line: int | None
    body: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """A check annotation (RIGHT side only, by GitHub's rules). Texts are plain, not Markdown."""

    path: str
    start_line: int
    end_line: int
    level: Literal["notice", "warning", "failure"]
    title: str
    message: str


@dataclass(frozen=True, slots=True)
class CheckDraft:
    """A completed check run."""

    name: str
    conclusion: Literal["success", "failure", "neutral"]
    title: str
    summary: str
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewDraft:
    """Everything one run will write. ``key`` names the run in hidden markers, so that a retry can look before it
    writes. ``body`` is None when there are no comments to review with; ``summary`` is the sticky comment, into which
    ``state`` (a hidden marker of what was read) goes when it is written. ``acts`` follow the review."""

    key: str
    commit_sha: str
    body: str | None
    comments: tuple[InlineComment, ...]
    summary: str | None
    check: CheckDraft | None = None
    state: str = ""
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a draft. ``moved`` are fingerprints that GitHub would not take inline and that were written into
    the review body instead; ``notes`` say what was not written and why (a token without checks permission, say)."""

    review_url: str = ""
    summary_url: str = ""
    check_url: str = ""
    moved: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
