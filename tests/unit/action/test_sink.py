"""What is begun is posted to its end; a token that may not write leaves no trace that looks like a posting."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from reviewbot.action.sink import GuardedSink
from reviewbot.core.report.draft import Posted
from reviewbot.errors import GitHubForbidden, GitHubRejected

ANY: Any = None


class Slow:
    """A sink in the middle of its writes."""

    calls = 3

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.begun, self.ended = anyio.Event(), False

    async def post(self, _pull: Any, _draft: Any) -> Posted:
        self.begun.set()
        await anyio.sleep(0.05)
        self.ended = True
        if self.error:
            raise self.error
        return Posted(review_url="u")


@pytest.mark.anyio
async def test_a_posting_that_was_begun_is_finished() -> None:
    inner, sink = Slow(), GuardedSink()
    guarded = sink.round(inner)
    async with anyio.create_task_group() as group:
        group.start_soon(guarded.post, ANY, ANY)
        await inner.begun.wait()
        group.cancel_scope.cancel()
    assert inner.ended
    assert guarded.calls == 3


@pytest.mark.anyio
async def test_one_that_was_not_is_not_begun() -> None:
    inner = Slow()
    guarded = GuardedSink().round(inner)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await guarded.post(ANY, ANY)
    assert not inner.begun.is_set()


@pytest.mark.anyio
async def test_a_refusal_is_kept_and_another_error_is_not() -> None:
    refusal = GitHubForbidden("no", status=403)
    sink = GuardedSink()
    assert await sink.round(Slow(refusal)).post(ANY, ANY) == Posted()
    assert sink.refusal is refusal
    with pytest.raises(GitHubRejected):
        await GuardedSink().round(Slow(GitHubRejected("wrong"))).post(ANY, ANY)
