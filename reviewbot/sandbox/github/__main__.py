"""``python -m reviewbot.sandbox.github``: this GitHub in a process of its own, told in one line of JSON when ready."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from reviewbot.errors import ReviewbotError
from reviewbot.sandbox.github.app import create_app
from reviewbot.sandbox.github.records import EVERYTHING
from reviewbot.sandbox.github.state import SandboxGitHub
from reviewbot.sandbox.loopback import bind, make_server


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted. Prints ``api_url``, ``web_url``, ``token``, ``tokens``, ``repository`` and ``pulls``."""
    given = _parser().parse_args(arguments)
    github = SandboxGitHub()
    try:
        github.add_repository(given.name, Path(given.repo), private=given.private)
        heads = given.head or []
        bases = (given.base or []) + [""] * len(heads)
        default = github.hosted(given.name).repository.default_branch
        pulls = [
            github.open_pull_request(given.name, base=base or default, head=head, title=given.title)
            for base, head in zip(bases, heads, strict=False)
        ]
        listener = bind(given.port)
    except ReviewbotError as error:
        github.close()
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    tokens = {kind: github.add_token(kind=kind) for kind in ("personal", "app", "actions")}
    tokens["read_only"] = github.add_token(login="reader", permissions=dict.fromkeys(EVERYTHING, "read"))
    ready = {"api_url": url, "web_url": url, "token": tokens[given.token_kind], "tokens": tokens}
    sys.stdout.write(json.dumps(ready | {"repository": given.name, "pulls": pulls}) + "\n")
    sys.stdout.flush()
    try:
        make_server(create_app(github)).run(sockets=[listener])
    except KeyboardInterrupt:
        return 0
    finally:
        github.close()
        listener.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reviewbot.sandbox.github", description=__doc__)
    parser.add_argument("--repo", required=True, help="path of a git repository, bare or not; it is only read")
    parser.add_argument("--name", default="octo-org/project", help="the full name that it gets (%(default)s)")
    parser.add_argument("--base", action="append", help="base branch of a pull request (the default branch)")
    parser.add_argument("--head", action="append", help="head branch; give it again for further pull requests")
    parser.add_argument("--title", help="title (the first line of the last commit)")
    parser.add_argument("--private", action="store_true", help="ask for a token when git fetches, too")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (a free one)")
    parser.add_argument("--token-kind", choices=("personal", "app", "actions"), default="personal")
    return parser


if __name__ == "__main__":
    sys.exit(main())
