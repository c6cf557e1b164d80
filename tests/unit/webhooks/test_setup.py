"""The gate, the forms and the pages of /setup, without a GitHub."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.github.manifest import EVENTS, PERMISSIONS
from webhooks.setup import SetupContext, setup_routes
from webhooks.setup_gate import SECONDS, Gate
from webhooks.setup_pages import EVENT_WORDS, PERMISSION_WORDS, SetupPages

WORD = "the-word-that-opens-it"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def context(folder: Path, **changes: object) -> SetupContext:
    known: dict[str, object] = {"github_url": "https://github.com", "api_url": "http://127.0.0.1:9", "data_dir": folder}
    known |= {"public_url": "https://bot.example.com", "gate": WORD, "done": lambda _: None, "ready": False}
    return SetupContext(**(known | changes))  # type: ignore[arg-type]


def browser(made: SetupContext, base: str = "https://bot.example.com") -> httpx.AsyncClient:
    app = FastAPI()
    setup_routes(app, made)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base, follow_redirects=True)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(context(tmp_path)) as made:
        yield made


# ---- the gate --------------------------------------------------------------------------------------------------------


@given(st.text())
def test_only_the_word_opens(given_word: str) -> None:
    assert Gate(WORD).opens(given_word) is (given_word == WORD)
    assert not Gate("").opens(given_word)


@given(st.text())
def test_what_was_not_signed_here_is_nothing(given_value: str) -> None:
    gate = Gate(WORD)
    assert not gate.is_pass(given_value)
    assert not gate.is_state(given_value)


def test_passes_and_states_end_after_an_hour_and_are_not_each_other() -> None:
    clock = Clock()
    gate = Gate(WORD, clock=clock)
    entry, state = gate.new_pass(), gate.new_state()
    assert gate.new_state() != state
    other = Gate(WORD, clock=clock)
    assert other.is_pass(entry), "after a restart, too"
    assert other.is_state(state)
    assert not gate.is_pass(state)
    assert not gate.is_state(entry)
    assert not Gate("another-word-altogether", clock=clock).is_state(state)
    assert not Gate("", clock=clock).is_state(Gate("", clock=clock).new_state())
    later = state.replace(state.partition(".")[0], str(int(clock.now) + SECONDS + 9))
    assert not gate.is_state(later)
    clock.now += SECONDS
    assert not gate.is_pass(entry)
    assert not gate.is_state(state)


def test_ten_tries_a_minute() -> None:
    clock = Clock()
    gate = Gate(WORD, clock=clock)
    for _ in range(10):
        assert gate.wait() == 0
        gate.opens("wrong")
    assert gate.wait() == 60
    clock.now += 59
    assert gate.wait() == 1
    clock.now += 1
    assert gate.wait() == 0


# ---- pages -----------------------------------------------------------------------------------------------------------


def test_every_permission_and_event_has_its_words() -> None:
    assert PERMISSION_WORDS.keys() == PERMISSIONS.keys()
    assert EVENT_WORDS.keys() == EVENTS.keys()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://github.com/apps/our-bot", True),
        ("https://github.com.evil.example/apps/x", False),
        ("https://evil.example/https://github.com/", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_only_an_address_on_this_github_becomes_a_link(url: str, shown: bool) -> None:
    pages = SetupPages("https://github.com/")
    app = pages.shown("77", "<script>alert(1)</script>", url)
    assert app.url == (url if shown else "")
    text = bytes(pages.made(app).body).decode()
    assert "<script>" not in text
    assert ("installations/new" in text) is shown


async def enter(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/setup", data={"word": WORD})


def manifest(text: str) -> dict[str, object]:
    found = re.search(r'name="manifest" value="([^"]*)"', text)
    assert found
    return dict(json.loads(html.unescape(found[1])))


@pytest.mark.anyio
async def test_the_word_first_then_the_button(client: httpx.AsyncClient) -> None:
    page = await client.get("/setup")
    assert page.status_code == 200
    assert "Admin token" in page.text
    assert "manifest" not in page.text
    page = await enter(client)
    assert (page.status_code, page.url.path) == (200, "/setup")
    made = manifest(page.text)
    assert made["default_permissions"] == dict(PERMISSIONS)
    assert made["default_events"] == list(EVENTS)
    assert made["redirect_url"] == "https://bot.example.com/setup/callback"
    assert made["public"] is False
    assert re.fullmatch(r"reviewbot-[0-9a-f]{4}", str(made["name"]))
    assert 'action="https://github.com/settings/apps/new?state=' in page.text
    assert page.text.count(">Create the GitHub App</button>") == 1
    for words in (*PERMISSION_WORDS.values(), *EVENT_WORDS.values()):
        assert words in page.text


@pytest.mark.anyio
async def test_the_cookie_is_out_of_reach(tmp_path: Path) -> None:
    async with browser(context(tmp_path), "http://bot.example.com") as client:
        answer = await client.post("/setup", data={"word": WORD}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "setup")
    cookie = answer.headers["set-cookie"]
    assert all(each in cookie for each in ("HttpOnly", "SameSite=lax", "Secure", f"Max-Age={SECONDS}"))
    assert WORD not in cookie


@pytest.mark.anyio
async def test_a_wrong_word_and_too_many(client: httpx.AsyncClient) -> None:
    for _ in range(10):
        answer = await client.post("/setup", data={"word": "wrong"})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
    answer = await client.post("/setup", data={"word": WORD})
    assert answer.status_code == 429, "not even the right one"
    assert 1 <= int(answer.headers["retry-after"]) <= 61


@pytest.mark.anyio
async def test_without_a_word_it_stays_shut(tmp_path: Path) -> None:
    async with browser(context(tmp_path, gate="")) as client:
        for answer in (await client.get("/setup"), await client.post("/setup", data={"word": ""})):
            assert answer.status_code == 403
            assert "REVIEWBOT_ADMIN_TOKEN" in answer.text
        assert (await client.get("/setup/callback?code=a&state=b")).status_code == 403


@pytest.mark.anyio
async def test_headers(client: httpx.AsyncClient) -> None:
    for answer in (await client.get("/setup"), await enter(client), await client.get("/setup/callback")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self' https://github.com" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "<script" not in answer.text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://[", "X": "y"}, 403),
        ({"Origin": "https://bot.example.com"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
    ],
)
async def test_forms_of_other_sites_are_refused(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    await enter(client)
    fields = {"name": "x", "organization": "", "public": "", "address": "https://evil.example"}
    answer = await client.post("/setup", data=fields, headers=headers)
    assert answer.status_code == status
    assert ("evil.example/webhooks" in answer.text) is (status == 200)


@pytest.mark.anyio
async def test_fields_in_the_address_are_not_read(client: httpx.AsyncClient) -> None:
    """Else a link could fill them in for somebody else's server."""
    await enter(client)
    page = await client.get("/setup", params={"name": "x", "address": "https://evil.example"})
    assert "evil" not in page.text


