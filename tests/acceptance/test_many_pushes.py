"""Twenty pushes and more, each reviewed by a model that never repeats its words: every finding once, none lost."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Git, World

pytestmark = pytest.mark.usefixtures("quick")

FUNCTIONS = {
    "size": ("    if items == None: return 0", "    return len(items)"),
    "load": ("    data = eval(text)", "    return data['rows']"),
    "total": ("    return sum(each.price for each in rows) / len(rows)", "    # the mean price"),
    "save": ("    open(name, 'w').write(text)", "    return name"),
}
TOLD: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "    if items == None: return 0": ("bug", (
        ("None is compared by value", "`items == None` calls a comparison that a class may define; use `is`."),
        ("Use `is` to compare `items` with None", "A class that defines `__eq__` may answer anything here."),
        ("Comparison with None by equality", "Identity is meant: `items is None`. Equality asks the class."),
    )),
    "    data = eval(text)": ("security", (
        ("eval() runs what the text says", "Whoever writes `text` runs code in this process; parse it instead."),
        ("Text from outside is evaluated as code", "`eval(text)` lets a caller run any expression; use json.loads."),
        ("Arbitrary code through eval", "The text is run, not read. A literal parser would do."),
    )),
    "    return sum(each.price for each in rows) / len(rows)": ("bug", (
        ("Division by zero for no rows", "With an empty `rows`, `len(rows)` is 0 and this raises ZeroDivisionError."),
        ("The mean of an empty list raises", "`len(rows)` may be 0: the division fails then."),
        ("Empty rows divide by zero", "When there is no row, dividing by `len(rows)` raises ZeroDivisionError."),
    )),
    "    open(name, 'w').write(text)": ("bug", (
        ("The file is never closed", "`open(name, 'w')` is not closed, so what was written may be lost; use `with`."),
        ("The opened file leaks", "Nothing closes the file of `open(name, 'w')`; its text may not reach the disk."),
        ("open() without close()", "The handle stays open; a `with` block would close it and flush the text."),
    )),
}  # fmt: skip


def module(seed: int) -> str:
    """The four functions in some order, with code between them that no finding is about."""
    chance = random.Random(seed)
    names = list(FUNCTIONS)
    chance.shuffle(names)
    rows = [f"LIMIT = {seed}", ""]
    for name in names:
        rows += [f"def {name}(items=(), text='', rows=(), name=''):", *FUNCTIONS[name], ""]
        rows += [f"# a note of push {seed}", ""] * chance.randint(0, 3)
    return "\n".join(rows)


def reviewer(seed: int) -> Any:
    chance = random.Random(seed)

    def read(prompt: str) -> dict[str, Any]:
        shown = set(re.findall(r"^[+ ](.*)$", prompt.partition("<change")[2], re.MULTILINE))
        found = []
        for quote, (category, ways) in TOLD.items():
            if quote in shown:
                title, body = chance.choice(ways)
                found.append({
                    "path": "shop.py", "side": "new", "quote": quote, "evidence": body, "title": title, "body": body,
                    "category": category, "suggestion": None, "priority": 1, "confidence": 0.9,
                })  # fmt: skip
        return {"findings": found, "explanation": "Looked.", "verdict": "incorrect" if found else "correct"}

    return read


@pytest.fixture
def git(tmp_path: Path, request: pytest.FixtureRequest) -> Git:
    made: Git = type(request.getfixturevalue("repository"))(tmp_path / "served")
    made.init({"README.md": "A shop.\n"})
    made.branch("work", {"shop.py": module(0)})
    made("switch", "-q", "main")
    return made


@pytest.fixture
def served(git: Git) -> Path:
    return git.path


@pytest.mark.parametrize(
    "full", [False, pytest.param(True, marks=pytest.mark.long)], ids=["what-is-new", "everything-again"]
)
def test_each_finding_once_over_more_than_twenty_pushes(world: World, git: Git, full: bool) -> None:
    url = world.open("work")
    for push in range(22):
        git("switch", "-q", "work")
        git.commit(f"Push {push}", {"shop.py": module(push)})
        if push % 5 == 4:
            git("reset", "-q", "--soft", "main")
            git("commit", "-q", "-m", "Squashed")
        git("switch", "-q", "main")
        world.answers(reviewer(push))
        done = world.review(url, "--format", "json", *(["--full"] if full and push else []))
        assert done.code == 0
        quotes = [comment.body for comment in world.comments]
        assert len(quotes) == 4, f"push {push}: {[body.splitlines()[0] for body in quotes]}"
        standing = [item for item in json.loads(done.out)["rejected"] if item["reason"] == "already-posted"]
        assert push == 0 or len(standing) == 4, f"push {push}"
    assert len(world.summaries) == 1
