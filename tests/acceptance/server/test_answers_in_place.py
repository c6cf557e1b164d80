"""What people ask of us in comments, and what comes of it: heard at once, answered in place, and only for those who may
write."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reviewbot.core.marker import answers_of, has_answer, is_status
from reviewbot.sandbox.github.people import edit, reply, review
from tests.acceptance.conftest import Git
from tests.acceptance.server.conftest import NAME, Server, deployed, until
from tests.acceptance.server.judge import (
    assert_nothing_twice,
    is_reviewed,
    make_parts,
    open_parts,
    part_path,
    part_text,
    two_for_each_file,
    under_way,
)

LINES = 5


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Git:
    made = make_parts(tmp_path_factory.mktemp("answers") / "parts", 8, files=1, lines=LINES)
    made("switch", "-q", "-c", "broken", "main")
    made.commit("Settings", {".reviewbot.toml": "review = [\n"})
    made("switch", "-q", "main")
    return made


@pytest.fixture(scope="module")
def running(
    stages: Any, app_key: tuple[str, str], git: Git, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with deployed(stages, {NAME: Path(git.path)}, app_key, tmp_path_factory.mktemp("room")) as made:
        made.configure(triggers={"bots": ["dependabot[bot]"]}, review={"language": "German"})
        made.model._read = two_for_each_file
        made.hosted.collaborators.update({"maria": "write", "nora": "write", "ron": "read"})
        made.start()
        made.ready()
        yield made
        assert made.stop() == 0


def draft(running: Server, branch: int, base: str = "main") -> int:
    """A draft, which nobody reviews by itself."""
    number = running.github.open_pull_request(NAME, base=base, head=f"part-{branch}", draft=True)
    running.github.hooks.drain()
    return number


def reviewed(running: Server, branch: int) -> int:
    (number,) = open_parts(running, [branch])
    until(lambda: is_reviewed(running, number), 60, running.log)
    running.quiet()
    return number


def push(running: Server, git: Git, branch: int, text: str) -> None:
    git("switch", "-q", f"part-{branch}")
    git.commit("More", {part_path(branch, 0): f"{part_text(branch, 0, LINES)}\n\n# {text}\n"})
    git("switch", "-q", "main")
    running.github.notice(NAME)
    running.github.hooks.drain()


def say(running: Server, number: int, words: str, login: str = "maria", **more: Any) -> Any:
    """A comment below the pull request, taken by the server."""
    made = running.github.comment(NAME, number, login, words, **more)
    running.github.hooks.drain()
    return running.hosted.comments[made]


def statuses(running: Server, number: int) -> list[Any]:
    return [c for c in list(running.hosted.comments.values()) if c.number == number and is_status(c.body)]


def answer_to(running: Server, number: int, comment_id: int) -> str:
    """The answer in the status comment, of which there is one."""

    def found() -> str:
        return next(
            (
                text
                for each in statuses(running, number)
                for key, text in answers_of(each.body)
                if key == str(comment_id)
            ),
            "",
        )

    text = str(until(found, 40, running.log))
    assert len(statuses(running, number)) == 1
    return text


def heard(said: Any) -> list[str]:
    """Our reactions."""
    return [each.content for each in said.reactions if each.author.login == "reviewbot[bot]"]


def threads(running: Server, number: int) -> list[Any]:
    """The first comments of our threads: the one on a line comes first."""
    own = [c for c in running.comments if c.number == number and not c.is_reply and c.author.login == "reviewbot[bot]"]
    return sorted(own, key=lambda each: each.line is None)


def answers_in(running: Server, root: int, comment_id: int) -> list[Any]:
    return [c for c in running.comments if c.root == root and has_answer(c.body, str(comment_id))]


def test_a_command_is_heard_and_answered_in_the_one_status_comment(running: Server) -> None:
    """Each has its reaction and its answer; the pull request has one comment of ours for all of them, and no review."""
    number = draft(running, 0)
    expected = {
        "/reviewbot help": "`/reviewbot dismiss [reason]`",
        "@reviewbot help pause": "`/reviewbot pause`",
        "/reviewbot config": 'review.language = "German"  # this server',
        "/reviewbot summary": "There is no summary",
        "/reviewbot explian it": "Did you mean `/reviewbot explain [what]`?",
        "/reviewbot dismiss": "`dismiss` is for answers in the thread of a finding.",
        "/reviewbot ignore": "It is written `/reviewbot ignore <pattern>`.",
        "/reviewbot resume": "were not paused",
    }
    for words, wanted in expected.items():
        said = say(running, number, words)
        text = answer_to(running, number, said.id)
        assert wanted in text, words
        assert f"#issuecomment-{said.id})" in text, "it says what it answers"
        assert heard(said) == ["eyes"], words
    running.quiet()
    assert {run["verdict"] for run in running.runs(number)} == {"answered"}
    assert not [each for each in running.reviews if each.number == number]
    assert not running.summaries(number)
    assert running.model.answered == []


def test_two_commands_at_once_and_one_in_the_body_of_a_review(running: Server) -> None:
    number = draft(running, 1)
    running.github.hooks.hold()
    first = running.github.comment(NAME, number, "maria", "/reviewbot help ask")
    second = running.github.comment(NAME, number, "nora", "/reviewbot help resolve")
    third = review(running.github, NAME, number, "maria", "/reviewbot help ignore")
    running.github.hooks.release()
    for made, verb in ((first, "ask"), (second, "resolve"), (third, "ignore")):
        assert f"| `/reviewbot {verb}" in answer_to(running, number, made)
    assert heard(running.hosted.reviews[third]) == ["eyes"]


@pytest.mark.parametrize(
    ("login", "more"),
    [
        ("ron", {}),
        ("stranger", {"association": "NONE"}),
        ("claims", {"association": "OWNER"}),
        ("dependabot[bot]", {"association": "COLLABORATOR"}),
    ],
)
def test_who_may_not_write_hears_nothing(running: Server, login: str, more: dict[str, Any]) -> None:
    """A reader, a stranger, one of whom the event says more than GitHub does, and a bot that may start reviews: no
    reaction, no word; the status page says why."""
    number = draft(running, 2)
    said = [say(running, number, words, login, **more) for words in ("/reviewbot help", "/reviewbot pause")]
    running.quiet()
    assert not statuses(running, number)
    assert not running.summaries(number)
    assert [heard(each) for each in said] == [[], []]
    reasons = [line["note"] for line in running.status()["deliveries"] if line["number"] == number]
    reasons += [run["error"] for run in running.runs(number)]
    assert any("commenters" in why or "may not write" in why or "Bots get no" in why for why in reasons), reasons


def test_what_is_no_command_does_nothing(running: Server) -> None:
    """In code, in a quote, in the middle of a sentence, or written into a comment afterwards."""
    number = draft(running, 3)
    quoted = ("```\n/reviewbot pause\n```", "> /reviewbot pause", "`/reviewbot pause`", "Try /reviewbot pause", "Hm")
    said = [say(running, number, words) for words in quoted]
    edit(running.github, NAME, said[-1].id, "maria", "/reviewbot pause")
    running.github.hooks.drain()
    running.quiet()
    assert not statuses(running, number)
    assert [heard(each) for each in said] == [[]] * len(said)
    assert not running.runs(number)


def test_who_loses_the_right_to_write_before_their_turn_gets_no_answer(running: Server) -> None:
    """The first command holds the turn of the pull request while the second is heard; then its author is put out."""
    number, gate = draft(running, 4), threading.Event()

    def gated(text: str, schema: Any) -> str:
        gate.wait(60)
        return two_for_each_file(text, schema)

    running.model._read = gated
    try:
        say(running, number, "/reviewbot full")
        until(lambda: under_way(running), 30, running.log)
        asked = say(running, number, "/reviewbot pause", "nora")
        until(lambda: heard(asked) == ["eyes"], 30, running.log)
        del running.hosted.collaborators["nora"]
    finally:
        gate.set()
        running.model._read = two_for_each_file
    until(lambda: is_reviewed(running, number), 60, running.log)
    running.quiet()
    assert not statuses(running, number)
    assert "may not write" in running.runs(number)[0]["error"]


def test_a_pause_holds_back_the_next_push_and_its_end_lets_it_through(running: Server, git: Git) -> None:
    number = reviewed(running, 5)
    asked = len(running.model.answered)
    assert "paused" in answer_to(running, number, say(running, number, "/reviewbot pause").id)
    push(running, git, 5, "One")
    running.quiet()
    assert len(running.model.answered) == asked
    assert "paused" in running.runs(number)[0]["error"]
    assert not is_reviewed(running, number)
    assert "is over" in answer_to(running, number, say(running, number, "@reviewbot resume please").id)
    push(running, git, 5, "Two")
    until(lambda: is_reviewed(running, number), 60, running.log)
    running.quiet()
    assert len(running.summaries(number)) == 1
    assert "edited with each review" in answer_to(running, number, say(running, number, "/reviewbot summary").id)
    pattern = answer_to(running, number, say(running, number, "/reviewbot ignore `parts/**`").id)
    assert "next review on: `parts/**`." in pattern
    push(running, git, 5, "Three")
    running.quiet()
    assert "skipped by rule" in running.summaries(number)[0].body


def test_what_is_dismissed_in_its_thread_is_not_raised_again(running: Server, git: Git) -> None:
    """The answers stand in the threads, which are closed; both points are known again after the next push."""
    number = reviewed(running, 6)
    on_line, on_file = threads(running, number)
    dismissed = reply(running.github, NAME, on_line.id, "maria", "> why\n\n/reviewbot dismiss it is a sketch")
    resolved = reply(running.github, NAME, on_file.id, "maria", "@reviewbot resolve")
    wrong = reply(running.github, NAME, on_file.id, "maria", "/reviewbot resolv")
    quiet = reply(running.github, NAME, on_file.id, "ron", "/reviewbot dismiss")
    (first,) = until(lambda: answers_in(running, on_line.id, dismissed), 40, running.log)
    (second,) = until(lambda: answers_in(running, on_file.id, resolved), 40, running.log)
    (third,) = until(lambda: answers_in(running, on_file.id, wrong), 40, running.log)
    assert "not reported again" in first.body
    assert "Closed as done" in second.body
    assert "Did you mean `/reviewbot resolve`?" in third.body
    running.quiet()
    assert (on_line.minimized, on_file.minimized) == ("RESOLVED", "RESOLVED"), "an App may not resolve threads"
    assert heard(running.hosted.review_comments[dismissed]) == ["eyes"]
    assert heard(running.hosted.review_comments[quiet]) == []
    assert not answers_in(running, on_file.id, quiet)
    assert not statuses(running, number)
    push(running, git, 6, "Later")
    until(lambda: is_reviewed(running, number), 60, running.log)
    running.quiet()
    assert [each.id for each in threads(running, number)] == [on_line.id, on_file.id]
    assert "dismissed by maria: it is a sketch" in running.summaries(number)[0].body
    assert_nothing_twice(running, number)


def test_a_command_that_cannot_be_done_is_answered_with_the_error(running: Server) -> None:
    number = draft(running, 7, base="broken")
    said = say(running, number, "/reviewbot config")
    text = answer_to(running, number, said.id)
    assert "This was not done." in text
    assert ".reviewbot.toml is not valid TOML" in text
    running.quiet()
    assert not [run for run in running.checks if run.head_sha == running.hosted.pull(number).head_sha]
