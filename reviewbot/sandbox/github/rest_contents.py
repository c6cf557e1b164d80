"""REST: trees, blobs and contents."""

from __future__ import annotations

import base64
import posixpath
from typing import TYPE_CHECKING

from reviewbot.sandbox.github import payloads
from reviewbot.sandbox.github.calls import Answer, Call, Refusal, Routes, answer, not_found

if TYPE_CHECKING:
    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.objects import GitObject, TreeEntry
    from reviewbot.sandbox.github.payloads import Json

routes = Routes()
_REPO = "/repos/{owner}/{repo}"


@routes.on("GET", _REPO + "/git/trees/{sha*}", "contents:read")
def get_tree(call: Call) -> Answer:
    hosted = call.hosted()
    sha, limit = call.params["sha"], call.github.limits.tree_entries
    commit = hosted.repository.commit_sha(sha)
    found = hosted.repository.read(f"{commit or sha}^{{tree}}")
    if found is None:
        raise not_found()
    entries = hosted.repository.tree(found.sha, recursive=bool(call.query.get("recursive")))
    api = call.links.repo(hosted)

    def shape(entry: TreeEntry) -> Json:
        row: Json = {"path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha}
        if entry.size is not None:
            row["size"] = entry.size
        return row if entry.kind == "commit" else row | {"url": f"{api}/git/{entry.kind}s/{entry.sha}"}

    out = {"sha": found.sha, "url": f"{api}/git/trees/{found.sha}", "tree": [shape(row) for row in entries[:limit]]}
    return answer(out | {"truncated": len(entries) > limit})


@routes.on("GET", _REPO + "/git/blobs/{sha}", "contents:read")
def get_blob(call: Call) -> Answer:
    hosted = call.hosted()
    found = hosted.repository.read(call.params["sha"])
    if found is None or found.kind != "blob":
        raise not_found()
    if len(found.data) > call.github.limits.raw_bytes:
        raise _too_large()
    if call.accepts("raw"):
        return Answer(200, found.data, "application/vnd.github.raw; charset=utf-8")
    facts = {"sha": found.sha, "node_id": payloads.node_id("B", found.sha), "size": len(found.data)}
    url = f"{call.links.repo(hosted)}/git/blobs/{found.sha}"
    return answer(facts | {"url": url, "content": _base64(found.data), "encoding": "base64"})


@routes.on("GET", _REPO + "/contents", "contents:read")
@routes.on("GET", _REPO + "/contents/{path*}", "contents:read")
def get_contents(call: Call) -> Answer:
    """A file, a directory, a symlink or a submodule at ``ref``."""
    hosted, path = call.hosted(), call.params.get("path", "").strip("/")
    ref = call.query.get("ref") or hosted.repository.default_branch
    commit = hosted.repository.commit_sha(ref)
    if commit is None:
        raise Refusal(404, f"No commit found for the ref {ref}")
    if ".." in path.split("/"):
        raise not_found()
    found = hosted.repository.read(f"{commit}:{path}")
    entry = _tree_entry(hosted, commit, path)
    if found is not None and found.kind == "tree":
        entries = hosted.repository.tree(found.sha)[: call.github.limits.directory_entries]
        return answer([_listed(call, hosted, ref, path, row) for row in entries])
    if entry is None:
        raise not_found()
    if entry.kind == "commit":
        url = hosted.repository.submodule_url(commit, path)
        return answer(_content(call, hosted, ref, path, entry) | {"type": "submodule", "submodule_git_url": url})
    if entry.mode == "120000" and found is not None:
        target = found.data.decode("utf-8", "replace")
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        behind = None if inside.startswith(("..", "/")) else _tree_entry(hosted, commit, inside)
        if behind is None or not behind.mode.startswith("100"):
            return answer(_content(call, hosted, ref, path, entry) | {"type": "symlink", "target": target})
        found = hosted.repository.read(behind.sha)
    if found is None:
        raise not_found()
    return _file_answer(call, hosted, ref, path, entry, found)


def _file_answer(call: Call, hosted: Hosted, ref: str, path: str, entry: TreeEntry, found: GitObject) -> Answer:
    """Base64 up to 1 MB; above that only the raw media type has the text, and the object one says ``none``."""
    limits, size = call.github.limits, len(found.data)
    if size > limits.raw_bytes:
        raise _too_large()
    if call.accepts("raw"):
        return Answer(200, found.data, "application/vnd.github.raw; charset=utf-8")
    small = size <= limits.contents_bytes
    text = {"content": _base64(found.data) if small else "", "encoding": "base64" if small else "none"}
    return answer(_content(call, hosted, ref, path, entry) | {"type": "file", "size": size} | text)


def _too_large() -> Refusal:
    error = {"resource": "Blob", "field": "data", "code": "too_large"}
    message = "This API returns blobs up to 100 MB in size. The requested blob is too large to fetch via the API."
    return Refusal(403, message, errors=[error])


def _base64(data: bytes) -> str:
    return base64.encodebytes(data).decode("ascii")


def _tree_entry(hosted: Hosted, commit: str, path: str) -> TreeEntry | None:
    """The entry of a path: needed for its mode, which an object does not know."""
    parent = hosted.repository.read(f"{commit}:{posixpath.dirname(path)}")
    if parent is None or parent.kind != "tree" or not path:
        return None
    name = posixpath.basename(path)
    return next((row for row in hosted.repository.tree(parent.sha) if row.path == name), None)


def _listed(call: Call, hosted: Hosted, ref: str, folder: str, entry: TreeEntry) -> Json:
    """An entry of a directory; a submodule is called a file there, by the API's first version's rule."""
    path = posixpath.join(folder, entry.path)
    kind = {"tree": "dir", "commit": "file"}.get(entry.kind, "symlink" if entry.mode == "120000" else "file")
    return _content(call, hosted, ref, path, entry) | {"type": kind}


def _content(call: Call, hosted: Hosted, ref: str, path: str, entry: TreeEntry) -> Json:
    api, web = call.links.repo(hosted), call.links.page(hosted)
    kind = "trees" if entry.kind in ("tree", "commit") else "blobs"
    url, git = f"{api}/contents/{path}?ref={ref}", f"{api}/git/{kind}/{entry.sha}"
    html = f"{web}/{'tree' if kind == 'trees' else 'blob'}/{ref}/{path}"
    raw = f"{web}/raw/{ref}/{path}" if kind == "blobs" else None
    return {
        "name": posixpath.basename(path),
        "path": path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": url,
        "html_url": html,
        "git_url": git,
        "download_url": raw,
        "_links": {"self": url, "git": git, "html": html},
    }
