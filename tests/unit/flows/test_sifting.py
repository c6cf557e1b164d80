"""What a run found beside what stands: nothing is said twice, and nothing that still holds is forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reviewbot.core.change.diff import Diff, Run, Side
from reviewbot.core.change.increment import FileIncrement, Increment, News, Since
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef, ReviewThread, Surroundings, ThreadComment
from reviewbot.core.change.scope import Scope
from reviewbot.core.config import Config, PathRule, Resolved, ReviewSettings, TriggerSettings
from reviewbot.core.findings.earlier import SOURCE
from reviewbot.core.findings.finding import (
    Finding,
    Location,
    PlacedFinding,
    Severity,
    Step,
    Triage,
    fingerprint,
)
from reviewbot.core.findings.identity import code_digest
from reviewbot.core.marker import digest_marker, finding_marker, read_digests
from reviewbot.core.report.acts import Act, Closings, Reply, Resolve, StatusAnswer
from reviewbot.core.report.rendering import comment_body
from reviewbot.flows.collection import Collected
from reviewbot.flows.sifting import sift

PULL = PullRequest(
    PullRequestRef("github.com", "octo", "shop", 7), "", "", "jo", "open", False, "main", "b" * 40, "work", "a" * 40,
    "octo/shop", "octo/shop", changed_files=2, additions=6, deletions=0, commits=1,
)  # fmt: skip


def diff_of(*paths: str) -> Diff:
    head = "diff --git a/{0} b/{0}\nnew file mode 100644\n--- /dev/null\n+++ b/{0}\n@@ -0,0 +1,9 @@\n"
    lines = "".join(f"+line {n}\n" for n in range(1, 10))
    return parse_diff("".join(head.format(path) + lines for path in paths).encode())


def placed(title: str = "Total is wrong", **changes: Any) -> PlacedFinding:
    path, line = changes.pop("path", "a.py"), changes.pop("line", 5)
    body, quote = changes.pop("body", f"{title}, because of it."), changes.pop("quote", f"code of {title} = 1")
    base = Finding(path, Side.RIGHT, quote, "", title, body, "bug", Severity.MAJOR, 0.9)
    at = Location(path, Side.RIGHT, None, line, Step.LINE if line else Step.FILE)
    return PlacedFinding(replace(base, **changes), at, fingerprint(path, "", quote, "bug"))


def thread(about: PlacedFinding, *said: ThreadComment, **changes: Any) -> ReviewThread:
    """Our thread about a finding, as GitHub would give it."""
    mark = about.fingerprint
    body = f"{comment_body(about)}\n\n{digest_marker(mark, code_digest(about))}\n{finding_marker(mark)}"
    values: dict[str, Any] = {
        "id": f"T-{mark}", "path": about.location.path, "side": Side.RIGHT, "line": about.location.line,
        "resolved": False, "outdated": False, "ours": True, "body": body, "fingerprints": (mark,),
        "digests": read_digests(body), "comments": said,
    }  # fmt: skip
    return ReviewThread(**{**values, **changes})


def word(text: str, author: str = "ann", association: str = "MEMBER") -> ThreadComment:
    return ThreadComment(author, is_bot=False, ours=False, association=association, body=text, created_at="2026", id=5)


def news(path: str, *runs: tuple[int, int], earlier: str | None = None) -> FileIncrement:
    fresh = tuple(Run(Side.RIGHT, *run) for run in runs)
    kind = News.PARTLY if fresh else News.UNCHANGED
    return FileIncrement(path, kind, fresh, earlier_lines=9, earlier_path=path if earlier is None else earlier)


def collected(*files: FileIncrement, paths: tuple[str, ...] = ("a.py", "b.py"), **settings: Any) -> Collected:
    config = Config(review=ReviewSettings(**settings))
    since = Since(Increment(files), "c" * 40, 1) if files else Since()
    return Collected(PULL, Resolved(config), Surroundings(), diff_of(*paths), Scope((), ()), since=since)


def sifted(
    found: list[PlacedFinding], *threads: ReviewThread, seen: Collected | None = None, closings: Closings | None = None
) -> Triage:
    return both(found, *threads, seen=seen, closings=closings)[0]


def both(
    found: list[PlacedFinding], *threads: ReviewThread, seen: Collected | None = None, closings: Closings | None = None
) -> tuple[Triage, tuple[Act, ...]]:
    now = Surroundings(viewer="reviewbot", threads=threads)
    return sift(found, now, seen or collected(news("a.py", (1, 9)), news("b.py")), closings or Closings())


def fates(kept: Triage) -> list[tuple[str, str, str]]:
    posted = [(each.finding.title, "posted", each.location.path) for each in (*kept.post, *kept.summary)]
    return posted + [(e.placed.finding.title, e.reason.value, e.placed.location.path) for e in kept.rejected]


OLD = placed("The lock is never released")


def test_what_this_run_did_not_raise_still_stands() -> None:
    kept = sifted([placed()], thread(OLD, line=7))
    assert fates(kept) == [
        ("Total is wrong", "posted", "a.py"),
        ("The lock is never released", "already-posted", "a.py"),
    ]
    standing = kept.rejected[0].placed
    assert (standing.finding.source, standing.finding.severity, standing.location.line) == (SOURCE, Severity.MAJOR, 7)
    assert standing.fingerprint == OLD.fingerprint


def test_after_a_full_review_too() -> None:
    """That a model does not raise a thing again is no proof that it is gone."""
    assert fates(sifted([], thread(OLD), seen=collected())) == [(OLD.finding.title, "already-posted", "a.py")]


def test_what_it_raised_again_stands_once() -> None:
    kept = sifted([OLD], thread(OLD))
    assert fates(kept) == [(OLD.finding.title, "already-posted", "a.py")]
    assert kept.rejected[0].placed.finding.source == "model"


def test_one_that_is_left_out_on_the_same_code_does_not_hide_it() -> None:
    """The mark is made of the code: another defect there has the same one, and nothing came of it."""
    quote = "open_ports(8080, 9090)"
    stands = placed("Port 8080 is open", quote=quote, body="Anyone can reach the admin page and delete orders there.")
    words = "Metrics leak to strangers, whose crawlers slow it down."
    other = placed("Port 9090 is open", quote=quote, body=words, category="performance", confidence=0.01)
    assert stands.fingerprint == other.fingerprint
    assert fates(sifted([other], thread(stands))) == [
        (other.finding.title, "low-confidence", "a.py"),
        (stands.finding.title, "already-posted", "a.py"),
    ]


def test_a_thread_that_is_met_is_gone_and_one_that_holds_stays() -> None:
    ours = thread(OLD, outdated=True, line=None)
    assert fates(sifted([], ours)) == []
    held = sifted([], ours, closings=Closings(held=frozenset({ours.id})))
    assert fates(held) == [(OLD.finding.title, "already-posted", "a.py")]
    for outdated in (True, False):
        met = sifted([], replace(ours, outdated=outdated), closings=Closings(met=frozenset({ours.id})))
        assert fates(met) == []


def test_notes_of_the_closings_are_told() -> None:
    kept = sifted([], closings=Closings(notes=("3 threads could not be checked",)))
    assert kept.doubts == ("3 threads could not be checked",)


def test_other_peoples_threads_are_none_of_ours() -> None:
    forged = thread(OLD, ours=False, fingerprints=(), digests=())
    assert fates(sifted([], forged)) == []


# ---- what people answered --------------------------------------------------------------------------------------------


def test_what_was_dismissed_does_not_stand() -> None:
    for ours in (
        thread(OLD, word("Won't fix.")),
        thread(OLD, word("/reviewbot dismiss it is a test")),
        thread(OLD, resolved=True, resolved_by="ann"),
        thread(OLD, word("Hm."), reactions=(("ann", "THUMBS_DOWN"),)),
        thread(OLD, resolved=True, resolved_by="reviewbot"),
    ):
        assert fates(sifted([], ours)) == []


def test_words_of_strangers_do_not_dismiss() -> None:
    for ours in (
        thread(OLD, word("Won't fix.", "mallory", "NONE")),
        thread(OLD, word("/reviewbot dismiss", "mallory", "CONTRIBUTOR")),
        thread(OLD, reactions=(("mallory", "THUMBS_DOWN"),)),
    ):
        assert fates(sifted([], ours)) == [(OLD.finding.title, "already-posted", "a.py")]


def test_the_author_does_not_get_rid_of_a_finding_by_closing_its_thread() -> None:
    """Not raised again, or raised again: it counts the same."""
    ours = thread(OLD, resolved=True, resolved_by="jo")
    for found in ([], [OLD]):
        kept = sifted(found, ours)
        assert fates(kept) == [(OLD.finding.title, "already-posted", "a.py")]
        assert "resolved by jo, who may not dismiss it" in kept.rejected[0].detail
    with_rights = thread(OLD, word("I know.", "jo", "OWNER"), resolved=True, resolved_by="jo")
    assert fates(sifted([], with_rights)) == []


def test_the_command_is_the_one_of_the_settings() -> None:
    seen = collected(news("a.py"))
    config = seen.config.model_copy(update={"triggers": TriggerSettings(command="/check")})
    seen = replace(seen, resolved=Resolved(config))
    assert fates(sifted([], thread(OLD, word("/check dismiss no")), seen=seen)) == []
    assert len(fates(sifted([], thread(OLD, word("/reviewbot dismiss no")), seen=seen))) == 1


def test_often_dismissed_kinds_become_a_hint() -> None:
    answered = [placed(f"Point number {n} of them", path=f"src/{n}.py", quote=f"value_{n} = {n}") for n in range(3)]
    seen = collected(news("a.py"), paths=("a.py", *(each.location.path for each in answered)))
    kept = sifted([], *(thread(each, word("By design.")) for each in answered), seen=seen)
    assert fates(kept) == []
    (hint,) = kept.doubts
    assert hint.startswith("3 bug findings in src were dismissed in this repository; .reviewbot.toml could say so in")
    assert 'pattern = "src/**" and instructions = "' in hint
    two = [thread(each, word("By design.")) for each in answered[:2]]
    assert sifted([], *two, seen=seen).doubts == ()
    elsewhere = replace(seen, dismissals=(("bug", "src/other.py"), ("bug", "lib/a.py"), ("api", "src/a.py")))
    (hint,) = sifted([], *two, seen=elsewhere).doubts
    assert hint.startswith("3 bug findings in src")
    rule = PathRule(pattern="src/**", instructions="Be quiet.")
    ruled = replace(elsewhere, resolved=Resolved(Config(paths=(rule,))))
    assert sifted([], *two, seen=ruled).doubts == ()


def test_what_others_dismissed_is_no_business_of_this_pull_request() -> None:
    seen = replace(collected(news("a.py")), dismissals=(("bug", "a.py"),) * 5)
    assert sifted([], seen=seen).doubts == ()


# ---- old and new lines -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("severity", "fate"), [(Severity.MAJOR, "posted"), (Severity.MINOR, "old-code")])
def test_on_lines_that_were_read_before_only_weighty_ones_are_raised(severity: Severity, fate: str) -> None:
    seen = collected(news("a.py", (1, 3)), news("b.py"))
    kept = sifted([placed(severity=severity)], seen=seen)
    assert fates(kept) == [("Total is wrong", fate, "a.py")]
    assert [each.late for each in kept.post] == ([True] if fate == "posted" else [])
    fresh = sifted([placed(severity=severity, line=2)], seen=seen)
    assert [each.late for each in fresh.post] == [False]


def test_lines_that_are_owed_are_not_old() -> None:
    owed = replace(news("a.py"), owed=(Run(Side.RIGHT, 5, 5),))
    assert [each.late for each in sifted([placed(severity=Severity.MINOR)], seen=collected(owed)).post] == [False]


def test_a_first_review_has_no_old_lines() -> None:
    assert [each.late for each in sifted([placed(severity=Severity.MINOR)], seen=collected()).post] == [False]


# ---- names and paths -------------------------------------------------------------------------------------------------


def test_a_finding_in_a_file_that_is_no_longer_changed_does_not_stand() -> None:
    assert fates(sifted([], thread(placed(path="gone.py")))) == []


@pytest.mark.parametrize("outdated", [True, False])
def test_a_finding_moves_with_its_file(outdated: bool) -> None:
    """GitHub calls a thread outdated when its file has another name; when no line is new, it still holds."""
    ours = thread(OLD, outdated=outdated, line=None if outdated else 5)
    seen = collected(news("new.py", earlier="a.py"), paths=("new.py",))
    assert fates(sifted([], ours, seen=seen)) == [(OLD.finding.title, "already-posted", "new.py")]
    moved = placed(OLD.finding.title, path="new.py")
    kept = sifted([moved], ours, seen=seen)
    assert fates(kept) == [(OLD.finding.title, "already-posted", "new.py")]
    changed = collected(news("new.py", (1, 2), earlier="a.py"), paths=("new.py",))
    assert bool(fates(sifted([], ours, seen=changed))) is not outdated


def test_two_files_that_changed_places() -> None:
    other = placed("Another one entirely", path="b.py")
    seen = collected(news("b.py", earlier="a.py"), news("a.py", earlier="b.py"))
    kept = sifted([], thread(OLD), thread(other), seen=seen)
    assert sorted(fates(kept)) == [
        ("Another one entirely", "already-posted", "a.py"),
        (OLD.finding.title, "already-posted", "b.py"),
    ]


# ---- what is done about threads ---------------------------------------------------------------------------------------


def closed(ours: ReviewThread) -> Closings:
    acts = (Reply(ours.id, 11, "Fixed now.", "k"), Resolve(ours.id), StatusAnswer("21", "Done."))
    return Closings(acts, met=frozenset({ours.id}))


def test_what_is_met_is_closed() -> None:
    ours = thread(OLD, line=7)
    kept, acts = both([placed()], ours, closings=closed(ours))
    assert fates(kept) == [("Total is wrong", "posted", "a.py")]
    assert acts == closed(ours).acts


def test_a_point_that_is_met_and_raised_all_the_same_is_not_met() -> None:
    """It is neither said twice nor closed; what else was to be done is done."""
    ours, other = thread(OLD), thread(placed("Another one entirely", quote="unlike = True"))
    closings = closed(ours)
    both_met = replace(closings, acts=(*closings.acts, Resolve(other.id)), met=closings.met | {other.id})
    kept, acts = both([OLD], ours, other, closings=both_met)
    assert fates(kept) == [(OLD.finding.title, "already-posted", "a.py")]
    assert acts == (StatusAnswer("21", "Done."), Resolve(other.id))


def test_a_thread_of_somebody_else_holds_no_act_back() -> None:
    forged = thread(OLD, id="T-theirs", ours=False)
    closings = Closings((Resolve("T-ours"),), met=frozenset({"T-ours"}))
    assert both([OLD], forged, closings=closings)[1] == closings.acts
