"""The life of one pull request, as people play it: what `test_life.py` asserts and `docs/pictures.py` takes pictures
of. Each step does what people do and waits until the server has nothing left to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reviewbot.core.marker import answers_of, has_answer, is_status
from reviewbot.core.report.rendering import CHECK_NAME
from reviewbot.sandbox.github.people import reply
from tests.acceptance.conftest import Git
from tests.acceptance.server.conftest import NAME, Server, until

VOUCHERS, COUNTRIES, PRINTING = "shop/vouchers.py", "shop/countries.py", "shop/printing.py"
BASE = {
    "shop/__init__.py": "",
    "shop/orders.py": '"""Orders."""\n\n\ndef total(items):\n    return sum(item.price for item in items)\n',
}
_NAMES = (
    "AT Austria,BE Belgium,BG Bulgaria,CH Switzerland,CY Cyprus,CZ Czechia,DE Germany,DK Denmark,EE Estonia,ES Spain,"
    "FI Finland,FR France,GB Great Britain,GR Greece,HR Croatia,HU Hungary,IE Ireland,IS Iceland,IT Italy,LI "
    "Liechtenstein,LT Lithuania,LU Luxembourg,LV Latvia,MT Malta,NL Netherlands,NO Norway,PL Poland,PT Portugal,RO "
    "Romania,SE Sweden,SI Slovenia,SK Slovakia"
)
_ROWS = [f'{name[3:].upper().replace(" ", "_")} = "{name[:2]}"' for name in _NAMES.split(",")]
TABLE = "\n".join(['"""Where vouchers can be sent."""', "", *_ROWS, ""])
OPENED = '''\
"""Vouchers, which customers give at the checkout."""

import json


def find(db, code):
    """The voucher with this code, or None."""
    return db.execute(f"SELECT * FROM vouchers WHERE code = '{code}'").fetchone()


def value(voucher):
    """What it takes off the total, in cents."""
    if voucher == None:
        return 0
    return voucher["value"]


def loaded(lines, seen=[]):
    """The vouchers of an import, one for each line."""
    for line in lines:
        try:
            seen.append(json.loads(line))
        except:
            pass
    return seen
'''
BY_PARAMETER = (
    """f"SELECT * FROM vouchers WHERE code = '{code}'")""",
    '"SELECT * FROM vouchers WHERE code = ?", [code])',
)
NEW_LINES = '''\
import requests


def postage(code):
    """What a letter to this country costs."""
    return requests.get(f"https://post.example.com/{code}").json()


AUSTRIA'''
ELSEWHERE = '"""Prints vouchers."""\n\nWIDTH = 80\n'
MORE_TO_SEE = ("def loaded(lines, seen=[]):", "def loaded(lines, seen=[], strict=False):")
WHILE_PAUSED = '\n\ndef cut(text):\n    """As wide as the paper."""\n    return text[:WIDTH] if WIDTH is 80 else text\n'
REASON = "This is intentional because vouchers are proxies, and a proxy of nothing equals None without being it."
QUESTION = "Could a test have shown this?"
DISMISSED = "/reviewbot dismiss one process imports one file"
ASKED = "/reviewbot ask Which of the new functions talk to other machines?"


@dataclass
class Life:
    """The pull request, and what was said in it so far."""

    server: Server
    git: Git
    number: int = 0
    heads: list[str] = field(default_factory=list)
    said: dict[str, int] = field(default_factory=dict)  # what it is -> the comment's id

    # Looking

    @property
    def questions(self) -> list[Any]:
        """What the model was asked and has answered, in order."""
        return [entry for entry in list(self.server.model.answered) if entry.output_tokens]

    def prompts(self, since: int = 0) -> list[str]:
        """The last words of every question but for the first ``since``."""
        return [text_of(entry.body["input"][-1]["content"]) for entry in self.questions[since:]]

    @property
    def threads(self) -> list[Any]:
        """The first comments of our threads, the oldest first."""
        return [comment for comment in self.server.comments if not comment.is_reply]

    def thread(self, words: str) -> Any:
        """The last one whose first line has these words."""
        return [root for root in self.threads if words in root.body.partition("\n")[0]][-1]

    def talk(self, words: str) -> list[str]:
        """What stands in that thread below the finding, oldest first."""
        root = self.thread(words)
        return [c.body for c in self.server.comments if c.root == root.id and c.id != root.id]

    @property
    def check(self) -> str:
        """How our check run at the head ended; empty while there is none."""
        head = self.server.hosted.pull(self.number).head_sha
        found = [run for run in self.server.checks if (run.head_sha, run.name) == (head, CHECK_NAME)]
        return str(found[-1].conclusion or "") if found else ""

    @property
    def reason(self) -> str:
        """Why the newest review did nothing."""
        found = self.server.runs(self.number)
        return str(found[0]["error"]) if found else ""

    @property
    def summary(self) -> str:
        (found,) = self.server.summaries(self.number)
        return str(found.body)

    @property
    def cost(self) -> float:
        """What is booked for all runs."""
        return float(sum(run["cost_usd"] or 0.0 for run in self.server.runs(self.number)))

    def status_answer(self, comment_id: int) -> str:
        """The answer in the status comment."""
        bodies = [c.body for c in list(self.server.hosted.comments.values()) if is_status(c.body)]
        return next((text for body in bodies for key, text in answers_of(body) if key == str(comment_id)), "")

    # Doing

    def push(self, message: str, files: Mapping[str, str]) -> None:
        self.git("switch", "-q", "vouchers")
        self.git.commit(message, dict(files))
        self.pushed()

    def pushed(self) -> None:
        """Let GitHub see what was done to the branch."""
        self.heads.append(self.git("rev-parse", "vouchers"))
        self.git("switch", "-q", "main")
        self.server.github.notice(NAME)

    def reads(self, path: str) -> str:
        return self.git("show", f"vouchers:{path}") + "\n"

    def command(self, words: str, login: str = "maria") -> int:
        """Say something below the pull request, and wait for the answer in the status comment."""
        made = int(self.server.github.comment(NAME, self.number, login, words))
        self.wait(lambda: self.status_answer(made))
        return made

    def answer(self, thread: str, words: str, login: str) -> int:
        """Say something in a thread of ours, and wait for what comes of it."""
        root = self.thread(thread).id
        made = reply(self.server.github, NAME, root, login, words)
        self.wait(lambda: any(c.root == root and has_answer(c.body, str(made)) for c in self.server.comments))
        return made

    def wait(self, what: Callable[[], Any]) -> None:
        """Until this is so and everything else is done as well."""
        self.server.github.hooks.drain()
        until(lambda: what() and self._idle(), 60, self.server.log)

    def reviewed(self) -> None:
        """Wait for the check run at the head, and what follows it."""
        self.wait(lambda: self.check)

    def _idle(self) -> bool:
        found = self.server.status()
        return bool(found) and not found["jobs"] and not self.server.github.hooks.waiting()


def make_repository(path: Path) -> Git:
    """A shop with the branch ``vouchers``, which brings four defects."""
    git = Git(path).init(dict(BASE))
    git.branch("vouchers", {VOUCHERS: OPENED, COUNTRIES: TABLE}, "Vouchers at the checkout")
    git("switch", "-q", "main")
    return git


def opened(life: Life) -> None:
    """Sam opens the pull request."""
    life.server.hosted.collaborators.update({"sam": "write", "maria": "write"})
    body = "Customers can give vouchers at the checkout."
    life.number = life.server.github.open_pull_request(NAME, base="main", head="vouchers", author="sam", body=body)
    life.heads.append(life.git("rev-parse", "vouchers"))
    life.reviewed()


def mended_and_more(life: Life) -> None:
    """Sam mends one finding, and brings a new defect in other lines."""
    files = {VOUCHERS: _changed(OPENED, BY_PARAMETER), COUNTRIES: _changed(TABLE, ("AUSTRIA", NEW_LINES))}
    life.push("Give the code as a parameter; ask for the postage", files)
    life.reviewed()


def rebased(life: Life) -> None:
    """The base moves on, and Sam puts the branch on top of it."""
    life.git.commit("Orders have a note", {"shop/orders.py": BASE["shop/orders.py"] + "\n\nNOTE = 200\n"})
    life.git("switch", "-q", "vouchers")
    life.git("rebase", "-q", "main")
    life.pushed()
    life.reviewed()


def dismissed(life: Life) -> None:
    """Maria dismisses a finding in its thread; a push brings a file and changes a line near by."""
    life.said["dismissed"] = life.answer("mutable default", DISMISSED, "maria")
    vouchers = _changed(life.reads(VOUCHERS), ("    return seen\n", "    return tuple(seen)\n"))
    life.push("A width; what was loaded stays as it is", {PRINTING: ELSEWHERE, VOUCHERS: vouchers})
    life.reviewed()


def changed(life: Life) -> None:
    """Sam changes the code that was dismissed, and does not mend it."""
    life.push("Be strict", {VOUCHERS: _changed(life.reads(VOUCHERS), MORE_TO_SEE)})
    life.reviewed()


def talked(life: Life) -> None:
    """Maria asks about one finding; of another Sam says why it is as it is; Maria has a question about the whole."""
    life.said["question"] = life.answer("time limit", QUESTION, "maria")
    life.said["reason"] = life.answer("compared with ==", REASON, "sam")
    life.said["asked"] = life.command(ASKED)


def paused(life: Life) -> None:
    """Maria wants no reviews for a while; Sam pushes."""
    life.said["pause"] = life.command("/reviewbot pause")
    life.push("Cut what is too wide", {PRINTING: ELSEWHERE + WHILE_PAUSED})
    life.wait(lambda: "paused" in life.reason)


def resumed(life: Life) -> None:
    """The pause is over, and Maria asks for what it let through."""
    life.said["resume"] = life.command("/reviewbot resume")
    life.said["review"] = int(life.server.github.comment(NAME, life.number, "maria", "/reviewbot review"))
    life.reviewed()


def all_mended(life: Life) -> None:
    """Sam mends the rest."""
    text = _changed(
        life.reads(VOUCHERS),
        (MORE_TO_SEE[1], "def loaded(lines, strict=False):"),
        ("    for line in lines:\n", "    seen = []\n    for line in lines:\n"),
        (
            "        except:\n            pass\n",
            "        except ValueError:\n            if strict:\n                raise\n",
        ),
    )
    timed = _changed(life.reads(COUNTRIES), ("""{code}")""", """{code}", timeout=5)"""))
    printing = _changed(life.reads(PRINTING), ("is 80", "== 80"))
    life.push("Mend what was found", {VOUCHERS: text, COUNTRIES: timed, PRINTING: printing})
    life.reviewed()


STEPS = (opened, mended_and_more, rebased, dismissed, changed, talked, paused, resumed, all_mended)


def _changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands there {text.count(old)} times"
        text = text.replace(old, new)
    return text


def text_of(content: Any) -> str:
    """The words of one item of a question."""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
