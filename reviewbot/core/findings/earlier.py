"""Pure: open review threads of ours -> the findings that still stand though this run did not raise them again.

A later run reads only what is new, so that a finding is not raised anew does not mean that it is gone. It stands until
its thread is closed, its code is found to be mended, or GitHub calls it outdated and nobody could tell.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from reviewbot.core.change.pull_request import ReviewThread
from reviewbot.core.findings.comment_head import read_head
from reviewbot.core.findings.finding import (
    Finding,
    Location,
    PlacedFinding,
    RejectedFinding,
    RejectReason,
    Step,
)
from reviewbot.core.findings.memory import Answer

SOURCE = "earlier"
_FACTS = re.compile(r"^<sub>([a-z]{1,20}) · confidence ([0-9]{1,3})% · [^<]*</sub>[ \t\r]*$", re.MULTILINE)
# What the sanitiser wrote for one character of prose. In code it writes none of these, and a title stays Markdown, in
# which an escaped backslash must stay one.
_WRITTEN = re.compile(
    r"(?P<kept>\\\\|(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`))"
    r"|\\(?P<mark>[!-/:-@\[-`{-~])|&(?P<name>lt|gt|amp|\#124|\#8203);"
)
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "#124": "|", "#8203": ""}


def standing_findings(
    threads: Iterable[ReviewThread],
    answers: Mapping[str, Answer],
    *,
    known: Collection[str],
    met: Collection[str] = (),
    held: Collection[str] = (),
    paths: Mapping[str, str],
) -> tuple[RejectedFinding, ...]:
    """What open threads of ours say, less the ``known`` fingerprints of this run, the threads that are ``met`` and what
    people have dismissed. A thread that was closed by somebody who may not dismiss (see `memory.py`) counts as open;
    an outdated one counts only if it is in ``held``: it was looked at and still holds.
    ``paths`` maps the path of a thread to today's; a file that is not in it is no longer part of the change."""
    found = []
    for thread in threads:
        answer = answers.get(thread.id)
        closed = answer.binding if answer else thread.resolved
        if not thread.ours or closed or thread.id in met or (thread.outdated and thread.id not in held):
            continue
        if thread.path not in paths or not thread.fingerprints:
            continue
        if any(mark in known for mark in thread.fingerprints):
            continue
        placed = _placed(thread, paths[thread.path])
        if placed:
            how = f"posted by an earlier review, and {answer or 'open'}"
            found.append(RejectedFinding(placed, RejectReason.ALREADY_POSTED, how))
    return tuple(found)


def _placed(thread: ReviewThread, path: str) -> PlacedFinding | None:
    """The finding as our own comment words it; None when the comment is not one of a finding any more."""
    head = read_head(thread.body)
    if head is None:
        return None
    lines = tuple(_FACTS.finditer(thread.body))
    facts = lines[-1] if lines else None  # a block of code may show another, but ours is the last
    step = Step.LINE if thread.line is not None else Step.FILE
    finding = Finding(
        path=path,
        side=thread.side,
        quote="",
        evidence="",
        title=_WRITTEN.sub(_shown, head.title),
        body="",
        category=facts[1] if facts else "",
        severity=head.severity,
        confidence=min(int(facts[2]), 100) / 100 if facts else 1.0,
        source=SOURCE,
    )
    at = Location(path, thread.side, None, thread.line, step, "where its thread stands")
    return PlacedFinding(finding, at, thread.fingerprints[0])


def _shown(written: re.Match[str]) -> str:
    return written["kept"] or written["mark"] or _NAMED[written["name"]]
