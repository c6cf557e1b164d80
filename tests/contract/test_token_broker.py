"""A worker's tokens from a poster over real HTTP, by port and by socket, against the sandbox's GitHub."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI

from reviewbot import errors
from reviewbot.app_wiring import may_write
from reviewbot.core.change.pull_request import PullRequestRef
from reviewbot.github.app_auth import AppAuth
from reviewbot.github.client import GitHubClient
from reviewbot.github.faults import Reply
from reviewbot.github.installations import POSTER, READER
from reviewbot.github.token_broker import BrokeredTokens, fault_body, read_fault
from reviewbot.sandbox.github import SandboxGitHub, create_app
from reviewbot.sandbox.loopback import bind, running
from webhooks.tokens import add_tokens

pytestmark = pytest.mark.anyio
SECRET = "what-worker-and-poster-know"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()
PUBLIC = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)


class World:
    def __init__(self, github: SandboxGitHub, web: str, app_id: int) -> None:
        self.github, self.web = github, web
        self.installation = github.add_installation("octo")
        self.app = FastAPI()
        self.auth = AppAuth(str(app_id), PRIVATE, api_url=web)
        add_tokens(self.app, self.auth, SECRET)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    def git(*words: str) -> None:
        known = ("-c", "user.name=Ann", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
        subprocess.run(["git", *known, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q", "--template=")
    git("commit", "-q", "--allow-empty", "-m", "start")
    github = SandboxGitHub({"octo/shop": tmp_path})
    github.add_repository("octo/vault", tmp_path, private=True)
    app_id = github.use_app(public_key=PUBLIC)
    with running(create_app(github)) as web:
        yield World(github, web, app_id)
    github.close()


@contextmanager
def on_a_socket(app: FastAPI, path: Path) -> Iterator[str]:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"unix:{path}"
    finally:
        server.should_exit = True
        thread.join(10)


async def test_a_worker_gets_tokens_that_read_one_repository(world: World, tmp_path: Path) -> None:
    with on_a_socket(world.app, tmp_path / "p.sock") as url:
        tokens = BrokeredTokens(url, SECRET)
        async with tokens.access(world.installation, "octo/shop", READER) as access:
            token = await access.token()
            assert await access.token() == token
            client = GitHubClient(access, api_url=world.web)
            assert (await client.get("/repos/octo/shop"))["full_name"] == "octo/shop"
            with pytest.raises(errors.GitHubError):
                await client.get("/repos/octo/vault")
            with pytest.raises((errors.GitHubForbidden, errors.GitHubNotFound)):
                await client.write("POST", "/repos/octo/shop/issues/1/comments", {"body": "x"})
            await client.aclose()
        await tokens.aclose()
    levels = {tuple(sorted(set(row.permissions.values()))) for row in world.github.tokens.values()}
    assert levels == {("read",)}


async def test_a_poster_gives_no_tokens_that_write(world: World) -> None:
    with running(world.app) as url:
        tokens = BrokeredTokens(url, SECRET)
        with pytest.raises(errors.GitHubUnauthorized, match="that read"):
            async with tokens.access(world.installation, "octo/shop", POSTER):
                pass
        await tokens.aclose()


@pytest.mark.parametrize("shown", ["", "Bearer wrong", f"Basic {SECRET}", "Bearer caf\u00e9"])
async def test_who_does_not_know_the_secret_gets_nothing(world: World, shown: str) -> None:
    headers = {"Authorization": shown.encode()} if shown else {}
    asked = {"installation_id": world.installation, "repository": "octo/shop"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(world.app), base_url="http://poster") as client:
        answer = await client.post("/tokens", json=asked, headers=headers)  # type: ignore[arg-type]  # bytes on purpose
    assert answer.status_code == 401
    assert world.github.tokens == {}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"installation_id": "1", "repository": "octo/shop"},
        {"installation_id": 1, "repository": "octo/../admin"},
        {"installation_id": 1, "repository": "octo/shop", "permissions": {"contents": "write"}},
        {"installation_id": 1, "repository": "octo/shop", "x": "y" * 10_000},
    ],
)
async def test_what_is_no_ask_is_refused(world: World, asked: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(world.app), base_url="http://poster") as client:
        assert (await client.post("/tokens", json=asked, headers=headers)).status_code == 400


async def test_a_fault_at_github_is_the_same_fault_at_the_worker(world: World) -> None:
    world.github.suspend_installation(world.installation)
    with running(world.app) as url:
        tokens = BrokeredTokens(url, SECRET)
        async with tokens.access(world.installation, "octo/shop", READER) as access:
            with pytest.raises(errors.InstallationSuspended):
                await access.token()
        async with tokens.access(99, "octo/shop", READER) as access:
            with pytest.raises(errors.NotInstalled):
                await access.token()
        wrong = BrokeredTokens(url, "another")
        async with wrong.access(world.installation, "octo/shop", READER) as access:
            with pytest.raises(errors.GitHubUnauthorized, match="does not know this worker"):
                await access.token()
        await tokens.aclose()
        await wrong.aclose()


async def test_a_poster_that_is_away_is_an_error_that_passes() -> None:
    with bind() as taken:  # nobody answers on a port that is only bound, and then closed
        port = taken.getsockname()[1]
    tokens = BrokeredTokens(f"http://127.0.0.1:{port}", SECRET)
    async with tokens.access(1, "octo/shop", READER) as access:
        with pytest.raises(errors.GitHubUnreachable) as caught:
            await access.token()
    assert caught.value.retryable
    assert SECRET not in f"{caught.value!r} {tokens!r}"
    await tokens.aclose()


async def test_a_refused_token_is_asked_for_anew(world: World) -> None:
    with running(world.app) as url:
        tokens = BrokeredTokens(url, SECRET)
        async with tokens.access(world.installation, "octo/shop", READER) as access:
            first = await access.token()
            assert not await access.refused("some other", Reply(401, {}, ""))
            assert not await access.refused(first, Reply(403, {}, ""))
            assert not await access.refused(first, Reply(401, {}, "")), "the poster still gives the same"
        await tokens.aclose()


@pytest.mark.parametrize(
    "error",
    [
        errors.NotInstalled("Gone.", remedy="Install it."),
        errors.GitHubUnreachable("Away."),
        errors.PermissionMissing("No."),
    ],
)
def test_faults_travel_as_they_are(error: errors.GitHubError) -> None:
    found = read_fault(fault_body(error))
    assert (type(found), found.message, found.remedy.startswith(error.remedy)) == (type(error), error.message, True)


@pytest.mark.parametrize("body", [None, [], {}, {"kind": "SystemExit"}, {"kind": "ModelError"}, {"kind": "os"}])
def test_what_is_no_fault_of_ours_is_a_poster_that_failed(body: Any) -> None:
    assert type(read_fault(body)) is errors.GitHubUnreachable


async def test_who_may_write_is_asked_of_github(world: World) -> None:
    world.github.hosted("octo/shop").collaborators.update({"writer": "write", "reader": "read", "boss": "admin"})
    for name in ("writer", "reader", "boss"):
        world.github.account(name)
    client = GitHubClient(world.github.add_token(kind="app"), api_url=world.web)
    ref = PullRequestRef("github.com", "octo", "shop", 1)
    found = {name: await may_write(client, ref, name) for name in ("writer", "boss", "reader", "stranger", "octo")}
    await client.aclose()
    assert found == {"writer": True, "boss": True, "reader": False, "stranger": False, "octo": True}
