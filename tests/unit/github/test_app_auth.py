"""The App's JWT and its installations' tokens, against a scripted GitHub that checks each of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import anyio
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from reviewbot import errors
from reviewbot.github.app_auth import AppAuth, InstallationToken, create_from_manifest
from reviewbot.github.client import GitHubClient
from reviewbot.github.installations import POSTER, READER
from reviewbot.github.manifest import PERMISSIONS

pytestmark = pytest.mark.anyio
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PLAIN = serialization.NoEncryption()


def pem(key: Any = KEY, form: Any = serialization.PrivateFormat.TraditionalOpenSSL, lock: Any = PLAIN) -> str:
    return str(key.private_bytes(serialization.Encoding.PEM, form, lock).decode())


def public() -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return KEY.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


class Forge:
    """GitHub's side: its own clock, installation 5 of octo, tokens that it made and ended."""

    def __init__(self, hub: Any, answer: Any) -> None:
        self.hub, self.answer = hub, answer
        self.ahead = 0.0  # how far GitHub's clock is ahead of ours
        self.granted: dict[str, str] = dict(PERMISSIONS)
        self.made: list[str] = []
        self.ended: list[str] = []
        self.unknown_to_parts = 0
        self.dated = True
        self.life = 3_600
        hub.on("POST", "/app/installations/5/access_tokens", self.make)
        hub.on("DELETE", "/installation/token", self.end)
        hub.on("GET", "/app/installations/5", self.as_app(lambda _: self.row()))
        hub.on("GET", "/repos/octo/shop/installation", self.as_app(lambda _: self.row()))
        hub.on("GET", "/x", self.serve)
        hub.on("POST", "/x", self.serve)

    @property
    def now(self) -> float:
        return float(self.hub.now) + self.ahead

    def app(self, app_id: str = "77", **options: Any) -> AppAuth:
        async def sleep(seconds: float) -> None:
            self.hub.slept.append(seconds)
            self.hub.now += seconds

        known = {"api_url": self.hub.url, "sleep": sleep, "clock": lambda: self.hub.now}
        return AppAuth(app_id, pem(), **(known | options))

    def client(self, provider: Any) -> GitHubClient:
        return GitHubClient(provider, api_url=self.hub.url, sleep=self.pause, clock=lambda: self.hub.now)

    async def pause(self, seconds: float) -> None:
        self.hub.slept.append(seconds)

    def row(self, **more: Any) -> dict[str, Any]:
        where = "https://github.com/organizations/octo/settings/installations/5"
        facts = {"id": 5, "account": {"login": "octo"}, "permissions": self.granted, "html_url": where}
        return facts | {"events": ["pull_request"], "suspended_at": None} | more

    def refusal(self, status: int, message: str) -> Any:
        headers = {"Date": formatdate(self.now, usegmt=True)} if self.dated else {}
        return self.answer({"message": message}, status, headers)

    def as_app(self, then: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Check the JWT by GitHub's rules and clock, then answer."""

        def handle(asked: Any) -> Any:
            token = asked.headers["authorization"].removeprefix("Bearer ")
            options = {"verify_exp": False, "verify_iat": False}
            claims = jwt.decode(token, public(), algorithms=["RS256"], options=options)
            if claims["iat"] > self.now:
                return self.refusal(401, "'Issued at' claim ('iat') must be an Integer representing the time that the "
                                         "assertion was issued")  # fmt: skip
            if claims["exp"] <= self.now:
                return self.refusal(401, "'Expiration time' claim ('exp') must be a numeric value representing the "
                                         "future time at which the assertion expires")  # fmt: skip
            if claims["exp"] > self.now + 600:
                return self.refusal(401, "'Expiration time' claim ('exp') is too far in the future")
            if claims["iss"] != "77":
                return self.refusal(404, "Integration not found")
            found = then(asked)
            return found if hasattr(found, "status") else self.answer(found, 201 if asked.verb == "POST" else 200)

        return handle

    def make(self, asked: Any) -> Any:
        def give(_: Any) -> Any:
            wanted = asked.json["permissions"]
            rank = ["none", "read", "write"].index
            if any(rank(level) > rank(self.granted.get(name, "none")) for name, level in wanted.items()):
                return self.refusal(422, "The permissions requested are not granted to this installation.")
            self.made.append(f"ghs_{len(self.made) + 1}")
            ends = datetime.fromtimestamp(self.now + self.life, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            return {"token": self.made[-1], "expires_at": ends, "permissions": wanted}

        return self.as_app(give)(asked)

    def end(self, asked: Any) -> Any:
        token = asked.headers["authorization"].rpartition(" ")[2]
        if token not in self.made or token in self.ended:
            return self.refusal(401, "Bad credentials")
        self.ended.append(token)
        return self.answer(None, 204)

    def serve(self, asked: Any) -> Any:
        token = asked.headers["authorization"].removeprefix("Bearer ")
        if self.unknown_to_parts:
            self.unknown_to_parts -= 1
            return self.refusal(401, "Bad credentials")
        if token not in self.made or token in self.ended:
            return self.refusal(401, "Bad credentials")
        return self.answer({"token": token})


@pytest.fixture
def forge(hub: Any, answer: Any) -> Forge:
    return Forge(hub, answer)


# The App's own JWT


async def test_a_jwt_is_backdated_and_lives_under_ten_minutes(forge: Forge) -> None:
    await forge.app().installation(5)
    sent = forge.hub.asked[0].headers["authorization"]
    options = {"verify_exp": False}
    claims = jwt.decode(sent.removeprefix("Bearer "), public(), algorithms=["RS256"], options=options)
    assert claims == {"iat": forge.hub.now - 60, "exp": forge.hub.now + 540, "iss": "77"}


@pytest.mark.parametrize("ahead", [-59.0, 0.0, 539.0])
async def test_a_clock_that_is_a_little_wrong_costs_nothing(forge: Forge, ahead: float) -> None:
    forge.ahead = ahead
    await forge.app().installation(5)
    assert len(forge.hub.asked) == 1


@pytest.mark.parametrize("ahead", [-86_400.0, -300.0, -70.0, 600.0, 3_600.0, 86_400.0])
async def test_a_wrong_clock_is_learnt_once(forge: Forge, ahead: float) -> None:
    forge.ahead = ahead
    app = forge.app()
    await app.token_for(5, "octo/shop", READER)
    assert len(forge.hub.asked) == 2
    forge.hub.now += 1_000.0
    await app.installation_of("octo", "shop")
    await app.token_for(5, "octo/shop", READER)
    assert len(forge.hub.asked) == 3, "the difference is known, and the token still good by GitHub's clock"
    assert forge.hub.slept == []


async def test_many_questions_at_once_all_profit_from_what_one_learnt(forge: Forge) -> None:
    forge.ahead = 5_000.0
    app = forge.app()
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(app.installation, 5)


async def test_a_refused_jwt_is_not_sent_for_ever(forge: Forge) -> None:
    forge.ahead, forge.dated = 5_000.0, False
    with pytest.raises(errors.GitHubUnauthorized, match=r"\('exp'\)") as caught:
        await forge.app().installation(5)
    assert len(forge.hub.asked) == 1, "without a date there is nothing to learn"
    assert "clock" in caught.value.remedy
    forge.dated, forge.ahead = True, 0.0
    forge.hub.on("GET", "/app", lambda _: forge.refusal(401, "'Issued at' claim ('iat') is not to my liking"))
    with pytest.raises(errors.GitHubUnauthorized):
        await forge.app().client.get("/app")
    forge.hub.on("GET", "/app", lambda _: forge.refusal(401, "A JSON web token could not be decoded"))
    with pytest.raises(errors.GitHubUnauthorized, match="could not be decoded") as caught:
        await forge.app().client.get("/app")
    assert "REVIEWBOT_APP_ID" in caught.value.remedy
    assert len(forge.hub.asked) == 3


async def test_an_unknown_app_is_no_matter_of_one_installation(forge: Forge) -> None:
    with pytest.raises(errors.GitHubUnauthorized, match="knows no App") as caught:
        await forge.app("78").token_for(5, "octo/shop", READER)
    assert not caught.value.retryable
    assert "REVIEWBOT_APP_ID" in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEs3cr3t\n-----END RSA PRIVATE KEY-----\n",
        "s3cr3t",
        "",
        public(),
        pem(lock=serialization.BestAvailableEncryption(b"s3cr3t")),
        pem(ec.generate_private_key(ec.SECP256R1())),
    ],
)
def test_a_key_that_cannot_sign_is_a_matter_of_configuration(text: str) -> None:
    with pytest.raises(errors.ConfigError, match="private key cannot be read") as caught:
        AppAuth("77", text)
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("form", [serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8])
def test_both_forms_of_a_private_key(form: Any) -> None:
    assert repr(AppAuth("77", pem(form=form))) == "AppAuth(AppIdentity(77))"


