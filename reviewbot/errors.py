"""Every error that reviewbot raises on purpose, in one tree.

ReviewbotError                    the root: a message, what to do about it, whether a retry can help
├── UsageError                    wrong target, flag or combination                             exit 2
│   └── ConfigError               a setting is unknown, mistyped or out of range                exit 2
├── DiffError                     the diff cannot be read as one
│   └── CombinedDiffError         a merge's combined diff (``diff --cc``)
├── WorkspaceError                git said no: missing commit, unreachable remote, not a work tree
├── StoreError                    the run database cannot be used
├── AnalyzerError                 a static analyzer did not answer; a note in the review, never its end
├── BundleError                   what a workflow without secrets handed over is broken, or not what GitHub says
├── GitHubError                   GitHub refused or could not be reached                        exit 4
│   ├── GitHubUnreachable         no answer, or a 5xx; a retry can help
│   │   └── GitHubAmbiguous       a write got no clear answer: it may have landed
│   ├── GitHubNotTrusted          its certificate is not believed; a retry cannot help
│   ├── GitHubUnauthorized        401: no token, or a wrong or expired one
│   ├── GitHubForbidden           403: the token may not do this
│   ├── GitHubNotFound            404: not there, or the token may not see it
│   ├── GitHubRateLimited         primary or secondary limit; ``retry_after`` seconds
│   ├── GitHubDiffTooLarge        406: over 300 files, 20,000 lines or 1 MB
│   ├── GitHubRejected            422: the request is wrong (a comment outside the diff, say)
│   ├── HeadMoved                 the head moved during the review; a new try reviews the new head
│   └── InstallationError         the App cannot work there until somebody acts on GitHub; no retry
│       ├── InstallationSuspended 403: the installation is suspended
│       ├── NotInstalled          404 or 422: the App is not, or no longer, installed on the repository
│       └── PermissionMissing     422: the installation was not granted what the App asks for
└── ModelError                    the provider refused, failed or could not be reached          exit 5
    ├── ModelUnreachable          no answer, or a 5xx; a retry can help
    ├── ModelNotTrusted           its certificate is not believed; a retry cannot help
    ├── ModelTimeout              the total deadline passed
    ├── ModelRateLimited          429; ``retry_after`` seconds
    ├── ModelQuotaExceeded        429 insufficient_quota: no money, a retry cannot help
    ├── ModelUnauthorized         401 or 403
    ├── ModelNotFound             404, or a model that the provider has shut down
    ├── ModelRejected             400 or 422: the request is wrong
    │   ├── ContextLengthExceeded the prompt is too long for the model: split it
    │   └── TalkForgotten         the provider does not have what a talk goes on from: send it all again
    ├── ModelIncomplete           the answer was cut (max_output_tokens or content_filter)
    ├── ModelRefused              the model declined
    ├── ModelFailed               ``status: failed`` or an ``error`` event
    ├── ModelStreamCut            the stream ended without a terminal event
    └── ReplyError                a complete answer that is not the JSON that was asked for

Errors under ModelError carry the ``usage`` of the answer when there was one: what failed was still paid for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from typing import Any


#: OpenSSL's word in every error about a certificate that is not believed, whichever library passes it on.
NOT_BELIEVED = "CERTIFICATE_VERIFY_FAILED"
AUTHORITY_REMEDY = (
    "If the network has a certificate authority of its own, name its file in SSL_CERT_FILE; if not, somebody may be "
    "listening in."
)


class ReviewbotError(Exception):
    """The root of the tree.

    ``message`` names the thing that is wrong in one sentence, ``remedy`` says what the reader can do, ``retryable``
    whether the same call may succeed later.
    """

    exit_code: ClassVar[int] = 2
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(ReviewbotError):
    """The command was called wrongly."""


class ConfigError(UsageError):
    """A setting is unknown, mistyped or out of range."""


class DiffError(ReviewbotError):
    """The text is not a diff that can be read."""

    exit_code = 3


class CombinedDiffError(DiffError):
    """A combined diff of a merge, which has no single old side to comment on."""


class WorkspaceError(ReviewbotError):
    """git refused or failed."""

    exit_code = 4


class AnalyzerError(ReviewbotError):
    """A static analyzer could not be started, took too long, or said what cannot be read."""


class BundleError(ReviewbotError):
    """What a workflow without secrets handed over cannot be read, or contradicts GitHub."""


class StoreError(ReviewbotError):
    """The run database cannot be opened, read or written."""


class GitHubError(ReviewbotError):
    """GitHub refused a request or could not be reached; ``status`` is the HTTP status, 0 when there was none."""

    exit_code = 4

    def __init__(self, message: str, *, remedy: str = "", status: int = 0) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


class GitHubUnreachable(GitHubError):
    """No answer, or a server error."""

    retryable = True


class GitHubNotTrusted(GitHubError):
    """No certificate authority that is known here vouches for GitHub's certificate."""


