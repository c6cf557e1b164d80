"""The admin token of a server that was given none: made once, and kept in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from reviewbot.credentials import read_private_file
from reviewbot.errors import ConfigError

FILE = "admin-token"


def keep_admin_token(folder: Path) -> tuple[Path, str]:
    """The file and what is in it; it is made when it is not there. Raises ConfigError when it cannot be used."""
    path = folder / FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        remedy = "delete the file if somebody else may have read it: a new one is made."
        token = read_private_file(path, str(path), kind="the admin token", remedy=remedy).strip()
        if len(token) < 16 or not (token.isascii() and token.isprintable()):
            raise ConfigError(f"{path} holds no admin token.", remedy="Delete it: a new one is made.") from None
        return path, token
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}.",
            remedy="Set REVIEWBOT_DATA_DIR to a folder that can be written, or REVIEWBOT_ADMIN_TOKEN.",
        ) from error
    token = secrets.token_urlsafe(24)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(token + "\n")
    return path, token
