"""The pull request as a page to look at: description, conversation, reviews with their code, checks. No scripts.

Everything that people or models wrote is rendered from Markdown with HTML off; of GitHub's own HTML only a few harmless
tags come back. A content policy forbids scripts and anything from elsewhere.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from reviewbot.sandbox.github.anchors import current_place
from reviewbot.sandbox.github.calls import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reviewbot.sandbox.github.hosting import Hosted
    from reviewbot.sandbox.github.records import Account, Pull, Reaction, Review, ReviewComment

_HIDDEN = re.compile(r"<!--.*?-->", re.DOTALL)
_HARMLESS = re.compile(r"&lt;(/?(?:details|summary|sub|sup|kbd|b|i|h[1-6])|details open|br ?/?)&gt;")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_SHOWN_LINES = 8
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --plus: #2da44e33; --minus: #cf222e33; --quiet: #6e7681;
  --done: #8250df; --back: #fff; }
@media (prefers-color-scheme: dark) { :root { --quiet: #9198a1; --done: #8957e5; --back: #0d1117; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 54rem; margin: 2rem auto; padding: 0 1rem;
  background: var(--back); }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } h3 { font-size: 1.05rem; }
small, .quiet, sub { color: var(--quiet); } sub { vertical-align: baseline; font-size: .8rem; }
.box { border: 1px solid var(--line); border-radius: .5rem; margin: 1rem 0; overflow: hidden; }
.box > header { padding: .4rem .8rem; border-bottom: 1px solid var(--line); background: #8881; }
.box > .text { padding: .2rem .8rem; overflow-x: auto; } .box.done > .hunk { opacity: .6; }
.said + .said { border-top: 1px solid var(--line); margin-top: .6rem; padding-top: .4rem; }
.said > small b { color: CanvasText; } p { margin: .5rem 0; }
pre { overflow-x: auto; padding: .5rem; background: #8881; border-radius: .3rem; } code { font-size: .9em; }
pre.hunk { margin: 0; border-radius: 0; padding: .3rem 0; line-height: 1.35; font-size: .85rem; }
pre.hunk span { display: block; padding: 0 .8rem; } .add { background: var(--plus); } .cut { background: var(--minus); }
pre:has(> .language-suggestion)::before { content: "Suggested change"; display: block; color: var(--quiet);
  font: .8rem system-ui, sans-serif; }
table { border-collapse: collapse; } td, th { border: 1px solid var(--line); padding: .2rem .5rem; text-align: left; }
.state { border-radius: 1rem; padding: .1rem .7rem; border: 1px solid var(--line); }
.tag { border: 1px solid var(--line); border-radius: 1rem; padding: 0 .5rem; font-size: .75rem; color: var(--quiet); }
.tag.over { color: #fff; background: var(--done); border-color: var(--done); }
"""
_BOT = "[bot]"
_HIDDEN_AS = {"RESOLVED": "resolved", "OUTDATED": "outdated", "DUPLICATE": "a duplicate", "OFF_TOPIC": "off topic"}
_REACTIONS = {
    "+1": "👍",
    "-1": "👎",
    "laugh": "😄",
    "confused": "😕",
    "heart": "❤️",
    "hooray": "🎉",
    "rocket": "🚀",
    "eyes": "👀",
}


def pull_page(hosted: Hosted, pull: Pull) -> Answer:
    """The whole page."""
    changes = hosted.changes(pull)
    state = "merged" if pull.merged_at else "draft" if pull.draft and pull.state == "open" else pull.state
    head = pull.head_repo or "deleted fork"
    commits = len(hosted.series(pull))
    facts = (
        f'<p><span class="state">{state}</span> <b>{escape(pull.author.login)}</b> wants to merge '
        f"{commits} {'commit' if commits == 1 else 'commits'} into <code>{escape(pull.base_ref)}</code> from "
        f"<code>{escape(head)}:{escape(pull.head_ref)}</code> <small>{pull.head_sha[:10]}, {len(changes.files)} files, "
        f"+{changes.added} -{changes.removed}</small></p>"
    )
    parts = [f"<h1>{escape(pull.title)} <small>#{pull.number}</small></h1>", facts]
    parts.append(_box("description", _markdown()(pull.body or "*No description.*")))
    parts += _conversation(hosted, pull)
    parts += _checks(hosted, pull)
    title = f"{escape(pull.title)} · {escape(hosted.full_name)}#{pull.number}"
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>"
    )
    headers = {"content-security-policy": _POLICY, "referrer-policy": "no-referrer"}
    return Answer(200, text.encode("utf-8", "replace"), "text/html; charset=utf-8", headers)


def _conversation(hosted: Hosted, pull: Pull) -> list[str]:
    """Comments and reviews in the order of their time."""
    events: list[tuple[str, int, str]] = []
    for comment in hosted.comments.values():
        if comment.number == pull.number:
            said, text = f"{_who(comment.author)} commented", _markdown()(comment.body) + _reactions(comment.reactions)
            box = _box(said, text, hidden=comment.minimized, anchor=f"issuecomment-{comment.id}")
            events.append((comment.created_at, comment.id, box))
    for review in hosted.reviews.values():
        if review.number == pull.number and review.state != "PENDING":
            events.append((review.submitted_at or "", review.id, _review(hosted, pull, review)))
    return [text for _, _, text in sorted(events)]


