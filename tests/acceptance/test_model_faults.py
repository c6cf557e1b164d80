"""Each fault of the Responses server ends as stated: tried again, halved, or named as unreviewed; never green in silence,
and what a failed answer cost is counted."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reviewbot.sandbox.responses.faults import FaultKind

from .conftest import NOTHING_FOUND, World, finding, reply, shown_paths

K = FaultKind
PRICE_IN, PRICE_OUT, PRICE_CACHED = 1.25e-6, 10e-6, 0.125e-6
CHUNKS = ("--set", "chunks.target_tokens=2500")
# Kinds that pass: the second try of the same question is answered.
PASSING = [
    K.SERVER_ERROR,
    K.BAD_GATEWAY,
    K.UNAVAILABLE,
    K.RATE_LIMITED,
    K.CUT_AT_ONCE,
    K.CUT_IN_JSON,
    K.END_EARLY,
    K.ERROR_EVENT,
    K.FAILED,
    K.UNPARSABLE,
    K.WRONG_SHAPE,
]
HARMLESS = [K.NULLS, K.UNKNOWN_ITEM, K.SLOW, K.NO_USAGE, K.STUCK]
HALVED = [K.CONTEXT_LENGTH, K.INCOMPLETE_EMPTY, K.INCOMPLETE_TEXT]
FINAL = [K.REFUSAL, K.CONTENT_FILTER]
FATAL = [K.QUOTA, K.FORBIDDEN, K.MODEL_GONE]


def test_every_kind_of_fault_is_spoken_for() -> None:
    assert {*PASSING, *HARMLESS, *HALVED, *FINAL, *FATAL, K.HANG} == set(K)


def paid(world: World) -> float:
    """What the answers cost by the server's own books."""
    answers = [entry for entry in world.model.answered if entry.output_tokens]
    fresh = sum(entry.input_tokens - entry.cached_tokens for entry in answers)
    cached = sum(entry.cached_tokens for entry in answers)
    return fresh * PRICE_IN + cached * PRICE_CACHED + sum(entry.output_tokens for entry in answers) * PRICE_OUT


def unreviewed(document: Any) -> dict[str, int]:
    return {f["path"]: f["failed_lines"] for f in document["coverage"]["files"] if f["failed_lines"]}


@pytest.mark.parametrize("kind", PASSING)
def test_what_passes_is_tried_again(world: World, kind: FaultKind) -> None:
    world.fault(kind, seconds=0.3)
    done = world.review(world.open("vouchers"), "--format", "json")
    assert done.code == 0
    assert world.asked == 2
    assert len(world.comments) == 10
    assert world.checks[0].conclusion == "success"
    assert done.json["coverage"]["complete"] is True


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_only_odd_is_read(world: World, kind: FaultKind) -> None:
    world.fault(kind, seconds=0.2)
    assert world.review(world.open("vouchers")).code == 0
    assert world.asked == 1
    assert len(world.comments) == 10


@pytest.mark.parametrize("kind", [K.FAILED, K.UNPARSABLE, K.WRONG_SHAPE, K.INCOMPLETE_TEXT, K.INCOMPLETE_EMPTY])
def test_a_failed_answer_is_paid_for_and_counted(world: World, kind: FaultKind) -> None:
    world.fault(kind)
    found = world.review(world.open("vouchers"), "--format", "json").json
    entries = [entry for entry in world.model.answered if entry.output_tokens]
    assert found["usage"]["requests"] == len(entries) >= 2
    assert found["usage"]["input_tokens"] == sum(entry.input_tokens for entry in entries)
    assert found["usage"]["output_tokens"] == sum(entry.output_tokens for entry in entries)
    assert found["usage"]["cost_usd"] == pytest.approx(paid(world))


@pytest.mark.parametrize("kind", HALVED)
def test_what_is_too_much_is_halved(world: World, kind: FaultKind) -> None:
    world.fault(kind)
    done = world.review(world.open("vouchers"))
    assert done.code == 0
    assert world.asked == 3
    whole, *halves = [shown_paths(prompt) for prompt in world.prompts]
    assert sorted(path for half in halves for path in half) == sorted(whole)
    assert "72 of 74 changed lines" in world.summaries[0].body
    assert "was halved" in world.summaries[0].body
    assert len(world.comments) == 10
    assert world.checks[0].conclusion == "success"


