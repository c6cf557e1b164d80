"""Suggestions, good and broken, in six languages: what is accepted parses, and good ones are kept."""

from __future__ import annotations

import ast
import difflib
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tree_sitter import Language, Parser

from reviewbot.core.change.diff import Diff, FilePatch, FileStatus, Hunk, Side
from reviewbot.core.findings.finding import Finding, Location, Severity, Step
from reviewbot.core.findings.placement import place
from reviewbot.core.findings.suggestion import Proof, prove_suggestion

PYTHON = """\
import os


class Store:
    def __init__(self, folder):
        self.folder = folder
        self.files = {}

    def read(self, name):
        path = os.path.join(self.folder, name)
        if name in self.files:
            return self.files[name]
        try:
            with open(path) as file:
                text = file.read()
        except:
            text = None
        self.files[name] = text
        return text

    def names(self, suffix=None):
        found = []
        for name in os.listdir(self.folder):
            if suffix == None or name.endswith(suffix):
                found.append(name)
        return found
"""
JAVASCRIPT = """\
const fs = require("fs");

function load(path, done) {
  fs.readFile(path, "utf8", function (error, text) {
    if (error) {
      done(error);
    }
    const data = JSON.parse(text);
    done(null, data);
  });
}

function sum(items) {
  let total = 0;
  for (let i = 0; i <= items.length; i++) {
    total += items[i].price;
  }
  return total;
}

module.exports = { load, sum };
"""
TYPESCRIPT = """\
interface User {
  id: number;
  name?: string;
}

export async function greet(id: number, users: Map<number, User>): Promise<string> {
  const user = users.get(id);
  if (user == undefined) {
    throw "no such user";
  }
  return `Hello ${user!.name}`;
}

export function first<T>(items: T[]): T {
  return items[0];
}
"""
GO = """\
package store

import "os"

func Read(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	data := make([]byte, 100)
	count, _ := file.Read(data)
	return string(data[:count]), nil
}

func Max(a int, b int) int {
	if a < b {
		return a
	}
	return b
}
"""
JSON = """\
{
  "name": "shop",
  "version": "1.0.0",
  "scripts": {
    "test": "jest",
    "build": "tsc"
  },
  "private": false
}
"""
TOML = """\
[project]
name = "shop"
version = "1.0"
dependencies = [
  "httpx",
  "pydantic",
]

[tool.ruff]
line-length = 300
"""
FILES = {
    "src/store.py": PYTHON,
    "web/load.js": JAVASCRIPT,
    "web/greet.ts": TYPESCRIPT,
    "store/read.go": GO,
    "package.json": JSON,
    "pyproject.toml": TOML,
}


def _grammar(path: str) -> Parser:
    if path.endswith(".py"):
        import tree_sitter_python

        return Parser(Language(tree_sitter_python.language()))
    if path.endswith(".js"):
        import tree_sitter_javascript

        return Parser(Language(tree_sitter_javascript.language()))
    if path.endswith(".ts"):
        import tree_sitter_typescript

        return Parser(Language(tree_sitter_typescript.language_typescript()))
    import tree_sitter_go

    return Parser(Language(tree_sitter_go.language()))


def really_parses(path: str, source: bytes) -> bool:
    """An oracle of its own: Python's, json's and TOML's parsers, grammars for the rest."""
    try:
        if path.endswith(".py"):
            ast.parse(source)
        elif path.endswith(".json"):
            json.loads(source)
        elif path.endswith(".toml"):
            tomllib.loads(source.decode())
        else:
            return not _grammar(path).parse(source).root_node.has_error
    except (SyntaxError, ValueError):
        return False
    return True


def added(path: str, text: str, *, newline: str = "\n") -> Diff:
    """A diff that adds the whole file."""
    rows = text.split("\n")[:-1]
    body = "".join(f"+{row}{newline}" for row in rows).encode()
    hunk = Hunk(0, 0, 1, len(rows), "", b"@@", body)
    return Diff((FilePatch(path, path, FileStatus.ADDED, (hunk,), added=len(rows)),))


