"""A sandbox GitHub in a process of its own, with open pull requests in repositories of several owners.

Prints one line of JSON when it is ready; each line on standard input is answered by a number: of reviews that were
posted or, when it says so, of ``calls``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from reviewbot.sandbox.github import Limits, SandboxGitHub, create_app, running
from reviewbot.sandbox.scenario import Scenario, make_scenario

OWNERS = 8


def main(pulls: int, public_key: Path) -> None:
    """Serve until standard input closes. GitHub's limits are not in force: what is measured is the server."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        scenario = make_scenario(Path(folder) / "shop")
        _branches(scenario, pulls)
        names = [f"owner{number}/shop" for number in range(OWNERS)]
        limits = Limits(content_per_minute=None, requests_per_hour=10_000_000)
        github = SandboxGitHub(dict.fromkeys(names, scenario.path), limits=limits)
        app_id = github.use_app(slug="reviewbot", public_key=public_key.read_text(encoding="ascii"))
        installations = {name: github.add_installation(name.partition("/")[0]) for name in names}
        opened = []
        for number in range(pulls):
            name = names[number % OWNERS]
            pull = github.open_pull_request(name, base="main", head=f"change-{number}", title=f"Change {number}")
            head = github.hosted(name).repository.commit_sha(f"change-{number}")
            opened.append([name, pull, installations[name], head])
        try:
            with running(create_app(github)) as url:
                print(json.dumps({"url": url, "app_id": app_id, "pulls": opened}), flush=True)
                for line in sys.stdin:
                    print(len(github.log) if line.strip() == "calls" else _posted(github), flush=True)
        finally:
            github.close()


def _branches(scenario: Scenario, count: int) -> None:
    """A branch for each pull request, which adds a file of its own to the scenario's bugs."""
    text = "".join(
        f"commit refs/heads/change-{number}\ncommitter Sam <sam@example.com> 1767607200 +0000\ndata 6\nchange\n"
        f"from refs/heads/{scenario.head}^0\nM 100644 inline shop/part.py\ndata <<END\nPART = {number}\nEND\n\n"
        for number in range(count)
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=scenario.path, input=text.encode(), check=True)


def _posted(github: SandboxGitHub) -> int:
    """Pull requests whose check has come to a conclusion, which is the last that is written of a review."""
    hosted = list(github.repositories.values())
    return sum(run.status == "completed" for each in hosted for run in list(each.check_runs.values()))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
