"""The GitHub App is made in a browser: a real server, the sandbox's real manifest pages, and who follows the forms."""

from __future__ import annotations

import json
import logging
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from reviewbot.credentials import StoredApp, read_credentials
from reviewbot.github.manifest import EVENTS, PERMISSIONS
from reviewbot.sandbox.github import SandboxGitHub, create_app, running
from reviewbot.settings import read_settings
from webhooks.setup import SetupContext, setup_routes

WORD = "the-word-that-opens-it"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Forms(HTMLParser):
    """The forms of a page, with what their fields hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((given.get("method", "get"), given.get("action", ""), {}))
        chosen = given.get("type") != "radio" or "checked" in given
        if tag == "input" and self.found and "name" in given and chosen:
            self.found[-1][2][given["name"]] = given.get("value", "")


class Browser:
    """Follows links and sends forms, as somebody in front of a screen does."""

    def __init__(self) -> None:
        self.client = httpx.Client(follow_redirects=True, trust_env=False)
        self.page = httpx.Response(200)

    def open(self, url: str) -> Browser:
        self.page = self.client.get(url)
        return self

    def send(self, which: int = 0, **fields: str) -> Browser:
        method, action, known = Forms(self.page.text).found[which]
        assert method == "post"
        origin = f"{self.page.url.scheme}://{self.page.url.netloc.decode()}"
        target = urljoin(str(self.page.url), action)
        self.page = self.client.post(target, data=known | fields, headers={"Origin": origin})
        return self


@dataclass
class World:
    github: SandboxGitHub
    web: str
    folder: Path
    stack: ExitStack
    done: list[StoredApp] = field(default_factory=list)

    def server(self, **changes: Any) -> str:
        """A server that nobody has set up; its address."""
        known: dict[str, Any] = {"github_url": self.web, "api_url": self.web, "data_dir": self.folder}
        known |= {"public_url": "", "gate": WORD, "done": self.done.append, "ready": False}
        app = FastAPI()
        setup_routes(app, SetupContext(**(known | changes)))
        return self.stack.enter_context(running(app))

    def browser(self, bot: str) -> Browser:
        """Somebody who knows the word, in front of the button."""
        return self.in_stack(Browser()).open(f"{bot}/setup").send(word=WORD)

    def in_stack(self, made: Browser) -> Browser:
        self.stack.callback(made.client.close)
        return made

    @property
    def stored(self) -> StoredApp | None:
        return read_credentials(self.folder)


@pytest.fixture
def world(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[World]:
    caplog.set_level(logging.DEBUG)
    with ExitStack() as stack:
        github = SandboxGitHub({})
        stack.callback(github.close)
        made = World(github, stack.enter_context(running(create_app(github))), tmp_path / "data", stack)
        yield made
        if made.stored:
            assert made.stored.webhook_secret not in caplog.text
            assert "PRIVATE KEY" not in caplog.text


def clean(world: World, page: httpx.Response) -> httpx.Response:
    """The page, after a look for what it must not show."""
    assert "PRIVATE KEY" not in page.text
    assert world.stored is None or world.stored.webhook_secret not in page.text
    return page


def wait_until(found: Callable[[], object], seconds: float = 10.0) -> None:
    """Whoever set up is told after the answer to the browser."""
    end = time.monotonic() + seconds
    while not found() and time.monotonic() < end:
        time.sleep(0.02)


def test_from_the_word_to_the_credentials(world: World) -> None:
    bot = world.server()
    browser = world.browser(bot).send(0)
    assert browser.page.url.path == "/settings/apps/new", "GitHub's page"
    browser.send(0, name="Our Reviewer")
    page = clean(world, browser.page)
    assert (page.status_code, page.url.path) == (200, "/setup/callback")
    assert "The App is made" in page.text
    assert f'href="{world.web}/apps/our-reviewer/installations/new"' in page.text
    assert "OPENAI_API_KEY" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"

    path = world.folder / "github-app.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(world.folder.stat().st_mode) == 0o700
    kept, app = json.loads(path.read_text()), world.github.app
    assert (kept["app_id"], kept["slug"], kept["webhook_secret"]) == (str(app.id), "our-reviewer", app.webhook_secret)
    wait_until(lambda: world.done)
    assert world.done == [world.stored]
    assert dict(app.permissions) == dict(PERMISSIONS)
    assert app.events == tuple(EVENTS)
    assert app.hook_url == f"{bot}/webhooks/github"
    found = read_settings({"REVIEWBOT_DATA_DIR": str(world.folder)})
    assert found.require_app()[0] == str(app.id)
    assert (found.require_webhook_secrets(), found.app_slug) == ((app.webhook_secret,), "our-reviewer")


def test_with_fields_of_ones_own(world: World) -> None:
    bot = world.server()
    browser = world.browser(bot)
    browser.send(1, name="<b>Ours</b>", organization="acme", public="yes", address=bot)
    browser.send(0).send(0)
    assert "The App is made" in clean(world, browser.page).text
    assert "<b>Ours" not in browser.page.text
    assert world.github.app.owner.login == "acme"


def test_the_callback_again_is_the_same_page_also_after_a_restart(world: World) -> None:
    bot = world.server()
    browser = world.browser(bot).send(0).send(0)
    where = str(browser.page.url)
    asked = len(world.github.log)
    again = clean(world, browser.open(where).page)
    assert (again.status_code, "Install the App" in again.text) == (200, True)
    other = world.server(ready=True)
    after = clean(world, browser.open(where.replace(bot, other)).page)
    assert (after.status_code, "Install the App" in after.text) == (200, True)
    assert len(world.github.log) == asked, "GitHub is not asked again"
    wait_until(lambda: world.done)
    assert len(world.done) == 1
    page = clean(world, browser.open(f"{other}/setup").page)
    assert world.github.app.slug in page.text
    assert "manifest" not in page.text


@pytest.mark.parametrize("state", ["", "x", "1.2.3", "é", "%00", "9999999999.aa.bb"])
@pytest.mark.parametrize("inside", [True, False])
def test_a_state_that_is_not_ours(world: World, state: str, inside: bool) -> None:
    bot = world.server()
    browser = world.browser(bot) if inside else world.in_stack(Browser())
    page = browser.open(f"{bot}/setup/callback?code={'a' * 40}&state={state}").page
    assert page.status_code == 403
    assert "not begun on this server" in page.text
    assert world.github.log == [], "GitHub was not asked"
    assert world.stored is None
    page = browser.open(f"{bot}/setup/callback").page
    assert page.status_code == 403


def state_of(browser: Browser) -> str:
    target = Forms(browser.page.text).found[0][1]
    return parse_qs(urlsplit(target).query)["state"][0]


def test_a_code_that_is_used_or_none(world: World) -> None:
    bot = world.server()
    browser = world.browser(bot)
    state = state_of(browser)
    for code, status in (("a" * 40, 410), ("../../etc", 400), ("", 400)):
        page = browser.client.get(f"{bot}/setup/callback", params={"code": code, "state": state})
        assert page.status_code == status
        assert "start again at /setup" in page.text.lower()
        assert "a" * 40 not in page.text
    assert world.stored is None
    assert world.done == []


def test_github_away_and_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reviewbot.github.client._FIRST_PAUSE", 0.01)
    bot = world.server(api_url="http://127.0.0.1:9")
    browser = world.browser(bot).send(0).send(0)
    assert browser.page.status_code == 502
    assert "did not answer" in browser.page.text
    assert "load this page again" in browser.page.text
    back = world.server()
    browser.open(str(browser.page.url).replace(bot, back))
    assert "The App is made" in browser.page.text


def test_an_answer_that_is_lost_on_its_way(world: World) -> None:
    world.github.faults.add("/conversions$", "status-after-write:502")
    browser = world.browser(world.server()).send(0).send(0)
    assert browser.page.status_code == 502
    assert "it may be lost: delete the App there" in browser.page.text


def test_credentials_that_cannot_be_written_wait_for_the_next_try(world: World) -> None:
    bot = world.server()
    browser = world.browser(bot)
    state = state_of(browser)
    world.folder.rmdir()
    world.folder.write_text("in the way")
    browser.send(0).send(0)
    assert browser.page.status_code == 500
    world.folder.unlink()
    assert "load this page again" in browser.page.text
    assert state == parse_qs(browser.page.url.query.decode())["state"][0]
    page = clean(world, browser.open(str(browser.page.url)).page)
    assert "The App is made" in page.text
    wait_until(lambda: world.done)
    assert len(world.done) == 1


def test_two_set_ups_at_once(world: World) -> None:
    """Two tabs: the first App stays, the second is refused with what to do; also between two processes."""
    bot = world.server()
    one, two = world.browser(bot).send(0), world.browser(bot).send(0)
    one.send(0, name="one")
    two.send(0, name="two")
    assert one.page.status_code == 200
    assert two.page.status_code == 409
    assert "Delete the other one" in two.page.text
    assert world.stored is not None
    assert world.stored.slug == "one"
    wait_until(lambda: world.done)
    assert len(world.done) == 1


def test_many_callbacks_at_the_same_moment(world: World) -> None:
    bots = [world.server(), world.server()]
    browsers = [world.browser(bot).send(0) for bot in bots for _ in range(2)]
    start = threading.Barrier(len(browsers))

    def press(number: int) -> None:
        start.wait()
        browsers[number].send(0, name=f"app-{number}")

    threads = [threading.Thread(target=press, args=(number,)) for number in range(len(browsers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.stored is not None
    wait_until(lambda: world.done)
    assert world.done == [world.stored]
    assert {browser.page.status_code for browser in browsers} <= {200, 409}
    for browser in browsers:
        clean(world, browser.page)


def test_the_callback_under_another_name_of_the_server(world: World) -> None:
    """/setup was opened on the machine itself, GitHub leads back to the public address: there is no cookie there."""
    bot = world.server()
    public = bot.replace("127.0.0.1", "localhost")
    browser = world.browser(bot).send(1, address=public).send(0).send(0)
    assert browser.page.url.host == "localhost"
    assert "The App is made" in clean(world, browser.page).text


def test_a_broken_file_of_credentials_is_named_behind_the_gate_only(world: World) -> None:
    bot = world.server()
    browser = world.browser(bot)
    path = world.folder / "github-app.json"
    path.write_text("broken")
    path.chmod(0o600)
    assert "github-app.json" in browser.open(f"{bot}/setup").page.text
    assert browser.page.status_code == 500
    assert "github-app.json" not in world.in_stack(Browser()).open(f"{bot}/setup").page.text
    path.unlink()


def needed_chromium() -> str:
    if not CHROMIUM and os.environ.get("CI"):
        pytest.fail("There is no chromium, and CI is to look at the pages in one.")
    if not CHROMIUM:
        pytest.skip("There is no chromium on this machine.")
    return CHROMIUM


@pytest.mark.timeout(300)
def test_in_a_real_browser(world: World) -> None:
    """The whole way by mouse and keyboard: the content policy lets the forms through, and nothing is wider than a
    telephone."""
    path = needed_chromium()
    sync_api = pytest.importorskip("playwright.sync_api")
    bot, trouble = world.server(), []
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        try:
            page = chromium.new_page(viewport={"width": 360, "height": 720}, color_scheme="dark")
            page.on("pageerror", lambda error: trouble.append(str(error)))
            page.on("console", lambda said: trouble.append(said.text) if "Content Security" in said.text else None)

            def fits() -> None:
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url

            page.goto(f"{bot}/setup")
            fits()
            page.get_by_label("Admin token").fill("not it")
            page.keyboard.press("Enter")
            sync_api.expect(page.get_by_role("alert")).to_have_text("That is not the word.")
            page.get_by_label("Admin token").fill(WORD)
            page.get_by_role("button").click()
            sync_api.expect(page.get_by_role("heading", name="Create the GitHub App")).to_be_visible()
            fits()
            page.get_by_text("Change the name").click()
            page.get_by_label("App name").fill("Our Reviewer")
            page.get_by_label("Organisation").fill("octo-org")
            page.get_by_role("button", name="Use these").click()
            sync_api.expect(page.get_by_text("the organisation octo-org")).to_be_visible()
            page.get_by_role("button", name="Create the GitHub App").click()
            page.get_by_role("button", name="Create GitHub App for octo-org").click()
            sync_api.expect(page.get_by_role("heading", name="The App is made")).to_be_visible()
            fits()
            page.reload()
            sync_api.expect(page.get_by_role("link", name="Install the App")).to_be_visible()
            page.goto(f"{bot}/setup")
            sync_api.expect(page.get_by_role("heading", name="This server has its App")).to_be_visible()
            fits()
        finally:
            chromium.close()
    assert trouble == []
    assert world.stored is not None
    assert world.stored.slug == "our-reviewer"
    wait_until(lambda: world.done)
    assert len(world.done) == 1
