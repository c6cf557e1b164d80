"""One process of an id to a file of jobs, since that process alone takes up what it left when it died."""

from __future__ import annotations

import fcntl
import re
import time
from pathlib import Path
from typing import TextIO

from reviewbot.errors import StoreError


def hold_file(database: Path, worker_id: str, patience: float) -> TextIO:
    """A lock beside the database for as long as what is returned stays open, also when the process is killed.

    A predecessor that drains is waited for. Raises StoreError when it holds the id for over ``patience`` seconds.
    """
    name = re.sub(r"[^A-Za-z0-9._-]", "-", worker_id)
    path = database.with_name(f"{database.name}.{name}.lock")
    try:
        file = path.open("w", encoding="utf-8")
        path.chmod(0o600)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}.", remedy="Look at the folder.") from error
    give_up = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() > give_up:
                file.close()
                raise StoreError(
                    f"Another process works on {database} as {worker_id}.",
                    remedy="Stop it first. For several workers, keep jobs in Postgres: REVIEWBOT_DATABASE_URL.",
                ) from error
            time.sleep(0.2)
        else:
            return file
