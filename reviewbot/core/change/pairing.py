"""Pure: which file of the patch now is which file of an earlier patch, through renames by anybody.

Evidence is lines that stand in one file only, on each side. First files that belong together by name or base file and
have evidence, best first; then, among what is left, files that share half of such lines, as git's own renames do: a
file that the pull request added and renamed later, or that the base renamed under a rebase; at last the names alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reviewbot.core.change.changed_lines import ChangedLines, blob_ids, same_blob, tells_enough
from reviewbot.core.change.diff import FilePatch, FileStatus, Side

_Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PatchFile:
    """A file of a patch with its changed lines."""

    file: FilePatch
    lines: ChangedLines

    @property
    def added(self) -> bool:
        """The file has no old side: its two paths are one and say nothing of a base file."""
        return self.file.status is FileStatus.ADDED


@dataclass(slots=True)
class _Evidence:
    """Lines that occur in one file on each side: for a file how many, for a pair of files which."""

    olds: Counter[int] = field(default_factory=Counter)
    nows: Counter[int] = field(default_factory=Counter)
    shared: defaultdict[_Pair, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    def half(self, pair: _Pair) -> bool:
        """At least half of the larger file's own lines, and enough to be known by."""
        shared = self.shared.get(pair, [])
        return 2 * len(shared) >= max(self.olds[pair[0]], self.nows[pair[1]]) and tells_enough(shared)


def pair_files(olds: Sequence[PatchFile], nows: Sequence[PatchFile]) -> dict[int, int]:
    """The index of the old file for each index of a file now that has one. No file is used twice. Linear time."""
    evidence = _evidence(olds, nows)
    ranks = _related(olds, nows)
    strong = [pair for pair in ranks if evidence.shared.get(pair) or ranks[pair] >= _SAME_BLOBS]
    alike = [
        pair
        for pair in evidence.shared
        if pair not in ranks and olds[pair[0]].added == nows[pair[1]].added and evidence.half(pair)
    ]
    found: dict[int, int] = {}
    used: set[int] = set()
    for pairs in (strong, alike, list(ranks)):
        pairs.sort(key=lambda pair: (-len(evidence.shared.get(pair, ())), -ranks.get(pair, 0), pair))
        for old, now in pairs:
            if old not in used and now not in found:
                found[now] = old
                used.add(old)
    return found


_SAME_BASE_BLOB, _SAME_PATH, _SAME_BASE_FILE, _SAME_BLOBS = 1, 2, 4, 8


def _related(olds: Sequence[PatchFile], nows: Sequence[PatchFile]) -> dict[_Pair, int]:
    """Pairs that belong together by name, base file or content, and how strongly."""
    ranks: defaultdict[_Pair, int] = defaultdict(int)
    for rank, naming in _NAMINGS:
        named: dict[object, int | None] = {}
        for at, old in enumerate(olds):
            name = naming(old)
            if name:
                named[name] = None if name in named else at  # a name that two files have says nothing
        for at, now in enumerate(nows):
            found = named.get(naming(now)) if naming(now) else None
            if found is not None:
                ranks[found, at] += rank
    return dict(ranks)


def _path(each: PatchFile) -> object:
    return each.file.path


def _base_file(each: PatchFile) -> object:
    return None if each.added or each.file.status is FileStatus.COPIED else each.file.old_path


def _base_blob(each: PatchFile) -> object:
    old, _ = blob_ids(each.file)
    return None if each.added or not old else old[:_ABBREVIATED]


def _both_blobs(each: PatchFile) -> object:
    old, new = blob_ids(each.file)
    return (old[:_ABBREVIATED], new[:_ABBREVIATED]) if old else None


_ABBREVIATED = 7  # what git abbreviates to at least, unless it was told otherwise
_NAMINGS = (
    (_SAME_PATH, _path),
    (_SAME_BASE_FILE, _base_file),
    (_SAME_BASE_BLOB, _base_blob),
    (_SAME_BLOBS, _both_blobs),
)


def _evidence(olds: Sequence[PatchFile], nows: Sequence[PatchFile]) -> _Evidence:
    out = _Evidence()
    mine, theirs = _only_file(olds), _only_file(nows)
    out.olds.update(mine.values())
    out.nows.update(theirs.values())
    for key, old in mine.items():
        now = theirs.get(key)
        if now is not None:
            out.shared[old, now].append(key)
    return out


def _only_file(files: Sequence[PatchFile]) -> Mapping[bytes, int]:
    """Each line that occurs in one file only, and in which."""
    found: dict[bytes, int] = {}
    several: set[bytes] = set()
    for at, key in _keys(files):
        if found.setdefault(key, at) != at:
            several.add(key)
    return {key: at for key, at in found.items() if key not in several}


def _keys(files: Sequence[PatchFile]) -> Iterator[tuple[int, bytes]]:
    for at, each in enumerate(files):
        for side in Side:
            for key in each.lines.keys[side]:
                yield at, key


def same_base(old: FilePatch, now: FilePatch) -> bool:
    """Whether both patches of the file surely begin from the same text: its line numbers there can be compared."""
    both_added = old.status is FileStatus.ADDED and now.status is FileStatus.ADDED
    return both_added or same_blob(blob_ids(old)[0], blob_ids(now)[0])
