"""REST: the artifacts of workflow runs, and the storage in which they lie.

https://docs.github.com/en/rest/actions/artifacts
"""

from __future__ import annotations

import secrets

from reviewbot.sandbox.github import payloads_actions
from reviewbot.sandbox.github.calls import Answer, Call, Refusal, Routes, not_found

routes = Routes()
_ACTIONS = "/repos/{owner}/{repo}/actions"
_STORAGE = "/storage"
_MINUTE = 60.0


@routes.on("GET", _ACTIONS + "/runs/{run}/artifacts", "actions:read")
def list_artifacts(call: Call) -> Answer:
    hosted, run = call.hosted(), call.number("run")
    wanted = call.query.get("name")
    rows = [
        payloads_actions.artifact(call.links, hosted, each)
        for each in sorted(hosted.artifacts.values(), key=lambda each: -each.id)
        if each.run_id == run and wanted in (None, each.name)
    ]
    return call.counted("artifacts", rows)


@routes.on("GET", _ACTIONS + "/artifacts/{artifact}/{form}", "actions:read")
def download_artifact(call: Call) -> Answer:
    """302 to an address that is good for one minute and, here, for one time."""
    found = call.hosted().artifacts.get(call.number("artifact"))
    if found is None or call.params["form"] != "zip":
        raise not_found()
    if found.expired:
        raise Refusal(410, "Artifact has expired")
    secret = secrets.token_urlsafe(24)
    call.github.storage[secret] = found.data, call.github.clock() + _MINUTE
    return Answer(302, headers={"location": f"{call.links.web}{_STORAGE}/{secret}?sig={secrets.token_urlsafe(24)}"})


@routes.on("GET", _STORAGE + "/{secret}", "none")
def read_storage(call: Call) -> Answer:
    """Azure's storage, as far as it matters: the signed address is all it takes, a header beside it is an error."""
    data, until = call.github.storage.pop(call.params["secret"], (b"", 0.0))
    if "authorization" in call.headers:
        return Answer(400, b"<Error><Code>InvalidAuthenticationInfo</Code></Error>", "application/xml")
    if call.github.clock() >= until:
        return Answer(403, b"<Error><Code>AuthenticationFailed</Code></Error>", "application/xml")
    return Answer(200, data, "application/zip")
