"""Where the process begins and ends: errors become one sentence and an exit code here, and nowhere else."""

from __future__ import annotations

import gc
import io
import sys


def main() -> None:
    """Run the command line and exit with its code (docs/reference/exit-codes.md)."""
    gc.disable()  # importing makes many objects and no garbage: a collection here only costs time
    from reviewbot.cli import run

    _speak_any_language()
    gc.freeze()
    gc.enable()
    sys.exit(run(sys.argv[1:]))


def _speak_any_language() -> None:
    """What is shown may hold any character: a file or pipe gets UTF-8, a terminal what it can show, else a ``?``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=stream.encoding if stream.isatty() else "utf-8", errors="replace")


if __name__ == "__main__":
    main()
