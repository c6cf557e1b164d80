from __future__ import annotations

import time
from typing import Any

import pytest

from reviewbot.core.change.diff import Diff, FilePatch, FileStatus
from reviewbot.core.change.patch import parse_diff, parse_fragment
from reviewbot.core.change.scope import Scope, SkipRule, decide_scope
from reviewbot.core.config import ScopeSettings

EDIT = "@@ -10,2 +10,2 @@\n a\n-b\n+c"


def changed(
    path: str, patch: str = EDIT, status: FileStatus = FileStatus.MODIFIED, old_path: str | None = None
) -> FilePatch:
    return parse_fragment(path, patch, status=status, old_path=old_path)


def rule_of(
    file: FilePatch, attributes: str = "", heads: dict[str, bytes] | None = None, **settings: Any
) -> tuple[SkipRule, str] | None:
    scope = decide_scope(Diff((file,)), ScopeSettings.model_validate(settings), attributes, heads)
    assert len(scope.files) + len(scope.skipped) == 1
    if scope.files:
        assert scope.files[0] is file
        return None
    skip = scope.skipped[0]
    assert skip.file is file
    assert skip.reason.startswith(f"{skip.rule}: ")
    return skip.rule, skip.reason


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("src/app.py", None),
        ("uv.lock", SkipRule.LOCK_FILE),
        ("web/package-lock.json", SkipRule.LOCK_FILE),
        ("go.sum", SkipRule.LOCK_FILE),
        ("src/lock.py", None),
        ("package.json", None),
        ("vendor/github.com/x/y.go", SkipRule.VENDORED),
        ("web/node_modules/x/index.js", SkipRule.VENDORED),
        ("third_party/zlib/zlib.c", SkipRule.VENDORED),
        ("src/vendors/list.py", None),
        ("vendor.py", None),
        ("api/x_pb2.py", SkipRule.GENERATED),
        ("api/x_pb2_grpc.pyi", SkipRule.GENERATED),
        ("api/x.pb.go", SkipRule.GENERATED),
        ("lib/x.g.dart", SkipRule.GENERATED),
        ("lib/x.freezed.dart", SkipRule.GENERATED),
        ("Forms/Main.Designer.cs", SkipRule.GENERATED),
        ("src/api.generated.ts", SkipRule.GENERATED),
        ("pkg/zz_generated.deepcopy.go", SkipRule.GENERATED),
        ("test/__snapshots__/a.test.js.snap", SkipRule.GENERATED),
        ("dist/app.js.map", SkipRule.GENERATED),
        ("src/token_gen.py", None),
        ("src/generated.py", None),
        ("static/app.min.js", SkipRule.MINIFIED),
        ("static/site.min.css", SkipRule.MINIFIED),
        ("src/admin.js", None),
        (".env", SkipRule.SECRET_FILE),
        ("deploy/.env.production", SkipRule.SECRET_FILE),
        (".env.example", None),
        ("certs/server.pem", SkipRule.SECRET_FILE),
        ("home/.ssh/id_rsa", SkipRule.SECRET_FILE),
        ("home/.ssh/id_rsa.pub", None),
        ("src/env.py", None),
        ("src/environment.env.ts", None),
    ],
)
def test_names(path: str, rule: SkipRule | None) -> None:
    found = rule_of(changed(path))
    assert (found[0] if found else None) == rule


@pytest.mark.parametrize(
    ("text", "rule", "reason"),
    [
        ("index 1..2 160000\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", SkipRule.SUBMODULE, "another repository"),
        ("index 1..2\nBinary files a/x and b/x differ\n", SkipRule.BINARY, "no lines"),
        ("old mode 100644\nnew mode 100755\n", SkipRule.NO_CONTENT, "only its mode changed, 100644 to 100755"),
        ("new file mode 100644\nindex 0..e69de29\n", SkipRule.NO_CONTENT, "no line of it changed"),
        ("similarity index 100%\nrename from o\nrename to x\n", SkipRule.NO_CONTENT, "renamed from o without a change"),
    ],
)
def test_files_without_lines_to_read(text: str, rule: SkipRule, reason: str) -> None:
    diff = parse_diff(b"diff --git a/x b/x\n" + text.encode())
    found = rule_of(diff.files[0], exclude=["x"])
    assert found is not None
    assert found[0] is rule
    assert reason in found[1]


def test_a_file_that_was_a_submodule_is_read() -> None:
    text = (
        b"diff --git a/x b/x\ndeleted file mode 160000\nindex 1..0\n--- a/x\n+++ /dev/null\n"
        b"@@ -1 +0,0 @@\n-Subproject commit 1\n"
        b"diff --git a/x b/x\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+import os\n"
    )
    assert rule_of(parse_diff(text).files[0]) is None


def test_exclude_beats_include_and_include_only_narrows() -> None:
    settings: dict[str, Any] = {"include": ["src/", "*.md"], "exclude": ["src/old/**", "!src/old/keep.py"]}
    assert rule_of(changed("src/a.py"), **settings) is None
    assert rule_of(changed("docs/a.md"), **settings) is None
    assert rule_of(changed("src/old/keep.py"), **settings) is None
    assert rule_of(changed("src/old/a.py"), **settings) == (SkipRule.EXCLUDED, "excluded: scope.exclude has src/old/**")
    assert rule_of(changed("lib/a.py"), **settings) == (
        SkipRule.NOT_INCLUDED,
        "not-included: no pattern of scope.include names it",
    )
    assert rule_of(changed("src/uv.lock"), **settings) is not None


