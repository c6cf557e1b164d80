"""The breaker: what counts, when it opens, one probe at a time, and that late ends change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from reviewbot import errors
from reviewbot.core.context.prompt import Answer, Prompt
from reviewbot.core.cost import Usage
from reviewbot.model.breaker import Breaker, BreakerModel, Sign, sign_of
from reviewbot.model.scripted import ScriptedModel

PROMPT = Prompt("i", "t", "s", {}, "k")
OUTAGES = (errors.ModelUnreachable, errors.ModelTimeout, errors.ModelFailed, errors.ModelStreamCut)


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def subclasses(kind: type[errors.ModelError]) -> set[type[errors.ModelError]]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


def test_only_outages_count() -> None:
    own = {kind for kind in subclasses(errors.ModelError) if kind.__module__ == "reviewbot.errors"}
    down = {kind for kind in own if sign_of(kind("x")) is Sign.DOWN}
    assert down == set(OUTAGES)
    assert {kind for kind in own if sign_of(kind("x")) is Sign.NONE} == {errors.ModelRateLimited}
    assert all(kind.retryable for kind in down)


async def ask(model: BreakerModel) -> str:
    try:
        return (await model.answer(PROMPT, 100)).text
    except errors.ModelError as error:
        return type(error).__name__


def world(
    script: Callable[[Prompt], Any] | list[Any], threshold: int = 3
) -> tuple[BreakerModel, Breaker, Time, list[bool]]:
    time, changes = Time(), list[bool]()
    breaker = Breaker(threshold, 60, clock=time, on_change=changes.append)
    return BreakerModel(ScriptedModel(script), breaker), breaker, time, changes


@pytest.mark.anyio
@pytest.mark.parametrize("kind", OUTAGES)
async def test_it_opens_refuses_probes_and_closes(kind: type[errors.ModelError]) -> None:
    model, breaker, time, changes = world([kind("down.")] * 4 + ["fine", "fine"])
    assert breaker.detail == "The provider answers."
    assert [await ask(model) for _ in range(3)] == [kind.__name__] * 3
    assert breaker.is_open
    time.now += 18
    with pytest.raises(errors.ModelUnreachable) as refused:
        await model.answer(PROMPT, 100)
    assert refused.value.retryable
    assert refused.value.usage is None
    assert refused.value.message == (
        f"The model provider is not asked at present: 3 requests in a row failed ({kind.__name__}); "
        "the next try is in 42 s."
    )
    assert refused.value.remedy
    time.now += 42
    assert "next request is a try" in breaker.detail
    assert await ask(model) == kind.__name__, "the probe is sent"
    assert await ask(model) == "ModelUnreachable", "and opens it for another while"
    assert "4 requests" in breaker.detail
    time.now += 60
    assert [await ask(model), await ask(model)] == ["fine", "fine"]
    assert not breaker.is_open
    assert changes == [True, False]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "kind",
    [
        errors.ModelQuotaExceeded,
        errors.ModelUnauthorized,
        errors.ModelRejected,
        errors.ModelRefused,
        errors.ModelIncomplete,
        errors.ModelNotFound,
        errors.ReplyError,
        errors.ModelRateLimited,
    ],
)
async def test_what_a_provider_says_never_opens_it(kind: type[errors.ModelError]) -> None:
    model, breaker, _, _ = world(lambda _: kind("no."))
    assert {await ask(model) for _ in range(20)} == {kind.__name__}
    assert not breaker.is_open


@pytest.mark.anyio
async def test_an_answer_between_two_outages_starts_the_count_again_and_a_rate_limit_does_not() -> None:
    away, slow = errors.ModelUnreachable("x"), errors.ModelRateLimited("x")
    model, breaker, _, _ = world([away, away, "fine", away, away, slow, away])
    for _ in range(6):
        await ask(model)
    assert not breaker.is_open
    assert breaker.detail == "2 outages in a row."
    await ask(model)
    assert breaker.is_open


class Slow:
    """A model whose calls end when a test says so."""

    id, window, price = "slow", 1000, None

    def __init__(self) -> None:
        self.waiting: list[tuple[anyio.Event, list[Exception]]] = []

    def request_key(self, prompt: Prompt, max_output_tokens: int) -> str:
        return f"key {max_output_tokens}"

    async def answer(self, prompt: Prompt, max_output_tokens: int) -> Answer:
        event, fault = anyio.Event(), list[Exception]()
        self.waiting.append((event, fault))
        await event.wait()
        if fault:
            raise fault[0]
        return Answer("fine", "slow", Usage(1), None)

    def end(self, number: int, error: Exception | None = None) -> None:
        event, fault = self.waiting[number]
        if error:
            fault.append(error)
        event.set()


@pytest.mark.anyio
async def test_one_probe_at_a_time_and_a_cancelled_one_leaves_its_turn() -> None:
    time, slow = Time(), Slow()
    breaker = Breaker(1, 60, clock=time)
    model = BreakerModel(slow, breaker)
    breaker.leave(breaker.enter(), Sign.DOWN, "ModelTimeout")
    time.now += 60
    async with anyio.create_task_group() as group:
        group.start_soon(ask, model)
        await anyio.wait_all_tasks_blocked()
        assert await ask(model) == "ModelUnreachable"
        assert "one is tried now" in breaker.detail
        group.cancel_scope.cancel()
    async with anyio.create_task_group() as group:
        group.start_soon(ask, model)
        await anyio.wait_all_tasks_blocked()
        assert len(slow.waiting) == 2
        slow.end(1)
    assert not breaker.is_open


@pytest.mark.anyio
async def test_calls_from_before_an_opening_change_nothing_when_they_end() -> None:
    time, slow = Time(), Slow()
    breaker = Breaker(2, 60, clock=time)
    model = BreakerModel(slow, breaker)
    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(ask, model)
        await anyio.wait_all_tasks_blocked()
        for number in (0, 1):
            slow.end(number, errors.ModelTimeout("x"))
        await anyio.wait_all_tasks_blocked()
        assert breaker.is_open
        time.now += 59
        slow.end(2, errors.ModelTimeout("x"))
        slow.end(3)
    assert breaker.is_open
    assert "the next try is in 1 s" in breaker.detail


@pytest.mark.anyio
async def test_an_error_that_is_not_the_models_says_nothing_and_gives_the_probe_back() -> None:
    time = Time()
    breaker = Breaker(1, 60, clock=time)
    breaker.leave(breaker.enter(), Sign.DOWN, "ModelTimeout")
    time.now += 60
    model = BreakerModel(ScriptedModel(lambda _: {}["gone"]), breaker)
    for _ in range(2):
        with pytest.raises(KeyError):
            await model.answer(PROMPT, 100)
    assert breaker.is_open


def test_the_rest_is_the_models_own() -> None:
    slow = Slow()
    model = BreakerModel(slow, Breaker())
    assert (model.id, model.window, model.price) == ("slow", 1000, None)
    assert model.request_key(PROMPT, 7) == "key 7"


class Machine(RuleBasedStateMachine):
    """Any order of calls, ends and waiting, against rules that are told apart from the code."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.changes: list[bool] = []
        self.breaker = Breaker(3, 60, clock=self.time, on_change=self.changes.append)
        self.calls: list[tuple[int, bool]] = []  # the epoch, and whether it still counts
        self.row = 0
        self.opened: float | None = None
        self.probe: int | None = None

    @rule()
    def begin(self) -> None:
        may = self.opened is None or (self.probe is None and self.time.now >= self.opened + 60)
        try:
            epoch = self.breaker.enter()
        except errors.ModelUnreachable:
            assert not may
            return
        assert may
        if self.opened is not None:
            self.probe = epoch
        self.calls.append((epoch, True))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), sign=st.sampled_from(Sign))
    def end(self, data: st.DataObject, sign: Sign) -> None:
        epoch, counts = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        before = self.breaker._circuit
        self.breaker.leave(epoch, sign, "X")
        if not counts:
            assert self.breaker._circuit == before
        elif self.probe is not None:
            assert epoch == self.probe
            self.probe = None
            if sign is Sign.UP:
                self.opened, self.row = None, 0
            elif sign is Sign.DOWN:
                self.opened = self.time.now
        elif sign is Sign.UP:
            self.row = 0
        elif sign is Sign.DOWN:
            self.row += 1
            if self.row == 3:
                self.opened = self.time.now
                self.calls = [(late, False) for late, _ in self.calls]

    @rule(seconds=st.floats(0, 90))
    def wait(self, seconds: float) -> None:
        self.time.now += seconds

    @invariant()
    def agrees(self) -> None:
        assert self.breaker.is_open == (self.opened is not None)
        assert self.changes == [number % 2 == 0 for number in range(len(self.changes))], "open and closed in turns"
        assert self.breaker.detail.endswith(".")


def test_any_order_of_calls_ends_and_waits() -> None:
    """Given as a function: hypothesis parses the source of a class, and CPython before 3.12.1 fails at that when
    another thread happens to parse too (gh-106905)."""

    def machine() -> Machine:
        return Machine()

    run_state_machine_as_test(machine)
