"""One process of an id to a file of jobs."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from reviewbot.errors import StoreError
from reviewbot.jobs.file_lock import hold_file

HOLD = (
    "import sys, time\nfrom pathlib import Path\nfrom reviewbot.jobs.file_lock import hold_file\n"
    "lock = hold_file(Path(sys.argv[1]), 'w', 5)\nprint('held', flush=True)\ntime.sleep(60)\n"
)


def test_a_second_of_the_same_id_is_refused_and_others_are_not(tmp_path: Path) -> None:
    database = tmp_path / "jobs.sqlite"
    with hold_file(database, "local worker", 0.0) as first:
        assert stat.S_IMODE(Path(first.name).stat().st_mode) == 0o600
        with pytest.raises(StoreError, match="as local worker"):
            hold_file(database, "local worker", 0.0)
        hold_file(database, "local poster", 0.0).close()
    hold_file(database, "local worker", 0.0).close()


def test_a_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    database = tmp_path / "jobs.sqlite"
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(database)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(StoreError):
        hold_file(database, "w", 0.0)
    process.kill()
    process.communicate()
    hold_file(database, "w", 5.0).close()


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        hold_file(tmp_path / "none" / "jobs.sqlite", "w", 0.0)