@pytest.mark.parametrize("kind", HALVED)
def test_what_stays_too_much_is_named_line_by_line(world: World, kind: FaultKind) -> None:
    """One line is too much however small the piece is; all others are read."""
    world.answers(lambda _: NOTHING_FOUND)
    world.fault(kind, contains="total_30 = sum", times=None)
    words = (*CHUNKS, "--set", "chunks.overlap_lines=0", "--format", "json")
    done = world.review(world.open("wide"), *words)
    assert done.code == 3
    missed = unreviewed(done.json)
    assert set(missed) == {f"parts/part_{n}.py" for n in range(1, 7)}
    assert all(lines <= 5 for lines in missed.values()), "only what stands round the line is lost"
    first = done.json["coverage"]["files"][0]["missed"][0]
    assert first["first"] <= 35 <= first["last"], "the line itself is"
    assert world.checks[0].conclusion == "neutral"
    assert world.checks[0].output["title"].startswith("Incomplete: ")


@pytest.mark.parametrize("kind", HALVED)
def test_a_model_that_takes_nothing_is_not_asked_for_ever(world: World, kind: FaultKind) -> None:
    world.fault(kind, times=None)
    done = world.review(world.open("wide"), "--set", "chunks.target_tokens=20000")
    assert done.code == 5
    assert world.asked <= 64
    assert world.writes == []


@pytest.mark.parametrize("kind", [*FINAL, *PASSING])
def test_what_fails_for_good_is_named_and_never_green(world: World, kind: FaultKind) -> None:
    """One of six chunks cannot be had: five are reviewed, the sixth is named with its lines, the check is neutral."""
    world.answers(lambda p: reply(finding(path="parts/part_1.py", quote="    return total_0 + 1")))
    world.fault(kind, contains="=== parts/part_4.py", times=None, seconds=0.01)
    words = (*CHUNKS, "--set", "model.attempts=1", "--format", "json")
    done = world.review(world.open("wide"), *words)
    assert done.code == 3
    assert set(unreviewed(done.json)) == {"parts/part_4.py"}
    (file,) = [f for f in done.json["coverage"]["files"] if f["path"] == "parts/part_4.py"]
    assert file["status"] == "failed"
    assert file["missed"] == [{"side": "RIGHT", "first": 1, "last": 65}]
    assert file["reason"]
    (check,), (summary,) = world.checks, world.summaries
    assert check.conclusion == "neutral"
    assert check.output["title"].startswith("Incomplete: 325 of 390 changed lines reviewed")
    for text in (summary.body, check.output["summary"]):
        assert "parts/part_4.py" in text
        assert "lines 1-65" in text
    assert "not a clean review" in summary.body
    assert len(world.comments) == 1, "what was found stands"
    if kind in (K.CUT_IN_JSON, K.END_EARLY, K.ERROR_EVENT):
        assert "an answer broke off, and what it cost is not known" in summary.body
    else:
        assert done.json["usage"]["cost_usd"] == pytest.approx(paid(world))


def test_the_text_names_what_was_not_read(world: World) -> None:
    world.fault(K.REFUSAL, contains="=== parts/part_4.py", times=None)
    done = world.review(world.open("wide"), *CHUNKS)
    assert done.code == 3
    assert "not reviewed: parts/part_4.py lines 1-65 (The model declined to answer" in " ".join(done.out.split())
    assert "Next: run it again (paid answers are reused)" in done.out


def test_the_same_command_goes_on_from_there(world: World) -> None:
    """After a failure only what failed is asked again."""
    url = world.open("wide")
    world.fault(K.REFUSAL, contains="=== parts/part_4.py", times=None)
    assert world.review(url, *CHUNKS).code == 3
    world.model.faults.clear()
    asked = world.asked
    assert world.review(url, *CHUNKS).code == 0
    assert [shown_paths(prompt) for prompt in world.prompts[asked:]] == [["parts/part_4.py"]]
    assert world.checks[-1].conclusion == "success"
    assert "325" in world.summaries[0].body.partition("reviewed then")[0]


