"""Talk with the App in threads and below the pull request: who is answered, where, how often, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reviewbot.core.marker import has_answer
from reviewbot.core.report.rendering import CHECK_NAME
from reviewbot.sandbox.github.people import reply
from tests.acceptance.conftest import Git
from tests.acceptance.server.conftest import NAME, Server, deployed, until
from tests.acceptance.server.judge import assert_nothing_twice, is_reviewed
from tests.acceptance.server.life import text_of
from tests.acceptance.server.test_answers_in_place import answer_to, answers_in, say, statuses, threads

BAD = "def size(items):\n    if items == None:\n        return 0\n    return len(items)\n"
SPARE = "".join(f"value_{n} = {n}\n" for n in range(30))
REASON = "This is intentional because items may be a proxy, which equals None without being it."
WHY = "Why is that a defect?"
REVIEW = {"fail_on": "minor"}


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Git:
    made = Git(tmp_path_factory.mktemp("talk") / "served").init({"app.py": SPARE})
    for number in range(6):
        made.branch(f"work-{number}", {"app.py": BAD + SPARE})
    made("switch", "-q", "-c", "tight", "main")
    made.commit("Settings", {".reviewbot.toml": "[chat]\nanswers_per_thread = 1\n"})
    made("switch", "-q", "main")
    return made


@pytest.fixture(scope="module")
def running(
    stages: Any, app_key: tuple[str, str], git: Git, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with deployed(stages, {NAME: git.path}, app_key, tmp_path_factory.mktemp("room")) as made:
        made.configure(review=REVIEW)
        made.hosted.collaborators.update({"maria": "write", "ron": "read"})
        made.start()
        made.ready()
        for number in range(6):
            made.github.open_pull_request(NAME, base="tight" if number == 4 else "main", head=f"work-{number}")
        until(lambda: all(is_reviewed(made, number + 1) for number in range(6)), 90, made.log)
        yield made
        assert made.stop() == 0


def reviewed(running: Server, branch: int) -> tuple[int, Any]:
    """The pull request of a branch with its one finding; its number and the first comment of the thread."""
    number = branch + 1
    (root,) = threads(running, number)
    return number, root


def answered(running: Server, root: Any, words: str, login: str = "maria") -> tuple[int, str]:
    """Say this in the thread; the comment's id and what we answered."""
    made = reply(running.github, NAME, root.id, login, words)
    running.github.hooks.drain()
    (answer,) = until(lambda: answers_in(running, root.id, made), 40, running.log)
    return made, answer.body


def bodies(running: Server, since: int) -> list[dict[str, Any]]:
    """The questions to the model but for the first ``since``."""
    return [entry.body for entry in running.model.answered[since:]]


def last_words(body: dict[str, Any]) -> str:
    return text_of(body["input"][-1]["content"])


def ours(running: Server, number: int) -> list[Any]:
    """Everything that we have said in threads."""
    return [c for c in running.comments if c.number == number and c.author.login == "reviewbot[bot]"]


def test_a_reply_in_a_thread_of_ours_is_answered_there_and_booked(running: Server) -> None:
    """The second one goes on from the first, whose reasoning is sent back sealed: the provider keeps nothing."""
    number, root = reviewed(running, 0)
    asked = len(running.model.answered)
    _, first = answered(running, root, WHY)
    assert "The finding stands." in first
    assert not statuses(running, number)
    assert root.minimized is None
    answered(running, root, "And what follows?")
    one, other = bodies(running, asked)
    assert WHY in last_words(one)
    for body in (one, other):
        assert body["store"] is False
        assert body["include"] == ["reasoning.encrypted_content"]
        assert "previous_response_id" not in body
    assert [item["type"] for item in one["input"]] == ["message"]
    sealed = [item for item in other["input"] if item["type"] == "reasoning"]
    assert len(sealed) == 1
    assert sealed[0]["encrypted_content"]
    running.quiet()
    paid = [run for run in running.runs(number) if run["id"].startswith("chat-")]
    assert [run["status"] for run in paid] == ["finished", "finished"]
    assert all(run["cost_usd"] > 0 for run in paid)


