"""The source of a review that a bundle asked for: its first look is held to the run, the rest is passed on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reviewbot.action.source import VettedSource
from reviewbot.action.vetting import MOVED_ON, NOT_LABELLED, Handed
from reviewbot.core.change.pull_request import PullRequest, Surroundings
from reviewbot.core.change.scope import Scope
from reviewbot.core.config import Config, Resolved
from reviewbot.errors import BundleError, GitHubNotFound, GitHubUnreachable, UsageError
from reviewbot.flows.collection import Collected
from reviewbot.github.fake import FakeSource
from tests.unit.action.test_vetting import BUNDLE, PULL, RUN, TEXT, A, B, C

pytestmark = pytest.mark.anyio
FILES = {A: {"x": b"b\n"}, B: {"x": b"a\n"}}


def vetted(pull: PullRequest = PULL, patch: bytes = TEXT, **changes: Any) -> VettedSource:
    source = VettedSource(Handed(RUN, replace(BUNDLE, **changes)))
    source.round(FakeSource(pull, patch, FILES))
    return source


async def test_what_fits_is_passed_on() -> None:
    source = vetted()
    pull = await source.pull_request()
    diff = await source.diff(pull)
    assert (pull, [file.path for file in diff.files], source.warning) == (PULL, ["x"], "")
    assert (await source.diff_between(B, A)) == diff
    assert await source.texts(A, ["x", "y"]) == {"x": b"b\n"}
    assert isinstance(await source.surroundings(pull, ["a"]), Surroundings)
    assert source.calls == 5


async def test_what_does_not_is_refused_at_the_first_look() -> None:
    with pytest.raises(BundleError):
        await vetted(replace(PULL, head_ref="other")).pull_request()


async def test_a_pull_request_that_is_not_there() -> None:
    class Nowhere(FakeSource):
        error: Exception = GitHubNotFound("404")

        async def pull_request(self) -> PullRequest:
            raise self.error

    source, inner = vetted(), Nowhere(PULL, TEXT, FILES)
    source.round(inner)
    with pytest.raises(BundleError, match="not there"):
        await source.pull_request()
    inner.error = GitHubUnreachable("502")
    with pytest.raises(GitHubUnreachable):
        await source.pull_request()


async def test_github_has_the_last_word_about_the_diff() -> None:
    source = vetted(patch=TEXT.replace(b"+b", b"+c"))
    diff = await source.diff(PULL)
    assert b"+c" in diff.files[0].hunks[0].body
    assert source.warning


@pytest.mark.parametrize(
    ("pull", "action", "reason"),
    [(PULL, "opened", "others"), (replace(PULL, head_sha=C), "opened", MOVED_ON), (PULL, "labeled", NOT_LABELLED),
     (replace(PULL, labels=(Config().triggers.label,)), "labeled", "others")],
)  # fmt: skip
async def test_what_is_against_a_review(pull: PullRequest, action: Any, reason: str) -> None:
    async def others(_collected: Collected) -> str:
        return "others"

    source = vetted(pull, action=action)
    resolved = Resolved(Config(), {}, ())
    collected = Collected(pull, resolved, Surroundings(), await source.diff(pull), Scope((), ()))
    assert await source.before(others)(collected) == reason


async def test_without_a_source_there_is_nothing() -> None:
    source = VettedSource(Handed(RUN, BUNDLE))
    assert source.calls == 0
    with pytest.raises(UsageError):
        await source.pull_request()