def prove(path: str, quote: str, suggestion: str | None, *, text: str | None = None, newline: str = "\n") -> Proof:
    text = FILES[path] if text is None else text
    diff = added(path, text, newline=newline)
    finding = Finding(path, Side.RIGHT, quote, "", "Title", "Body", "bug", Severity.MAJOR, 0.9, suggestion)
    head = text.replace("\n", newline).encode()
    return prove_suggestion(finding, place(finding, diff), diff, head)


def applied(path: str, quote: str, suggestion: str) -> bytes:
    """What GitHub would make of it."""
    text = FILES[path]
    rows, first = text.split("\n"), text[: text.index(quote)].count("\n")
    return "\n".join([*rows[:first], *suggestion.split("\n"), *rows[first + quote.count("\n") + 1 :]]).encode()


@dataclass(frozen=True)
class Fix:
    """A good suggestion for exactly the quoted lines."""

    path: str
    quote: str
    suggestion: str


GOOD = [
    Fix("src/store.py", "        except:", "        except OSError:"),
    Fix(
        "src/store.py",
        "        try:\n            with open(path) as file:\n                text = file.read()",
        '        try:\n            with open(path, encoding="utf-8") as file:\n                text = file.read()',
    ),
    Fix(
        "src/store.py",
        "            if suffix == None or name.endswith(suffix):",
        "            if suffix is None or name.endswith(suffix):",
    ),
    Fix(
        "src/store.py",
        "        found = []\n        for name in os.listdir(self.folder):\n"
        "            if suffix == None or name.endswith(suffix):\n                found.append(name)\n"
        "        return found",
        "        return [n for n in os.listdir(self.folder) if suffix is None or n.endswith(suffix)]",
    ),
    Fix(
        "src/store.py",
        "        path = os.path.join(self.folder, name)",
        "        path = os.path.join(self.folder, name)\n        if not path.startswith(self.folder):\n"
        "            raise ValueError(name)",
    ),
    Fix(
        "src/store.py",
        "        if name in self.files:\n            return self.files[name]",
        "        known = self.files.get(name)\n        if known is not None:\n            return known",
    ),
    Fix("src/store.py", "        self.files = {}", "        self.files: dict[str, str | None] = {}"),
    Fix("src/store.py", "class Store:", "class Store:\n    # Keeps what it has read."),
    Fix(
        "src/store.py",
        "        except:\n            text = None\n        self.files[name] = text",
        "        except OSError:\n            return None\n        self.files[name] = text",
    ),
    Fix("web/load.js", "      done(error);", "      return done(error);"),
    Fix("web/load.js", "  for (let i = 0; i <= items.length; i++) {", "  for (let i = 0; i < items.length; i++) {"),
    Fix(
        "web/load.js",
        "    if (error) {\n      done(error);\n    }",
        "    if (error) {\n      done(error);\n      return;\n    }",
    ),
    Fix(
        "web/load.js",
        "    const data = JSON.parse(text);\n    done(null, data);",
        "    let data;\n    try {\n      data = JSON.parse(text);\n    } catch (broken) {\n      return done(broken);\n"
        "    }\n    done(null, data);",
    ),
    Fix(
        "web/load.js",
        "  let total = 0;\n  for (let i = 0; i <= items.length; i++) {\n    total += items[i].price;\n  }\n"
        "  return total;",
        "  return items.reduce((total, item) => total + item.price, 0);",
    ),
    Fix("web/load.js", 'const fs = require("fs");', 'const fs = require("node:fs");'),
    Fix("web/greet.ts", "  if (user == undefined) {", "  if (user === undefined) {"),
    Fix("web/greet.ts", '    throw "no such user";', "    throw new Error(`no user ${id}`);"),
    Fix("web/greet.ts", "  return `Hello ${user!.name}`;", '  return `Hello ${user.name ?? "you"}`;'),
    Fix(
        "web/greet.ts",
        "export function first<T>(items: T[]): T {\n  return items[0];\n}",
        "export function first<T>(items: T[]): T | undefined {\n  return items[0];\n}",
    ),
    Fix(
        "web/greet.ts",
        '  if (user == undefined) {\n    throw "no such user";\n  }',
        '  if (user === undefined) {\n    throw new Error("no such user");\n  }',
    ),
    Fix("store/read.go", "\tfile, err := os.Open(path)", "\tfile, err := os.Open(filepath.Clean(path))"),
    Fix("store/read.go", "\tif a < b {", "\tif a > b {"),
    Fix(
        "store/read.go",
        "\tcount, _ := file.Read(data)",
        '\tcount, err := file.Read(data)\n\tif err != nil {\n\t\treturn "", err\n\t}',
    ),
    Fix("store/read.go", "\tdata := make([]byte, 100)", "\tdefer file.Close()\n\tdata := make([]byte, 100)"),
    Fix("store/read.go", "\t\treturn a\n\t}\n\treturn b", "\t\treturn b\n\t}\n\treturn a"),
    Fix("store/read.go", 'import "os"', 'import (\n\t"io"\n\t"os"\n)'),
    Fix("package.json", '  "private": false', '  "private": true'),
    Fix("package.json", '    "test": "jest",', '    "test": "jest --ci",\n    "lint": "eslint .",'),
    Fix("package.json", '    "build": "tsc"\n  },', '    "build": "tsc --noEmit"\n  },'),
    Fix("pyproject.toml", "line-length = 300", "line-length = 100"),
    Fix("pyproject.toml", '  "httpx",\n  "pydantic",', '  "httpx>=0.28",\n  "pydantic>=2",'),
    Fix("pyproject.toml", 'version = "1.0"', 'version = "1.0"\nrequires-python = ">=3.11"'),
]


