"""Pure: Bundle, what a workflow without secrets says of a pull request; to its two files, and back from an archive.

Whoever makes the change can make the bundle, too: a fork may replace the workflow that writes it. So reading is strict,
what is read is a hint, and whoever reviews asks GitHub (`reviewbot.action.vetting`).

    bundle.json   one JSON object of plain values, schema 1; its fields are those of Bundle
    change.diff   the change as GitHub told it, empty where ``no_diff`` says why there is none
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reviewbot.core.change.archive import read_archive
from reviewbot.core.change.diff import Diff
from reviewbot.core.change.patch import parse_diff, render_diff
from reviewbot.errors import BundleError, DiffError

FACTS, CHANGE = "bundle.json", "change.diff"
MOST_FACTS = 8 * 1024
MOST_DIFF = 8 * 1024 * 1024  # GitHub's own diff ends at 20,000 lines
MOST_ARCHIVE = MOST_DIFF + 64 * 1024  # a diff that cannot be packed, and the frame round it
MOST_PATHS = 3_000  # GitHub lists no more files of a change
_MOST_DIGITS = 10

_Sha = Annotated[str, Field(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
_FullName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}$")]
Action = Literal["opened", "reopened", "ready_for_review", "synchronize", "labeled"]
NoDiff = Literal["", "too-big", "unusual"]


class _Facts(BaseModel):
    """bundle.json."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_: Annotated[int, Field(ge=1, le=1)] = Field(alias="schema")  # a Literal would take true for 1
    repository: _FullName
    number: Annotated[int, Field(ge=1, le=2**31 - 1)]
    action: Action
    base_sha: _Sha
    head_sha: _Sha
    head_repository: _FullName | None
    no_diff: NoDiff
    diff_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    diff_size: Annotated[int, Field(ge=0, le=MOST_DIFF)]


@dataclass(frozen=True, slots=True)
class Bundle:
    """``repository`` is that of the pull request, ``head_repository`` None when the fork is gone, ``action`` that of
    the event. ``no_diff`` says why there is no diff: ``too-big``, or ``unusual`` for one that would not be read."""

    repository: str
    number: int
    action: Action
    base_sha: str
    head_sha: str
    head_repository: str | None
    diff: Diff
    no_diff: NoDiff = ""


def write_bundle(bundle: Bundle) -> dict[str, bytes]:
    """The texts of the two files. A diff that `read_bundle` would refuse is left out, and the reason says so."""
    diff = render_diff(bundle.diff)
    reason: NoDiff = bundle.no_diff or ("too-big" if len(diff) > MOST_DIFF else "")
    if not reason:
        try:
            _checked(diff)
        except BundleError:
            reason = "unusual"
    diff = b"" if reason else diff
    facts = _Facts(
        schema=1,
        repository=bundle.repository,
        number=bundle.number,
        action=bundle.action,
        base_sha=bundle.base_sha,
        head_sha=bundle.head_sha,
        head_repository=bundle.head_repository,
        no_diff=reason,
        diff_sha256=hashlib.sha256(diff).hexdigest(),
        diff_size=len(diff),
    )
    return {FACTS: f"{facts.model_dump_json(by_alias=True, indent=2)}\n".encode(), CHANGE: diff}


def read_bundle(archive: bytes) -> Bundle:
    """The bundle in the bytes of a ZIP archive. Raises BundleError, whose words hold nothing of it."""
    if len(archive) > MOST_ARCHIVE:
        raise BundleError(f"The archive is over {MOST_ARCHIVE:,} bytes.")
    files = read_archive(archive, {FACTS: MOST_FACTS, CHANGE: MOST_DIFF})
    facts, text = _facts(files[FACTS]), files[CHANGE]
    if (len(text), hashlib.sha256(text).hexdigest()) != (facts.diff_size, facts.diff_sha256):
        raise BundleError(f"{CHANGE} is not the diff of which {FACTS} speaks.")
    if facts.no_diff and text:
        raise BundleError(f"{CHANGE} holds a diff, and {FACTS} says that there is none.")
    return Bundle(
        repository=facts.repository,
        number=facts.number,
        action=facts.action,
        base_sha=facts.base_sha,
        head_sha=facts.head_sha,
        head_repository=facts.head_repository,
        diff=_checked(text),
        no_diff=facts.no_diff,
    )


def _facts(text: bytes) -> _Facts:
    # One object of plain values: so depth needs no other limit.
    if b"[" in text or text.count(b"{") != 1:
        raise BundleError(f"{FACTS} is not one JSON object of plain values.")
    try:
        found = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_once,
            parse_int=_integer,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
    except ValueError as error:
        raise BundleError(f"{FACTS} is not JSON in UTF-8.") from error
    try:
        return _Facts.model_validate(found)
    except ValidationError as error:
        raise BundleError(f"{FACTS} is not of schema 1: {_wrong(error)}.") from None  # its text shows what was given


def _wrong(error: ValidationError) -> str:
    """The names of our own fields that are wrong; what else was there stays unnamed."""
    ours = {each.alias or name for name, each in _Facts.model_fields.items()}
    named = {str(each["loc"][0]) for each in error.errors() if each["loc"]}
    return ", ".join(sorted(named & ours)) or "it has other fields"


def _once(pairs: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BundleError(f"{FACTS} says something twice.")
    return found


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise BundleError(f"{FACTS} holds a number that is too big.")
    return int(text)


def _no_number(_text: str) -> int:
    raise BundleError(f"{FACTS} holds a number that is not a whole one.")


def _checked(text: bytes) -> Diff:
    """The diff, if it is one whose paths stay within a repository."""
    if text and not text.startswith(b"diff --git "):
        raise BundleError(f"{CHANGE} is not a diff of git.")
    if text.count(b"\ndiff --git ") >= MOST_PATHS:
        raise BundleError(f"{CHANGE} is about more than {MOST_PATHS:,} files.")
    try:
        diff = parse_diff(text)
    except DiffError as error:
        raise BundleError(f"{CHANGE} is not a diff that can be read.") from error
    if len(diff.files) > MOST_PATHS:
        raise BundleError(f"{CHANGE} is about more than {MOST_PATHS:,} files.")
    if not all(_within(path) for file in diff.files for path in (file.path, file.old_path)):
        raise BundleError(f"{CHANGE} names a path that leads out of a repository.")
    return diff


def _within(path: str) -> bool:
    return bool(path) and "\0" not in path and not {"", ".", "..", ".git"} & {part.lower() for part in path.split("/")}
