"""The process shows any character, whatever the locale."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_SAY = "from reviewbot.__main__ import _speak_any_language as s; s(); print('\\U0001f534 \\udcff \\u2026')"


def test_a_pipe_gets_utf8_in_any_locale() -> None:
    for environ in ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "latin-1"}):
        done = subprocess.run(
            [sys.executable, "-c", _SAY], env={"PATH": os.environ["PATH"], **environ}, capture_output=True, check=True
        )
        assert done.stdout.decode() == "\U0001f534 ? …\n"


def test_standard_streams_that_are_closed_are_no_matter() -> None:
    words = f"{sys.executable} -m reviewbot --version >&- 2>&-"
    done = subprocess.run(["sh", "-c", words], cwd=Path(__file__).parents[2], check=False, capture_output=True)
    assert b"Traceback" not in done.stderr
