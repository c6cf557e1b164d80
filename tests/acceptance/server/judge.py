"""What the proof judges by: a repository of many small pull requests, a model whose answers are known, and the rules
that hold whatever was killed: once, for the newest head, and paid once."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reviewbot.core.marker import read_findings, read_review
from reviewbot.core.report.rendering import CHECK_NAME
from tests.acceptance.conftest import PLAIN_GIT, Git, finding, reply, shown_paths
from tests.acceptance.server.conftest import NAME, Server

SMALL = {"chunks": {"target_tokens": 2000}}  # settings by which a file of `part_text` is a chunk, and so a question
FILES = 3
WINDOW = 0.5  # seconds between the end of an answer and its commit in our store, on a machine that is busy


def make_parts(path: Path, count: int, files: int = FILES, lines: int = 70) -> Git:
    """A repository with a branch ``part-N`` for each of ``count`` pull requests, which adds ``files`` files."""
    git = Git(path).init({"README.md": "# Parts\n"})
    text = []
    for number in range(count):
        text.append(
            f"commit refs/heads/part-{number}\ncommitter Sam <sam@example.com> 1767607200 +0000\ndata 6\nChange\n"
            "from refs/heads/main^0\n"
        )
        for file in range(files):
            body = part_text(number, file, lines)
            text.append(f"M 100644 inline {part_path(number, file)}\ndata {len(body)}\n{body}\n")
    env = {"PATH": os.environ["PATH"], **PLAIN_GIT}
    subprocess.run(["git", "fast-import", "--quiet"], cwd=path, env=env, input="".join(text).encode(), check=True)
    return git


def part_path(number: int, file: int) -> str:
    return f"parts/part_{number}_{file}.py"


def part_text(number: int, file: int, lines: int = 70) -> str:
    """A file of some 20 tokens a line; one line of it stands there twice."""
    rows = [f"def part_{number}_{file}(items):", "    pass  # later"]
    rows += [
        f"    total_{row} = sum(item.amount_{row} for item in items if item.part == {number})" for row in range(lines)
    ]
    return "\n".join([*rows, "    pass  # later", f"    return total_0 + {number}", ""])


def two_for_each_file(text: str, _schema: Any) -> str:
    """The model's answer: for each file a finding on a line, and one whose place is not clear, which becomes a comment
    on the file."""
    found = []
    for path in shown_paths(text):
        name = Path(path).stem
        found.append(finding(path=path, quote=f"def {name}(items):", title=f"The name {name} says nothing"))
        found.append(finding(path=path, quote="    pass  # later", title=f"Something is left out of {name}"))
    return json.dumps(reply(*found))


def open_parts(server: Server, numbers: Iterable[int]) -> list[int]:
    """A pull request for each of these branches."""
    return [server.github.open_pull_request(NAME, base="main", head=f"part-{number}") for number in numbers]


def is_reviewed(server: Server, number: int) -> bool:
    """Whether everything stands that a review writes, the check run last."""
    head = server.hosted.pull(number).head_sha
    checks = [run for run in server.checks if (run.head_sha, run.name) == (head, CHECK_NAME)]
    return bool(server.summaries(number)) and any(run.status == "completed" for run in checks)


def assert_reviewed_once(server: Server, numbers: Sequence[int], *, file_comments: int | None = None) -> None:
    """Each pull request has exactly one review and that for its head, one summary, one check run; and nothing stands
    twice: no key of a review, no finding, no check run of a run."""
    with server.github.lock:
        for number in numbers:
            head = server.hosted.pull(number).head_sha
            reviews = [r for r in server.reviews if r.number == number and read_review(r.body)]
            assert [review.commit_id for review in reviews] == [head], f"reviews of {number}"
            assert len(server.summaries(number)) == 1, f"summaries of {number}"
            assert len([run for run in server.checks if run.head_sha == head]) == 1, f"check runs of {number}"
            on_files = [c for c in server.comments if c.number == number and c.line is None]
            assert file_comments is None or len(on_files) == file_comments, f"comments on files of {number}"
            assert_nothing_twice(server, number)


def assert_nothing_twice(server: Server, number: int) -> None:
    keys = [
        read_review(review.body) for review in server.reviews if review.number == number and read_review(review.body)
    ]
    assert len(keys) == len(set(keys)), f"a review of {number} stands twice"
    told = Counter(name for c in server.comments if c.number == number for name in read_findings(c.body))
    assert not [name for name, count in told.items() if count > 1], f"a finding of {number} stands twice"


def under_way(server: Server) -> list[Any]:
    """Requests that the model is answering now."""
    return [e for e in list(server.model.answered) if e.status == 200 and not e.output_tokens and not e.disconnected]


@dataclass(frozen=True)
class Kill:
    """A process that asks the model, killed between these two moments of the monotonic clock."""

    begun: float
    ended: float


@dataclass(frozen=True)
class Paid:
    """What the model was paid for: questions, complete answers, those beyond one a question, and how many of these a
    kill explains. ``saved`` are answers that were in the store when a kill ended their review: only when there are
    such does the count prove anything."""

    questions: int
    answers: int
    again: int
    explained: int
    saved: int


def paid(server: Server, kills: Sequence[Kill]) -> Paid:
    """Count complete answers by question. A question is the files that it shows, so that other words around them are
    the same question.

    A second answer is explained when the first was under way at a kill, or had ended less than `WINDOW` before it: it
    had come back, and was not in the store yet. No engine can close that window.
    """
    answers = defaultdict(list)
    for entry in list(server.model.answered):
        if entry.output_tokens:
            answers[tuple(shown_paths(entry.body["input"][0]["content"][0]["text"]))].append(entry)
    spare = [entry for entries in answers.values() for entry in sorted(entries, key=lambda e: e.ended)[:-1]]
    in_window = [
        e
        for es in answers.values()
        for e in es
        if any(e.started <= k.ended and e.ended >= k.begun - WINDOW for k in kills)
    ]
    explained = [entry for entry in spare if entry in in_window]
    pulls = defaultdict(list)  # the files of a pull request bear its number
    for paths, entries in answers.items():
        pulls[paths[0].split("_")[1]] += entries
    saved = [
        entry
        for entries in pulls.values()
        for entry in entries
        if entry not in in_window
        and any(entry.ended < k.begun - WINDOW and any(e.started > k.ended for e in entries) for k in kills)
    ]
    return Paid(len(answers), sum(map(len, answers.values())), len(spare), len(explained), len(saved))
