"""Pure: what the model said to a person -> the words that are written on GitHub, sanitised."""

from __future__ import annotations

from collections.abc import Sequence

from reviewbot.core.findings.chat_reply import ChatReply
from reviewbot.core.marker import withdrawn_marker
from reviewbot.core.report.sanitizer import code_span, sanitize_inline, sanitize_markdown

_ROOM = 12_000


def answer_text(reply: ChatReply, notes: Sequence[str] = ()) -> str:
    """An answer, and what is to be known of it in small print."""
    return "\n\n".join([sanitize_markdown(reply.answer, limit=_ROOM), *_small(notes)])


def withdrawal_text(reply: ChatReply, notes: Sequence[str] = ()) -> str:
    """The finding is taken back, and why; the hidden marker keeps it from being raised again."""
    head = f"**Withdrawn:** {sanitize_inline(reply.reason, limit=800)}"
    said = sanitize_markdown(reply.answer, limit=_ROOM)
    return "\n\n".join([head, *([said] if said else []), *_small(notes), withdrawn_marker()])


def doubt_text(reply: ChatReply, command: str, notes: Sequence[str] = ()) -> str:
    """The finding would be taken back, had the reason come from somebody who may decide here."""
    doubt = f"It seems that the finding does not hold: {sanitize_inline(reply.reason, limit=800)}"
    dismiss = code_span(f"{command} dismiss")
    ask = f"It stands until somebody who may write to this repository says so, or writes {dismiss}."
    said = sanitize_markdown(reply.answer, limit=_ROOM)
    return "\n\n".join([*([said] if said else []), doubt, ask, *_small(notes)])


def limit_text(answers: int, command: str) -> str:
    """The last word in a thread that has had its answers."""
    return (
        f"This thread has had {answers} answers of the model, the most that `chat.answers_per_thread` allows, so it "
        f"gets no more. What is said here is still read by the next review: {code_span(f'{command} dismiss REASON')} "
        f"closes the thread for good, {code_span(f'{command} resolve')} closes it as done."
    )


def too_dear_text() -> str:
    """There is no money for the question."""
    return "The model was not asked: an answer could cost more than `limits.max_cost_usd` allows."


def off_text() -> str:
    return "Answers by the model are switched off here (`chat.enabled`)."


def no_answer_text(why: str) -> str:
    """The model was asked in vain."""
    return f"The model gave no answer to this. {sanitize_inline(why, limit=600)}"


def _small(notes: Sequence[str]) -> list[str]:
    return [f"<sub>{sanitize_inline(note, limit=400)}</sub>" for note in notes]