@pytest.mark.parametrize(
    ("setting", "path"),
    [("lock_files", "uv.lock"), ("vendored", "vendor/a.go"), ("generated", "a_pb2.py"), ("minified", "a.min.js")],
)
def test_each_list_has_a_setting(setting: str, path: str) -> None:
    assert rule_of(changed(path)) is not None
    assert rule_of(changed(path), **dict[str, Any]({setting: True})) is None


@pytest.mark.parametrize(
    ("attributes", "path", "rule"),
    [
        ("api/** linguist-generated", "api/a.py", SkipRule.GENERATED),
        ("api/** linguist-generated=true", "api/a.py", SkipRule.GENERATED),
        ("lib/** linguist-vendored", "lib/a.py", SkipRule.VENDORED),
        ("*_pb2.py -linguist-generated", "a_pb2.py", None),
        ("*_pb2.py linguist-generated=false", "a_pb2.py", None),
        ("uv.lock -linguist-generated", "uv.lock", None),
        ("*.min.js -linguist-generated", "a.min.js", None),
        ("vendor/** -linguist-vendored", "vendor/a.py", None),
        ("* linguist-generated\n*.py -linguist-generated", "a.py", None),
        (".env -linguist-generated -linguist-vendored", ".env", SkipRule.SECRET_FILE),
    ],
)
def test_gitattributes_win_over_the_lists(attributes: str, path: str, rule: SkipRule | None) -> None:
    found = rule_of(changed(path), attributes)
    assert (found[0] if found else None) == rule


def test_the_reason_names_the_attribute() -> None:
    found = rule_of(changed("a.py"), "*.py linguist-generated")
    assert found == (SkipRule.GENERATED, "generated: .gitattributes says linguist-generated")


@pytest.mark.parametrize(
    "mark",
    [
        "// Code generated by protoc-gen-go. DO NOT EDIT.",
        "# Generated by the protocol buffer compiler.  DO NOT EDIT!",
        "/* @generated */",
        " * @generated SignedSource<<1>>",
        "# This file was autogenerated by uv via the following command:",
        "// <auto-generated>",
        "<!-- This file is automatically generated. -->",
        "-- DO NOT EDIT: generated from schema.sql",
    ],
)
def test_marks_in_the_head_of_a_file(mark: str) -> None:
    heads = {"a.x": f"first\n{mark}\nx\n".encode()}
    found = rule_of(changed("a.x"), heads=heads)
    assert found is not None
    assert found[0] is SkipRule.GENERATED
    assert mark.strip()[:40] in found[1]
    assert rule_of(changed("a.x", f"@@ -0,0 +1,2 @@\n+first\n+{mark}", FileStatus.ADDED)) is not None
    assert rule_of(changed("a.x", f"@@ -1,2 +0,0 @@\n-first\n-{mark}", FileStatus.REMOVED)) is not None
    assert rule_of(changed("a.x", f"@@ -1,3 +1,3 @@\n first\n {mark}\n-a\n+b")) is not None
    assert rule_of(changed("a.x", f"@@ -5,3 +5,3 @@\n first\n {mark}\n-a\n+b")) is None
    assert rule_of(changed("a.x"), heads={"a.x": b"x\n" * 40 + mark.encode()}) is None


@pytest.mark.parametrize(
    "line",
    [
        'MARK = "@generated"',
        "# slugs are automatically generated by the model",
        "# Generated by Django 4.2",
        "x = generated()",
    ],
)
def test_what_is_no_mark(line: str) -> None:
    assert rule_of(changed("a.py"), heads={"a.py": line.encode()}) is None


def test_a_change_cannot_hide_itself_by_adding_a_mark() -> None:
    patch = "@@ -1,2 +1,3 @@\n+# @generated\n import os\n-a\n+b"
    assert rule_of(changed("a.py", patch)) is None
    assert rule_of(changed("a.py", patch), heads={"a.py": b"# @generated\nimport os\nb\n"}) is None


def test_very_long_lines_are_minified_code_but_not_prose() -> None:
    long = f"@@ -1 +1,2 @@\n a\n+{'x=1;' * 1000}"
    assert rule_of(changed("a.js", long), minified=False) == (
        SkipRule.MINIFIED,
        "minified: most of what it adds is in lines of over 2,000 bytes",
    )
    assert rule_of(changed("a.md", long)) is None
    assert rule_of(changed("a.js", long), minified=True) is None
    mixed = f"{long}\n" + "+y = 2\n" * 1000
    assert rule_of(changed("a.js", mixed.replace("+1,2 @@", "+1,1002 @@"))) is None


def test_too_large() -> None:
    found = rule_of(changed("a.py"), max_file_lines=1)
    assert found == (SkipRule.TOO_LARGE, "too-large: 2 changed lines, over 1")
    assert rule_of(changed("a.py"), max_file_lines=2) is None


def test_every_file_is_in_one_place_in_order_and_it_is_quick() -> None:
    files = tuple(changed(f"pkg{number % 40}/module{number}.py") for number in range(1500))
    start = time.process_time()
    scope: Scope = decide_scope(
        Diff(files), ScopeSettings(exclude=("pkg3*/", "*7.py")), "*.x linguist-generated\n" * 20
    )
    assert time.process_time() - start < 1
    assert [file for file in files if file in scope.files or any(skip.file is file for skip in scope.skipped)] == list(
        files
    )
    assert len(scope.files) + len(scope.skipped) == 1500
