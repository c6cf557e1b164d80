"""``python -m reviewbot.sandbox.responses --port N``: the Responses server alone, until it is interrupted."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

from reviewbot.errors import UsageError
from reviewbot.sandbox.loopback import running
from reviewbot.sandbox.responses.app import ResponsesSandbox


def main(words: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; prints one line of JSON on standard output when ready."""
    parser = argparse.ArgumentParser(prog="python -m reviewbot.sandbox.responses", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes any free one")
    parser.add_argument("--latency", type=float, default=0.0, metavar="S", help="seconds that each answer takes")
    parser.add_argument("--key", default="sandbox-key", help="the key that callers must send")
    given = parser.parse_args(words)
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    sandbox = ResponsesSandbox(key=given.key, latency=given.latency)
    try:
        with running(sandbox.app, port=given.port) as url:
            ready = {"base_url": f"{url}/v1", "key": given.key, "model": "sandbox-reviewer", "admin": f"{url}/sandbox"}
            sys.stdout.write(json.dumps(ready) + "\n")
            sys.stdout.flush()
            done.wait()
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
