from __future__ import annotations

from typing import Any

from reviewbot.sandbox.github import people

PULL = "/repos/octo/shop/pulls/2"


def test_page(api: Any, bot: Any, client: Any, git: Any) -> None:
    body = (
        "<script>alert(1)</script> <!-- our-marker --> **bold** "
        "<details><summary>More</summary>[x](javascript:alert)</details>"
    )
    comment = {"path": "a.py", "line": 10, "body": f"Look: {body}\n\n```suggestion\na < b\n```"}
    bot.post(f"{PULL}/reviews", {"event": "COMMENT", "body": body, "comments": [comment]})
    api.post("/repos/octo/shop/issues/2/comments", {"body": "| a | b |\n|---|---|\n| 1 | 2 |"})
    head = git("rev-parse", "feature/cards")
    bot.post("/repos/octo/shop/check-runs", {"name": "reviewbot", "head_sha": head, "conclusion": "neutral"})
    done = client()("GET", "/octo/shop/pull/2")
    page = done.body.decode()
    assert done.status == 200
    assert "<h1>Take cards <small>#2</small></h1>" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "our-marker" not in page
    assert 'href="javascript' not in page
    assert "<details><summary>More</summary>" in page
    assert '<span class="add">+line ten</span>' in page
    assert "a &lt; b" in page
    assert "<td>1</td>" in page
    assert "reviewbot</b> <small>neutral</small>" in page
    assert done.headers["content-security-policy"].startswith("default-src 'none'")


def test_threads_say_who_spoke_and_how_they_ended(api: Any, bot: Any, client: Any, github: Any) -> None:
    """A bot's name stands without its suffix; a thread may be resolved by somebody, or its first comment hidden."""
    comments = [{"path": "a.py", "line": line, "body": "```suggestion\na\n```"} for line in (10, 11)]
    bot.post(f"{PULL}/reviews", {"event": "COMMENT", "body": "", "comments": comments})
    hosted = github.hosted("octo/shop")
    resolved, hidden = [each for each in hosted.review_comments.values() if each.number == 2]
    people.reply(github, "octo/shop", resolved.id, "<ada>", "Why?")
    api.post(f"/repos/octo/shop/pulls/comments/{resolved.id}/reactions", {"content": "eyes"})
    hosted.resolved[resolved.id] = github.account("<ada>")
    hidden.minimized = "RESOLVED"
    page = client()("GET", "/octo/shop/pull/2").body.decode()
    one, other = page.split('<section class="box done">')[1:]
    assert '<span class="tag over">resolved by &lt;ada&gt;</span>' in one
    assert '<b>reviewbot-sandbox</b> <span class="tag">bot</span>' in one
    assert "<b>&lt;ada&gt;</b></small><p>Why?</p>" in one
    assert "👀 1" in one
    assert 'class="language-suggestion"' in one
    assert '<span class="tag over">hidden as resolved</span>' in other
    assert "👀" not in other


def test_addresses(client: Any) -> None:
    anybody = client()
    assert anybody("GET", "/octo/shop/pull/2/files").status == 200
    assert anybody("GET", "/octo/shop/pull/2.diff").body.startswith(b"diff --git")
    assert anybody("GET", "/octo/shop/pull/2.patch").body.startswith(b"From ")
    assert anybody("GET", "/octo/shop/pull/1").status == 404
    assert anybody("GET", "/octo/nope/pull/2").status == 404


def test_hostile_names(git: Any, github: Any, client: Any) -> None:
    git("switch", "-q", "-c", "<img/src=x>", "feature/cards")
    git.commit("<b>Title</b>", {"<i>.py": "x\n"})
    number = github.open_pull_request("octo/shop", base="main", head="<img/src=x>", author="<u>")
    page = client()("GET", f"/octo/shop/pull/{number}").body.decode()
    assert "<img" not in page
    assert "<b>Title" not in page
    assert "<u>" not in page
