"""What ends a run early: one sentence on stderr that names the thing and the remedy, and the right exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewbot.sandbox.responses.faults import FaultKind

from .conftest import Done, World

URL = "{web}/octo/shop/pull/1"


def one_sentence(done: Done, *words: str) -> None:
    """The last line of stderr says it; nothing is on stdout."""
    said = [line for line in done.err.splitlines() if line.startswith("reviewbot: ")]
    assert len(said) == 1
    assert done.err.endswith(f"{said[0]}\n")
    assert done.out == ""
    for word in words:
        assert word in said[0], said[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["review"], ["target"]),
        (["review", "nonsense"], ["'nonsense'", "OWNER/REPO#NUMBER"]),
        (["review", "https://gitlab.com/o/r/pull/1"], ["gitlab.com", "GITHUB_SERVER_URL"]),
        (["review", "https://github.com.evil.org/o/r/pull/1"], ["github.com.evil.org"]),
        (["review", "{web}/octo/shop/issues/1"], ["not the URL of a pull request"]),
        (["review", "https://user:word@github.com/o/r/pull/1"], ["GITHUB_TOKEN"]),
        (["review", URL, "--base", "main"], ["--base", "work tree"]),
        (["review", URL, "--format", "pdf"], ["pdf", "sarif"]),
        (["review", URL, "--fail-on", "huge"], ["huge"]),
        (["review", URL, "--nonsense"], ["--nonsense"]),
        (["review", URL, "--set", "model.effort"], ["--set", "NAME=VALUE"]),
        (["review", URL, "--set", "model.efort=low"], ["model.efort", "model.effort"]),
        (["review", URL, "--set", "chunks.target_tokens=5"], ["chunks.target_tokens", "2000"]),
        (["review", URL, "--max-cost", "cheap"], ["--max-cost", "number"]),
        (["review", URL, "--max-cost", "-1"], ["max_cost_usd"]),
        (["reviev", URL], ["reviev"]),
        (["estimate", URL, "--format", "html"], ["html"]),
        (["runs", "show", "never-was"], ["never-was", "runs list"]),
        (["config", "check", "absent.toml"], ["absent.toml"]),
        (["demo", "--base", "main"], ["--repo"]),
        (["sandbox", "--repo", "/nowhere/at/all"], ["/nowhere/at/all"]),
    ],
)
def test_wrong_usage_and_configuration_is_2(world: World, words: list[str], said: list[str]) -> None:
    world.open("vouchers")
    done = world.run(*(word.format(web=world.web) for word in words))
    assert done.code == 2
    one_sentence(done, *said)
    assert world.asked == 0
    assert world.writes == []


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"REVIEWBOT_API_KEY": ""}, ["OPENAI_API_KEY", "reviewbot demo"]),
        ({"REVIEWBOT_API_BASE": "ftp://x"}, ["REVIEWBOT_API_BASE"]),
        ({"REVIEWBOT_API_BASE": "http://models.example.com/v1"}, ["REVIEWBOT_API_BASE", "https"]),
        ({"GITHUB_API_URL": "http://github.example.com"}, ["GITHUB_API_URL", "https"]),
        ({"GITHUB_TOKEN": "two\nlines"}, ["GITHUB_TOKEN"]),
        ({"REVIEWBOT_DATABASE_URL": "nonsense"}, ["REVIEWBOT_DATABASE_URL"]),
        ({"AZURE_OPENAI_API_KEY": "a", "REVIEWBOT_API_KEY": "", "REVIEWBOT_API_BASE": ""}, ["AZURE_OPENAI_ENDPOINT"]),
    ],
)
def test_a_wrong_environment_is_2(world: World, environ: dict[str, str], said: list[str]) -> None:
    url = world.open("vouchers")
    done = world.review(url, **environ)
    assert done.code == 2
    one_sentence(done, *said)


def test_a_data_folder_that_cannot_be_written_is_2(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = world.review(world.open("vouchers"), REVIEWBOT_DATA_DIR=str(tmp_path / "file" / "data"))
    assert done.code == 2
    one_sentence(done, "REVIEWBOT_DATA_DIR")


class TestGitHubRefused:
    def test_no_token(self, world: World) -> None:
        done = world.review(world.open("vouchers"), GITHUB_TOKEN="")
        assert done.code == 4
        one_sentence(done, "401", "GITHUB_TOKEN")

    def test_a_wrong_token(self, world: World) -> None:
        done = world.review(world.open("vouchers"), GITHUB_TOKEN="ghp_wrong")
        assert done.code == 4
        one_sentence(done, "401", "GITHUB_TOKEN")

    def test_no_such_pull_request(self, world: World) -> None:
        done = world.review(f"{world.web}/octo/shop/pull/77")
        assert done.code == 4
        one_sentence(done, "404", "/repos/octo/shop/pulls/77")

    def test_a_token_that_may_not_see_the_repository(self, world: World) -> None:
        world.hosted.private = True
        url = world.open("vouchers")
        token = world.github.add_token("stranger", repositories=[])
        done = world.review(url, GITHUB_TOKEN=token)
        assert done.code == 4
        one_sentence(done, "404")

    def test_a_read_only_token(self, world: World) -> None:
        """It is only known when it is written with; what was paid for is kept."""
        token = world.github.add_token("reader", permissions={"contents": "read", "pull_requests": "read"})
        url = world.open("vouchers")
        done = world.review(url, GITHUB_TOKEN=token)
        assert done.code == 4
        one_sentence(done, "403", "pull requests: write", "--dry-run")
        assert world.review(url).code == 0
        assert world.asked == 1

    def test_a_server_that_is_not_there(self, world: World, quick: None) -> None:
        world.open("vouchers")
        nowhere = "http://127.0.0.1:9"
        done = world.review("octo/shop#1", GITHUB_API_URL=nowhere, GITHUB_SERVER_URL=nowhere)
        assert done.code == 4
        one_sentence(done, "127.0.0.1:9")


class TestModelRefused:
    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            (FaultKind.QUOTA, ["no credit", "Top it up"]),
            (FaultKind.FORBIDDEN, ["HTTP 403", "Check the key"]),
            (FaultKind.MODEL_GONE, ["gpt-5.1-codex", "2026-07-23", "gpt-5.6-sol", "--model"]),
        ],
    )
    def test_what_no_waiting_cures(self, world: World, kind: FaultKind, said: list[str]) -> None:
        world.fault(kind, times=None)
        done = world.review(world.open("vouchers"))
        assert done.code == 5
        one_sentence(done, *said)
        assert world.asked == 1, "it is not tried again"
        assert world.writes == []

    def test_a_wrong_key(self, world: World) -> None:
        done = world.review(world.open("vouchers"), REVIEWBOT_API_KEY="wrong-key")
        assert done.code == 5
        one_sentence(done, "HTTP 401", "Check the key")
        assert "wrong-key" not in done.err

    def test_a_model_that_never_was(self, world: World) -> None:
        done = world.review(world.open("vouchers"), "--model", "gpt-9")
        assert done.code == 5
        one_sentence(done, "gpt-9", "id")

    def test_a_provider_that_is_not_there(self, world: World) -> None:
        words = ("--set", "model.attempts=1")
        done = world.review(world.open("vouchers"), *words, REVIEWBOT_API_BASE="http://127.0.0.1:9/v1")
        assert done.code == 5
        one_sentence(done, "127.0.0.1", "network")

    def test_an_effort_that_the_model_does_not_have(self, world: World) -> None:
        done = world.review(world.open("vouchers"), "--set", "model.effort=max")
        assert done.code == 2
        one_sentence(done, "model.effort")


def test_a_process_ends_with_the_same_code(world: World) -> None:
    """Once through the real entry point: the code is the process's, and no traceback is on stderr."""
    done = world.process("review", "nonsense")
    assert done.code == 2
    one_sentence(done, "'nonsense'")
    assert world.process("review", world.open("vouchers"), "--fail-on", "critical").code == 1


def test_help_and_version(world: World) -> None:
    assert world.run("--version").out.startswith("reviewbot ")
    assert world.run("--help").code == 0
    assert "--dry-run" in world.run("review", "--help").out
