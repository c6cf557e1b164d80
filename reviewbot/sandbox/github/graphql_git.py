"""GraphQL's people and git objects: accounts, blobs, trees, commits, as dictionaries."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reviewbot.sandbox.github.calls import Call
from reviewbot.sandbox.github.graphql_paging import Fields, Problem
from reviewbot.sandbox.github.payloads import node_id

if TYPE_CHECKING:
    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.objects import GitObject, TreeEntry
    from reviewbot.sandbox.github.records import Account

#: git's own test for binary data looks at so many bytes.
_BINARY_BYTES = 8_000


@dataclass(frozen=True, slots=True)
class GitObjects:
    """Makes GraphQL objects for one request."""

    call: Call

    def account(self, account: Account) -> Fields:
        bot = account.kind == "Bot"
        return {
            "__typename": account.kind,
            "id": node_id("BOT" if bot else "U", account.id),
            # GitHub's GraphQL leaves the "[bot]" of REST out of an author's login.
            "login": account.login.removesuffix("[bot]") if bot else account.login,
            "databaseId": account.id,
            "url": f"{self.call.links.web}/{account.login}",
            "name": None,
        }

    def covers(self, hosted: Hosted) -> bool:
        """Whether the token was given this repository."""
        chosen = self.call.speaker().repositories
        return chosen is None or hosted.full_name.lower() in chosen

    def need(self, permission: str, level: str) -> None:
        """Raises Problem FORBIDDEN when the token may not."""
        token = self.call.speaker()
        if not token.allows(permission, level):
            kind = "personal access token" if token.kind == "personal" else "integration"
            raise Problem("FORBIDDEN", f"Resource not accessible by {kind}")

    def git_object(self, hosted: Hosted, expression: str) -> Fields | None:
        self.need("contents", "read")
        name, colon, path = expression.partition(":")
        commit = hosted.repository.commit_sha(name) if colon or name in hosted.repository.branches else None
        found = hosted.repository.read(f"{commit or name}{colon}{path}")
        return self._shaped(hosted, found, path) if found else None

    def _shaped(self, hosted: Hosted, found: GitObject, path: str) -> Fields:
        out: Fields = {"__typename": found.kind.capitalize(), "id": node_id("O", found.sha), "oid": found.sha}
        if found.kind == "blob":
            binary, limit = b"\0" in found.data[:_BINARY_BYTES], self.call.github.limits.graphql_text_bytes
            text = None if binary else found.data[:limit].decode("utf-8", "replace")
            size = len(found.data)
            return out | {"text": text, "isBinary": binary, "isTruncated": size > limit, "byteSize": size}
        if found.kind == "tree":
            return out | {"entries": lambda _info: self._entries(hosted, found.sha, path)}
        return out | self.commit(hosted, found.sha) if found.kind == "commit" else out

    def _entries(self, hosted: Hosted, sha: str, folder: str) -> list[Fields]:
        def shape(entry: TreeEntry) -> Fields:
            path = posixpath.join(folder, entry.path)

            def behind(_info: object) -> Fields | None:
                found = hosted.repository.read(entry.sha)
                return self._shaped(hosted, found, path) if found else None

            facts = {"name": entry.path, "path": path, "type": entry.kind, "oid": entry.sha, "size": entry.size or 0}
            return facts | {"mode": int(entry.mode, 8), "object": behind}

        return [shape(entry) for entry in hosted.repository.tree(sha)]

    def commit(self, hosted: Hosted, sha: str) -> Fields:
        """A commit by its id. Raises Problem NOT_FOUND."""
        facts = hosted.repository.commit(sha)
        if facts is None:
            raise Problem("NOT_FOUND", f"Could not resolve to a Commit with the oid of '{sha}'.")
        headline, _, rest = facts.message.partition("\n")
        return {
            "__typename": "Commit",
            "id": node_id("C", sha),
            "oid": sha,
            "message": facts.message,
            "messageHeadline": headline,
            "messageBody": rest.strip("\n"),
            "committedDate": facts.committer.date,
            "authoredDate": facts.author.date,
        }
