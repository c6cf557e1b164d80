"""Pure: what was reviewed of a pull request <-> a hidden marker in the sticky summary.

    <!-- reviewbot:state:1:1a2b3c4d:eNqrVk... -->      version, checksum, JSON that is compressed and in base64url

A marker is a line of its own, as all of ours are (`core/marker.py`), and the checksum tells a broken one, not a
forged one: whoever reads must have checked that the comment is by our own account. Whatever cannot be read means a full
review. What does not fit is named more coarsely, never left out: lines, then files, then folders, then everything.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from reviewbot.core.change.diff import Run, Side
from reviewbot.core.change.increment import NOTHING_MISSED, Missed

VERSION = 1
MOST_CHARACTERS = 6_000  # of a marker: with a summary of 58,000 it stays under GitHub's 65,536 for a comment
MOST_IGNORED = 50  # patterns of `/reviewbot ignore`
MOST_IGNORED_CHARACTERS = 2_000  # of all of them together
_MOST_BYTES = 262_144  # of the JSON: what a reader will unpack
_MOST_NUMBER = 999_999_999  # as the diff parser has it
_LINE = re.compile(
    r"^<!-- reviewbot:state:([0-9]{1,6}):([0-9a-f]{8}):([A-Za-z0-9_-]{1,8000}) -->[ \t\r]*$", re.MULTILINE
)
_BEGUN = re.compile(r"^<!-- reviewbot:state:", re.MULTILINE)
_VERSION = re.compile(r"^(<!-- reviewbot:state:([0-9]{1,6}):[^<>\r\n]{0,6950} -->)[ \t\r]*$", re.MULTILINE)
_RUN = re.compile(r"([+-])([0-9]{1,9})(?:-([0-9]{1,9}))?")
_FOLDER_DEPTHS = (4, 3, 2, 1)


@dataclass(frozen=True, slots=True)
class ReviewedState:
    """What the last review of a pull request read, and what its people asked of us.

    The patch that was read is ``git diff base_sha...head_sha``: ``base_sha`` is the base's commit of that time or,
    where it is known, the merge base, which gives the same patch and cannot vanish while the head is there. ``missed``
    is what of it was not read; ``ignored`` are patterns left out of this pull request; ``late_findings`` counts
    findings of later rounds on lines that an earlier round had read.
    """

    head_sha: str
    base_sha: str
    missed: Missed = NOTHING_MISSED
    paused: bool = False
    ignored: tuple[str, ...] = ()
    rounds: int = 0
    late_findings: int = 0
    version: int = VERSION


class Fault(StrEnum):
    """Why there is no state to build on. Each means a full review."""

    NONE = "none"
    BROKEN = "broken"
    OLDER = "older"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class StateFault:
    """``reason`` is one clause for people. ``marker`` is the line of a newer version, which `next_marker` keeps."""

    fault: Fault
    reason: str
    marker: str = ""


def state_marker(state: ReviewedState) -> str:
    """The marker of a state, at most MOST_CHARACTERS. What was missed is named more coarsely until it fits.

    Raises ValueError if a commit is no object id or ``ignored`` is over its limits (see `ignorable`).
    """
    if not ignorable(state.ignored):
        raise ValueError("the ignored patterns cannot stand in a marker: too many, too long, or empty")
    for missed in _coarser(state.missed):
        line = _line(state, missed)
        if line and len(line) <= MOST_CHARACTERS:
            return line
    raise ValueError("the state cannot stand in a marker: a commit is no object id")


def next_marker(state: ReviewedState, earlier_body: str) -> str:
    """The marker to write into a summary that takes the place of ``earlier_body``: the state's own, or the newer
    version's, unchanged, when one stands there. So a server that was rolled back reviews in full and loses nothing: the
    newer one goes on from its own, older state, and the patch since then is what it will review."""
    found = read_state(earlier_body)
    return found.marker if isinstance(found, StateFault) and found.marker else state_marker(state)


def ignorable(patterns: tuple[str, ...]) -> bool:
    """Whether these patterns can be kept in a marker."""
    small = len(patterns) <= MOST_IGNORED and sum(map(len, patterns)) <= MOST_IGNORED_CHARACTERS
    return small and all(0 < len(each) <= 200 and each.isprintable() for each in patterns)


def read_state(body: str) -> ReviewedState | StateFault:
    """The state in a body of ours, or why there is none.

    The caller has checked that our own account wrote the comment: a marker cannot prove it.
    """
    begun = len(_BEGUN.findall(body))
    if not begun:
        return StateFault(Fault.NONE, "the summary names no earlier review")
    if begun > 1:
        return StateFault(Fault.BROKEN, "the summary names more than one earlier review")
    versioned = _VERSION.search(body)
    if versioned and int(versioned[2]) > VERSION:
        reason = f"the earlier review was noted by a newer reviewbot (state version {int(versioned[2])})"
        return StateFault(Fault.NEWER, reason, versioned[1])
    found = _LINE.search(body)
    if not found:
        return StateFault(Fault.BROKEN, "the note of the earlier review is cut short or was changed")
    version = int(found[1])
    reader = _READERS.get(version)
    if reader is None:
        return StateFault(Fault.OLDER, f"the earlier review was noted in a form no longer read (version {version})")
    data = _unpacked(found[3], found[2], version)
    state = reader(data) if data is not None else None
    return state or StateFault(Fault.BROKEN, "the note of the earlier review is cut short or was changed")


# ---- the form --------------------------------------------------------------------------------------------------------

_Sha = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})\z")]
_Path = Annotated[str, StringConstraints(min_length=1, max_length=4_096)]
_Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Runs = Annotated[str, StringConstraints(min_length=2, max_length=_MOST_BYTES)]
_Count = Annotated[int, Field(ge=0, le=_MOST_NUMBER)]


class _Form(BaseModel):
    """Version 1: what stands in the JSON, in short names."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    h: _Sha
    b: _Sha
    m: dict[_Path, _Runs] = {}
    w: tuple[_Path, ...] = ()
    a: bool = False
    p: bool = False
    i: Annotated[tuple[_Pattern, ...], Field(max_length=MOST_IGNORED)] = ()
    r: _Count = 0
    l: _Count = 0  # noqa: E741 - late findings


