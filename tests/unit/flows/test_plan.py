from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewbot.core.change.diff import Diff, FilePatch
from reviewbot.core.change.patch import parse_diff, parse_fragment
from reviewbot.core.change.pull_request import PullRequest, Surroundings
from reviewbot.core.change.scope import Scope
from reviewbot.core.config import ChunkSettings, Config, PathRule, Resolved
from reviewbot.core.context.tokens import count_tokens
from reviewbot.errors import ConfigError
from reviewbot.flows.collection import Collected
from reviewbot.flows.plan import Plan, plan_chunks

PULL = PullRequest(
    ref=None, title="Add a shop", body="It sells.", author="ann", state="open", draft=False, base_ref="main",
    base_sha="0" * 40, head_ref="shop", head_sha="1" * 40, base_repo="octo/shop", head_repo="octo/shop",
    changed_files=1, additions=1, deletions=1, commits=1,
)  # fmt: skip
SCHEMA = 600  # tokens of the schema of the answer, and what the provider puts round a prompt


def source(path: str, lines: int, text: str = "    value = compute(argument) + {}") -> FilePatch:
    rows = "".join(f"+{text.replace('{}', str(at))}\n" for at in range(lines))
    return parse_fragment(path, f"@@ -0,0 +1,{lines} @@\n{rows}")


def collected(
    files: Sequence[FilePatch], *, body: str = "", rules: dict[str, str] | None = None, config: Config | None = None
) -> Collected:
    around = Surroundings(rules=rules or {})
    diff = Diff(tuple(files))
    return Collected(replace(PULL, body=body), Resolved(config or Config()), around, diff, Scope(diff.files, ()), {})


def longest(plan: Plan) -> int:
    """Tokens of the longest request."""
    prompts = [plan.prepare(chunk).prompt for chunk in plan.chunks]
    return max(count_tokens(prompt.instructions) + count_tokens(prompt.text) + SCHEMA for prompt in prompts)


MANY = [source(f"src/package_{at % 7}/module_{at}.py", 60) for at in range(60)]


@pytest.mark.parametrize("window", [6_000, 8_192, 16_384, 32_768, 128_000, 272_000])
def test_no_prompt_is_longer_than_the_window(window: int) -> None:
    plan = plan_chunks(collected(MANY), window)
    assert longest(plan) <= window
    shown = sum(piece.stop - piece.start for chunk in plan.chunks for piece in chunk.pieces)
    assert shown == 60 * 60


def test_a_large_window_is_used_up_to_the_target_and_no_further() -> None:
    config = Config(chunks=ChunkSettings(target_tokens=20_000))
    plan = plan_chunks(collected(MANY, config=config), 272_000)
    assert [chunk.tokens <= 20_000 for chunk in plan.chunks] == [True] * len(plan.chunks)
    assert len(plan.chunks) == -(-sum(chunk.tokens for chunk in plan.chunks) // 20_000)


def test_a_small_window_is_not_wasted() -> None:
    plan = plan_chunks(collected(MANY), 16_384)
    assert longest(plan) > 16_384 // 2


@pytest.mark.parametrize("window", [-5, 0, 500, 2_000, 3_000])
def test_a_window_without_room_for_a_change_is_an_error_that_says_what_to_do(window: int) -> None:
    with pytest.raises(ConfigError, match=f"takes {window:,} tokens") as caught:
        plan_chunks(collected(MANY), window)
    assert "larger window" in caught.value.remedy


def folders(depth: int) -> list[str]:
    return ["/".join(f"d{n}" for n in range(level + 1)) for level in range(depth)]


@pytest.mark.parametrize("window", [40_000, 128_000])
def test_many_rules_leave_room_for_the_change(window: int) -> None:
    """The longest rules there can be, for a file in a deep folder, and an instruction for each of many patterns."""
    rules = {f"{folder}/{name}": "Mind this. " * 2_000 for folder in folders(12) for name in ("AGENTS.md", "CLAUDE.md")}
    rules |= {"AGENTS.md": "Mind that. " * 2_000, "CLAUDE.md": "Mind all. " * 2_000}
    own = tuple(PathRule(pattern=f"**/*{n % 10}*", instructions="Be careful here. " * 230) for n in range(40))
    files = [source(f"{folders(12)[-1]}/m{at}.py", 60) for at in range(60)]
    plan = plan_chunks(collected(files, rules=rules, config=Config(paths=own), body="word " * 4_000), window)
    assert longest(plan) <= window


def test_rules_that_fill_the_window_are_an_error() -> None:
    rules = {"AGENTS.md": "Mind that. " * 2_000, "CLAUDE.md": "Mind all. " * 2_000}
    with pytest.raises(ConfigError):
        plan_chunks(collected(MANY, rules=rules), 8_192)


TEXTS = ["    value = compute(argument) + {}", "漢字 = '{}'", "{}\t" * 9, "([{{}}])", "x" * 300, ""]


@given(
    st.lists(st.tuples(st.integers(1, 120), st.sampled_from(TEXTS)), min_size=1, max_size=12),
    st.integers(6_000, 40_000),
    st.sampled_from(["", "word " * 1_500, "漢" * 1_500, "\u200b\x00" * 500]),
)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_no_prompt_is_too_long_whatever_the_change(made: list[tuple[int, str]], window: int, body: str) -> None:
    files = [source(f"src/m{at}.py", lines, text) for at, (lines, text) in enumerate(made)]
    assert longest(plan_chunks(collected(files, body=body), window)) <= window


def test_one_chunk_has_no_list_of_files_and_more_have() -> None:
    one, many = (plan_chunks(collected(files), 272_000) for files in (MANY[:1], MANY))
    assert len(one.chunks) == 1
    assert "<changed_files" not in one.prepare(one.chunks[0]).prompt.text
    assert len(many.chunks) > 1
    for chunk in many.chunks:
        text = many.prepare(chunk).prompt.text
        assert "src/package_0/module_0.py (modified, +60 -0)" in text.partition("<change ")[0]


def test_the_same_change_is_asked_in_the_same_words() -> None:
    first, second = ([p.prepare(c) for c in p.chunks] for p in (plan_chunks(collected(MANY), 60_000) for _ in "ab"))
    assert first == second


def test_another_diff_has_another_nonce() -> None:
    nonces = set()
    for line in ("a", "b"):
        file = parse_diff(f"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+{line}\n".encode()).files[0]
        plan = plan_chunks(collected([file]), 272_000)
        nonces.add(plan.prepare(plan.chunks[0]).prompt.text.split('"')[1])
    assert len(nonces) == 2


def test_nothing_in_scope_is_no_question() -> None:
    assert plan_chunks(collected([]), 272_000).chunks == ()
