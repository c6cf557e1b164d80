"""What of the environment concerns the GitHub App and the processes of its server, checked: ids, keys, secrets."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from reviewbot.errors import ConfigError
from reviewbot.variables import address, secret

_PEM = re.compile(r"-----BEGIN (RSA )?PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+\n-----END (RSA )?PRIVATE KEY-----\n?")
_KEY_BYTES = 65_536
_SHORTEST_ADMIN_TOKEN = 16


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
