"""GitWorkspace against real repositories: right merge base, exact texts, a closed room."""

from __future__ import annotations

import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import pytest

from reviewbot.checkout import GitWorkspace
from reviewbot.errors import WorkspaceError
from reviewbot.git import Git

pytestmark = pytest.mark.anyio
ENVIRON = {"PATH": os.environ["PATH"]}
FIXED = {
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip


class Repository:
    """A repository that tests write into."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self("init", "--quiet", "--initial-branch=main")
        self("config", "uploadpack.allowFilter", "true")

    def __call__(self, *args: str) -> str:
        done = subprocess.run(["git", *args], cwd=self.path, env={**ENVIRON, **FIXED}, check=True, capture_output=True)
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def commit(self, message: str, **files: str) -> str:
        for name, text in files.items():
            file = self.path / name.replace("__", "/").replace("_dot_", ".")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self("add", "--all")
        self("commit", "--quiet", "--allow-empty", "-m", message)
        return self("rev-parse", "HEAD")

    def chain(self, length: int) -> None:
        """Many empty commits at once."""
        branch = self("symbolic-ref", "HEAD")
        tip = self("rev-parse", "HEAD")
        stream = "".join(
            f"commit {branch}\ncommitter A <a@example.com> {1_700_000_000 + n} +0000\ndata 1\nx"
            + (f"\nfrom {tip}\n" if n == 0 else "\n")
            for n in range(length)
        )
        subprocess.run(
            ["git", "fast-import", "--quiet", "--force"],
            cwd=self.path, env={**ENVIRON, **FIXED}, input=stream.encode(), check=True, capture_output=True,
        )  # fmt: skip
        self("reset", "--quiet", "--hard")

    def workspace(self, **options: object) -> GitWorkspace:
        return GitWorkspace(str(self.path), environ=ENVIRON, allow_file=True, **options)  # type: ignore[arg-type]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "origin")


async def test_the_diff_is_gits_own_from_the_merge_base(repository: Repository) -> None:
    repository.commit("start", a_dot_py="one\ntwo\nthree\n", b_dot_py="x\n" * 30)
    repository("checkout", "-q", "-b", "topic")
    (repository.path / "b.py").rename(repository.path / "c.py")
    head = repository.commit("topic", a_dot_py="one\n2\nthree\n", new_dot_py="fresh\n")
    repository("checkout", "-q", "main")
    base = repository.commit("moved on", foreign_dot_py="not the author's\n")
    async with repository.workspace() as workspace:
        diff = await workspace.diff(base, head)
    expected = repository("diff", "-M", "--full-index", f"{base}...{head}")
    assert diff.decode().strip() == expected
    assert b"foreign" not in diff
    assert b"rename from b.py" in diff


@pytest.mark.parametrize("behind", [3, 60, 260])
async def test_the_merge_base_is_found_however_far_back(repository: Repository, behind: int) -> None:
    repository.commit("start", a="1\n")
    repository("checkout", "-q", "-b", "topic")
    head = repository.commit("topic", a="2\n")
    repository("checkout", "-q", "main")
    repository.chain(behind)
    base = repository.commit("tip", other="x\n")
    async with repository.workspace() as workspace:
        diff = await workspace.diff(base, head)
    assert diff.decode().strip() == repository("diff", "--full-index", f"{base}...{head}")


async def test_a_shortcut_to_an_older_ancestor_does_not_mislead(repository: Repository) -> None:
    """The base merged a branch that left long ago: at depth 50 an old ancestor is in sight and the right one is not."""
    repository.commit("old", a="old\n")
    repository("branch", "ancient")
    repository.commit("since then", a="old\n", since="main has this\n")
    repository("checkout", "-q", "-b", "topic")
    head = repository.commit("topic", topic="new\n")
    repository("checkout", "-q", "main")
    repository.chain(80)
    repository("checkout", "-q", "ancient")
    repository.commit("late", late="x\n")
    repository("checkout", "-q", "main")
    repository("merge", "-q", "--no-edit", "ancient")
    base = repository("rev-parse", "HEAD")
    async with repository.workspace() as workspace:
        diff = await workspace.diff(base, head)
    assert b"topic" in diff
    assert b"since" not in diff


async def test_texts_are_regular_files_only_and_exact(repository: Repository) -> None:
    repository.commit("start", a="caf\u00e9\r\nno end", deep__x="x\n")
    (repository.path / "link").symlink_to("/etc/passwd")
    (repository.path / "-dash").write_bytes(b"\xff\xfe")
    (repository.path / "new\nline").write_text("odd")
    (repository.path / "empty").write_text("")
    head = repository.commit("odd")
    async with repository.workspace() as workspace:
        found = await workspace.texts(head, ["a", "deep/x", "link", "-dash", "new\nline", "empty", "deep", "gone"])
        assert await workspace.paths(head) == ("-dash", "a", "deep/x", "empty", "link", "new\nline")
    assert found == {
        "a": "caf\u00e9\r\nno end".encode(),
        "deep/x": b"x\n",
        "-dash": b"\xff\xfe",
        "new\nline": b"odd",
        "empty": b"",
    }


async def test_blobs_come_in_one_batch(repository: Repository, tmp_path: Path) -> None:
    for number in range(30):
        (repository.path / f"f{number}").write_text(f"{number}\n")
    head = repository.commit("many")
    trace = tmp_path / "trace"
    workspace = repository.workspace()
    object.__setattr__(workspace._git, "variables", {**workspace._git.variables, "GIT_TRACE": str(trace)})
    async with workspace:
        await workspace.texts(head, [f"f{number}" for number in range(30)])
    fetches = [line for line in trace.read_text().splitlines() if "built-in: git fetch" in line]
    assert len(fetches) == 2, fetches  # the commit, then all blobs


async def test_no_common_history_and_unknown_commits_are_errors(repository: Repository) -> None:
    base = repository.commit("start", a="1\n")
    repository("checkout", "-q", "--orphan", "other")
    head = repository.commit("other", a="2\n")
    async with repository.workspace() as workspace:
        with pytest.raises(WorkspaceError, match="no common history"):
            await workspace.diff(base, head)
        with pytest.raises(WorkspaceError, match="git fetch failed"):
            await workspace.diff(base, "0" * 40)
        with pytest.raises(WorkspaceError, match="full name"):
            await workspace.diff("--upload-pack=touch pwned", head)


async def test_a_server_that_hands_out_names_only(repository: Repository) -> None:
    base = repository.commit("start", a="1\n")
    repository("checkout", "-q", "-b", "fork")
    head = repository.commit("topic", a="2\n")
    repository("update-ref", "refs/pull/5/head", head)
    repository("checkout", "-q", "main")
    repository("branch", "-qD", "fork")
    repository.commit("further", b="x\n")
    workspace = repository.workspace(pull_number=5)
    object.__setattr__(workspace._git, "config", {**workspace._git.config, "protocol.version": "0"})
    async with workspace:
        assert b"+2" in await workspace.diff(base, head)
    nameless = repository.workspace()
    object.__setattr__(nameless._git, "config", {**nameless._git.config, "protocol.version": "0"})
    async with nameless:
        with pytest.raises(WorkspaceError, match=r"unadvertised|not our ref"):
            await nameless.diff(base, head)


@pytest.mark.parametrize("url", ["ext::sh -c id", "file:///tmp", "ssh://h/x", "-u", "https://user:pw@h/x", "/tmp", ""])
async def test_only_http_addresses_without_a_user_are_fetched_from(url: str) -> None:
    with pytest.raises(WorkspaceError) as caught:
        GitWorkspace(url, environ=ENVIRON)
    assert "pw" not in str(caught.value)


async def test_the_copy_is_removed(repository: Repository) -> None:
    head = repository.commit("start", a="1\n")
    workspace = repository.workspace()
    await workspace.paths(head)
    folder = workspace._git.directory
    assert folder.is_dir()
    assert not (folder / "hooks").exists()
    await workspace.aclose()
    assert not folder.exists()


class _Refuses(BaseHTTPRequestHandler):
    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self.server.seen.append(dict(self.headers))  # type: ignore[attr-defined]
        body = b"nothing for you"
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


async def test_the_token_goes_in_a_header_and_into_no_error(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refuses)
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/o/r.git"
        proxied = {**ENVIRON, "http_proxy": "http://127.0.0.1:9"}  # not for a server on this machine
        async with GitWorkspace(url, environ=proxied, token="s3cret-token") as workspace:
            with pytest.raises(WorkspaceError) as caught:
                await workspace.texts("a" * 40, ["x"])
    finally:
        server.shutdown()
        server.server_close()
    assert server.seen[0]["Authorization"].startswith("Basic ")  # type: ignore[attr-defined]
    assert "403" in str(caught.value)
    assert "s3cret" not in str(caught.value)


async def test_limits_of_time_and_size_and_cancellation(repository: Repository) -> None:
    repository.commit("start", a="x" * 100_000)
    git = Git(repository.path / ".git", ENVIRON)
    with pytest.raises(WorkspaceError, match="more than 1000 bytes"):
        await git.run("cat-file", "blob", "HEAD:a", most=1000)
    slow = Git(repository.path / ".git", ENVIRON, config={"alias.wait": "!sleep 30"}, timeout=0.3)
    with anyio.fail_after(5), pytest.raises(WorkspaceError, match=r"more than 0.3 s"):
        await slow.run("wait")
    with anyio.fail_after(5), anyio.move_on_after(0.3) as scope:
        await Git(repository.path / ".git", ENVIRON, config={"alias.wait": "!sleep 30"}).run("wait")
    assert scope.cancelled_caught


async def test_nothing_of_the_callers_environment_leaks() -> None:
    environ = {"PATH": "/bin", "HTTPS_PROXY": "http://proxy", "GITHUB_TOKEN": "t", "GIT_SSH_COMMAND": "x", "HOME": "/h"}
    made = Git(Path("/store"), environ).environment()
    assert made["HTTPS_PROXY"] == "http://proxy"
    assert made["HOME"] == "/store"
    assert not {"GITHUB_TOKEN", "GIT_SSH_COMMAND"} & made.keys()
