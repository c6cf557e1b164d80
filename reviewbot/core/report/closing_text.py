"""Pure: what is written in a thread whose point is met, sanitised."""

from __future__ import annotations

from reviewbot.core.change.pull_request import PullRequest
from reviewbot.core.report.sanitizer import code_span, sanitize_inline
from reviewbot.core.report.summary import own_page

KEY = "met-"  # begins the key of such a reply (see `marker.answer_marker`)


def met_key(pull: PullRequest) -> str:
    """Names the reply to a thread whose point this head meets."""
    return f"{KEY}{pull.head_sha[:12]}"


def met_text(pull: PullRequest, why: str, *, stays_open: bool = False) -> str:
    """The commit, and why the point is met; a thread that ``stays_open`` says why it does."""
    reason = sanitize_inline(why.rstrip(" .:;"), limit=400)
    text = f"Met by {_commit(pull)}: {reason}{'' if reason.endswith('…') else '.'}"
    if not stays_open:
        return text
    return f"{text}\n\nNot resolved, because people talk here (`review.close_joined`)."


def _commit(pull: PullRequest) -> str:
    """The head, linked to its page in the pull request where there is one."""
    label = code_span(pull.head_sha[:12])
    page = own_page(pull, pull.html_url)
    return f"[{label}]({page}/commits/{pull.head_sha})" if page and pull.head_sha.isalnum() else label
