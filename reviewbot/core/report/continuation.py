"""Pure: how a review leaves its state to the next one, in the summary comment, and how people's orders get into it.

One comment holds both, and two may write it: a review that was begun before an order must not undo it. So the state is
put into the text at the moment of writing, with the orders of the comment that is there by then.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace

from reviewbot.core.change.diff import Run
from reviewbot.core.change.increment import Missed
from reviewbot.core.change.state import (
    Fault,
    ReviewedState,
    StateFault,
    ignorable,
    next_marker,
    read_state,
    state_marker,
)
from reviewbot.core.findings.finding import PlacedFinding, RejectReason, Step
from reviewbot.core.marker import summary_marker
from reviewbot.core.report.acts import Orders
from reviewbot.core.report.coverage import missed_of
from reviewbot.core.report.draft import ReviewDraft
from reviewbot.core.report.outcome import ReviewOutcome

# Also of a marker that was cut short or changed: with another beside it neither could be read.
_STATE_LINE = re.compile(r"^<!-- reviewbot:state:[^\n]*\n?", re.MULTILINE)
_NOTHING_YET = "### Not reviewed yet\n\nWhat was asked for on this pull request is kept here."


def state_after(outcome: ReviewOutcome) -> str:
    """The marker of what this review has read, empty where there is nothing to build on: a work tree, or no review.

    Lines of findings that have no thread by which they would be remembered are owed, or the file where there is no
    line: those over the limit, and those that stand in the body of a review.
    """
    pull, since = outcome.pull, outcome.since
    if pull.ref is None or outcome.verdict in ("skipped", "superseded") or outcome.coverage.problems:
        return ""
    missed = missed_of(outcome.coverage)
    lines, whole = dict(missed.lines), set(missed.whole)
    for placed in _without_thread(outcome):
        path, runs = placed.location.path, _lines_of(placed)
        if runs:
            lines[path] = (*lines.get(path, ()), *runs)
        elif any(file.path == path for file in outcome.coverage.files):
            whole.add(path)
    late = sum(placed.late for placed in outcome.findings)
    state = ReviewedState(
        pull.head_sha,
        pull.base_sha,
        Missed(lines, frozenset(whole), missed.everything),
        rounds=since.rounds + 1,
        late_findings=since.late_findings + late,
    )
    try:
        return state_marker(state)
    except ValueError:  # a commit that is no object id: no state is a full review, no more
        return ""


def _without_thread(outcome: ReviewOutcome) -> Iterator[PlacedFinding]:
    yield from (placed for placed in outcome.findings if placed.location.step is Step.SUMMARY)
    for item in outcome.rejected:
        told = item.reason is RejectReason.ALREADY_POSTED and item.placed.location.step is Step.SUMMARY
        if told or item.reason is RejectReason.OVER_LIMIT:
            yield item.placed


def _lines_of(placed: PlacedFinding) -> tuple[Run, ...]:
    at = placed.location
    return (Run(at.side, at.start_line or at.line, at.line),) if at.line is not None else ()


def with_state(summary: str, marker: str, standing: str) -> str:
    """The summary to write in the place of ``standing`` (empty when there is none yet): with the state ``marker``, and
    with the orders and whatever else of ``standing`` a review may not undo."""
    mine = read_state(marker)
    there = read_state(standing)
    if isinstance(there, ReviewedState):
        orders = replace(mine if isinstance(mine, ReviewedState) else there, paused=there.paused, ignored=there.ignored)
        line = _marker(orders)
    elif isinstance(mine, ReviewedState):
        line = next_marker(mine, standing)
    else:
        line = there.marker
    return f"{_without_state(summary)}\n{line}" if line else summary


def _marker(state: ReviewedState) -> str:
    """The marker of a state that holds patterns, without the oldest of them where they do not fit: how long a marker
    is, nobody knows before it is packed."""
    while state.ignored:
        try:
            return state_marker(state)
        except ValueError:
            state = replace(state, ignored=state.ignored[1:])
    return state_marker(state)


def _without_state(body: str) -> str:
    return _STATE_LINE.sub("", body).rstrip()


def stated(draft: ReviewDraft, standing: str) -> ReviewDraft:
    """The draft with its state in its summary, as `with_state` puts it there."""
    if draft.summary is None:
        return draft
    return replace(draft, summary=with_state(draft.summary, draft.state, standing), state="")


def review_key(outcome: ReviewOutcome) -> str:
    """Names what is about to be posted: the same head and the same findings give the same key, so that a retry, or a
    second run for the same head, finds the first one's review instead of writing it again."""
    identities = sorted(item.fingerprint for item in outcome.findings)
    words = [outcome.pull.label, outcome.pull.head_sha, *identities]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:20]


def with_orders(standing: str, orders: Orders) -> str:
    """The summary comment ``standing`` (empty when there is none) with the orders in its state. What was ignored stays
    ignored; patterns that no longer fit are left out, the oldest first."""
    found = read_state(standing)
    if isinstance(found, StateFault):
        # Nothing that was read is known, so the next review reads all of it; a newer version's state goes the same way.
        found = ReviewedState(orders.head_sha, orders.base_sha, Missed(everything=True))
    wanted = (each for each in orders.ignore if ignorable((each,)))
    ignored = tuple(dict.fromkeys((*found.ignored, *wanted)))
    paused = found.paused if orders.paused is None else orders.paused
    line = _marker(replace(found, paused=paused, ignored=ignored))
    body = _without_state(standing) if standing else f"{_NOTHING_YET}\n\n{summary_marker()}"
    return f"{body}\n{line}"


def orders_in(standing: str) -> tuple[bool, tuple[str, ...]]:
    """Whether reviews by themselves are paused, and the patterns to leave out, by the summary comment."""
    found = read_state(standing)
    return (found.paused, found.ignored) if isinstance(found, ReviewedState) else (False, ())


def reviewed_in(standing: str, kept: str) -> ReviewedState | StateFault:
    """The state to build on: that of the summary comment or the one ``kept`` in a database, whichever is later. When
    neither can be read, why not; a comment without one and no database are ``Fault.NONE``."""
    found, stored = read_state(standing), read_state(kept)
    if isinstance(found, StateFault):
        return stored if isinstance(stored, ReviewedState) and found.fault is not Fault.NEWER else found
    return stored if isinstance(stored, ReviewedState) and stored.rounds > found.rounds else found
