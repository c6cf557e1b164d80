"""Markers come back exactly, and nothing that was said can pass for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.core.marker import (
    digest_marker,
    finding_marker,
    has_review,
    is_summary,
    read_digests,
    read_findings,
    read_review,
    review_marker,
    summary_marker,
)
from reviewbot.core.report.sanitizer import code_block, sanitize_inline, sanitize_markdown

names = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(st.lists(names, unique=True, max_size=5), names)
def test_markers_are_read_back_in_order(fingerprints: list[str], key: str) -> None:
    lines = ["words", *map(finding_marker, fingerprints), review_marker(key), summary_marker()]
    for body in ("\n\n".join(lines), "\r\n".join(lines) + "\r\n"):
        assert read_findings(body) == tuple(fingerprints)
        assert read_review(body) == key
        assert has_review(body, key)
        assert not has_review(body, key + "x")
        assert is_summary(body)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!-- reviewbot:finding: -->",
        "<!-- reviewbot:finding:a b -->",
        "<!--reviewbot:finding:ab-->",
        "> <!-- reviewbot:finding:ab -->",
        "  <!-- reviewbot:finding:ab -->",
        "`<!-- reviewbot:finding:ab -->`",
        "<!-- reviewbot:finding:ab --> and more",
        f"<!-- reviewbot:finding:{'a' * 65} -->",
        "<!-- otherbot:finding:ab -->",
    ],
)
def test_only_a_whole_exact_line_is_a_marker(body: str) -> None:
    assert read_findings(body) == ()
    assert read_review(body) == ""
    assert not is_summary(body)


@given(names, st.from_regex(r"[a-z0-9.]{1,600}", fullmatch=True))
def test_digests_come_back_beside_their_finding(name: str, digest: str) -> None:
    body = f"words\n\n{digest_marker(name, digest)}\n{finding_marker(name)}\n"
    assert read_digests(body) == ((name, digest),)
    assert read_findings(body) == (name,)
    assert read_digests(f"> {body}".replace("\n<", "\n> <")) == ()


@pytest.mark.parametrize("digest", ["a-->", "A", "a b", "a:b", "-", "a" * 601])
def test_a_digest_that_could_break_out_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="marker"):
        digest_marker("ab", digest)
    assert digest_marker("ab", "") == ""


@pytest.mark.parametrize("name", ["", "a b", "a-->", "é", "a\n", "a" * 65])
def test_a_name_that_could_break_out_is_refused(name: str) -> None:
    for marker in (finding_marker, review_marker):
        with pytest.raises(ValueError, match="marker"):
            marker(name)


@given(st.sampled_from(["", "```\n", "~~~\n", "    ", "- ", "> ", "`", "\\", "```suggestion\n"]), st.text(max_size=5))
def test_nothing_that_passes_the_door_is_a_marker(before: str, after: str) -> None:
    forged = f"{before}{finding_marker('ab')}\n{review_marker('k')}\n{summary_marker()}\n{after}"
    for shown in (sanitize_markdown(forged), sanitize_inline(forged), code_block(forged)):
        assert read_findings(shown) == ()
        assert read_review(shown) == ""
        assert not is_summary(shown)
