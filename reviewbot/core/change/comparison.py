"""Pure: the patch reviewed last + the patch now -> Increment: what is new line by line, whatever happened to commits.

Both are diffs from a merge base, so lines that came by a merge or a rebase are in neither. Files are paired through
renames (`pairing.py`), then the lines of each pair are matched (`matching.py`). A line without a partner is fresh. What
is unsure is fresh: a second look costs little, a line that nobody read costs trust.

For n changed lines the time is O(n log n) (`alignment.py` says with what factor), the memory O(n) and some megabytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from reviewbot.core.change.changed_lines import blob_ids, changed_lines, same_blob
from reviewbot.core.change.diff import Diff, FilePatch, Run, Side
from reviewbot.core.change.increment import NOTHING_MISSED, FileIncrement, Increment, Missed, News, all_new, everything
from reviewbot.core.change.matching import match_lines
from reviewbot.core.change.pairing import PatchFile, pair_files, same_base


def increment(old: Diff, now: Diff, missed: Missed = NOTHING_MISSED) -> Increment:
    """What of ``now`` no earlier review has read, when the last one read ``old`` but for ``missed``.

    Faults of a diff make its line numbers doubtful: with one in the diff everything is offered, with one in a file the
    whole file. Binary files have no lines; whether one changed is told by the blob ids of its header.
    """
    if old.problems or now.problems:
        return everything(now, "a diff has faults, so the two cannot be compared")
    if missed.everything:
        return everything(now, "the earlier review read nothing that is known of")
    olds = [PatchFile(file, changed_lines(file)) for file in old.files]
    nows = [PatchFile(file, changed_lines(file)) for file in now.files]
    partners = pair_files(olds, nows)
    files = [
        _compared(olds[partners[at]], each, missed)
        if at in partners
        else all_new(each.file, "the earlier patch has no such file")
        for at, each in enumerate(nows)
    ]
    used = set(partners.values())
    gone = tuple(each.file.path for at, each in enumerate(olds) if at not in used)
    return Increment(tuple(files), gone)


def _compared(old: PatchFile, now: PatchFile, missed: Missed) -> FileIncrement:
    if old.file.problems or now.file.problems:
        return all_new(now.file, "a diff of the file has faults")
    fresh: list[Run] = []
    owed: list[Run] = []
    same = 0
    partners = match_lines(old.lines, now.lines, same_base=same_base(old.file, now.file))
    for side in Side:
        unread = _Unread(missed, old.file.path, side)
        numbers, earlier = now.lines.numbers[side], old.lines.numbers[side]
        fresh += _runs(side, [at for at, old_at in zip(numbers, partners[side], strict=True) if old_at < 0])
        known = [(at, earlier[old_at]) for at, old_at in zip(numbers, partners[side], strict=True) if old_at >= 0]
        left = [at for at, before in known if before in unread]
        owed += _runs(side, left)
        same += len(known) - len(left)
    total = sum(map(len, partners.values()))
    count = sum(run.last - run.first + 1 for run in fresh)
    header, changed = _header_news(old.file, now.file)
    news = News.UNCHANGED if not count and not changed else News.NEW if count == total else News.PARTLY
    return FileIncrement(now.file.path, news, tuple(fresh), tuple(owed), same, old.file.path, header)


def _header_news(old: FilePatch, now: FilePatch) -> tuple[str, bool]:
    """What besides its lines changed since, in words, and whether it is more than a name."""
    words = []
    if old.path != now.path:
        words.append("renamed since")
    binary = False
    if old.binary or now.binary:
        (old_before, old_after), (before, after) = blob_ids(old), blob_ids(now)
        binary = not (same_blob(old_before, before) and same_blob(old_after, after))
        words += ["its binary content changed since, or may have"] if binary else []
    mode = None not in (old.new_mode, now.new_mode) and old.new_mode != now.new_mode
    words += [f"its mode changed since, {old.new_mode} to {now.new_mode}"] if mode else []
    return "; ".join(words), binary or mode


class _Unread:
    """Which numbers of one side of the earlier patch were missed."""

    def __init__(self, missed: Missed, path: str, side: Side) -> None:
        self._all = missed.names(path)
        runs = sorted((run.first, run.last) for run in missed.lines.get(path, ()) if run.side is side)
        self._firsts = [first for first, _ in runs]
        self._lasts = list(accumulate((last for _, last in runs), max))

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return self._all or (at >= 0 and number <= self._lasts[at])


def _runs(side: Side, numbers: Sequence[int]) -> list[Run]:
    """Increasing numbers as runs; where they fall again (a change of type has two texts) another run begins."""
    out: list[Run] = []
    for number in numbers:
        if out and out[-1].last == number - 1:
            out[-1] = out[-1]._replace(last=number)
        else:
            out.append(Run(side, number, number))
    return out
