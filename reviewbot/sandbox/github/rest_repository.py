"""REST: who am I, repositories, branches, refs, commits, compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewbot.sandbox.github import payloads
from reviewbot.sandbox.github.calls import Answer, Call, Refusal, Routes, answer, forbidden, invalid, not_found
from reviewbot.sandbox.github.diffs import diff_answer, file_entries

if TYPE_CHECKING:
    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.payloads import Json

routes = Routes()
_REPO = "/repos/{owner}/{repo}"


@routes.on("GET", "/user")
def get_user(call: Call) -> Answer:
    """The account of a personal token. An installation is nobody's account and gets 403."""
    token = call.speaker()
    if token.kind != "personal":
        raise forbidden(token)
    return answer(payloads.private_user(call.links, token.account))


@routes.on("GET", "/rate_limit")
def get_rate_limit(call: Call) -> Answer:
    key, now = call.speaker().value, call.github.clock()
    facts = {name: call.github.quota.window(key, name, now).facts(name) for name in ("core", "graphql", "search")}
    return answer({"resources": facts, "rate": facts["core"]})


@routes.on("GET", _REPO, "metadata:read")
def get_repository(call: Call) -> Answer:
    """``permissions`` are those of the token's account, whatever the token itself may. Nobody is a stranger here: an
    account that is not listed as a collaborator may write."""
    hosted = call.hosted()
    out = payloads.repository(call.links, hosted, full=True)
    if call.token:
        level = hosted.collaborators.get(call.token.account.login.lower(), "write")
        out["permissions"] = {name: level in levels for name, levels in _RIGHTS.items()}
    return answer(out)


@routes.on("GET", _REPO + "/collaborators/{login}/permission", "metadata:read")
def get_permission(call: Call) -> Answer:
    hosted, login = call.hosted(), call.params["login"]
    account = call.github.accounts.get(login.lower())
    if account is None:
        raise not_found()
    owner = account.login == hosted.owner.login
    level = "admin" if owner else hosted.collaborators.get(login.lower(), "none" if hosted.private else "read")
    coarse = {"maintain": "write", "triage": "read"}.get(level, level)
    rights = {name: level in levels for name, levels in _RIGHTS.items()}
    user = payloads.user(call.links, account) | {"permissions": rights, "role_name": level}
    return answer({"permission": coarse, "role_name": level, "user": user})


_RIGHTS = {
    "pull": ("admin", "maintain", "write", "triage", "read"),
    "triage": ("admin", "maintain", "write", "triage"),
    "push": ("admin", "maintain", "write"),
    "maintain": ("admin", "maintain"),
    "admin": ("admin",),
}


@routes.on("GET", _REPO + "/branches", "contents:read")
def list_branches(call: Call) -> Answer:
    hosted = call.hosted()

    def shape(row: tuple[str, str]) -> Json:
        url = f"{call.links.repo(hosted)}/commits/{row[1]}"
        return {"name": row[0], "commit": {"sha": row[1], "url": url}, "protected": False}

    return call.paged(sorted(hosted.repository.branches.items()), shape)


