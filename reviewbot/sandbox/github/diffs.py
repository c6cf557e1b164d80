"""Diffs as answers: the diff media type with its limits, and file lists with theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewbot.sandbox.github import payloads
from reviewbot.sandbox.github.calls import Answer, Call, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reviewbot.sandbox.github.changes import ChangedFile, Changes
    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.payloads import Json


def diff_answer(call: Call, changes: Changes) -> Answer:
    """The whole diff. Raises Refusal 406 above GitHub's limits."""
    refuse_too_large(call, changes)
    return Answer(200, changes.diff, "application/vnd.github.diff; charset=utf-8")


def refuse_too_large(call: Call, changes: Changes) -> None:
    """406 with GitHub's words when the diff has too many files, lines or bytes."""
    limits = call.github.limits
    if len(changes.files) > limits.diff_files:
        said = (
            f"Sorry, the diff exceeded the maximum number of files ({limits.diff_files}). Consider using "
            "'List pull requests files' API or locally cloning the repository instead."
        )
    elif changes.lines > limits.diff_lines:
        said = f"Sorry, the diff exceeded the maximum number of lines ({limits.diff_lines})"
    elif len(changes.diff) > limits.diff_bytes:
        said = f"Sorry, the diff exceeded the maximum size ({limits.diff_bytes} bytes)"
    else:
        return
    raise Refusal(406, said, errors=[{"resource": "PullRequest", "field": "diff", "code": "too_large"}])


def file_entries(call: Call, hosted: Hosted, head: str, files: Sequence[ChangedFile]) -> list[Json]:
    """The files as ``diff-entry``; those behind the limit of patch lines come empty, and nothing says so."""
    limit = call.patch_lines if call.patch_lines is not None else call.github.limits.listed_patch_lines
    out, lines = [], 0
    for file in files:
        lines += file.patch.count(b"\n") + 1 if file.patch else 0
        out.append(payloads.file_entry(call.links, hosted, head, file, cut=limit is not None and lines > limit))
    return out
