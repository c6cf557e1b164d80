"""The App against the sandbox's GitHub: narrowed tokens do the whole work, and nothing else; clocks, ends, manifest."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from reviewbot import errors
from reviewbot.core.change.diff import Side
from reviewbot.core.change.pull_request import PullRequestRef
from reviewbot.core.marker import finding_marker, summary_marker
from reviewbot.core.report.draft import CheckDraft, InlineComment, ReviewDraft
from reviewbot.github.app_auth import AppAuth, create_from_manifest
from reviewbot.github.client import GitHubClient, TokenProvider
from reviewbot.github.installations import POSTER, READER
from reviewbot.github.manifest import PERMISSIONS, app_manifest
from reviewbot.github.pull_requests import GitHubSource
from reviewbot.github.reviews import GitHubSink

pytestmark = pytest.mark.anyio
ENVIRON = {
    "PATH": os.environ["PATH"], "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private() -> str:
    form, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return KEY.private_bytes(serialization.Encoding.PEM, form, plain).decode()


def public() -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return KEY.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


def git(path: Path, *args: str) -> None:
    subprocess.run(["git", *args], cwd=path, env=ENVIRON, check=True, capture_output=True)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("origin")
    git(path, "init", "-q", "--initial-branch=main")
    (path / "AGENTS.md").write_text("Be kind.\n")
    (path / "a.py").write_text("".join(f"line {n}\n" for n in range(1, 41)))
    git(path, "add", "--all")
    git(path, "commit", "-qm", "start")
    git(path, "checkout", "-q", "-b", "topic")
    (path / "a.py").write_text((path / "a.py").read_text().replace("line 10\n", "ten\n"))
    git(path, "commit", "-qam", "topic")
    return path


@dataclass
class World:
    """octo/shop and the private octo/vault, the App installed on both; ``clock`` is GitHub's."""

    github: Any
    url: str
    installation: int
    number: int
    ahead: float = 0.0

    def clock(self) -> float:
        return time.time() + self.ahead

    def app(self, **options: Any) -> AppAuth:
        return AppAuth(str(self.github.app.id), private(), api_url=self.url, **options)

    def client(self, provider: TokenProvider | None) -> GitHubClient:
        return GitHubClient(provider, api_url=self.url)

    def source(self, client: GitHubClient) -> GitHubSource:
        return GitHubSource(client, PullRequestRef("github.com", "octo", "shop", self.number))

    def asked(self, path: str) -> int:
        return [logged.path for logged in self.github.log].count(path)


@pytest.fixture
async def world(origin: Path) -> AsyncIterator[World]:
    sandbox = pytest.importorskip("reviewbot.sandbox.github")
    with ExitStack() as stack:
        github = sandbox.SandboxGitHub({"octo/shop": origin})
        stack.callback(github.close)
        github.add_repository("octo/vault", origin, private=True)
        github.use_app(public_key=public())
        issue = github.add_issue("octo/shop", "Ten", "Write it out")
        number = github.open_pull_request("octo/shop", base="main", head="topic", body=f"Fixes #{issue}")
        url = stack.enter_context(sandbox.running(sandbox.create_app(github)))
        made = World(github, url, github.add_installation("octo", permissions=PERMISSIONS), number)
        github.clock = made.clock
        yield made


async def test_the_reader_s_token_reads_all_that_a_review_takes(world: World) -> None:
    async with world.app().access(world.installation, "octo/shop", READER) as access:
        source = world.source(world.client(access))
        pull = await source.pull_request()
        assert [patch.path for patch in (await source.diff(pull)).files] == ["a.py"]
        seen = await source.surroundings(pull)
        assert (seen.linked_issues, seen.rules) == ((("Ten", "Write it out"),), {"AGENTS.md": "Be kind.\n"})
        assert await source.texts(pull.head_sha, ["AGENTS.md"]) == {"AGENTS.md": b"Be kind.\n"}


async def test_the_poster_s_token_writes_all_that_a_review_is(world: World) -> None:
    async with world.app().access(world.installation, "octo/shop", POSTER) as access:
        client = world.client(access)
        source = world.source(client)
        pull = await source.pull_request()
        comment = InlineComment("a.py", Side.RIGHT, None, 10, f"Ten?\n\n{finding_marker('f')}", "f")
        check = CheckDraft("reviewbot", "success", "All read", "Nothing.")
        summary = f"Read.\n\n{summary_marker()}"
        draft = ReviewDraft("run1", pull.head_sha, "Read.", (comment,), summary, check)
        posted = await GitHubSink(client, source).post(pull, draft)
    assert posted.review_url
    assert posted.summary_url
    assert posted.check_url
    assert posted.notes == ()


@pytest.mark.parametrize(
    ("role", "path", "payload"),
    [
        (READER, "/repos/octo/shop/pulls/2/reviews", {"event": "COMMENT", "body": "x"}),
        (READER, "/repos/octo/shop/issues/2/comments", {"body": "x"}),
        (READER, "/repos/octo/shop/check-runs", {"name": "x", "head_sha": "topic"}),
        (POSTER, "/repos/octo/shop/statuses/topic", {"state": "success"}),
    ],
)
async def test_a_token_can_do_no_more_than_it_was_asked_for(
    world: World, role: Mapping[str, str], path: str, payload: dict[str, Any]
) -> None:
    async def sleep(_: float) -> None:
        """A new token is given a moment; here there is nothing to wait for."""

    async with world.app(sleep=sleep).access(world.installation, "octo/shop", role) as access:
        with pytest.raises(errors.GitHubForbidden):
            await world.client(access).write("POST", path, payload)
        with pytest.raises(errors.GitHubNotFound):
            await world.client(access).get("/repos/octo/vault")


