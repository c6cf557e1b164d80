"""Failed webhook deliveries: which are worth asking for again, and asking, of a scripted GitHub and of the sandbox."""

from __future__ import annotations

import logging
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import run_sync
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from reviewbot import errors
from reviewbot.github.app_auth import AppAuth
from reviewbot.github.hook_deliveries import (
    KEPT,
    PAUSES,
    HookDelivery,
    Swept,
    list_deliveries,
    redeliver,
    sweep,
    to_redeliver,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
EVENTS = ("pull_request", "issue_comment")
PATH = "/app/hook/deliveries"


def made(number: int, guid: str = "a", ago: float = 60, code: int = 500, **more: Any) -> HookDelivery:
    """``ago`` in minutes."""
    at = NOW - timedelta(minutes=ago)
    return replace(HookDelivery(number, guid, at, "pull_request", "opened", code, redelivery=False), **more)


def again(number: int, guid: str = "a", ago: float = 60, code: int = 500) -> HookDelivery:
    return made(number, guid, ago, code, redelivery=True)


def chosen(*deliveries: HookDelivery, since: datetime = NOW - KEPT, at_most: int = 50) -> list[int]:
    return [each.id for each in to_redeliver(deliveries, NOW, since=since, at_most=at_most, events=EVENTS)]


@pytest.mark.parametrize("code", [0, 301, 401, 403, 404, 408, 429, 500, 502, 503, 504])
def test_what_a_repeat_may_mend(code: int) -> None:
    assert chosen(made(1, code=code)) == [1]


@pytest.mark.parametrize("code", [200, 202, 204, 400, 413, 415])
def test_what_no_repeat_mends(code: int) -> None:
    assert chosen(made(1, code=code)) == []


def test_one_success_is_enough_whenever_it_was() -> None:
    assert chosen(made(1, ago=90), again(2, ago=60, code=202)) == []
    assert chosen(made(1, ago=90, code=202), again(2, ago=60)) == []
    assert chosen(made(1, "a"), made(2, "b", code=200)) == [1]


def test_the_newest_attempt_counts_for_each_event_and_the_oldest_comes_first() -> None:
    rows = [made(1, "a", 300), again(5, "a", 100), made(2, "b", 200), made(3, "c", 50), made(4, "d", 50)]
    assert chosen(*rows) == chosen(*reversed(rows)) == [2, 5, 3, 4]


def test_events_of_no_use() -> None:
    assert chosen(made(1, event="push"), made(2, "b", event="issue_comment")) == [2]


def test_neither_older_than_asked_for_nor_than_github_keeps_them() -> None:
    assert chosen(made(1, ago=61), made(2, "b", 59), since=NOW - timedelta(hours=1)) == [2]
    days = 24 * 60
    assert chosen(made(1, ago=3 * days + 1), made(2, "b", 3 * days - 1), since=NOW - timedelta(days=30)) == [2]


@pytest.mark.parametrize(
    ("repeats", "ago", "due"),
    [(0, 0, True), (1, 9, False), (1, 10, True), (2, 59, False), (2, 60, True), (3, 600, False), (4, 600, False)],
)
def test_three_redeliveries_each_after_a_longer_pause(repeats: int, ago: float, due: bool) -> None:
    rows = [made(1, ago=ago + 100 * repeats)]
    rows += [again(number + 2, ago=ago + 100 * (repeats - number - 1)) for number in range(repeats)]
    assert chosen(*rows) == ([repeats + 1] if due else [])


def test_so_many_at_most() -> None:
    rows = [made(number, f"{number}", 100 - number) for number in range(1, 9)]
    assert chosen(*rows, at_most=3) == [1, 2, 3]
    assert chosen(*rows, at_most=0) == []


_ROWS = st.lists(
    st.builds(
        made,
        st.integers(1, 10_000),
        st.sampled_from("abcde"),
        st.floats(0, 5 * 24 * 60),
        st.sampled_from([0, 200, 202, 400, 401, 500]),
        event=st.sampled_from(["pull_request", "push"]),
        redelivery=st.booleans(),
    ),
    max_size=20,
    unique_by=lambda row: row.id,
)


@given(_ROWS, st.integers(0, 5), st.randoms(use_true_random=False))
def test_whatever_the_log_says(rows: list[HookDelivery], at_most: int, chance: random.Random) -> None:
    got = to_redeliver(rows, NOW, since=NOW - KEPT, at_most=at_most, events=EVENTS)
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert got == to_redeliver(shuffled, NOW, since=NOW - KEPT, at_most=at_most, events=EVENTS)
    assert len(got) <= at_most
    guids = [each.guid for each in got]
    assert len(set(guids)) == len(guids)
    for each in got:
        tried = [row for row in rows if row.guid == each.guid and row.event in EVENTS]
        assert each in tried
        assert not any(row.succeeded for row in tried)
        assert each.delivered_at == max(row.delivered_at for row in tried) >= NOW - KEPT
        assert sum(row.redelivery for row in tried) < len(PAUSES)


# ---- a scripted GitHub -----------------------------------------------------------------------------------------------


def row(number: int, ago: float = 60, code: int = 500, **more: Any) -> dict[str, Any]:
    at = (NOW - timedelta(minutes=ago)).isoformat().replace("+00:00", "Z")
    facts = {"id": number, "guid": f"g-{number}", "delivered_at": at, "event": "pull_request", "action": "opened"}
    return facts | {"status_code": code, "status": "x", "redelivery": False, "duration": 0.1} | more


class Log:
    """A log of deliveries in pages of two, newest first; it remembers what was asked for again."""

    def __init__(self, hub: Any, answer: Any, rows: list[dict[str, Any]]) -> None:
        self.hub, self.answer, self.rows = hub, answer, rows
        hub.on("GET", PATH, self.page)
        hub.on("POST", f"{PATH}/\\d+/attempts", answer({}, 202))

    def page(self, asked: Any) -> Any:
        start = int(asked.query.get("cursor", ["0"])[0])
        more = start + 2 < len(self.rows)
        # A hostile address: only its parameters may be taken.
        links = [f'<https://evil.example/x?per_page=100&cursor={start + 2}>; rel="next"'] if more else []
        links += ['<https://evil.example/x?cursor=0>; rel="prev"'] if start else []
        return self.answer(self.rows[start : start + 2], headers={"Link": ", ".join(links)} if links else {})

    @property
    def pages(self) -> int:
        return len(self.hub.sent("GET", PATH))

    @property
    def asked(self) -> list[int]:
        return [int(each.path.split("/")[4]) for each in self.hub.sent("POST", ".*/attempts")]


@pytest.mark.anyio
async def test_the_log_is_read_page_by_page(hub: Any, answer: Any) -> None:
    log = Log(hub, answer, [row(number, ago=100 - number, action=None) for number in range(5, 0, -1)])
    found = await list_deliveries(hub.client(), NOW - KEPT)
    assert [each.id for each in found] == [5, 4, 3, 2, 1]
    assert found[0] == HookDelivery(5, "g-5", NOW - timedelta(minutes=95), "pull_request", "", 500, redelivery=False)
    assert log.pages == 3
    assert hub.asked[1].query == {"per_page": ["100"], "cursor": ["2"]}


@pytest.mark.anyio
async def test_reading_ends_where_it_was_asked_to(hub: Any, answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    log = Log(hub, answer, [row(number, ago=10 * (10 - number)) for number in range(9, 0, -1)])
    with caplog.at_level(logging.WARNING):
        found = await list_deliveries(hub.client(), NOW - timedelta(minutes=30))
        assert ([each.id for each in found], log.pages) == ([9, 8, 7], 2)
        assert caplog.messages == []
        found = await list_deliveries(hub.client(), NOW - KEPT, most_pages=2)
    assert ([each.id for each in found], log.pages) == ([9, 8, 7, 6], 4)
    assert "more than 4 webhook deliveries" in caplog.text


@pytest.mark.anyio
async def test_a_sweep(hub: Any, answer: Any) -> None:
    rows = [row(6, 5), row(5, 10, 202), row(4, 20, 400), row(3, 30, event="push"), row(2, 40), row(1, 200)]
    log = Log(hub, answer, rows)
    done = await sweep(hub.client(), NOW, events=EVENTS, since=NOW - timedelta(hours=1))
    assert done == Swept(seen=5, failed=3, redelivered=2)
    assert log.asked == [2, 6]
    assert (await sweep(hub.client(), NOW, events=EVENTS, at_most=1)).redelivered == 1
    assert log.asked == [2, 6, 1]


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 404, 422])
async def test_what_github_has_no_more_is_no_error(hub: Any, answer: Any, status: int) -> None:
    Log(hub, answer, [row(1)])
    hub.on("POST", f"{PATH}/1/attempts", answer({"message": "No"}, status))
    assert await redeliver(hub.client(), made(1)) is False
    assert await sweep(hub.client(), NOW, events=EVENTS) == Swept(seen=1, failed=1, redelivered=0)


