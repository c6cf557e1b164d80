"""How many copies of a planted defect are found again: ``python -m bench.siblings``.

New files are made of functions of the standard library. A defect is written into some of them, each time with other
names, and once more as the finding. ``recall`` is the share of the copies found, up to the limit for a finding; ``in
vain`` counts the places that a finding without any copy would have asked about.
"""

from __future__ import annotations

import ast
import inspect
import random
import re
import time
from collections.abc import Sequence
from functools import cache
from importlib import import_module

from reviewbot.core.change.diff import Diff, Side
from reviewbot.core.change.patch import parse_diff
from reviewbot.core.findings.finding import Finding, PlacedFinding, Severity
from reviewbot.core.findings.siblings import MOST_PER_FINDING, Sibling, find_siblings
from reviewbot.core.findings.standing import place_findings

MODULES: tuple[str, ...] = (
    "argparse",
    "ast",
    "calendar",
    "configparser",
    "csv",
    "difflib",
    "email.message",
    "fractions",
    "gettext",
)
MODULES += ("http.client", "inspect", "json.decoder", "logging", "mailbox", "optparse", "pathlib", "pickle", "shutil")
MODULES += ("smtplib", "statistics", "tarfile", "tempfile", "textwrap", "tokenize", "turtle", "urllib.request")
NAMES = ("items", "rows", "users", "order", "entry", "total", "count", "path", "value", "record", "batch", "token")

#: Defects as templates: A to D stand for names that differ from copy to copy, N for a number.
DEFECTS = {
    "query by f-string": '    cursor.execute(f"SELECT * FROM A WHERE B = {C}")',
    "query by percent": '    self.db.execute("DELETE FROM A WHERE B = %s" % C)',
    "open without close": "    A = open(B).read()",
    "swallowed error": "    try:\n        A.update(B)\n    except Exception:\n        pass",
    "index of an empty list": "    A = sorted(B)[0].C",
    "one too many": "    for A in range(len(B) + 1):\n        C.append(B[A])",
    "mutable default": "    def helper(A, B=[]):\n        B.append(A)\n        return B",
    "compare with is": '    if A.B is "C":\n        return N',
    "shell": '    subprocess.run("tar xf " + A, shell=True)',
    "no timeout": "    A = requests.get(B.C)\n    D = A.json()",
    "naive time": "    A = datetime.utcnow() - B.C",
    "yaml": "    A = yaml.load(B)",
    "division": "    A = sum(B) / len(B)",
    "missing await": "    self.A.save(B)\n    return B",
    "lock not released": "    self.A.acquire()\n    B = self.C[D]\n    self.A.release()",
    "dropped key": '    A = B["C"]["D"]',
}


def written(template: str, chance: random.Random) -> str:
    """The defect with names of its own, and sometimes with an argument or a member more."""
    names = chance.sample(NAMES, 4)
    text = template
    for sign, name in zip("ABCD", names, strict=True):
        longer = chance.random() < 0.2
        text = re.sub(rf"\b{sign}\b", f"{name}_{chance.randrange(9)}" if longer else name, text)
    return text.replace(" N", f" {chance.randrange(2, 99)}")


@cache
def functions() -> tuple[str, ...]:
    """The functions of the standard library that make up the change, as text."""
    found = []
    for name in MODULES:
        source = inspect.getsource(import_module(name))
        tree = ast.parse(source)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and 6 <= (node.end_lineno or 0) - node.lineno <= 40:
                found.append(ast.get_source_segment(source, node) or "")
    return tuple(found)


def change(planted: dict[int, str], pool: Sequence[str], per_file: int = 12) -> tuple[Diff, dict[str, bytes]]:
    """New files of the functions of ``pool``, some with a defect in front of their last line."""
    heads = {}
    for start in range(0, len(pool), per_file):
        texts = []
        for number in range(start, min(start + per_file, len(pool))):
            lines = pool[number].split("\n")
            texts.append("\n".join([*lines[:1], *([planted[number]] if number in planted else []), *lines[1:]]))
        heads[f"f{start // per_file}.py"] = "\n\n\n".join(texts) + "\n"
    parts = []
    for path, text in heads.items():
        body = "".join(f"+{line}\n" for line in text.removesuffix("\n").split("\n"))
        count = body.count("\n")
        head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
        parts.append(f"{head}@@ -0,0 +1,{count} @@\n{body}")
    return parse_diff("".join(parts).encode()), {path: text.encode() for path, text in heads.items()}


def finding(quote: str, path: str) -> Finding:
    return Finding(path, Side.RIGHT, quote, "", "planted", "", "bug", Severity.MAJOR, 0.9)


def tried(template: str, seed: int, copies: int) -> tuple[int, int, int]:
    """One trial: copies to be found, found, and places that are none."""
    chance = random.Random(seed)
    pool = chance.sample(functions(), 120)
    spots = chance.sample(range(len(pool)), copies + 1)
    planted = {spot: written(template, chance) for spot in spots}
    diff, heads = change(planted, pool)
    (placed,) = place_findings([finding(planted[spots[0]], f"f{spots[0] // 12}.py")], diff, heads)
    if not placed.code:
        return 0, 0, 0
    own = {text.split("\n")[0].strip() for spot, text in planted.items() if spot != spots[0]}
    found = find_siblings([placed], diff.files)
    hits = sum(bool(own & {text.strip() for text in _texts(each)}) for each in found)
    return min(copies, MOST_PER_FINDING), hits, len(found) - hits


def _texts(found: Sibling) -> list[str]:
    lines = found.piece.file.hunks[found.piece.hunk].lines()
    return [line.text for line in lines if line.new and found.place.first <= line.new <= found.place.last]


def speed(findings: int = 200) -> None:
    pool = [*functions(), *functions(), *functions()]
    diff, heads = change({}, pool)
    chance = random.Random(1)
    asked: list[Finding] = []
    for _ in range(findings):
        path = chance.choice(list(heads))
        lines = heads[path].decode().split("\n")
        at = chance.randrange(len(lines) - 4)
        asked.append(finding("\n".join(lines[at : at + chance.randrange(1, 5)]), path))
    placed: list[PlacedFinding] = place_findings(asked, diff, heads)
    begun = time.process_time()
    found = find_siblings(placed, diff.files)
    print(f"{findings} findings, {diff.added:,} lines: {time.process_time() - begun:.2f} s CPU, {len(found)} places")


def main(trials: int = 6, copies: int = MOST_PER_FINDING) -> None:
    print(f"{'defect':>24}  {'recall':>8}  {'in vain':>8}")
    totals = [0, 0, 0]
    for name, template in DEFECTS.items():
        with_copies = [tried(template, seed, copies) for seed in range(trials)]
        sums = [sum(each[0] for each in with_copies), sum(each[1] for each in with_copies)]
        sums.append(sum(tried(template, seed, 0)[2] for seed in range(trials)))
        totals = [a + b for a, b in zip(totals, sums, strict=True)]
        print(f"{name:>24}  {sums[1] / max(sums[0], 1):>8.0%}  {sums[2] / trials:>8.2f}")
    print(f"{'all':>24}  {totals[1] / totals[0]:>8.0%}  {totals[2] / (trials * len(DEFECTS)):>8.2f}")
    speed()


if __name__ == "__main__":
    main()
