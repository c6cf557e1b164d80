"""--max-cost is never passed; the riskiest parts are read first, and what the money does not reach is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reviewbot.model.catalogue import facts_for
from reviewbot.sandbox.responses.checks import MODELS, ServedModel
from reviewbot.sandbox.responses.faults import FaultKind

from .conftest import NOTHING_FOUND, Git, World, reply, shown_paths

CHUNKS = ("--set", "chunks.target_tokens=2500")


def spent(world: World) -> float:
    """What all answers cost at the list price of the model that gave each."""
    total = 0.0
    for entry in world.model.answered:
        price = facts_for(entry.body["model"]).price
        assert price is not None
        fresh = entry.input_tokens - entry.cached_tokens
        total += fresh * price.input + entry.cached_tokens * price.cached_input + entry.output_tokens * price.output
    return total / 1e6


def paths_by_fate(document: Any, status: str) -> set[str]:
    return {file["path"] for file in document["coverage"]["files"] if file["status"] == status}


@pytest.mark.parametrize("limit", ["0", "0.001", "0.03", "0.05", "0.08", "0.2", "3"])
def test_the_limit_is_never_passed(world: World, limit: str) -> None:
    """Answers are as long as they may be: each uses the whole of its allowance."""
    world.answers(lambda _: json.dumps(reply(explanation="word " * 60_000)))
    world.review(world.open("wide"), *CHUNKS, "--max-cost", limit)
    assert spent(world) <= float(limit)


def test_what_the_money_does_not_reach_is_named(world: World) -> None:
    world.answers(lambda _: NOTHING_FOUND)
    done = world.review(world.open("wide"), *CHUNKS, "--max-cost", "0.04", "--format", "json")
    assert done.code == 3
    over = paths_by_fate(done.json, "over-budget")
    assert 0 < len(over) < 6
    assert done.json["usage"]["cost_usd"] == pytest.approx(spent(world))
    for file in done.json["coverage"]["files"]:
        if file["path"] in over:
            assert file["over_budget_lines"] == 65
            assert file["reason"].startswith("over the cost limit")
    assert world.checks[0].conclusion == "neutral"
    for path in over:
        assert path in world.summaries[0].body


def test_no_money_at_all_asks_nothing(world: World) -> None:
    done = world.review(world.open("vouchers"), "--max-cost", "0")
    assert done.code == 3
    assert world.asked == 0
    assert world.checks[0].conclusion == "neutral"
    assert "0 of 74 changed lines reviewed" in world.checks[0].output["title"]


def test_enough_money_reads_everything_in_parallel(world: World) -> None:
    world.model.latency = 0.05
    done = world.review(world.open("wide"), *CHUNKS, "--max-cost", "10", "--format", "json")
    assert done.code == 0
    assert done.json["coverage"]["complete"] is True
    times = sorted((entry.started, entry.ended) for entry in world.model.answered)
    assert times[-1][0] < times[1][1]


class TestRisk:
    @pytest.fixture
    def served(self, tmp_path: Path) -> Path:
        git = Git(tmp_path / "own").init({"README.md": "Risks.\n"})
        rows = "".join(f"Some words about matter number {n} in this text.\n" for n in range(120))
        code = "".join(f"def step_{n}(item):\n    return item.weight * {n}\n" for n in range(60))
        auth = "".join(f"def check_{n}(user, password):\n    return user.secret == password\n" for n in range(60))
        files = {
            "docs/guide.md": rows,
            "src/weights.py": code,
            "src/auth/login.py": auth,
            "tests/test_weights.py": code,
        }
        git.branch("risks", dict(files))
        git("switch", "-q", "main")
        return git.path

    def test_the_riskiest_is_read_first(self, world: World) -> None:
        world.answers(lambda _: NOTHING_FOUND)
        words = ("--set", "chunks.target_tokens=2000", "--set", "model.concurrency=1")
        done = world.review(world.open("risks"), *words, "--max-cost", "0.03", "--format", "json")
        assert done.code == 3
        assert shown_paths(world.prompts[0]) == ["src/auth/login.py"]
        assert "docs/guide.md" in paths_by_fate(done.json, "over-budget")
        assert "src/auth/login.py" in paths_by_fate(done.json, "reviewed")


def test_an_unknown_price_cannot_be_limited(world: World) -> None:
    world.model._models["house-model"] = ServedModel("house-model")
    url = world.open("vouchers")
    done = world.review(url, "--model", "house-model", "--max-cost", "1")
    assert done.code == 2
    assert "house-model" in done.err
    assert world.asked == 0
    done = world.review(url, "--model", "house-model", "--format", "json")
    assert done.code == 0
    assert done.json["usage"]["cost_usd"] is None
    assert "cost unknown" in world.summaries[0].body
    assert all(model.id != "house-model" for model in MODELS)


def test_a_fallback_that_is_dearer_stays_below_the_limit_too(world: World) -> None:
    world.answers(lambda _: json.dumps(reply(explanation="word " * 60_000)))
    world.fault(FaultKind.MODEL_GONE, contains="", times=None, request=1)
    words = ("--set", 'model.fallbacks=["gpt-5.6-sol"]', "--max-cost", "0.2")
    world.review(world.open("wide"), *CHUNKS, *words)
    assert {entry.body["model"] for entry in world.model.answered if entry.output_tokens} == {"gpt-5.6-sol"}
    assert spent(world) <= 0.2


@pytest.mark.parametrize(
    "kind", [FaultKind.INCOMPLETE_TEXT, FaultKind.FAILED, FaultKind.CUT_IN_JSON, FaultKind.UNPARSABLE]
)
def test_failed_answers_count_against_the_limit(world: World, kind: FaultKind) -> None:
    """Also those that are tried again: each try is paid for."""
    world.fault(kind, times=None)
    world.answers(lambda _: json.dumps(reply(explanation="word " * 4_000)))
    done = world.review(world.open("wide"), *CHUNKS, "--max-cost", "0.1")
    assert done.code in (3, 5)
    assert spent(world) <= 0.1


def test_an_answer_without_usage_counts_as_the_most_it_may_cost(world: World) -> None:
    """Its price is not known, so the limit can only be kept by taking the worst for true."""
    world.fault(FaultKind.NO_USAGE, times=None)
    world.answers(lambda _: json.dumps(reply(explanation="word " * 4_000)))
    world.review(world.open("wide"), *CHUNKS, "--max-cost", "0.1")
    assert spent(world) <= 0.1


def test_stored_answers_cost_nothing_of_the_limit(world: World) -> None:
    world.answers(lambda _: NOTHING_FOUND)
    url = world.open("wide")
    assert world.review(url, *CHUNKS, "--max-cost", "0.04").code == 3
    for _ in range(6):
        if world.review(url, *CHUNKS, "--max-cost", "0.04").code == 0:
            break
    else:
        pytest.fail("each run should have gone on where the last one stopped")
    assert world.asked == 6


def test_the_repository_may_lower_the_limit_only(world: World) -> None:
    """The setting is in the catalogue of what a repository may not raise (see test_settings)."""
    done = world.review(world.open("vouchers"), "--set", "limits.max_cost_usd=0.000001", "--format", "json")
    assert done.code == 3
    assert done.json["usage"]["requests"] == 0
