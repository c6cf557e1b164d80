"""GitHubSink against a GitHub that refuses, loses answers and remembers: once, whole, and one visible review."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reviewbot import errors
from reviewbot.core.change.diff import Side
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef
from reviewbot.core.marker import finding_marker, has_review, summary_marker
from reviewbot.core.report.draft import Annotation, CheckDraft, InlineComment, ReviewDraft
from reviewbot.github.dry_run import DryRunSink
from reviewbot.github.payloads import read_pull
from reviewbot.github.pull_requests import GitHubSource
from reviewbot.github.reviews import GitHubSink

pytestmark = pytest.mark.anyio
REF = PullRequestRef("github.com", "o", "r", 7)
REVIEWS = "/repos/o/r/pulls/7/reviews"


@pytest.fixture
def pull(pull_json: Any) -> PullRequest:
    return read_pull(pull_json(), REF)


def comment(n: int, path: str = "a.py", line: int | None = 0, **changes: Any) -> InlineComment:
    values = {"path": path, "side": Side.RIGHT, "start_line": None, "line": n if line == 0 else line,
              "body": f"finding {n}\n\n{finding_marker(f'f{n}')}", "fingerprint": f"f{n}", **changes}  # fmt: skip
    return InlineComment(**values)


def draft(*comments: InlineComment, **changes: Any) -> ReviewDraft:
    check = CheckDraft("reviewbot", "neutral", "t", "s", (Annotation("a.py", 1, 1, "warning", "t", "m"),))
    values = {"key": "abc123", "commit_sha": "a" * 40, "body": "Read it all.", "comments": comments,
              "summary": f"Summary\n{summary_marker()}", "check": check, **changes}  # fmt: skip
    return ReviewDraft(**values)


def sink(hub: Any) -> GitHubSink:
    client = hub.client()
    return GitHubSink(client, GitHubSource(client, REF))


async def test_three_writes_and_the_dry_run_shows_their_very_bytes(hub: Any, reviews: Any, pull: PullRequest) -> None:
    ranged = comment(5, start_line=3)
    written = draft(comment(1), ranged, comment(2, side=Side.LEFT))
    poster = sink(hub)
    posted = await poster.post(pull, written)
    assert poster.calls == 3
    assert posted.review_url.endswith("#pullrequestreview-100")
    assert posted.summary_url.endswith("#issuecomment-5000000000")
    assert (posted.check_url, posted.moved, posted.notes) == ("https://github.com/o/r/runs/9", (), ())
    sent = reviews.visible[0]["sent"]
    assert sent["event"] == "COMMENT"
    assert sent["comments"][1] == {
        "path": "a.py", "body": ranged.body, "line": 5, "side": "RIGHT", "start_line": 3, "start_side": "RIGHT",
    }  # fmt: skip
    assert has_review(sent["body"], "abc123")
    dry = DryRunSink()
    await dry.post(pull, written)
    assert (dry.calls, dry.draft) == (0, written)
    wire = [(asked.verb, asked.path, asked.body) for asked in hub.asked if asked.path != "/graphql"]
    assert wire == [(write.verb, write.path, write.body) for write in dry.payloads]


async def test_the_same_key_is_written_once_in_this_process_and_the_next(
    hub: Any, reviews: Any, pull: PullRequest
) -> None:
    poster = sink(hub)
    written = draft(comment(1), comment(9, line=None))
    first = await poster.post(pull, written)
    assert await poster.post(pull, written) is first
    later = await sink(hub).post(pull, written)
    assert (later.review_url, later.check_url) == (first.review_url, first.check_url)
    counts = (len(reviews.visible), len(reviews.issue_comments), len(reviews.checks), len(reviews.comments))
    assert counts == (1, 1, 1, 1)


async def test_the_summary_is_edited_in_place(hub: Any, reviews: Any, pull: PullRequest) -> None:
    reviews.issue_comments.append(
        {"html_url": "https://github.com/o/r/pull/7#issuecomment-5000000000", "body": f"old\n{summary_marker()}"}
    )
    posted = await sink(hub).post(pull, draft(body=None))
    assert [c["body"] for c in reviews.issue_comments] == [f"Summary\n{summary_marker()}"]
    assert posted.review_url == ""
    assert reviews.visible == []


async def test_a_summary_that_was_deleted_meanwhile_is_written_anew(hub: Any, reviews: Any, pull: PullRequest) -> None:
    client = hub.client()
    source = GitHubSource(client, REF)
    reviews.issue_comments.append({"html_url": "x#issuecomment-1", "body": summary_marker()})
    await source.surroundings(pull)
    reviews.issue_comments.clear()
    await GitHubSink(client, source).post(pull, draft(body=None))
    assert len(reviews.issue_comments) == 1


@pytest.mark.parametrize("bad", [{0}, {24}, {12}, {3, 4}, {0, 24}, {1, 7, 19}])
async def test_refused_comments_move_into_the_body_of_the_one_visible_review(
    hub: Any, reviews: Any, pull: PullRequest, bad: set[int]
) -> None:
    comments = tuple(comment(n, line=900 + n if n in bad else n + 1) for n in range(25))
    posted = await sink(hub).post(pull, draft(*comments))
    assert set(posted.moved) == {f"f{n}" for n in bad}
    assert len(reviews.visible) == 1
    assert len(reviews.reviews) == 1  # no probe is left over
    sent = reviews.visible[0]["sent"]
    assert len(sent["comments"]) == 25 - len(bad)
    for n in bad:
        assert f"`a.py`, line {900 + n}:\n\n{comments[n].body}" in sent["body"]
    tries = len(hub.sent("POST", REVIEWS))
    assert tries <= 1 + len(bad) * 8


async def test_many_refused_comments_are_moved_without_end_of_tries(hub: Any, reviews: Any, pull: PullRequest) -> None:
    comments = tuple(comment(n, line=900 + n) for n in range(25))
    posted = await sink(hub).post(pull, draft(*comments))
    assert len(posted.moved) == 25
    assert len(hub.sent("POST", REVIEWS)) <= 40
    assert all(item.body in reviews.visible[0]["body"] for item in comments)


async def test_what_does_not_fit_into_the_body_is_a_comment_of_its_own(
    hub: Any, reviews: Any, pull: PullRequest
) -> None:
    comments = tuple(comment(n, line=900 + n, body=f"{n}" + "x" * 20_000) for n in range(6))
    await sink(hub).post(pull, draft(*comments, summary=None))
    texts = [reviews.visible[0]["body"], *(c["body"] for c in reviews.issue_comments)]
    assert all(len(text) <= 65_536 for text in texts)
    assert all(any(item.body in text for text in texts) for item in comments)


async def test_a_hostile_path_stays_text(hub: Any, reviews: Any, pull: PullRequest) -> None:
    await sink(hub).post(pull, draft(comment(1, path="x`@everyone`\n# y.py")))
    assert "`` x`@everyone`\ufffd# y.py ``, line 1:" in reviews.visible[0]["body"]


async def test_comments_on_files_are_sent_one_by_one_and_the_rest_moves(
    hub: Any, reviews: Any, pull: PullRequest
) -> None:
    whole = tuple(comment(n, line=None) for n in range(12))
    refused = comment(50, path="gone.py", line=None)
    posted = await sink(hub).post(pull, draft(comment(100), refused, *whole))
    assert len(reviews.comments) == 9
    assert reviews.comments[0] == {
        "commit_id": "a" * 40, "path": "a.py", "body": whole[0].body, "subject_type": "file",
    }  # fmt: skip
    assert set(posted.moved) == {"f50", "f9", "f10", "f11"}
    assert refused.body in reviews.visible[0]["body"]


@pytest.mark.parametrize("landed", [True, False])
@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 502}])
async def test_a_lost_answer_is_looked_for_before_writing_again(
    hub: Any, answer: Any, reviews: Any, pull: PullRequest, landed: bool, fault: dict[str, Any]
) -> None:
    def lose(route: Any) -> Any:
        def lost(asked: Any) -> Any:
            if landed:
                route(asked)
            return answer(**fault)

        return lost

    hub.on("POST", REVIEWS, lose(reviews.post_review), reviews.post_review)
    hub.on("POST", "/repos/o/r/issues/7/comments", lose(reviews.post_issue_comment), reviews.post_issue_comment)
    hub.on("POST", "/repos/o/r/pulls/7/comments", lose(reviews.post_comment), reviews.post_comment)
    hub.on("POST", "/repos/o/r/check-runs", lose(reviews.post_check), reviews.post_check)
    posted = await sink(hub).post(pull, draft(comment(1), comment(2, line=None)))
    counts = (len(reviews.visible), len(reviews.issue_comments), len(reviews.checks), len(reviews.comments))
    assert counts == (1, 1, 1, 1)
    assert posted.review_url
    assert posted.summary_url.endswith("#issuecomment-5000000000")
    assert posted.check_url


async def test_when_looking_fails_too_nothing_is_written_blindly(
    hub: Any, answer: Any, reviews: Any, pull: PullRequest
) -> None:
    poster = sink(hub)
    await poster._source.surroundings(pull)
    hub.on("POST", REVIEWS, answer(drop=True))
    hub.on("POST", "/graphql", answer({}, 503))
    with pytest.raises(errors.GitHubUnreachable):
        await poster.post(pull, draft(comment(1)))
    assert len(hub.sent("POST", REVIEWS)) == 1
    hub.on("POST", REVIEWS, reviews.post_review)
    hub.on("POST", "/graphql", lambda _: answer({"data": reviews.graphql()}))
    await poster.post(pull, draft(comment(1)))
    assert len(reviews.visible) == 1


async def test_a_probe_whose_answer_was_lost_or_whose_process_died_is_cleaned_up(
    hub: Any, answer: Any, reviews: Any, pull: PullRequest
) -> None:
    def lost(asked: Any) -> Any:
        reviews.post_review(asked)
        return answer(drop=True)

    hub.on("POST", REVIEWS, reviews.post_review, lost, reviews.post_review)
    posted = await sink(hub).post(pull, draft(comment(1), comment(999), key="k1"))
    assert posted.moved == ("f999",)
    assert [review["state"] for review in reviews.reviews] == ["COMMENTED"]
    reviews.reviews.append({"id": 1, "state": "PENDING", "body": "<!-- reviewbot:probe -->", "html_url": "u"})
    await sink(hub).post(pull, draft(comment(1), key="k2"))
    assert [review["state"] for review in reviews.reviews] == ["COMMENTED", "COMMENTED"]


async def test_a_persons_pending_review_is_left_alone(hub: Any, reviews: Any, pull: PullRequest) -> None:
    reviews.reviews.append({"id": 1, "state": "PENDING", "body": "my thoughts", "html_url": "u"})
    with pytest.raises(errors.GitHubRejected, match="submit or discard it"):
        await sink(hub).post(pull, draft(comment(1)))
    assert len(reviews.reviews) == 1


@pytest.mark.parametrize(
    ("status", "message", "kind", "words"),
    [
        (403, "Resource not accessible by integration", errors.GitHubForbidden, "pull requests: write"),
        (403, "Repository was archived so is read-only.", errors.GitHubForbidden, "archived"),
        (403, "Unable to create comment because issue is locked.", errors.GitHubForbidden, "locked"),
        (422, "commit_id is not part of the pull request", errors.GitHubRejected, "head moved"),
        (422, "Unable to create comment because issue is locked.", errors.GitHubRejected, "locked"),
        (404, "Not Found", errors.GitHubNotFound, "token"),
    ],
)
async def test_a_review_that_can_not_be_posted_says_why(
    hub: Any, answer: Any, reviews: Any, pull: PullRequest, status: int, message: str, kind: Any, words: str
) -> None:
    hub.on("POST", REVIEWS, answer({"message": message}, status))
    with pytest.raises(kind, match=words):
        await sink(hub).post(pull, draft(comment(1)))
    assert len(hub.sent("POST", REVIEWS)) == 1
    assert reviews.issue_comments == []


async def test_summary_and_check_run_that_may_not_be_written_are_notes(
    hub: Any, answer: Any, reviews: Any, pull: PullRequest
) -> None:
    refusal = answer({"message": "Resource not accessible by personal access token"}, 403)
    hub.on("POST", "/repos/o/r/check-runs", refusal)
    hub.on("POST", "/repos/o/r/issues/7/comments", refusal)
    posted = await sink(hub).post(pull, draft(comment(1)))
    assert posted.review_url
    assert (posted.summary_url, posted.check_url) == ("", "")
    assert [note.split(":")[0] for note in posted.notes] == ["no summary comment", "no check run"]


async def test_limits_are_obeyed_on_writes(hub: Any, answer: Any, reviews: Any, pull: PullRequest) -> None:
    too_quick = {"message": "Validation Failed", "errors": [{"message": "was submitted too quickly"}]}
    limited = answer({"message": "You have exceeded a secondary rate limit."}, 403, {"Retry-After": "9"})
    hub.on("POST", REVIEWS, limited, answer(too_quick, 422, {"Retry-After": "11"}), reviews.post_review)
    await sink(hub).post(pull, draft(comment(1)))
    assert hub.slept == [9.0, 11.0]
    assert len(reviews.visible) == 1


@pytest.mark.parametrize(("count", "updates"), [(0, 0), (50, 0), (51, 1), (120, 2)])
async def test_annotations_go_fifty_at_a_time(
    hub: Any, answer: Any, reviews: Any, pull: PullRequest, count: int, updates: int
) -> None:
    notes = tuple(Annotation("a.py", n, n, "notice", "t", "m") for n in range(1, count + 1))
    check = CheckDraft("reviewbot", "success", "t", "s", notes)

    def lost(asked: Any) -> Any:
        reviews.edit_check(asked)
        return answer(drop=True)

    hub.on("PATCH", "/repos/o/r/check-runs/9", lost, reviews.edit_check)
    await sink(hub).post(pull, draft(body=None, summary=None, check=check))
    assert reviews.checks[0]["output"]["annotations_count"] == count
    assert len(hub.sent("PATCH", "/repos/o/r/check-runs/9")) == updates
    body = json.loads(hub.sent("POST", "/repos/o/r/check-runs")[0].body)
    assert (body["status"], body["conclusion"], body["external_id"]) == ("completed", "success", "abc123")
