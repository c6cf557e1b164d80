"""On a real terminal: one line that moves, colours that may be switched off, and nothing that acts on the terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

from .conftest import World, finding, reply


def on_a_terminal(world: World, *words: str, **environ: str) -> tuple[int, str]:
    """Exit code and everything that reached the terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "reviewbot", *words]
    env = {**world.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40", **environ}
    started = subprocess.Popen(command, env=env, cwd=world.room, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:  # Linux: the other end was closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    text = b"".join(pieces).decode()
    world.said.append(text)
    return started.wait(timeout=20), text


def test_progress_moves_and_the_result_has_colours(world: World) -> None:
    world.model.latency = 0.3
    code, text = on_a_terminal(world, "review", world.open("vouchers"))
    assert code == 0
    assert "Asking the model: 0 of 1 chunks" in text
    assert "\x1b[?25l" in text, "the cursor is hidden while the line moves"
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "and shown again"
    assert re.search(r"\x1b\[[0-9;]*41m CRITICAL ", text), "white on red"
    assert "Posted: http" in text


def test_no_color(world: World) -> None:
    _, text = on_a_terminal(world, "review", world.open("vouchers"), NO_COLOR="1")
    result = text.partition("octo/shop#1")[2]
    assert not re.search(r"\x1b\[[0-9;]*m", result)


def test_a_model_cannot_act_on_the_terminal(world: World) -> None:
    text = "\x1b[2J\x1b]0;owned\x07 \x9b31m \r\x1b[1Aover \u202egnp.exe"
    world.answers(lambda _: reply(finding(title=f"T{text}", body=f"B{text}", evidence=text), explanation=f"E{text}"))
    _, shown = on_a_terminal(world, "review", world.open("vouchers", title=f"Title {text}"), "--dry-run", NO_COLOR="1")
    result = shown.rpartition("octo/shop#1 ")[2]
    assert "owned" in result, "the words are shown"
    assert not re.search("[\x1b\x9b\x07\u202e]", result), "and nothing else"
