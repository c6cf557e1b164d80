"""A bundle there and back, and what a stranger may have written instead."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.change.bundle import MOST_ARCHIVE, MOST_DIFF, Bundle, read_bundle, write_bundle
from reviewbot.core.change.diff import Diff
from reviewbot.core.change.patch import parse_diff, render_diff
from reviewbot.errors import BundleError
from tests.unit.core.change.test_archive import Part, build, zeros

TEXT = b"diff --git a/x.py b/x.py\nindex 1..2 100644\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n"
GOOD = Bundle("octo/shop", 7, "opened", "b" * 40, "a" * 40, "eve/shop", parse_diff(TEXT))
FACTS: dict[str, Any] = json.loads(write_bundle(GOOD)["bundle.json"])


def archive(facts: bytes, diff: bytes = TEXT) -> bytes:
    return build([Part(b"bundle.json", facts), Part(b"change.diff", diff)])


def with_diff(diff: bytes, **fields: Any) -> bytes:
    told = {"diff_size": len(diff), "diff_sha256": hashlib.sha256(diff).hexdigest()}
    return archive(json.dumps({**FACTS, **told, **fields}).encode(), diff)


_SHAS = st.text("0123456789abcdef", min_size=40, max_size=40) | st.text("0123456789abcdef", min_size=64, max_size=64)
_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}/[A-Za-z0-9._-]{1,40}", fullmatch=True)
_LINES = st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=20), min_size=1, max_size=9)


@given(_NAMES, st.integers(1, 2**31 - 1), st.sampled_from(["opened", "synchronize", "labeled"]), _SHAS, _SHAS,
       st.none() | _NAMES, _LINES)  # fmt: skip
def test_what_is_written_is_read(
    repository: str, number: int, action: Any, base: str, head: str, fork: str | None, lines: list[str]
) -> None:
    added = "".join(f"+{line}\n" for line in lines)
    text = f"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1,{len(lines)} @@\n{added}".encode()
    made = Bundle(repository, number, action, base, head, fork, parse_diff(text))
    files = write_bundle(made)
    assert read_bundle(archive(files["bundle.json"], files["change.diff"])) == made


@pytest.mark.parametrize(
    ("diff", "reason"),
    [(b"", ""), (TEXT.replace(b"x.py", b"../x"), "unusual"), (TEXT + b"+" * MOST_DIFF, "too-big")],
    ids=["empty", "unusual", "too big"],
)
def test_a_diff_that_would_be_refused_is_left_out(diff: bytes, reason: str) -> None:
    files = write_bundle(Bundle("o/r", 1, "opened", "b" * 40, "a" * 40, None, parse_diff(diff)))
    found = read_bundle(archive(files["bundle.json"], files["change.diff"]))
    assert (found.no_diff, found.diff) == (reason, Diff(()))


WRONG: dict[str, tuple[str, Any]] = {
    "schema 2": ("schema", 2),
    "schema as a text": ("schema", "1"),
    "schema as a truth": ("schema", True),
    "number 0": ("number", 0),
    "number below": ("number", -1),
    "number 2^31": ("number", 2**31),
    "number as a text": ("number", "7"),
    "number as a truth": ("number", True),
    "number of digits": ("number", 10**400),
    "no number": ("number", None),
    "a list": ("number", [7]),
    "an object": ("number", {"a": 7}),
    "a number that is none": ("number", float("nan")),
    "infinity": ("number", float("inf")),
    "a fraction": ("number", 7.0),
    "a repository and a half": ("repository", "octo/shop/x"),
    "a repository up": ("repository", "../shop"),
    "a repository with a line": ("repository", "octo/shop\n"),
    "a repository with a query": ("repository", "octo/shop?x=1"),
    "no repository": ("repository", ""),
    "a fork that is none": ("head_repository", "eve"),
    "a short commit": ("head_sha", "abc"),
    "a branch for a commit": ("head_sha", "main"),
    "a commit of 41": ("head_sha", "a" * 41),
    "a commit in capitals": ("head_sha", "A" * 40),
    "a commit with a line": ("base_sha", "b" * 40 + "\n"),
    "another action": ("action", "closed"),
    "another reason": ("no_diff", "because"),
    "a diff beside a reason": ("no_diff", "too-big"),
    "another size": ("diff_size", 3),
    "another checksum": ("diff_sha256", "0" * 64),
    "a field more": ("token", "x"),
}


@pytest.mark.parametrize(("name", "value"), WRONG.values(), ids=WRONG.keys())
def test_facts_that_cannot_be(name: str, value: Any) -> None:
    with pytest.raises(BundleError) as caught:
        read_bundle(archive(json.dumps({**FACTS, name: value}).encode()))
    assert "octo" not in str(caught.value)


TEXTS = {
    "nothing": b"",
    "no JSON": b"number: 7",
    "a list": b"[" * 4_000,
    "depth": b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
    "not UTF-8": json.dumps(FACTS).encode("utf-16"),
    "a byte mark": b"\xef\xbb\xbf" + json.dumps(FACTS).encode(),
    "two objects": json.dumps(FACTS).encode() * 2,
    "said twice": json.dumps(FACTS).encode().replace(b'"number": 7', b'"number": 7, "number": 8'),
    "said twice in disguise": json.dumps(FACTS).encode().replace(b'"number": 7', b'"number": 7, "n\\u0075mber": 8'),
    "a lone surrogate": json.dumps({**FACTS, "repository": "octo/\ud800"}).encode(),
    "a text": b'"{"',
    "too long": json.dumps(FACTS).encode() + b" " * 9_000,
    **{f"without {name}": json.dumps({k: v for k, v in FACTS.items() if k != name}).encode() for name in FACTS},
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_texts_that_are_no_facts(text: bytes) -> None:
    with pytest.raises(BundleError):
        read_bundle(archive(text))


def test_an_error_holds_nothing_that_was_given() -> None:
    with pytest.raises(BundleError) as caught:
        read_bundle(archive(json.dumps({**FACTS, "::error::evil": 1, "number": "evil"}).encode()))
    assert "number" in str(caught.value)
    assert "evil" not in str(caught.value)
    assert caught.value.__cause__ is None


def named(path: str, old: str | None = None) -> bytes:
    if old is None:
        return f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n".encode()
    return f"diff --git a/{old} b/{path}\nsimilarity index 100%\nrename from {old}\nrename to {path}\n".encode()


@pytest.mark.parametrize(
    "diff",
    [
        b"hello\n",
        b"From: me\n\n" + TEXT,
        b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        b"diff --cc x\nindex 1,2..3\n",
        TEXT + b"diff --cc x\n",
        named("../x"), named("a/../../x"), named("/etc/passwd"), named("a//x"), named("./x"), named(".git/config"),
        named("a/.GIT/hooks/x"), named("x", "../y"), named("../x", "y"), named("/x", "y"),
        b'diff --git "a/x\\000y" "b/x\\000y"\n--- "a/x\\000y"\n+++ "b/x\\000y"\n@@ -1 +1 @@\n-a\n+b\n',
        b'diff --git "a/\\056\\056/y" "b/\\056\\056/y"\nnew file mode 100644\n',
        b"".join(named(f"f{number}") for number in range(3_001)),
        b"diff --git a/x b/x\n" + b"--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n" * 3_001,
    ],
    ids=range(19),
)  # fmt: skip
def test_diffs_that_are_refused(diff: bytes) -> None:
    with pytest.raises(BundleError):
        read_bundle(with_diff(diff))


@pytest.mark.parametrize(
    "path", ["a..b", "..a/b", "a/...", ".github/workflows/x.yml", ".gitignore", "ü/é.py", "a b.py"]
)
def test_odd_names_of_files_are_names(path: str) -> None:
    assert [file.path for file in read_bundle(with_diff(named(path))).diff.files] == [path]


def test_sizes_are_limited() -> None:
    with pytest.raises(BundleError, match="archive is over"):
        read_bundle(bytes(MOST_ARCHIVE + 1))
    with pytest.raises(BundleError, match=r"bundle\.json is over"):
        read_bundle(build([Part(b"bundle.json", b"", packed=zeros(2_000), size=9), Part(b"change.diff", TEXT)]))
    with pytest.raises(BundleError, match=r"change\.diff is over"):
        read_bundle(
            build([Part(b"bundle.json", json.dumps(FACTS).encode()), Part(b"change.diff", b"", packed=zeros(8_000))])
        )


@pytest.mark.parametrize(
    "row", [b"diff --git a/x b/x\n", b"@@ -1 +1 @@\n", b"\n", b"--- a\n+++ b\n", b"rename from x\n", b"+++++\n"]
)
def test_a_megabyte_of_the_same_line_is_read_or_refused(row: bytes) -> None:
    """Eight of them take under ten seconds."""
    text = b"diff --git a/x b/x\n" + row * (1_000_000 // len(row))
    with contextlib.suppress(BundleError):
        assert render_diff(read_bundle(with_diff(text)).diff) == text
