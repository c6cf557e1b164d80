"""Faults in the middle of a run: nothing paid for is lost, nobody waits for ever, and no error comes as a group."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from reviewbot import errors
from reviewbot.core.context.chunking import Chunk
from reviewbot.core.context.prompt import Answer, PreparedPrompt, Prompt
from reviewbot.core.context.redaction import redact
from reviewbot.core.cost import CostBudget, Price, Usage
from reviewbot.core.findings.reply import parse_reply
from reviewbot.flows.progress import unwatched
from reviewbot.flows.questions import Interview
from reviewbot.model.scripted import ScriptedModel
from reviewbot.store.memory import MemoryRunStore

FINE = '{"findings": [], "explanation": "Sound.", "verdict": "correct"}'
PRICE = Price(1.0, 0.1, 10.0)
ONE_ANSWER = 0.0406  # dollars held back for one question of these tests: 4,000 output tokens and a small prompt

pytestmark = pytest.mark.anyio


def chunks(count: int) -> tuple[Chunk, ...]:
    return tuple(Chunk(number, (), 100) for number in range(1, count + 1))


def interview(model: ScriptedModel, store: MemoryRunStore | None = None, limit: float | None = None) -> Interview:
    return Interview(
        model=model,
        store=store or MemoryRunStore(),
        run_id="run",
        prepare=lambda chunk: PreparedPrompt(Prompt("", f"chunk {chunk.number}", "review", {}, "key"), redact("")),
        read=parse_reply,
        split=lambda _: (),
        max_output_tokens=4_000,
        concurrency=8,
        budget=CostBudget(limit),
        watch=unwatched,
    )


async def fates(asking: Interview, count: int) -> list[str]:
    with anyio.fail_after(5):
        return [asked.fate for asked in await asking.ask_all(chunks(count))]


async def test_all_who_wait_for_money_are_woken() -> None:
    """Two answers fit under the limit at once; the other six must get their turn when one is done."""
    asking = interview(ScriptedModel(lambda _: FINE, price=PRICE, latency=0.01), limit=2.2 * ONE_ANSWER)
    assert await fates(asking, 9) == ["reviewed"] * 9
    assert asking.budget.reserved_usd == 0


@pytest.mark.parametrize("fault", [errors.StoreError("disk full"), errors.ConfigError("no such effort")])
async def test_an_error_that_is_not_the_models_ends_the_run_and_keeps_what_was_read(
    fault: errors.ReviewbotError,
) -> None:
    class Store(MemoryRunStore):
        reads = 0

        async def answer(self, key: str, *, only_of: str = "") -> Answer | None:
            self.reads += 1
            if self.reads > 1:
                raise fault
            return None

    asking = interview(ScriptedModel(lambda _: FINE), Store())
    results = await asking.ask_all(chunks(4))
    assert [asked.fate for asked in results] == ["reviewed", "failed", "failed", "failed"]
    assert {asked.error for asked in results[1:]} == {fault}
    assert asking.usage.requests == 1


async def test_an_answer_that_cannot_be_kept_is_used_all_the_same() -> None:
    class Full(MemoryRunStore):
        async def keep_answer(self, run_id: str, key: str, answer: Answer) -> None:
            raise errors.StoreError("disk full")

    asking = interview(ScriptedModel(lambda _: FINE), Full())
    assert await fates(asking, 3) == ["reviewed"] * 3
    assert asking.notes == ["a paid answer was not kept for the next run: disk full"]


async def test_an_outage_is_not_tried_out_on_every_chunk() -> None:
    model = ScriptedModel(lambda _: errors.ModelUnreachable("No answer."))
    asking = interview(model)
    asking.concurrency = 1
    results = await asking.ask_all(chunks(20))
    assert model.calls == 3
    assert results[-1].reason == "not asked: No answer."


async def test_outages_that_pass_do_not_end_the_run() -> None:
    def flaky(prompt: Prompt) -> str | errors.ModelError:
        return FINE if int(prompt.text.split()[1]) % 3 == 0 else errors.ModelUnreachable("No answer.")

    asking = interview(ScriptedModel(flaky))
    asking.concurrency = 1
    assert (await fates(asking, 9)).count("reviewed") == 3


def unpriced(_: Prompt) -> Answer:
    return Answer(FINE, "scripted", Usage(1), None, "r", 0.0)


def broken(_: Prompt) -> errors.ModelError:
    return errors.ModelStreamCut("Cut.", usage=Usage(1))


def late(_: Prompt) -> errors.ModelError:
    return errors.ModelTimeout("Late.")


@pytest.mark.parametrize("said", [unpriced, broken, late])
async def test_what_an_answer_cost_is_taken_for_the_worst_when_nobody_says(
    said: Callable[[Prompt], Answer | errors.ModelError],
) -> None:
    asking = interview(ScriptedModel(said, price=PRICE), limit=2.2 * ONE_ANSWER)
    assert "over-budget" in await fates(asking, 6)
    assert asking.budget.spent_usd == pytest.approx(2 * ONE_ANSWER, rel=0.01)
    assert asking.budget.spent_usd <= 2.2 * ONE_ANSWER
