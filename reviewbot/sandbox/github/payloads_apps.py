"""GitHub's JSON for Apps, their webhook, installations, checks and statuses, as its OpenAPI description has it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reviewbot.sandbox.github import payloads

if TYPE_CHECKING:
    from reviewbot.sandbox.github.hooks import Delivery
    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.payloads import Json, Links
    from reviewbot.sandbox.github.records import App, CheckRun, Installation, Status

CREATED_AT = "2020-01-01T00:00:00Z"


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
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
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
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
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


def check_pulls(links: Links, hosted: Hosted, sha: str) -> list[Json]:
    """``pull-request-minimal`` of the open pull requests with this head. One from a fork is not named."""
    end = {"id": hosted.id, "url": links.repo(hosted), "name": hosted.name}
    return [
        {
            "id": pull.id,
            "number": pull.number,
            "url": f"{links.repo(hosted)}/pulls/{pull.number}",
            "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": end},
            "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": end},
        }
        for pull in hosted.pulls()
        if (pull.state, pull.head_sha, pull.head_repo) == ("open", sha, hosted.full_name)
    ]


def check_suite(links: Links, hosted: Hosted, runs: list[CheckRun], by: App) -> Json:
    """``check-suite`` of these runs, all on one commit."""
    first, api = runs[0], links.repo(hosted)
    done = all(run.status == "completed" for run in runs)
    worst = next((run.conclusion for run in runs if run.conclusion != "success"), "success")
    facts = hosted.repository.commit(first.head_sha)
    people = payloads.commit(links, hosted, facts)["commit"] if facts else {}
    head = {"id": first.head_sha, "tree_id": facts.tree if facts else "", "message": people.get("message", "")}
    date = facts.committer.date if facts else first.started_at
    return {
        "id": first.suite_id,
        "node_id": payloads.node_id("CS", first.suite_id),
        "head_branch": None,
        "head_sha": first.head_sha,
        "status": "completed" if done else "in_progress",
        "conclusion": worst if done else None,
        "url": f"{api}/check-suites/{first.suite_id}",
        "before": None,
        "after": first.head_sha,
        "pull_requests": [],
        "app": app(links, by),
        "repository": payloads.repository(links, hosted),
        "created_at": first.started_at,
        "updated_at": first.completed_at or first.started_at,
        "head_commit": head | {"timestamp": date, "author": people.get("author"), "committer": people.get("committer")},
        "latest_check_runs_count": len(runs),
        "check_runs_url": f"{api}/check-suites/{first.suite_id}/check-runs",
    }


def check_suite_lite(links: Links, hosted: Hosted, runs: list[CheckRun], by: App) -> Json:
    """The suite as a webhook's check run has it."""
    left_out = ("repository", "head_commit", "latest_check_runs_count", "check_runs_url")
    suite = check_suite(links, hosted, runs, by)
    suite |= {"pull_requests": check_pulls(links, hosted, runs[0].head_sha)}
    return {name: value for name, value in suite.items() if name not in left_out}


def hook_config(facts: App) -> Json:
    """``webhook-config``. The secret is never shown."""
    out = {"content_type": "json", "insecure_ssl": "0", "url": facts.hook_url}
    return out | ({"secret": "********"} if facts.webhook_secret else {})


def delivery_item(delivery: Delivery) -> Json:
    """``hook-delivery-item``."""
    message = delivery.message
    at = datetime.fromtimestamp(delivery.delivered_at, UTC).isoformat(timespec="milliseconds")
    return {
        "id": delivery.id,
        "guid": message.guid,
        "delivered_at": at.replace("+00:00", "Z"),
        "redelivery": message.redelivery,
        "duration": delivery.duration,
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": message.event,
        "action": message.action,
        "installation_id": message.installation_id,
        "repository_id": message.repository_id,
        "throttled_at": None,
    }


def delivery_detail(delivery: Delivery) -> Json:
    """``hook-delivery``: with what was sent and what came back."""
    answered = delivery.response_headers
    return {
        **delivery_item(delivery),
        "url": delivery.url,
        "request": {"headers": dict(delivery.headers), "payload": dict(delivery.message.payload)},
        "response": {"headers": dict(answered) if answered else None, "payload": delivery.response_text},
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
