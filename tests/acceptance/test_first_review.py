"""The main job: a pull request in; one review, one summary and one check run out; and the same again."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reviewbot.sandbox.responses.faults import FaultKind

from .conftest import NAME, Git, World, finding, reply, shown_paths


@pytest.mark.parametrize(
    "form",
    [
        "{url}",
        "{url}/files",
        "{url}/commits/0123456789abcdef0123456789abcdef01234567",
        "{url}?diff=split&w=1",
        "{url}/files#diff-24540bfec83af30bR22",
        "{short}",
    ],
)
def test_every_way_to_name_a_pull_request(world: World, form: str) -> None:
    url = world.open("vouchers")
    done = world.review(form.format(url=url, short=f"{NAME}#1"), "--format", "json")
    assert (done.code, done.json["pull_request"]["number"]) == (0, 1)
    assert len(world.reviews) == len(world.summaries) == len(world.checks) == 1


def test_an_enterprise_server_is_reached_below_its_prefix(world: World) -> None:
    url = world.open("vouchers")
    done = world.review(url, GITHUB_API_URL=f"{world.web}/api/v3")
    assert done.code == 0
    assert len(world.reviews) == 1
    api = {sent.path.split("/")[1] for sent in world.stage.sent}
    assert api == {"api"}, "every call went below the prefix"


def test_an_enterprise_server_needs_only_its_address(world: World) -> None:
    """GITHUB_API_URL follows from GITHUB_SERVER_URL."""
    url = world.open("vouchers")
    assert world.review(url, GITHUB_API_URL="").code == 0
    assert all(sent.path.startswith("/api/") for sent in world.stage.sent)


def test_the_first_run_posts_one_review_one_summary_one_check(world: World) -> None:
    url = world.open("vouchers")
    done = world.review(url)
    assert done.code == 0
    (review,) = world.reviews
    (summary,) = world.summaries
    (check,) = world.checks
    assert review.state == "COMMENTED"
    assert len(world.comments) == 10
    assert {comment.review_id for comment in world.comments} == {review.id}
    assert check.conclusion == "success"
    assert len(check.annotations) == 10
    assert f"Posted: {url}#pullrequestreview-{review.id}" in done.out
    for word in ("10 findings (5 critical, 3 major, 2 minor)", "72 of 74 changed lines", "lock-file", "gpt-5.1-codex"):
        assert word in summary.body
        assert word in done.out
    assert re.search(r"\$0\.0\d{3}", done.out)
    assert re.search(r"\$0\.0\d{3}", summary.body)


def test_every_comment_stands_on_the_line_it_speaks_of(world: World, repository: Git) -> None:
    world.review(world.open("vouchers"))
    for comment in world.comments:
        text = repository("show", f"vouchers:{comment.path}").split("\n")[comment.line - 1]
        assert comment.diff_hunk.split("\n")[-1][1:] == text
    at = {(comment.path, comment.line) for comment in world.comments}
    assert {("shop/payments.py", 22), ("shop/db.py", 21), ("shop/orders.py", 7), ("web/checkout.js", 9)} <= at


def test_the_calls_are_few(world: World) -> None:
    done = world.review(world.open("vouchers"), "--format", "json")
    assert len(world.reads) <= 6
    assert len(world.writes) <= 3
    assert done.json["github"]["api_calls"] == len(world.reads) + len(world.writes)
    assert world.fetches == []


def test_the_second_run_posts_nothing_twice(world: World) -> None:
    url = world.open("vouchers")
    world.review(url)
    first = [comment.id for comment in world.comments]
    before = len(world.stage.sent)
    done = world.review(url)
    assert done.code == 0
    assert [comment.id for comment in world.comments] == first
    assert len(world.reviews) == 1
    (summary,) = world.summaries
    assert "already posted" in summary.body
    assert "10 findings" in summary.body, "what was said before still holds"
    assert [s.method for s in world.writes if s in world.stage.sent[before:]] == ["PATCH", "POST"]
    assert world.checks[-1].conclusion == world.checks[0].conclusion
    assert world.asked == 1, "the paid answer was used again"
    assert "nothing to do" not in done.out


def test_a_third_run_changes_nothing_either(world: World) -> None:
    """Findings that have no line stand in the review's body; they too are said once."""
    url = world.open("vouchers")
    nowhere = finding(path="docs/absent.md", quote="never there", title="The manual is not told")
    on_file = finding(quote="not in the file at all", title="Somewhere in here")
    world.answers(lambda _: reply(finding(), nowhere, on_file))
    for _ in range(3):
        assert world.review(url).code == 0
    assert len(world.reviews) <= 2, "the file comment is a review of its own, as GitHub has it"
    bodies = [review.body for review in world.reviews if "The manual is not told" in review.body]
    assert len(bodies) == 1
    assert len([c for c in world.comments if "None is compared" in c.body]) == 1
    assert len([c for c in world.comments if "Somewhere in here" in c.body]) == 1
    assert len(world.summaries) == 1


def test_full_asks_again(world: World) -> None:
    url = world.open("vouchers")
    world.review(url)
    world.review(url, "--full")
    assert world.asked == 2
    assert len(world.reviews) == 1


@pytest.fixture
def own(tmp_path: Path) -> Git:
    """A repository that the test may change."""
    return Git(tmp_path / "own").init({"app.py": "def size(items):\n    return len(items)\n", "other.py": "A = 1\n"})


