"""The one reader of the environment: Settings, and the table of all variables that documentation and tests read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from reviewbot.errors import ConfigError

_GITHUB_WEB = "https://github.com"
_GITHUB_API = "https://api.github.com"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PEM = re.compile(r"-----BEGIN (RSA )?PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+\n-----END (RSA )?PRIVATE KEY-----\n?")
_KEY_BYTES = 65_536


class Variable(NamedTuple):
    """A variable of the environment. ``secret`` values never reach a log, a comment, the database or the model."""

    name: str
    meaning: str
    default: str = ""
    secret: bool = False


VARIABLES = (
    Variable("GITHUB_TOKEN", "Token for GitHub; `GH_TOKEN` is read when it is not set.", secret=True),
    Variable("GH_TOKEN", "Token for GitHub, as the gh program names it.", secret=True),
    Variable(
        "GITHUB_API_URL", "Address of GitHub's API for the host of GITHUB_SERVER_URL.", "from the server's address"
    ),
    Variable("GITHUB_SERVER_URL", "Address of your GitHub; its host may be reviewed beside github.com.", _GITHUB_WEB),
    Variable(
        "REVIEWBOT_API_BASE", "Address of the model provider's API, without `/responses`.", "from the key's provider"
    ),
    Variable("REVIEWBOT_API_KEY", "Key for the model provider at REVIEWBOT_API_BASE.", secret=True),
    Variable("REVIEWBOT_MODEL", "Model to ask.", "from the key's provider"),
    Variable("AIMLAPI_API_KEY", "Key for AIMLAPI; sets its address and `openai/gpt-5-1-codex`.", secret=True),
    Variable("OPENAI_API_KEY", "Key for OpenAI; sets its address and `gpt-5.1-codex`.", secret=True),
    Variable("AZURE_OPENAI_API_KEY", "Key for Azure OpenAI; needs AZURE_OPENAI_ENDPOINT.", secret=True),
    Variable("AZURE_OPENAI_ENDPOINT", "Address of the Azure resource; `/openai/v1` is added."),
    Variable("REVIEWBOT_APP_ID", "The GitHub App's ID, a number; its client ID will do, too."),
    Variable(
        "REVIEWBOT_PRIVATE_KEY",
        "The App's private key, the text of its `.pem` file; line breaks may be written as `\\n`.",
        secret=True,
    ),
    Variable(
        "REVIEWBOT_PRIVATE_KEY_FILE",
        "File with the App's private key, instead of REVIEWBOT_PRIVATE_KEY. Only you may have access (mode 0600); "
        "if root owns it, its group may read it.",
    ),
    Variable(
        "REVIEWBOT_WEBHOOK_SECRET",
        "The App's webhook secret. Several, with commas or line breaks between them, are all accepted: so it is "
        "changed without losing a delivery.",
        secret=True,
    ),
    Variable("REVIEWBOT_DATABASE_URL", "Database of runs and paid answers.", "a SQLite file in REVIEWBOT_DATA_DIR"),
    Variable("REVIEWBOT_DATA_DIR", "Folder for the database.", "~/.local/share/reviewbot"),
    Variable("XDG_DATA_HOME", "Where data folders are kept, by the XDG specification.", "~/.local/share"),
    Variable("NO_COLOR", "Set to anything: no colours, as no-color.org has it."),
    Variable("HOME", "Your home folder; read only to find the data folder."),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a deployment sets. Fields with secrets do not show in ``repr``."""

    github_token: str = field(default="", repr=False)
    github_api_url: str = ""
    github_server_url: str = _GITHUB_WEB
    api_base: str = ""
    api_key: str = field(default="", repr=False)
    model_id: str = ""
    database_url: str = field(default="", repr=False)
    app_id: str = ""
    private_key: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
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
    key or key file that cannot be used. No error shows a secret.
    """
    found = dict(os.environ if environ is None else environ)
    given = {name: value.strip() for name, value in found.items() if value.strip()}
    base, key, model = _provider(given)
    server = _address(given, "GITHUB_SERVER_URL") or _GITHUB_WEB
    return Settings(
        github_token=_secret(given, "GITHUB_TOKEN", "GH_TOKEN"),
        github_api_url=_address(given, "GITHUB_API_URL"),
        github_server_url=server,
        api_base=base,
        api_key=key,
        model_id=given.get("REVIEWBOT_MODEL") or model,
        database_url=given.get("REVIEWBOT_DATABASE_URL") or _database_file(given),
        app_id=_app_id(given),
        private_key=_private_key(given),
        webhook_secrets=_webhook_secrets(given),
        environ=found,
    )


def wants_color(environ: Mapping[str, str] | None = None) -> bool:
    """Whether colours may be written, by https://no-color.org."""
    return not (os.environ if environ is None else environ).get("NO_COLOR")


