"""REST: pull requests, their files and commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewbot.sandbox.github import payloads, payloads_pulls
from reviewbot.sandbox.github.calls import Answer, Call, Refusal, Routes, answer, body_text, invalid, missing
from reviewbot.sandbox.github.diffs import diff_answer, file_entries, refuse_too_large
from reviewbot.sandbox.github.records import Pull

if TYPE_CHECKING:
    from reviewbot.sandbox.github.hosting import Hosted

routes = Routes()
_PULLS = "/repos/{owner}/{repo}/pulls"
_PULL = _PULLS + "/{number}"
_READ, _WRITE = "pull_requests:read", "pull_requests:write"


@routes.on("GET", _PULLS, _READ)
def list_pulls(call: Call) -> Answer:
    """Open ones unless ``state`` says otherwise; filters ``head`` (``owner:branch``) and ``base``; newest first."""
    hosted = call.hosted()
    state, sort = call.query.get("state", "open"), call.query.get("sort", "created")
    if state not in ("open", "closed", "all"):
        raise invalid("PullRequest", "state", "invalid")
    found = [pull for pull in hosted.pulls() if state in ("all", pull.state)]
    if "head" in call.query:
        found = [pull for pull in found if f"{pull.head_owner}:{pull.head_ref}" == call.query["head"]]
    if "base" in call.query:
        found = [pull for pull in found if pull.base_ref == call.query["base"]]
    down = call.query.get("direction", "desc" if sort == "created" else "asc") == "desc"
    found.sort(key=lambda pull: (pull.updated_at if sort == "updated" else "", pull.number), reverse=down)
    return call.paged(found, lambda pull: payloads_pulls.pull(call.links, call.github, hosted, pull, full=False))


@routes.on("GET", _PULL, _READ)
def get_pull(call: Call) -> Answer:
    """JSON, or the change as ``diff`` or as ``patch`` mails."""
    hosted, pull = call.pull()
    if call.accepts("diff"):
        return diff_answer(call, hosted.changes(pull))
    if call.accepts("patch"):
        refuse_too_large(call, hosted.changes(pull))
        series = hosted.repository.patch_series(pull.base_sha, pull.head_sha)
        return Answer(200, series, "application/vnd.github.patch; charset=utf-8")
    return answer(payloads_pulls.pull(call.links, call.github, hosted, pull, full=True))


@routes.on("PATCH", _PULL, _WRITE)
def update_pull(call: Call) -> Answer:
    """Title, body and state; merging is not something this GitHub does."""
    hosted, pull = call.pull()
    fields = call.fields()
    if "title" in fields and not fields["title"]:
        raise invalid("PullRequest", "title", "missing_field")
    state = fields.get("state", pull.state)
    if state not in ("open", "closed"):
        raise invalid("PullRequest", "state", "invalid")
    if state == "open" and pull.merged_at:
        raise invalid("PullRequest", "state", "invalid", "state cannot be changed. The pull request was merged.")
    was = (pull.title, pull.body)
    if "body" in fields:
        pull.body = fields["body"] and body_text(fields, call.github.limits.body_characters, "PullRequest")
    pull.title, pull.updated_at = fields.get("title", pull.title), call.github.now()
    _announce_edit(call, hosted, pull, *was)
    if state != pull.state:
        change = call.github.close_pull_request if state == "closed" else call.github.reopen_pull_request
        change(hosted.full_name, pull.number, by=call.speaker().account.login)
    return answer(payloads_pulls.pull(call.links, call.github, hosted, pull, full=True))


def _announce_edit(call: Call, hosted: Hosted, pull: Pull, title: str, body: str | None) -> None:
    """Given what was before."""
    changes = {"title": {"from": title}} if title != pull.title else {}
    changes |= {"body": {"from": body or ""}} if body != pull.body else {}
    if changes:
        call.github.announcer.pull_request("edited", hosted, pull, call.speaker().account, changes=changes)


@routes.on("GET", _PULL + "/files", _READ)
def list_files(call: Call) -> Answer:
    """Changed files, at most 3,000; behind 20,000 patch lines they come empty and unmarked."""
    hosted, pull = call.pull()
    files = hosted.changes(pull).files[: call.github.limits.listed_files]
    entries = file_entries(call, hosted, pull.head_sha, files)
    return call.paged(entries, lambda entry: entry)


@routes.on("GET", _PULL + "/commits", _READ)
def list_commits(call: Call) -> Answer:
    """At most 250 commits, oldest first."""
    hosted, pull = call.pull()
    series = hosted.series(pull)[: call.github.limits.listed_commits]
    return call.paged(series, lambda facts: payloads.commit(call.links, hosted, facts))


@routes.on("GET", _PULL + "/requested_reviewers", _READ)
def get_requested_reviewers(call: Call) -> Answer:
    _, pull = call.pull()
    return answer({"users": [payloads.user(call.links, account) for account in pull.requested_reviewers], "teams": []})


@routes.on("POST", _PULL + "/requested_reviewers", _WRITE)
def request_reviewers(call: Call) -> Answer:
    """``reviewers`` are logins; of teams there are none here."""
    hosted, pull = call.pull()
    logins = call.fields().get("reviewers") or []
    if not isinstance(logins, list) or any(str(login).lower() not in call.github.accounts for login in logins):
        said = "Reviews may only be requested from collaborators. One or more of the users or teams you specified is"
        raise Refusal(422, f"{said} not a collaborator of the {hosted.full_name} repository.")
    for login in logins:
        call.github.request_review(hosted.full_name, pull.number, str(login), by=call.speaker().account.login)
    return answer(payloads_pulls.pull(call.links, call.github, hosted, pull, full=False), 201)


@routes.on("GET", "/repos/{owner}/{repo}/issues/{number}", "issues|pull_requests:read")
def get_issue(call: Call) -> Answer:
    hosted, issue = call.issue()
    return answer(payloads_pulls.issue(call.links, hosted, issue))


@routes.on("GET", "/repos/{owner}/{repo}/issues/{number}/labels", "issues|pull_requests:read")
def list_labels(call: Call) -> Answer:
    hosted, issue = call.issue()
    return call.paged(issue.labels, lambda name: payloads.label(call.links, hosted, name))


@routes.on("POST", "/repos/{owner}/{repo}/issues/{number}/labels", "issues|pull_requests:write")
def add_labels(call: Call) -> Answer:
    hosted, issue = call.issue()
    given = call.value()
    names = given.get("labels") if isinstance(given, dict) else given  # GitHub takes a bare list, too
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise missing("labels")
    new = [name for name in dict.fromkeys(names) if name not in issue.labels]
    issue.labels += new
    if isinstance(issue, Pull):
        call.github.announcer.labelled("labeled", hosted, issue, call.speaker().account, new)
    return answer([payloads.label(call.links, hosted, name) for name in issue.labels])


@routes.on("DELETE", "/repos/{owner}/{repo}/issues/{number}/labels/{name*}", "issues|pull_requests:write")
def remove_label(call: Call) -> Answer:
    hosted, issue = call.issue()
    if call.params["name"] not in issue.labels:
        raise Refusal(404, "Label does not exist")
    issue.labels.remove(call.params["name"])
    if isinstance(issue, Pull):
        call.github.announcer.labelled("unlabeled", hosted, issue, call.speaker().account, [call.params["name"]])
    return answer([payloads.label(call.links, hosted, name) for name in issue.labels])