@pytest.mark.anyio
async def test_other_errors_are_raised(hub: Any, answer: Any) -> None:
    hub.on("POST", f"{PATH}/1/attempts", answer({"message": "Bad credentials"}, 401))
    with pytest.raises(errors.GitHubUnauthorized):
        await redeliver(hub.client(), made(1))
    hub.on("POST", f"{PATH}/1/attempts", answer(drop=True), answer({}, 202))
    assert await redeliver(hub.client(), made(1)) is True, "asking twice does no harm"
    hub.on("GET", PATH, answer({"message": "Bad credentials"}, 401))
    with pytest.raises(errors.GitHubUnauthorized):
        await sweep(hub.client(), NOW, events=EVENTS)


# ---- the sandbox -----------------------------------------------------------------------------------------------------


class Door:
    """Takes deliveries; answers 503 while it is ``broken``."""

    def __init__(self) -> None:
        self.guids: list[str] = []
        self.broken = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        if not self.broken:
            self.guids.append(dict(scope["headers"])[b"x-github-delivery"].decode())
        await send({"type": "http.response.start", "status": 503 if self.broken else 202, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@dataclass
class World:
    github: Any
    door: Door
    app: AppAuth

    async def swept(self, **more: Any) -> Swept:
        """A sweep, and the end of all that it caused."""
        now = datetime.fromtimestamp(self.github.clock(), UTC)
        done = await sweep(self.app.client, now, events=EVENTS, **more)
        await run_sync(self.github.hooks.drain)
        return done

    async def say(self, count: int) -> None:
        for _ in range(count):
            self.github.comment("octo/shop", 1, "ann", "Hello")
        await run_sync(self.github.hooks.drain)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    sandbox = pytest.importorskip("reviewbot.sandbox.github")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, form, plain).decode()
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()
    git = ["git", "-C", str(tmp_path), "-c", "user.name=d", "-c", "user.email=d@example.org"]
    subprocess.run([*git, "init", "-q", "-b", "main", "--template="], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "First"], check=True)
    github, door = sandbox.SandboxGitHub({"octo/shop": tmp_path}), Door()
    with sandbox.running(sandbox.create_app(github)) as url, sandbox.running(door) as door_url:
        github.add_installation("octo")
        app_id = github.use_app(public_key=public, hook_url=f"{door_url}/hook", webhook_secret="s")
        github.add_issue("octo/shop", "Cards")
        yield World(github, door, AppAuth(str(app_id), private, api_url=url))
        github.close()


