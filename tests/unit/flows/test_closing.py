"""Threads that close themselves: who is asked about, what is answered, and what is left alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import unified_diff
from typing import Any

import pytest

from reviewbot import errors
from reviewbot.core.change.comparison import increment
from reviewbot.core.change.diff import FileStatus, Side
from reviewbot.core.change.increment import Since
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef, ReviewThread, Surroundings, ThreadComment
from reviewbot.core.change.scope import decide_scope
from reviewbot.core.config import Config, Resolved, ReviewSettings
from reviewbot.core.context.prompt import Answer, PreparedPrompt
from reviewbot.core.findings.finding import Finding, Severity
from reviewbot.core.findings.identity import code_digest
from reviewbot.core.findings.standing import place_findings
from reviewbot.core.marker import answer_marker
from reviewbot.core.report.acts import Closings, Reply, Resolve
from reviewbot.core.report.rendering import comment_body
from reviewbot.flows.closing import close_threads
from reviewbot.flows.collection import Collected
from reviewbot.github.fake import FakeSource
from reviewbot.model.scripted import ScriptedModel

pytestmark = pytest.mark.anyio

BASE, OLD, NEW = "b" * 40, "c" * 40, "d" * 40
PULL = PullRequest(
    ref=PullRequestRef("github.com", "octo", "shop", 7),
    title="Totals",
    body="",
    author="jo",
    state="open",
    draft=False,
    base_ref="main",
    base_sha=BASE,
    head_ref="work",
    head_sha=NEW,
    base_repo="octo/shop",
    head_repo="octo/shop",
    changed_files=1,
    additions=1,
    deletions=0,
    commits=1,
    html_url="https://github.com/octo/shop/pull/7",
)
SPARE = "".join(f"CONSTANT_{n} = {n}\n" for n in range(40))
APP = f"def ratio(a, b):\n    return a / b\n\n\n{SPARE}\n\ndef total(items):\n    return sum(items)\n"
FIXED = APP.replace("    return a / b\n", "    return a / b if b else 0.0\n")
Files = Mapping[str, str]


def diff_of(old: Files, new: Files, renames: Mapping[str, str] | None = None) -> bytes:
    """A git diff of whole files; ``renames`` maps old paths to new ones."""
    names = {**{path: path for path in (*old, *new)}, **(renames or {})}
    out = ""
    for was in sorted(set(names) - set((renames or {}).values())):
        now = names[was]
        before, after = old.get(was), new.get(now)
        if before == after and was == now:
            continue
        out += f"diff --git a/{was} b/{now}\n"
        out += "new file mode 100644\n" if before is None else "deleted file mode 100644\n" if after is None else ""
        out += f"similarity index 90%\nrename from {was}\nrename to {now}\n" if was != now else ""
        rows = unified_diff(
            (before or "").splitlines(True),
            (after or "").splitlines(True),
            "/dev/null" if before is None else f"a/{was}",
            "/dev/null" if after is None else f"b/{now}",
        )
        out += "".join(rows)
    return out.encode()


def said(body: str, *, who: str = "", bot: bool = False, number: int = 2) -> ThreadComment:
    ours = not who
    return ThreadComment(
        who or "reviewbot", ours or bot, ours, "NONE" if ours else "MEMBER", body, f"2026-01-0{number}", number
    )


def thread(
    quote: str = "    return a / b",
    path: str = "app.py",
    *,
    files: Files,
    base: Files | None = None,
    severity: Severity = Severity.MAJOR,
    suggestion: str | None = None,
    comments: tuple[ThreadComment, ...] = (),
    **changes: Any,
) -> ReviewThread:
    """A thread as a review at ``files`` has left it."""
    sources = {name: text.encode() for name, text in files.items()}
    finding = Finding(
        path, Side.RIGHT, quote, "It fails.", "Division by zero", "For b = 0.", "bug", severity, 0.9, suggestion
    )
    (placed,) = place_findings([finding], parse_diff(diff_of(base or {}, files)), sources)
    body = comment_body(placed)
    made = ReviewThread(
        id=f"T-{path}-{placed.fingerprint[:4]}",
        path=path,
        side=Side.RIGHT,
        line=placed.location.line,
        resolved=False,
        outdated=False,
        ours=True,
        body=body,
        fingerprints=(placed.fingerprint,),
        replies=len(comments),
        comments=(said(body, number=1), *comments),
        digests=((placed.fingerprint, code_digest(placed)),),
        comment_id=1,
    )
    return replace(made, **changes)


def outdated(made: ReviewThread) -> ReviewThread:
    return replace(made, line=None, outdated=True)


def points(*met: bool, why: str = "b is looked at first") -> str:
    return json.dumps({"points": [{"id": n, "met": each, "why": why} for n, each in enumerate(met, 1)]})


@dataclass
class Push:
    """A push from the files ``old`` to the files ``new``, and what is made of the threads."""

    old: Files
    new: Files
    threads: tuple[ReviewThread, ...]
    script: Any = field(default_factory=lambda: [points(True)])
    base: Files = field(default_factory=dict)
    renames: Mapping[str, str] = field(default_factory=dict)
    settings: ReviewSettings = field(default_factory=ReviewSettings)
    compared: bool = True
    forgotten: bool = False
    full: bool = False
    no_money: bool = False
    since: Since | None = None

    def __post_init__(self) -> None:
        self.model = ScriptedModel(self.script)
        self.diff = parse_diff(diff_of(self.base, self.new, self.renames))
        self.heads = {path: text.encode() for path, text in self.new.items()}
        files = {NEW: self.heads, OLD: {path: text.encode() for path, text in self.old.items()}, BASE: {}}
        if self.forgotten:
            del files[OLD]
        self.source = FakeSource(PULL, b"", files)

    async def ask(self, prepared: PreparedPrompt) -> Answer | None:
        return None if self.no_money else await self.model.answer(prepared.prompt, 1000)

    async def judged(self) -> Closings:
        news = increment(parse_diff(diff_of(self.base, self.old)), self.diff)
        since = self.since or Since(news if self.compared and not self.full else None, OLD, rounds=1, full=self.full)
        config = Config(review=self.settings)
        paths = {file.path for file in self.diff.files if file.status is not FileStatus.REMOVED}
        collected = Collected(
            PULL,
            Resolved(config),
            Surroundings(viewer="reviewbot", threads=self.threads),
            self.diff,
            decide_scope(self.diff, config.scope, ""),
            {path: text for path, text in self.heads.items() if path in paths},
            since,
        )
        return await close_threads(self.ask, self.source, collected, since)


def replies(closings: Closings) -> list[str]:
    return [act.text for act in closings.acts if isinstance(act, Reply)]


async def test_a_point_that_is_met_is_answered_with_the_commit_and_resolved() -> None:
    point = thread(files={"app.py": APP})
    push = Push({"app.py": APP}, {"app.py": FIXED}, (outdated(point),))
    done = await push.judged()
    page = f"https://github.com/octo/shop/pull/7/commits/{NEW}"
    text = f"Met by [`{NEW[:12]}`]({page}): b is looked at first."
    assert done.acts == (Reply(point.id, 1, text, f"met-{NEW[:12]}"), Resolve(point.id))
    assert (done.met, done.held, done.notes) == ({point.id}, frozenset(), ())
    prompt = push.model.prompts[0].text
    assert "Division by zero" in prompt
    assert "    return a / b\n" in prompt
    assert "    return a / b if b else 0.0\n" in prompt
    assert "CONSTANT_30" not in prompt


async def test_a_point_that_is_not_met_is_held_and_nothing_is_said() -> None:
    point = outdated(thread(files={"app.py": APP}))
    done = await Push({"app.py": APP}, {"app.py": FIXED}, (point,), [points(False)]).judged()
    assert done == Closings(held=frozenset({point.id}))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"points": [{"id": 1, "met": True, "why": "yes"}, {"id": 1, "met": False, "why": "no"}]}),
        json.dumps({"points": [{"id": 1, "met": True, "why": ""}]}),
        json.dumps({"points": [{"id": 2, "met": True, "why": "yes"}]}),
        json.dumps({"points": []}),
    ],
)
async def test_a_doubtful_answer_meets_nothing(text: str) -> None:
    point = outdated(thread(files={"app.py": APP}))
    done = await Push({"app.py": APP}, {"app.py": FIXED}, (point,), [text]).judged()
    assert done == Closings(held=frozenset({point.id}))


async def test_what_did_not_change_is_not_asked_about() -> None:
    point = thread(files={"app.py": APP})
    new = APP.replace("return sum(items)", "return sum(items) + 1")
    push = Push({"app.py": APP}, {"app.py": new}, (point,))
    assert await push.judged() == Closings()
    assert push.model.calls == 0


async def test_an_outdated_thread_whose_code_did_not_change_again_is_held_unasked() -> None:
    """It was asked about when it became outdated, and not met; each further push would else pay for it again."""
    point = outdated(thread(files={"app.py": APP}))
    halfway = APP.replace("return a / b", "return (a / b)")
    new = halfway.replace("return sum(items)", "return sum(items) + 1")
    push = Push({"app.py": halfway}, {"app.py": new}, (point,))
    assert await push.judged() == Closings(held=frozenset({point.id}))
    assert push.model.calls == 0


async def test_a_change_beside_the_line_in_its_definition_is_asked_about() -> None:
    """The thread is not outdated: its own line stands as it was, a guard came before it."""
    point = thread(files={"app.py": APP})
    new = APP.replace("    return a / b\n", "    if not b:\n        return 0.0\n    return a / b\n")
    push = Push({"app.py": APP}, {"app.py": new}, (replace(point, line=4),))
    done = await push.judged()
    assert done.met == {point.id}
    assert "if not b:" in push.model.prompts[0].text


async def test_several_points_share_one_question() -> None:
    old = APP + "\n\ndef share(part, whole):\n    return part / whole\n"
    one = outdated(thread(files={"app.py": old}))
    two = outdated(thread("    return part / whole", files={"app.py": old}, severity=Severity.CRITICAL))
    new = old.replace("a / b", "a / (b or 1)").replace("part / whole", "part / (whole or 1)")
    push = Push({"app.py": old}, {"app.py": new}, (one, two), [points(True, False)])
    done = await push.judged()
    assert push.model.calls == 1
    assert (done.met, done.held) == ({two.id}, {one.id})  # the more severe one comes first


async def test_at_most_twenty_are_asked_about() -> None:
    old = "".join(f"def f{n}(a, b):\n    return a / b - {n}\n\n\n" for n in range(25))
    threads = tuple(outdated(thread(f"    return a / b - {n}", files={"app.py": old})) for n in range(25))
    push = Push({"app.py": old}, {"app.py": old.replace("/", "//")}, threads, lambda _: points(*[True] * 20))
    done = await push.judged()
    assert len(done.met) == 20
    assert done.notes == ("5 open threads with changed code not checked: at most 20 are in one run",)


async def test_a_committed_suggestion_needs_no_question() -> None:
    better = "    return a / b if b else 0.0"
    point = outdated(thread(files={"app.py": APP}, suggestion=better))
    assert "```suggestion" in point.body
    push = Push({"app.py": APP}, {"app.py": FIXED}, (point,))
    done = await push.judged()
    assert (done.met, push.model.calls) == ({point.id}, 0)
    assert "the suggested change was made." in replies(done)[0]
    more = FIXED.replace("def ratio(a, b):\n", "def ratio(a, b):\n    b = 0\n")
    push = Push({"app.py": APP}, {"app.py": more}, (point,), [points(False)])
    assert (await push.judged()).met == frozenset()
    assert push.model.calls == 1


async def test_a_thread_that_people_joined_is_answered_once_and_not_resolved() -> None:
    point = outdated(thread(files={"app.py": APP}, comments=(said("Sure?", who="ann"),)))
    done = await Push({"app.py": APP}, {"app.py": FIXED}, (point,)).judged()
    assert [act.kind for act in done.acts] == ["reply"]
    assert "Not resolved, because people talk here" in replies(done)[0]
    assert done.met == {point.id}

    told = said(f"{replies(done)[0]}\n\n{answer_marker(f'met-{OLD[:12]}')}", number=3)
    point = replace(point, comments=(*point.comments, told), replies=2)
    later = FIXED.replace("return sum(items)", "return sum(items) + 1")
    push = Push({"app.py": FIXED}, {"app.py": later}, (point,))
    assert await push.judged() == Closings(met=frozenset({point.id}))
    assert push.model.calls == 0

    again = FIXED.replace("0.0", "1.0")
    for verdict, wanted in ((True, Closings(met=frozenset({point.id}))), (False, Closings(held=frozenset({point.id})))):
        push = Push({"app.py": FIXED}, {"app.py": again}, (point,), [points(verdict)])
        assert await push.judged() == wanted
        assert push.model.calls == 1


async def test_a_setting_resolves_what_people_joined() -> None:
    point = outdated(thread(files={"app.py": APP}, comments=(said("Sure?", who="ann"),)))
    settings = ReviewSettings(close_joined=True)
    done = await Push({"app.py": APP}, {"app.py": FIXED}, (point,), settings=settings).judged()
    assert [act.kind for act in done.acts] == ["reply", "resolve"]
    assert "Not resolved" not in replies(done)[0]


@pytest.mark.parametrize("after", [said("Still broken.", who="ann", number=4), None])
async def test_somebody_who_sees_it_otherwise_is_heard(after: ThreadComment | None) -> None:
    """A word after our reply, or a thread that we resolved and that is open again: it holds, and is left alone."""
    told = said(f"Met.\n\n{answer_marker('met-' + 'e' * 12)}", number=3)
    comments = (said("Sure?", who="ann"), told, after) if after else (told,)
    point = outdated(thread(files={"app.py": APP}, comments=comments))
    new = FIXED.replace("return sum(items)", "return sum(items) + 1")
    assert await Push({"app.py": FIXED}, {"app.py": new}, (point,)).judged() == Closings(held=frozenset({point.id}))
    again = FIXED.replace("0.0", "1.0")
    done = await Push({"app.py": FIXED}, {"app.py": again}, (point,)).judged()
    assert done == Closings(met=frozenset({point.id}))


async def test_a_word_of_a_bot_is_not_a_persons() -> None:
    point = outdated(thread(files={"app.py": APP}, comments=(said("Coverage: 80 %", who="cov[bot]", bot=True),)))
    done = await Push({"app.py": APP}, {"app.py": FIXED}, (point,)).judged()
    assert [act.kind for act in done.acts] == ["reply", "resolve"]


async def test_of_a_long_thread_it_is_not_known_who_has_written() -> None:
    point = replace(outdated(thread(files={"app.py": APP})), replies=40)
    done = await Push({"app.py": APP}, {"app.py": FIXED}, (point,)).judged()
    assert [act.kind for act in done.acts] == ["reply"]


async def test_threads_of_others_resolved_ones_and_dismissed_ones_are_left_alone() -> None:
    point = outdated(thread(files={"app.py": APP}))
    threads = (
        replace(point, id="T-other", ours=False),
        replace(point, id="T-done", resolved=True, resolved_by="ann"),
        replace(point, id="T-no", comments=(*point.comments, said("won't fix", who="ann")), replies=1),
        replace(point, id="T-talk", fingerprints=()),
    )
    push = Push({"app.py": APP}, {"app.py": FIXED}, threads)
    assert await push.judged() == Closings()
    assert (push.model.calls, push.source.calls) == (0, 0)


async def test_it_can_be_switched_off() -> None:
    point = outdated(thread(files={"app.py": APP}))
    settings = ReviewSettings(close_threads=False)
    push = Push({"app.py": APP}, {"app.py": FIXED}, (point,), settings=settings)
    assert await push.judged() == Closings()
    assert push.model.calls == 0


async def test_a_renamed_file_is_followed() -> None:
    point = outdated(thread(files={"app.py": APP}))
    push = Push({"app.py": APP}, {"lib/shop.py": FIXED}, (point,))
    done = await push.judged()
    assert done.met == {point.id}
    assert "=== lib/shop.py" in push.model.prompts[0].text

    point = outdated(thread(files={"app.py": APP}))
    renamed = FIXED.replace("def ratio(", "def quotient(")
    assert (await Push({"app.py": APP}, {"lib/shop.py": renamed}, (point,)).judged()).met == {point.id}
    untouched = Push({"app.py": APP}, {"lib/shop.py": APP}, (point,))
    assert await untouched.judged() == Closings(held=frozenset({point.id}))
    assert untouched.model.calls == 0


async def test_a_rename_two_pushes_ago_is_followed_by_the_code() -> None:
    """GitHub keeps the old path of the thread, and the increment knows the new one only."""
    point = outdated(thread(files={"app.py": APP}))
    push = Push({"lib/shop.py": APP}, {"lib/shop.py": FIXED}, (point,))
    assert (await push.judged()).met == {point.id}
    assert push.model.calls == 1


async def test_a_file_that_is_gone_meets_its_points_without_a_question() -> None:
    point = outdated(thread(files={"app.py": APP, "b.py": "B = 1\n"}))
    push = Push({"app.py": APP, "b.py": "B = 1\n"}, {"b.py": "B = 1\n"}, (point,))
    done = await push.judged()
    assert (done.met, push.model.calls) == ({point.id}, 0)
    assert "the file is no longer there." in replies(done)[0]


async def test_a_file_that_the_change_deletes_meets_points_on_its_new_lines() -> None:
    base = {"app.py": SPARE}
    point = outdated(thread(files={"app.py": APP}, base=base))
    push = Push({"app.py": APP}, {}, (point,), base=base)
    assert push.diff.files[0].status is FileStatus.REMOVED
    assert (await push.judged()).met == {point.id}
    on_the_removal = replace(point, side=Side.LEFT)
    assert await Push({"app.py": APP}, {}, (on_the_removal,), base=base).judged() == Closings()


async def test_code_that_moved_is_not_gone() -> None:
    point = outdated(thread(files={"app.py": APP, "b.py": "B = 1\n"}))
    moved = "B = 1\n\n\ndef ratio(a, b):\n    return  a / b\n"
    push = Push({"app.py": APP, "b.py": "B = 1\n"}, {"b.py": moved}, (point,), [points(False)])
    done = await push.judged()
    assert done.met == frozenset()
    assert done.acts == ()


async def test_code_that_moved_to_nobody_knows_which_file_is_left_open() -> None:
    point = outdated(thread(files={"app.py": APP, "b.py": "B = 1\n"}))
    moved = "B = 1\n\n\ndef ratio(a, b):\n    return a / (b + 1)\n"
    push = Push({"app.py": APP, "b.py": "B = 1\n"}, {"b.py": moved, "c.py": moved}, (point,))
    assert await push.judged() == Closings()
    assert push.model.calls == 0


async def test_a_head_that_cannot_be_read_is_not_taken_for_one_without_the_file() -> None:
    point = outdated(thread(files={"app.py": APP, "b.py": "B = 1\n"}))
    push = Push({"app.py": APP, "b.py": "B = 1\n"}, {"b.py": "B = 1\n"}, (point,))
    push.source = FakeSource(PULL, b"", {})
    assert await push.judged() == Closings()


async def test_a_file_that_left_the_change_with_its_code_still_there_is_left_open() -> None:
    """The base branch has the same code by now."""
    point = outdated(thread(files={"app.py": APP, "b.py": "B = 1\n"}))
    old, new = {"app.py": APP, "b.py": "B = 1\n"}, {"app.py": APP, "b.py": "B = 1\n"}
    push = Push(old, new, (point,))
    push.diff = parse_diff(diff_of({"app.py": APP}, new))
    assert await push.judged() == Closings()
    push.heads["app.py"] = SPARE.encode()
    assert (await push.judged()).met == {point.id}


async def test_removed_code_that_is_back_meets_a_point_on_its_removal() -> None:
    base = {"app.py": APP, "b.py": "B = 1\n"}
    point = replace(thread(files={"app.py": APP}), side=Side.LEFT, line=None, outdated=True)
    push = Push({"app.py": SPARE, "b.py": "B = 2\n"}, {"app.py": APP, "b.py": "B = 2\n"}, (point,), base=base)
    done = await push.judged()
    assert done.met == {point.id}
    assert "the removed code is back" in replies(done)[0]


async def test_after_a_full_review_all_open_threads_are_asked_about() -> None:
    point = thread(files={"app.py": APP})
    push = Push({"app.py": APP}, {"app.py": APP}, (point,), [points(False)], full=True)
    assert await push.judged() == Closings(held=frozenset({point.id}))
    assert push.model.calls == 1
    told = said(f"Met.\n\n{answer_marker('met-' + 'e' * 12)}", number=3)
    point = replace(point, comments=(*point.comments, said("Sure?", who="ann"), told), replies=2)
    push = Push({"app.py": APP}, {"app.py": APP}, (point,), full=True)
    assert await push.judged() == Closings(met=frozenset({point.id}))
    assert push.model.calls == 0


async def test_the_same_head_again_asks_nothing() -> None:
    point = outdated(thread(files={"app.py": APP}))
    news = increment(parse_diff(diff_of({}, {"app.py": FIXED})), parse_diff(diff_of({}, {"app.py": FIXED})))
    push = Push({}, {"app.py": FIXED}, (point,), since=Since(news, NEW, 1))
    assert await push.judged() == Closings(held=frozenset({point.id}))
    assert (push.model.calls, push.source.calls) == (0, 0)


async def test_without_the_old_commit_the_digest_of_the_code_tells() -> None:
    point = outdated(thread(files={"app.py": APP}))
    push = Push({"app.py": APP}, {"app.py": FIXED}, (point,), forgotten=True, compared=False)
    assert (await push.judged()).met == {point.id}
    assert "(not known any more" in push.model.prompts[0].text
    push = Push({"app.py": APP}, {"app.py": APP + "\nX = 1\n"}, (point,), forgotten=True, compared=False)
    assert await push.judged() == Closings(held=frozenset({point.id}))
    assert push.model.calls == 0
    push = Push({"app.py": APP}, {"app.py": "X = 1\n"}, (point,), forgotten=True, compared=False)
    assert await push.judged() == Closings(
        notes=("1 open thread not checked: their code as it was is not known any more",)
    )


async def test_without_money_it_is_noted() -> None:
    point = outdated(thread(files={"app.py": APP}))
    done = await Push({"app.py": APP}, {"app.py": FIXED}, (point,), no_money=True).judged()
    assert done.notes == (
        "1 open thread with changed code not checked: a question about them could cost more than "
        "limits.max_cost_usd allows",
    )
    assert (done.acts, done.met, done.held) == ((), frozenset(), frozenset())


@pytest.mark.parametrize(
    ("script", "words"),
    [([errors.ModelRateLimited("Slow down.")], "Slow down."), (["certainly!"], "not JSON")],
)
async def test_a_model_that_fails_is_noted(script: list[Any], words: str) -> None:
    point = outdated(thread(files={"app.py": APP}))
    done = await Push({"app.py": APP}, {"app.py": FIXED}, (point,), script).judged()
    (note,) = done.notes
    assert words in note
    assert (done.acts, done.met, done.held) == ((), frozenset(), frozenset())


async def test_secrets_do_not_reach_the_model_or_the_thread() -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLX"
    old, new = APP.replace("a / b", f'a / b + "{key}"'), FIXED.replace("0.0", f'"{key}"')
    point = outdated(thread(f'    return a / b + "{key}"', files={"app.py": old}))
    push = Push({"app.py": old}, {"app.py": new}, (point,), [points(True, why=f"@everyone {key} <img src=x>")])
    done = await push.judged()
    assert key not in push.model.prompts[0].text
    (text,) = replies(done)
    assert key not in text
    assert "<img" not in text
    assert "@everyone" not in text
