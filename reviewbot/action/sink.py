"""ReviewSink of the Action: what is begun is written to its end, and a token that may only read loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from reviewbot.core.report.draft import Posted
from reviewbot.errors import GitHubForbidden, UsageError

if TYPE_CHECKING:
    from reviewbot.core.change.pull_request import PullRequest
    from reviewbot.core.report.draft import ReviewDraft
    from reviewbot.ports import ReviewSink


class GuardedSink:
    """Put `round` another sink. ``refusal`` is GitHub's answer when the token may not review."""

    def __init__(self) -> None:
        self._inner: ReviewSink | None = None
        self.refusal: GitHubForbidden | None = None

    def round(self, inner: ReviewSink) -> ReviewSink:
        self._inner = inner
        return self

    @property
    def calls(self) -> int:
        return self._inner.calls if self._inner else 0

    async def post(self, pull: PullRequest, draft: ReviewDraft) -> Posted:
        """Post, and do not stop in the middle. A refusal is kept, and looks like a dry run: nothing was written, so
        nothing counts as told."""
        if self._inner is None:
            raise UsageError("There is nothing to post through.")
        await anyio.lowlevel.checkpoint()  # the last moment to be stopped
        posted = Posted()
        with anyio.CancelScope(shield=True):
            try:
                posted = await self._inner.post(pull, draft)
            except GitHubForbidden as refusal:
                self.refusal = refusal
        return posted
