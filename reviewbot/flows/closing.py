"""Threads that close themselves: which points of earlier reviews this push has met, and what is to be done about it.

Nothing is said of a point that is not met. Asking costs one more question in the usual case, and none when no code of
an open thread changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from reviewbot.core.change.increment import Since
from reviewbot.core.change.pull_request import PullRequest, ReviewThread
from reviewbot.core.context.closing_prompt import Point, build_closing_prompt, grouped
from reviewbot.core.findings.closing import MOST_THREADS, Look, Seen, joined, open_threads
from reviewbot.core.findings.closing_reply import parse_closing_reply
from reviewbot.core.findings.memory import answers
from reviewbot.core.marker import read_answers
from reviewbot.core.report.acts import Act, Closings, Reply, Resolve
from reviewbot.core.report.closing_text import KEY, met_key, met_text
from reviewbot.core.report.summary import counted
from reviewbot.errors import ModelError
from reviewbot.flows.closing_ground import survey
from reviewbot.flows.collection import Collected
from reviewbot.flows.questions import Ask
from reviewbot.ports import PullRequestSource


async def close_threads(ask: Ask, source: PullRequestSource, collected: Collected, since: Since) -> Closings:
    """Judge the open threads of ours whose code changed. What GitHub or the model keeps from being judged stays open,
    and is a note. Raises StoreError as ``ask`` does."""
    threads = _threads(collected)
    if not threads:
        return Closings()
    ground = await survey(source, collected, since, threads)
    told = {thread.id for thread in threads if _told(thread)}
    seen = {thread.id: ground.look(thread, full=since.full and thread.id not in told) for thread in threads}
    may_be_met = [thread for thread in threads if seen[thread.id].look is Look.ASK]
    asked = may_be_met[:MOST_THREADS]
    judged, notes = await _judged(ask, collected, [(thread, seen[thread.id]) for thread in asked])
    if len(may_be_met) > len(asked):
        left = counted(len(may_be_met) - len(asked), "open thread")
        notes.append(f"{left} with changed code not checked: at most {MOST_THREADS} are in one run")
    lost = [each for each in threads if ground.forgot(each) and seen[each.id].look is Look.UNKNOWN]
    if lost:
        notes.append(f"{counted(len(lost), 'open thread')} not checked: their code as it was is not known any more")
    met = {key: each.why for key, each in seen.items() if each.look is Look.MET}
    met |= {key: why for key, why in judged.items() if why}
    close_joined = collected.config.review.close_joined
    acts: list[Act] = []
    same = {key for key, each in seen.items() if each.look is Look.SAME}
    still = same & told
    for thread in threads:
        if thread.id in met:
            acts += _acts(collected.pull, thread, met[thread.id], close_joined=close_joined)
        elif thread.id in still and close_joined:
            acts.append(Resolve(thread.id))
    held = {key for key, why in judged.items() if not why}
    # What did not change since it was looked at last holds as it did then, wherever GitHub shows it.
    held |= {thread.id for thread in threads if thread.outdated} & same - still
    homes = tuple(ground.homes.items())
    return Closings(tuple(acts), frozenset(met) | still, frozenset(held), homes, tuple(notes))


def _threads(collected: Collected) -> tuple[ReviewThread, ...]:
    config, around = collected.config, collected.surroundings
    if not config.review.close_threads or not any(thread.ours for thread in around.threads):
        return ()
    memory = answers(
        around.threads,
        viewer=around.viewer,
        author=collected.pull.author,
        command=config.triggers.command or "/reviewbot",
    )
    return open_threads(around.threads, memory.answers)


def _acts(pull: PullRequest, thread: ReviewThread, why: str, *, close_joined: bool) -> list[Act]:
    """A thread in which we have said so before is not answered again: somebody talks there, or opened it again."""
    told = _said_met(thread) is not None
    resolves = close_joined or not (told or joined(thread))
    text = met_text(pull, why, stays_open=not resolves)
    reply = [] if told else [Reply(thread.id, thread.comment_id, text, met_key(pull))]
    return [*reply, *([Resolve(thread.id)] if resolves else [])]


def _said_met(thread: ReviewThread) -> int | None:
    """Which comment of ours says that the point is met; the last one."""
    found = [
        number
        for number, comment in enumerate(thread.comments)
        if comment.ours and any(key.startswith(KEY) for key in read_answers(comment.body))
    ]
    return found[-1] if found else None


def _told(thread: ReviewThread) -> bool:
    """Whether we have said that the point is met, left the thread to the people in it, and nobody objected: after such
    a word a comment, or a thread that was opened again, means that somebody sees it otherwise."""
    at = _said_met(thread)
    people = [number for number, each in enumerate(thread.comments) if not each.ours and not each.is_bot]
    return at is not None and bool(people) and people[-1] < at and thread.replies < len(thread.comments)


async def _judged(
    ask: Ask, collected: Collected, cases: Sequence[tuple[ReviewThread, Seen]]
) -> tuple[dict[str, str], list[str]]:
    """By thread why its point is met, or an empty text; and a note when not all could be asked about."""
    said: dict[str, str] = {}
    points = [Point(n, seen.path, thread.body, seen.old, seen.new) for n, (thread, seen) in enumerate(cases, 1)]
    for group in grouped(points):
        ids = [point.id for point in group]
        reason = "a question about them could cost more than limits.max_cost_usd allows"
        try:
            answer = await ask(build_closing_prompt(group, collected.pull, collected.config))
            met = parse_closing_reply(answer.text, ids) if answer is not None else {}
        except ModelError as error:
            answer, reason = None, error.message
        if answer is None:
            left = counted(len(cases) - len(said), "open thread")
            return said, [f"{left} with changed code not checked: {reason}"]
        said |= {cases[number - 1][0].id: met.get(number, "") for number in ids}
    return said, []
