"""Pure: the files of a diff as rows of an HTML page, with each comment under its line. `html.py` draws the page.

Rows are plain values for the template. Code that is left out for size is counted in the place where it would stand.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from reviewbot.core.change.diff import FilePatch, Hunk, Line, LineKind, Side
from reviewbot.core.findings.earlier import SOURCE as EARLIER
from reviewbot.core.findings.finding import Step
from reviewbot.core.report.outcome import FileCoverage, FileState, ReviewOutcome
from reviewbot.core.report.outputs.excerpt import number_on, shown_code, shown_texts
from reviewbot.core.report.outputs.tint import changed_spans, language_of, tinted
from reviewbot.core.report.sanitizer import sanitize_inline, sanitize_markdown, sanitize_plain
from reviewbot.core.report.summary import standing, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from markdown_it import MarkdownIt

    from reviewbot.core.findings.finding import Location, PlacedFinding

# What a browser scrolls through with ease. Beyond, only the surroundings of comments are in the page.
_WHOLE_FILE = 800
_WHOLE_PAGE = 8_000
_OPEN_PAGE = 1_500
_AROUND = 12
_ROW = {LineKind.ADDED: "add", LineKind.REMOVED: "del", LineKind.CONTEXT: "ctx"}


def card(placed: PlacedFinding, replaced: Sequence[str], *, alone: bool = False) -> dict[str, Any]:
    """A comment as the template wants it; ``replaced`` are the lines that its suggestion would replace. One that stands
    ``alone``, not under its line, names its file too."""
    finding, at = placed.finding, placed.location
    proposed = placed.suggestion if placed.suggestion is not None else finding.suggestion
    return {
        "anchor": anchor(placed),
        "severity": finding.severity.value,
        "title": inline(finding.title),
        "where": clean(where(at)) if alone or at.line is None or at.step is Step.SUMMARY else _lines_word(placed),
        "body": markdown(finding.body) if finding.body.strip() else "",
        "evidence": markdown(finding.evidence) if finding.evidence.strip() not in finding.body else "",
        "offered": placed.suggestion is not None,
        "why_not": clean(placed.suggestion_note) if placed.suggestion is None else "",
        "suggestion": _mini_diff(placed, replaced, proposed) if proposed is not None else [],
        "note": clean(placed.note),
        "facts": clean(" · ".join(_facts(placed))),
    }


def _facts(placed: PlacedFinding) -> list[str]:
    """Kind, confidence and source. What an open thread says is not this run's to be confident of."""
    finding = placed.finding
    kind = [finding.category] if finding.category else []
    if finding.source == EARLIER:
        return [*kind, "posted by an earlier review"]
    late = ["missed by an earlier review"] if placed.late else []
    return [*kind, f"{finding.confidence:.0%} confidence", finding.source, *late]


def _lines_word(placed: PlacedFinding) -> str:
    at = placed.location
    side = "old " if at.side is Side.LEFT else ""
    if at.start_line is None or at.start_line == at.line:
        return f"{side}line {at.line}"
    return f"{side}lines {at.start_line} to {at.line}"


def _mini_diff(placed: PlacedFinding, old: Sequence[str], proposed: str) -> list[tuple[str, str, Markup]]:
    """Rows of a suggestion: the lines that it replaces, already fit to be shown, and those that it puts there."""
    language = language_of(placed.location.path)
    plain = proposed.replace("\r\n", "\n").removesuffix("\n")
    new = shown_code(plain) if proposed else []
    pairs = [changed_spans(a, b) for a, b in zip(old, new, strict=True)] if len(old) == len(new) else []
    pairs += [None] * (max(len(old), len(new)) - len(pairs))
    rows = [("del", "-", _code(line, language, pair and pair[0])) for line, pair in zip(old, pairs, strict=False)]
    return rows + [
        ("add", "+", _code(line, language, pair and pair[1])) for line, pair in zip(new, pairs, strict=False)
    ]


