"""Where a comment may stand: which lines of a diff take one, and where an older comment stands after a push.

Refusals are GitHub's own words, without the name of the culprit, as GitHub gives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reviewbot.sandbox.github.changes import ChangedFile, Changes
    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.records import ReviewComment, Side

#: What a comment of "Create a review" may hold. File comments are not among them: they have their own endpoint.
REVIEW_COMMENT_KEYS = frozenset({"path", "position", "body", "line", "side", "start_line", "start_side"})


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in a diff that takes a comment. ``line`` is None for a whole file."""

    path: str
    side: Side
    line: int | None
    start_side: Side | None
    start_line: int | None
    position: int | None
    diff_hunk: str


@dataclass(frozen=True, slots=True)
class Refused:
    """``field`` and ``words`` make both forms: the reviews endpoint joins them, the comments endpoint lists them."""

    field: Literal["path", "line", "start_line", "side"]
    words: str

    @property
    def sentence(self) -> str:
        """As "Create a review" says it: ``Line could not be resolved``."""
        return f"{self.field.replace('_', ' ').capitalize()} {self.words}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a comment stands in the diff as it is now; all None when it is outdated."""

    line: int | None = None
    start_line: int | None = None
    position: int | None = None


def resolve(changes: Changes, fields: Mapping[str, Any]) -> Anchor | Refused:
    """Find the place that a request names by ``path`` with ``line`` and ``side``, or by ``position``, or (with
    ``subject_type: file``) a whole file."""
    file = changes.file(fields["path"])
    if file is None:
        return Refused("path", "could not be resolved")
    if fields.get("subject_type") == "file":
        return Anchor(file.path, "RIGHT", None, None, None, None, "")
    side, line = fields.get("side", "RIGHT"), fields.get("line")
    if line is None and isinstance(fields.get("position"), int):
        found = file.at_position(fields["position"])
        if found is None:
            return Refused("line", "could not be resolved")
        side, line = found
    if side not in ("LEFT", "RIGHT"):
        return Refused("side", "is not included in the list")
    if not isinstance(line, int) or not _is_line(line) or file.hunk(side, line) is None:
        return Refused("line", "could not be resolved")
    return _range(file, fields, side, line)


def _range(file: ChangedFile, fields: Mapping[str, Any], side: Side, line: int) -> Anchor | Refused:
    start_line, start_side = fields.get("start_line"), fields.get("start_side")
    position = file.position(side, line)
    if start_line is None:
        return Anchor(file.path, side, line, None, None, position, file.excerpt(side, line))
    if start_side not in ("LEFT", "RIGHT"):
        return Refused("start_line", "needs a start side")
    first = file.position(start_side, start_line) if _is_line(start_line) else None
    if first is None:
        return Refused("start_line", "could not be resolved")
    if position is None or first >= position or (start_side == side and start_line >= line):
        return Refused("start_line", "must precede the end line.")
    if file.hunk(start_side, start_line) is not file.hunk(side, line):
        return Refused("start_line", "must be part of the same hunk as the line.")
    return Anchor(file.path, side, line, start_side, start_line, position, file.excerpt(side, line))


def _is_line(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def current_place(hosted: Hosted, base: str, head: str, comment: ReviewComment) -> Place:
    """Where the comment stands in the diff from ``base`` to ``head``: carried along while its lines are unchanged and
    still shown, else outdated. ``base`` is the merge base."""
    if comment.line is None:
        return Place()
    if (comment.base_sha, comment.commit_id) == (base, head):
        return Place(comment.line, comment.start_line, comment.position)
    file = hosted.repository.changes(base, head).file(comment.path)
    line = _carried(hosted, base, head, comment, comment.side, comment.line)
    if file is None or line is None:
        return Place()
    position = file.position(comment.side, line)
    if position is None:
        return Place()
    start = None
    if comment.start_line is not None:
        start = _carried(hosted, base, head, comment, comment.start_side or comment.side, comment.start_line)
    return Place(line, start, position)


def _carried(hosted: Hosted, base: str, head: str, comment: ReviewComment, side: Side, line: int) -> int | None:
    old, new = (comment.base_sha, base) if side == "LEFT" else (comment.commit_id, head)
    if old == new:
        return line
    if hosted.repository.read(f"{old}^{{commit}}") is None:
        return None
    between = hosted.repository.changes(old, new).file(comment.path)
    if between is None:
        return line
    return None if between.patch is None and between.old_sha != between.new_sha else between.moved(line)