@pytest.mark.anyio
async def test_what_is_no_form(client: httpx.AsyncClient) -> None:
    assert (await client.post("/setup", json={"word": WORD})).status_code == 415
    assert (await client.post("/setup", content=b"a" * 20_000, headers=FORM)).status_code == 413
    assert (await client.post("/setup", content=b"a=1&" * 50, headers=FORM)).status_code == 400
    assert (await client.post("/setup", content=b"word=%FF\xff", headers=FORM)).status_code == 401


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "x" * 35, "cannot be an App"),
        ("name", "", "cannot be an App"),
        ("name", "a\u202eb", "cannot be an App"),
        ("organization", "../../evil", "not an organisation"),
        ("organization", 'x"><script>', "not an organisation"),
        ("address", "http://localhost:8000", "github.com cannot reach localhost"),
        ("address", "https://127.0.0.1", "tunnel"),
        ("address", "http://bot.example.com", "plain http"),
        ("address", "javascript:alert(1)", "not the address of a server"),
        ("address", "", "not the address of a server"),
    ],
)
async def test_fields_that_will_not_do(client: httpx.AsyncClient, field: str, value: str, said: str) -> None:
    await enter(client)
    fields = {"name": "our bot", "organization": "", "public": "", "address": "https://bot.example.com"}
    answer = await client.post("/setup", data=fields | {field: value})
    assert answer.status_code == 422
    assert said in html.unescape(answer.text)
    assert "Create the GitHub App</button>" not in answer.text
    assert "<script>" not in answer.text
    assert "<details open>" in answer.text


@pytest.mark.anyio
async def test_fields_that_will_do(client: httpx.AsyncClient) -> None:
    await enter(client)
    fields = {"name": '"><b>&', "organization": "octo-org", "public": "yes", "address": "https://x.example/bot/"}
    answer = await client.post("/setup", data=fields)
    assert answer.status_code == 200
    assert '"><b>&' not in answer.text
    made = manifest(answer.text)
    assert (made["name"], made["public"]) == ('"><b>&', True)
    assert made["hook_attributes"] == {"url": "https://x.example/bot/webhooks/github", "active": True}
    assert "https://github.com/organizations/octo-org/settings/apps/new?state=" in answer.text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("http://bot.example.org", "https://bot.example.org"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://192.168.0.7:8000", "http://192.168.0.7:8000"),
    ],
)
async def test_the_address_is_the_one_that_the_browser_uses(tmp_path: Path, base: str, address: str) -> None:
    async with browser(context(tmp_path, public_url="", github_url="https://ghe.corp.example"), base) as client:
        page = await enter(client)
    assert f'name="address" value="{address}"' in page.text


@pytest.mark.anyio
async def test_a_server_with_its_app_makes_no_other(tmp_path: Path) -> None:
    known = context(tmp_path, ready=True, app_id="77", app_slug="our-bot")
    async with browser(known) as client:
        assert "our-bot" not in (await client.get("/setup")).text, "behind the gate"
        page = await enter(client)
        assert 'href="https://github.com/apps/our-bot"' in page.text
        assert 'href="https://github.com/apps/our-bot/installations/new"' in page.text
        assert "manifest" not in page.text
        assert "OPENAI_API_KEY" in page.text
        answer = await client.post("/setup", data={"name": "x", "address": "https://x.example"})
        assert "manifest" not in answer.text
        assert "our-bot" in (await client.get("/setup/callback?code=abc&state=x")).text


@pytest.mark.anyio
async def test_credentials_that_cannot_be_kept_are_said_before(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with browser(context(tmp_path / "file" / "x")) as client:
        page = await enter(client)
    assert page.status_code == 500
    assert "REVIEWBOT_DATA_DIR" in page.text
    assert "manifest" not in page.text
