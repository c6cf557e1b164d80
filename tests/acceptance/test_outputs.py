"""Every --format, on the terminal and in a file; exit codes by --fail-on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reviewbot.core.report.outputs.json import SCHEMA
from reviewbot.sandbox.responses.faults import FaultKind

from .conftest import World, finding, reply, shown_paths

SARIF_SCHEMA = "sarif-schema-2.1.0.json"  # OASIS's own, where it is at hand
FORMATS = ("text", "json", "markdown", "sarif", "html")


def check_text(text: str) -> None:
    assert "10 findings (5 critical, 3 major, 2 minor)" in text
    assert re.search(r"CRITICAL +SQL is built from text\n +shop/db\.py:21 +security, confidence 75%", text)
    assert re.search(r"21 \+ +query = f\"SELECT", text), "the code stands below its finding"
    assert "\x1b" not in text, "no colours but on a terminal"


def check_json(text: str) -> None:
    document = json.loads(text)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert document["schema"] == 1
    assert len(document["findings"]) == 10
    assert document["coverage"]["complete"] is True
    assert sum(file["changed_lines"] for file in document["coverage"]["files"]) == 74


def check_markdown(text: str) -> None:
    assert "| 🔴 critical |" in text
    assert "SQL is built from text" in text


def check_sarif(text: str) -> None:
    log = json.loads(text)
    here = Path(__file__).resolve().parents
    for found in (here[1] / "data" / SARIF_SCHEMA, here[3] / "shared" / SARIF_SCHEMA):
        if found.is_file():
            schema = json.loads(found.read_text(encoding="utf-8"))
            jsonschema.validators.validator_for(schema)(schema).validate(log)
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert ("shop/db.py", 21) in {(p["artifactLocation"]["uri"], p["region"]["startLine"]) for p in places}
    assert run["invocations"][0]["executionSuccessful"] is True


def check_html(text: str) -> None:
    assert text.lstrip().lower().startswith("<!doctype html>")
    assert "light-dark(" in text
    assert not re.search(r"""<(?:script|link|img|iframe)\b[^>]*(?:src|href)=["']?https?:""", text), "one page, complete"
    for word in ("SQL is built from text", "shop/payments.py", "html-injection"):
        assert word in text


CHECKS = {"text": check_text, "json": check_json, "markdown": check_markdown, "sarif": check_sarif, "html": check_html}


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_on_the_terminal_and_in_a_file(world: World, tmp_path: Path, form: str) -> None:
    url = world.open("vouchers")
    printed = world.review(url, "--dry-run", "--format", form)
    assert printed.code == 0
    CHECKS[form](printed.out)
    file = tmp_path / "new" / "folder" / f"result.{form}"
    written = world.review(url, "--format", form, "--output", file)
    assert written.code == 0
    assert written.out == ""
    assert f"The result is in {file}." in written.err
    CHECKS[form](file.read_text(encoding="utf-8"))


def test_a_file_that_cannot_be_written_loses_nothing(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = world.review(world.open("vouchers"), "--format", "json", "--output", tmp_path / "file" / "result")
    assert done.code == 2
    assert len(json.loads(done.out)["findings"]) == 10
    assert "cannot be written" in done.err


@pytest.mark.parametrize(
    ("fail_on", "priority", "code", "conclusion"),
    [
        (None, 0, 0, "success"),
        ("never", 0, 0, "success"),
        ("critical", 0, 1, "failure"),
        ("critical", 1, 0, "success"),
        ("major", 1, 1, "failure"),
        ("major", 2, 0, "success"),
        ("minor", 2, 1, "failure"),
    ],
)
def test_fail_on(world: World, fail_on: str | None, priority: int, code: int, conclusion: str) -> None:
    world.answers(lambda _: reply(finding(priority=priority)))
    url = world.open("vouchers")
    words = ["--fail-on", fail_on] if fail_on else []
    assert world.review(url, *words).code == code
    assert world.checks[0].conclusion == conclusion
    assert world.review(url, *words).code == code, "what was posted before still counts"
    assert world.checks[-1].conclusion == conclusion


def test_findings_count_for_more_than_what_is_missing(world: World) -> None:
    """With findings at or above --fail-on and an incomplete review the code is 1: what was found stands."""
    url = world.open("wide")
    bad = finding(path="parts/part_1.py", quote="    return total_0 + 1", priority=0)
    world.answers(lambda prompt: reply(bad) if "parts/part_1.py" in shown_paths(prompt) else reply())
    world.fault(FaultKind.REFUSAL, contains="=== parts/part_3.py", times=None)
    done = world.review(url, "--fail-on", "critical", "--set", "chunks.target_tokens=2500")
    assert done.code == 1
    assert world.checks[0].conclusion == "failure"
    assert "parts/part_3.py" in world.checks[0].output["summary"], "and what is missing is said too"


class TestJson:
    @pytest.fixture
    def document(self, world: World) -> Any:
        return world.review(world.open("vouchers"), "--format", "json").json

    def test_it_says_where_the_review_is(self, world: World, document: Any) -> None:
        assert document["github"]["review_url"].startswith(f"{world.web}/octo/shop/pull/1#pullrequestreview-")
        assert document["github"]["check_url"]
        assert document["github"]["summary_url"]

    def test_it_says_what_it_cost(self, document: Any) -> None:
        usage = document["usage"]
        price = (usage["input_tokens"] * 1.25 + usage["output_tokens"] * 10) / 1e6
        assert usage["cost_usd"] == pytest.approx(price)
        assert usage["requests"] == 1

    def test_skipped_files_have_their_rule(self, document: Any) -> None:
        (skipped,) = [file for file in document["coverage"]["files"] if file["status"] == "skipped"]
        assert skipped["path"] == "web/package-lock.json"
        assert skipped["reason"].startswith("lock-file: ")

    def test_rejected_findings_have_their_reason(self, document: Any) -> None:
        assert [item["reason"] for item in document["rejected"]] == ["below-severity"]