class DiffView:
    """Turns files into rows under one budget of lines; ``seen`` are the fingerprints that found their place."""

    def __init__(self, outcome: ReviewOutcome) -> None:
        self.seen: set[str] = set()
        self._findings: dict[str, list[PlacedFinding]] = {}
        for placed in standing(outcome):
            if placed.location.step is not Step.SUMMARY:
                self._findings.setdefault(placed.location.path, []).append(placed)
        self._coverage = {file.path: file for file in outcome.coverage.files}
        self._small = _line_count(outcome.diff.files) <= _OPEN_PAGE
        self._left = {True: _WHOLE_PAGE, False: _WHOLE_PAGE}  # files with comments do not pay for those without

    def file(self, number: int, file: FilePatch) -> dict[str, Any]:
        mine = self._findings.get(file.path, [])
        coverage = self._coverage.get(file.path)
        rows, hidden = self._rows(file, mine, coverage)
        top = [placed for placed in mine if placed.location.line is None]
        self.seen.update(placed.fingerprint for placed in top)
        return {
            "anchor": f"file-{number}",
            "path": clean(file.path),
            "old_path": clean(file.old_path) if file.old_path not in ("", file.path) else "",
            "status": file.status.value,
            "added": file.added,
            "removed": file.removed,
            "state": coverage.state.value if coverage else "",
            "reason": clean(coverage.reason) if coverage else "",
            "earlier": coverage is not None and 0 < file.changed_lines == coverage.earlier_lines,
            "comments": len(mine),
            "worst": min((placed.finding.severity for placed in mine), key=lambda s: s.rank, default=""),
            "top": [card(placed, ()) for placed in top],
            "rows": rows,
            "hidden": hidden,
            "binary": file.binary,
            "open": bool(mine) or self._small,
        }

    def _rows(
        self, file: FilePatch, mine: Sequence[PlacedFinding], coverage: FileCoverage | None
    ) -> tuple[list[dict[str, Any]], int]:
        """The rows of one file, and how many lines of it are not among them."""
        size = _line_count([file])
        whole = size <= _WHOLE_FILE and size <= self._left[bool(mine)]
        if not whole and not mine:
            return [], size
        rows: list[dict[str, Any]] = []
        shown = 0
        for hunk in file.hunks:
            lines = hunk.lines()
            cards = self._cards(lines, mine)
            texts = shown_texts(lines) if whole or cards else []
            spans = [(0, len(lines))] if whole else list(_near(sorted(cards), len(lines)))
            if not spans:
                continue
            rows.append({"kind": "hunk", "text": _hunk_header(hunk)})
            for at, (start, stop) in enumerate(spans):
                if at or start:
                    rows.append({"kind": "gap", "count": start - (spans[at - 1][1] if at else 0)})
                rows += _line_rows(lines, texts, (start, stop), cards, coverage, language_of(file.path))
                shown += stop - start
            if len(lines) > spans[-1][1]:
                rows.append({"kind": "gap", "count": len(lines) - spans[-1][1]})
        self._left[bool(mine)] -= shown
        return rows, size - shown

    def _cards(self, lines: Sequence[Line], mine: Sequence[PlacedFinding]) -> dict[int, list[PlacedFinding]]:
        """Position of a line -> the findings whose last line it is."""
        found: dict[int, list[PlacedFinding]] = {}
        numbers: dict[tuple[Side, int | None], int]
        numbers = {(Side.RIGHT, line.new): at for at, line in enumerate(lines) if line.new is not None}
        numbers |= {(Side.LEFT, line.old): at for at, line in enumerate(lines) if line.old is not None}
        for placed in mine:
            at = numbers.get((placed.location.side, placed.location.line))
            if at is not None and placed.location.line is not None:
                found.setdefault(at, []).append(placed)
                self.seen.add(placed.fingerprint)
        return found


def _hunk_header(hunk: Hunk) -> str:
    ranges = f"-{hunk.old_start},{hunk.old_count} +{hunk.new_start},{hunk.new_count}"
    return f"@@ {ranges} @@ {clean(hunk.section)}".rstrip()


