"""What is said to the runner cannot be more than was meant, whatever it holds."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.action.runner import Runner
from tests.acceptance.action.runner import Log, read_outputs

HOSTILE = st.lists(
    st.sampled_from(
        ["::error::x", "::add-mask::e", "\n", "\r\n", "::endgroup::", "name<<x", "x", "=", "%0A", "%", ",", ":"]
    )
    | st.text(max_size=20)
).map("".join)


@given(HOSTILE)
def test_a_group_holds_only_text(text: str) -> None:
    out, log = io.StringIO(), Log()
    runner = Runner(out)
    with runner.group("Result"):
        runner.show(text)
    runner.tell("notice", "done")
    log.read(out.getvalue())
    assert [each.name for each in log.taken] == ["group", "endgroup", "notice"]
    assert log.secrets == set()


@given(HOSTILE, HOSTILE)
def test_a_command_stays_one(text: str, value: str) -> None:
    out, log = io.StringIO(), Log()
    Runner(out).command("warning", text, file=value)
    log.read(out.getvalue())
    (command,) = log.taken
    assert (command.text, command.properties) == (text, {"file": value})


@given(st.dictionaries(st.sampled_from(["verdict", "review-url", "json-file"]), HOSTILE))
def test_an_output_stays_one(values: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "outputs"
        Runner(io.StringIO(), outputs=file).set_outputs(values)
        assert read_outputs(file.read_bytes().decode()) == values


def test_words_that_stop_commands_differ(tmp_path: Path) -> None:
    out = io.StringIO()
    for _ in range(2):
        with Runner(out).group("x"):
            pass
    words = [line for line in out.getvalue().split("\n") if line.startswith("::stop-commands::")]
    assert len(set(words)) == 2


def test_a_fault_within_a_group_ends_it() -> None:
    out, log = io.StringIO(), Log()
    with pytest.raises(ValueError, match="x"), Runner(out).group("Review"):
        raise ValueError("x")
    Runner(out).tell("error", "heard")
    log.read(out.getvalue())
    assert log.taken[-1].text == "heard"


def test_every_line_of_a_secret_is_masked() -> None:
    out, log = io.StringIO(), Log()
    Runner(out).mask(["one", "two\nthree\n", "with%0A"])
    log.read(out.getvalue())
    assert log.secrets == {"one", "two", "three", "with%0A"}


def test_a_summary_has_a_limit(tmp_path: Path) -> None:
    out, summary = io.StringIO(), tmp_path / "summary"
    runner = Runner(out, summary=summary)
    runner.add_summary("a" * 1_000_000)
    runner.add_summary("b" * 100_000)
    runner.add_summary("\ud800c")
    assert summary.read_text() == "a" * 1_000_000 + "?c"
    assert "::warning title=reviewbot::" in out.getvalue()


def test_without_files_nothing_is_written() -> None:
    runner = Runner(io.StringIO())
    runner.set_outputs({"verdict": "clean"})
    runner.add_summary("x")
    assert runner.log.getvalue() == ""  # type: ignore[attr-defined]