@pytest.mark.parametrize("kind", FINAL)
def test_when_nothing_could_be_read_nothing_is_posted(world: World, kind: FaultKind) -> None:
    world.fault(kind, times=None)
    done = world.review(world.open("vouchers"))
    assert done.code == 5
    assert world.writes == []
    assert world.asked == 1


@pytest.mark.parametrize("kind", FATAL)
def test_what_no_waiting_cures_stops_the_spending(world: World, kind: FaultKind) -> None:
    """In the middle of a run: what was read is posted as incomplete, and the rest is not asked in vain."""
    world.answers(lambda _: NOTHING_FOUND)
    for number in range(3, 9):
        world.fault(kind, request=number)
    words = (*CHUNKS, "--set", "model.concurrency=1")
    done = world.review(world.open("wide"), *words, "--format", "json")
    assert done.code == 3
    assert world.asked == 3
    assert len(unreviewed(done.json)) == 4
    assert world.checks[0].conclusion == "neutral"
    assert any("not asked: " in f["reason"] for f in done.json["coverage"]["files"])


def test_a_fallback_model_is_said(world: World) -> None:
    world.fault(K.MODEL_GONE)
    url = world.open("vouchers")
    done = world.review(url, "--set", 'model.fallbacks=["gpt-5.6-sol"]', "--format", "json")
    assert done.code == 0
    assert [entry.body["model"] for entry in world.model.answered] == ["gpt-5.1-codex", "gpt-5.6-sol"]
    said = "gpt-5.6-sol answered, because the provider does not serve gpt-5.1-codex"
    assert said in world.summaries[0].body
    assert said in " ".join(done.json["summary"]["notes"])
    assert done.json["model"] == "gpt-5.6-sol"
    usage = done.json["usage"]
    assert usage["cost_usd"] == pytest.approx((usage["input_tokens"] * 5 + usage["output_tokens"] * 30) / 1e6)


def test_fallbacks_that_are_gone_too(world: World) -> None:
    world.fault(K.MODEL_GONE, times=None)
    done = world.review(world.open("vouchers"), "--set", 'model.fallbacks=["gpt-5.6-sol"]')
    assert done.code == 5
    for word in ("gpt-5.1-codex", "gpt-5.6-sol", "2026-07-23"):
        assert word in done.err


def test_a_silent_model_is_left_at_the_deadline(world: World) -> None:
    world.fault(K.HANG, contains="=== parts/part_4.py", times=None)
    words = (*CHUNKS, "--set", "model.timeout_seconds=0.5", "--format", "json")
    done = world.review(world.open("wide"), *words)
    assert done.code == 3
    assert set(unreviewed(done.json)) == {"parts/part_4.py"}
    (entry,) = [entry for entry in world.model.answered if entry.fault == K.HANG]
    assert entry.disconnected, "the connection was closed"


def test_a_background_answer_that_never_begins_is_cancelled(world: World) -> None:
    world.fault(K.STUCK, times=None)
    words = ("--set", "model.background=true", "--set", "model.timeout_seconds=1")
    done = world.review(world.open("vouchers"), *words)
    assert done.code == 5
    assert "No answer within 1 s" in done.err
    assert [entry.path.rpartition("/")[2] for entry in world.model.requests if entry.method == "POST"][-1] == "cancel"


def test_a_wait_that_is_too_long_is_told(world: World) -> None:
    world.fault(K.RATE_LIMITED, times=None, seconds=300)
    done = world.review(world.open("vouchers"))
    assert done.code == 5
    assert re.search(r"asks to wait 300 s", done.err)
    assert world.asked == 1


def test_a_reseller_that_answers_201(world: World) -> None:
    world.model.success_status = 201
    assert world.review(world.open("vouchers")).code == 0
