"""What every Analyzer does: the fake one, and the real ones that are installed."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass

import pytest

from reviewbot.analyzer import Analyzer
from reviewbot.analyzers.catalogue import TOOLS
from reviewbot.analyzers.fake import FakeAnalyzer
from reviewbot.analyzers.run import installed
from reviewbot.core.context.evidence import Diagnostic
from reviewbot.errors import AnalyzerError

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Sample:
    """A file that an analyzer wants, with a point that it is certain of on one line, and the same without it."""

    path: str
    bad: bytes
    good: bytes
    line: int
    rule: str


def key() -> bytes:
    """Looks like a token of GitHub, and is none; made anew so that no scanner finds it in this file."""
    chance = random.Random(8)
    return b"ghp_" + "".join(chance.choice(string.ascii_letters + string.digits) for _ in range(36)).encode()


WORKFLOW = b"""on: pull_request
permissions: {}
jobs:
  a:
    runs-on: ubuntu-latest
    permissions: {}
    steps:
      - env:
          TITLE: ${{ github.event.pull_request.title }}
        run: echo "$TITLE"
"""
SAMPLES = {
    "fake": Sample("src/a.py", b"x = 1\nBUG\n", b"x = 1\n", 2, "F001"),
    "ruff": Sample("src/a.py", b"x = 1\nprint(y)\n", b"x = 1\nprint(x)\n", 2, "F821"),
    "oxlint": Sample("web/a.ts", b"export const x = 1;\nx = 2;\n", b"export let x = 1;\nx = 2;\n", 2, "no-const-assign"),
    "shellcheck": Sample(
        "bin/a.sh", b'#!/bin/sh\nrm -rf "$DIR/"*\n', b'#!/bin/sh\nrm -rf "${DIR:?}/"*\n', 2, "SC2115"
    ),
    "zizmor": Sample(
        ".github/workflows/a.yml", WORKFLOW.replace(b"$TITLE", b"${{ github.event.pull_request.title }}"), WORKFLOW, 10,
        "template-injection",
    ),
    "betterleaks": Sample("conf/a.txt", b"a\nkey = " + key() + b"\n", b"a\nkey = x\n", 2, "github-pat"),
}  # fmt: skip
READY: dict[str, Analyzer] = {"fake": FakeAnalyzer()} | {each.name: each for each in installed()}


@pytest.fixture(params=["fake", *(tool.name for tool in TOOLS)])
def name(request: pytest.FixtureRequest) -> str:
    if request.param not in READY:
        pytest.skip(f"{request.param} is not installed: pip install '.[analyzers]'")
    return str(request.param)


async def said(name: str, files: dict[str, bytes]) -> list[Diagnostic]:
    return list(await READY[name].analyze(files))


async def test_it_finds_what_is_there_and_nothing_in_a_good_file(name: str) -> None:
    sample = SAMPLES[name]
    assert READY[name].wants(sample.path)
    found = await said(name, {sample.path: sample.bad, f"good/{sample.path}": sample.good})
    assert [(each.path, each.line, each.rule, each.certain) for each in found if each.certain] == [
        (sample.path, sample.line, sample.rule, True)
    ]
    assert {each.analyzer for each in found} == {name}
    assert {each.path for each in found} == {sample.path}
    assert all(len(each.title) <= 80 and len(each.message) <= 500 for each in found)
    assert key().decode() not in repr(found)
    assert await said(name, {sample.path: sample.good}) == []


async def test_no_file_and_no_text_are_nothing_to_say(name: str) -> None:
    assert await said(name, {}) == []
    assert await said(name, {SAMPLES[name].path: b""}) == []


async def test_names_and_texts_that_are_odd(name: str) -> None:
    """Two names that look alike on disk, names that are none, bytes that are no text: the lines stay those of git."""
    sample = SAMPLES[name]
    folder, _, file = sample.path.rpartition("/")
    stem, _, end = file.rpartition(".")
    odd = [f"{folder}/{stem}{each}.{end}" for each in ("", " b", "\n", "é", "\ud800", '"', "x" * 300, "%2e")]
    files = {path: sample.bad for path in odd if READY[name].wants(path)}
    noise = b"\xff\xfe\x00\x81\n" * 3
    found = await said(name, files | {f"{folder}/noise.{end}": noise})
    assert {each.path for each in found if each.certain} >= set(files)
    assert {each.line for each in found if each.certain and each.path in files} == {sample.line}


async def test_what_only_some_take_for_a_line_is_none(name: str) -> None:
    sample = SAMPLES[name]
    mark = b"//" if name == "oxlint" else b"#"
    text = mark + b" a\rb\x0cc\xe2\x80\xa8d\n" + sample.bad
    found = await said(name, {sample.path: text})
    assert {each.line for each in found if each.certain} == {sample.line + 1}


async def test_a_failed_analyzer_says_so() -> None:
    with pytest.raises(AnalyzerError):
        await FakeAnalyzer(error=AnalyzerError("it took more than 20 s.")).analyze({"a.py": b"BUG"})
