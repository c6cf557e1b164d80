"""The import laws of the house, read from the code itself, hidden imports included."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("reviewbot/**/*.py"), *ROOT.glob("webhooks/**/*.py")])
ROOMS = ("change", "context", "findings", "report")
SHELLS = ("github", "model", "store", "sandbox", "checkout", "local_tree", "jobs", "analyzers", "telemetry")
DOORS = ("cli", "action", "doctor", "demo", "serve", "__main__")
IMPURE = {
    "os", "socket", "subprocess", "time", "random", "asyncio", "anyio", "httpx", "requests", "github", "sqlalchemy",
    "threading", "uuid", "secrets", "tempfile", "shutil", "urllib.request", "http",
}  # fmt: skip


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in FILES}


def imported(path: Path) -> set[str]:
    """Full names of all modules that a file imports, at any depth of the code."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            base = node.module or ""
            names |= {f"{base}.{a.name}" if f"{base}.{a.name}" in MODULES else base for a in node.names}
    return names


GRAPH = {module: imported(path) for module, path in MODULES.items()}


def floor(module: str) -> int:
    """0 errors, 1 core, 2 ports, 3 flows, 4 shells and settings, 5 wiring, 6 doors, 7 webhooks."""
    parts = module.split(".")
    if parts[0] == "webhooks":
        return 7
    if len(parts) == 1:
        return 1  # the package itself only names its version
    if parts[1] == "errors":
        return 0
    if parts[1] in DOORS:
        return 6
    fixed = {
        "core": 1,
        "ports": 2,
        "analyzer": 2,
        "conversation": 2,
        "talks": 2,
        "flows": 3,
        "wiring": 5,
        "answer_wiring": 5,
        "app_wiring": 6,
        "settings": 4,
    }
    return fixed.get(parts[1], 4)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_go_downward_only(module: str) -> None:
    for name in GRAPH[module] & MODULES.keys():
        assert floor(name) <= floor(module), f"{module} imports {name}, which is above it"


@pytest.mark.parametrize("module", [m for m in sorted(MODULES) if m.startswith("reviewbot.core")])
def test_the_core_is_pure_and_its_rooms_are_in_order(module: str) -> None:
    outside = {name for name in GRAPH[module] if name in IMPURE or name.split(".")[0] in IMPURE}
    assert not outside, f"{module} imports {outside}: the core may not touch the world"
    room = module.split(".")[2] if module.count(".") > 2 else ""
    for name in GRAPH[module] & MODULES.keys():
        assert name.startswith(("reviewbot.core", "reviewbot.errors")), f"{module} imports {name}"
        other = name.split(".")[2] if name.count(".") > 2 else ""
        if room in ROOMS and other in ROOMS:
            assert ROOMS.index(other) <= ROOMS.index(room), f"{module} imports the later room {name}"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_shells_do_not_import_each_other(module: str) -> None:
    parts = module.split(".")
    if len(parts) < 2 or parts[1] not in SHELLS:
        return
    for name in GRAPH[module] & MODULES.keys():
        other = name.split(".")[1] if "." in name else ""
        assert other not in SHELLS or other == parts[1], f"{module} imports the shell {name}"


def test_there_are_no_circles() -> None:
    edges = {module: GRAPH[module] & MODULES.keys() for module in MODULES}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"import circle: {' -> '.join((*trail, module))}"
        if module in done:
            return
        for name in edges[module] - {module}:
            visit(name, (*trail, module))
        done.add(module)

    for module in edges:
        visit(module, ())


def test_only_github_imports_pygithub() -> None:
    users = {m for m, names in GRAPH.items() if any(n == "github" or n.startswith("github.") for n in names)}
    assert users
    assert all(user.startswith("reviewbot.github") for user in users), users


def test_one_place_reads_the_environment() -> None:
    readers = {m for m, p in MODULES.items() if "os.environ" in p.read_text() or "os.getenv" in p.read_text()}
    assert readers == {"reviewbot.settings"}
