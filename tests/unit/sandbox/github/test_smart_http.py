"""git itself as the client."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reviewbot.sandbox.github import create_app, running


@pytest.fixture
def url(github: Any) -> Iterator[str]:
    with running(create_app(github)) as url:
        yield url


@pytest.fixture
def clone(git: Any, tmp_path: Path) -> Any:
    (tmp_path / "clone").mkdir()
    clone = type(git)(tmp_path / "clone")
    clone("init", "-q", "--bare")
    return clone


def test_shallow_and_blobless(git: Any, clone: Any, url: str) -> None:
    clone("fetch", "-q", "--depth=1", "--filter=blob:none", f"{url}/octo/shop.git", "refs/pull/2/head:refs/heads/pull")
    assert clone("rev-parse", "pull") == git("rev-parse", "feature/cards")
    assert clone("rev-list", "--count", "pull") == "1"
    objects = clone("cat-file", "--batch-all-objects", "--batch-check=%(objecttype)").split()
    assert "blob" not in objects
    clone("remote", "add", "origin", f"{url}/octo/shop.git")
    clone("config", "remote.origin.promisor", "true")
    assert clone("show", "pull:new.py") == "x", "a missing blob is fetched when it is asked for"


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_protocols(git: Any, clone: Any, url: str, version: str) -> None:
    listed = clone("-c", f"protocol.version={version}", "ls-remote", f"{url}/octo/shop.git")
    refs = {line.split("\t")[1]: line.split("\t")[0] for line in listed.split("\n")}
    head = git("rev-parse", "feature/cards")
    assert refs["refs/heads/feature/cards"] == refs["refs/pull/2/head"] == head
    assert refs["HEAD"] == git("rev-parse", "main")
    clone("-c", f"protocol.version={version}", "fetch", "-q", f"{url}/octo/shop", "main")


def test_any_object_by_its_id(git: Any, clone: Any, url: str) -> None:
    git("switch", "-q", "feature/cards")
    old = git("rev-parse", "HEAD")
    git("commit", "-q", "--amend", "-m", "Amended")
    clone("fetch", "-q", "--depth=1", f"{url}/octo/shop.git", old)
    assert clone("rev-parse", "FETCH_HEAD") == old


def test_a_push_is_seen_at_once(git: Any, clone: Any, url: str) -> None:
    git("switch", "-q", "feature/cards")
    sha = git.commit("Push", {"pushed.py": "x\n"})
    clone("fetch", "-q", f"{url}/octo/shop.git", "refs/pull/2/head")
    assert clone("rev-parse", "FETCH_HEAD") == sha


def test_private(git: Any, github: Any, clone: Any, url: str) -> None:
    github.add_repository("octo/secret", git.path, private=True)
    token = github.add_token()
    host = url.removeprefix("http://")
    clone("-c", "credential.helper=", "ls-remote", f"http://x-access-token:{token}@{host}/octo/secret.git")
    blind = github.add_token(kind="app", permissions={"pull_requests": "read"})
    for address in (f"{url}/octo/secret.git", f"http://x:{blind}@{host}/octo/secret.git", f"{url}/octo/nope.git"):
        with pytest.raises(subprocess.CalledProcessError):
            clone("-c", "core.askPass=true", "-c", "credential.helper=", "ls-remote", address)


def test_nothing_is_received(git: Any, url: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        git("push", "-q", f"{url}/octo/shop.git", "main:refs/heads/new")
    assert "403" in caught.value.stderr
    assert "new" not in git("branch", "--list")


def test_a_large_request(git: Any, clone: Any, url: str) -> None:
    """git compresses a long list of haves."""
    git("switch", "-q", "main")
    for number in range(30):
        git("commit", "-q", "--allow-empty", "-m", str(number))
    clone("fetch", "-q", f"{url}/octo/shop.git", "main:main")
    git.commit("More", {"more.py": os.urandom(200_000)})
    clone("fetch", "-q", f"{url}/octo/shop.git", "main:main")
    assert clone("rev-parse", "main") == git("rev-parse", "main")
