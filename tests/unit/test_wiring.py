"""What is a work tree and what is a pull request, and settings files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewbot.display import LastSeen
from reviewbot.errors import ConfigError, UsageError
from reviewbot.settings import Settings
from reviewbot.wiring import Request, resolve_local, run_review


@pytest.mark.parametrize("target", ["", " ", "x" * 300, "https://github.com/o/r/pull/" + "9" * 5000, "a\0b"])
def test_what_is_no_target_is_said(target: str) -> None:
    """An empty word, from a variable that was not set, is not the folder that one stands in."""
    with pytest.raises(UsageError):
        run_review(Request(target), LastSeen(), Settings(), quiet=True)


def test_a_settings_file_that_is_not_utf8_is_said(tmp_path: Path) -> None:
    file = tmp_path / ".reviewbot.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        resolve_local(tmp_path, {})
