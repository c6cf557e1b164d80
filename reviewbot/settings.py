"""The one reader of the environment: Settings. `variables` has the table of all that is read."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from reviewbot.app_settings import admin_token, app_given, token_url, worker_id
from reviewbot.errors import ConfigError
from reviewbot.roles import Role
from reviewbot.variables import GITHUB_WEB, address, secret

_GITHUB_API = "https://api.github.com"
# Who reads which: httpx the first, requests the next two, git the last (libcurl's own name does not reach it).
_AUTHORITIES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a deployment sets. Fields with secrets do not show in ``repr``."""

    github_token: str = field(default="", repr=False)
    github_api_url: str = ""
    github_server_url: str = GITHUB_WEB
    api_base: str = ""
    api_key: str = field(default="", repr=False)
    model_id: str = ""
    database_url: str = field(default="", repr=False)
    app_id: str = ""
    private_key: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    app_slug: str = ""
    admin_token: str = field(default="", repr=False)
    public_url: str = ""
    settings_file: str = ""
    worker_id: str = ""
    token_url: str = ""
    token_secret: str = field(default="", repr=False)
    metrics_dir: str = ""
    data_dir: Path = Path()
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def default_host(self) -> str:
        """The host of ``owner/repo#12``."""
        return _host(self.github_server_url)

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Hosts that a token may be sent to, exactly."""
        return frozenset({"github.com", self.default_host})

    @property
    def jobs_url(self) -> str:
        """Where jobs are kept: in SQLite a file of their own, since a file has one writer; else the same database."""
        scheme, _, rest = self.database_url.partition("://")
        if scheme.split("+")[0] != "sqlite":
            return self.database_url
        return f"sqlite://{rest.rpartition('/')[0]}/jobs.sqlite"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value of this process, for whoever must not let one through."""
        own = (self.github_token, self.api_key, self.private_key, self.admin_token, self.token_secret)
        others = (urlsplit(self.database_url).password, self.environ.get("OTEL_EXPORTER_OTLP_HEADERS"))
        return tuple(value for value in (*own, *others, *self.webhook_secrets) if value)

    def for_role(self, role: Role) -> Settings:
        """Without the secrets of other roles. A worker with nobody to ask for tokens keeps the App's key, and makes
        itself tokens that read."""
        if role is Role.RECEIVER:
            return replace(self, github_token="", api_key="", private_key="", token_secret="")
        if role is Role.WORKER:
            key = "" if self.token_url else self.private_key
            return replace(self, github_token="", private_key=key, webhook_secrets=())
        if role is Role.POSTER:
            return replace(self, github_token="", api_key="", webhook_secrets=())
        return self

    @property
    def shown_database_url(self) -> str:
        """The database's address without a password."""
        parts = urlsplit(self.database_url)
        return self.database_url.replace(f":{parts.password}@", ":***@") if parts.password else self.database_url

    def server_url_for(self, host: str) -> str:
        """The web address of an allowed host."""
        return self.github_server_url.rstrip("/") if host == self.default_host else f"https://{host}"

    def api_url_for(self, host: str) -> str:
        """The API's address of an allowed host: api.github.com, api.HOST for GHE.com, HOST/api/v3 for a server.

        Source: GitHub's REST documentation, "Getting started", and that of GitHub Enterprise Server.
        """
        if host == self.default_host and self.github_api_url:
            return self.github_api_url.rstrip("/")
        if host == "github.com":
            return _GITHUB_API
        if host.endswith(".ghe.com"):
            return f"https://api.{host}"
        return f"{self.server_url_for(host)}/api/v3"

    def require_api_key(self) -> str:
        """The provider's key. Raises ConfigError when there is none."""
        if not self.api_key:
            raise ConfigError(
                "No key for a model provider is set.",
                remedy="Set OPENAI_API_KEY, AIMLAPI_API_KEY or AZURE_OPENAI_API_KEY, or REVIEWBOT_API_BASE with "
                "REVIEWBOT_API_KEY. `reviewbot demo` needs none.",
            )
        return self.api_key

    def require_app(self) -> tuple[str, str]:
        """The App's id and its private key (PEM). Raises ConfigError when one is not set."""
        missing = [
            name
            for name, value in (("REVIEWBOT_APP_ID", self.app_id), ("REVIEWBOT_PRIVATE_KEY_FILE", self.private_key))
            if not value
        ]
        if missing:
            raise ConfigError(
                f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not set.",
                remedy="Both are on the App's settings page on GitHub; /setup on a new server makes an App.",
            )
        return self.app_id, self.private_key

    def require_webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that a delivery may be signed with. Raises ConfigError when there is none: a receiver that
        believes everybody must not start."""
        if not self.webhook_secrets:
            raise ConfigError(
                "REVIEWBOT_WEBHOOK_SECRET is not set.", remedy="Set it to the webhook secret of the App's settings."
            )
        return self.webhook_secrets


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process, or of another environment. An empty variable counts as unset.

    Raises ConfigError for an address that is none, for a key without the address that it needs, and for an App's id,
    key or key file that cannot be used, the credentials that /setup kept among them. No error shows a secret.
    """
    found = dict(os.environ if environ is None else environ)
    given = {name: value.strip() for name, value in found.items() if value.strip()}
    base, key, model = _provider(given)
    server = address(given, "GITHUB_SERVER_URL") or GITHUB_WEB
    app = app_given(given, _data_folder(given))
    return Settings(
        github_token=secret(given, "GITHUB_TOKEN", "GH_TOKEN"),
        github_api_url=address(given, "GITHUB_API_URL"),
        github_server_url=server,
        api_base=base,
        api_key=key,
        model_id=given.get("REVIEWBOT_MODEL") or model,
        database_url=given.get("REVIEWBOT_DATABASE_URL") or _database_file(given),
        app_id=app.app_id,
        private_key=app.private_key,
        webhook_secrets=app.webhook_secrets,
        app_slug=app.slug,
        admin_token=admin_token(given),
        public_url=address(given, "REVIEWBOT_PUBLIC_URL"),
        settings_file=given.get("REVIEWBOT_SETTINGS_FILE", ""),
        worker_id=worker_id(given),
        token_url=token_url(given),
        token_secret=secret(given, "REVIEWBOT_TOKEN_SECRET"),
        metrics_dir=given.get("PROMETHEUS_MULTIPROC_DIR", ""),
        data_dir=_data_folder(given),
        environ=found,
    )


