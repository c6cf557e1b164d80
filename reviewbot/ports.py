"""The seams between the story and the world: PullRequestSource, ReviewSink, Model, Workspace, RunStore.

Each has a real implementation and a fake that ships in the package; tests/contract runs one suite over both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reviewbot.core.change.diff import Diff
    from reviewbot.core.change.pull_request import PullRequest, Surroundings
    from reviewbot.core.context.chunking import Chunk
    from reviewbot.core.context.prompt import Answer, PreparedPrompt, Prompt
    from reviewbot.core.cost import Price, Usage
    from reviewbot.core.findings.finding import PlacedFinding
    from reviewbot.core.report.draft import Posted, ReviewDraft
    from reviewbot.core.report.outcome import ReviewOutcome


class PullRequestSource(Protocol):
    """Reads one pull request. Each method raises GitHubError or WorkspaceError, and never answers failure with
    emptiness."""

    @property
    def calls(self) -> int:
        """How many requests were sent to GitHub so far."""
        ...

    async def pull_request(self) -> PullRequest:
        """The facts as they are now."""
        ...

    async def diff(self, pull: PullRequest) -> Diff:
        """The change from the merge base to the head, complete or an error."""
        ...

    async def diff_between(self, base: str, head: str) -> Diff:
        """The change from the merge base of two commits to ``head``: what a pull request was when it was reviewed.
        Raises an error when a commit is gone, as after a force-push it may be."""
        ...

    async def surroundings(self, pull: PullRequest, directories: Sequence[str] = ()) -> Surroundings:
        """Threads and words round the change, and the rule files of the root and of ``directories`` at the base."""
        ...

    async def texts(self, sha: str, paths: Sequence[str]) -> dict[str, bytes]:
        """The files of ``paths`` that exist as regular files at the commit; the others are left out."""
        ...


class ReviewSink(Protocol):
    """Writes one review; a sink that only keeps it is a dry run."""

    @property
    def calls(self) -> int: ...

    async def post(self, pull: PullRequest, draft: ReviewDraft) -> Posted:
        """Write the draft once, however often it is called with the same ``draft.key``. Raises GitHubError."""
        ...


class Model(Protocol):
    """Answers prompts."""

    @property
    def id(self) -> str: ...

    @property
    def window(self) -> int:
        """Input tokens that one request may hold."""
        ...

    @property
    def price(self) -> Price | None:
        """None when it is not known."""
        ...

    def request_key(self, prompt: Prompt, max_output_tokens: int) -> str:
        """A digest of everything that makes the answer: equal keys may share one paid answer."""
        ...

    async def answer(self, prompt: Prompt, max_output_tokens: int) -> Answer:
        """One complete answer. Raises ModelError, with the usage of whatever was paid for."""
        ...


class Analysis(Protocol):
    """What static analyzers say of the lines of a change that are to be read."""

    @property
    def ran(self) -> Sequence[str]:
        """The names of those that looked at something."""
        ...

    @property
    def notes(self) -> Sequence[str]: ...

    def beside(self, prepared: PreparedPrompt, chunk: Chunk) -> PreparedPrompt:
        """The question about a chunk, with what they say of its lines."""
        ...

    def beyond(self, placed: Sequence[PlacedFinding]) -> Sequence[PlacedFinding]:
        """What they are certain of and none of ``placed`` says."""
        ...


class Workspace(Protocol):
    """A git object store without a work tree."""

    async def diff(self, base: str, head: str) -> bytes:
        """``git diff`` from the merge base of the two commits to ``head``, renames on."""
        ...

    async def texts(self, sha: str, paths: Sequence[str]) -> dict[str, bytes]: ...


class RunStore(Protocol):
    """Remembers paid answers and runs. Every method raises StoreError when the storage cannot be used."""

    async def answer(self, key: str, *, only_of: str = "") -> Answer | None:
        """The stored answer of this request, marked as reused; with ``only_of`` only if that run paid for it."""
        ...

    async def keep_answer(self, run_id: str, key: str, answer: Answer) -> None: ...

    async def start_run(self, run_id: str, pull: PullRequest, model: str) -> None:
        """Begin a run, or a further attempt at it: what the earlier ones spent stays booked."""
        ...

    async def note_progress(self, run_id: str, stage: str, done: int, total: int) -> None:
        """Where a run stands, for whoever watches from another process."""
        ...

    async def finish_run(self, outcome: ReviewOutcome) -> None: ...

    async def book_posted(self, run_id: str, posted: Posted, state: str = "") -> None:
        """What a finished run made was posted, perhaps by another process; ``state`` is that of its draft."""
        ...

    async def reviewed_state(self, pull: PullRequest) -> str:
        """``ReviewDraft.state`` of the last run of this pull request that was posted, or an empty text."""
        ...

    async def wordings(self, pull: PullRequest) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Title and body with which earlier runs of this pull request surely told findings again, by fingerprint."""
        ...

    async def dismissals(self, pull: PullRequest) -> Sequence[tuple[str, str]]:
        """Category and path of what people dismissed on other pull requests of the repository, as far as is known."""
        ...

    async def fail_run(self, run_id: str, error: str, usage: Usage, cost_usd: float) -> None:
        """Book a run that ended in an error, with what it had used and spent by then."""
        ...
