"""The two halves of a review in two workflows, as far as a bundle goes: made in the first, taken in the second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from reviewbot.action.task import Stop
from reviewbot.action.vetting import MOVED_ON
from reviewbot.action.workflow_run import Run
from reviewbot.core.change.bundle import MOST_ARCHIVE, Action, Bundle, NoDiff, read_bundle, write_bundle
from reviewbot.core.change.diff import Diff
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest
from reviewbot.core.config import TriggerSettings
from reviewbot.core.triggers import JobRequest, recheck
from reviewbot.errors import ConfigError, DiffError, GitHubDiffTooLarge
from reviewbot.github.artifacts import download_artifact, find_artifact
from reviewbot.github.client import DIFF, GitHubClient
from reviewbot.github.pull_requests import GitHubSource
from reviewbot.settings import Settings

ARTIFACT = "reviewbot-bundle"
_TOLD: NoDiff = ""
NO_BUNDLE = (
    "the first workflow handed over no bundle: its run says why. It had nothing to review, or the pull request changes "
    "that workflow"
)


async def make_bundle(settings: Settings, request: JobRequest, triggers: TriggerSettings) -> Bundle | Stop:
    """What GitHub says now of the pull request of ``request``, which an event named. Raises GitHubError."""
    async with _connected(settings) as client:
        pull = await GitHubSource(client, request.ref).pull_request()
        if pull.head_sha != request.head_sha:
            return Stop(MOVED_ON)
        skip = recheck(request, pull, triggers)
        return Stop(skip.text) if skip else await _bundle(client, request, pull)


async def _bundle(client: GitHubClient, request: JobRequest, pull: PullRequest) -> Bundle:
    diff, reason = Diff(()), _TOLD
    try:
        diff = parse_diff(await client.get_bytes(f"/repos/{request.ref.full_name}/pulls/{request.ref.number}", DIFF))
    except GitHubDiffTooLarge:
        reason = "too-big"
    except DiffError:
        reason = "unusual"
    return Bundle(
        repository=pull.base_repo,
        number=request.ref.number,
        action=cast("Action", request.trigger),  # on `pull_request` the name of the trigger is that of the action
        base_sha=pull.base_sha,
        head_sha=pull.head_sha,
        head_repository=pull.head_repo,
        diff=diff,
        no_diff=reason,
    )


def save_bundle(bundle: Bundle, folder: Path) -> None:
    """Write the two files into a new folder. Raises ConfigError."""
    try:
        folder.mkdir()
        for name, text in write_bundle(bundle).items():
            (folder / name).write_bytes(text)
    except OSError as error:
        raise ConfigError(f"The bundle cannot be written: {error.strerror}.") from error


async def take_bundle(settings: Settings, run: Run) -> Bundle | None:
    """The bundle that the run handed over, None when there is none. Raises BundleError and GitHubError."""
    async with _connected(settings) as client:
        artifact = await find_artifact(client, run.repository, ARTIFACT, run_id=run.id, head_sha=run.head_sha)
        if artifact is None:
            return None
        return read_bundle(await download_artifact(client, run.repository, artifact, most=MOST_ARCHIVE))


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[GitHubClient]:
    client = GitHubClient(settings.github_token, api_url=settings.api_url_for(settings.default_host))
    try:
        yield client
    finally:
        await client.aclose()
