"""`reviewbot demo` and `reviewbot sandbox`: the whole main job against a GitHub and a model on this machine."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reviewbot.core.report.outcome import ReviewOutcome
from reviewbot.display import LastSeen, render
from reviewbot.errors import UsageError
from reviewbot.sandbox.scenario import Scenario, make_scenario
from reviewbot.settings import Settings, read_settings, wants_color

_KEY = "sandbox-key"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What runs, and how to reach it."""

    api_url: str
    web_url: str
    api_base: str
    token: str
    number: int
    repository: str

    @property
    def pull_url(self) -> str:
        return f"{self.web_url}/{self.repository}/pull/{self.number}"


@contextmanager
def sandbox_of(scenario: Scenario, *, repository: str, port: int = 0) -> Iterator[Sandbox]:
    """A running GitHub with one repository and one open pull request, and a running model."""
    from reviewbot.sandbox.github import SandboxGitHub, create_app, running
    from reviewbot.sandbox.responses.app import ResponsesSandbox

    github = SandboxGitHub({repository: scenario.path})
    with ExitStack() as stack:
        stack.callback(github.close)
        number = github.open_pull_request(
            repository, base=scenario.base, head=scenario.head, title=scenario.title, body=scenario.body
        )
        token = github.add_token(login="reviewbot[bot]", kind="app")
        web = stack.enter_context(running(create_app(github), port=port))
        model = stack.enter_context(running(ResponsesSandbox(key=_KEY).app))
        yield Sandbox(web, web, f"{model}/v1", token, number, repository)


def run_demo(
    last: LastSeen,
    *,
    folder: Path,
    repo: Path | None,
    base: str | None,
    head: str | None,
    live: bool,
    flags: Mapping[str, Any],
) -> ReviewOutcome:
    """Review the demo's pull request (or one made of ``repo``), print the result and write the page."""
    from reviewbot.wiring import Request, run_review

    page = _page_in(folder)
    with tempfile.TemporaryDirectory(prefix="reviewbot-demo-") as temporary, ExitStack() as stack:
        scenario = _scenario(repo, base, head, Path(temporary))
        name = f"demo/{_name_of(repo) if repo else 'shop'}"
        sandbox = stack.enter_context(sandbox_of(scenario, repository=name))
        settings = _settings(sandbox, live=live, database=Path(temporary) / "runs.sqlite")
        done = run_review(Request(target=sandbox.pull_url, fresh=live, flags=flags), last, settings)
        page.write_text(render(done.outcome, "html"), encoding="utf-8")
        print(render(done.outcome, "text", color=sys.stdout.isatty() and wants_color()))
        who = (
            "The findings are the model's own."
            if live
            else (
                "The sandbox's model is a rule-based stand-in: it shows how reviewbot works, not how a model reviews."
            )
        )
        print(f"\n{who}\nThe review as GitHub shows it is in {page}: open it in a browser.")
        return done.outcome


def serve_sandbox(repo: Path, *, base: str | None, head: str | None, port: int) -> None:
    """Serve until interrupted; says how to use it."""
    with tempfile.TemporaryDirectory(prefix="reviewbot-sandbox-") as temporary:
        scenario = _scenario(repo, base, head, Path(temporary))
        with sandbox_of(scenario, repository=f"sandbox/{_name_of(repo)}", port=port) as sandbox:
            print(
                f"The sandbox runs; stop it with Ctrl-C. The pull request is {sandbox.pull_url}\n\n"
                "In another terminal:\n"
                f"  export GITHUB_TOKEN={sandbox.token} GITHUB_API_URL={sandbox.api_url} "
                f"GITHUB_SERVER_URL={sandbox.web_url}\n"
                f"  export REVIEWBOT_API_BASE={sandbox.api_base} REVIEWBOT_API_KEY={_KEY}\n"
                f"  reviewbot review {sandbox.pull_url}",
                flush=True,
            )
            with suppress(KeyboardInterrupt):
                threading.Event().wait()


def _page_in(folder: Path) -> Path:
    """The page to be written, made empty, so that a folder that cannot be written is known before anything is done."""
    page = folder / "review.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page.touch()
    except OSError as error:
        raise UsageError(f"{page} cannot be written: {error.strerror}.", remedy="Name another --folder.") from error
    return page


def _name_of(repo: Path) -> str:
    """The folder's name as GitHub would take it for a repository."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", repo.resolve().name).strip(".-") or "repository"


def _scenario(repo: Path | None, base: str | None, head: str | None, temporary: Path) -> Scenario:
    if repo is None:
        if base or head:
            raise UsageError("--base and --head need --repo.", remedy="Give the path of a git repository with --repo.")
        return make_scenario(temporary / "shop")
    if not (repo / ".git").exists() and not (repo / "objects").is_dir():
        raise UsageError(f"{repo} is not a git repository.", remedy="Give the path of a git repository.")
    base, head = base or _base_of(repo), head or _head_of(repo, base)
    if not head or base == head:
        raise UsageError(
            f"{repo} has no branch beside {base}.", remedy="Name two branches or commits: --base and --head."
        )
    return Scenario(repo, base, head, f"{head} into {base}", "")


def _base_of(repo: Path) -> str:
    """``main`` or ``master`` where there is one, else the branch that is checked out."""
    branches = _branches(repo)
    return next((name for name in ("main", "master") if name in branches), branches[0] if branches else "HEAD")


def _head_of(repo: Path, base: str | None) -> str:
    """The branch with the newest commit that is not the base."""
    return next((name for name in _branches(repo) if name != (base or _base_of(repo))), "")


def _branches(repo: Path) -> list[str]:
    """Local branches, the one with the newest commit first."""
    words = ["git", "-C", str(repo), "for-each-ref", "--sort=-committerdate", "--format=%(refname:short)", "refs/heads"]
    try:
        return subprocess.run(words, check=True, capture_output=True, text=True, timeout=30).stdout.split()
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(f"{repo} cannot be read by git.", remedy="Give the path of a git repository.") from error


def _settings(sandbox: Sandbox, *, live: bool, database: Path) -> Settings:
    """The real settings, with GitHub (and the model, unless ``live``) turned to this machine."""
    settings = replace(
        read_settings(),
        github_token=sandbox.token,
        github_api_url=sandbox.api_url,
        github_server_url=sandbox.web_url,
        database_url=f"sqlite:///{database}",
    )
    if live:
        settings.require_api_key()
        return settings
    return replace(settings, api_base=sandbox.api_base, api_key=_KEY, model_id="gpt-5.1-codex")