def _review(hosted: Hosted, pull: Pull, review: Review) -> str:
    roots = [
        comment
        for comment in hosted.review_comments.values()
        if comment.review_id == review.id and not comment.is_reply
    ]
    threads = "".join(_thread(hosted, pull, root) for root in sorted(roots, key=lambda row: (row.path, row.line or 0)))
    if not threads and not review.body and review.state == "COMMENTED":
        return ""  # the review that a lone answer makes: its text stands in its thread
    said = f"{_who(review.author)} reviewed <small>{review.state.lower().replace('_', ' ')}</small>"
    return _box(said, _markdown()(review.body), anchor=f"pullrequestreview-{review.id}") + threads


def _thread(hosted: Hosted, pull: Pull, root: ReviewComment) -> str:
    place = current_place(hosted, hosted.merge_base(pull), pull.head_sha, root)
    line = place.line or root.line
    first = place.start_line or root.start_line
    where = "file" if line is None else f"line {line}" if first is None else f"lines {first} to {line}"
    notes = ["outdated"] if root.line is not None and place.line is None else []
    side = " (before)" if root.side == "LEFT" else ""
    by = hosted.resolved.get(root.id)
    over = f"resolved by {by.login}" if by else _hidden_as(root.minimized)
    tags = [*(_tag(note) for note in notes), *([_tag(over, over=True)] if over else [])]
    said = f"<code>{escape(root.path)}</code> {where}{side} {' '.join(tags)}"
    replies = [comment for comment in hosted.review_comments.values() if comment.root == root.id]
    texts = "".join(
        f'<div class="said" id="discussion_r{comment.id}"><small>{_who(comment.author)}</small>'
        f"{_markdown()(comment.body)}{_reactions(comment.reactions)}</div>"
        for comment in replies
    )
    return _box(said, texts, before=_hunk(root), done=bool(over))


def _who(account: Account) -> str:
    name = account.login.removesuffix(_BOT)
    return f"<b>{escape(name)}</b>" + (f" {_tag('bot')}" if account.login.endswith(_BOT) else "")


def _tag(words: str, *, over: bool = False) -> str:
    return f'<span class="{"tag over" if over else "tag"}">{escape(words)}</span>'


def _hidden_as(reason: str | None) -> str:
    return f"hidden as {_HIDDEN_AS.get(reason, reason.lower())}" if reason else ""


def _reactions(reactions: Sequence[Reaction]) -> str:
    """Each kind once, with its count."""
    counts = Counter(each.content for each in reactions)
    shown = " ".join(_tag(f"{_REACTIONS.get(kind, kind)} {count}") for kind, count in counts.items())
    return f"<p>{shown}</p>" if shown else ""


def _hunk(root: ReviewComment) -> str:
    """The last lines of the hunk, down to the one that is commented on."""
    if not root.diff_hunk:
        return ""
    kinds = {"+": "add", "-": "cut"}
    wanted = _SHOWN_LINES + (root.line - root.start_line if root.line and root.start_line else 0)
    lines = root.diff_hunk.split("\n")[1:][-wanted:]
    rows = "".join(f'<span class="{kinds.get(line[:1], "")}">{escape(line) or " "}</span>' for line in lines)
    return f'<pre class="hunk">{rows}</pre>'


def _checks(hosted: Hosted, pull: Pull) -> list[str]:
    runs = [run for run in hosted.check_runs.values() if run.head_sha == pull.head_sha]
    if not runs:
        return []
    boxes = []
    for run in runs:
        said = f"<b>{escape(run.name)}</b> <small>{escape(run.conclusion or run.status)}</small>"
        text = f"**{run.output.get('title') or run.name}**\n\n{run.output.get('summary') or ''}"
        notes = f"<p><small>{len(run.annotations)} annotations</small></p>" if run.annotations else ""
        boxes.append(_box(said, _markdown()(text) + notes))
    return ["<h2>Checks</h2>", *boxes]


def _box(
    header: str, text: str, *, before: str = "", hidden: str | None = None, done: bool = False, anchor: str = ""
) -> str:
    mark = f' id="{anchor}"' if anchor else ""
    note = f" {_tag(_hidden_as(hidden))}" if hidden else ""
    kind = "box done" if hidden or done else "box"
    return (
        f'<section class="{kind}"{mark}><header>{header}{note}</header>{before}<div class="text">{text}</div></section>'
    )


@functools.cache
def _markdown() -> Callable[[str], str]:
    # Imported here: only somebody who looks at a page is to pay for it.
    from markdown_it import MarkdownIt

    renderer = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return lambda text: _HARMLESS.sub(r"<\1>", renderer.render(_HIDDEN.sub("", text)))