@pytest.mark.anyio
async def test_what_was_lost_arrives_again_with_the_same_guid(world: World) -> None:
    world.github.hooks.lose(2)
    await world.say(3)
    assert len(world.door.guids) == 1
    assert await world.swept() == Swept(seen=3, failed=2, redelivered=2)
    assert await world.swept() == Swept(seen=5, failed=0, redelivered=0)
    first = [row.message.guid for row in world.github.hooks.log() if not row.message.redelivery]
    assert sorted(world.door.guids) == sorted(first)
    await world.app.aclose()


@pytest.mark.anyio
async def test_after_an_outage(world: World) -> None:
    """More than a page, some redeliveries failing as well; in the end each arrives once."""
    start, late = world.github.clock(), timedelta(0)
    world.github.clock = lambda: start + late.total_seconds()
    world.door.broken = True
    await world.say(110)
    assert await world.swept(at_most=40) == Swept(seen=110, failed=110, redelivered=40)
    world.door.broken = False
    assert await world.swept(at_most=1_000) == Swept(seen=150, failed=110, redelivered=70)
    assert (await world.swept()).redelivered == 0, "the pause is not over"
    late = timedelta(minutes=11)
    assert await world.swept(at_most=1_000) == Swept(seen=220, failed=40, redelivered=40)
    assert len(world.door.guids) == len(set(world.door.guids)) == 110
    late = KEPT + timedelta(hours=1)
    assert (await world.swept()).seen == 0
    await world.app.aclose()
