"""The story of one job of the server, in two halves that may run in different processes.

`think` holds the model's key and a token that reads; what it makes is a `Posting`. `post` holds a token that writes.
Each asks GitHub for the facts before it acts: what a webhook said, and what the other half knew, may be old.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from reviewbot.conversation import Conversation
from reviewbot.core.change.diff import Diff
from reviewbot.core.change.pull_request import PullRequest
from reviewbot.core.cost import Usage
from reviewbot.core.report.continuation import orders_in
from reviewbot.core.report.draft import Posted, ReviewDraft
from reviewbot.core.report.outcome import Coverage, ReviewOutcome
from reviewbot.core.report.posting import Posting, without_standing
from reviewbot.core.triggers import JobRequest, Kind, recheck
from reviewbot.errors import GitHubRejected, HeadMoved, ReviewbotError, StoreError
from reviewbot.flows.acting import perform
from reviewbot.flows.collection import Collected
from reviewbot.flows.commands import NOT_ALLOWED, Answering, MayWrite, follow
from reviewbot.flows.progress import Watch, unwatched
from reviewbot.flows.review import Order, Ports, WhyNot, review
from reviewbot.ports import PullRequestSource, ReviewSink, RunStore

MaySpeak = Callable[[], Awaitable[bool]]  # whether who asked may still write to the repository
PAUSED = "reviews of this pull request are paused"


@dataclass(frozen=True, slots=True)
class Thought:
    """``posting`` is None when there is nothing to post."""

    outcome: ReviewOutcome
    posting: Posting | None


async def think(
    ports: Ports,
    request: JobRequest,
    order: Order,
    may_write: MayWrite,
    answering: Answering,
    watch: Watch = unwatched,
) -> Thought:
    """Review, or answer, what the job asks for; nothing is posted.

    ``ports.sink`` must be one that only keeps the draft; what ``order`` says against a review gives way to what the job
    brings. Raises HeadMoved when the head moved during a review, and ReviewbotError as `review` and `follow` do.
    """
    if request.kind is Kind.COMMAND:
        return await _answer(ports, request, order.run_id, may_write, answering)

    asked = replace(order, fresh=request.kind is Kind.FULL, why_not=objections(request, may_write))
    outcome = await review(ports, asked, watch)
    if outcome.verdict == "superseded":
        raise moved(outcome.pull.label)
    return Thought(outcome, Posting(order.run_id, outcome.draft) if outcome.draft else None)


def objections(request: JobRequest, may_write: MayWrite) -> WhyNot:
    """What is against a review that an event asks for, by the facts and the settings as they are when it begins."""

    async def why_not(collected: Collected) -> str:
        paths = [file.path for file in collected.diff.files]
        skip = recheck(request, collected.pull, collected.config.triggers, paths)
        if skip:
            return skip.text
        paused, _ = orders_in(collected.surroundings.sticky_body)
        if request.by_itself and paused:
            return PAUSED
        return NOT_ALLOWED if request.spoken and not await may_write(request.requested_by) else ""

    return why_not


async def _answer(ports: Ports, request: JobRequest, run_id: str, may_write: MayWrite, answering: Answering) -> Thought:
    """Follow what a comment says, as a run that is seen like others."""
    pull = await ports.source.pull_request()
    with suppress(StoreError):  # an answer may have to do without a database
        await ports.store.start_run(run_id, pull, "")
    try:
        followed = await follow(ports.source, ports.settle, request, pull, may_write, answering)
    except ReviewbotError as error:
        with suppress(StoreError):  # the reader must hear of the first error
            await ports.store.fail_run(run_id, str(error), Usage(), 0.0)
        raise
    outcome = ReviewOutcome(
        run_id=run_id,
        pull=pull,
        verdict="answered" if followed.acts else "skipped",
        coverage=Coverage(()),
        diff=Diff(()),
        skip_reason=followed.reason,
        api_calls=ports.source.calls,
    )
    with suppress(StoreError):
        await ports.store.finish_run(outcome)
    return Thought(outcome, Posting(run_id, None, followed.acts) if followed.acts else None)


async def post(
    source: PullRequestSource,
    sink: ReviewSink,
    store: RunStore,
    posting: Posting,
    conversation: Conversation,
    may_speak: MaySpeak,
) -> Posted | None:
    """Post a draft, once, if it is still about the head, and do the acts beside it, which are about no commit, if who
    asked for them may still ask. None when nothing was written: the pull request was closed meanwhile, or they may not.

    Raises HeadMoved, and any other GitHubError of the sink and the conversation.
    """
    pull = await source.pull_request()
    if pull.state != "open":
        return None
    posted = None
    if posting.draft is not None:
        posted = await _posted(source, sink, pull, posting.draft)
        await store.book_posted(posting.run_id, posted, posting.draft.state)
    if not posting.acts or not await may_speak():
        return posted
    notes = await perform(conversation, posting.acts)
    return replace(posted or Posted(), notes=(*(posted.notes if posted else ()), *notes))


async def _posted(source: PullRequestSource, sink: ReviewSink, pull: PullRequest, draft: ReviewDraft) -> Posted:
    if not draft.commit_sha:
        draft = replace(draft, commit_sha=pull.head_sha)
    if draft.commit_sha != pull.head_sha:
        raise moved(pull.label)
    draft = without_standing(draft, await source.surroundings(pull))
    try:
        return await sink.post(pull, draft)
    except GitHubRejected as refusal:
        if (await source.pull_request()).head_sha != draft.commit_sha:
            raise moved(pull.label) from refusal
        raise


def moved(label: str) -> HeadMoved:
    return HeadMoved(f"The head of {label} moved during the review.", remedy="The new head is reviewed next.")