def as_given(fix: Fix) -> Iterator[tuple[str, str]]:
    """A good suggestion in the forms in which models give it; each must be kept, and mean the same."""
    lines = fix.suggestion.split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    yield "as it is", fix.suggestion
    yield "LF at the end", fix.suggestion + "\n"
    yield "CRLF", fix.suggestion.replace("\n", "\r\n")
    yield "fenced", f"```suggestion\n{fix.suggestion}\n```"
    yield "with prefixes", "\n".join(f"+{line}" for line in lines)
    yield "first indentation lost", fix.suggestion.lstrip()
    yield "indentation lost", "\n".join(line[indent:] if line[:indent].isspace() else line for line in lines)


def test_good_suggestions_are_kept_in_every_form() -> None:
    assert len({fix.path for fix in GOOD}) == 6
    lost, count = [], 0
    for fix in GOOD:
        assert really_parses(fix.path, applied(fix.path, fix.quote, fix.suggestion)), fix
        for form, given in as_given(fix):
            count += 1
            proof = prove(fix.path, fix.quote, given)
            if proof.text is None:
                lost.append((form, fix, proof.note))
            else:
                assert really_parses(fix.path, applied(fix.path, fix.quote, proof.text)), (form, fix, proof)
                assert proof.text == fix.suggestion, (form, fix)
    assert len(lost) <= 0.05 * count, lost


def breakages(fix: Fix) -> Iterator[tuple[str, str]]:
    """What models do to a good suggestion; the result must not be offered unless it still parses."""
    rows = FILES[fix.path].split("\n")
    first = FILES[fix.path][: FILES[fix.path].index(fix.quote)].count("\n")
    before, after = rows[max(first - 2, 0) : first], rows[first + fix.quote.count("\n") + 1 :][:2]
    lines = fix.suggestion.split("\n")
    if any(row.strip() for row in after):
        yield "next line repeated", "\n".join([*lines, *after[:1]])
        yield "next lines repeated", "\n".join([*lines, *after])
    yield "line before repeated", "\n".join([*before[-1:], *lines])
    yield "lines round it repeated", "\n".join([*before, *lines, *after])
    yield "brace doubled", "\n".join([*lines, "}"])
    yield "brace doubled, indented", "\n".join([*lines, lines[0][: len(lines[0]) - len(lines[0].lstrip())] + "}"])
    yield "last line lost", "\n".join(lines[:-1])
    yield "cut", fix.suggestion[:-3]
    yield "elided", "\n".join([lines[0], "        ...", lines[-1]])
    yield "elided in words", "\n".join([*lines, "    // ... rest of the code stays unchanged"])
    yield "prose", "Use a context manager here, and close the file."
    yield "no change", fix.quote
    yield "hidden", fix.suggestion + "\u202e"
    yield "redacted", fix.suggestion + " # [REDACTED-aws-1]"
    yield "bracket lost", fix.suggestion.replace(")", "", 1).replace('"', "", 1)
    yield "wrong depth", "\n".join(line.replace("    ", "  ", 1) for line in lines)
    yield "merge marks", f"<<<<<<<\n{fix.quote}\n=======\n{fix.suggestion}\n>>>>>>>"


