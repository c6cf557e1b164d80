"""Pure: the changed lines of one file in two patches -> which line now is which line of the earlier patch.

Blocks that are surely the same are pinned first. What stands between two pins is aligned: by its place where the base
text did not move, else by its order. At last, what is left over and is found elsewhere in the file, unchanged and long
enough to be known again, was moved. A short line such as ``break`` that went elsewhere has no partner: it may mean
something else there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from reviewbot.core.change.alignment import align, increasing
from reviewbot.core.change.changed_lines import ChangedLines, tells_enough
from reviewbot.core.change.diff import Side

_NEAR = 1  # lines by which git may draw a block elsewhere because of what changed beside it; more would lose lines

Partners = dict[Side, list[int]]
_Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Gap:
    """The blocks between two pins, as indexes. ``before`` and ``after`` are by how many lines the base moved the pins
    at its ends; the start of a file does not move, of its end nothing is known."""

    old: range
    now: range
    before: int
    after: int | None


def match_lines(old: ChangedLines, now: ChangedLines, *, same_base: bool) -> Partners:
    """For each changed line now, by side, the index of the line that it was in the earlier patch, or -1.

    ``same_base`` says that the old sides are surely one text, so that numbers there mean the same place.
    """
    return _Matching(old, now).run(same_base=same_base)


class _Matching:
    """One file while it is matched."""

    def __init__(self, old: ChangedLines, now: ChangedLines) -> None:
        self.old, self.now = old, now
        self.old_texts = [old.text(block) for block in old.blocks]
        self.now_texts = [now.text(block) for block in now.blocks]
        self.partners: Partners = {side: [-1] * len(now.keys[side]) for side in Side}

    def run(self, *, same_base: bool) -> Partners:
        pins = self._pins(same_base=same_base)
        for a, b in pins:
            for side in Side:
                lines = self.now.blocks[b].of(side)
                self.partners[side][lines.start : lines.stop] = self.old.blocks[a].of(side)
        for gap in self._gaps(pins):
            shift = 0 if same_base else gap.before if gap.before == gap.after else None
            if shift is not None:
                for slack in (0, _NEAR):
                    for olds, nows in self._places(gap, shift, slack):
                        self._align(olds, nows, sure=not slack)
            if not same_base:
                self._align(gap.old, gap.now, sure=False)
        for side in Side:
            _find_moved(self.old.keys[side], self.now.keys[side], self.partners[side])
        return self.partners

    def _pins(self, *, same_base: bool) -> list[_Pair]:
        """Blocks that are surely the same, in order: the same text at the same place, or a text that stands once on
        both sides and tells enough, and round those the same text that moved by as much."""
        if same_base:
            return self._at_shift(range(len(self.old_texts)), range(len(self.now_texts)), 0)
        olds, nows = Counter(self.old_texts), Counter(self.now_texts)
        places = {text: b for b, text in enumerate(self.now_texts) if nows[text] == 1 and olds[text] == 1}
        found = [(a, places[text]) for a, text in enumerate(self.old_texts) if text in places and tells_enough(text)]
        pins = increasing(found)
        for ahead in (True, False):
            for gap in list(self._gaps(pins)):
                shift = gap.before if ahead else gap.after
                if shift is not None:
                    pins += self._at_shift(gap.old, gap.now, shift)
            pins.sort()
        return pins

    def _gaps(self, pins: Sequence[_Pair]) -> Iterator[_Gap]:
        ends = [(-1, -1), *pins, (len(self.old.blocks), len(self.now.blocks))]
        for (a, b), (c, d) in pairwise(ends):
            before = self._shift(a, b) if a >= 0 else 0
            after = self._shift(c, d) if c < len(self.old.blocks) else None
            if a + 1 < c and b + 1 < d:
                yield _Gap(range(a + 1, c), range(b + 1, d), before, after)

    def _shift(self, a: int, b: int) -> int:
        return self.now.blocks[b].gap - self.old.blocks[a].gap

    def _at_shift(self, olds: range, nows: range, shift: int) -> list[_Pair]:
        """The blocks with the same text at the same place, when the base moved by ``shift`` lines."""
        places = {(self.old.blocks[a].gap + shift, self.old_texts[a]): a for a in olds}
        pairs = [(places.get((self.now.blocks[b].gap, self.now_texts[b]), -1), b) for b in nows]
        return increasing(sorted(pair for pair in pairs if pair[0] >= 0))

    def _places(self, gap: _Gap, shift: int, slack: int) -> Iterator[tuple[list[int], list[int]]]:
        """The blocks of a gap that touch on the old side, or nearly, within ``slack`` lines, group by group."""
        spans = [(self.old.blocks[a].gap + shift, self.old.blocks[a].end + shift, True, a) for a in gap.old]
        spans += [(self.now.blocks[b].gap, self.now.blocks[b].end, False, b) for b in gap.now]
        reach = -1
        groups: list[tuple[list[int], list[int]]] = []
        for start, end, is_old, at in sorted(spans):
            if start > reach + slack or not groups:
                groups.append(([], []))
            groups[-1][not is_old].append(at)
            reach = max(reach, end)
        for olds, nows in groups:
            if olds and nows:
                yield sorted(olds), sorted(nows)

    def _align(self, olds: Sequence[int], nows: Sequence[int], *, sure: bool) -> None:
        """Find partners, in order, for the lines of these blocks that have none.

        Unless they are ``sure`` to stand at one place, lines that tell little are partners only where most of the
        earlier ones are still there: else the ``}`` of what was deleted would be that of something else.
        """
        for side in Side:
            partners, keys, earlier = self.partners[side], self.now.keys[side], self.old.keys[side]
            used = {partners[at] for b in nows for at in self.now.blocks[b].of(side)}
            left = [at for a in olds for at in self.old.blocks[a].of(side) if at not in used]
            free = [at for b in nows for at in self.now.blocks[b].of(side) if partners[at] < 0]
            aligned = align([earlier[at] for at in left], [keys[at] for at in free])
            pairs = [(left[found], at) for at, found in zip(free, aligned, strict=True) if found >= 0]
            if not sure and 2 * len(pairs) < len(left):
                streaks = _streaks(pairs)
                pairs = [pair for each in streaks if tells_enough([keys[at] for _, at in each]) for pair in each]
            for found, at in pairs:
                partners[at] = found


def _streaks(pairs: Sequence[_Pair]) -> list[list[_Pair]]:
    """Pairs that follow each other on both sides, together."""
    out: list[list[_Pair]] = []
    for a, b in pairs:
        if out and out[-1][-1] == (a - 1, b - 1):
            out[-1].append((a, b))
        else:
            out.append([(a, b)])
    return out


def _find_moved(old: Sequence[bytes], now: Sequence[bytes], partners: list[int]) -> None:
    """Find runs of lines without a partner in both that hold a line which is left over once in each. Linear time: a
    run ends at the next such line unless that goes with it."""
    used = set(partners)
    olds = Counter(key for at, key in enumerate(old) if at not in used)
    nows = Counter(key for at, key in enumerate(now) if partners[at] < 0)
    places = {key: at for at, key in enumerate(old) if at not in used and olds[key] == 1 and nows[key] == 1}
    done = 0
    for at, key in enumerate(now):
        if at < done or partners[at] >= 0 or key not in places or places[key] in used:
            continue
        shift = places[key] - at
        first = last = at
        while first > 0 and _goes_along(first - 1, shift, old, now, partners, used):
            first -= 1
        while last + 1 < len(now) and _goes_along(last + 1, shift, old, now, partners, used):
            last += 1
        done = last + 1
        if tells_enough(now[first:done]):
            partners[first:done] = range(first + shift, done + shift)
            used.update(range(first + shift, done + shift))


def _goes_along(
    at: int, shift: int, old: Sequence[bytes], now: Sequence[bytes], partners: Sequence[int], used: set[int]
) -> bool:
    other = at + shift
    return 0 <= other < len(old) and partners[at] < 0 and other not in used and now[at] == old[other]
