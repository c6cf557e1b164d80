"""Pure: the one comment in which commands are answered that were given in no thread, newest answer first."""

from __future__ import annotations

from typing import Final

from reviewbot.core.marker import answer_marker, answers_of, status_marker

MOST_ANSWERS: Final = 5
MOST_CHARACTERS: Final = 60_000  # GitHub's limit of a body is 65,536
_CUT: Final = "\n\n*… cut.*"


def with_answer(body: str, key: str, text: str) -> str:
    """The status comment ``body`` (empty when there is none yet) with an answer to ``key``, a comment's id.

    ``text`` was sanitised. An earlier answer to the same key gives way to it; of the others the newest stay as far as
    there is room, below it. The same call on its own result changes nothing.
    """
    room = MOST_CHARACTERS - len(status_marker())
    kept: list[str] = []
    others = [(name, said) for name, said in answers_of(body) if name != key]
    for name, said in [(key, text.strip()), *others][:MOST_ANSWERS]:
        entry = f"{answer_marker(name)}\n{said}"
        if not kept and len(entry) > room:
            entry = entry[: room - len(_CUT)] + _CUT
        room -= len(entry) + 2
        if room < 0:
            break
        kept.append(entry)
    return "\n\n".join([status_marker(), *kept])
