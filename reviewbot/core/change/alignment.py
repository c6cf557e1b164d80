"""Pure: two sequences of lines -> which line of the one is which of the other, in order.

First what only occurs once on both sides (patience), in the gaps between that a longest common subsequence, which is
computed a row at a time in the bits of one integer (Hyyrö 2004), and where even that would be too much the i-th
occurrence of a line with the i-th. Time: O(n log n) for n lines, times at most `_DEPTH`; the bits cost at most
`_CELLS_PER_LINE` / 64 machine words for a line, so any input is linear but for the logarithm.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

_DEPTH = 12  # how often a gap between unique lines is looked at anew
_CELLS_PER_LINE = 2_000
_MOST_CELLS = 64_000_000  # eight megabytes of bits

_Span = tuple[int, int, int, int]  # old[first:second], now[third:fourth]


def align(old: Sequence[bytes], now: Sequence[bytes]) -> list[int]:
    """For each item of ``now`` the index of its partner in ``old``, or -1. Partners are equal and in order."""
    partners = [-1] * len(now)
    cells = _CELLS_PER_LINE * (len(old) + len(now))
    todo: list[tuple[_Span, int]] = [((0, len(old), 0, len(now)), 0)]
    while todo:
        span, depth = todo.pop()
        span = _trim(old, now, span, partners)
        low, high, first, last = span
        if low == high or first == last:
            continue
        pairs = increasing(_unique_pairs(old, now, span)) if depth < _DEPTH else []
        size = (high - low) * (last - first)
        if pairs:
            ends = [(low - 1, first - 1), *pairs, (high, last)]
            todo += [((a + 1, b, c + 1, d), depth + 1) for (a, c), (b, d) in pairwise(ends)]
        elif size <= min(cells, _MOST_CELLS):
            cells -= size
            pairs = _longest_common(old, now, span)
        else:
            pairs = increasing(_pairs_by_rank(old, now, span))
        for a, b in pairs:
            partners[b] = a
    return partners


def increasing(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The most pairs, taken from pairs in order of their first, whose seconds increase too."""
    ordered = list(pairs)
    tops: list[int] = []  # the least second that a chain of each length ends with
    top_at: list[int] = []
    before = [-1] * len(ordered)
    for at, (_, second) in enumerate(ordered):
        length = bisect_left(tops, second)
        if length == len(tops):
            tops.append(second)
            top_at.append(at)
        else:
            tops[length], top_at[length] = second, at
        before[at] = top_at[length - 1] if length else -1
    chain: list[tuple[int, int]] = []
    at = top_at[-1] if top_at else -1
    while at >= 0:
        chain.append(ordered[at])
        at = before[at]
    return chain[::-1]


def _trim(old: Sequence[bytes], now: Sequence[bytes], span: _Span, partners: list[int]) -> _Span:
    """Take equal lines off both ends of a span as partners."""
    low, high, first, last = span
    while low < high and first < last and old[low] == now[first]:
        partners[first] = low
        low, first = low + 1, first + 1
    while low < high and first < last and old[high - 1] == now[last - 1]:
        high, last = high - 1, last - 1
        partners[last] = high
    return low, high, first, last


def _unique_pairs(old: Sequence[bytes], now: Sequence[bytes], span: _Span) -> list[tuple[int, int]]:
    """The lines that occur once in each half of a span, in the order of the old."""
    low, high, first, last = span
    olds, nows = Counter(old[low:high]), Counter(now[first:last])
    places = {now[at]: at for at in range(first, last) if nows[now[at]] == 1}
    return [(at, places[old[at]]) for at in range(low, high) if old[at] in places and olds[old[at]] == 1]


def _pairs_by_rank(old: Sequence[bytes], now: Sequence[bytes], span: _Span) -> list[tuple[int, int]]:
    low, high, first, last = span
    places: defaultdict[bytes, list[int]] = defaultdict(list)
    for at in range(last - 1, first - 1, -1):
        places[now[at]].append(at)
    return [(at, places[old[at]].pop()) for at in range(low, high) if places.get(old[at])]


def _longest_common(old: Sequence[bytes], now: Sequence[bytes], span: _Span) -> list[tuple[int, int]]:
    """A longest common subsequence: bit i of row j is 0 where old line i adds to what rows up to j have in common."""
    low, high, first, last = span
    where = _bits(old[low:high], set(now[first:last]))
    full = (1 << (high - low)) - 1
    row = full
    rows = []
    for at in range(first, last):
        common = row & where.get(now[at], 0)
        row = ((row + common) | (row - common)) & full
        rows.append(row)
    pairs = []
    left, right = high - low, last - first
    while left and right:
        if rows[right - 1] >> (left - 1) & 1:
            left -= 1
        elif right > 1 and not rows[right - 2] >> (left - 1) & 1:
            right -= 1
        else:
            left, right = left - 1, right - 1
            pairs.append((low + left, first + right))
    return pairs[::-1]


def _bits(lines: Sequence[bytes], wanted: set[bytes]) -> Mapping[bytes, int]:
    """For each wanted line the bits of the places where it stands."""
    out: dict[bytes, bytearray] = {}
    for at, line in enumerate(lines):
        if line in wanted:
            bits = out.get(line)
            if bits is None:
                bits = out[line] = bytearray(len(lines) // 8 + 1)
            bits[at >> 3] |= 1 << (at & 7)
    return {line: int.from_bytes(bits, "little") for line, bits in out.items()}
