"""The figures of the house: reading cost, lengths, names, broad catches."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("reviewbot/**/*.py"), *ROOT.glob("webhooks/**/*.py")])
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
LENGTHS = {path: path.read_text(encoding="utf-8").count("\n") for path in FILES}
FUNCTIONS = {
    f"{path.relative_to(ROOT)}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
    for path, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
}
FORBIDDEN_NAMES = {"utils", "helpers", "manager", "service", "types", "common", "misc"}
EDGES = {"reviewbot/__main__.py", "reviewbot/cli.py", "reviewbot/doctor.py"}  # where a process ends


def test_no_module_is_over_400_lines() -> None:
    assert {str(path.relative_to(ROOT)): n for path, n in LENGTHS.items() if n > 400} == {}


def test_functions_are_short() -> None:
    assert {name: n for name, n in FUNCTIONS.items() if n > 60} == {}
    assert statistics.quantiles(FUNCTIONS.values(), n=10)[8] < 30


def test_the_review_can_be_read_in_one_sitting() -> None:
    """Reading cost: the closure of flows/review.py over our own imports."""
    names = {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in FILES if p.name != "__init__.py"}
    seen: set[str] = set()
    todo = ["reviewbot.flows.review"]
    while todo:
        module = todo.pop()
        if module in seen:
            continue
        seen.add(module)
        for node in ast.walk(TREES[names[module]]):
            if isinstance(node, ast.ImportFrom) and node.module in names:
                todo.append(node.module)
    assert len(seen) <= 30, sorted(seen)
    assert sum(LENGTHS[names[module]] for module in seen) <= 4500


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_say_what_is_in_the_box(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES


def test_broad_catches_stand_only_at_the_edges_of_the_process() -> None:
    broad = {
        str(path.relative_to(ROOT))
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
    }
    assert broad <= EDGES
