"""The environment: presets, hosts, addresses, secrets."""

from __future__ import annotations

import pytest

from reviewbot.errors import ConfigError
from reviewbot.settings import VARIABLES, read_settings


@pytest.mark.parametrize(
    ("environ", "base", "model"),
    [
        ({"OPENAI_API_KEY": "k"}, "https://api.openai.com/v1", "gpt-5.1-codex"),
        ({"AIMLAPI_API_KEY": "k"}, "https://api.aimlapi.com/v1", "openai/gpt-5-1-codex"),
        (
            {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://x.openai.azure.com/"},
            "https://x.openai.azure.com/openai/v1",
            "gpt-5.1-codex",
        ),
        ({"REVIEWBOT_API_KEY": "k", "REVIEWBOT_API_BASE": "http://127.0.0.1:9/v1"}, "http://127.0.0.1:9/v1", ""),
        ({"OPENAI_API_KEY": "k", "REVIEWBOT_MODEL": "gpt-5.6-sol"}, "https://api.openai.com/v1", "gpt-5.6-sol"),
        ({"OPENAI_API_KEY": " ", "AIMLAPI_API_KEY": "k"}, "https://api.aimlapi.com/v1", "openai/gpt-5-1-codex"),
    ],
)
def test_a_key_chooses_its_provider(environ: dict[str, str], base: str, model: str) -> None:
    found = read_settings(environ)
    assert (found.api_base, found.api_key, found.model_id) == (base, "k", model)


def test_no_key_is_one_clear_sentence() -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        read_settings({}).require_api_key()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_API_URL", "ftp://x"),
        ("GITHUB_SERVER_URL", "https://user:secret@x"),
        ("REVIEWBOT_API_BASE", "http://example.com/v1"),
        ("GITHUB_API_URL", "https://[::1"),
        ("GITHUB_SERVER_URL", "https://ghe.example.com:abc"),
        ("GITHUB_SERVER_URL", "https://ghe.example.com:99999"),
        ("GITHUB_SERVER_URL", "https://ghe.example.com/?token=secret"),
        ("REVIEWBOT_API_BASE", "https://ex ample.com"),
        ("REVIEWBOT_API_BASE", "https://x\n.com"),
        ("GITHUB_TOKEN", "secret\nX-Evil: 1"),
        ("OPENAI_API_KEY", "secr\u00e9t secret"),
        ("REVIEWBOT_DATA_DIR", "/tmp/what?"),
    ],
)
def test_an_address_that_would_leak_a_secret_is_refused_without_showing_it(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings({name: value})
    assert name in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "host", "api"),
    [
        ({}, "github.com", "https://api.github.com"),
        ({"GITHUB_SERVER_URL": "https://ghe.example.com"}, "ghe.example.com", "https://ghe.example.com/api/v3"),
        ({"GITHUB_SERVER_URL": "https://ghe.example.com"}, "github.com", "https://api.github.com"),
        ({"GITHUB_SERVER_URL": "https://GitHub.com:443"}, "github.com", "https://api.github.com"),
        ({"GITHUB_SERVER_URL": "https://a.ghe.com"}, "a.ghe.com", "https://api.a.ghe.com"),
        (
            {"GITHUB_SERVER_URL": "http://127.0.0.1:80", "GITHUB_API_URL": "http://127.0.0.1:80/"},
            "127.0.0.1:80",
            "http://127.0.0.1:80",
        ),
    ],
)
def test_the_api_of_a_host(environ: dict[str, str], host: str, api: str) -> None:
    found = read_settings(environ)
    assert host in found.allowed_hosts
    assert found.api_url_for(host) == api


def test_secrets_do_not_show() -> None:
    environ = {variable.name: "s3cr3t" for variable in VARIABLES if variable.secret}
    environ |= {"AZURE_OPENAI_ENDPOINT": "https://x.example", "REVIEWBOT_DATABASE_URL": "postgresql://u:s3cr3t@h/d"}
    found = read_settings(environ)
    assert "s3cr3t" not in repr(found)
    assert "s3cr3t" not in found.shown_database_url


def test_the_database_is_a_file_in_the_data_folder() -> None:
    assert read_settings({"HOME": "/h"}).database_url == "sqlite:////h/.local/share/reviewbot/runs.sqlite"
    assert read_settings({"HOME": "/h", "XDG_DATA_HOME": "rel"}).database_url.startswith("sqlite:////h/")
    assert read_settings({"XDG_DATA_HOME": "/x"}).database_url == "sqlite:////x/reviewbot/runs.sqlite"
    assert read_settings({"REVIEWBOT_DATA_DIR": "/d"}).database_url == "sqlite:////d/runs.sqlite"
