"""Where the Action's process begins and ends."""

from __future__ import annotations

import io
import sys

from reviewbot.action.run import run


def main() -> int:
    """The runner reads UTF-8, whatever the machine's own encoding is."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    return run(sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
