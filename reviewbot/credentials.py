"""Files that hold secrets: the App's credentials as /setup keeps them, and the rule that nobody else may read such."""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from reviewbot.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from reviewbot.github.manifest import AppCredentials

FILE = "github-app.json"
_SCHEMA = 1
_MOST_BYTES = 65_536
_PEM = re.compile(r"-----BEGIN (RSA )?PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+\n-----END (RSA )?PRIVATE KEY-----\n?")
_FORMS = {
    "app_id": re.compile(r"[0-9]{1,20}"),
    "slug": re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}"),
    "private_key": _PEM,
    "webhook_secret": re.compile(r"[!-~]{1,1000}"),
    "html_url": re.compile(r"https?://[!-~]{1,500}"),
    "client_id": re.compile(r"[0-9A-Za-z._-]{0,100}"),
}


@dataclass(frozen=True, slots=True)
class StoredApp:
    """The App as it was kept on this machine. ``html_url`` is its page on GitHub."""

    app_id: str
    slug: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    html_url: str
    client_id: str = ""

    @property
    def install_url(self) -> str:
        """Where people choose the App's repositories."""
        return f"{self.html_url}/installations/new"

    def is_called(self, app_id: str) -> bool:
        """Whether this is the App of that id, its number or its client id."""
        return app_id in (self.app_id, self.client_id) and bool(app_id)


def is_private_key(pem: str) -> bool:
    """Whether a text has the form of a private key in PEM, without a passphrase."""
    return _PEM.fullmatch(pem) is not None


def read_private_file(path: Path, name: str, *, kind: str, remedy: str) -> str:
    """The text of a file with a secret in it, ``name`` in errors; ``remedy`` is for one that others could read.

    Raises ConfigError when it cannot be read, or when others could read it.
    """
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise ConfigError(f"{name} is not a file.", remedy=f"It should be {kind}.")
        text = path.read_bytes()[:_MOST_BYTES].decode("utf-8", "replace")
    except OSError as error:
        remedy = "Check the path, and that the file belongs to the user who runs reviewbot."
        raise ConfigError(f"{name} cannot be read: {error.strerror}.", remedy=remedy) from error
    # As PostgreSQL has it for server keys: what root owns may be given to a group, so that mounted secrets can be used.
    allowed = 0o640 if facts.st_uid == 0 and os.geteuid() != 0 else 0o600
    mode = stat.S_IMODE(facts.st_mode)
    if mode & 0o077 & ~allowed:
        raise ConfigError(f"{name} is open to others (mode {mode:04o}).", remedy=f"chmod 600 {path}, and {remedy}")
    return text


def read_credentials(folder: Path) -> StoredApp | None:
    """The App that was kept in ``folder``, or None. Raises ConfigError, which names the file and shows nothing of it,
    for one that is broken or that others can read."""
    path = folder / FILE
    if not os.path.lexists(path):
        return None
    remedy = "make a new key and a new webhook secret on GitHub if somebody else may have read these."
    text = read_private_file(path, str(path), kind="the file that /setup wrote", remedy=remedy)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    wrong = _wrong(found)
    if wrong:
        raise ConfigError(
            f"{path} is not a file of the App's credentials: {wrong}.",
            remedy="Put it back from a copy; or delete it, make a new key on GitHub, and give both in the environment.",
        )
    return StoredApp(**{name: found.get(name, "") for name in _FORMS})


def _wrong(found: Any) -> str:
    """What is wrong with the content of a file, by name; empty when nothing is."""
    if not isinstance(found, dict):
        return "it is not JSON"
    if found.get("schema") != _SCHEMA:
        return "it was written by another version of reviewbot"
    values = {name: found.get(name, "") for name in _FORMS}
    odd = [name for name, value in values.items() if not (isinstance(value, str) and _FORMS[name].fullmatch(value))]
    return f"it has no proper {', '.join(odd)}" if odd else ""


def keep_credentials(folder: Path, found: AppCredentials) -> Path:
    """Write the credentials of a new App, for this user alone, all of them or nothing; the file's path.

    Those of another App are never replaced, also when two are kept at the same moment. Raises ConfigError for that, for
    credentials that could not be read back, and when the file cannot be written.
    """
    app = StoredApp(
        found.app_id, found.slug, found.private_key, found.webhook_secret, found.html_url, client_id=found.client_id
    )
    content = {"schema": _SCHEMA, **asdict(app)}
    if wrong := _wrong(content):
        raise ConfigError(f"GitHub's credentials cannot be used: {wrong}.", remedy="Delete the App, and start again.")
    path = folder / FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = _write_draft(folder, json.dumps(content, indent=2) + "\n")
        try:
            _put(draft, path, app)
        finally:
            draft.unlink(missing_ok=True)
        _sync(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return path


def check_folder(folder: Path) -> None:
    """Raises ConfigError when credentials could not be kept here. GitHub gives them only once: better to know before.

    What ``keep_credentials`` does is done with an empty file, links included, since not every file system has them.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = _write_draft(folder, "")
        linked = draft.with_name(f"{draft.name}-2")
        try:
            linked.hardlink_to(draft)
        finally:
            linked.unlink(missing_ok=True)
            draft.unlink()
    except OSError as error:
        raise _unwritable(folder, error) from error


def _write_draft(folder: Path, text: str) -> Path:
    """A new file, mode 0600, that is on the disk when this returns."""
    number, name = tempfile.mkstemp(prefix=f".{FILE}-", dir=folder)
    draft = folder / name
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _put(draft: Path, path: Path, app: StoredApp) -> None:
    """Give the draft its name. A link, unlike a renaming, fails when the name is taken."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        kept = read_credentials(path.parent)
        if kept is None or not kept.is_called(app.app_id):
            raise _taken(path, kept) from None
        draft.replace(path)


def _taken(path: Path, kept: StoredApp | None) -> ConfigError:
    return ConfigError(
        f"{path} holds the credentials of another App{f', {kept.slug}' if kept else ''}.",
        remedy="Delete the App that you just made on GitHub; or stop the server, move that file away, and start again.",
    )


def _unwritable(folder: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"The App's credentials cannot be kept in {folder}: {error.strerror}.",
        remedy="Set REVIEWBOT_DATA_DIR to a folder that the user who runs reviewbot may write to.",
    )


def _sync(folder: Path) -> None:
    """The file's name is on the disk, too, when this returns."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
