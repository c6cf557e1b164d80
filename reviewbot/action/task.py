"""Pure: the event that started the workflow -> which pull request to review, or why none.

The rules are those of the GitHub App (`core/triggers.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from reviewbot.action.inputs import Inputs
from reviewbot.core.change.pull_request import PullRequestRef
from reviewbot.core.config import TriggerSettings
from reviewbot.core.triggers import JobRequest, Kind, Skip, decide
from reviewbot.errors import UsageError
from reviewbot.payloads import read_event

TARGET = "pull_request_target"
_SPOKEN = ("issue_comment", "pull_request_review_comment", "pull_request_review")
# Only people who may write can start these, so a number given there is an ask by hand.
_BY_HAND = ("workflow_dispatch", "repository_dispatch", "schedule", "push")
NO_BOT = ""  # whose token it is cannot be known before GitHub is asked; no person has this login


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done on ``ref``: what the event asks for (``request``), or a review when a person named the pull
    request."""

    ref: PullRequestRef
    request: JobRequest | None = None
    from_fork: bool = False

    @property
    def full(self) -> bool:
        return self.request is not None and self.request.kind is Kind.FULL


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing to review, and the reason in a sentence that holds nothing a stranger wrote."""

    reason: str


def task_of(
    kind: str, payload: bytes, *, repository: str, host: str, inputs: Inputs, triggers: TriggerSettings
) -> Task | Stop:
    """What is to be done for an event of the name ``kind``. Raises UsageError when the event cannot be served, or the
    inputs and it contradict each other."""
    if inputs.bundling and kind != "pull_request":
        raise UsageError(
            f"A bundle is made on pull_request, not on {kind[:60] or 'an event without a name'}.",
            remedy="It is for a workflow without secrets; leave `mode` out elsewhere.",
        )
    if kind == "merge_group":
        return Stop("a merge group is not reviewed: its pull requests were, before they were queued")
    if kind in _BY_HAND:
        return Task(_named(repository, host, inputs.number))
    if kind == TARGET and not inputs.target_allowed:
        raise UsageError(
            "This workflow runs on pull_request_target, where it holds the secrets of the repository while the change "
            "is a stranger's.",
            remedy="reviewbot never checks out or runs the change, but another step of the job might. Read the "
            "documentation, then set allow-pull-request-target to true; or use pull_request.",
        )
    if kind not in ("pull_request", TARGET, *_SPOKEN):
        raise UsageError(
            f"reviewbot does not know what to review on the event {kind[:60] or 'without a name'}.",
            remedy="Use pull_request, issue_comment, merge_group, workflow_run behind a workflow with `mode: bundle`, "
            "or workflow_dispatch with the input pull-request.",
        )
    return _asked("pull_request" if kind == TARGET else kind, payload, host, inputs, triggers)


def _named(repository: str, host: str, number: int | None) -> PullRequestRef:
    if number is None:
        raise UsageError("This event comes with no pull request.", remedy="Give the input pull-request a number.")
    return PullRequestRef.parse(f"{repository}#{number}", allowed_hosts=frozenset({host}), default_host=host)


def _asked(kind: str, payload: bytes, host: str, inputs: Inputs, triggers: TriggerSettings) -> Task | Stop:
    try:
        event = read_event(kind, "action", payload, host=host)
        origin = _Payload.model_validate_json(payload)
    except ValidationError as error:
        raise UsageError(
            f"The event file is not a payload of {kind}.", remedy="Was the workflow started by GitHub?"
        ) from error
    if event is None:  # every kind that comes here is read
        return Stop(f"events of the kind {kind} are not read")
    decision = decide(event, triggers, NO_BOT)
    if isinstance(decision, Skip):
        return Stop(decision.text)
    agree(inputs, decision.ref)
    return Task(decision.ref, decision, origin.from_fork)


def agree(inputs: Inputs, ref: PullRequestRef) -> None:
    """Raises UsageError when a number was given, and another one came with the event."""
    if inputs.number is not None and inputs.number != ref.number:
        raise UsageError(
            f"The input pull-request is {inputs.number}, but the event is about {ref}.",
            remedy="Leave it empty on events that come with a pull request.",
        )


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Repository(_Facts):
    full_name: str = ""


class _Head(_Facts):
    repo: _Repository | None = None


class _PullRequest(_Facts):
    head: _Head | None = None


class _Payload(_Facts):
    """What `payloads` does not read of an event: whether the head is in another repository, or its fork is gone."""

    repository: _Repository | None = None
    pull_request: _PullRequest | None = None

    @property
    def from_fork(self) -> bool:
        head = self.pull_request.head if self.pull_request else None
        if head is None:
            return False
        own = self.repository.full_name if self.repository else ""
        return head.repo is None or head.repo.full_name.lower() != own.lower()
