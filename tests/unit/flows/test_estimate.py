"""What a review would read and cost, before anything is spent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest
from reviewbot.core.config import ChunkSettings, Config, Resolved
from reviewbot.core.cost import Price
from reviewbot.core.findings.reply import parse_reply
from reviewbot.core.report.acts import Closings
from reviewbot.flows.analysis import unanalyzed
from reviewbot.flows.estimate import Estimate, estimate
from reviewbot.flows.review import Ports
from reviewbot.flows.siblings import ask_about_siblings
from reviewbot.flows.sifting import sift
from reviewbot.flows.since import build_on
from reviewbot.github.fake import FakeSink, FakeSource
from reviewbot.model.scripted import ScriptedModel
from reviewbot.store.memory import MemoryRunStore

pytestmark = pytest.mark.anyio

PATCH = b"".join(
    f"diff --git a/{name} b/{name}\nnew file mode 100644\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,90 @@\n".encode()
    + b"".join(f"+value_{row} = compute({row}, {row} + 1, {row})\n".encode() for row in range(90))
    for name in ("a.py", "b.py", "uv.lock")
)
PULL = PullRequest(
    None, "Two", "", "jo", "open", False, "main", "b" * 40, "work", "a" * 40, "shop", "shop", changed_files=3,
    additions=270, deletions=0, commits=1,
)  # fmt: skip


async def estimated(price: Price | None = None, **chunks: Any) -> tuple[Estimate, ScriptedModel]:
    model = ScriptedModel([], price=price or Price(1.0, 0.1, 10.0))
    if price is None:
        model.price = None

    def nowhere(*_: Any) -> Any:
        raise AssertionError("an estimate places and words nothing")

    ports = Ports(
        source=FakeSource(PULL, PATCH, {"a" * 40: {}, "b" * 40: {}}),
        sink=FakeSink(parse_diff(PATCH)),
        model=lambda _: model,
        store=MemoryRunStore(),
        settle=lambda _: Resolved(Config(chunks=ChunkSettings(**chunks))),
        read=parse_reply,
        place=nowhere,
        siblings=ask_about_siblings,
        since=partial(build_on, MemoryRunStore()),
        analyze=unanalyzed,
        check=unchecked,
        sift=sift,
        draft=nowhere,
    )
    return await estimate(ports), model


async def test_it_counts_and_asks_nothing() -> None:
    found, model = await estimated(Price(1.0, 0.1, 10.0), target_tokens=2_500)
    assert (found.files, found.chunks, found.changed_lines) == (2, 2, 180)
    assert found.skipped == (("uv.lock", "lock-file: uv.lock is written by a package manager"),)
    assert model.calls == 0
    assert found.input_tokens > 2 * 1_500


async def test_more_requests_cost_more() -> None:
    few, _ = await estimated(Price(1.0, 0.1, 10.0))
    many, _ = await estimated(Price(1.0, 0.1, 10.0), target_tokens=2_000)
    assert few.chunks < many.chunks
    for one, more in ((few.low_usd, many.low_usd), (few.ceiling_usd, many.ceiling_usd)):
        assert one is not None
        assert more is not None
        assert one < more


async def test_the_three_costs_are_in_order() -> None:
    found, _ = await estimated(Price(1.0, 0.1, 10.0))
    costs: Sequence[float | None] = (0.0, found.low_usd, found.high_usd, found.ceiling_usd)
    assert list(costs) == sorted(c for c in costs if c is not None)


async def test_without_a_price_there_is_no_cost() -> None:
    found, _ = await estimated()
    assert (found.low_usd, found.high_usd, found.ceiling_usd) == (None, None, None)
    assert "not known" in found.as_text()
    assert json.loads(found.as_json())["cost_usd"] == {"low": None, "high": None, "ceiling": None}


async def test_both_forms_say_the_same() -> None:
    found, _ = await estimated(Price(1.0, 0.1, 10.0))
    document = json.loads(found.as_json())
    assert document["input_tokens"] == found.input_tokens
    assert document["skipped"][0]["path"] == "uv.lock"
    text = found.as_text()
    assert f"{found.input_tokens:,} input tokens" in text
    assert "skipped uv.lock: lock-file" in text


async def unchecked(*_: object) -> Closings:
    return Closings()
