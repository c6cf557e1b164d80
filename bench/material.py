"""Pull requests of known sizes, made from two real versions of well-known packages.

The wheels come from the package index that pip is set up for, once; the repositories stay in a cache folder.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).resolve().parent.parent / ".bench"


@dataclass(frozen=True)
class Material:
    """A repository whose branch ``change`` differs from ``main`` in ``files`` files."""

    name: str
    path: Path
    files: int
    changed_lines: int
    diff_bytes: int


SIZES = (
    ("3 files", "flask", "3.0.0", "3.0.3", 3),
    ("25 files", "flask", "3.0.0", "3.1.2", 25),
    ("200 files", "django", "4.2.16", "5.2.8", 200),
    ("1,500 files", "django", "4.0.10", "5.2.8", 1500),
)


def all_material(most_files: int = 10_000) -> list[Material]:
    """All sizes up to ``most_files`` files, made when they are not there yet."""
    return [make(*size) for size in SIZES if size[4] <= most_files]


def make(name: str, package: str, old: str, new: str, files: int) -> Material:
    """The repository of one size."""
    path = CACHE / f"{package}-{files}"
    if not (path / ".git" / "made").exists():
        shutil.rmtree(path, ignore_errors=True)
        _build(path, _unpacked(package, old), _unpacked(package, new), files)
        (path / ".git" / "made").touch()
    stat = git(path, "diff", "--numstat", "main", "change").splitlines()
    numbers = [line.split("\t")[:2] for line in stat]
    changed = sum(int(a) + int(b) for a, b in numbers if a != "-")
    return Material(name, path, len(stat), changed, len(git(path, "diff", "main", "change").encode()))


def git(path: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=path, check=True, capture_output=True)
    return done.stdout.decode("utf-8", "replace")


def _unpacked(package: str, version: str) -> Path:
    target = CACHE / f"{package}-{version}"
    if not target.exists():
        wheels = CACHE / "wheels"
        wheels.mkdir(parents=True, exist_ok=True)
        command = ["download", "-q", "--no-deps", "--only-binary", ":all:", "-d", str(wheels), f"{package}=={version}"]
        subprocess.run([sys.executable, "-m", "pip", *command], check=True, stderr=subprocess.DEVNULL)
        wheel = next(file for file in wheels.iterdir() if file.name.lower().startswith(f"{package}-{version}-"))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
    return target


def _build(path: Path, old: Path, new: Path, files: int) -> None:
    """``main`` holds the old version; ``change`` takes the first ``files`` changed files of the new one."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "-b", "main")
    git(path, "config", "user.name", "bench")
    git(path, "config", "user.email", "bench@example.com")
    source = "src"
    shutil.copytree(old, path / source, ignore=_no_metadata)
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "old version")
    git(path, "switch", "-q", "-c", "change")
    for relative in _changed(old, new)[:files]:
        target = path / source / relative
        if (new / relative).exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(new / relative, target)
        else:
            target.unlink()
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "new version")


def _changed(old: Path, new: Path) -> list[Path]:
    """Changed files, code first and translations last, so that small sizes are code and big ones are everything."""
    paths = {p.relative_to(root) for root in (old, new) for p in root.rglob("*") if p.is_file()}
    changed = [p for p in paths if p.suffix != ".pyc" and not _metadata(p) and _bytes(old / p) != _bytes(new / p)]
    return sorted(changed, key=lambda p: (p.suffix in (".po", ".mo"), p))


def _metadata(path: Path) -> bool:
    return any(part.endswith((".dist-info", ".data")) for part in path.parts)


def _no_metadata(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name.endswith((".dist-info", ".data"))]


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
