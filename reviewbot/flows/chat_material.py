"""What the model is shown to answer a person: the finding, the code at head, the change, the conversation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from reviewbot.core.change.diff import FilePatch, Side
from reviewbot.core.change.pull_request import PullRequest, ReviewThread, Surroundings, ThreadComment
from reviewbot.core.change.scope import Scope, decide_scope
from reviewbot.core.config import Config
from reviewbot.core.context.chat_prompt import BOT, MAY_WRITE, UNKNOWN, YOU, Question, Said, Task
from reviewbot.core.context.closeup import about, code_round, head_line, hunk_text, nearest_hunk
from reviewbot.core.context.shown_change import outline
from reviewbot.core.findings.memory import WITH_RIGHTS
from reviewbot.ports import PullRequestSource
from reviewbot.talks import Exchange

_OUTLINE_BYTES = 8_000


class _Seen(NamedTuple):
    """The code of a thread as it is now, its hunk, and what is to be known of both."""

    code: str = ""
    change: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Material:
    """Reads through ``source``; ``window`` is the model's."""

    source: PullRequestSource
    pull: PullRequest
    around: Surroundings
    config: Config
    window: int

    async def question(self, task: Task, thread: ReviewThread | None, words: Said) -> Question:
        """Everything that is to be shown. Raises what the source raises."""
        diff = await self.source.diff(self.pull)
        scope = decide_scope(diff, self.config.scope, self.around.rules.get(".gitattributes", ""))
        seen = await self._seen(thread, scope) if thread else _Seen()
        told = conversation(thread, words.id) if thread else ()
        unseen = max(0, thread.replies + 1 - len(thread.comments)) if thread else 0
        finding = thread.body if thread and thread.ours else ""
        notes = (seen.note,) if seen.note else ()
        whole = Question(task, words, self.pull.title, finding, seen.code, seen.change, "", told, unseen, notes)
        return self._with_change(whole, scope, thread) if task is Task.ASK else whole

    async def sequel(self, task: Task, thread: ReviewThread, words: Said, last: Exchange) -> Question:
        """What is new since an exchange that the provider still knows: the words, what others said, other code."""
        since = [said for said in conversation(thread, words.id) if said.rights != YOU and said.id > int(last.key)]
        bare = Question(task, words, self.pull.title, conversation=tuple(since))
        if last.head_sha == self.pull.head_sha:
            return bare
        now = await self.question(task, thread, words)
        hint = "The head moved since your last answer; this is the code as it is now."
        return replace(bare, code=now.code, change=now.change, notes=now.notes, hint=hint)

    def _with_change(self, question: Question, scope: Scope, thread: ReviewThread | None) -> Question:
        """A question about the change, with its outline and the parts that are likeliest meant."""
        asked = " ".join([question.words.text, thread.path if thread else "", question.finding])
        excerpt = about(scope.files, asked, min(self.config.chunks.target_tokens, self.window // 3))
        notes = question.notes
        if not excerpt.whole:
            notes += (f"Only {excerpt.shown:,} of {excerpt.changed:,} changed lines are shown to the model.",)
        if scope.skipped:
            notes += (f"Files that the rules of the review skip are not shown: {len(scope.skipped)}.",)
        heads = outline(scope.files, {}, _OUTLINE_BYTES)
        return replace(question, change=excerpt.text, outline=heads, notes=notes)

    async def _seen(self, thread: ReviewThread, scope: Scope) -> _Seen:
        file = next((file for file in scope.files if thread.path in (file.path, file.old_path)), None)
        if file is None:
            return _Seen(note="No code is shown to the model: the file is not in the change, or the settings skip it.")
        hunk = nearest_hunk(file, thread.side, thread.line, thread.body)
        change = "" if hunk is None else hunk_text(file, hunk)
        return _Seen(await self._head(thread, file, hunk), change, _standing(thread))

    async def _head(self, thread: ReviewThread, file: FilePatch, hunk: int | None) -> str:
        source = (await self.source.texts(self.pull.head_sha, [file.path])).get(file.path)
        if source is None:
            return ""
        if thread.line is not None and thread.side is Side.RIGHT:
            return code_round(file.path, source, thread.line)
        return "" if hunk is None else code_round(file.path, source, head_line(file, hunk))


def conversation(thread: ReviewThread, answered: int) -> tuple[Said, ...]:
    """What was said in a thread, oldest first, without the comment that is answered and a first comment that is our
    finding."""
    left_out = {answered, thread.comment_id} if thread.ours else {answered}
    return tuple(said_by(comment) for comment in thread.comments if comment.id not in left_out)


def said_by(comment: ThreadComment) -> Said:
    rights = MAY_WRITE if comment.association in WITH_RIGHTS else UNKNOWN
    rights = YOU if comment.ours else BOT if comment.is_bot else rights
    return Said(comment.author, rights, comment.body, comment.id)


def is_trusted(login: str, thread: ReviewThread | None, around: Surroundings) -> bool:
    """Whether GitHub has said of this person, in any comment here, that they may write to the repository."""
    threads = (*around.threads, *((thread,) if thread else ()))
    known = (comment for each in threads for comment in each.comments if comment.association in WITH_RIGHTS)
    return any(comment.author.casefold() == login.casefold() and not comment.is_bot for comment in known)


def _standing(thread: ReviewThread) -> str:
    if thread.outdated:
        return "The lines of this finding were changed since; what is nearest to them now is shown."
    return ""
