"""Pure: a bundle held against the run that made it, and against the pull request as GitHub tells it.

The workflow that writes the bundle may be the fork's own. So a bundle only says which pull request to look at; that it
is the one that started the run, GitHub has to say. What is reviewed is GitHub's diff.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reviewbot.action.task import NO_BOT, Stop
from reviewbot.action.workflow_run import Run
from reviewbot.core.change.bundle import Bundle
from reviewbot.core.change.diff import Diff
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef
from reviewbot.core.config import TriggerSettings
from reviewbot.core.triggers import Event, JobRequest, Skip, decide
from reviewbot.errors import BundleError

MOVED_ON = "the pull request has a newer head meanwhile, and the run of that head reviews it"
NOT_LABELLED = "the label that asks for a review is not on the pull request"
_REMEDY = "Nothing was asked of the model and nothing was posted. Look at what the pull request does to workflows."


@dataclass(frozen=True, slots=True)
class Handed:
    """What a run handed over."""

    run: Run
    bundle: Bundle


def request_of(handed: Handed, *, host: str, triggers: TriggerSettings) -> JobRequest | Stop:
    """What the bundle asks for, by the settings of the workflow. Raises BundleError when it contradicts its run."""
    run, bundle = handed.run, handed.bundle
    if not _same(bundle.repository, run.repository):
        raise _refusal("is about another repository")
    if bundle.head_sha != run.head_sha:
        raise _refusal("is about another commit than the run that made it")
    if bundle.head_repository and run.head_repository and not _same(bundle.head_repository, run.head_repository):
        raise _refusal("names another fork than the run that made it")
    owner, _, name = run.repository.partition("/")
    event = Event(
        kind="pull_request",
        action=bundle.action,
        delivery_id="action",
        repository=run.repository,
        pull_request=PullRequestRef(host, owner, name, bundle.number),
        head_sha=run.head_sha,
        head_ref=run.head_branch or "",
        sender=run.actor,
        label=triggers.label,  # whether it is set is asked when the review begins (`lacks_label`)
    )
    decision = decide(event, triggers, NO_BOT)
    return Stop(decision.text) if isinstance(decision, Skip) else decision


def hold(run: Run, pull: PullRequest) -> None:
    """Raises BundleError unless ``pull`` is the pull request that started the run, perhaps with a newer head.

    Repository and branch of the head say which one it is. Several may have the same: then they show the same commits.
    """
    if not _same(pull.base_repo, run.repository):
        raise _refusal("names a pull request that does not go into this repository")
    if pull.head_repo is not None and not _same(pull.head_repo, run.head_repository or ""):
        raise _refusal("names a pull request that comes from another repository than the run")
    if run.head_branch is not None and pull.head_ref != run.head_branch:
        raise _refusal("names a pull request that comes from another branch than the run")
    if run.head_branch is None and moved_on(run, pull):
        raise _refusal("names a pull request with another head than the run")


def moved_on(run: Run, pull: PullRequest) -> bool:
    return pull.head_sha != run.head_sha


def lacks_label(bundle: Bundle, pull: PullRequest, triggers: TriggerSettings) -> bool:
    """Whether a bundle says that a label asked for a review, and there is none: only who may triage can set one."""
    return bundle.action == "labeled" and not any(_same(label, triggers.label) for label in pull.labels)


def difference(bundle: Bundle, pull: PullRequest, diff: Diff) -> str:
    """What to say when the bundle shows another change than GitHub does; empty when it does not, or shows none."""
    if bundle.no_diff or _content(bundle.diff) == _content(diff):
        return ""
    moved = bundle.base_sha != pull.base_sha
    why = "its base moved meanwhile, or somebody changed it" if moved else "somebody may have changed it"
    return f"The diff in the bundle is not the one that GitHub shows: {why}. It was not used; GitHub's was."


def _content(diff: Diff) -> Sequence[object]:
    """What a diff says, in whatever order and with whatever headers."""
    return sorted(
        (file.path, file.old_path, file.status.value, [(h.old_start, h.new_start, h.body) for h in file.hunks])
        for file in diff.files
    )


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _refusal(what: str) -> BundleError:
    return BundleError(f"The bundle {what}.", remedy=_REMEDY)
