"""Replies of a model: good ones are read, hostile ones are bounded, nothing is lost unsaid."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.core.change.diff import Side
from reviewbot.core.findings.finding import Severity
from reviewbot.core.findings.reply import MAX_FINDINGS, MAX_REPLY_CHARACTERS, parse_reply
from reviewbot.errors import ReplyError

FINDING: dict[str, Any] = {
    "path": "src/a.py",
    "side": "new",
    "quote": "    return a\n    return b",
    "evidence": "The first return ends the function.",
    "title": "Second return is never reached",
    "body": "Remove one of them.",
    "category": "bug",
    "suggestion": "    return b",
    "priority": 1,
    "confidence": 0.8,
}


def reply_of(*findings: object, **more: object) -> str:
    return json.dumps({"findings": list(findings), "explanation": "One thing.", "verdict": "incorrect"} | more)


def test_a_reply_is_read_field_by_field() -> None:
    reply = parse_reply(reply_of(FINDING), 7)
    finding = reply.findings[0]
    assert (finding.path, finding.side, finding.quote) == ("src/a.py", Side.RIGHT, FINDING["quote"])
    assert (finding.title, finding.body, finding.evidence) == (FINDING["title"], FINDING["body"], FINDING["evidence"])
    assert (finding.category, finding.severity, finding.confidence) == ("bug", Severity.MAJOR, 0.8)
    assert (finding.suggestion, finding.chunk, finding.source) == ("    return b", 7, "model")
    assert (reply.explanation, reply.verdict, reply.faults) == ("One thing.", "incorrect", ())


def test_an_empty_list_is_a_clean_answer() -> None:
    reply = parse_reply(reply_of(verdict="correct"), 0)
    assert (reply.findings, reply.verdict, reply.faults) == ((), "correct", ())


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```\n{}\n```", "\ufeff{}", "\n  {}\n\n", "```JSON\n{}```\n"])
def test_a_fence_round_it_is_accepted(fence: str) -> None:
    assert parse_reply(fence.replace("{}", reply_of(FINDING)), 0).findings[0].title == FINDING["title"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I found nothing.",
        "null",
        "[]",
        '"findings"',
        "{}",
        '{"findings": null}',
        '{"findings": {"0": 1}}',
        reply_of(FINDING)[:-5],
        reply_of(FINDING) + reply_of(FINDING),
        '{"findings": [], "findings": [], "verdict": "correct", "explanation": ""}',
        "[" * 100_000,
        '{"findings": [' + "[" * 40 + "]" * 40 + "]}",
        '{"findings": "' + '\\"' * 200_000,
        " " * (MAX_REPLY_CHARACTERS + 1),
    ],
)
def test_what_is_not_the_json_asked_for_is_an_error(text: str) -> None:
    with pytest.raises(ReplyError) as caught:
        parse_reply(text, 0)
    assert caught.value.remedy


def test_brackets_inside_strings_are_not_depth() -> None:
    assert parse_reply(reply_of(FINDING | {"body": '[[{"' * 300}), 0).findings[0].body.startswith('[[{"')


def broken(**fields: object) -> dict[str, Any]:
    return FINDING | fields


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        "text",
        [],
        {},
        broken(title=None),
        broken(path=["a"]),
        broken(quote=3),
        broken(body={"text": "x"}),
        {key: value for key, value in FINDING.items() if key != "quote"},
    ],
)
def test_one_malformed_finding_does_not_lose_the_others(bad: object) -> None:
    reply = parse_reply(reply_of(FINDING, bad, FINDING), 0)
    assert len(reply.findings) == 2
    assert len(reply.faults) == 1
    assert reply.faults[0].startswith("finding 2")


def test_a_finding_with_doubled_keys_is_left_out_by_name() -> None:
    doubled = json.dumps(FINDING)[:-1] + ', "priority": 3}'
    reply = parse_reply(
        f'{{"findings": [{json.dumps(FINDING)}, {doubled}], "explanation": "", "verdict": "correct"}}', 0
    )
    assert len(reply.findings) == 1
    assert reply.faults == ("finding 2 ('Second return is never reached'): left out: a key is doubled",)


def test_nothing_readable_never_looks_like_nothing_found() -> None:
    with pytest.raises(ReplyError, match="None of the 2 findings"):
        parse_reply(reply_of({}, 3), 0)


@pytest.mark.parametrize(
    ("fields", "field", "value"),
    [
        ({"priority": 10**30}, "severity", Severity.MINOR),
        ({"priority": -1}, "severity", Severity.MINOR),
        ({"priority": True}, "severity", Severity.MINOR),
        ({"priority": "0"}, "severity", Severity.MINOR),
        ({"priority": 1.5}, "severity", Severity.MINOR),
        ({"confidence": float("nan")}, "confidence", 0.5),
        ({"confidence": float("inf")}, "confidence", 0.5),
        ({"confidence": -0.1}, "confidence", 0.5),
        ({"confidence": None}, "confidence", 0.5),
        ({"confidence": False}, "confidence", 0.5),
        ({"side": "middle"}, "side", Side.RIGHT),
        ({"side": []}, "side", Side.RIGHT),
        ({"category": "style"}, "category", "bug"),
        ({"category": {}}, "category", "bug"),
    ],
)
def test_a_wrong_minor_field_is_repaired_and_said(fields: dict[str, object], field: str, value: object) -> None:
    reply = parse_reply(reply_of(broken(**fields)), 0)
    assert getattr(reply.findings[0], field) == value
    assert len(reply.faults) == 1
    assert next(iter(fields)) in reply.faults[0]


def test_a_number_of_thousands_of_digits_does_not_lose_the_reply() -> None:
    text = reply_of(FINDING, FINDING).replace('"priority": 1', '"priority": ' + "9" * 10_000, 1)
    assert [finding.severity for finding in parse_reply(text, 0).findings] == [Severity.MINOR, Severity.MAJOR]


def test_sides_in_githubs_words_are_understood() -> None:
    reply = parse_reply(reply_of(broken(side="LEFT"), broken(side="old"), broken(side="RIGHT")), 0)
    assert [finding.side for finding in reply.findings] == [Side.LEFT, Side.LEFT, Side.RIGHT]
    assert reply.faults == ()


@pytest.mark.parametrize(("field", "limit"), [("title", 80), ("body", 2_000), ("evidence", 2_000)])
def test_what_is_too_long_is_cut_and_said(field: str, limit: int) -> None:
    reply = parse_reply(reply_of(broken(**{field: "w" * (limit + 1)})), 0)
    text = getattr(reply.findings[0], field)
    assert len(text) == limit
    assert text.endswith("w…")
    assert f"{field} cut from {limit + 1} to {limit} characters" in reply.faults[0]
    assert parse_reply(reply_of(broken(**{field: "w" * limit})), 0).faults == ()


def test_a_title_is_one_line() -> None:
    assert parse_reply(reply_of(broken(title=" a\n b\t c ")), 0).findings[0].title == "a b c"


def test_a_long_quote_is_cut_to_whole_lines_and_loses_its_suggestion() -> None:
    lines = [f"line {number}" for number in range(61)]
    reply = parse_reply(reply_of(broken(quote="\n".join(lines))), 0)
    assert reply.findings[0].quote == "\n".join(lines[:60])
    assert reply.findings[0].suggestion is None
    assert [fault.partition(": ")[2].split(":")[0] for fault in reply.faults] == [
        "quote cut to 60 lines",
        "suggestion left out",
    ]
    assert parse_reply(reply_of(broken(quote="\n".join(lines[:60]))), 0).faults == ()
    wide = parse_reply(reply_of(broken(quote="x" * 15_000 + "\n" + "y" * 15_000)), 0)
    assert wide.findings[0].quote == "x" * 15_000


def test_a_long_suggestion_is_left_out_never_cut() -> None:
    reply = parse_reply(reply_of(broken(suggestion="a\n" * 200)), 0)
    assert reply.findings[0].suggestion is None
    assert "suggestion left out" in reply.faults[0]
    assert parse_reply(reply_of(broken(suggestion="a\n" * 199)), 0).findings[0].suggestion == "a\n" * 199


def test_findings_over_the_limit_are_counted() -> None:
    reply = parse_reply(reply_of(*[FINDING] * (MAX_FINDINGS + 3)), 0)
    assert len(reply.findings) == MAX_FINDINGS
    assert reply.faults == ("3 findings beyond the first 50 were left out",)


def test_control_characters_and_lone_surrogates_go_and_code_keeps_its_own() -> None:
    reply = parse_reply(reply_of(broken(body="a\x1b[31m\x00\ud800b\n\tc", quote="\tx\f\r\n\x07y", title="t\x7f")), 0)
    finding = reply.findings[0]
    assert (finding.body, finding.quote, finding.title) == ("a[31mb\n\tc", "\tx\f\r\ny", "t")
    assert len(reply.faults) == 3
    finding.body.encode()


@pytest.mark.parametrize("verdict", [None, "fine", 3, [], {}])
def test_an_unknown_verdict_is_not_taken_for_good(verdict: object) -> None:
    reply = parse_reply(reply_of(verdict=verdict), 0)
    assert reply.verdict == "incorrect"
    assert "verdict" in reply.faults[0]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
findings_like = st.fixed_dictionaries(
    {}, optional={key: st.just(value) | json_values for key, value in FINDING.items()}
)


@settings(max_examples=150, deadline=None)
@given(st.lists(findings_like | json_values, max_size=6), json_values, json_values)
def test_any_json_ends_in_findings_and_faults_or_an_error(
    items: list[object], explanation: object, verdict: object
) -> None:
    text = json.dumps({"findings": items, "explanation": explanation, "verdict": verdict})
    try:
        reply = parse_reply(text, 1)
    except ReplyError:
        return
    left_out = sum("left out: " in fault and "suggestion" not in fault for fault in reply.faults)
    assert len(reply.findings) + left_out == len(items)
    for finding in reply.findings:
        assert 0 <= finding.confidence <= 1
        assert len(finding.title) <= 80
        assert "\n" not in finding.title
        (finding.title + finding.body + finding.quote + finding.path).encode()


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200) | st.text('{}[]",:\\ae0n`', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ReplyError):
        assert parse_reply(text, 0).verdict in ("correct", "incorrect")
