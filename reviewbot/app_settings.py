"""What of the environment concerns the GitHub App and the processes of its server, checked: ids, keys, secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reviewbot.credentials import StoredApp, is_private_key, read_credentials, read_private_file
from reviewbot.errors import ConfigError
from reviewbot.variables import address, secret

_SHORTEST_ADMIN_TOKEN = 16


@dataclass(frozen=True, slots=True)
class AppGiven:
    """Who the App is and what proves it; what nothing names is empty."""

    app_id: str = ""
    private_key: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    slug: str = ""


def app_given(given: Mapping[str, str], folder: Path) -> AppGiven:
    """The App of the environment; where that is silent, the one that /setup kept in ``folder``.

    A variable beats the file, so that a key or a secret can be changed by one. When the environment names another App
    than the file, nothing of the file is used: a key of one App with the id of another would only be refused. A file
    that is not needed is not read.
    """
    named = AppGiven(app_id(given), private_key(given), webhook_secrets(given), app_slug(given))
    if named.app_id and named.private_key and named.webhook_secrets:
        return named
    stored = read_credentials(folder)
    if stored is None or (named.app_id and not stored.is_called(named.app_id)):
        return named
    return _filled(named, stored)


def _filled(named: AppGiven, stored: StoredApp) -> AppGiven:
    return AppGiven(
        app_id=named.app_id or stored.app_id,
        private_key=named.private_key or stored.private_key,
        webhook_secrets=named.webhook_secrets or (stored.webhook_secret,),
        slug=named.slug or stored.slug,
    )


def app_id(given: Mapping[str, str]) -> str:
    value = given.get("REVIEWBOT_APP_ID", "")
    if value and not re.fullmatch(r"[0-9]{1,20}|Iv[0-9A-Za-z.]{6,60}", value):
        raise ConfigError(
            "REVIEWBOT_APP_ID is not the ID of a GitHub App.", remedy="Set the App ID of its settings page, a number."
        )
    return value


def private_key(given: Mapping[str, str]) -> str:
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
    if not is_private_key(pem):
        raise ConfigError(
            f"{name} holds no private key in PEM: `-----BEGIN RSA PRIVATE KEY-----`, lines, an END line.",
            remedy="Use the .pem file from the App's settings page as it is, with its line breaks and no passphrase.",
        )
    return pem


def _key_file(path: Path) -> str:
    """The text of the key's file. Raises ConfigError when it cannot be read, or when others could read it."""
    remedy = "make a new key if somebody else may have read this one."
    return read_private_file(path, f"REVIEWBOT_PRIVATE_KEY_FILE {path}", kind="the .pem file of the App", remedy=remedy)


def webhook_secrets(given: Mapping[str, str]) -> tuple[str, ...]:
    value = given.get("REVIEWBOT_WEBHOOK_SECRET", "")
    found = tuple(part.strip() for part in re.split(r"[,\n]", value) if part.strip())
    if value and not found:
        raise ConfigError("REVIEWBOT_WEBHOOK_SECRET holds no secret.", remedy="Set it to the App's webhook secret.")
    return found


def app_slug(given: Mapping[str, str]) -> str:
    """The App's name as in its address, github.com/apps/SLUG."""
    value = given.get("REVIEWBOT_APP_SLUG", "").removesuffix("[bot]")
    if value and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}", value):
        raise ConfigError(
            "REVIEWBOT_APP_SLUG is not the name of a GitHub App.",
            remedy="Set it to what follows /apps/ in its address.",
        )
    return value


def admin_token(given: Mapping[str, str]) -> str:
    """The word that opens the status page; what can be guessed is refused."""
    value = secret(given, "REVIEWBOT_ADMIN_TOKEN")
    if value and len(value) < _SHORTEST_ADMIN_TOKEN:
        raise ConfigError(
            f"REVIEWBOT_ADMIN_TOKEN has fewer than {_SHORTEST_ADMIN_TOKEN} characters.",
            remedy="Make one with `openssl rand -hex 24`.",
        )
    return value


def worker_id(given: Mapping[str, str]) -> str:
    """This process's name among all that share a database."""
    value = given.get("REVIEWBOT_WORKER_ID", "")
    if value and not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", value):
        raise ConfigError(
            "REVIEWBOT_WORKER_ID has characters that no name has.", remedy="Use letters, digits, dots and dashes."
        )
    return value


def token_url(given: Mapping[str, str]) -> str:
    """Where a poster gives tokens: an address as all others, or ``unix:FILE`` for a socket on this machine."""
    name = "REVIEWBOT_TOKEN_URL"
    value = given.get(name, "")
    if value.startswith("unix:"):
        if not Path(value.removeprefix("unix:")).is_absolute():
            raise ConfigError(f"{name} names no absolute path after unix:.", remedy="Write unix:/path/of/the.sock.")
        return value
    return address(given, name)