def test_a_reason_that_holds_withdraws_the_finding_for_good(running: Server, git: Git) -> None:
    number, root = reviewed(running, 1)
    assert check(running, number) == "failure"
    _, said = answered(running, root, REASON)
    assert said.startswith("**Withdrawn:** It is said that items may be a proxy")
    until(lambda: root.minimized == "RESOLVED", 20, running.log)
    git("switch", "-q", "work-1")
    git.commit("More", {"app.py": "LIMIT = 3\n\n\n" + BAD + SPARE})
    git("switch", "-q", "main")
    running.github.notice(NAME)
    until(lambda: is_reviewed(running, number), 60, running.log)
    assert threads(running, number) == [root]
    assert "withdrawn after what people said" in running.summaries(number)[0].body
    assert check(running, number) == "success"
    assert_nothing_twice(running, number)


def check(running: Server, number: int) -> str:
    head = running.hosted.pull(number).head_sha
    return str([run for run in running.checks if (run.head_sha, run.name) == (head, CHECK_NAME)][-1].conclusion)


def test_strangers_bots_and_we_ourselves_get_no_answer_and_a_redelivery_none_again(running: Server) -> None:
    number, root = reviewed(running, 2)
    asked = len(running.model.answered)
    for login in ("ron", "stranger", "helper[bot]"):
        reply(running.github, NAME, root.id, login, REASON)
    made, _ = answered(running, root, WHY)
    running.quiet()  # our own answer was an event too
    assert (len(running.model.answered), len(ours(running, number))) == (asked + 1, 2)
    assert root.minimized is None
    (told,) = [
        delivery
        for delivery in running.github.hooks.log()
        if delivery.message.event == "pull_request_review_comment" and delivery.message.payload["comment"]["id"] == made
    ]
    running.github.hooks.send_again(told)
    running.github.hooks.drain()
    running.quiet()
    assert len(running.model.answered) == asked + 1
    assert len(ours(running, number)) == 2
    notes = [line["note"] for line in running.status()["deliveries"] if line["number"] == number]
    for why in ("triggers.commenters", "Bots get no answers", "does not react to itself"):
        assert any(why in note for note in notes), why


def test_questions_are_answered_where_they_are_asked(running: Server) -> None:
    number, root = reviewed(running, 3)
    asked = len(running.model.answered)
    said = say(running, number, "/reviewbot ask What does `size` return?")
    text = answer_to(running, number, said.id)
    assert "**maria**: [`ask`](" in text
    assert "A rule-based stand-in says this" in text
    in_thread, explained = (
        answered(running, root, f"/reviewbot {words}")[1] for words in ("ask Who calls it?", "explain")
    )
    assert "A rule-based stand-in says this" in in_thread
    assert "The finding says:" in explained
    assert len(statuses(running, number)) == 1
    assert not has_answer(statuses(running, number)[0].body, str(root.id))
    names = [body["text"]["format"]["name"] for body in bodies(running, asked)]
    assert names == ["chat_ask", "chat_ask", "chat_explain"]
    assert "What does `size` return?" in last_words(bodies(running, asked)[0])


def test_a_thread_has_as_many_answers_as_the_base_allows(running: Server) -> None:
    """The one over the limit says so, once; then there is silence."""
    number, root = reviewed(running, 4)
    asked = len(running.model.answered)
    answered(running, root, WHY)
    reply(running.github, NAME, root.id, "maria", "And what follows?")
    until(lambda: any("chat.answers_per_thread" in c.body for c in ours(running, number)), 40, running.log)
    reply(running.github, NAME, root.id, "maria", "Hello?")
    running.quiet()
    assert len(running.model.answered) == asked + 1
    assert len(ours(running, number)) == 3


def test_where_the_provider_may_keep_answers_a_talk_goes_on_by_their_names(running: Server) -> None:
    assert running.stop() == 0
    running.configure(review=REVIEW, model={"store": True})
    running.start()
    running.ready()
    _, root = reviewed(running, 5)
    asked = len(running.model.answered)
    answered(running, root, WHY)
    answered(running, root, "And what follows?")
    one, other = bodies(running, asked)
    assert (one["store"], other["store"]) == (True, True)
    assert "previous_response_id" not in one
    assert other["previous_response_id"] == running.model.answered[asked].response_id
    assert len(other["input"]) == 1
    assert BAD.splitlines()[0] not in last_words(other), "what the provider knows is not sent again"