def _near(positions: Iterable[int], count: int) -> Iterator[tuple[int, int]]:
    """Runs of lines round ``positions`` (in order), joined where they touch."""
    run: tuple[int, int] | None = None
    for at in positions:
        start, stop = max(at - _AROUND, 0), min(at + _AROUND // 2 + 1, count)
        if run and start <= run[1]:
            run = (run[0], stop)
            continue
        if run:
            yield run
        run = (start, stop)
    if run:
        yield run


def _line_rows(
    lines: Sequence[Line],
    texts: Sequence[str],
    span: tuple[int, int],
    cards: dict[int, list[PlacedFinding]],
    coverage: FileCoverage | None,
    language: str,
) -> Iterator[dict[str, Any]]:
    """A row for each line of ``span``, and one for the comments that stand below it."""
    changed = _changed_parts(lines, texts, span)
    marked = {at for placed in _all(cards) for at in _inside(lines, placed.location)}
    for at in range(*span):
        line = lines[at]
        yield {
            "kind": "line",
            "name": _ROW[line.kind],
            "old": line.old or "",
            "new": line.new or "",
            "sign": line.kind.value,
            "code": _code(texts[at], language, changed.get(at)),
            "marked": at in marked,
            "missed": _is_missed(line, coverage),
            "no_newline": not line.newline,
        }
        if at in cards:
            yield {"kind": "comments", "cards": [card(each, _replaced(lines, texts, each)) for each in cards[at]]}


def _all(cards: dict[int, list[PlacedFinding]]) -> Iterator[PlacedFinding]:
    return (placed for found in cards.values() for placed in found)


def _inside(lines: Sequence[Line], location: Location) -> list[int]:
    """The positions of the lines of ``location``, both ends included."""
    last = location.line or 0
    first = location.start_line if location.start_line is not None else last
    return [at for at, line in enumerate(lines) if first <= (number_on(line, location.side) or -1) <= last]


def _replaced(lines: Sequence[Line], texts: Sequence[str], placed: PlacedFinding) -> list[str]:
    """The shown texts of the lines that a suggestion would replace."""
    return [texts[at] for at in _inside(lines, placed.location)]


def _changed_parts(lines: Sequence[Line], texts: Sequence[str], span: tuple[int, int]) -> dict[int, tuple[int, int]]:
    """Position -> the part of the line that changed, where removed lines stand above as many added ones."""
    parts: dict[int, tuple[int, int]] = {}
    at, stop = span
    while at < stop:
        old = at
        while at < stop and lines[at].kind is LineKind.REMOVED:
            at += 1
        new = at
        while at < stop and lines[at].kind is LineKind.ADDED:
            at += 1
        if new - old == at - new:
            for step in range(new - old):
                spans = changed_spans(texts[old + step], texts[new + step])
                if spans:
                    parts[old + step], parts[new + step] = spans
        at = max(at, old + 1)
    return parts


def _is_missed(line: Line, coverage: FileCoverage | None) -> bool:
    if coverage is None or line.kind is LineKind.CONTEXT:
        return False
    if coverage.state in (FileState.OVER_BUDGET, FileState.FAILED):
        return True
    side, number = (Side.RIGHT, line.new) if line.new is not None else (Side.LEFT, line.old)
    return any(run.side is side and run.first <= (number or 0) <= run.last for run in coverage.missed)


def _line_count(files: Iterable[FilePatch]) -> int:
    return sum(max(hunk.body.count(b"\n"), 1) for file in files for hunk in file.hunks)


def anchor(placed: PlacedFinding) -> str:
    return f"finding-{placed.fingerprint[:16]}"


def clean(text: str) -> str:
    return sanitize_plain(" ".join(text.split()), limit=1_000)


def _code(text: str, language: str, changed: tuple[int, int] | None) -> Markup:
    return Markup(tinted(text, language, changed))  # noqa: S704 - tinted() escapes every character of the text


def markdown(text: str) -> Markup:
    html = _parser().render(sanitize_markdown(text, limit=20_000)).replace("\u200b", "")
    return Markup(html)  # noqa: S704 - raw HTML, links and images are off in the parser, everything else it escapes


def inline(text: str) -> Markup:
    html = _parser().renderInline(sanitize_inline(text) or "Untitled").replace("\u200b", "")
    return Markup(html)  # noqa: S704 - as above


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # with rich in the box already; 40 ms that only this page pays

    off = ["link", "image", "autolink", "reference", "html_inline", "html_block"]
    return MarkdownIt("commonmark", {"html": False}).disable(off)
