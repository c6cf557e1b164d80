"""Pure values of what is to be said and done on a pull request beside a review: Reply, Resolve, StatusAnswer, React,
Orders, and Act, any of them; and Closings, what became of open threads.

They are made where GitHub is only read, and done where it is written (`flows/acting.py`), so they are kept as JSON in
between. Texts have gone through the sanitiser. Each may be done twice: what is there already is not done again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Reply:
    """Say ``text`` in a thread whose first comment is ``comment_id``, once for each ``key`` (see `answer_marker`)."""

    thread_id: str
    comment_id: int
    text: str
    key: str
    kind: Literal["reply"] = "reply"


@dataclass(frozen=True, slots=True)
class Resolve:
    """Close a thread."""

    thread_id: str
    kind: Literal["resolve"] = "resolve"


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """Say ``text`` in the one status comment, in the place of an earlier answer to ``key``."""

    key: str
    text: str
    kind: Literal["answer"] = "answer"


@dataclass(frozen=True, slots=True)
class React:
    """Put a reaction to what somebody wrote: GitHub's word for it (``eyes``, ``+1``, ``confused``). ``place`` is a word
    of `core.commands.Place`."""

    place: str
    id: int
    content: Literal["eyes", "+1", "-1", "confused", "rocket"] = "eyes"
    kind: Literal["react"] = "react"


@dataclass(frozen=True, slots=True)
class Orders:
    """What people ask of us for this one pull request, kept in the state of the summary comment: whether reviews by
    themselves are paused (None leaves that as it is), and patterns to leave out from now on. ``head_sha`` and
    ``base_sha`` are those of now, for a pull request that has no state yet."""

    head_sha: str
    base_sha: str
    paused: bool | None = None
    ignore: tuple[str, ...] = ()
    kind: Literal["orders"] = "orders"


Act = Reply | Resolve | StatusAnswer | React | Orders


@dataclass(frozen=True, slots=True)
class Closings:
    """What a look at the open threads came to: ids of those whose point is ``met``, and of those that were asked about
    and still hold; ``homes`` are ids with the path of the thread's file today; ``notes`` say what could not be
    asked."""

    acts: tuple[Act, ...] = ()
    met: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    homes: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    notes: tuple[str, ...] = ()
