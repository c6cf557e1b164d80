"""The App's manifest and what GitHub gives in return: values only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.errors import ConfigError, GitHubError
from reviewbot.github.manifest import (
    EVENTS,
    PERMISSIONS,
    app_manifest,
    conversion,
    conversion_path,
    registration_url,
    state_matches,
)


def test_the_manifest_asks_for_no_more_than_it_needs() -> None:
    assert app_manifest("https://bot.example.com/", "Review Bot") == {
        "name": "Review Bot",
        "description": "Reviews pull requests, and says what it did not read.",
        "url": "https://bot.example.com",
        "hook_attributes": {"url": "https://bot.example.com/webhooks/github", "active": True},
        "redirect_url": "https://bot.example.com/setup/callback",
        "public": False,
        "default_permissions": {
            "metadata": "read",
            "contents": "read",
            "pull_requests": "write",
            "issues": "write",
            "checks": "write",
        },
        "default_events": [
            "pull_request",
            "pull_request_review",
            "pull_request_review_comment",
            "issue_comment",
            "check_run",
            "check_suite",
        ],
        "request_oauth_on_install": False,
    }


def test_every_event_is_covered_by_a_permission_and_none_comes_by_itself() -> None:
    assert set(EVENTS.values()) <= PERMISSIONS.keys()
    assert not {"installation", "installation_repositories", "ping"} & EVENTS.keys()


def test_a_server_behind_a_prefix() -> None:
    found = app_manifest("https://example.com/tools/bot", "bot", public=True)
    assert found["hook_attributes"]["url"] == "https://example.com/tools/bot/webhooks/github"
    assert found["public"] is True


@pytest.mark.parametrize("name", ["", "   ", "x" * 35, "a\nb", "a\u202eb"])
def test_names_that_github_refuses(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be an App's name"):
        app_manifest("https://bot.example.com", name)


@pytest.mark.parametrize(
    "base",
    [
        "",
        "bot.example.com",
        "ftp://bot.example.com",
        "https://",
        "https://u:p@bot.example.com",
        "https://bot.example.com?x=1",
        "https://bot.example.com#x",
        "https://bot example.com",
        "https://bot.example.com:abc",
        "https://[::1",
    ],
)
def test_what_is_no_address(base: str) -> None:
    with pytest.raises(ConfigError, match="not the address of a server"):
        app_manifest(base, "bot")


def test_plain_http_is_for_this_machine_alone() -> None:
    with pytest.raises(ConfigError, match="plain http"):
        app_manifest("http://bot.example.com", "bot")
    assert app_manifest("http://127.0.0.1:8000", "bot", github_url="http://127.0.0.1:9")["url"]


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]", "10.1.2.3", "192.168.0.7", "bot", "bot.local", "x.internal"]
)
def test_what_github_com_cannot_reach(host: str) -> None:
    with pytest.raises(ConfigError, match="cannot reach") as caught:
        app_manifest(f"https://{host}:8443", "bot")
    assert "tunnel" in caught.value.remedy
    with pytest.raises(ConfigError, match=r"a\.ghe\.com cannot reach"):
        app_manifest(f"https://{host}", "bot", github_url="https://a.ghe.com")
    assert app_manifest(f"https://{host}", "bot", github_url="https://github.corp.example")["url"] == f"https://{host}"


def test_where_the_manifest_is_sent() -> None:
    assert registration_url("a b&c") == "https://github.com/settings/apps/new?state=a%20b%26c"
    assert registration_url("s", github_url="https://ghe.example/", organization="octo-org") == (
        "https://ghe.example/organizations/octo-org/settings/apps/new?state=s"
    )


@pytest.mark.parametrize("organization", ["../x", "a/b", "-a", "a?b", "a b", "a" * 40])
def test_an_organisation_cannot_lead_elsewhere(organization: str) -> None:
    with pytest.raises(ConfigError, match="not an organisation"):
        registration_url("s", organization=organization)


@given(st.text(), st.text())
def test_a_state_matches_itself_alone(expected: str, given_back: str) -> None:
    assert state_matches(expected, given_back) is (expected == given_back != "")


@given(st.text(min_size=1))
def test_a_state_matches_itself(state: str) -> None:
    assert state_matches(state, state)
    assert not state_matches(state, "")
    assert not state_matches("", state)
    assert not state_matches("", "")


@given(st.text())
def test_a_code_is_letters_and_digits_or_none(code: str) -> None:
    path = conversion_path(code)
    assert path is None or (code.isascii() and code.isalnum() and path == f"/app-manifests/{code}/conversions")


def answer(**more: Any) -> dict[str, Any]:
    key = "-----BEGIN RSA PRIVATE KEY-----\ns3cr3t\n-----END RSA PRIVATE KEY-----\n"
    known = {"id": 77, "slug": "my-bot", "client_id": "Iv23liX", "html_url": "https://github.com/apps/my-bot"}
    secrets = {"pem": key, "webhook_secret": "s3cr3t", "client_secret": "s3cr3t"}
    return known | secrets | {"owner": {"login": "octo"}} | more


def test_the_credentials() -> None:
    found = conversion(answer())
    assert (found.app_id, found.client_id, found.slug, found.owner) == ("77", "Iv23liX", "my-bot", "octo")
    assert found.install_url == "https://github.com/apps/my-bot/installations/new"
    assert found.private_key.startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert "s3cr3t" not in repr(found)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"pem": None}, "pem"),
        ({"pem": "s3cr3t"}, "pem"),
        ({"webhook_secret": None}, "webhook_secret"),
        ({"webhook_secret": ""}, "webhook_secret"),
        ({"id": None}, "id"),
        ({"id": "77"}, "id"),
        ({"id": True}, "id"),
        ({"owner": None}, "owner"),
        ({"slug": 7, "client_id": []}, "slug, client_id"),
    ],
)
def test_an_answer_that_lacks_something_names_it_and_no_secret(change: dict[str, Any], named: str) -> None:
    with pytest.raises(GitHubError, match=f"has no {named}") as caught:
        conversion(answer(**change))
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("payload", [None, [], "x", {}, 7])
def test_an_answer_that_is_none(payload: Any) -> None:
    with pytest.raises(GitHubError, match="has no"):
        conversion(payload)
