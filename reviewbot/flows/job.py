"""The story of one job of the server, in two halves that may run in different processes.

`think` holds the model's key and a token that reads; what it makes is a `Posting`. `post` holds a token that writes.
Each asks GitHub for the facts before it acts: what a webhook said, and what the other half knew, may be old.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from reviewbot.core.report.draft import Posted
from reviewbot.core.report.outcome import ReviewOutcome
from reviewbot.core.report.posting import Posting, without_standing
from reviewbot.core.triggers import JobRequest, Kind, recheck
from reviewbot.errors import GitHubRejected, HeadMoved
from reviewbot.flows.collection import Collected
from reviewbot.flows.progress import Watch, unwatched
from reviewbot.flows.review import Order, Ports, review
from reviewbot.ports import PullRequestSource, ReviewSink, RunStore

MayWrite = Callable[[str], Awaitable[bool]]  # login -> whether GitHub lets this person write to the repository


@dataclass(frozen=True, slots=True)
class Thought:
    """``posting`` is None when there is nothing to post."""

    outcome: ReviewOutcome
    posting: Posting | None


async def think(
    ports: Ports, request: JobRequest, order: Order, may_write: MayWrite, watch: Watch = unwatched
) -> Thought:
    """Review what the job asks for; nothing is posted.

    ``ports.sink`` must be one that only keeps the draft; what ``order`` says against a review gives way to what the job
    brings. Raises HeadMoved when the head moved meanwhile, and ReviewbotError as `review` does.
    """

    async def why_not(collected: Collected) -> str:
        paths = [file.path for file in collected.diff.files]
        skip = recheck(request, collected.pull, collected.config.triggers, paths)
        if skip is None and request.kind is Kind.COMMAND:
            return "the words after the command are not known"
        if skip is None and request.trigger == "command" and not await may_write(request.requested_by):
            return "who asked may not write to the repository"
        return skip.text if skip else ""

    asked = replace(order, fresh=request.kind is Kind.FULL, why_not=why_not)
    outcome = await review(ports, asked, watch)
    if outcome.verdict == "superseded":
        raise moved(outcome.pull.label)
    return Thought(outcome, Posting(order.run_id, outcome.draft) if outcome.draft else None)


async def post(source: PullRequestSource, sink: ReviewSink, store: RunStore, posting: Posting) -> Posted | None:
    """Post it, once, if it is still about the head; None when the pull request was closed meanwhile.

    Raises HeadMoved, and any other GitHubError of the sink.
    """
    pull = await source.pull_request()
    draft = posting.draft
    if pull.state != "open":
        return None
    if not draft.commit_sha:
        draft = replace(draft, commit_sha=pull.head_sha)
    if draft.commit_sha != pull.head_sha:
        raise moved(pull.label)
    draft = without_standing(draft, await source.surroundings(pull))
    try:
        posted = await sink.post(pull, draft)
    except GitHubRejected as refusal:
        if (await source.pull_request()).head_sha != draft.commit_sha:
            raise moved(pull.label) from refusal
        raise
    await store.book_posted(posting.run_id, posted)
    return posted


def moved(label: str) -> HeadMoved:
    return HeadMoved(f"The head of {label} moved during the review.", remedy="The new head is reviewed next.")
