"""JSON, SARIF and workflow commands: what other programs read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reviewbot.core.change.diff import Diff
from reviewbot.core.change.increment import Since
from reviewbot.core.findings.finding import Step
from reviewbot.core.report.draft import Posted
from reviewbot.core.report.outcome import Coverage
from reviewbot.core.report.outputs import annotations, sarif
from reviewbot.core.report.outputs import json as json_output
from reviewbot.core.report.outputs.json import SCHEMA

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
VARIANTS = ["outcome", "clean", "incomplete", "skipped", "hostile", "posted", "later", "again"]


@pytest.fixture
def outcome(request: pytest.FixtureRequest, reviews: Any) -> Any:
    evil = f"\ud800\x1b[31m\u202e::error::%0A,: </script> {TOKEN}\r\nsecond"
    base = reviews.finding(7, title=evil, body=evil, quote=evil, category=evil, source=evil)
    skipped = reviews.having(verdict="skipped", skip_reason="closed", coverage=Coverage(()), diff=Diff(()), findings=())
    return {
        "outcome": reviews.outcome,
        "clean": reviews.clean(),
        "incomplete": reviews.incomplete(),
        "skipped": skipped,
        "hostile": reviews.having(findings=(base,), notes=(evil,), pull=replace(reviews.pull, title=evil, ref=None)),
        "later": reviews.later(late=True),
        "again": reviews.having(since=Since(None, "c" * 40, 2, 1, reason=evil)),
        "posted": reviews.having(posted=Posted("https://github.com/r", notes=("no checks permission",)), cost_usd=None),
    }[request.param]


@pytest.mark.parametrize("outcome", VARIANTS, indirect=True)
def test_json_keeps_its_schema(outcome: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    text = json_output.render(outcome)
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(text))
    assert text.isascii()
    assert TOKEN not in text


def test_json_has_the_names_of_the_contract(reviews: Any) -> None:
    value = json.loads(json_output.render(reviews.outcome))
    assert list(value) == [
        *("schema", "run_id", "pull_request", "model", "analyzers", "summary", "findings", "rejected"),
        *("coverage", "since", "usage", "github", "timings"),
    ]
    contract = (
        "id fingerprint path side start_line line severity category confidence title body quote suggestion source"
    )
    assert {*contract.split(), "placement"} <= set(value["findings"][0])
    assert value["findings"][1]["suggestion"] is None
    assert value["findings"][1]["unproved_suggestion"] == "self.items.insert(0, item)"
    assert value["findings"][2]["side"] == "LEFT"
    assert [item["reason"] for item in value["rejected"]] == ["already-posted", "low-confidence"]
    assert value["coverage"]["files"][2] == {
        "path": "uv.lock",
        "status": "skipped",
        "reason": "lock-file: uv.lock is a lock file",
        "changed_lines": 2,
        "reviewed_lines": 0,
        "skipped_lines": 2,
        "over_budget_lines": 0,
        "failed_lines": 0,
        "earlier_lines": 0,
        "missed": [],
    }
    assert value["usage"]["cost_usd"] == 0.0242


TEXT = {"type": "string", "minLength": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}


def closed(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name.removesuffix("_"): value for name, value in properties.items()},
        "required": required.split(),
        "additionalProperties": False,
    }


MESSAGE = closed("text", text=TEXT, markdown=TEXT)
LINE = {"type": "integer", "minimum": 1}
LOCATION = closed(
    "physicalLocation",
    physicalLocation=closed(
        "artifactLocation",
        artifactLocation=closed("uri uriBaseId", uri={"type": "string", "format": "uri-reference"}, uriBaseId=TEXT),
        region=closed("startLine endLine", startLine=LINE, endLine=LINE),
    ),
)
# What SARIF 2.1.0 (OASIS) asks of the parts of a log that we write, in our own words and without its optional rest.
SARIF = closed(
    "version runs",
    **{"$schema": TEXT},
    version={"const": "2.1.0"},
    runs={
        "type": "array",
        "items": closed(
            "tool results",
            tool=closed(
                "driver",
                driver=closed(
                    "name",
                    name=TEXT,
                    semanticVersion=TEXT,
                    rules={
                        "type": "array",
                        "uniqueItems": True,
                        "items": closed(
                            "id",
                            id=TEXT,
                            shortDescription=MESSAGE,
                            defaultConfiguration=closed("level", level=LEVEL),
                            properties={"type": "object"},
                        ),
                    },
                ),
            ),
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            originalUriBaseIds=closed("SRCROOT", SRCROOT=closed("description", description=MESSAGE)),
            invocations={
                "type": "array",
                "items": closed(
                    "executionSuccessful",
                    executionSuccessful={"type": "boolean"},
                    toolExecutionNotifications={
                        "type": "array",
                        "items": closed(
                            "message", message=MESSAGE, level=LEVEL, locations={"type": "array", "items": LOCATION}
                        ),
                    },
                ),
            },
            results={
                "type": "array",
                "items": closed(
                    "message",
                    ruleId=TEXT,
                    ruleIndex={"type": "integer", "minimum": 0},
                    level=LEVEL,
                    message=MESSAGE,
                    locations={"type": "array", "items": LOCATION},
                    partialFingerprints={"type": "object", "additionalProperties": TEXT},
                    properties={"type": "object"},
                ),
            },
            properties={"type": "object"},
        ),
    },
)


@pytest.mark.parametrize("outcome", VARIANTS, indirect=True)
def test_sarif_is_well_formed(outcome: Any) -> None:
    text = sarif.render(outcome)
    log = json.loads(text)
    jsonschema.Draft202012Validator(SARIF).validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert run["invocations"][0]["executionSuccessful"] == outcome.coverage.complete
    assert text.isascii()
    assert TOKEN not in text


def official_schema() -> Path | None:
    """OASIS's own file, when somebody has put it beside the project; it is not part of this repository."""
    for folder in Path(__file__).resolve().parents:
        path = folder / "shared" / "sarif-schema-2.1.0.json"
        if path.is_file():
            return path
    return None


