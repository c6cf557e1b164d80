"""The admin token that a server makes for itself."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from reviewbot.admin_token import keep_admin_token
from reviewbot.errors import ConfigError


def test_it_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path, token = keep_admin_token(tmp_path / "data")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(token) >= 32
    assert keep_admin_token(tmp_path / "data") == (path, token)


def test_a_file_that_others_could_read_is_refused(tmp_path: Path) -> None:
    path, _ = keep_admin_token(tmp_path)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="open to others"):
        keep_admin_token(tmp_path)


@pytest.mark.parametrize("content", ["", "short", "caf\u00e9" * 10])
def test_a_file_with_something_else_in_it_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "admin-token"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="holds no admin token"):
        keep_admin_token(tmp_path)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="REVIEWBOT_DATA_DIR"):
        keep_admin_token(tmp_path / "file" / "data")