@pytest.mark.parametrize("app_id", ["", "my-app", "7 7", "../77"])
def test_an_app_id_that_is_none(app_id: str) -> None:
    with pytest.raises(errors.ConfigError, match="not the id of a GitHub App"):
        AppAuth(app_id, pem())


# Installation tokens


async def test_a_token_is_for_one_repository_and_the_permissions_asked_for(forge: Forge) -> None:
    found = await forge.app().token_for(5, "octo/shop", {"pull_requests": "write"})
    assert found == InstallationToken("ghs_1", forge.hub.now + 3600)
    assert "ghs_1" not in repr(found)
    wanted = {"metadata": "read", "pull_requests": "write"}
    assert forge.hub.asked[0].json == {"repositories": ["shop"], "permissions": wanted}


async def test_no_permissions_never_means_all(forge: Forge) -> None:
    await forge.app().token_for(5, "octo/shop", {})
    assert forge.hub.asked[0].json["permissions"] == {"metadata": "read"}


@pytest.mark.parametrize("name", ["shop", "", "octo/", "octo/shop/x", "octo/..", "../../app", "octo/shop?x", "o o/x"])
async def test_a_name_that_is_no_repository_is_not_sent(forge: Forge, name: str) -> None:
    with pytest.raises(errors.UsageError, match="full name"):
        await forge.app().token_for(5, name, READER)
    owner, _, repo = name.partition("/")
    with pytest.raises(errors.UsageError, match="full name"):
        await forge.app().installation_of(owner, repo)
    assert forge.hub.asked == []


