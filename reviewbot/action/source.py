"""PullRequestSource of a review that a bundle asked for: the review's own first look is the one that is held to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewbot.action.vetting import MOVED_ON, NOT_LABELLED, Handed, difference, hold, lacks_label, moved_on
from reviewbot.errors import BundleError, GitHubNotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbot.core.change.diff import Diff
    from reviewbot.core.change.pull_request import PullRequest, Surroundings
    from reviewbot.flows.collection import Collected
    from reviewbot.flows.review import WhyNot
    from reviewbot.ports import PullRequestSource


class VettedSource:
    """Put `round` another source. ``warning`` says that the bundle shows another change than GitHub does."""

    def __init__(self, handed: Handed) -> None:
        self._handed = handed
        self._inner: PullRequestSource | None = None
        self.warning = ""

    def round(self, inner: PullRequestSource) -> PullRequestSource:
        self._inner = inner
        return self

    @property
    def _source(self) -> PullRequestSource:
        if self._inner is None:
            raise UsageError("There is nothing to read from.")
        return self._inner

    @property
    def calls(self) -> int:
        return self._inner.calls if self._inner else 0

    async def pull_request(self) -> PullRequest:
        """Raises BundleError when it is not the pull request that started the run."""
        try:
            pull = await self._source.pull_request()
        except GitHubNotFound as missing:
            raise BundleError(
                "The bundle names a pull request that is not there, or that the token may not see.",
                remedy="Nothing was asked of the model and nothing was posted.",
            ) from missing
        hold(self._handed.run, pull)
        return pull

    async def diff(self, pull: PullRequest) -> Diff:
        diff = await self._source.diff(pull)
        self.warning = difference(self._handed.bundle, pull, diff)
        return diff

    async def diff_between(self, base: str, head: str) -> Diff:
        return await self._source.diff_between(base, head)

    async def surroundings(self, pull: PullRequest, directories: Sequence[str] = ()) -> Surroundings:
        return await self._source.surroundings(pull, directories)

    async def texts(self, sha: str, paths: Sequence[str]) -> dict[str, bytes]:
        return await self._source.texts(sha, paths)

    def before(self, others: WhyNot) -> WhyNot:
        """What a bundle adds to the ``others`` that may be against a review."""

        async def why_not(collected: Collected) -> str:
            if moved_on(self._handed.run, collected.pull):
                return MOVED_ON
            if lacks_label(self._handed.bundle, collected.pull, collected.config.triggers):
                return NOT_LABELLED
            return await others(collected)

        return why_not
