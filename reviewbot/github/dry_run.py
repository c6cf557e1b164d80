"""ReviewSink that writes nothing: it keeps the draft, and shows exactly the requests that would have been sent."""

from __future__ import annotations

from collections.abc import Callable

from reviewbot.core.change.pull_request import PullRequest, Surroundings
from reviewbot.core.report.continuation import stated
from reviewbot.core.report.draft import Posted, ReviewDraft
from reviewbot.github.payloads import Write, writes
from reviewbot.github.threads import act_writes


class DryRunSink:
    """``seen`` tells what was read of the pull request (``lambda: source.seen``), so that the summary comment that is
    there already is the one that would be edited."""

    def __init__(self, seen: Callable[[], Surroundings | None] = lambda: None) -> None:
        self._seen = seen
        self.draft: ReviewDraft | None = None
        self._payloads: tuple[Write, ...] = ()

    @property
    def calls(self) -> int:
        return 0

    @property
    def payloads(self) -> tuple[Write, ...]:
        """The requests of the draft in their order; none for a local work tree, which has nowhere to post to."""
        return self._payloads

    async def post(self, pull: PullRequest, draft: ReviewDraft) -> Posted:
        """Keep the draft."""
        seen = self._seen()
        sticky = seen.sticky_comment_id if seen else None
        self.draft = draft
        shown = stated(draft, seen.sticky_body if seen else "")
        self._payloads = (*writes(pull.ref, shown, sticky), *act_writes(pull.ref, draft.acts)) if pull.ref else ()
        return Posted()
