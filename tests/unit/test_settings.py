"""The environment: presets, hosts, addresses, secrets."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reviewbot.errors import ConfigError
from reviewbot.settings import read_settings, wants_color
from reviewbot.variables import VARIABLES


def pem(body: str = "MIIE/+0=", kind: str = "RSA PRIVATE KEY") -> str:
    return f"-----BEGIN {kind}-----\n{body}\n{body}\n-----END {kind}-----\n"


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
        ("REVIEWBOT_DATA_DIR", "/data/what?"),
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
    environ = {variable.name: "s3cr3t-and-much-longer" for variable in VARIABLES if variable.secret}
    environ |= {"AZURE_OPENAI_ENDPOINT": "https://x.example", "REVIEWBOT_DATABASE_URL": "postgresql://u:s3cr3t@h/d"}
    environ["REVIEWBOT_PRIVATE_KEY"] = pem("s3cr3t")
    found = read_settings(environ)
    assert len(found.secrets) == 8
    assert "s3cr3t" not in repr(found)
    assert "s3cr3t" not in found.shown_database_url


def test_the_database_is_a_file_in_the_data_folder() -> None:
    assert read_settings({"HOME": "/h"}).database_url == "sqlite:////h/.local/share/reviewbot/runs.sqlite"
    assert read_settings({"HOME": "/h", "XDG_DATA_HOME": "rel"}).database_url.startswith("sqlite:////h/")
    assert read_settings({"XDG_DATA_HOME": "/x"}).database_url == "sqlite:////x/reviewbot/runs.sqlite"
    assert read_settings({"REVIEWBOT_DATA_DIR": "/d"}).database_url == "sqlite:////d/runs.sqlite"


def test_jobs_have_a_file_of_their_own_and_one_database_on_a_server() -> None:
    assert read_settings({"REVIEWBOT_DATA_DIR": "/d"}).jobs_url == "sqlite:////d/jobs.sqlite"
    server = "postgresql+psycopg://u:p@h/d?sslmode=require"
    assert read_settings({"REVIEWBOT_DATABASE_URL": server}).jobs_url == server


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REVIEWBOT_ADMIN_TOKEN", "too short"),
        ("REVIEWBOT_APP_SLUG", "no slug"),
        ("REVIEWBOT_WORKER_ID", "a|b"),
        ("REVIEWBOT_TOKEN_URL", "http://poster.example"),
        ("REVIEWBOT_TOKEN_URL", "unix:poster.sock"),
        ("REVIEWBOT_PUBLIC_URL", "http://bot.example"),
    ],
)
def test_what_a_server_cannot_be_run_with_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        read_settings({name: value})


def test_what_a_server_is_run_with() -> None:
    given = {
        "REVIEWBOT_APP_SLUG": "our-bot[bot]",
        "REVIEWBOT_WORKER_ID": "w-1.example",
        "REVIEWBOT_TOKEN_URL": "unix:/run/poster.sock",
        "REVIEWBOT_ADMIN_TOKEN": "x" * 16,
    }
    found = read_settings(given)
    assert (found.app_slug, found.worker_id) == ("our-bot", "w-1.example")
    assert (found.token_url, found.admin_token) == ("unix:/run/poster.sock", "x" * 16)


@pytest.mark.parametrize("kind", ["RSA PRIVATE KEY", "PRIVATE KEY"])
@pytest.mark.parametrize("line_break", ["\n", "\\n", "\r\n", "\\r\\n"])
def test_a_private_key_in_a_variable(kind: str, line_break: str) -> None:
    written = pem(kind=kind)
    found = read_settings({"REVIEWBOT_PRIVATE_KEY": written.replace("\n", line_break), "REVIEWBOT_APP_ID": "77"})
    assert found.require_app() == ("77", written)


@pytest.mark.parametrize(
    "text",
    [
        "s3cr3t",
        pem("s3cr3t", "PUBLIC KEY"),
        pem("s3cr3t", "CERTIFICATE"),
        pem("s3cr3t", "ENCRYPTED PRIVATE KEY"),
        pem("s3cr3t", "EC PRIVATE KEY"),
        pem("Proc-Type: 4,ENCRYPTED\n\ns3cr3t"),
        pem("s3cr3t").replace("\n", " "),
        pem("s3cr3t").partition("-----END")[0],
        f"'{pem('s3cr3t')}'",
    ],
)
def test_what_is_no_private_key_is_refused_without_showing_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(text)
    file.chmod(0o600)
    for environ in ({"REVIEWBOT_PRIVATE_KEY": text}, {"REVIEWBOT_PRIVATE_KEY_FILE": str(file)}):
        with pytest.raises(ConfigError, match="no private key in PEM") as caught:
            read_settings(environ)
        assert next(iter(environ)) in caught.value.message
        assert "s3cr3t" not in str(caught.value)
        assert "passphrase" in caught.value.remedy


def test_a_private_key_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(pem().encode().replace(b"\n", b"\r\n"))
    for mode in (0o600, 0o400, 0o700):
        file.chmod(mode)
        assert read_settings({"REVIEWBOT_PRIVATE_KEY_FILE": str(file)}).private_key == pem()
    with pytest.raises(ConfigError, match="both set"):
        read_settings({"REVIEWBOT_PRIVATE_KEY_FILE": str(file), "REVIEWBOT_PRIVATE_KEY": pem()})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_key_file_that_others_can_open_is_refused(mode: int, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(pem())
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"open to others \\(mode {mode:04o}\\)") as caught:
        read_settings({"REVIEWBOT_PRIVATE_KEY_FILE": str(file)})
    assert "chmod 600" in caught.value.remedy


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can look into."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away and take another's part")
@pytest.mark.parametrize(("mode", "owner", "taken"), [
    (0o640, 0, True), (0o440, 0, True), (0o644, 0, False), (0o660, 0, False), (0o640, 65534, False),
])  # fmt: skip
def test_what_root_owns_may_be_given_to_a_group(mode: int, owner: int, taken: bool, open_folder: Path) -> None:
    """As a mounted secret is: owned by root, read through its group."""
    file = open_folder / "key.pem"
    file.write_text(pem())
    file.chmod(mode)
    os.chown(file, owner, 65534)
    os.setegid(65534)
    os.seteuid(65534)
    try:
        if taken:
            assert read_settings({"REVIEWBOT_PRIVATE_KEY_FILE": str(file)}).private_key == pem()
        else:
            with pytest.raises(ConfigError, match="open to others"):
                read_settings({"REVIEWBOT_PRIVATE_KEY_FILE": str(file)})
    finally:
        os.seteuid(0)
        os.setegid(0)


def test_a_key_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_settings({"REVIEWBOT_PRIVATE_KEY_FILE": str(tmp_path / "none.pem")})
    with pytest.raises(ConfigError, match="is not a file"):
        read_settings({"REVIEWBOT_PRIVATE_KEY_FILE": str(tmp_path)})


@pytest.mark.parametrize(("value", "good"), [
    ("77", True), ("Iv23liAbCdEf01", True), ("Iv1.0123456789abcdef", True), ("seventy", False), ("-1", False),
    ("7" * 21, False), ("1 2", False),
])  # fmt: skip
def test_an_app_id(value: str, good: bool) -> None:
    if good:
        assert read_settings({"REVIEWBOT_APP_ID": value}).app_id == value
    else:
        with pytest.raises(ConfigError, match="REVIEWBOT_APP_ID"):
            read_settings({"REVIEWBOT_APP_ID": value})


def test_what_an_app_needs_is_named() -> None:
    with pytest.raises(ConfigError, match="REVIEWBOT_APP_ID and REVIEWBOT_PRIVATE_KEY_FILE are not set"):
        read_settings({}).require_app()
    with pytest.raises(ConfigError, match=r"^REVIEWBOT_PRIVATE_KEY_FILE is not set"):
        read_settings({"REVIEWBOT_APP_ID": "77"}).require_app()
    with pytest.raises(ConfigError, match="REVIEWBOT_WEBHOOK_SECRET is not set"):
        read_settings({}).require_webhook_secrets()


@pytest.mark.parametrize(("value", "secrets"), [
    ("one", ("one",)),
    ("new,old", ("new", "old")),
    (" new \r\n old,\n", ("new", "old")),
    ("It's a Secret to Everybody", ("It's a Secret to Everybody",)),
])  # fmt: skip
def test_webhook_secrets(value: str, secrets: tuple[str, ...]) -> None:
    assert read_settings({"REVIEWBOT_WEBHOOK_SECRET": value}).require_webhook_secrets() == secrets


def test_a_webhook_secret_of_nothing_is_no_secret() -> None:
    with pytest.raises(ConfigError, match="holds no secret"):
        read_settings({"REVIEWBOT_WEBHOOK_SECRET": " , \n,"})


@pytest.mark.parametrize(("environ", "wanted"), [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)])
def test_colour(environ: dict[str, str], wanted: bool) -> None:
    assert wants_color(environ) is wanted
