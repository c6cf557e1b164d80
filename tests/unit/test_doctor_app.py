"""What doctor says of a GitHub App and its server: the sandbox's GitHub, the real receiver, and one fault at a time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from reviewbot.cli import run
from reviewbot.doctor_app import app_checks, event_check, permission_checks
from reviewbot.doctor_check import Check
from reviewbot.doctor_hook import address_check, config_checks
from reviewbot.github.manifest import EVENTS, PERMISSIONS
from reviewbot.sandbox.github import SandboxGitHub, running
from reviewbot.sandbox.github import create_app as create_github
from reviewbot.sandbox.github.hooks import Message
from reviewbot.settings import Settings
from reviewbot.store.deliveries import MemoryInbox
from webhooks.app import create_app

SECRET = "s3cr3t-hook"
KEYS = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]


def pem(number: int = 0) -> str:
    form, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return KEYS[number].private_bytes(serialization.Encoding.PEM, form, plain).decode()


@dataclass
class World:
    """GitHub with the App, installed on octo, and the App's server."""

    github: SandboxGitHub
    web: str
    bot: str
    folder: Path
    installation: int

    def settings(self, **changes: Any) -> Settings:
        known = {"github_api_url": self.web, "github_server_url": self.web, "app_id": str(self.github.app.id)}
        known |= {"private_key": pem(), "webhook_secrets": (SECRET,), "data_dir": self.folder}
        return Settings(**(known | changes))  # type: ignore[arg-type]

    def checks(self, server: str = "", **changes: Any) -> dict[str, Check]:
        """By name; of several of one name the first that is not well."""
        return by_name(self.all(server, **changes))

    def all(self, server: str = "", **changes: Any) -> list[Check]:
        found = anyio.run(app_checks, self.settings(**changes), server)
        said = repr(found)
        assert SECRET not in said
        assert "PRIVATE KEY" not in said
        assert "ghs_" not in said
        assert all(check.remedy for check in found if check.state != "ok")
        return found

    def app(self, **changes: Any) -> None:
        self.github.app = replace(self.github.app, **changes)


def by_name(checks: list[Check]) -> dict[str, Check]:
    found: dict[str, Check] = {}
    for check in checks:
        if check.name not in found or found[check.name].state == "ok":
            found[check.name] = check
    return found


def bad(checks: dict[str, Check]) -> dict[str, str]:
    return {name: check.state for name, check in checks.items() if check.state != "ok"}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop")
    people = {f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **people}
    for words in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "start"]):
        subprocess.run(["git", *words], cwd=path, env=environ, check=True, capture_output=True)
    return path


