"""Git's objects as values, and how git's own listings are read into them."""

from __future__ import annotations

from dataclasses import dataclass

#: For ``git log -z``: a record ends with the byte 1, which no name and no message holds by custom, and a NUL.
COMMIT_FORMAT = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x01"


@dataclass(frozen=True, slots=True)
class GitObject:
    """``kind`` is blob, tree, commit or tag."""

    sha: str
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """``size`` is None for anything but a blob."""

    path: str
    mode: str
    kind: str
    sha: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    date: str


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


def read_commit(record: bytes) -> Commit:
    """One record of ``git log -z`` in COMMIT_FORMAT, without its end."""
    parts = record.decode("utf-8", "replace").split("\0")
    sha, tree, parents, an, ae, ad, cn, ce, cd = parts[:9]
    author, committer = Person(an, ae, ad), Person(cn, ce, cd)
    return Commit(sha, tree, tuple(parents.split()), author, committer, parts[9].rstrip("\n"))


def read_entry(row: bytes) -> TreeEntry:
    """One record of ``git ls-tree -z -l``."""
    facts, _, path = row.partition(b"\t")
    mode, kind, sha, size = facts.decode("ascii").split()
    return TreeEntry(path.decode("utf-8", "surrogateescape"), mode, kind, sha, int(size) if size.isdigit() else None)