def _line(state: ReviewedState, missed: Missed) -> str:
    """The marker, or an empty string when the form does not take it."""
    try:
        form = _Form(
            h=state.head_sha,
            b=state.base_sha,
            m={path: _written(runs) for path, runs in sorted(missed.lines.items()) if runs},
            w=tuple(sorted(missed.whole)),
            a=missed.everything,
            p=state.paused,
            i=state.ignored,
            r=min(state.rounds, _MOST_NUMBER),
            l=min(state.late_findings, _MOST_NUMBER),
        )
        data = form.model_dump_json(exclude_defaults=True).encode()
    except ValueError:  # pydantic's, and that of a path that is no text
        return ""
    if len(data) > _MOST_BYTES or _read_form(data) is None:
        return ""
    token = base64.urlsafe_b64encode(zlib.compress(data, 9)).decode("ascii").rstrip("=")
    return f"<!-- reviewbot:state:{VERSION}:{_checksum(token, VERSION)}:{token} -->"


def _checksum(token: str, version: int) -> str:
    return f"{zlib.crc32(f'{version}:{token}'.encode('ascii')):08x}"


def _unpacked(token: str, checksum: str, version: int) -> bytes | None:
    """The JSON of a marker, if it is whole. Never more than _MOST_BYTES are unpacked."""
    if _checksum(token, version) != checksum:
        return None
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(packed, _MOST_BYTES)
    except (binascii.Error, zlib.error):
        return None
    return data if unpacker.eof and not unpacker.unused_data else None


def _read_form(data: bytes) -> ReviewedState | None:
    try:
        form = _Form.model_validate_json(data)
    except ValidationError:
        return None
    runs = {path: _read_runs(text) for path, text in form.m.items()}
    paths = [*form.m, *(name.removesuffix("/") for name in form.w)]
    if not all(runs.values()) or not all(map(_is_path, paths)) or not (ignorable(form.i)):
        return None
    missed = Missed({path: found for path, found in runs.items() if found}, frozenset(form.w), everything=form.a)
    return ReviewedState(form.h, form.b, missed, form.p, form.i, form.r, form.l)


# A version that is still read makes a ReviewedState of today: its reader fills in what its form did not have.
_READERS: Mapping[int, Callable[[bytes], ReviewedState | None]] = {1: _read_form}


def _is_path(path: str) -> bool:
    """A path as git has them: relative, without empty parts, ``.`` or ``..``."""
    return "\0" not in path and all(part not in ("", ".", "..") for part in path.split("/"))


def _written(runs: tuple[Run, ...]) -> str:
    """``-3+10-12+40``: the sign is the side."""
    marks = {Side.LEFT: "-", Side.RIGHT: "+"}
    ends = ((run, f"-{run.last}" if run.last > run.first else "") for run in runs)
    return ",".join(f"{marks[run.side]}{run.first}{end}" for run, end in ends)


def _read_runs(text: str) -> tuple[Run, ...] | None:
    out = []
    for part in text.split(","):
        found = _RUN.fullmatch(part)
        if not found:
            return None
        first = int(found[2])
        last = int(found[3]) if found[3] else first
        if last < first:
            return None
        out.append(Run(Side.LEFT if found[1] == "-" else Side.RIGHT, first, last))
    return tuple(out)


def _coarser(missed: Missed) -> Iterator[Missed]:
    """The same and more, in fewer and fewer words."""
    yield missed
    if missed.everything:
        yield Missed(everything=True)
        return
    files = missed.whole | {path for path, runs in missed.lines.items() if runs}
    yield Missed(whole=files)
    for depth in _FOLDER_DEPTHS:
        yield Missed(whole=frozenset(_folder(path, depth) for path in files))
    yield Missed(everything=True)


def _folder(path: str, depth: int) -> str:
    """The folder of a path that is ``depth`` deep, with its ``/``, or the path itself when it lies less deep."""
    parts = path.split("/")
    return path if len(parts) <= depth else "/".join(parts[:depth]) + "/"
