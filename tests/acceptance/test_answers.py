"""Findings over several runs: said once in whatever words, and what people answered is remembered."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("quick")
QUOTE = "    if items == None: return 0"


@pytest.fixture
def served(tmp_path: Any, request: pytest.FixtureRequest) -> Any:
    """A repository whose branch ``work`` adds a comparison with None."""
    git_type = type(request.getfixturevalue("repository"))
    git = git_type(tmp_path / "served").init({"app.py": "def size(items):\n    return len(items)\n"})
    git.branch("work", {"app.py": f"def size(items):\n{QUOTE}\n    return len(items)\n"})
    git("switch", "-q", "main")
    return git.path


def point(title: str, body: str, **more: Any) -> dict[str, Any]:
    return {
        "path": "app.py", "side": "new", "quote": QUOTE, "evidence": "Compared by value.", "title": title, "body": body,
        "category": "bug", "suggestion": None, "priority": 1, "confidence": 0.9, **more,
    }  # fmt: skip


def said(world: Any, *points: dict[str, Any]) -> None:
    world.answers(lambda _: {"findings": list(points), "explanation": "Looked.", "verdict": "incorrect"})


COMPARED = point("None is compared by value", "A class may define its own comparison with None.")
REWORDED = point(
    "Use `is` when comparing items with None", "`items == None` calls a comparison that a class may define."
)
OTHER = point(
    "An empty dict is counted as 0 without a warning",
    "Callers that pass a generator get a TypeError.",
    category="api",
)


def first(world: Any) -> str:
    said(world, COMPARED)
    url = str(world.open("work"))
    assert world.review(url, "--fail-on", "major").code == 1
    assert len(world.comments) == 1
    return url


def test_the_same_point_in_other_words_is_not_said_again_and_still_counts(world: Any) -> None:
    url = first(world)
    said(world, REWORDED)
    done = world.review(url, "--full", "--fail-on", "major", "--format", "json")
    assert done.code == 1
    assert [item["reason"] for item in done.json["rejected"]] == ["already-posted"]
    assert len(world.comments) == 1


def test_another_defect_on_the_same_line_is_said(world: Any) -> None:
    url = first(world)
    said(world, OTHER, REWORDED)
    assert world.review(url, "--full").code == 0
    assert len(world.comments) == 2


def test_what_a_person_resolved_is_not_raised_again_and_fails_nothing(world: Any) -> None:
    url = first(world)
    comment = world.comments[0]
    world.hosted.resolved[comment.id] = world.github.account("maintainer")
    world.hosted.collaborators["maintainer"] = "write"
    done = world.review(url, "--full", "--fail-on", "major", "--format", "json")
    (item,) = done.json["rejected"]
    assert (item["reason"], done.code) == ("dismissed", 0), item["detail"]
    assert "maintainer" in item["detail"]
    assert len(world.comments) == 1


def test_a_stranger_who_resolves_silences_nothing(world: Any) -> None:
    """Whoever opened the pull request may resolve threads on it without the right to write."""
    url = first(world)
    author = next(pull for pull in world.hosted.pulls()).author
    world.hosted.resolved[world.comments[0].id] = author
    done = world.review(url, "--full", "--fail-on", "major", "--format", "json")
    assert [item["reason"] for item in done.json["rejected"]] == ["already-posted"]
    assert done.code == 1
