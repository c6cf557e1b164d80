"""GitHub's JSON for Apps, installations, check runs and statuses, as its OpenAPI description has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewbot.sandbox.github import payloads

if TYPE_CHECKING:
    from reviewbot.sandbox.github.payloads import Json, Links
    from reviewbot.sandbox.github.records import App, CheckRun, Installation, Status
    from reviewbot.sandbox.github.state import Hosted


def app(links: Links, facts: App) -> Json:
    """``integration``."""
    return {
        "id": facts.id,
        "slug": facts.slug,
        "node_id": payloads.node_id("A", facts.id),
        "owner": payloads.user(links, facts.owner),
        "client_id": facts.client_id,
        "name": facts.name or facts.slug,
        "description": None,
        "external_url": links.web,
        "html_url": f"{links.web}/apps/{facts.slug}",
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
        "permissions": dict(facts.permissions),
        "events": list(facts.events),
    }


def installation(links: Links, facts: Installation, of: App) -> Json:
    """``installation``."""
    return {
        "id": facts.id,
        "account": payloads.user(links, facts.account),
        "repository_selection": "all" if facts.repositories is None else "selected",
        "access_tokens_url": f"{links.api}/app/installations/{facts.id}/access_tokens",
        "repositories_url": f"{links.api}/installation/repositories",
        "html_url": f"{links.web}/settings/installations/{facts.id}",
        "app_id": of.id,
        "app_slug": of.slug,
        "target_id": facts.account.id,
        "target_type": facts.account.kind,
        "permissions": dict(facts.permissions),
        "events": list(of.events),
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
        "single_file_name": None,
        "suspended_by": payloads.user(links, facts.account) if facts.suspended_at else None,
        "suspended_at": facts.suspended_at,
    }


def check_run(links: Links, hosted: Hosted, run: CheckRun, by: App) -> Json:
    """``check-run``."""
    url = f"{links.repo(hosted)}/check-runs/{run.id}"
    return {
        "id": run.id,
        "name": run.name,
        "node_id": payloads.node_id("CR", run.id),
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": url,
        "html_url": f"{links.page(hosted)}/runs/{run.id}",
        "details_url": run.details_url,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "output": {
            "title": run.output.get("title"),
            "summary": run.output.get("summary"),
            "text": run.output.get("text"),
            "annotations_count": len(run.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": run.suite_id},
        "app": app(links, by),
        "pull_requests": [],
    }


def status(links: Links, hosted: Hosted, record: Status) -> Json:
    """``status``."""
    return {
        "id": record.id,
        "node_id": payloads.node_id("SC", record.id),
        "url": f"{links.repo(hosted)}/statuses/{record.sha}",
        "avatar_url": None,
        "state": record.state,
        "description": record.description,
        "target_url": record.target_url,
        "context": record.context,
        "created_at": record.created_at,
        "updated_at": record.created_at,
        "creator": payloads.user(links, record.author),
    }