def test_reading_and_posting_take_no_more_than_the_app_has() -> None:
    for role in (READER, POSTER):
        assert role.keys() <= PERMISSIONS.keys()
        assert all(level in ("read", PERMISSIONS[name]) for name, level in role.items())
    assert set(READER.values()) == {"read"}
    assert "checks" not in READER
    assert POSTER["contents"] == "read"


async def test_a_token_is_kept_per_installation_repository_and_permissions(forge: Forge) -> None:
    app = forge.app()
    first = await app.token_for(5, "octo/shop", READER)
    assert await app.token_for(5, "octo/shop", dict(reversed(READER.items()))) == first
    others = [await app.token_for(5, "octo/other", READER), await app.token_for(5, "octo/shop", POSTER)]
    assert [token.token for token in others] == ["ghs_2", "ghs_3"]
    assert await app.token_for(5, "octo/shop", READER) == first


async def test_a_token_is_renewed_five_minutes_before_its_end(forge: Forge) -> None:
    app = forge.app()
    await app.token_for(5, "octo/shop", READER)
    forge.hub.now += 3_299
    assert (await app.token_for(5, "octo/shop", READER)).token == "ghs_1"
    forge.hub.now += 1
    assert (await app.token_for(5, "octo/shop", READER)).token == "ghs_2"


async def test_a_token_that_lives_for_less_than_an_hour_is_renewed_sooner(forge: Forge) -> None:
    forge.life = 1_200
    app = forge.app()
    await app.token_for(5, "octo/shop", READER)
    forge.hub.now += 900
    assert (await app.token_for(5, "octo/shop", READER)).token == "ghs_2"


async def test_an_hour_is_an_hour_also_when_our_clock_is_behind(forge: Forge) -> None:
    """GitHub's date seems nine minutes further away than it is; the JWT is still taken, so nothing was learnt."""
    forge.ahead = 500.0
    app = forge.app()
    await app.token_for(5, "octo/shop", READER)
    forge.hub.now += 3_301
    assert (await app.token_for(5, "octo/shop", READER)).token == "ghs_2"


