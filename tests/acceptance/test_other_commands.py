"""doctor, config, estimate, runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reviewbot.core.config import Config
from reviewbot.core.resolution import flatten_config
from reviewbot.sandbox.responses.faults import FaultKind

from .conftest import World


class TestDoctor:
    def checks(self, world: World, *words: str, **environ: str) -> tuple[int, dict[str, dict[str, str]]]:
        done = world.run("doctor", *words, "--format", "json", **environ)
        document = done.json
        assert document["schema"] == 1
        return done.code, {check["name"]: check for check in document["checks"]}

    def test_all_is_well(self, world: World) -> None:
        code, checks = self.checks(world, world.open("vouchers"), REVIEWBOT_MODEL="gpt-5.6-sol")
        assert code == 0
        assert {check["state"] for check in checks.values()} == {"ok"}
        assert "GitHub octo/shop#1" in checks
        assert world.asked == 0, "it spends nothing"
        assert world.writes == []

    def test_the_end_of_a_model_is_told_with_its_successor(self, world: World) -> None:
        code, checks = self.checks(world)
        assert checks["model"]["state"] == "warning"
        for word in ("gpt-5.1-codex", "2026-07-23", "gpt-5.6-sol"):
            assert word in checks["model"]["detail"]
        assert "REVIEWBOT_MODEL" in checks["model"]["remedy"]
        assert code == 0, "a warning stops nothing"

    @pytest.mark.parametrize(
        ("environ", "code", "name", "remedy"),
        [
            ({"GITHUB_TOKEN": ""}, 4, "GitHub token", "GITHUB_TOKEN"),
            ({"GITHUB_TOKEN": "ghp_wrong"}, 4, "GitHub", "GITHUB_TOKEN"),
            ({"REVIEWBOT_API_KEY": ""}, 5, "provider key", "OPENAI_API_KEY"),
            ({"REVIEWBOT_API_KEY": "wrong"}, 5, "provider", "Check the key"),
            ({"REVIEWBOT_MODEL": "gpt-9"}, 5, "model at the provider", "id"),
            ({"REVIEWBOT_DATABASE_URL": "sqlite:////proc/none/runs.sqlite"}, 2, "database", "REVIEWBOT_DA"),
        ],
    )
    def test_each_problem_has_its_remedy_and_code(
        self, world: World, environ: dict[str, str], code: int, name: str, remedy: str
    ) -> None:
        found, checks = self.checks(world, **environ)
        assert found == code
        assert checks[name]["state"] == "problem"
        assert remedy in checks[name]["remedy"]

    def test_an_account_without_write_access_is_a_warning(self, world: World) -> None:
        token = world.github.add_token("reader")
        world.hosted.collaborators["reader"] = "read"
        _, checks = self.checks(world, world.open("vouchers"), GITHUB_TOKEN=token)
        assert checks["GitHub octo/shop#1"]["state"] == "warning"
        assert "comment" in checks["GitHub octo/shop#1"]["remedy"]

    def test_a_pull_request_that_is_not_there(self, world: World) -> None:
        code, checks = self.checks(world, "octo/shop#99")
        assert code == 4
        assert "404" in checks["GitHub"]["detail"]

    def test_as_text(self, world: World) -> None:
        done = world.run("doctor", GITHUB_TOKEN="")
        assert done.code == 4
        assert re.search(r"(?m)^PROBLEM +GitHub token: none is set\n +-> Set GITHUB_TOKEN", done.out)
        assert re.search(r"(?m)^ok +git: ", done.out)

    def test_no_network_is_a_problem_not_a_crash(self, world: World, quick: None) -> None:
        nowhere = "http://127.0.0.1:9"
        environ = {"GITHUB_API_URL": nowhere, "GITHUB_SERVER_URL": nowhere, "REVIEWBOT_API_BASE": f"{nowhere}/v1"}
        code, checks = self.checks(world, **environ)
        assert code == 4
        assert checks["GitHub"]["state"] == checks["provider"]["state"] == "problem"


class TestConfig:
    def test_show_names_every_setting_its_value_and_its_source(self, world: World, tmp_path: Path) -> None:
        (tmp_path / ".reviewbot.toml").write_text('[review]\nlanguage = "French"\n[model]\nid = "x"\n')
        words = ("--set", "chunks.overlap_lines=3")
        done = world.run("config", "show", tmp_path, *words, REVIEWBOT_MODEL="gpt-5.6-sol")
        assert done.code == 0
        rows = {line.split()[0]: line for line in done.out.splitlines()}
        for name, _ in flatten_config(Config()):
            assert name in rows
        assert re.fullmatch(r"review\.language +French +\.reviewbot\.toml", rows["review.language"])
        assert re.fullmatch(r"chunks\.overlap_lines +3 +command line", rows["chunks.overlap_lines"])
        assert re.fullmatch(r"model\.id +gpt-5\.6-sol +environment", rows["model.id"])
        assert re.fullmatch(r"model\.effort +medium +default", rows["model.effort"])
        assert "may not set model.id" in done.out

    @pytest.mark.parametrize(
        ("text", "code", "said"),
        [
            ("", 0, "right"),
            ('[review]\nlanguage = "French"\n', 0, "right"),
            ("[review]\nlanguag = 1\n", 2, "'review.language'"),
            ("[review\n", 2, "not valid TOML"),
            ("[review]\nmax_comments = 1000\n", 2, "100"),
            ('[model]\nid = "x"\n', 0, "may not set model.id"),
        ],
    )
    def test_check(self, world: World, tmp_path: Path, text: str, code: int, said: str) -> None:
        file = tmp_path / ".reviewbot.toml"
        file.write_text(text)
        done = world.run("config", "check", file)
        assert done.code == code
        assert said in done.out + done.err

    def test_schema(self, world: World) -> None:
        schema = world.run("config", "schema").json
        jsonschema.Draft202012Validator.check_schema(schema)
        check = jsonschema.Draft202012Validator(schema)
        check.validate({"review": {"language": "French"}, "paths": [{"pattern": "a", "instructions": "b"}]})
        assert not check.is_valid({"review": {"langage": "French"}})


class TestEstimate:
    @pytest.mark.parametrize("head", ["vouchers", "wide", "clean"])
    def test_it_is_close_to_what_the_review_uses(self, world: World, head: str) -> None:
        url = world.open(head)
        words = ("--set", "chunks.target_tokens=2500")
        found = world.run("estimate", url, *words, "--format", "json").json
        assert world.asked == 0
        assert world.writes == []
        used = world.review(url, *words, "--format", "json").json
        assert found["requests"] == used["usage"]["requests"]
        assert found["files"] + len(found["skipped"]) == len(used["coverage"]["files"])
        assert found["changed_lines"] == used["coverage"]["reviewed_lines"]
        assert found["input_tokens"] == pytest.approx(used["usage"]["input_tokens"], rel=0.35)
        assert found["cost_usd"]["low"] <= used["usage"]["cost_usd"] * 2
        assert used["usage"]["cost_usd"] <= found["cost_usd"]["ceiling"]
        assert found["cost_usd"]["low"] < found["cost_usd"]["high"] < found["cost_usd"]["ceiling"]

    def test_as_text(self, world: World) -> None:
        done = world.run("estimate", world.open("vouchers"))
        assert done.code == 0
        assert "octo/shop#1: 5 files to read, 1 skipped, 72 changed lines" in done.out
        assert re.search(r"1 requests? to gpt-5\.1-codex, [\d,]+ input tokens", done.out)
        assert re.search(r"Probably \$\d\.\d{3} to \$\d\.\d{3}, at most \$\d\.\d\d\.", done.out)
        assert "skipped web/package-lock.json: lock-file" in done.out

    def test_a_work_tree(self, world: World, repository: Any) -> None:
        done = world.run("estimate", repository.path, "--base", "main", "--head", "wide", "--format", "json")
        assert done.json["changed_lines"] == 390

    def test_a_model_without_a_price(self, world: World) -> None:
        done = world.run("estimate", world.open("vouchers"), "--model", "house-model")
        assert "The price of house-model is not known" in done.out


class TestRuns:
    def test_list_and_show(self, world: World) -> None:
        url = world.open("vouchers")
        assert "No runs yet" in world.run("runs", "list").out
        first = world.review(url, "--format", "json").json
        world.review(url)
        listed = world.run("runs", "list").out.splitlines()
        assert len(listed) == 3
        assert re.search(r"octo/shop#1 +findings +72 of 74 +\$0\.0\d{3} +http", listed[2])
        shown = world.run("runs", "show", first["run_id"])
        assert shown.code == 0
        for words in ("SQL is built from text", "posted", "below-severity", "shop/db.py:21", "gpt-5.1-codex"):
            assert words in shown.out
        assert re.search(r"answer [0-9a-f]{12} +gpt-5\.1-codex +[\d,]+ in +[\d,]+ out", shown.out)

    def test_the_newest_come_first_and_few_if_asked(self, world: World) -> None:
        ids = [world.review(world.open(head), "--format", "json").json["run_id"] for head in ("clean", "vouchers")]
        listed = world.run("runs", "list", "--limit", "1").out
        assert ids[1] in listed
        assert ids[0] not in listed

    def test_failed_and_dry_runs_are_there_too(self, world: World) -> None:
        url = world.open("vouchers")
        world.fault(FaultKind.QUOTA)
        assert world.review(url).code == 5
        assert world.review(url, "--dry-run").code == 0
        listed = world.run("runs", "list").out
        assert "failed" in listed
        failed = next(line.split()[0] for line in listed.splitlines() if "failed" in line)
        assert "no credit left" in world.run("runs", "show", failed).out

    def test_prompts_are_not_kept(self, world: World) -> None:
        """What is stored of a question is its digest."""
        world.review(world.open("vouchers"))
        assert b"add_voucher" not in world.database
        assert b"SQL is built from text" in world.database

    def test_the_database_is_for_its_owner_only(self, world: World) -> None:
        world.review(world.open("clean"))
        data = world.room / "data"
        assert (data / "runs.sqlite").stat().st_mode & 0o077 == 0
        assert data.stat().st_mode & 0o077 == 0


def test_output_of_every_command_is_plain_json_where_it_says_so(world: World) -> None:
    url = world.open("clean")
    for words in (["review", url, "--format", "json"], ["estimate", url, "--format", "json"], ["config", "schema"]):
        json.loads(world.run(*words).out)
