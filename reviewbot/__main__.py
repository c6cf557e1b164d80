"""Where the process begins and ends: errors become one sentence and an exit code here, and nowhere else."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and exit with its code (docs/reference/exit-codes.md)."""
    gc.disable()  # importing makes many objects and no garbage: a collection here only costs time
    from reviewbot.cli import run

    gc.freeze()
    gc.enable()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