ALWAYS_REFUSED = {
    "next lines repeated",
    "lines round it repeated",
    "elided",
    "elided in words",
    "prose",
    "no change",
    "hidden",
    "redacted",
    "merge marks",
}


def test_broken_suggestions_are_never_offered_when_they_do_not_parse() -> None:
    count = offered = 0
    for fix in GOOD:
        for kind, broken in breakages(fix):
            count += 1
            proof = prove(fix.path, fix.quote, broken)
            assert (proof.text is None) == bool(proof.note)
            if proof.text is not None:
                offered += 1
                assert kind not in ALWAYS_REFUSED, (kind, fix, proof)
                assert really_parses(fix.path, applied(fix.path, fix.quote, proof.text)), (kind, fix, proof)
    assert count > 500
    assert offered < 0.2 * count


def test_the_note_says_why() -> None:
    quote = "        except:"
    cases = {
        "        except OSError:\n            text = None": "it repeats lines that stand next to the replaced ones",
        "        except": "the result does not parse",
        "        except:  ": "it changes nothing",
        "": "it is empty",
        " \n ": "it is empty",
        "        except [REDACTED-key-1]:": "it holds a redacted secret",
        "        except\u200b OSError:": "it holds hidden characters",
        "    except OSError:": "it moves the first line to another depth",
        "        except OSError:\n            # ... existing code ...": "it leaves out code (...)",
    }
    for suggestion, note in cases.items():
        assert prove("src/store.py", quote, suggestion) == Proof(None, note), suggestion
    assert prove("src/store.py", quote, None) == Proof(None, "")


def test_lines_that_would_be_lost_are_noticed() -> None:
    quote = "        if name in self.files:\n            return self.files[name]\n        try:"
    proof = prove("src/store.py", quote, "            return self.files[name].text")
    assert proof.text is None
    deletion = prove("web/greet.ts", "  id: number;\n  name?: string;", "  id: number;")
    assert deletion == Proof("  id: number;")


def test_a_suggestion_needs_all_of_its_lines_under_the_comment() -> None:
    rows = [f"value_{number} = {number}" for number in range(60)]
    text = "\n".join(rows) + "\n"
    proof = prove("long.py", "\n".join(rows[2:50]), "value = 1", text=text)
    assert proof.note == "the comment does not stand on all of the lines that the suggestion replaces"
    elided = prove("long.py", f"{rows[2]}\n...\n{rows[9]}", "value = 1", text=text)
    assert elided.note == "the comment does not stand on all of the lines that the suggestion replaces"


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml",
        ".github/workflows/deep/x.py",
        ".GitHub/Workflows/a.yml",
        "CODEOWNERS",
        ".github/CODEOWNERS",
        "docs/codeowners",
        ".reviewbot.toml",
    ],
)
def test_files_that_grant_rights_get_no_suggestions(path: str) -> None:
    proof = prove(path, "a = 1", "a = 2", text="a = 1\nb = 2\n")
    assert proof == Proof(None, "no suggestions are made in files that grant rights")


@pytest.mark.parametrize("path", ["notes.txt", "ci.yml", "github/workflows/ci.yml", "src/codeowners.txt"])
def test_without_a_parser_the_borders_alone_are_proved(path: str) -> None:
    assert prove(path, "a: 1", "a: 2", text="a: 1\nb: 2\n").text == "a: 2"
    assert prove(path, "a: 1", "a: 2\nb: 2", text="a: 1\nb: 2\n").text is None