async def test_one_renewal_at_a_time(forge: Forge) -> None:
    app, found = forge.app(), []

    async def ask() -> None:
        found.append(await app.token_for(5, "octo/shop", READER))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
    assert {token.token for token in found} == {"ghs_1"}
    assert len(forge.hub.asked) == 1


# A client that outlives its tokens


async def test_a_long_run_goes_on_with_a_new_token(forge: Forge) -> None:
    async with forge.app().access(5, "octo/shop", READER) as access:
        client = forge.client(access)
        used = []
        for _ in range(5):
            used.append((await client.get("/x"))["token"])
            forge.hub.now += 1_800
        assert used == ["ghs_1", "ghs_1", "ghs_2", "ghs_2", "ghs_3"]
        assert client.reads == 5, "renewing is the App's own call"
        assert "ghs" not in repr(access) + repr(client)


@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_a_token_that_ended_early_is_replaced_in_mid_run(forge: Forge, verb: str) -> None:
    async with forge.app().access(5, "octo/shop", READER) as access:
        client = forge.client(access)
        await client.get("/x")
        forge.hub.now += 60
        forge.ended.append("ghs_1")
        answer = await client.get("/x") if verb == "GET" else await client.write("POST", "/x", {})
        assert answer["token"] == "ghs_2"
        assert forge.hub.slept == []


@pytest.mark.parametrize("times", [1, 4])
async def test_a_new_token_that_is_not_known_everywhere_yet_is_waited_for(forge: Forge, times: int) -> None:
    forge.unknown_to_parts = times
    app = forge.app()
    async with app.access(5, "octo/shop", READER) as access:
        assert (await forge.client(access).get("/x"))["token"] == "ghs_1"
    assert forge.hub.slept == [1.0] * times
    assert forge.made == ["ghs_1"]


async def test_permissions_that_are_not_known_everywhere_yet_are_waited_for(forge: Forge) -> None:
    late = forge.refusal(403, "Resource not accessible by integration")
    forge.hub.on("POST", "/y", late, late, forge.answer({"id": 1}, 201))
    async with forge.app().access(5, "octo/shop", POSTER) as access:
        assert await forge.client(access).write("POST", "/y", {}) == {"id": 1}
    assert forge.hub.slept == [1.0, 1.0]


async def test_a_403_to_an_older_token_is_what_it_says(forge: Forge) -> None:
    forge.hub.on("GET", "/y", forge.refusal(403, "Resource not accessible by integration"))
    async with forge.app().access(5, "octo/shop", READER) as access:
        client = forge.client(access)
        await client.get("/x")
        forge.hub.now += 6
        with pytest.raises(errors.GitHubForbidden):
            await client.get("/y")
    assert forge.hub.slept == []
    assert len(forge.hub.sent("GET", "/y")) == 1


async def test_a_401_that_stays_has_an_end(forge: Forge) -> None:
    forge.hub.on("GET", "/y", lambda _: forge.refusal(401, "Bad credentials"))
    async with forge.app().access(5, "octo/shop", READER) as access:
        with pytest.raises(errors.GitHubUnauthorized) as caught:
            await forge.client(access).get("/y")
    assert len(forge.hub.sent("GET", "/y")) == 5
    assert "GITHUB_TOKEN" not in caught.value.remedy


async def test_a_rate_limit_is_not_taken_for_a_refused_token(forge: Forge) -> None:
    limited = forge.answer({"message": "You have exceeded a secondary rate limit."}, 403, {"Retry-After": "7"})
    forge.hub.on("GET", "/y", limited, forge.answer([1]))
    async with forge.app().access(5, "octo/shop", READER) as access:
        assert await forge.client(access).get("/y") == [1]
    assert forge.hub.slept == [7.0]


# What only somebody on GitHub can mend


