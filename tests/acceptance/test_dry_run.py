"""--dry-run: exactly what would be posted is shown, byte for byte, and nothing is written."""

from __future__ import annotations

import json
import re
from typing import Any

from .conftest import Sent, World, finding, reply

LINE = re.compile(r'\{"method": (?P<method>"[A-Z]+"), "path": (?P<path>"[^"]*"), "payload": (?P<payload>\{.*\})\},?')


def shown(text: str) -> list[tuple[str, str, bytes]]:
    """Method, path and payload bytes of each request that a dry run shows."""
    block = text.partition("nothing was):\n")[2]
    rows = [LINE.fullmatch(line) for line in block.splitlines()[1:] if line.startswith("{")]
    json.loads(block)
    return [(json.loads(row["method"]), json.loads(row["path"]), row["payload"].encode()) for row in rows if row]


def as_sent(sent: Sent) -> tuple[str, str, bytes]:
    return sent.method, sent.path, sent.body


def without_footer(payload: bytes) -> Any:
    """A summary without its last line, which tells what this one run used."""
    return re.sub(r"<sub>[^\n]*</sub>", "", json.loads(payload)["body"])


def compare(dry: list[tuple[str, str, bytes]], posted: list[Sent]) -> None:
    assert [(method, path) for method, path, _ in dry] == [(sent.method, sent.path) for sent in posted]
    for (_, path, payload), sent in zip(dry, posted, strict=True):
        if "/issues/" in path:
            assert without_footer(payload) == without_footer(sent.body)
        else:
            assert payload == sent.body, path


def test_what_is_shown_is_what_is_posted(world: World) -> None:
    url = world.open("vouchers")
    dry = world.review(url, "--dry-run")
    assert dry.code == 0
    assert world.writes == []
    assert (world.reviews, world.summaries, world.checks) == ([], [], [])
    world.review(url)
    assert len(shown(dry.out)) == 3
    compare(shown(dry.out), world.writes)


def test_also_where_a_summary_is_there_already(world: World) -> None:
    url = world.open("vouchers")
    world.review(url)
    before = len(world.writes)
    dry = world.review(url, "--dry-run")
    assert len(world.writes) == before
    world.review(url)
    assert [method for method, _, _ in shown(dry.out)] == ["PATCH", "POST"]
    compare(shown(dry.out), world.writes[before:])


def test_also_for_findings_without_a_line(world: World) -> None:
    """A comment on a file is sent by itself; here GitHub is sent it first, because a refused one belongs in the body."""
    url = world.open("vouchers")
    world.answers(lambda _: reply(finding(), finding(quote="not in it"), finding(path="absent.md", quote="nowhere")))
    dry = shown(world.review(url, "--dry-run").out)
    world.review(url)
    key = lambda item: item[1]  # noqa: E731 - a name would say no more
    compare(sorted(dry, key=key), sorted(world.writes, key=lambda sent: sent.path))


def test_a_dry_run_says_that_nothing_was_posted(world: World) -> None:
    out = world.review(world.open("vouchers"), "--dry-run").out
    assert "Posted:" not in out
    assert "run without --dry-run to post this review" in out


def test_a_read_only_token_is_enough(world: World) -> None:
    token = world.github.add_token("reader", permissions={"contents": "read", "pull_requests": "read"})
    url = world.open("vouchers")
    assert world.review(url, "--dry-run", GITHUB_TOKEN=token).code == 0


def test_other_formats_of_a_dry_run_write_nothing_either(world: World) -> None:
    url = world.open("vouchers")
    found = world.review(url, "--dry-run", "--format", "json").json
    assert len(found["findings"]) == 10
    assert found["github"]["review_url"] == ""
    assert world.writes == []


def test_a_closed_pull_request_can_be_looked_at(world: World) -> None:
    url = world.open("vouchers")
    world.github.close_pull_request(world.name, 1)
    done = world.review(url, "--dry-run", "--format", "json")
    assert len(done.json["findings"]) == 10
