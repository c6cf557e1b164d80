"""What of a change an earlier review has read, so that this one need not: state, earlier patch, increment, pieces."""

from __future__ import annotations

from dataclasses import replace

from reviewbot.core.change.comparison import increment
from reviewbot.core.change.diff import Diff
from reviewbot.core.change.increment import Since
from reviewbot.core.change.state import Fault, ReviewedState
from reviewbot.core.context.narrowing import narrow
from reviewbot.core.report.continuation import reviewed_in
from reviewbot.errors import DiffError, GitHubDiffTooLarge, GitHubNotFound, GitHubRejected, WorkspaceError
from reviewbot.flows.collection import Collected
from reviewbot.ports import PullRequestSource, RunStore

# A commit that is gone, or a patch that cannot be had any more, is no fault: everything is read again, and says so.
_GONE = (GitHubNotFound, GitHubRejected, GitHubDiffTooLarge, WorkspaceError, DiffError)


async def build_on(store: RunStore, source: PullRequestSource, collected: Collected, full: bool) -> Collected:
    """``collected`` with what earlier reviews leave to this one. Raises StoreError, and GitHubError when GitHub cannot
    be asked; never takes a line for read that is not known to be."""
    pull = collected.pull
    if pull.ref is None:
        return replace(collected, since=Since(full=full))
    kept = await store.wordings(pull), await store.dismissals(pull)
    collected = replace(collected, wordings=kept[0], dismissals=kept[1])
    state = reviewed_in(collected.surroundings.sticky_body, await store.reviewed_state(pull))
    if not isinstance(state, ReviewedState):
        return replace(collected, since=Since(full=full, reason="" if state.fault is Fault.NONE else state.reason))
    if full or not state.rounds:  # without a round it holds orders only
        head = state.head_sha if state.rounds else ""
        return replace(collected, since=Since(None, head, state.rounds, state.late_findings, full=full))
    return await _compared(source, collected, state)


async def _compared(source: PullRequestSource, collected: Collected, state: ReviewedState) -> Collected:
    since = Since(None, state.head_sha, state.rounds, state.late_findings)
    try:
        old = await _earlier(source, collected, state)
    except _GONE as error:
        words = f"what was read at commit {state.head_sha[:12]} cannot be compared any more ({error.message})"
        return replace(collected, since=replace(since, reason=words))
    news = increment(old, collected.diff, state.missed)
    if news.reason:
        return replace(collected, since=replace(since, reason=news.reason))
    offered = narrow(collected.scope.files, news)
    return replace(collected, since=replace(since, increment=news), offered=offered)


async def _earlier(source: PullRequestSource, collected: Collected, state: ReviewedState) -> Diff:
    pull = collected.pull
    if (state.head_sha, state.base_sha) == (pull.head_sha, pull.base_sha):
        return collected.diff
    return await source.diff_between(state.base_sha, state.head_sha)
