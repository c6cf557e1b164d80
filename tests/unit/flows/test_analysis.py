"""Analyzers beside the model: what the model is shown of them, and what is told without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from reviewbot.analyzers.fake import FakeAnalyzer
from reviewbot.core.change.diff import Run, Side
from reviewbot.core.change.increment import FileIncrement, Increment, News, Since
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import Surroundings
from reviewbot.core.change.scope import decide_scope
from reviewbot.core.config import AnalyzerSettings, Config, Resolved
from reviewbot.core.findings.finding import Severity
from reviewbot.errors import AnalyzerError
from reviewbot.flows.analysis import Analyzed, analyze
from reviewbot.flows.collection import Collected
from tests.unit.flows.test_review import APP, PATCH, PULL, Stage, finding, reply

pytestmark = pytest.mark.anyio

WORD = FakeAnalyzer(word=b"None")  # stands on the added line 2 of app.py
CONTEXT = FakeAnalyzer(word=b"len(")  # on line 3, which is no part of the change
BROKEN = FakeAnalyzer(name="broken", error=AnalyzerError("broken took too long."))


def collected(config: Config | None = None, since: Since | None = None, patch: bytes = PATCH) -> Collected:
    diff = parse_diff(patch)
    settings = config or Config()
    heads = {"app.py": APP}
    scope = decide_scope(diff, settings.scope, "", heads)
    return Collected(PULL, Resolved(settings), Surroundings(), diff, scope, heads, since or Since())


def of(*analyzers: FakeAnalyzer) -> Any:
    def installed(only: Sequence[str]) -> Sequence[FakeAnalyzer]:
        return [each for each in analyzers if not only or each.name in only]

    return partial(analyze, installed)


async def lines(found: Collected, *analyzers: FakeAnalyzer) -> list[int]:
    analyzed = await of(*analyzers)(found)
    return [each.line for each in analyzed.evidence.diagnostics]


async def test_only_added_lines_are_spoken_of() -> None:
    analyzed = await of(WORD, CONTEXT)(collected())
    assert [each.line for each in analyzed.evidence.diagnostics] == [2]
    assert analyzed.ran == ("fake", "fake")
    assert analyzed.notes == ()


async def test_one_that_fails_costs_a_note() -> None:
    analyzed = await of(BROKEN, WORD)(collected())
    assert [each.line for each in analyzed.evidence.diagnostics] == [2]
    assert analyzed.ran == ("fake",)
    assert analyzed.notes == ("broken said nothing: broken took too long.",)


async def test_settings_choose() -> None:
    other = replace(WORD, name="other")
    chosen = Config(analyzers=AnalyzerSettings(only=("other",)))
    assert (await of(WORD, other)(collected(chosen))).ran == ("other",)
    off = Config(analyzers=AnalyzerSettings(enabled=False))
    assert await of(WORD)(collected(off)) == Analyzed()


async def test_a_name_that_is_not_there_is_said() -> None:
    found = await of(WORD)(collected(Config(analyzers=AnalyzerSettings(only=("fake", "fak")))))
    assert found.notes == ("analyzers.only names 'fak', which is not installed here",)
    assert found.ran == ("fake",)


async def test_what_nobody_wants_starts_nothing() -> None:
    assert (await of(replace(WORD, ending=".sh"))(collected())).ran == ()


async def test_after_a_push_only_what_is_new_is_spoken_of() -> None:
    fresh = FileIncrement("app.py", News.PARTLY, fresh=(Run(Side.RIGHT, 4, 4),))
    assert await lines(collected(since=Since(Increment((fresh,)))), WORD) == []
    owed = replace(fresh, owed=(Run(Side.RIGHT, 2, 2),))
    assert await lines(collected(since=Since(Increment((owed,)))), WORD) == [2]
    old_side = replace(fresh, fresh=(Run(Side.LEFT, 2, 2),))
    assert (await of(WORD)(collected(since=Since(Increment((old_side,)))))).ran == ()


async def test_a_fault_that_was_there_before_is_no_news() -> None:
    size = replace(WORD, word=b"# ")  # a line that was changed, and said the same before
    assert await lines(collected(), size) == []
    twice = PATCH.replace(b"@@ -1,3 +1,4 @@", b"@@ -1,3 +1,5 @@").replace(b"+# the end\n", b"+# the end\n+# really\n")
    found = replace(collected(patch=twice), heads={"app.py": APP + b"# really\n"})
    assert await lines(found, size) == [4]


async def test_a_symbolic_link_has_no_code() -> None:
    link = PATCH.replace(b"--- a/app.py", b"new file mode 120000\n--- /dev/null").replace(
        b"@@ -1,3 +1,4 @@", b"@@ -0,0 +1,1 @@"
    )
    link = link.split(b"@@\n")[0] + b"@@\n+None\n"
    assert collected(patch=link).scope.files[0].symlink
    assert (await of(WORD)(collected(patch=link))).ran == ()


# ---- in a review -----------------------------------------------------------------------------------------------------


async def test_the_model_is_shown_what_they_say() -> None:
    stage = Stage(script=[reply()], analyze=of(replace(WORD, certain=False)))
    outcome = await stage.run()
    assert "app.py:2: fake F001 (error): This is a bug" in stage.model.prompts[0].text
    assert outcome.findings == ()
    assert outcome.verdict == "clean"
    assert outcome.analyzers == ("fake",)
    assert dict(outcome.timings)["analyzing"] >= 0
    assert "with fake" in str(stage.sink.summary)


async def test_what_they_are_certain_of_is_told_when_the_model_is_silent() -> None:
    stage = Stage(script=[reply()], analyze=of(WORD))
    outcome = await stage.run()
    (placed,) = outcome.findings
    assert placed.finding.source == "fake"
    assert placed.finding.severity is Severity.MAJOR
    (comment,) = stage.sink.reviews[0]["comments"]
    assert (comment["path"], comment["line"], comment["side"]) == ("app.py", 2, "RIGHT")
    assert "fake says so by its rule F001" in comment["body"]


async def test_nothing_is_said_twice() -> None:
    outcome = await Stage(script=[reply(finding())], analyze=of(WORD, replace(WORD, name="other"))).run()
    assert [placed.finding.source for placed in outcome.findings] == ["model"]
    silent = await Stage(script=[reply()], analyze=of(WORD, replace(WORD, name="other"))).run()
    assert [placed.finding.source for placed in silent.findings] == ["fake"]


async def test_they_can_be_kept_to_the_model() -> None:
    config = Config(analyzers=AnalyzerSettings(tell=False))
    stage = Stage(script=[reply()], analyze=of(WORD), config=config)
    assert (await stage.run()).findings == ()
    assert "This is a bug" in stage.model.prompts[0].text


async def test_a_failure_is_a_note_of_the_review() -> None:
    outcome = await Stage(analyze=of(BROKEN)).run()
    assert "broken said nothing: broken took too long." in outcome.notes
    assert outcome.verdict == "findings"
