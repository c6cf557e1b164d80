"""REST: the GitHub App: itself, its installations, and the tokens that it asks for."""

from __future__ import annotations

from datetime import UTC, datetime

from reviewbot.sandbox.github import payloads, payloads_apps
from reviewbot.sandbox.github.calls import Answer, Call, Refusal, Routes, answer, not_found
from reviewbot.sandbox.github.records import Installation, Token
from reviewbot.sandbox.github.tokens import refuse_suspended

routes = Routes()


@routes.on("GET", "/app", "jwt")
def get_app(call: Call) -> Answer:
    found = payloads_apps.app(call.links, call.github.app)
    return answer(found | {"installations_count": len(call.github.installations)})


@routes.on("GET", "/app/installations", "jwt")
def list_installations(call: Call) -> Answer:
    found = list(call.github.installations.values())
    return call.paged(found, lambda row: payloads_apps.installation(call.links, row, call.github.app))


@routes.on("GET", "/app/installations/{installation}", "jwt")
def get_installation(call: Call) -> Answer:
    return answer(payloads_apps.installation(call.links, _installation(call), call.github.app))


@routes.on("DELETE", "/app/installations/{installation}", "jwt")
def delete_installation(call: Call) -> Answer:
    call.github.remove_installation(_installation(call).id)
    return Answer(204)


@routes.on("PUT", "/app/installations/{installation}/suspended", "jwt")
def suspend_installation(call: Call) -> Answer:
    call.github.suspend_installation(_installation(call).id)
    return Answer(204)


@routes.on("DELETE", "/app/installations/{installation}/suspended", "jwt")
def unsuspend_installation(call: Call) -> Answer:
    call.github.suspend_installation(_installation(call).id, suspended=False)
    return Answer(204)


@routes.on("GET", "/repos/{owner}/{repo}/installation", "jwt")
def get_repository_installation(call: Call) -> Answer:
    full_name = f"{call.params['owner']}/{call.params['repo']}".lower()
    if full_name not in call.github.repositories:
        raise not_found()
    for found in call.github.installations.values():
        if found.covers(full_name):
            return answer(payloads_apps.installation(call.links, found, call.github.app))
    raise not_found()


@routes.on("POST", "/app/installations/{installation}/access_tokens", "jwt")
def create_access_token(call: Call) -> Answer:
    """A token for an hour, narrowed to ``repositories`` and ``permissions`` when they are given: never widened."""
    found, fields = _installation(call), call.fields()
    refuse_suspended(found)
    permissions = fields.get("permissions") or dict(found.permissions)
    for name, level in permissions.items():
        held = found.permissions.get(name, "none")
        if level not in ("read", "write") or held == "none" or (level == "write" and held != "write"):
            raise Refusal(422, "The permissions requested are not granted to this installation.")
    repositories = _repositories(call, found, fields.get("repositories"), fields.get("repository_ids"))
    seconds = call.github.limits.token_seconds
    value = call.github.add_token(
        kind="app",
        permissions=permissions,
        repositories=repositories,
        expires_in=seconds,
        installation=found.id,
    )
    expires = datetime.fromtimestamp(call.github.clock() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    narrowed = fields.get("repositories") or fields.get("repository_ids")
    selection = "selected" if found.repositories is not None or narrowed else "all"
    out = {"token": value, "expires_at": expires, "repository_selection": selection}
    return answer(out | {"permissions": {"metadata": "read", **permissions}}, 201)


def _repositories(
    call: Call, installation: Installation, names: list[str] | None, ids: list[int] | None
) -> frozenset[str]:
    """Full names of what the token may see. Raises Refusal 422 for one outside the installation."""
    owner = installation.account.login.lower()
    own = {name for name in call.github.repositories if name.startswith(f"{owner}/")}
    own = own if installation.repositories is None else own & installation.repositories
    if not names and not ids:
        return frozenset(own)
    wanted = {f"{owner}/{name.lower()}" for name in names or ()}
    known = {hosted.id: name for name, hosted in call.github.repositories.items()}
    wanted |= {known.get(number, "") for number in ids or ()}
    if not wanted <= own:
        said = "There is at least one repository that does not exist or is not accessible to the parent installation."
        raise Refusal(422, said)
    return frozenset(wanted)


def _installation(call: Call) -> Installation:
    found = call.github.installations.get(call.number("installation"))
    if found is None:
        raise not_found()
    return found


@routes.on("DELETE", "/installation/token")
def revoke_access_token(call: Call) -> Answer:
    """The token that asks ends now."""
    del call.github.tokens[_installation_token(call, "revoke an installation access token").value]
    return Answer(204)


@routes.on("GET", "/installation/repositories", "metadata:read")
def list_installation_repositories(call: Call) -> Answer:
    """What an installation's token may see."""
    token = _installation_token(call, "list repositories")
    chosen = [
        hosted
        for name, hosted in call.github.repositories.items()
        if token.repositories is None or name in token.repositories
    ]
    shown = [payloads.repository(call.links, hosted) for hosted in chosen]
    selection = "all" if token.repositories is None else "selected"
    return answer({"total_count": len(shown), "repository_selection": selection, "repositories": shown})


def _installation_token(call: Call, purpose: str) -> Token:
    token = call.speaker()
    if token.kind == "personal":
        raise Refusal(403, f"You must authenticate with an installation access token in order to {purpose}.")
    return token