@pytest.mark.skipif(official_schema() is None, reason="shared/sarif-schema-2.1.0.json is not there")
@pytest.mark.parametrize("outcome", VARIANTS, indirect=True)
def test_sarif_is_valid_by_the_official_schema(outcome: Any) -> None:
    schema = json.loads((official_schema() or Path()).read_text())
    jsonschema.Draft4Validator(schema).validate(json.loads(sarif.render(outcome)))


def test_sarif_places_and_names_findings(reviews: Any) -> None:
    (run,) = json.loads(sarif.render(reviews.outcome))["runs"]
    first, second = run["results"][:2]
    assert first["ruleId"] == "reviewbot/bug"
    assert first["level"] == "error"
    assert first["partialFingerprints"] == {"reviewbot/v1": "0000000000000001"}
    assert first["locations"][0]["physicalLocation"]["region"] == {"startLine": 8, "endLine": 8}
    assert "region" not in second["locations"][0]["physicalLocation"]  # the old side has no place in the new file
    paths = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"]]
    assert "docs/new%20name.md" in paths
    assert run["tool"]["driver"]["rules"][1]["properties"]["security-severity"] == "9.5"


def test_json_tells_what_was_reviewed_before(reviews: Any) -> None:
    value = json.loads(json_output.render(reviews.later(late=True)))
    assert value["since"] == {
        "head_sha": "c" * 40,
        "rounds": 2,
        "late_findings": 2,
        "full": False,
        "reason": "",
        "new_lines": 4,
        "earlier_lines": 9,
    }
    assert value["summary"]["headline"] == "3 findings (1 critical, 2 major), 1 of them new"
    assert [value["coverage"][name] for name in ("reviewed_lines", "earlier_lines")] == [4, 9]
    files = {each["path"]: each for each in value["coverage"]["files"]}
    assert (files["shop/cart.py"]["status"], files["shop/cart.py"]["earlier_lines"]) == ("reviewed", 9)
    assert [each["late"] for each in value["findings"]] == [True]
    standing = value["rejected"][1]["finding"]
    assert (standing["source"], standing["quote"], standing["evidence"], standing["late"]) == ("earlier", "", "", False)


def test_sarif_has_what_an_earlier_review_said(reviews: Any) -> None:
    (run,) = json.loads(sarif.render(reviews.later(late=True)))["runs"]
    assert run["properties"]["coverage"]["earlierLines"] == 9
    assert run["properties"]["since"]["lateFindings"] == 2
    by_title = {each["message"]["text"].split("\n")[0]: each for each in run["results"]}
    earlier = by_title["Said on its thread"]
    assert earlier["ruleId"] == "reviewbot/other"
    assert earlier["properties"]["alreadyPosted"]
    assert "confidence" not in earlier["properties"]
    assert [each["properties"]["late"] for each in run["results"]] == [True, False, False]
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert (note["level"], note["message"]["text"][:27]) == ("note", "1 finding is on code that a")


def test_sarif_tells_what_was_not_reviewed(reviews: Any) -> None:
    (run,) = json.loads(sarif.render(reviews.incomplete()))["runs"]
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["level"] == "error"
    assert note["message"]["text"].startswith("Not reviewed: shop/cart.py, lines 6-8; old lines 6-7:")
    assert run["properties"]["coverage"]["missedLines"] == 5


def test_workflow_commands_are_escaped(reviews: Any) -> None:
    evil = "a%b\r\n::set-output name=x::y, z: \x1b[0m"
    placed = reviews.finding(1, reviews.place(Step.RANGE, "a,b:c%.py", 3, 4), title=evil, body=evil)
    lines = annotations.render(reviews.having(findings=(placed,), rejected=())).split("\n")
    text = "a%25b%0A::set-output name=x::y, z: [0m"
    title = text.replace(":", "%3A").replace(",", "%2C")
    assert lines == [f"::error file=a%2Cb%3Ac%25.py,line=3,endLine=4,title=Critical%3A {title}::{text}", ""]


def test_workflow_commands_warn_first_when_incomplete(reviews: Any) -> None:
    lines = annotations.render(reviews.incomplete()).splitlines()
    assert lines[0].startswith("::warning title=reviewbot::Incomplete: 8 of 15")
    assert [line.split(" ")[0] for line in lines[1:]] == [
        "::error",
        "::error",
        "::warning",
        "::warning",
        "::notice",
        "::notice",
    ]
    assert "Posted before" in "".join(lines)
    assert "line=" not in lines[2]
    assert "shop/db.py:11-12 (old): " in lines[2]
