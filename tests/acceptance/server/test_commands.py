"""What people write in comments: who may start a review by it, and what it starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reviewbot.core.marker import read_review
from tests.acceptance.server.conftest import NAME, Server, deployed, until
from tests.acceptance.server.judge import (
    FILES,
    SMALL,
    assert_nothing_twice,
    is_reviewed,
    make_parts,
    two_for_each_file,
)


@pytest.fixture(scope="module")
def running(stages: Any, app_key: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    git = make_parts(tmp_path_factory.mktemp("commands") / "parts", 4)
    with deployed(stages, {NAME: Path(git.path)}, app_key, tmp_path_factory.mktemp("room")) as made:
        made.configure(**SMALL)
        made.model._read = two_for_each_file
        made.hosted.collaborators.update({"maria": "write", "ron": "read"})
        made.start()
        made.ready()
        yield made
        assert made.stop() == 0


def draft(running: Server, branch: int) -> int:
    """A draft, which is reviewed by nobody until somebody asks."""
    number = running.github.open_pull_request(NAME, base="main", head=f"part-{branch}", draft=True)
    running.quiet()
    assert not running.runs(number)
    return number


def test_who_may_write_starts_a_review_and_a_full_one_asks_the_model_anew(running: Server) -> None:
    """`/reviewbot review` of what was reviewed uses the answers that are stored; `/reviewbot full` pays for new ones.
    Neither says anything twice."""
    number = draft(running, 0)
    for words, answers in (("/reviewbot review", FILES), ("/reviewbot review", FILES), ("/reviewbot full", 2 * FILES)):
        before = len(running.runs(number))
        running.github.comment(NAME, number, "maria", words)
        until(lambda before=before: len(running.runs(number)) > before, 30, running.log)  # type: ignore[misc]  # bound
        running.quiet()
        assert is_reviewed(running, number)
        assert len([entry for entry in running.model.answered if entry.output_tokens]) == answers, words
        assert [run["status"] for run in running.runs(number)] == ["finished"] * (before + 1)
        assert len([r for r in running.reviews if r.number == number and read_review(r.body)]) == 1
        assert len([c for c in running.comments if c.number == number]) == 2 * FILES
        assert len(running.summaries(number)) == 1
        assert_nothing_twice(running, number)


@pytest.mark.parametrize(
    ("login", "association", "branch"), [("ron", "", 1), ("stranger", "NONE", 2), ("claims", "OWNER", 3)]
)
def test_who_may_not_write_is_not_answered(running: Server, login: str, association: str, branch: int) -> None:
    """A reader, a stranger, and one of whom the event says more than GitHub does: no question to the model, no word
    and no check run on the pull request. The status page says why."""
    number = draft(running, branch)
    asked, checks = len(running.model.answered), len(running.checks)
    running.github.comment(NAME, number, login, "/reviewbot review", association=association)
    running.github.hooks.drain()
    running.quiet()
    assert len(running.model.answered) == asked
    assert len(running.checks) == checks
    assert not running.summaries(number)
    assert not [review for review in running.reviews if review.number == number]
    assert [c.author.login for c in running.hosted.comments.values() if c.number == number] == [login]
    assert not [c for c in running.hosted.comments.values() if c.number == number and c.reactions]
    told = running.status()
    reasons = [d["note"] for d in told["deliveries"] if d["number"] == number and d["event"] == "issue_comment"]
    reasons += [run["error"] for run in running.runs(number)]
    assert any("commenters" in reason or "may not write" in reason for reason in reasons), reasons
