"""Replays: scripted pull requests pushed to many times, reviewed each time by a model that never repeats its words.

Everything but the model, git and GitHub is the real thing: placing, triage, the text of comments and their markers.
What GitHub does is played in a few lines: it keeps our comments as threads and moves their lines with the code.
Run by hand for other seeds: ``python replays.py --seeds 50``.
"""

from __future__ import annotations

import argparse
import difflib
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # loaded by path as well as by pytest

from rewordings import CHOSEN_ON, HELD_OUT, Defect, Script

from reviewbot.core.change.diff import Diff, Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.change.pull_request import ReviewThread
from reviewbot.core.config import ReviewSettings
from reviewbot.core.findings.finding import Finding, PlacedFinding, RejectReason, Severity
from reviewbot.core.findings.identity import Renames, code_digest
from reviewbot.core.findings.standing import place_findings
from reviewbot.core.findings.triage import Past, Triage, sure, triage
from reviewbot.core.marker import digest_marker, finding_marker, read_digests, read_findings
from reviewbot.core.report.rendering import comment_body

FOUND = 0.85  # the share of what is wrong that one run of the model finds
OTHER_CATEGORY = 0.25
REVIEW = ReviewSettings(max_comments=100, min_confidence=0.0, min_severity="nit")
SYNONYMS = (
    (r"\bmay\b", "might"), (r"\bcan\b", "could"), (r"\bfunction\b", "routine"), (r"\bmissing\b", "absent"),
    (r"\bthrows\b", "raises"), (r"\bIf\b", "Whenever"), (r"\bUse\b", "Switch to"), (r"\bnever\b", "not ever"),
    (r"\breturns\b", "hands back"), (r"\bwrong\b", "incorrect"), (r"\bfails\b", "breaks"), (r"\bPass\b", "Supply"),
    (r"\bchecked\b", "verified"), (r"\bblocks\b", "hangs"), (r"\bempty\b", "blank"), (r"\bbecause\b", "since"),
    (r"\bcaller\b", "client"), (r"\blist\b", "collection"), (r"\busers?\b", "people"), (r"\bCheck\b", "Verify"),
)  # fmt: skip
_FILLER = ("This looks wrong.", "Please have another look.", "I noticed this while reading the change.", "")


@dataclass(slots=True)
class World:
    """The pull request as it is now. ``names`` maps the paths of the script to today's."""

    files: dict[str, list[str]]
    names: dict[str, str]
    threads: list[ReviewThread] = field(default_factory=list)
    owner: dict[str, Defect] = field(default_factory=dict)  # fingerprint -> the defect it was posted for
    fixed: set[str] = field(default_factory=set)
    wordings: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # what the store of runs keeps


@dataclass(slots=True)
class Figures:
    """What came of it. A defect that is held back as another is wrong until it is posted, so it counts each time."""

    pushes: int = 0
    raised: int = 0  # findings that the model gave
    new: int = 0  # of these, of defects that no comment stands for
    posted: int = 0
    again: list[str] = field(default_factory=list)  # posted although a comment stands
    merged: list[str] = field(default_factory=list)  # held back for another defect
    unsure: int = 0
    lost: set[str] = field(default_factory=set)

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.pushes + other.pushes,
            self.raised + other.raised,
            self.new + other.new,
            self.posted + other.posted,
            self.again + other.again,
            self.merged + other.merged,
            self.unsure + other.unsure,
            self.lost | other.lost,
        )

    def __str__(self) -> str:
        return (
            f"{self.pushes} pushes, {self.raised} findings, {self.new} of them new, {self.posted} posted; duplicates "
            f"posted {len(self.again)}, different ones merged {len(self.merged)} "
            f"({len(self.merged) / max(self.new, 1):.2%} of new), never posted {len(self.lost)}, not sure {self.unsure}"
        )


# ---- the model -------------------------------------------------------------------------------------------------------


def reworded(text: str, chance: random.Random) -> str:
    for pattern, word in SYNONYMS:
        if chance.random() < 0.5:
            text = re.sub(pattern, word, text)
    return text


def finding_of(
    defect: Defect, world: World, chance: random.Random, chunk: int = 0, *, terse: bool = False
) -> Finding | None:
    """What the model says of one defect this time; None when its code is gone."""
    path = world.names[defect.path]
    lines = world.files[path]
    at = next((n for n, line in enumerate(lines) if line.strip().startswith(defect.code.strip())), None)
    if at is None:
        return None
    first = max(0, at - chance.choice((0, 0, 0, 1, 2)))
    last = min(len(lines) - 1, at + chance.choice((0, 0, 0, 1, 2)))
    while first < at and not lines[first].strip():
        first += 1
    quote = "\n".join(lines[first : last + 1])
    if chance.random() < 0.3:
        quote = "\n".join(line.strip() for line in quote.split("\n"))
    told = chance.sample(defect.bodies, 1 if terse else chance.choice((1, 2, 2, 3)))
    sentences = [sentence for each in told for sentence in re.split(r"(?<=[.!?]) ", each)]
    if len(sentences) > 1 and chance.random() < 0.3:
        chance.shuffle(sentences)
    body = " ".join([*sentences, chance.choice(_FILLER)]).strip()
    others = defect.categories[1:] or defect.categories
    category = chance.choice(others) if chance.random() < OTHER_CATEGORY else defect.categories[0]
    title = reworded(chance.choice(defect.titles), chance)
    confidence = round(chance.uniform(0.4, 0.95), 2)
    severity = chance.choice((Severity.CRITICAL, Severity.MAJOR, Severity.MAJOR, Severity.MINOR))
    return Finding(
        path, Side.RIGHT, quote, "", title[:80], reworded(body, chance), category, severity, confidence, chunk=chunk
    )


