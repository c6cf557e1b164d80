"""What a run found, held against what stands on the pull request: its threads, and what people answered there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from reviewbot.core.change.increment import Increment
from reviewbot.core.change.pull_request import ReviewThread, Surroundings
from reviewbot.core.findings.earlier import standing_findings
from reviewbot.core.findings.finding import PlacedFinding, RejectReason, Triage
from reviewbot.core.findings.identity import NO_RENAMES, Renames
from reviewbot.core.findings.memory import answers, suggestions
from reviewbot.core.findings.triage import Past, sure, triage
from reviewbot.core.report.acts import Act, Closings, Reply, Resolve
from reviewbot.flows.collection import Collected

NO_CLOSINGS = Closings()
_MATCHED = (RejectReason.ALREADY_POSTED, RejectReason.DISMISSED)


def sift(
    placed: Sequence[PlacedFinding], now: Surroundings, collected: Collected, closings: Closings = NO_CLOSINGS
) -> tuple[Triage, tuple[Act, ...]]:
    """Split the findings of a run, and what of ``closings`` is to be done. ``now`` is what stands at this moment, just
    before anything is posted. What earlier runs found and this one had no reason to raise stands among the rejected
    ones, as already posted. A point that is raised again is not met, whatever was answered about it."""
    config, news = collected.config, collected.since.increment
    memory = answers(
        now.threads, viewer=now.viewer, author=collected.pull.author, command=config.triggers.command or "/reviewbot"
    )
    paths = frozenset(file.path for file in collected.diff.files)
    renamed = {file.earlier_path: file.path for file in news.files if file.earlier_path} if news else {}
    renames = Renames(renamed, paths) if news else NO_RENAMES
    lines = {file.path: (*file.fresh, *file.owed) for file in news.files} if news else None
    past = Past(new_lines=lines, renames=renames, memory=memory, told=now.told, wordings=collected.wordings)
    threads = tuple(_at_home(thread, renames, closings) for thread in now.threads)
    kept, met = _triaged(placed, threads, closings, partial(triage, review=config.review, said=now.said, past=past))
    standing = standing_findings(
        threads,
        memory.answers,
        known=_known(kept),
        met=met,
        held=closings.held | _only_renamed(threads, news),
        paths={path: path for path in paths} | renamed,
    )
    hints = _hints([(category, path) for _, category, path in kept.dismissed], collected)
    acts = tuple(act for act in closings.acts if not isinstance(act, Reply | Resolve) or act.thread_id in met)
    return replace(kept, rejected=(*kept.rejected, *standing), doubts=(*kept.doubts, *closings.notes, *hints)), acts


def _triaged(
    placed: Sequence[PlacedFinding],
    threads: Sequence[ReviewThread],
    closings: Closings,
    split: Callable[[Sequence[PlacedFinding], Sequence[ReviewThread]], Triage],
) -> tuple[Triage, frozenset[str]]:
    """The split, and the threads that are met after all: one whose point is surely raised again is not, and what is
    only perhaps the same as a point that is met is a finding of its own."""
    if not closings.met:
        return split(placed, threads), closings.met
    again = frozenset(item.placed.fingerprint for item in split(placed, threads).rejected if sure(item))
    met = closings.met - {each.id for each in threads if each.ours and not again.isdisjoint(each.fingerprints)}
    return split(placed, [thread for thread in threads if thread.id not in met]), met


def _known(kept: Triage) -> frozenset[str]:
    """Only what stands already was matched with a thread; others may have its mark because they are on the same
    code."""
    matched = (item.placed for item in kept.rejected if item.reason in _MATCHED)
    return frozenset(each.fingerprint for each in (*kept.post, *kept.summary, *matched))


def _at_home(thread: ReviewThread, renames: Renames, closings: Closings) -> ReviewThread:
    """The thread with the path of its file today, where that was renamed before the last review."""
    home = dict(closings.homes).get(thread.id, "")
    lost = renames.today(thread.path) not in renames.paths and home in renames.paths
    return replace(thread, path=home) if lost else thread


def _hints(dismissed: Sequence[tuple[str, str]], collected: Collected) -> tuple[str, ...]:
    """What the settings file could say, where people dismiss one kind of finding again and again, on this pull request
    and on others of the repository; nothing of kinds that nobody dismissed here, or that it has a rule for."""
    kinds = {(category, path.rpartition("/")[0]) for category, path in dismissed}
    found = suggestions([*dismissed, *collected.dismissals])
    mine = [each for each in found if (each.category, each.folder) in kinds]
    ruled = {rule.pattern for rule in collected.config.paths}
    return tuple(
        f"{each.times} {each.category} findings in {each.folder or 'the root folder'} were dismissed in this "
        f"repository; .reviewbot.toml could say so in a table [[paths]]: {' and '.join(each.text.splitlines()[1:3])}"
        for each in mine
        if each.pattern not in ruled
    )


def _only_renamed(threads: Sequence[ReviewThread], news: Increment | None) -> frozenset[str]:
    """Threads that GitHub calls outdated only because their file has another name now."""
    files = news.files if news else ()
    same = {file.earlier_path for file in files if file.earlier_path not in ("", file.path) and not file.fresh}
    return frozenset(thread.id for thread in threads if thread.path in same)
