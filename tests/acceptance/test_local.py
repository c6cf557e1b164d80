"""`review` on a git work tree: nothing is posted, nothing in the repository is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Git, World, shown_paths


@pytest.fixture
def tree(tmp_path: Path) -> Git:
    """A work tree on a branch, with one more change staged, one not staged, and one file that git does not know."""
    git = Git(tmp_path / "tree").init({"app.py": "A = 1\n", "b.py": "B = 1\n", ".gitignore": "ignored.py\n"})
    git.branch("work", {"app.py": "A = eval('1')\n"})
    (git.path / "b.py").write_text("B = eval('2')\n")
    git("add", "b.py")
    (git.path / "app.py").write_text("A = eval('3')\n")
    (git.path / "new.py").write_text("N = eval('4')\n")
    (git.path / "ignored.py").write_text("I = eval('5')\n")
    return git


@pytest.fixture
def state(tree: Git) -> list[str]:
    return [tree("status", "--porcelain"), tree("rev-parse", "HEAD"), tree("for-each-ref"), tree("stash", "list")]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], {"app.py": "A = eval('1')"}),
        (["--base", "main"], {"app.py": "A = eval('1')"}),
        (["--base", "main", "--head", "work"], {"app.py": "A = eval('1')"}),
        (["--base", "main~0", "--head", "HEAD"], {"app.py": "A = eval('1')"}),
        (["--staged"], {"b.py": "B = eval('2')"}),
        (["--uncommitted"], {"app.py": "A = eval('3')", "b.py": "B = eval('2')", "new.py": "N = eval('4')"}),
    ],
)
def test_each_way_to_say_what_is_reviewed(
    world: World, tree: Git, state: list[str], words: list[str], shown: dict[str, str]
) -> None:
    done = world.review(tree.path, *words, "--format", "json")
    assert done.code == 0
    (prompt,) = world.prompts
    assert sorted(shown_paths(prompt)) == sorted(shown)
    assert all(f"+{line}" in prompt for line in shown.values())
    assert {finding["path"] for finding in done.json["findings"]} == set(shown)
    assert done.json["coverage"]["complete"] is True
    assert world.stage.sent == [], "GitHub is not asked"
    after = [tree("status", "--porcelain"), tree("rev-parse", "HEAD"), tree("for-each-ref"), tree("stash", "list")]
    assert after == state


def test_the_result_is_readable(world: World, tree: Git) -> None:
    done = world.review(tree.path)
    assert "Text is run as code" in done.out
    assert "app.py:1" in done.out
    assert "Next: fix what holds and run the same command again." in done.out
    assert "Posted:" not in done.out


def test_from_inside_the_tree(world: World, tree: Git) -> None:
    (tree.path / "deep" / "er").mkdir(parents=True)
    started = world.start("review", ".", "--staged", "--format", "json", cwd=tree.path / "deep" / "er")
    out, _ = started.communicate(timeout=60)
    assert started.returncode == 0
    assert '"b.py"' in out


def test_no_token_is_needed(world: World, tree: Git) -> None:
    assert world.review(tree.path, GITHUB_TOKEN="", GITHUB_API_URL="", GITHUB_SERVER_URL="").code == 0


def test_fail_on_for_a_hook(world: World, tree: Git) -> None:
    assert world.review(tree.path, "--staged", "--fail-on", "critical").code == 1
    tree("reset", "-q")
    assert world.review(tree.path, "--staged", "--fail-on", "critical").code == 0, "nothing is staged"


def test_the_second_time_nothing_is_paid(world: World, tree: Git) -> None:
    world.review(tree.path, "--staged")
    done = world.review(tree.path, "--staged", "--format", "json")
    assert world.asked == 1
    assert len(done.json["findings"]) == 1, "it is said again, since it stands nowhere"


def test_settings_of_the_base_hold_here_too(world: World, tmp_path: Path) -> None:
    git = Git(tmp_path / "own").init({"app.py": "A = 1\n", ".reviewbot.toml": '[scope]\nexclude = ["app.py"]\n'})
    git.branch("work", {"app.py": "A = 2\n", "b.py": "B = eval('2')\n", ".reviewbot.toml": ""})
    world.review(git.path)
    assert "app.py" not in shown_paths(world.prompts[0])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--staged", "--uncommitted"], "exclude each other"),
        (["--staged", "--base", "main"], "exclude each other"),
        (["--base", "nowhere"], "'nowhere' is not a commit"),
        (["--head", "nowhere"], "'nowhere' is not a commit"),
        (["--base", "--upload-pack=touch hacked"], "is not a commit"),
    ],
)
def test_wrong_words_are_2(world: World, tree: Git, words: list[str], said: str) -> None:
    done = world.review(tree.path, *words)
    assert done.code == 2
    assert said in done.err
    assert not (tree.path / "hacked").exists()


def test_a_folder_without_git_is_2(world: World, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    done = world.review(tmp_path / "plain")
    assert done.code == 2
    assert "is not in a git repository" in done.err


def test_programs_that_the_repository_names_are_not_run(world: World, tree: Git) -> None:
    """Hooks, filters, external diffs and file-system monitors of a repository are its author's programs."""
    trap = tree.path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tree.path}/sprung\ncat\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "diff.external", "filter.trap.clean", "filter.trap.smudge", "diff.trap.textconv"):
        tree("config", name, str(trap))
    tree("config", "filter.trap.required", "true")
    (tree.path / ".gitattributes").write_text("*.py filter=trap diff=trap\n")
    for hook in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction"):
        file = tree.path / ".git" / "hooks" / hook
        file.parent.mkdir(exist_ok=True)
        file.write_text(trap.read_text())
        file.chmod(0o755)
    for words in ([], ["--staged"], ["--uncommitted"]):
        assert world.review(tree.path, *words).code == 0
    assert not (tree.path / "sprung").exists()


def test_uncommitted_files_are_read_not_followed(world: World, tree: Git, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("SECRET_OF_THE_MACHINE = 1\n")
    (tree.path / "link.py").symlink_to(tmp_path / "outside.py")
    world.review(tree.path, "--uncommitted")
    assert "SECRET_OF_THE_MACHINE" not in world.prompts[0]
