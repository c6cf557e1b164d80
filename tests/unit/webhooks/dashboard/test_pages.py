"""The whole page over ASGI: signing in, forms, limits, headers, hostile text, a database that is away."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import anyio
import httpx
import pytest
from fastapi import FastAPI

from reviewbot.board import BoardView, DeliveryLine, HealthLine, RunLine
from reviewbot.board_fake import FakeBoard, empty_view, full_view
from reviewbot.errors import StoreError
from reviewbot.jobs.job import JobState, JobStatus
from webhooks.dashboard.pages import add_dashboard
from webhooks.dashboard.session import Sessions

pytestmark = pytest.mark.anyio
TOKEN = "a-tökén-that-opens-it"
NOW = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
SITE = "http://status.example"
OWN = {"sec-fetch-site": "same-origin"}
BEARER = {"authorization": f"Bearer {TOKEN}".encode()}


class World:
    """An application with the page, its board, and a clock that is set by hand."""

    def __init__(self, view: BoardView | None = None, token: str = TOKEN, *, secure: bool = False) -> None:
        self.now = NOW.timestamp()
        self.board = FakeBoard(view or full_view(NOW))
        self.app = FastAPI()
        add_dashboard(self.app, self.board, token, secure=secure, clock=lambda: self.now)

    @asynccontextmanager
    async def client(self, *, signed_in: bool = False) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=SITE, headers=OWN) as client:
            if signed_in:
                answer = await client.post("/login", data={"token": TOKEN})
                assert answer.status_code == 303, answer.text
            yield client


async def form_word(client: httpx.AsyncClient) -> str:
    found = re.search(r'name="form_word" value="([0-9a-f]{64})"', (await client.get("/")).text)
    assert found
    return found[1]


def parked_id(world: World) -> str:
    return world.board.current.parked[0].id


# ---- signing in and out ----------------------------------------------------------------------------------------------


async def test_a_stranger_is_led_to_the_sign_in_and_learns_nothing() -> None:
    async with World().client() as client:
        answer = await client.get("/")
        assert (answer.status_code, answer.headers["location"], answer.text) == (303, "/login", "")
        assert (await client.get("/login")).status_code == 200
        for path, status in (("/status", 401), ("/status.json", 401)):
            answer = await client.get(path)
            assert answer.status_code == status
            assert "octo" not in answer.text
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_the_token_signs_in() -> None:
    async with World().client() as client:
        answer = await client.post("/login", data={"token": f" {TOKEN}\n"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/" in cookie
        assert "max-age=43200" in cookie
        assert "secure" not in cookie
        assert TOKEN not in cookie
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/login")).headers["location"] == "/"


async def test_over_https_the_cookie_is_bound_to_the_host() -> None:
    async with World(secure=True).client() as client:
        cookie = (await client.post("/login", data={"token": TOKEN})).headers["set-cookie"]
        assert cookie.startswith("__Host-reviewbot=")
        assert "Secure" in cookie


@pytest.mark.parametrize("token", ["wrong", "", "ü", TOKEN.upper(), "\udcff", "x" * 5_000])
async def test_a_wrong_token_does_not(token: str) -> None:
    async with World().client() as client:
        body = b"token=" + b"".join(b"%%%02x" % byte for byte in token.encode("utf-8", "surrogateescape"))
        if len(body) > 8_192:
            body = b"token=" + token.encode()
        answer = await client.post(
            "/login", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert answer.status_code == 403
        assert "The token is wrong." in answer.text
        assert "set-cookie" not in answer.headers
        assert (await client.get("/")).status_code == 303


async def test_attempts_are_limited_for_a_minute() -> None:
    world = World()
    async with world.client() as client:
        for _ in range(10):
            assert (await client.post("/login", data={"token": "wrong"})).status_code == 403
            world.now += 1
        answer = await client.post("/login", data={"token": TOKEN})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "50")
        assert "set-cookie" not in answer.headers
        assert (
            await client.get("/status.json", headers=BEARER)
        ).status_code == 200  # machines have a limit of their own
        world.now += 50
        assert (await client.post("/login", data={"token": TOKEN})).status_code == 303


async def test_sessions_are_not_disturbed_by_somebody_who_tries_tokens() -> None:
    world = World()
    async with world.client(signed_in=True) as client, world.client() as stranger:
        for _ in range(12):
            await stranger.post("/login", data={"token": "wrong"})
        assert (await client.get("/")).status_code == 200


async def test_a_session_ends_after_twelve_hours() -> None:
    world = World()
    async with world.client(signed_in=True) as client:
        world.now += 12 * 3_600 - 1
        assert (await client.get("/")).status_code == 200
        world.now += 1
        assert (await client.get("/")).status_code == 303
        assert (await client.get("/status")).status_code == 401


@pytest.mark.parametrize("token", ["another-token", TOKEN])
async def test_forged_cookies_and_those_of_an_old_token_are_nothing(token: str) -> None:
    world = World()
    cookie = Sessions(token).begin(world.now, "word")
    async with world.client() as client:
        given = cookie if token != TOKEN else cookie.replace(".word.", ".w0rd.")
        assert (await client.get("/", headers={"cookie": f"reviewbot={given}"})).status_code == 303
        assert (
            await client.get("/", headers={"cookie": f"reviewbot={Sessions(TOKEN).begin(world.now, 'w')}"})
        ).status_code == 200


async def test_signing_out_ends_the_session_for_copies_of_the_cookie_too() -> None:
    world = World()
    async with world.client(signed_in=True) as client:
        copy = {"cookie": f"reviewbot={client.cookies['reviewbot']}"}
        answer = await client.post("/logout", data={"form_word": await form_word(client)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert (await client.get("/")).status_code == 303
        assert (await client.get("/", headers=copy)).status_code == 303


async def test_who_comes_from_another_site_is_told_why_the_sign_in_is_asked_for() -> None:
    async with World().client() as client:
        assert "another site" not in (await client.get("/login")).text
        assert "another site" in (await client.get("/login", headers={"sec-fetch-site": "cross-site"})).text


# ---- forms -----------------------------------------------------------------------------------------------------------


async def test_a_parked_job_is_retried() -> None:
    world = World()
    async with world.client(signed_in=True) as client:
        job_id, word = parked_id(world), await form_word(client)
        answer = await client.post(f"/jobs/{job_id}/retry", data={"form_word": word})
        assert (answer.status_code, answer.headers["location"]) == (303, "/?said=retried")
        assert world.board.retried == [job_id]
        assert "The job gets a new round of tries." in (await client.get("/?said=retried")).text
        answer = await client.post(f"/jobs/{job_id}/retry", data={"form_word": word})
        assert answer.headers["location"] == "/?said=not-parked"
        assert world.board.retried == [job_id]


async def test_an_odd_job_id_comes_through() -> None:
    world = World()
    job = JobStatus("a/b?c#d é", "k", JobState.PARKED, NOW, 1)
    world.board.current = replace(world.board.current, parked=(job,))
    async with world.client(signed_in=True) as client:
        action = re.search(r'action="(/jobs/[^"]+)"', (await client.get("/")).text)
        assert action
        await client.post(action[1], data={"form_word": await form_word(client)})
    assert world.board.retried == ["a/b?c#d é"]


@pytest.mark.parametrize("word", ["", "0" * 64, "é"])
async def test_a_form_without_the_word_of_its_session_is_refused(word: str) -> None:
    world = World()
    async with world.client(signed_in=True) as client:
        for path in (f"/jobs/{parked_id(world)}/retry", "/logout"):
            assert (await client.post(path, data={"form_word": word})).status_code == 403
        assert (await client.get("/")).status_code == 200
    assert world.board.retried == []


async def test_the_word_of_another_session_is_refused() -> None:
    world = World()
    async with world.client(signed_in=True) as one, world.client(signed_in=True) as two:
        answer = await one.post(f"/jobs/{parked_id(world)}/retry", data={"form_word": await form_word(two)})
        assert answer.status_code == 403
    assert world.board.retried == []


async def test_a_form_of_nobody_leads_to_the_sign_in() -> None:
    world = World()
    async with world.client() as client:
        answer = await client.post(f"/jobs/{parked_id(world)}/retry", data={"form_word": "x"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert world.board.retried == []


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": SITE}, False),
        ({"origin": SITE}, True),
        ({"origin": "HTTP://Status.Example"}, True),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://[bad"}, False),
        ({}, False),
    ],
)
async def test_forms_of_other_sites_are_refused(headers: dict[str, str], taken: bool) -> None:
    world = World()
    async with world.client(signed_in=True) as client:
        word = await form_word(client)
        del client.headers["sec-fetch-site"]
        answer = await client.post(f"/jobs/{parked_id(world)}/retry", data={"form_word": word}, headers=headers)
        assert answer.status_code == (303 if taken else 403)
        assert (await client.post("/login", data={"token": TOKEN}, headers=headers)).status_code == (
            303 if taken else 403
        )
    assert len(world.board.retried) == taken


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"token=x", "application/json", 415),
        (b"token=x", "multipart/form-data; boundary=x", 415),
        (b"token=" + b"x" * 9_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a=b" for _ in range(9)), "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe&=&&%", "application/x-www-form-urlencoded; charset=utf-8", 403),
    ],
)
async def test_odd_bodies_are_refused(body: bytes, media: str, status: int) -> None:
    async with World().client() as client:
        assert (await client.post("/login", content=body, headers={"content-type": media})).status_code == status


async def test_a_large_body_is_not_read_to_its_end() -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b"x" * 4_096

    async with World().client() as client:
        answer = await client.post(
            "/login", content=chunks(), headers={"content-type": "application/x-www-form-urlencoded"}
        )
    assert answer.status_code == 413
    assert sent < 10


# ---- headers and files -----------------------------------------------------------------------------------------------


async def test_every_answer_has_its_headers() -> None:
    world = World()
    async with world.client(signed_in=True) as client, world.client() as stranger:
        word = await form_word(client)
        answers = [
            *[
                await client.get(path)
                for path in ("/", "/status", "/login", "/assets/dashboard.css", "/assets/nothing")
            ],
            *[await stranger.get(path) for path in ("/", "/login", "/status", "/status.json", "/jobs/x/retry")],
            await stranger.get("/status.json", headers=BEARER),
            await stranger.post("/login", data={"token": "wrong"}),
            await stranger.put("/login"),
            await client.post("/jobs/x/retry", data={"form_word": word}),
            await client.post("/jobs/x/retry", data={"form_word": "x"}),
            await client.post("/logout", data={"form_word": word}),
        ]
    assert {answer.status_code for answer in answers} == {200, 303, 401, 403, 404, 405}
    for answer in answers:
        assert answer.headers["content-security-policy"] == (
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
            "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"


async def test_other_addresses_of_the_application_are_left_alone() -> None:
    async with World().client() as client:
        assert "content-security-policy" not in (await client.get("/webhooks/github")).headers


@pytest.mark.parametrize(
    ("name", "media"),
    [("dashboard.css", "text/css"), ("dashboard.js", "text/javascript"), ("icon.svg", "image/svg+xml")],
)
async def test_files_come_with_the_package(name: str, media: str) -> None:
    async with World().client() as client:
        answer = await client.get(f"/assets/{name}")
        assert answer.headers["content-type"].startswith(media)
        assert len(answer.content) > 100


@pytest.mark.parametrize("name", ["off.css", "../pages.py", "%2e%2e/pages.py", "..%2fpages.py", "", "x"])
async def test_no_other_file_does(name: str) -> None:
    async with World().client() as client:
        assert (await client.get(f"/assets/{name}")).status_code == 404


async def test_nothing_stands_inline() -> None:
    async with World().client(signed_in=True) as client:
        text = (await client.get("/")).text
    assert not re.findall(r"<script(?! src=)|<style|\sstyle=|\son[a-z]+=|http-equiv|javascript:", text)


# ---- what it shows ---------------------------------------------------------------------------------------------------


async def test_every_section_is_filled() -> None:
    async with World().client(signed_in=True) as client:
        text = (await client.get("/")).text
    for part in (
        "As of", "12:00:00 UTC", "Model provider", "does not work", "1 min 35 s", 'value="3" max="12"', "$0.0812",
        "queued", "delayed", "attempt 2 after: ", "no credit left", "Retry", "is suspended", "findings", "incomplete",
        'href="https://github.com/octo/shop/pull/41#pullrequestreview-90"', "1 min 24 s", "outsider: Who comments",
        '<time datetime="2026-11-28T11:52:24Z"',
    ):  # fmt: skip
        assert part in text, part


async def test_empty_sections_say_what_would_fill_them() -> None:
    async with World(empty_view(NOW)).client(signed_in=True) as client:
        text = (await client.get("/")).text
    for part in (
        "Nothing runs.",
        "No jobs wait.",
        "No job is parked.",
        "No troubles.",
        "No review has ended",
        "No delivery came",
    ):
        assert part in text


async def test_the_fragment_is_the_sections_of_the_page() -> None:
    async with World().client(signed_in=True) as client:
        fragment, text = (await client.get("/status")).text, (await client.get("/")).text
    assert fragment.strip() in text
    assert "<html" not in fragment


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202egnp.exe\x00\x1b[31m\udcff{{ 7*7 }}"


async def test_hostile_text_is_shown_and_does_nothing() -> None:
    run = RunLine(
        EVIL, EVIL, "javascript:alert(1)", EVIL, EVIL, NOW, verdict=EVIL, stage=EVIL, error=EVIL, review_url=EVIL
    )
    job = JobStatus(EVIL, EVIL, JobState.QUEUED, NOW, 2, EVIL)
    view = replace(
        full_view(NOW), health=(HealthLine(EVIL, ok=False, detail=EVIL),), jobs=(job, replace(job, state=JobState.RUNNING)),
        running=(run,), recent=(run, replace(run, url=EVIL)), parked=(job,), troubles=(job,),
        deliveries=(DeliveryLine(EVIL, EVIL, EVIL, EVIL, 1, NOW, EVIL),),
    )  # fmt: skip
    async with World(view).client(signed_in=True) as client:
        text = (await client.get("/")).text
        data = (await client.get("/status.json", headers=BEARER)).text
    body = re.sub(r'<script src="/assets/dashboard.js" defer></script>', "", text)
    assert "<script" not in body
    assert "<img" not in body
    assert "javascript:" not in body
    assert not re.search(r"href=\"(?!/)", body)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert "\\u202e" in body
    assert "{{ 7*7 }}" in body
    assert not re.search("[\x00\x1b\u202e]", body + data)


async def test_secrets_in_errors_are_masked() -> None:
    view = full_view(NOW)
    secret = "ghp_" + "a1B2c3D4e5" * 4
    world = World(replace(view, parked=(replace(view.parked[0], error=f"401 for {secret}"),)))
    async with world.client(signed_in=True) as client:
        assert secret not in (await client.get("/")).text
        assert secret not in (await client.get("/status.json", headers=BEARER)).text


# ---- machines --------------------------------------------------------------------------------------------------------


async def test_machines_get_the_same_as_json() -> None:
    async with World().client() as client:
        answer = await client.get("/status.json", headers=BEARER)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json()["parked"][0]["pr_key"] == "github.com/octo/billing#3"


@pytest.mark.parametrize("value", [b"Bearer wrong", b"Bearer ", b"Basic eDp5", b"\xff", b"Bearer \xff\xfe", b""])
async def test_machines_with_another_token_get_nothing(value: bytes) -> None:
    async with World().client() as client:
        answer = await client.get("/status.json", headers={"authorization": value})
        assert answer.status_code == 401
        assert set(answer.json()) == {"error"}


async def test_machines_have_a_limit_too_and_requests_without_a_token_do_not_count() -> None:
    world = World()
    async with world.client() as client:
        for _ in range(20):
            assert (await client.get("/status.json")).status_code == 401
        for _ in range(10):
            assert (await client.get("/status.json", headers={"authorization": "Bearer x"})).status_code == 401
        answer = await client.get("/status.json", headers=BEARER)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
        assert (await client.post("/login", data={"token": TOKEN})).status_code == 303
        world.now += 60
        assert (await client.get("/status.json", headers=BEARER)).status_code == 200


# ---- faults ----------------------------------------------------------------------------------------------------------


async def test_a_database_that_is_away_is_a_page() -> None:
    world = World()
    async with world.client(signed_in=True) as client:
        word = await form_word(client)
        world.board.fault = StoreError("The database <gone> does not answer.", remedy="Look at the disk.")
        answers = [
            await client.get("/"),
            await client.get("/status"),
            await client.post(f"/jobs/{parked_id(world)}/retry", data={"form_word": word}),
        ]
        for answer in answers:
            assert answer.status_code == 503
            assert "The database &lt;gone&gt; does not answer." in answer.text
            assert "Look at the disk." in answer.text
            assert answer.headers["cache-control"] == "no-store"
        answer = await client.get("/status.json", headers=BEARER)
        assert (answer.status_code, answer.json()["remedy"]) == (503, "Look at the disk.")


async def test_a_board_is_asked_once_at_a_time() -> None:
    class Slow(FakeBoard):
        asked = most = 0

        async def view(self) -> BoardView:
            self.asked += 1
            self.most = max(self.most, self.asked)
            await anyio.sleep(0.01)
            self.asked -= 1
            return await super().view()

    board, app = Slow(full_view(NOW)), FastAPI()
    add_dashboard(app, board, TOKEN, secure=False)
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SITE) as client,
        anyio.create_task_group() as group,
    ):
        for _ in range(5):
            group.start_soon(lambda: client.get("/status.json", headers=BEARER))
    assert (board.asked, board.most) == (0, 1)


# ---- turned off ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "  \n"])
async def test_without_a_token_the_page_says_how_to_turn_it_on(token: str) -> None:
    world = World(token=token)
    async with world.client() as client:
        answer = await client.get("/")
        assert answer.status_code == 200
        assert "REVIEWBOT_ADMIN_TOKEN" in answer.text
        assert "octo" not in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        assert answer.headers["cache-control"] == "no-store"
        for path in ("/login", "/status", "/status.json", "/assets/dashboard.css", "/jobs/x/retry"):
            assert (await client.get(path, headers={"authorization": "Bearer "})).status_code == 404
        for path in ("/login", "/logout", "/jobs/x/retry"):
            assert (await client.post(path, data={"token": token})).status_code == 404
        assert (await client.post("/", data={"token": token})).status_code == 405


async def test_the_token_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    world = World()
    async with world.client(signed_in=True) as client:
        await client.post("/login", data={"token": "wrong-but-nearly"})
        await client.post(f"/jobs/{parked_id(world)}/retry", data={"form_word": await form_word(client)})
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("webhooks")]
    assert len(ours) == 3
    assert not [line for line in ours if TOKEN in line or "nearly" in line]
