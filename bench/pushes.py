"""``python -m bench.pushes``: what a review of a later push sends to the model, beside the first review.

A pull request of 10,000 added lines in 50 modules, in a real repository; the whole flow but for GitHub and the model,
whose prompts are counted with the model's own vocabulary (instructions and schema included).
"""

from __future__ import annotations

import random
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import anyio

from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import PullRequest, PullRequestRef
from reviewbot.core.config import Config, Resolved
from reviewbot.core.context.prompt import Prompt
from reviewbot.core.context.tokens import count_tokens
from reviewbot.core.report.outcome import ReviewOutcome
from reviewbot.flows.questions import SCHEMA_TOKENS
from reviewbot.flows.review import Order, review
from reviewbot.github.fake import FakeSink, FakeSource
from reviewbot.model.scripted import ScriptedModel
from reviewbot.store.memory import MemoryRunStore
from reviewbot.wiring import ports_over

MODULES, LINES = 50, 200
NOTHING = '{"findings": [], "explanation": "Nothing.", "verdict": "correct"}'
_WORDS = ("order", "price", "stock", "item", "total", "rate", "margin", "buyer", "seller", "parcel", "weight", "zone")


def module(number: int) -> list[str]:
    """A module of LINES lines in functions of ten, as a person might write them."""
    chance = random.Random(number)
    rows: list[str] = []
    while len(rows) < LINES:
        name, other, third = chance.sample(_WORDS, 3)
        rows += [
            f"def {name}_of_{other}_{len(rows)}({other}, {third}=None):",
            f'    """The {name} of a {other}."""',
            f"    if {third} is None:",
            f"        {third} = default_{third}({other})",
            f"    {name} = {chance.randint(2, 90)}",
            f"    for part in {other}.parts:",
            f"        {name} += part.{third} * {chance.randint(2, 9)}",
            f"    log.debug('{name} of %s: %s', {other}, {name})",
            f"    return {name} - {third}",
            "",
        ]
    return rows[:LINES]


class Repository:
    """A repository with the branch ``work`` on ``main``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git("init", "-q", "-b", "main", "--template=")
        self.commit({"README.md": ["A shop."]})
        self.git("switch", "-q", "-c", "work")

    def git(self, *words: str) -> bytes:
        who = ("-c", "user.name=B", "-c", "user.email=b@example.org", "-c", "core.fsync=none")
        return subprocess.run(["git", *who, *words], cwd=self.path, check=True, capture_output=True).stdout

    def commit(self, files: Mapping[str, list[str]]) -> str:
        for name, rows in files.items():
            (self.path / name).parent.mkdir(exist_ok=True)
            (self.path / name).write_text("\n".join(rows) + "\n")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "Work")
        return self.git("rev-parse", "HEAD").decode().strip()

    def at(self, sha: str) -> dict[str, bytes]:
        names = self.git("ls-tree", "-r", "--name-only", sha).decode().split()
        return {name: self.git("show", f"{sha}:{name}") for name in names}


def pull(base: str, head: str) -> PullRequest:
    ref = PullRequestRef("github.com", "octo", "shop", 1)
    return PullRequest(
        ref=ref,
        title="A catalogue",
        body="Adds it.",
        author="ann",
        state="open",
        draft=False,
        base_ref="main",
        base_sha=base,
        head_ref="work",
        head_sha=head,
        base_repo="octo/shop",
        head_repo="octo/shop",
        changed_files=1,
        additions=1,
        deletions=0,
        commits=1,
        html_url="https://github.com/octo/shop/pull/1",
    )


async def reviewed(repository: Repository, store: Remembering, number: int) -> tuple[ReviewOutcome, list[int]]:
    """One review of the head; the sizes of its prompts in tokens."""
    head = repository.git("rev-parse", "work").decode().strip()
    base = repository.git("rev-parse", "main").decode().strip()
    patches = {sha: repository.git("diff", "-M", f"{base}...{sha}") for sha in (head, *sorted(store.seen_heads))}
    sizes: list[int] = []

    def answer(prompt: Prompt) -> str:
        sizes.append(count_tokens(prompt.instructions) + count_tokens(prompt.text) + SCHEMA_TOKENS)
        return NOTHING

    files = {**{sha: {} for sha in store.seen_bases}, head: repository.at(head), base: repository.at(base)}
    ports = ports_over(
        FakeSource(pull(base, head), patches[head], files, earlier=patches),
        FakeSink(parse_diff(patches[head])),
        lambda _: ScriptedModel(answer),
        store,
        lambda _: Resolved(Config()),
    )
    outcome = await review(ports, Order(f"run-{number}"))
    store.seen_heads.add(head)
    store.seen_bases.add(base)
    return outcome, sizes


class Remembering(MemoryRunStore):
    """The store, and which heads were reviewed on which bases."""

    def __init__(self) -> None:
        super().__init__()
        self.seen_heads: set[str] = set()
        self.seen_bases: set[str] = set()


def pushes(repository: Repository) -> Iterator[str]:
    """Does one thing after another to the branch; what it was."""
    modules = {f"shop/part_{number:02}.py": module(number) for number in range(MODULES)}
    repository.commit(modules)
    yield f"first review, {MODULES * LINES:,} lines"
    changed = modules["shop/part_07.py"]
    changed[54:59] = [f"    total = {row}" for row in range(5)]
    repository.commit({"shop/part_07.py": changed})
    yield "5 lines pushed"
    repository.git("commit", "-q", "--amend", "--allow-empty", "-m", "The same")
    yield "amended, nothing new"
    for number in (3, 9, 21, 30, 44):
        name = f"shop/part_{number:02}.py"
        modules[name][100:110] = [f"    row_{row} = {row}" for row in range(10)]
    repository.commit(modules)
    yield "50 lines in 5 files pushed"
    repository.git("switch", "-q", "main")
    repository.commit({"other.py": module(99)})
    repository.git("switch", "-q", "work")
    repository.git("rebase", "-q", "main")
    yield "rebased on a base with 200 foreign lines"
    repository.git("reset", "-q", "--soft", "main")
    repository.git("commit", "-q", "-m", "All in one")
    yield "squashed into one commit"


def main() -> None:
    print(f"{'':44} {'new lines':>9} {'requests':>9} {'tokens':>9} {'of first':>9} {'seconds':>8}")
    store, whole = Remembering(), 0
    with tempfile.TemporaryDirectory() as room:
        repository = Repository(Path(room))
        for number, name in enumerate(pushes(repository), 1):
            begun = time.perf_counter()
            outcome, sizes = anyio.run(reviewed, repository, store, number)
            whole = whole or sum(sizes)
            seconds = time.perf_counter() - begun
            new = outcome.coverage.changed_lines - outcome.coverage.earlier_lines
            share = f"{sum(sizes) / whole:.2%}"
            print(f"{name:44} {new:>9,} {len(sizes):>9} {sum(sizes):>9,} {share:>9} {seconds:>8.2f}")
            if not outcome.coverage.complete:
                raise SystemExit(f"{name}: {outcome.coverage.missed_lines} lines were not read")


if __name__ == "__main__":
    main()
