"""A GitHub on this machine over any git repository, as strict as the real one.

    from reviewbot.sandbox.github import SandboxGitHub, create_app, running

    github = SandboxGitHub({"octo/shop": "/path/to/repository"})
    number = github.open_pull_request("octo/shop", base="main", head="feature")
    token = github.add_token()
    with running(create_app(github)) as url:
        ...  # REST: url, url/api/v3; GraphQL: url/graphql; git: url/octo/shop.git; a page: url/octo/shop/pull/1

A comment outside the diff rejects its whole review, lists page at 30, large diffs are 406, no token is 401. The
repository is only read. `limits` holds GitHub's figures, `faults` what can be made to go wrong, `state` all the rest.
"""

from __future__ import annotations

from reviewbot.sandbox.github.app import SandboxApp, create_app
from reviewbot.sandbox.github.faults import Faults
from reviewbot.sandbox.github.limits import Limits
from reviewbot.sandbox.github.state import SandboxGitHub
from reviewbot.sandbox.loopback import running

__all__ = ["Faults", "Limits", "SandboxApp", "SandboxGitHub", "create_app", "running"]
