"""Pure: the event ``workflow_run``, which says that the workflow without secrets has ended -> Run, or why to stop.

What is in a Run is GitHub's own word, other than what that workflow handed over. It names no pull request: for a fork's
branch GitHub leaves the list empty. https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_run
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reviewbot.action.task import Stop
from reviewbot.core.triggers import Account
from reviewbot.errors import UsageError

WORKFLOW_RUN = "workflow_run"
_FullName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}$")]
_Word = Annotated[str, Field(pattern=r"^[a-z_]{0,64}$")]


@dataclass(frozen=True, slots=True)
class Run:
    """A run on a pull request that ended well. ``head_repository`` is None when the fork is gone, ``head_branch`` when
    GitHub does not say; ``actor`` is who started it."""

    id: int
    repository: str
    head_sha: str
    head_branch: str | None
    head_repository: str | None
    actor: Account | None

    @property
    def from_fork(self) -> bool:
        return self.head_repository is None or self.head_repository.lower() != self.repository.lower()


def run_of(payload: bytes, *, repository: str) -> Run | Stop:
    """Raises UsageError for what is no such payload, or one of another repository than ``repository``."""
    try:
        event = _Payload.model_validate_json(payload)
    except ValidationError as error:
        raise UsageError(
            "The event file is not a payload of workflow_run.", remedy="Was the workflow started by GitHub?"
        ) from error
    run = event.workflow_run
    if not event.repository.full_name.lower() == run.repository.full_name.lower() == repository.lower():
        raise UsageError("The event is about another repository.", remedy="Was the workflow started by GitHub?")
    if event.action != "completed":
        return Stop(f"the first workflow is {event.action}, not completed")
    if run.event != "pull_request":
        return Stop(f"the first workflow was started by {run.event}, not by pull_request")
    if run.conclusion != "success":
        return Stop(f"the first workflow did not succeed: its conclusion is {run.conclusion or 'not there'}")
    return Run(
        id=run.id,
        repository=repository,
        head_sha=run.head_sha,
        head_branch=run.head_branch,
        head_repository=run.head_repository.full_name if run.head_repository else None,
        actor=Account(run.actor.login, run.actor.id, run.actor.type) if run.actor else None,
    )


class _Facts(BaseModel):
    """Frozen; fields that are not named are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Repository(_Facts):
    full_name: _FullName


class _Actor(_Facts):
    login: str
    id: int = 0
    type: str = "User"


class _Run(_Facts):
    id: Annotated[int, Field(ge=1, le=2**63 - 1)]
    event: _Word
    conclusion: _Word | None = None
    head_sha: Annotated[str, Field(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
    head_branch: str | None = None
    repository: _Repository
    head_repository: _Repository | None = None
    actor: _Actor | None = None


class _Payload(_Facts):
    action: _Word
    repository: _Repository
    workflow_run: _Run
