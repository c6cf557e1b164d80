"""Definitions, enclosing definitions, imports and parse checks in all languages; hostile text stays cheap."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from reviewbot.core.context.symbols import (
    MAX_SOURCE,
    definitions,
    enclosing_definition,
    imports,
    language_of,
    parses,
)

# (path, source, line, name and lines of what encloses it)
ENCLOSING = [
    ("a.py", "import os\n\n@cache\ndef f(a):\n    return (\n        a\n    )\n\nx = 1\n", 6, ("f", 3, 7)),
    ("a.py", "class A:\n    @property\n    def b(self):\n        return 1\n\n    c = 2\n", 2, ("b", 2, 4)),
    ("a.py", "class A:\n    def b(self):\n        return 1\n\n    c = 2\n", 5, ("A", 1, 5)),
    ("a.py", "def f():\n    def g():\n        return 1\n    return g\n", 3, ("g", 2, 3)),
    ("a.py", "x = 1\n\ndef f():\n    pass\n", 1, None),
    ("a.js", "export const load = async (url) => {\n  return fetch(url);\n};\n", 2, ("load", 1, 3)),
    ("a.js", "module.exports.go = function () {\n  return 1;\n};\n", 2, ("module.exports.go", 1, 3)),
    ("a.mjs", "class A {\n  get b() {\n    return 1;\n  }\n}\n", 3, ("b", 2, 4)),
    ("a.ts", "@Injectable()\nexport class A {\n  @Input()\n  b(): void {\n    c();\n  }\n}\n", 5, ("b", 3, 6)),
    ("a.ts", "export interface A {\n  b: string;\n}\n", 2, ("A", 1, 3)),
    ("a.tsx", "export function View() {\n  return <p>hi</p>;\n}\n", 2, ("View", 1, 3)),
    ("a.go", "package a\n\nfunc (r *R) Do(n int) error {\n\treturn nil\n}\n", 4, ("Do", 3, 5)),
    ("a.go", "package a\n\ntype R struct {\n\tA int\n}\n", 4, ("R", 3, 5)),
    ("a.rs", "impl S {\n    #[inline]\n    pub fn f(&self) -> u8 {\n        1\n    }\n}\n", 4, ("f", 2, 5)),
    ("a.rs", "#[derive(Debug)]\npub struct S {\n    a: u8,\n}\n", 3, ("S", 1, 4)),
    ("A.java", "class A {\n  @Override\n  public int f() {\n    return 1;\n  }\n}\n", 4, ("f", 2, 5)),
    ("a.c", "static int *f(int a)\n{\n    return 0;\n}\n", 3, ("f", 1, 4)),
    ("a.h", "struct s {\n    int a;\n};\n", 2, ("s", 1, 3)),
    ("a.cpp", "template <class T>\nT N::f(T a) {\n  return a;\n}\n", 3, ("N::f", 1, 4)),
    ("A.cs", "class A {\n  [Fact]\n  public int F() {\n    return 1;\n  }\n}\n", 4, ("F", 2, 5)),
    ("a.rb", "module M\n  def self.f(a)\n    a\n  end\nend\n", 3, ("f", 2, 4)),
    ("a.php", "<?php\nclass A {\n  public function f() {\n    return 1;\n  }\n}\n", 4, ("f", 3, 5)),
    ("a.kt", "class A {\n  fun f(): Int {\n    return 1\n  }\n}\n", 3, ("f", 2, 4)),
    ("a.swift", "struct A {\n  func f() -> Int {\n    return 1\n  }\n}\n", 3, ("f", 2, 4)),
    ("a.scala", "object A {\n  def f(a: Int): Int = {\n    a\n  }\n}\n", 3, ("f", 2, 4)),
    ("a.sh", "f() {\n  echo 1\n}\n", 2, ("f", 1, 3)),
    ("a.txt", "def f():\n    pass\n", 2, None),
]


@pytest.mark.parametrize(("path", "source", "line", "expected"), ENCLOSING)
def test_the_innermost_definition_holds_the_line(
    path: str, source: str, line: int, expected: tuple[str, int, int] | None
) -> None:
    found = enclosing_definition(path, source.encode(), line)
    assert (found and (found.name, found.first, found.last)) == expected


@pytest.mark.parametrize("path", sorted({path for path, *_ in ENCLOSING if path != "a.txt"}))
def test_whole_code_parses_and_broken_code_does_not(path: str) -> None:
    source = next(source for name, source, *_ in ENCLOSING if name == path).encode()
    assert parses(path, source) is True
    assert parses(path, source + b"\n)]}} ((\n") is False


def test_signatures_are_one_line_up_to_the_body() -> None:
    source = b"@dec\ndef f(\n    a: int,\n    b: str,\n) -> None:\n    pass\n\nclass A(B):\n    x = 1\n"
    found = definitions("a.py", source)
    assert [(item.kind, item.signature, item.first, item.head) for item in found] == [
        ("function", "def f( a: int, b: str, ) -> None:", 1, 5),
        ("type", "class A(B):", 8, 8),
    ]


def test_outer_definitions_come_before_inner_ones() -> None:
    source = b"class A {\n  f() {\n    class B {\n      g() {\n      }\n    }\n  }\n}\n"
    assert [item.name for item in definitions("a.js", source)] == ["A", "f", "B", "g"]


def test_no_grammar_and_too_large_are_none_not_false() -> None:
    assert parses("a.txt", b"x") is None
    assert parses("a.py", b"x = 1\n" * (MAX_SOURCE // 6 + 1)) is None
    assert definitions("a.py", b"def f(): pass\n" * (MAX_SOURCE // 10)) == ()


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a/b.PY", "python"),
        ("Gemfile", "ruby"),
        ("x.h", "cpp"),
        ("x.d.ts", "typescript"),
        ("Makefile", None),
        ("", None),
    ],
)
def test_language_by_name(path: str, language: str | None) -> None:
    assert language_of(path) == language


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("p/a.py", "from .b import c\nfrom .. import d\nimport e.f\n", ("p/b", "p/b/c", "d", "e/f")),
        ("p/a.py", "from x.y import z, w  # why\n", ("x/y", "x/y/z", "x/y/w")),
        ("src/a.ts", "import { b } from './b';\nimport '../c.js';\nconst d = require('@/d');\n", ("src/b", "c", "d")),
        ("a.go", 'package a\nimport (\n\t"x/y"\n\tz "example.com/z"\n)\n', ("x/y", "example.com/z")),
        ("a.rs", "use crate::b::c;\nmod d;\n", ("b/c", "d")),
        ("A.java", "import static x.y.Z;\nimport a.B;\n", ("x/y/Z", "a/B")),
        ("s/a.c", '#include "b.h"\n#include <stdio.h>\n#include "../c.h"\n', ("b", "c")),
        ("a.rb", "require_relative 'b/c'\n", ("b/c",)),
        ("a.php", "<?php\nuse A\\B\\C;\nrequire_once __DIR__ . '/d.php';\n", ("A/B/C", "/d")),
        ("a.txt", "import b\n", ()),
    ],
)
def test_imports_are_paths(path: str, source: str, expected: tuple[str, ...]) -> None:
    assert imports(path, source.encode()) == expected


# Each of these takes some grammar minutes or gigabytes at this size when nothing guards it.
@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("a.swift", b"* &"),
        ("a.cs", b"<a "),
        ("a.sh", b"<"),
        ("a.kt", b"<"),
        ("a.scala", b"["),
        ("a.java", b"${"),
        ("a.kt", b"const a=()=>{\n"),
        ("a.py", b"("),
        ("a.js", b"class A{"),
        ("a.js", b"{\n"),
    ],
)
def test_hostile_text_stops_the_parser_early(path: str, row: bytes) -> None:
    before = time.process_time()
    parses(path, row * (200_000 // len(row)))
    assert time.process_time() - before < 2


def test_our_own_code_parses_and_has_its_functions() -> None:
    path = Path(__file__).parents[4] / "reviewbot" / "core" / "context" / "symbols.py"
    source = path.read_bytes()
    assert parses(path.name, source) is True
    found = {item.name: item for item in definitions(path.name, source)}
    assert {"Definition", "enclosing_definition", "_tree", "too_slow", "imports"} <= set(found)
    assert found["_tree"].first < found["too_slow"].first <= found["too_slow"].last < found["_tree"].last
