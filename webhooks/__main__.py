"""``python -m webhooks --role ROLE``: one process of a server. People start it by `reviewbot serve`."""

from __future__ import annotations

import argparse
import sys

from reviewbot.roles import Role
from webhooks.process import Listening, run


def main(words: list[str]) -> int:
    """Be that process; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m webhooks", description=__doc__)
    roles = [str(role) for role in Role if role is not Role.ALL]
    parser.add_argument("--role", choices=roles, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--uds", default="", help="listen on this path instead of a port")
    parser.add_argument("--fd", type=int, help="listen on this open socket instead of a port")
    parser.add_argument("--nice", type=int, default=0, help="give way to other processes by so much")
    parser.add_argument("--parent", type=int, default=0, help="end when this process, which started it, is gone")
    parser.add_argument("--json", action="store_true", help="log lines as JSON")
    given = parser.parse_args(words)
    listening = Listening(given.host, given.port, given.fd, given.uds, given.nice, given.parent)
    return run(Role(given.role), listening, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
