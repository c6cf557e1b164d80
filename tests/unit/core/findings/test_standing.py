"""Place, identity and proof of a finding come together."""

from __future__ import annotations

from dataclasses import replace

from reviewbot.core.change.diff import Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.findings.finding import Finding, Severity, Step
from reviewbot.core.findings.standing import place_findings

HEAD = b"def first(items):\n    return items[0]\n\n\ndef same(items):\n    return items[1]\n"
PATCH = b"""diff --git a/a.py b/a.py
new file mode 100644
--- /dev/null
+++ b/a.py
@@ -0,0 +1,6 @@
+def first(items):
+    return items[0]
+
+
+def same(items):
+    return items[1]
"""
FINDING = Finding("a.py", Side.RIGHT, "return items[0]", "e", "t", "b", "bug", Severity.MAJOR, 0.9)


def test_identity_comes_from_the_code_and_its_symbol_not_from_the_spelling_of_the_quote() -> None:
    spelled = replace(FINDING, quote="  return   items[0]")
    other = replace(FINDING, quote="return items[1]")
    a, b, c = place_findings([FINDING, spelled, other], parse_diff(PATCH), {"a.py": HEAD})
    assert (a.location.line, b.location.line, c.location.line) == (2, 2, 6)
    assert a.fingerprint == b.fingerprint != c.fingerprint


def test_a_suggestion_is_proved_or_comes_with_the_reason() -> None:
    good = replace(FINDING, suggestion="    return items[0] if items else None")
    bad = replace(FINDING, suggestion="    return items[0] if (items")
    proved, refused = place_findings([good, bad], parse_diff(PATCH), {"a.py": HEAD})
    assert proved.suggestion == "    return items[0] if items else None"
    assert refused.suggestion is None
    assert refused.suggestion_note


def test_without_a_line_there_is_no_suggestion_to_prove() -> None:
    (placed,) = place_findings([replace(FINDING, quote="nowhere", suggestion="x")], parse_diff(PATCH), {"a.py": HEAD})
    assert placed.location.step is Step.FILE
    assert placed.suggestion is None
