"""The demo's edges: a folder that cannot be written, a repository whose name GitHub would not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewbot.demo import _name_of, run_demo
from reviewbot.display import LastSeen
from reviewbot.errors import UsageError


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        run_demo(LastSeen(), folder=tmp_path / "file", repo=tmp_path, base=None, head=None, live=False, flags={})


@pytest.mark.parametrize(
    ("folder", "name"), [("shop", "shop"), ("my shop", "my-shop"), ("a.b_c", "a.b_c"), ("лавка", "repository")]
)
def test_a_repository_gets_a_name_that_github_takes(tmp_path: Path, folder: str, name: str) -> None:
    assert _name_of(tmp_path / folder) == name