class TestAfterAPush:
    @pytest.fixture
    def served(self, own: Git) -> Path:
        return own.path

    def test_new_findings_are_added_and_old_ones_are_not_repeated(self, world: World, own: Git) -> None:
        own.branch("work", {"app.py": "def size(items):\n    return len(items) + 1\n"})
        url = world.open("work")

        def read(prompt: str) -> Any:
            found = [finding(path="app.py", quote="    return len(items) + 1", title="One too many")]
            if "def last" in prompt:
                found.append(finding(path="app.py", quote="    return items[0]", title="That is the first"))
            return reply(*found)

        world.answers(read)
        assert world.review(url).code == 0
        text = (
            '"""Sizes."""\n\n\ndef size(items):\n    return len(items) + 1\n\n\ndef last(items):\n    return items[0]\n'
        )
        own.commit("More", {"app.py": text})
        assert world.review(url).code == 0
        assert [(c.line, re.search(r"One too many|That is the first", c.body)[0]) for c in world.comments] == [
            (2, "One too many"),
            (9, "That is the first"),
        ], "the old finding moved by three lines and is the same finding"
        assert len(world.reviews) == 2
        assert len(world.summaries) == 1
        assert [check.head_sha for check in world.checks] == [own("rev-parse", "work~1"), own("rev-parse", "work")]


def test_a_change_without_findings_gets_a_summary_and_a_green_check(world: World) -> None:
    done = world.review(world.open("clean"))
    assert done.code == 0
    assert world.reviews == []
    assert "No problems found" in world.summaries[0].body
    assert world.checks[0].conclusion == "success"


def test_several_chunks_share_one_review(world: World) -> None:
    """The first question goes alone, the others together; each sees the list of all files."""
    world.answers(lambda p: reply(*(finding(path=f, quote="    return total_0 + " + f[-4]) for f in shown_paths(p))))
    world.model.latency = 0.05
    done = world.review(world.open("wide"), "--set", "chunks.target_tokens=2500", "--format", "json")
    assert done.code == 0
    assert world.asked == 6
    assert done.json["usage"]["requests"] == 6
    assert len(world.reviews) == 1
    assert {c.path for c in world.comments} == {f"parts/part_{n}.py" for n in range(1, 7)}
    first, *others = sorted(world.model.answered, key=lambda entry: entry.started)
    assert all(entry.started >= first.ended - 0.005 for entry in others), "the first chunk warms the cache alone"
    assert max(e.started for e in others) < min(e.ended for e in others), "the others run in parallel"
    assert len({entry.body["prompt_cache_key"] for entry in world.model.answered}) == 1
    for prompt in world.prompts:
        assert all(f"parts/part_{n}.py (added" in prompt.partition("<change ")[0] for n in range(1, 7))
        assert "def part_3(items)" in prompt, "and what each file defines"


def test_concurrency_is_a_setting(world: World) -> None:
    world.model.latency = 0.05
    done = world.review(world.open("wide"), "--set", "chunks.target_tokens=2500", "--set", "model.concurrency=1")
    assert done.code == 0
    times = sorted((entry.started, entry.ended) for entry in world.model.answered)
    assert all(start >= end - 0.005 for (_, end), (start, _) in pairwise(times))


def test_progress_is_told(world: World) -> None:
    done = world.review(world.open("wide"), "--set", "chunks.target_tokens=2500")
    steps = done.err.splitlines()
    assert steps[0] == "Collecting the change"
    assert steps[-1] == "Posting"
    assert re.fullmatch(r"Asking the model: 6 of 6 chunks, [\d,]+ tokens, \$0\.\d{4}", steps[-3])


@pytest.mark.parametrize("mode", ["model.stream=false", "model.background=true"])
def test_answers_may_come_in_one_piece_or_in_the_background(world: World, mode: str) -> None:
    world.model.latency = 0.2
    done = world.review(world.open("vouchers"), "--set", mode)
    assert done.code == 0
    assert len(world.comments) == 10
    body = world.model.answered[0].body
    assert not body.get("stream")
    kept = [entry.method for entry in world.model.requests if entry.path.startswith("/v1/responses/")]
    assert kept[-1:] == (["DELETE"] if mode.startswith("model.background") else []), "nothing stays at the provider"


def test_the_request_is_as_the_design_says(world: World) -> None:
    world.review(world.open("vouchers"), "--effort", "high")
    body = world.model.answered[0].body
    assert body["model"] == "gpt-5.1-codex"
    assert body["stream"] is True
    assert body["store"] is False
    assert body["truncation"] == "disabled"
    assert body["reasoning"] == {"effort": "high"}
    assert body["text"]["format"]["strict"] is True
    assert body["max_output_tokens"] == 32_000
    assert "temperature" not in body


def test_a_dying_summary_is_written_anew(world: World) -> None:
    """Somebody deleted the sticky comment between two runs."""
    url = world.open("vouchers")
    world.review(url)
    world.hosted.comments.clear()
    assert world.review(url).code == 0
    assert len(world.summaries) == 1


def test_no_usage_is_not_taken_for_free(world: World) -> None:
    world.fault(FaultKind.NO_USAGE)
    done = world.review(world.open("vouchers"))
    assert done.code == 0
    assert "did not report" in world.summaries[0].body
