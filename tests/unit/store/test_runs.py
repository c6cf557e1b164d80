"""Texts that a database would refuse, and several processes at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reviewbot.core.change.pull_request import PullRequest
from reviewbot.core.context.prompt import Answer
from reviewbot.core.cost import Usage
from reviewbot.store.runs import SqlRunStore

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("a\0b", "a\ufffdb"),
        ("\ud83d\ude00", "\U0001f600"),
        ("é\r\n\U0001f600", "é\r\n\U0001f600"),
    ],
)
async def test_a_paid_answer_with_odd_characters_is_kept(tmp_path: Path, text: str, kept: str) -> None:
    store = SqlRunStore(f"sqlite:///{tmp_path}/runs.sqlite")
    pull = PullRequest(None, "t", "", "a", "open", False, "main", "b", "x", "h", f"o/r {text}", None, 1, 1, 0, 1)
    await store.start_run("r", pull, "m")
    await store.keep_answer("r", "k", Answer(text, "m", Usage(1, 2, 3), None, "resp_1"))
    await store.fail_run("r", text, Usage(), 0.0)
    found = await store.answer("k")
    assert found is not None
    assert found.text == kept
    assert (await store.show_run("r"))["error"] == kept


async def test_several_processes_may_make_the_database_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/runs.sqlite"
    program = (
        "import sys, anyio\n"
        "from reviewbot.core.change.pull_request import PullRequest\n"
        "from reviewbot.store.runs import SqlRunStore\n"
        "pull = PullRequest(None, 't', '', 'a', 'open', False, 'main', 'b', 'x', 'h', 'o/r', None, 1, 1, 0, 1)\n"
        "anyio.run(SqlRunStore(sys.argv[1]).start_run, sys.argv[2], pull, 'm')\n"
    )
    words = [sys.executable, "-c", program, url]
    running = [subprocess.Popen([*words, f"r{number}"], stderr=subprocess.PIPE) for number in range(3)]
    assert [process.communicate(timeout=60)[1] for process in running] == [b"", b"", b""]
    assert len(await SqlRunStore(url).list_runs(10)) == 3