def _provider(given: Mapping[str, str]) -> tuple[str, str, str]:
    """Address, key and model by what is set; the explicit pair wins, then the presets in the order of the table."""
    base = _address(given, "REVIEWBOT_API_BASE")
    if key := _secret(given, "REVIEWBOT_API_KEY"):
        return base or "https://api.openai.com/v1", key, ""
    if key := _secret(given, "AIMLAPI_API_KEY"):
        return base or "https://api.aimlapi.com/v1", key, "openai/gpt-5-1-codex"
    if key := _secret(given, "OPENAI_API_KEY"):
        return base or "https://api.openai.com/v1", key, "gpt-5.1-codex"
    if key := _secret(given, "AZURE_OPENAI_API_KEY"):
        endpoint = _address(given, "AZURE_OPENAI_ENDPOINT")
        if not (endpoint or base):
            raise ConfigError(
                "AZURE_OPENAI_API_KEY is set without AZURE_OPENAI_ENDPOINT.",
                remedy="Set it to the address of your resource, https://NAME.openai.azure.com.",
            )
        return base or f"{endpoint}/openai/v1", key, "gpt-5.1-codex"
    return base or "https://api.openai.com/v1", "", ""


def _address(given: Mapping[str, str], name: str) -> str:
    """An http(s) address without credentials; plain http only for this machine, since secrets go there."""
    value = given.get(name, "").rstrip("/")
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    odd = parts.username or parts.password or parts.query or parts.fragment or not value.isprintable() or " " in value
    if parts.scheme not in ("http", "https") or not host or odd:
        raise ConfigError(f"{name} is not a web address: {host or 'no host in it'}.", remedy="Write https://HOST.")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ConfigError(f"{name} uses plain http to {host}.", remedy="Use https: keys and tokens are sent there.")
    return value.replace(":443", "", 1) if parts.scheme == "https" and port == 443 else value


def _secret(given: Mapping[str, str], *names: str) -> str:
    """The first of the variables that is set. A line break in it would end the header that it is sent in."""
    for name in names:
        if name in given:
            if not (given[name].isascii() and given[name].isprintable()):
                raise ConfigError(f"{name} holds characters that no key has.", remedy="Copy it again, in one line.")
            return given[name]
    return ""


def _app_id(given: Mapping[str, str]) -> str:
    value = given.get("REVIEWBOT_APP_ID", "")
    if value and not re.fullmatch(r"[0-9]{1,20}|Iv[0-9A-Za-z.]{6,60}", value):
        raise ConfigError(
            "REVIEWBOT_APP_ID is not the ID of a GitHub App.", remedy="Set the App ID of its settings page, a number."
        )
    return value


def _private_key(given: Mapping[str, str]) -> str:
    """The App's key as PEM with real line breaks, from the variable or its file; empty when neither is set."""
    name = "REVIEWBOT_PRIVATE_KEY"
    value, path = given.get(name, ""), given.get(f"{name}_FILE", "")
    if value and path:
        raise ConfigError(f"{name} and {name}_FILE are both set.", remedy="Keep one of them.")
    if not value and not path:
        return ""
    if path:
        name, value = f"{name}_FILE", _key_file(Path(path).expanduser())
    pem = value.replace("\\r", "").replace("\\n", "\n").replace("\r\n", "\n").strip() + "\n"
    if not _PEM.fullmatch(pem):
        raise ConfigError(
            f"{name} holds no private key in PEM: `-----BEGIN RSA PRIVATE KEY-----`, lines, an END line.",
            remedy="Use the .pem file from the App's settings page as it is, with its line breaks and no passphrase.",
        )
    return pem


def _key_file(path: Path) -> str:
    """The text of the key's file. Raises ConfigError when it cannot be read, or when others could read it."""
    name = f"REVIEWBOT_PRIVATE_KEY_FILE {path}"
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise ConfigError(f"{name} is not a file.", remedy="Set it to the .pem file of the App.")
        text = path.read_bytes()[:_KEY_BYTES].decode("utf-8", "replace")
    except OSError as error:
        remedy = "Check the path, and that the file belongs to the user who runs reviewbot."
        raise ConfigError(f"{name} cannot be read: {error.strerror}.", remedy=remedy) from error
    # As PostgreSQL has it for server keys: what root owns may be given to a group, so that mounted secrets can be used.
    allowed = 0o640 if facts.st_uid == 0 and os.geteuid() != 0 else 0o600
    mode = stat.S_IMODE(facts.st_mode)
    if mode & 0o077 & ~allowed:
        remedy = f"chmod 600 {path}, and make a new key if somebody else may have read this one."
        raise ConfigError(f"{name} is open to others (mode {mode:04o}).", remedy=remedy)
    return text


def _webhook_secrets(given: Mapping[str, str]) -> tuple[str, ...]:
    value = given.get("REVIEWBOT_WEBHOOK_SECRET", "")
    found = tuple(part.strip() for part in re.split(r"[,\n]", value) if part.strip())
    if value and not found:
        raise ConfigError("REVIEWBOT_WEBHOOK_SECRET holds no secret.", remedy="Set it to the App's webhook secret.")
    return found


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
