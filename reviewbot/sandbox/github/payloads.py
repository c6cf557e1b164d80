"""GitHub's JSON for accounts, repositories, commits, files, reactions and labels, as its OpenAPI description has it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from reviewbot.sandbox.github.changes import ChangedFile
    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.objects import Commit, Person
    from reviewbot.sandbox.github.records import Account, Reaction

Json = dict[str, Any]

_LATER = {
    "archive": "/{archive_format}{/ref}",
    "assignees": "/assignees{/user}",
    "blobs": "/git/blobs{/sha}",
    "branches": "/branches{/branch}",
    "collaborators": "/collaborators{/collaborator}",
    "comments": "/comments{/number}",
    "commits": "/commits{/sha}",
    "compare": "/compare/{base}...{head}",
    "contents": "/contents/{+path}",
    "contributors": "/contributors",
    "deployments": "/deployments",
    "downloads": "/downloads",
    "events": "/events",
    "forks": "/forks",
    "git_commits": "/git/commits{/sha}",
    "git_refs": "/git/refs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "hooks": "/hooks",
    "issue_comment": "/issues/comments{/number}",
    "issue_events": "/issues/events{/number}",
    "issues": "/issues{/number}",
    "keys": "/keys{/key_id}",
    "labels": "/labels{/name}",
    "languages": "/languages",
    "merges": "/merges",
    "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}",
    "pulls": "/pulls{/number}",
    "releases": "/releases{/id}",
    "stargazers": "/stargazers",
    "statuses": "/statuses/{sha}",
    "subscribers": "/subscribers",
    "subscription": "/subscription",
    "tags": "/tags",
    "teams": "/teams",
    "trees": "/git/trees{/sha}",
}
_PERSONAL = {
    "followers": "/followers",
    "following": "/following{/other_user}",
    "gists": "/gists{/gist_id}",
    "starred": "/starred{/owner}{/repo}",
    "subscriptions": "/subscriptions",
    "organizations": "/orgs",
    "repos": "/repos",
    "events": "/events{/privacy}",
    "received_events": "/received_events",
}


class Links(NamedTuple):
    """Where this GitHub is, as the client sees it: the API's root and the web's, both without a slash at the end."""

    api: str
    web: str

    def repo(self, hosted: Hosted) -> str:
        return f"{self.api}/repos/{hosted.full_name}"

    def page(self, hosted: Hosted) -> str:
        return f"{self.web}/{hosted.full_name}"


def node_id(kind: str, number: int | str) -> str:
    """A global id that GraphQL takes back: ``parse_node_id`` reads it."""
    return f"{kind}_" + base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def parse_node_id(value: str, kind: str) -> str | None:
    """What ``node_id`` was made of, None when it is none of this kind."""
    head, _, tail = value.partition("_")
    if head != kind:
        return None
    try:
        return base64.urlsafe_b64decode(tail + "=" * (-len(tail) % 4)).decode()
    except ValueError:
        return None


def user(links: Links, account: Account) -> Json:
    """``simple-user``."""
    api = f"{links.api}/users/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("U", account.id),
        "avatar_url": f"{links.web}/avatars/{account.id}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{links.web}/{account.login}",
        **{f"{name}_url": api + path for name, path in _PERSONAL.items()},
        "type": account.kind,
        "site_admin": False,
    }


def private_user(links: Links, account: Account) -> Json:
    """``private-user``, the answer to ``GET /user``."""
    unknown = ("name", "company", "blog", "location", "email", "hireable", "bio")
    counts = ("public_repos", "public_gists", "followers", "following", "private_gists", "total_private_repos")
    more = ("owned_private_repos", "disk_usage", "collaborators")
    return {
        **user(links, account),
        **dict.fromkeys(unknown),
        **dict.fromkeys((*counts, *more), 0),
        "two_factor_authentication": True,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
    }


def repository(links: Links, hosted: Hosted, *, full: bool = False) -> Json:
    """``repository``, or ``full-repository`` with its three further counts."""
    web, api = links.page(hosted), links.repo(hosted)
    still_open = sum(issue.state == "open" for issue in hosted.issues.values())
    out: Json = {
        "id": hosted.id,
        "node_id": node_id("R", hosted.id),
        "name": hosted.name,
        "full_name": hosted.full_name,
        "owner": user(links, hosted.owner),
        "private": hosted.private,
        "visibility": "private" if hosted.private else "public",
        "html_url": web,
        "description": None,
        "fork": hosted.fork_of is not None,
        "url": api,
        **{f"{name}_url": api + path for name, path in _LATER.items()},
        "git_url": f"{web.replace('http', 'git', 1)}.git",
        "ssh_url": f"git@{links.web.partition('//')[2]}:{hosted.full_name}.git",
        "clone_url": f"{web}.git",
        "svn_url": web,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "forks": 0,
        "forks_count": 0,
        "stargazers_count": 0,
        "watchers": 0,
        "watchers_count": 0,
        "size": 0,
        "open_issues": still_open,
        "open_issues_count": still_open,
        "default_branch": hosted.repository.default_branch,
        "topics": [],
        "has_issues": True,
        "has_projects": True,
        "has_wiki": False,
        "has_pages": False,
        "has_downloads": False,
        "has_discussions": False,
        "archived": False,
        "disabled": False,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "custom_properties": {},
        "pushed_at": hosted.created_at,
        "created_at": hosted.created_at,
        "updated_at": hosted.created_at,
    }
    if full:
        out |= {"subscribers_count": 0, "network_count": 0, "permissions": {"admin": False, "push": True, "pull": True}}
    return out


def _person(person: Person) -> Json:
    return {"name": person.name, "email": person.email, "date": person.date}


def commit(links: Links, hosted: Hosted, facts: Commit) -> Json:
    """``commit``. Accounts are null: a git author is nobody's account here."""
    api, web = links.repo(hosted), links.page(hosted)
    return {
        "sha": facts.sha,
        "node_id": node_id("C", facts.sha),
        "commit": {
            "author": _person(facts.author),
            "committer": _person(facts.committer),
            "message": facts.message,
            "tree": {"sha": facts.tree, "url": f"{api}/git/trees/{facts.tree}"},
            "url": f"{api}/git/commits/{facts.sha}",
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "url": f"{api}/commits/{facts.sha}",
        "html_url": f"{web}/commit/{facts.sha}",
        "comments_url": f"{api}/commits/{facts.sha}/comments",
        "author": None,
        "committer": None,
        "parents": [
            {"sha": sha, "url": f"{api}/commits/{sha}", "html_url": f"{web}/commit/{sha}"} for sha in facts.parents
        ],
    }


def file_entry(links: Links, hosted: Hosted, head: str, file: ChangedFile, *, cut: bool = False) -> Json:
    """``diff-entry``; ``cut`` gives what GitHub says of a file behind its patch-line limit: zeros and no patch."""
    api, web = links.repo(hosted), links.page(hosted)
    out: Json = {
        "sha": file.sha,
        "filename": file.path,
        "status": file.status,
        "additions": 0 if cut else file.added,
        "deletions": 0 if cut else file.removed,
        "changes": 0 if cut else file.added + file.removed,
        "blob_url": f"{web}/blob/{head}/{file.path}",
        "raw_url": f"{web}/raw/{head}/{file.path}",
        "contents_url": f"{api}/contents/{file.path}?ref={head}",
    }
    if file.patch is not None and not cut:
        out["patch"] = file.patch.decode("utf-8", "replace")
    if file.status in ("renamed", "copied"):
        out["previous_filename"] = file.old_path
    return out


def reaction(links: Links, record: Reaction) -> Json:
    return {
        "id": record.id,
        "node_id": node_id("REA", record.id),
        "user": user(links, record.author),
        "content": record.content,
        "created_at": record.created_at,
    }


def reaction_rollup(url: str, reactions: list[Reaction]) -> Json:
    """Counts per content, and in all."""
    kinds = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    counts = {kind: sum(reaction.content == kind for reaction in reactions) for kind in kinds}
    return {"url": f"{url}/reactions", "total_count": len(reactions), **counts}


def label(links: Links, hosted: Hosted, name: str) -> Json:
    number = hosted.labels.setdefault(name, hosted.id * 1_000 + len(hosted.labels))
    url = f"{links.repo(hosted)}/labels/{name}"
    more = {"color": "ededed", "default": False, "description": None}
    return {"id": number, "node_id": node_id("LA", number), "url": url, "name": name, **more}