def _located(location: Location, diff: Diff, head: bytes | None) -> Proof:
    finding = Finding("a.py", location.side, "a = 1", "", "T", "B", "bug", Severity.MAJOR, 0.9, "a = 2")
    return prove_suggestion(finding, location, diff, head)


def test_the_head_file_must_hold_what_the_diff_shows() -> None:
    diff, line = added("a.py", "a = 1\nb = 2\n"), Location("a.py", Side.RIGHT, None, 1, Step.LINE)
    assert _located(line, diff, b"a = 1\nb = 2\n") == Proof("a = 2")
    assert _located(line, diff, b"a = 3\nb = 2\n").note == "the head file differs from the diff"
    assert _located(line, diff, b"").note == "the head file differs from the diff"
    assert _located(line, diff, None).note == "the file at the head was not read"
    assert _located(line, diff, b"a = 1\n" * 200_000).note == "the file is too large to check"
    outside = Location("a.py", Side.RIGHT, 2, 3, Step.RANGE)
    assert _located(outside, diff, b"a = 1\nb = 2\n").note == "the lines do not stand in one hunk"


@pytest.mark.parametrize(
    "location",
    [
        Location("a.py", Side.LEFT, None, 1, Step.LINE),
        Location("a.py", Side.RIGHT, None, None, Step.FILE),
        Location("a.py", Side.RIGHT, None, None, Step.SUMMARY),
    ],
)
def test_only_lines_of_the_new_side_can_be_replaced(location: Location) -> None:
    assert _located(location, added("a.py", "a = 1\n"), b"a = 1\n").note == "only lines of the new side can be replaced"


def test_line_ends_are_kept() -> None:
    quote, suggestion = "      done(error);", "      done(error);\n      return;"
    assert prove("web/load.js", quote, suggestion, newline="\r\n").text == suggestion.replace("\n", "\r\n")
    assert prove("web/load.js", quote, suggestion.replace("\n", "\r\n")).text == suggestion
    single = prove("a.py", "a = 1", "a = 2\nb = 3", text="a = 1\n", newline="\r\n")
    assert single.text == "a = 2\r\nb = 3"


def test_the_last_line_without_a_newline_can_be_replaced() -> None:
    hunk = Hunk(0, 0, 1, 2, "", b"@@", b"+a = 1\n+b = 2\n\\ No newline at end of file\n")
    diff = Diff((FilePatch("a.py", "a.py", FileStatus.ADDED, (hunk,), added=2),))
    finding = Finding("a.py", Side.RIGHT, "b = 2", "", "T", "B", "bug", Severity.MAJOR, 0.9, "b = 3")
    assert prove_suggestion(finding, place(finding, diff), diff, b"a = 1\nb = 2").text == "b = 3"


def test_a_file_that_was_broken_before_is_not_judged_by_python_but_by_the_grammar() -> None:
    text = 'print "old style"\na = 1\nb = 2\n'
    sources: list[bytes] = []

    def proof(answer: bool | None) -> Proof:
        def parses(path: str, source: bytes) -> bool | None:
            sources.append(source)
            return answer

        return prove_suggestion(finding, place(finding, diff), diff, text.encode(), parses=parses)

    diff = added("old.py", text)
    finding = Finding("old.py", Side.RIGHT, "a = 1", "", "T", "B", "bug", Severity.MAJOR, 0.9, "a = 2")
    notes = [proof(answer=answer).note for answer in (True, None, False)]
    assert notes == ["", "", "the result does not parse"]
    assert sources[0] == b'print "old style"\na = 2\nb = 2\n'


def test_json_with_comments_is_not_checked_so_not_offered() -> None:
    text = '{\n  // comment\n  "a": 1\n}\n'
    proof = prove("tsconfig.json", '  "a": 1', '  "a": 2', text=text)
    assert proof.note == "the file does not parse, so the result is not checked"


def test_the_oracle_and_the_forms_are_what_they_claim() -> None:
    assert not really_parses("a.py", b"def f():\nreturn 1\n")
    assert not really_parses("a.go", b"package a\nfunc f() {\n")
    forms = dict(as_given(GOOD[1]))
    assert difflib.SequenceMatcher(None, forms["indentation lost"], GOOD[1].suggestion).ratio() < 1