@routes.on("GET", _REPO + "/branches/{branch*}", "contents:read")
def get_branch(call: Call) -> Answer:
    hosted, name = call.hosted(), call.params["branch"]
    sha = hosted.repository.branches.get(name)
    facts = hosted.repository.commit(sha) if sha else None
    if facts is None:
        raise Refusal(404, "Branch not found")
    url = f"{call.links.repo(hosted)}/branches/{name}"
    off = {"enabled": False, "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []}}
    return answer(
        {
            "name": name,
            "commit": payloads.commit(call.links, hosted, facts),
            "_links": {"self": url, "html": f"{call.links.page(hosted)}/tree/{name}"},
            "protected": False,
            "protection": off,
            "protection_url": f"{url}/protection",
        }
    )


@routes.on("GET", _REPO + "/git/ref/{ref*}", "contents:read")
@routes.on("GET", _REPO + "/git/refs/{ref*}", "contents:read")
def get_ref(call: Call) -> Answer:
    """``heads/main``, ``tags/v1``, ``pull/3/head``."""
    hosted, ref = call.hosted(), call.params["ref"]
    known = {f"heads/{name}": sha for name, sha in hosted.repository.branches.items()}
    known |= {f"tags/{name}": sha for name, sha in hosted.repository.tags.items()}
    known |= {f"pull/{pull.number}/head": pull.head_sha for pull in hosted.pulls()}
    found = hosted.repository.read(known[ref]) if ref in known else None
    if found is None:
        raise not_found()
    api, name = call.links.repo(hosted), f"refs/{ref}"
    target = {"sha": found.sha, "type": found.kind, "url": f"{api}/git/{found.kind}s/{found.sha}"}
    node = payloads.node_id("REF", f"{hosted.id}:{name}")
    return answer({"ref": name, "node_id": node, "url": f"{api}/git/{name}", "object": target})


@routes.on("GET", _REPO + "/commits/{ref*}", "contents:read")
def get_commit(call: Call) -> Answer:
    """A commit with its own files: the change against its first parent."""
    hosted = call.hosted()
    sha = hosted.repository.commit_sha(call.params["ref"])
    facts = hosted.repository.commit(sha) if sha else None
    if facts is None:
        raise Refusal(422, f"No commit found for SHA: {call.params['ref']}")
    old = facts.parents[0] if facts.parents else hosted.repository.empty_tree
    changes = hosted.repository.changes(old, facts.sha)
    if call.accepts("diff"):
        return diff_answer(call, changes)
    stats = {"additions": changes.added, "deletions": changes.removed, "total": changes.added + changes.removed}
    files = file_entries(call, hosted, facts.sha, changes.files[: call.github.limits.compare_files])
    return answer(payloads.commit(call.links, hosted, facts) | {"stats": stats, "files": files})


@routes.on("GET", _REPO + "/compare/{span*}", "contents:read")
def compare(call: Call) -> Answer:
    """``base...head``, from the merge base; ``owner:branch`` names a fork's branch."""
    hosted = call.hosted()
    left, dots, right = call.params["span"].partition("...")
    base, head = _end(call, hosted, left), _end(call, hosted, right)
    if not dots or base is None or head is None:
        raise not_found()
    middle = hosted.repository.merge_base(base, head)
    if middle is None:
        raise Refusal(404, f"No common ancestor between {left} and {right}.")
    changes = hosted.repository.changes(middle, head)
    if call.accepts("diff"):
        return diff_answer(call, changes)
    if call.accepts("patch"):
        return Answer(200, hosted.repository.patch_series(middle, head), "application/vnd.github.patch; charset=utf-8")
    return _comparison(call, hosted, base, head, middle)


def _comparison(call: Call, hosted: Hosted, base: str, head: str, middle: str) -> Answer:
    """The JSON of a comparison. Commits are paged; the files are all on the first page."""
    ahead = hosted.repository.commits(head, without=base)
    behind = len(hosted.repository.commits(base, without=head))
    base_facts, middle_facts = hosted.repository.commit(base), hosted.repository.commit(middle)
    if base_facts is None or middle_facts is None:
        raise not_found()
    status = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"
    page = int(call.query["page"]) if call.query.get("page", "").isdecimal() else 1
    size = min(int(call.query["per_page"]), 250) if call.query.get("per_page", "").isdecimal() else 250
    if page < 1 or size < 1:
        raise invalid("Compare", "page", "invalid")
    shown = ahead[(page - 1) * size : page * size]
    files = hosted.repository.changes(middle, head).files[: call.github.limits.compare_files] if page == 1 else ()
    web = f"{call.links.page(hosted)}/compare/{call.params['span']}"
    out = {
        "url": f"{call.links.repo(hosted)}/compare/{call.params['span']}",
        "html_url": web,
        "permalink_url": f"{call.links.page(hosted)}/compare/{base}...{head}",
        "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch",
        "base_commit": payloads.commit(call.links, hosted, base_facts),
        "merge_base_commit": payloads.commit(call.links, hosted, middle_facts),
        "status": status,
        "ahead_by": len(ahead),
        "behind_by": behind,
        "total_commits": len(ahead),
        "commits": [payloads.commit(call.links, hosted, facts) for facts in shown],
        "files": file_entries(call, hosted, head, files),
    }
    return answer(out, headers=call.link(page, size, len(ahead)))


def _end(call: Call, hosted: Hosted, name: str) -> str | None:
    owner, colon, ref = name.partition(":")
    if not colon or owner == hosted.owner.login:
        return hosted.repository.commit_sha(ref if colon else name)
    for other in call.github.repositories.values():
        if other.owner.login == owner and other.fork_of == hosted.full_name:
            call.github.refresh(other)
            hosted.repository.borrow(other.repository)
            return other.repository.commit_sha(ref)
    return None
