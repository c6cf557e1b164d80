"""What analyzers write, as data: outputs that were recorded, and outputs that somebody made to do harm."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reviewbot.analyzers.catalogue import TOOLS, Tool
from reviewbot.analyzers.reading import MOST_CHARACTERS, capped, diagnostics
from reviewbot.core.context.evidence import Diagnostic
from reviewbot.errors import AnalyzerError

TOOL = {tool.name: tool for tool in TOOLS}
REAL = {"f00000.py": "src/shop.py", "f00001/action.yml": "a/action.yml", "/s/files/f00000.py": "src/shop.py"}
LINES = {"src/shop.py": 9, "a/action.yml": 9}


def sarif(uri: str, rule: str, message: str, region: dict[str, int], level: str = "error", **more: Any) -> bytes:
    """One result, as ruff 0.17, oxlint 1.89 and zizmor 1.32 write it, without what is not read."""
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
    result = {"ruleId": rule, "level": level, "message": {"text": message}, "locations": [place], **more}
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {}, "results": [result]}]}).encode()


def read(name: str, output: bytes) -> tuple[Diagnostic, ...]:
    return tuple(diagnostics(TOOL[name], output, REAL, LINES))


REGION = {"startLine": 4, "startColumn": 16, "endLine": 4, "endColumn": 30}


def test_ruff() -> None:
    (said,) = read("ruff", sarif("file:///s/files/f00000.py", "F821", "Undefined name `x`", REGION))
    assert said == Diagnostic(
        "ruff", "F821", "src/shop.py", 4, 4, "Undefined name `x`", "error", True, "bug", "Undefined name `x`"
    )


def test_oxlint() -> None:
    spans = [{"span": {"offset": 6, "length": 1, "line": line, "column": 7}} for line in (1, 3)]
    said = {
        "message": "Unexpected re-assignment of `const` variable x.", "code": "eslint(no-const-assign)",
        "severity": "warning", "url": "https://oxc.rs", "filename": "f00000.py", "labels": spans,
    }  # fmt: skip
    broken = {"message": "Unexpected token", "severity": "error", "filename": "f00000.py", "labels": spans[:1]}
    syntax, assign = read("oxlint", json.dumps({"diagnostics": [said, broken, broken]}).encode())
    assert (assign.rule, assign.line, assign.level, assign.certain) == ("no-const-assign", 3, "error", True)
    assert (syntax.rule, syntax.line, syntax.level, syntax.certain) == ("syntax", 1, "error", False)


def test_shellcheck() -> None:
    comment = {
        "file": "f00000.py", "line": 3, "endLine": 4, "column": 6, "endColumn": 6, "level": "error", "code": 2145,
        "message": "Argument mixes string and array.", "fix": None,
    }  # fmt: skip
    (said,) = read("shellcheck", json.dumps({"comments": [comment]}).encode())
    assert (said.rule, said.line, said.end_line, said.level, said.certain) == ("SC2145", 3, 4, "error", True)
    assert read("shellcheck", json.dumps({"comments": [comment | {"level": "style"}]}).encode()) == ()


@pytest.mark.parametrize(
    ("severity", "confidence", "expected"),
    [
        ("error", "High", ("error", True)),
        ("error", "Medium", ("warning", False)),
        ("warning", "High", ("warning", False)),
        ("warning", "Low", None),
        ("note", "High", None),
    ],
)
def test_zizmor_counts_severity_and_confidence(
    severity: str, confidence: str, expected: tuple[str, bool] | None
) -> None:
    message = "code injection via template expansion: may expand into attacker-controllable code"
    more = {"properties": {"zizmor/confidence": confidence, "zizmor/persona": "Regular", "zizmor/severity": "High"}}
    found = read("zizmor", sarif("f00001/action.yml", "zizmor/template-injection", message, REGION, severity, **more))
    assert [(each.level, each.certain) for each in found] == ([expected] if expected else [])
    assert {each.title for each in found} <= {"code injection via template expansion"}
    assert {each.rule for each in found} <= {"template-injection"}


def leak(**more: Any) -> bytes:
    """As betterleaks 2.0 writes it, here without --redact."""
    match = {"full": "key = SECRET", "value": "SECRET", "fingerprint": "e667", "context": "key = SECRET"}
    place = {"path": "./f00000.py", "start_line": 1, "end_line": 1, "start_column": 8, "end_column": 47}
    words = {"rule_id": "github-pat", "description": "SECRET", "confidence": "high", "match": match, "location": place}
    return json.dumps({"schema_version": "1", "findings": [words | more], "scan": {}}).encode()


def test_a_leak_is_told_without_its_secret() -> None:
    (said,) = read("betterleaks", leak())
    assert (said.level, said.certain, said.category) == ("error", True, "security")
    assert said.title == said.message == "A secret in the code: github-pat"
    assert "SECRET" not in repr(said)
    assert read("betterleaks", leak(confidence="low")) == ()
    assert read("betterleaks", leak(rule_id="SECRET with blanks")) == ()


def test_errors_of_syntax_count_once_in_a_file() -> None:
    one = json.loads(sarif("f00000.py", "invalid-syntax", "Expected `)`", REGION))
    results = one["runs"][0]["results"]
    later = json.loads(sarif("f00000.py", "invalid-syntax", "Expected a name", {"startLine": 7}))["runs"][0]["results"]
    one["runs"][0]["results"] = [*later, *results, *results]
    assert [each.line for each in read("ruff", json.dumps(one).encode())] == [4]


def test_a_rule_that_nobody_chose_is_left_out() -> None:
    assert read("ruff", sarif("f00000.py", "S101", "Use of `assert` detected", REGION)) == ()
    assert read("ruff", sarif("f00000.py", "F401", "`os` imported but unused", REGION)) == ()


# ---- made to do harm -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    ["other.py", "../../etc/passwd", "file:///etc/passwd", "src/shop.py", "/s/files/other.py", "", "f00000.py\0", "%"],
)
def test_only_files_that_were_given_count(uri: str) -> None:
    assert read("ruff", sarif(uri, "F821", "Undefined name `x`", REGION)) == ()


@pytest.mark.parametrize("line", [0, -1, 10, 10**9, 1.5, "4", None, True, [4], {"a": 4}])
def test_only_lines_of_the_file_count(line: Any) -> None:
    assert read("ruff", sarif("f00000.py", "F821", "Undefined name `x`", {"startLine": line})) == ()


@pytest.mark.parametrize(("end", "expected"), [(6, 6), (3, 4), (10**9, 9), (-5, 4), ("x", 4), (None, 4)])
def test_the_end_is_held_within_the_file(end: Any, expected: int) -> None:
    region = {"startLine": 4, "endLine": end}
    assert [each.end_line for each in read("ruff", sarif("f00000.py", "F821", "x", region))] == [expected]


@pytest.mark.parametrize(
    "rule", ["F821 @everyone", "F821\n", "F" * 200, "", "F821](https://evil.example)", "<b>F821", 7, None]
)
def test_a_rule_is_a_plain_word(rule: Any) -> None:
    assert read("ruff", sarif("f00000.py", rule, "x", REGION)) == ()


def test_texts_are_one_line_of_what_can_be_seen_and_short() -> None:
    message = "a\nb\r\n\u202ec\u200b\x1b[31m\ud800 " + "word " * 100_000
    (said,) = read("ruff", sarif("f00000.py", "F821", message, REGION))
    assert said.message.startswith("a b c [31m word word")
    assert len(said.message) <= MOST_CHARACTERS
    assert len(said.title) <= 80
    assert (said.message + said.title).isprintable()
    (said,) = read("ruff", sarif("f00000.py", "F821", "\n\u200b", REGION))
    assert said.message == said.title == "F821"
    assert capped("x" * 100, 10) == "xxxxxxxxx…"


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
@pytest.mark.parametrize(
    "output",
    [b"", b"no JSON", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b'{"runs": [' + b"9" * 5_000 + b"]}"],
    ids=["nothing", "words", "bytes", "deep list", "deep object", "long number"],
)
def test_what_cannot_be_read_is_an_error(tool: Tool, output: bytes) -> None:
    with pytest.raises(AnalyzerError, match="cannot be read"):
        diagnostics(tool, output, REAL, LINES)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
@pytest.mark.parametrize("odd", [None, 1, "x", True, [], {}, [[]], [None], {"text": 1}, float("inf")], ids=repr)
def test_parts_of_a_wrong_type_are_left_out(tool: Tool, odd: Any) -> None:
    documents = [odd, {"runs": odd, "comments": odd, "findings": odd, "diagnostics": odd}]
    for name in ("runs", "comments", "findings", "diagnostics"):
        documents.append({name: [odd, {}, {"results": odd}, {"results": [odd, {"locations": odd}]}]})
        documents.append({name: [{"results": [{"ruleId": odd, "locations": [odd, {"physicalLocation": odd}]}]}]})
        documents.append({name: [{"file": odd, "line": odd, "code": odd, "level": odd, "location": odd}]})
        documents.append({name: [{"labels": [odd]}, {"labels": [{"span": odd}], "filename": odd, "code": odd}]})
    given = json.loads(sarif("f00000.py", "F821", "x", REGION))
    given["runs"][0]["results"][0] |= {"message": odd, "level": odd, "properties": odd}
    for document in documents:
        assert diagnostics(tool, json.dumps(document).encode(), REAL, LINES) == ()
    diagnostics(tool, json.dumps(given).encode(), REAL, LINES)
