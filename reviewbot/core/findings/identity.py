"""Pure: when are two findings one? PlacedFinding x what stands -> Match, with the place, the likeness and how sure.

Two findings are the same defect when they are in the same place (path through renames; the same lines, the same
quoted code, or the same enclosing definition) and mean the same. A line number is no part of it: lines are compared
only as GitHub has moved them. How much likeness of the words is asked depends on how sure the place is. The category
is the model's guess and changes between runs, so it only tips the balance.

The thresholds were chosen on the scripted pull requests in ``tests/unit/core/findings/rewordings.py``, and measured on
others that were not looked at: ``docs/decisions/0005-when-two-findings-are-one.md`` has the figures.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from reviewbot.core.change.diff import Side
from reviewbot.core.change.pull_request import ReviewThread
from reviewbot.core.findings.comment_head import read_head
from reviewbot.core.findings.finding import PlacedFinding
from reviewbot.core.findings.sketch import Sketch, digest
from reviewbot.core.findings.wording import Wording, contradict, likeness, wording

NEAR_LINES: Final = 3
SAME_CODE: Final = 0.6  # of the smaller quote's pairs of tokens; an edit of one name in a line leaves so many
MOSTLY: Final = 0.5  # of all pairs of both quotes: they are one quote, and not a line of a longer one
LEAST_CODE: Final = 16  # characters that tell where a file went
MOST_WORDINGS: Final = 8
NOT_SURE: Final = "not sure"


class Place(IntEnum):
    """How sure it is that two findings are in one place."""

    NONE = 0
    FILE = 1
    SYMBOL = 2
    NEAR = 3
    PART = 4
    CODE = 5


#: The likeness from which on a finding is the one that stands in the same place: when nothing else of this run is
#: that one, and when something is (or when one answer of the model lists both, and so holds them for two).
ALONE: Final[Mapping[Place, float]] = MappingProxyType(
    {Place.CODE: 0.16, Place.PART: 0.18, Place.NEAR: 0.28, Place.SYMBOL: 0.26, Place.FILE: 0.55}
)
CONTESTED: Final[Mapping[Place, float]] = MappingProxyType(
    {Place.CODE: 0.40, Place.PART: 0.42, Place.NEAR: 0.45, Place.SYMBOL: 0.50, Place.FILE: 0.85}
)
_SAME_CATEGORY: Final = 0.03
_FOR_PLACE: Final = 0.05  # what a step of the place is worth when several claim one

_END: Final = re.compile(r"^(?:<details>$|<sub>|```suggestion|Suggested change \(|<!-- reviewbot:)", re.MULTILINE)
_DIGEST: Final = re.compile(r"1\.([a-z]{1,20})\.([0-9a-f]{6})\.((?:[0-9a-f]{6}){1,4}|0)(?:\.(.+))?")


@dataclass(frozen=True, slots=True)
class Renames:
    """Paths through the pushes: ``now`` maps an earlier path to today's; ``paths`` are those of the change now, empty
    when that is not known."""

    now: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    paths: frozenset[str] = frozenset()

    def today(self, path: str) -> str:
        for _ in range(len(self.now)):
            if path not in self.now or self.now[path] == path:
                break
            path = self.now[path]
        return path


NO_RENAMES: Final = Renames()
Wordings = Mapping[str, Sequence[tuple[str, str]]]
NO_WORDINGS: Final[Wordings] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Point:
    """What two findings are compared by. ``symbols`` and ``path_mark`` are hashes; ``said`` is None when the words are
    not known; ``lines`` are first and last, None when there is no line now."""

    fingerprint: str
    path: str
    path_mark: str
    side: Side
    lines: tuple[int, int] | None
    symbols: frozenset[str]
    code: Sketch
    category: str
    title: str
    said: Wording | None
    answer: tuple[str, int] = ("", -1)  # source and chunk: which answer of this run lists it
    also: tuple[Wording, ...] = ()  # how later runs have said it


@dataclass(frozen=True, slots=True)
class Match:
    """``point`` is number ``index`` of what was compared with. ``detail`` says it in words, with the doubt if any."""

    index: int
    point: Point
    place: Place
    likeness: float
    sure: bool
    detail: str


def point_of(placed: PlacedFinding) -> Point:
    """A finding of this run."""
    finding, at = placed.finding, placed.location
    return Point(
        fingerprint=placed.fingerprint,
        path=at.path,
        path_mark=digest(at.path, 6),
        side=at.side,
        lines=None if at.line is None else (at.start_line or at.line, at.line),
        symbols=frozenset(digest(name, 6) for name in placed.symbols),
        code=Sketch.of(placed.code or finding.quote),
        category=finding.category,
        title=finding.title,
        said=wording(finding.title, finding.body),
        answer=(finding.source, finding.chunk),
    )


def code_digest(placed: PlacedFinding) -> str:
    """What the hidden marker of a comment keeps of a finding: category, hashes of path and symbol, sketch of the code.
    Letters, digits and dots only; no code can be read from it."""
    point = point_of(placed)
    category = point.category if re.fullmatch(r"[a-z]{1,20}", point.category) else "other"
    sketch = f".{point.code}" if point.code.length else ""
    names = "".join(sorted(point.symbols)) or "0"
    return f"1.{category}.{point.path_mark}.{names}{sketch}"


def points_of(thread: ReviewThread, wordings: Wordings = NO_WORDINGS) -> tuple[Point, ...]:
    """The findings that a thread of ours says. Words are read only where it says one: else they could be another's.
    ``wordings`` are title and body of what later runs found to be the same, by fingerprint."""
    digests = dict(thread.digests)
    title, said = _words(thread.body) if len(thread.fingerprints) == 1 else ("", None)
    points = []
    for mark in thread.fingerprints:
        found = _DIGEST.fullmatch(digests.get(mark, ""))
        category, path_mark, names, sketch = found.groups("") if found else ("", "", "", "")
        points.append(
            Point(
                fingerprint=mark,
                path=thread.path,
                path_mark=digest(thread.path, 6) if thread.path else path_mark,
                side=thread.side,
                lines=None if thread.line is None else (thread.line, thread.line),
                symbols=frozenset(names[at : at + 6] for at in range(0, len(names), 6)) - {"0"},
                code=Sketch.read(sketch),
                category=category,
                title=title,
                said=said,
                also=tuple(wording(*words) for words in wordings.get(mark, ())[-MOST_WORDINGS:]),
            )
        )
    return tuple(points)


def _words(body: str) -> tuple[str, Wording | None]:
    """Title and words of a comment that ``rendering.comment_body`` wrote; None when it is not one of those."""
    head = read_head(body)
    if head is None:
        return "", None
    title, rest = _plain(head.title), body[head.end :]
    end = _END.search(rest)
    return title, wording(title, _plain(rest[: end.start()] if end else rest))


def _plain(markdown: str) -> str:
    """The text that a sanitised text shows."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", html.unescape(markdown).replace("\u200b", ""))