def answer(script: Script, world: World, chance: random.Random, *, terse: bool) -> list[tuple[Defect, Finding]]:
    """One run of the model, now and then with the same defect in two chunks."""
    said = []
    for defect in script.defects:
        if defect.key in world.fixed or chance.random() > FOUND:
            continue
        for chunk in (0, 1) if chance.random() < 0.05 else (0,):
            finding = finding_of(defect, world, chance, chunk, terse=terse)
            if finding:
                said.append((defect, finding))
    chance.shuffle(said)
    return said


# ---- git -------------------------------------------------------------------------------------------------------------


def diff_of(world: World) -> Diff:
    parts = []
    for path, lines in world.files.items():
        added = "".join(f"+{line}\n" for line in lines)
        head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
        parts.append(f"{head}@@ -0,0 +1,{len(lines)} @@\n{added}")
    return parse_diff("".join(parts).encode())


def push(script: Script, world: World, chance: random.Random) -> dict[str, str]:
    """One push: a change of some kind. Gives the renames in it."""
    kind = chance.choice(("move", "move", "indent", "rename", "edit", "comment", "nothing", "fix", "swap"))
    path = chance.choice(list(world.files))
    lines = world.files[path]
    if kind == "rename":
        return {path: rename(world, path, chance)}
    after = list(lines)
    if kind == "move":
        after = [f"# note {chance.randrange(10**6)}" if path.endswith(".py") else f"// note {chance.randrange(10**6)}"
                 for _ in range(chance.randint(1, 12))] + after  # fmt: skip
    elif kind == "indent" and path.endswith(".js"):
        after = [f"  {line}" if line.strip() else line for line in after]
    elif kind == "swap":
        after = swapped(after, chance)
    elif kind == "comment":
        spots = [n for n, line in enumerate(after) if line.startswith(("    ", "\t", "  "))]
        at = chance.choice(spots)
        mark = "#" if path.endswith(".py") else "//"
        lead = re.match(r"\s*", after[at])
        after.insert(at, f"{lead[0] if lead else ''}{mark} seen {chance.randrange(10**6)}")
    elif kind == "edit":
        here = [d for d in script.defects if world.names[d.path] == path and d.key not in world.fixed]
        if here:
            defect = chance.choice(here)
            after = [f"{line}  # {chance.randrange(100)}" if line.strip() == defect.code and path.endswith(".py") else line
                     for line in after]  # fmt: skip
    elif kind == "fix" and len(world.fixed) < len(script.defects) // 3:
        defect = chance.choice(script.defects)
        world.fixed.add(defect.key)
        if world.names[defect.path] == path:
            after = [f"{line} + 0" if line.strip().startswith(defect.code) else line for line in after]
    follow(world, path, lines, after)
    world.files[path] = after
    return {}


def swapped(lines: list[str], chance: random.Random) -> list[str]:
    """Two neighbouring functions change places."""
    starts = [n for n, line in enumerate(lines) if re.match(r"(?:def|func|export|class) ?", line)]
    if len(starts) < 3:
        return lines
    index = chance.randrange(len(starts) - 2)
    a, b, c = starts[index], starts[index + 1], starts[index + 2]
    return lines[:a] + lines[b:c] + lines[a:b] + lines[c:]


def rename(world: World, path: str, chance: random.Random) -> str:
    stem, _, ending = path.rpartition(".")
    there = f"{re.sub(r'_v[0-9]+$', '', stem)}_v{chance.randrange(10**6)}.{ending}"
    world.files[there] = world.files.pop(path)
    for old, now in world.names.items():
        if now == path:
            world.names[old] = there
    world.threads = [
        replace(thread, line=None, outdated=True) if thread.path == path else thread for thread in world.threads
    ]
    return there


def follow(world: World, path: str, before: Sequence[str], after: Sequence[str]) -> None:
    """GitHub moves the line of a thread with the code, or calls it outdated."""
    moved = {
        block.a + n + 1: block.b + n + 1
        for block in difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
        for n in range(block.size)
    }
    world.threads = [
        thread
        if thread.path != path or thread.line is None
        else replace(thread, line=moved.get(thread.line), outdated=thread.line not in moved)
        for thread in world.threads
    ]


