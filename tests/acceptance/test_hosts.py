"""GitHub Enterprise Server, GHE.com, proxies and private certificates: real names, real TLS, a real forward proxy.

The names do not exist: whoever reaches them came through the proxy, and whoever believes them trusts the authority.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from reviewbot.sandbox.github import Limits, running

from .conftest import Git, Stage, World
from .tls import Authority, Proxy, forward_proxy, make_authority

SERVER, CLOUD, API_OF_CLOUD, MODELS = "ghe.example.com", "acme.ghe.com", "api.acme.ghe.com", "models.example.com"
PASSWORD = "proxy-password-that-no-one-may-see"


@dataclass(frozen=True)
class Company:
    """Everything behind TLS and, by name, behind a proxy."""

    authority: Authority
    github: str
    api_base: str
    proxy: Proxy
    locked: Proxy

    def environ(self, host: str = SERVER, *, proxy: str = "", ca: str = "SSL_CERT_FILE") -> dict[str, str]:
        return {
            "GITHUB_SERVER_URL": f"https://{host}",
            "GITHUB_API_URL": "",
            "REVIEWBOT_API_BASE": f"https://{MODELS}/v1",
            "HTTPS_PROXY": proxy or self.proxy.url,
            ca: str(self.authority.bundle),
        }


@pytest.fixture(scope="module")
def behind(stages: tuple[Stage, str, Stage, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    authority = make_authority(tmp_path_factory.mktemp("authority"), SERVER, CLOUD, API_OF_CLOUD, MODELS)
    stage, _, model, _ = stages
    with running(stage, tls=authority.server) as github, running(model, tls=authority.server) as api:
        port, models = urlsplit(github).port or 0, urlsplit(api).port or 0
        routes = {SERVER: port, CLOUD: port, API_OF_CLOUD: port, MODELS: models}
        with forward_proxy(routes) as proxy, forward_proxy(routes, login=f"bot:{PASSWORD}") as locked:
            yield Company(authority, github, f"{api}/v1", proxy, locked)


@pytest.fixture
def company(behind: Company) -> Company:
    for proxy in (behind.proxy, behind.locked):
        proxy.asked.clear()
        proxy.heads.clear()
    return behind


@pytest.fixture
def by_git() -> bool:
    return True


@pytest.fixture
def limits(by_git: bool) -> Limits:
    """GitHub refuses the diff for its size, so that git has to fetch the change."""
    return Limits(content_per_minute=None, diff_lines=3 if by_git else 20_000)


def paths(world: World) -> set[str]:
    return {sent.path for sent in world.stage.sent}


@pytest.mark.parametrize("by_git", [False, True])
@pytest.mark.parametrize(
    ("host", "api_host", "rest", "graphql"),
    [(SERVER, SERVER, "/api/v3/repos/", "/api/graphql"), (CLOUD, API_OF_CLOUD, "/repos/", "/graphql")],
)
def test_a_review_on_another_host(world: World, company: Company, host: str, api_host: str, rest: str, graphql: str,
                                  by_git: bool) -> None:  # fmt: skip
    """By the server's address alone: API, GraphQL, git and links are where that kind of host has them."""
    number = world.github.open_pull_request(world.name, base="main", head="vouchers")
    done = world.review(f"{world.name}#{number}", "--format", "json", **company.environ(host))
    assert done.code == 0, done.err
    assert world.reviews
    assert world.summaries
    assert world.checks
    called = paths(world)
    assert graphql in called
    calls = [path for path in called if "/repos/" in path]
    assert calls
    assert all(path.startswith(rest) for path in calls)
    assert bool(world.fetches) == by_git
    assert set(company.proxy.asked) == {f"{name}:443" for name in {api_host, MODELS, *([host] if by_git else [])}}
    assert "github.com" not in world.posted.replace("docs.github.com", "")
    assert done.json["pull_request"]["url"].startswith(f"https://{host}/")


def test_an_address_of_another_host_is_taken_as_it_is(world: World, company: Company) -> None:
    number = world.github.open_pull_request(world.name, base="main", head="vouchers")
    url = f"https://{SERVER}/{world.name}/pull/{number}"
    assert world.review(url, **company.environ()).code == 0
    assert world.review(url.replace(SERVER, "ghe.example.org"), **company.environ()).code == 2
    assert not any("example.org" in target for target in company.proxy.asked)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"])
def test_one_variable_names_the_authority_for_all(world: World, company: Company, name: str) -> None:
    """GitHub's API, the model provider and git each have a variable of their own; any of them will do."""
    number = world.github.open_pull_request(world.name, base="main", head="vouchers")
    done = world.review(f"{world.name}#{number}", **company.environ(ca=name))
    assert done.code == 0, done.err
    assert world.fetches


