"""GitHub's JSON for artifacts and workflow runs, as its OpenAPI description and its webhooks have it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from reviewbot.sandbox.github import payloads

if TYPE_CHECKING:
    from reviewbot.sandbox.github.hosting import Directory, Hosted
    from reviewbot.sandbox.github.payloads import Json, Links
    from reviewbot.sandbox.github.records import Artifact, Pull


def artifact(links: Links, hosted: Hosted, record: Artifact) -> Json:
    """``artifact``."""
    url = f"{links.repo(hosted)}/actions/artifacts/{record.id}"
    return {
        "id": record.id,
        "node_id": payloads.node_id("A", record.id),
        "name": record.name,
        "size_in_bytes": len(record.data),
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": record.expired,
        "created_at": record.created_at,
        "expires_at": record.created_at,
        "updated_at": record.created_at,
        "digest": f"sha256:{hashlib.sha256(record.data).hexdigest()}",
        "workflow_run": {
            "id": record.run_id,
            "repository_id": hosted.id,
            "head_repository_id": hosted.id,
            "head_branch": record.head_branch,
            "head_sha": record.head_sha,
        },
    }


def workflow_run(
    links: Links, github: Directory, hosted: Hosted, pull: Pull, run_id: int, conclusion: str = "success"
) -> Json:
    """A ``workflow_run`` of a webhook: a run that ``pull_request`` started. It names the pull request only when the
    branch is the repository's own."""
    api = f"{links.repo(hosted)}/actions/runs/{run_id}"
    fork = github.repositories.get(pull.head_repo.lower()) if pull.head_repo else None
    own = fork is hosted
    ends = {"head": {"ref": pull.head_ref, "sha": pull.head_sha}, "base": {"ref": pull.base_ref, "sha": pull.base_sha}}
    return {
        "id": run_id,
        "name": "Collect",
        "node_id": payloads.node_id("WFR", run_id),
        "head_branch": pull.head_ref,
        "head_sha": pull.head_sha,
        "path": ".github/workflows/fork-collect.yml",
        "display_title": pull.title,
        "run_number": 1,
        "run_attempt": 1,
        "event": "pull_request",
        "status": "completed",
        "conclusion": conclusion,
        "workflow_id": 1,
        "url": api,
        "html_url": f"{links.page(hosted)}/actions/runs/{run_id}",
        "artifacts_url": f"{api}/artifacts",
        "pull_requests": [{"id": pull.id, "number": pull.number, **ends}] if own else [],
        "actor": payloads.user(links, pull.author),
        "triggering_actor": payloads.user(links, pull.author),
        "repository": payloads.repository(links, hosted),
        "head_repository": payloads.repository(links, fork) if fork else None,
    }