def place_of(new: Point, old: Point, renames: Renames) -> Place:
    """Where the two stand to each other."""
    shared = new.code.shared(old.code)
    if new.fingerprint == old.fingerprint:
        return Place.CODE
    if not _same_path(new, old, renames):
        gone = bool(renames.paths) and bool(old.path) and renames.today(old.path) not in renames.paths
        return Place.CODE if gone and shared >= 1 and new.code.length >= LEAST_CODE else Place.NONE
    distance = _distance(new, old)
    place = Place.FILE if new.lines is None or old.lines is None else Place.NONE
    if new.symbols and old.symbols and not new.symbols & old.symbols:
        # Two like functions; or one under a new name, whose lines GitHub has followed.
        place = Place.CODE if distance == 0 and shared >= SAME_CODE else Place.NONE
    elif new.lines is None and shared < 1:
        place = Place.SYMBOL if new.symbols & old.symbols else Place.FILE
    elif shared >= SAME_CODE or (distance == 0 and (shared > 0 or not old.code.length)):
        place = Place.CODE if new.code.likeness(old.code) >= MOSTLY else Place.PART
    elif distance is not None and distance <= NEAR_LINES:
        place = Place.NEAR
    elif new.symbols & old.symbols:
        place = Place.SYMBOL
    return place


def _same_path(new: Point, old: Point, renames: Renames) -> bool:
    if old.path:
        return renames.today(old.path) == new.path
    earlier = (path for path in renames.now if renames.today(path) == new.path)
    return old.path_mark in {digest(path, 6) for path in (new.path, *earlier)}


def _distance(new: Point, old: Point) -> int | None:
    """Lines between the two, 0 when they overlap; None when one has no line, or they are on different sides."""
    if new.lines is None or old.lines is None or new.side is not old.side:
        return None
    return max(0, new.lines[0] - old.lines[1], old.lines[0] - new.lines[1])


def apart(new: Wording, old: Wording) -> bool:
    """Whether two texts plainly tell of different kinds of defects."""
    return contradict(new, old) or (bool(new.kinds) and bool(old.kinds) and not new.kinds & old.kinds)