async def test_an_installation_is_looked_up(world: World) -> None:
    found = await world.app().installation_of("octo", "vault")
    assert (found.id, found.account, found.suspended) == (world.installation, "octo", False)
    assert found.lacks(PERMISSIONS) == {}
    assert found.lacks({"contents": "write"}) == {"contents": "write"}
    with pytest.raises(errors.NotInstalled):
        await world.app().installation_of("octo", "other")


@pytest.mark.parametrize("ahead", [-86_400.0, -120.0, 700.0, 86_400.0])
async def test_a_clock_that_is_wrong(world: World, ahead: float) -> None:
    world.ahead = ahead
    app = world.app()
    async with app.access(world.installation, "octo/shop", READER) as access:
        assert (await world.client(access).get("/repos/octo/shop"))["name"] == "shop"
        assert await access.token() == await access.token()
    path = f"/app/installations/{world.installation}/access_tokens"
    assert [logged.status for logged in world.github.log if logged.path == path] == [401, 201]


async def test_a_run_of_three_hours(world: World) -> None:
    app = world.app(clock=world.clock)
    async with app.access(world.installation, "octo/shop", POSTER) as access:
        client = world.client(access)
        for _ in range(7):
            await client.write("POST", "/repos/octo/shop/issues/2/comments", {"body": "Still here"})
            world.ahead += 1_800
    assert len(world.github.hosted("octo/shop").comments) == 7
    assert world.asked(f"/app/installations/{world.installation}/access_tokens") == 4
    assert {logged.status for logged in world.github.log} == {201, 204}


async def test_the_token_ends_with_the_run(world: World) -> None:
    app = world.app()
    async with app.access(world.installation, "octo/shop", READER) as access:
        token = await access.token()
        assert (await GitHubClient(token, api_url=world.url).get("/repos/octo/shop"))["name"] == "shop"
    with pytest.raises(errors.GitHubUnauthorized):
        await GitHubClient(token, api_url=world.url).get("/repos/octo/shop")


async def test_a_token_that_somebody_revoked_is_replaced(world: World) -> None:
    async with world.app(clock=world.clock).access(world.installation, "octo/shop", READER) as access:
        client = world.client(access)
        first = await access.token()
        world.github.tokens.clear()
        world.ahead += 60
        assert (await client.get("/repos/octo/shop"))["name"] == "shop"
        assert await access.token() != first


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda world: world.github.suspend_installation(world.installation), errors.InstallationSuspended),
        (lambda world: world.github.remove_installation(world.installation), errors.NotInstalled),
    ],
)
async def test_the_end_of_an_installation_before_and_in_a_run(world: World, change: Any, kind: type[Exception]) -> None:
    async with world.app(clock=world.clock).access(world.installation, "octo/shop", READER) as access:
        client = world.client(access)
        await client.get("/repos/octo/shop")
        world.ahead += 60
        change(world)
        with pytest.raises(kind):
            await client.get("/repos/octo/shop")
    with pytest.raises(kind):
        await world.app().token_for(world.installation, "octo/shop", READER)


async def test_what_an_installation_did_not_grant(world: World) -> None:
    number = world.github.add_installation("octo", permissions={"contents": "read"}, repositories=["octo/shop"])
    with pytest.raises(errors.PermissionMissing, match="octo was not granted issues: read, pull_requests: read"):
        await world.app().token_for(number, "octo/shop", READER)
    with pytest.raises(errors.NotInstalled, match="octo/vault"):
        await world.app().token_for(number, "octo/vault", {"contents": "read"})


async def test_from_a_manifest_to_a_token(world: World) -> None:
    manifests = pytest.importorskip("reviewbot.sandbox.github.manifests")
    manifest = app_manifest("https://bot.example", "Our Bot")
    assert manifests.problems(manifest) == []
    code = manifests.offer_manifest(world.github, manifest, owner="octo")
    made = await create_from_manifest(world.client(None), code)
    assert (made.slug, made.owner, made.webhook_secret) == ("our-bot", "octo", world.github.app.webhook_secret)
    with pytest.raises(errors.GitHubNotFound, match="404") as caught:
        await create_from_manifest(world.client(None), code)
    assert "once" in caught.value.remedy
    number = world.github.add_installation("octo", permissions=world.github.app.permissions)
    for app_id in (made.app_id, made.client_id):
        app = AppAuth(app_id, made.private_key, api_url=world.url)
        assert (await app.client.get("/app"))["events"] == manifest["default_events"]
        assert (await app.token_for(number, "octo/shop", POSTER)).expires_at > time.time() + 3_500
    with pytest.raises(errors.GitHubUnauthorized, match="could not be decoded"):
        await world.app().token_for(number, "octo/shop", READER)  # the id of the new App, the key of the old one
