"""REST: check runs with their annotations, check suites, commit statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reviewbot.sandbox.github import payloads_apps
from reviewbot.sandbox.github.calls import (
    Answer,
    Call,
    Refusal,
    Routes,
    answer,
    invalid,
    missing,
    not_found,
)
from reviewbot.sandbox.github.records import CheckRun, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.payloads import Json

routes = Routes()
_REPO = "/repos/{owner}/{repo}"
_RUN = _REPO + "/check-runs/{run}"
_STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
_CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out")
_LEVELS = ("notice", "warning", "failure")
_REQUIRED = ("path", "start_line", "end_line", "annotation_level", "message")
_OUTPUT_CHARACTERS = 65_535


@routes.on("POST", _REPO + "/check-runs", "checks:write")
def create_check_run(call: Call) -> Answer:
    """Apps and workflows only."""
    hosted, fields = call.hosted(), call.fields()
    _refuse_people(call)
    for name in ("name", "head_sha"):
        if not isinstance(fields.get(name), str) or not fields[name]:
            raise missing(name)
    sha = hosted.repository.commit_sha(fields["head_sha"])
    if sha is None or sha != fields["head_sha"]:
        raise Refusal(422, f"No commit found for SHA: {fields['head_sha']}")
    suite = int(sha[:12], 16)
    token = call.speaker()
    run = CheckRun(
        id=call.github.new_id(),
        suite_id=suite,
        name=fields["name"],
        head_sha=sha,
        author=token.account,
        status="queued",
        conclusion=None,
        started_at=fields.get("started_at") or call.github.now(),
        completed_at=None,
        external_id="",
        details_url=call.links.web,
        output={},
        annotations=[],
    )
    _apply(call, run, fields)
    hosted.check_runs[run.id] = run
    call.github.announcer.check_run("created", hosted, run, run.author)
    if run.status == "completed":
        call.github.announcer.check_run("completed", hosted, run, run.author)
    return answer(_shape(call, hosted, run), 201)


@routes.on("PATCH", _RUN, "checks:write")
def update_check_run(call: Call) -> Answer:
    """Annotations are added to those that were there; the rest of the output is replaced."""
    hosted, run = _run(call)
    _refuse_people(call)
    if run.author != call.speaker().account:
        raise Refusal(403, f"Invalid app_id `{call.github.app.id}` - check run can only be modified by its own App.")
    fields = call.fields()
    was = run.status
    run.name = fields.get("name") or run.name
    _apply(call, run, fields)
    if run.status == "completed" != was:
        call.github.announcer.check_run("completed", hosted, run, run.author)
    return answer(_shape(call, hosted, run))


def _refuse_people(call: Call) -> None:
    if call.speaker().kind == "personal":
        raise Refusal(403, "You must authenticate via a GitHub App.")


def _apply(call: Call, run: CheckRun, fields: Mapping[str, Any]) -> None:
    """Validate first, then change: a refused update changes nothing."""
    status, conclusion = fields.get("status", run.status), fields.get("conclusion")
    if conclusion is not None:
        status = "completed"
    if status not in _STATUSES:
        raise invalid("CheckRun", "status", "invalid")
    if conclusion is not None and conclusion not in _CONCLUSIONS:
        raise invalid("CheckRun", "conclusion", "invalid")
    if status == "completed" and not (conclusion or run.conclusion):
        raise missing("conclusion")
    output, annotations = _output(call, fields.get("output"))
    run.status, run.conclusion = status, conclusion or run.conclusion
    run.completed_at = fields.get("completed_at") or (call.github.now() if status == "completed" else None)
    run.external_id = fields.get("external_id", run.external_id)
    run.details_url = fields.get("details_url", run.details_url)
    run.output = output or run.output
    run.annotations += annotations


def _output(call: Call, value: Any) -> tuple[dict[str, str | None], list[dict[str, object]]]:
    if value is None:
        return {}, []
    if not isinstance(value, dict):
        raise Refusal(422, "Invalid request.\n\nFor 'properties/output', it is not an object.")
    for name in ("title", "summary"):
        if not isinstance(value.get(name), str):
            raise missing(name)
    for name in ("summary", "text"):
        if len(value.get(name) or "") > _OUTPUT_CHARACTERS:
            raise invalid("CheckRun", name, "custom", f"{name} exceeds a maximum bytesize of {_OUTPUT_CHARACTERS}")
    annotations = value.get("annotations") or []
    if len(annotations) > call.github.limits.annotations:
        raise Refusal(
            422, f"Invalid request.\n\nNo more than {call.github.limits.annotations} items are allowed; "
            f"{len(annotations)} were supplied."
        )  # fmt: skip
    return {name: value.get(name) for name in ("title", "summary", "text")}, [_annotation(row) for row in annotations]


def _annotation(row: Any) -> dict[str, object]:
    if not isinstance(row, dict):
        raise Refusal(422, "Invalid request.\n\nFor 'items', it is not an object.")
    for name in _REQUIRED:
        if row.get(name) in (None, ""):
            raise missing(name)
    if row["annotation_level"] not in _LEVELS:
        raise invalid("CheckAnnotation", "annotation_level", "invalid")
    start, end = row["start_line"], row["end_line"]
    if not isinstance(start, int) or not isinstance(end, int) or start > end or start < 1:
        raise invalid("CheckAnnotation", "end_line", "invalid")
    if start != end and (row.get("start_column") is not None or row.get("end_column") is not None):
        raise invalid("CheckAnnotation", "start_column", "invalid")
    optional = ("start_column", "end_column", "title", "raw_details")
    return {name: row[name] for name in _REQUIRED} | {name: row.get(name) for name in optional}


def _run(call: Call) -> tuple[Hosted, CheckRun]:
    hosted = call.hosted()
    run = hosted.check_runs.get(call.number("run"))
    if run is None:
        raise not_found()
    return hosted, run


def _shape(call: Call, hosted: Hosted, run: CheckRun) -> Json:
    return payloads_apps.check_run(call.links, hosted, run, call.github.app)


@routes.on("GET", _RUN, "checks:read")
def get_check_run(call: Call) -> Answer:
    hosted, run = _run(call)
    return answer(_shape(call, hosted, run))


@routes.on("GET", _RUN + "/annotations", "checks:read")
def list_annotations(call: Call) -> Answer:
    hosted, run = _run(call)
    page = f"{call.links.page(hosted)}/blob/{run.head_sha}"
    return call.paged(run.annotations, lambda row: row | {"blob_href": f"{page}/{row['path']}"})


@routes.on("GET", _REPO + "/commits/{ref*}/check-runs", "checks:read")
def list_check_runs(call: Call) -> Answer:
    """The latest run of each name unless ``filter=all``."""
    hosted = call.hosted()
    sha = hosted.repository.commit_sha(call.params["ref"])
    runs = [run for run in hosted.check_runs.values() if run.head_sha == sha]
    if "check_name" in call.query:
        runs = [run for run in runs if run.name == call.query["check_name"]]
    if call.query.get("filter", "latest") == "latest":
        runs = list({(run.author.login, run.name): run for run in runs}.values())
    return call.counted("check_runs", [_shape(call, hosted, run) for run in reversed(runs)])


@routes.on("GET", _REPO + "/commits/{ref*}/check-suites", "checks:read")
def list_check_suites(call: Call) -> Answer:
    """One suite per commit that has runs."""
    hosted = call.hosted()
    sha = hosted.repository.commit_sha(call.params["ref"])
    runs = [run for run in hosted.check_runs.values() if run.head_sha == sha]
    suites = [payloads_apps.check_suite(call.links, hosted, runs, call.github.app)] if runs else []
    return call.counted("check_suites", suites)


@routes.on("POST", _REPO + "/statuses/{sha}", "statuses:write")
def create_status(call: Call) -> Answer:
    hosted, fields = call.hosted(), call.fields()
    if hosted.repository.commit_sha(call.params["sha"]) != call.params["sha"]:
        raise Refusal(422, f"No commit found for SHA: {call.params['sha']}")
    if fields.get("state") not in ("error", "failure", "pending", "success"):
        raise invalid("Status", "state", "inclusion", "State is not included in the list")
    limit, description = call.github.limits.status_characters, fields.get("description")
    if len(description or "") > limit:
        raise invalid("Status", "description", "custom", f"description is too long (maximum is {limit} characters)")
    status = Status(
        call.github.new_id(),
        call.params["sha"],
        fields["state"],
        fields.get("context") or "default",
        description,
        fields.get("target_url"),
        call.speaker().account,
        call.github.now(),
    )
    hosted.statuses.append(status)
    return answer(payloads_apps.status(call.links, hosted, status), 201)


@routes.on("GET", _REPO + "/commits/{ref*}/statuses", "statuses:read")
def list_statuses(call: Call) -> Answer:
    """Newest first."""
    hosted = call.hosted()
    sha = hosted.repository.commit_sha(call.params["ref"])
    own = [status for status in reversed(hosted.statuses) if status.sha == sha]
    return call.paged(own, lambda status: payloads_apps.status(call.links, hosted, status))
