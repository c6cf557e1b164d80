"""The status page in a real browser, served by a real server on this machine.

Needs Chromium or Chrome: without one these tests are skipped, but in CI they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, Page, expect, sync_playwright

from reviewbot.board_fake import FakeBoard, empty_view, full_view
from reviewbot.errors import StoreError
from reviewbot.sandbox.loopback import running
from webhooks.dashboard.pages import add_dashboard

TOKEN = "the-token-for-the-browser"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
TELL = """addEventListener("securitypolicyviolation", e => console.error("forbidden: " + e.violatedDirective))"""
SECTIONS = ("Running", "Waiting", "Parked", "Troubles on GitHub", "Last reviews", "Last deliveries")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        reason = "there is no chromium, chromium-browser or google-chrome on the PATH"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}, and in CI the status page must be tested")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class World:
    """A server with its board, and a browser whose complaints are kept."""

    browser: Browser
    board: FakeBoard = field(default_factory=lambda: FakeBoard(full_view(datetime.now(UTC))))
    app: FastAPI = field(default_factory=FastAPI)
    complaints: list[str] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        add_dashboard(self.app, self.board, TOKEN, secure=False)

    @contextmanager
    def page(self, *, width: int = 1280, **options: Any) -> Iterator[Page]:
        context = self.browser.new_context(viewport={"width": width, "height": 700}, **options)
        context.set_default_timeout(20_000)
        context.add_init_script(TELL)
        if options.get("java_script_enabled", True):
            context.clock.install()
        page = context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text) if said.type != "log" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        try:
            yield page
        finally:
            context.close()

    def sign_in(self, page: Page) -> None:
        page.goto(self.url)
        page.get_by_label("Admin token").fill(TOKEN)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="reviewbot status")).to_be_visible()


@pytest.fixture
def world(browser: Browser) -> Iterator[World]:
    world = World(browser)
    with running(world.app) as url:
        world.url = url
        yield world


def is_wider_than_its_window(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def later(page: Page) -> None:
    """The time after which the page asks again has passed."""
    page.clock.run_for(5_500)


def test_who_signs_in_sees_all_sections(world: World) -> None:
    with world.page() as page:
        world.sign_in(page)
        for name in SECTIONS:
            expect(page.get_by_role("heading", name=name)).to_be_visible()
            expect(page.get_by_role("region", name=name)).to_be_visible()
        expect(page.get_by_role("status")).to_contain_text("2 running, 2 waiting, 1 parked")
        expect(page.get_by_role("list", name="Health").get_by_role("listitem")).to_have_count(3)
        bar = page.get_by_role("progressbar", name="octo/shop#42")
        assert (bar.get_attribute("value"), bar.get_attribute("max")) == ("3", "12")
        expect(page.get_by_role("row", name="octo/billing#3")).to_contain_text("no credit left")
        link = page.get_by_role("link", name="Review of octo/shop#41")
        assert link.get_attribute("href") == "https://github.com/octo/shop/pull/41#pullrequestreview-90"
        assert page.evaluate("document.cookie") == ""
        assert page.evaluate("getComputedStyle(document.body).maxWidth") == "1280px", "the style sheet is not applied"
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Admin token")).to_be_visible()
        page.goto(world.url)
        expect(page.get_by_label("Admin token")).to_be_visible()
    assert world.complaints == []


def test_a_wrong_token_is_told(world: World) -> None:
    with world.page() as page:
        page.goto(world.url)
        page.get_by_label("Admin token").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("The token is wrong.")
        expect(page.get_by_label("Admin token")).to_be_focused()
    assert all("403" in complaint for complaint in world.complaints)


def test_a_parked_job_is_retried(world: World) -> None:
    job = world.board.current.parked[0]
    with world.page() as page:
        world.sign_in(page)
        page.get_by_role("button", name="Retry github.com/octo/billing#3").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#notice")).to_have_text("The job gets a new round of tries.")
        expect(page.get_by_role("region", name="Parked")).to_contain_text("No job is parked.")
        expect(page.get_by_role("region", name="Waiting")).to_contain_text("octo/billing#3")
        assert urlsplit(page.url).query == "", "the notice would come again with a reload"
    assert world.board.retried == [job.id]
    assert world.complaints == []


def test_progress_comes_by_itself_and_disturbs_nobody(world: World) -> None:
    with world.page() as page:
        world.sign_in(page)
        retry = page.get_by_role("button", name="Retry")
        retry.focus()
        page.evaluate("scrollTo(0, 200)")
        view = world.board.current
        asking = replace(view.running[0], done=7)
        parked = replace(view.parked[0], error="Another error.")
        world.board.current = replace(view, running=(asking,), parked=(parked,), troubles=())
        later(page)
        expect(page.locator("#running progress").first).to_have_attribute("value", "7")
        expect(page.locator("#parked")).to_contain_text("Another error.")
        expect(page.locator("#troubles")).not_to_have_class("box wide warn")
        expect(retry).to_be_focused()
        assert page.evaluate("scrollY") == 200
        world.board.current = replace(world.board.current, parked=())
        later(page)
        expect(page.locator("#parked")).to_contain_text("No job is parked.")
        expect(page.locator("#parked h2")).to_be_focused()
    assert world.complaints == []


def test_the_page_says_when_it_is_not_up_to_date(world: World) -> None:
    stale = "Not up to date since"
    with ExitStack() as server, world.page() as page:
        world.url = server.enter_context(running(world.app))
        world.sign_in(page)
        since = page.locator("#asof").inner_text()
        expect(page.locator("#stale")).to_be_hidden()
        world.board.fault = StoreError("The job database does not answer.", remedy="Look at the disk.")
        later(page)
        expect(page.locator("#stale")).to_have_text(f"{stale} {since}: The job database does not answer.")
        world.board.fault = None
        server.close()
        later(page)
        expect(page.locator("#stale")).to_have_text(f"{stale} {since}: The server does not answer.")
        expect(page.get_by_role("region", name="Last reviews")).to_be_visible()
        with running(world.app, port=urlsplit(world.url).port or 0):
            later(page)
            expect(page.locator("#stale")).to_be_hidden()
    assert all("Failed to load resource" in complaint for complaint in world.complaints)


def test_a_page_whose_session_ended_goes_to_the_sign_in(world: World) -> None:
    with world.page() as page:
        world.sign_in(page)
        other = page.context.new_page()
        other.goto(world.url)
        other.get_by_role("button", name="Sign out").click()
        expect(other.get_by_label("Admin token")).to_be_visible()
        later(page)
        expect(page.get_by_label("Admin token")).to_be_visible()


def test_a_database_that_is_away_is_told_on_a_page(world: World) -> None:
    with world.page() as page:
        world.sign_in(page)
        world.board.fault = StoreError("The job database does not answer.", remedy="Look at the disk.")
        page.get_by_role("link", name="Refresh").click()
        expect(page.locator("main")).to_contain_text("The job database does not answer.")
        expect(page.locator("main")).to_contain_text("Look at the disk.")


@pytest.mark.parametrize("width", [360, 700, 901, 1280, 2560])
def test_nothing_is_wider_than_the_window(world: World, width: int) -> None:
    view = world.board.current
    word = "x" * 400
    job, run, line = (
        replace(view.parked[0], pr_key=word, error=word),
        replace(view.recent[0], target=word),
        view.deliveries[0],
    )
    health = (replace(view.health[2], name=word, detail=word),)
    long = replace(
        view, health=health, jobs=(replace(view.jobs[2], pr_key=word, error=word),), running=(replace(run, stage=word),),
        recent=(replace(run, error=word, verdict=word), *view.recent), parked=(job,), troubles=(job,),
        deliveries=(replace(line, event=word, repository=word, note=word), *view.deliveries),
    )  # fmt: skip
    with world.page(width=width) as page:
        page.goto(world.url)
        assert not is_wider_than_its_window(page)
        world.sign_in(page)
        for each in (view, long, empty_view(view.now)):
            world.board.current = each
            page.goto(world.url)
            assert not is_wider_than_its_window(page)
    assert world.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(world: World, scheme: Any) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1 between each text and what is behind it."""
    with world.page(color_scheme=scheme) as page:
        world.sign_in(page)
        assert page.evaluate(FAINT) == []
    with world.page(color_scheme=scheme) as page:
        page.goto(world.url)
        assert page.evaluate(FAINT) == []


FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const over = (color, [r, g, b]) => {  // the color as it is seen on an opaque ground
    canvas.fillStyle = `rgb(${r} ${g} ${b})`; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const ground = at => at ? over(getComputedStyle(at).backgroundColor, ground(at.parentElement)) : [255, 255, 255];
  const light = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
  return [...document.querySelectorAll("body *")].filter(at => at.checkVisibility()
      && [...at.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())).map(at => {
    const [a, b] = [light(over(getComputedStyle(at).color, ground(at))), light(ground(at))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), at.textContent.trim()];
  }).filter(([contrast]) => contrast < 4.5);
}"""


def test_it_works_without_scripts(world: World) -> None:
    with world.page(java_script_enabled=False) as page:
        world.sign_in(page)
        view = world.board.current
        world.board.current = replace(view, running=(replace(view.running[0], done=9),))
        page.get_by_role("link", name="Refresh").click()
        expect(page.locator("#running progress").first).to_have_attribute("value", "9")
        page.get_by_role("button", name="Retry").click()
        expect(page.locator("#notice")).to_have_text("The job gets a new round of tries.")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Admin token")).to_be_visible()
    assert len(world.board.retried) == 1
    assert world.complaints == []


def test_a_form_on_another_site_does_nothing(world: World) -> None:
    evil = FastAPI()
    job = world.board.current.parked[0]

    @evil.get("/")
    async def lure() -> HTMLResponse:
        form = f'<form method="post" action="{world.url}/jobs/{job.id}/retry"><input name="form_word"></form>'
        return HTMLResponse(f"{form}<a href='{world.url}'>status</a><script>document.forms[0].submit()</script>")

    with running(evil) as url, world.page() as page:
        world.sign_in(page)
        page.goto(url.replace("127.0.0.1", "localhost"))  # another site to a browser
        expect(page.locator("#sentence")).to_contain_text("The form does not come from this page.")
        page.get_by_role("link", name="Open the status page").click()
        expect(page.get_by_role("heading", name="reviewbot status")).to_be_visible()
    assert world.board.retried == []
