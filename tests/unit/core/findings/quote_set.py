"""A set of altered quotes whose true place is known by construction, and the figures of placing them.

Used by test_placement_quotes.py and by the benchmarks (load it by path). Nothing here is recorded: real sources are
edited by a seeded generator, turned into a diff, and quoted with the faults that models make.
"""

from __future__ import annotations

import ast
import difflib
import functools
import inspect
import json.decoder
import random
import re
import shlex
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from reviewbot.core.change.diff import Diff, FilePatch, FileStatus, Hunk, Line, LineKind, Side
from reviewbot.core.findings.finding import Finding, Location, Severity, Step
from reviewbot.core.findings.placement import Placer

GO = """package queue

import (
	"errors"
	"sync"
	"time"
)

// Queue hands out jobs in order; a job that is not finished in time is handed out again.
type Queue struct {
	mu      sync.Mutex
	jobs    []*Job
	running map[string]*Job
	closed  bool
}

var ErrClosed = errors.New("queue: closed")

func New() *Queue {
	return &Queue{running: map[string]*Job{}}
}

func (q *Queue) Push(job *Job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	q.jobs = append(q.jobs, job)
	return nil
}

func (q *Queue) Pop(now time.Time) (*Job, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrClosed
	}
	for id, job := range q.running {
		if now.After(job.Deadline) {
			delete(q.running, id)
			q.jobs = append(q.jobs, job)
		}
	}
	if len(q.jobs) == 0 {
		return nil, nil
	}
	job := q.jobs[0]
	q.jobs = q.jobs[1:]
	job.Deadline = now.Add(job.Timeout)
	q.running[job.ID] = job
	return job, nil
}

func (q *Queue) Done(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, ok := q.running[id]
	delete(q.running, id)
	return ok
}

func (q *Queue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	q.closed = true
	return nil
}
"""
TYPESCRIPT = """import { EventEmitter } from "node:events";

export interface Entry<T> {
  readonly key: string;
  readonly value: T;
  readonly expires: number;
}

/** A cache with a size and an age — the oldest entry goes first. */
export class Cache<T> extends EventEmitter {
  private readonly entries = new Map<string, Entry<T>>();

  constructor(private readonly limit: number, private readonly age: number) {
    super();
    if (limit < 1) {
      throw new RangeError(`limit must be at least 1, not ${limit}`);
    }
  }

  get(key: string, now = Date.now()): T | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) {
      this.emit("miss", key);
      return undefined;
    }
    if (entry.expires <= now) {
      this.entries.delete(key);
      this.emit("expired", key);
      return undefined;
    }
    return entry.value;
  }

  set(key: string, value: T, now = Date.now()): void {
    if (this.entries.has(key)) {
      this.entries.delete(key);
    }
    this.entries.set(key, { key, value, expires: now + this.age });
    while (this.entries.size > this.limit) {
      const oldest = this.entries.keys().next().value;
      if (oldest === undefined) {
        break;
      }
      this.entries.delete(oldest);
      this.emit("evicted", oldest);
    }
  }

  *live(now = Date.now()): Iterable<Entry<T>> {
    for (const entry of this.entries.values()) {
      if (entry.expires > now) {
        yield entry;
      }
    }
  }

  clear(): void {
    this.entries.clear();
    this.emit("cleared");
  }
}
"""