def test_a_stranger_is_not_believed(world: World, company: Company, tmp_path: Path, quick: None) -> None:
    """Without the authority, or with another, nothing is sent; the error names what to look at, and no certificate."""
    number = world.github.open_pull_request(world.name, base="main", head="vouchers")
    other = make_authority(tmp_path / "other", SERVER)
    for bundle in ("", str(other.bundle)):
        done = world.review(f"{world.name}#{number}", **{**company.environ(), "SSL_CERT_FILE": bundle})
        assert done.code == 4
        assert f"The certificate of https://{SERVER} is not believed" in done.err
        assert len(company.proxy.asked) == 1  # trying again cannot help
        company.proxy.asked.clear()
    assert world.stage.sent == []


def test_a_provider_that_is_a_stranger_is_not_believed(world: World, company: Company, tmp_path: Path) -> None:
    number = world.github.open_pull_request(world.name, base="main", head="vouchers")
    other = make_authority(tmp_path / "other", MODELS)
    mine = {name: str(company.authority.bundle) for name in ("REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO")}
    environ = {**company.environ(), **mine, "SSL_CERT_FILE": str(other.bundle)}
    done = world.review(f"{world.name}#{number}", **environ)
    assert done.code == 5
    assert f"The certificate of https://{MODELS} is not believed" in done.err
    assert company.proxy.asked.count(f"{MODELS}:443") == 1
    assert world.asked == 0


def test_a_proxy_that_asks_for_a_password(world: World, company: Company, quick: None) -> None:
    number = world.github.open_pull_request(world.name, base="main", head="vouchers")
    environ = company.environ(proxy=company.locked.url)
    done = world.review(f"{world.name}#{number}", **environ)
    assert done.code == 0, done.err
    assert world.fetches
    assert {f"{SERVER}:443", f"{MODELS}:443"} <= set(company.locked.asked)
    assert PASSWORD not in world.everything()
    wrong = company.locked.url.replace(PASSWORD, f"{PASSWORD}-wrong")
    done = world.review(f"{world.name}#{number}", **{**environ, "HTTPS_PROXY": wrong})
    assert done.code == 4
    assert PASSWORD not in world.everything()


def test_the_proxy_sees_no_token(world: World, company: Company) -> None:
    """What is said goes through a tunnel; the proxy learns where it leads."""
    number = world.github.open_pull_request(world.name, base="main", head="vouchers")
    assert world.review(f"{world.name}#{number}", **company.environ()).code == 0
    seen = b"".join(company.proxy.heads)
    assert b"CONNECT ghe.example.com:443" in seen
    for name in ("GITHUB_TOKEN", "REVIEWBOT_API_KEY"):
        assert world.environ[name].encode() not in seen
    assert b"/repos/" not in seen


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_hosts_that_need_no_proxy(world: World, company: Company, name: str) -> None:
    number = world.github.open_pull_request(world.name, base="main", head="vouchers")
    environ = {**company.environ(), "GITHUB_SERVER_URL": company.github, "REVIEWBOT_API_BASE": company.api_base}
    done = world.review(f"{world.name}#{number}", **environ, **{name: "127.0.0.1,localhost"})
    assert done.code == 0, done.err
    assert world.fetches
    assert company.proxy.asked == []


def test_doctor_through_a_proxy(world: World, company: Company) -> None:
    number = world.github.open_pull_request(world.name, base="main", head="vouchers")
    done = world.run("doctor", f"{world.name}#{number}", "--format", "json", **company.environ())
    checks: dict[str, Any] = {row["name"]: row for row in done.json["checks"]}
    assert checks["GitHub token"]["state"] == "ok"
    assert {f"{SERVER}:443", f"{MODELS}:443"} <= set(company.proxy.asked)


def test_a_proxy_that_cannot_be_one(world: World, company: Company, quick: None) -> None:
    number = world.github.open_pull_request(world.name, base="main", head="vouchers")
    environ = company.environ(proxy=f"http://bot:{PASSWORD}@127.0.0.1:1")
    done = world.review(f"{world.name}#{number}", **environ)
    assert done.code == 4
    assert "the proxy" in done.err
    assert PASSWORD not in done.err


def test_a_work_tree_needs_no_github(world: World, company: Company, repository: Git) -> None:
    done = world.review(repository.path, "--base", "main", "--head", "vouchers", **company.environ())
    assert done.code == 0, done.err
    assert set(company.proxy.asked) == {f"{MODELS}:443"}