def environment() -> dict[str, str]:
    """The environment as it is, for a door whose runner speaks through it."""
    return dict(os.environ)


def share_authorities(environ: MutableMapping[str, str] | None = None) -> None:
    """Let the file of certificate authorities, or else the folder, that one variable names count for all three that
    talk: httpx, requests, git. A variable that is set stays as it is."""
    into = os.environ if environ is None else environ
    named = next((into[name] for name in _AUTHORITIES if into.get(name)), "")
    folder = into.get("SSL_CERT_DIR", "")
    if named:
        shared = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO"), named)
    elif folder and os.pathsep not in folder:  # requests and git take one folder
        shared = dict.fromkeys(("REQUESTS_CA_BUNDLE", "GIT_SSL_CAPATH"), folder)
    else:
        return
    for name, value in shared.items():
        into[name] = into.get(name) or value


def wants_color(environ: Mapping[str, str] | None = None) -> bool:
    """Whether colours may be written, by https://no-color.org."""
    return not (os.environ if environ is None else environ).get("NO_COLOR")


def _provider(given: Mapping[str, str]) -> tuple[str, str, str]:
    """Address, key and model by what is set; the explicit pair wins, then the presets in the order of the table."""
    base = address(given, "REVIEWBOT_API_BASE")
    if key := secret(given, "REVIEWBOT_API_KEY"):
        return base or "https://api.openai.com/v1", key, ""
    if key := secret(given, "AIMLAPI_API_KEY"):
        return base or "https://api.aimlapi.com/v1", key, "openai/gpt-5-1-codex"
    if key := secret(given, "OPENAI_API_KEY"):
        return base or "https://api.openai.com/v1", key, "gpt-5.1-codex"
    if key := secret(given, "AZURE_OPENAI_API_KEY"):
        endpoint = address(given, "AZURE_OPENAI_ENDPOINT")
        if not (endpoint or base):
            raise ConfigError(
                "AZURE_OPENAI_API_KEY is set without AZURE_OPENAI_ENDPOINT.",
                remedy="Set it to the address of your resource, https://NAME.openai.azure.com.",
            )
        return base or f"{endpoint}/openai/v1", key, "gpt-5.1-codex"
    return base or "https://api.openai.com/v1", "", ""


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _database_file(given: Mapping[str, str]) -> str:
    folder = _data_folder(given)
    if "?" in str(folder):
        raise ConfigError(
            f"The data folder {folder} has a question mark in its name.", remedy="Set REVIEWBOT_DATA_DIR."
        )
    return f"sqlite:///{folder / 'runs.sqlite'}"


def _data_folder(given: Mapping[str, str]) -> Path:
    if given.get("REVIEWBOT_DATA_DIR"):
        return Path(given["REVIEWBOT_DATA_DIR"]).expanduser().absolute()
    shared = Path(given.get("XDG_DATA_HOME", ""))
    if not shared.is_absolute():  # the specification: a relative path there is ignored
        shared = Path(given.get("HOME") or Path.home()) / ".local" / "share"
    return shared / "reviewbot"
