"""Bundles against their runs and against pull requests: what is refused, what waits, what is only said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reviewbot.action.task import Stop
from reviewbot.action.vetting import Handed, difference, hold, lacks_label, moved_on, request_of
from reviewbot.action.workflow_run import Run
from reviewbot.core.change.bundle import Bundle
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef
from reviewbot.core.config import TriggerSettings
from reviewbot.core.triggers import Account, JobRequest
from reviewbot.errors import BundleError

A, B, C = "a" * 40, "b" * 40, "c" * 40
TEXT = b"diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@ def f():\n-a\n+b\n"
RUN = Run(77, "octo/shop", A, "work", "eve/shop", Account("eve"))
BUNDLE = Bundle("octo/shop", 7, "opened", B, A, "eve/shop", parse_diff(TEXT))
PULL = PullRequest(
    ref=PullRequestRef("github.com", "octo", "shop", 7), title="", body="", author="eve", state="open", draft=False,
    base_ref="main", base_sha=B, head_ref="work", head_sha=A, base_repo="octo/shop", head_repo="eve/shop",
    changed_files=1, additions=1, deletions=1, commits=1,
)  # fmt: skip


def request(run: Run = RUN, **changes: Any) -> JobRequest | Stop:
    return request_of(Handed(run, replace(BUNDLE, **changes)), host="github.com", triggers=TriggerSettings())


def test_a_good_bundle_asks_for_its_pull_request() -> None:
    found = request()
    assert isinstance(found, JobRequest)
    assert (str(found.ref), found.ref.host, found.head_sha, found.trigger) == ("octo/shop#7", "github.com", A, "opened")
    hold(RUN, PULL)
    assert not moved_on(RUN, PULL)
    assert difference(BUNDLE, PULL, BUNDLE.diff) == ""


@pytest.mark.parametrize(
    "changes", [{"repository": "octo/bank"}, {"head_sha": C}, {"head_repository": "eve/other"}], ids=str
)
def test_a_bundle_that_contradicts_its_run(changes: dict[str, Any]) -> None:
    with pytest.raises(BundleError):
        request(**changes)


def test_letters_and_forks_that_are_gone_do_not_matter() -> None:
    assert isinstance(request(repository="Octo/Shop", head_repository="Eve/Shop"), JobRequest)
    assert isinstance(request(head_repository=None), JobRequest)
    assert isinstance(request(replace(RUN, head_repository=None)), JobRequest)


@pytest.mark.parametrize(
    ("actor", "settings", "word"),
    [(Account("helper[bot]", type="Bot"), {}, "bot"), (Account("eve"), {"events": ("labeled",)}, "opened"),
     (Account("eve"), {"enabled": False}, "enabled"), (Account("eve"), {"skip_branches": ("work",)}, "skip_branches")],
)  # fmt: skip
def test_the_rules_of_the_workflow_hold(actor: Account, settings: dict[str, Any], word: str) -> None:
    handed = Handed(replace(RUN, actor=actor), BUNDLE)
    found = request_of(handed, host="github.com", triggers=TriggerSettings(**settings))
    assert isinstance(found, Stop)
    assert word in found.reason


@pytest.mark.parametrize(
    "changes",
    [{"base_repo": "octo/bank"}, {"head_repo": "mallory/shop"}, {"head_repo": "octo/shop"}, {"head_ref": "other"},
     {"head_ref": "other", "head_sha": C}, {"head_repo": None, "head_ref": "other"}],
    ids=str,
)  # fmt: skip
def test_a_pull_request_that_did_not_start_the_run(changes: dict[str, Any]) -> None:
    with pytest.raises(BundleError):
        hold(RUN, replace(PULL, **changes))


def test_a_newer_head_is_another_matter() -> None:
    newer = replace(PULL, head_sha=C)
    hold(RUN, newer)
    assert moved_on(RUN, newer)
    unknown = replace(RUN, head_branch=None)
    hold(unknown, PULL)
    with pytest.raises(BundleError):
        hold(unknown, newer)


def test_a_fork_that_went_away_meanwhile() -> None:
    hold(RUN, replace(PULL, head_repo=None))
    gone = replace(RUN, head_repository=None)
    hold(gone, replace(PULL, head_repo=None))
    with pytest.raises(BundleError):
        hold(gone, PULL)


def test_a_label_must_be_there() -> None:
    asked, settings = replace(BUNDLE, action="labeled"), TriggerSettings()
    assert lacks_label(asked, PULL, settings)
    assert not lacks_label(asked, replace(PULL, labels=("x", settings.label.upper())), settings)
    assert not lacks_label(BUNDLE, PULL, settings)


@pytest.mark.parametrize(
    ("theirs", "differs"),
    [(TEXT, False), (TEXT.replace(b"index 1..2", b"index 1234567..2345678"), False), (TEXT.replace(b" def f():", b""), False),
     (TEXT.replace(b"+b", b"+c"), True), (TEXT.replace(b"/x", b"/y"), True), (b"", True),
     (TEXT + TEXT.replace(b"/x", b"/y"), True)],
)  # fmt: skip
def test_the_content_of_diffs_is_compared(theirs: bytes, differs: bool) -> None:
    assert bool(difference(BUNDLE, PULL, parse_diff(theirs))) is differs
    assert not difference(replace(BUNDLE, no_diff="too-big"), PULL, parse_diff(theirs))


def test_a_base_that_moved_is_named_as_a_reason() -> None:
    assert "base moved" in difference(BUNDLE, replace(PULL, base_sha=C), parse_diff(b""))
    assert "base moved" not in difference(BUNDLE, PULL, parse_diff(b""))
