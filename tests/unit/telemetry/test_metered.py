"""A metered model answers as the model does, and what it cost is counted, also when it failed."""

from __future__ import annotations

import anyio
import pytest

from reviewbot import errors
from reviewbot.core.context.prompt import Answer, Prompt
from reviewbot.core.cost import Price, Usage
from reviewbot.model.breaker import Breaker, BreakerModel
from reviewbot.model.scripted import ScriptedModel
from reviewbot.telemetry.metered import MeteredModel
from reviewbot.telemetry.metrics import Metrics

PROMPT = Prompt("i", "t", "s", {}, "k")
USAGE = Usage(1, 1_000_000, 100_000, 400_000, 50_000)
PRICE = Price(1.0, 0.1, 10.0)
SPENT = {"input": 1_000_000, "output": 100_000, "cached_input": 400_000, "reasoning": 50_000}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics._registry.get_sample_value(name, labels)


def tokens(metrics: Metrics) -> dict[str, float | None]:
    return {kind: value(metrics, "reviewbot_model_tokens_total", model="m", kind=kind) for kind in SPENT}


@pytest.mark.anyio
async def test_an_answer_is_counted_and_passed_on() -> None:
    metrics = Metrics()
    answer = Answer("text", "m-2026", USAGE, 2.0)
    times = iter([10.0, 17.0])
    model = MeteredModel(ScriptedModel([answer], model_id="m", price=PRICE), metrics, clock=lambda: next(times))
    assert await model.answer(PROMPT, 10) is answer
    assert (model.id, model.window, model.price) == ("m", 272_000, PRICE)
    assert model.request_key(PROMPT, 1) == ScriptedModel([], model_id="m").request_key(PROMPT, 1)
    assert tokens(metrics) == SPENT
    assert value(metrics, "reviewbot_model_cost_usd_total", model="m") == 2.0
    assert value(metrics, "reviewbot_model_answers_total", model="m", outcome="ok") == 1
    assert value(metrics, "reviewbot_model_answer_seconds_sum", model="m") == 7.0


@pytest.mark.anyio
@pytest.mark.parametrize("price", [PRICE, None])
async def test_an_error_with_usage_was_paid_for(price: Price | None) -> None:
    metrics = Metrics()
    error = errors.ModelIncomplete("cut.", usage=USAGE)
    model = MeteredModel(ScriptedModel([error], model_id="m", price=price), metrics)
    with pytest.raises(errors.ModelIncomplete) as raised:
        await model.answer(PROMPT, 10)
    assert raised.value is error
    assert tokens(metrics) == SPENT
    assert value(metrics, "reviewbot_model_cost_usd_total", model="m") == pytest.approx(PRICE.of(USAGE) if price else 0)
    assert value(metrics, "reviewbot_model_answers_total", model="m", outcome="ModelIncomplete") == 1


@pytest.mark.anyio
async def test_a_reused_answer_costs_nothing() -> None:
    metrics = Metrics()
    await MeteredModel(ScriptedModel([Answer("t", "m", USAGE, 2.0, reused=True)]), metrics).answer(PROMPT, 10)
    assert value(metrics, "reviewbot_model_cost_usd_total", model="scripted") is None


@pytest.mark.anyio
async def test_a_cancelled_one_and_a_fault_of_ours_are_told_apart() -> None:
    metrics = Metrics()
    with anyio.move_on_after(0.01):
        await MeteredModel(ScriptedModel(["x"], latency=60), metrics).answer(PROMPT, 10)
    with pytest.raises(KeyError):
        await MeteredModel(ScriptedModel(lambda _: {}["x"]), metrics).answer(PROMPT, 10)
    assert value(metrics, "reviewbot_model_answers_total", model="scripted", outcome="cancelled") == 1
    assert value(metrics, "reviewbot_model_answers_total", model="scripted", outcome="other") == 1


@pytest.mark.anyio
async def test_inside_a_breaker_only_what_was_sent_is_counted_and_the_gauge_follows() -> None:
    metrics = Metrics()
    breaker = Breaker(2, on_change=metrics.breaker)
    model = BreakerModel(MeteredModel(ScriptedModel(lambda _: errors.ModelTimeout("x")), metrics), breaker)
    for _ in range(5):
        with pytest.raises(errors.ModelError):
            await model.answer(PROMPT, 10)
    assert value(metrics, "reviewbot_model_answers_total", model="scripted", outcome="ModelTimeout") == 2
    assert value(metrics, "reviewbot_model_breaker_open") == 1
