"""The file with the App's credentials: for this user alone, all or nothing, one App; and who reads it."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from reviewbot.credentials import FILE, StoredApp, check_folder, keep_credentials, read_credentials
from reviewbot.errors import ConfigError
from reviewbot.github.manifest import AppCredentials
from reviewbot.settings import read_settings

PEM = "-----BEGIN RSA PRIVATE KEY-----\ns3cr3tKEY/+0=\n-----END RSA PRIVATE KEY-----\n"


def credentials(**changes: Any) -> AppCredentials:
    known = {"app_id": "77", "client_id": "Iv23liAbCdEf", "slug": "our-bot", "owner": "octo"}
    secrets = {"private_key": PEM, "webhook_secret": "s3cr3thook"}
    return AppCredentials(**(known | secrets | {"html_url": "https://github.com/apps/our-bot"} | changes))


def kept(folder: Path, **changes: Any) -> Path:
    path = folder / FILE
    facts = json.loads(keep_credentials(folder / "other", credentials()).read_text()) | changes
    folder.mkdir(exist_ok=True)
    path.write_text(json.dumps(facts))
    path.chmod(0o600)
    return path


def test_what_is_kept_is_read_again_and_belongs_to_one_user(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    path = keep_credentials(folder, credentials())
    assert path == folder / "github-app.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert os.listdir(folder) == [FILE], "nothing is left beside it"
    found = read_credentials(folder)
    assert found == StoredApp("77", "our-bot", PEM, "s3cr3thook", "https://github.com/apps/our-bot", "Iv23liAbCdEf")
    assert found.install_url == "https://github.com/apps/our-bot/installations/new"
    assert "s3cr3t" not in repr(found)


def test_a_wide_umask_opens_nothing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = keep_credentials(tmp_path / "data", credentials())
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_kept_is_nothing_found(tmp_path: Path) -> None:
    assert read_credentials(tmp_path) is None
    assert read_credentials(tmp_path / "none") is None


def test_another_app_is_never_replaced_the_same_one_is(tmp_path: Path) -> None:
    path = keep_credentials(tmp_path, credentials())
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="of another App, our-bot") as caught:
        keep_credentials(tmp_path, credentials(app_id="78", client_id="Iv23liY"))
    assert "Delete the App that you just made" in caught.value.remedy
    assert path.read_bytes() == before
    keep_credentials(tmp_path, credentials(webhook_secret="new"))
    assert json.loads(path.read_text())["webhook_secret"] == "new"
    assert os.listdir(tmp_path) == [FILE]


def test_of_many_at_once_one_is_kept(tmp_path: Path) -> None:
    done: list[str] = []
    start = threading.Barrier(8)

    def keep(number: int) -> None:
        start.wait()
        try:
            keep_credentials(tmp_path, credentials(app_id=str(number), client_id=f"Iv{number}"))
        except ConfigError:
            return
        done.append(str(number))

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(100, 108)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read_credentials(tmp_path)
    assert found is not None
    assert done == [found.app_id]
    assert os.listdir(tmp_path) == [FILE]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_open_is_refused(mode: int, tmp_path: Path) -> None:
    path = keep_credentials(tmp_path, credentials())
    path.chmod(mode)
    with pytest.raises(ConfigError, match=f"open to others \\(mode {mode:04o}\\)") as caught:
        read_credentials(tmp_path)
    assert f"chmod 600 {path}" in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    ["", "s3cr3t", "[]", "{}", '{"schema": 1}', "[" * 100_000, '{"schema": 2, "s3cr3t": 1}', "\udcff"],
)
def test_a_broken_file_is_named_and_not_shown(text: str, tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        read_credentials(tmp_path)
    assert str(path) in caught.value.message
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("app_id", "x"),
        ("app_id", 77),
        ("slug", "../x"),
        ("private_key", "s3cr3t"),
        ("webhook_secret", ""),
        ("webhook_secret", "a\nb"),
        ("html_url", "javascript:alert(1)"),
        ("client_id", "<b>"),
    ],
)
def test_a_field_that_cannot_be_is_named(name: str, value: object, tmp_path: Path) -> None:
    kept(tmp_path, **{name: value})
    with pytest.raises(ConfigError, match=f"no proper {name}") as caught:
        read_credentials(tmp_path)
    assert "s3cr3t" not in str(caught.value)


def test_a_folder_or_a_dangling_link_in_its_place(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(ConfigError, match="is not a file"):
        read_credentials(tmp_path)
    (tmp_path / FILE).rmdir()
    (tmp_path / FILE).symlink_to(tmp_path / "gone")
    with pytest.raises(ConfigError, match="No such file"):
        read_credentials(tmp_path)
    with pytest.raises(ConfigError, match="No such file"):
        keep_credentials(tmp_path, credentials())
    assert not (tmp_path / "gone").exists()


def test_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for attempt in (lambda f: keep_credentials(f, credentials()), check_folder):
        with pytest.raises(ConfigError, match="cannot be kept in") as caught:
            attempt(tmp_path / "file" / "data")
        assert "REVIEWBOT_DATA_DIR" in caught.value.remedy
    check_folder(tmp_path / "good")
    assert os.listdir(tmp_path / "good") == []


def test_what_could_not_be_read_again_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="private_key") as caught:
        keep_credentials(tmp_path, credentials(private_key="s3cr3t"))
    assert "s3cr3t" not in str(caught.value)
    assert os.listdir(tmp_path) == []


# ---- who reads it ----------------------------------------------------------------------------------------------------

OTHER = PEM.replace("KEY/", "OTHER/")


def read(folder: Path, **environ: str) -> tuple[str, str, tuple[str, ...], str]:
    found = read_settings({"REVIEWBOT_DATA_DIR": str(folder), **environ})
    return found.app_id, found.private_key, found.webhook_secrets, found.app_slug


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ("77", PEM, ("s3cr3thook",), "our-bot")),
        ({"REVIEWBOT_APP_ID": "77"}, ("77", PEM, ("s3cr3thook",), "our-bot")),
        ({"REVIEWBOT_APP_ID": "Iv23liAbCdEf"}, ("Iv23liAbCdEf", PEM, ("s3cr3thook",), "our-bot")),
        ({"REVIEWBOT_WEBHOOK_SECRET": "new,s3cr3thook"}, ("77", PEM, ("new", "s3cr3thook"), "our-bot")),
        ({"REVIEWBOT_PRIVATE_KEY": OTHER}, ("77", OTHER, ("s3cr3thook",), "our-bot")),
        ({"REVIEWBOT_APP_SLUG": "renamed"}, ("77", PEM, ("s3cr3thook",), "renamed")),
        ({"REVIEWBOT_APP_ID": "78"}, ("78", "", (), "")),
        ({"REVIEWBOT_APP_ID": "78", "REVIEWBOT_WEBHOOK_SECRET": "x"}, ("78", "", ("x",), "")),
    ],
)
def test_the_environment_wins_and_another_app_takes_nothing(
    environ: dict[str, str], expected: tuple[str, str, tuple[str, ...], str], tmp_path: Path
) -> None:
    keep_credentials(tmp_path, credentials())
    assert read(tmp_path, **environ) == expected


def test_a_file_that_is_not_needed_is_not_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("broken")
    whole = {"REVIEWBOT_APP_ID": "78", "REVIEWBOT_PRIVATE_KEY": OTHER, "REVIEWBOT_WEBHOOK_SECRET": "x"}
    assert read(tmp_path, **whole) == ("78", OTHER, ("x",), "")
    with pytest.raises(ConfigError, match=FILE):
        read(tmp_path)


def test_stored_secrets_are_known_as_secrets(tmp_path: Path) -> None:
    keep_credentials(tmp_path, credentials())
    found = read_settings({"REVIEWBOT_DATA_DIR": str(tmp_path)})
    assert {PEM, "s3cr3thook"} <= set(found.secrets)
    assert "s3cr3t" not in repr(found)
