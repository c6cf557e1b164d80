"""Pure: which changed files belong together, in which order they are shown, and how risky each is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from posixpath import basename, dirname, splitext

from reviewbot.core.change.diff import FilePatch
from reviewbot.core.context.symbols import imports

_TEST_NAME = re.compile(r"^(?:test_)?(.+?)(?:_test|\.test|\.spec|_spec|Tests?|IT)?$")
_TEST_PATH = re.compile(
    r"(?:^|/)(?:(?:tests?|specs?|__tests__)/|test_|(?:tests?|conftest)\.)|[._](?:test|spec)\.|_test\.|Tests?\."
)
_HARMLESS_PATH = re.compile(
    r"(?i)\.(?:md|rst|txt|adoc|css|scss|svg|po|json|ya?ml|toml|ini|cfg|lock)$|(?:^|/)(?:docs?|examples?|locale)/"
)
_RISKY = re.compile(
    rb"(?i)auth|passw|secret|token|crypt|permission|privilege|sql|execute\(|eval\(|subprocess|shell|deserial|pickle"
    rb"|payment|price|amount|balance|refund|mutex|\block\b|atomic|thread|async|migrat|\bdelete\b|\bdrop\b|unsafe|malloc"
)
_MOST_COUNTED = 20
_MOST_SAME = 50  # files of one name that are compared
_FAMILY = 12  # files tied together at most, so that one hub that everything imports does not tie the whole change


def families(files: Sequence[FilePatch], sources: Mapping[str, bytes]) -> list[list[FilePatch]]:
    """The files in groups of relatives (a test and its subject, an importer and what it imports), the groups in the
    order of their first member's folder and name. Deterministic."""
    family = _families(files, sources)
    members: dict[int, list[FilePatch]] = defaultdict(list)
    for file in sorted(files, key=_place):
        members[family[file.path]].append(file)
    return sorted(members.values(), key=lambda group: _place(group[0]))


def risk_of(file: FilePatch) -> int:
    """How much a mistake in this file would matter, from 0: code before tests, documents and settings; and code that
    touches access, money, data or concurrency first. A workflow runs with the repository's secrets: it is code."""
    if file.path.startswith(".github/workflows/"):
        return 10 + _MOST_COUNTED
    if _TEST_PATH.search(file.path) or _HARMLESS_PATH.search(file.path):
        return 0
    added = b"\n".join(row for hunk in file.hunks for row in hunk.body.split(b"\n") if row[:1] in (b"+", b"-"))
    words = len(_RISKY.findall(added[:200_000]))
    return 10 + min(words, _MOST_COUNTED) + (10 if _RISKY.search(file.path.encode("utf-8", "replace")) else 0)


def _place(file: FilePatch) -> tuple[str, str]:
    return dirname(file.path), file.path


def _families(files: Sequence[FilePatch], sources: Mapping[str, bytes]) -> dict[str, int]:
    """Path -> number of its family, by joining pairs of relatives as long as a family stays small."""
    number = {file.path: index for index, file in enumerate(files)}
    parent = list(range(len(files)))
    size = [1] * len(files)

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for left, right in _relatives(files, sources):
        a, b = root(number[left]), root(number[right])
        if a != b and size[a] + size[b] <= _FAMILY:
            a, b = min(a, b), max(a, b)
            parent[b] = a
            size[a] += size[b]
    return {path: root(index) for path, index in number.items()}


def _relatives(files: Sequence[FilePatch], sources: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Pairs of related paths: first tests with their subjects and headers with their sources, then imports."""
    by_subject: dict[str, list[str]] = defaultdict(list)
    by_tail: dict[str, list[str]] = defaultdict(list)
    for file in files:
        stem = splitext(basename(file.path))[0]
        found = _TEST_NAME.match(stem)
        by_subject[(found[1] if found else stem).lower()].append(file.path)
        by_tail[stem].append(file.path)
    pairs = []
    for same in by_subject.values():
        tests = {path for path in same[:_MOST_SAME] if _TEST_PATH.search(path)}
        subjects = [path for path in same[:_MOST_SAME] if path not in tests]
        for path in same[:_MOST_SAME] if subjects else ():
            kin = [each for each in subjects if path in tests or splitext(each)[1] != splitext(path)[1]]
            pairs += [(max(kin, key=lambda each: _nearness(path, each)), path)] if kin else []
    for file in files:
        source = sources.get(file.path)
        for target in imports(file.path, source) if source else ():
            pairs += [(path, file.path) for path in _imported(target, by_tail) if path != file.path]
    return pairs


def _nearness(left: str, right: str) -> int:
    """How many names two paths share."""
    return len({*left.split("/")} & {*right.split("/")})


def _imported(target: str, by_tail: Mapping[str, Sequence[str]]) -> list[str]:
    """Changed files that an import path names, by its whole tail: ``pkg/a`` names ``src/pkg/a.py``."""
    candidates = by_tail.get(basename(target), ())[:_MOST_SAME]
    return [path for path in candidates if f"/{splitext(path)[0]}".endswith(f"/{target}")]
