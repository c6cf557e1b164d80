"""Sending: in order, once, in ten seconds; and what can be made to go wrong with it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from reviewbot.errors import UsageError
from reviewbot.sandbox.github import Limits, SandboxGitHub, running
from reviewbot.sandbox.github.hooks import Hooks, Message, request_headers
from reviewbot.sandbox.github.records import Account, App

NAME = "octo/shop"


def say(github: SandboxGitHub, *words: str) -> None:
    if not github.hosted(NAME).issues:
        github.add_issue(NAME, "Cards")
    for word in words:
        github.comment(NAME, 1, "ann", word)


def said(receiver: Any) -> list[str]:
    return [each.json["comment"]["body"] for each in receiver.taken]


def test_in_order(hooked: SandboxGitHub, receiver: Any) -> None:
    words = [str(number) for number in range(20)]
    say(hooked, *words)
    hooked.hooks.drain()
    assert said(receiver) == words
    assert [row.id for row in hooked.hooks.log()] == list(range(20, 0, -1))


def test_held_and_shuffled(hooked: SandboxGitHub, receiver: Any) -> None:
    hooked.hooks.hold()
    say(hooked, *"abcdef")
    assert len(hooked.hooks.waiting()) == 6
    with pytest.raises(UsageError, match="held back"):
        hooked.hooks.drain()
    assert receiver.taken == []
    hooked.hooks.shuffle(1)
    first = [message.payload["comment"]["body"] for message in hooked.hooks.waiting()]
    hooked.hooks.release()
    hooked.hooks.drain()
    assert said(receiver) == first != list("abcdef")
    assert sorted(first) == list("abcdef")


def test_doubled(hooked: SandboxGitHub, receiver: Any) -> None:
    hooked.hooks.double()
    say(hooked, "a")
    hooked.hooks.double(on=False)
    say(hooked, "b")
    hooked.hooks.drain()
    assert said(receiver) == ["a", "a", "b"]
    guids = [each.headers["x-github-delivery"] for each in receiver.taken]
    assert guids[0] == guids[1] != guids[2]


def test_lost(hooked: SandboxGitHub, receiver: Any) -> None:
    hooked.hooks.lose(2)
    say(hooked, "a", "b", "c")
    hooked.hooks.drain()
    assert said(receiver) == ["c"]
    assert [(row.status, row.status_code) for row in hooked.hooks.log()] == [("OK", 202)] + [
        ("failed to connect", 0)
    ] * 2


def test_what_is_answered_is_not_sent_again(hooked: SandboxGitHub, receiver: Any) -> None:
    receiver.statuses = [500, 302, 204]
    say(hooked, "a", "b", "c")
    hooked.hooks.drain()
    assert said(receiver) == ["a", "b", "c"], "redirects are not followed either"
    assert [row.status for row in reversed(hooked.hooks.log())] == [
        "Invalid HTTP Response: 500", "Invalid HTTP Response: 302", "OK",
    ]  # fmt: skip


def test_nobody_there(hooked: SandboxGitHub) -> None:
    with running(lambda *_: None) as url:  # type: ignore[arg-type, return-value]
        gone = url
    hooked.app = replace(hooked.app, hook_url=f"{gone}/hook")
    say(hooked, "a")
    hooked.hooks.drain()
    hooked.app = replace(hooked.app, hook_url="https://bot.example/hook")
    say(hooked, "b")
    hooked.hooks.drain()
    assert {(row.status, row.status_code) for row in hooked.hooks.log()} == {("failed to connect", 0)}
    assert hooked.hooks.log()[0].duration < 5


def test_who_takes_too_long() -> None:
    waiting = threading.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        waiting.set()
        await asyncio.sleep(60)

    with running(slow) as url:
        app = App(1, "bot", Account(1, "o"), Account(2, "bot[bot]", "Bot"), hook_url=f"{url}/hook")
        hooks = Hooks(lambda: app, seconds=0.2)
        hooks.send(Message("ping", None, {}))
        assert waiting.wait(30)
        hooks.drain()
        (row,) = hooks.log()
        hooks.close()
    assert (row.status, row.status_code, row.response_headers) == ("timed out", 0, None)


def test_draining_ends(receiver: Any) -> None:
    """While the receiver has the first, the second waits."""
    taken, go_on = threading.Event(), threading.Event()

    async def stuck(scope: Any, receive: Any, send: Any) -> None:
        taken.set()
        await asyncio.to_thread(go_on.wait, 30)
        await receiver(scope, receive, send)

    with running(stuck) as url:
        app = App(1, "bot", Account(1, "o"), Account(2, "bot[bot]", "Bot"), hook_url=f"{url}/hook")
        hooks = Hooks(lambda: app)
        hooks.send(Message("ping", None, {}))
        hooks.send(Message("ping", None, {}))
        assert taken.wait(30)
        with pytest.raises(TimeoutError, match="1 deliveries still wait"):
            hooks.drain(0.01)
        go_on.set()
        hooks.drain()
        hooks.close()
        hooks.send(Message("ping", None, {}))
    assert len(receiver.taken) == len(hooks.log()) == 2


def test_a_receiver_may_ask_this_github(git: Any, receiver: Any) -> None:
    """Nothing is sent under the lock: a receiver that calls back while it answers is answered."""
    github = SandboxGitHub({NAME: git.path}, limits=Limits(hook_seconds=30))
    github.add_installation("octo")
    free = []

    def ask() -> bool:
        with github.lock:
            return bool(github.hosted(NAME).comments)

    async def curious(scope: Any, receive: Any, send: Any) -> None:
        free.append(await asyncio.to_thread(ask))
        await receiver(scope, receive, send)

    with running(curious) as url:
        github.use_app(hook_url=f"{url}/hook")
        say(github, "a")
        github.hooks.drain()
    github.close()
    assert free == [True]
    assert "x-hub-signature-256" not in receiver.taken[0].headers, "there is no secret"


def test_the_log_goes_back_three_days(hooked: SandboxGitHub) -> None:
    now = hooked.clock()
    say(hooked, "a")
    hooked.hooks.drain()
    hooked.clock = lambda: now + 3 * 86_400 - 60
    assert len(hooked.hooks.log()) == 1
    hooked.clock = lambda: now + 3 * 86_400 + 60
    assert hooked.hooks.log() == []


def test_the_secret_is_in_no_repr() -> None:
    app = App(1, "bot", Account(1, "o"), Account(2, "bot[bot]", "Bot"), hook_url="http://x", webhook_secret="s3cret")
    headers = request_headers(app, Message("ping", None, {}), b"{}")
    assert "s3cret" not in f"{app!r} {headers}"