@pytest.mark.parametrize(
    ("status", "message", "kind", "said"),
    [
        (403, "This installation has been suspended", errors.InstallationSuspended, "suspended"),
        (404, "Not Found", errors.NotInstalled, "not installed on octo/shop"),
        (
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
            errors.NotInstalled,
            "not installed on octo/shop",
        ),
    ],
)
async def test_what_no_retry_can_mend(
    forge: Forge, status: int, message: str, kind: type[errors.InstallationError], said: str
) -> None:
    forge.hub.on("POST", "/app/installations/5/access_tokens", lambda _: forge.refusal(status, message))
    with pytest.raises(kind, match=said) as caught:
        await forge.app().token_for(5, "octo/shop", READER)
    assert type(caught.value) is kind
    assert isinstance(caught.value, errors.InstallationError)
    assert not caught.value.retryable
    assert caught.value.status == status
    assert caught.value.remedy
    assert (len(forge.hub.asked), forge.hub.slept) == (1, [])


async def test_a_missing_permission_is_named(forge: Forge) -> None:
    forge.granted = {"metadata": "read", "contents": "read", "pull_requests": "read", "checks": "write"}
    with pytest.raises(errors.PermissionMissing) as caught:
        await forge.app().token_for(5, "octo/shop", POSTER)
    assert caught.value.message == (
        "The App's installation on octo was not granted issues: write, pull_requests: write."
    )
    assert "https://github.com/organizations/octo/settings/installations/5" in caught.value.remedy
    assert not caught.value.retryable


async def test_another_refusal_stays_one(forge: Forge) -> None:
    forge.hub.on("POST", "/app/installations/5/access_tokens", lambda _: forge.refusal(422, "Something else"))
    with pytest.raises(errors.GitHubRejected, match="Something else"):
        await forge.app().token_for(5, "octo/shop", READER)


async def test_a_suspension_in_mid_run_is_one(forge: Forge) -> None:
    async with forge.app().access(5, "octo/shop", READER) as access:
        client = forge.client(access)
        await client.get("/x")
        forge.hub.on("GET", "/x", lambda _: forge.refusal(403, "This installation has been suspended"))
        with pytest.raises(errors.InstallationSuspended):
            await client.get("/x")


async def test_a_suspended_person_is_no_suspended_installation(forge: Forge) -> None:
    forge.hub.on("GET", "/x", lambda _: forge.refusal(403, "Sorry. Your account was suspended."))
    with pytest.raises(errors.GitHubForbidden):
        await forge.client("t").get("/x")


async def test_a_passing_fault_is_not_final(forge: Forge) -> None:
    down = forge.answer({"message": "Server Error"}, 502)
    made = forge.make
    forge.hub.on("POST", "/app/installations/5/access_tokens", down, down, made)
    assert (await forge.app().token_for(5, "octo/shop", READER)).token == "ghs_1"
    assert forge.hub.slept == [0.5, 1.0]


async def test_a_client_does_not_repeat_what_its_provider_repeated(forge: Forge) -> None:
    forge.hub.on("POST", "/app/installations/5/access_tokens", forge.answer({"message": "Server Error"}, 502))
    async with forge.app().access(5, "octo/shop", READER) as access:
        with pytest.raises(errors.GitHubUnreachable):
            await forge.client(access).get("/x")
    assert len(forge.hub.asked) == 4


async def test_looking_up_an_installation(forge: Forge) -> None:
    app = forge.app()
    found = await app.installation_of("octo", "shop")
    assert (found.id, found.account, found.suspended, found.events) == (5, "octo", False, ("pull_request",))
    assert found == await app.installation(5)
    assert found.lacks({"checks": "write", "contents": "write", "actions": "read"}) == {
        "contents": "write",
        "actions": "read",
    }
    forge.hub.on("GET", "/app/installations/5", forge.answer(forge.row(suspended_at="2026-11-01T00:00:00Z")))
    assert (await app.installation(5)).suspended
    with pytest.raises(errors.NotInstalled, match="octo/none"):
        await app.installation_of("octo", "none")
    with pytest.raises(errors.NotInstalled, match="installation 6"):
        await app.installation(6)


# Revocation


async def test_a_token_is_revoked_when_the_last_run_with_it_ends(forge: Forge) -> None:
    app = forge.app()
    async with app.access(5, "octo/shop", READER) as outer:
        await outer.token()
        async with app.access(5, "octo/shop", READER) as inner:
            assert await inner.token() == "ghs_1"
        assert forge.ended == []
        assert await outer.token() == "ghs_1"
    assert forge.ended == ["ghs_1"]
    assert (await app.token_for(5, "octo/shop", READER)).token == "ghs_2"


