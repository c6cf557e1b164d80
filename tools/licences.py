"""Licences of what is shipped: ``python tools/licences.py`` audits them and writes THIRD_PARTY_NOTICES.md.

It reads the metadata of the installed distributions that requirements.lock and deploy/container/analyzers.lock name for
CPython on Linux, as the image has them. A licence that is not in the table below ends it with 1: somebody has to look
at it first. ``--check`` writes nothing, and fails when the page is not fresh.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
LOCKS = (ROOT / "requirements.lock", ROOT / "deploy" / "container" / "analyzers.lock")
PAGE = ROOT / "THIRD_PARTY_NOTICES.md"
PLATFORM = {
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "platform_machine": "x86_64",
    "sys_platform": "linux",
    "os_name": "posix",
    "extra": "",
}
#: May be shipped beside a program under the Apache License 2.0, unmodified, as a library that anybody can replace.
ALLOWED = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CNRI-Python", "ISC", "LGPL-3.0-only",
        "LGPL-3.0-or-later", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
    }
)  # fmt: skip
#: What the metadata says in words of its own, by the SPDX identifier that it means.
SAYS = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache-2.0": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "gnu library or lesser general public license (lgpl)": "LGPL-3.0-or-later",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-only",
    "isc license (iscl)": "ISC",
    "mit": "MIT",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
}
#: Whose metadata says nothing that can be read by a program; looked up in the licence file that it ships.
LOOKED_UP: dict[str, str] = {}


@dataclass(frozen=True)
class Part:
    """One distribution that is shipped."""

    name: str
    version: str
    licence: str
    where: str


def names(lock: str) -> list[str]:
    """The distributions of a lock file that this platform needs."""
    rows = [line.rstrip("\\").strip() for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    needed = [Requirement(row) for row in rows]
    return sorted(each.name for each in needed if each.marker is None or each.marker.evaluate(PLATFORM))


def _one(facts: metadata.PackageMetadata, name: str) -> str:
    found = facts.get_all(name) or []
    return str(found[0]) if found else ""


def licence_of(name: str, facts: metadata.PackageMetadata) -> str:
    """An SPDX expression, or the metadata's own words where they mean nothing to us."""
    if name in LOOKED_UP:
        return LOOKED_UP[name]
    if expression := _one(facts, "License-Expression"):
        return expression
    trove = [row.rpartition(" :: ")[2] for row in facts.get_all("Classifier") or () if row.startswith("License :: ")]
    words = _one(facts, "License").strip().split("\n")[0]  # some hold the whole text
    for said in (*trove, words):
        if found := SAYS.get(said.strip().lower()):
            return found
    return "; ".join(trove) or words[:60] or "unknown"


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression leaves a way: one side of an OR, every side of an AND."""
    words = re.sub(r"[()]", " ", expression)
    return any(
        all(part.strip().split(" WITH ")[0] in ALLOWED for part in way.split(" AND ")) for way in words.split(" OR ")
    )


def where(facts: metadata.PackageMetadata) -> str:
    """The project's page, as its metadata gives it."""
    urls = dict(row.split(", ", 1) for row in facts.get_all("Project-URL") or () if ", " in row)
    by_name = {name.lower(): url for name, url in urls.items()}
    for name in ("homepage", "source", "source code", "repository", "code", "github", "documentation"):
        if name in by_name:
            return str(by_name[name])
    return _one(facts, "Home-page") or next(iter(urls.values()), "")


def parts() -> list[Part]:
    """All that is shipped, by name. Raises PackageNotFoundError when the environment lacks one."""
    found = []
    for name in names("\n".join(lock.read_text(encoding="utf-8") for lock in LOCKS)):
        facts = metadata.metadata(name)
        found.append(Part(name, str(facts["Version"]), licence_of(name, facts), where(facts)))
    return found


def page(found: list[Part]) -> str:
    """The notices as Markdown."""
    linked = {each.name: f"[{each.name}]({each.where})" if each.where else each.name for each in found}
    rows = [f"| {linked[each.name]} | {each.version} | {each.licence} |" for each in found]
    vocabulary = (ROOT / "docs" / "vocabulary-notice.txt").read_text(encoding="utf-8").strip()
    return "\n".join(
        [
            "# Third-party notices",
            "",
            "Made by `python tools/licences.py`; do not edit.",
            "",
            "reviewbot itself is under the [Apache License 2.0](LICENSE).",
            "",
            "## In the package",
            "",
            "```text",
            vocabulary,
            "```",
            "",
            "## Beside it",
            "",
            "The libraries of `requirements.lock` and the programs of `deploy/container/analyzers.lock` on Linux, as",
            "the container image has them: unmodified, each with its own licence file in its `.dist-info` folder,",
            "where it ships one. The image's system packages have theirs where Debian puts them.",
            "",
            "| Library | Version | Licence |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def main(words: list[str]) -> int:
    """0 when every licence is allowed and the page is fresh, or was written."""
    found = parts()
    refused = [each for each in found if not is_allowed(each.licence)]
    for each in refused:
        sys.stderr.write(f"{each.name} {each.version}: {each.licence!r} is not an allowed licence\n")
    text = page(found)
    if "--check" in words:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text
        if stale:
            sys.stderr.write("THIRD_PARTY_NOTICES.md is not fresh: run python tools/licences.py\n")
        return int(bool(refused or stale))
    PAGE.write_text(text, encoding="utf-8")
    return int(bool(refused))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
