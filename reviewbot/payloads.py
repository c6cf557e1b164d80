"""GitHub's webhook payloads, as far as they are read, and what each says as an Event. Pure.

Every field may be null or missing unless an event means nothing without it; what is not named here is not looked at.
What goes into addresses, log lines and the database is held to its alphabet. Source: GitHub's documentation, "Webhook
events and payloads".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from reviewbot.core.change.pull_request import PullRequestRef
from reviewbot.core.triggers import Account, Comment, Event

_Word = Annotated[str, Field(pattern=r"^[a-z_]{0,64}$")]
_Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$")]
_FullName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}$")]
_Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
_Id = Annotated[int, Field(ge=0, le=2**63 - 1)]


class _Payload(BaseModel):
    """Frozen; fields that are not named are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Account(_Payload):
    login: str
    id: _Id = 0
    type: str | None = None

    def value(self) -> Account:
        return Account(self.login, self.id, self.type or "User")


class _Installation(_Payload):
    id: _Id


class _Repository(_Payload):
    full_name: _FullName


class _Branch(_Payload):
    """A side of a pull request. Its repository and user are null when the fork or the account is gone."""

    ref: str = ""
    sha: _Sha


class _Label(_Payload):
    name: str


class _PullRequest(_Payload):
    number: _Number
    head: _Branch
    base: _Branch
    state: str = "open"
    draft: bool | None = None
    title: str | None = None
    user: _Account | None = None
    labels: tuple[_Label, ...] | None = None
    updated_at: str | None = None


class _Said(_Payload):
    """A comment, a reply in the diff or a review. ``in_reply_to_id`` is that of the first comment of a thread in the
    diff, also in a reply to a reply; the first comment has none."""

    id: _Id
    body: str | None = None
    author_association: str | None = None
    in_reply_to_id: _Id | None = None

    def value(self) -> Comment:
        return Comment(self.id, self.body or "", self.author_association or "NONE", self.in_reply_to_id)


class _Envelope(_Payload):
    """What every delivery may hold. A subclass adds what its event is about, and says what that means."""

    action: _Word | None = None
    sender: _Account | None = None
    installation: _Installation | None = None
    repository: _Repository | None = None

    def event(self, kind: str, delivery_id: str, host: str) -> Event:
        """The Event; ``host`` is where the pull request is, which a payload has no say in."""
        return Event(
            kind=kind,
            action=self.action or "",
            delivery_id=delivery_id,
            installation_id=self.installation.id if self.installation else None,
            repository=self.repository.full_name if self.repository else "",
            sender=self.sender.value() if self.sender else None,
        )


class _OfRepository(_Envelope):
    repository: _Repository

    def ref(self, host: str, number: int) -> PullRequestRef:
        owner, _, name = self.repository.full_name.partition("/")
        return PullRequestRef(host, owner, name, number)


class _OfPullRequest(_OfRepository):
    pull_request: _PullRequest

    def event(self, kind: str, delivery_id: str, host: str) -> Event:
        pull = self.pull_request
        return replace(
            super().event(kind, delivery_id, host),
            pull_request=self.ref(host, pull.number),
            head_sha=pull.head.sha,
            head_ref=pull.head.ref,
            base_ref=pull.base.ref,
            author=pull.user.value() if pull.user else None,
            title=pull.title or "",
            labels=tuple(label.name for label in pull.labels or ()),
            draft=bool(pull.draft),
            state=pull.state,
            asked_at=pull.updated_at or "",
        )


class PullRequestPayload(_OfPullRequest):
    """``pull_request``: ``before`` is the head that a push replaced, ``label`` the one that was set or taken away."""

    before: _Sha | None = None
    label: _Label | None = None
    requested_reviewer: _Account | None = None

    def event(self, kind: str, delivery_id: str, host: str) -> Event:
        return replace(
            super().event(kind, delivery_id, host),
            before_sha=self.before or "",
            label=self.label.name if self.label else "",
            reviewer=self.requested_reviewer.login if self.requested_reviewer else "",
        )


class ReviewCommentPayload(_OfPullRequest):
    """``pull_request_review_comment``, a comment in the diff or a reply to one; and ``pull_request_review``."""

    comment: _Said = Field(validation_alias=AliasChoices("comment", "review"))

    def event(self, kind: str, delivery_id: str, host: str) -> Event:
        return replace(super().event(kind, delivery_id, host), comment=self.comment.value())


class _Issue(_Payload):
    """``pull_request`` is there when the issue is one."""

    number: _Number
    state: str = "open"
    draft: bool | None = None
    title: str | None = None
    user: _Account | None = None
    labels: tuple[_Label, ...] | None = None
    pull_request: Mapping[str, object] | None = None


class IssueCommentPayload(_OfRepository):
    """``issue_comment``: a comment under an issue or a pull request. The head is not told."""

    issue: _Issue
    comment: _Said

    def event(self, kind: str, delivery_id: str, host: str) -> Event:
        issue = self.issue
        return replace(
            super().event(kind, delivery_id, host),
            pull_request=self.ref(host, issue.number) if issue.pull_request is not None else None,
            author=issue.user.value() if issue.user else None,
            title=issue.title or "",
            labels=tuple(label.name for label in issue.labels or ()),
            draft=bool(issue.draft),
            state=issue.state,
            comment=self.comment.value(),
        )


class _Numbered(_Payload):
    number: _Number


class _App(_Payload):
    slug: str | None = None


class _Check(_Payload):
    """A check run or suite. It names no pull requests when the branch is a fork's."""

    id: _Id
    head_sha: _Sha
    app: _App | None = None
    pull_requests: tuple[_Numbered, ...] | None = None
    completed_at: str | None = None
    updated_at: str | None = None


class CheckPayload(_OfRepository):
    """``check_run`` and ``check_suite``. Of several pull requests with this head the oldest is meant: a check belongs
    to the commit, not to them."""

    check: _Check = Field(validation_alias=AliasChoices("check_run", "check_suite"))

    def event(self, kind: str, delivery_id: str, host: str) -> Event:
        check = self.check
        numbers = [pull.number for pull in check.pull_requests or ()]
        return replace(
            super().event(kind, delivery_id, host),
            pull_request=self.ref(host, min(numbers)) if numbers else None,
            head_sha=check.head_sha,
            app=(check.app.slug if check.app else None) or "",
            asked_at=f"{check.id} {check.completed_at or check.updated_at or ''}",
        )


class InstallationPayload(_Envelope):
    """``installation`` and ``installation_repositories``: what changed is asked of GitHub, not read here."""

    installation: _Installation


class PingPayload(_Envelope):
    """``ping``: GitHub's first word to a new address."""


PAYLOADS: Mapping[str, type[_Envelope]] = MappingProxyType(
    {
        "pull_request": PullRequestPayload,
        "issue_comment": IssueCommentPayload,
        "pull_request_review_comment": ReviewCommentPayload,
        "pull_request_review": ReviewCommentPayload,
        "check_run": CheckPayload,
        "check_suite": CheckPayload,
        "installation": InstallationPayload,
        "installation_repositories": InstallationPayload,
        "ping": PingPayload,
    }
)


def read_event(kind: str, delivery_id: str, body: bytes, *, host: str) -> Event | None:
    """The Event of a delivery; None for a kind that is not read. Raises pydantic's ValidationError, a ValueError, for
    what is no JSON object, is nested too deep or lacks what the kind means."""
    model = PAYLOADS.get(kind)
    if model is None:
        _Payload.model_validate_json(body)
        return None
    return model.model_validate_json(body).event(kind, delivery_id, host)