# ---- GitHub ----------------------------------------------------------------------------------------------------------


def post(world: World, placed: PlacedFinding, defect: Defect) -> None:
    markers = "\n".join((digest_marker(placed.fingerprint, code_digest(placed)), finding_marker(placed.fingerprint)))
    body = f"{comment_body(placed)}\n\n{markers}"
    at = placed.location
    thread = ReviewThread(
        f"T{len(world.threads)}", at.path, at.side, at.line, False, False, True, body,
        fingerprints=read_findings(body), digests=read_digests(body),
    )  # fmt: skip
    world.threads.append(thread)
    assert placed.fingerprint not in world.owner, "two comments with one fingerprint"
    world.owner[placed.fingerprint] = defect


def replay(script: Script, seed: int, pushes: int = 20, *, stored: bool = True, terse: bool = False) -> Figures:
    """One pull request, reviewed after each push; what was posted twice, or held back for something else."""
    chance = random.Random(f"{script.name}/{seed}")
    files = {path: text.rstrip("\n").split("\n") for path, text in script.files.items()}
    world = World(files, {path: path for path in files})
    figures = Figures(pushes=pushes)
    renames: dict[str, str] = {}
    raised: set[str] = set()
    posted: set[str] = set()
    for _ in range(pushes):
        renames |= push(script, world, chance)
        said = answer(script, world, chance, terse=terse)
        diff = diff_of(world)
        heads = {path: "\n".join(lines).encode() for path, lines in world.files.items()}
        placed = place_findings([finding for _, finding in said], diff, heads)
        meant = {id(finding): defect for defect, finding in said}
        past = Past(renames=Renames(renames, frozenset(world.files)), wordings=world.wordings)
        result = triage(placed, world.threads, REVIEW, past=past)
        figures.raised += len(said)
        raised |= {defect.key for defect, _ in said}
        figures.new += len({defect.key for defect, _ in said} - posted)
        count(result, meant, world, figures, posted)
        for each in result.rejected if stored else ():
            if sure(each):
                said_now = (each.placed.finding.title, each.placed.finding.body)
                world.wordings.setdefault(each.placed.fingerprint, []).append(said_now)
    figures.lost = {f"{script.name}/{seed}/{key}" for key in raised - posted}
    return figures


def count(result: Triage, meant: dict[int, Defect], world: World, figures: Figures, posted: set[str]) -> None:
    holder = {**world.owner}
    fresh = [(placed, meant[id(placed.finding)]) for placed in (*result.post, *result.summary)]
    for placed, defect in fresh:
        if defect.key in posted:
            figures.again.append(
                f"{defect.key}: {placed.finding.title!r} / {placed.finding.body!r} at {placed.location.step}"
            )
        post(world, placed, defect)
        holder[placed.fingerprint] = defect
        posted.add(defect.key)
        figures.posted += 1
    for rejected in result.rejected:
        defect = meant[id(rejected.placed.finding)]
        figures.unsure += "not sure" in rejected.detail
        if rejected.reason is RejectReason.ALREADY_POSTED:
            other = holder[rejected.placed.fingerprint]
        elif rejected.reason is RejectReason.DUPLICATE:
            named = re.match(r"says the same as (['\"].*['\"])(?: \(not sure.*)?$", rejected.detail)
            twins = [d for d in meant.values() if named is None]
            other = twins[0] if twins else by_title(named[1] if named else "", result, meant, defect)
        else:
            raise AssertionError(rejected.reason)
        if other.key != defect.key:
            said = f"{rejected.placed.finding.title!r}: {rejected.detail}"
            figures.merged.append(f"{defect.key} as {other.key}: {said}")


def by_title(shown: str, result: Triage, meant: dict[int, Defect], mine: Defect) -> Defect:
    """The defect whose finding of this run has the title that a rejection names; ``mine`` if one of several is that."""
    everything = [*result.post, *result.summary, *(each.placed for each in result.rejected)]
    named = [meant[id(p.finding)] for p in everything if repr(p.finding.title) == shown]
    return mine if mine in named else named[0]


def measure(scripts: Sequence[Script], seeds: Iterable[int], pushes: int = 20, **how: bool) -> Figures:
    total = Figures()
    for script in scripts:
        for seed in seeds:
            total += replay(script, seed, pushes, **how)
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--show", type=int, default=0)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    for name, scripts in (("chosen on", CHOSEN_ON), ("held out", HELD_OUT)):
        for how in ({}, {"stored": False}, {"terse": True}, {"terse": True, "stored": False}):
            figures = measure(scripts, seeds, **how)
            print(f"{name} {how or ''}: {figures}")
            for words, items in (("again", figures.again), ("merged", figures.merged)):
                for item, times in Counter(items).most_common(options.show):
                    print(f"  {words} {times}x {item}")


if __name__ == "__main__":
    main()