def compare(new: Point, old: Point, index: int, renames: Renames) -> Match | None:
    """Whether a finding of this run is one that stands, as long as nothing else of the run is that one."""
    place = place_of(new, old, renames)
    if place is Place.NONE or new.said is None:
        return None
    if old.said is None:  # a comment whose words are not known: only its mark can tell
        same = new.fingerprint == old.fingerprint
        return Match(index, old, place, 1.0, sure=True, detail="an earlier review said it") if same else None
    return _matched(new, old, index, place, ALONE)


def perhaps(new: Point, old: Point, index: int, renames: Renames) -> Match | None:
    """Whether a finding that is like nothing may still be the one on the same code that nothing else of the run is:
    then new words are more likely than a new defect. Of another kind it can only be on a line that nobody changed."""
    place = place_of(new, old, renames)
    if place < Place.PART or new.said is None or old.said is None or contradict(new.said, old.said):
        return None
    exact = bool(new.code.whole) and new.code.whole == old.code.whole
    unmoved = new.code.shared(old.code) >= 1 and (_distance(new, old) == 0 or new.path != old.path)
    if not (exact or unmoved) and apart(new.said, old.said):
        return None
    return _matched(new, old, index, place, {place: -1.0}, sure=False)


def repeats(new: Point, kept: Point) -> Match | None:
    """Whether a finding says what another of the same run says. What one answer lists as two is held for two, unless
    it stands in the same code in nearly the same words."""
    place, distance = place_of(new, kept, NO_RENAMES), _distance(new, kept)
    if place is Place.NONE or new.side is not kept.side:
        return None
    if distance:  # in one run the lines are those of now: like code elsewhere is elsewhere
        place = min(place, Place.NEAR if distance <= NEAR_LINES else Place.SYMBOL)
    told_together = new.answer == kept.answer
    if told_together and place in (Place.NEAR, Place.SYMBOL):
        return None
    loose = place >= Place.PART and not told_together
    return _matched(new, kept, 0, place, ALONE if loose else CONTESTED, sure=None if loose else True)


def _matched(
    new: Point, old: Point, index: int, place: Place, asked: Mapping[Place, float], *, sure: bool | None = None
) -> Match | None:
    if new.said is None or old.said is None:
        return None
    alike = max(likeness(new.said, said) for said in (old.said, *old.also))
    score = alike + (_SAME_CATEGORY if new.category == old.category else 0.0)
    if score < asked[place]:
        return None
    sure = score >= CONTESTED[place] if sure is None else sure
    doubt = "" if sure else f" ({NOT_SURE}: place {place.name.lower()}, likeness {alike:.2f})"
    return Match(index, old, place, score, sure, f"says the same as {old.title!r}{doubt}")


def claims(
    new: Sequence[Point], old: Sequence[Point], renames: Renames, answered: Collection[int] = ()
) -> dict[int, Match]:
    """For each finding of a run, by its number, what it is among those that stand. Best pairs first: one that stands
    is claimed once; who comes after must be very like it, since the model told the two apart. What was ``answered``
    (numbers in ``old``) is only matched by its meaning: it may be gone, and must hide nothing else."""
    found: dict[int, Match] = {}
    taken: dict[int, Point] = {}
    for number, match in sorted(_pairs(new, old, renames, compare), key=_rank):
        claim: Match | None = match
        first = taken.get(match.index)
        if first and first.answer == new[number].answer and match.point.said is not None:
            claim = _matched(new[number], match.point, match.index, match.place, CONTESTED)
        if claim and number not in found:
            found[number] = claim
            taken.setdefault(claim.index, new[number])
    for number, match in sorted(_pairs(new, old, renames, perhaps), key=_rank):
        if number not in found and match.index not in taken and match.index not in answered:
            found[number] = match
            taken[match.index] = new[number]
    return found


_Question = Callable[[Point, Point, int, Renames], Match | None]


def _pairs(
    new: Sequence[Point], old: Sequence[Point], renames: Renames, question: _Question
) -> list[tuple[int, Match]]:
    return [
        (number, match)
        for number, point in enumerate(new)
        for index, other in enumerate(old)
        if (match := question(point, other, index, renames))
    ]


def _rank(pair: tuple[int, Match]) -> tuple[float, int, int]:
    number, match = pair
    return -(match.likeness + match.place * _FOR_PLACE), number, match.index


def told_apart(fingerprint: str, point: Point, taken: Collection[str]) -> str:
    """A fingerprint for a finding whose own is taken by another defect on the same code: made of it and the title."""
    mark = fingerprint
    number = 0
    while mark in taken:
        mark = digest(f"{fingerprint}\0{' '.join(point.title.casefold().split())}\0{number}", 16)
        number += 1
    return mark
