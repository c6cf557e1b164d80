from __future__ import annotations

import random
import time

import pytest

from reviewbot.core.change.diff import FilePatch
from reviewbot.core.change.patch import parse_fragment
from reviewbot.core.context.kinship import families, risk_of


def file(path: str, added: str = "a = 1") -> FilePatch:
    return parse_fragment(path, f"@@ -0,0 +1 @@\n+{added}\n")


def groups(*paths: str, sources: dict[str, bytes] | None = None) -> list[list[str]]:
    return [[each.path for each in group] for group in families([file(path) for path in paths], sources or {})]


@pytest.mark.parametrize(
    ("subject", "test"),
    [
        ("src/shop/cart.py", "tests/shop/test_cart.py"),
        ("src/cart.ts", "src/cart.test.ts"),
        ("src/Cart.tsx", "src/__tests__/Cart.spec.tsx"),
        ("pkg/cart.go", "pkg/cart_test.go"),
        ("src/main/java/x/Cart.java", "src/test/java/x/CartTest.java"),
        ("lib/cart.rb", "spec/cart_spec.rb"),
        ("include/cart.h", "src/cart.c"),
    ],
)
def test_a_subject_and_its_test_or_header_are_one_family(subject: str, test: str) -> None:
    assert groups("aa/begin.txt", test, subject, "zz/end.md") == [
        ["aa/begin.txt"],
        sorted([subject, test], key=lambda path: (path.rpartition("/")[0], path)),
        ["zz/end.md"],
    ]


def test_a_test_goes_with_the_nearest_of_several_subjects() -> None:
    assert groups("blog/models.py", "shop/models.py", "tests/blog/test_models.py", "tests/shop/test_models.py") == [
        ["blog/models.py", "tests/blog/test_models.py"],
        ["shop/models.py", "tests/shop/test_models.py"],
    ]


def test_files_that_only_share_a_common_name_are_no_family() -> None:
    paths = [f"{folder}/{name}" for folder in "abc" for name in ("__init__.py", "index.ts", "README.md", "tests.py")]
    assert groups(*paths) == [[path] for path in sorted(paths)]


@pytest.mark.parametrize(
    ("importer", "text", "imported"),
    [
        ("app/views.py", b"from shop.cart import total\n", "src/shop/cart.py"),
        ("src/shop/views.py", b"from .cart import total\n", "src/shop/cart.py"),
        ("src/view.ts", b"import { total } from './lib/cart'\n", "src/lib/cart.ts"),
        ("src/main.c", b'#include "cart.h"\n', "include/cart.h"),
    ],
)
def test_an_importer_and_what_it_imports_are_one_family(importer: str, text: bytes, imported: str) -> None:
    (group,) = groups(importer, imported, sources={importer: text})
    assert set(group) == {importer, imported}


def test_a_hub_does_not_tie_the_whole_change() -> None:
    paths = [f"src/m{n:02}.py" for n in range(60)]
    sources = dict.fromkeys(paths[1:], b"from m00 import x\n")
    found = groups(*paths, sources=sources)
    assert max(len(group) for group in found) <= 12
    assert sorted(path for group in found for path in group) == paths


def test_every_file_stands_in_one_family_in_the_order_of_folders() -> None:
    chance = random.Random(1)
    paths = [f"d{chance.randrange(9)}/f{n}.py" for n in range(200)]
    expected = [[path] for path in sorted(paths, key=lambda path: (path.rpartition("/")[0], path))]
    assert groups(*paths) == expected
    chance.shuffle(paths)
    assert groups(*paths) == expected


def test_one_path_twice_keeps_both_files() -> None:
    """Two sections of one path, in a diff that is at fault."""
    assert groups("a.py", "b.py", "a.py") == [["a.py", "a.py"], ["b.py"]]


def test_thousands_of_files_of_one_name_take_no_time() -> None:
    paths = [f"d{n}/{name}" for n in range(3_000) for name in ("utils.py", "test_utils.py")]
    sources = dict.fromkeys(paths, b"import utils\nfrom utils import utils\n")
    begun = time.process_time()
    groups(*paths, sources=sources)
    assert time.process_time() - begun < 3


def test_risk_orders_code_before_tests_and_documents() -> None:
    plain, money, access = file("src/list.py"), file("src/list.py", "total = price * amount"), file("src/auth.py")
    for harmless in ("tests/test_auth.py", "shop/tests.py", "conftest.py", "docs/auth.md", "auth.json", "a.test.ts"):
        assert risk_of(file(harmless, "password = secret")) == 0
    assert 0 < risk_of(plain) < risk_of(money) < risk_of(access)
    assert risk_of(file("src/latest.py")) == risk_of(plain)
    assert risk_of(file("src/auth.py", "token secret " * 1_000)) <= 50


def test_a_workflow_is_code_that_runs_with_secrets() -> None:
    from reviewbot.core.change.diff import FilePatch, FileStatus
    from reviewbot.core.context.kinship import risk_of

    workflow = FilePatch(".github/workflows/ci.yml", ".github/workflows/ci.yml", FileStatus.MODIFIED)
    settings = FilePatch("config/app.yml", "config/app.yml", FileStatus.MODIFIED)
    assert risk_of(workflow) > risk_of(settings)
