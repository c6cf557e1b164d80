from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewbot.core.change.patterns import Attributes, IgnoreList

# git compares the literal head of a pattern apart, so that it takes the stars of "a**/b" for a leading "**/".
GLUED = re.compile(r"[^/!]\*\*|\*\*[^/ ]")
NAMES = st.text("ab.-", min_size=1, max_size=4).filter(lambda name: name not in {".", ".."})
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
GLOB_TOKENS = st.sampled_from(["a", "b", "a", "b", ".", "*", "**", "?", "/", "/**/", "[ab]", "[!a]", "[^b]", "[a-b]"])
ODD_TOKENS = st.sampled_from(["\\a", "\\*", "[]a]", "[[:alpha:]]", "[b-a]", "-", "[a-]", "[\\]b]"])
PATTERNS = st.builds(
    lambda bang, tokens, slash: bang + "".join(tokens) + slash,
    st.sampled_from(["", "", "", "!", "/"]),
    st.lists(GLOB_TOKENS | ODD_TOKENS, min_size=1, max_size=5),
    st.sampled_from(["", "", "/", "/**", " "]),
).filter(lambda pattern: "//" not in pattern and not GLUED.search(pattern))


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("patterns")
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    return path


def ask_git(repo: Path, *command: str, paths: list[str]) -> list[str]:
    asked = "".join(f"{path}\0" for path in paths).encode()
    done = subprocess.run(["git", *command, "--stdin", "-z"], cwd=repo, input=asked, capture_output=True, check=False)
    return done.stdout.decode().split("\0")[:-1]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PATTERNS, min_size=1, max_size=4), st.lists(PATHS, min_size=4, max_size=24, unique=True))
def test_agrees_with_git_check_ignore(repo: Path, patterns: list[str], paths: list[str]) -> None:
    (repo / ".git" / "info" / "exclude").write_text("\n".join(patterns) + "\n")
    ignored = ask_git(repo, "check-ignore", "--no-index", paths=paths)
    mine = IgnoreList(patterns)
    assert [path for path in paths if mine.match(path)] == ignored


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            PATTERNS.filter(lambda pattern: pattern[0] != "!" and not pattern.endswith(" ")),
            st.sampled_from(["x", "-x", "!x", "x=false", "x=yes", "y", "y -x"]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.lists(PATHS, min_size=4, max_size=24, unique=True),
)
def test_agrees_with_git_check_attr(repo: Path, rules: list[tuple[str, str]], paths: list[str]) -> None:
    text = "".join(f"{pattern} {attribute}\n" for pattern, attribute in rules)
    (repo / ".git" / "info" / "attributes").write_text(text)
    said = ask_git(repo, "check-attr", "x", paths=paths)[2::3]
    words = {"set": True, "yes": True, "unset": False, "false": False, "unspecified": None}
    mine = Attributes(text)
    assert [mine.get(path, "x") for path in paths] == [words[word] for word in said]


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        (["docs/"], "docs/a/b.md", "docs/"),
        (["docs/"], "docs", None),
        (["*.py"], "src/deep/a.py", "*.py"),
        (["/a.py"], "src/a.py", None),
        (["src/**"], "src/x/y", "src/**"),
        (["a/**/b"], "a/b", "a/**/b"),
        (["a/**/b"], "a/x/y/b", "a/**/b"),
        (["docs/*", "!docs/api.md"], "docs/api.md", None),
        (["docs/", "!docs/api.md"], "docs/api.md", "docs/"),
        (["# note", "", "  ", "\\#x"], "#x", "\\#x"),
        (["My[[:space:]]File"], "My File", "My[[:space:]]File"),
        (["trailing   "], "trailing", "trailing"),
        (["[ab"], "[ab", None),
        (["größe*"], "größe.txt", "größe*"),
    ],
)
def test_lists(patterns: list[str], path: str, expected: str | None) -> None:
    assert IgnoreList(patterns).match(path) == expected


def test_attributes_quoted_comments_and_macros() -> None:
    text = '# all\n"with space.py" linguist-generated\n[attr]made linguist-generated\n'
    text += "*.x linguist-generated=false\n!*.y z\n"
    mine = Attributes(text)
    assert mine.get("with space.py", "linguist-generated") is True
    assert mine.get("a.x", "linguist-generated") is False
    assert mine.get("a.y", "z") is None


@pytest.mark.parametrize("pattern", ["*a" * 40 + "*b", "**/" * 40 + "x", "a/**/" * 40 + "x", "?*" * 40 + "z"])
def test_hostile_patterns_take_no_time(pattern: str) -> None:
    mine = IgnoreList([pattern])
    start = time.process_time()
    for path in ("a" * 2000 + "c", "a/" * 300 + "q"):
        assert mine.match(path) is None
    assert time.process_time() - start < 2
