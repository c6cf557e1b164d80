"""The variables of the environment that reviewbot knows, and how addresses and secrets among them are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from reviewbot.errors import ConfigError

GITHUB_WEB = "https://github.com"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


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
    Variable("GITHUB_SERVER_URL", "Address of your GitHub; its host may be reviewed beside github.com.", GITHUB_WEB),
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
    Variable("REVIEWBOT_APP_SLUG", "The App's name in addresses; needed only where the App's key is not."),
    Variable("REVIEWBOT_ADMIN_TOKEN", "Opens the status page and /setup; 16 characters or more.", secret=True),
    Variable("REVIEWBOT_PUBLIC_URL", "Address at which GitHub and people reach the server.", "what /setup is asked as"),
    Variable("REVIEWBOT_SETTINGS_FILE", "TOML file with the deployment's settings, named as in `.reviewbot.toml`."),
    Variable("REVIEWBOT_WORKER_ID", "Name of this worker or poster, unlike any other's.", "the host's name"),
    Variable("REVIEWBOT_TOKEN_URL", "Address of a poster that gives this worker its reading tokens."),
    Variable("REVIEWBOT_TOKEN_SECRET", "What a worker shows the poster to be given a token.", secret=True),
    Variable("REVIEWBOT_DATABASE_URL", "Database of runs, jobs and answers.", "SQLite files in REVIEWBOT_DATA_DIR"),
    Variable("REVIEWBOT_DATA_DIR", "Folder for databases and the App's credentials.", "~/.local/share/reviewbot"),
    Variable("PROMETHEUS_MULTIPROC_DIR", "Folder in which the processes of one server share their metrics."),
    Variable("OTEL_EXPORTER_OTLP_ENDPOINT", "Where traces are sent, with the extra `otel`; OpenTelemetry's variable."),
    Variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "The same, for traces only."),
    Variable("OTEL_EXPORTER_OTLP_HEADERS", "Headers of that request; they may hold a key.", secret=True),
    Variable("XDG_DATA_HOME", "Where data folders are kept, by the XDG specification.", "~/.local/share"),
    Variable("NO_COLOR", "Set to anything: no colours, as no-color.org has it."),
    Variable("HOME", "Your home folder; read only to find the data folder."),
)


def address(given: Mapping[str, str], name: str) -> str:
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


def secret(given: Mapping[str, str], *names: str) -> str:
    """The first of the variables that is set. A line break in it would end the header that it is sent in."""
    for name in names:
        if name in given:
            if not (given[name].isascii() and given[name].isprintable()):
                raise ConfigError(f"{name} holds characters that no key has.", remedy="Copy it again, in one line.")
            return given[name]
    return ""
