"""What is read to judge open threads: the files that they stand in, at the head reviewed last and now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reviewbot.core.change.diff import FilePatch, FileStatus, Run, Side
from reviewbot.core.change.increment import FileIncrement, News, Since
from reviewbot.core.change.pull_request import ReviewThread
from reviewbot.core.findings.closing import File, Look, Seen, home, look, without_file
from reviewbot.core.findings.whereabouts import Pair, Text
from reviewbot.errors import GitHubError, WorkspaceError
from reviewbot.flows.collection import Collected
from reviewbot.ports import PullRequestSource

_NOT_SEEN = Seen(Look.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Ground:
    """``homes`` maps a thread to the path of its file today, ``files`` a thread to that file where it is read;
    ``vanished`` are texts at the head of files that are no longer in the change, None when they are not to be had."""

    since: Since
    patches: Mapping[str, FilePatch]
    heads: Mapping[str, Text]
    news: Mapping[str, FileIncrement]
    homes: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)
    vanished: Mapping[str, bytes] | None = None

    def look(self, thread: ReviewThread, *, full: bool) -> Seen:
        """What became of the code of a thread."""
        path = self.homes[thread.id]
        if thread.id in self.files:
            return look(thread, self.files[thread.id], full=full)
        patch = self.patches.get(path)
        if patch is not None and patch.status is not FileStatus.REMOVED:
            return _NOT_SEEN  # a rule leaves it out
        if not self.just_gone(path) or (patch is None and self.vanished is None):
            return _NOT_SEEN
        text = (self.vanished or {}).get(path)
        head = Text.of(path, text) if text is not None else None
        return without_file(thread, patch, head, [(each, self.fresh(name)) for name, each in self.heads.items()])

    def forgot(self, thread: ReviewThread) -> bool:
        """Whether the file of a thread is read, and what it was is not known."""
        return thread.id in self.files and self.files[thread.id].since is None

    def just_gone(self, path: str) -> bool:
        """Whether a file left the change since the last review, as far as that is known."""
        if self.since.increment is None:
            return True
        known = self.news.get(path)
        return path in self.since.increment.gone or (known is not None and known.news is not News.UNCHANGED)

    def fresh(self, path: str) -> tuple[Run, ...]:
        """What is new in a file; all of it when that is not known."""
        known = self.news.get(path)
        return known.fresh if known else (Run(Side.RIGHT, 1, len(self.heads[path].rows)),)

    def home(self, thread: ReviewThread) -> str:
        """The file that a thread stands in, by its name of today; its own path when that is no longer in the change and
        no other file holds its code."""
        renamed = {file.earlier_path: file.path for file in self.news.values() if file.earlier_path}
        moved = {file.old_path: path for path, file in self.patches.items() if file.status is FileStatus.RENAMED}
        own = thread.path if thread.path in self.patches else moved.get(thread.path, "")
        path = renamed.get(thread.path, own)
        if path and self.patches[path].status is not FileStatus.REMOVED:
            return path
        gone = self.just_gone(path or thread.path)
        texts = [
            text
            for name, text in self.heads.items()
            if not gone or any(run.side is Side.RIGHT for run in self.fresh(name))
        ]
        return home(thread, texts) or path or thread.path

    def earlier_paths(self, thread: ReviewThread) -> tuple[str, ...]:
        """What the file of a thread may have been called at the head reviewed last, the likeliest first."""
        path = self.homes[thread.id]
        known = self.news.get(path)
        return tuple(
            dict.fromkeys(([known.earlier_path] if known and known.earlier_path else []) + [thread.path, path])
        )


async def survey(
    source: PullRequestSource, collected: Collected, since: Since, threads: Sequence[ReviewThread]
) -> Ground:
    """Read what the threads need: a call for the texts as they were, one more for files that left the change."""
    pull = collected.pull
    patches = {file.path: file for file in collected.diff.files}
    heads = {path: Text.of(path, text) for path, text in collected.heads.items() if path in patches}
    ground = Ground(since, patches, heads, since.increment.by_path() if since.increment else {})
    ground = replace(ground, homes={thread.id: ground.home(thread) for thread in threads})
    standing = [thread for thread in threads if ground.homes[thread.id] in heads]
    lost = {path for path in ground.homes.values() if path not in patches and ground.just_gone(path)}
    vanished = await _texts(source, pull.head_sha, lost) if lost else {}
    olds: Mapping[str, bytes] | None = collected.heads
    if since.head_sha != pull.head_sha:
        names = {name for thread in standing for name in ground.earlier_paths(thread)}
        olds = await _texts(source, since.head_sha, names) if since.head_sha and names else {}
    return replace(ground, files=_files(ground, standing, olds or {}), vanished=vanished)


def _files(ground: Ground, threads: Iterable[ReviewThread], olds: Mapping[str, bytes]) -> dict[str, File]:
    """The file of each thread. Two texts are compared once, however many threads stand in them."""
    pairs: dict[tuple[str, str], Pair] = {}
    files = {}
    for thread in threads:
        path = ground.homes[thread.id]
        earlier = next((name for name in ground.earlier_paths(thread) if name in olds), "")
        if earlier and (earlier, path) not in pairs:
            pairs[earlier, path] = Pair(Text.of(earlier, olds[earlier]), ground.heads[path])
        known = ground.news.get(path)
        files[thread.id] = File(
            ground.patches[path], ground.heads[path], pairs.get((earlier, path)), known.fresh if known else ()
        )
    return files


async def _texts(source: PullRequestSource, sha: str, paths: Iterable[str]) -> Mapping[str, bytes] | None:
    """The files at a commit; None when they are not to be had, as after a force-push."""
    try:
        return await source.texts(sha, sorted(paths))
    except (GitHubError, WorkspaceError):
        return None
