"""The cost of a later review grows with what is new, not with the pull request."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.pushes import LINES, MODULES, Remembering, Repository, pushes, reviewed

pytestmark = pytest.mark.anyio


async def test_a_small_push_to_a_large_pull_request(tmp_path: Path) -> None:
    repository, store = Repository(tmp_path), Remembering()
    sizes, new = [], []
    for number, _ in enumerate(pushes(repository)):
        outcome, sent = await reviewed(repository, store, number)
        assert outcome.coverage.complete
        sizes.append(sum(sent))
        new.append(outcome.coverage.reviewed_lines)
    assert new == [MODULES * LINES, 5, 0, 50, 0, 0]
    assert 0 < sizes[1] < 0.05 * sizes[0]
    assert sizes[1] < sizes[3] < 0.05 * sizes[0]
    assert sizes[2] == sizes[4] == sizes[5] == 0