class GitHubAmbiguous(GitHubUnreachable):
    """A write whose answer was lost: look for its marker before writing again."""


class GitHubUnauthorized(GitHubError):
    """401."""


class GitHubForbidden(GitHubError):
    """403 that is not a rate limit."""


class GitHubNotFound(GitHubError):
    """404."""


class GitHubRateLimited(GitHubError):
    """The primary or a secondary rate limit; ``retry_after`` is in seconds."""

    retryable = True

    def __init__(self, message: str, *, remedy: str = "", status: int = 0, retry_after: float = 60.0) -> None:
        super().__init__(message, remedy=remedy, status=status)
        self.retry_after = retry_after


class GitHubDiffTooLarge(GitHubError):
    """406: the diff is over GitHub's limits and must come from git."""


class GitHubRejected(GitHubError):
    """422: GitHub read the request and found it wrong; ``details`` are its own words."""

    def __init__(self, message: str, *, remedy: str = "", status: int = 422, details: tuple[str, ...] = ()) -> None:
        super().__init__(message, remedy=remedy, status=status)
        self.details = details


class HeadMoved(GitHubError):
    """The head of the pull request moved while it was reviewed, so nothing was posted."""

    retryable = True


class InstallationError(GitHubError):
    """The App cannot work for a repository until somebody acts on GitHub: a retry cannot help."""


class InstallationSuspended(InstallationError):
    """403: the account's owner, or the App's, suspended the installation."""


class NotInstalled(InstallationError):
    """404 or 422: the App is not, or no longer, installed on the account or the repository."""


class PermissionMissing(InstallationError):
    """422: the installation was not granted a permission that is needed; new ones wait for its owner's consent."""


class ModelError(ReviewbotError):
    """The provider refused, failed or could not be reached.

    ``usage`` is a ``reviewbot.core.cost.Usage`` or None; ``response_id`` names the provider's answer if there was one.
    """

    exit_code = 5

    def __init__(self, message: str, *, remedy: str = "", usage: Any = None, response_id: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.usage = usage
        self.response_id = response_id


class ModelUnreachable(ModelError):
    """No answer, or a server error, after the allowed retries; ``retry_after`` seconds are to pass before another try,
    if it is known."""

    retryable = True
    retry_after: float = 0.0


class ModelNotTrusted(ModelError):
    """No certificate authority that is known here vouches for the provider's certificate."""


class ModelTimeout(ModelError):
    """The total deadline of the call passed."""

    retryable = True


class ModelRateLimited(ModelError):
    """429; ``retry_after`` is in seconds."""

    retryable = True

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        usage: Any = None,
        response_id: str | None = None,
        retry_after: float = 60.0,
    ) -> None:
        super().__init__(message, remedy=remedy, usage=usage, response_id=response_id)
        self.retry_after = retry_after


class ModelQuotaExceeded(ModelError):
    """The account has no credit left."""


class ModelUnauthorized(ModelError):
    """The key is missing, wrong or may not use this model."""


class ModelNotFound(ModelError):
    """The provider does not serve this model, or no longer does."""


class ModelRejected(ModelError):
    """The provider found the request wrong."""


class ContextLengthExceeded(ModelRejected):
    """The prompt does not fit the model's window."""


class TalkForgotten(ModelRejected):
    """The provider no longer has the answer that a talk goes on from, or cannot read what it gave of it."""


class ModelIncomplete(ModelError):
    """The answer was cut; ``reason`` is the provider's (``max_output_tokens`` or ``content_filter``)."""

    def __init__(
        self, message: str, *, remedy: str = "", usage: Any = None, response_id: str | None = None, reason: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy, usage=usage, response_id=response_id)
        self.reason = reason


class ModelRefused(ModelError):
    """The model declined to answer."""


class ModelFailed(ModelError):
    """The provider reported a failure of its own after accepting the request."""

    retryable = True


class ModelStreamCut(ModelError):
    """The stream ended without a terminal event, so the answer cannot be trusted."""

    retryable = True


class ReplyError(ModelError):
    """A complete answer that is not the JSON that was asked for."""
