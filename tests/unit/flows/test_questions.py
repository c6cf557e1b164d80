"""Chunks become questions: order, halving, second tries, stored answers, money."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from reviewbot import errors
from reviewbot.core.change.patch import parse_fragment
from reviewbot.core.context.chunking import Chunk, Piece, split_chunk
from reviewbot.core.context.prompt import Answer, PreparedPrompt, Prompt
from reviewbot.core.context.redaction import redact
from reviewbot.core.cost import CostBudget, Price, Usage
from reviewbot.core.findings.reply import parse_reply
from reviewbot.flows.progress import unwatched
from reviewbot.flows.questions import Asked, Interview
from reviewbot.model.scripted import ScriptedModel
from reviewbot.store.memory import MemoryRunStore

pytestmark = pytest.mark.anyio

FINE = json.dumps({"findings": [], "explanation": "Sound.", "verdict": "correct"})
PRICE = Price(1.0, 0.1, 10.0)
Said = Callable[[Prompt], Any] | Sequence[Any]


def chunk(number: int, lines: int = 64, risk: int = 0) -> Chunk:
    rows = "".join(f"+line {row} of {number}\n" for row in range(lines))
    return Chunk(
        number, (Piece(parse_fragment(f"f{number}.py", f"@@ -0,0 +1,{lines} @@\n{rows}"), 0, 0, lines),), 100, risk
    )


def shown(each: Chunk) -> str:
    """The lines of a chunk as its prompt: ``1:0-64``."""
    return " ".join(f"{each.number}:{piece.start}-{piece.stop}" for piece in each.pieces)


def prepare(each: Chunk) -> PreparedPrompt:
    return PreparedPrompt(Prompt("", shown(each), "review", {}, "key"), redact(""))


def asking(said: Said, *, store: MemoryRunStore | None = None, limit: float | None = None, **changes: Any) -> Interview:
    model = ScriptedModel(said, price=PRICE, latency=changes.pop("latency", 0.0))
    values: dict[str, Any] = {
        "model": model,
        "store": store or MemoryRunStore(),
        "run_id": "run",
        "prepare": prepare,
        "read": parse_reply,
        "split": lambda each: split_chunk(each, 0),
        "max_output_tokens": 4_000,
        "concurrency": 4,
        "budget": CostBudget(limit),
        "watch": unwatched,
    }
    return Interview(**(values | changes))


def prompts(interview: Interview) -> list[str]:
    assert isinstance(interview.model, ScriptedModel)
    return [prompt.text for prompt in interview.model.prompts]


def lines_of(results: Sequence[Asked]) -> list[int]:
    return sorted(row for asked in results for p in asked.chunk.pieces for row in range(p.start, p.stop))


async def test_the_riskiest_goes_first_and_alone() -> None:
    under_way: list[int] = []
    most = 0

    class Counting(ScriptedModel):
        async def answer(self, prompt: Prompt, max_output_tokens: int) -> Answer:
            nonlocal most
            under_way.append(int(prompt.text.split(":")[0]))
            most = max(most, len(under_way) if len(self.prompts) > 1 else 0)
            if self.calls == 0:
                assert under_way == [3]
            answer = await super().answer(prompt, max_output_tokens)
            under_way.remove(int(prompt.text.split(":")[0]))
            return answer

    model = Counting(lambda _: FINE, latency=0.01)
    interview = asking([], model=model)
    results = await interview.ask_all(tuple(chunk(n, risk=5 if n == 3 else 0) for n in range(1, 9)))
    assert [asked.chunk.number for asked in results] == list(range(1, 9)), "the results are in the chunks' own order"
    assert most == 4, "as many at once as the setting says"


@pytest.mark.parametrize(
    "error",
    [errors.ContextLengthExceeded("Too long."), errors.ModelIncomplete("Cut.", reason="max_output_tokens")],
)
async def test_what_is_too_much_is_halved_until_it_fits(error: errors.ModelError) -> None:
    def said(prompt: Prompt) -> Any:
        start, stop = map(int, prompt.text.split(":")[1].split("-"))
        return error if stop - start > 20 else FINE

    interview = asking(said)
    results = await interview.ask_all((chunk(1),))
    assert [shown(asked.chunk) for asked in results] == ["1:0-16", "1:16-32", "1:32-48", "1:48-64"]
    assert {asked.fate for asked in results} == {"reviewed"}
    assert interview.notes == [f"chunk 1 was halved: {error.message}"], "it is said once"


@pytest.mark.parametrize("lines", [1, 2, 64, 1000])
async def test_halving_ends_and_loses_no_line(lines: int) -> None:
    interview = asking(lambda _: errors.ContextLengthExceeded("Too long."))
    results = await interview.ask_all((chunk(1, lines),))
    assert lines_of(results) == list(range(lines))
    assert {asked.fate for asked in results} == {"failed"}
    assert len(prompts(interview)) <= 31


async def test_what_was_filtered_is_not_halved() -> None:
    interview = asking(lambda _: errors.ModelIncomplete("Filtered.", reason="content_filter"))
    (asked,) = await interview.ask_all((chunk(1),))
    assert (asked.fate, asked.reason) == ("failed", "Filtered.")


async def test_an_answer_that_is_no_json_is_asked_for_once_more_and_paid_twice() -> None:
    interview = asking(["not JSON", FINE])
    (asked,) = await interview.ask_all((chunk(1),))
    assert asked.fate == "reviewed"
    assert interview.usage.requests == 2
    assert any("asked again" in note for note in interview.notes)


async def test_and_no_more_than_that() -> None:
    interview = asking(lambda _: "not JSON")
    (asked,) = await interview.ask_all((chunk(1),))
    assert asked.fate == "failed"
    assert isinstance(asked.error, errors.ReplyError)
    assert len(prompts(interview)) == 2
    assert interview.usage.requests == 2


async def test_only_answers_that_can_be_read_are_stored() -> None:
    store = MemoryRunStore()
    await asking(["not JSON", "nor this"], store=store).ask_all((chunk(1),))
    assert store.answers == {}
    await asking([FINE], store=store).ask_all((chunk(1),))
    assert len(store.answers) == 1


async def test_a_stored_answer_is_not_paid_again() -> None:
    store = MemoryRunStore()
    await asking(lambda _: FINE, store=store).ask_all((chunk(1), chunk(2)))
    again = asking([], store=store)
    results = await again.ask_all((chunk(1), chunk(2)))
    assert [asked.fate for asked in results] == ["reviewed", "reviewed"]
    assert (again.usage, again.budget.spent_usd) == (Usage(), 0.0)
    assert again.saved_usd > 0


@pytest.mark.parametrize(
    "error",
    [errors.ModelUnauthorized("No."), errors.ModelQuotaExceeded("No."), errors.ModelNotFound("No.")],
)
async def test_after_a_fatal_error_nobody_is_asked(error: errors.ModelError) -> None:
    interview = asking(lambda prompt: error if prompt.text.startswith("2:") else FINE, concurrency=1)
    results = await interview.ask_all(tuple(chunk(n) for n in range(1, 6)))
    assert [asked.fate for asked in results] == ["reviewed", "failed", "failed", "failed", "failed"]
    assert len(prompts(interview)) == 2
    assert results[4].reason == "not asked: No."


async def test_one_chunk_that_fails_does_not_end_the_others() -> None:
    interview = asking(lambda prompt: errors.ModelRefused("No.") if prompt.text.startswith("2:") else FINE)
    results = await interview.ask_all(tuple(chunk(n) for n in range(1, 5)))
    assert [asked.fate for asked in results] == ["reviewed", "failed", "reviewed", "reviewed"]


async def test_failed_answers_are_paid_for() -> None:
    paid = Usage(1, 1_000, 200)
    interview = asking([errors.ModelRefused("No.", usage=paid)], limit=1.0)
    await interview.ask_all((chunk(1),))
    assert interview.usage == paid
    assert interview.budget.spent_usd == pytest.approx(PRICE.of(paid))
    assert interview.budget.reserved_usd == 0


@pytest.mark.parametrize("limit", [0.0, 0.001, 0.03, 0.1, 0.25, 1.0])
async def test_the_limit_holds_when_every_answer_is_as_dear_as_it_may_be(limit: float) -> None:
    allowed: list[int] = []

    class Dear(ScriptedModel):
        async def answer(self, prompt: Prompt, max_output_tokens: int) -> Answer:
            allowed.append(max_output_tokens)
            usage = Usage(1, 600, max_output_tokens)
            return Answer(FINE, self.id, usage, PRICE.of(usage))

    interview = asking([], model=Dear([], price=PRICE), limit=limit)
    results = await interview.ask_all(tuple(chunk(n) for n in range(1, 13)))
    assert interview.budget.spent_usd <= limit
    assert all(2_000 <= tokens <= 4_000 for tokens in allowed)
    over = [asked for asked in results if asked.fate == "over-budget"]
    assert len(over) == 12 - len(allowed)
    assert all(asked.reason.startswith("over the cost limit: $") for asked in over)


async def test_models_and_notes_of_answers_are_remembered_once() -> None:
    def said(_: Prompt) -> Answer:
        return Answer(FINE, "other", Usage(1, 1, 1), 0.0, notes=("other answered",))

    interview = asking(said)
    await interview.ask_all((chunk(1), chunk(2)))
    assert (interview.models, interview.notes) == (["other"], ["other answered"])


async def test_no_chunks_no_questions() -> None:
    assert await asking([]).ask_all(()) == ()