async def test_a_run_that_asked_for_nothing_revokes_nothing(forge: Forge) -> None:
    async with forge.app().access(5, "octo/shop", READER):
        pass
    assert forge.hub.asked == []


async def test_a_cancelled_run_leaves_no_token_behind(forge: Forge) -> None:
    app = forge.app()
    with anyio.move_on_after(0.05):
        async with app.access(5, "octo/shop", READER) as access:
            await access.token()
            await anyio.sleep_forever()
    assert forge.ended == ["ghs_1"]


@pytest.mark.parametrize("status", [500, 404, 403])
async def test_a_failure_to_revoke_does_not_fail_the_run(
    forge: Forge, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    forge.hub.on("DELETE", "/installation/token", lambda _: forge.refusal(status, "No"))

    async def run() -> None:
        async with forge.app().access(5, "octo/shop", READER) as access:
            await access.token()
            raise KeyError("the run's own")

    with pytest.raises(KeyError, match="the run's own"):
        await run()
    assert len(forge.hub.sent("DELETE", "/installation/token")) == 1
    assert "ends within the hour" in caplog.text
    assert "ghs_1" not in caplog.text


async def test_revoking(forge: Forge) -> None:
    app = forge.app()
    token = await app.token_for(5, "octo/shop", READER)
    await app.revoke(token)
    await app.revoke(token)
    assert forge.ended == ["ghs_1"], "the second time it had ended already"
    assert (await app.token_for(5, "octo/shop", READER)).token == "ghs_2"
    forge.hub.on("DELETE", "/installation/token", lambda _: forge.refusal(502, "No"))
    with pytest.raises(errors.GitHubUnreachable):
        await app.revoke(InstallationToken("ghs_2", 0))
    await app.aclose()


async def test_no_log_holds_a_token(forge: Forge, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with forge.app().access(5, "octo/shop", READER) as access:
        await forge.client(access).get("/x")
    sent = [asked.headers["authorization"].rpartition(" ")[2] for asked in forge.hub.asked]
    assert len(sent) == 3
    assert all(token not in caplog.text for token in sent)


# The manifest flow


def conversion(**more: Any) -> Mapping[str, Any]:
    known = {"id": 77, "slug": "my-bot", "client_id": "Iv23liX", "html_url": "https://github.com/apps/my-bot"}
    secret = {"pem": pem(), "webhook_secret": "w3bhook", "client_secret": "cl13nt"}
    return known | secret | {"owner": {"login": "octo"}} | more


async def test_a_code_is_exchanged_without_token_or_body(forge: Forge) -> None:
    forge.hub.on("POST", "/app-manifests/abc123/conversions", forge.answer(conversion(), 201))
    found = await create_from_manifest(forge.client(None), "abc123")
    asked = forge.hub.asked[0]
    assert asked.body == b""
    assert "authorization" not in asked.headers
    assert (found.app_id, found.slug, found.owner, found.webhook_secret) == ("77", "my-bot", "octo", "w3bhook")
    AppAuth(found.app_id, found.private_key)


@pytest.mark.parametrize("code", ["", "..", "a/b", "a?b", "a%2Fb", "a b", "x" * 101, "\u0661"])
async def test_what_is_no_code_is_not_sent(forge: Forge, code: str) -> None:
    with pytest.raises(errors.UsageError, match="not a code"):
        await create_from_manifest(forge.client(None), code)
    assert forge.hub.asked == []


async def test_a_code_that_was_used_and_an_answer_that_was_lost(forge: Forge) -> None:
    with pytest.raises(errors.GitHubNotFound) as caught:
        await create_from_manifest(forge.client(None), "used")
    assert "once" in caught.value.remedy
    forge.hub.on("POST", "/app-manifests/lost/conversions", forge.answer(drop=True))
    with pytest.raises(errors.GitHubAmbiguous) as lost:
        await create_from_manifest(forge.client(None), "lost")
    assert "delete the App" in lost.value.remedy
    assert len(forge.hub.sent("POST", "/app-manifests/lost/conversions")) == 1
    assert json.dumps(str(lost.value)).count("PRIVATE") == 0