@dataclass(frozen=True)
class Change:
    """A diff and, where known, the files at its head."""

    diff: Diff
    heads: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A finding as a model might give it. ``truth`` are the lines it means: (path, side, number) of each; empty when
    no line of the diff is meant, so that any line is wrong."""

    kind: str
    change: Change
    finding: Finding
    truth: frozenset[tuple[str, Side, int]]
    side: Side = Side.RIGHT


@dataclass
class Figures:
    """How a set of quotes was placed; ``wrong`` holds the cases that were put on a line that they do not mean,
    ``refused`` counts places that GitHub does not take (not in the diff, or in two hunks)."""

    total: int = 0
    exact: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[Case, Location]] = field(default_factory=list)
    lost: int = 0
    refused: int = 0

    def table(self) -> str:
        """One line per kind of alteration: how many were put on exactly the lines meant."""
        rows = [f"{kind:28} {self.exact[kind]:5} of {count:5} exact" for kind, count in sorted(self.kinds.items())]
        exact = sum(self.exact.values())
        sums = f"{self.total} quotes, {exact / max(self.total, 1):.1%} exact, {len(self.wrong)} wrong, {self.lost} lost"
        return "\n".join([*rows, sums, str(dict(self.steps))])


def measure(cases: Sequence[Case]) -> Figures:
    """Place every case and count."""
    figures = Figures()
    placers: dict[int, Placer] = {}
    for case in cases:
        placer = placers.setdefault(id(case.change), Placer(case.change.diff, case.change.heads))
        location = placer.place(case.finding)
        figures.total += 1
        figures.kinds[case.kind] += 1
        figures.steps[location.step.value] += 1
        lines = _lines_of(location)
        if lines and not lines <= case.truth:
            figures.wrong.append((case, location))
        meant = {spot for spot in case.truth if spot[1] is case.side}
        figures.exact[case.kind] += lines == meant or (not meant and not lines)
        figures.lost += location.step not in Step or (location.line is None) != (location.step in OFF_LINE)
        figures.refused += not _accepted(location, case.change.diff)
    return figures


OFF_LINE = (Step.FILE, Step.SUMMARY)


def _accepted(location: Location, diff: Diff) -> bool:
    """Whether GitHub would take a comment there."""
    files = [file for file in diff.files if file.path == location.path]
    if location.line is None:
        return bool(files) or location.step is Step.SUMMARY
    first = location.line if location.start_line is None else location.start_line
    if location.start_line is not None and location.start_line >= location.line:
        return False
    hunks = [{_number(line, location.side) for line in hunk.lines()} for file in files for hunk in file.hunks]
    return any(numbers >= set(range(first, location.line + 1)) for numbers in hunks)


def _number(line: Line, side: Side) -> int | None:
    return line.new if side is Side.RIGHT else line.old


def _lines_of(location: Location) -> set[tuple[str, Side, int]]:
    if location.line is None:
        return set()
    return {(location.path, location.side, n) for n in range(location.start_line or location.line, location.line + 1)}


# -- changes ----------------------------------------------------------------------------------------------------------


def patch_of(path: str, old: Sequence[str], new: Sequence[str], *, old_path: str = "") -> FilePatch:
    """The diff of two texts, given as lines without LF, with three lines of context."""
    hunks = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for group in matcher.get_grouped_opcodes(3):
        body: list[str] = []
        for tag, a1, a2, b1, b2 in group:
            if tag == "equal":
                body += [f" {text}" for text in old[a1:a2]]
            else:
                body += [f"-{text}" for text in old[a1:a2]] + [f"+{text}" for text in new[b1:b2]]
        a1, a2, b1, b2 = group[0][1], group[-1][2], group[0][3], group[-1][4]
        counts = (a1 + (a2 > a1), a2 - a1, b1 + (b2 > b1), b2 - b1)
        header = f"@@ -{counts[0]},{counts[1]} +{counts[2]},{counts[3]} @@".encode()
        hunks.append(Hunk(*counts, "", header, ("\n".join(body) + "\n").encode()))
    kinds = Counter(line.kind for hunk in hunks for line in hunk.lines())
    status = FileStatus.RENAMED if old_path else FileStatus.MODIFIED
    added, removed = kinds[LineKind.ADDED], kinds[LineKind.REMOVED]
    return FilePatch(path, old_path or path, status, tuple(hunks), added=added, removed=removed)


def sources() -> dict[str, list[str]]:
    """Real code: parts of the standard library, and samples in other languages."""
    python = {f"lib/{module.__name__.replace('.', '/')}.py": module for module in (textwrap, shlex, json.decoder, ast)}
    texts = {path: inspect.getsource(module).split("\n")[:420] for path, module in python.items()}
    return texts | {"queue/queue.go": GO.split("\n"), "web/src/cache.ts": TYPESCRIPT.split("\n")}


def _edited(lines: list[str], rng: random.Random) -> list[str]:
    """A later version: lines changed, removed, added, moved in from elsewhere (which makes duplicates), re-indented."""
    new = list(lines)
    for _ in range(rng.randint(6, 14)):
        at = rng.randrange(1, len(new) - 8)
        count = rng.randint(1, 6)
        action = rng.choice(["change", "remove", "copy", "indent", "add"])
        if action == "change":
            names = {"self": "this", "return": "yield", "if": "while", "None": "null", "=": "+="}
            new[at : at + count] = [_replaced(text, names) for text in new[at : at + count]]
        elif action == "remove":
            del new[at : at + count]
        elif action == "copy":
            source = rng.randrange(len(new) - count)
            new[at:at] = new[source : source + count]
        elif action == "indent":
            new[at : at + count] = [f"    {text}" if text.strip() else text for text in new[at : at + count]]
        else:
            new[at:at] = [f"    total_{rng.randrange(99)} = compute(value, {rng.randrange(9)})" for _ in range(count)]
    return new


def _replaced(text: str, names: dict[str, str]) -> str:
    for name, other in names.items():
        if name in text:
            return text.replace(name, other)
    return f"{text}  # changed" if text.strip() else "extra = 1"


def changes(seed: int, *, crlf: bool = False) -> Change:
    """A change of several files, and their text at the head."""
    rng = random.Random(seed)
    files, heads = [], {}
    for path, old in sources().items():
        new = _edited(old, rng)
        end = "\r" if crlf else ""
        files.append(patch_of(path, [text + end for text in old], [text + end for text in new]))
        heads[path] = f"{end}\n".join(new).encode()
    return Change(Diff(tuple(files)), heads)


# -- quotes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picked:
    """A run of lines of one side of one hunk."""

    path: str
    side: Side
    lines: tuple[Line, ...]

    @property
    def texts(self) -> list[str]:
        return [line.text.removesuffix("\r") for line in self.lines]

    @property
    def truth(self) -> frozenset[tuple[str, Side, int]]:
        spots = [(self.path, Side.LEFT, line.old) for line in self.lines]
        spots += [(self.path, Side.RIGHT, line.new) for line in self.lines]
        return frozenset((path, side, number) for path, side, number in spots if number)


@functools.lru_cache(maxsize=4096)
def _side(hunk: Hunk, side: Side) -> list[Line]:
    return [line for line in hunk.lines() if (line.new if side is Side.RIGHT else line.old)]


def _changed(lines: Sequence[Line]) -> bool:
    return any(line.kind is not LineKind.CONTEXT for line in lines)


def _stands(file: FilePatch, side: Side, texts: Sequence[str], *, changed: bool = False) -> bool:
    """Whether the code, white space apart, stands on a side of the file (and, if asked, touches changed lines there).

    Such code cannot be told apart by any quote. A reviewer speaks of the change, so changed lines are meant before
    unchanged ones; and who names the file and side where the code does stand has not named a wrong one.
    """
    wanted = ["".join(text.split()) for text in texts]
    for hunk in file.hunks:
        lines = _side(hunk, side)
        for start in range(len(lines) - len(wanted) + 1):
            run = lines[start : start + len(wanted)]
            if ["".join(line.text.split()) for line in run] == wanted and (_changed(run) or not changed):
                return True
    return False


def picks(change: Change, rng: random.Random, *, least: int = 1, most: int = 8) -> Iterator[Picked]:
    """Runs as a model would quote them: on changed lines nine times of ten, with code at both ends, in reach of its
    words (a lone bracket is not quoted)."""
    files = [file for file in change.diff.files if file.hunks]
    for _ in range(20_000):
        file = rng.choice(files)
        side = rng.choice([Side.RIGHT, Side.RIGHT, Side.LEFT])
        lines = _side(rng.choice(file.hunks), side)
        count = rng.randint(least, most)
        if len(lines) < count:
            continue
        start = rng.randrange(len(lines) - count + 1)
        run = tuple(lines[start : start + count])
        changed = _changed(run)
        if changed != (rng.random() < 0.9) or not run[0].text.strip() or not run[-1].text.strip():
            continue
        if not changed and _stands(file, side, [line.text for line in run], changed=True):
            continue
        if re.search(r"\w{3}", "".join(line.text for line in run)):
            yield Picked(file.path, side, run)


Alteration = Callable[[Picked, random.Random], "str | None"]


def _tabs(pick: Picked, rng: random.Random) -> str:
    return "\n".join(re.sub(r"^( {4})+", lambda m: "\t" * (len(m[0]) // 4), t.expandtabs(4)) for t in pick.texts)


def _look_alike(pick: Picked, rng: random.Random) -> str | None:
    table = str.maketrans({"'": "\u2019", '"': "\u201d", "-": "\u2013", "é": unicodedata.normalize("NFD", "é")})
    text = "\n".join(pick.texts)
    return text.translate(table).replace("—", "-") if text.translate(table) != text else None


def _elided(mark: str) -> Alteration:
    def alter(pick: Picked, rng: random.Random) -> str | None:
        texts = pick.texts
        return "\n".join([texts[0], mark, texts[-1]]) if len(texts) > 3 else None

    return alter


def _cut_in_line(pick: Picked, rng: random.Random) -> str | None:
    words = pick.texts[-1].split(" ")
    return "\n".join([*pick.texts[:-1], " ".join(words[:-1]) + " ..."]) if len(pick.texts[-1].split()) > 3 else None


def _cut_first(pick: Picked, rng: random.Random) -> str | None:
    words = pick.texts[0].split()
    return "\n".join([" ".join(words[1:]), *pick.texts[1:]]) if len(words) > 2 else None


def _cut_last(pick: Picked, rng: random.Random) -> str | None:
    words = pick.texts[-1].split()
    return "\n".join([*pick.texts[:-1], " ".join(words[:-1])]) if len(words) > 2 else None


def _no_blank_lines(pick: Picked, rng: random.Random) -> str | None:
    kept = [text for text in pick.texts if text.strip()]
    return "\n".join(kept) if len(kept) < len(pick.texts) else None


def _paraphrased(pick: Picked, rng: random.Random) -> str | None:
    """One name is another one, or two words are swapped, in one of the lines."""
    texts = pick.texts
    at = rng.randrange(len(texts))
    words = re.findall(r"\w{3,}", texts[at])
    if len(set(words)) < 2:
        return None
    first, second = rng.sample(sorted(set(words)), 2)
    other = rng.choice(["value", "result", "items", second])
    texts[at] = re.sub(rf"\b{first}\b", other, texts[at])
    return "\n".join(texts) if texts != pick.texts else None


def _joined(pick: Picked, rng: random.Random, each: Callable[[str], str]) -> str:
    return "\n".join(each(text) for text in pick.texts)


ALTERATIONS: dict[str, Alteration] = {
    "verbatim": lambda pick, rng: "\n".join(pick.texts),
    "white space at line ends": lambda pick, rng: _joined(pick, rng, lambda text: text + " " * rng.randint(0, 3)),
    "CRLF": lambda pick, rng: "\r\n".join(pick.texts) + "\r\n",
    "tabs for blanks": _tabs,
    "indentation lost": lambda pick, rng: _joined(pick, rng, str.strip),
    "first indentation lost": lambda pick, rng: "\n".join(pick.texts).strip(),
    "inner blanks": lambda pick, rng: _joined(pick, rng, lambda text: re.sub(r"(?<=\S) (?=\S)", "  ", text)),
    "blanks round brackets": lambda pick, rng: _joined(pick, rng, lambda text: text.replace("(", "( ")),
    "look-alikes": _look_alike,
    "prefixes leaked": lambda pick, rng: "\n".join(line.kind.value + line.text for line in pick.lines),
    "prefixes leaked, stripped": lambda pick, rng: "\n".join((ln.kind.value + ln.text).strip() for ln in pick.lines),
    "elided ...": _elided("..."),
    "elided # …": _elided("    # …"),
    "elided in line": _cut_in_line,
    "first line cut": _cut_first,
    "last line cut": _cut_last,
    "fenced": lambda pick, rng: "```python\n" + "\n".join(pick.texts) + "\n```",
    "blank lines lost": _no_blank_lines,
    "blank lines round it": lambda pick, rng: "\n\n" + "\n".join(pick.texts) + "\n\n",
    "paraphrased": _paraphrased,
}


def finding_of(path: str, side: Side, quote: str) -> Finding:
    return Finding(path, side, quote, "", "A title", "A body", "bug", Severity.MAJOR, 0.9)


def quote_set(change: Change, seed: int, each: int) -> list[Case]:
    """``each`` cases of every kind of alteration, and of every wrong side, file and path."""
    rng = random.Random(seed)
    cases: list[Case] = []
    for kind, alter in ALTERATIONS.items():
        made = 0
        for _, pick in zip(range(each * 60), picks(change, rng), strict=False):
            quote = alter(pick, rng)
            if quote is not None and made < each:
                made += 1
                cases.append(Case(kind, change, finding_of(pick.path, pick.side, quote), pick.truth, pick.side))
            if made == each:
                break
    cases += _misattributed(change, rng, each)
    if change.heads:
        cases += _outside(change, rng, each)
    return cases


def _misattributed(change: Change, rng: random.Random, each: int) -> Iterator[Case]:
    files = {file.path: file for file in change.diff.files if file.hunks}
    for _, pick in zip(range(each), picks(change, rng), strict=False):
        quote = "\n".join(pick.texts)
        wrong_side = Side.LEFT if pick.side is Side.RIGHT else Side.RIGHT
        if not _stands(files[pick.path], wrong_side, pick.texts):
            yield Case("wrong side", change, finding_of(pick.path, wrong_side, quote), pick.truth, pick.side)
        other = rng.choice(sorted(files))
        if not any(_stands(files[other], side, pick.texts) for side in Side):
            yield Case("wrong file, in the diff", change, finding_of(other, pick.side, quote), pick.truth, pick.side)
        unknown = finding_of("no/such/file.txt", pick.side, quote)
        yield Case("wrong file, unknown", change, unknown, pick.truth, pick.side)
        form = rng.choice(["./{}", "a/{}", "b/{}", "/{}", "`{}`", "{} (modified)"]).format(pick.path)
        yield Case("path in another form", change, finding_of(form, pick.side, quote), pick.truth, pick.side)
        invented = finding_of(pick.path, pick.side, f"{pick.texts[0].strip()} + undreamt_of({rng.random()})\nreturn 1")
        yield Case("invented", change, invented, frozenset(), pick.side)


def _outside(change: Change, rng: random.Random, each: int) -> Iterator[Case]:
    """Quotes of the head file of which no line, or only some lines, are in the diff (hunks may be shown widened)."""
    for _ in range(each):
        file = rng.choice(change.diff.files)
        rows = change.heads[file.path].decode().split("\n")
        shown = {line.new: line for hunk in file.hunks for line in hunk.lines() if line.new}
        start = rng.randrange(len(rows) - 12)
        run = range(start + 1, start + 1 + rng.randint(2, 12))
        quote = "\n".join(rows[number - 1] for number in run)
        truth = {(file.path, Side.RIGHT, number) for number in run if number in shown}
        truth |= {(file.path, Side.LEFT, line.old) for number in run if (line := shown.get(number)) and line.old}
        copied = _stands(file, Side.RIGHT, quote.split("\n"), changed=True)
        if re.search(r"\w{3}", quote) and not copied and any(number not in shown for number in run):
            kind = "partly outside the diff" if truth else "outside the diff"
            yield Case(kind, change, finding_of(file.path, Side.RIGHT, quote), frozenset(truth))
