"""One pull request from its opening to its green check, through the App: what is read, said, answered and closed at each
step, and what is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.server import life as story
from tests.acceptance.server.conftest import NAME, deployed
from tests.acceptance.server.judge import assert_nothing_twice
from tests.acceptance.server.life import Life, make_repository


@pytest.fixture
def life(stages: Any, app_key: tuple[str, str], tmp_path: Path) -> Iterator[Life]:
    git = make_repository(tmp_path / "served")
    with deployed(stages, {NAME: git.path}, app_key, tmp_path) as server:
        server.configure(review={"fail_on": "minor"})
        server.start()
        server.ready()
        yield Life(server, git)
        assert server.stop() == 0


def shown(prompt: str, path: str) -> list[str]:
    """The lines of a file that a prompt offers as added."""
    part = prompt.partition(f"=== {path} (")[2].partition("\n=== ")[0].partition("</change")[0]
    return re.findall(r"^\+(.*)$", part, re.MULTILINE)


def closed(life: Life, words: str) -> bool:
    """An App may not resolve threads, so it hides its own comment as resolved."""
    return bool(life.thread(words).minimized == "RESOLVED")


def titles(life: Life) -> list[str]:
    return [root.body.partition(": ")[2].partition("**")[0] for root in life.threads]


def opened(life: Life, _: int) -> None:
    assert sorted(titles(life)) == [
        "A bare except catches everything",
        "A mutable default is shared by all calls",
        "None is compared with ==",
        "SQL is built from text",
    ]
    assert (life.check, len(life.questions)) == ("failure", 1)


def mended_and_more(life: Life, asked: int) -> None:
    review, closing = life.prompts(asked)
    table = shown(review, story.COUNTRIES)
    assert '    return requests.get(f"https://post.example.com/{code}").json()' in table
    assert "import requests" in table
    assert 'GREAT_BRITAIN = "GB"' not in table, "what was read is not sent again"
    assert closing.count("<point id=") == 4, "all four stand near the code that changed"
    assert [root.minimized for root in life.threads].count("RESOLVED") == 1
    (told,) = life.talk("SQL")
    assert told.startswith(f"Met by [`{life.heads[-1][:12]}`](")
    assert closed(life, "SQL")
    assert titles(life)[4:] == ["The request has no time limit"]
    assert life.check == "failure"


def rebased(life: Life, asked: int) -> None:
    assert life.prompts(asked) == []
    assert (len(life.threads), life.check) == (5, "failure")
    assert life.heads[-1][:12] in life.summary


def dismissed(life: Life, asked: int) -> None:
    assert "not reported again" in life.talk("mutable default")[-1]
    assert closed(life, "mutable default")
    review, _ = life.prompts(asked)
    assert "def loaded(lines, seen=[]):" in shown(review, story.VOUCHERS), "the model sees the code again"
    assert len(life.threads) == 5
    assert "dismissed by maria: one process imports one file" in life.summary


def changed(life: Life, asked: int) -> None:
    assert len(life.prompts(asked)) == 2, "the review, and whether what is near by was met"
    assert titles(life)[5:] == ["A mutable default is shared by all calls"]
    again = life.thread("mutable default").body
    assert "Raised again because the code changed since it was dismissed" in again
    assert "one process imports one file" in again
    assert not closed(life, "mutable default")


def talked(life: Life, asked: int) -> None:
    assert len(life.prompts(asked)) == 3
    assert "The finding stands." in life.talk("time limit")[-1]
    assert not closed(life, "time limit")
    assert life.talk("compared with ==")[-1].startswith("**Withdrawn:** ")
    assert closed(life, "compared with ==")
    assert "I was asked" in life.status_answer(life.said["asked"])


def paused(life: Life, asked: int) -> None:
    assert "are paused" in life.status_answer(life.said["pause"])
    assert (life.prompts(asked), life.check) == ([], "")


def resumed(life: Life, asked: int) -> None:
    assert "The pause is over" in life.status_answer(life.said["resume"])
    (review,) = life.prompts(asked)
    assert "WIDTH is 80" in "".join(shown(review, story.PRINTING))
    assert titles(life)[6:] == ["A literal is compared with `is`"]
    assert life.check == "failure"


def all_mended(life: Life, _: int) -> None:
    assert life.check == "success"
    met = f"Met by [`{life.heads[-1][:12]}`]("
    for words in ("bare except", "mutable default", "literal is compared"):
        assert life.talk(words)[-1].startswith(met)
        assert closed(life, words)
    last = life.talk("time limit")[-1]
    assert last.startswith(met)
    assert "Not resolved, because people talk here" in last
    assert "withdrawn after what people said" in life.summary
    assert "were reviewed then" in life.summary


CHECKS: dict[Callable[[Life], None], Callable[[Life, int], None]] = {
    story.opened: opened,
    story.mended_and_more: mended_and_more,
    story.rebased: rebased,
    story.dismissed: dismissed,
    story.changed: changed,
    story.talked: talked,
    story.paused: paused,
    story.resumed: resumed,
    story.all_mended: all_mended,
}


@pytest.mark.long
def test_the_life_of_a_pull_request(life: Life) -> None:
    assert tuple(CHECKS) == story.STEPS
    spent = 0.0
    for step, check in CHECKS.items():
        asked = len(life.questions)
        step(life)
        check(life, asked)
        assert (life.cost > spent) == (len(life.questions) > asked), f"{step.__name__}: what is asked is booked"
        spent = life.cost
    assert len(life.server.summaries(life.number)) == 1
    assert_nothing_twice(life.server, life.number)
