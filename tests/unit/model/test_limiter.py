"""Never more than was allowed in any minute, and in the order of asking."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.model.limiter import WINDOW_SECONDS, Limiter


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await anyio.lowlevel.checkpoint()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 150), st.floats(0, 40)), max_size=25),
    st.one_of(st.none(), st.integers(1, 5)),
    st.one_of(st.none(), st.integers(50, 200)),
)
def test_no_minute_holds_more_than_allowed(
    asked: list[tuple[int, float]], requests: int | None, tokens: int | None
) -> None:
    time = Time()
    admitted: list[tuple[float, int]] = []

    async def run() -> None:
        limiter = Limiter(requests, tokens, clock=time.clock, sleep=time.sleep)
        for size, pause in asked:
            time.now += pause
            await limiter.admit(size)
            admitted.append((time.now, size))

    anyio.run(run)
    assert len(admitted) == len(asked)
    for number, (start, _size) in enumerate(admitted):
        minute = [size for at, size in admitted[number:] if at < start + WINDOW_SECONDS - 1e-3]
        assert requests is None or len(minute) <= requests
        assert tokens is None or sum(minute) <= tokens or len(minute) == 1


@pytest.mark.anyio
async def test_without_limits_nobody_waits_and_nothing_is_remembered() -> None:
    time = Time()
    limiter = Limiter(clock=time.clock, sleep=time.sleep)
    for _number in range(1000):
        await limiter.admit(10_000)
    assert time.now == 1000.0


@pytest.mark.anyio
async def test_who_comes_first_is_served_first_even_if_the_later_one_is_smaller() -> None:
    time = Time()
    limiter = Limiter(None, 100, clock=time.clock, sleep=time.sleep)
    order: list[str] = []

    async def ask(name: str, tokens: int) -> None:
        await limiter.admit(tokens)
        order.append(name)

    async with anyio.create_task_group() as group:
        for name, tokens in (("first", 60), ("big", 90), ("small", 1), ("last", 5)):
            group.start_soon(ask, name, tokens)
    assert order == ["first", "big", "small", "last"]


@pytest.mark.anyio
async def test_a_request_above_the_limit_goes_alone_instead_of_never() -> None:
    time = Time()
    limiter = Limiter(None, 100, clock=time.clock, sleep=time.sleep)
    await limiter.admit(10)
    await limiter.admit(5000)
    assert time.now == pytest.approx(1060.0, abs=0.01)


@pytest.mark.anyio
async def test_what_was_really_used_counts() -> None:
    time = Time()
    limiter = Limiter(None, 100, clock=time.clock, sleep=time.sleep)
    limiter.settle(await limiter.admit(90), 10)
    await limiter.admit(80)
    assert time.now == 1000.0


@pytest.mark.anyio
async def test_a_hold_stops_everybody() -> None:
    time = Time()
    limiter = Limiter(clock=time.clock, sleep=time.sleep)
    limiter.hold(7.0)
    limiter.hold(3.0)
    await limiter.admit(1)
    assert time.now == 1007.0


@pytest.mark.anyio
async def test_who_gives_up_waiting_does_not_block_the_others() -> None:
    limiter = Limiter(1)
    await limiter.admit(1)
    with anyio.move_on_after(0.01) as scope:
        await limiter.admit(1)
    assert scope.cancelled_caught
    with anyio.move_on_after(0.01) as scope:
        await limiter.admit(1)
    assert scope.cancelled_caught  # waits for its own minute, not for a lock that is never given back