@pytest.fixture
def world(repository: Path, tmp_path: Path) -> Iterator[World]:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    public = KEYS[0].public_key().public_bytes(serialization.Encoding.PEM, kind).decode()
    tmp_path.chmod(0o700)
    with ExitStack() as stack:
        github = SandboxGitHub({"octo/shop": repository, "octo/site": repository})
        stack.callback(github.close)
        web = stack.enter_context(running(create_github(github)))
        bot = stack.enter_context(running(create_app(MemoryInbox(), SECRET, bot_login="reviewbot-sandbox[bot]")))
        github.use_app(public_key=public, hook_url=f"{bot}/webhooks/github", webhook_secret=SECRET)
        made = World(github, web, bot, tmp_path, github.add_installation("octo", permissions=PERMISSIONS))
        github.hooks.drain()  # of the installation it was told
        made.app(permissions=dict(PERMISSIONS), events=tuple(EVENTS))
        yield made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on this machine is there a moment later."""
    monkeypatch.setattr("reviewbot.github.client._FIRST_PAUSE", 0.01)


def test_all_is_well(world: World) -> None:
    checks = world.checks()
    assert bad(checks) == {}
    assert checks["GitHub App"].detail.startswith(f"reviewbot-sandbox, id {world.github.app.id}, of octo-org")
    assert checks["GitHub installations"].detail == "1, 0 suspended; 2 repositories"
    assert checks["webhook"].detail == f"deliveries go to {world.bot}/webhooks/github"
    assert set(checks) == {
        "data folder", "GitHub App", "GitHub App permissions", "GitHub App events", "GitHub installations", "webhook",
        "webhook form", "webhook server", "webhook secret", "webhook signature", "webhook deliveries", "clock",
    }  # fmt: skip
    assert world.github.tokens == {}, "the tokens that it asked for are ended"


def test_a_wrong_key(world: World) -> None:
    checks = world.checks(private_key=pem(1))
    assert bad(checks) == {"GitHub App": "problem"}
    assert "could not be decoded" in checks["GitHub App"].detail
    assert "private key" in checks["GitHub App"].remedy


def test_a_wrong_id(world: World) -> None:
    checks = world.checks(app_id="999999")
    assert bad(checks) == {"GitHub App": "problem"}
    assert "REVIEWBOT_APP_ID" in checks["GitHub App"].remedy


@pytest.mark.parametrize("changes", [{"app_id": ""}, {"private_key": ""}, {"private_key": "-----BEGIN no key"}])
def test_an_app_that_is_not_configured(world: World, changes: dict[str, str]) -> None:
    assert bad(world.checks(**changes)) == {"App settings": "problem"}


def test_another_name(world: World) -> None:
    checks = world.checks(app_slug="renamed")
    assert bad(checks) == {"App settings": "problem"}
    assert "Set REVIEWBOT_APP_SLUG to reviewbot-sandbox" in checks["App settings"].remedy


def test_permissions_and_events(world: World) -> None:
    granted = {**PERMISSIONS, "checks": "read", "contents": "write", "members": "read"}
    del granted["issues"]
    world.app(permissions=granted, events=("pull_request",))
    found = {(check.name, check.state): check for check in world.all()}
    lacking = found["GitHub App permissions", "problem"]
    assert lacking.detail == "missing: issues: write, checks: write"
    assert f"{world.web}/organizations/octo-org/settings/apps/reviewbot-sandbox/permissions" in lacking.remedy
    assert found["GitHub App permissions", "warning"].detail == "more than needed: contents: write"
    assert "issue_comment" in found["GitHub App events", "problem"].detail


def test_what_the_app_may_do_as_values() -> None:
    assert [check.state for check in permission_checks(PERMISSIONS, "p")] == ["ok"]
    assert [check.state for check in permission_checks({**PERMISSIONS, "issues": "admin"}, "p")] == ["warning"]
    assert [check.state for check in permission_checks({}, "p")] == ["problem"]
    assert event_check(None, "p").state == "problem"
    assert event_check([*EVENTS, "push"], "p").state == "ok"


def test_deliveries_go_elsewhere(world: World) -> None:
    world.app(hook_url="http://127.0.0.1:9/webhooks/github")
    checks = world.checks(public_url=world.bot)
    assert bad(checks) == {"webhook": "problem"}
    assert f"Set the address to {world.bot}/webhooks/github" in checks["webhook"].remedy
    assert bad(world.checks(world.bot)) == {"webhook": "problem"}, "an address that is given beats the App's"
    checks = world.checks()
    assert bad(checks) == {"webhook server": "problem"}
    assert "http://127.0.0.1:9/healthz does not answer (ConnectError)" in checks["webhook server"].detail
    assert "webhook secret" not in checks, "one fault, one problem"


@pytest.mark.parametrize(
    ("url", "expected", "state", "said"),
    [
        ("https://b.example/webhooks/github", "", "ok", "deliveries go to https://b.example/webhooks/github"),
        ("https://b.example/x/webhooks/github", "https://b.example/x/", "ok", "deliveries go to"),
        ("https://b.example/hook", "", "problem", "does not end with /webhooks/github"),
        ("https://u:s3cr3t@b.example/hook?t=s3cr3t", "", "problem", "https://b.example/hook,"),
        ("", "", "problem", "has no address"),
        ("https://b.example/webhooks/github", "https://c.example", "problem", "the server is at https://c.example"),
    ],
)
def test_the_address_of_the_webhook(url: str, expected: str, state: str, said: str) -> None:
    found = address_check(url, expected)
    assert found.state == state
    assert said in found.detail
    assert "s3cr3t" not in found.detail + found.remedy


@pytest.mark.parametrize(
    ("changes", "bad_checks"),
    [
        ({}, {}),
        ({"content_type": "form"}, {"webhook form": "problem"}),
        ({"insecure_ssl": "1"}, {"webhook form": "warning"}),
        ({"insecure_ssl": 0}, {}),
        ({"secret": None}, {"webhook secret": "problem"}),
    ],
)
def test_the_form_of_deliveries(changes: dict[str, Any], bad_checks: dict[str, str]) -> None:
    config = {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": "https://b.example"}
    assert bad(by_name(config_checks(config | changes))) == bad_checks


def test_an_app_without_a_secret(world: World) -> None:
    world.app(webhook_secret="")
    assert bad(world.checks()) == {"webhook secret": "problem"}


@pytest.mark.parametrize(("secrets", "said"), [
    (("another",), "does not know the secret"),
    ((SECRET, "another"), "does not know one of the secrets"),
    ((), "not set here"),
])  # fmt: skip
def test_the_server_knows_another_secret(world: World, secrets: tuple[str, ...], said: str) -> None:
    checks = world.checks(webhook_secrets=secrets)
    assert bad(checks) == {"webhook secret": "problem"}
    assert said in checks["webhook secret"].detail


def test_github_signs_with_another_secret(world: World) -> None:
    world.app(webhook_secret="another")
    world.github.hooks.send(Message("ping", None, {"zen": "x"}))
    world.github.hooks.drain()
    checks = world.checks()
    assert bad(checks) == {"webhook deliveries": "problem"}
    assert checks["webhook deliveries"].detail == "the newest was refused for its signature (401)"
    assert "REVIEWBOT_WEBHOOK_SECRET" in checks["webhook deliveries"].remedy


def test_lost_deliveries(world: World) -> None:
    world.github.hooks.lose(3)
    for event in ("ping", "push", "push", "push"):
        world.github.hooks.send(Message(event, None, {"zen": "x"}))
    world.github.hooks.drain()
    checks = world.checks()
    assert bad(checks) == {"webhook deliveries": "warning"}
    assert checks["webhook deliveries"].detail == "2 of 4 in the last 3 days were never taken: 2 not answered"


class Careless:
    """A server that looks like reviewbot and believes everybody; or one that is something else."""

    def __init__(self, health: bytes = b'{"status": "ok"}', status: int = 200) -> None:
        self.health, self.status = health, status

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        body = self.health if scope["path"] == "/healthz" else b"{}"
        status = 200 if scope["path"] == "/healthz" else self.status
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})


def test_a_server_that_does_not_check_signatures(world: World) -> None:
    with running(Careless()) as url:
        world.app(hook_url=f"{url}/webhooks/github")
        checks = world.checks()
    assert bad(checks) == {"webhook signature": "problem"}
    assert "was answered 200, not 401" in checks["webhook signature"].detail


def test_a_server_that_is_another(world: World) -> None:
    for health in (b"<html>", b"{}", b"\xff"):
        with running(Careless(health)) as url:
            assert bad(world.checks(url)) == {"webhook": "problem", "webhook server": "problem"}


def test_a_server_that_takes_no_deliveries(world: World) -> None:
    with running(Careless(status=404)) as url:
        checks = world.checks(url)
    assert "was answered 404" in checks["webhook secret"].detail
    assert checks["webhook signature"].state == "problem"


def test_installations(world: World) -> None:
    world.github.suspend_installation(world.installation)
    world.github.add_installation("acme", permissions={"contents": "read", "issues": "write"})
    found = [check for check in world.all() if check.name == "GitHub installations"]
    assert [check.state for check in found] == ["warning", "warning", "ok"]
    assert found[0].detail == "the installation on octo is suspended"
    assert found[1].detail == "acme did not grant pull_requests: write, checks: write"
    assert "/settings/installations/" in found[1].remedy
    assert found[2].detail == "2, 1 suspended; 0 repositories"


def test_installed_nowhere(world: World) -> None:
    world.github.remove_installation(world.installation)
    checks = world.checks()
    assert bad(checks) == {"GitHub installations": "warning"}
    assert f"{world.web}/apps/reviewbot-sandbox/installations/new" in checks["GitHub installations"].remedy


def test_github_is_away(world: World, quick: None) -> None:
    nowhere = "http://127.0.0.1:9"
    checks = world.checks(github_api_url=nowhere, github_server_url=nowhere)
    assert bad(checks) == {"GitHub App": "problem"}
    assert "did not answer" in checks["GitHub App"].detail


def test_a_part_that_github_refuses_hides_no_other(world: World) -> None:
    world.github.faults.add("/app/installations$", "status:403")
    checks = world.checks()
    assert bad(checks) == {"GitHub App": "problem"}
    assert checks["webhook server"].state == "ok"


@pytest.mark.parametrize(("ahead", "said"), [(300, "300 seconds behind"), (-40, "40 seconds ahead of")])
def test_a_wrong_clock(world: World, ahead: int, said: str) -> None:
    world.github.clock = lambda: time.time() + ahead
    found = world.checks()["clock"]
    assert found.state == "warning"
    assert said in re.sub(r"\b(299|301) ", "300 ", re.sub(r"\b(39|41) ", "40 ", found.detail))


@pytest.mark.parametrize(("mode", "state"), [(0o700, "ok"), (0o755, "warning"), (0o770, "problem"), (0o777, "problem")])
def test_the_data_folder(world: World, mode: int, state: str) -> None:
    world.folder.chmod(mode)
    found = world.checks()["data folder"]
    world.folder.chmod(0o700)
    assert found.state == state
    assert world.checks(data_dir=world.folder / "none")["data folder"].state == "ok"


# ---- the command -----------------------------------------------------------------------------------------------------


def command(world: World, monkeypatch: pytest.MonkeyPatch, *words: str, **environ: str) -> int:
    key = world.folder / "key.pem"
    key.write_text(pem())
    key.chmod(0o600)
    known = {"GITHUB_API_URL": world.web, "GITHUB_SERVER_URL": world.web, "REVIEWBOT_DATA_DIR": str(world.folder)}
    known |= {"REVIEWBOT_APP_ID": str(world.github.app.id), "REVIEWBOT_PRIVATE_KEY_FILE": str(key)}
    known |= {"REVIEWBOT_WEBHOOK_SECRET": SECRET, "PATH": os.environ["PATH"]}
    for name, value in (known | environ).items():
        monkeypatch.setenv(name, value)
    return run(["doctor", *words])


def test_an_app_that_is_configured_is_looked_at_unasked(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = command(world, monkeypatch, "--format", "json")
    out = capsys.readouterr().out
    document = json.loads(out)
    names = {check["name"]: check["state"] for check in document["checks"]}
    assert document["schema"] == 1
    assert names["GitHub App"] == names["webhook signature"] == "ok"
    assert "GitHub token" not in names, "an App needs none"
    assert {name for name, state in names.items() if state == "problem"} == {"provider key"}
    assert code == 5
    assert SECRET not in out


def test_the_command_with_a_server(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.app(permissions={})
    assert command(world, monkeypatch, "--app", world.bot) == 4
    assert "PROBLEM  GitHub App permissions: missing: metadata: read" in capsys.readouterr().out
    assert command(world, monkeypatch, "--app", "http://bot.example") == 2
    assert "plain http" in capsys.readouterr().err
    assert command(world, monkeypatch, "--app", REVIEWBOT_APP_ID="", REVIEWBOT_PRIVATE_KEY_FILE="") == 2
    assert "PROBLEM  App settings: REVIEWBOT_APP_ID and" in capsys.readouterr().out
